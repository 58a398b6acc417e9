"""Whole derivatives, made of vector-Jacobian and Jacobian-vector products: jacobian, hessian, hvp."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import numpy as np

from . import ops
from .ops import reshape
from .tape import Value
from .transforms import Function, Recorded, flatten, grad, jvp, select, unflatten


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the Jacobian of `f`: every ∂out/∂in, in an array of shape (out..., in...).

    Computed column by column in forward mode if the inputs have fewer numbers than the outputs or as many, else row by
    row in reverse mode. Where result or argument are nested, each array of the result has in its place the structure
    of the argument.

    >>> import numpy as np, autodiff as ad
    >>> ad.jacobian(lambda x: ad.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])

    Raises OperandError if an argument is not of real numbers.
    """

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recorded = Recorded(*select(f, argnums, args, kwargs))
        rows = _by_columns(recorded) if _size(recorded.leaves) <= _size(recorded.out_leaves) else _by_rows(recorded)
        trees = [unflatten(recorded.primals, iter(row)) for row in rows]
        if not isinstance(argnums, Sequence):
            trees = [tree[0] for tree in trees]
        return unflatten(recorded.out, iter(trees))

    return wrapper


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the Hessian of `f`, a function with one number as its result: (in..., in...).

    Forward mode over reverse mode: one push through the recorded gradient per number of the input.

    >>> import numpy as np, autodiff as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Hessian-vector product of `f` without the Hessian: forward mode over reverse mode (Pearlmutter 1994).

    primals, tangents  one per argument of `f`, in the same structure and shapes; several give a tuple of products

    >>> import numpy as np, autodiff as ad
    >>> ad.hvp(lambda x: ad.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([ 6., 12.])
    """
    gradient = grad(f, 0 if len(primals) == 1 else tuple(range(len(primals))))
    return jvp(gradient, primals, tangents)[1]


def _by_columns(recorded: Recorded) -> list[list[Any]]:
    """For each output, the Jacobian with respect to each input: forward mode, one push per number of an input."""
    blocks: list[list[Any]] = [[] for _ in recorded.out_leaves]
    zeros = [_zeros(leaf) for leaf in recorded.leaves]
    for k, leaf in enumerate(recorded.leaves):
        columns = [flatten(recorded.push(tuple([*zeros[:k], basis, *zeros[k + 1 :]]))) for basis in _basis(leaf)]
        for j, out in enumerate(recorded.out_leaves):
            blocks[j].append(_gather([column[j] for column in columns], -1, out, leaf))
    return blocks


def _by_rows(recorded: Recorded) -> list[list[Any]]:
    """The same in reverse mode, one pull per number of an output."""
    blocks = []
    zeros = [_zeros(out) for out in recorded.out_leaves]
    for j, out in enumerate(recorded.out_leaves):
        rows = [flatten(recorded.pull([*zeros[:j], basis, *zeros[j + 1 :]])) for basis in _basis(out)]
        blocks.append([_gather([row[k] for row in rows], 0, out, leaf) for k, leaf in enumerate(recorded.leaves)])
    return blocks


def _basis(value: Any) -> Iterator[Any]:
    """The unit directions of a value, in order: 1 in one place, 0 elsewhere."""
    zeros = _zeros(value)
    if isinstance(zeros, float):
        yield 1.0
        return
    for index in np.ndindex(zeros.shape):
        unit = zeros.copy()
        unit[index] = 1
        yield unit


def _gather(parts: list[Any], axis: int, out: Any, leaf: Value) -> Any:
    """Rows or columns put together to (out..., in...); a plain number if both are."""
    shape = (*np.shape(_data(out)), *leaf.shape)
    if not parts:
        return np.zeros(shape, leaf.data.dtype if isinstance(leaf.data, np.ndarray) else float)
    if not shape and isinstance(_data(parts[0]), float):
        return parts[0]
    join: Callable[..., Any] = ops.stack if any(isinstance(part, Value) for part in parts) else np.stack
    return reshape(join(parts, axis=axis), shape)


def _zeros(value: Any) -> Any:
    data = _data(value)
    return 0.0 if isinstance(data, float | int) else np.zeros_like(data)


def _size(values: Sequence[Any]) -> int:
    return sum(int(np.size(_data(value))) for value in values)


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Value) else value
