"""A step that does several elementwise ones in a single pass over their arrays, by a kernel of machine code."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..fusion import Call, Form, Formula, kernel_of
from .program import InvalidError, Spec


class Fused:
    """What such a step runs: `(*operands, out=arrays)` fills the arrays and returns them.

    formula  what is computed for each number
    name     what it is called in the source
    rows     of the table that the arrays are; of a flat formula the number of places
    columns  of it
    unsure   how the operands have to be, by position, of which only a look at them can tell
    items    the positions of numbers that are arrays
    over     the positions of operands that a result may be written over
    """

    def __init__(
        self,
        formula: Formula,
        name: str,
        rows: int,
        columns: int,
        unsure: Mapping[int, Spec],
        items: tuple[int, ...],
    ) -> None:
        self.formula, self.name, self.rows, self.columns = formula, name, rows, columns
        self.over = tuple(k for k, operand in enumerate(formula.operands) if operand.form is Form.EACH)
        self._unsure, self._items = tuple(unsure.items()), items
        self._arrays = tuple(k for k, operand in enumerate(formula.operands) if operand.form is not Form.NUMBER)
        self._numbers = tuple(
            k for k, operand in enumerate(formula.operands) if operand.form is Form.NUMBER and k not in items
        )

    @cached_property
    def _call(self) -> Call:
        return Call(kernel_of(self.formula))

    def __call__(self, *operands: Any, out: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        for k, spec in self._unsure:
            if Spec.of(operands[k]) != spec:
                raise InvalidError
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
