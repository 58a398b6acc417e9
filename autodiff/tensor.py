"""Tensor: a NumPy array that records what is done to it."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from . import ops
from .errors import AutodiffError, OperandError, ShapeError
from .layout import copied
from .methods import ArrayMethods
from .ops.index import At
from .ops.plain_data import dtype_of
from .ops.shape import to_tensor
from .primitive import Primitive, misfit
from .tape import NO_PARAMS, Value, current, next_index, note_cut


class Tensor(ArrayMethods):
    """An array whose operations are recorded.

    data           anything `numpy.array` takes; it is copied
    name           what pictures and tables call it
    dtype          NumPy dtype; by default that of the data
    requires_grad  whether it is tracked: by default true for floating dtypes, false for integers and booleans

    `data` is an ndarray, `grad` an ndarray of the same shape and dtype once a backward pass reached the leaf, None
    before.

    >>> import autodiff as ad
    >>> W = ad.Tensor([[1.0, 2.0], [3.0, 4.0]], name="W")
    >>> (W @ [1.0, 1.0]).sum().backward()
    >>> W.grad
    array([[1., 1.],
           [1., 1.]])

    Raises OperandError for data that is not real numbers, or if an integer tensor is to be tracked.
    """

    __slots__ = ()

    data: np.ndarray

    def __init__(
        self, data: Any, name: str | None = None, *, dtype: Any = None, requires_grad: bool | None = None
    ) -> None:
        array = as_array(data.data if isinstance(data, Value) else data, dtype)
        floating = array.dtype.kind == "f"
        if requires_grad and not floating:
            raise OperandError(f"Tensor: only floating dtypes can be tracked, got {array.dtype}; pass dtype=float")
        self._become_leaf(array, floating if requires_grad is None else requires_grad, name)
        if isinstance(data, Value):
            note_cut(self, "Tensor", (data,))

    @classmethod
    def record(cls, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: str | None) -> Value:
        state = current.get()
        if state.source and state.source.recorder is not None:
            return cast(Value, state.source.recorder.operation(primitive, operands, params, name))
        data: list[Any] = []
        tracked = False
        for operand in operands:
            kind = type(operand)
            if kind is Tensor:
                data.append(operand.data)
                tracked = tracked or operand.requires_grad
            elif kind is np.ndarray or kind is float or kind is int:
                data.append(operand)
            elif isinstance(operand, Value):
                if operand.takes_over:
                    return operand.record(primitive, operands, params, name)
                if isinstance(operand, Tensor):
                    data.append(operand.data)
                    tracked = tracked or operand.requires_grad
                    continue
                for other in operands:
                    if isinstance(other, Value) and other.takes_over:
                        return other.record(primitive, operands, params, name)
                lifted = tuple(to_tensor(o) if _is_scalar(o) else o for o in operands)
                return cls.record(primitive, lifted, params, name)
            elif isinstance(operand, list | tuple):
                arrays = tuple(as_array(o, None) if isinstance(o, list | tuple) else o for o in operands)
                return cls.record(primitive, arrays, params, name)
            else:
                data.append(operand)
        try:
            result = primitive.forward(*data, **params)
        except AutodiffError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise misfit(primitive.name, data, error) from error
        if type(result) is not np.ndarray:
            result = np.asarray(result)
        if result.dtype.kind != "f":
            if result.dtype.kind not in "iub":
                raise OperandError(f"dtype {result.dtype} is not of real numbers; complex numbers are not supported")
            tracked = False  # integers and booleans carry no gradient, whatever they were computed from
        if tracked and state.enabled:
            for array in data:
                if result is array:  # whoever else holds the operand may go on writing to it
                    result = result.view()
            result.setflags(False)  # by position: half the time of the keyword
            if state.copy and primitive.needs_operands:
                data = [
                    _settled(x) if type(x) is np.ndarray and (x.flags.writeable or x.base is not None) else x
                    for x in data
                ]
        return cls.made(primitive, result, operands, tuple(data), params, name, tracked, state)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's dtype."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    def numpy(self) -> np.ndarray:
        """The data as a plain array, which shares the tensor's memory."""
        return self.data

    def detach(self) -> "Tensor":
        """The same array as a constant that remembers nothing."""
        detached = Tensor.leaf(self.data)
        detached.requires_grad = False
        note_cut(detached, "detach", (self,))
        return detached

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index)

    @property
    def at(self) -> At:
        """`t.at[index].set(value)` and `.add(value)` give a new tensor; see `autodiff.ops.index.At`."""
        return At(self)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise OperandError("Tensor: assignment to elements is not recorded; t.at[index].set(value) gives a new tensor")

    def __len__(self) -> int:
        if not self.shape:
            raise OperandError("Tensor: a zero-dimensional tensor has no length")
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(f"Tensor: shape {self.shape} has no single truth value; use .data.any() or .data.all()")
        return bool(self.data)

    def __repr__(self) -> str:
        label = f", name={self.name!r}" if self.name else ""
        tracked = "" if self.requires_grad == (self.dtype.kind == "f") else f", requires_grad={self.requires_grad}"
        return f"Tensor({np.array2string(self.data, prefix='Tensor(', separator=', ')}{label}{tracked})"


def as_array(data: Any, dtype: Any) -> np.ndarray:
    """A fresh array of real numbers. Raises OperandError for anything else."""
    if isinstance(data, Value) and data.takes_over:
        return cast(np.ndarray, ops.astype(data.data, dtype_of(data) if dtype is None else dtype))
    try:
        array = np.array(data, dtype=dtype)
    except (ValueError, TypeError) as error:
        raise OperandError(f"Tensor: {' '.join(str(error).split())}") from error
    if array.dtype.kind == "c":
        raise OperandError(f"Tensor: complex numbers ({array.dtype}) are not supported; use real and imaginary parts")
    if array.dtype.kind not in "fiub":
        raise OperandError(f"Tensor: takes real numbers, got dtype {array.dtype}")
    return array


def _is_scalar(operand: Any) -> bool:
    return isinstance(operand, Value) and not isinstance(operand, Tensor)


def _settled(array: np.ndarray) -> np.ndarray:
    """The array if nobody can write to its memory any more, as to what operations computed; else a copy."""
    owner = array if array.base is None else array.base
    if array.flags.writeable or type(owner) is not np.ndarray or owner.flags.writeable:
        return copied(array)
    return array


def _between_tensors(primitive: Primitive, general: Any) -> Any:
    """A binary operator with a short way for two Tensors that are recorded; the rest goes the general way."""
    forward, needs_operands = primitive.forward, primitive.needs_operands

    def method(self: Tensor, other: Any) -> Any:
        # What `record` and `made` do, written out: for a small array the calls cost as much as all the rest.
        enabled, scope, source, copy, _ = recording_now()
        tracked = type(other) is Tensor and (self.requires_grad or other.requires_grad)
        if not tracked or not enabled or source or self.takes_over:
            return general(self, other)
        x, y = self.data, other.data
        try:
            result = forward(x, y)
        except ValueError:
            return general(self, other)  # which says what is wrong
        if type(result) is not np.ndarray or result.dtype.kind != "f":
            return general(self, other)
        result.setflags(False)  # type: ignore[call-arg]  # by position: half the time of the keyword
        value = new(Tensor)
        value.data = result
        value.grad = value.name = value.hooks = value.source = None
        value.params = NO_PARAMS
        value.index = next_index()
        value.scope = scope
        value.requires_grad = True
        value.primitive = primitive
        value.operands = (self, other)
        if needs_operands and copy:
            x = _settled(x) if x.flags.writeable or x.base is not None else x
            y = _settled(y) if y.flags.writeable or y.base is not None else y
        value.saved = (x, y)
        return value

    return method


new = object.__new__
recording_now = current.get

for _name, _operation in {
    "__add__": ops.add,
    "__sub__": ops.subtract,
    "__mul__": ops.multiply,
    "__truediv__": ops.divide,
}.items():
    setattr(Tensor, _name, _between_tensors(_operation, getattr(ArrayMethods, _name)))


Value.kinds["tensor"] = Tensor
