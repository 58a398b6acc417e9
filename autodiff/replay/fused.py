"""A step that does several elementwise ones in a single pass over their arrays, by a kernel of machine code."""

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from ..fusion import Call, Form, Formula, Line, Operand, Result, kernel_of
from ..fusion.llvm_text import OF_ROWS
from .fusible import DTYPES, LABELS, Member, form_of
from .program import Program, Slot, Step


class Fused:
    """What such a step runs: `(*operands, out=arrays)` fills the arrays and returns them.

    formula  what is computed for each number
    name     what it is called in the source
    rows     of the table that the arrays are; of a flat formula the number of places
    columns  of it
    items    the positions of numbers that are arrays
    over     the positions of operands that a result may be written over
    """

    def __init__(
        self,
        formula: Formula,
        name: str,
        rows: int,
        columns: int,
        items: tuple[int, ...],
    ) -> None:
        self.formula, self.name, self.rows, self.columns = formula, name, rows, columns
        forms = [operand.form for operand in formula.operands]
        self.over = tuple(k for k, form in enumerate(forms) if form is Form.EACH)
        self._arrays = tuple(k for k, form in enumerate(forms) if form is not Form.NUMBER)
        self._numbers = tuple(k for k, form in enumerate(forms) if form is Form.NUMBER and k not in items)
        self._items = items

    @cached_property
    def _call(self) -> Call:
        return Call(kernel_of(self.formula))

    def __call__(self, *operands: Any, out: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        call = self._call
        words, numbers = call.words, call.numbers
        for k in self._arrays:
            words[k] = id(operands[k])
        for k in self._numbers:
            numbers[k] = operands[k]
        for k in self._items:
            numbers[k] = operands[k].item()
        k = len(operands)
        for x in out:
            words[k] = id(x)
            k += 1
        call.run(0, self.rows, self.columns)
        return out


def fused_step(members: Sequence[Member], columns: int, written: set[int], program: Program) -> Step:
    """The step that does these.

    columns  of the table that their arrays are
    written  the results that somebody else reads
    """
    draft = _Draft(members[0].shape, program)
    for member in members:
        draft.add(member, written)
    formula = draft.formula()
    rows = prod(members[0].shape)
    rows, columns = (rows, 1) if formula.is_flat else (rows // columns, columns)
    steps = tuple(member.step for member in members)
    name = "_".join(dict.fromkeys(step.name for step in steps))
    run = Fused(formula, name, rows, columns, tuple(draft.items))
    return Step("call", run, tuple(draft.args), {}, tuple(draft.outs), fused=steps)


class _Draft:
    """A formula in the making. Operand k has the place k, line k the place -1 - k: their number is not known yet."""

    def __init__(self, shape: tuple[int, ...], program: Program) -> None:
        self._shape, self._specs = shape, program.specs
        self._places: dict[Any, int] = {}
        self._operands: list[Operand] = []
        self._lines: list[Line] = []
        self._results: list[Result] = []
        self._columns: int | None = None  # where they are written out one by one
        self.args: list[Any] = []  # the operands as arguments of the step
        self.items: list[int] = []  # those that are arrays of one number
        self.outs: list[int] = []

    def add(self, member: Member, written: set[int]) -> None:
        (out,) = member.step.outs
        places = tuple(self._place(x, dtype) for x, dtype in zip(member.args, member.dtypes, strict=True))
        if member.operation == "sum":
            self._results.append(Result(places[0], Form.ROW))
            self.outs.append(out)
            return
        self._lines.append(Line(member.operation, places, member.dtype))
        self._places[Slot, out] = place = -len(self._lines)
        is_of_rows = member.operation in OF_ROWS
        self._columns = self._shape[1] if is_of_rows else self._columns
        if out in written:
            self._results.append(Result(place, Form.COLUMN if is_of_rows else Form.EACH))
            self.outs.append(out)

    def _place(self, x: Any, dtype: str) -> int:
        spec = self._specs[x] if isinstance(x, Slot) else None
        is_array = spec is not None and spec.dtype is not None
        key: Any = (Slot, int(x)) if is_array else (type(x), repr(x), dtype)
        if key not in self._places:
            form: Form | None = Form.NUMBER
            if spec is not None and spec.dtype is not None:
                form = Form.COLUMN if dtype == LABELS else form_of(spec, self._shape)[0]
                dtype = DTYPES.get(spec.dtype, dtype)
                if form is Form.NUMBER:
                    self.items.append(len(self.args))
            assert form is not None
            self._places[key] = len(self.args)
            self.args.append(x)
            self._operands.append(Operand(form, dtype))
        return self._places[key]

    def formula(self) -> Formula:
        def value(place: int) -> int:
            return place if place >= 0 else len(self._operands) - 1 - place

        lines = (line._replace(args=tuple(map(value, line.args))) for line in self._lines)
        results = (result._replace(value=value(result.value)) for result in self._results)
        return Formula(tuple(self._operands), tuple(lines), tuple(results), self._columns)
