"""Cases of `autodiff/ops/decompositions.py`. Symmetric matrices are made of any, so that all changes are symmetric.

Vectors are determined up to their sign alone; the sign that LAPACK gives does not change in the small steps of a test.
"""

import numpy as np

import autodiff as ad

from .matrices import STACK, M
from .points import CUBE, A, rand

linalg = ad.linalg


def joined(parts):
    """The factors of a decomposition as one array, so that a case tests all of them and their second derivatives."""
    stacked = np.ndim(parts[0]) > 2
    rows = [ad.reshape(part, (np.shape(parts[0])[0] if stacked else 1, -1)) for part in parts]
    return ad.concatenate(rows, 1)


def symmetric(function, shift=0):
    return lambda x: function(x + ad.matrix_transpose(x) + shift * np.eye(np.shape(x)[-1], dtype=x.dtype))


DISTINCT = np.diag([1.0, 2.0, 4.0]) + 0.3 * rand(3, 3, seed=10)
DISTINCTS = np.diag([3.0, -1.0]) + 0.3 * rand(2, 2, 2, seed=11)

CASES = {
    "cholesky": [
        (symmetric(linalg.cholesky, 4), A[:, :3]),
        (symmetric(linalg.cholesky, 8), rand(2, 2, 2)),
        (symmetric(lambda x: linalg.cholesky(x, upper=True), 4), A[:, :3]),
        (lambda x: linalg.cholesky(ad.matmul(x, ad.matrix_transpose(x))), M),
        (lambda x: linalg.cholesky(x * x), M[:1, :1]),
    ],
    "eigh": [
        (symmetric(lambda x: joined(linalg.eigh(x))), DISTINCT),
        (symmetric(lambda x: joined(linalg.eigh(x))), DISTINCTS),
        (symmetric(lambda x: linalg.eigh(x, "U").eigenvectors), DISTINCT),
        (lambda x: linalg.eigh(x).eigenvalues * 2, M[:1, :1]),
    ],
    "svd": [
        (lambda x: joined(linalg.svd(x, full_matrices=False)), A),
        (lambda x: joined(linalg.svd(x, full_matrices=False)), A.T),
        (lambda x: joined(linalg.svd(x)), DISTINCT),
        (lambda x: joined(linalg.svd(x, full_matrices=False)), CUBE),
        (lambda x: linalg.svd(x, compute_uv=False), A),
    ],
    "qr": [
        (lambda x: joined(linalg.qr(x)), A.T),
        (lambda x: joined(linalg.qr(x)), M),
        (lambda x: joined(linalg.qr(x)), A),
        (lambda x: joined(linalg.qr(x)), ad.linalg.matrix_transpose(CUBE)),
        (lambda x: linalg.qr(x, "r"), A),
        (lambda x: joined(linalg.qr(x)), STACK),
    ],
}

COMPOSITES = {
    "eigvalsh": [
        (symmetric(linalg.eigvalsh), DISTINCT),
        (symmetric(lambda x: linalg.eigvalsh(x, "U")), DISTINCTS),
        (symmetric(lambda x: ad.sum(linalg.eigvalsh(x))), np.eye(3)),
    ],
    "svdvals": [(linalg.svdvals, CUBE), (lambda x: ad.sum(linalg.svdvals(x) ** 2), A[:1])],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: ad.sum(linalg.eigvalsh(x.reshape(2, 2)) ** 2), [2.0, 0.0, 0.0, 2.0], [4, 0, 0, 4]),  # equal eigenvalues
    (lambda x: linalg.eigvalsh(x.reshape(2, 2))[1], [1.0, 9.0, 0.0, 2.0], [0, 0, 0, 1]),  # only one triangle is read
    (lambda x: ad.sum(linalg.eigh(x.reshape(2, 2)).eigenvectors), [1.0, 0.0, 0.0, 1.0], [0, 0, 0, 0]),
    (lambda x: ad.sum(linalg.svdvals(x.reshape(2, 2)) ** 2), [0.0, 0.0, 0.0, 3.0], [0, 0, 0, 6]),
    (lambda x: ad.sum(linalg.svd(x.reshape(2, 2)).U), [0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),
    (lambda x: ad.sum(linalg.cholesky(x.reshape(2, 2))), [4.0, 0.0, 0.0, 1.0], [0.25, 0.25, 0.25, 0.5]),
]
