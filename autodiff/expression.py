"""Expressions: `"L = (relu(w*x + b) - y)**2"` becomes a recorded graph. Text is parsed, never evaluated.

Python's own parser reads the text; every node of its tree must stand in the tables below. Names, numbers, arithmetic,
indexing, comparisons inside `where`, and calls of the functions listed, and nothing else.
"""

import ast
import difflib
import inspect
import keyword
import math
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import ops
from .errors import AutodiffError, ExpressionError
from .primitive import NUMBERS
from .scalar import Scalar
from .tape import Source, Value, current, recording
from .tensor import Tensor

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(ops, name) for name in ops.__all__ if name not in ("dropout", "getitem", "astype")
}
CONSTANTS = {"pi": math.pi}
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: ops.add,
    ast.Sub: ops.subtract,
    ast.Mult: ops.multiply,
    ast.Div: ops.divide,
    ast.Pow: ops.power,
    ast.MatMult: ops.matmul,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
MAX_LENGTH = 10_000


def parse(text: str, /, **values: Any) -> Any:
    """Record the expression with the given values; the result is a Scalar or a Tensor.

    text    an expression, `L = expression`, or several assignments separated by `;` or new lines, the last of which
            is the result. Assigned names name the nodes.
    values  number, array, Scalar or Tensor for every name the text uses; numbers become Scalars, arrays Tensors

    >>> import autodiff as ad
    >>> ad.parse("relu(w*x + b)", w=2.0, x=-1.0, b=0.5)
    Scalar(0.0)
    >>> ad.parse("__import__('os')")
    Traceback (most recent call last):
    autodiff.errors.ExpressionError: "__import__('os')": '__import__' is not a function; use one of abs, add, ...

    Raises ExpressionError, which quotes the offending part.
    """
    statements = _statements(text)
    bound: dict[str, Any] = {name: _input(name, value) for name, value in values.items()}
    try:
        for statement in statements:
            target, expression = _split(statement, text)
            value = _Recorder(text, bound).record(expression, target)
            if target is not None:
                if target in bound:
                    raise ExpressionError(f"{_short(text)}: {target!r} is assigned, but it already has a value")
                bound[target] = value
    except RecursionError:
        raise ExpressionError(f"{_short(text)}: nested too deeply") from None
    names = {node.id for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name)}
    for name in values:
        if name not in names:
            raise ExpressionError(f"{_short(text)}: a value is given for {name!r}, which the expression does not use")
    if isinstance(value, list):
        raise ExpressionError(f"{_short(text)}: the result is a list of {len(value)} values; pick one with [0]")
    return value if isinstance(value, Value) else _constant(value)


def names_in(text: str) -> list[str]:
    """The names that need a value, in order of appearance. Raises ExpressionError as `parse` does.

    >>> names_in("L = w*x + b")
    ['w', 'x', 'b']
    """
    needed: list[str] = []
    assigned: set[str] = set()
    for statement in _statements(text):
        target, expression = _split(statement, text)
        called = {id(node.func) for node in ast.walk(expression) if isinstance(node, ast.Call)}
        found = [n for n in ast.walk(expression) if isinstance(n, ast.Name) and id(n) not in called]
        for node in sorted(found, key=lambda n: (n.lineno, n.col_offset)):
            if node.id not in assigned and node.id not in needed and node.id not in CONSTANTS:
                needed.append(node.id)
        if target is not None:
            assigned.add(target)
    return needed


def _statements(text: str) -> list[ast.stmt]:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{_short(text)}: {len(text)} characters are more than the {MAX_LENGTH} allowed")
    try:
        statements = ast.parse(text.strip()).body
    except SyntaxError as error:
        part = (error.text or text).strip()
        at = f" at column {error.offset}" if error.offset else ""
        raise ExpressionError(f"{_short(part)}: {error.msg}{at}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"{_short(text)}: {str(error) or 'nested too deeply'}") from None
    if not statements:
        raise ExpressionError("the expression is empty; write something like 'w*x + b'")
    return statements


def _split(statement: ast.stmt, text: str) -> tuple[str | None, ast.expr]:
    """The assigned name, if any, and the expression of a statement."""
    if isinstance(statement, ast.Expr):
        return None, statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, statement.value
    part = ast.get_source_segment(text.strip(), statement) or text
    raise ExpressionError(f"{_short(part)}: only expressions and 'name = expression' are allowed")


def _input(name: str, value: Any) -> Value:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ExpressionError(f"{name!r} is not a name; use letters, digits and _")
    if isinstance(value, Value):
        return value
    with recording(source=False):  # the line that called the parser made no input
        if isinstance(value, NUMBERS):
            return Scalar(value, name=name)
        array = np.asarray(value)
        return Tensor(array, name=name, dtype=float if array.dtype.kind in "iub" else None)


def _constant(value: Any) -> Value:
    kind: Any = Scalar if np.ndim(value) == 0 else Tensor
    constant: Value = kind(value, requires_grad=False)
    return constant


class _Recorder:
    """Records one expression: a method per kind of tree node."""

    def __init__(self, text: str, bound: Mapping[str, Any]) -> None:
        self.text, self.bound = text.strip(), bound
        self.kinds: dict[type[ast.expr], Callable[..., Any]] = {
            ast.Constant: self.constant,
            ast.Name: self.name,
            ast.BinOp: self.binary,
            ast.UnaryOp: self.unary,
            ast.Compare: self.compare,
            ast.Call: self.call,
            ast.Subscript: self.subscript,
            ast.List: self.sequence,
            ast.Tuple: self.sequence,
        }

    def record(self, node: ast.expr, name: str | None = None) -> Any:
        method = self.kinds.get(type(node))
        if method is None:
            raise self.refuse(node, "is not allowed in an expression")
        try:
            value = method(node)
        except ExpressionError:
            raise
        except (AutodiffError, ValueError, TypeError, IndexError, MemoryError, OverflowError) as error:
            raise self.refuse(node, str(error)) from None
        if isinstance(value, Value) and isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript):
            if name is not None:
                value.name = name
            if current.get().source:
                value.source = Source("expression", node.lineno, self.segment(node))
        return value

    def refuse(self, node: ast.AST, reason: str) -> ExpressionError:
        return ExpressionError(f"{_short(self.segment(node))}: {reason}")

    def segment(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.text, node) or self.text

    def constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refuse(node, "only numbers are allowed")
        if abs(node.value) > sys.float_info.max:
            raise self.refuse(node, "is too large for a floating-point number")
        return node.value

    def name(self, node: ast.Name) -> Any:
        if node.id in self.bound:
            return self.bound[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        hint = "is a function: call it" if node.id in FUNCTIONS else f"has no value: give {node.id}=..."
        raise self.refuse(node, hint)

    def binary(self, node: ast.BinOp) -> Any:
        function = BINARY.get(type(node.op))
        if function is None:
            power = "; a power is written **" if isinstance(node.op, ast.BitXor) else ""
            raise self.refuse(node, f"this operator is not allowed; use + - * / ** @{power}")
        return self.finite(node, function(self.record(node.left), self.record(node.right)))

    def unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.USub):
            operand = self.record(node.operand)
            return ops.negative(operand) if isinstance(operand, Value) else -operand
        if isinstance(node.op, ast.UAdd):
            return self.record(node.operand)
        raise self.refuse(node, "this operator is not allowed; use + - * / ** @")

    def compare(self, node: ast.Compare) -> Any:
        function = COMPARE.get(type(node.ops[0]))
        if len(node.ops) != 1 or function is None:
            raise self.refuse(node, "compare two values with one of < <= > >= == !=")
        return function(self.record(node.left), self.record(node.comparators[0]))

    def call(self, node: ast.Call) -> Any:
        function_name = self.segment(node.func)
        function = FUNCTIONS.get(function_name)
        if not isinstance(node.func, ast.Name) or function is None:
            near = difflib.get_close_matches(function_name, FUNCTIONS, 1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(FUNCTIONS))}"
            raise self.refuse(node, f"{function_name!r} is not a function; {hint}")
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "starred arguments are not allowed")
        options: dict[str, Any] = {}
        for option in node.keywords:
            if option.arg is None or option.arg in RESERVED or option.arg not in inspect.signature(function).parameters:
                raise self.refuse(node, f"{function_name} takes no option {option.arg!r}")
            options[option.arg] = self.literal(option.value)
        arguments = [self.record(argument) for argument in node.args]
        return self.finite(node, function(*arguments, **options))

    def subscript(self, node: ast.Subscript) -> Any:
        value, index = self.record(node.value), self.index(node.slice)
        if isinstance(value, list):  # what a function such as split returns
            if not isinstance(index, int):
                raise self.refuse(node, "a list is read at one whole number")
            return value[index]
        return ops.getitem(value, index)

    def index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self.index(part) for part in node.elts)
        if isinstance(node, ast.Slice):
            return slice(*(part and self.literal(part) for part in (node.lower, node.upper, node.step)))
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return Ellipsis
        return self.literal(node)

    def sequence(self, node: ast.List | ast.Tuple) -> Any:
        """A list of numbers; or of values, for functions that join several."""
        if any(isinstance(inner, ast.Name | ast.Call) for inner in ast.walk(node)):
            return [self.record(item) for item in node.elts]
        return self.literal(node)

    def literal(self, node: ast.expr) -> Any:
        """Numbers, None, True and False, and lists and tuples of them."""
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise self.refuse(node, "only plain numbers and lists of them are allowed here") from None
        if any(not isinstance(leaf, int | float | None) for leaf in _leaves(value)):
            raise self.refuse(node, "only plain numbers and lists of them are allowed here")
        return value

    def finite(self, node: ast.expr, value: Any) -> Any:
        """Arithmetic on literal numbers alone must not overflow: `9**9**9` is a mistake, not an infinity."""
        if not isinstance(value, Value | list) and not np.all(np.isfinite(value)):
            raise self.refuse(node, "is not a finite number")
        return value


RESERVED = ("self", "operands", "name", "params", "rng", "dtype")  # parameters that are no options of an expression


def _leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list | tuple) else [value]


def _short(text: str) -> str:
    """The quoted text, cut to one readable line."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
