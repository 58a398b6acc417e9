"""Traced: the value that stands for an array, a number, a Tensor or a Scalar while a program is recorded.

It is computed as usual, and remembers in which slot of the program it is. What is asked of its plain data without being
recorded in a graph (comparisons, NumPy's functions) is written down too; what would leave the program, such as Python's
`if` and `float()`, is refused.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..errors import OperandError
from ..operators import OPERANDS
from ..primitive import Primitive
from ..protocols import INSTEAD, WRITES
from ..questions import ask_plainly
from ..tape import NO_PARAMS, Value, current, next_index
from ..tensor import Tensor

# Answered while recording: they depend on shapes and dtypes alone.
ABOUT = {
    "can_cast", "common_type", "empty_like", "iscomplexobj", "isrealobj", "min_scalar_type", "ndim", "ones_like",
    "result_type", "shape", "size", "zeros_like",
}  # fmt: skip
# The shape of what they return depends on the numbers, and a program is for one shape.
OF_ANY_SHAPE = {
    "argwhere", "bincount", "compress", "extract", "flatnonzero", "intersect1d", "nonzero", "setdiff1d", "setxor1d",
    "trim_zeros", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values",
}  # fmt: skip


class Traced(Tensor):
    """A value of a program that is being recorded.

    recorder  who records it
    slot      its number in the program
    now       its data at the time of recording: an array or one of Python's numbers
    is_plain  whether it stands for an array or a number, rather than for a Tensor or a Scalar
    generic   whether NumPy gave a number of its own, such as a float64, rather than an array
    leaf      the live value of which it is the data, if it is
    """

    __slots__ = ("_grad", "generic", "is_plain", "leaf", "now", "recorder", "slot")

    takes_over = True

    recorder: Any
    slot: int
    now: Any
    is_plain: bool
    generic: bool
    leaf: Any

    @classmethod
    def of(cls, recorder: Any, slot: int, now: Any, is_plain: bool, name: str | None = None) -> "Traced":
        """A constant."""
        value = cls.__new__(cls)
        value.recorder, value.slot, value.is_plain, value.leaf, value.name = recorder, slot, is_plain, None, name
        # In derivative rules the engine takes care that these are arrays.
        value.generic = isinstance(now, np.generic) and not in_a_rule()
        value.now = recorder.now(slot)
        value.scope, value.source = current.get().scope, None
        value._grad = value.hooks = value.primitive = None
        value.operands, value.saved, value.params, value.requires_grad = (), (), NO_PARAMS, False
        value.index = next_index()
        return value

    @classmethod
    def record(cls, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: str | None) -> Value:
        recorder: Any = None
        for operand in operands:
            if isinstance(operand, Traced):
                recorder = operand.recorder
            elif isinstance(operand, Value) and operand.takes_over:  # of a map over examples, inside
                return operand.record(primitive, operands, params, name)
        value: Value = recorder.operation(primitive, operands, params, name)
        return value

    @property
    def stands_for_number(self) -> bool:  # type: ignore[override]  # it differs from value to value
        """Whether it stands for a number or a Scalar."""
        return not isinstance(self.now, np.ndarray)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return np.shape(self.now)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return self.now.dtype if isinstance(self.now, np.ndarray) else np.dtype(type(self.now))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return np.ndim(self.now)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.size(self.now))

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return self.size * self.itemsize

    @property
    def data(self) -> "Traced":  # type: ignore[override]  # the plain data are part of the program, too
        """The same as plain data, which remember no operation."""
        return self if self.is_plain else self._as(is_plain=True)

    @property
    def whole(self) -> Any:
        """The same as plain data."""
        return self.data

    def numpy(self) -> Any:
        """The same as plain data."""
        return self.data

    def detach(self) -> "Traced":
        """The same as a constant."""
        return self._as(is_plain=self.is_plain)

    def as_leaf(self) -> "Traced":
        """The same as a tracked leaf, for a transform to differentiate with respect to."""
        if self.dtype.kind != "f":
            raise OperandError(f"a gradient is taken with respect to floating arrays, got dtype {self.dtype}")
        leaf = self._as(is_plain=False)
        leaf.requires_grad = True
        return leaf

    def _as(self, *, is_plain: bool) -> "Traced":
        value = Traced.of(self.recorder, self.slot, self.now, is_plain, self.name)
        value.generic = self.generic
        return value

    @property
    def grad(self) -> Any:  # that of the leaf it stands for
        """The gradient, as of any value."""
        return self._grad if self.leaf is None else self.recorder.gradient_of(self.leaf)

    @grad.setter
    def grad(self, g: Any) -> None:
        if self.leaf is None:
            self._grad = g
        else:
            self.recorder.store_gradient(self.leaf, g)

    def beside(self, x: Any) -> "Traced":
        """x as a value of the same program."""
        value: Traced = self.recorder.seen(x)
        return value

    def computed_by(self, operation: Primitive, operands: tuple[Any, ...]) -> "Traced":
        """The same value as the result of one operation, which stands for all that computed it."""
        value = self._as(is_plain=False)
        value.requires_grad, value.primitive, value.operands = True, operation, operands
        value.saved = put_in(operands, lambda x: x.data)
        return value

    def drawn(self, draw: Callable[[tuple[int, ...]], Any]) -> Any:
        """What `draw` makes in this shape: it draws by `effects.drawn`, which is recorded."""
        return draw(self.shape)

    def given_as(self, primal: Any) -> "Traced":
        """A derivative as the caller gave its primal: plain for plain data."""
        is_plain = not isinstance(primal, Value) or (isinstance(primal, Traced) and primal.is_plain)
        return self if is_plain or not self.is_plain else self._as(is_plain=False)

    def constant(self, data: Any) -> "Traced":
        """Plain numbers as they meet this value, as one of Python's if it is one."""
        number = self.stands_for_number
        if isinstance(data, Traced):
            if number:
                return self.recorder.to_number(data)  # type: ignore[no-any-return]
            value = data._as(is_plain=data.is_plain)
            value.generic = False
            return value
        constant: Traced = self.recorder.constant(float(data) if number else data)
        return constant

    def converted(self, conversion: Primitive, kind: str) -> Value:
        """The same as a Scalar, or as a Tensor."""
        if self.stands_for_number == (kind == "scalar"):
            return self
        value: Value = self.recorder.operation(conversion, (self,), {}, None)
        return value

    def decided(self) -> bool:
        """The truth value, for a decision that holds as long as it is the same: the program is valid until then."""
        decision: bool = self.recorder.guard(self)
        return decision

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(_is_foreign(x) for x in inputs):
            return NotImplemented
        if method != "at" and kwargs.get("out") is None and _all_plain(inputs) and _all_plain(kwargs):
            return self.recorder.call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function.__name__
        if any(issubclass(kind, Value) and kind.takes_over and kind is not Traced for kind in types):
            return NotImplemented
        if name in ABOUT:
            return _about(function, args, kwargs)
        if name in OF_ANY_SHAPE or (name == "where" and len(args) == 1):
            if in_a_rule():
                raise NotReplayedError(f"a derivative rule asks for np.{name}")
            raise OperandError(
                f"compile: the shape of what np.{name} returns depends on the values, and a program is recorded for "
                "fixed shapes; use autodiff.where or a mask, or call it outside"
            )
        if INSTEAD.get(name) != WRITES and kwargs.get("out") is None and _all_plain([args, kwargs]):
            return self.recorder.call(function, args, kwargs)
        return super().__array_function__(function, types, args, kwargs)

    def __pow__(self, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        if _all_plain((self, other)) and not self.stands_for_number:  # NumPy has ways of its own for x ** 2
            return self.recorder.call(operator.pow, (self, other), {})
        return super().__pow__(other)

    def __len__(self) -> int:
        if not self.shape:
            raise OperandError("compile: a value without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def item(self, *index: Any) -> Any:
        """The one number, or that at an index, as a number of the program."""
        return self.recorder.call(_one_number, (self.data, *index), {})

    def _refused(self, wish: str) -> NoReturn:
        if in_a_rule():
            raise NotReplayedError(f"a derivative rule asks for {wish}")
        raise OperandError(
            f"compile: {wish} reads a value, of shape {self.shape}, while the function is recorded, and what Python "
            "does with it cannot be: use autodiff.where instead of a branch, or name the argument in static="
        )

    def __bool__(self) -> bool:
        self._refused("bool() or a branch")

    def __int__(self) -> int:
        self._refused("int()")

    def __float__(self) -> float:
        self._refused("float()")

    def __complex__(self) -> complex:
        self._refused("complex()")

    def __index__(self) -> int:
        self._refused("an index or a range of Python's")

    def __floor__(self) -> int:
        self._refused("math.floor()")

    def __ceil__(self) -> int:
        self._refused("math.ceil()")

    def __trunc__(self) -> int:
        self._refused("math.trunc()")

    def __contains__(self, value: Any) -> bool:
        self._refused("in")

    def __round__(self, ndigits: int | None = None) -> Any:
        return self._refused("round()") if ndigits is None else super().__round__(ndigits)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._refused("a NumPy array made of it")

    def __format__(self, spec: str) -> str:
        return self._refused("formatting it") if spec else str(self)

    def tolist(self) -> Any:
        """Raises OperandError: the numbers are not known to the program."""
        self._refused("tolist()")

    def __reduce__(self) -> tuple[Any, ...]:
        raise OperandError("compile: a value of a program cannot be copied or pickled; return it")

    def __repr__(self) -> str:
        what = "number" if self.stands_for_number else f"shape={self.shape}, dtype={self.dtype}"
        return f"Traced({what})"


class NotReplayedError(Exception):
    """What the function does can be computed, but not by a program. Never seen outside `replay`."""


def in_a_rule() -> bool:
    """Whether a derivative is being computed."""
    attention = current.get().source
    return attention is not None and not attention.of_values


def _one_number(data: Any, *index: Any) -> Any:
    return data.item(*index) if isinstance(data, np.ndarray) else data


ask_plainly(Traced)


def values_in(tree: Any) -> Iterator[Value]:
    """The values in nested lists, tuples and dicts."""
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from values_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from values_in(item)


def put_in(tree: Any, change: Callable[[Traced], Any]) -> Any:
    """Arguments or parameters with something else in place of each traced value."""
    if isinstance(tree, Traced):
        return change(tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(put_in(item, change) for item in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(put_in(item, change) for item in tree)
    if type(tree) is dict:
        return {key: put_in(item, change) for key, item in tree.items()}
    return tree


def _about(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What depends on shapes and dtypes alone."""
    first = args[0] if args else None
    if isinstance(first, Traced) and first.stands_for_number:  # as a float has its zero, not an array of one
        if function is np.zeros_like and len(args) == 1 and not kwargs:
            return 0.0
        if function is np.ones_like and len(args) == 1 and not kwargs:
            return 1.0
    return function(*put_in(args, lambda x: x.now), **put_in(kwargs, lambda x: x.now))


def _all_plain(tree: Any) -> bool:
    """Whether no value is a Tensor or Scalar, or stands for one."""
    return all(isinstance(value, Traced) and value.is_plain for value in values_in(tree))


def _is_foreign(x: Any) -> bool:
    return isinstance(x, Value) and x.takes_over and not isinstance(x, Traced)
