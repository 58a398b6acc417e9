"""Running sums and products along an axis, right for any derivative and past any zero.

The running product is the recurrence pⱼ = xⱼ pⱼ₋₁, and both its derivatives are again linear recurrences:

    forward   ṗⱼ = xⱼ ṗⱼ₋₁ + pⱼ₋₁ ẋⱼ
    backward  λⱼ = gⱼ + xⱼ₊₁ λⱼ₊₁    and    the cotangent of xⱼ is pⱼ₋₁ λⱼ

so nothing is ever divided by x. `_recurrence` solves them in log₂ n rounds, in the engine's own operations.
"""

from typing import Any

import numpy as np

from ..primitive import Primitive
from .arrange import flip, pad
from .index import getitem
from .join import concatenate, stack
from .options import check_dtype, refuse
from .shape import astype, moveaxis, normal_axes, ravel, reshape

__all__ = ["cumprod", "cumsum"]


def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None, *, name: str | None = None) -> Any:
    """Running sums along the axis; without one, of the flattened numbers. `dtype` is what they are cast to first.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.cumsum(x)))(np.ones(3))
    array([3., 2., 1.])
    """
    a, axis = _prepared("cumsum", a, axis, dtype, out)
    return _cumsum(a, axis=axis, name=name)


def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None, *, name: str | None = None) -> Any:
    """Running products along the axis; without one, of the flattened numbers. Zeros have their exact gradient.

    dtype  what the numbers are cast to first

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.cumprod(x)))(np.array([2.0, 0.0, 3.0]))
    array([1., 8., 0.])
    """
    a, axis = _prepared("cumprod", a, axis, dtype, out)
    return _cumprod(a, axis=axis, name=name)


def _prepared(function: str, a: Any, axis: int | None, dtype: Any, out: None) -> tuple[Any, int]:
    """The numbers to scan, cast and flattened if asked for, and the axis to do it along."""
    refuse(function, out=out)
    if dtype is not None:
        a = astype(a, check_dtype(function, dtype))
    if axis is None or np.ndim(a) == 0:  # as in NumPy, a number is an array of one
        a = ravel(a)
    (along,) = normal_axes(function, a, 0 if axis is None else axis)
    return a, along


def product_of_others(x: Any) -> Any:
    """For each number the product of all others on the last axis: ∂(product)/∂x, without a division."""
    return _before(x) * flip(_before(flip(x, -1)), -1)


def _before(x: Any) -> Any:
    """For each number the product of those before it on the last axis, 1 for the first."""
    return _shifted(cumprod(x, -1), 1)


def _shifted(x: Any, fill: int) -> Any:
    """One place further along the last axis: `fill` comes in, the last number drops out."""
    widths = [(0, 0)] * (np.ndim(x) - 1) + [(1, 0)]
    return pad(getitem(x, (..., slice(None, -1))), widths, constant_values=fill) if np.shape(x)[-1] else x


def _recurrence(a: Any, b: Any) -> Any:
    """y along the last axis, where yⱼ = aⱼ yⱼ₋₁ + bⱼ and y₋₁ = 0 (odd-even reduction, Blelloch 1990).

    Two steps make one of the same kind, y₂ₖ₊₁ = (a₂ₖ₊₁ a₂ₖ) y₂ₖ₋₁ + (a₂ₖ₊₁ b₂ₖ + b₂ₖ₊₁): half as many are left.
    """
    n = np.shape(b)[-1]
    if n <= 1:
        return b
    even, odd = (..., slice(None, n // 2 * 2, 2)), (..., slice(1, None, 2))
    a_even, a_odd, b_even, b_odd = getitem(a, even), getitem(a, odd), getitem(b, even), getitem(b, odd)
    y_odd = _recurrence(a_odd * a_even, a_odd * b_even + b_odd)
    y_even = a_even * _shifted(y_odd, 0) + b_even
    y = reshape(stack([y_even, y_odd], -1), (*np.shape(b)[:-1], n // 2 * 2))
    if n % 2 == 0:
        return y
    last = (..., slice(n - 1, n))
    return concatenate([y, getitem(a, last) * getitem(y, (..., slice(-1, None))) + getitem(b, last)], -1)


def _cumsum_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    return flip(cumsum(flip(g, axis), axis), axis)


def _cumprod_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    x, out, g = (moveaxis(value, axis, -1) for value in (x, out, g))
    after = _recurrence(_shifted(flip(x, -1), 0), flip(g, -1))
    return moveaxis(flip(after, -1) * _shifted(out, 1), -1, axis)


def _cumprod_jvp(tangents: Any, out: Any, x: Any, axis: int) -> Any:
    x, out, tangent = (moveaxis(value, axis, -1) for value in (x, out, tangents[0]))
    return moveaxis(_recurrence(x, _shifted(out, 1) * tangent), -1, axis)


_cumsum = Primitive("cumsum", lambda x, axis: np.cumsum(x, axis=axis), _cumsum_vjp, linear=True)
_cumprod = Primitive("cumprod", lambda x, axis: np.cumprod(x, axis=axis), _cumprod_vjp, jvp=_cumprod_jvp)
