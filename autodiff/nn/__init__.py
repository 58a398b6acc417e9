"""Neural networks: modules that hold parameters, layers built of the engine's operations, losses, initial weights.

>>> import numpy as np
>>> from autodiff import nn
>>> model = nn.MLP([4, 8, 3], rng=np.random.default_rng(0))
>>> logits = model(np.ones((5, 4), dtype=np.float32))
>>> loss = nn.cross_entropy(logits, np.array([0, 1, 2, 0, 1]))
>>> loss.backward()
>>> [(path, parameter.grad.shape) for path, parameter in model.named_parameters()]
[('linear1.weight', (4, 8)), ('linear1.bias', (8,)), ('linear2.weight', (8, 3)), ('linear2.bias', (3,))]
"""

from . import init
from .layers import MLP, Dropout, Linear, ReLU, Sequential, Sigmoid, Tanh
from .losses import cross_entropy, l2_penalty, mse_loss
from .module import Module, Parameter

__all__ = [
    "MLP",
    "Dropout",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "cross_entropy",
    "init",
    "l2_penalty",
    "mse_loss",
]
