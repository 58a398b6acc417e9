"""Cases of `autodiff/ops/error_function.py`."""

import math

import numpy as np

import autodiff as ad

from .points import A

inf = np.inf

CASES = {
    "erf": [(ad.erf, A), (ad.erf, 0.1 * A), (ad.erf, 2.5 * A)],
    "erfc": [(ad.erfc, A), (ad.erfc, 0.1 * A), (ad.erfc, 2.5 * A)],
}

KINKS = [
    (ad.erf, 0.0, 2 / math.sqrt(math.pi)),
    (ad.erf, 1e4, 0.0),
    (ad.erf, -1e200, 0.0),
    (ad.erfc, 1e4, 0.0),
    (ad.erfc, -inf, 0.0),
]
