"""Reductions and scans that leave NaN out. A NaN has gradient 0; where nothing is left the result is NaN."""

import math
from typing import Any

import numpy as np

from .elementwise import divide, multiply, sqrt, square, where
from .matrices import length
from .options import refuse
from .plain_data import plain, somewhere
from .reduce import Axis, axes_of, count_like, degrees_lost, max, min, prepared, prod, sum
from .scan import cumprod, cumsum
from .shape import normal_axes

__all__ = ["nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]


def nansum(
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
    """Sum over the axes with NaN counted as 0. A NaN has gradient 0. The options are those of `sum`."""
    return sum(_filled(a, 0), axis, dtype, out, keepdims, initial, where, name=name)


def nanmean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
    name: str | None = None,
) -> Any:
    """Mean over the axes of what is not NaN; NaN where nothing is left. A NaN has gradient 0."""
    a = prepared("nanmean", a, dtype, out, where, math.nan)
    return divide(nansum(a, axis, keepdims=keepdims), _count("nanmean", a, axis, keepdims), name=name)


def nanmax(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Largest value over the axes of what is not NaN. Tied maxima share the gradient evenly.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(ad.nanmax)(np.array([1.0, np.nan, 3.0]))
    array([0., 0., 1.])
    """
    refuse("nanmax", out=out, initial=initial, where=where)
    return _extreme(max, -math.inf, a, axis, keepdims, name)


def nanmin(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
    *,
    name: str | None = None,
) -> Any:
    """Smallest value over the axes of what is not NaN. Tied minima share the gradient evenly."""
    refuse("nanmin", out=out, initial=initial, where=where)
    return _extreme(min, math.inf, a, axis, keepdims, name)


def nanprod(
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
    """Product over the axes with NaN counted as 1. The options are those of `prod`."""
    return prod(_filled(a, 1), axis, dtype, out, keepdims, initial, where, name=name)


def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None, *, name: str | None = None) -> Any:
    """Running sums with NaN counted as 0; without an axis of the flattened numbers."""
    return cumsum(_filled(a, 0), axis, dtype, out, name=name)


def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None, *, name: str | None = None) -> Any:
    """Running products with NaN counted as 1; without an axis of the flattened numbers."""
    return cumprod(_filled(a, 1), axis, dtype, out, name=name)


def nanvar(
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
    """Variance over the axes of what is not NaN: Σ (a − mean)² / (n − ddof), with n numbers left."""
    ddof = degrees_lost("nanvar", ddof, where, mean, correction)
    a = prepared("nanvar", a, dtype, out, True, 0)
    degrees = _degrees(a, axis, ddof, keepdims)
    return divide(sum(square(_centred(a, axis)), axis, keepdims=keepdims), degrees, name=name)


def nanstd(
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
    """Standard deviation over the axes of what is not NaN: the root of `nanvar`. Equal numbers have gradient 0."""
    ddof = degrees_lost("nanstd", ddof, where, mean, correction)
    a = prepared("nanstd", a, dtype, out, True, 0)
    root = length(_centred(a, axis), axis=normal_axes("nanstd", a, axis), keepdims=bool(keepdims))
    return multiply(root, 1 / sqrt(_degrees(a, axis, ddof, keepdims)), name=name)


def _filled(a: Any, filler: float) -> Any:
    return where(np.isnan(plain(a)), filler, a)


def _extreme(extreme: Any, filler: float, a: Any, axis: Axis, keepdims: bool, name: str | None) -> Any:
    nothing = _count(extreme.__name__, a, axis, keepdims) == 0
    empty = somewhere(nothing)
    found = extreme(_filled(a, filler), axis, keepdims=keepdims, name=None if empty else name)
    return where(nothing, math.nan, found, name=name) if empty else found


def _count(function: str, a: Any, axis: Axis, keepdims: bool) -> Any:
    """How many numbers over the axes are not NaN, in a's floating dtype."""
    return sum(count_like(~np.isnan(plain(a)), a), axes_of(function, axis), keepdims=keepdims)


def _degrees(a: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    """n − ddof in a's dtype, and NaN where it is not positive."""
    degrees = _count("nanvar", a, axis, keepdims) - ddof
    return where(degrees > 0, degrees, math.nan)


def _centred(a: Any, axis: Axis) -> Any:
    """a − mean with 0 for NaN, and where all numbers are equal: their mean may be off by a rounding."""
    data = plain(a)
    least = min(_filled(data, math.inf), axis, keepdims=True, initial=math.inf)
    most = max(_filled(data, -math.inf), axis, keepdims=True, initial=-math.inf)
    return where(np.isnan(data) | (least >= most), 0, a - nanmean(_none_missing(a, axis), axis, keepdims=True))


def _none_missing(a: Any, axis: Axis) -> Any:
    """a, with 0 instead of slices of NaN alone, whose mean would divide by 0."""
    nothing = _count("nanmean", a, axis, True) == 0
    return where(nothing, 0, a) if somewhere(nothing) else a
