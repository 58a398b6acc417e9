"""Linear algebra under the names of `numpy.linalg`; the rows stand in `ops/`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import ShapeError
from .ops import linalg
from .ops.decompositions import QR, SVD, Eigh, cholesky, eigh, eigvalsh, qr, svd, svdvals
from .ops.determinants import Slogdet, det, slogdet
from .ops.linalg import matmul, matrix_transpose
from .ops.matrices import LstSq, diagonal, inv, lstsq, matrix_power, multi_dot, pinv, solve, trace
from .ops.norms import cond, matrix_norm, norm, vector_norm
from .ops.systems import tensorinv, tensorsolve

__all__ = [
    "QR",
    "SVD",
    "Eigh",
    "LstSq",
    "Slogdet",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]


# Where numpy.linalg has another signature than numpy.
def cross(x1: Any, x2: Any, *, axis: int = -1, name: str | None = None) -> Any:
    """Cross product along one axis of size 3; see `autodiff.cross`."""
    return linalg.cross(x1, x2, axis=axis, name=name)


def outer(x1: Any, x2: Any, *, name: str | None = None) -> Any:
    """Every number of one vector times every number of the other. `x1: (n,), x2: (m,) → (n, m)`.

    Raises ShapeError for anything but vectors: `autodiff.outer` flattens them.
    """
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ShapeError(f"outer: takes vectors, got shapes {np.shape(x1)} and {np.shape(x2)}; autodiff.outer flattens")
    return linalg.outer(x1, x2, name=name)


def tensordot(x1: Any, x2: Any, *, axes: int | Sequence[Sequence[int]] = 2, name: str | None = None) -> Any:
    """The sum over pairs of axes; see `autodiff.tensordot`."""
    return linalg.tensordot(x1, x2, axes, name=name)


def vecdot(x1: Any, x2: Any, *, axis: int = -1, name: str | None = None) -> Any:
    """The dot product of each vector with its partner; see `autodiff.vecdot`."""
    return linalg.vecdot(x1, x2, axis=axis, name=name)
