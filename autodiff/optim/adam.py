"""Adam, and Adam with weight decay of its own.

In the formulas p is a parameter, g its gradient, and everything is number by number.
"""

from collections.abc import Sequence
from math import sqrt
from types import SimpleNamespace

import numpy as np

from .optimizer import Optimizer, Params, State, running_mean_of_squares, weight_decayed


class Adam(Optimizer):
    """Adaptive moments.

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g              v ← β₂ v + (1 − β₂) g²
        p ← p − lr · m̂ / (√v̂ + eps)       with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ)

    Source: Kingma & Ba 2015, "Adam", algorithm 1.

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> Adam([p], lr=0.1).step()
    >>> p.data.round(6)
    array([0.9])
    """

    elementwise = True
    settings = ("lr", "betas", "eps", "weight_decay")
    memory = ("m", "v")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        g = weight_decayed(p, g, s.weight_decay, scratch)
        p -= _adam_step(s, g, state, scratch)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: the decay does not pass through the moments.

        p ← p − lr · weight_decay · p      then Adam's step, without a decay of its own

    Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with the decay scaled by lr.

    >>> from autodiff import Tensor
    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> AdamW([p], lr=0.1, weight_decay=0.5).step()
    >>> p.data.round(6)
    array([0.85])
    """

    elementwise = True
    settings = ("lr", "betas", "eps", "weight_decay")
    memory = ("m", "v")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        p *= 1 - s.lr * s.weight_decay
        p -= _adam_step(s, g, state, scratch)


def _adam_step(s: SimpleNamespace, g: np.ndarray, state: State, scratch: np.ndarray) -> np.ndarray:
    """Update the moments and return lr · m̂ / (√v̂ + eps), in `scratch`."""
    m, v, t = state["m"], state["v"], state["t"]
    beta1, beta2 = s.betas
    np.subtract(g, m, out=scratch)
    scratch *= 1 - beta1
    m += scratch  # m + (1 − β₁)(g − m) is β₁ m + (1 − β₁) g, in one pass less
    running_mean_of_squares(v, g, beta2, scratch)
    np.sqrt(v, out=scratch)
    # √v̂ + eps = (√v + eps √(1 − β₂ᵗ)) / √(1 − β₂ᵗ): the corrections are numbers, so they cost no pass of their own.
    root = sqrt(1 - beta2**t)
    scratch += s.eps * root
    np.divide(m, scratch, out=scratch)
    scratch *= s.lr * root / (1 - beta1**t)
    return scratch
