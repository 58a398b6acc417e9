"""Pass: elementwise steps on arrays of one shape, and sums of them over the rows, become one step that fuses them.

What only they read is not put into memory at all. A group is done where its last step stood, so each value that it
reads is there by then; it takes in no more steps once one outside reads what it computes, or something is changed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..fusion import Form, Formula, Line, Operand, Result, is_available
from ..fusion.llvm_text import COMPARISONS, OF_TRUTH, OPERATIONS
from . import kernels
from .fused import Fused
from .program import Program, Slot, Spec, Step

LEAST = 1024  # numbers that a group computes, of all its steps: compiling it takes as long as computing them 10⁴ times
SMALL = 4096  # numbers of an array of which the cache holds many: such steps are fused even if nothing connects them
MOST_LINES = 48  # in one kernel: the time to compile it grows faster than its length
TRUTH = np.dtype(np.bool_)
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8", TRUTH: "b1"}
LABELS = "i8"  # the dtype of what names a column for each row
# NumPy's functions of truth values, and those of `kernels`.
NAMES: dict[Any, str] = {
    np.bitwise_and: "logical_and",
    np.bitwise_or: "logical_or",
    np.bitwise_xor: "logical_xor",
    np.invert: "logical_not",
    kernels.where_into: "where",
    kernels.cast_into: "cast",
    kernels.copy_into: "cast",
    kernels.SUM: "sum",
    kernels.less_one: "less_one",
}


class _Member(NamedTuple):
    """A step that can be fused: the shape it works on, and the columns where its operands need them."""

    operation: str
    shape: tuple[int, ...]
    columns: int | None


@dataclass
class _Group:
    shape: tuple[int, ...]
    columns: int | None
    members: list[int] = field(default_factory=list)
    reads: set[int] = field(default_factory=set)
    made: set[int] = field(default_factory=set)

    def may_take(self, member: _Member) -> bool:
        return (
            member.shape == self.shape
            and len(self.members) < MOST_LINES
            and (member.columns is None or self.columns is None or member.columns == self.columns)
        )

    def take(self, number: int, step: Step, member: _Member) -> None:
        self.members.append(number)
        self.reads |= set(step.reads)
        self.made |= set(step.outs)
        self.columns = self.columns or member.columns


def fused(program: Program) -> Program:
    """The program with the groups as steps of their own, where this processor has kernels."""
    if not is_available():
        return program
    groups = [group for group in _groups(program) if _is_worth_it(group)]
    readers: dict[int, list[int]] = {}
    for number, step in enumerate(program.steps):
        for slot in step.reads:
            readers.setdefault(slot, []).append(number)
    last = {group.members[-1]: group for group in groups}
    inside = {number for group in groups for number in group.members}
    surely = _sure(program)
    steps: list[Step] = []
    for number, step in enumerate(program.steps):
        if number in last:
            steps.append(_fused_step(last[number], program, readers, surely))
        elif number not in inside:
            steps.append(step)
    return program.with_steps(steps)


def _is_worth_it(group: _Group) -> bool:
    return len(group.members) > 1 and len(group.members) * prod(group.shape) >= LEAST


def _groups(program: Program) -> list[_Group]:
    done: list[_Group] = []
    opened: list[_Group] = []
    for number, step in enumerate(program.steps):
        if step.kind in ("effect", "note", "reset"):
            done += opened
            opened = []
            continue
        reads = set(step.reads)
        makers = [group for group in opened if not group.made.isdisjoint(reads)]
        member = _member(step, program)
        chosen = _chosen(member, makers, opened, step, program) if member else None
        for group in makers:
            if group is not chosen:
                opened.remove(group)
                done.append(group)
        if member is not None:
            if chosen is None:
                chosen = _Group(member.shape, member.columns)
                opened.append(chosen)
            chosen.take(number, step, member)
    return done + opened


def _chosen(member: _Member, makers: list[_Group], opened: list[_Group], step: Step, program: Program) -> _Group | None:
    """The open group that a step joins: one that makes what it reads, else one that reads the same."""
    if makers:
        return next((group for group in reversed(makers) if group.may_take(member)), None)
    arrays = {slot for slot in step.reads if program.specs[slot].shape == member.shape}
    is_small = prod(member.shape) <= SMALL
    return next(
        (group for group in reversed(opened) if group.may_take(member) and (is_small or arrays & group.reads)), None
    )


def _member(step: Step, program: Program) -> _Member | None:
    """What a step is to a group, if it can be in one."""
    if step.kind != "call" or len(step.outs) != 1 or step.number:
        return None
    operation = _operation(step.run)
    if operation is None:
        return None
    specs, out = program.specs, program.specs[step.outs[0]]
    if operation == "sum":
        return _sum(step, specs)
    if operation == "less_one":
        return _less_one(step, specs)
    if step.options or prod(out.shape) < 2 or not _lies_in_order(out) or not _have_dtypes(operation, step, program):
        return None
    columns: int | None = None
    for x in step.args:
        spec = specs[x] if isinstance(x, Slot) else None
        if spec is None or spec.dtype is None:
            continue
        form, wide = _form(spec, out.shape)
        if form is None or not _lies_in_order(spec) or (wide and columns and wide != columns):
            return None
        columns = columns or wide
    return _Member(operation, out.shape, columns)


def _operation(run: Any) -> str | None:
    """What a function is called in formulas, if it is one of theirs."""
    if isinstance(run, np.ufunc) and run not in NAMES:
        name = run.__name__
        return name if name in OPERATIONS and getattr(np, name, None) is run else None
    return NAMES.get(run) if callable(run) and type(run).__hash__ is not None else None


def _sum(step: Step, specs: dict[int, Spec]) -> _Member | None:
    """A sum over the rows; it is added up in the same order as NumPy does where there is more than one column."""
    (x,) = step.args
    spec = specs[x] if isinstance(x, Slot) else None
    if spec is None or spec.dtype is None or spec.dtype.kind != "f" or spec.dtype not in DTYPES:
        return None
    columns = prod(spec.shape[1:])
    is_over_rows = step.options.get("axis") in (0, (0,)) and set(step.options) <= {"axis", "keepdims"}
    if not is_over_rows or len(spec.shape) < 2 or spec.shape[0] < 2 or columns < 2:
        return None
    out = specs[step.outs[0]]
    if out.dtype != spec.dtype or not _lies_in_order(spec) or not _lies_in_order(out):
        return None
    return _Member("sum", spec.shape, columns)


def _less_one(step: Step, specs: dict[int, Spec]) -> _Member | None:
    """One less in the column that is given for each row."""
    x, _, labels = step.args
    given, out = specs[labels] if isinstance(labels, Slot) else None, specs[step.outs[0]]
    if given is None or given.dtype != np.int64 or given.shape != out.shape[:1] or len(out.shape) != 2:
        return None
    is_like = isinstance(x, Slot) and specs[x] == out and out.dtype in (np.float32, np.float64)
    if not is_like or not (_lies_in_order(out) and _lies_in_order(given)) or out.shape[1] < 2 or out.shape[0] < 2:
        return None
    return _Member("less_one", out.shape, out.shape[1])


def _have_dtypes(operation: str, step: Step, program: Program) -> bool:
    """Whether the dtypes are such that a kernel does what NumPy does."""
    arrays = [program.specs[x].dtype for x in step.args if isinstance(x, Slot) and program.specs[x].dtype is not None]
    numbers = [x for x in step.args if not isinstance(x, Slot) or program.specs[x].dtype is None]
    out = program.specs[step.outs[0]].dtype
    if not all(dtype in DTYPES for dtype in (*arrays, out)) or not all(map(_is_plain, _values(numbers, program))):
        return False
    if operation == "cast":
        return not numbers
    if operation == "where":
        condition = step.args[0]
        is_mask = isinstance(condition, Slot) and program.specs[condition].dtype == TRUTH
        return is_mask and out != TRUTH and all(dtype == out for dtype in arrays[1:])
    if operation in OF_TRUTH:
        return not numbers and {*arrays, out} == {TRUTH}
    kinds = set(arrays)
    is_float = len(kinds) == 1 and TRUTH not in kinds
    return is_float and (out == TRUTH if operation in COMPARISONS else out in kinds)


def _values(numbers: list[Any], program: Program) -> list[Any]:
    """What numbers are, of those known beforehand; the others are floats."""
    return [program.constants.get(x, 0.0) if isinstance(x, Slot) else x for x in numbers]


def _is_plain(x: Any) -> bool:
    return type(x) is float or (type(x) is int and abs(x) <= 2**53)


def _lies_in_order(spec: Spec) -> bool:
    """Whether the elements lie in C order without gaps."""
    assert spec.dtype is not None
    expected = spec.dtype.itemsize
    for n, stride in zip(reversed(spec.shape), reversed(spec.strides), strict=True):
        if n != 1 and stride != expected:
            return False
        expected *= n
    return True


def _form(spec: Spec, shape: tuple[int, ...]) -> tuple[Form | None, int | None]:
    """How an array goes with a table of a shape, and how many columns that then has."""
    own = (1,) * (len(shape) - len(spec.shape)) + spec.shape
    if own == shape:
        return Form.EACH, None
    if prod(own) == 1:
        return Form.NUMBER, None
    for k in range(1, len(shape)):
        if own[k:] == shape[k:] and prod(own[:k]) == 1:
            return Form.ROW, prod(shape[k:])
        if own[:k] == shape[:k] and prod(own[k:]) == 1:
            return Form.COLUMN, prod(shape[k:])
    return None, None


def _sure(program: Program) -> Callable[[int], bool]:
    """Whether an array is certain to be as its spec says: made by NumPy's functions, or looked at each time."""
    arguments = {*program.inputs, *program.constants}
    made = {out: step for step in program.steps for out in step.outs}

    def is_sure(slot: int) -> bool:
        step = made.get(slot)
        return slot in arguments or (step is not None and (step.kind in ("read", "draw") or _is_filled(step)))

    def _is_filled(step: Step) -> bool:
        return step.kind == "call" and kernels.takes_out(step.run)

    return is_sure


def _fused_step(group: _Group, program: Program, readers: dict[int, list[int]], surely: Callable[[int], bool]) -> Step:
    steps = [program.steps[number] for number in group.members]
    members = set(group.members)
    # What nobody outside reads is not written.
    written = [
        step.outs[0]
        for step in steps
        if step.outs[0] in program.outputs or not members.issuperset(readers.get(step.outs[0], ()))
    ]
    operands: dict[Any, int] = {}
    forms: list[Operand] = []
    args: list[Any] = []
    items: list[int] = []
    unsure: dict[int, Spec] = {}

    def operand(x: Any, dtype: str) -> int:
        is_array = isinstance(x, Slot) and program.specs[x].dtype is not None
        key = (int(x) if isinstance(x, Slot) else (type(x), repr(x)), isinstance(x, Slot), None if is_array else dtype)
        if key not in operands:
            operands[key] = len(forms)
            args.append(x)
            if is_array:
                spec = program.specs[x]
                form, _ = _form(spec, group.shape) if dtype != LABELS else (Form.COLUMN, None)
                assert form is not None
                assert spec.dtype is not None
                if form is Form.NUMBER:
                    items.append(len(forms))
                elif not surely(x):
                    unsure[len(forms)] = spec
                forms.append(Operand(form, DTYPES.get(spec.dtype, LABELS)))
            else:
                forms.append(Operand(Form.NUMBER, dtype))
        return operands[key]

    drafts = list(_drafts(steps, program, operand))
    value = {-1 - k: k for k in range(len(forms))}
    lines: list[Line] = []
    results: list[Result] = []
    for out, operation, given, dtype in drafts:
        places = tuple(value[-1 - x] if kind == "operand" else value[x] for kind, x in given)
        if operation == "sum":
            results.append(Result(places[0], Form.ROW))
            continue
        value[out] = len(forms) + len(lines)
        lines.append(Line(operation, places, dtype))
        if out in written:
            results.append(Result(value[out]))
    outs = tuple(out for out, operation, _, _ in drafts if operation == "sum" or out in written)
    formula = Formula(tuple(forms), tuple(lines), tuple(results))
    columns = 1 if formula.is_flat else group.columns or 1
    name = "_".join(dict.fromkeys(step.name for step in steps))
    run = Fused(formula, name, prod(group.shape) // columns, columns, unsure, tuple(items))
    return Step("call", run, tuple(args), {}, outs, fused=tuple(steps))


Draft = tuple[int, str, list[tuple[str, int]], str]


def _drafts(steps: list[Step], program: Program, operand: Callable[[Any, str], int]) -> Iterator[Draft]:
    """(slot, operation, operands as ("operand", place) or ("slot", slot), dtype) of each step."""
    made: set[int] = set()
    for step in steps:
        (out,) = step.outs
        spec, member = program.specs[out], _member(step, program)
        assert spec.dtype is not None
        assert member is not None
        args = step.args[:1] if member.operation == "less_one" else step.args
        of = [program.specs[x].dtype for x in args if isinstance(x, Slot) and program.specs[x].dtype is not None]
        kind = DTYPES[spec.dtype] if member.operation == "where" or not of else DTYPES[of[-1]]
        given = [
            ("slot", int(x)) if isinstance(x, Slot) and int(x) in made else ("operand", operand(x, kind)) for x in args
        ]
        if member.operation == "less_one":
            given.append(("operand", operand(step.args[2], LABELS)))
        yield out, member.operation, given, DTYPES[spec.dtype]
        made.add(out)
