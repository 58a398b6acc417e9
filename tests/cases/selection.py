"""Cases of `autodiff/ops/selection.py`."""

import numpy as np

import autodiff as ad

from .points import CUBE, ROW, A

CASES = {"sort": [(ad.sort, A), (lambda x: ad.sort(x**3, axis=0), A), (lambda x: ad.sort(x, axis=None), CUBE)]}

COMPOSITES = {
    "take": [
        (lambda x: ad.take(x, [0, 2, 2], axis=1), A),
        (lambda x: ad.take(x, [[1, 1], [5, -1]]), A),
        (lambda x: ad.take(x, 1, axis=-1), CUBE),
    ],
    "take_along_axis": [
        (lambda x: ad.take_along_axis(x, np.argsort(A, axis=0), axis=0), A),
        (lambda x: ad.take_along_axis(x, np.array([[3, 3, 0]]), axis=-1), A),
        (lambda x: ad.take_along_axis(x, np.argmax(CUBE, axis=1, keepdims=True), axis=1), CUBE),
        (lambda x: ad.take_along_axis(x, np.array([11, 0, 0]), axis=None), A),
    ],
    "diagonal": [(ad.diagonal, A), (lambda x: ad.diagonal(x, -1, 2, 0), CUBE)],
    "diag": [(ad.diag, A), (lambda x: ad.diag(x, 2), A), (lambda x: ad.diag(x * x, -1), ROW), (ad.diag, ROW)],
    "tril": [(ad.tril, A), (lambda x: ad.tril(x, -1), CUBE)],
    "triu": [(ad.triu, A), (lambda x: ad.triu(x, 1), CUBE)],
}

# function, point, gradient
ARRAY_KINKS = [
    (lambda x: ad.sort(x)[0], [2.0, 1.0, 1.0], [0, 1, 0]),  # among equals the first is the smaller
    (lambda x: ad.sum(ad.sort(x) * np.arange(3)), [1.0, 1.0, 1.0], [0, 1, 2]),
    (lambda x: ad.sum(ad.tril(ad.sqrt(x.reshape(2, 2)))), [1.0, 0.0, 4.0, 1.0], [0.5, 0, 0.25, 0.5]),
]
