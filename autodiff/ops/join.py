"""Putting arrays together and taking them apart. `concatenate` and `stack` are rows; the others are made of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Variadic, misfit
from ..tape import Value
from .index import getitem
from .options import check_dtype, refuse
from .plain_data import settled_numbers
from .shape import astype, atleast_1d, atleast_2d, atleast_3d, normal_axes, ravel, transpose, whole, wholes

__all__ = [
    "append",
    "array_split",
    "column_stack",
    "concatenate",
    "dstack",
    "hstack",
    "split",
    "stack",
    "vstack",
]


def concatenate(
    arrays: Sequence[Any],
    axis: int | None = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
    name: str | None = None,
) -> Any:
    """Arrays end to end along an axis they have; `axis=None` flattens them first. Each gets its own part of g back.

    `arrays: k of (..., nᵢ, ...) → (..., Σ nᵢ, ...)`

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.concatenate([x, 3 * x]) * np.arange(4.0)))(np.ones(2))
    array([ 6., 10.])

    dtype  what the arrays are cast to; by default the dtype that holds all of them

    Raises ShapeError if there is none, or their other axes differ.
    """
    operands = _operands("concatenate", arrays, dtype, casting, out)
    if axis is None:
        return _concatenate(*(ravel(x) for x in operands), axis=0, name=name)
    return _concatenate(*operands, axis=whole("concatenate", "an axis", axis), name=name)


def stack(
    arrays: Sequence[Any],
    axis: int = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
    name: str | None = None,
) -> Any:
    """Arrays of one shape along a new axis. `arrays: k of shape → (..., k, ...)`, k at `axis` of the result.

    >>> import autodiff as ad
    >>> ad.stack([ad.Scalar(1.0), ad.Scalar(2.0), 3.0])
    Tensor([1., 2., 3.])

    Raises ShapeError if there is none, or their shapes differ.
    """
    operands = _operands("stack", arrays, dtype, casting, out)
    return _stack(*operands, axis=whole("stack", "an axis", axis), name=name)


def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind", name: str | None = None) -> Any:
    """Rows on top of each other: joined along axis 0; a vector is one row."""
    return concatenate([atleast_2d(x) for x in _operands("vstack", tup, dtype, casting)], 0, name=name)


def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind", name: str | None = None) -> Any:
    """Side by side: joined along axis 1, vectors and numbers along axis 0."""
    operands = [atleast_1d(x) for x in _operands("hstack", tup, dtype, casting)]
    return concatenate(operands, 0 if np.ndim(operands[0]) == 1 else 1, name=name)


def dstack(tup: Sequence[Any], *, name: str | None = None) -> Any:
    """One behind the other: joined along axis 2; vectors become `(1, n, 1)`, matrices `(n, m, 1)`."""
    return concatenate([atleast_3d(x) for x in _operands("dstack", tup)], 2, name=name)


def column_stack(tup: Sequence[Any], *, name: str | None = None) -> Any:
    """Columns side by side: vectors become columns, matrices stay. `tup: k of (n,) → (n, k)`."""
    columns = [x if np.ndim(x) >= 2 else transpose(atleast_2d(x)) for x in _operands("column_stack", tup)]
    return concatenate(columns, 1, name=name)


def append(arr: Any, values: Any, axis: int | None = None, *, name: str | None = None) -> Any:
    """`values` after `arr` along an axis; both flattened by default."""
    return concatenate([arr, values], axis, name=name)


def split(ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0, *, name: str | None = None) -> list[Any]:
    """The parts of `ary` along an axis: as many equal ones as asked for, or cut before each of the indices.

    >>> import numpy as np, autodiff as ad
    >>> [part.tolist() for part in ad.split(np.arange(5), [2, 3])]
    [[0, 1], [2], [3, 4]]

    `name` names the parts `name[0]`, `name[1]`, ... Raises ShapeError if equal parts are not possible.
    """
    if np.ndim(indices_or_sections) == 0:
        (along,) = normal_axes("split", ary, axis)
        n = np.shape(ary)[along]
        k = whole("split", "a number of parts", indices_or_sections)
        if k < 1 or n % k:
            raise ShapeError(f"split: axis {axis} of shape {np.shape(ary)} has no {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis, name=name)


def array_split(
    ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0, *, name: str | None = None
) -> list[Any]:
    """As `split`, but parts may differ by one in size: the first ones are the larger."""
    (along,) = normal_axes("array_split", ary, axis)
    n = np.shape(ary)[along]
    if np.ndim(indices_or_sections) == 0:
        k = whole("array_split", "a number of parts", indices_or_sections)
        if k < 1:
            raise ShapeError(f"array_split: the number of parts must be at least 1, got {k}")
        cuts = [n // k * i + min(i, n % k) for i in range(1, k)]
    else:
        cuts = list(wholes("array_split", "an index", indices_or_sections))
    before = (slice(None),) * along
    names = [name and f"{name}[{i}]" for i in range(len(cuts) + 1)]
    ends = zip([0, *cuts], [*cuts, n], names, strict=True)
    return [getitem(ary, (*before, slice(start, end)), name=label) for start, end, label in ends]


def _operands(name: str, arrays: Any, dtype: Any = None, casting: str = "same_kind", out: None = None) -> list[Any]:
    """The arrays to join. A Python number takes the dtype of the others, as in any operation."""
    refuse(name, casting=casting, out=out)
    try:
        operands = [x if isinstance(x, Value | int | float) else np.asarray(x) for x in arrays]
    except TypeError as error:
        raise misfit(name, (arrays,), error) from error
    if not operands:
        raise ShapeError(f"{name}: needs at least one array, got none")
    if dtype is not None:
        return [astype(x, check_dtype(name, dtype)) for x in operands]
    return settled_numbers(operands)


def _concatenate_vjp(position: int, g: Any, out: Any, *operands: Any, axis: int) -> Any:
    axis %= g.ndim
    start = sum(x.shape[axis] for x in operands[:position])
    return getitem(g, (slice(None),) * axis + (slice(start, start + operands[position].shape[axis]),))


def _stack_vjp(position: int, g: Any, out: Any, *operands: Any, axis: int) -> Any:
    return getitem(g, (slice(None),) * (axis % g.ndim) + (position,))


_concatenate = Variadic(
    "concatenate", lambda *arrays, axis: np.concatenate(arrays, axis), _concatenate_vjp, linear=True
)
_stack = Variadic("stack", lambda *arrays, axis: np.stack(arrays, axis), _stack_vjp, linear=True)
