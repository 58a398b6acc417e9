"""Reverse mode: the one walk over the graph that applies the chain rule, and what is made of it.

Values are visited from the output back, in reverse recording order. Each has by then received every message from the
values that used it; their sum is its cotangent g. It sends each of its operands

    message = g × ∂value/∂operand

and that is all there is to backpropagation (Linnainmaa 1970; Rumelhart, Hinton & Williams 1986).
`backward`, the transforms, the debugger and every picture use this walk.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from .chain_rule import conform, pull_of_arrays, pull_of_floats
from .errors import GradientError, RuleError
from .messages import Sent, as_cotangent, send
from .primitive import Elementwise
from .tape import Value, current_recorder, current_watch, differentiating, topological

Visit = Callable[[Value, Any, Sequence[Sent | None], dict[int, Any]], None]
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
    values: Sequence[Value] | None = None,
) -> Found | None:
    """Every tracked value recorded from `since` on that the output depends on, with its cotangent: those wanted.

    Values recorded before `frontier` are reached, but send nothing: the walk ends there. A value's hooks see its
    cotangent once it is complete, and may replace it.

    wanted  recording indices; None for the leaves and the values that remember their gradient
    live    send Scalars and Tensors, recorded in their turn, instead of floats and arrays
    safe    look at every local derivative, so that a zero cotangent sends zero even past NaN and infinity. A walk that
            does not look ends with None before it calls a hook: it may have to be walked again, but no hook twice.
    visit   called with every value reached, its cotangent, its messages, and the sums of all sent so far, by index
    values  what `topological` says of the output, if it is known
    """
    pending = {output.index: cotangent}
    found: Found = []
    take = pending.pop
    for value in reversed(topological([output], since, frontier) if values is None else values):
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
            visit(value, g, messages, pending)
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


def added(total: Any, message: Any) -> Any:
    """The sum of two cotangents of one value. NumPy turns zero-dimensional arrays into numbers; this keeps them."""
    result = total + message
    if isinstance(result, Value) and result.takes_over:
        return result.constant(result)
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

            def visit(value: Value, g: Any, messages: Sequence[Sent | None], _: dict[int, Any]) -> None:
                watch.messages(output, value, g, messages)

            found = walk(output, g, wanted, since=since, frontier=frontier, live=live, safe=True, visit=visit)
        else:
            recorder = current_recorder()
            found = walk(output, g, wanted, since=since, frontier=frontier, live=live)
            if found is None or not (live or recorder is not None or _finite(found)):
                found = walk(output, g, wanted, since=since, frontier=frontier, live=live, safe=True)
            if recorder is not None and found is not None:
                recorder.check_finite([g for _, g in found])
                return found
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
