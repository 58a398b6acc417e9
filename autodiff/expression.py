"""Expressions: `"L = (relu(w*x + b) - y)**2"` becomes a recorded graph. Text is parsed, never evaluated.

Python's own parser reads the text; every node of its tree must stand in the tables below. Names, numbers, arithmetic,
indexing, comparisons, lists, and calls of the functions listed, and nothing else.
"""

import ast
import difflib
import inspect
import keyword
import math
import operator
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np

from . import linalg, ops
from .errors import AnomalyError, AutodiffError, ExpressionError
from .ops.pieces import Nested
from .origin import EXPRESSION, Source
from .primitive import NUMBERS, Primitive
from .scalar import Scalar
from .tape import Value, current, next_index, recording
from .tensor import Tensor

# Not offered: what draws numbers, what has a shorter way to write it, what takes a dtype, what takes a function.
LEFT_OUT = ("dropout", "getitem", "astype", "apply_along_axis")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(ops, name) for name in ops.__all__ if name not in LEFT_OUT},
    **{f"linalg.{name}": getattr(linalg, name) for name in linalg.__all__ if name.islower()},  # its classes are results
}
LISTS = (Sequence[Any], Nested)  # annotations of parameters that take several arrays
CONSTANTS = {"pi": math.pi, "inf": math.inf}
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: ops.add,
    ast.Sub: ops.subtract,
    ast.Mult: ops.multiply,
    ast.Div: ops.divide,
    ast.FloorDiv: ops.floor_divide,
    ast.Mod: ops.remainder,
    ast.Pow: ops.power,
    ast.MatMult: ops.matmul,
}
OPERATORS = "use + - * / // % ** @"
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
RESERVED = ("self", "operands", "name", "params", "rng", "dtype")  # parameters that are no options of an expression
MAX_LENGTH = 10_000


def parse(text: str, /, **values: Any) -> Any:
    """Record the expression with the given values; the result is a Scalar or a Tensor.

    text    an expression, `L = expression`, or several assignments separated by `;` or new lines, the last of which
            is the result. Assigned names name the nodes. Functions are those of `autodiff`, and of its `linalg` as
            `linalg.norm(x)`; their options take numbers, lists of them, True, False, None and text.
    values  number, array, Scalar or Tensor for every name the text uses; numbers become Scalars, arrays Tensors

    >>> import autodiff as ad
    >>> ad.parse("relu(w*x + b)", w=2.0, x=-1.0, b=0.5)
    Scalar(0.0)
    >>> ad.parse("sum(linalg.inv(A) @ x, axis=0)", A=[[2.0, 0.0], [0.0, 4.0]], x=[1.0, 1.0])
    Tensor(0.75)
    >>> ad.parse("__import__('os')")
    Traceback (most recent call last):
    autodiff.errors.ExpressionError: "__import__('os')": '__import__' is not a function; use one of abs, add, ...

    Raises ExpressionError, which quotes the offending part.
    """
    statements = read_statements(text)
    bound: dict[str, Any] = {}
    for given, data in values.items():
        name = unicodedata.normalize("NFKC", given)  # as Python reads names in the text
        if name in bound:
            raise ExpressionError(f"{given!r} and another name are one and the same to Python, {name!r}; give it once")
        bound[name] = _input(name, data)
    inputs = list(bound)
    try:
        for statement in statements:
            target, expression = _split(statement, text)
            value = Reader(text, bound).record(expression, target)
            if target is not None:
                if target in bound:
                    raise ExpressionError(f"{_short(text)}: {target!r} is assigned, but it already has a value")
                bound[target] = value
    except RecursionError:
        raise ExpressionError(f"{_short(text)}: nested too deeply") from None
    used = {node.id for statement in statements for node in _names(statement)}
    for name in inputs:
        if name not in used:
            raise ExpressionError(f"{_short(text)}: a value is given for {name!r}, which the expression does not use")
    if isinstance(value, list | tuple):
        fields = getattr(value, "_fields", ())
        pick = f".{fields[0]}" if fields else "[0]"
        raise ExpressionError(f"{_short(text)}: the result is a list of {len(value)} values; pick one with {pick}")
    return value if isinstance(value, Value) else _constant(value)


def names_in(text: str) -> list[str]:
    """The names that need a value, in order of appearance. Raises ExpressionError as `parse` does.

    >>> names_in("L = w*x + b")
    ['w', 'x', 'b']
    """
    needed: list[str] = []
    assigned: set[str] = set()
    for statement in read_statements(text):
        target, expression = _split(statement, text)
        for node in sorted(_names(expression), key=lambda n: (n.lineno, n.col_offset)):
            if node.id not in assigned and node.id not in needed and node.id not in CONSTANTS:
                needed.append(node.id)
        if target is not None:
            assigned.add(target)
    return needed


def _names(tree: ast.AST) -> Iterator[ast.Name]:
    """The names that stand for values: all but those of the functions called."""
    called = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Call) for inner in _function_parts(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called:
            yield node


def _function_parts(call: ast.Call) -> list[ast.expr]:
    """`f` of `f(x)`; `a.f` and `a` of `a.f(x)`; nothing where a function is called that has no such name."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return [call.func, call.func.value]
    return [call.func] if isinstance(call.func, ast.Name) else []


def read_expression(text: str) -> ast.expr:
    """The syntax tree of one expression without a name, for a `Reader`. Raises ExpressionError."""
    statement, *more = read_statements(text)
    target, expression = _split(statement, text)
    if more or target is not None:
        raise ExpressionError(f"{_short(text)}: write one expression, without ';' and '='; equality is ==")
    return expression


def read_statements(text: str) -> list[ast.stmt]:
    """The syntax trees of expressions and assignments; nothing in them is run. Raises ExpressionError."""
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is text such as 'w*x + b', got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{_short(text)}: {len(text)} characters are more than the {MAX_LENGTH} allowed")
    try:
        with warnings.catch_warnings():  # Python's hints, such as that `1if` is deprecated, are about programs
            warnings.simplefilter("ignore")
            statements = ast.parse(text.strip()).body
    except SyntaxError as error:
        part = (error.text or text).strip()
        at = f" at {_place(text, error.lineno or 1, error.offset - 1)}" if error.offset else ""
        raise ExpressionError(f"{_short(part)}: {error.msg}{at}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ExpressionError(f"{_short(text)}: {reason or 'nested too deeply'}") from None
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
    try:
        with recording(source=False):  # the line that called the parser made no input
            if isinstance(value, NUMBERS):
                return Scalar(value, name=name)
            array = np.asarray(value)
            return Tensor(array, name=name, dtype=float if array.dtype.kind in "iub" else None)
    except (AutodiffError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ExpressionError(f"{name}: a {type(value).__name__} is no number or array of numbers: {reason}") from error


def _constant(value: Any) -> Value:
    kind: Any = Scalar if np.ndim(value) == 0 else Tensor
    constant: Value = kind(value, requires_grad=False)
    return constant


class Reader:
    """Reads one expression: a method per kind of tree node. Whatever stands in neither table is refused.

    kinds      the method for each kind of node of Python's syntax tree
    functions  the functions that can be called, by name
    """

    kinds: ClassVar[Mapping[type[ast.expr], Callable[..., Any]]]
    functions: ClassVar[Mapping[str, Callable[..., Any]]] = FUNCTIONS

    def __init__(self, text: str, bound: Mapping[str, Any]) -> None:
        self.text, self.bound = text, bound

    def record(self, node: ast.expr, name: str | None = None) -> Any:
        """The value of an expression. One that it makes, and does not only pass on, gets the name."""
        since = next_index()
        pending = []
        while isinstance(node, ast.BinOp):  # a long sum leans to the left: walk down it without recursion
            pending.append(node)
            node = node.left
        value = self.follow(node, since)
        while pending:
            value = self.follow(pending.pop(), since, value)
        if name is not None and isinstance(value, Value) and value.index > since:
            value.name = name
        return value

    def follow(self, node: ast.expr, since: int, *left: Any) -> Any:
        """The value of one node of the tree; an operator is given that of its left side."""
        method = self.kinds.get(type(node))
        if method is None:
            raise self.refuse(node, "is not allowed in an expression")
        try:
            value = method(self, node, *left)
        except (ExpressionError, AnomalyError):
            raise
        except (AutodiffError, ValueError, TypeError, IndexError, MemoryError, OverflowError) as error:
            raise self.refuse(node, " ".join(str(error).split())) from None
        if isinstance(value, Value) and value.index > since and (attention := current.get().source) and attention.lines:
            value.source = self.source(node)
        return value

    def refuse(self, node: ast.expr, reason: str) -> ExpressionError:
        part, text = self.as_typed(self.segment(node)), self.as_typed(self.text)
        short = len(text) <= 60 and text.count(part) == 1
        at = "" if short else f" at {_place(self.text, node.lineno, self.column(node))}"
        return ExpressionError(f"{_short(part)}{at}: {reason}")

    def as_typed(self, text: str) -> str:
        """A part of the text as the person wrote it: for a reader that was given a notation of its own translated."""
        return text

    def source(self, node: ast.expr) -> Source:
        """Where a node of the tree stands in the text."""
        part, context = self.segment(node), self.text.strip()
        end_line = node.end_lineno or node.lineno
        end_column = _characters(context, end_line, node.end_col_offset or 0)
        column = self.column(node)
        return Source(EXPRESSION, node.lineno, part, " ".join(part.split()), column, end_line, end_column, context)

    def segment(self, node: ast.AST) -> str:
        text = self.text.strip()
        return ast.get_source_segment(text, node) or text

    def column(self, node: ast.expr) -> int:
        """Characters to the left of a node in its line; the tree counts bytes."""
        return _characters(self.text.strip(), node.lineno, node.col_offset)

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
        hint = "is a function: call it" if node.id in self.functions else f"has no value: give {node.id}=..."
        raise self.refuse(node, hint)

    def binary(self, node: ast.BinOp, left: Any) -> Any:
        function = BINARY.get(type(node.op))
        if function is None:
            power = "; a power is written **" if isinstance(node.op, ast.BitXor) else ""
            raise self.refuse(node, f"this operator is not allowed; {OPERATORS}{power}")
        return self.finite(node, function(_joined(left), _joined(self.record(node.right))))

    def unary(self, node: ast.UnaryOp) -> Any:
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self.refuse(node, f"this operator is not allowed; {OPERATORS}")
        operand = _joined(self.record(node.operand))
        if isinstance(node.op, ast.UAdd):
            return operand
        return ops.negative(operand) if isinstance(operand, Value) else -operand

    def compare(self, node: ast.Compare) -> Any:
        function = COMPARE.get(type(node.ops[0]))
        if len(node.ops) != 1 or function is None:
            raise self.refuse(node, "compare two values with one of < <= > >= == !=")
        return function(_joined(self.record(node.left)), _joined(self.record(node.comparators[0])))

    def call(self, node: ast.Call) -> Any:
        parts = _function_parts(node)
        function_name = ast.unparse(parts[0]) if parts else self.segment(node.func)
        function = self.functions.get(function_name)
        if not parts or function is None:
            raise self.unknown(node)
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "starred arguments are not allowed")
        parameters = inspect.signature(function).parameters
        options: dict[str, Any] = {}
        for option in node.keywords:
            if option.arg is None or option.arg in RESERVED or option.arg not in parameters:
                raise self.refuse(node, f"{function_name} takes no option {option.arg!r}")
            kind = parameters[option.arg].annotation
            is_operand = kind in (Any, *LISTS)
            value = self.argument(option.value, kind) if is_operand else self.literal(option.value, text=True)
            options[option.arg] = value
        kinds = [p.annotation for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        first_option = len(node.args) if isinstance(function, Primitive) else 0 if function_name == "einsum" else 1
        arguments = [
            self.argument(argument, kind, literal=position >= first_option)
            for position, (argument, kind) in enumerate(zip_longest(node.args, kinds[: len(node.args)]))
        ]
        return self.finite(node, function(*arguments, **options))

    def unknown(self, node: ast.Call) -> ExpressionError:
        """That what is called is no function, and which one may be meant."""
        parts = _function_parts(node)
        name = ast.unparse(parts[0]) if parts else self.segment(node.func)
        near = difflib.get_close_matches(name, self.functions, 1)
        some = sorted(self.functions)
        listed = ", ".join(some[:20]) + (", …" if len(some) > 20 else "")
        hint = f"did you mean {near[0]}?" if near else f"use one of {listed}"
        return self.refuse(node, f"{_short(name)} is not a function; {hint}")

    def argument(self, node: ast.expr, kind: Any = Any, *, literal: bool = True) -> Any:
        """A value; or None, True, False or text, which are options given by position.

        kind  the parameter's annotation: a list of arrays stays one, and so do nested lists
        """
        if literal and isinstance(node, ast.Constant) and isinstance(node.value, bool | str | None):
            return node.value
        value = self.record(node)
        if kind not in LISTS or not isinstance(value, list | tuple):
            return _joined(value)
        return value if kind is Nested else [_joined(item) for item in value]

    def attribute(self, node: ast.Attribute) -> Any:
        """A field of what a function such as linalg.eigh returns."""
        if isinstance(node.value, ast.Name) and f"{node.value.id}.{node.attr}" in FUNCTIONS:
            raise self.refuse(node, "is a function: call it")
        if isinstance(node.value, ast.Call | ast.Name):
            value = self.record(node.value)
            if isinstance(value, tuple) and node.attr in getattr(value, "_fields", ()):
                return getattr(value, node.attr)
        raise self.refuse(node, "is not allowed in an expression")

    def subscript(self, node: ast.Subscript) -> Any:
        value, index = self.record(node.value), self.index(node.slice)
        if isinstance(value, list | tuple):  # what a function such as split returns
            if type(index) is not int:
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
        return self.record(node) if isinstance(node, ast.Compare) else self.literal(node)

    def sequence(self, node: ast.List | ast.Tuple) -> Any:
        items = [self.record(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)

    def literal(self, node: ast.expr, *, text: bool = False) -> Any:
        """Numbers, None, True and False, and lists and tuples of them; a string only where `text` is an option."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | None | (str if text else int)):
            return node.value
        if isinstance(node, ast.Name) and node.id in CONSTANTS and node.id not in self.bound:
            return CONSTANTS[node.id]
        if isinstance(node, ast.List | ast.Tuple):
            items = [self.literal(item) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            number = self.literal(node.operand)
            if type(number) in (int, float):
                return -number if isinstance(node.op, ast.USub) else number
        raise self.refuse(node, "only plain numbers and lists of them are allowed here")

    def finite(self, node: ast.expr, value: Any) -> Any:
        """Arithmetic on literal numbers alone must not overflow: `9**9**9` is a mistake, not an infinity."""
        if not isinstance(value, Value | list | tuple) and not np.all(np.isfinite(value)):
            raise self.refuse(node, "is not a finite number")
        return value


Reader.kinds = {
    ast.Constant: Reader.constant,
    ast.Name: Reader.name,
    ast.BinOp: Reader.binary,
    ast.UnaryOp: Reader.unary,
    ast.Compare: Reader.compare,
    ast.Call: Reader.call,
    ast.Attribute: Reader.attribute,
    ast.Subscript: Reader.subscript,
    ast.List: Reader.sequence,
    ast.Tuple: Reader.sequence,
}


def _joined(value: Any) -> Any:
    """A list that holds recorded values as one Tensor, so that each gets its gradient; anything else as it is."""
    if not isinstance(value, list | tuple) or not _holds_values(value):
        return value
    return ops.stack([_joined(item) for item in value])


def _holds_values(value: Any) -> bool:
    return any(map(_holds_values, value)) if isinstance(value, list | tuple) else isinstance(value, Value)


def _characters(text: str, line: int, offset: int) -> int:
    """A column of a line of the text in characters; the tree counts bytes."""
    return len(re.split("\r\n|\r|\n", text)[line - 1].encode()[:offset].decode(errors="replace"))


def _place(text: str, line: int, column: int) -> str:
    """A place in the text, for people: lines and columns count from 1, and include the space the text begins with."""
    before = text[: len(text) - len(text.lstrip())]
    column += len(before.rpartition("\n")[2]) if line == 1 else 0
    line += before.count("\n")
    return f"line {line}, column {column + 1}" if "\n" in text.strip() else f"column {column + 1}"


def _short(text: str) -> str:
    """The quoted text, cut to one readable line."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
