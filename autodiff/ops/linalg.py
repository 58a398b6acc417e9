"""Products of vectors, matrices and arrays of any order.

`matmul` and `einsum` are rows; every other product is one of them after a change of shape, as in NumPy itself.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import products
from ..errors import ShapeError
from ..primitive import Primitive
from ..tape import Value
from .elementwise import multiply, subtract
from .index import getitem
from .options import refuse, shown
from .shape import expand_dims, moveaxis, normal_axes, ravel, reshape, sum_to, swap_last, transpose

__all__ = [
    "cross",
    "dot",
    "inner",
    "matmul",
    "matrix_transpose",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]

Axes = int | Sequence[int] | Sequence[Sequence[int]]


def matmul(x1: Any, x2: Any, *, name: str | None = None) -> Any:
    """Matrix product as `numpy.matmul`. `x1: (..., n, k), x2: (..., k, m) → (..., n, m)`; a vector is a row or column.

    >>> import numpy as np, autodiff as ad
    >>> ad.matmul(np.ones((128, 784)), np.ones((783, 256)))
    Traceback (most recent call last):
    autodiff.errors.ShapeError: matmul: operand shapes (128, 784) and (783, 256) do not align (784 != 783)

    Raises ShapeError if the inner sizes differ or an operand is a number.
    """
    return _matmul(x1, x2, name=name)


def dot(a: Any, b: Any, out: None = None, *, name: str | None = None) -> Any:
    """Dot product as `numpy.dot`: over the last axis of a and the second to last of b, the only one of a vector.

    `a: (..., k), b: (..., k, m) → (a's ..., b's ..., m)`. A number scales the other operand.

    Raises ShapeError if the summed sizes differ.
    """
    refuse("dot", out=out)
    a, b = _arrays(a, b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b, name=name)
    if np.ndim(b) <= 2:
        _align("dot", a, b, -1, 0)
        return matmul(a, b, name=name) if np.ndim(a) <= 2 or np.ndim(b) == 1 else tensordot(a, b, 1, name=name)
    _align("dot", a, b, -1, -2)
    return tensordot(a, b, ([-1], [-2]), name=name)


def inner(a: Any, b: Any, *, name: str | None = None) -> Any:
    """Inner product: the sum over the last axis of both. `a: (..., k), b: (..., k) → (a's ..., b's ...)`.

    A number scales the other operand. Raises ShapeError if the last sizes differ.
    """
    a, b = _arrays(a, b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b, name=name)
    _align("inner", a, b, -1, -1)
    return tensordot(a, b, ([-1], [-1]), name=name)


def vdot(a: Any, b: Any, *, name: str | None = None) -> Any:
    """The dot product of all numbers of a with all of b, both as vectors. `a: any shape, b: as many numbers → ()`.

    >>> import numpy as np, autodiff as ad
    >>> float(ad.vdot(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])))
    5.0

    Raises ShapeError if the numbers of elements differ.
    """
    a, b = _arrays(a, b)
    if np.size(a) != np.size(b):
        raise ShapeError(f"vdot: operand shapes {np.shape(a)} and {np.shape(b)} differ in their number of elements")
    return matmul(ravel(a), ravel(b), name=name)


def outer(a: Any, b: Any, out: None = None, *, name: str | None = None) -> Any:
    """Every number of a times every number of b. `a: n numbers, b: m numbers → (n, m)`."""
    refuse("outer", out=out)
    a, b = _arrays(a, b)
    return multiply(reshape(a, (np.size(a), 1)), ravel(b), name=name)


def tensordot(a: Any, b: Any, axes: Axes = 2, *, name: str | None = None) -> Any:
    """The sum over pairs of axes: the last `axes` of a with the first of b, or `axes = (those of a, those of b)`.

    `→ (a's other axes, b's other axes)`

    >>> import numpy as np, autodiff as ad
    >>> ad.tensordot(np.ones((3, 4, 5)), np.ones((4, 3, 2)), axes=([1, 0], [0, 1])).shape
    (5, 2)

    Raises ShapeError if the axes do not pair up or their sizes differ.
    """
    a, b = _arrays(a, b)
    if isinstance(axes, int | np.integer):
        count = int(axes)
        if not 0 <= count <= min(np.ndim(a), np.ndim(b)):
            raise ShapeError(f"tensordot: operand shapes {np.shape(a)} and {np.shape(b)} have not {count} axes to sum")
        of_x, of_y = tuple(range(np.ndim(a) - count, np.ndim(a))), tuple(range(count))
    else:
        try:
            first, second = axes
        except (TypeError, ValueError) as error:
            raise ShapeError(f"tensordot: axes is a number or a pair of lists of axes, got {shown(axes)}") from error
        of_x, of_y = normal_axes("tensordot", a, first), normal_axes("tensordot", b, second)
    sizes = [tuple(np.shape(z)[i] for i in chosen) for z, chosen in ((a, of_x), (b, of_y))]
    if sizes[0] != sizes[1]:
        raise ShapeError(f"tensordot: operand shapes {np.shape(a)} and {np.shape(b)}: cannot sum over {axes}")
    rest_x = tuple(i for i in range(np.ndim(a)) if i not in of_x)
    rest_y = tuple(i for i in range(np.ndim(b)) if i not in of_y)
    shape = tuple(np.shape(a)[i] for i in rest_x) + tuple(np.shape(b)[i] for i in rest_y)
    inside = int(np.prod(sizes[0], dtype=int))
    rows = int(np.prod(shape[: len(rest_x)], dtype=int))
    columns = int(np.prod(shape[len(rest_x) :], dtype=int))
    product = matmul(
        _laid_out(a, (*rest_x, *of_x), (rows, inside)),
        _laid_out(b, (*of_y, *rest_y), (inside, columns)),
        name=name if shape == (rows, columns) else None,
    )
    return product if shape == (rows, columns) else reshape(product, shape, name=name)


def cross(
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
    *,
    name: str | None = None,
) -> Any:
    """Cross product of three-dimensional vectors. `a: (..., 3), b: (..., 3) → (..., 3)`, the other axes broadcast.

    axisa, axisb, axisc  the axis that holds the vector in a, in b and in the result; `axis` stands for all three

    >>> import numpy as np, autodiff as ad
    >>> ad.cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])

    Raises ShapeError unless that axis has size 3.
    """
    a, b = _arrays(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    (of_x,), (of_y,) = normal_axes("cross", a, axisa), normal_axes("cross", b, axisb)
    if np.shape(a)[of_x] != 3 or np.shape(b)[of_y] != 3:
        raise ShapeError(f"cross: operand shapes {np.shape(a)} and {np.shape(b)}: a vector has 3 components")
    a, b = (z if along == np.ndim(z) - 1 else moveaxis(z, along, -1) for z, along in ((a, of_x), (b, of_y)))
    after, before = (..., [1, 2, 0]), (..., [2, 0, 1])
    terms = [multiply(getitem(a, first), getitem(b, second)) for first, second in ((after, before), (before, after))]
    (of_result,) = normal_axes("cross", terms[0], axisc)
    is_last = of_result == np.ndim(terms[0]) - 1
    result = subtract(*terms, name=name if is_last else None)
    return result if is_last else transpose(result, _with_last_at(of_result, np.ndim(result)), name=name)


def matrix_transpose(x: Any, *, name: str | None = None) -> Any:
    """The last two axes exchanged. `x: (..., n, m) → (..., m, n)`. Raises ShapeError if x is no matrix."""
    if np.ndim(x) < 2:
        raise ShapeError(f"matrix_transpose: takes matrices, got shape {np.shape(x)}")
    order = [*range(np.ndim(x) - 2), np.ndim(x) - 1, np.ndim(x) - 2]
    return transpose(x, order, name=name)


def vecdot(x1: Any, x2: Any, *, axis: int = -1, name: str | None = None) -> Any:
    """The dot product of each vector with its partner. `x1: (..., k), x2: (..., k) → (...)`, k along `axis` of both.

    >>> import numpy as np, autodiff as ad
    >>> ad.vecdot(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])

    Raises ShapeError if the sizes along the axis differ.
    """
    x1, x2 = (moveaxis(x, axis, -1) if axis != -1 else x for x in _vectors("vecdot", x1, x2, of_both=True))
    _align("vecdot", x1, x2, -1, -1)
    row, column = expand_dims(x1, -2), expand_dims(x2, -1)
    product = matmul(row, column)
    return reshape(product, np.shape(product)[:-2], name=name)


def matvec(x1: Any, x2: Any, *, name: str | None = None) -> Any:
    """Each matrix times its vector. `x1: (..., n, k), x2: (..., k) → (..., n)`. Raises ShapeError on a misfit."""
    x1, x2 = _vectors("matvec", x1, x2)
    product = matmul(x1, expand_dims(x2, -1))
    return reshape(product, np.shape(product)[:-1], name=name)


def vecmat(x1: Any, x2: Any, *, name: str | None = None) -> Any:
    """Each vector times its matrix. `x1: (..., n), x2: (..., n, m) → (..., m)`. Raises ShapeError on a misfit."""
    x1, x2 = _vectors("vecmat", x1, x2)
    product = matmul(expand_dims(x1, -2), x2)
    return reshape(product, (*np.shape(product)[:-2], np.shape(product)[-1]), name=name)


def _vectors(name: str, x1: Any, x2: Any, of_both: bool = False) -> list[Any]:
    arrays = _arrays(x1, x2)
    if min(np.ndim(x) for x in arrays) < 1 or (not of_both and np.ndim(arrays[0 if name == "matvec" else 1]) < 2):
        raise ShapeError(f"{name}: operand shapes {np.shape(x1)} and {np.shape(x2)} have too few axes")
    return arrays


def _arrays(*operands: Any) -> list[Any]:
    """Lists as arrays, so that the products can ask for shapes; numbers and values as they are."""
    return [x if isinstance(x, Value | int | float) else np.asarray(x) for x in operands]


def _align(name: str, x: Any, y: Any, of_x: int, of_y: int) -> None:
    sizes = np.shape(x)[of_x], np.shape(y)[of_y]
    if sizes[0] != sizes[1]:
        shapes = f"{np.shape(x)} and {np.shape(y)}"
        raise ShapeError(f"{name}: operand shapes {shapes} do not align ({sizes[0]} != {sizes[1]})")


def _laid_out(x: Any, order: tuple[int, ...], shape: tuple[int, int]) -> Any:
    """The axes in this order, folded to a matrix; what already lies so is left alone."""
    if order != tuple(range(np.ndim(x))):
        x = transpose(x, order)
    return x if np.shape(x) == shape else reshape(x, shape)


def _with_last_at(place: int, ndim: int) -> list[int]:
    order = list(range(ndim - 1))
    order.insert(place, ndim - 1)
    return order


def _matmul_forward(x: Any, y: Any) -> Any:
    shapes = np.shape(x), np.shape(y)
    if not (shapes[0] and shapes[1]):
        raise ShapeError(f"matmul: operand shapes {shapes[0]} and {shapes[1]}: a number has no matrix product; use *")
    inner = shapes[0][-1], shapes[1][-2] if len(shapes[1]) > 1 else shapes[1][0]
    if inner[0] != inner[1]:
        raise ShapeError(f"matmul: operand shapes {shapes[0]} and {shapes[1]} do not align ({inner[0]} != {inner[1]})")
    return products.matmul(x, y)


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
