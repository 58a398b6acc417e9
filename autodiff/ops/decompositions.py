"""Matrices taken apart: Cholesky, symmetric eigenvalues, singular values, QR. All take stacks, over the leading axes.

A decomposition of several factors is one node that holds them on top of each other, for instance the rows of U, s and V
of a singular value decomposition: `getitem` takes them apart. So the work is done once, in one rule, and is right to
every order and in both directions by the rule of `getitem`; separate nodes would each need all the factors.

A rule that divides by a gap between eigenvalues counts the inverse of a gap of zero, up to rounding, as 0: what is
computed from eigenvalues alone then has its right first derivative, and the rest stays finite.
"""

from typing import Any, NamedTuple

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Primitive
from .elementwise import where
from .index import getitem
from .join import concatenate
from .linalg import matmul, matrix_transpose
from .matrices import check_square, solve
from .options import refuse, shown
from .plain_data import plain
from .reduce import sum
from .shape import swap_last

__all__ = ["cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals"]


class Eigh(NamedTuple):
    """Eigenvalues in ascending order, and the eigenvectors as the columns of a matrix."""

    eigenvalues: Any
    eigenvectors: Any


class SVD(NamedTuple):
    """Singular vectors and values, U · diag(S) · Vh, the values in descending order."""

    U: Any
    S: Any
    Vh: Any


class QR(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Any
    R: Any


def cholesky(a: Any, *, upper: bool = False, name: str | None = None) -> Any:
    """The lower triangle L with L Lᵀ = A, of symmetric positive definite matrices. `a: (..., n, n) → (..., n, n)`.

    upper  return Lᵀ instead, and read the upper triangle of A

    Only one triangle is read, but the gradient is that for symmetric changes of A, and so symmetric itself. Source:
    Murray 2016, "Differentiation of the Cholesky decomposition", equations 8 and 10.

    >>> import numpy as np, autodiff as ad
    >>> ad.linalg.cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 0.],
           [1., 2.]])

    Raises ShapeError if a matrix is not square or not positive definite.
    """
    check_square("cholesky", a)
    return matrix_transpose(_cholesky(swap_last(a)), name=name) if upper else _cholesky(a, name=name)


def eigh(a: Any, UPLO: str = "L", *, name: str | None = None) -> Eigh:
    """Eigenvalues and eigenvectors of symmetric matrices. `a: (..., n, n) → (..., n) and (..., n, n)`.

    UPLO  the triangle that is read, "L" or "U"; the gradient is that for symmetric changes, and so symmetric itself

    Source of the gradient: Giles 2008, section 3.1. It is not defined for the eigenvectors of equal eigenvalues: there
    it is finite and leaves out how those mix. `name` names the results `name.eigenvalues` and `name.eigenvectors`.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.linalg.eigh(x).eigenvalues[1])(np.diag([1.0, 3.0]))
    array([[0., 0.],
           [0., 1.]])

    Raises ShapeError if the matrices are not square, SettingError for another UPLO.
    """
    packed = _packed_eigh("eigh", a, UPLO)
    values = getitem(packed, (..., 0, slice(None)), name=name and f"{name}.eigenvalues")
    return Eigh(values, getitem(packed, (..., slice(1, None), slice(None)), name=name and f"{name}.eigenvectors"))


def eigvalsh(a: Any, UPLO: str = "L", *, name: str | None = None) -> Any:
    """The eigenvalues alone of symmetric matrices, in ascending order. `a: (..., n, n) → (..., n)`; see `eigh`.

    Where some are equal, a sum over all of these has the right gradient.
    """
    return getitem(_packed_eigh("eigvalsh", a, UPLO), (..., 0, slice(None)), name=name)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False, *, name: str | None = None
) -> Any:
    """Singular value decomposition. `a: (..., n, m) → U (..., n, k), S (..., k), Vh (..., k, m)`, k = min(n, m).

    full_matrices  must be False unless a is square: a does not determine the vectors that it adds to U or Vh
    compute_uv     False returns S alone

    Source of the gradient: Townsend 2016, "Differentiating the singular value decomposition". It is not defined for the
    vectors of equal singular values, or of zeros: there it is finite and leaves out how those mix. `name` names the
    results `name.U`, `name.S` and `name.Vh`.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.linalg.svd(x).S))(np.diag([3.0, 1.0]))
    array([[1., 0.],
           [0., 1.]])

    Raises ShapeError if a is no matrix, SettingError for full_matrices=True if it is not square.
    """
    refuse("svd", hermitian=hermitian)
    n, m = _matrix("svd", a)
    if not compute_uv:
        return svdvals(a, name=name)
    if full_matrices and n != m:
        raise SettingError(f"svd: of shape {np.shape(a)} only full_matrices=False has a derivative: pass that")
    packed = _svd(a)
    u = getitem(packed, (..., slice(None, n), slice(None)), name=name and f"{name}.U")
    s = getitem(packed, (..., n, slice(None)), name=name and f"{name}.S")
    v = getitem(packed, (..., slice(n + 1, None), slice(None)))
    return SVD(u, s, matrix_transpose(v, name=name and f"{name}.Vh"))


def svdvals(x: Any, *, name: str | None = None) -> Any:
    """The singular values alone, in descending order. `x: (..., n, m) → (..., min(n, m))`; see `svd`.

    Where some are equal, a sum over all of these has the right gradient.
    """
    n, _ = _matrix("svdvals", x)
    return getitem(_svd(x), (..., n, slice(None)), name=name)


def qr(a: Any, mode: str = "reduced", *, name: str | None = None) -> Any:
    """Orthonormal columns times an upper triangle. `a: (..., n, m) → Q (..., n, k), R (..., k, m)`, k = min(n, m).

    mode  "reduced", or "r" for R alone

    Source of the gradient: Walter & Lehmann 2010, "Algorithmic differentiation of linear algebra functions". It needs
    independent columns, the first n of them if there are more. `name` names the results `name.Q` and `name.R`.

    Raises ShapeError if a is no matrix, or a gradient is taken where columns are dependent; SettingError for another
    mode: the columns that "complete" adds are not determined by a.
    """
    n, m = _matrix("qr", a)
    if mode not in ("reduced", "r"):
        raise SettingError(f'qr: mode must be "reduced" or "r", got {shown(mode)}')
    packed = _qr(getitem(a, (..., slice(None), slice(None, n))) if m > n else a)
    name_q, name_r = (None, name) if mode == "r" else (name and f"{name}.Q", name and f"{name}.R")
    q = getitem(packed, (..., slice(None, n), slice(None)), name=name_q)
    r = getitem(packed, (..., slice(n, None), slice(None)), name=None if m > n else name_r)
    if m > n:  # the other columns, in the basis that the first ones made
        rest = matmul(swap_last(q), getitem(a, (..., slice(None), slice(n, None))))
        r = concatenate([r, rest], -1, name=name_r)
    return r if mode == "r" else QR(q, r)


def _matrix(name: str, x: Any) -> tuple[int, int]:
    """Rows and columns. Raises ShapeError if x is no matrix or stack of them."""
    shape = np.shape(x)
    if len(shape) < 2:
        raise ShapeError(f"{name}: takes matrices, got shape {shape}")
    return shape[-2], shape[-1]


def _packed_eigh(name: str, a: Any, UPLO: str) -> Any:
    check_square(name, a)
    if UPLO not in ("L", "U"):
        raise SettingError(f'{name}: UPLO must be "L" or "U", got {shown(UPLO)}')
    return _eigh(a, UPLO=UPLO)


def _rows(packed: Any, *counts: int) -> list[Any]:
    """The factors of a packed result, by their numbers of rows."""
    starts = np.cumsum([0, *counts]).tolist()
    return [getitem(packed, (..., slice(i, i + n), slice(None))) for i, n in zip(starts, counts, strict=False)]


def _symmetric(x: Any) -> Any:
    return (x + swap_last(x)) / 2


def _triangle(x: Any, diagonal: float) -> Any:
    """The lower triangle, its diagonal times this factor."""
    n = np.shape(x)[-1]
    return x * (np.tri(n, k=-1) + diagonal * np.eye(n)).astype(x.dtype)


def _on_diagonal(row: Any) -> Any:
    """A row (..., 1, n) as a diagonal matrix."""
    return row * np.eye(np.shape(row)[-1], dtype=row.dtype)


def _of_diagonal(x: Any) -> Any:
    """The diagonal of a matrix as a row (..., 1, n)."""
    return sum(x * np.eye(np.shape(x)[-1], dtype=x.dtype), -2, keepdims=True)


def _inverse(x: Any, size: Any) -> Any:
    """1 / x, and 0 where x is 0 but for the rounding of a quantity of this size."""
    tiny = np.finfo(x.dtype).eps * np.shape(x)[-1] * size
    zero = np.abs(plain(x)) <= tiny
    return where(zero, 0, 1 / where(zero, 1, x))


def _size(row: Any) -> Any:
    """The largest absolute value of each row, kept as an axis."""
    return np.max(np.abs(plain(row)), axis=-1, keepdims=True, initial=0)


def _cholesky_vjp(g: Any, out: Any, a: Any) -> Any:
    upper = swap_last(out)
    inside = _triangle(matmul(upper, g), 0.5)
    return _symmetric(solve(upper, swap_last(solve(upper, inside))))


def _cholesky_jvp(tangents: Any, out: Any, a: Any) -> Any:
    inside = solve(out, swap_last(solve(out, _symmetric(tangents[0]))))
    return matmul(out, _triangle(inside, 0.5))


def _eigh_forward(a: Any, UPLO: Any) -> Any:
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], -2)


def _eigh_gaps(w: Any) -> Any:
    """1 / (wⱼ − wᵢ), with 0 for a gap of 0."""
    return _inverse(w - swap_last(w), _size(w))


def _eigh_vjp(g: Any, out: Any, a: Any, UPLO: str) -> Any:
    n = a.shape[-1]
    (w, v), (gw, gv) = _rows(out, 1, n), _rows(g, 1, n)
    inside = _on_diagonal(gw) + _eigh_gaps(w) * matmul(swap_last(v), gv)
    return _symmetric(matmul(matmul(v, inside), swap_last(v)))


def _eigh_jvp(tangents: Any, out: Any, a: Any, UPLO: str) -> Any:
    w, v = _rows(out, 1, a.shape[-1])
    p = matmul(matmul(swap_last(v), _symmetric(tangents[0])), v)
    return concatenate([_of_diagonal(p), matmul(v, _eigh_gaps(w) * p)], -2)


def _svd_forward(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], np.swapaxes(vh, -1, -2)], -2)


def _svd_gaps(s: Any) -> Any:
    """1 / (sⱼ² − sᵢ²), with 0 for a gap of 0."""
    t, size = swap_last(s), _size(s)
    return _inverse(s - t, size) * _inverse(s + t, size)


def _svd_vjp(g: Any, out: Any, x: Any) -> Any:
    n, m = x.shape[-2:]
    (u, s, v), (gu, gs, gv) = _rows(out, n, 1, m), _rows(g, n, 1, m)
    ut, vt, gaps = swap_last(u), swap_last(v), _svd_gaps(s)
    of_u, of_v = matmul(ut, gu), matmul(vt, gv)
    inside = gaps * (of_u - swap_last(of_u)) * s + _on_diagonal(gs) + swap_last(s) * gaps * (of_v - swap_last(of_v))
    result = matmul(matmul(u, inside), vt)
    inverse = _inverse(s, _size(s))
    if n > m:  # what changes U out of the space of its columns
        result = result + matmul((gu - matmul(u, of_u)) * inverse, vt)
    if m > n:
        result = result + matmul(u, swap_last((gv - matmul(v, of_v)) * inverse))
    return result


def _svd_jvp(tangents: Any, out: Any, x: Any) -> Any:
    n, m = x.shape[-2:]
    u, s, v = _rows(out, n, 1, m)
    t = tangents[0]
    gaps, st, inverse = _svd_gaps(s), swap_last(s), _inverse(s, _size(s))
    tv, tu = matmul(t, v), matmul(swap_last(t), u)
    p = matmul(swap_last(u), tv)
    pt = swap_last(p)
    du, dv = matmul(u, gaps * (p * s + st * pt)), matmul(v, gaps * (st * p + pt * s))
    if n > m:
        du = du + (tv - matmul(u, p)) * inverse
    if m > n:
        dv = dv + (tu - matmul(v, pt)) * inverse
    return concatenate([du, _of_diagonal(p), dv], -2)


def _qr_vjp(g: Any, out: Any, x: Any) -> Any:
    n, m = x.shape[-2:]
    (q, r), (gq, gr) = _rows(out, n, m), _rows(g, n, m)
    inside = matmul(r, swap_last(gr)) - matmul(swap_last(gq), q)
    mirrored = _triangle(inside, 1) + swap_last(_triangle(inside, 0))
    return swap_last(solve(r, swap_last(gq + matmul(q, mirrored))))


def _qr_jvp(tangents: Any, out: Any, x: Any) -> Any:
    q, r = _rows(out, *x.shape[-2:])
    t = swap_last(solve(swap_last(r), swap_last(tangents[0])))
    w = matmul(swap_last(q), t)
    below = _triangle(w, 0)
    moved = w - below + swap_last(below)  # Ṙ R⁻¹, an upper triangle
    return concatenate([t - matmul(q, moved), matmul(moved, r)], -2)


_cholesky = Primitive("cholesky", lambda a: np.linalg.cholesky(a), _cholesky_vjp, jvp=_cholesky_jvp)
_eigh = Primitive("eigh", _eigh_forward, _eigh_vjp, jvp=_eigh_jvp)
_svd = Primitive("svd", _svd_forward, _svd_vjp, jvp=_svd_jvp)
_qr = Primitive("qr", lambda x: np.concatenate(np.linalg.qr(x), -2), _qr_vjp, jvp=_qr_jvp)
