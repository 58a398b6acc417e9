"""Cases of `autodiff/ops/scan.py`."""

import autodiff as ad

from .points import CUBE, A
from .reduce import ODD, ONE_ZERO, TWO_ZEROS, over

CASES = {
    "cumsum": [(ad.cumsum, A), (over(ad.cumsum, axis=-2), A), (over(ad.cumsum, axis=1), CUBE)],
    "cumprod": [
        (ad.cumprod, ODD),
        (over(ad.cumprod, axis=0), A),
        (over(ad.cumprod, axis=-1), ONE_ZERO),
        (over(ad.cumprod, axis=1), TWO_ZEROS),
        (over(ad.cumprod, axis=-2), CUBE),
        (ad.cumprod, ODD[:1]),
        *[(ad.cumprod, CUBE.ravel()[:n]) for n in (2, 3, 6, 7, 9)],  # every way to halve
    ],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: ad.cumprod(x)[-1], [2.0, 0.0, 3.0], [0, 6, 0]),
    (lambda x: ad.sum(ad.cumprod(x)), [2.0, 0.0, 3.0], [1, 8, 0]),
    (lambda x: ad.sum(ad.cumprod(x)), [0.0, 0.0, 3.0], [1, 0, 0]),
    (lambda x: ad.sum(ad.cumsum(x)), [7.0, 7.0, 7.0], [3, 2, 1]),
]
