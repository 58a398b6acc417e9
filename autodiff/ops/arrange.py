"""Numbers repeated, padded, turned and laid out anew. All of it is linear but `kron`, which is a product."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Primitive, misfit
from .elementwise import multiply
from .index import getitem
from .options import refuse, shown
from .shape import broadcast_to, expand_dims, normal_axes, ravel, reshape, transpose, whole, wholes

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


def flip(m: Any, axis: int | Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """The order reversed along the axes, all by default."""
    axes = normal_axes("flip", m, axis)
    return getitem(m, tuple(slice(None, None, -1 if i in axes else None) for i in range(np.ndim(m))), name=name)


def fliplr(m: Any, *, name: str | None = None) -> Any:
    """Left and right exchanged: the order reversed along axis 1."""
    return flip(m, 1, name=name)


def flipud(m: Any, *, name: str | None = None) -> Any:
    """Top and bottom exchanged: the order reversed along axis 0."""
    return flip(m, 0, name=name)


def roll(
    a: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None, *, name: str | None = None
) -> Any:
    """Shifted along the axes; what leaves at the end comes in at the start. By default as if flattened.

    >>> import numpy as np, autodiff as ad
    >>> ad.roll(np.arange(5), 2).tolist()
    [3, 4, 0, 1, 2]
    """
    moved, along = _one_or_several("a shift", shift), None if axis is None else _one_or_several("an axis", axis)
    return _roll(a, shift=moved, axis=along, name=name)


def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1), *, name: str | None = None) -> Any:
    """Turned by 90 degrees k times in the plane of two axes, from the first towards the second.

    Raises ShapeError unless the two axes exist and differ.
    """
    if len(axes) != 2:
        raise ShapeError(f"rot90: turns in the plane of two axes, got {tuple(axes)}")
    first, second = normal_axes("rot90", m, axes)
    order = list(range(np.ndim(m)))
    order[first], order[second] = second, first
    turns = whole("rot90", "a number of turns", k) % 4
    if turns == 1:
        return transpose(flip(m, second), order, name=name)
    if turns == 3:
        return flip(transpose(m, order), second, name=name)
    return flip(m, (first, second) if turns else (), name=name)


def tile(A: Any, reps: int | Sequence[int], *, name: str | None = None) -> Any:
    """The whole of A, repeated along each axis as often as `reps` says. `A: (n, m), reps (a, b) → (a·n, b·m)`.

    >>> import numpy as np, autodiff as ad
    >>> ad.tile(np.arange(2), (2, 2)).tolist()
    [[0, 1, 0, 1], [0, 1, 0, 1]]
    """
    times = wholes("tile", "a number of repeats", reps)
    ndim = max(np.ndim(A), len(times))
    times = (1,) * (ndim - len(times)) + times
    sizes = (1,) * (ndim - np.ndim(A)) + np.shape(A)
    # A new axis before each old one, of the size that the axis is repeated.
    apart = reshape(A, tuple(n for size in sizes for n in (1, size)))
    copies = broadcast_to(apart, tuple(n for pair in zip(times, sizes, strict=True) for n in pair))
    return reshape(copies, tuple(r * n for r, n in zip(times, sizes, strict=True)), name=name)


def repeat(a: Any, repeats: int | Sequence[int], axis: int | None = None, *, name: str | None = None) -> Any:
    """Each element, or slice along the axis, repeated in place: equally often, or as often as its entry says.

    >>> import numpy as np, autodiff as ad
    >>> ad.repeat(np.arange(3), [1, 0, 2]).tolist()
    [0, 2, 2]
    """
    if axis is None:
        a, axis = ravel(a), 0
    (along,) = normal_axes("repeat", a, axis)
    shape = np.shape(a)
    times = np.asarray(repeats)
    try:
        if times.size == 1:  # copies side by side, summed again without looking at indices
            copies = broadcast_to(expand_dims(a, along + 1), (*shape[: along + 1], times.item(), *shape[along + 1 :]))
            return reshape(copies, (*shape[:along], shape[along] * times.item(), *shape[along + 1 :]), name=name)
        order = np.repeat(np.arange(shape[along]), times)
    except (ValueError, TypeError) as error:
        raise misfit("repeat", (a, repeats), error) from error
    return getitem(a, (*(slice(None),) * along, order), name=name)


def pad(
    array: Any,
    pad_width: Pairs,
    mode: str = "constant",
    *,
    constant_values: float | Sequence[Any] = 0,
    name: str | None = None,
    **options: Any,
) -> Any:
    """The array with a border: before and after each axis, `pad_width` numbers wide.

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
    refuse("pad", **options)
    widths = _pairs(array, pad_width, "pad_width")
    if mode == "constant":
        values = tuple(tuple(pair) for pair in _pairs(array, constant_values, "constant_values").tolist())
        whole_widths = tuple(wholes("pad", "a width", pair) for pair in widths)
        return _pad(array, pad_width=whole_widths, constant_values=values, name=name)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise SettingError(f"pad: mode {shown(mode)} is not known; take constant, edge, reflect, symmetric, wrap")
    try:  # where each number comes from, axis by axis
        sources = [
            np.pad(np.arange(n), pair, mode)  # type: ignore[call-overload]
            for n, pair in zip(np.shape(array), widths, strict=True)
        ]
    except (ValueError, TypeError) as error:
        raise misfit("pad", (array,), error) from error
    return getitem(array, np.ix_(*sources), name=name)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid, one array per axis, from the positions along each.

    indexing  "xy": the first runs along the columns, `k of (nᵢ,) → (n₁, n₀, n₂, ...)`; "ij": `(n₀, n₁, ...)`
    sparse    whether to leave the axes along which a coordinate does not change at size 1
    copy      only for NumPy's sake: whether memory is shared makes no difference

    Raises SettingError for another indexing.
    """
    if indexing not in ("xy", "ij"):
        raise SettingError(f"meshgrid: indexing is 'xy' or 'ij', got {shown(indexing)}")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    lines = [
        reshape(x, tuple(-1 if i == place else 1 for i in range(len(xi)))) for x, place in zip(xi, places, strict=True)
    ]
    shape = np.broadcast_shapes(*(np.shape(line) for line in lines))
    return tuple(line if sparse else broadcast_to(line, shape) for line in lines)


def kron(a: Any, b: Any, *, name: str | None = None) -> Any:
    """Kronecker product: b as a block, times each number of a. `a: (n, m), b: (k, l) → (n·k, m·l)`."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_x, shape_y = ((1,) * (ndim - np.ndim(s)) + np.shape(s) for s in (a, b))
    blocks = multiply(
        reshape(a, tuple(n for size in shape_x for n in (size, 1))),
        reshape(b, tuple(n for size in shape_y for n in (1, size))),
    )
    return reshape(blocks, tuple(n * k for n, k in zip(shape_x, shape_y, strict=True)), name=name)


def _one_or_several(what: str, value: int | Sequence[int]) -> int | tuple[int, ...]:
    numbers = wholes("roll", what, value)
    return numbers[0] if np.ndim(value) == 0 else numbers


def _pairs(x: Any, value: Any, what: str) -> Any:
    """(before, after) for each axis of x, from one number, one pair or one pair per axis."""
    try:
        return np.broadcast_to(value, (np.ndim(x), 2))
    except (ValueError, TypeError) as error:
        raise ShapeError(f"pad: {what} must be a number, a pair or {np.ndim(x)} pairs, got {shown(value)}") from error


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
