"""What is shown at a stop, as lines of parts with roles: the step, and the person's own source."""

from pathlib import PurePath

import numpy as np

from autodiff import Node
from autodiff.origin import EXPRESSION

from ..content import Line
from ..ledger import is_finite
from ..notation import formula, label, shorten
from ..text import WIDTH, Text, amount, step_lines
from .session import Session


def stop_lines(session: Session, width: int = WIDTH) -> list[Text]:
    """The current step of the pass, then the watches.

    >>> import autodiff as ad
    >>> from viz.debugger.session import Session
    >>> session = Session(ad.backprop(ad.Scalar(3.0, name="w") * 2))
    >>> session.enter(forward=True)
    >>> for line in stop_lines(session):
    ...     print("".join(part.text for part in line))
     forward 2 of 2
     ── node #2  mul   v₂ = w · 2    value 6.000
        w = 3.000
    """
    shown = forward_lines(session) if session.is_forward else step_lines(session.backward, width)
    return [*shown, *session.watched()]


def forward_lines(session: Session) -> list[Text]:
    """A step of the forward pass: the formula, the operands' values, and the value that they make."""
    node, nodes, cursor = session.node, session.nodes, session.forward
    source = node.source
    place = f"   {where(node)}" if source is not None else ""
    written = label(node) if node.is_leaf else f"{label(node)} = {formula(node, nodes)}"
    role = "forward" if is_finite(node.value) else "alarm"
    lines: list[Text] = [
        [Line(f" forward {cursor.position} of {len(cursor)}{place}", "quiet")],
        [
            Line(f" ── node #{node.id}  {shorten(node.op)}   ", "quiet"),
            Line(written, "text"),
            Line("    value ", "quiet"),
            Line(amount(node.value), role),
        ],
    ]
    for id in dict.fromkeys(node.operands):
        operand = nodes[id]
        if operand.op != "constant" or operand.name or np.shape(operand.value):
            role = "forward" if is_finite(operand.value) else "alarm"
            lines.append([Line(f"    {label(operand)} = ", "quiet"), Line(amount(operand.value), role)])
    return lines


def where(node: Node) -> str:
    """`loss.py:12   w*x + b`: file, line and the part that made the node; the part alone of an expression."""
    source = node.source
    if source is None:
        return ""
    part = shorten(source.part or source.text, 10_000)
    return part if source.file == EXPRESSION else f"{shorten(PurePath(source.file).name)}:{source.line}   {part}"


def source_lines(node: Node, context: int) -> list[Text]:
    """The lines around the one that recorded a node, that one marked, and its part underlined; empty if not known.

    Space that all lines begin with is left out.
    """
    source = node.source
    if source is None:
        return []
    every = source.lines()
    last = source.end_line or source.line
    if not 0 < source.line <= len(every):
        return [[Line(f" {where(node)}", "text")]]
    title = "" if source.file == EXPRESSION else f" {source.file}:{source.line}"
    lines: list[Text] = [[Line(title, "quiet")]] if title else []
    shown = range(max(1, source.line - context), min(len(every), last + context) + 1)
    width = len(str(shown[-1]))
    texts = [_plain(every[number - 1]) for number in shown]
    margin = min((len(text) - len(text.lstrip()) for text in texts if text.strip()), default=0)
    for number, text in zip(shown, (text[margin:] for text in texts), strict=True):
        inside = source.line <= number <= last
        mark = "→" if inside else " "
        lines.append([Line(f" {number:>{width}} {mark} ", "quiet"), Line(text, "text" if inside else "quiet")])
        if inside and source.column is not None and source.end_column is not None:
            indent = len(text) - len(text.lstrip())
            start = source.column - margin if number == source.line else indent
            end = source.end_column - margin if number == last else len(text)
            if start < end and text.strip():
                lines.append([Line(" " * (width + 4 + start), "quiet"), Line("─" * (end - start), "backward")])
    return lines


def _plain(text: str) -> str:
    """A line of a file without what a terminal would take for commands; tabs as one space, as columns count them."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "�" for c in text.rstrip("\r\n"))
