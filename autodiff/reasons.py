"""Why an operation gave NaN or infinity, in words: one row per operation, by the numbers that it was given."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .writing import number

INFIX = {"add": "+", "sub": "−", "mul": "·", "div": "/", "pow": "^", "remainder": "mod", "floor_divide": "//"}
EXPONENTIALS = {"exp": math.e, "expm1": math.e, "exp2": 2.0, "sinh": math.e, "cosh": math.e}  # and their bases


def written(op: str, parts: Sequence[str]) -> str:
    """An operation and what it is applied to: `log(0.000)`, `1.000 / 0.000`.

    >>> written("div", ["1.000", "−2.000"]), written("norm", ["x"])
    ('1.000 / (−2.000)', 'norm(x)')
    """
    if op in INFIX and len(parts) == 2:
        brackets = (op == "pow", True)  # a minus sign at the start of a sum needs none
        first, second = (
            f"({part})" if bracket and part.startswith("−") else part
            for bracket, part in zip(brackets, parts, strict=True)
        )
        return f"{first} {INFIX[op]} {second}"
    shown = [*parts[:4], "…"] if len(parts) > 5 else parts
    return f"{op}({', '.join(shown)})"


def _logarithm(bound: float) -> Callable[..., str]:
    def reason(x: float) -> str:
        return "" if x > bound else "its limit there is −∞" if x == bound else f"it has no value below {bound:g}"

    return reason


def _quotient(x: float, y: float) -> str:
    return "" if y != 0 else "0 / 0 has no value" if x == 0 else "a number is divided by 0"


def _power(x: float, y: float) -> str:
    if x == 0 and y < 0:
        return "0 to a negative power is 1 / 0"
    return "a negative number has no power that is not whole" if x < 0 and y != math.floor(y) else ""


def _within_one(x: float) -> str:
    return f"it has a value only from −1 to 1, and this is {number(abs(x) - 1)} beyond" if abs(x) > 1 else ""


REASONS: dict[str, Callable[..., str]] = {
    "log": _logarithm(0),
    "log2": _logarithm(0),
    "log10": _logarithm(0),
    "log1p": _logarithm(-1),
    "sqrt": lambda x: "a negative number has no square root" if x < 0 else "",
    "div": _quotient,
    "reciprocal": lambda x: "1 / 0 has no value" if x == 0 else "",
    "remainder": lambda x, y: "nothing can be divided by 0" if y == 0 else "",
    "floor_divide": lambda x, y: "nothing can be divided by 0" if y == 0 else "",
    "pow": _power,
    "arcsin": _within_one,
    "arccos": _within_one,
    "arctanh": lambda x: "it has a finite value only between −1 and 1" if abs(x) >= 1 else "",
    "arccosh": lambda x: "it has a value only from 1 on" if x < 1 else "",
}
WHOLE: dict[str, str] = {  # of operations that make NaN of an array whose numbers are not
    "softmax": "every number of the slice is −∞, or one is ∞: ∞ − ∞ has no value",
    "log_softmax": "every number of the slice is −∞, or one is ∞: ∞ − ∞ has no value",
    "mean": "the mean of no numbers is 0 / 0",
    "var": "too few numbers: their count less ddof is 0",
    "std": "too few numbers: their count less ddof is 0",
    "slogdet": "the matrix is singular: its determinant is 0",
    "inv": "the matrix is singular",
    "solve": "the matrix is singular",
}


def reason_of_value(op: str, value: float, numbers: Sequence[float], operands: Sequence[Any], dtype: Any) -> str:
    """Why an operation has this value that is not finite.

    numbers   the element of each operand that went into it
    operands  the operands as a whole
    """
    elementwise = len(numbers) == len(operands)
    row = REASONS.get(op)
    if row is not None and elementwise and not any(math.isnan(x) for x in numbers) and (text := row(*numbers)):
        return text
    infinite = any(np.any(np.isinf(x)) for x in operands if np.asarray(x).dtype.kind == "f")
    if math.isnan(value):
        if op in WHOLE:
            return WHOLE[op]
        return "infinities cancel: neither ∞ − ∞ nor 0 · ∞ has a value" if infinite else "it has no value there"
    if infinite:
        return "it was given an infinite number"
    if op in WHOLE and op not in ("softmax", "log_softmax", "mean", "var", "std"):
        return WHOLE[op]
    largest = float(np.finfo(dtype).max)
    if op in EXPONENTIALS:
        return f"it overflows {dtype} above {number(math.log(largest) / math.log(EXPONENTIALS[op]))}"
    return f"the result overflows {dtype}, whose largest number is {number(largest)}"


ZEROS: dict[str, str] = {  # how an operation comes to give 0
    "softmax": "which underflowed to 0",
    "exp": "which underflowed to 0",
    "sigmoid": "which underflowed to 0",
    "relu": "which is off there",
    "sub": "whose operands are equal",
    "var": "of equal numbers",
    "std": "of equal numbers",
    "norm": "of zeros",
    "sum": "which adds up to 0",
    "abs": "of 0",
    "square": "of 0, or underflowed",
    "mul": "a factor of which is 0, or which underflowed",
    "clip": "whose bound it is",
}


def reason_of_zero(op: str) -> str:
    """How an operation came to give 0; empty where that says nothing new."""
    return ZEROS.get(op, "")
