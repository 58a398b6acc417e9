"""Optimisers: each its own class with its own formula. They change the parameters' arrays in place.

>>> from autodiff import Tensor, optim
>>> w = Tensor([1.0], name="w")
>>> adam = optim.Adam([w], lr=0.1)
>>> for _ in range(100):
...     adam.zero_grad()
...     (w * w).sum().backward()
...     adam.step()
>>> bool(abs(w.data[0]) < 0.05)
True
"""

from .adam import Adam, AdamW
from .adaptive import AdaGrad, RMSProp
from .averaging import ExponentialMovingAverage
from .limits import clip_grad_norm, clip_grad_value, max_norm
from .optimizer import Optimizer
from .sgd import SGD, Momentum, Nesterov

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ExponentialMovingAverage",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "clip_grad_norm",
    "clip_grad_value",
    "max_norm",
]
