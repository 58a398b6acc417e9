"""Cases of `autodiff/ops/exponentials.py`."""

import numpy as np

import autodiff as ad
from autodiff import nn

from .points import CUBE, A

inf = np.inf

CASES = {
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
    (lambda x: ad.softmax(x)[0], [1e4, -1e4], [0, 0]),
    (lambda x: ad.log_softmax(x)[1], [1e4, -1e4], [-1, 1]),
    (ad.logsumexp, [1e4, 1e4], [0.5, 0.5]),
    (ad.logsumexp, [0.0, -inf], [1, 0]),
    (ad.logsumexp, [-inf, -inf], [0, 0]),
    (ad.logsumexp, [1000.0, inf], [0, 1]),
    (ad.logsumexp, [inf, -inf, inf], [0.5, 0, 0.5]),
    (lambda x: ad.sum(ad.logsumexp(ad.reshape(x, (2, 2)), axis=1)), [inf, 1.0, 2.0, 2.0], [1, 0, 0.5, 0.5]),
    (lambda z: nn.cross_entropy(z.reshape(1, 2), np.array([0])), [-1e4, 1e4], [-1, 1]),
]
