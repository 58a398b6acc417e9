"""Cases of `autodiff/ops/missing_values.py`."""

import autodiff as ad

from .points import CUBE, MASK, A
from .reduce import nan, over


def holes(function, **options):
    return lambda x: function(ad.where(MASK, x * x, nan), **options)


CASES = {}

COMPOSITES = {
    "nansum": [(ad.nansum, A), (holes(ad.nansum, axis=1), A), (over(ad.nansum, initial=2.0, where=MASK), A)],
    "nanmean": [
        (over(ad.nanmean, axis=(0, -1)), CUBE),
        (holes(ad.nanmean, axis=0, keepdims=True), A),
        (over(ad.nanmean, where=MASK), A),
    ],
    "nanmax": [(ad.nanmax, A), (holes(ad.nanmax, axis=1, keepdims=True), A)],
    "nanmin": [(ad.nanmin, CUBE), (holes(ad.nanmin, axis=1), A)],
    "nanprod": [(holes(ad.nanprod), A), (holes(ad.nanprod, axis=0), A)],
    "nanvar": [(ad.nanvar, A), (holes(ad.nanvar, axis=0, ddof=0.5), A), (holes(ad.nanvar, keepdims=True), A)],
    "nanstd": [(ad.nanstd, A), (holes(ad.nanstd, axis=0, correction=0.5), A), (over(ad.nanstd, axis=(0, 2)), CUBE)],
    "nancumsum": [(ad.nancumsum, A), (holes(ad.nancumsum, axis=1), A)],
    "nancumprod": [(holes(ad.nancumprod, axis=0), A)],
}

# function, point, gradient
ARRAY_KINKS = [
    (ad.nansum, [1.0, nan], [1, 0]),
    (ad.nanmean, [1.0, nan, 3.0], [0.5, 0, 0.5]),
    (lambda x: ad.nansum(ad.nanmean(x.reshape(2, 2), axis=1)), [1.0, 3.0, 5.0, nan], [0.5, 0.5, 1, 0]),
    (ad.nanmax, [1.0, nan, 3.0, 3.0], [0, 0, 0.5, 0.5]),
    (lambda x: ad.nansum(ad.nanmin(x.reshape(2, 2), axis=1)), [nan, nan, 5.0, nan], [0, 0, 1, 0]),
    (ad.nanstd, [0.1, nan, 0.1, 0.1], [0, 0, 0, 0]),
    (ad.nanstd, [nan, 7.0], [0, 0]),
]
