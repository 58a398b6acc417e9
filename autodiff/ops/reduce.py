"""Reductions along axes: sums, products, extremes, moments.

Every rule first brings the reduced quantities back to the operand's shape with `spread`. Ties are decided here once:
equal extremes, or equal middle values, share the gradient evenly.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Primitive
from ..tape import Value
from .elementwise import divide, multiply, subtract, where
from .scan import product_of_others
from .selection import diagonal
from .shape import astype, broadcast_to, normal_axes, reshape, transpose

__all__ = [
    "amax",
    "amin",
    "average",
    "max",
    "mean",
    "median",
    "min",
    "nanmean",
    "nansum",
    "prod",
    "ptp",
    "std",
    "sum",
    "trace",
    "var",
]

Axis = int | Sequence[int] | None


def sum(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Sum over the axes, all by default. The gradient is spread evenly: every summand has local derivative 1.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(x * x))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _sum(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


def mean(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Arithmetic mean over the axes, all by default."""
    return _mean(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


def max(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Largest value over the axes, all by default. Tied maxima share the gradient evenly."""
    return _max(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


def min(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Smallest value over the axes, all by default. Tied minima share the gradient evenly."""
    return _min(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


amax, amin = max, min


def ptp(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Peak to peak: the largest value less the smallest, over the axes, all by default."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims), name=name)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Product over the axes, all by default. Nothing is divided by x: zeros have their exact gradient.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.prod)(np.array([2.0, 0.0, 3.0]))
    array([0., 6., 0.])
    """
    return _prod(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


def var(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Variance over the axes, all by default: Σ (x − mean)² / (n − ddof), with n numbers in each sum."""
    return _var(x, axis=axes_of(axis), ddof=ddof, keepdims=bool(keepdims), name=name)


def std(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Standard deviation over the axes, all by default: the root of `var`. Equal numbers have gradient 0.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.std)(np.array([0.1, 0.1, 0.1]))
    array([0., 0., 0.])
    """
    return _std(x, axis=axes_of(axis), ddof=ddof, keepdims=bool(keepdims), name=name)


def average(
    x: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
    name: str | None = None,
) -> Any:
    """Weighted mean, Σ w·x / Σ w over the axes, all by default; the plain mean without weights.

    weights   in x's shape, or in the shape of the axes averaged over; differentiable as x is
    returned  whether to return the pair (average, sum of the weights)

    >>> import numpy as np, autodiff as ad
    >>> float(ad.average(np.array([1.0, 4.0]), weights=np.array([2.0, 1.0])))
    2.0

    Raises ShapeError if the weights do not fit, SettingError if they sum to zero.
    """
    if weights is None:
        out = mean(x, axis, keepdims, name=name)
        if not returned:
            return out
        count = np.size(x) // np.size(out) if np.size(out) else 0
        return out, np.full(np.shape(out), count, dtype=out.dtype)
    weights = weights if isinstance(weights, Value) else np.asarray(weights)
    if np.shape(weights) != np.shape(x):
        axes = normal_axes("average", x, axis)
        over = tuple(np.shape(x)[i] for i in axes)
        if axis is None or np.shape(weights) != over:
            raise ShapeError(
                f"average: weights of shape {np.shape(weights)} fit neither {np.shape(x)} nor the axes {axis}"
            )
        weights = transpose(weights, np.argsort(axes).tolist())
        weights = reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(np.shape(x))))
        weights = broadcast_to(weights, np.shape(x))
    total = sum(weights, axis, keepdims)
    if somewhere(plain(total) == 0):
        raise SettingError("average: the weights sum to zero")
    out = divide(sum(multiply(x, weights), axis, keepdims), total, name=name)
    return (out, total) if returned else out


def nansum(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Sum over the axes with NaN counted as 0. A NaN has gradient 0."""
    return sum(where(np.isnan(plain(x)), 0, x), axis, keepdims, name=name)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Mean over the axes of what is not NaN; NaN where nothing is left. A NaN has gradient 0."""
    there = ~np.isnan(plain(x))
    count = sum(astype(there, np.result_type(plain(x), np.float16)), axis, keepdims)
    return divide(nansum(x, axis, keepdims), count, name=name)


def median(x: Any, axis: Axis = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Middle value over the axes, all by default; of an even count the mean of the two middle ones.

    The gradient goes to the middle value, or half to each of the two; among equal ones it is shared evenly.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.median)(np.array([7.0, 1.0, 3.0, 5.0]))
    array([0. , 0. , 0.5, 0.5])
    """
    return _median(x, axis=axes_of(axis), keepdims=bool(keepdims), name=name)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, name: str | None = None) -> Any:
    """Sum of the diagonal of each matrix that two axes make. `x: (n, n, ...) → (...)`."""
    return sum(diagonal(x, offset, axis1, axis2), -1, name=name)


def axes_of(axis: Axis) -> int | tuple[int, ...] | None:
    """An axis argument as a row records it."""
    return axis if axis is None or isinstance(axis, int) else tuple(int(a) for a in axis)


def spread(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduced quantity, repeated to x's shape."""
    shape = np.shape(x)
    if not keepdims and len(shape) > 0:
        axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = {a % len(shape) for a in axes}
        reduced = reshape(reduced, tuple(1 if i in gone else n for i, n in enumerate(shape)))
    return broadcast_to(reduced, shape)


def plain(value: Any) -> Any:
    """The data of a value; anything else as it is."""
    return value.data if isinstance(value, Value) else value


def somewhere(condition: Any) -> bool:
    """Whether a plain condition holds anywhere: for any number, and in a map over examples for any example."""
    return bool(np.any(condition.whole if isinstance(condition, Value) else condition))


def _reduction(name: str, forward: Any, local: Any) -> Primitive:
    """A row by its local derivative ∂result/∂x, a function of the result and x, which serves both directions."""

    def vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, **options: Any) -> Any:
        return spread(g, x, axis, keepdims) * local(spread(out, x, axis, keepdims), x, axis, **options)

    def jvp(tangents: Any, out: Any, x: Any, axis: Any, keepdims: bool, **options: Any) -> Any:
        parts = tangents[0] * local(spread(out, x, axis, keepdims), x, axis, **options)
        return sum(parts, axis=axis, keepdims=keepdims)

    return Primitive(name, forward, vjp, jvp=jvp)


def _share(out: Any, x: Any, axis: Any) -> Any:
    """1 where x is the result, shared evenly among ties: a plain array, for it is constant where it is defined."""
    tied = plain(x) == plain(out)
    return (tied / np.sum(tied, axis=axis, keepdims=True)).astype(x.dtype)


def _share_of_median(out: Any, x: Any, axis: Any) -> Any:
    middle = [np.quantile(plain(x), 0.5, axis=axis, keepdims=True, method=method) for method in ("lower", "higher")]
    return (_share(middle[0], x, axis) + _share(middle[1], x, axis)) / 2


def _others(out: Any, x: Any, axis: Any) -> Any:
    """The product of all the other numbers that went into the same result."""
    axes = normal_axes("prod", x, axis)
    order = (*(i for i in range(np.ndim(x)) if i not in axes), *axes)
    shape = tuple(np.shape(x)[i] for i in order)
    kept = len(shape) - len(axes)
    rows = reshape(transpose(x, order), (*shape[:kept], math.prod(shape[kept:])))
    return transpose(reshape(product_of_others(rows), shape), np.argsort(order).tolist())


def _var_local(out: Any, x: Any, axis: Any, ddof: float) -> Any:
    return (x - mean(x, axis, keepdims=True)) * 2 / _degrees(x, axis, ddof)


def _std_local(out: Any, x: Any, axis: Any, ddof: float) -> Any:
    # Of equal numbers, mean and result may be off by a rounding: their quotient would be anything, and is 0.
    equal = np.ptp(plain(x), axis=axis, keepdims=True) == 0 if x.size else False
    centred = where(equal, 0, x - mean(x, axis, keepdims=True))
    return centred / (_degrees(x, axis, ddof) * where(equal, 1, out))


def _degrees(x: Any, axis: Any, ddof: float) -> float:
    """n − ddof, as NumPy never below 0."""
    n = math.prod(np.shape(x)[i] for i in normal_axes("var", x, axis))
    return float(np.maximum(n - ddof, 0))


def _mean_vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return spread(g, x, axis, keepdims) / (x.size // out.size if out.size else 1)


# fmt: off
_sum = Primitive("sum", lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims), lambda g, out, x, axis, keepdims: spread(g, x, axis, keepdims), linear=True)  # noqa: E501
_mean = Primitive("mean", lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims), _mean_vjp, linear=True)
_max = _reduction("max", lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims), _share)
_min = _reduction("min", lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims), _share)
_median = _reduction("median", lambda x, axis, keepdims: np.median(x, axis=axis, keepdims=keepdims), _share_of_median)
_prod = _reduction("prod", lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims), _others)
_var = _reduction("var", lambda x, axis, ddof, keepdims: np.var(x, axis=axis, ddof=ddof, keepdims=keepdims), _var_local)
_std = _reduction("std", lambda x, axis, ddof, keepdims: np.std(x, axis=axis, ddof=ddof, keepdims=keepdims), _std_local)
# fmt: on
