"""Cases of `autodiff/ops/statistics.py`."""

import autodiff as ad

from .points import CUBE, ROW, A, B, rand
from .reduce import ODD, over

CASES = {
    "quantile": [
        (over(ad.quantile, q=0.3), A),
        (over(ad.quantile, q=0.5, axis=1), A),
        (over(ad.quantile, q=0.9, axis=(0, 2), keepdims=True), CUBE),
        *((over(ad.quantile, q=0.4, axis=0, method=method), A) for method in ("lower", "higher", "midpoint")),
    ],
}

COMPOSITES = {
    "average": [
        (over(ad.average, axis=(0, 1)), CUBE),
        (lambda x, w: ad.average(x, weights=w), A, rand(3, 4, low=1)),
        (lambda x, w: ad.average(x, axis=1, weights=w), A, rand(4, low=1)),
        (lambda x, w: ad.average(x, axis=(2, 0), weights=w, keepdims=True), CUBE, rand(4, 2, low=1)),
        (lambda x, w: ad.multiply(*ad.average(x, 0, w, returned=True)), A, rand(3, low=1)),
        (lambda x: ad.multiply(*ad.average(x, 0, returned=True)), A),
    ],
    "quantile": [(over(ad.quantile, q=[[0.1, 0.5], [0.7, 1.0]], axis=1), A), (over(ad.quantile, q=[0.25]), ODD)],
    "percentile": [(over(ad.percentile, q=[10, 90], axis=0, keepdims=True), A)],
    "cov": [
        (ad.cov, A),
        (over(ad.cov, rowvar=False, bias=True), A),
        (lambda x, y: ad.cov(x, y, ddof=0), A, B),
        (ad.cov, ROW),
    ],
    "corrcoef": [(ad.corrcoef, A), (lambda x, y: ad.corrcoef(x, y), ROW, ROW[::-1] ** 2)],
    "bincount": [(lambda w: ad.bincount([0, 2, 2, 1], w * w, minlength=5), ROW)],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: ad.quantile(x, 0.5), [4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
    (lambda x: ad.quantile(x, 1.0), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    (lambda x: ad.quantile(x, 0.5), [1.0, 2.0, 2.0], [0, 0.5, 0.5]),
]
