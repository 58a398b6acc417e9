"""Reductions along axes: sums, products, extremes, moments.

Every rule first brings the reduced quantities back to the operand's shape with `spread`. Ties are decided here once:
equal extremes, or equal middle values, share the gradient evenly.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import OperandError, SettingError
from ..primitive import Primitive, misfit
from .elementwise import add, divide, maximum, minimum, multiply, shared, subtract, where
from .options import check_dtype, refuse
from .plain_data import dtype_of, plain
from .scan import product_of_others
from .selection import diagonal
from .shape import astype, broadcast_to, normal_axes, reshape, transpose, wholes

__all__ = [
    "amax",
    "amin",
    "max",
    "mean",
    "median",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "trace",
    "var",
]

Axis = int | Sequence[int] | None


def sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Sum over the axes, all by default. The gradient is spread evenly: every summand has local derivative 1.

    dtype    what the numbers are cast to first
    initial  a number to start from
    where    a mask of the numbers that count

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(x * x))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    total = _sum(
        prepared("sum", a, dtype, out, where, 0),
        axis=axes_of("sum", axis),
        keepdims=bool(keepdims),
        name=name if initial is None else None,
    )
    return total if initial is None else add(total, initial, name=name)


def mean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
    name: str | None = None,
) -> Any:
    """Arithmetic mean over the axes, all by default; `where` is a mask of the numbers that count."""
    if where is not True:
        a = prepared("mean", a, dtype, out, True, 0)
        count = np.sum(np.broadcast_to(plain(where), np.shape(a)), axis=axes_of("mean", axis), keepdims=keepdims)
        return divide(sum(a, axis, keepdims=keepdims, where=where), count_like(count, a), name=name)
    return _mean(
        prepared("mean", a, dtype, out, True, 0), axis=axes_of("mean", axis), keepdims=bool(keepdims), name=name
    )


def max(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Largest value over the axes, all by default. Tied maxima share the gradient evenly.

    initial  a number that the result is at least
    where    a mask of the numbers that count; it needs `initial`
    """
    a = prepared("max", a, None, out, where, initial)
    largest = _max(a, axis=axes_of("max", axis), keepdims=bool(keepdims), name=name if initial is None else None)
    return largest if initial is None else maximum(largest, initial, name=name)


def min(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Smallest value over the axes, all by default. Tied minima share the gradient evenly.

    initial  a number that the result is at most
    where    a mask of the numbers that count; it needs `initial`
    """
    a = prepared("min", a, None, out, where, initial)
    smallest = _min(a, axis=axes_of("min", axis), keepdims=bool(keepdims), name=name if initial is None else None)
    return smallest if initial is None else minimum(smallest, initial, name=name)


amax, amin = max, min


def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, *, name: str | None = None) -> Any:
    """Peak to peak: the largest value less the smallest, over the axes, all by default."""
    refuse("ptp", out=out)
    return subtract(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims), name=name)


def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Product over the axes, all by default. Nothing is divided by a: zeros have their exact gradient.

    dtype, initial, where  as for `sum`

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.prod)(np.array([2.0, 0.0, 3.0]))
    array([0., 6., 0.])
    """
    product = _prod(
        prepared("prod", a, dtype, out, where, 1),
        axis=axes_of("prod", axis),
        keepdims=bool(keepdims),
        name=name if initial is None else None,
    )
    return product if initial is None else multiply(product, initial, name=name)


def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    name: str | None = None,
) -> Any:
    """Variance over the axes, all by default: Σ (a − mean)² / (n − ddof), with n numbers in each sum.

    correction  another word for ddof
    """
    ddof = degrees_lost("var", ddof, where, mean, correction)
    a = prepared("var", a, dtype, out, True, 0)
    return _var(a, axis=axes_of("var", axis), ddof=ddof, keepdims=bool(keepdims), name=name)


def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: None = None,
    correction: float | None = None,
    name: str | None = None,
) -> Any:
    """Standard deviation over the axes, all by default: the root of `var`. Equal numbers have gradient 0.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.std)(np.array([0.1, 0.1, 0.1]))
    array([0., 0., 0.])
    """
    ddof = degrees_lost("std", ddof, where, mean, correction)
    a = prepared("std", a, dtype, out, True, 0)
    return _std(a, axis=axes_of("std", axis), ddof=ddof, keepdims=bool(keepdims), name=name)


def median(
    a: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
    *,
    name: str | None = None,
) -> Any:
    """Middle value over the axes, all by default; of an even count the mean of the two middle ones.

    The gradient goes to the middle value, or half to each of the two; among equal ones it is shared evenly.
    `overwrite_input` is only for NumPy's sake: the input stays.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.median)(np.array([7.0, 1.0, 3.0, 5.0]))
    array([0. , 0. , 0.5, 0.5])
    """
    refuse("median", out=out)
    return _median(a, axis=axes_of("median", axis), keepdims=bool(keepdims), name=name)


def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: None = None,
    *,
    name: str | None = None,
) -> Any:
    """Sum of the diagonal of each matrix that two axes make. `a: (n, n, ...) → (...)`."""
    return sum(diagonal(prepared("trace", a, dtype, out, True, 0), offset, axis1, axis2), -1, name=name)


def axes_of(name: str, axis: Axis) -> int | tuple[int, ...] | None:
    """An axis argument as a row records it. Raises OperandError for anything but integers."""
    return axis if axis is None or type(axis) is int else wholes(name, "an axis", axis)


def prepared(function: str, a: Any, dtype: Any, out: Any, mask: Any, neutral: Any) -> Any:
    """The numbers to reduce: cast, and with what the mask leaves out replaced by a number that changes nothing."""
    if out is None and dtype is None and mask is True:
        return a
    refuse(function, out=out)
    if dtype is not None:
        a = astype(a, check_dtype(function, dtype))
    if mask is not True:
        if neutral is None:
            raise OperandError(f"{function}: where= needs initial=, the number to start from")
        try:
            mask = np.broadcast_to(plain(mask), np.shape(a))
        except ValueError as error:
            raise misfit(function, (a, mask), error) from error
        a = where(mask, a, neutral)
    return a


def degrees_lost(function: str, ddof: float, mask: Any, given_mean: Any, correction: float | None) -> float:
    """The ddof of a variance, of which `correction` is another name."""
    refuse(function, where=mask, mean=given_mean)
    if correction is None:
        return ddof
    if ddof != 0:
        raise SettingError(f"{function}: ddof and correction are the same option; give one")
    return correction


def count_like(count: Any, a: Any) -> Any:
    """A count in the floating dtype of a."""
    return astype(count, np.result_type(dtype_of(a), np.float16))


def spread(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduced quantity, repeated to x's shape."""
    shape = np.shape(x)
    if not keepdims and len(shape) > 0:
        axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = {a % len(shape) for a in axes}
        reduced = reshape(reduced, tuple(1 if i in gone else n for i, n in enumerate(shape)))
    return broadcast_to(reduced, shape)


def reduction(name: str, forward: Any, local: Any, times: Any = operator.mul) -> Primitive:
    """A row by its local derivative ∂result/∂x, a function of the result and x, which serves both directions.

    times  how a cotangent or tangent is multiplied by it: with `shared` where the result is selected among the numbers
    """

    def vjp(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, **options: Any) -> Any:
        return times(spread(g, x, axis, keepdims), local(spread(out, x, axis, keepdims), x, axis, **options))

    def jvp(tangents: Any, out: Any, x: Any, axis: Any, keepdims: bool, **options: Any) -> Any:
        parts = times(tangents[0], local(spread(out, x, axis, keepdims), x, axis, **options))
        return sum(parts, axis=axis, keepdims=keepdims)

    return Primitive(name, forward, vjp, jvp=jvp)


def share_of_ties(out: Any, x: Any, axis: Any) -> Any:
    """1 where x is the result, shared evenly among ties: a plain array, for it is constant where it is defined."""
    tied = plain(x) == plain(out)
    return (tied / np.sum(tied, axis=axis, keepdims=True)).astype(x.dtype)


def _share_of_median(out: Any, x: Any, axis: Any) -> Any:
    middle = [np.quantile(plain(x), 0.5, axis=axis, keepdims=True, method=method) for method in ("lower", "higher")]
    return (share_of_ties(middle[0], x, axis) + share_of_ties(middle[1], x, axis)) / 2


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
_max = reduction("max", lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims), share_of_ties, shared)
_min = reduction("min", lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims), share_of_ties, shared)
_median = reduction("median", lambda x, axis, keepdims: np.median(x, axis=axis, keepdims=keepdims), _share_of_median, shared)  # noqa: E501
_prod = reduction("prod", lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims), _others)
_var = reduction("var", lambda x, axis, ddof, keepdims: np.var(x, axis=axis, ddof=ddof, keepdims=keepdims), _var_local)
_std = reduction("std", lambda x, axis, ddof, keepdims: np.std(x, axis=axis, ddof=ddof, keepdims=keepdims), _std_local)
# fmt: on
