"""Cases of `autodiff/ops/activations.py`."""

import math

import autodiff as ad

from .points import NONZERO, ROW, A

SELU_LEFT = 1.6732632423543772 * 1.0507009873554805

CASES = {
    "leaky_relu": [(ad.leaky_relu, NONZERO), (lambda x: ad.leaky_relu(x, 0.2), NONZERO), (ad.leaky_relu, NONZERO, ROW)],
    "relu6": [(ad.relu6, 4 * NONZERO)],
    "hard_tanh": [(ad.hard_tanh, 1.1 * A)],
    "elu": [(ad.elu, NONZERO), (lambda x: ad.elu(x, 0.5), NONZERO), (ad.elu, NONZERO, ROW)],
    "selu": [(ad.selu, NONZERO)],
    "gelu": [(ad.gelu, A), (ad.gelu, 3 * A)],
    "gelu_tanh": [(lambda x: ad.gelu(x, approximate="tanh"), A), (lambda x: ad.gelu(x, approximate="tanh"), 3 * A)],
    "silu": [(ad.silu, A), (ad.silu, 8 * A)],
    "softplus": [(ad.softplus, A), (ad.softplus, 8 * A)],
    "log_sigmoid": [(ad.log_sigmoid, A), (ad.log_sigmoid, 8 * A)],
    "softsign": [(ad.softsign, NONZERO)],
}

inf = math.inf
FAR = {  # activation -> its derivative far to the left and far to the right
    ad.leaky_relu: (0.01, 1.0),
    ad.relu6: (0.0, 0.0),
    ad.hard_tanh: (0.0, 0.0),
    ad.elu: (0.0, 1.0),
    ad.selu: (0.0, 1.0507009873554805),
    ad.gelu: (0.0, 1.0),
    ad.silu: (0.0, 1.0),
    ad.softplus: (0.0, 1.0),
    ad.log_sigmoid: (1.0, 0.0),
}

KINKS = [
    (ad.leaky_relu, 0.0, 0.01),
    (lambda x: ad.leaky_relu(0.0, x), 0.1, 0.0),
    (ad.relu6, 0.0, 0.0),
    (ad.relu6, 6.0, 0.0),
    (ad.hard_tanh, -1.0, 0.0),
    (ad.hard_tanh, 1.0, 0.0),
    (ad.elu, 0.0, 1.0),
    (lambda x: ad.elu(x, 0.5), 0.0, 0.5),
    (ad.selu, 0.0, SELU_LEFT),
    (ad.gelu, 0.0, 0.5),
    (lambda x: ad.gelu(x, approximate="tanh"), 0.0, 0.5),
    (lambda x: ad.gelu(x, approximate="tanh"), -1e4, 0.0),
    (lambda x: ad.gelu(x, approximate="tanh"), 1e4, 1.0),
    (lambda x: ad.gelu(x, approximate="tanh"), 1e200, 1.0),
    (ad.silu, 0.0, 0.5),
    (ad.softsign, 0.0, 1.0),
    (ad.softsign, 1e200, 0.0),
    (lambda x: ad.gelu(x, approximate="tanh"), -inf, 0.0),
    (lambda x: ad.gelu(x, approximate="tanh"), inf, 1.0),
    *((activation, -x, left) for activation, (left, _) in FAR.items() for x in (1e4, inf)),
    *((activation, x, right) for activation, (_, right) in FAR.items() for x in (1e4, inf)),
    (ad.softsign, -inf, 0.0),
    (ad.softsign, inf, 0.0),
    *(
        (lambda x, f=f: ad.grad(f)(x) if isinstance(x, ad.Scalar) else ad.grad(lambda x: ad.sum(f(x)))(x), far, 0.0)
        for f in FAR
        for far in (1e4, inf, -inf)
    ),
]
