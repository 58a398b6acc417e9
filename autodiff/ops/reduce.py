"""Reductions along axes, and the softmax family that is built on one.

Every rule first brings the reduced quantities back to the operand's shape with `_spread`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..primitive import Primitive
from .elementwise import exp, where
from .shape import broadcast_to, reshape

__all__ = [
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "softmax",
    "sum",
]

Axis = int | Sequence[int] | None


def sum(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Sum over the axes, all by default. The gradient is spread evenly: every summand has local derivative 1.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(x * x))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _sum(x, axis=_axes(axis), keepdims=bool(keepdims), name=name)


def mean(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Arithmetic mean over the axes, all by default."""
    return _mean(x, axis=_axes(axis), keepdims=bool(keepdims), name=name)


def max(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Largest value over the axes, all by default. Tied maxima share the gradient evenly."""
    return _max(x, axis=_axes(axis), keepdims=bool(keepdims), name=name)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """log Σ exp(x) over the axes, all by default, without overflow: the maximum is taken out first."""
    return _logsumexp(x, axis=_axes(axis), keepdims=bool(keepdims), name=name)


def softmax(x: Any, axis: int = -1, *, name: str | None = None) -> Any:
    """exp(x) / Σ exp(x) along an axis, without overflow. `x: (..., n) → (..., n)`, each slice summing to 1.

    >>> import numpy as np, autodiff as ad
    >>> ad.softmax(np.array([0.0, 0.0, 1e4])).tolist()
    [0.0, 0.0, 1.0]
    """
    return _softmax(x, axis=int(axis), name=name)


def log_softmax(x: Any, axis: int = -1, *, name: str | None = None) -> Any:
    """log(softmax(x)) along an axis, computed as x − logsumexp(x) so that it never takes the log of 0."""
    return _log_softmax(x, axis=int(axis), name=name)


def _axes(axis: Axis) -> int | tuple[int, ...] | None:
    return axis if axis is None or isinstance(axis, int) else tuple(int(a) for a in axis)


def _spread(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduced quantity, repeated to x's shape."""
    shape = np.shape(x)
    if not keepdims and len(shape) > 0:
        axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = {a % len(shape) for a in axes}
        reduced = reshape(reduced, tuple(1 if i in gone else n for i, n in enumerate(shape)))
    return broadcast_to(reduced, shape)


def _share_of_maximum(out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """1 at the maximum, shared evenly among ties: a plain array, for it is constant where it is defined."""
    top = x == _spread(_plain(out), x, axis, keepdims)
    share = top / np.sum(top, axis=axis, keepdims=True)
    return share.astype(x.dtype)


def _max_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return _spread(g, x, axis, keepdims) * _share_of_maximum(out, x, axis, keepdims)


def _max_jvp(tangents: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return sum(tangents[0] * _share_of_maximum(out, x, axis, keepdims), axis=axis, keepdims=keepdims)


def _plain(value: Any) -> Any:
    return getattr(value, "data", value) if not isinstance(value, np.ndarray) else value


def _logsumexp_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(top.dtype)  # all −inf stays −inf, instead of −inf − −inf
    with np.errstate(divide="ignore"):
        out = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=axis)


def _share_of_sum(out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """exp(x) / Σ exp(x). Where every x is −inf, none of them has a share."""
    floor = where(out == -np.inf, 0, out)
    return exp(x - _spread(floor, x, axis, keepdims))


def _logsumexp_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return _spread(g, x, axis, keepdims) * _share_of_sum(out, x, axis, keepdims)


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


def _mean_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return _spread(g, x, axis, keepdims) / (x.size // out.size if out.size else 1)


# fmt: off
_sum = Primitive("sum", lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims), lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims), linear=True)  # noqa: E501
_mean = Primitive("mean", lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims), _mean_vjp, linear=True)
_max = Primitive("max", lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims), _max_vjp, jvp=_max_jvp)
_logsumexp = Primitive("logsumexp", _logsumexp_forward, _logsumexp_vjp, jvp=_logsumexp_jvp)
_softmax = Primitive("softmax", _softmax_forward, _softmax_vjp, jvp=_softmax_jvp)
_log_softmax = Primitive("log_softmax", _log_softmax_forward, _log_softmax_vjp, jvp=_log_softmax_jvp)
# fmt: on
