"""Limits: on gradients before an update, and on weights after it."""

from collections.abc import Iterable
from math import isfinite, sqrt

import numpy as np

from ..effects import effect
from ..errors import SettingError
from ..tape import Value
from ..tensor import Tensor


@effect
def clip_grad_norm(params: Iterable[Tensor], most: float) -> float:
    """Scale all gradients by one factor, in place, so that their norm together is at most `most`; returns the norm.

    Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1. A
    norm that is not finite is returned, and nothing is scaled: no factor would make such gradients right.

    >>> p = Tensor([0.0, 0.0])
    >>> p.grad = np.array([3.0, 4.0])
    >>> clip_grad_norm([p], 1.0), p.grad
    (5.0, array([0.6, 0.8]))

    Raises SettingError unless `most` is above 0.
    """
    _check("clip_grad_norm", most)
    gradients = _gradients(params)
    norm = sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    if isfinite(norm) and norm > most:
        for g in gradients:
            g *= most / norm
    return norm


@effect
def clip_grad_value(params: Iterable[Tensor], most: float) -> None:
    """Bring every number of every gradient into −most..most, in place.

    >>> p = Tensor([0.0, 0.0])
    >>> p.grad = np.array([3.0, -0.1])
    >>> clip_grad_value([p], 1.0)
    >>> p.grad
    array([ 1. , -0.1])

    Raises SettingError unless `most` is above 0.
    """
    _check("clip_grad_value", most)
    for g in _gradients(params):
        np.clip(g, -most, most, out=g)


@effect
def max_norm(weights: Iterable[Tensor], most: float) -> None:
    """Shorten, in place, the weights that come into a unit to a norm of at most `most`: columns of `(n_in, n_out)`.

    Sources: Srebro & Shraibman 2005; Srivastava et al. 2014, "Dropout", section 5.1. To be called after an update.

    >>> w = Tensor([[3.0, 0.1], [4.0, 0.2]])
    >>> max_norm([w], 1.0)
    >>> w.data
    array([[0.6, 0.1],
           [0.8, 0.2]])

    Raises SettingError unless `most` is above 0, or for weights that are no matrix.
    """
    _check("max_norm", most)
    for weight in weights:
        if weight.ndim != 2:
            raise SettingError(f"max_norm: is for weights of shape (n_in, n_out), got {weight.shape}")
        w = weight.data
        norms = np.sqrt(np.einsum("ij,ij->j", w, w))
        if np.any(norms > most):
            w *= np.minimum(1, most / np.maximum(norms, np.finfo(w.dtype).tiny)).astype(w.dtype)


def _check(function: str, most: float) -> None:
    if not most > 0:
        raise SettingError(f"{function}: the limit must be above 0, got {most}")


def _gradients(params: Iterable[Tensor]) -> list[np.ndarray]:
    found = [parameter.grad for parameter in params if parameter.grad is not None]
    return [g.data if isinstance(g, Value) else g for g in found]
