"""Cases of `autodiff/ops/reduce.py`."""

import numpy as np

import autodiff as ad
from autodiff import nn

from .points import CUBE, A

inf = np.inf

CASES = {
    "sum": [(ad.sum, A), (lambda x: ad.sum(x, axis=1), A), (lambda x: ad.sum(x, axis=(0, -1), keepdims=True), CUBE)],
    "mean": [(ad.mean, A), (lambda x: ad.mean(x, axis=0), A), (lambda x: ad.mean(x, axis=(0, 2)), CUBE)],
    "max": [(ad.max, A), (lambda x: ad.max(x, axis=1), A), (lambda x: ad.max(x, axis=(0, 1), keepdims=True), CUBE)],
    "logsumexp": [
        (ad.logsumexp, A),
        (lambda x: ad.logsumexp(x, axis=1), A),
        (lambda x: ad.logsumexp(x, axis=0, keepdims=True), A),
    ],
    "softmax": [(ad.softmax, A), (lambda x: ad.softmax(x, axis=0), CUBE)],
    "log_softmax": [(ad.log_softmax, A), (lambda x: ad.log_softmax(x, axis=1), CUBE)],
}

# function, point, gradient
ARRAY_KINKS = [
    (ad.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    (lambda x: ad.softmax(x)[0], [1e4, -1e4], [0, 0]),
    (lambda x: ad.log_softmax(x)[1], [1e4, -1e4], [-1, 1]),
    (ad.logsumexp, [1e4, 1e4], [0.5, 0.5]),
    (ad.logsumexp, [0.0, -inf], [1, 0]),
    (ad.logsumexp, [-inf, -inf], [0, 0]),
    (lambda z: nn.cross_entropy(z.reshape(1, 2), np.array([0])), [-1e4, 1e4], [-1, 1]),
]
