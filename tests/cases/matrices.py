"""Cases of `autodiff/ops/matrices.py`. Every random matrix has the identity added, so as to be far from singular."""

import numpy as np

import autodiff as ad

from .points import CUBE, ROW, A, B, rand
from .reduce import over

linalg = ad.linalg
inf = np.inf


def regular(*dims, seed=0):
    return rand(*dims, seed=seed) + 3 * np.eye(dims[-1])


M, N, STACK = regular(3, 3), regular(3, 3, seed=1), regular(2, 3, 3, seed=2)

CASES = {
    "norm": [
        (linalg.norm, ROW),
        (linalg.norm, CUBE),
        (linalg.norm, -1.5),
        (over(linalg.norm, axis=1), A),
        (over(linalg.norm, ord=2, axis=-2, keepdims=True), CUBE),
        (over(linalg.norm, axis=(0, 2)), CUBE),
        (over(linalg.norm, ord="fro"), A),
        (over(linalg.norm, ord="fro", axis=(-1, 0), keepdims=True), CUBE),
    ],
    "inv": [(linalg.inv, M), (linalg.inv, STACK), (lambda x: linalg.inv(x * x), M[:1, :1])],
    "solve": [
        (linalg.solve, M, A),
        (linalg.solve, M, ROW[:3]),
        (linalg.solve, STACK, ROW[:3]),
        (linalg.solve, STACK, A),
        (linalg.solve, M, CUBE),
        (linalg.solve, STACK[:, None], rand(2, 3, 1)),
        (lambda x: linalg.solve(x, x * x), M),
        (lambda b: linalg.solve(M.astype(b.dtype), b), A),
    ],
    "pinv": [
        (linalg.pinv, A),
        (linalg.pinv, A.T),
        (linalg.pinv, M),
        (linalg.pinv, CUBE),
        (lambda x, y: linalg.pinv(ad.matmul(x, y), 1e-10), A[:, :2], B[:2]),  # rank 2, not full, but the same nearby
    ],
}

COMPOSITES = {
    "norm": [
        (over(linalg.norm, ord=1, axis=0), A),
        (over(linalg.norm, ord=inf, axis=-1, keepdims=True), A),
        (over(linalg.norm, ord=inf), ROW),
    ],
    "diagonal": [(linalg.diagonal, CUBE), (over(linalg.diagonal, offset=-1), STACK)],
    "trace": [(linalg.trace, CUBE), (over(linalg.trace, offset=1), STACK)],
    "lstsq": [
        (lambda a, b: linalg.lstsq(a, b).x, A.T, ROW),
        (lambda a, b: linalg.lstsq(a, b).x, A.T, rand(4, 2)),
        (lambda a, b: linalg.lstsq(a, b, 1e-8).x, A, B[:, 0]),
    ],
    "matrix_power": [(lambda x, n=n: linalg.matrix_power(x, n), M / 3) for n in (0, 1, 2, 3, 6, 7, -1, -2)]
    + [(lambda x: linalg.matrix_power(x, 2), STACK)],
    "multi_dot": [
        (lambda *xs: linalg.multi_dot(xs), A, B.T, rand(3, 2)),
        (lambda *xs: linalg.multi_dot(xs), ROW, A.T, B, ROW + 1),
        (lambda x, y: linalg.multi_dot([x, y]), ROW, A.T),
        (lambda x: linalg.multi_dot([x, x, x, x]), M),
    ],
}

# function, point, gradient
ARRAY_KINKS = [
    (linalg.norm, [0.0, 0.0], [0, 0]),
    (linalg.norm, [3e200, 4e200], [0.6, 0.8]),  # whose squares overflow
    (linalg.norm, [3e-200, 4e-200], [0.6, 0.8]),
    (lambda x: ad.sum(linalg.norm(x.reshape(2, 2), axis=1)), [0.0, 0.0, 3.0, 4.0], [0, 0, 0.6, 0.8]),
    (lambda x: ad.sum(ad.grad(linalg.norm)(x)), [0.0, 0.0], [0, 0]),
    (over(linalg.norm, ord=1), [0.0, -2.0], [0, -1]),
    (over(linalg.norm, ord=inf), [3.0, -3.0, 1.0], [0.5, -0.5, 0]),
    (over(linalg.norm, ord=inf), [0.0, 0.0], [0, 0]),
]
