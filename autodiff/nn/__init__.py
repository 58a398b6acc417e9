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
from .activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    HardTanh,
    LeakyReLU,
    LogSigmoid,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .init import INITIALIZERS
from .layers import Dropout, Flatten, Linear, Residual, Sequential
from .losses import (
    binary_cross_entropy,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    l1_penalty,
    l2_penalty,
    mse_loss,
)
from .mlp import MLP
from .module import Module, Parameter
from .normalisation import NORMALISATIONS, BatchNorm1d, LayerNorm

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "INITIALIZERS",
    "MLP",
    "NORMALISATIONS",
    "SELU",
    "BatchNorm1d",
    "Dropout",
    "Flatten",
    "HardTanh",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "Module",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "binary_cross_entropy",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "mse_loss",
]
