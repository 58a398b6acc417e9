"""Cases of `autodiff/ops/determinants.py`."""

import numpy as np

import autodiff as ad

from .matrices import STACK, M
from .points import A, rand

det, slogdet = ad.linalg.det, ad.linalg.slogdet

RANK_2 = A @ rand(4, 3, seed=8)
RANK_2[2] = RANK_2[0] - 2 * RANK_2[1]
RANK_1, ZERO = np.outer([1.0, 2.0, -1.0], [3.0, 0.5, 1.0]), np.zeros((3, 3))
LARGE = rand(5, 5, seed=9)
LARGE[3:] = LARGE[:2]  # rank 3

CASES = {
    "det": [
        (det, M),
        (det, STACK),
        (det, M[:1, :1]),
        (det, -M),
        (det, RANK_2),
        (det, RANK_1),
        (det, ZERO),
        (det, ZERO[:2, :2]),
        (det, ZERO[:1, :1]),
        (det, np.diag([1.0, 0.0, 2.0])),
        (det, np.arange(1.0, 10.0).reshape(3, 3)),
        (det, LARGE),
        (det, np.stack([M, RANK_2, ZERO, RANK_1])),
        (lambda x: det(x @ x.T if isinstance(x, ad.Tensor) else np.matmul(x, x.T)), RANK_2[:2]),
    ],
    "slogdet": [
        (lambda x: slogdet(x).logabsdet, M),
        (lambda x: slogdet(x).logabsdet * slogdet(x).sign, -STACK),
    ],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: det(x.reshape(2, 2)), [0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),
    (lambda x: det(x.reshape(2, 2)), [1.0, 2.0, 2.0, 4.0], [4, -2, -2, 1]),
    (lambda x: det(x.reshape(2, 2)), [1e-200, 0.0, 0.0, 1e200], [1e200, 0, 0, 1e-200]),
    (lambda x: slogdet(x.reshape(2, 2)).sign + ad.sum(x), [1.0, 0.0, 0.0, 1.0], [1, 1, 1, 1]),
    (lambda x: slogdet(x.reshape(1, 1)).logabsdet, [0.0], [np.inf]),
    (lambda x: ad.sum(ad.where([True, False], slogdet(x.reshape(2, 1, 1)).logabsdet, 0)), [2.0, 0.0], [0.5, 0]),
]
