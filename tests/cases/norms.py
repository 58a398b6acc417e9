"""Cases of `autodiff/ops/norms.py`."""

import numpy as np

import autodiff as ad

from .matrices import M
from .points import CUBE, NONZERO, A

norm, inf = ad.linalg.norm, np.inf

CASES = {}

COMPOSITES = {
    "norm": [
        *((lambda x, p=p: norm(x, p, 1), NONZERO) for p in (0, 0.5, 3, -1, -inf, inf, 1, 2)),
        *((lambda x, p=p: norm(x, p, (2, 0), keepdims=True), CUBE) for p in (1, -1, inf, -inf, 2, -2, "nuc", "fro")),
        (lambda x: norm(x, 3, 0, keepdims=True), NONZERO),
    ],
    "vector_norm": [
        (ad.linalg.vector_norm, A),
        (lambda x: ad.linalg.vector_norm(x, axis=(0, 2), ord=3, keepdims=True), CUBE),
        (lambda x: ad.linalg.vector_norm(x, axis=1, ord=inf), A),
    ],
    "matrix_norm": [(ad.linalg.matrix_norm, CUBE), (lambda x: ad.linalg.matrix_norm(x, ord=1, keepdims=True), CUBE)],
    "cond": [(lambda x, p=p: ad.linalg.cond(x, p), M) for p in (None, -2, 1, inf, "fro")],
}

# function, point, gradient
ARRAY_KINKS = [
    *((lambda x, p=p: norm(x, p), [0.0, 0.0], [0, 0]) for p in (1, 2, 3, inf, -inf, 0)),
    (lambda x: norm(x, 3), [2.0, 0.0], [1, 0]),
    (norm, [inf, 1.0], [1, 0]),
    (lambda x: norm(x, 3), [inf, 1.0], [1, 0]),
    (lambda x: norm(x, 3), [inf, 2.0, -inf], [0.5 ** (2 / 3), 0, -(0.5 ** (2 / 3))]),
    (lambda x: norm(x, -1), [inf, 1.0], [0, 1]),
    (lambda x: norm(x, -1), [inf, inf], [0.25, 0.25]),
    (lambda x: ad.sum(norm(ad.reshape(x, (2, 2)), 3, 1)), [inf, 1.0, 2.0, 0.0], [1, 0, 1, 0]),
    (norm, [-inf, 0.0, inf], [-np.sqrt(0.5), 0, np.sqrt(0.5)]),
    (lambda x: ad.sum(norm(ad.reshape(x, (2, 2)), axis=1)), [inf, 1.0, 3.0, 4.0], [1, 0, 0.6, 0.8]),
    (lambda x: ad.linalg.vector_norm(x, ord=1), [inf, -inf, 1.0], [1, -1, 1]),
    (lambda x: norm(x, inf), [2.0, -inf], [0, -1]),
    (lambda x: norm(x, 3), [1e200, 0.0], [1, 0]),
]
