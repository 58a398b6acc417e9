"""Scalar: a Python float that records what is done to it. Fast, and made for teaching and small graphs."""

from typing import Any, ClassVar, Self

import numpy as np

from . import ops
from .chain_rule import as_float
from .errors import OperandError
from .operators import Differentiable
from .primitive import NUMBERS, Elementwise, Primitive
from .tape import NO_PARAMS, Value, current, next_index, note_cut


class Scalar(Differentiable):
    """A number whose operations are recorded.

    value          a real number
    name           what pictures and tables call it
    requires_grad  whether it is tracked; a Scalar that is not is a constant

    `data` is a Python float, `grad` a float after a backward pass reached the value and None before. Operations that
    are not elementwise, and those that meet an array, give a Tensor.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
    >>> loss = (w * x - 3) ** 2
    >>> loss.backward()
    >>> loss.data, w.grad, x.grad
    (4.0, -8.0, -2.0)

    Raises OperandError for anything but a real number.
    """

    __slots__ = ()

    remembers: ClassVar[bool] = True  # a float costs nothing to keep

    data: float

    # The whole interface of a number that the rules ask of an operand.
    shape: ClassVar[tuple[int, ...]] = ()
    ndim: ClassVar[int] = 0
    size: ClassVar[int] = 1
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.float64)

    def __init__(self, value: Any, name: str | None = None, requires_grad: bool = True) -> None:
        given = value
        if isinstance(value, Scalar):
            value = value.data
        if not (isinstance(value, NUMBERS) or (isinstance(value, np.ndarray) and value.ndim == 0)) or (
            isinstance(value, complex | np.complexfloating)
        ):
            raise OperandError(f"Scalar: takes one real number, got {value!r}; for arrays use Tensor")
        try:
            number = float(value)
        except OverflowError as error:
            raise OperandError("Scalar: this integer is too large for a float") from error
        self._become_leaf(number, requires_grad, name)
        if given is not value:
            note_cut(self, "Scalar", (given,))

    @classmethod
    def record(cls, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: str | None) -> Value:
        data: list[float] = []
        tracked = False
        for operand in operands:
            if isinstance(operand, Scalar):
                data.append(operand.data)
                tracked = tracked or operand.requires_grad
            elif type(operand) is float or type(operand) is int:
                data.append(operand)
            elif isinstance(operand, NUMBERS):
                return cls.record(primitive, tuple(_number(o) for o in operands), params, name)
            else:
                return Value.kinds["tensor"].record(primitive, operands, params, name)
        if not isinstance(primitive, Elementwise):
            return Value.kinds["tensor"].record(primitive, operands, params, name)
        result = primitive.on_floats(*data)
        if type(result) is not float:
            result = as_float(primitive.name, "the forward function", result)
        return cls.made(primitive, result, operands, tuple(data), params, name, tracked)

    def detach(self) -> Self:
        """The same number as a constant that remembers nothing."""
        detached = type(self)(self.data, requires_grad=False)
        note_cut(detached, "detach", (self,))
        return detached

    def __repr__(self) -> str:
        label = f", name={self.name!r}" if self.name else ""
        gradient = f", grad={self.grad!r}" if self.grad is not None else ""
        return f"Scalar({self.data!r}{label}{gradient})"


def _between_numbers(primitive: Elementwise, general: Any) -> Any:
    """A binary operator with a short way for a Scalar and a Scalar or number; the rest goes the general way."""
    compute = primitive.scalar

    def method(self: Scalar, other: Any) -> Any:
        # What `record` and `made` do, written out: a call costs as much as all the rest.
        kind, x = type(other), self.data
        if kind is Scalar:
            y, tracked = other.data, self.requires_grad or other.requires_grad
        elif kind is float or kind is int:
            y, tracked = other, self.requires_grad
        else:
            return general(self, other)
        enabled, scope, source, _, _ = recording_now()
        if source:
            return general(self, other)
        try:
            data = compute(x, y)
        except (ArithmeticError, ValueError):
            data = primitive.on_floats(x, y)
        value = new(Scalar)
        value.data = data
        value.grad = value.name = value.hooks = None
        value.params = NO_PARAMS
        value.index = next_index()
        value.scope = scope
        value.source = None
        if tracked and enabled:
            value.requires_grad = True
            value.primitive = primitive
            value.operands = (self, other)
            value.saved = (x, y)
        else:
            value.requires_grad = False
            value.primitive = None
            value.operands = value.saved = ()
        return value

    return method


new = object.__new__
recording_now = current.get

for _name, _operation in {
    "__add__": ops.add,
    "__sub__": ops.subtract,
    "__mul__": ops.multiply,
    "__truediv__": ops.divide,
    "__pow__": ops.power,
}.items():
    setattr(Scalar, _name, _between_numbers(_operation, getattr(Differentiable, _name)))


def _number(operand: Any) -> Any:
    """NumPy's numbers as Python's; anything else as it is."""
    if isinstance(operand, np.number) and isinstance(operand, np.complexfloating):
        raise OperandError("Scalar: complex numbers are not supported; differentiate real and imaginary parts")
    return float(operand) if isinstance(operand, NUMBERS) else operand


Value.kinds["scalar"] = Scalar
