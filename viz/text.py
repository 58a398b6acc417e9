"""Steps and gradients as lines of text. Each line is a list of parts with a role, so that a terminal can colour it."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from autodiff import BackwardStep, BackwardTrace, Graph, Node
from autodiff.origin import EXPRESSION

from .ledger import is_finite
from .notation import formula, label, shorten
from .numbers import norm, number
from .stepper import Arrival, Stepper
from .view import SMALL, Line, local_line, product_line, total

Text = list[Line]
WIDTH = 110  # where lines break in a pipe, so that logs stay readable


def step_lines(stepper: Stepper, width: int = WIDTH) -> list[Text]:
    """The current step: where the walk is, the node, and one line per message with the running sum it makes.

    >>> import autodiff as ad
    >>> stepper = Stepper(ad.backprop(ad.Scalar(3.0, name="w") * ad.Scalar(2.0, name="x")))
    >>> _ = stepper.next()
    >>> for line in step_lines(stepper):
    ...     print("".join(part.text for part in line))
     backward 1 of 3
     ── node #2  mul   v₂ = w · x    value 6.000    upstream ∂v₂/∂v₂ = 1.000
        to w:  ∂v₂/∂w = x = 2.000    1.000 × 2.000 = 2.000    ∂v₂/∂w: — + 2.000 = 2.000
        to x:  ∂v₂/∂x = w = 3.000    1.000 × 3.000 = 3.000    ∂v₂/∂x: — + 3.000 = 3.000
    """
    if stepper.current is None:
        return [[Line(f" before the first of {len(stepper)} steps", "quiet")]]
    head = _head(stepper.position, len(stepper), stepper.current.node, width)
    return [head, *told(stepper.trace.graph, stepper.current, stepper.arrivals, width)]


def told(graph: Graph, step: BackwardStep, arrivals: Iterable[Arrival], width: int) -> list[Text]:
    """A step without where the walk is: the node, and one line per message with the running sum it makes."""
    nodes, node = graph.nodes, step.node
    target = label(graph.outputs[0])
    written = label(node) if node.is_leaf else f"{label(node)} = {formula(node, nodes)}"
    lines = _columns(
        [Line(" ── ", "quiet"), Line(f"node #{node.id}  {shorten(node.op)}   ", "quiet"), Line(written, "text")],
        [
            [Line("value ", "quiet"), Line(amount(node.value), _role(node.value, "forward"))],
            [
                Line("gradient " if node.is_leaf else "upstream ", "quiet"),
                Line(f"∂{target}/∂{label(node)} = {amount(step.upstream)}", _role(step.upstream, "backward")),
            ],
        ],
        width,
    )
    rows = []
    for position, (message, before) in enumerate(arrivals):
        if message.message is None:
            continue
        operand = label(nodes[message.operand])
        role = _role(message.message, "backward")
        arrived = f"∂{target}/∂{operand}: {_sum(before, message.message, message.total)}"
        rows.append(
            (
                [Line(f"    to {operand}:  ", "quiet"), Line(local_line(node, position, nodes, message), "text")],
                [
                    [Line(product_line(message, step.upstream, "="), role)],
                    [Line(arrived, _role(message.total, "backward"))],
                ],
            )
        )
    widths = [
        max((_length(first) for first, _ in rows), default=0),
        max((len(rest[0][0].text) for _, rest in rows), default=0),
    ]
    for first, rest in rows:
        lines += _columns(first, rest, width, widths)
    return lines


def _head(position: int, count: int, node: Node, width: int) -> Text:
    head = f" backward {position} of {count}"
    if node.source is None:
        return [Line(head, "quiet")]
    is_long = node.source.end_line not in (None, node.source.line)  # of several lines the first alone misleads
    written = node.source.part if is_long and node.source.part else node.source.text
    place = f"{PurePath(node.source.file).name}:{node.source.line}   {written}"
    if node.source.file == EXPRESSION:
        place = written
    place = shorten(place, 10_000)
    gap = max(3, 51 - len(head)) if width >= 80 else 3
    room = max(10, width - len(head) - gap)
    return [
        Line(head, "quiet"),
        Line(" " * gap, "quiet"),
        Line(place if len(place) <= room else place[: room - 1] + "…", "quiet"),
    ]


def _columns(first: Text, rest: list[Text], width: int, widths: Sequence[int] = ()) -> list[Text]:
    """One line of columns, or, where they do not fit the width, one line per column."""
    if not width:
        return [list(first), *([Line("       ", "quiet"), *column] for column in rest)]
    pads = [*widths, 0, 0][: len(rest)]
    line, used = list(first), _length(first)
    for column, pad in zip(rest, pads, strict=True):
        line.append(Line(" " * (max(0, pad - used) + 4), "quiet"))
        line += column
        used = _length(column)
    if _length(line) <= width:
        return [line]
    return [list(first), *([Line("       ", "quiet"), *column] for column in rest)]


def _length(text: Text) -> int:
    return sum(len(part.text) for part in text)


def amount(value: Any) -> str:
    """A number as it is; a small array by its numbers, `[1.000 2.000]`; a larger one by its norm and shape.

    >>> amount(np.ones((2, 2))), amount(np.ones((30, 10)))
    ('[1.000 1.000; 1.000 1.000]', '‖·‖ = 17.32 (30 × 10)')
    """
    if value is None:
        return "—"
    if isinstance(value, float) or np.shape(value) == ():
        return number(value)
    array = np.asarray(value)
    if 0 < array.size <= SMALL and array.ndim <= 2:
        rows = [" ".join(number(x) for x in row) for row in np.atleast_2d(array)]
        return f"[{'; '.join(rows)}]"
    return f"‖·‖ = {number(norm(array))} ({' × '.join(map(str, array.shape))})"


def _sum(before: Any, message: Any, result: Any) -> str:
    """`0.500 + 1.500 = 2.000`; the sum alone where a term is not a number or is too large to show."""
    if before is None:
        return f"— + {amount(message)} = {amount(result)}" if np.shape(result) == () else amount(result)
    if np.shape(result) == ():
        return f"{total([number(before), number(message)])} = {number(result)}"
    return f"sum so far {amount(result)}"


def _role(value: Any, role: str) -> str:
    return role if is_finite(value) else "alarm"


def gradient_rows(trace: BackwardTrace) -> list[tuple[str, str, str]]:
    """Name, value and gradient of every input and parameter, as text."""
    return [(label(node), amount(node.value), amount(trace.cotangents.get(node.id))) for node in trace.graph.inputs]
