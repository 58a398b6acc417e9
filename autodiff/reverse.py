"""Reverse mode: the one walk over the graph that applies the chain rule, and what is made of it.

Values are visited from the output back, in reverse recording order. Each has by then received every message from the
values that used it; their sum is its cotangent g. It sends each of its operands

    message = g × ∂value/∂operand

and that is all there is to backpropagation (Linnainmaa 1970; Rumelhart, Hinton & Williams 1986).
`backward`, the transforms, the debugger and every picture use this walk.
"""

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .chain_rule import check, conform, fit, product, pull_of_arrays, pull_of_floats
from .display import mimebundle, picture
from .errors import GradientError, RuleError
from .graph import Graph, Node, freeze
from .ops.plain_data import somewhere
from .ops.shape import astype, to_scalar, to_tensor
from .primitive import Elementwise
from .tape import Value, current_watch, differentiating, no_grad, topological


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

    def _repr_svg_(self) -> str | None:
        return picture(self, "svg")

    def _repr_html_(self) -> str | None:
        return picture(self, "html")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return mimebundle(self)

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
Found = list[tuple[Value, Any]]


def walk(
    output: Value,
    cotangent: Any,
    wanted: Container[int] | None,
    *,
    since: int = 0,
    frontier: int = 0,
    live: bool = False,
    safe: bool = False,
    visit: Visit | None = None,
) -> Found | None:
    """Every tracked value recorded from `since` on that the output depends on, with its cotangent: those wanted.

    Values recorded before `frontier` are reached, but send nothing: the walk ends there. A value's hooks see its
    cotangent once it is complete, and may replace it.

    wanted  recording indices; None for the leaves and the values that remember their gradient
    live    send Scalars and Tensors, recorded in their turn, instead of floats and arrays
    safe    look at every local derivative, so that a zero cotangent sends zero even past NaN and infinity. A walk that
            does not look ends with None before it calls a hook: it may have to be walked again, but no hook twice.
    visit   called with every value reached, its cotangent and its messages
    """
    pending = {output.index: cotangent}
    found: Found = []
    take = pending.pop
    for value in reversed(topological([output], since, frontier)):
        index = value.index
        g = take(index, None)
        if g is None:
            continue
        primitive = value.primitive
        messages: Sequence[Sent | None] = ()
        if index >= frontier:  # older values are visited again by the walk outside
            if value.hooks:
                if not (safe or live):
                    return None
                g = hooked(value, g)
            if primitive is None:
                pass
            elif isinstance(primitive, Elementwise) and not live:
                if type(g) is float:
                    pull = primitive.pull_floats or pull_of_floats(primitive)
                else:
                    pull = primitive.pull_arrays or pull_of_arrays(primitive)
                if visit is None:
                    pull(value, g, pending, since, safe, None)
                else:
                    pull(value, g, pending, since, safe, messages := [])
            else:
                messages = send(value, g, since, live, safe)
                for operand, sent in zip(value.operands, messages, strict=True):
                    if sent is not None:
                        k = operand.index
                        pending[k] = pending[k] + sent[1] if k in pending else sent[1]
        if visit is not None:
            visit(value, g, messages)
        if (primitive is None or value.remembers) if wanted is None else index in wanted:
            found.append((value, g))
    return found


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


def send(value: Value, g: Any, since: int, live: bool, safe: bool) -> list[Sent | None]:
    """The message to each operand of a value, None for an operand that takes none.

    Where nothing is recorded an elementwise value has a shorter way, see `chain_rule`.
    """
    primitive = value.primitive
    assert primitive is not None
    if live:
        check_unchanged(value)
        out, operands = value, value.operands
    else:
        out, operands = value.data, value.saved
    messages: list[Sent | None] = []
    for position, operand in enumerate(value.operands):
        if not isinstance(operand, Value) or not operand.requires_grad or operand.index < since:
            messages.append(None)
            continue
        if not primitive.has_rule(position):
            messages.append(None)
        elif isinstance(primitive, Elementwise):
            local = primitive.local(position, out, operands)
            message = product(primitive, g, local, True)
            messages.append((local, fit(primitive.name, position, message, operand, value.shape)))
        elif safe and not live and not np.any(g):
            messages.append((None, _zeros(operand)))
        else:
            message = primitive.vjp(position, g, out, operands, value.params)
            message = check(primitive.name, position, message, operand)
            if live and not somewhere(_data(g) != 0) and somewhere(~np.isfinite(_data(message))):
                message = as_cotangent(_zeros(operand), operand, live=True)
            messages.append((None, message))
    return messages


def check_unchanged(value: Value) -> None:
    """Raises GradientError if an operand no longer is what the value was computed from.

    A first derivative is made of what was saved. A second one differentiates the operand itself, as it is now.
    """
    if value.takes_over:  # it holds values, which are checked in their turn
        return
    for position, (operand, saved) in enumerate(zip(value.operands, value.saved, strict=True)):
        now = _data(operand)
        if now is not saved and not np.array_equal(now, saved, equal_nan=True):
            assert value.primitive is not None
            raise GradientError(
                f"{value.primitive.name}: operand {position}, of shape {np.shape(saved)}, was changed in place after "
                "it was used; a derivative that is recorded needs it as it was: change a copy, or change it later"
            )


def _zeros(operand: Value) -> Any:
    return 0.0 if isinstance(operand.data, float) else np.zeros_like(operand.data)


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Value) else value


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
    """A cotangent or tangent of a value as the walk takes it, in the value's dtype and in memory of its own.

    A float for a Scalar and an array for a Tensor; a Scalar or Tensor when `live`.
    """
    is_number = isinstance(value.data, float)
    if isinstance(direction, Value):
        if live:
            if isinstance(direction.data, float) != is_number and not value.takes_over:
                direction = to_scalar(direction) if is_number else to_tensor(direction)
            return direction if is_number else astype(direction, value.data.dtype)
        direction = direction.data
    data = float(direction) if is_number else np.array(direction, dtype=value.data.dtype)
    if not live or value.takes_over:
        return data
    constant = Value.kinds["scalar" if is_number else "tensor"].leaf(data)
    constant.requires_grad = False
    return constant


def added(total: Any, message: Any) -> Any:
    """The sum of two cotangents of one value. NumPy turns zero-dimensional arrays into numbers; this keeps them."""
    result = total + message
    return np.asarray(result) if isinstance(result, np.generic) else result


def cotangents_of(
    output: Value,
    cotangent: Any,
    wanted: Container[int] | None,
    *,
    since: int = 0,
    frontier: int = 0,
    live: bool = False,
) -> Found:
    """The wanted values that the walk reached, with their cotangents, each in memory of its own; see `walk`.

    The walk first trusts every local derivative to be finite. Only if a result is not, it walks again and looks:
    so the check for zero cotangents costs a training step next to nothing.
    """
    g = seed(output, cotangent, live=live)
    watch = current_watch()
    with np.errstate(all="ignore"), differentiating(live):
        if watch is not None:
            visit = partial(watch.messages, output)
            found = walk(output, g, wanted, since=since, frontier=frontier, live=live, safe=True, visit=visit)
        else:
            found = walk(output, g, wanted, since=since, frontier=frontier, live=live)
            if found is None or not (live or _finite(found)):
                found = walk(output, g, wanted, since=since, frontier=frontier, live=live, safe=True)
    assert found is not None
    return found if live else _separate(found, g)


def _finite(found: Found) -> bool:
    # One pass over each array without a temporary. It may overflow for huge numbers: then the walk looks again in vain.
    return all([np.isfinite(np.vdot(g, g)) for _, g in found if type(g) is not float])


def _separate(kept: Found, start: Any) -> Found:
    """Copies where two results share memory: addition hands the same array to both operands."""
    seen = {id(start)}
    for place, (value, g) in enumerate(kept):
        if type(g) is float:
            continue
        if isinstance(g, np.generic):  # the sum of two zero-dimensional arrays
            kept[place] = value, np.asarray(g)
        else:
            if g.base is not None or id(g) in seen:
                kept[place] = value, g.copy()
            seen.add(id(g))
    return kept


def backward(output: Value, cotangent: Any = None, *, create_graph: bool = False) -> None:
    """Add the gradient of the output into `.grad` of every leaf; see `Scalar.backward`."""
    for value, g in cotangents_of(output, cotangent, None, live=create_graph):
        value.grad = g if value.grad is None or value.primitive is not None else added(value.grad, g)


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
        walk(output, g, (), safe=True, visit=visit)
    return BackwardTrace(Graph(nodes, output_ids), tuple(steps), cotangents)


def _as_number(local: Any, node: Node) -> Any:
    """A local derivative as a float or an array of the node's dtype: rules may state it as 1, −1 or a truth value."""
    if local is None or type(local) is float:
        return local
    return float(local) if node.dtype == "float" else np.asarray(local, dtype=node.dtype)
