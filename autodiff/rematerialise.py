"""Rematerialisation: forget what a function computed on the way, and compute it again in the backward pass.

Time for memory (Griewank 1992; Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost").
"""

from collections.abc import Sequence
from functools import wraps
from typing import Any

import numpy as np

from .effects import computed_again
from .errors import GradientError
from .forward import push
from .primitive import Variadic
from .reverse import cotangents_of
from .tape import Value, current, enable_grad, next_index, topological
from .transforms import Function


def remat(f: Function) -> Function:
    """`f`, recorded as one node: its intermediate values are freed, and computed again when its gradient is asked for.

    The function returns one Scalar or Tensor, and computes the same each time: what it draws at random must come from
    a generator that it makes anew. It may use tracked values that are not its arguments, such as parameters. A graph
    with such a node is drawn and differentiated like any other, but not replayed.

    >>> import autodiff as ad
    >>> block = ad.remat(lambda x: ad.sin(ad.exp(x)))
    >>> ad.grad(block)(0.0) == ad.grad(lambda x: ad.sin(ad.exp(x)))(0.0)
    True

    Raises GradientError if `f` returns anything else.
    """

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            return f(*args, **kwargs)

        # Recorded once to learn what it uses; the record, and the memory it holds, goes when `out` does.
        start = next_index()
        out = run()
        if not isinstance(out, Value):
            if isinstance(out, np.ndarray | float | int):  # called on plain numbers
                return out
            raise GradientError(f"remat: the function must return one Scalar or Tensor, got {type(out).__name__}")
        operands = _used(out, start)
        if not operands:
            return out
        operation = Rematerialised(f"remat {getattr(f, '__name__', 'function')}", run, operands)
        if out.takes_over:
            return out.computed_by(operation, operands)
        kind, data = type(out), out.data
        del out
        saved = tuple(operand.data for operand in operands)
        return kind.made(operation, data, operands, saved, {}, None, tracked=True)

    return wrapper


def _used(out: Value, start: int) -> tuple[Value, ...]:
    """The tracked values recorded before `start` that a computation recorded since then uses."""
    used = {
        operand.index: operand
        for value in topological([out], since=start)
        for operand in value.operands
        if isinstance(operand, Value) and operand.requires_grad and operand.index < start
    }
    return tuple(used.values())


class Rematerialised(Variadic):
    """The operation that one call of a rematerialised function is. It is in no table, so it is freed with its node."""

    def __init__(self, name: str, run: Any, inputs: tuple[Value, ...]) -> None:
        self.name, self.run, self.inputs = name, run, inputs
        self.arity, self.linear, self.needs_operands = None, False, False
        self.vjps = ()
        # Closes over what it needs and not over self: a cycle would keep the inputs alive.
        self.jvp = lambda tangents, out, *operands: _push(run, inputs, tangents)
        self._pulled: tuple[Any, dict[int, Any]] | None = None

    def vjp(self, position: int, g: Any, out: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        # One recomputation serves all positions, which are asked for one after the other with the same cotangent.
        if self._pulled is None or self._pulled[0] is not g:
            self._pulled = g, self._cotangents(g)
        found = self._pulled[1].get(self.inputs[position].index)
        return np.zeros(self.inputs[position].shape) if found is None else found

    def _cotangents(self, g: Any) -> dict[int, Any]:
        start, live = next_index(), isinstance(g, Value) and current.get().enabled
        with enable_grad(), computed_again():
            again = self.run()
        wanted = {value.index for value in self.inputs}
        found = cotangents_of(again, g, wanted, since=min(wanted), frontier=start, live=live)
        return {value.index: cotangent for value, cotangent in found}


def _push(run: Any, inputs: tuple[Value, ...], tangents: Any) -> Any:
    start = next_index()
    with enable_grad(), computed_again():
        again = run()
    seeds = {v.index: t for v, t in zip(inputs, tangents, strict=True) if t is not None}
    live = any(isinstance(t, Value) for t in seeds.values())
    since = min(value.index for value in inputs)
    (tangent,) = push([again], seeds, since=since, frontier=start, live=live)
    return tangent
