"""Reverse mode: the one walk over the graph that applies the chain rule, and what is made of it.

Values are visited from the output back, in reverse recording order. Each has by then received every message from the
values that used it; their sum is its cotangent g. It sends each of its operands

    message = g × ∂value/∂operand

and that is all there is to backpropagation (Linnainmaa 1970; Rumelhart, Hinton & Williams 1986).
`backward`, the transforms, the debugger and every picture use this walk.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import GradientError, RuleError, ShapeError
from .graph import Graph, Node, freeze
from .ops import where
from .ops.shape import astype, sum_to
from .primitive import Elementwise
from .tape import Value, enable_grad, no_grad, topological


class Message(NamedTuple):
    """What one operand was sent: `local` derivative (None unless elementwise), `message`, and the sum so far, `total`.

    For an operand that takes no gradient, a constant or a condition, all three are None.
    """

    operand: int
    local: Any
    message: Any
    total: Any


class BackwardStep(NamedTuple):
    """One stop of the walk: the node, its cotangent `upstream`, and one message per operand. A leaf sends none."""

    node: Node
    upstream: Any
    messages: tuple[Message, ...]


class BackwardTrace(NamedTuple):
    """The record of one walk: the graph, its steps in order, and the final cotangent of each node reached, by id."""

    graph: Graph
    steps: tuple[BackwardStep, ...]
    cotangents: dict[int, Any]

    @property
    def gradients(self) -> dict[str, Any]:
        """The gradient of every named input and parameter, by its name in `graph.names`; zeros where none arrived."""
        nodes = self.graph.nodes
        return {
            name: self.cotangents[id] if id in self.cotangents else np.zeros(nodes[id].shape)[()]
            for name, id in self.graph.names.items()
            if nodes[id].op != "constant"
        }


Sent = tuple[Any, Any]  # a message on its way: local derivative (None unless elementwise), message
Visit = Callable[[Value, Any, Sequence[Sent | None]], None]


def walk(
    output: Value,
    cotangent: Any,
    visit: Visit,
    *,
    since: int = 0,
    frontier: int = 0,
    live: bool = False,
    safe: bool = False,
) -> None:
    """Call `visit(value, g, messages)` for every tracked value recorded from `since` on that the output depends on.

    Values recorded before `frontier` are visited, but send nothing: the walk ends there. A value's hooks see its
    cotangent once it is complete, and may replace it.

    live  send Scalars and Tensors, recorded in their turn, instead of floats and arrays
    safe  look at every local derivative, so that a zero cotangent sends zero even past NaN and infinity
    """
    pending = {output.index: cotangent}
    for value in reversed(topological([output], since, frontier)):
        g = pending.pop(value.index, None)
        if g is None:
            continue
        if value.hooks and value.index >= frontier:  # older values are visited again by the walk outside
            g = hooked(value, g)
        messages: Sequence[Sent | None] = ()
        if value.primitive is not None and value.index >= frontier:
            messages = send_floats(value, g, since) if type(g) is float else send(value, g, since, live, safe)
            for operand, sent in zip(value.operands, messages, strict=True):
                if sent is not None:
                    index = operand.index
                    pending[index] = pending[index] + sent[1] if index in pending else sent[1]
        visit(value, g, messages)


def hooked(value: Value, g: Any) -> Any:
    """The cotangent as the value's hooks leave it: one that returns something replaces it."""
    for hook in tuple(value.hooks or ()):
        replaced = hook(g)
        if replaced is not None:
            if np.shape(replaced) != value.shape:
                raise RuleError(
                    f"a hook returned a cotangent of shape {np.shape(replaced)} for a value of {value.shape}"
                )
            g = conform("hook", replaced, value)
    return g


def send_floats(value: Value, g: float, since: int) -> list[Sent | None]:
    """The messages of a Scalar: plain arithmetic on floats. A cotangent of zero sends zero, whatever it meets."""
    primitive = value.primitive
    if not isinstance(primitive, Elementwise):
        return send(value, g, since, live=False, safe=True)
    operands = [operand.data if isinstance(operand, Value) else operand for operand in value.operands]
    messages: list[Sent | None] = []
    for position, operand in enumerate(value.operands):
        partial = primitive.partials[position]
        if partial is None or not (isinstance(operand, Value) and operand.requires_grad and operand.index >= since):
            messages.append(None)
            continue
        local = primitive.local(position, value.data, operands) if callable(partial) else partial
        if type(local) is bool:  # a truth value selects
            messages.append((local, g if local else 0.0))
        else:
            messages.append((local, g * local if g else 0.0))
    return messages


def send(value: Value, g: Any, since: int, live: bool, safe: bool) -> list[Sent | None]:
    """The message to each operand of a value, None for an operand that takes none."""
    primitive = value.primitive
    assert primitive is not None
    out = value if live else value.data
    operands = value.operands if live else [o.data if isinstance(o, Value) else o for o in value.operands]
    messages: list[Sent | None] = []
    for position, operand in enumerate(value.operands):
        if not (
            isinstance(operand, Value)
            and operand.requires_grad
            and operand.index >= since
            and primitive.has_rule(position)
        ):
            messages.append(None)
        elif isinstance(primitive, Elementwise):
            local = primitive.local(position, out, operands)
            messages.append((local, fit(primitive.name, position, product(g, local, live or safe), operand)))
        elif safe and not live and not np.any(g):
            messages.append((None, 0.0 if isinstance(operand.data, float) else np.zeros_like(operand.data)))
        else:
            message = primitive.vjp(position, g, out, operands, value.params)
            messages.append((None, check(primitive.name, position, message, operand)))
    return messages


def product(g: Any, local: Any, safe: bool) -> Any:
    """g × local derivative. With `safe`, a zero cotangent stays zero where the local derivative is not finite."""
    if type(local) is int or type(local) is float:
        return g if local == 1 else -g if local == -1 else g * local
    values = local.data if isinstance(local, Value) else local
    if np.asarray(values).dtype.kind == "b":
        return where(values, g, 0)
    if safe:
        silent = ~np.isfinite(values) & (np.asarray(g.data if isinstance(g, Value) else g) == 0)
        if np.any(silent):
            local = where(silent, 0, local)
    return g * local


def fit(name: str, position: int, message: Any, operand: Value) -> Any:
    """Undo what broadcasting and promotion did to an operand: sum the message to its shape, cast it to its dtype."""
    shape = np.shape(message)
    if shape != operand.shape:
        try:
            message = sum_to(message, operand.shape)
        except ShapeError as error:
            raise RuleError(
                f"{name}: the local derivative of operand {position} makes a message of shape {shape}, "
                f"which is no broadcast of the operand's shape {operand.shape}"
            ) from error
    return conform(name, message, operand)


def check(name: str, position: int, message: Any, operand: Value) -> Any:
    """The contract of a vjp: one cotangent, in the operand's shape and dtype family."""
    if not isinstance(message, Value | np.ndarray | np.generic | float | int):
        raise RuleError(
            f"{name}: the rule of operand {position} must return a cotangent of shape {operand.shape}, "
            f"got {type(message).__name__}"
        )
    if np.shape(message) != operand.shape:
        raise RuleError(
            f"{name}: the rule of operand {position} must return a cotangent of shape {operand.shape}, "
            f"got shape {np.shape(message)}"
        )
    return conform(name, message, operand)


def conform(name: str, message: Any, operand: Value) -> Any:
    """The message as the operand's own kind of number: a float for a Scalar, an array of its dtype for a Tensor."""
    live = isinstance(message, Value)
    kind = Value.kinds["scalar"]
    if isinstance(operand, kind):
        return message if live else float(message)
    if not live and type(message) is not np.ndarray:
        message = np.asarray(message)
    dtype = operand.data.dtype
    if message.dtype != dtype:
        if message.dtype.kind not in "fiub":
            raise RuleError(f"{name}: a rule returned dtype {message.dtype} for an operand of {dtype}")
        return astype(message, dtype)
    return message


def seed(output: Any, cotangent: Any, *, live: bool = False) -> Any:
    """The cotangent a walk starts from: the one given, in the output's shape, or 1 for a value with one element."""
    if not isinstance(output, Value):
        raise GradientError(f"a gradient is taken of a Scalar or Tensor, got {type(output).__name__}")
    if not output.requires_grad:
        raise GradientError("this value depends on nothing that is tracked, so it has no gradient")
    if cotangent is None:
        if np.size(output.data) != 1:
            raise GradientError(
                f"the gradient of a value of shape {output.shape} needs a cotangent of that shape; "
                "or reduce it to one number first, with sum() or mean()"
            )
        cotangent = 1.0 if isinstance(output.data, float) else np.ones_like(output.data)
    if np.shape(cotangent) != output.shape:
        raise GradientError(f"the cotangent must have the output's shape {output.shape}, got {np.shape(cotangent)}")
    return as_cotangent(cotangent, output, live=live)


def as_cotangent(direction: Any, value: Value, *, live: bool) -> Any:
    """A cotangent or tangent of a value as the walk takes it: its kind of number, recorded values only when `live`."""
    if isinstance(direction, Value):
        return direction if live else direction.data
    is_number = isinstance(value.data, float)
    data = float(direction) if is_number else np.asarray(direction, dtype=value.data.dtype)
    if not live:
        return data
    constant = Value.kinds["scalar" if is_number else "tensor"].leaf(data)
    constant.requires_grad = False
    return constant


def cotangents_of(
    output: Value,
    cotangent: Any,
    wanted: Callable[[Value], bool],
    *,
    since: int = 0,
    frontier: int = 0,
    live: bool = False,
) -> list[tuple[Value, Any]]:
    """The wanted values that the walk reached, with their cotangents, each in memory of its own.

    The walk first trusts every local derivative to be finite. Only if a result is not, it walks again and looks:
    so the check for zero cotangents costs a training step next to nothing.
    """
    g = seed(output, cotangent, live=live)
    for safe in (False, True):
        kept: list[tuple[Value, Any]] = []

        def visit(value: Value, g: Any, _: Any, kept: list[tuple[Value, Any]] = kept) -> None:
            if wanted(value):
                kept.append((value, g))

        with np.errstate(all="ignore"), enable_grad() if live else no_grad():
            walk(output, g, visit, since=since, frontier=frontier, live=live, safe=safe)
        if live or all(_finite(g) for _, g in kept if type(g) is not float):
            break
    return kept if live else _separate(kept, g)


def _finite(g: Any) -> bool:
    # One pass without a temporary. It may overflow for huge numbers, which only means that the walk looks again.
    return bool(np.isfinite(np.vdot(g, g)))


def _separate(kept: list[tuple[Value, Any]], start: Any) -> list[tuple[Value, Any]]:
    """Copies where two results share memory: addition hands the same array to both operands."""
    seen = {id(start)}
    for place, (value, g) in enumerate(kept):
        if isinstance(g, np.generic):  # the sum of two zero-dimensional arrays
            kept[place] = value, np.asarray(g)
        elif type(g) is np.ndarray:
            if g.base is not None or id(g) in seen:
                kept[place] = value, g.copy()
            seen.add(id(g))
    return kept


def backward(output: Value, cotangent: Any = None, *, create_graph: bool = False) -> None:
    """Add the gradient of the output into `.grad` of every leaf; see `Scalar.backward`."""
    kept = cotangents_of(output, cotangent, lambda value: value.primitive is None or value.remembers, live=create_graph)
    for value, g in kept:
        value.grad = g if value.grad is None or value.primitive is not None else value.grad + g


def backprop(output: Any, cotangent: Any = None) -> BackwardTrace:
    """Walk back from the output and record every step. Pure: no `.grad` is touched.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(3.0, name="w"), ad.Scalar(2.0, name="x")
    >>> trace = ad.backprop(w * x)
    >>> trace.steps[0].messages
    (Message(operand=0, local=2.0, message=2.0, total=2.0), Message(operand=1, local=3.0, message=3.0, total=3.0))
    >>> trace.cotangents
    {2: 1.0, 1: 3.0, 0: 2.0}

    Raises GradientError if the output has several elements and no cotangent is given.
    """
    g = seed(output, cotangent)
    nodes, output_ids, ids = freeze([output])
    steps: list[BackwardStep] = []
    cotangents: dict[int, Any] = {}
    totals: dict[int, Any] = {}

    def visit(value: Value, g: Any, messages: Sequence[Sent | None]) -> None:
        node = nodes[ids[value.index]]
        cotangents[node.id] = g
        record = []
        for operand, sent in zip(node.operands, messages, strict=bool(messages)):
            if sent is None:
                record.append(Message(operand, None, None, None))
                continue
            local, message = sent
            totals[operand] = totals[operand] + message if operand in totals else message
            record.append(Message(operand, _as_number(local, node), message, totals[operand]))
        steps.append(BackwardStep(node, g, tuple(record)))

    with np.errstate(all="ignore"), no_grad():
        walk(output, g, visit, safe=True)
    return BackwardTrace(Graph(nodes, output_ids), tuple(steps), cotangents)


def _as_number(local: Any, node: Node) -> Any:
    """A local derivative as a float or an array of the node's dtype: rules may state it as 1, −1 or a truth value."""
    if local is None or type(local) is float:
        return local
    return float(local) if node.dtype == "float" else np.asarray(local, dtype=node.dtype)
