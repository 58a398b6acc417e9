"""Numbers picked out and put in order: by index, along a diagonal, by size. Their gradients go back where they were."""

from typing import Any

import numpy as np

from ..errors import IndexingError, SettingError, ShapeError
from ..primitive import Primitive
from ..tape import Value
from .arrange import pad
from .elementwise import where
from .index import getitem
from .options import refuse, shown
from .plain_data import plain, plain_array
from .shape import moveaxis, normal_axes, ravel, whole

__all__ = [
    "diag",
    "diagonal",
    "sort",
    "take",
    "take_along_axis",
    "tril",
    "triu",
]


def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise", *, name: str | None = None
) -> Any:
    """The elements, or slices along the axis, at integer indices. A repeated one has its gradients added.

    `a: (..., n, ...), indices: shape → (..., *shape, ...)`; without an axis a is flattened first.

    mode  what becomes of an index out of bounds: "raise" an error, "wrap" around, or "clip" to the first or last

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.take(x, [0, 2, 2])))(np.ones(3))
    array([1., 0., 2.])

    Raises IndexingError if an index is out of bounds or no integer, SettingError for another mode.
    """
    refuse("take", out=out)
    if axis is None:
        a, axis = ravel(a), 0
    (along,) = normal_axes("take", a, axis)
    chosen = whole_indices("take", indices, np.shape(a)[along], mode)
    return getitem(a, (*(slice(None),) * along, chosen), name=name)


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1, *, name: str | None = None) -> Any:
    """From each slice along the axis the elements at its own indices, such as those `numpy.argsort` gives.

    `arr: (..., n, ...), indices: (..., k, ...) → (..., k, ...)`, the other axes broadcast; `axis=None` flattens arr.

    Raises IndexingError if an index is out of bounds or no integer, ShapeError if the numbers of axes differ.
    """
    if axis is None:
        arr, axis = ravel(arr), 0
    (along,) = normal_axes("take_along_axis", arr, axis)
    chosen = whole_indices("take_along_axis", indices)
    shape = np.shape(arr)
    if np.ndim(chosen) != len(shape):
        raise ShapeError(f"take_along_axis: indices of shape {np.shape(chosen)} have not as many axes as {shape}")
    places = list(np.ogrid[tuple(slice(n) for n in shape)])
    places[along] = chosen
    return getitem(arr, tuple(places), name=name)


def sort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    order: None = None,
    *,
    stable: bool | None = None,
    name: str | None = None,
) -> Any:
    """The numbers of each slice in ascending order; `axis=None` flattens a. The gradient is put back in a's order.

    Among equal numbers the first in a counts as the smaller one; so every `kind` gives the same, and `stable` too.

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.sort(x) * np.arange(3.0)))(np.array([5.0, 9.0, 7.0]))
    array([0., 2., 1.])
    """
    refuse("sort", order=order)
    if axis is None:
        a, axis = ravel(a), 0
    return _sort(a, axis=whole("sort", "an axis", axis), name=name)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, name: str | None = None) -> Any:
    """The diagonal of each matrix that two axes make, along a new last axis; above the main one by `offset`.

    `a: (n, n, ...) → (..., n)`. Raises ShapeError if a has fewer than two axes.
    """
    first, second = normal_axes("diagonal", a, (axis1, axis2))
    rows, columns = _diagonal(np.shape(a)[first], np.shape(a)[second], whole("diagonal", "an offset", offset))
    return getitem(moveaxis(a, (first, second), (-2, -1)), (..., rows, columns), name=name)


def diag(v: Any, k: int = 0, *, name: str | None = None) -> Any:
    """The k-th diagonal of a matrix; or the matrix with a vector on its k-th diagonal and zeros elsewhere.

    Raises ShapeError for anything but a vector or a matrix.
    """
    shape = np.shape(v)
    if len(shape) == 2:
        return diagonal(v, k, name=name)
    if len(shape) != 1:
        raise ShapeError(f"diag: takes a vector or a matrix, got shape {shape}")
    k = whole("diag", "an offset", k)
    columns = pad(v, (max(k, 0), max(-k, 0)))
    return where(np.eye(shape[0] + abs(k), k=k, dtype=bool), columns, 0, name=name)


def tril(m: Any, k: int = 0, *, name: str | None = None) -> Any:
    """Each matrix with zeros above its k-th diagonal. `m: (..., n, m) → (..., n, m)`."""
    return where(_below("tril", m, whole("tril", "a diagonal", k)), m, 0, name=name)


def triu(m: Any, k: int = 0, *, name: str | None = None) -> Any:
    """Each matrix with zeros below its k-th diagonal. `m: (..., n, m) → (..., n, m)`."""
    return where(_below("triu", m, whole("triu", "a diagonal", k) - 1), 0, m, name=name)


def _below(name: str, x: Any, k: int) -> Any:
    """Whether each place of a matrix lies on or below the k-th diagonal."""
    shape = np.shape(x)
    if len(shape) < 2:
        raise ShapeError(f"{name}: takes matrices, got shape {shape}")
    return np.tri(shape[-2], shape[-1], k, dtype=bool)


def _diagonal(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    """Where a diagonal lies: the row and the column of each of its elements."""
    down = np.arange(max(0, -offset), min(rows, columns - offset))
    return down, down + offset


def whole_indices(name: str, indices: Any, size: int = 0, mode: str = "raise") -> Any:
    """Indices as an array of integers, however they were given, by NumPy's modes brought into 0 ... size − 1."""
    array = plain_array(indices)
    if array.size == 0:
        return array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise IndexingError(f"{name}: indices are integers, got dtype {array.dtype}")
    if mode not in ("raise", "wrap", "clip"):
        raise SettingError(f"{name}: mode is 'raise', 'wrap' or 'clip', got {shown(mode)}")
    if mode != "raise":
        array = array % size if mode == "wrap" else np.clip(array, 0, size - 1)
    return array if array.ndim or isinstance(array, Value) else int(array)


def _order(x: Any, axis: int) -> Any:
    return np.argsort(plain(x), axis=axis, kind="stable")


def _sort_vjp(g: Any, out: Any, x: Any, axis: int) -> Any:
    return take_along_axis(g, np.argsort(_order(x, axis), axis=axis), axis)  # the permutation's inverse


_sort = Primitive(
    "sort",
    lambda x, axis: np.sort(x, axis=axis),
    _sort_vjp,
    jvp=lambda tangents, out, x, axis: take_along_axis(tangents[0], _order(x, axis), axis),
)
