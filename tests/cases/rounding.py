"""Cases of `autodiff/ops/rounding.py`."""

import numpy as np

import autodiff as ad

from .points import COLUMN, NONZERO, A, B

inf = np.inf
OFF = np.array([-1.72, -0.29, 0.31, 1.23])  # between the steps

CASES = {
    "floor": [(ad.floor, A)],
    "ceil": [(ad.ceil, A)],
    "trunc": [(ad.trunc, A), (ad.fix, A)],
    "rint": [(ad.rint, A)],
    "round": [(ad.round, A), (lambda x: ad.round(x, 1), OFF), (lambda x: ad.round(x, -1), 100 * OFF)],
    "floor_divide": [(ad.floor_divide, A, NONZERO), (lambda x: x // 0.3, A), (lambda x: 1 // x, NONZERO)],
    "remainder": [
        (ad.remainder, A, NONZERO),
        (ad.mod, COLUMN, NONZERO),
        (lambda x: x % 0.3, A),
        (lambda x: 5 % x, NONZERO),
    ],
    "fmod": [(ad.fmod, A, NONZERO), (lambda x: ad.fmod(x, 0.3), A), (lambda x: ad.fmod(5.0, x), NONZERO)],
    "heaviside": [(ad.heaviside, NONZERO, B), (lambda y: ad.heaviside(0.0, y), B)],
}

KINKS = [
    (ad.floor, 2.0, 0.0),
    (ad.ceil, 2.0, 0.0),
    (ad.trunc, 0.0, 0.0),
    (ad.rint, 0.5, 0.0),
    (ad.round, 0.5, 0.0),
    (lambda x: ad.round(x, 2), 0.125, 0.0),
    (lambda x: ad.sqrt(ad.floor(x)), 0.5, 0.0),
    (lambda x: ad.floor_divide(x, 0.5), 1.0, 0.0),
    (lambda x: ad.floor_divide(1.0, x), 0.5, 0.0),
    (lambda x: ad.remainder(x, 0.5), 1.0, 1.0),
    (lambda x: ad.remainder(1.0, x), 0.5, -2.0),
    (lambda x: ad.remainder(-1.0, x), 0.3, 4.0),
    (lambda x: ad.remainder(1.0, x), inf, 0.0),
    (lambda x: ad.fmod(x, 0.5), 1.0, 1.0),
    (lambda x: ad.fmod(0.9, x), 0.1, -8.0),  # 0.9 / 0.1 is 9 in floating point, but 0.1 fits in 8 times
    (lambda x: ad.fmod(-1.0, x), 0.3, 3.0),
    (lambda x: ad.heaviside(x, 0.5), 0.0, 0.0),
    (lambda x: ad.heaviside(0.0, x), 0.5, 1.0),
    (lambda x: ad.heaviside(1.0, x), 0.5, 0.0),
]
