"""What stands on a card: the rows of a node and of a group, and a value as a small picture."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from autodiff import BackwardTrace, Cause, Node
from autodiff.origin import EXPRESSION

from .content import Card, Line, Row
from .fold import Group
from .ledger import is_finite, total
from .notation import formula, is_parameter, label, shorten, sign
from .numbers import histogram, norm, number
from .thumbnails import Size, pixels

PER_LINE = 5  # numbers on one line of a card, at most
MOST_LINES = 4  # of numbers
SMALL = 9  # tensors of at most this many numbers show them
MOST_SUMMANDS = 4
SOURCE_LENGTH = 40
CAUSE_LENGTH = 60


def kind_of(node: Node) -> str:
    """input, parameter, constant or operation."""
    return "parameter" if is_parameter(node) else node.op if node.is_leaf else "operation"


def node_card(
    node: Node,
    nodes: Sequence[Node],
    trace: BackwardTrace | None,
    messages: Sequence[Any],
    target: str,
    group: Group,
    is_output: bool,
    image: Size | None = None,
) -> Card:
    """The card of one node: its name and formula, its value, and its gradient with the sum that made it.

    image  height and width, where the value is marked as an image
    """
    name, written = label(node), formula(node, nodes)
    g = trace.cotangents.get(node.id) if trace else None
    width = number_width(node, g)
    rows = [*_value_rows(node, width)]
    if node.op == "constant" and node.name is None and node.shape == ():
        rows = []
    if node.params.get("frozen"):
        rows.append(Row("", Line("frozen: not trained", "quiet"), ()))
    elif node.op != "constant":
        rows += gradient_rows(f"∂{target}/∂{name}", g, messages, width)
    if node.source is not None:
        rows.append(Row("", Line(_source(node), "quiet"), ("source",)))
    return Card(
        id=node.id,
        kind=kind_of(node),
        sign="" if node.is_leaf or written.startswith(sign(node)) else sign(node),
        title=name if node.is_leaf else f"{name} = {written}",
        rows=tuple(rows),
        scope=group.scope,
        is_output=is_output,
        is_alarm=any(row.line.role == "alarm" for row in rows),
        tooltip=f"#{node.id} {shorten(node.op)}" + (f" {shorten(node.name, 80)}" if node.name else ""),
        members=group.members,
        image=pixels(node, image),
    )


def group_card(
    group: Group, nodes: Sequence[Node], trace: BackwardTrace | None, sent_out: Sequence[Any], arriving: Sequence[Any]
) -> Card:
    """The card of folded nodes: how many they are, their parameters, and the gradient that comes in and goes out.

    arriving  the cotangents of the members that are used outside
    sent_out  the messages to nodes outside
    """
    members = [nodes[i] for i in group.members]
    operations = sum(not node.is_leaf for node in members)
    parameters = [node for node in members if is_parameter(node)]
    what = f"{operations} operations" if operations else f"{len(members)} values"
    rows = [Row("folded", Line(what, "quiet"), ())]
    if parameters:
        count = sum(np.size(node.value) for node in parameters)
        rows.append(Row("parameters", Line(f"{count:,}", "quiet"), ()))
    bad = sum(not is_finite(node.value) for node in members)
    if bad:
        rows.append(Row("", Line(f"{bad} with NaN or inf", "alarm"), ()))
    if trace is not None and operations:
        for name, gradients in (("‖∂‖ in", arriving), ("‖∂‖ out", sent_out)):
            size = norm(np.concatenate([np.ravel(np.asarray(g)) for g in gradients])) if gradients else None
            text = "—" if size is None else number(size)
            rows.append(Row(name, Line(text, _role(size, "backward")), ("gradient",)))
    return Card(
        id=next((node.id for node in reversed(members) if not node.is_leaf), members[-1].id),
        kind="group",
        sign=f"× {group.repeat}" if group.repeat > 1 else "",
        title=group.title,
        rows=tuple(rows),
        scope=group.scope,
        is_output=False,
        is_alarm=any(row.line.role == "alarm" for row in rows),
        tooltip=f"{group.title}: #{members[0].id} to #{members[-1].id}",
        members=group.members,
        repeat=group.repeat,
    )


def with_cause(card: Card, cause: Cause) -> Card:
    """The card on which NaN or infinity began, marked as such."""
    row = Row("first cause", Line(shorten(cause.equation, CAUSE_LENGTH), "alarm"), ())
    return replace(card, rows=(row, *card.rows), is_alarm=True)


def _source(node: Node) -> str:
    assert node.source is not None
    text = shorten(node.source.text, SOURCE_LENGTH)
    if node.source.file == EXPRESSION:
        return text
    return f"{shorten(PurePath(node.source.file).name)}:{node.source.line}  {text}"


def _role(value: Any, role: str) -> str:
    return role if value is None or is_finite(value) else "alarm"


def number_width(node: Node, g: Any) -> int:
    """The width of a column of a card: its value and its gradient `g` stand one below the other, number by number."""
    arrays = [np.asarray(node.value), *([] if g is None or np.shape(g) != node.shape else [np.asarray(g)])]
    return max((len(number(x)) for array in arrays if array.size <= SMALL for x in array.ravel()), default=0)


def _value_rows(node: Node, width: int = 0) -> list[Row]:
    role = _role(node.value, "forward")
    if node.shape == ():
        return [Row("value", Line(number(node.value), role))]
    shape = Row("shape", Line(f"{' × '.join(map(str, node.shape))}  {node.dtype}", "quiet"), ("shape",))
    return [shape, *_array_rows("value", np.asarray(node.value), role, "value", width)]


def _array_rows(name: str, array: Any, role: str, field: str, column: int = 0) -> list[Row]:
    """The numbers of a small array, row by row; of a larger one minimum, mean ± deviation, maximum and histogram.

    column  the least width of a number
    """
    if array.size == 0:
        return [Row(name, Line("empty", role), (field,))]
    if array.size <= SMALL:
        numbers = [number(x) for x in array.ravel()]
        width = max(column, *(len(text) for text in numbers))
        length = array.shape[-1] if array.ndim else 1
        if array.size // length > MOST_LINES:  # a column, which the shape says; in lines it takes less room
            length = array.size
        per_line = -(-length // -(-length // PER_LINE))  # on as few lines as can be, and these about equally long
        table = [numbers[i : i + per_line] for i in range(0, array.size, per_line)]
        full = per_line * (width + 2) - 2
        lines = ["  ".join(text.rjust(width) for text in row).ljust(full) for row in table]
        return [Row(name if i == 0 else "", Line(line, role), (field,)) for i, line in enumerate(lines)]
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return [Row(name, Line(f"all {number(values.ravel()[0])}", role), (field,))]
    bad = values.size - finite.size
    rows = [
        Row(name, Line(spread(finite), role), (field, "mean")),
        Row("min … max", Line(f"{number(finite.min())} … {number(finite.max())}", role), (field, "stats")),
        Row("", Line(histogram(finite), role), (field, "histogram")),
    ]
    if bad:
        rows.append(Row("", Line(f"{bad} of {values.size} are NaN or inf", "alarm"), (field,)))
    return rows


def spread(values: np.ndarray) -> str:
    """Mean ± standard deviation; of a mean that the deviation drowns, no digit that says nothing.

    >>> spread(np.array([1.0, 3.0])), spread(np.array([1.0, -1.0]) + 1e-9)
    ('2.000 ± 1.000', '0.000 ± 1.000')
    """
    mean, deviation = float(values.mean()), float(values.std())
    return f"{number(0.0 if abs(mean) < 5e-4 * deviation else mean)} ± {number(deviation)}"


def gradient_rows(name: str, g: Any, messages: Sequence[Any], column: int = 0) -> list[Row]:
    """The rows of a gradient, with the sum of messages that made it; `column` is the least width of a number."""
    shown = ("gradient",)
    if g is None:
        return [Row(name, Line("—", "backward"), shown)]
    role = _role(g, "backward")
    if np.shape(g) == ():
        if len(messages) < 2:
            return [Row(name, Line(number(g), role), shown)]
        parts = [number(m) for m in messages[:MOST_SUMMANDS]]
        hidden = len(messages) - len(parts)
        written = total(parts) + (f" + {hidden} more" if hidden else "")
        if len(parts) == 2:
            return [Row(name, Line(f"{written} = {number(g)}", role), shown)]
        return [Row(name, Line(written, role), shown), Row("", Line(f"= {number(g)}", role), shown)]
    rows = _array_rows(name, np.asarray(g), role, "gradient", column)
    if len(messages) > 1:
        rows.append(Row("", Line(f"sum of {len(messages)} messages", role), shown))
    if np.size(g) > SMALL:
        rows.append(Row("norm", Line(number(norm(g)), role), shown))
    return rows
