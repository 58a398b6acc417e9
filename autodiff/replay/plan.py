"""The plan of a program: which memory each step writes into, worked out from how long each result is needed.

A result lives from the step that makes it to the last one that reads it, or reads a view of it. Its memory then serves
a later result; an elementwise step may write over an operand that nobody reads again. What leaves the program (results,
gradients of leaves) is lent: it is written over only once nobody else has it any more.
"""

import sys
from dataclasses import dataclass

import numpy as np

from ..display import Displayed
from . import kernels
from .fused import Fused
from .program import Program, Slot, Spec, Step

EXTERNAL = {"read", "gradient", "attribute"}
ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class Place:
    """Where a result is put.

    memory  the number of the block of memory
    lent    whether it leaves the program
    """

    memory: int
    lent: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Displayed):
    """A program and the memory of its results; the others are made by NumPy at each replay.

    program  the steps, after all passes
    places   of the slots that are put into memory of the plan
    blocks   the bytes of each block
    last     the step that is the last to read a slot or a view of it, by slot; absent for what leaves the program
    source   the Python function that is run
    name     what the compiled function is called
    arguments  what the inputs of the program are called, in order

    Printed, it is a table of its steps; `viz.draw` draws it.
    """

    program: Program
    places: dict[int, Place]
    blocks: tuple[int, ...]
    last: dict[int, int]
    source: str = ""
    name: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks."""
        return sum(self.blocks)

    @property
    def lent(self) -> int:
        """Bytes of what leaves the program: results, and gradients of leaves."""
        return sum(self.blocks[place.memory] for place in self.places.values() if place.lent)

    @property
    def block_count(self) -> int:
        """How many blocks stay inside the program, and serve one result after the other."""
        return len({place.memory for place in self.places.values() if not place.lent})

    @property
    def held(self) -> int:
        """Bytes of all results in these blocks: what they would take without being used again."""
        return sum(self.program.specs[slot].nbytes for slot, place in self.places.items() if not place.lent)

    def __repr__(self) -> str:
        return f"Plan({self.name or 'program'}: {len(self.program.steps)} steps, {self.nbytes} bytes)"

    def __str__(self) -> str:
        from .listing import listed  # it reads plans

        return listed(self)


def separated(program: Program) -> Program:
    """The program with copies of results that would share memory with each other, with arguments or with leaves."""
    specs, steps, taken = dict(program.specs), list(program.steps), set[int]()
    own = {out for step in steps if step.kind not in EXTERNAL for out in step.outs}

    def escaped(slot: int, at: list[Step]) -> int:
        if specs[slot].dtype is None:
            return slot
        root = root_of(program, slot)
        if root == slot and slot in own and slot not in taken:
            taken.add(slot)
            return slot
        copy = len(specs)
        specs[copy] = Spec.of(np.empty_like(_shaped_as(specs[slot])))
        at.append(Step("call", kernels.copy_into, (Slot(slot),), {}, (copy,)))
        return copy

    made: list[Step] = []
    for step in steps:
        if step.kind == "store":
            slot = escaped(step.args[0], made)
            step = Step("store", step.run, (Slot(slot),))
        made.append(step)
    outputs = tuple(escaped(slot, made) for slot in program.outputs)
    return Program(tuple(made), specs, program.inputs, program.constants, outputs, program.shares, program.parts)


def planned(program: Program) -> Plan:
    """The plan of a program."""
    leaving = {*program.outputs, *(read for step in program.steps if step.kind == "store" for read in step.reads)}
    last: dict[int, int] = {}
    for i, step in enumerate(program.steps):
        for slot in (*step.reads, *step.outs):
            last[root_of(program, slot)] = i
    for slot in leaving:
        last.pop(root_of(program, slot), None)
    places: dict[int, Place] = {}
    blocks: list[int] = []
    free: list[int] = []
    passed_on: set[int] = set()
    for i, step in enumerate(program.steps):
        for k, out in enumerate(step.outs if _is_filled(step, program) else ()):
            spec = program.specs[out]
            if out in leaving:
                places[out] = Place(len(blocks), lent=True)
                blocks.append(spec.nbytes)
            else:
                over = _written_over(step, i, program, last, places, passed_on, k)
                if over is not None:
                    places[out] = places[over]  # its memory is now that of the result
                    passed_on.add(over)
                else:
                    places[out] = Place(_block(spec.nbytes, blocks, free))
        for slot in {root_of(program, slot) for slot in (*step.reads, *step.outs)}:
            place = places.get(slot)
            if place is not None and not place.lent and last.get(slot) == i and slot not in passed_on:
                free.append(place.memory)
    return Plan(program, places, tuple(blocks), last)


def _is_filled(step: Step, program: Program) -> bool:
    """Whether a step can write into memory that it is given."""
    if step.kind == "call" and isinstance(step.run, Fused):
        return True
    spec = program.specs[step.outs[0]] if len(step.outs) == 1 else None
    if spec is None or spec.dtype is None or not _is_dense(spec):
        return False
    if step.kind == "draw":
        return True
    return step.kind == "call" and kernels.takes_out(step.run) and "out" not in step.options and bool(step.reads)


def _written_over(
    step: Step, i: int, program: Program, last: dict[int, int], places: dict[int, Place], passed_on: set[int], k: int
) -> int | None:
    """The operand whose memory result k may take: in the same form, read here for the last time, and not yet taken."""
    spec = program.specs[step.outs[k]]
    if step.kind != "call":
        return None
    for position in step.run.over if isinstance(step.run, Fused) else kernels.in_place(step.run):
        x = step.args[position]
        if not isinstance(x, Slot) or program.specs[x] != spec:
            continue
        root = root_of(program, x)
        place = places.get(root)
        if place is None or place.lent or last.get(root) != i or program.specs[root].nbytes != spec.nbytes:
            continue
        if root not in passed_on and all(read == x for read in step.reads if root_of(program, read) == root):
            return root
    return None


def _block(nbytes: int, blocks: list[int], free: list[int]) -> int:
    """A free block of about this size, or a new one."""
    fitting = [memory for memory in free if nbytes <= blocks[memory] <= 2 * nbytes + ALIGNMENT]
    if fitting:
        best = min(fitting, key=lambda memory: blocks[memory])
        free.remove(best)
        return best
    blocks.append(nbytes)
    return len(blocks) - 1


def root_of(program: Program, slot: int) -> int:
    """The slot whose memory a slot shows."""
    while slot in program.shares:
        slot = program.shares[slot]
    return slot


def _is_dense(spec: Spec) -> bool:
    """Whether the elements fill their memory, in some order of the axes."""
    assert spec.dtype is not None
    expected = spec.dtype.itemsize
    for stride, n in sorted((stride, n) for stride, n in zip(spec.strides, spec.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= n
    return True


def _shaped_as(spec: Spec) -> np.ndarray:
    return np.lib.stride_tricks.as_strided(np.empty(1, spec.dtype), spec.shape, spec.strides)


class Memory:
    """The arrays of a plan, each in its block."""

    def __init__(self, plan: Plan) -> None:
        self.blocks: dict[int, np.ndarray] = {}
        self.plan = plan

    def array(self, slot: int) -> np.ndarray:
        """The array of a slot, for good."""
        place, spec = self.plan.places[slot], self.plan.program.specs[slot]
        block = self.blocks.get(place.memory)
        if block is None:
            block = self.blocks[place.memory] = aligned(self.plan.blocks[place.memory])
        return np.ndarray(spec.shape, spec.dtype, block.data, 0, spec.strides)


def aligned(nbytes: int) -> np.ndarray:
    """Bytes that begin at a cache line."""
    block = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + max(nbytes, 1)]


class Lender:
    """Gives out an array that nobody has, and takes it back when nobody has it any more."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.arrays: list[np.ndarray] = []

    def __call__(self) -> np.ndarray:
        for array in self.arrays:
            if sys.getrefcount(array) == FREE:
                return array
        made: np.ndarray = np.empty_like(_shaped_as(self.spec))
        if len(self.arrays) < MOST:
            self.arrays.append(made)
        return made


def _count_of_free() -> int:
    """The references that an array has which is only in a list that is gone through."""
    for array in [np.empty(0)]:
        return sys.getrefcount(array)
    raise AssertionError


FREE, MOST = _count_of_free(), 3
