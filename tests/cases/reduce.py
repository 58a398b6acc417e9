"""Cases of `autodiff/ops/reduce.py`."""

import numpy as np

import autodiff as ad

from .points import CUBE, MASK, A, rand

ONE_ZERO, TWO_ZEROS = A.copy(), A.copy()
ONE_ZERO[1, 2] = TWO_ZEROS[1, 0] = TWO_ZEROS[1, 2] = 0
ODD, nan = rand(5, seed=6), np.nan


def over(function, **options):
    return lambda x: function(x, **options)


CASES = {
    "sum": [
        (over(ad.sum, axis=0, initial=2.0, where=MASK), A),
        (over(ad.sum, dtype=None), A),
        (ad.sum, A),
        (over(ad.sum, axis=1), A),
        (over(ad.sum, axis=(0, -1), keepdims=True), CUBE),
    ],
    "mean": [(ad.mean, A), (over(ad.mean, axis=0), A), (over(ad.mean, axis=(0, 2)), CUBE)],
    "max": [(ad.max, A), (over(ad.max, axis=1), A), (over(ad.max, axis=(0, 1), keepdims=True), CUBE)],
    "min": [(ad.min, A), (over(ad.min, axis=-2), A), (over(ad.min, axis=(-1, 0), keepdims=True), CUBE)],
    "median": [
        (ad.median, A),
        (ad.median, ODD),
        (over(ad.median, axis=0), A),
        (over(ad.median, axis=(2, 0), keepdims=True), CUBE),
    ],
    "prod": [
        (ad.prod, A),
        (ad.prod, ONE_ZERO),
        (ad.prod, TWO_ZEROS),
        (over(ad.prod, axis=1), ONE_ZERO),
        (over(ad.prod, axis=0), TWO_ZEROS),
        (over(ad.prod, axis=(2, 0)), CUBE),
        (over(ad.prod, axis=(0, -2), keepdims=True), CUBE),
        (ad.prod, ODD[:1]),
    ],
    "var": [
        (ad.var, A),
        (over(ad.var, axis=-1, ddof=1), A),
        (over(ad.var, axis=(0, 2), keepdims=True), CUBE),
        (ad.var, np.ones(3)),
    ],
    "std": [(ad.std, A), (over(ad.std, axis=0, ddof=1), A), (over(ad.std, axis=(-1, 0), keepdims=True), CUBE)],
}

COMPOSITES = {
    "options": [
        (over(ad.mean, axis=1, where=MASK, keepdims=True), A),
        (over(ad.prod, axis=1, initial=3.0, where=MASK), A),
        (over(ad.max, axis=0, initial=0.3), A),
        (over(ad.max, initial=-9.0, where=MASK), A),
        (over(ad.min, axis=1, initial=0.1, where=MASK), A),
        (over(ad.var, correction=1), A),
    ],
    "ptp": [(ad.ptp, A), (over(ad.ptp, axis=(0, 2), keepdims=True), CUBE)],
    "trace": [(ad.trace, A), (lambda x: ad.trace(x, 1, -1, 0), CUBE)],
}

# function, point, gradient
ARRAY_KINKS = [
    (ad.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    (ad.min, [1.0, 3.0, 1.0], [0.5, 0, 0.5]),
    (ad.min, [2.0, 2.0, 2.0, 2.0], [0.25] * 4),
    (ad.ptp, [1.0, 1.0, 3.0], [-0.5, -0.5, 1]),
    (ad.ptp, [2.0, 2.0], [0, 0]),
    (ad.median, [1.0, 3.0, 2.0], [0, 0, 1]),
    (ad.median, [4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
    (ad.median, [1.0, 2.0, 2.0], [0, 0.5, 0.5]),  # a tie for the middle
    (ad.median, [2.0, 2.0, 2.0, 2.0], [0.25] * 4),  # both middles tied with all
    (ad.median, [1.0, 2.0, 2.0, 3.0, 3.0, 3.0], [0, 0.25, 0.25, 1 / 6, 1 / 6, 1 / 6]),  # each middle with its own
    (ad.prod, [2.0, 0.0, 3.0], [0, 6, 0]),
    (ad.prod, [2.0, 0.0, 0.0], [0, 0, 0]),
    (ad.prod, [1e-200, 1e-200, 1e300], [1e100, 1e100, 0]),  # out is 0 by underflow alone
    (ad.prod, [5.0], [1]),
    (ad.std, [0.0, 0.0], [0, 0]),
    (ad.std, [0.1, 0.1, 0.1], [0, 0, 0]),  # its variance is not quite 0
    (ad.std, [7.0], [0]),
    (lambda x: ad.sum(ad.std(x * np.array([[1.0], [0.0]]), axis=1)), [1.0, 3.0], [-0.5, 0.5]),
    (lambda x: ad.sum(ad.grad(ad.std)(x)), [0.1, 0.1, 0.1], [0, 0, 0]),
    (ad.var, [7.0], [0]),
    (lambda x: ad.var(x, ddof=1), [1.0, 3.0], [-2, 2]),
]
