"""Numbers chosen by conditions and by their values, and functions applied to parts of an array."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import IndexingError, OperandError, ShapeError
from .elementwise import where
from .index import getitem, set_at
from .join import stack
from .options import refuse
from .pieces import moved
from .plain_data import array_of, dtype_of, plain, settled_numbers, somewhere
from .selection import whole_indices
from .shape import moveaxis, normal_axes, ravel, reshape

__all__ = [
    "apply_along_axis",
    "choose",
    "compress",
    "extract",
    "partition",
    "piecewise",
    "select",
    "unique",
]


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0, *, name: str | None = None) -> Any:
    """Number by number the choice whose condition is the first to hold, or else the default.

    >>> import numpy as np, autodiff as ad
    >>> x = np.array([-1.0, 2.0])
    >>> ad.select([x < 0, x > 1], [-x, x * x]).tolist()
    [1.0, 4.0]

    Raises ShapeError if there are not as many choices as conditions, OperandError for what is no condition.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ShapeError(f"select: {len(condlist)} conditions take as many choices, at least 1, got {len(choicelist)}")
    *choices, chosen = settled_numbers([array_of(choice) for choice in (*choicelist, default)])
    for i, (condition, choice) in reversed(list(enumerate(zip(condlist, choices, strict=True)))):
        if dtype_of(condition).kind != "b":
            raise OperandError(f"select: a condition is of truth values, got dtype {dtype_of(condition)}")
        chosen = where(plain(condition), choice, chosen, name=None if i else name)
    return chosen


def choose(a: Any, choices: Sequence[Any], out: None = None, mode: str = "raise", *, name: str | None = None) -> Any:
    """Number by number the choice that the integer in `a` names. `mode` is that of `take`.

    Raises IndexingError if an integer names none, ShapeError if the shapes do not fit.
    """
    refuse("choose", out=out)
    which = whole_indices("choose", a, len(choices), mode)
    if somewhere((which < 0) | (which >= len(choices))):
        raise IndexingError(f"choose: an integer names none of the {len(choices)} choices")
    return select([which == i for i in range(len(choices))], choices, choices[-1], name=name)


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """A function defined piece by piece: each of `funclist` is applied to the numbers whose condition holds.

    condlist  masks; where several hold, the last counts
    funclist  functions or numbers, one for each mask, and one more for the rest if it is not 0
    args, kw  passed on to the functions

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.piecewise(x, [x < 0], [lambda v: -v, lambda v: v * v])))(np.array([-1.0, 3.0]))
    array([-1.,  6.])

    Raises ShapeError if there are not as many functions as masks, or one more.
    """
    x = array_of(x)
    masks = np.asarray([plain(mask) for mask in condlist] if isinstance(condlist, list | tuple) else condlist, bool)
    masks = masks if masks.ndim > np.ndim(x) else masks[None]
    if len(funclist) == len(masks) + 1:
        masks = np.concatenate([masks, ~np.any(masks, axis=0, keepdims=True)])
    if len(funclist) != len(masks):
        raise ShapeError(f"piecewise: {len(masks)} conditions take as many functions or one more, got {len(funclist)}")
    result: Any = np.zeros(np.shape(x), dtype=x.dtype)
    for mask, function in zip(masks, funclist, strict=True):
        if mask.any():
            piece = function(getitem(x, mask), *args, **kw) if callable(function) else function
            result = set_at(result, mask, piece)
    return result


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None, *, name: str | None = None) -> Any:
    """The slices along an axis at which the condition, a vector, holds; without an axis of the flattened numbers."""
    refuse("compress", out=out)
    return moved("compress", lambda places: np.compress(np.asarray(plain(condition)), places, axis), [a], name)


def extract(condition: Any, arr: Any, *, name: str | None = None) -> Any:
    """The numbers at which the condition holds, in one row."""
    return moved("extract", lambda places: np.extract(np.asarray(plain(condition)), places), [arr], name)


def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None, *, name: str | None = None
) -> Any:
    """The numbers of each slice with those at places `kth` as if sorted, smaller ones before and larger ones after."""
    refuse("partition", order=order)
    a, axis = (ravel(a), 0) if axis is None else (array_of(a), axis)
    chosen = np.argpartition(plain(a), kth, axis)
    return moved("partition", lambda places: np.take_along_axis(places, chosen, axis), [a], name)


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
    name: str | None = None,
) -> Any:
    """The different numbers in ascending order, or the different slices along an axis; the gradient goes to the first.

    return_index, return_inverse, return_counts  whether to return also where each is first, which one each number is,
                                                 and how often it is there, as integers

    >>> import autodiff as ad
    >>> ad.unique(ad.Tensor([2.0, 1.0, 2.0]))
    Tensor([1., 2.])
    """
    ar = array_of(ar)
    _, index, inverse, counts = np.unique(plain(ar), True, True, True, axis, equal_nan=equal_nan)
    flat = ravel(ar) if axis is None else ar
    (along,) = (0,) if axis is None else normal_axes("unique", ar, axis)
    values = getitem(flat, (slice(None),) * along + (index,), name=name)
    wanted = [(return_index, index), (return_inverse, inverse), (return_counts, counts)]
    others = tuple(found for asked, found in wanted if asked)
    return (values, *others) if others else values


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of vectors, applied to each along an axis; its results, of one shape, stand in the axis's place.

    `arr: (..., n, ...), func1d: (n,) → shape → (..., *shape, ...)`

    >>> import numpy as np, autodiff as ad
    >>> ad.apply_along_axis(ad.max, 1, np.array([[1.0, 5.0], [7.0, 2.0]])).tolist()
    [5.0, 7.0]

    Raises ShapeError if there is no vector to apply it to.
    """
    arr = array_of(arr)
    (along,) = normal_axes("apply_along_axis", arr, axis)
    moved = moveaxis(arr, along, -1)
    rest = np.shape(moved)[:-1]
    if 0 in rest:
        raise ShapeError(f"apply_along_axis: shape {np.shape(arr)} has no vectors along axis {axis}")
    results = [func1d(getitem(moved, place), *args, **kwargs) for place in np.ndindex(*rest)]
    shape = np.shape(results[0])
    out = reshape(stack(results), (*rest, *shape))
    return moveaxis(out, range(len(rest), len(rest) + len(shape)), range(along, along + len(shape)))
