"""New arrays of recorded numbers: copies, filled ones, and numbers at equal distances."""

from typing import Any

import numpy as np

from .options import refuse
from .plain_data import array_of, dtype_of, plain
from .shape import astype, broadcast_to, moveaxis, whole

__all__ = [
    "copy",
    "full_like",
    "linspace",
]


def copy(a: Any, order: str = "K", subok: bool = False, *, name: str | None = None) -> Any:
    """The same numbers as another value, in memory of its own. `order` and `subok` are only for NumPy's sake."""
    return astype(a, dtype_of(a), name=name)


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: str | None = None,
    name: str | None = None,
) -> Any:
    """`fill_value` in the shape and dtype of a, or in others. The gradient goes to the fill value alone."""
    refuse("full_like", device=device)
    filled = broadcast_to(fill_value, np.shape(a) if shape is None else shape)
    return astype(filled, dtype_of(a) if dtype is None else dtype, name=name)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: str | None = None,
    name: str | None = None,
) -> Any:
    """`num` numbers from start to stop at equal distances. `start, stop: shape → (..., num, ...)`, num at `axis`.

    endpoint  whether stop is the last of them, or the one after the last
    retstep   whether to return also their distance

    >>> import autodiff as ad
    >>> ad.grad(lambda stop: ad.sum(ad.linspace(0.0, stop, 3)))(4.0)
    1.5
    """
    refuse("linspace", device=device)
    count = whole("linspace", "num", num)
    start, stop = array_of(start), array_of(stop)
    shares = np.linspace(0.0, 1.0, count, endpoint).reshape(-1, *(1,) * max(np.ndim(start), np.ndim(stop)))
    shares = shares.astype(np.result_type(*(plain(x) for x in (start, stop)), 0.0))
    numbers = start * (1 - shares) + stop * shares
    numbers = moveaxis(numbers, 0, axis, name=name if dtype is None else None)
    numbers = numbers if dtype is None else astype(numbers, dtype, name=name)
    gaps = count - 1 if endpoint else count
    return (numbers, (stop - start) / gaps if gaps else np.nan) if retstep else numbers
