"""A formula: what is computed for each number of some arrays of one shape. Plain data, equal if it does the same.

The arrays lie in C order and are seen as tables of rows and columns; a vector is one row.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np

# What NumPy calls the dtypes of numbers is what formulas call them.
FLOATS = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}


class Form(Enum):
    """How an array goes with the table that a formula works on."""

    EACH = "a number for each place"
    ROW = "a number for each column"
    COLUMN = "a number for each row"
    NUMBER = "one number"


class Operand(NamedTuple):
    """What a formula reads. The dtypes are "f4", "f8", "b1" and "i8"; a number has the one that it is rounded to."""

    form: Form
    dtype: str


class Line(NamedTuple):
    """An operation, by its name in `llvm_text`; values are numbered through: operands first, then lines."""

    operation: str
    args: tuple[int, ...]
    dtype: str


class Result(NamedTuple):
    """A value that is written: for each place; or (form COLUMN) for each row, if it is the same in all its columns; or
    (form ROW) its sum over the rows, added up from the first on.
    """

    value: int
    form: Form = Form.EACH


class Formula(NamedTuple):
    """Operands, the lines that are computed from them in order, and which values are written.

    columns  how many there are, where a line takes all numbers of a row together; else any number
    """

    operands: tuple[Operand, ...]
    lines: tuple[Line, ...]
    results: tuple[Result, ...]
    columns: int | None = None

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Of all values."""
        return (*(operand.dtype for operand in self.operands), *(line.dtype for line in self.lines))

    @property
    def is_flat(self) -> bool:
        """Whether rows and columns make no difference."""
        forms = {operand.form for operand in self.operands} | {result.form for result in self.results}
        return self.columns is None and forms.isdisjoint({Form.ROW, Form.COLUMN})
