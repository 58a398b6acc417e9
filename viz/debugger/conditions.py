"""Conditions such as `|g| > 10` or `value < 0 and |g| == 0`: parsed with an allow-list like expressions, never run.

A comparison of arrays is made number by number; a condition holds if it holds for any. `all(g > 0)` asks for all.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import AutodiffError, ExpressionError
from autodiff.expression import BINARY, COMPARE, OPERATORS, Reader, read_expression

from ..numbers import norm
from .state import NAMES, State

BARS = re.compile(r"\|([^|]*)\|")
OPEN, CLOSE = "abs\t(", "\t)"  # |g| for Python, told from what is typed, in which all space is single blanks

Reading = Callable[[Mapping[str, Any]], Any]  # what a part of a condition is, given the state


def _norm(x: Any) -> float:
    return norm(x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "norm": _norm,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "any": np.any,
    "all": np.all,
    "max": lambda x: np.max(x, initial=-np.inf),
    "min": lambda x: np.min(x, initial=np.inf),
    "sum": np.sum,
    "mean": lambda x: np.mean(x) if np.size(x) else np.nan,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
}


class Condition:
    """A condition on the state at a step.

    >>> import autodiff as ad
    >>> trace = ad.backprop(ad.Scalar(3.0, name="w") ** 2)
    >>> [Condition("|g| > 5 and value < 4")(State(trace, position)) for position in (1, 2)]
    [False, True]

    Raises ExpressionError, which quotes the part that is not allowed.
    """

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        code, tree = _read(self.text)
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & NAMES.keys()
        self.is_backward_only = any(NAMES[name][2] for name in names)
        self._test: Reading = _Tester(code, {}).record(tree)
        self._holds(_PROBE)  # what is wrong with it is said now, not at some step

    def __call__(self, state: State) -> bool:
        """Whether it holds. What asks for a gradient does not hold in the forward pass."""
        return not (state.is_forward and self.is_backward_only) and self._holds(state)

    def _holds(self, state: Mapping[str, Any]) -> bool:
        try:
            with np.errstate(all="ignore"):
                return _truth(self._test(state))
        except (AutodiffError, ValueError, TypeError, ArithmeticError, MemoryError, RecursionError) as error:
            raise ExpressionError(f"{self.text!r}: {' '.join(str(error).split())}") from None


def value_of(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression over numbers and arrays: for `print`, and for the answers of a quiz.

    >>> value_of("2*w*x", {"w": 3.0, "x": 2.0})
    12.0

    Raises ExpressionError.
    """
    code, tree = _read(" ".join(text.split()))
    with np.errstate(all="ignore"):
        return _Calculator(code, names).record(tree)


def _read(text: str) -> tuple[str, ast.expr]:
    """The text as Python reads it, and its tree."""
    code = BARS.sub(lambda bars: f"{OPEN}{bars[1]}{CLOSE}", text)
    if "|" in code:
        raise ExpressionError(f"{text!r}: a | is left over; an absolute value is written |g|")
    try:
        return code, read_expression(code)
    except ExpressionError as error:
        if code == text:
            raise
        reason = str(error).rpartition(": ")[2].partition(" at column")[0]
        raise ExpressionError(f"{text!r}: {reason}") from None


class _Typed(Reader):
    """Quotes absolute values with their bars."""

    def as_typed(self, text: str) -> str:
        return text.replace(OPEN, "|").replace(CLOSE, "|")

    def column(self, node: ast.expr) -> int:
        return len(self.as_typed(self.text[: super().column(node)]))


class _Calculator(_Typed):
    """Computes on plain numbers and arrays. An infinity is a result like any other here."""

    functions: ClassVar[Mapping[str, Callable[..., Any]]] = {**FUNCTIONS, **Reader.functions}

    def finite(self, node: ast.expr, value: Any) -> Any:
        return value

    def name(self, node: ast.Name) -> Any:
        if node.id in self.bound or node.id in ("pi", "inf"):
            return super().name(node)
        known = ", ".join([*self.bound][:20]) or "none"
        raise self.refuse(node, f"is not known here; the names are {known}")

    def call(self, node: ast.Call) -> Any:
        """A function of conditions where it is given one value; else, if there is one, that of expressions."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        is_plain = len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred)
        if name in FUNCTIONS and is_plain:
            return FUNCTIONS[name](self.record(node.args[0]))
        if name in FUNCTIONS and name not in Reader.functions:
            raise self.refuse(node, f"{name} takes one value")
        return super().call(node)


class _Tester(_Typed):
    """Reads a test into a function of the state: a search asks it a hundred thousand times."""

    functions = FUNCTIONS

    def constant(self, node: ast.Constant) -> Reading:
        value = super().constant(node)
        return lambda state: value

    def name(self, node: ast.Name) -> Reading:
        if node.id in ("pi", "inf"):
            value = super().name(node)
            return lambda state: value
        if node.id not in NAMES:
            raise self.refuse(node, f"is not known here; the names are {', '.join(NAMES)}")
        key = node.id

        def look_up(state: Mapping[str, Any]) -> Any:
            found = state[key]
            return np.float64(found) if type(found) is float else found  # 1/0 is an infinity then, and no error

        return look_up

    def binary(self, node: ast.BinOp, left: Reading) -> Reading:
        function = BINARY.get(type(node.op))
        if function is None:
            raise self.refuse(node, f"this operator is not allowed; {OPERATORS}")
        right = self.record(node.right)
        return lambda state: function(left(state), right(state))

    def unary(self, node: ast.UnaryOp) -> Reading:
        function = UNARY.get(type(node.op))
        if function is None:
            raise self.refuse(node, f"this operator is not allowed; {OPERATORS}")
        operand: Reading = self.record(node.operand)
        return lambda state: function(operand(state))

    def call(self, node: ast.Call) -> Reading:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise self.unknown(node)
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise self.refuse(node, f"{name} takes one value")
        function, operand = FUNCTIONS[name], self.record(node.args[0])
        return lambda state: function(operand(state))

    def both(self, node: ast.BoolOp) -> Reading:
        combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        tests = [self.record(value) for value in node.values]
        return lambda state: reduce(lambda a, b: _combined(combine, a, b), [test(state) for test in tests])

    def compare(self, node: ast.Compare) -> Reading:
        sides = [self.record(side) for side in (node.left, *node.comparators)]
        if not all(type(sign) in COMPARE for sign in node.ops):
            raise self.refuse(node, "compare with one of < <= > >= == !=")
        tests = [
            _comparison(COMPARE[type(sign)], left, right)
            for sign, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        if len(tests) == 1:
            return tests[0]
        return lambda state: reduce(lambda a, b: _combined(np.logical_and, a, b), [test(state) for test in tests])


_Calculator.kinds = {**Reader.kinds, ast.Name: _Calculator.name, ast.Call: _Calculator.call}
_Tester.kinds = {  # lists, fields and subscripts are left out: conditions have no use for them
    ast.Constant: _Tester.constant,
    ast.Name: _Tester.name,
    ast.BinOp: _Tester.binary,
    ast.UnaryOp: _Tester.unary,
    ast.Compare: _Tester.compare,
    ast.Call: _Tester.call,
    ast.BoolOp: _Tester.both,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: lambda x: not _truth(x),
}
_PROBE = {name: 1 if name in ("step", "size") else np.float64(1.0) for name in NAMES}


def _comparison(compare: Callable[[Any, Any], Any], left: Reading, right: Reading) -> Reading:
    return lambda state: compare(left(state), right(state))


def _combined(combine: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Number by number where two tests are of the same shape, else as truth values."""
    return combine(a, b) if np.shape(a) == np.shape(b) else combine(_truth(a), _truth(b))


def _truth(x: Any) -> bool:
    return bool(x) if isinstance(x, bool | np.bool_) else bool(np.any(x))
