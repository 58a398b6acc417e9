"""Linear algebra under the names of `numpy.linalg`; the rows stand in `ops/`."""

from .ops.decompositions import QR, SVD, Eigh, cholesky, eigh, eigvalsh, qr, svd, svdvals
from .ops.determinants import Slogdet, det, slogdet
from .ops.linalg import cross, matmul, matrix_transpose, outer, tensordot
from .ops.matrices import LstSq, diagonal, inv, lstsq, matrix_power, multi_dot, norm, pinv, solve, trace

__all__ = [
    "QR",
    "SVD",
    "Eigh",
    "LstSq",
    "Slogdet",
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
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
    "trace",
]
