"""Operations that move numbers without changing them, and the sums that undo broadcasting. All of them are linear."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import Elementwise, Primitive
from ..tape import Value

__all__ = [
    "astype",
    "broadcast_to",
    "reshape",
    "transpose",
]


def reshape(x: Any, shape: int | Sequence[int], *, name: str | None = None) -> Any:
    """The same numbers in another shape; one entry may be -1. `x: any shape → shape`.

    >>> import numpy as np, autodiff as ad
    >>> ad.reshape(np.arange(4.0), (2, 2)).shape
    (2, 2)

    Raises ShapeError if the number of elements differs.
    """
    return _reshape(x, shape=_dims(shape), name=name)


def transpose(x: Any, axes: Sequence[int] | None = None, *, name: str | None = None) -> Any:
    """Axes in another order, reversed by default, as `numpy.transpose`."""
    order = tuple(range(np.ndim(x)))[::-1] if axes is None else _dims(axes)
    return _transpose(x, axes=order, name=name)


def swap_last(x: Any) -> Any:
    """The last two axes exchanged: the matrix transpose of each matrix in a stack."""
    order = list(range(np.ndim(x)))
    order[-2:] = order[:-3:-1]
    return _transpose(x, axes=tuple(order))


def broadcast_to(x: Any, shape: int | Sequence[int], *, name: str | None = None) -> Any:
    """The numbers repeated to a larger shape by NumPy's broadcasting. The gradient sums the repeats again."""
    return _broadcast_to(x, shape=_dims(shape), name=name)


def sum_to(x: Any, shape: Sequence[int]) -> Any:
    """The sum over every axis that broadcasting from `shape` would have repeated: the transpose of `broadcast_to`."""
    return _sum_to(x, shape=tuple(shape))


def astype(x: Any, dtype: Any, *, name: str | None = None) -> Any:
    """The numbers in another dtype. A cast to integers is a constant: it has no gradient."""
    return _astype(x, dtype=np.dtype(dtype), name=name)


def _dims(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)


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
        return Value.kinds[self.kind].made(self, self.forward(x.data), operands, {}, name)


# A Scalar enters a tensor operation as a zero-dimensional Tensor, and its cotangent comes back as a number.
to_tensor = _Conversion("to_tensor", "tensor", np.asarray, lambda g, out, x: to_scalar(g))
to_scalar: _Conversion = _Conversion("to_scalar", "scalar", float, lambda g, out, x: to_tensor(g))
