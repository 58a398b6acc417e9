"""Cases of `autodiff/ops/samples.py`."""

import numpy as np

import autodiff as ad

from .points import COLUMN, CUBE, NONZERO, ROW, A, rand

PLACES, VALUES = np.array([-1.5, -0.4, 0.3, 1.9]), rand(4, seed=20)
RISING = np.cumsum(rand(4, low=0.5, seed=21))

CASES = {}

COMPOSITES = {
    "diff": [
        (ad.diff, A),
        (lambda x: ad.diff(x * x, 2, 0), A),
        (lambda x, y: ad.diff(x, prepend=y, append=2.0), A, COLUMN),
        (lambda x: ad.diff(x, 0), ROW),
    ],
    "ediff1d": [(ad.ediff1d, A), (lambda x, y: ad.ediff1d(x, y, [1.0, 2.0]), A, ROW)],
    "gradient": [
        (ad.gradient, ROW),
        (lambda x: ad.multiply(*ad.gradient(x)), A),
        (lambda x: ad.gradient(x, 0.5, axis=1, edge_order=2), A),
        (lambda x, h: ad.gradient(x, h, axis=-1), CUBE, RISING),
        (lambda x, h: ad.gradient(x, h, axis=-1, edge_order=2), A, RISING),
    ],
    "trapezoid": [
        (ad.trapezoid, A),
        (lambda y: ad.trapezoid(y, dx=0.5, axis=0), CUBE),
        (lambda y, x: ad.trapezoid(y, x), CUBE, RISING),
        (lambda y, x: ad.trapezoid(y, x, axis=0), A, A[::-1]),
    ],
    "interp": [
        (lambda x: ad.interp(x, PLACES.astype(x.dtype), VALUES.astype(x.dtype)), A),
        (lambda x, p, v: ad.interp(x, p, v), A / 2, PLACES, VALUES),
        (lambda x, v: ad.interp(x, PLACES.astype(x.dtype), v, left=0.0, right=1.0), 2 * A, VALUES),
        (lambda v: ad.interp(0.5, PLACES[:1].astype(v.dtype), v), VALUES[:1]),
    ],
    "convolve": [
        (lambda x, y, m=mode: ad.convolve(x, y, m), a, b)
        for mode in ("full", "same", "valid")
        for a, b in ((ROW, ROW[:3]), (ROW[:2], ROW))
    ],
    "correlate": [
        (lambda x, y, m=mode: ad.correlate(x, y, m), a, b)
        for mode in ("full", "same", "valid")
        for a, b in ((ROW, ROW[:3]), (ROW[:2], ROW))
    ],
    "unwrap": [(lambda x: ad.unwrap(4 * x), A), (lambda x: ad.unwrap(x * x, axis=0, period=1.0), A)],
    "polyval": [(ad.polyval, ROW, A), (lambda x: ad.polyval([1.0, 2.0], x), 0.7)],
    "vander": [(ad.vander, NONZERO[0]), (lambda x: ad.vander(x, 3, increasing=True), ROW)],
    "cumulative_sum": [
        (lambda x: ad.cumulative_sum(x, include_initial=True), ROW),
        (lambda x: ad.cumulative_sum(x, axis=1), A),
    ],
    "cumulative_prod": [(lambda x: ad.cumulative_prod(x, axis=0, include_initial=True), A), (ad.cumulative_prod, ROW)],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: ad.sum(ad.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])), [-1.0, 0.0, 1.0, 2.0, 9.0], [0, 1, 4, 4, 0]),
    (lambda x: ad.interp(x[0], [0.0, 1.0], [2.0, 3.0], left=x[1]), [-1.0, 7.0], [0, 1]),
]
