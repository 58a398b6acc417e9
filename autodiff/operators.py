"""Python's operators for Scalars and Tensors. Comparisons give plain booleans: they are not differentiable."""

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from . import ops, protocols, reverse
from .errors import IndexingError, OperandError
from .ops.plain_data import plain
from .tape import Value

OPERANDS = (int, float, np.ndarray, np.generic, list, tuple, Value)


def _forward(primitive: Any) -> Callable[[Any, Any], Any]:
    def method(self: Value, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return self.record(primitive, (self, other), {}, None)

    return method


def _reflected(primitive: Any) -> Callable[[Any, Any], Any]:
    def method(self: Value, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return self.record(primitive, (other, self), {}, None)

    return method


class Differentiable(Value):
    """A value with operators and `backward`."""

    __slots__ = ()

    __add__, __radd__ = _forward(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _forward(ops.subtract), _reflected(ops.subtract)
    __mul__, __rmul__ = _forward(ops.multiply), _reflected(ops.multiply)
    __truediv__, __rtruediv__ = _forward(ops.divide), _reflected(ops.divide)
    __pow__, __rpow__ = _forward(ops.power), _reflected(ops.power)
    __mod__, __rmod__ = _forward(ops.remainder), _reflected(ops.remainder)
    __floordiv__, __rfloordiv__ = _forward(ops.floor_divide), _reflected(ops.floor_divide)

    def __divmod__(self, other: Any) -> Any:
        return ops.divmod(self, other) if isinstance(other, OPERANDS) else NotImplemented

    def __rdivmod__(self, other: Any) -> Any:
        return ops.divmod(other, self) if isinstance(other, OPERANDS) else NotImplemented

    def __matmul__(self, other: Any) -> Any:
        return ops.matmul(self, other) if isinstance(other, OPERANDS) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self) if isinstance(other, OPERANDS) else NotImplemented

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return protocols.array_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return protocols.array_function(function, args, kwargs)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Any:
        return ops.abs(self)

    # Comparisons read the data. `==` on arrays is elementwise, so identity is what hashes.
    def __eq__(self, other: object) -> Any:
        return self.data == plain(other) if isinstance(other, OPERANDS) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return self.data != plain(other) if isinstance(other, OPERANDS) else NotImplemented

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Any:
        return self.data < plain(other) if isinstance(other, OPERANDS) else NotImplemented

    def __le__(self, other: Any) -> Any:
        return self.data <= plain(other) if isinstance(other, OPERANDS) else NotImplemented

    def __gt__(self, other: Any) -> Any:
        return self.data > plain(other) if isinstance(other, OPERANDS) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return self.data >= plain(other) if isinstance(other, OPERANDS) else NotImplemented

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    # As for Python's floats: whole numbers as ints, which are not differentiable; `round(x, 2)` is recorded.
    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self.item()) if ndigits is None else ops.round(self, ndigits)

    def __floor__(self) -> int:
        return math.floor(self.item())

    def __ceil__(self) -> int:
        return math.ceil(self.item())

    def __trunc__(self) -> int:
        return math.trunc(self.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            kind = type(self).__name__
            way = "numpy() or .data" if self.shape else "item()"
            raise OperandError(
                f"a tracked {kind} became a plain array, which would drop its gradient: "
                f"use the functions of autodiff, such as stack, or .{way} to leave the graph on purpose"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self, *index: Any) -> float:
        """The one number of this value as Python's own, or the one at an index. Raises OperandError if there are more.

        >>> import autodiff as ad
        >>> ad.Tensor([1.5]).item(), ad.Tensor([[1.0, 2.0]]).item(0, 1)
        (1.5, 2.0)
        """
        if not index and np.size(self.data) != 1:
            raise OperandError(f"item: only a value with one element is a number, this has shape {self.shape}")
        try:
            number: float = np.asarray(self.data).item(*index)
        except (IndexError, ValueError, TypeError) as error:
            raise IndexingError(f"item: shape {self.shape}: {error}") from error
        return number

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call `hook(g)` with this value's cotangent in every backward pass; what it returns, if anything, replaces it.

        Returns a function that takes the hook away again.

        >>> import autodiff as ad
        >>> x = ad.Scalar(3.0)
        >>> h = x * x
        >>> remove = h.register_hook(lambda g: 10 * g)
        >>> h.backward()
        >>> x.grad
        60.0
        """
        if self.hooks is None:
            self.hooks = []
        hooks = self.hooks
        hooks.append(hook)
        return lambda: hooks.remove(hook) if hook in hooks else None

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is a new leaf with an index of its own: two values with one index would be taken for one.
        if self.primitive is not None:
            raise OperandError("only leaves can be copied or pickled, this value has a graph: detach() it first")
        return _restore, (type(self), self.data, self.requires_grad, self.name, self.grad)

    def backward(self, cotangent: Any = None, create_graph: bool = False) -> None:
        """Add ∂(this value)/∂leaf into `.grad` of every leaf it depends on.

        cotangent     the upstream gradient, in this value's shape; 1 by default, for a value with one element
        create_graph  record the backward pass too, so that the gradients can be differentiated again

        A Scalar between the leaves and the output also remembers its gradient, that of the last pass.

        >>> import autodiff as ad
        >>> x = ad.Scalar(3.0)
        >>> (x * x).backward()
        >>> x.grad
        6.0

        Raises GradientError if there are several elements and no cotangent, or nothing was recorded.
        """
        reverse.backward(self, cotangent, create_graph=create_graph)


def _restore(kind: type[Value], data: Any, requires_grad: bool, name: str | None, grad: Any) -> Value:
    value = kind.leaf(data)
    value.requires_grad, value.name, value.grad = requires_grad, name, grad
    return value
