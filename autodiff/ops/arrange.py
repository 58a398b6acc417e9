"""Numbers repeated, padded, turned and laid out anew. All of it is linear but `kron`, which is a product."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Primitive, misfit
from .elementwise import multiply
from .index import getitem
from .shape import broadcast_to, expand_dims, normal_axes, ravel, reshape, transpose

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "kron",
    "meshgrid",
    "pad",
    "repeat",
    "roll",
    "rot90",
    "tile",
]

Pairs = int | Sequence[int] | Sequence[Sequence[int]]


def flip(x: Any, axis: int | Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """The order reversed along the axes, all by default."""
    axes = normal_axes("flip", x, axis)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(np.ndim(x))), name=name)


def fliplr(x: Any, *, name: str | None = None) -> Any:
    """Left and right exchanged: the order reversed along axis 1."""
    return flip(x, 1, name=name)


def flipud(x: Any, *, name: str | None = None) -> Any:
    """Top and bottom exchanged: the order reversed along axis 0."""
    return flip(x, 0, name=name)


def roll(
    x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None, *, name: str | None = None
) -> Any:
    """Shifted along the axes; what leaves at the end comes in at the start. By default as if flattened.

    >>> import numpy as np, autodiff as ad
    >>> ad.roll(np.arange(5), 2).tolist()
    [3, 4, 0, 1, 2]
    """
    return _roll(x, shift=_ints(shift), axis=None if axis is None else _ints(axis), name=name)


def rot90(x: Any, k: int = 1, axes: Sequence[int] = (0, 1), *, name: str | None = None) -> Any:
    """Turned by 90 degrees k times in the plane of two axes, from the first towards the second.

    Raises ShapeError unless the two axes exist and differ.
    """
    if len(axes) != 2:
        raise ShapeError(f"rot90: turns in the plane of two axes, got {tuple(axes)}")
    first, second = normal_axes("rot90", x, axes)
    order = list(range(np.ndim(x)))
    order[first], order[second] = second, first
    turns = k % 4
    if turns == 1:
        return transpose(flip(x, second), order, name=name)
    if turns == 3:
        return flip(transpose(x, order), second, name=name)
    return flip(x, (first, second) if turns else (), name=name)


def tile(x: Any, reps: int | Sequence[int], *, name: str | None = None) -> Any:
    """The whole of x, repeated along each axis as often as `reps` says. `x: (n, m), reps (a, b) → (a·n, b·m)`.

    >>> import numpy as np, autodiff as ad
    >>> ad.tile(np.arange(2), (2, 2)).tolist()
    [[0, 1, 0, 1], [0, 1, 0, 1]]
    """
    times = (int(reps),) if isinstance(reps, int | np.integer) else tuple(int(r) for r in reps)
    ndim = max(np.ndim(x), len(times))
    times = (1,) * (ndim - len(times)) + times
    sizes = (1,) * (ndim - np.ndim(x)) + np.shape(x)
    # A new axis before each old one, of the size that the axis is repeated.
    apart = reshape(x, tuple(n for size in sizes for n in (1, size)))
    copies = broadcast_to(apart, tuple(n for pair in zip(times, sizes, strict=True) for n in pair))
    return reshape(copies, tuple(r * n for r, n in zip(times, sizes, strict=True)), name=name)


def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None, *, name: str | None = None) -> Any:
    """Each element, or slice along the axis, repeated in place: equally often, or as often as its entry says.

    >>> import numpy as np, autodiff as ad
    >>> ad.repeat(np.arange(3), [1, 0, 2]).tolist()
    [0, 2, 2]
    """
    if axis is None:
        x, axis = ravel(x), 0
    (along,) = normal_axes("repeat", x, axis)
    shape = np.shape(x)
    times = np.asarray(repeats)
    try:
        if times.size == 1:  # copies side by side, summed again without looking at indices
            copies = broadcast_to(expand_dims(x, along + 1), (*shape[: along + 1], times.item(), *shape[along + 1 :]))
            return reshape(copies, (*shape[:along], shape[along] * times.item(), *shape[along + 1 :]), name=name)
        order = np.repeat(np.arange(shape[along]), times)
    except (ValueError, TypeError) as error:
        raise misfit("repeat", (x, repeats), error) from error
    return getitem(x, (*(slice(None),) * along, order), name=name)


def pad(
    x: Any,
    pad_width: Pairs,
    mode: str = "constant",
    *,
    constant_values: float | Sequence[Any] = 0,
    name: str | None = None,
) -> Any:
    """x with a border: before and after each axis, `pad_width` numbers wide.

    pad_width        one number, one pair (before, after), or one pair per axis
    mode             "constant": filled with `constant_values`, which are written as `pad_width` is; "edge": with the
                     nearest number; "reflect" and "symmetric": mirrored without and with the edge; "wrap": from the
                     other side

    >>> import numpy as np, autodiff as ad
    >>> ad.pad(np.arange(1, 4), (2, 1), "reflect").tolist()
    [3, 2, 1, 2, 3, 2]

    The gradient of a number is the sum over its copies. Raises SettingError for another mode, ShapeError for widths
    that do not fit.
    """
    widths = _pairs(x, pad_width, "pad_width")
    if mode == "constant":
        values = tuple(tuple(pair) for pair in _pairs(x, constant_values, "constant_values").tolist())
        return _pad(
            x, pad_width=tuple(tuple(int(n) for n in pair) for pair in widths), constant_values=values, name=name
        )
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise SettingError(f"pad: mode {mode!r} is not known; choose from constant, edge, reflect, symmetric, wrap")
    try:  # where each number comes from, axis by axis
        sources = [
            np.pad(np.arange(n), pair, mode)  # type: ignore[call-overload]
            for n, pair in zip(np.shape(x), widths, strict=True)
        ]
    except (ValueError, TypeError) as error:
        raise misfit("pad", (x,), error) from error
    return getitem(x, np.ix_(*sources), name=name)


def meshgrid(*arrays: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    """The coordinates of a grid, one array per axis, from the positions along each.

    indexing  "xy": the first runs along the columns, `k of (nᵢ,) → (n₁, n₀, n₂, ...)`; "ij": `(n₀, n₁, ...)`
    sparse    whether to leave the axes along which a coordinate does not change at size 1

    Raises SettingError for another indexing.
    """
    if indexing not in ("xy", "ij"):
        raise SettingError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    lines = [
        reshape(x, tuple(-1 if i == place else 1 for i in range(len(arrays))))
        for x, place in zip(arrays, places, strict=True)
    ]
    shape = np.broadcast_shapes(*(np.shape(line) for line in lines))
    return tuple(line if sparse else broadcast_to(line, shape) for line in lines)


def kron(x: Any, y: Any, *, name: str | None = None) -> Any:
    """Kronecker product: y as a block, times each number of x. `x: (n, m), y: (k, l) → (n·k, m·l)`."""
    ndim = max(np.ndim(x), np.ndim(y))
    shape_x, shape_y = ((1,) * (ndim - np.ndim(a)) + np.shape(a) for a in (x, y))
    blocks = multiply(
        reshape(x, tuple(n for size in shape_x for n in (size, 1))),
        reshape(y, tuple(n for size in shape_y for n in (1, size))),
    )
    return reshape(blocks, tuple(n * k for n, k in zip(shape_x, shape_y, strict=True)), name=name)


def _ints(value: int | Sequence[int]) -> int | tuple[int, ...]:
    return int(value) if np.ndim(value) == 0 else tuple(int(n) for n in value)  # type: ignore[arg-type, union-attr]


def _pairs(x: Any, value: Any, what: str) -> Any:
    """(before, after) for each axis of x, from one number, one pair or one pair per axis."""
    try:
        return np.broadcast_to(value, (np.ndim(x), 2))
    except ValueError as error:
        raise ShapeError(f"pad: {what} must be a number, a pair or {np.ndim(x)} pairs, got {value!r}") from error


def _inner(x: Any, pad_width: tuple[tuple[int, int], ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for n, (before, _) in zip(np.shape(x), pad_width, strict=True))


def _negative(shift: int | tuple[int, ...]) -> int | tuple[int, ...]:
    return tuple(-n for n in shift) if isinstance(shift, tuple) else -shift


_roll: Primitive = Primitive(
    "roll",
    lambda x, shift, axis: np.roll(x, shift, axis),
    lambda g, out, x, shift, axis: roll(g, _negative(shift), axis),
    linear=True,
)
_pad = Primitive(
    "pad",
    # A number has no axes to pad, and NumPy takes no empty list of pairs.
    lambda x, pad_width, constant_values: np.pad(x, pad_width or 0, constant_values=constant_values or 0),
    lambda g, out, x, pad_width, constant_values: getitem(g, _inner(x, pad_width)),
    jvp=lambda tangents, out, x, pad_width, constant_values: pad(tangents[0], pad_width),  # the border is constant
)
