"""Statistics of samples: weighted means and counts, quantiles, covariance."""

import math
from typing import Any

import numpy as np

from ..errors import OperandError, SettingError, ShapeError
from ..tape import Value
from .elementwise import divide, multiply, shared, sqrt
from .index import scatter
from .join import concatenate, stack
from .linalg import matmul
from .options import check_dtype, refuse, shown
from .plain_data import plain, plain_array, somewhere
from .reduce import Axis, axes_of, mean, reduction, sum
from .selection import diag
from .shape import alias, astype, atleast_2d, broadcast_to, expand_dims, normal_axes, reshape, squeeze, transpose

__all__ = ["average", "bincount", "corrcoef", "cov", "percentile", "quantile"]

METHODS = ("linear", "lower", "higher", "midpoint")


def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
    name: str | None = None,
) -> Any:
    """Weighted mean, Σ w·a / Σ w over the axes, all by default; the plain mean without weights.

    weights   in a's shape, or in the shape of the axes averaged over; differentiable as a is
    returned  whether to return the pair (average, sum of the weights)

    >>> import numpy as np, autodiff as ad
    >>> float(ad.average(np.array([1.0, 4.0]), weights=np.array([2.0, 1.0])))
    2.0

    Raises ShapeError if the weights do not fit, SettingError if they sum to zero.
    """
    if weights is None:
        out = mean(a, axis, keepdims=keepdims, name=name)
        if not returned:
            return out
        count = np.size(a) // np.size(out) if np.size(out) else 0
        return out, np.full(np.shape(out), count, dtype=out.dtype)
    weights = weights if isinstance(weights, Value) else np.asarray(weights)
    if np.shape(weights) != np.shape(a):
        axes = normal_axes("average", a, axis)
        over = tuple(np.shape(a)[i] for i in axes)
        if axis is None or np.shape(weights) != over:
            raise ShapeError(
                f"average: weights of shape {np.shape(weights)} fit neither {np.shape(a)} nor the axes {axis}"
            )
        weights = transpose(weights, np.argsort(axes).tolist())
        weights = reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(np.shape(a))))
        weights = broadcast_to(weights, np.shape(a))
    total = sum(weights, axis, keepdims=keepdims)
    if somewhere(plain(total) == 0):
        raise SettingError("average: the weights sum to zero")
    out = divide(sum(multiply(a, weights), axis, keepdims=keepdims), total, name=name)
    return (out, total) if returned else out


def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
    name: str | None = None,
) -> Any:
    """The value below which a share q of the numbers lies, over the axes, all by default.

    q       one number in [0, 1], or an array of them, whose axes come first in the result; it has no gradient
    method  how a place between two numbers is read: "linear", "lower", "higher" or "midpoint"

    The gradient goes to the one or two numbers that are read; among equal ones it is shared evenly.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.quantile(x, 0.25))(np.array([1.0, 5.0, 3.0]))
    array([0.5, 0. , 0.5])

    Raises SettingError for q outside [0, 1] or another method.
    """
    refuse("quantile", out=out, weights=weights)
    return _quantiles("quantile", a, _constant("quantile", q), axis, method, keepdims, name)


def percentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
    name: str | None = None,
) -> Any:
    """`quantile` with q in percent, from 0 to 100."""
    refuse("percentile", out=out, weights=weights)
    return _quantiles("percentile", a, _constant("percentile", q) / 100, axis, method, keepdims, name)


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: None = None,
    aweights: None = None,
    *,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """The matrix of covariances of variables. `m: (variables, samples) → (variables, variables)`; a vector is one.

    y       more variables of as many samples
    rowvar  whether the variables are the rows, or else the columns
    bias    whether to divide by the number of samples instead of one less; ddof=d divides by d less

    >>> import numpy as np, autodiff as ad
    >>> ad.cov(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])

    Raises ShapeError if an operand has more than two axes.
    """
    refuse("cov", fweights=fweights, aweights=aweights)
    parts = [_variables(x, rowvar) for x in (m, y) if x is not None]
    rows = concatenate(parts, 0) if len(parts) > 1 else parts[0]
    if dtype is not None:
        rows = astype(rows, check_dtype("cov", dtype))
    n = np.shape(rows)[1]
    degrees = n - ((0 if bias else 1) if ddof is None else ddof)
    centred = rows - mean(rows, 1, keepdims=True)
    products = matmul(centred, transpose(centred))
    return squeeze(products / max(degrees, 0) if degrees > 0 else products * math.nan, name=name)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None, name: str | None = None) -> Any:
    """The matrix of correlations of variables: `cov`, each divided by both standard deviations."""
    c = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return divide(c, c, name=name)
    deviations = sqrt(diag(c))
    return divide(c / expand_dims(deviations, 1), expand_dims(deviations, 0), name=name)


def bincount(x: Any, weights: Any = None, minlength: int = 0, *, name: str | None = None) -> Any:
    """How often each integer from 0 on occurs in x; or the sum of its weights, which have gradients.

    `x: (n,) integers, weights: (n,) → (max(x) + 1 or minlength,)`

    >>> import numpy as np, autodiff as ad
    >>> ad.bincount([0, 2, 2], np.array([1.0, 2.0, 3.0])).tolist()
    [1.0, 0.0, 5.0]

    Under `vmap` integers that differ from example to example need a `minlength` above all of them.

    Raises ShapeError if the lengths differ, OperandError if x holds anything but integers from 0 on.
    """
    places = plain_array(x)
    in_map = isinstance(places, Value)
    if places.ndim != 1 or (places.size and (places.dtype.kind not in "iu" or somewhere(places < 0))):
        raise OperandError(
            f"bincount: takes a vector of integers from 0 on, got {places.dtype} of shape {places.shape}"
        )
    if in_map and somewhere(places >= minlength):
        raise ShapeError("bincount: under vmap the number of bins must be given: a minlength above every integer")
    if weights is None:
        return np.bincount(places, minlength=minlength)
    if np.shape(weights) != places.shape:
        raise ShapeError(f"bincount: {places.size} integers, but weights of shape {np.shape(weights)}")
    size = minlength if in_map else max(int(places.max(initial=-1)) + 1, minlength)
    bins = scatter(weights if isinstance(weights, Value) else np.asarray(weights, float), places, (size,))
    return alias(bins, name=name) if name else bins


def _constant(function: str, q: Any) -> Any:
    """The shares as plain numbers. Raises OperandError if they are tracked, for their gradient would be lost."""
    if isinstance(q, Value) and q.requires_grad:
        raise OperandError(f"{function}: has no derivative with respect to q; pass q.detach()")
    return np.asarray(plain(q), float)


def _variables(x: Any, rowvar: bool) -> Any:
    if np.ndim(x) > 2:
        raise ShapeError(f"cov: takes vectors and matrices, got shape {np.shape(x)}")
    rows = atleast_2d(x)
    return transpose(rows) if not rowvar and np.ndim(x) == 2 else rows


def _quantiles(function: str, a: Any, q: Any, axis: Axis, method: str, keepdims: bool, name: str | None) -> Any:
    if method not in METHODS:
        raise SettingError(f"{function}: method is one of {', '.join(METHODS)}; got {shown(method)}")
    if not np.all((q >= 0) & (q <= 1)):
        raise SettingError(f"{function}: q must be in {'[0, 1]' if function == 'quantile' else '[0, 100]'}")
    a, axes = a if isinstance(a, Value) else np.asarray(a), axes_of(function, axis)
    if q.ndim == 0:
        return _quantile(a, q=float(q), axis=axes, method=method, keepdims=bool(keepdims), name=name)
    if q.size == 0:
        raise SettingError(f"{function}: q must hold at least one number")
    each = [_quantile(a, q=share, axis=axes, method=method, keepdims=bool(keepdims)) for share in q.ravel().tolist()]
    return reshape(stack(each), (*q.shape, *np.shape(each[0])), name=name)


def _read(out: Any, x: Any, axis: Any, q: float, method: str) -> Any:
    """The share of every number in the result."""
    n = math.prod(np.shape(x)[i] for i in normal_axes("quantile", x, axis))
    place = q * (n - 1)
    above = {"linear": place - math.floor(place), "lower": 0.0, "higher": 1.0, "midpoint": 0.5}[method]
    shares = []
    for side in ("lower", "higher"):
        tied = plain(x) == np.quantile(plain(x), q, axis=axis, keepdims=True, method=side)
        shares.append(tied / np.sum(tied, axis=axis, keepdims=True))
    return (shares[0] * (1 - above) + shares[1] * above).astype(x.dtype)


def _forward(x: Any, q: float, axis: Any, method: str, keepdims: bool) -> Any:
    return np.quantile(x, q, axis=axis, method=method, keepdims=keepdims)  # type: ignore[call-overload]


_quantile = reduction("quantile", _forward, _read, shared)
