"""A drawing as text for a terminal: layered boxes where they fit, else a tree; lines never exceed the width."""

import textwrap
from collections.abc import Iterator
from typing import Any

from autodiff.errors import SettingError

from .boxes import boxes
from .cells import cut, flow, pad, visible
from .cells import width as cells
from .extract import latest
from .legend import Marks, legend, sample_name
from .tree import ALARM, BULLETS, MESSAGE, RESULT, name_of, tree
from .view import View, view

LEAST_WIDTH = 40
MAX_CARDS = 1000  # more lines than anyone reads


def to_text(subject: Any, *, width: int = 100) -> str:
    """A value, graph, trace or view as plain text of at most `width` columns, 40 or more.

    A small graph is drawn as boxes, operands above what uses them, with the ledger of each edge in a list below;
    one that does not fit is a tree, the result on top and the ledger on each branch.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(2.0, name="w"), ad.Scalar(-1.0, name="x")
    >>> print(to_text(w * x, width=60), end="")
    v₂ and its gradients
    <BLANKLINE>
    ┌─ w ────────────┐  ┌─ x ───────────┐
    │ value    2.000 │  │ value  −1.000 │
    │ ∂v₂/∂w  −1.000 │  │ ∂v₂/∂x  2.000 │
    └────────┬───────┘  └───────┬───────┘
             ╰──────╮    ╭──────╯
                    ▼    ▼
              ┏━ × v₂ = w · x ━┓
              ┃ value   −2.000 ┃
              ┃ ∂v₂/∂v₂  1.000 ┃
              ┗━━━━━━━━━━━━━━━━┛
    <BLANKLINE>
    w → v₂   ∂v₂/∂w = x = −1.000   1.000 × −1.000 → −1.000
    x → v₂   ∂v₂/∂x = w = 2.000    1.000 × 2.000 → 2.000
    <BLANKLINE>
    ┌─┐ input   ╭─╮ operation
    value: forward pass
    ∂: backward pass, message = upstream g × local derivative
    heavy border: the result

    Raises SettingError for a width that is too small.
    """
    if width < LEAST_WIDTH:
        raise SettingError(f"a drawing as text needs a width of at least {LEAST_WIDTH} columns, not {width}")
    content = subject if isinstance(subject, View) else view(subject)
    content = latest(content, MAX_CARDS, "of so long a text")
    return "\n".join(line.rstrip() for line in _lines(content, width)) + "\n"


def _lines(content: View, width: int) -> Iterator[str]:
    yield cut(visible(content.title), width)
    yield ""
    drawn = boxes(content, width)
    if drawn is not None:
        yield from drawn
        yield from _ledgers(content, width)
        samples, marks = BOX_SAMPLES, Marks(result="heavy border", alarm="double border")
    else:
        yield from tree(content, width)
        samples, marks = BULLETS, Marks(result=RESULT, alarm=ALARM, together=True)
    yield ""
    yield from flow([f"{samples[kind]} {sample_name(kind)}" for kind in content.kinds], width, width)
    for line in legend(content, marks):
        yield from _wrapped(visible(line.text), width)
    if drawn is None and content.has_gradients:
        yield cut(f"{MESSAGE}: the message to the operand below", width)


def _wrapped(text: str, width: int) -> Iterator[str]:
    yield from (cut(line, width) for line in textwrap.wrap(text, width, subsequent_indent="  ") or [""])


BOX_SAMPLES = {"input": "┌─┐", "parameter": "╓─╖", "constant": "┌╌┐", "operation": "╭─╮", "group": "┎─┒"}


def _ledgers(content: View, width: int) -> Iterator[str]:
    """A line per edge in columns; in lines of their own where they are too wide."""
    names = {card.id: visible(name_of(card)) for card in content.cards}
    rows = [
        (f"{names[edge.source]} → {names[edge.target]}", *(visible(line.text) for line in edge.lines))
        for edge in content.edges
        if edge.lines
    ]
    if not rows:
        return
    yield ""
    count = max(map(len, rows))
    widths = [max(cells(row[i]) for row in rows if i < len(row)) for i in range(count)]
    if sum(widths) + 3 * (count - 1) <= width:
        yield from ("   ".join(pad(text, widths[i]) for i, text in enumerate(row)) for row in rows)
        return
    for row in rows:
        yield cut(row[0], width)
        yield from (f"  {line}" for line in flow(row[1:], width - 2, width - 2))
