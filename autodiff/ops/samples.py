"""Sampled curves and polynomials: differences, slopes, areas, interpolation, convolution."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import OperandError, SettingError, ShapeError
from ..tape import Value
from .arrange import flip, pad
from .elementwise import absolute, add, multiply, power, subtract, where
from .index import getitem
from .join import concatenate
from .linalg import matmul
from .options import refuse, shown
from .plain_data import dtype_of, plain, plain_array
from .reduce import sum
from .rounding import remainder
from .scan import cumprod, cumsum
from .shape import astype, broadcast_to, expand_dims, normal_axes, ravel, reshape

__all__ = [
    "convolve",
    "correlate",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "ediff1d",
    "gradient",
    "interp",
    "polyval",
    "trapezoid",
    "unwrap",
    "vander",
]


def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None, *, name: str | None = None
) -> Any:
    """Each number less the one before it along the axis, n times over. `a: (..., k, ...) → (..., k − n, ...)`.

    prepend, append  what to put before and after a first

    >>> import numpy as np, autodiff as ad
    >>> ad.diff(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])

    Raises SettingError if n is negative.
    """
    if n < 0:
        raise SettingError(f"diff: n must not be negative, got {n}")
    (along,) = normal_axes("diff", a, axis)
    edge = tuple(1 if i == along else size for i, size in enumerate(np.shape(a)))
    ends = [
        broadcast_to(np.asarray(x, np.result_type(plain(a), x)) if isinstance(x, int | float) else x, edge)
        if x is not None and np.ndim(x) == 0
        else x
        for x in (prepend, append)
    ]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    a = concatenate(parts, along) if len(parts) > 1 else a
    for i in range(n):
        label = name if i == n - 1 else None
        a = subtract(_part(a, along, slice(1, None)), _part(a, along, slice(None, -1)), name=label)
    return a


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None, *, name: str | None = None) -> Any:
    """The differences of neighbours in the flattened array, with other numbers put before and after them."""
    differences = diff(ravel(ary))
    for x in (to_begin, to_end):
        if x is not None and not np.can_cast(dtype_of(x), differences.dtype, "same_kind"):
            raise OperandError(f"ediff1d: numbers of {differences.dtype} do not join floating ones; cast first")
    given = [ravel(astype(x, differences.dtype)) for x in (to_begin, differences, to_end) if x is not None]
    return concatenate(given, 0, name=name)


def gradient(f: Any, *varargs: Any, axis: int | Sequence[int] | None = None, edge_order: int = 1) -> Any:
    """Slopes of samples along the axes, by differences of second order inside. For derivatives see `autodiff.grad`.

    varargs     the distance of the samples, 1 by default: one number, or for each axis a number or its coordinates
    edge_order  1 or 2: the order of the differences at both ends

    `f: shape → shape`, or a tuple of such for several axes.

    >>> import numpy as np, autodiff as ad
    >>> ad.gradient(np.array([1.0, 4.0, 9.0]))
    array([3., 4., 5.])

    Raises ShapeError if the distances do not fit or an axis has too few samples, SettingError for another order.
    """
    axes = normal_axes("gradient", f, axis)
    if edge_order not in (1, 2):
        raise SettingError(f"gradient: edge_order is 1 or 2, got {shown(edge_order)}")
    if len(varargs) not in (0, 1, len(axes)):
        raise ShapeError(f"gradient: takes one distance or {len(axes)}, one for each axis, got {len(varargs)}")
    distances = list(varargs) if len(varargs) == len(axes) else [*varargs, 1.0][:1] * len(axes)
    slopes = tuple(_slope(f, along, h, edge_order) for along, h in zip(axes, distances, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, *, name: str | None = None) -> Any:
    """The area under samples by the trapezoidal rule. `y: (..., n, ...) → (..., ...)`, n along the axis.

    x   where the samples are, in y's shape or one coordinate for each along the axis
    dx  their distance, without x

    >>> import numpy as np, autodiff as ad
    >>> float(ad.trapezoid(np.array([1.0, 2.0, 3.0]), dx=2.0))
    8.0
    """
    (along,) = normal_axes("trapezoid", y, axis)
    if x is None:
        widths = dx
    else:
        x = x if isinstance(x, Value) else np.asarray(x)
        widths = diff(x, axis=axis) if np.ndim(x) > 1 else _along(diff(x), along, np.ndim(y))
    heights = add(_part(y, along, slice(1, None)), _part(y, along, slice(None, -1)))
    return sum(multiply(widths, heights) / 2.0, along, name=name)


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: None = None, *, name: str | None = None
) -> Any:
    """The piecewise linear curve through the points (xp, fp), at x. `x: shape; xp, fp: (n,) → shape`.

    left, right  the value before and after the points; by default that of the first and of the last one

    All operands are differentiable; at a point the slope is that of the segment after it.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.interp(x, np.array([0.0, 1.0, 3.0]), np.array([0.0, 4.0, 6.0])))(2.0)
    1.0

    Raises ShapeError unless xp and fp are of one length, at least 1.
    """
    refuse("interp", period=period)
    xp, fp = (v if isinstance(v, Value) else np.asarray(v) for v in (xp, fp))
    x = x if isinstance(x, Value | int | float) else np.asarray(x)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or np.size(xp) == 0:
        raise ShapeError(f"interp: xp and fp are lists of one length, got shapes {np.shape(xp)} and {np.shape(fp)}")
    data, places = plain(x), plain(xp)
    first, last = getitem(fp, 0), getitem(fp, -1)
    inside = first + (x - getitem(xp, 0)) * 0
    if np.size(xp) > 1:
        i = np.clip(np.searchsorted(places, data, side="right") - 1, 0, np.size(xp) - 2)
        start, x0 = getitem(fp, i), getitem(xp, i)
        slope = (getitem(fp, i + 1) - start) / (getitem(xp, i + 1) - x0)
        inside = start + slope * (x - x0)
    inside = where(data > places[-1], last if right is None else right, inside)
    return where(data < places[0], first if left is None else left, inside, name=name)


def convolve(a: Any, v: Any, mode: str = "full", *, name: str | None = None) -> Any:
    """Convolution of two vectors, Σ a[k − i] · v[i]. `a: (n,), v: (m,) → (n + m − 1,)`.

    mode  "full"; "same", the middle part of max(n, m) numbers; "valid", where they overlap completely

    >>> import numpy as np, autodiff as ad
    >>> ad.convolve(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 20.])

    Raises ShapeError unless both are vectors and not empty, SettingError for another mode.
    """
    a, v = _signals("convolve", a, v)
    if np.size(v) > np.size(a):
        a, v = v, a
    return _slid("convolve", a, flip(v), mode, name)


def correlate(a: Any, v: Any, mode: str = "valid", *, name: str | None = None) -> Any:
    """Correlation of two vectors, Σ a[k + i] · v[i]. Shapes, modes and errors as for `convolve`."""
    a, v = _signals("correlate", a, v)
    if np.size(v) > np.size(a):
        return flip(_slid("correlate", v, a, mode, None), name=name)
    return _slid("correlate", a, v, mode, name)


def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi, name: str | None = None
) -> Any:
    """Angles without jumps: periods are added where neighbours differ by more than half of one. Derivative 1."""
    half = period / 2
    steps = diff(plain_array(p), axis=axis)
    least = remainder(steps + half, period) - half  # the same steps, within half a period of 0
    least = where((least == -half) & (steps > 0), half, least)
    turns = where(absolute(steps) < max(half, discont or 0), 0, least - steps)
    (along,) = normal_axes("unwrap", p, axis)
    widths = [(1, 0) if i == along else (0, 0) for i in range(np.ndim(p))]
    return add(p, pad(cumsum(turns, along), widths), name=name)


def polyval(p: Any, x: Any, *, name: str | None = None) -> Any:
    """The polynomial with coefficients p, the highest power first, at x. `p: (n,), x: shape → shape`.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.polyval(np.array([1.0, 0.0, 2.0]), x))(3.0)
    6.0
    """
    p = p if isinstance(p, Value) else np.asarray(p)
    x = x if isinstance(x, Value | int | float) else np.asarray(x)
    total: Any = multiply(x, 0)
    for i in range(np.size(p)):
        total = add(multiply(total, x), getitem(p, i), name=name if i == np.size(p) - 1 else None)
    return total


def vander(x: Any, N: int | None = None, increasing: bool = False, *, name: str | None = None) -> Any:
    """The powers of each number as a row, the highest first unless `increasing`. `x: (n,) → (n, N)`, N = n by default.

    Raises ShapeError if x is no vector.
    """
    x = x if isinstance(x, Value) else np.asarray(x)
    if np.ndim(x) != 1:
        raise ShapeError(f"vander: takes a vector, got shape {np.shape(x)}")
    exponents = np.arange(np.size(x) if N is None else N, dtype=x.dtype)
    return power(expand_dims(x, 1), exponents if increasing else exponents[::-1], name=name)


def cumulative_sum(
    x: Any,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
    name: str | None = None,
) -> Any:
    """Running sums along the axis, which may be left out for a vector; with a 0 in front if `include_initial`."""
    along = _only_axis("cumulative_sum", x, axis)
    if not include_initial:
        return cumsum(x, along, dtype, out, name=name)
    return _with_initial(cumsum(x, along, dtype, out), along, 0, name)


def cumulative_prod(
    x: Any,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
    name: str | None = None,
) -> Any:
    """Running products along the axis, which may be left out for a vector; with a 1 in front if `include_initial`."""
    along = _only_axis("cumulative_prod", x, axis)
    if not include_initial:
        return cumprod(x, along, dtype, out, name=name)
    return _with_initial(cumprod(x, along, dtype, out), along, 1, name)


def _only_axis(name: str, x: Any, axis: int | None) -> int:
    if axis is None and np.ndim(x) != 1:
        raise ShapeError(f"{name}: shape {np.shape(x)} has not one axis alone; name the axis")
    return 0 if axis is None else normal_axes(name, x, axis)[0]


def _with_initial(scanned: Any, axis: int, initial: int, name: str | None) -> Any:
    widths = [(int(i == axis), 0) for i in range(np.ndim(scanned))]
    return pad(scanned, widths, constant_values=initial, name=name)


def _part(x: Any, axis: int, piece: slice) -> Any:
    return getitem(x, (slice(None),) * axis + (piece,))


def _along(row: Any, axis: int, ndim: int) -> Any:
    """A vector laid along an axis, for broadcasting."""
    return reshape(row, tuple(-1 if i == axis else 1 for i in range(ndim)))


def _slope(f: Any, axis: int, distance: Any, edge_order: int) -> Any:
    f = f if isinstance(f, Value) else np.asarray(f)
    f = f if f.dtype.kind == "f" else astype(f, float)
    n = np.shape(f)[axis]
    if n < edge_order + 1:
        raise ShapeError(f"gradient: axis {axis} of shape {np.shape(f)} needs at least {edge_order + 1} samples")
    before, after = slice(None, -1), slice(1, None)
    if np.ndim(distance) == 0:
        slopes = diff(f, axis=axis) / distance  # of the segments
        middle = (_part(slopes, axis, before) + _part(slopes, axis, after)) / 2
    elif np.shape(distance) == (n,):
        h = _along(diff(distance), axis, np.ndim(f))
        slopes = diff(f, axis=axis) / h
        h1, h2, s1, s2 = (_part(v, axis, piece) for v in (h, slopes) for piece in (before, after))
        middle = (h2 * s1 + h1 * s2) / (h1 + h2)  # that of the parabola through a sample and its neighbours
    else:
        raise ShapeError(f"gradient: axis {axis} has {n} samples, but coordinates of shape {np.shape(distance)}")
    first, last = slice(None, 1), slice(-1, None)
    left, right = _part(slopes, axis, first), _part(slopes, axis, last)
    if edge_order == 2:  # the slope of the same parabolas at their ends
        left = left + (left - _part(middle, axis, first))
        right = right + (right - _part(middle, axis, last))
    out = concatenate([left, middle, right], axis)
    return out if out.dtype == f.dtype else astype(out, f.dtype)


def _signals(name: str, a: Any, v: Any) -> tuple[Any, Any]:
    a, v = (reshape(x, (1,)) if np.ndim(x) == 0 else x for x in (a, v))
    a, v = (x if isinstance(x, Value) else np.asarray(x) for x in (a, v))
    if np.ndim(a) != 1 or np.ndim(v) != 1 or np.size(a) == 0 or np.size(v) == 0:
        raise ShapeError(f"{name}: takes vectors that are not empty, got shapes {np.shape(a)} and {np.shape(v)}")
    return a, v


def _slid(name: str, a: Any, v: Any, mode: str, label: str | None) -> Any:
    """The products of v, the shorter one, with each window of a."""
    n, m = np.size(a), np.size(v)
    if mode not in ("full", "same", "valid"):
        raise SettingError(f"{name}: mode is 'full', 'same' or 'valid', got {shown(mode)}")
    start = {"full": 0, "same": m - 1 - m // 2, "valid": m - 1}[mode]
    count = {"full": n + m - 1, "same": n, "valid": n - m + 1}[mode]
    windows = np.arange(start, start + count)[:, None] + np.arange(m)
    return matmul(getitem(pad(a, m - 1) if m > 1 else a, windows), v, name=label)
