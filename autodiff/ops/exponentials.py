"""Sums of exponentials and what is made of them: logsumexp and the softmax family, none of which overflows."""

from typing import Any

import numpy as np

from ..primitive import Primitive
from .elementwise import exp, where
from .plain_data import plain, somewhere
from .reduce import Axis, axes_of, share_of_ties, spread, sum
from .shape import whole

__all__ = ["log_softmax", "logsumexp", "softmax"]


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """log Σ exp(x) over the axes, all by default, without overflow: the maximum is taken out first.

    Numbers that are ∞ share the gradient evenly.
    """
    return _logsumexp(x, axis=axes_of("logsumexp", axis), keepdims=bool(keepdims), name=name)


def softmax(x: Any, axis: int = -1, *, name: str | None = None) -> Any:
    """exp(x) / Σ exp(x) along an axis, without overflow. `x: (..., n) → (..., n)`, each slice summing to 1.

    >>> import numpy as np, autodiff as ad
    >>> ad.softmax(np.array([0.0, 0.0, 1e4])).tolist()
    [0.0, 0.0, 1.0]
    """
    return _softmax(x, axis=whole("softmax", "an axis", axis), name=name)


def log_softmax(x: Any, axis: int = -1, *, name: str | None = None) -> Any:
    """log(softmax(x)) along an axis, computed as x − logsumexp(x) so that it never takes the log of 0."""
    return _log_softmax(x, axis=whole("log_softmax", "an axis", axis), name=name)


def _logsumexp_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(top.dtype)  # all −inf stays −inf, instead of −inf − −inf
    with np.errstate(divide="ignore", over="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=axis)


def _share_of_sum(out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """exp(x) / Σ exp(x). Where every x is −∞ none of them has a share; those that are ∞ share evenly."""
    total = spread(out, x, axis, keepdims)
    share = exp(x - where(np.isinf(plain(total)), 0, total))
    infinite = plain(total) == np.inf
    return where(infinite, share_of_ties(total, x, axis), share) if somewhere(infinite) else share


def _logsumexp_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return spread(g, x, axis, keepdims) * _share_of_sum(out, x, axis, keepdims)


def _logsumexp_jvp(tangents: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return sum(tangents[0] * _share_of_sum(out, x, axis, keepdims), axis=axis, keepdims=keepdims)


def _softmax_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    return out * (g - sum(g * out, axis=axis, keepdims=True))


def _softmax_jvp(tangents: Any, out: Any, x: Any, axis: int) -> Any:
    return _softmax_vjp(tangents[0], out, x, axis)  # the Jacobian is symmetric


def _log_softmax_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    return g - exp(out) * sum(g, axis=axis, keepdims=True)


def _log_softmax_jvp(tangents: Any, out: Any, x: Any, axis: int) -> Any:
    return tangents[0] - sum(exp(out) * tangents[0], axis=axis, keepdims=True)


def _softmax_forward(x: Any, axis: int) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax_forward(x: Any, axis: int) -> Any:
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


_logsumexp = Primitive("logsumexp", _logsumexp_forward, _logsumexp_vjp, jvp=_logsumexp_jvp)
_softmax = Primitive("softmax", _softmax_forward, _softmax_vjp, jvp=_softmax_jvp)
_log_softmax = Primitive("log_softmax", _log_softmax_forward, _log_softmax_vjp, jvp=_log_softmax_jvp)
