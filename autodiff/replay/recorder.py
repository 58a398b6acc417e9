"""The recorder: computes each operation of a function once, and writes it down as a step of a program.

While it runs, the engine hands it every operation on Scalars and Tensors (`tape.recorded_by`), and the few functions
that draw random numbers or change live objects (`effects`) tell it so. The backward walk is computed by the same
operations, so it is part of the program like the rest.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..chain_rule import as_float
from ..errors import OperandError
from ..primitive import NUMBERS, Elementwise, Primitive
from ..tape import Value, current, recorded_by
from ..tensor import as_array
from .program import KINDS, Slot, Spec, Step, slots_in
from .traced import NotReplayedError, Traced, in_a_rule, put_in

# What Python's own operators answer, asked of Python's numbers.
OF_NUMBERS: dict[Any, Callable[..., Any]] = {
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
}


@dataclass(frozen=True, eq=False)
class Leaf:
    """A live Scalar or Tensor that no operation made: one the function closes over, or an argument.

    value     the object at the time of recording
    argument  its place among the arguments, at each call another object; None for one that is closed over
    """

    value: Value
    argument: int | None = None

    @property
    def name(self) -> str:
        """For a listing; a parameter's with its layer, since each layer has its own W."""
        name, layer = self.value.name, self.value.scope.rpartition("/")[2]
        if name is None:
            return type(self.value).__name__
        return f"{layer}.{name}" if layer and self.value.leaf_op == "parameter" else name


class Recorder:
    """Writes a program down.

    leaves      the live values that are read, those closed over
    modules     those that were called, with the mode they were in
    generators  those that were drawn from, with their state before
    ended       whether the program is complete
    with_gradient  the live values whose gradient was asked for, and whether they had one at the start
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.ended = False
        self.specs: dict[int, Spec] = {}
        self.constants: dict[int, Any] = {}
        self.shares: dict[int, int] = {}
        self.leaves: dict[int, Leaf] = {}
        self.modules: dict[int, tuple[Any, bool]] = {}
        self.with_gradient: dict[int, tuple[Value, bool]] = {}
        self.generators: dict[int, tuple[Any, Any]] = {}
        self.parts: set[int] = set()
        self._nows: dict[int, Any] = {}
        self._fixed: set[int] = set()  # constants that nobody else can change
        self._of_array: dict[int, int] = {}
        self._proxies: dict[int, Traced] = {}
        self._gradients: dict[int, tuple[Leaf, Any]] = {}

    # Slots

    def slot(self, now: Any) -> int:
        """A new slot that holds this. Raises OperandError once the recording has ended."""
        if self.ended:
            raise OperandError("compile: this is a value of a recording that has ended; return it from the function")
        slot = len(self.specs)
        self.specs[slot] = Spec.of(now)
        self._nows[slot] = np.asarray(now) if isinstance(now, np.generic) else now
        return slot

    def now(self, slot: int) -> Any:
        """What a slot holds while recording."""
        return self._nows[slot]

    def argument(self, given: Any, position: int) -> Traced:
        """An argument of the function as the function sees it."""
        if isinstance(given, Value):
            leaf = Leaf(given, position)
            value = self._proxy(leaf, self.slot(given.data))
            self._proxies[id(given)] = value
            return value
        return Traced.of(self, self.slot(given), given, is_plain=True)

    def constant(self, data: Any, *, fixed: bool = True) -> Traced:
        """A constant; `fixed` if nobody else holds the array."""
        if isinstance(data, np.ndarray):
            slot = self._of_array.get(id(data))
            if slot is None:
                slot = self._of_array[id(data)] = self.slot(data)
                self.constants[slot] = data
        else:
            slot = self.slot(data)
            self.constants[slot] = data
        if fixed:
            self._fixed.add(slot)
        return Traced.of(self, slot, data, is_plain=True)

    def seen(self, x: Any) -> Traced:
        """Anything that enters an operation, as a value of this program."""
        if isinstance(x, Traced):
            if x.recorder is not self:
                raise OperandError("compile: a value of a recording that has ended entered another; return it instead")
            return x
        if not isinstance(x, Value):
            return self.constant(x if isinstance(x, int | float) else np.asarray(x), fixed=False)
        proxy = self._proxies.get(id(x))
        if proxy is None:
            if x.takes_over or (x.primitive is not None and x.requires_grad):
                raise NotReplayedError("it depends on a value that is recorded outside")
            leaf = Leaf(x)
            if isinstance(x.data, Traced):  # made by the function
                proxy = self._proxy(leaf, x.data.slot)
                self._gradients.setdefault(id(x), (leaf, x.grad))
            else:
                self.leaves[id(x)] = leaf
                proxy = self._proxy(leaf, self._write("read", leaf, (), {}, x.data))
            self._proxies[id(x)] = proxy
        return proxy

    def _proxy(self, leaf: Leaf, slot: int) -> Traced:
        """What stands for a live value: it has its place in recording order, and its hooks."""
        value = Traced.of(self, slot, self._nows[slot], is_plain=False, name=leaf.value.name)
        value.requires_grad, value.index, value.hooks = leaf.value.requires_grad, leaf.value.index, leaf.value.hooks
        value.leaf, value.scope = leaf, leaf.value.scope
        return value

    # Steps

    def operation(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: Any) -> Traced:
        """Compute an operation on values; the result remembers how, if one of them is tracked."""
        operands = tuple(self._operand(x) for x in operands)
        is_plain = not any(isinstance(x, Traced) and not x.is_plain for x in operands)
        numbers = isinstance(primitive, Elementwise) and all(_is_number(x, not is_plain) for x in operands)
        if not numbers and not hasattr(primitive, "kind"):
            operands = tuple(_as_tensor(x) for x in operands)
        elif numbers and not is_plain:
            operands = tuple(float(x) if isinstance(x, np.generic) else x for x in operands)
        elif numbers and in_a_rule():  # where `where` chooses 0, it is to be a float like the other
            operands = tuple(float(x) if type(x) is int else x for x in operands)
        data, options = put_in(operands, _now), put_in(params, _now)
        if primitive.name == "getitem":
            _check_index(params["index"])
        if numbers:
            assert isinstance(primitive, Elementwise)
            now = primitive.on_floats(*data)
            if not is_plain and type(now) is not float:
                now = as_float(primitive.name, "the forward function", now)
        else:
            now = primitive.evaluate(*data, **options)
            if isinstance(now, np.generic) and not is_plain:
                now = np.asarray(now)
            if isinstance(now, np.ndarray) and now.dtype.kind not in "fiub":
                raise OperandError(f"dtype {now.dtype} is not of real numbers; complex numbers are not supported")
        slot = self._write("operation", primitive, operands, params, now, number=numbers)
        value = Traced.of(self, slot, now, is_plain, name)
        enabled = current.get().enabled
        tracked = any(isinstance(x, Traced) and x.requires_grad for x in operands)
        if tracked and enabled and not is_plain and value.dtype.kind == "f":
            value.requires_grad, value.primitive, value.operands, value.params = True, primitive, operands, params
            value.saved = put_in(operands, lambda x: x.data)
        return value

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Compute a NumPy function of plain data."""
        if function in OF_NUMBERS and len(args) == 2 and not kwargs and all(map(_is_number, args)):
            function = OF_NUMBERS[function]
        now = function(*put_in(args, _now), **put_in(kwargs, _now))
        if isinstance(now, tuple | list):
            slots = tuple(self.slot(part) for part in now)
            self.parts.update(slots)
            self._step("call", function, args, kwargs, slots)
            parts = [Traced.of(self, slot, part, is_plain=True) for slot, part in zip(slots, now, strict=True)]
            return type(now)(*parts) if hasattr(now, "_fields") else type(now)(parts)
        slot = self._write("call", function, args, kwargs, now, number=function in OF_NUMBERS.values())
        return Traced.of(self, slot, now, is_plain=True)

    def to_number(self, x: Traced) -> Any:
        """An array of one number as a float."""
        return x if type(x.now) is float else self.call(float, (x,), {})

    def _write(self, kind: str, run: Any, args: Any, options: Any, now: Any, *, number: bool = False) -> int:
        """A step with one result, or a constant if it can be computed once and for all."""
        slot = self.slot(now)
        args, options = self._referred(tuple(args)), self._referred(dict(options))
        reads = [*slots_in((args, options))]
        if KINDS[kind].pure and reads and all(read in self._fixed for read in reads):
            self.constants[slot] = now
            self._fixed.add(slot)
        else:
            self._step(kind, run, args, options, (slot,), number=number)
        return slot

    def computed_again(self) -> None:
        """What follows is not to be taken from what was computed before."""
        self._step("again", None, (), {})

    def _step(
        self, kind: str, run: Any, args: Any, options: Any, outs: tuple[int, ...] = (), *, number: bool = False
    ) -> None:
        args, options = self._referred(tuple(args)), self._referred(dict(options))
        step = Step(kind, run, args, options, outs, number)
        for out in outs:
            for read in step.reads:
                if _share(self._nows[out], self._nows[read]):
                    self.shares[out] = read
        self.steps.append(step)

    def _referred(self, tree: Any) -> Any:
        """Arguments with the slot in place of each value and array."""
        if isinstance(tree, Traced):
            return Slot(self.seen(tree).slot)
        if isinstance(tree, np.ndarray | np.generic):
            return Slot(self.constant(tree, fixed=False).slot)
        if isinstance(tree, tuple) and hasattr(tree, "_fields"):
            return type(tree)(*(self._referred(item) for item in tree))
        if type(tree) in (tuple, list):
            return type(tree)(self._referred(item) for item in tree)
        if type(tree) is dict:
            return {key: self._referred(item) for key, item in tree.items()}
        return tree

    def _operand(self, x: Any) -> Any:
        if isinstance(x, Value):
            return self.seen(x)
        return as_array(x, None) if isinstance(x, list | tuple) else x

    # What is looked at

    def guard(self, x: Traced) -> bool:
        """A truth value that the program relies on."""
        found = bool(x.now)
        if x.slot not in self.constants:
            self._step("guard", found, (x,), {})
        return found

    def check_finite(self, found: Sequence[Any]) -> None:
        """Derivatives that have to be finite for the program to be valid.

        A cotangent of zero sends zero even past infinity. Whether one did cannot be known beforehand: where a result is
        not finite the function is run again without the program, which looks.
        """
        slots = {g.slot: g for g in found if isinstance(g, Traced) and g.slot not in self.constants}
        floating = [g.data for g in slots.values() if g.dtype.kind == "f"]
        if floating:
            self._step("finite", None, tuple(floating), {})

    # Effects

    def called(self, module: Any) -> None:
        """A module was called."""
        self.modules.setdefault(id(module), (module, module.training))

    def kept(self, owner: Any, name: str) -> Traced:
        """An array that is an attribute of an object."""
        now = getattr(owner, name)
        return Traced.of(self, self._write("attribute", (owner, name), (), {}, now), now, is_plain=True)

    def drawn(self, rng: Any, shape: tuple[int, ...] | None, dtype: Any) -> Traced:
        """Random numbers, evenly distributed in 0..1."""
        self.generators.setdefault(id(rng), (rng, rng.bit_generator.state))
        now = rng.random(shape, dtype=dtype)
        return Traced.of(self, self._write("draw", rng, (shape,), {"dtype": dtype}, now), now, is_plain=True)

    def gradient_of(self, leaf: Leaf) -> Any:
        """The gradient that a leaf has at this place of the program."""
        known = self._gradients.get(id(leaf.value))
        if known is None:
            now = leaf.value.grad
            if isinstance(now, Value):
                raise NotReplayedError("a gradient is a recorded value")
            changed = any(step.kind in ("effect", "reset") for step in self.steps)
            if not changed and leaf.argument is None:
                self.with_gradient[id(leaf.value)] = leaf.value, now is not None
            if now is None:
                if changed:
                    self._step("absent", leaf, (), {})
                g = None
            else:
                g = Traced.of(self, self._write("gradient", leaf, (), {}, now), now, is_plain=True)
                leaf.value.grad = g
            known = self._gradients[id(leaf.value)] = leaf, g
        return known[1]

    def store_gradient(self, leaf: Leaf, g: Any) -> None:
        """A leaf gets a gradient."""
        if g is not None and not isinstance(g, Traced):
            g = self.constant(g)
        if isinstance(leaf.value.data, Traced):  # nobody outside has it
            pass
        elif g is None:
            raise NotReplayedError("a gradient is taken away")
        else:
            self._step("store", leaf, (g,), {})
        self._gradients[id(leaf.value)] = leaf, g
        leaf.value.grad = g

    def effect(self, function: Callable[..., Any], args: Any, kwargs: Any, kind: str) -> Any:
        """A function that changes live objects: it is called now, and by each replay in its place."""
        args = tuple(list(x) if isinstance(x, Iterator) else x for x in args)
        if kind != "note":
            self.release()
        with recorded_by(None):
            now = function(*put_in(args, _now), **put_in(kwargs, _now))
        outs: tuple[int, ...] = () if now is None else (self.slot(now),)
        self._step(kind, function, args, kwargs, outs)
        if kind != "note":
            self._forget()
        return None if now is None else Traced.of(self, outs[0], now, is_plain=True)

    def _forget(self) -> None:
        """What an effect may have changed is read again when it is needed."""
        self._proxies = {
            key: value for key, value in self._proxies.items() if isinstance(value.leaf.value.data, Traced)
        }
        for leaf, _ in [*self._gradients.values()]:
            if not isinstance(leaf.value.data, Traced):
                del self._gradients[id(leaf.value)]
                if leaf.value.grad is not None:
                    self.gradient_of(leaf)

    def release(self) -> None:
        """Put plain arrays in place of traced ones where live values have them."""
        for leaf, g in self._gradients.values():
            if isinstance(leaf.value.grad, Traced) and not isinstance(leaf.value.data, Traced):
                leaf.value.grad = np.array(g.now) if isinstance(g.now, np.ndarray) else g.now


def _now(x: Traced) -> Any:
    return x.now


def _is_number(x: Any, numpys: bool = False) -> bool:
    """Whether it is one of Python's numbers, or of NumPy's if these count."""
    if isinstance(x, Traced):
        return x.stands_for_number
    return isinstance(x, NUMBERS) if numpys else isinstance(x, int | float) and not isinstance(x, np.generic)


def _check_index(index: Any) -> None:
    """Raises OperandError for a mask that is a value: how many elements it selects depends on the numbers."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Traced) and part.dtype.kind == "b":
            raise OperandError(
                "compile: how many elements a mask selects depends on the values, and a program is recorded for fixed "
                "shapes; use autodiff.where"
            )


def _as_tensor(x: Any) -> Any:
    """A Scalar as it enters an operation on arrays; anything else as it is."""
    from ..ops.shape import to_tensor

    return to_tensor(x) if isinstance(x, Traced) and x.stands_for_number and not x.is_plain else x


def _share(result: Any, operand: Any) -> bool:
    if not isinstance(result, np.ndarray) or not isinstance(operand, np.ndarray) or not result.size:
        return False
    return np.may_share_memory(result, operand)
