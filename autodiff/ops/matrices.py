"""Functions of matrices: norms, inverses and what solves linear systems. All but `lstsq` and `multi_dot` take stacks.

The derivatives are collected in Giles 2008, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation"; that of the pseudo-inverse is from Golub & Pereyra 1973.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Primitive
from ..tape import Value
from .elementwise import where
from .linalg import matmul
from .options import refuse, shown
from .plain_data import dtype_of, plain, somewhere
from .reduce import spread, sum
from .reduce import trace as trace_of_axes
from .selection import diagonal as diagonal_of_axes
from .shape import alias, reshape, sum_to, swap_last

__all__ = ["diagonal", "inv", "lstsq", "matrix_power", "multi_dot", "pinv", "solve", "trace"]


class LstSq(NamedTuple):
    """What `lstsq` found: the solution, and what NumPy says about the problem, as plain arrays and numbers."""

    x: Any
    residuals: Any
    rank: Any
    s: Any


def trace(x: Any, *, offset: int = 0, dtype: Any = None, name: str | None = None) -> Any:
    """Sum of a diagonal of each matrix. `x: (..., n, m) → (...)`; `autodiff.trace` takes the first two axes instead."""
    return trace_of_axes(x, offset, -2, -1, dtype, name=name)


def diagonal(x: Any, *, offset: int = 0, name: str | None = None) -> Any:
    """A diagonal of each matrix. `x: (..., n, m) → (..., k)`; `autodiff.diagonal` takes the first two axes instead."""
    return diagonal_of_axes(x, offset, -2, -1, name=name)


def inv(a: Any, *, name: str | None = None) -> Any:
    """Inverse of each matrix. `a: (..., n, n) → (..., n, n)`; ∂X⁻¹ = −X⁻¹ ∂X X⁻¹ (Giles 2008, section 2.2.3).

    Raises ShapeError if a matrix is singular or not square.
    """
    check_square("inv", a)
    return _inv(a, name=name)


def solve(a: Any, b: Any, *, name: str | None = None) -> Any:
    """The X with A X = B. `a: (..., n, n), b: (n,) or (..., n, k) → b's shape with the stacks broadcast`.

    As in NumPy 2, b is a vector only if it has one axis. Source of the gradient: Giles 2008, section 2.3.1.

    >>> import numpy as np, autodiff as ad
    >>> ad.linalg.solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
    array([1. , 0.5])

    Raises ShapeError if a matrix is singular or not square, or the shapes do not fit.
    """
    check_square("solve", a)
    return _solve(a, b, name=name)


def pinv(
    a: Any,
    rcond: float | None = None,
    hermitian: bool = False,
    *,
    rtol: Any = np._NoValue,
    name: str | None = None,
) -> Any:
    """Moore-Penrose inverse of each matrix. `a: (..., n, m) → (..., m, n)`.

    rcond  singular values up to this times the largest count as zero; 1e-15 by default
    rtol   NumPy's other name for it, which by default, None, is machine precision times max(n, m)

    The gradient (Golub & Pereyra 1973, equation 4.12) holds where the rank does not change nearby, as at full rank.
    """
    refuse("pinv", hermitian=hermitian)
    if rtol is not np._NoValue:
        if rcond is not None:
            raise SettingError("pinv: rcond and rtol are the same option; give one")
        rcond = _precision(a) if rtol is None else rtol
    return _pinv(a, rcond=1e-15 if rcond is None else float(rcond), name=name)


def lstsq(a: Any, b: Any, rcond: float | None = None, *, name: str | None = None) -> LstSq:
    """The X that makes |A X − B| smallest, of several the shortest. `a: (n, m), b: (n,) or (n, k) → (m,) or (m, k)`.

    rcond  singular values up to this times the largest count as zero; machine precision times max(n, m) by default

    Returns (x, residuals, rank, s) as NumPy does. Only x, the product of `pinv(a)` and b, has a gradient, which holds
    where the rank does not change nearby.

    >>> import numpy as np, autodiff as ad
    >>> ad.linalg.lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0])).x.round(12)
    array([2.])

    Raises ShapeError if a is no matrix or the rows do not fit.
    """
    shapes = np.shape(a), np.shape(b)
    if len(shapes[0]) != 2 or len(shapes[1]) not in (1, 2) or shapes[0][0] != shapes[1][0]:
        raise ShapeError(f"lstsq: operand shapes {shapes[0]} and {shapes[1]}: takes (n, m) and (n,) or (n, k)")
    about = np.linalg.lstsq(plain(a), plain(b), rcond=rcond)
    return LstSq(matmul(pinv(a, _precision(a) if rcond is None else rcond), b, name=name), *about[1:])


def matrix_power(a: Any, n: int, *, name: str | None = None) -> Any:
    """Each matrix multiplied n times, in about log₂ n products; n = 0 gives the identity, n < 0 the inverse's power.

    Raises ShapeError if the matrices are not square, or singular for n < 0; SettingError if n is no integer.
    """
    check_square("matrix_power", a)
    if not isinstance(n, int | np.integer):
        raise SettingError(f"matrix_power: the exponent must be an integer, got {shown(n)}")
    a = a if isinstance(a, Value) else np.asarray(a)
    if n == 0:
        return where(True, np.eye(np.shape(a)[-1], dtype=a.dtype), a, name=name)
    power, left, result = inv(a) if n < 0 else a, -n if n < 0 else n, None
    while left:
        if left % 2:
            result = power if result is None else matmul(result, power)
        left //= 2
        power = matmul(power, power) if left else power
    return alias(result, name=name) if name else result


def multi_dot(arrays: Sequence[Any], *, out: None = None, name: str | None = None) -> Any:
    """The product of several matrices, in the order of multiplication that needs the fewest operations.

    `arrays: (n₀, n₁), (n₁, n₂), ... → (n₀, nₖ)`; the first may be a row vector and the last a column vector.

    Raises ShapeError if there are fewer than two, one in between is no matrix, or their sizes do not align.
    """
    refuse("multi_dot", out=out)
    operands = [x if isinstance(x, Value) else np.asarray(x) for x in arrays]
    shapes = [np.shape(x) for x in operands]
    ends = (0, len(shapes) - 1)
    if len(operands) < 2 or any(len(s) != 2 and (len(s) != 1 or i not in ends) for i, s in enumerate(shapes)):
        raise ShapeError(f"multi_dot: takes two matrices or more, vectors only as first and last, got shapes {shapes}")
    rows = 1 if len(shapes[0]) == 1 else shapes[0][0]
    columns = 1 if len(shapes[-1]) == 1 else shapes[-1][1]
    splits = _best_splits([rows, *(s[0] for s in shapes[1:]), columns])

    def product(i: int, j: int) -> Any:
        if i == j:
            return operands[i]
        k = splits[i, j]
        return matmul(product(i, k), product(k + 1, j), name=name if (i, j) == ends else None)

    return product(*ends)


def _precision(a: Any) -> float:
    """Machine precision times the larger size of a matrix: the rounding of its singular values."""
    dtype = np.result_type(dtype_of(a), np.float32)
    return float(np.finfo(dtype).eps) * float(max(np.shape(a)[-2:]))


def check_square(name: str, x: Any) -> None:
    """Raises ShapeError unless x is a square matrix or a stack of them."""
    shape = np.shape(x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{name}: takes square matrices, got shape {shape}")


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For the product of matrices i to j, of sizes[i] × sizes[i + 1] each, the last matrix of its left factor.

    By dynamic programming (Cormen et al., "Introduction to Algorithms", section 15.2).
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], splits[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return splits


def _norm_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    x = np.asarray(x)
    with np.errstate(over="ignore", under="ignore"):
        result = np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if x.size and np.any((result == 0) | np.isinf(result)):  # the squares may have left the range: scale
        scale = np.max(np.abs(x), axis=axis, keepdims=True)
        scale = np.where((scale == 0) | np.isinf(scale), 1, scale)
        scaled = np.sqrt(np.sum((x / scale) ** 2, axis=axis, keepdims=True)) * scale
        result = scaled.reshape(np.shape(result))
    return result


def _norm_local(out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    length = spread(out, x, axis, keepdims)
    zero, infinite = plain(length) == 0, np.isinf(plain(length))
    local = where(zero, 0, x / where(zero | infinite, 1, length))
    return where(infinite, _direction(plain(x), axis), local) if somewhere(infinite) else local


def _direction(x: Any, axis: Any) -> Any:
    """Vectors whose length is infinite at length 1: their infinite numbers alone count, diagonal to each other."""
    top = np.max(np.abs(x), axis=axis, keepdims=True)
    size = np.where(np.isinf(top), np.sign(x) * np.isinf(x), x / top)
    return (size / np.sqrt(np.sum(size * size, axis=axis, keepdims=True))).astype(x.dtype)


def _norm_jvp(tangents: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return sum(_norm_local(out, x, axis, keepdims) * tangents[0], axis, keepdims=keepdims)


def _solved_back(g: Any, a: Any, b: Any) -> Any:
    """A⁻ᵀ g, with a vector's g as a column."""
    return _solve(swap_last(a), _column(g, b))


def _column(value: Any, b: Any) -> Any:
    """Right-hand sides and solutions as matrices: if b is a vector, a column."""
    return reshape(value, (*np.shape(value), 1)) if np.ndim(b) == 1 else value


def _solve_vjp_a(g: Any, out: Any, a: Any, b: Any) -> Any:
    return sum_to(-matmul(_solved_back(g, a, b), swap_last(_column(out, b))), np.shape(a))


def _solve_vjp_b(g: Any, out: Any, a: Any, b: Any) -> Any:
    back = _solved_back(g, a, b)
    return sum_to(reshape(back, np.shape(back)[:-1]) if np.ndim(b) == 1 else back, np.shape(b))


def _solve_jvp(tangents: Any, out: Any, a: Any, b: Any) -> Any:
    """A⁻¹ (Ḃ − Ȧ X)"""
    change: Any = None if tangents[1] is None else _column(tangents[1], b)
    if tangents[0] is not None:
        moved = matmul(tangents[0], _column(out, b))
        change = -moved if change is None else change - moved
    result = _solve(a, change)
    return result if np.shape(result) == np.shape(out) else reshape(result, np.shape(out))


def _inv_vjp(g: Any, out: Any, x: Any) -> Any:
    back = swap_last(out)
    return -matmul(matmul(back, g), back)


def _residue(x: Any, inverse: Any) -> Any:
    """I − X X⁺: what is orthogonal to the columns of X."""
    product = matmul(x, inverse)
    return np.eye(np.shape(product)[-1], dtype=product.dtype) - product


def _pinv_vjp(g: Any, out: Any, x: Any, rcond: float) -> Any:
    p, pt, gt = out, swap_last(out), swap_last(g)
    first = matmul(matmul(_residue(x, p), gt), matmul(p, pt))
    second = matmul(matmul(pt, p), matmul(gt, _residue(p, x)))
    return first + second - matmul(matmul(pt, g), pt)


def _pinv_jvp(tangents: Any, out: Any, x: Any, rcond: float) -> Any:
    p, pt, t = out, swap_last(out), swap_last(tangents[0])
    first = matmul(matmul(p, pt), matmul(t, _residue(x, p)))
    second = matmul(matmul(_residue(p, x), t), matmul(pt, p))
    return first + second - matmul(matmul(p, tangents[0]), p)


# The root of the sum of squares, of which `norms` makes the norms.
length = Primitive(
    "norm",
    _norm_forward,
    lambda g, out, x, axis, keepdims: spread(g, x, axis, keepdims) * _norm_local(out, x, axis, keepdims),
    jvp=_norm_jvp,
)
_inv = Primitive(
    "inv",
    lambda x: np.linalg.inv(x),
    _inv_vjp,
    jvp=lambda tangents, out, x: -matmul(matmul(out, tangents[0]), out),
)
_solve = Primitive("solve", lambda a, b: np.linalg.solve(a, b), _solve_vjp_a, _solve_vjp_b, jvp=_solve_jvp)
_pinv = Primitive("pinv", lambda x, rcond: np.linalg.pinv(x, rcond), _pinv_vjp, jvp=_pinv_jvp)
