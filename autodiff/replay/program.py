"""A program: what a function computed and did, as a list of steps on numbered slots. Plain data.

A slot holds an array, or one of Python's numbers. A step reads slots and writes others; each slot is written once.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np


class InvalidError(Exception):
    """The program does not hold for the numbers that it met. Never seen outside `replay`."""


class Slot(int):
    """The number of a slot, where it stands among the arguments of a step."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"v{int(self)}"


class Spec(NamedTuple):
    """What a slot holds. A number has no dtype and no strides."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    strides: tuple[int, ...]

    @classmethod
    def of(cls, data: Any) -> "Spec":
        if isinstance(data, np.ndarray | np.generic):
            return cls(data.shape, data.dtype, data.strides)
        return cls((), None, ())

    @property
    def nbytes(self) -> int:
        """How many bytes the elements have; 0 for a number."""
        return 0 if self.dtype is None else math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return "number" if self.dtype is None else f"{self.dtype}{list(self.shape)}"


class Kind(NamedTuple):
    """What is true of all steps of a kind.

    pure     the same operands give the same result, and nothing else happens: it may be left out or done once
    mutates  it changes something that cannot be put back, so that the function cannot be run again instead
    """

    pure: bool
    mutates: bool = False


KINDS = {
    "operation": Kind(pure=True),  # a primitive
    "call": Kind(pure=True),  # a NumPy function of plain data
    "read": Kind(pure=False),  # the data of a leaf that the function closes over, as it is now
    "gradient": Kind(pure=False),  # its .grad
    "attribute": Kind(pure=False),  # an array that an object keeps
    "draw": Kind(pure=False),  # random numbers
    "guard": Kind(pure=False),  # a truth value that must be what it was
    "finite": Kind(pure=False),  # arrays that must be finite
    "store": Kind(pure=False, mutates=True),  # into a leaf's .grad
    "effect": Kind(pure=False, mutates=True),  # a call that changes live objects
    "note": Kind(pure=False, mutates=True),  # one that changes its own object alone
    "reset": Kind(pure=False),  # one that may be done again
    "absent": Kind(pure=False),  # a leaf whose .grad must be None
    "again": Kind(pure=False),  # a mark: what follows is not to be taken from before it
}
ROOTS = {
    "guard",
    "finite",
    "store",
    "effect",
    "note",
    "reset",
    "absent",
    "draw",
    "again",
}  # what is done even if nobody reads what it gives


@dataclass(frozen=True, eq=False)
class Step:
    """One step.

    kind     of `KINDS`
    run      a Primitive, a function, a leaf, ...: what it is that runs, reads or is read
    args     the operands, with a `Slot` in place of each value, in nested tuples and lists too
    options  by name, in the same way
    outs     the slots that it writes; more than one where the result is a tuple
    number   whether an operation is done on Python's numbers
    fused    the steps that it stands for, in order, where a kernel does several in one pass
    """

    kind: str
    run: Any
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    outs: tuple[int, ...] = ()
    number: bool = False
    fused: tuple["Step", ...] = ()

    @property
    def reads(self) -> tuple[int, ...]:
        """The slots among the operands, in order, each as often as it is there."""
        return tuple(slots_in((self.args, self.options)))

    @property
    def name(self) -> str:
        """What it is called in a listing."""
        return str(getattr(self.run, "name", None) or getattr(self.run, "__name__", None) or type(self.run).__name__)

    @property
    def full_name(self) -> str:
        """The same, of a ufunc's own method with the ufunc: `add.reduce`."""
        owner: Any = getattr(self.run, "__self__", None)
        return f"{owner.__name__}.{self.name}" if hasattr(owner, "__name__") else self.name


@dataclass(frozen=True, eq=False)
class Program:
    """A recorded function.

    steps      in the order in which they were recorded
    specs      of every slot
    inputs     the slots of the arguments, in order
    constants  what stands in slots that no step writes
    outputs    the slots of the result
    shares     the slot whose memory a slot shows another way, for views
    parts      the slots that are parts of a tuple that a step gives
    """

    steps: tuple[Step, ...]
    specs: dict[int, Spec]
    inputs: tuple[int, ...]
    constants: dict[int, Any]
    outputs: tuple[int, ...]
    shares: dict[int, int]
    parts: frozenset[int] = frozenset()

    def with_steps(self, steps: list[Step]) -> "Program":
        """The same program done in other steps."""
        return replace(self, steps=tuple(steps))


def slots_in(tree: Any) -> Iterator[int]:
    """The slots in nested tuples, lists and dicts, in order."""
    if isinstance(tree, Slot):
        yield int(tree)
    elif isinstance(tree, tuple | list):
        for item in tree:
            yield from slots_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from slots_in(item)


def changed(tree: Any, change: Callable[[Slot], Any]) -> Any:
    """The tree with something else in place of each slot."""
    if isinstance(tree, Slot):
        return change(tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(changed(item, change) for item in tree))
    if type(tree) in (tuple, list):
        return type(tree)(changed(item, change) for item in tree)
    if type(tree) is dict:
        return {key: changed(item, change) for key, item in tree.items()}
    return tree
