"""Optimisers: each its own class with its own formula. They change the parameters' arrays in place.

In the formulas p is a parameter, g its gradient, and everything is number by number.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np

from .errors import CheckpointError, OperandError, SettingError
from .tape import Value
from .tensor import Tensor

State = dict[str, Any]  # what an optimiser remembers of one parameter: arrays of its shape, and step counts


class Optimizer:
    """What the optimisers share. A subclass lists its settings, says what it remembers, and states its formula.

    Raises SettingError if there is nothing to train or a setting is out of range, OperandError for anything but Tensors
    that no operation made.
    """

    settings: tuple[str, ...] = ("lr",)  # the attributes that belong into a checkpoint
    memory: tuple[str, ...] = ()  # the names of the arrays remembered for each parameter

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params = _leaves(self, params)
        self.lr = _at_least_0(self, "lr", lr)
        self.state: list[State] = [
            {"t": 0, **{name: np.zeros_like(parameter.data) for name in self.memory}} for parameter in self.params
        ]
        self._scratch = [np.empty_like(parameter.data) for parameter in self.params]

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for parameter, state, scratch in zip(self.params, self.state, self._scratch, strict=True):
            if parameter.grad is not None:
                state["t"] += 1
                g = parameter.grad
                self.update(parameter.data, g.data if isinstance(g, Value) else g, state, scratch)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray) -> None:
        """The formula: change p in place. `g` must be left as it is; `scratch` is memory of p's shape to work in."""
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    def zero_grad(self) -> None:
        """Forget the gradients: `.grad` of every parameter becomes None."""
        for parameter in self.params:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Plain data: the optimiser's name, its settings, and a copy of what it remembers of each parameter."""
        return {
            "optimizer": type(self).__name__,
            "settings": {name: getattr(self, name) for name in self.settings},
            "state": [{key: _copy(value) for key, value in state.items()} for state in self.state],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Everything fits, or nothing is changed.

        Raises CheckpointError if it comes from another optimiser or from parameters of other shapes.
        """
        kind = type(self).__name__
        try:
            name, settings, states = state["optimizer"], dict(state["settings"]), list(state["state"])
            if name != kind:
                raise CheckpointError(f"{kind}: the state is that of the optimiser {name}")
            if set(settings) != set(self.settings):
                raise CheckpointError(f"{kind}: expects settings {', '.join(self.settings)}, found {list(settings)}")
            if len(states) != len(self.state):
                raise CheckpointError(f"{kind}: expects {len(self.state)} parameters, found {len(states)}")
            for i, (own, other) in enumerate(zip(self.state, states, strict=True)):
                shapes = [{key: np.shape(value) for key, value in each.items()} for each in (own, other)]
                if shapes[0] != shapes[1]:
                    raise CheckpointError(f"{kind}: parameter {i} expects {shapes[0]}, found {shapes[1]}")
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{kind}: not a state that state_dict() gave ({error!r})") from error
        for setting, value in settings.items():
            setattr(self, setting, value)
        for own, other in zip(self.state, states, strict=True):
            for key, value in other.items():
                if isinstance(own[key], np.ndarray):
                    own[key][...] = value
                else:
                    own[key] = value


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

        g ← g + weight_decay · p
        v ← momentum · v + g
        p ← p − lr · v                     or, with nesterov, p ← p − lr · (g + momentum · v)

    Sources: Polyak 1964 (momentum); Sutskever, Martens, Dahl & Hinton 2013 (Nesterov's form, here with v free of lr).

    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> SGD([p], lr=0.1).step()
    >>> p.data
    array([0.95])
    """

    settings = ("lr", "momentum", "nesterov", "weight_decay")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = _fraction(self, "momentum", momentum)
        self.memory = ("v",) if self.momentum else ()
        super().__init__(params, lr)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise SettingError("SGD: nesterov needs a momentum above 0")
        self.weight_decay = _at_least_0(self, "weight_decay", weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray) -> None:
        if self.weight_decay:
            np.multiply(p, self.weight_decay, out=scratch)
            g = np.add(g, scratch)
        direction = g
        if self.momentum:
            v = state["v"]
            v *= self.momentum
            v += g
            direction = v
            if self.nesterov:
                np.multiply(v, self.momentum, out=scratch)
                scratch += g
                direction = scratch
        np.multiply(direction, self.lr, out=scratch)
        p -= scratch


class Adam(Optimizer):
    """Adaptive moments.

        g ← g + weight_decay · p
        m ← β₁ m + (1 − β₁) g              v ← β₂ v + (1 − β₂) g²
        p ← p − lr · m̂ / (√v̂ + eps)       with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ)

    Source: Kingma & Ba 2015, "Adam", algorithm 1.

    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> Adam([p], lr=0.1).step()
    >>> p.data.round(6)
    array([0.9])
    """

    settings = ("lr", "betas", "eps", "weight_decay")
    memory = ("m", "v")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.betas = _betas(self, betas)
        self.eps = _at_least_0(self, "eps", eps)
        self.weight_decay = _at_least_0(self, "weight_decay", weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray) -> None:
        if self.weight_decay:
            np.multiply(p, self.weight_decay, out=scratch)
            g = np.add(g, scratch)
        p -= _adam_step(self.lr, self.betas, self.eps, g, state, scratch)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: the decay does not pass through the moments.

        p ← p − lr · weight_decay · p      then Adam's step, without a decay of its own

    Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with the decay scaled by lr.

    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> AdamW([p], lr=0.1, weight_decay=0.5).step()
    >>> p.data.round(6)
    array([0.85])
    """

    settings = ("lr", "betas", "eps", "weight_decay")
    memory = ("m", "v")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr)
        self.betas = _betas(self, betas)
        self.eps = _at_least_0(self, "eps", eps)
        self.weight_decay = _at_least_0(self, "weight_decay", weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray) -> None:
        p *= 1 - self.lr * self.weight_decay
        p -= _adam_step(self.lr, self.betas, self.eps, g, state, scratch)


class RMSProp(Optimizer):
    """Divide the gradient by a running root mean square of itself.

        g ← g + weight_decay · p
        v ← alpha · v + (1 − alpha) · g²
        b ← momentum · b + g / (√v + eps)
        p ← p − lr · b

    Source: Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6e.

    >>> p = Tensor([1.0])
    >>> p.grad = np.array([0.5])
    >>> RMSProp([p], lr=0.01).step()
    >>> p.data.round(6)
    array([0.9])
    """

    settings = ("lr", "alpha", "eps", "momentum", "weight_decay")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = _fraction(self, "momentum", momentum)
        self.memory = ("v", "b") if self.momentum else ("v",)
        super().__init__(params, lr)
        self.alpha = _fraction(self, "alpha", alpha)
        self.eps = _at_least_0(self, "eps", eps)
        self.weight_decay = _at_least_0(self, "weight_decay", weight_decay)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray) -> None:
        if self.weight_decay:
            np.multiply(p, self.weight_decay, out=scratch)
            g = np.add(g, scratch)
        _running_mean_of_squares(state["v"], g, self.alpha, scratch)
        np.sqrt(state["v"], out=scratch)
        scratch += self.eps
        np.divide(g, scratch, out=scratch)
        if self.momentum:
            b = state["b"]
            b *= self.momentum
            b += scratch
            np.multiply(b, self.lr, out=scratch)
        else:
            scratch *= self.lr
        p -= scratch


def _adam_step(
    lr: float, betas: tuple[float, float], eps: float, g: np.ndarray, state: State, scratch: np.ndarray
) -> np.ndarray:
    """Update the moments and return lr · m̂ / (√v̂ + eps), in `scratch`."""
    m, v, t = state["m"], state["v"], state["t"]
    beta1, beta2 = betas
    np.subtract(g, m, out=scratch)
    scratch *= 1 - beta1
    m += scratch  # m + (1 − β₁)(g − m) is β₁ m + (1 − β₁) g, in one pass less
    _running_mean_of_squares(v, g, beta2, scratch)
    np.sqrt(v, out=scratch)
    # √v̂ + eps = (√v + eps √(1 − β₂ᵗ)) / √(1 − β₂ᵗ): the corrections are numbers, so they cost no pass of their own.
    root = sqrt(1 - beta2**t)
    scratch += eps * root
    np.divide(m, scratch, out=scratch)
    scratch *= lr * root / (1 - beta1**t)
    return scratch


def _running_mean_of_squares(v: np.ndarray, g: np.ndarray, beta: float, scratch: np.ndarray) -> None:
    """v ← beta · v + (1 − beta) · g²"""
    np.multiply(g, g, out=scratch)
    scratch *= 1 - beta
    v *= beta
    v += scratch


def _leaves(optimizer: Optimizer, params: Iterable[Tensor]) -> list[Tensor]:
    kind = type(optimizer).__name__
    if isinstance(params, Value):  # it would be taken apart into its rows
        raise OperandError(f"{kind}: takes a list of tensors, got one {type(params).__name__}")
    leaves = list(params)
    if not leaves:
        raise SettingError(f"{kind}: there are no parameters to train")
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, Tensor) or leaf.primitive is not None:
            what = "the result of an operation" if isinstance(leaf, Tensor) else f"a {type(leaf).__name__}"
            raise OperandError(f"{kind}: trains tensors that no operation made, parameter {i} is {what}")
        if any(leaf is other for other in leaves[:i]):
            raise SettingError(f"{kind}: parameter {i} is given twice")
    return leaves


def _at_least_0(optimizer: Optimizer, name: str, value: float) -> float:
    if not (value >= 0 and isfinite(value)):
        raise SettingError(f"{type(optimizer).__name__}: {name} must be finite and at least 0, got {value}")
    return float(value)


def _fraction(optimizer: Optimizer, name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise SettingError(f"{type(optimizer).__name__}: {name} must be in [0, 1), got {value}")
    return float(value)


def _betas(optimizer: Optimizer, betas: Sequence[float]) -> tuple[float, float]:
    beta1, beta2 = betas
    return _fraction(optimizer, "betas[0]", beta1), _fraction(optimizer, "betas[1]", beta2)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
