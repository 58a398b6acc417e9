"""Reading parts of an array, and its transpose: adding parts into zeros."""

from typing import Any

import numpy as np

from ..errors import IndexingError
from ..primitive import Primitive
from ..tape import Value

__all__ = ["getitem"]


def getitem(x: Any, index: Any, *, name: str | None = None) -> Any:
    """`x[index]` with NumPy's rules: slices, negative steps, ellipsis, newaxis, masks, integer arrays with repeats.

    Where an element is read several times its gradient is the sum. Raises IndexingError, an IndexError.
    """
    return _getitem(x, index=_plain(index), name=name)


def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with `g` added at `index`, once per occurrence: the transpose of `getitem`."""
    return _scatter(g, index=index, shape=tuple(shape))


def _plain(index: Any) -> Any:
    """The index with Tensors, lists and NumPy integers as plain arrays and ints."""
    if isinstance(index, tuple):
        return tuple(_plain(part) for part in index)
    if isinstance(index, Value):
        index = index.data
    if isinstance(index, list):
        index = np.asarray(index, dtype=np.intp if not index else None)
    return int(index) if isinstance(index, np.integer) else index


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(part, np.ndarray | bool | np.bool_) for part in parts)


def _getitem_forward(x: Any, index: Any) -> Any:
    try:
        return np.asarray(x)[index]
    except IndexError as error:
        raise IndexingError(f"getitem: shape {np.shape(x)}: {error}") from error


def _scatter_forward(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, dtype=np.asarray(g).dtype)
    if _is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


_getitem = Primitive("getitem", _getitem_forward, lambda g, out, x, index: scatter(g, index, np.shape(x)), linear=True)
_scatter = Primitive("scatter", _scatter_forward, lambda g, out, x, index, shape: getitem(g, index), linear=True)
