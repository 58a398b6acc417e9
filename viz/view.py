"""The view: what a drawing says, as plain data. Renderers turn it into DOT, text and the rest and decide nothing.

A card per node, an edge per operand, a box per scope. The numbers on an edge are those of the recorded walk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Graph, Message, Node

from .notation import derivative, formula, label, shorten, sign
from .numbers import histogram, norm, number

PER_LINE = 5  # numbers on one line of a card
SMALL = 9  # tensors of at most this many numbers show them
MAX_NODES = 200  # a drawing shows at most so many nodes; what it leaves out it says


class Line(NamedTuple):
    """A line of text with the role that colours it: "text", "quiet", "forward", "backward" or "alarm"."""

    text: str
    role: str


class Row(NamedTuple):
    """A row of a card: what it is, and its text."""

    label: str
    line: Line


@dataclass(frozen=True)
class Card:
    """One node. `kind` is input, parameter, constant or operation."""

    id: int
    kind: str
    sign: str
    title: str
    rows: tuple[Row, ...]
    scope: str
    is_output: bool
    is_alarm: bool
    tooltip: str


@dataclass(frozen=True)
class Edge:
    """From an operand to the node that uses it; `lines` is the ledger: local derivative, then message."""

    source: int
    target: int
    position: int
    lines: tuple[Line, ...]
    is_alarm: bool


@dataclass(frozen=True)
class View:
    """A drawing's whole content."""

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    description: str
    has_gradients: bool
    note: str = ""

    @property
    def kinds(self) -> list[str]:
        """The kinds of card that occur, for the legend."""
        present = {card.kind for card in self.cards}
        return [kind for kind in ("input", "parameter", "constant", "operation") if kind in present]


def view(subject: Any) -> View:
    """The view of a value, a graph or a trace. A value with one element is drawn with its gradients.

    Raises GraphError for anything else.
    """
    if isinstance(subject, Graph):
        return _build(subject, None)
    if not isinstance(subject, BackwardTrace):
        graph = Graph.of(subject)
        if np.size(graph.outputs[0].value) != 1 or not subject.requires_grad:
            return _build(graph, None)
        subject = ad.backprop(subject)
    return _build(subject.graph, subject)


def _build(graph: Graph, trace: BackwardTrace | None) -> View:
    nodes = graph.nodes
    outputs = {node.id for node in graph.outputs}
    target = label(graph.outputs[0]) if graph.outputs else ""
    sums = received(trace) if trace else {}
    scopes = scopes_of(nodes)
    shown = {node.id for node in nodes[-MAX_NODES:]} | outputs
    cards = tuple(
        _card(node, nodes, trace, sums.get(node.id, ()), target, scopes[node.id], node.id in outputs)
        for node in nodes
        if node.id in shown
    )
    messages = {step.node.id: step.messages for step in trace.steps} if trace else {}
    edges = tuple(
        _edge(node, position, nodes, messages.get(node.id), trace)
        for node in nodes
        for position, operand in enumerate(node.operands)
        if node.id in shown and operand in shown
    )
    hidden = len(nodes) - len(cards)
    return View(
        cards,
        edges,
        title=f"{target} and its gradients" if trace else target,
        description=_describe(graph, trace, target),
        has_gradients=trace is not None,
        note=f"{hidden} earlier nodes of {len(nodes)} are not shown" if hidden else "",
    )


def received(trace: BackwardTrace) -> dict[int, list[Any]]:
    """The messages each node received, in the order of the walk."""
    sums: dict[int, list[Any]] = {}
    for step in trace.steps:
        for message in step.messages:
            if message.message is not None:
                sums.setdefault(message.operand, []).append(message.message)
    return sums


def scopes_of(nodes: Sequence[Node]) -> list[str]:
    """The scope each node is drawn in: its own; for a leaf made outside any scope, the one that all its users share."""
    scopes = [node.scope for node in nodes]
    users: dict[int, list[str]] = {}
    for node in nodes:
        for operand in node.operands:
            users.setdefault(operand, []).append(node.scope)
    for node in nodes:
        if node.is_leaf and not node.scope and node.id in users and node.op != "input":
            scopes[node.id] = shared_scope(users[node.id])
    return scopes


def shared_scope(scopes: Sequence[str]) -> str:
    """The innermost scope that contains all of these.

    >>> shared_scope(["mlp/linear1", "mlp/linear2"])
    'mlp'
    """
    parts = [scope.split("/") if scope else [] for scope in scopes]
    common = 0
    while all(len(p) > common for p in parts) and len({p[common] for p in parts}) == 1:
        common += 1
    return "/".join(parts[0][:common])


def kind_of(node: Node) -> str:
    """input, parameter, constant or operation."""
    return node.op if node.is_leaf else "operation"


def _card(
    node: Node,
    nodes: Sequence[Node],
    trace: BackwardTrace | None,
    messages: Sequence[Any],
    target: str,
    scope: str,
    is_output: bool,
) -> Card:
    name, written = label(node), formula(node, nodes)
    g = trace.cotangents.get(node.id) if trace else None
    value_role = "alarm" if not _is_finite(node.value) else "forward"
    rows = [*_value_rows(node.value, node.shape, node.dtype, value_role)]
    if node.op == "constant" and node.name is None and node.shape == ():
        rows = []
    if node.op != "constant":
        role = "alarm" if g is not None and not _is_finite(g) else "backward"
        rows += _gradient_rows(f"∂{target}/∂{name}", g, messages, role)
    return Card(
        id=node.id,
        kind=kind_of(node),
        sign="" if node.is_leaf or written.startswith(sign(node)) else sign(node),
        title=name if node.is_leaf else f"{name} = {written}",
        rows=tuple(rows),
        scope=scope,
        is_output=is_output,
        is_alarm=any(row.line.role == "alarm" for row in rows),
        tooltip=f"#{node.id} {shorten(node.op)}" + (f" {shorten(node.name, 80)}" if node.name else ""),
    )


def _is_finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def _value_rows(value: Any, shape: tuple[int, ...], dtype: str, role: str) -> list[Row]:
    if shape == ():
        return [Row("value", Line(number(value), role))]
    array = np.asarray(value)
    head = Row("shape", Line(f"{' × '.join(map(str, shape))}  {dtype}", "quiet"))
    return [head, *_array_rows("value", array, role)]


def _array_rows(name: str, array: Any, role: str) -> list[Row]:
    """The numbers of a small array, row by row; of a larger one minimum, mean ± deviation, maximum and histogram."""
    if array.size == 0:
        return [Row(name, Line("empty", role))]
    if array.size <= SMALL:
        numbers = [number(x) for x in array.ravel()]
        width = max(len(text) for text in numbers)
        per_line = min(array.shape[-1] if array.ndim else 1, PER_LINE)
        table = [numbers[i : i + per_line] for i in range(0, array.size, per_line)]
        full = per_line * (width + 2) - 2
        lines = ["  ".join(text.rjust(width) for text in row).ljust(full) for row in table]
        return [Row(name if i == 0 else "", Line(line, role)) for i, line in enumerate(lines)]
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return [Row(name, Line(f"all {number(values.ravel()[0])}", role))]
    bad = values.size - finite.size
    rows = [
        Row(name, Line(f"{number(finite.mean())} ± {number(finite.std())}", role)),
        Row("min … max", Line(f"{number(finite.min())} … {number(finite.max())}", role)),
        Row("", Line(histogram(finite), role)),
    ]
    if bad:
        rows.append(Row("", Line(f"{bad} of {values.size} are NaN or inf", "alarm")))
    return rows


def _gradient_rows(name: str, g: Any, messages: Sequence[Any], role: str) -> list[Row]:
    if g is None:
        return [Row(name, Line("—", "backward"))]
    if np.shape(g) == ():
        if len(messages) < 2:
            return [Row(name, Line(number(g), role))]
        parts = [number(m) for m in messages[:MOST_SUMMANDS]]
        hidden = len(messages) - len(parts)
        written = total(parts) + (f" + {hidden} more" if hidden else "")
        if len(parts) == 2:
            return [Row(name, Line(f"{written} = {number(g)}", role))]
        return [Row(name, Line(written, role)), Row("", Line(f"= {number(g)}", role))]
    rows = _array_rows(name, np.asarray(g), role)
    if len(messages) > 1:
        rows.append(Row("", Line(f"sum of {len(messages)} messages", role)))
    if np.size(g) > SMALL:
        rows.append(Row("norm", Line(number(norm(g)), role)))
    return rows


MOST_SUMMANDS = 4


def total(parts: Sequence[str]) -> str:
    """A sum as it is written by hand.

    >>> total(["1.000", "−2.000", "inf"])
    '1.000 − 2.000 + inf'
    """
    return parts[0] + "".join(f" − {part[1:]}" if part.startswith("−") else f" + {part}" for part in parts[1:])


def _edge(
    node: Node, position: int, nodes: Sequence[Node], messages: Sequence[Message] | None, trace: BackwardTrace | None
) -> Edge:
    operand = node.operands[position]
    message = messages[position] if messages else None
    if trace is None or message is None or message.message is None:
        return Edge(operand, node.id, position, (), False)
    lines = ledger(node, position, nodes, message, trace.cotangents[node.id])
    return Edge(operand, node.id, position, lines, not _is_finite(message.message))


def ledger(node: Node, position: int, nodes: Sequence[Node], message: Message, upstream: Any) -> tuple[Line, ...]:
    """The chain rule on one edge: `∂h/∂w = x = 2.000`, then `0.750 × 2.000 → 1.500`. For arrays the rule and a norm."""
    role = "backward" if _is_finite(message.message) else "alarm"
    local = local_line(node, position, nodes, message)
    return (Line(local, "quiet"), Line(product_line(message, upstream, "→"), role))


def local_line(node: Node, position: int, nodes: Sequence[Node], message: Message) -> str:
    """`∂h/∂w = x = 2.000`; the rule alone where there is no single number."""
    symbol = derivative(node, position, nodes)
    if message.local is None:
        return symbol
    left = f"∂{label(node)}/∂{label(nodes[node.operands[position]])}"
    if np.size(message.local) != 1:
        return f"{left} = {symbol}"
    value = number(np.asarray(message.local).item())
    if symbol.startswith("∂"):
        return f"{left} = {value}"
    same = symbol in (value, value.removesuffix(".000"))
    return f"{left} = {symbol}" if same else f"{left} = {symbol} = {value}"


def product_line(message: Message, upstream: Any, arrow: str) -> str:
    """`0.750 × 2.000 → 1.500`; for arrays the norm of the message."""
    if np.shape(message.message) != () or np.size(upstream) != 1:
        return f"‖message‖ = {number(norm(message.message))}"
    if message.local is None or np.size(message.local) != 1:
        return f"{arrow} {number(np.asarray(message.message).item())}"
    g, local, product = (number(np.asarray(x).item()) for x in (upstream, message.local, message.message))
    return f"{g} × {local} {arrow} {product}"


def _describe(graph: Graph, trace: BackwardTrace | None, target: str) -> str:
    """The drawing in words, for people who cannot see it."""
    operations = sum(not node.is_leaf for node in graph.nodes)
    text = f"Computation of {target} from {len(graph.inputs)} inputs in {operations} operations."
    if trace is None:
        return text
    gradients = [
        f"∂{target}/∂{label(node)} = {number(trace.cotangents[node.id])}"
        for node in graph.inputs
        if node.shape == () and node.id in trace.cotangents
    ]
    return " ".join([text, *([f"Gradients: {'; '.join(gradients[:12])}."] if gradients else [])])
