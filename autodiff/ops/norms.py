"""Norms of vectors and matrices, and the condition number. The gradient of a norm at zero is 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError
from .decompositions import svdvals
from .elementwise import abs as magnitude
from .elementwise import divide, multiply, power, sign, where
from .matrices import inv, length
from .options import shown
from .plain_data import plain, somewhere
from .reduce import count_like, sum
from .reduce import max as largest
from .reduce import min as smallest
from .shape import alias, expand_dims, moveaxis, normal_axes, reshape

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]

Order = int | float | str | None
inf = np.inf


def norm(
    x: Any,
    ord: Order = None,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    *,
    name: str | None = None,
) -> Any:
    """Norm of vectors or matrices, as `numpy.linalg.norm`; of all numbers by default. The gradient at zero is 0.

    Where the norm is infinite its gradient is that of the direction: the infinite numbers share it evenly, each with
    its sign, and a finite one has 0.

    ord   of vectors: None or 2, the root of the sum of squares; any other number p, (Σ |x|ᵖ)^(1/p); inf and -inf, the
          largest and smallest |x|, whose ties share the gradient; 0, how many are not zero. Of matrices: None or "fro",
          the root of the sum of squares; "nuc", 2 and -2, the sum, largest and smallest of the singular values; 1 and
          -1, inf and -inf, the largest and smallest sum of |x| over a column, over a row
    axis  the axis of the vectors, or the two of the matrices

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.linalg.norm)(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    >>> ad.grad(ad.linalg.norm)(np.zeros(2))
    array([0., 0.])

    Raises SettingError for another `ord`, ShapeError for one without vectors or matrices to apply it to.
    """
    axes = normal_axes("norm", x, axis)
    if ord is None and (axis is None or len(axes) <= 2):
        return length(x, axis=axes, keepdims=bool(keepdims), name=name)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims, name)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims, name)
    raise ShapeError(f"norm: operand shape {np.shape(x)}: ord={shown(ord)} is of vectors or matrices; name the axes")


def vector_norm(
    x: Any, *, axis: int | Sequence[int] | None = None, keepdims: bool = False, ord: Order = 2, name: str | None = None
) -> Any:
    """Norm of vectors along one axis or several, which count as one; of all numbers by default. `ord` as in `norm`.

    >>> import numpy as np, autodiff as ad
    >>> float(ad.linalg.vector_norm(np.array([[3.0, 0.0], [0.0, 4.0]])))
    5.0
    """
    axes = normal_axes("vector_norm", x, axis)
    if ord in (2, None):
        return length(x, axis=axes, keepdims=bool(keepdims), name=name)
    rest = [n for i, n in enumerate(np.shape(x)) if i not in axes]
    rows = reshape(moveaxis(x, axes, range(-len(axes), 0)), (*rest, -1)) if len(axes) != 1 or axes[0] else x
    along = -1 if rows is not x else axes[0]
    result = _of_vectors(rows, ord, along, False, None if keepdims else name)
    return expand_dims(result, axes, name=name) if keepdims else result


def matrix_norm(x: Any, *, keepdims: bool = False, ord: Order = "fro", name: str | None = None) -> Any:
    """Norm of each matrix of a stack. `x: (..., n, m) → (...)`; `ord` as in `norm`."""
    return norm(x, ord, (-2, -1), keepdims, name=name)


def cond(x: Any, p: Order = None, *, name: str | None = None) -> Any:
    """Condition number of each matrix: ‖x‖ · ‖x⁻¹‖ in the norm p, by default that of the largest singular value.

    `x: (..., n, m) → (...)`

    >>> import numpy as np, autodiff as ad
    >>> float(ad.linalg.cond(np.diag([4.0, 2.0])))
    2.0

    Raises ShapeError if a matrix is singular, or not square for another p than None, 2 and -2.
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        high, low = largest(s, -1), smallest(s, -1)
        return divide(low, high, name=name) if p == -2 else divide(high, low, name=name)
    return multiply(norm(x, p, (-2, -1)), norm(inv(x), p, (-2, -1)), name=name)


def _of_vectors(x: Any, ord: Order, axis: int, keepdims: bool, name: str | None) -> Any:
    if isinstance(ord, str | bool):
        raise SettingError(f"norm: of vectors, ord is a number, inf, -inf or None; got {shown(ord)}")
    if ord in (None, 2):
        return length(x, axis=(axis,), keepdims=bool(keepdims), name=name)
    sizes = magnitude(x)
    if ord == 1:
        return sum(sizes, axis, keepdims=keepdims, name=name)
    if ord in (inf, -inf):
        return (largest if ord == inf else smallest)(sizes, axis, keepdims=keepdims, name=name)
    if ord == 0:
        return sum(sign(sizes), axis, keepdims=keepdims, name=name)
    # The numbers are divided by the largest: no power leaves the range, and at zero the gradient is that of `where`.
    top = np.max(plain(sizes), axis=axis, keepdims=True)
    top = np.where((top == 0) | np.isinf(top), 1, top)
    total = sum(power(sizes / top, ord), axis, keepdims=True)
    zero = plain(total) == 0
    result = where(zero, 0, power(where(zero, 1, total), 1 / ord)) * top
    far = np.isinf((np.max if ord > 0 else np.min)(plain(sizes), axis=axis, keepdims=True))  # so the norm is infinite
    result = where(far, _at_infinity(sizes, ord, axis), result) if somewhere(far) else result
    return alias(result, name=name) if keepdims else reshape(result, _without(np.shape(result), (axis,)), name=name)


def _at_infinity(sizes: Any, ord: float, axis: int) -> Any:
    """The norm by those of the numbers that are infinite: k of them in one direction each have slope k^(1/ord − 1)."""
    infinite = np.isinf(plain(sizes))
    count = count_like(np.sum(infinite, axis=axis, keepdims=True), sizes)
    slope = np.maximum(count, 1) ** (1 / ord - 1)
    return sum(where(infinite, slope * sizes, 0), axis, keepdims=True)


def _of_matrices(x: Any, ord: Order, axes: tuple[int, ...], keepdims: bool, name: str | None) -> Any:
    if ord in (None, "fro"):
        return length(x, axis=axes, keepdims=bool(keepdims), name=name)
    rows, columns = axes
    if ord in (1, -1, inf, -inf) and not isinstance(ord, bool):
        inside, outside = (rows, columns) if ord in (1, -1) else (columns, rows)
        sums = sum(magnitude(x), inside, keepdims=True)
        result = (largest if ord in (1, inf) else smallest)(sums, outside, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = svdvals(moveaxis(x, axes, (-2, -1)))
        reduce: Any = {2: largest, -2: smallest, "nuc": sum}[ord]
        result = expand_dims(reduce(s, -1), axes)
    else:
        raise SettingError(f"norm: of matrices, ord is None, 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'; got {shown(ord)}")
    return alias(result, name=name) if keepdims else reshape(result, _without(np.shape(result), axes), name=name)


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    gone = {i % len(shape) for i in axes}
    return tuple(n for i, n in enumerate(shape) if i not in gone)
