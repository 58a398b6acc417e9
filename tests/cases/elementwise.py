"""Cases of `autodiff/ops/elementwise.py`."""

import numpy as np

import autodiff as ad

from .points import COLUMN, MASK, NONZERO, POSITIVE, ROW, A, B

inf = np.inf

CASES = {
    "add": [(ad.add, A, B), (ad.add, A, ROW), (lambda x: x + x, A), (ad.add, COLUMN, ROW)],
    "sub": [(ad.subtract, A, B), (lambda x: 1 - x, A), (ad.subtract, ROW, A)],
    "mul": [(ad.multiply, A, B), (lambda x: x * x, A), (ad.multiply, COLUMN, A), (lambda x: 2 * x, A)],
    "div": [(ad.divide, A, NONZERO), (lambda x: 1 / x, NONZERO), (ad.divide, ROW, NONZERO)],
    "pow": [(ad.power, POSITIVE, B), (lambda x: x**3, A), (lambda x: x**-2, NONZERO), (lambda x: 2.0**x, A)],
    "neg": [(ad.negative, A)],
    "abs": [(ad.abs, NONZERO)],
    "sign": [(ad.sign, NONZERO)],
    "exp": [(ad.exp, A)],
    "log": [(ad.log, POSITIVE)],
    "sqrt": [(ad.sqrt, POSITIVE)],
    "sin": [(ad.sin, A)],
    "cos": [(ad.cos, A)],
    "tanh": [(ad.tanh, A)],
    "sigmoid": [(ad.sigmoid, A), (ad.sigmoid, 8 * A)],
    "relu": [(ad.relu, NONZERO)],
    "maximum": [(ad.maximum, A, B), (ad.maximum, A, ROW), (lambda x: ad.maximum(x, 0.1), A)],
    "minimum": [(ad.minimum, A, B), (ad.minimum, COLUMN, B)],
    "where": [(lambda x, y: ad.where(MASK, x, y), A, B), (lambda x: ad.where(MASK, x, 0), A)],
    "dropout": [(lambda x: ad.dropout(x, 0.4, rng=np.random.default_rng(1)), A)],
}

KINKS = [  # function, point, derivative: the conventions, once and for all
    (ad.relu, 0.0, 0.0),
    (ad.abs, 0.0, 0.0),
    (ad.sign, 0.0, 0.0),
    (lambda x: ad.maximum(x, 1.0), 1.0, 0.5),
    (lambda x: ad.minimum(x, 1.0), 1.0, 0.5),
    (lambda x: ad.maximum(x, x), 1.0, 1.0),
    (lambda x: x**0, 0.0, 0.0),
    (lambda x: x**0, 5.0, 0.0),
    (lambda x: x**1, 0.0, 1.0),
    (lambda x: x**2, 0.0, 0.0),
    (lambda x: x**3, -2.0, 12.0),
    (lambda x: 0.0**x, 2.0, 0.0),
    (ad.sqrt, 0.0, inf),
    (ad.log, 0.0, inf),
    (lambda x: 1 / x, 0.0, -inf),
    (lambda x: ad.where(x > 0, ad.sqrt(x), 0.0), 0.0, 0.0),
    (lambda x: ad.where(x > 0, ad.sqrt(x), 0.0), -1.0, 0.0),
    (lambda x: ad.where(x > 0, ad.log(x), x), -1.0, 1.0),
    (lambda x: ad.where(x < 100, x, ad.exp(x * 1000)), 2.0, 1.0),
    (lambda x: ad.relu(x) * inf, -1.0, 0.0),
    (lambda x: 0 * ad.sqrt(x), 0.0, 0.0),
    (ad.exp, -1e4, 0.0),
    (ad.exp, 1e4, inf),
    (ad.sigmoid, 1e4, 0.0),
    (ad.sigmoid, -1e4, 0.0),
    (ad.tanh, 1e4, 0.0),
]
