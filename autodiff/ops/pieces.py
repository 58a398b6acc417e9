"""Arrays taken apart and put together in more ways than `join` has.

NumPy's own function moves the places of the numbers, and `getitem` the numbers: any such function is linear.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import IndexingError, OperandError, ShapeError
from ..primitive import misfit
from ..tape import Value
from .index import getitem
from .join import concatenate, split
from .plain_data import array_of
from .selection import diag
from .shape import astype, broadcast_to, normal_axes, ravel, transpose

__all__ = [
    "block",
    "broadcast_arrays",
    "delete",
    "diagflat",
    "dsplit",
    "hsplit",
    "insert",
    "resize",
    "rollaxis",
    "unstack",
    "vsplit",
]


Cuts = int | Sequence[int]
Nested = list[Any] | Any  # lists of arrays, lists of such lists, ... or one array


def hsplit(ary: Any, indices_or_sections: Cuts, *, name: str | None = None) -> list[Any]:
    """The parts of an array along axis 1, or of a vector along axis 0; see `split`."""
    _needs_axes("hsplit", ary, 1)
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0, name=name)


def vsplit(ary: Any, indices_or_sections: Cuts, *, name: str | None = None) -> list[Any]:
    """The parts of an array along axis 0; see `split`. Raises ShapeError for a vector, as NumPy does."""
    _needs_axes("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0, name=name)


def dsplit(ary: Any, indices_or_sections: Cuts, *, name: str | None = None) -> list[Any]:
    """The parts of an array along axis 2; see `split`. Raises ShapeError if it has fewer than three axes."""
    _needs_axes("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2, name=name)


def unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis: what `stack` put together. `x: (..., k, ...) → k of (..., ...)`."""
    _needs_axes("unstack", x, 1)
    (along,) = normal_axes("unstack", x, axis)
    return tuple(getitem(x, (slice(None),) * along + (i,)) for i in range(np.shape(x)[along]))


def block(arrays: Nested, *, name: str | None = None) -> Any:
    """An array put together of blocks in nested lists: the innermost side by side, the next on top of each other, ...

    >>> import numpy as np, autodiff as ad
    >>> ad.block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]

    Raises ShapeError if the blocks do not fit.
    """
    found: list[Any] = []

    def marked(part: Any) -> Any:
        """The nested lists with the place of each block among all in its stead."""
        if isinstance(part, list):
            return [marked(inner) for inner in part]
        found.append(part)
        return len(found) - 1

    def filled(part: Any, places: Any) -> Any:
        return [filled(inner, places) for inner in part] if isinstance(part, list) else places[part]

    shape_of_lists = marked(arrays)
    return moved("block", lambda *places: np.block(filled(shape_of_lists, places)), found, name)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None, *, name: str | None = None) -> Any:
    """An array with `values` put in before the indices `obj` along an axis; flattened without one.

    >>> import numpy as np, autodiff as ad
    >>> ad.insert(np.array([1.0, 2.0]), 1, 9.0).tolist()
    [1.0, 9.0, 2.0]

    Raises IndexingError if an index is out of bounds, ShapeError if the values do not fit.
    """
    arr, values = (x if isinstance(x, Value) else np.asarray(x) for x in (arr, values))
    if isinstance(values, Value) and values.requires_grad and arr.dtype.kind != "f":
        raise OperandError(f"insert: values that are tracked cannot become {arr.dtype}; cast the array to floats first")
    values = astype(values, arr.dtype)
    return moved("insert", lambda a, v: np.insert(a, _places(obj), v, axis), [arr, values], name)


def delete(arr: Any, obj: Any, axis: int | None = None, *, name: str | None = None) -> Any:
    """An array without what stands at the indices `obj` along an axis; flattened without one."""
    return moved("delete", lambda a: np.delete(a, _places(obj), axis), [arr], name)


def resize(a: Any, new_shape: int | Sequence[int], *, name: str | None = None) -> Any:
    """The numbers in another shape, from the first again where there are too few. `a: any shape → new_shape`."""
    return moved("resize", lambda places: np.resize(places, new_shape), [a], name)


def rollaxis(a: Any, axis: int, start: int = 0, *, name: str | None = None) -> Any:
    """An axis moved to stand before the axis `start`; `moveaxis` says the same more plainly."""
    (moved,) = normal_axes("rollaxis", a, axis)
    ndim = np.ndim(a)
    if not -ndim <= start <= ndim:
        raise ShapeError(f"rollaxis: start must be between {-ndim} and {ndim}, got {start}")
    order = [i for i in range(ndim) if i != moved]
    start = start + ndim if start < 0 else start
    order.insert(start - 1 if moved < start else start, moved)
    return transpose(a, order, name=name)


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """The arrays, each repeated to the shape of all together. Raises ShapeError if they do not fit."""
    try:
        shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    except ValueError as error:
        raise misfit("broadcast_arrays", args, error) from error
    return tuple(broadcast_to(array_of(x), shape) for x in args)


def diagflat(v: Any, k: int = 0, *, name: str | None = None) -> Any:
    """A matrix of zeros with all numbers of v on its k-th diagonal."""
    return diag(ravel(array_of(v)), k, name=name)


def moved(name: str, move: Callable[..., Any], arrays: Sequence[Any], label: str | None) -> Any:
    """What a function that only moves numbers makes of the arrays: it is shown their places in one row of them all."""
    operands = [array_of(x) for x in arrays]
    ends = np.cumsum([0, *(np.size(x) for x in operands)]).tolist()
    places = [np.arange(i, j).reshape(np.shape(x)) for i, j, x in zip(ends, ends[1:], operands, strict=False)]
    try:
        source = move(*places)
    except IndexError as error:
        raise IndexingError(f"{name}: {error}") from error
    except (ValueError, TypeError) as error:
        raise misfit(name, operands, error) from error
    row = ravel(operands[0]) if len(operands) == 1 else concatenate(operands, None)
    return getitem(row, source if isinstance(source, Value) else np.asarray(source), name=label)


def _places(obj: Any) -> Any:
    """Indices as NumPy takes them; under `vmap` they must be the same for all examples."""
    if isinstance(obj, list | tuple):
        return np.asarray(obj, None if len(obj) else np.intp)
    return np.asarray(obj.data) if isinstance(obj, Value) else obj


def _needs_axes(name: str, x: Any, count: int) -> None:
    if np.ndim(x) < count:
        raise ShapeError(f"{name}: shape {np.shape(x)} has fewer axes than {count}")
