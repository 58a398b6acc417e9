"""Which steps can be fused: elementwise ones that a kernel does with NumPy's bits, and sums over rows."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..fusion import FLOATS, Form
from ..fusion.llvm_text import COMPARISONS, MOST_COLUMNS, OF_TRUTH, OPERATIONS
from . import kernels
from .program import Program, Slot, Spec, Step

TRUTH = np.dtype(np.bool_)
DTYPES = {**FLOATS, TRUTH: "b1"}
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
    kernels.MAX: "row_max",
    kernels.less_one: "less_one",
}


class Member(NamedTuple):
    """A step that can be fused.

    operation  its name in formulas, or "sum", over the rows
    args       its operands there
    dtypes     what they are in formulas; what is not an array is read as a number of that dtype
    dtype      of the result
    shape      of the table that it works on
    columns    of it, where an operand or the result makes a difference between rows and columns
    """

    step: Step
    operation: str
    args: tuple[Any, ...]
    dtypes: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...]
    columns: int | None


def member_of(step: Step, program: Program) -> Member | None:
    """What a step is to a group, if it can be in one."""
    operation = _operation(step.run) if step.kind == "call" and len(step.outs) == 1 and not step.number else None
    if operation is None:
        return None
    if operation in SPECIAL:
        return SPECIAL[operation](step, program.specs)
    specs, out = program.specs, program.specs[step.outs[0]]
    if step.options or prod(out.shape) < 2 or not _lies_in_order(out):
        return None
    dtypes = _dtypes(operation, step, program)
    if dtypes is None:
        return None
    columns: int | None = None
    for x in step.args:
        spec = specs[x] if isinstance(x, Slot) else None
        if spec is not None and spec.dtype is not None:
            form, wide = form_of(spec, out.shape)
            if form is None or not _lies_in_order(spec) or (wide and columns and wide != columns):
                return None
            columns = columns or wide
    return Member(step, operation, step.args, dtypes[:-1], dtypes[-1], out.shape, columns)


def _operation(run: Any) -> str | None:
    """What a function is called in formulas, if it is one of theirs."""
    if isinstance(run, np.ufunc) and run not in NAMES:
        name = run.__name__
        return name if name in OPERATIONS and getattr(np, name, None) is run else None
    return NAMES.get(run) if callable(run) and type(run).__hash__ is not None else None


def _sum(step: Step, specs: dict[int, Spec]) -> Member | None:
    """A sum over the rows; it is added up in the same order as NumPy does where there is more than one column."""
    (x,) = step.args
    spec, out = specs[x], specs[step.outs[0]]
    is_over_rows = step.options.get("axis") in (0, (0,)) and set(step.options) <= {"axis", "keepdims"}
    if not is_over_rows or not _is_table(spec) or out.dtype != spec.dtype or not _lies_in_order(out):
        return None
    dtype = DTYPES[spec.dtype]
    return Member(step, "sum", (x,), (dtype,), dtype, spec.shape, prod(spec.shape[1:]))


def _sum_or_row_sum(step: Step, specs: dict[int, Spec]) -> Member | None:
    return _sum(step, specs) or _of_row("row_sum", step, specs)


def _row_max(step: Step, specs: dict[int, Spec]) -> Member | None:
    return _of_row("row_max", step, specs)


def _of_row(operation: str, step: Step, specs: dict[int, Spec]) -> Member | None:
    """One number for each row of a table with few columns, kept as a column."""
    (x,) = step.args
    spec, out = specs[x], specs[step.outs[0]]
    is_of_rows = step.options.get("axis") in (1, (1,)) and step.options.get("keepdims") is True
    if not is_of_rows or len(step.options) > 2 or len(spec.shape) != 2 or not _is_table(spec):
        return None
    if spec.shape[1] > MOST_COLUMNS or out.dtype != spec.dtype or not _lies_in_order(out):
        return None
    dtype = DTYPES[spec.dtype]
    return Member(step, operation, (x,), (dtype,), dtype, spec.shape, spec.shape[1])


def _less_one(step: Step, specs: dict[int, Spec]) -> Member | None:
    """One less in the column that is given for each row."""
    x, _, labels = step.args
    out, given = specs[step.outs[0]], specs[labels] if isinstance(labels, Slot) else None
    if not _is_table(out) or len(out.shape) != 2 or specs[x] != out or given is None:
        return None
    if given.dtype != np.int64 or given.shape != out.shape[:1] or not _lies_in_order(given):
        return None
    dtype = DTYPES[out.dtype]
    return Member(step, "less_one", (x, labels), (dtype, LABELS), dtype, out.shape, out.shape[1])


def _is_table(spec: Spec) -> bool:
    """Whether it is of floats, in C order, with more than one row and more than one column."""
    is_float = spec.dtype is not None and spec.dtype.kind == "f" and spec.dtype in DTYPES
    return is_float and len(spec.shape) > 1 and min(spec.shape[0], prod(spec.shape[1:])) > 1 and _lies_in_order(spec)


SPECIAL = {"sum": _sum_or_row_sum, "row_max": _row_max, "less_one": _less_one}


def _dtypes(operation: str, step: Step, program: Program) -> tuple[str, ...] | None:
    """The dtypes of the operands and of the result, if a kernel does what NumPy does with them."""
    given = [program.specs[x].dtype if isinstance(x, Slot) else None for x in step.args]
    numbers = [x for x, dtype in zip(step.args, given, strict=True) if dtype is None]
    arrays = [dtype for dtype in given if dtype is not None]
    out = program.specs[step.outs[0]].dtype
    if not all(dtype in DTYPES for dtype in (*arrays, out)) or not all(map(_is_plain, _values(numbers, program))):
        return None
    if operation == "cast":
        suits = not numbers
    elif operation == "where":
        suits = given[0] == TRUTH and out != TRUTH and all(dtype in (out, None) for dtype in given[1:])
    elif operation in OF_TRUTH:
        suits = not numbers and {*arrays, out} == {TRUTH}
    else:
        is_float = len(set(arrays)) == 1 and arrays[0] != TRUTH
        suits = is_float and out == (TRUTH if operation in COMPARISONS else arrays[0])
    if not suits:
        return None
    of = out if operation == "where" else arrays[0]
    return tuple(DTYPES[of if dtype is None else dtype] for dtype in (*given, out))


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


def form_of(spec: Spec, shape: tuple[int, ...]) -> tuple[Form | None, int | None]:
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
