"""Cases of `autodiff/ops/trigonometry.py`."""

import math

import numpy as np

import autodiff as ad

from .points import COLUMN, NONZERO, POSITIVE, ROW, A, B

inf = np.inf
NEAR_ZERO = np.array([0.0, 1e-9, -1e-5, 0.01, -0.2, 0.249, 0.251, -0.3, 1.5])

CASES = {
    "tan": [(ad.tan, 0.6 * A)],
    "arcsin": [(ad.arcsin, 0.45 * A)],
    "arccos": [(ad.arccos, 0.45 * A)],
    "arctan": [(ad.arctan, A), (ad.arctan, 10 * A)],
    "sinh": [(ad.sinh, A)],
    "cosh": [(ad.cosh, A)],
    "arcsinh": [(ad.arcsinh, A)],
    "arccosh": [(ad.arccosh, POSITIVE + 1)],
    "arctanh": [(ad.arctanh, 0.45 * A)],
    "hypot": [(ad.hypot, A, B), (ad.hypot, COLUMN, ROW), (lambda x: ad.hypot(x, x), NONZERO)],
    "arctan2": [(ad.arctan2, A, NONZERO), (ad.arctan2, COLUMN, ROW), (lambda x: ad.arctan2(1.0, x), A)],
    "sinc": [(ad.sinc, A), (ad.sinc, NEAR_ZERO), (ad.sinc, 0.0)],
    "deg2rad": [(ad.deg2rad, A), (ad.radians, A)],
    "rad2deg": [(ad.rad2deg, A), (ad.degrees, A)],
}

KINKS = [
    (ad.arcsin, 1.0, inf),
    (ad.arcsin, -1.0, inf),
    (ad.arccos, 1.0, -inf),
    (ad.arccosh, 1.0, inf),
    (ad.arctanh, 1.0, inf),
    (ad.arctan, 1e200, 0.0),
    (ad.arctan, inf, 0.0),
    (ad.arcsinh, 1e200, 1e-200),
    (ad.arccosh, 1e200, 1e-200),
    (ad.sinh, 1e4, inf),
    (ad.cosh, -1e4, -inf),
    (lambda x: ad.hypot(x, 0.0), 0.0, 0.0),
    (lambda x: ad.hypot(x, 0.0), -2.0, -1.0),
    (lambda x: ad.hypot(x, x), 0.0, 0.0),
    (lambda x: ad.hypot(x, 0.0), 1e200, 1.0),
    (lambda x: ad.hypot(x, 2.0), inf, 1.0),
    (lambda x: ad.hypot(2.0, x), -inf, -1.0),
    (lambda x: ad.hypot(x, inf), 3.0, 0.0),
    (lambda x: ad.hypot(x, inf), -inf, -math.sqrt(0.5)),  # on the diagonal
    (lambda x: ad.arctan2(x, 0.0), 0.0, 0.0),
    (lambda x: ad.arctan2(0.0, x), 0.0, 0.0),
    (lambda x: ad.arctan2(x, 1.0), 0.0, 1.0),
    (lambda x: ad.arctan2(x, 1.0), inf, 0.0),
    (lambda x: ad.arctan2(1.0, x), inf, 0.0),
    (ad.sinc, 0.0, 0.0),
    (ad.degrees, 0.0, 180 / math.pi),
]
