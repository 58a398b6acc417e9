"""Optimisers that divide each number of the gradient by its own size in the past.

In the formulas p is a parameter, g its gradient, and everything is number by number.
"""

from types import SimpleNamespace

import numpy as np

from .optimizer import Optimizer, Params, State, running_mean_of_squares, weight_decayed


class AdaGrad(Optimizer):
    """Divide the gradient by the root of the sum of its squares so far.

        g ← g + weight_decay · p
        v ← v + g²
        p ← p − lr · g / (√v + eps)

    Source: Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
    in its diagonal form.

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> AdaGrad([p], lr=0.1).step()
    >>> p.data.round(6)
    array([0.9])
    """

    elementwise = True
    settings = ("lr", "eps", "weight_decay")
    memory = ("v",)

    def __init__(self, params: Params, lr: float = 1e-2, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, eps=eps, weight_decay=weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        g = weight_decayed(p, g, s.weight_decay, scratch)
        v = state["v"]
        np.multiply(g, g, out=scratch)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += s.eps
        np.divide(g, scratch, out=scratch)
        scratch *= s.lr
        p -= scratch


class RMSProp(Optimizer):
    """Divide the gradient by a running root mean square of itself.

        g ← g + weight_decay · p
        v ← alpha · v + (1 − alpha) · g²
        b ← momentum · b + g / (√v + eps)
        p ← p − lr · b

    Source: Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6e.

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> RMSProp([p], lr=0.01).step()
    >>> p.data.round(6)
    array([0.9])
    """

    elementwise = True
    settings = ("lr", "alpha", "eps", "momentum", "weight_decay")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        self.memory = ("v", "b") if momentum else ("v",)
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, momentum=momentum, weight_decay=weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        g = weight_decayed(p, g, s.weight_decay, scratch)
        running_mean_of_squares(state["v"], g, s.alpha, scratch)
        np.sqrt(state["v"], out=scratch)
        scratch += s.eps
        np.divide(g, scratch, out=scratch)
        if s.momentum:
            b = state["b"]
            b *= s.momentum
            b += scratch
            np.multiply(b, s.lr, out=scratch)
        else:
            scratch *= s.lr
        p -= scratch
