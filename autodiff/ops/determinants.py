"""The determinant and its logarithm, with gradients that are right at singular matrices too.

∂det(X)/∂X is the matrix of cofactors. Where X is well conditioned it is det(X) X⁻ᵀ (Giles 2008, section 2.2.4). Near a
singular matrix that product of something small and something huge loses its digits, and at one it is 0 · ∞, though the
cofactors are polynomials in X and finite. There X is turned so that its small singular values stand apart in one block,
and the block's Schur complement, a small matrix on a scale of its own, is treated alike.
"""

from typing import Any, NamedTuple

import numpy as np

from ..primitive import Primitive
from .elementwise import multiply, where
from .index import getitem, scatter
from .join import concatenate, stack
from .linalg import matmul
from .matrices import check_square, inv
from .plain_data import plain, plain_array, somewhere
from .reduce import sum
from .shape import reshape, swap_last

__all__ = ["det", "slogdet"]

MINORS = 8  # of a zero matrix larger than this, derivatives of the determinant vanish up to the seventh order


class Slogdet(NamedTuple):
    """Sign and logarithm of |determinant|: det = sign · exp(logabsdet)."""

    sign: Any
    logabsdet: Any


def det(a: Any, *, name: str | None = None) -> Any:
    """Determinant of each matrix. `a: (..., n, n) → (...)`. The gradient is finite at singular matrices too.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)
    array([[ 4., -2.],
           [-2.,  1.]])

    Raises ShapeError if the matrices are not square.
    """
    check_square("det", a)
    return _det(a, name=name)


def slogdet(a: Any, *, name: str | None = None) -> Slogdet:
    """Sign of the determinant of each matrix, and the logarithm of its absolute value, which cannot overflow.

    `a: (..., n, n) → sign (...), logabsdet (...)`. The sign has no gradient; that of the logarithm is X⁻ᵀ (Giles 2008,
    section 2.2.5). `name` names the results `name.sign` and `name.logabsdet`.

    At a singular matrix the logarithm is −∞ and its gradient infinite.

    Raises ShapeError if the matrices are not square.
    """
    check_square("slogdet", a)
    packed = _slogdet(a)
    return Slogdet(*(getitem(packed, (..., i), name=name and f"{name}.{f}") for i, f in enumerate(Slogdet._fields)))


def _det_vjp(g: Any, out: Any, x: Any) -> Any:
    return reshape(g, (*np.shape(g), 1, 1)) * _cofactors(out, x)


def _det_jvp(tangents: Any, out: Any, x: Any) -> Any:
    return sum(_cofactors(out, x) * tangents[0], (-2, -1))


def _cofactors(out: Any, x: Any) -> Any:
    """The cofactors of each matrix of a stack; `out` is its determinant."""
    n, stacked = x.shape[-1], np.shape(x)[:-2]
    if n <= 1:
        return np.ones(np.shape(x), dtype=x.dtype)
    if x.size == 0:
        return x
    ill = _is_ill(plain_array(x))
    if not somewhere(ill):
        return reshape(out, (*stacked, 1, 1)) * swap_last(inv(x))
    eye = np.eye(n, dtype=x.dtype)
    x, out, ill = reshape(x, (-1, n, n)), reshape(out, (-1, 1, 1)), ill.reshape(-1, 1, 1)
    well = where(ill, 0, out) * swap_last(inv(where(ill, eye, x)))
    (places,) = np.nonzero(ill.ravel())
    apart = stack([_cofactors_by_blocks(getitem(x, int(i))) for i in places])
    return reshape(well + scatter(apart, places, (ill.size, n, n)), (*stacked, n, n))


def _is_ill(x: Any) -> Any:
    """Whether det(X) X⁻ᵀ would lose more than a third of the digits."""
    with np.errstate(all="ignore"):
        return np.linalg.cond(x, 1) > np.finfo(x.dtype).eps ** (-1 / 3)  # NaN is not ill


def _cofactors_by_blocks(x: Any) -> Any:
    """The cofactors of one ill-conditioned matrix.

    X = U B V with B = [B₁₁ B₁₂; B₂₁ B₂₂], U and V the singular vectors at this point, taken as constants, and all small
    singular values in B₂₂. With S = B₂₂ − B₂₁ B₁₁⁻¹ B₁₂, det B = det B₁₁ · det S, and B's adjugate follows from S's.
    """
    n = x.shape[-1]
    u, s, vh = np.linalg.svd(plain(x))
    k = max(1, int(np.sum(s <= s[0] * np.finfo(x.dtype).eps ** (1 / 3))))
    if k == n:  # then all are 0
        return _minors(x)
    b = matmul(matmul(u.T, x), vh.T)
    low, high = slice(None, n - k), slice(n - k, None)
    b11, b12, b21, b22 = (getitem(b, (i, j)) for i in (low, high) for j in (low, high))
    inverse = inv(b11)
    left, right = matmul(b21, inverse), matmul(inverse, b12)
    schur = b22 - matmul(left, b12)
    small = det(schur)
    adjugate = swap_last(_cofactors(small, schur))
    bottom = concatenate([-matmul(adjugate, left), adjugate], 1)
    top = concatenate([small * inverse + matmul(matmul(right, adjugate), left), -matmul(right, adjugate)], 1)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(vh))
    return (sign * det(b11)) * matmul(matmul(u, swap_last(concatenate([top, bottom], 0))), vh)


def _minors(x: Any) -> Any:
    """The cofactors by their definition: determinants of what is left without one row and one column."""
    n = x.shape[-1]
    if n > MINORS:
        return multiply(x, 0)
    rest = np.array([[j for j in range(n) if j != i] for i in range(n)], dtype=np.intp).reshape(n, n - 1)
    parts = getitem(x, (rest[:, None, :, None], rest[None, :, None, :]))  # (n, n, n − 1, n − 1)
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return det(parts) * signs.astype(x.dtype)


def _slogdet_vjp(g: Any, out: Any, x: Any) -> Any:
    g = getitem(g, (..., 1, None, None))
    singular, inverse = _inverse_where_there_is_one(out, x)
    return where(singular, _infinite(g), g * swap_last(inverse))


def _slogdet_jvp(tangents: Any, out: Any, x: Any) -> Any:
    singular, inverse = _inverse_where_there_is_one(out, x)
    moved = sum(where(singular, _infinite(tangents[0]), swap_last(inverse) * tangents[0]), (-2, -1))
    return stack([np.zeros(np.shape(moved), dtype=moved.dtype), moved], -1)


def _inverse_where_there_is_one(out: Any, x: Any) -> tuple[Any, Any]:
    """Which matrices are singular, and the inverses of the others."""
    singular = plain_array(out)[..., :1, None] == 0
    return singular, inv(where(singular, np.eye(x.shape[-1], dtype=x.dtype), x))


def _infinite(g: Any) -> Any:
    """g times an infinite derivative: 0 stays silent."""
    return np.where(plain(g) == 0, 0, np.copysign(np.inf, plain(g))).astype(g.dtype)


# Sign and logarithm are one node of shape (..., 2), so that they share one factorisation; `getitem` takes them apart.
_det = Primitive("det", lambda x: np.linalg.det(x), _det_vjp, jvp=_det_jvp)
_slogdet = Primitive("slogdet", lambda x: np.stack(np.linalg.slogdet(x), -1), _slogdet_vjp, jvp=_slogdet_jvp)
