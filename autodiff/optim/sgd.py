"""Stochastic gradient descent, plain and with the two kinds of momentum.

In the formulas p is a parameter, g its gradient, and everything is number by number.
"""

from types import SimpleNamespace

import numpy as np

from ..errors import SettingError
from .optimizer import Optimizer, Params, State, weight_decayed


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

        g ← g + weight_decay · p
        v ← momentum · v + g
        p ← p − lr · v                     or, with nesterov, p ← p − lr · (g + momentum · v)

    Sources: Robbins & Monro 1951; Polyak 1964 (momentum); Sutskever, Martens, Dahl & Hinton 2013 (Nesterov's form, here
    with v free of lr).

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> SGD([p], lr=0.1).step()
    >>> p.data
    array([0.95])
    """

    elementwise = True
    settings = ("lr", "momentum", "nesterov", "weight_decay")

    def __init__(
        self,
        params: Params,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.memory = ("v",) if momentum else ()
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise SettingError(f"{type(self).__name__}: nesterov needs a momentum above 0")

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        g = weight_decayed(p, g, s.weight_decay, scratch)
        direction = g
        if s.momentum:
            direction = v = state["v"]
            v *= s.momentum
            v += g
            if s.nesterov:
                np.multiply(v, s.momentum, out=scratch)
                scratch += g
                direction = scratch
        np.multiply(direction, s.lr, out=scratch)
        p -= scratch


class Momentum(SGD):
    """Descent that keeps rolling: v ← momentum · v + g, p ← p − lr · v.

    Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods".

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([1.0])
    >>> momentum = Momentum([p], lr=0.1)
    >>> momentum.step(), momentum.step()
    (None, None)
    >>> p.data.round(6)
    array([0.71])
    """

    def __init__(self, params: Params, lr: float, momentum: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, momentum, weight_decay=weight_decay)


class Nesterov(SGD):
    """Momentum that looks ahead: v ← momentum · v + g, p ← p − lr · (g + momentum · v).

    Source: Nesterov 1983, in the form of Sutskever, Martens, Dahl & Hinton 2013, equation 3.

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([1.0])
    >>> Nesterov([p], lr=0.1).step()
    >>> p.data.round(6)
    array([0.81])
    """

    def __init__(self, params: Params, lr: float, momentum: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, momentum, nesterov=True, weight_decay=weight_decay)
