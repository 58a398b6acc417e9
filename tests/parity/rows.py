"""The rows: for each public function the calls that are compared, away from kinks, where every convention agrees.

A row is a call: arguments, options and, where results must first be made comparable, `through(function, *arguments)`
in operators that arrays of every kind have. Arrays of floats are differentiated; all else is constant.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from cases.matrices import STACK, M, N
from cases.points import COLUMN, CUBE, LABELS, MASK, NONZERO, POSITIVE, ROW, A, B, rand
from cases.reduce import ODD, ONE_ZERO
from cases.rounding import OFF
from cases.samples import PLACES, RISING, VALUES

import autodiff as ad
from autodiff import nn
from autodiff.ops import index, shape

NUMBER, EMPTY, WIDE = np.array(0.7), np.ones((0, 4)), np.ones((2, 0))
SQUARE, NO_MATRICES = M[:2, :2], np.ones((0, 2, 2))
PICKED = np.array([0, 2, 2])
HOLES = np.where(MASK, A, np.nan)


class Row(NamedTuple):
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    through: Callable[..., Any] | None


def row(*arguments: Any, through: Callable[..., Any] | None = None, **options: Any) -> Row:
    return Row(arguments, options, through)


def each(x: Any) -> list[Row]:
    """A function number by number: of an array, a zero-dimensional one, an empty one."""
    return [row(x), row(np.array(x[0, 0])), row(x[:0])]


def pairs(x: Any, y: Any) -> list[Row]:
    """A function of two operands: of one shape, broadcast both ways, with a zero-dimensional one, empty."""
    return [row(x, y), row(x[:, :1], y[0]), row(np.array(x[0, 0]), y), row(x[:0], y[0])]


def reductions(*, several: bool = True, nothing: bool = True, **more: Any) -> list[Row]:
    """Over everything, an axis, `several` axes, of a zero-dimensional array, over `nothing` in each of many slices."""
    rows = [row(A, **more), row(A, axis=1, keepdims=True, **more), row(EMPTY, axis=1, **more), row(NUMBER, **more)]
    rows += [row(CUBE, axis=(0, -1), **more)] if several else []
    return rows + ([row(WIDE, axis=1, **more), row(EMPTY, **more)] if nothing else [])


def slot(function: Callable[..., Any], x: Any, kth: int, **options: Any) -> Any:
    """The number that a partition puts in its place; how the others lie is each library's own affair."""
    return function(x, kth, **options)[..., kth]


def squares(function: Callable[..., Any], *arguments: Any, **options: Any) -> list[Any]:
    """Each factor's squares: its vectors are determined up to their sign alone."""
    return [part * part for part in function(*arguments, **options)]


def of_symmetric(function: Callable[..., Any], x: Any, **options: Any) -> Any:
    """A function of x + xᵀ, so that it does not matter how a change that is not symmetric counts."""
    out = function(x + x.swapaxes(-1, -2), **options)
    return [part * part for part in out] if isinstance(out, tuple) else out


def of_positive(function: Callable[..., Any], x: Any, **options: Any) -> Any:
    return function(x @ x.swapaxes(-1, -2), **options)


UNARY = [  # the points, the functions that are compared there
    (A, "real negative positive square exp exp2 expm1 sin cos tanh sigmoid sinh cosh arcsinh arctan sinc"),
    (A, "deg2rad rad2deg erf erfc gelu silu softplus log_sigmoid floor ceil trunc rint round nan_to_num"),
    (NONZERO, "abs fabs sign reciprocal cbrt relu leaky_relu elu selu softsign"),
    (POSITIVE, "sqrt log log1p log2 log10"),
    (0.45 * A, "arcsin arccos arctanh"),
    (POSITIVE + 1, "arccosh"),
    (0.6 * A, "tan"),
    (1.1 * A, "hard_tanh"),
    (4 * NONZERO, "relu6"),
]
BINARY = [
    (A, B, "add subtract multiply maximum minimum fmax fmin logaddexp logaddexp2 hypot"),
    (A, NONZERO, "divide arctan2 floor_divide remainder fmod divmod"),
    (NONZERO, B, "copysign heaviside"),
    (POSITIVE, B, "power float_power"),
]
MORE = {
    "gelu": [row(3 * A, approximate="tanh")],
    "elu": [row(NONZERO, alpha=0.5)],
    "leaky_relu": [row(NONZERO, negative_slope=0.2)],
    "round": [row(OFF, decimals=1)],
    "clip": [row(A, -1.0, 1.0), row(A, ROW - 0.7, ROW + 0.6), row(NUMBER, 0.0, 1.0), row(EMPTY, -1.0, ROW)],
    "where": [row(MASK, A, B), row(MASK, COLUMN, ROW), row(MASK[0], NUMBER, A), row(MASK[:0], EMPTY, NUMBER)],
    # reductions
    "sum": reductions(),
    "mean": reductions(nothing=False),
    "max": reductions(nothing=False),
    "min": reductions(nothing=False),
    "ptp": reductions(nothing=False),
    "nansum": [*reductions(), row(HOLES, axis=0)],
    "nanmean": [*reductions(nothing=False), row(HOLES, axis=0)],
    "nanmax": [*reductions(nothing=False), row(HOLES, axis=0)],
    "nanmin": [*reductions(nothing=False), row(HOLES, axis=1, keepdims=True)],
    "nanprod": [*reductions(several=False), row(HOLES, axis=0)],
    "nanvar": [row(A), row(CUBE, axis=(0, 2), keepdims=True), row(HOLES[1:], axis=1, ddof=1), row(NUMBER)],
    "nanstd": [row(A), row(CUBE, axis=(0, 2), keepdims=True), row(HOLES[1:], axis=1)],
    "nancumsum": [row(HOLES, axis=1), row(ROW, axis=0), row(EMPTY, axis=0)],
    "nancumprod": [row(HOLES, axis=1), row(ROW, axis=0), row(EMPTY, axis=0)],
    "prod": [*reductions(several=False), row(ONE_ZERO, axis=1), row(ONE_ZERO)],
    "var": [row(A), row(A, axis=-1, ddof=1), row(CUBE, axis=(0, 2), keepdims=True), row(NUMBER), row(EMPTY, axis=1)],
    "std": [row(A), row(A, axis=-1, ddof=1), row(CUBE, axis=(0, 2), keepdims=True), row(EMPTY, axis=1)],
    "median": [row(ODD), row(A), row(A, axis=1, keepdims=True), row(NUMBER)],
    "average": [row(A, axis=1), row(A, axis=0, weights=POSITIVE[:, 0]), row(A, weights=POSITIVE), row(NUMBER)],
    "quantile": [
        row(A, 0.3),
        row(A, 0.5, axis=1, keepdims=True),
        *(row(A, 0.4, axis=0, method=method) for method in ("lower", "higher", "midpoint")),
        row(NUMBER, 0.2),
    ],
    "percentile": [row(A, 30), row(CUBE, 80, axis=2)],
    "cov": [row(A), row(A, rowvar=False), row(A, bias=True), row(A, B), row(ROW)],
    "corrcoef": [row(A), row(A, rowvar=False), row(ROW, ROW[::-1] ** 2)],
    "bincount": [row(np.array([0, 2, 2, 1]), ROW, minlength=5), row(np.array([1, 1]), ROW[:2])],
    "logsumexp": reductions(nothing=False),
    "softmax": [row(A, axis=-1), row(CUBE, axis=0), row(EMPTY, axis=1)],
    "log_softmax": [row(A, axis=-1), row(CUBE, axis=0), row(EMPTY, axis=1)],
    "cumsum": [row(A, axis=1), row(CUBE, axis=-2), row(ROW, axis=0), row(EMPTY, axis=0)],
    "cumprod": [row(A, axis=1), row(ONE_ZERO, axis=-2), row(ODD, axis=0), row(EMPTY, axis=0)],
    "cumulative_sum": [row(A, axis=1), row(ROW, include_initial=True), row(EMPTY, axis=0)],
    "cumulative_prod": [row(A, axis=1), row(ROW, include_initial=True), row(EMPTY, axis=0)],
    "trace": [row(A), row(A, offset=1), row(CUBE, offset=-1, axis1=0, axis2=2)],
    # shapes
    "reshape": [row(A, (4, 3)), row(A, (-1,)), row(NUMBER, (1, 1)), row(EMPTY, (2, 0))],
    "transpose": [row(A), row(CUBE, (2, 0, 1)), row(NUMBER), row(EMPTY)],
    "broadcast_to": [row(ROW, (3, 4)), row(COLUMN, (2, 3, 4)), row(NUMBER, (2,)), row(NUMBER, (0, 2))],
    "astype": [row(A, np.float64), row(NUMBER, np.float64), row(EMPTY, np.float64)],
    "ravel": [row(CUBE), row(NUMBER), row(EMPTY)],
    "expand_dims": [row(A, 1), row(A, -1), row(NUMBER, 0), row(EMPTY, 0)],
    "squeeze": [row(COLUMN), row(COLUMN, axis=1), row(EMPTY[:, :1], axis=1), row(NUMBER)],
    "swapaxes": [row(CUBE, 0, -1), row(EMPTY, 0, 1)],
    "moveaxis": [row(CUBE, 0, -1), row(CUBE, (0, 1), (-1, 0)), row(EMPTY, 0, 1)],
    "atleast_1d": [row(NUMBER), row(A)],
    "atleast_2d": [row(NUMBER), row(ROW), row(A)],
    "atleast_3d": [row(NUMBER), row(ROW), row(A)],
    "flip": [row(A), row(CUBE, axis=(0, -1)), row(ROW, axis=0), row(EMPTY, axis=1)],
    "fliplr": [row(A), row(EMPTY)],
    "flipud": [row(A), row(EMPTY)],
    "roll": [row(A, 5), row(A, -1, axis=1), row(CUBE, (1, 2), axis=(0, 2)), row(EMPTY, 2, axis=1)],
    "rot90": [row(A), row(A, k=2), row(CUBE, k=3, axes=(2, 0)), row(EMPTY)],
    "tile": [row(A, (2, 1)), row(ROW, (2, 3)), row(NUMBER, (2,)), row(EMPTY, (2, 2))],
    "repeat": [row(A, 2, axis=1), row(A, np.array([1, 0, 2]), axis=0), row(EMPTY, 2, axis=1)],
    "pad": [
        row(A, ((0, 2), (1, 0))),
        row(A, ((1, 1), (2, 1)), constant_values=3.0),
        row(A, ((1, 2), (2, 1)), mode="reflect"),
        row(A, ((1, 2), (2, 1)), mode="edge"),
        row(EMPTY, ((1, 0), (0, 0))),
    ],
    "meshgrid": [row(ROW, ROW[:3], indexing="ij"), row(ROW, ROW[:3], indexing="xy"), row(ROW, EMPTY[:, 0])],
    "kron": [*pairs(A, CUBE[0]), row(SQUARE, A)],
    "concatenate": [row([A, B], axis=0), row([A, COLUMN], axis=1), row([ROW, EMPTY[:, 0]], axis=0)],
    "stack": [row([A, B], axis=1), row([NUMBER, NUMBER], axis=0), row([EMPTY, EMPTY], axis=-1)],
    "vstack": [row([A, ROW]), row([NUMBER, NUMBER]), row([EMPTY, ROW])],
    "hstack": [row([A, COLUMN]), row([NUMBER, ROW]), row([WIDE, WIDE])],
    "dstack": [row([A, B]), row([ROW, ROW]), row([EMPTY, EMPTY])],
    "column_stack": [row([ROW[:3], A]), row([ROW, ROW]), row([EMPTY, EMPTY])],
    "append": [row(A, ROW), row(A, COLUMN, axis=1), row(EMPTY, A, axis=0)],
    "split": [row(A, 2, axis=1), row(A, (1, 3), axis=1), row(EMPTY, 2, axis=1)],
    "array_split": [row(A, 3, axis=1), row(ODD, 2), row(EMPTY, 3, axis=1)],
    "take": [row(A, PICKED, axis=1), row(A, PICKED), row(EMPTY, PICKED, axis=1)],
    "take_along_axis": [row(A, np.argsort(A, axis=0), axis=0), row(A, np.array([[3, 3, 0]] * 3), axis=1)],
    "sort": [row(A), row(A, axis=0), row(EMPTY)],
    "diagonal": [row(A), row(CUBE, offset=-1, axis1=2, axis2=0), row(EMPTY)],
    "diag": [row(A), row(ROW, k=1), row(A, k=-1), row(EMPTY[:, 0])],
    "tril": [row(A), row(CUBE, k=-1), row(EMPTY)],
    "triu": [row(A), row(CUBE, k=1), row(EMPTY)],
    "getitem": [
        row(A, 1),
        row(A, (slice(None, None, 2), 0)),
        row(CUBE, (..., None, slice(1, 3))),
        row(A, MASK),
        row(A, (np.arange(3), LABELS)),
        row(A, PICKED),
        row(EMPTY, slice(0, 2)),
        row(NUMBER, None),
    ],
    "set_at": [row(A, 1, ROW), row(A, (slice(0, 2), slice(1, None)), ROW[1:]), row(A, MASK, NUMBER)],
    "add_at": [row(A, np.array([1, 1]), ROW), row(A, 1, ROW), row(EMPTY, slice(0, 0), ROW)],
    "sum_to": [row(CUBE, (3, 1)), row(A, ()), row(EMPTY, (1, 4))],
    "compress": [row(np.array([True, False, True]), A, axis=0), row(np.array([False, True, True]), A)],
    "extract": [row(MASK, A)],
    "partition": [row(A, 1, through=slot), row(ROW, 2, through=slot, axis=0)],
    "unique": [row(A), row(A, axis=1)],
    "select": [row([MASK, B > 0], [A, B], NUMBER), row([MASK[:0]], [EMPTY], 1.0)],
    "choose": [row(PICKED, [ROW[:3], A[0, :3], NUMBER], mode="clip")],
    "piecewise": [row(A, [MASK], [lambda v: v * v, lambda v: 3 * v]), row(A, [MASK, A > 1], [lambda v: v * v, 4.0])],
    "apply_along_axis": [row(lambda v: v * v, 1, CUBE), row(lambda v: (v * v).sum(), 0, A)],
    "copy": each(A),
    "full_like": [row(A, NUMBER), row(A, ROW), row(EMPTY, NUMBER)],
    "linspace": [row(ROW, 2 * ROW, 4), row(NUMBER, ROW, num=3, endpoint=False, axis=-1), row(EMPTY, ROW, 2)],
    "hsplit": [row(A, 2), row(ROW, (1,)), row(EMPTY, 2)],
    "vsplit": [row(A, (2,)), row(EMPTY, (0,))],
    "dsplit": [row(CUBE, 2), row(CUBE, (1,))],
    "unstack": [row(CUBE), row(A, axis=1)],
    "block": [row([[A, B], [B, A]]), row([A, COLUMN]), row([NUMBER, ROW])],
    "insert": [row(A, 1, ROW, axis=0), row(A, PICKED, ROW[:3]), row(EMPTY, 0, ROW, axis=0)],
    "delete": [row(A, 1, axis=0), row(A, PICKED), row(A, slice(1, 3), axis=1)],
    "resize": [row(A, (2, 7)), row(ROW, (3,))],
    "rollaxis": [row(CUBE, 2), row(CUBE, 0, 3), row(EMPTY, 1)],
    "broadcast_arrays": [row(COLUMN, ROW), row(EMPTY, NUMBER)],
    "diagflat": [row(A), row(ROW, k=-1)],
    # samples
    "diff": [row(A), row(A, n=2, axis=0), row(A, prepend=COLUMN, append=B), row(EMPTY, axis=1)],
    "ediff1d": [row(A), row(ROW, to_end=A[0], to_begin=NUMBER)],
    "gradient": [row(ROW), row(A), row(A, 0.5, axis=1), row(A, RISING, axis=1)],
    "trapezoid": [row(A), row(CUBE, dx=0.5, axis=0), row(CUBE, RISING), row(EMPTY, axis=1)],
    "interp": [row(A, PLACES, VALUES), row(NUMBER, PLACES, VALUES), row(2 * A, PLACES, VALUES, left=0.0, right=NUMBER)],
    "convolve": [row(a, b, mode=m) for m in ("full", "same", "valid") for a, b in ((ROW, ROW[:3]), (ROW[:2], ROW))],
    "correlate": [row(a, b, mode=m) for m in ("full", "same", "valid") for a, b in ((ROW, ROW[:3]), (ROW[:2], ROW))],
    "unwrap": [row(4 * A), row(A, axis=0, period=1.0)],
    "polyval": [row(ROW, A), row(ROW[:1], NUMBER), row(ROW, EMPTY)],
    "vander": [row(NONZERO[0]), row(ROW, N=3, increasing=True)],
    # products
    "matmul": [
        row(A, B.T),
        row(A, ROW),
        row(ROW, A.T),
        row(ROW, ROW + 1),
        row(CUBE, rand(2, 4, 5)),
        row(rand(2, 1, 3, 4), rand(5, 4, 2)),  # stacks broadcast
        row(EMPTY, B.T),
        row(WIDE, EMPTY),
    ],
    "dot": [row(NUMBER, A), row(ROW, ROW + 1), row(A, B.T), row(CUBE, ROW), row(CUBE, rand(2, 4, 3)), row(EMPTY, ROW)],
    "inner": [row(NUMBER, A), row(ROW, ROW + 1), row(A, B), row(CUBE, ROW), row(EMPTY, A)],
    "vdot": [row(ROW, ROW + 1), row(A, B), row(NUMBER, NUMBER), row(EMPTY, EMPTY)],
    "outer": [row(ROW, ROW[:2]), row(NUMBER, ROW), row(EMPTY[:, 0], ROW)],
    "tensordot": [
        row(A, B, axes=2),
        row(CUBE, A.T, axes=1),
        row(CUBE, rand(4, 1, 2), axes=([0, -1], [2, 0])),
        row(ROW, ROW[:2], axes=0),
        row(EMPTY, A, axes=([1], [1])),
    ],
    "cross": [row(ROW[:3], ROW[1:]), row(A.T, ROW[:3]), row(A, B, axis=0), row(EMPTY[:, :3], ROW[:3])],
    "vecdot": [row(A, B), row(CUBE, ROW), row(A, B, axis=0), row(EMPTY, ROW)],
    "matvec": [row(CUBE, ROW), row(A, rand(2, 1, 4)), row(EMPTY, ROW)],
    "vecmat": [row(ROW, B.T), row(ROW[:3], CUBE), row(WIDE, EMPTY)],
    "matrix_transpose": [row(CUBE), row(EMPTY)],
    "einsum": [
        row("ij,jk->ik", A, B.T),
        row("ij,ij->i", A, B),
        row("ii->i", SQUARE),
        row("...ij,jk->...ik", CUBE, B.T),
        row("ij,kj,kl->il", A, B, rand(3, 2)),
        row("i,j->", ROW, ROW[:2]),
        row(",->", NUMBER, NUMBER),
        row("ij,j->i", EMPTY, ROW),
    ],
    # networks
    "cross_entropy": [row(A, LABELS)],
    "sum_squares": [row(A), row(NUMBER), row(EMPTY)],
    # linear algebra
    "linalg.trace": [row(CUBE), row(STACK, offset=1), row(NO_MATRICES)],
    "linalg.diagonal": [row(CUBE), row(STACK, offset=-1), row(NO_MATRICES)],
    "linalg.norm": [
        row(ROW),
        row(CUBE, axis=1),
        row(A, ord=2, axis=1, keepdims=True),
        row(A, ord="fro"),
        row(CUBE, ord="fro", axis=(0, 2)),
        row(A, ord=1, axis=0),
        row(ROW, ord=np.inf),
        row(EMPTY, axis=1),
    ],
    "linalg.vector_norm": [row(A), row(CUBE, axis=(0, 2), ord=3), row(A, axis=1, ord=np.inf), row(EMPTY, axis=1)],
    "linalg.matrix_norm": [row(CUBE), row(CUBE, ord=1, keepdims=True), row(A, ord="nuc"), row(NO_MATRICES)],
    "linalg.cond": [row(M, p) for p in (None, -2, 1, np.inf, "fro")],
    "linalg.cross": [row(A.T, ROW[:3]), row(A, B, axis=0)],
    "linalg.outer": [row(ROW, ROW[:2]), row(EMPTY[:, 0], ROW)],
    "linalg.tensordot": [row(A, B, axes=2), row(CUBE, A.T, axes=1)],
    "linalg.vecdot": [row(A, B), row(A, B, axis=0)],
    "linalg.tensorinv": [row(rand(2, 3, 3, 2)), row(rand(4, 2, 2), ind=1)],
    "linalg.tensorsolve": [row(rand(3, 4, 12, seed=3), A), row(rand(4, 2, 2, seed=3), A[0].reshape(2, 2), axes=(0,))],
    "linalg.det": [row(M), row(STACK), row(NO_MATRICES)],
    "linalg.slogdet": [row(M), row(-STACK), row(NO_MATRICES)],
    "linalg.inv": [row(M), row(STACK), row(NO_MATRICES)],
    "linalg.solve": [row(M, A), row(M, ROW[:3]), row(STACK, A), row(STACK, rand(1, 3, 2)), row(M, EMPTY[:, :3].T)],
    "linalg.lstsq": [row(A.T, ROW, through=lambda f, a, b: f(a, b)[0]), row(A, B, through=lambda f, a, b: f(a, b)[0])],
    "linalg.pinv": [row(A), row(A.T), row(CUBE)],
    "linalg.matrix_power": [row(M / 3, n) for n in (0, 1, 2, 5, -2)] + [row(STACK / 3, 3), row(NO_MATRICES, 2)],
    "linalg.multi_dot": [row([A, B.T, N]), row([ROW, A.T, B, ROW + 1])],
    "linalg.cholesky": [row(x, through=of_positive) for x in (M, STACK, NO_MATRICES)],
    "linalg.eigh": [row(x, through=of_symmetric) for x in (M, STACK, NO_MATRICES)],
    "linalg.eigvalsh": [row(x, through=of_symmetric) for x in (M, STACK, NO_MATRICES)]
    + [row(M, through=of_symmetric, UPLO="U")],
    "linalg.svd": [row(x, through=squares, full_matrices=False) for x in (A, A.T, STACK)],
    "linalg.svdvals": [row(A), row(A.T), row(CUBE)],
    "linalg.qr": [row(A.T), row(M), row(STACK)],
}
ROWS: dict[str, list[Row]] = {
    **{name: each(x) for x, names in UNARY for name in names.split()},
    **{name: pairs(x, y) for x, y, names in BINARY for name in names.split()},
}
for _name, _more in MORE.items():
    ROWS[_name] = ROWS.get(_name, []) + _more

# Operations that are no public functions of their own, by the name of their row.
OWN = {
    "set_at": index.set_at,
    "add_at": index.add_at,
    "sum_to": shape.sum_to,
    "cross_entropy": nn.cross_entropy,
    "sum_squares": lambda x: nn.l2_penalty([x], 0.6),
}

# Public functions and primitives that no peer can be compared with, and why.
WITHOUT = {
    "dropout": "NumPy draws its mask; with the mask given it is a product",
    "alias": "the same value, recorded anew for a transform",
    "to_tensor": "peers have one kind of value, not Scalars beside Tensors",
    "to_scalar": "peers have one kind of value, not Scalars beside Tensors",
}


def own(name: str) -> Callable[..., Any]:
    """The function that a row's name stands for."""
    if name in OWN:
        return OWN[name]
    return getattr(ad.linalg, name.removeprefix("linalg.")) if name.startswith("linalg.") else getattr(ad, name)
