"""Conditions such as `|g| > 10` or `value < 0 and |g| == 0`: parsed with an allow-list like expressions, never run.

A comparison of arrays is made number by number; a condition holds if it holds for any. `all(g > 0)` asks for all.
"""

import ast
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import ExpressionError
from autodiff.expression import COMPARE, Reader, read_expression

from ..numbers import norm
from .state import NAMES, State

BARS = re.compile(r"\|([^|]*)\|")


def _norm(x: Any) -> float:
    return norm(x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
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
        self._code = BARS.sub(r"abs(\1)", self.text)
        if "|" in self._code:
            raise ExpressionError(f"{self.text!r}: a | is left over; an absolute value is written |g|")
        self._tree = read_expression(self._code)
        names = {n.id for n in ast.walk(self._tree) if isinstance(n, ast.Name)} & NAMES.keys()
        self.is_backward_only = any(NAMES[name][2] for name in names)
        _Tester(self._code, _PROBE).record(self._tree)  # what is wrong with it is said now, not at some step

    def __call__(self, state: State) -> bool:
        """Whether it holds. What asks for a gradient does not hold in the forward pass."""
        if state.is_forward and self.is_backward_only:
            return False
        with np.errstate(all="ignore"):
            return _truth(_Tester(self._code, state).record(self._tree))


def value_of(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression over numbers and arrays: for `print`, and for the answers of a quiz.

    >>> value_of("2*w*x", {"w": 3.0, "x": 2.0})
    12.0

    Raises ExpressionError.
    """
    code = BARS.sub(r"abs(\1)", text.strip())
    with np.errstate(all="ignore"):
        return _Calculator(code, names).record(read_expression(code))


class _Calculator(Reader):
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


class _Tester(_Calculator):
    """Tests: also `and`, `or`, `not`, and chains such as 0 < value < 1."""

    functions = FUNCTIONS

    def call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in FUNCTIONS and (len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred)):
            raise self.refuse(node, f"{name} takes one value")
        return super().call(node)

    def both(self, node: ast.BoolOp) -> Any:
        combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return reduce(lambda a, b: _combined(combine, a, b), [self.record(value) for value in node.values])

    def unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return not _truth(self.record(node.operand))
        return super().unary(node)

    def compare(self, node: ast.Compare) -> Any:
        sides = [self.record(side) for side in (node.left, *node.comparators)]
        tests = []
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if type(operator) not in COMPARE:
                raise self.refuse(node, "compare with one of < <= > >= == !=")
            tests.append(COMPARE[type(operator)](left, right))
        return reduce(lambda a, b: _combined(np.logical_and, a, b), tests)


_Calculator.kinds = {**Reader.kinds, ast.Name: _Calculator.name, ast.Call: _Calculator.call}
_TESTED: dict[type[ast.expr], Callable[..., Any]] = {
    ast.Call: _Tester.call,
    ast.BoolOp: _Tester.both,
    ast.UnaryOp: _Tester.unary,
    ast.Compare: _Tester.compare,
}
_LEFT_OUT = (ast.List, ast.Tuple, ast.Attribute, ast.Subscript)  # what conditions have no use for
_Tester.kinds = {kind: way for kind, way in {**_Calculator.kinds, **_TESTED}.items() if kind not in _LEFT_OUT}
_PROBE = {name: 1 if name in ("step", "size") else np.float64(1.0) for name in NAMES}


def _combined(combine: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Number by number where two tests are of the same shape, else as truth values."""
    return combine(a, b) if np.shape(a) == np.shape(b) else combine(_truth(a), _truth(b))


def _truth(x: Any) -> bool:
    return bool(np.any(x))
