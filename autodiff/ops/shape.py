"""Operations that keep the numbers and change their shape, and the sums that undo broadcasting. All are linear.

The rows are few; ravel, moveaxis, squeeze and the like are `reshape` and `transpose` under the names NumPy gives them.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import OperandError, SettingError, ShapeError
from ..primitive import Elementwise, Primitive, misfit
from ..tape import Value, current_recorder
from .options import check_dtype, refuse, shown

__all__ = [
    "astype",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_to",
    "expand_dims",
    "moveaxis",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "transpose",
]


def reshape(
    a: Any, shape: int | Sequence[int], order: str = "C", *, copy: bool | None = None, name: str | None = None
) -> Any:
    """The same numbers in another shape; one entry may be -1. `a: any shape → shape`.

    order  "C": the last axis runs fastest; "F": the first one
    copy   only for NumPy's sake: whether memory is shared makes no difference

    >>> import numpy as np, autodiff as ad
    >>> ad.reshape(np.arange(4.0), (2, 2)).shape
    (2, 2)

    Raises ShapeError if the number of elements differs, SettingError for another order.
    """
    if order == "C":
        return _reshape(a, shape=wholes("reshape", "a size", shape), name=name)
    if order != "F":
        raise SettingError(f"reshape: order is 'C' or 'F', got {shown(order)}")
    return transpose(_reshape(transpose(a), shape=wholes("reshape", "a size", shape)[::-1]), name=name)


def transpose(a: Any, axes: Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """Axes in another order, reversed by default, as `numpy.transpose`."""
    order = tuple(range(np.ndim(a)))[::-1] if axes is None else wholes("transpose", "an axis", axes)
    return _transpose(a, axes=order, name=name)


def swap_last(x: Any) -> Any:
    """The last two axes exchanged: the matrix transpose of each matrix in a stack."""
    order = list(range(np.ndim(x)))
    order[-2:] = order[:-3:-1]
    return _transpose(x, axes=tuple(order))


def broadcast_to(array: Any, shape: int | Sequence[int], subok: bool = False, *, name: str | None = None) -> Any:
    """The numbers repeated to a larger shape by NumPy's broadcasting. The gradient sums the repeats again.

    subok  only for NumPy's sake: the result is of this package's own kind
    """
    return _broadcast_to(array, shape=wholes("broadcast_to", "a size", shape), name=name)


def sum_to(x: Any, shape: Sequence[int]) -> Any:
    """The sum over every axis that broadcasting from `shape` would have repeated: the transpose of `broadcast_to`."""
    return _sum_to(x, shape=tuple(shape))


def astype(x: Any, dtype: Any, *, copy: bool = True, device: str | None = None, name: str | None = None) -> Any:
    """The numbers in another dtype. A cast to integers is a constant: it has no gradient.

    copy, device  only for NumPy's sake; the one device is "cpu"

    Raises OperandError if dtype is none.
    """
    refuse("astype", device=device)
    return _astype(x, dtype=check_dtype("astype", dtype), name=name)


def ravel(a: Any, order: str = "C", *, name: str | None = None) -> Any:
    """All numbers in one row, the last axis running fastest, or with order="F" the first. `a: any shape → (size,)`."""
    return reshape(a, (-1,), order, name=name)


def expand_dims(a: Any, axis: int | Sequence[int], *, name: str | None = None) -> Any:
    """New axes of size 1, at these places of the result.

    >>> import numpy as np, autodiff as ad
    >>> ad.expand_dims(np.ones((3, 4)), (0, -1)).shape
    (1, 3, 4, 1)
    """
    places = wholes("expand_dims", "an axis", axis)
    ndim = np.ndim(a) + len(places)
    try:
        new = normalize_axis_tuple(places, ndim)
    except (ValueError, TypeError) as error:
        raise misfit("expand_dims", (a,), error) from error
    sizes = iter(np.shape(a))
    return reshape(a, tuple(1 if i in new else next(sizes) for i in range(ndim)), name=name)


def squeeze(a: Any, axis: int | Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """Without the given axes, all of size 1; by default without every axis of size 1.

    Raises ShapeError if a given axis has another size.
    """
    shape = np.shape(a)
    gone = [i for i, n in enumerate(shape) if n == 1] if axis is None else normal_axes("squeeze", a, axis)
    for i in gone:
        if shape[i] != 1:
            raise ShapeError(f"squeeze: operand shape {shape}: axis {i} has size {shape[i]}, not 1")
    return reshape(a, tuple(n for i, n in enumerate(shape) if i not in gone), name=name)


def swapaxes(a: Any, axis1: int, axis2: int, *, name: str | None = None) -> Any:
    """Two axes exchanged."""
    (first,), (second,) = normal_axes("swapaxes", a, axis1), normal_axes("swapaxes", a, axis2)
    order = list(range(np.ndim(a)))
    order[first], order[second] = second, first
    return transpose(a, order, name=name)


def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int], *, name: str | None = None) -> Any:
    """Axes moved to new places, the others kept in order.

    >>> import numpy as np, autodiff as ad
    >>> ad.moveaxis(np.ones((3, 4, 5)), 0, -1).shape
    (4, 5, 3)
    """
    start, end = normal_axes("moveaxis", a, source), normal_axes("moveaxis", a, destination)
    if len(start) != len(end):
        raise ShapeError(f"moveaxis: {len(start)} source axes, but {len(end)} destinations")
    order = [i for i in range(np.ndim(a)) if i not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return transpose(a, order, name=name)


def atleast_1d(*arys: Any) -> Any:
    """A number as an array of one; anything else as it is. Several arys give a tuple."""
    return _each(arys, lambda x: reshape(x, (1,)) if np.ndim(x) == 0 else x)


def atleast_2d(*arys: Any) -> Any:
    """A number or vector as a matrix of one row. Several arys give a tuple."""
    return _each(arys, lambda x: reshape(x, (1,) * (2 - np.ndim(x)) + np.shape(x)) if np.ndim(x) < 2 else x)


def atleast_3d(*arys: Any) -> Any:
    """With three axes at least: `(n,)` becomes `(1, n, 1)`, `(n, m)` becomes `(n, m, 1)`. Several give a tuple."""

    def widened(x: Any) -> Any:
        shape = np.shape(x)
        wide = {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}
        return reshape(x, wide[len(shape)]) if len(shape) < 3 else x

    return _each(arys, widened)


def _each(arrays: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    changed = tuple(change(x if isinstance(x, Value) else np.asarray(x)) for x in arrays)
    return changed[0] if len(changed) == 1 else changed


def normal_axes(name: str, x: Any, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """The axes of x, as non-negative numbers; None stands for all.

    Raises ShapeError if x has no such axis, OperandError if one is no whole number.
    """
    if axis is None:
        return tuple(range(np.ndim(x)))
    axes = wholes(name, "an axis", axis)
    try:
        return tuple(normalize_axis_tuple(axes, np.ndim(x)))
    except ValueError as error:
        raise misfit(name, (x,), error) from error


def whole(name: str, what: str, value: Any) -> int:
    """An integer of any type as Python's. Raises OperandError for anything else, 1.0 included, as NumPy does."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise OperandError(f"{name}: {what} is a whole number, got {shown(value)}") from error


def wholes(name: str, what: str, value: Any) -> tuple[int, ...]:
    """One integer or several, as a tuple of Python's. Raises OperandError for anything else."""
    if not isinstance(value, list | tuple):
        try:
            return (operator.index(value),)
        except TypeError:
            value = value if np.iterable(value) else (value,)
    return tuple([whole(name, what, item) for item in value])


def _sum_to_forward(x: Any, shape: tuple[int, ...]) -> Any:
    x = np.asarray(x)
    extra = x.ndim - len(shape)
    stretched = tuple(i for i, n in enumerate(shape, extra) if n == 1 and x.shape[i] != 1) if extra >= 0 else ()
    axes = (*range(max(extra, 0)), *stretched)
    result = x.sum(axis=axes).reshape(shape) if axes else x
    if result.shape != shape:
        raise ShapeError(f"sum_to: shape {x.shape} is not a broadcast of {shape}")
    return result


_reshape = Primitive(
    "reshape", lambda x, shape: np.reshape(x, shape), lambda g, out, x, shape: reshape(g, np.shape(x)), linear=True
)
_transpose = Primitive(
    "transpose",
    lambda x, axes: np.transpose(x, axes),
    lambda g, out, x, axes: transpose(g, tuple(np.argsort([a % len(axes) for a in axes]).tolist())),
    linear=True,
)
_broadcast_to = Primitive(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    lambda g, out, x, shape: sum_to(g, np.shape(x)),
    linear=True,
)
_sum_to = Primitive("sum_to", _sum_to_forward, lambda g, out, x, shape: broadcast_to(g, np.shape(x)), linear=True)
_astype = Primitive(
    "astype",
    lambda x, dtype: np.asarray(x).astype(dtype),
    lambda g, out, x, dtype: astype(g, x.dtype),
    linear=True,
)
# What a transform differentiates with respect to stands behind this: the same value, recorded as a new one.
alias = Elementwise("alias", lambda x: x, 1)


class _Conversion(Primitive):
    """From one kind of value to the other: the result's kind is the operation's, not the operand's."""

    def __init__(self, name: str, kind: str, forward: Any, vjp: Any) -> None:
        super().__init__(name, forward, vjp, linear=True)
        self.kind = kind

    def __call__(self, *operands: Any, name: str | None = None, **params: Any) -> Any:
        (x,) = operands
        if not isinstance(x, Value):
            return self.forward(x)
        if x.takes_over:
            return x.converted(self, self.kind)
        recorder = current_recorder()
        if recorder is not None:
            return recorder.seen(x).converted(self, self.kind)
        kind = Value.kinds[self.kind]
        return kind.made(self, self.forward(x.data), operands, (x.data,), {}, name, x.requires_grad)


# A Scalar enters a tensor operation as a zero-dimensional Tensor, and its cotangent comes back as a number.
to_tensor = _Conversion("to_tensor", "tensor", np.asarray, lambda g, out, x: to_scalar(g))
to_scalar: _Conversion = _Conversion("to_scalar", "scalar", float, lambda g, out, x: to_tensor(g))
