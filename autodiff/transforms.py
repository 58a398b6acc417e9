"""Transforms: functions of functions. `grad`, `value_and_grad` and `vjp` take a function of numbers and arrays, which
may be nested in lists, tuples and dicts, and return one that differentiates it.

How they nest: each transform puts fresh values in place of its arguments and walks back only to those. Values recorded
before them belong to an outer transform; if the result depends on one of these too, the walk itself is recorded, so
that the outer transform can differentiate it.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from copy import copy
from functools import wraps
from operator import index
from typing import Any

import numpy as np

from .errors import GradientError, OperandError, SettingError
from .forward import push
from .messages import as_cotangent
from .ops.shape import alias
from .primitive import NUMBERS
from .reverse import added, cotangents_of
from .scalar import Scalar
from .tape import Value, current, enable_grad, topological
from .tensor import Tensor

Function = Callable[..., Any]


# The innermost map over examples that is running: the `Level` of a `vmap`. What is differentiated inside a map has to
# belong to it, for the derivative may differ from example to example where the argument does not.
innermost: ContextVar[Any] = ContextVar("innermost", default=None)


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the gradient of `f`, a function with one number as its result.

    argnums  which positional arguments to differentiate with respect to; several give a tuple of gradients

    A gradient has the structure, shapes and dtypes of its argument: numbers give floats, arrays give arrays, Scalars
    and Tensors give Scalars and Tensors that can be differentiated again.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: x**3)(2.0)
    12.0
    >>> ad.grad(ad.grad(lambda x: x**3))(2.0)
    12.0
    >>> ad.grad(lambda p, x: ad.sum(p["w"] * x))({"w": np.ones(2)}, np.array([3.0, 4.0]))
    {'w': array([3., 4.])}

    Raises GradientError if the result of `f` is not one number, OperandError if an argument is not of real numbers.
    """
    gradient = value_and_grad(f, argnums)

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return gradient(*args, **kwargs)[1]

    return wrapper


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the pair (value, gradient) of `f`; see `grad`.

    >>> import autodiff as ad
    >>> ad.value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = select(f, argnums, args, kwargs)
        out, pull = vjp(of_chosen, *chosen)
        if not isinstance(out, (Value, np.ndarray, *NUMBERS)) or np.size(_data(out)) != 1:
            raise GradientError(
                f"grad: the function must return one number, got {_describe(out)}; sum it, or use vjp or jacobian"
            )
        gradients = pull(None)
        return out, gradients if isinstance(argnums, Sequence) else gradients[0]

    return wrapper


def select(
    f: Function, argnums: int | Sequence[int], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Function, tuple[Any, ...]]:
    """`f` as a function of the chosen arguments alone, the others being as given, and those arguments.

    Raises SettingError if an argument that was not given is chosen.
    """
    try:
        chosen = [index(i) for i in (argnums if isinstance(argnums, Sequence) else (argnums,))]
    except TypeError as error:
        raise SettingError(f"argnums is the position of an argument, or a tuple of them; got {argnums!r}") from error
    for i in chosen:
        if not -len(args) <= i < len(args):
            raise SettingError(f"argnums names argument {i}, but the function was called with {len(args)}")
    positions = [i % len(args) for i in chosen]

    def of_chosen(*values: Any) -> Any:
        filled = list(args)
        for i, value in zip(positions, values, strict=True):
            filled[i] = value
        return f(*filled, **kwargs)

    return of_chosen, tuple(args[i] for i in positions)


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Value of `f` and its vector-Jacobian product: (out, vjp_fn), where vjp_fn(cotangent) has a cotangent per primal.

    The cotangent has the structure and shapes of `out`; `None` stands for 1 where `out` is one number.

    >>> import numpy as np, autodiff as ad
    >>> out, vjp_fn = ad.vjp(lambda x: ad.sin(x), np.array([0.0, np.pi]))
    >>> vjp_fn(np.array([1.0, 1.0]))
    (array([ 1., -1.]),)
    """
    recorded = Recorded(f, primals)
    return recorded.result(), recorded.pull


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Value of `f` and its Jacobian-vector product, by forward mode: (out, tangent_out).

    primals, tangents  one per argument of `f`, in the same structure and shapes

    >>> import numpy as np, autodiff as ad
    >>> ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)

    Raises GradientError if the tangents do not fit the primals.
    """
    if not isinstance(primals, list | tuple) or not isinstance(tangents, list | tuple):
        raise GradientError("jvp: primals and tangents are tuples, one entry per argument of the function")
    recorded = Recorded(f, tuple(primals))
    return recorded.result(), recorded.push(tuple(tangents))


class Recorded:
    """A function recorded once on fresh values, to be differentiated in either direction as often as needed."""

    def __init__(self, f: Function, primals: tuple[Any, ...]) -> None:
        self.primals = primals
        self.outer_recording = current.get().enabled
        with enable_grad():
            lifted, self.leaves = _lift(primals)
            self.since = min((leaf.index for leaf in self.leaves), default=0)
            self.out = f(*lifted)
        self.out_leaves = flatten(self.out)
        # Inside a map over examples values hold what is recorded around it, too.
        self.mapped = innermost.get() is not None
        self.kept = self.outer_recording and (self.mapped or _reaches_before(self.out_leaves, self.since))

    def result(self) -> Any:
        """The output as the caller sees it."""
        return unflatten(self.out, iter([_lower(leaf, self.kept) for leaf in self.out_leaves]))

    def pull(self, cotangent: Any = None) -> tuple[Any, ...]:
        """The cotangents of the primals."""
        cotangents = [None] * len(self.out_leaves) if cotangent is None else flatten(cotangent)
        if len(cotangents) != len(self.out_leaves):
            raise GradientError(f"vjp: the result has {len(self.out_leaves)} arrays, the cotangent {len(cotangents)}")
        for value, g in zip(self.out_leaves, cotangents, strict=True):
            if g is not None and np.shape(g) != np.shape(_data(value)):
                raise GradientError(
                    f"vjp: the cotangent must have the output's shape {np.shape(_data(value))}, got {np.shape(g)}"
                )
        wanted = {leaf.index for leaf in self.leaves}
        totals: dict[int, Any] = {}
        for value, g in zip(self.out_leaves, cotangents, strict=True):
            if self._is_ours(value):
                found = cotangents_of(value, g, wanted, since=self.since, live=self._is_live([g]))
                for leaf, message in found:
                    totals[leaf.index] = added(totals[leaf.index], message) if leaf.index in totals else message
        kept, primals = self._is_kept(cotangents), flatten(self.primals)
        lowered = [_lower(_given(totals.get(leaf.index), leaf), kept) for leaf in self.leaves]
        results = iter([_like(g, v, p) for g, v, p in zip(lowered, self.leaves, primals, strict=True)])
        return tuple(unflatten(primal, results) for primal in self.primals)

    def push(self, tangents: tuple[Any, ...]) -> Any:
        """The tangents of the output."""
        given = flatten(tangents)
        if len(given) != len(self.leaves):
            raise GradientError(f"jvp: the primals have {len(self.leaves)} arrays, the tangents {len(given)}")
        live = self._is_live(given)
        seeds = {}
        for leaf, tangent in zip(self.leaves, given, strict=True):
            if np.shape(tangent) != leaf.shape:
                raise GradientError(f"jvp: a tangent has shape {np.shape(tangent)}, its primal {leaf.shape}")
            seeds[leaf.index] = as_cotangent(tangent, leaf, live=live)
        ours = [value for value in self.out_leaves if self._is_ours(value)]
        found = iter(push(ours, seeds, since=self.since, live=live))
        results = [_given(next(found) if self._is_ours(value) else None, value) for value in self.out_leaves]
        kept = self._is_kept(given)
        return unflatten(self.out, iter([_lower(result, kept) for result in results]))

    def _is_ours(self, value: Any) -> bool:
        """Whether an output can depend on the primals: not a constant, nor a value of an outer transform."""
        return isinstance(value, Value) and value.requires_grad and value.index >= self.since

    def _is_kept(self, directions: list[Any]) -> bool:
        """Whether an outer transform may still need the history of a derivative."""
        return self.kept or (self.outer_recording and any(_is_tracked(d) for d in directions))

    def _is_live(self, directions: list[Any]) -> bool:
        takes_over = any(isinstance(d, Value) and d.takes_over for d in directions)
        return self.mapped or takes_over or self._is_kept(directions)


def _lift(primals: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Value]]:
    """The primals with a fresh tracked value in place of each number and array, and those values in order."""
    leaves = [_fresh(leaf) for leaf in flatten(primals)]
    return unflatten(primals, iter(leaves)), leaves


def _fresh(leaf: Any) -> Value:
    around = innermost.get()
    if around is not None and isinstance(leaf, (*NUMBERS, np.ndarray, Value)):
        leaf = around.beside(float(leaf) if isinstance(leaf, NUMBERS) else leaf)
    if isinstance(leaf, Value):
        if leaf.requires_grad:
            value: Value = alias(leaf, name=leaf.name)
            return value
        if leaf.takes_over:
            return leaf.as_leaf()
        leaf = leaf.data
    if isinstance(leaf, NUMBERS) and not isinstance(leaf, np.ndarray):
        return Scalar(leaf)
    if not isinstance(leaf, np.ndarray):
        raise OperandError(f"a gradient is taken with respect to numbers and arrays, got {type(leaf).__name__}")
    if leaf.dtype.kind != "f":
        raise OperandError(f"a gradient is taken with respect to floating arrays, got dtype {leaf.dtype}; use floats")
    return Tensor.leaf(leaf)


def _reaches_before(outputs: list[Any], since: int) -> bool:
    """Whether a tracked value recorded before `since` entered the computation of the outputs."""
    tracked = [value for value in outputs if isinstance(value, Value)]
    if any(value.requires_grad and value.index < since for value in tracked):
        return True
    return any(
        isinstance(operand, Value) and operand.requires_grad and operand.index < since
        for value in topological(tracked, since)
        for operand in value.operands
    )


def _is_tracked(value: Any) -> bool:
    """Whether a value is tracked, or one inside it, of a map over examples."""
    while isinstance(value, Value):
        if value.requires_grad:
            return True
        value = getattr(value, "inner", None)
    return False


def _given(g: Any, value: Any) -> Any:
    """The derivative found for a value, zeros like it if none was."""
    if g is not None:
        return g
    data = _data(value)
    return 0.0 if isinstance(data, float | int) else np.zeros_like(data)


def _like(g: Any, value: Value, primal: Any) -> Any:
    """A cotangent as the caller gave its primal: a Scalar or Tensor for one of these."""
    if isinstance(g, Value) and g.takes_over:
        return g.given_as(primal)
    return as_cotangent(g, value, live=True) if isinstance(primal, Value) and not isinstance(g, Value) else g


def _lower(value: Any, live: bool) -> Any:
    """A result as the caller sees it: plain, unless an outer transform still needs its history."""
    return value if live or not isinstance(value, Value) else value.data


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Value) else value


def _describe(out: Any) -> str:
    return f"shape {np.shape(_data(out))}" if isinstance(out, Value | np.ndarray) else f"a {type(out).__name__}"


def flatten(tree: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts, in order; dicts by insertion."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [leaf for item in tree for leaf in flatten(item)] if isinstance(tree, list | tuple) else [tree]


def unflatten(tree: Any, leaves: Any) -> Any:
    """The structure of `tree` with its leaves replaced, in order, from an iterator."""
    if isinstance(tree, dict):
        filled = copy(tree)  # keeps what a defaultdict or a dict of one's own has besides
        for key, item in tree.items():
            filled[key] = unflatten(item, leaves)
        return filled
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(unflatten(item, leaves) for item in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(unflatten(item, leaves) for item in tree)
    return next(leaves)
