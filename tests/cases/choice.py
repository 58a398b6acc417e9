"""Cases of `autodiff/ops/choice.py`."""

import numpy as np

import autodiff as ad

from .points import CUBE, MASK, ROW, A, B

WHICH = np.array([0, 2, 1, 0])

CASES = {}

COMPOSITES = {
    "select": [
        (lambda x, y: ad.select([MASK, B > 0], [x, x * y], y), A, B),
        (lambda x: ad.select([MASK], [x], 2.0), A),
    ],
    "choose": [
        (lambda x: ad.choose(WHICH, ad.unstack(x * x)), A),
        (lambda x: ad.choose(WHICH, [x, 1.0], mode="clip"), ROW),
    ],
    "piecewise": [
        (lambda x: ad.piecewise(x, [MASK], [lambda v: v * v, lambda v: 3 * v]), A),
        (lambda x: ad.piecewise(x, [MASK, A > 1], [ad.sin, 4.0]), A),
        (lambda x: ad.piecewise(x, MASK, [lambda v, k: k * v, 1.0], 5.0), A),
    ],
    "compress": [(lambda x: ad.compress([True, False, True], x, axis=0), A), (lambda x: ad.compress([0, 1, 1], x), A)],
    "extract": [(lambda x: ad.extract(MASK, x), A)],
    "partition": [(lambda x: ad.partition(x, 1, axis=0), A), (lambda x: ad.partition(x, 5, axis=None), A)],
    "unique": [(ad.unique, A), (lambda x: ad.unique(x, return_counts=True, axis=1)[0], A)],
    "apply_along_axis": [
        (lambda x: ad.apply_along_axis(ad.cumprod, 1, x), CUBE),
        (lambda x: ad.apply_along_axis(lambda v: ad.sum(v * v), 0, x), A),
        (lambda x: ad.apply_along_axis(lambda v: ad.outer(v, v), 0, x), A),
    ],
}

# function, point, gradient
ARRAY_KINKS = [(lambda x: ad.sum(ad.unique(x)), [2.0, 1.0, 2.0], [1, 1, 0])]
