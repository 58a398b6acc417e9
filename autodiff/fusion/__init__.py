"""Elementwise formulas as machine code: many of NumPy's passes over arrays done in one, with the same bits.

Read `formula` for what a formula is, `llvm_text` for how it is written as a loop, `machine_code` for how that is
compiled and called, and `tracing` for how a formula is read off NumPy code that updates arrays in place.
"""

from .formula import FLOATS, Form, Formula, Line, Operand, Result
from .machine_code import Call, Calls, Kernel, is_available, kernel_of
from .tracing import NotElementwiseError, Traced, traced

__all__ = [
    "FLOATS",
    "Call",
    "Calls",
    "Form",
    "Formula",
    "Kernel",
    "Line",
    "NotElementwiseError",
    "Operand",
    "Result",
    "Traced",
    "is_available",
    "kernel_of",
    "traced",
]
