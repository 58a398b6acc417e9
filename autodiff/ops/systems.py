"""Linear systems between arrays of any order: matrices after folding their axes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from .matrices import inv, solve
from .shape import moveaxis, normal_axes, ravel, reshape

__all__ = ["tensorinv", "tensorsolve"]


def tensorinv(a: Any, ind: int = 2, *, name: str | None = None) -> Any:
    """The inverse of a as a map from its last axes to its first `ind` ones, for `tensordot`.

    `a: first axes + last axes, of equal products → last axes + first axes`

    Raises ShapeError if the products differ or the map is singular.
    """
    shape = np.shape(a)
    if ind <= 0:
        raise ShapeError(f"tensorinv: ind must be at least 1, got {ind}")
    first, last = shape[:ind], shape[ind:]
    if math.prod(first) != math.prod(last):
        raise ShapeError(f"tensorinv: operand shape {shape}: {first} and {last} differ in their number of elements")
    return reshape(inv(reshape(a, (math.prod(first), -1))), (*last, *first), name=name)


def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """The x with `tensordot(a, x, x.ndim) = b`. `a: b's shape + x's shape, b: any → x's shape`.

    axes  axes of a to move to its end first

    Raises ShapeError if the shapes do not fit or a is singular.
    """
    if axes is not None:
        chosen = normal_axes("tensorsolve", a, axes)
        a = moveaxis(a, chosen, range(np.ndim(a) - len(chosen), np.ndim(a)))
    shape = np.shape(a)[np.ndim(b) :]
    if math.prod(shape) != np.size(b) or np.size(a) != np.size(b) ** 2:
        raise ShapeError(f"tensorsolve: operand shapes {np.shape(a)} and {np.shape(b)} make no square system")
    return reshape(solve(reshape(a, (np.size(b), -1)), ravel(b)), shape, name=name)
