"""Reading parts of an array, and its transpose: adding parts into zeros."""

from typing import Any

import numpy as np

from ..errors import IndexingError
from ..primitive import Primitive
from ..tape import Value
from .elementwise import add, where
from .shape import broadcast_to, sum_to

__all__ = ["getitem"]


def getitem(x: Any, index: Any, *, name: str | None = None) -> Any:
    """`x[index]` with NumPy's rules: slices, negative steps, ellipsis, newaxis, masks, integer arrays with repeats.

    Where an element is read several times its gradient is the sum. Raises IndexingError, an IndexError.
    """
    index = _plain(index)
    return _getitem(_beside(index, x), index=index, name=name)


def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape with `g` added at `index`, once per occurrence: the transpose of `getitem`."""
    return _scatter(_beside(index, g), index=index, shape=tuple(shape))


def set_at(x: Any, index: Any, value: Any, *, name: str | None = None) -> Any:
    """A copy of x with `x[index] = value`; where an element is set several times the last one counts."""
    index = _plain(index)
    return _set_at(_beside(index, x), value, index=index, name=name)


def add_at(x: Any, index: Any, value: Any, *, name: str | None = None) -> Any:
    """A copy of x with `value` added at `index`, once per occurrence."""
    index = _plain(index)
    shape = np.shape(x)
    part = np.shape(getitem(np.empty(shape, dtype=bool), index))
    return add(x, scatter(broadcast_to(value, part), index, shape), name=name)


class At:
    """`t.at[index]`: updates that give a new tensor and can be differentiated, in JAX's notation.

    >>> import autodiff as ad
    >>> t = ad.Tensor([1.0, 2.0, 3.0])
    >>> t.at[0].set(9.0), t.at[[1, 1]].add(1.0)
    (Tensor([9., 2., 3.]), Tensor([1., 4., 3.]))
    """

    def __init__(self, x: Any, index: Any = None) -> None:
        self._x, self._index = x, index

    def __getitem__(self, index: Any) -> "At":
        return At(self._x, index)

    def set(self, value: Any, *, name: str | None = None) -> Any:
        """The tensor with `value` at the index."""
        return set_at(self._x, self._index, value, name=name)

    def add(self, value: Any, *, name: str | None = None) -> Any:
        """The tensor with `value` added at the index, once per occurrence."""
        return add_at(self._x, self._index, value, name=name)


def _plain(index: Any) -> Any:
    """The index with Tensors, lists and NumPy integers as plain arrays and ints; arrays of its own, see `tape`."""
    if isinstance(index, tuple):
        return tuple(_plain(part) for part in index)
    if isinstance(index, Value):
        index = index.data
    if isinstance(index, list):
        index = np.asarray(index, dtype=np.intp if not index else None)
    if isinstance(index, np.ndarray) and index.flags.writeable:
        index = index.copy()
        index.flags.writeable = False
    return int(index) if isinstance(index, np.integer) else index


def _beside(index: Any, x: Any) -> Any:
    """x as it is; or as a value of the same map over examples, where the index differs from example to example."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Value):
            x = part.beside(x)
    return x


def is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(type(part) is int or part is None or part is Ellipsis or isinstance(part, slice) for part in parts)


def _getitem_forward(x: Any, index: Any) -> Any:
    try:
        return np.asarray(x)[index]
    except IndexError as error:
        raise IndexingError(f"getitem: shape {np.shape(x)}: {error}") from error


def _scatter_forward(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, dtype=np.asarray(g).dtype)
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


_getitem = Primitive("getitem", _getitem_forward, lambda g, out, x, index: scatter(g, index, np.shape(x)), linear=True)
_scatter = Primitive("scatter", _scatter_forward, lambda g, out, x, index, shape: getitem(g, index), linear=True)


def _set_at_forward(x: Any, value: Any, index: Any) -> Any:
    out = np.array(x)
    try:
        out[index] = value
    except IndexError as error:
        raise IndexingError(f"set_at: shape {np.shape(x)}: {error}") from error
    return out


def _set_at_vjp_value(g: Any, out: Any, x: Any, value: Any, index: Any) -> Any:
    """What the last setting of each element receives; one that was overwritten receives nothing."""
    places = np.empty(np.shape(x), dtype=np.intp)
    numbers = np.arange(places[index].size).reshape(places[index].shape)
    places[index] = numbers
    return sum_to(where(places[index] == numbers, getitem(g, index), 0), np.shape(value))


_set_at = Primitive(
    "set_at",
    _set_at_forward,
    lambda g, out, x, value, index: set_at(g, index, 0),
    _set_at_vjp_value,
    linear=True,
)
