"""Products of matrices."""

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Primitive
from .shape import reshape, sum_to, swap_last

__all__ = ["matmul"]


def matmul(x: Any, y: Any, *, name: str | None = None) -> Any:
    """Matrix product as `numpy.matmul`. `x: (..., n, k), y: (..., k, m) → (..., n, m)`; a vector is a row or column.

    >>> import numpy as np, autodiff as ad
    >>> ad.matmul(np.ones((128, 784)), np.ones((783, 256)))
    Traceback (most recent call last):
    autodiff.errors.ShapeError: matmul: operand shapes (128, 784) and (783, 256) do not align (784 != 783)

    Raises ShapeError if the inner sizes differ or an operand is a number.
    """
    return _matmul(x, y, name=name)


def _matmul_forward(x: Any, y: Any) -> Any:
    shapes = np.shape(x), np.shape(y)
    if not (shapes[0] and shapes[1]):
        raise ShapeError(f"matmul: operand shapes {shapes[0]} and {shapes[1]}: a number has no matrix product; use *")
    inner = shapes[0][-1], shapes[1][-2] if len(shapes[1]) > 1 else shapes[1][0]
    if inner[0] != inner[1]:
        raise ShapeError(f"matmul: operand shapes {shapes[0]} and {shapes[1]} do not align ({inner[0]} != {inner[1]})")
    return np.matmul(x, y)


def _as_matrices(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """The three arrays of a product with vectors written out: a row on the left, a column on the right."""
    shape_x, shape_y, shape_g = np.shape(x), np.shape(y), np.shape(g)
    if len(shape_y) == 1:
        y, shape_g = reshape(y, (*shape_y, 1)), (*shape_g, 1)
    if len(shape_x) == 1:
        x, shape_g = reshape(x, (1, *shape_x)), (*shape_g[:-1], 1, shape_g[-1])
    return reshape(g, shape_g) if shape_g != np.shape(g) else g, x, y


def _matmul_vjp_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    shape = np.shape(x)
    g, x, y = _as_matrices(g, x, y)
    return _fit(matmul(g, swap_last(y)), np.shape(x), shape)


def _matmul_vjp_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    shape = np.shape(y)
    g, x, y = _as_matrices(g, x, y)
    return _fit(matmul(swap_last(x), g), np.shape(y), shape)


def _fit(message: Any, matrix_shape: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """Sum over broadcast stacks, then drop the axis that a vector was given."""
    if np.shape(message) != matrix_shape:
        message = sum_to(message, matrix_shape)
    return message if matrix_shape == shape else reshape(message, shape)


def _bilinear_jvp(tangents: Any, out: Any, x: Any, y: Any) -> Any:
    """The product rule, ẋ y + x ẏ, over the operands that have a tangent."""
    parts = [matmul(t, y) if i == 0 else matmul(x, t) for i, t in enumerate(tangents) if t is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


_matmul = Primitive("matmul", _matmul_forward, _matmul_vjp_x, _matmul_vjp_y, jvp=_bilinear_jvp)
