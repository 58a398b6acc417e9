"""Where the debugger stops: at an operation, a node, a scope, a line of the source, at NaN, at zero, at a condition."""

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError, SettingError

from .conditions import Condition
from .nodes import find
from .state import State

Test = Callable[[State], bool]


@dataclass(frozen=True)
class Breakpoint:
    """A place to stop: its number, what was asked for, what that means in words, and the test."""

    number: int
    text: str
    words: str
    test: Test


def stop_at(trace: BackwardTrace, text: str) -> tuple[str, Test]:
    """What a text asks for, in words, and the test for it.

    text  nan, inf, zero, `scope NAME`, the name of an operation or of a node, FILE:LINE, or a condition

    Raises SettingError or ExpressionError if it is none of these.
    """
    text = text.strip()
    if text in KEYWORDS:
        return KEYWORDS[text]
    first, _, rest = text.partition(" ")
    if first == "scope":
        return _in_scope(trace, rest.strip())
    place = re.fullmatch(r"(.*):(\d+)", text)
    if place:
        return _at_line(trace, place[1], int(place[2]))
    if text in {node.op for node in trace.graph.nodes}:
        return f"operation {text}", lambda state: state.node.op == text
    try:
        id = find(trace, text)
    except AutodiffError as unknown:
        return _condition(trace, text, unknown)
    return f"node #{id}, {text}", lambda state: state.node.id == id


def _condition(trace: BackwardTrace, text: str, unknown: AutodiffError) -> tuple[str, Test]:
    if not re.fullmatch(r"[\w.]+", text):
        return f"where {text}", Condition(text)
    operations = sorted({node.op for node in trace.graph.nodes if not node.is_leaf})
    near = difflib.get_close_matches(text, [*operations, *KEYWORDS, *trace.graph.names], 1)
    hint = f"did you mean {near[0]}?" if near else f"its operations are {', '.join(operations[:20])}"
    raise SettingError(f"{text!r} is neither an operation nor a node of this graph; {hint}") from unknown


def _in_scope(trace: BackwardTrace, scope: str) -> tuple[str, Test]:
    scopes = sorted({node.scope for node in trace.graph.nodes if node.scope})
    if not any(name == scope or name.startswith(f"{scope}/") for name in scopes) or not scope:
        raise SettingError(f"there is no scope {scope!r}; the scopes are {', '.join(scopes[:20]) or 'none'}")
    return f"scope {scope}", lambda state: state.node.scope == scope or state.node.scope.startswith(f"{scope}/")


def _at_line(trace: BackwardTrace, file: str, line: int) -> tuple[str, Test]:
    def test(state: State) -> bool:
        source = state.node.source
        return source is not None and source.line == line and file in (source.file, PurePath(source.file).name)

    places = {(PurePath(s.file).name, s.line) for s in (node.source for node in trace.graph.nodes) if s is not None}
    if not any(test(State(trace, 1, True, node)) for node in trace.graph.nodes):
        known = ", ".join(f"{name}:{number}" for name, number in sorted(places)[:20]) or "none"
        raise SettingError(f"nothing was recorded at {file}:{line}; the lines are {known}")
    return f"line {file}:{line}", test


def _some(of_number: Callable[[float], bool], of_array: Callable[[Any], Any]) -> Test:
    """Whether some number of the value, the gradient or a message is of a kind."""

    def is_one(x: Any) -> bool:
        return of_number(x) if type(x) is float else bool(np.any(of_array(x)))  # a long trace is one of floats

    def holds(state: State) -> bool:
        if state.is_forward or is_one(state.node.value):
            return is_one(state.node.value)
        return is_one(state.upstream) or any(is_one(pair[1]) for pair in state.pairs if pair is not None)

    return holds


def _is_silent(state: State) -> bool:
    return not np.any(state.node.value if state.is_forward else state.upstream)


KEYWORDS: dict[str, tuple[str, Test]] = {
    "nan": ("NaN in a value, a gradient or a message", _some(math.isnan, np.isnan)),
    "inf": ("an infinity in a value, a gradient or a message", _some(math.isinf, np.isinf)),
    "zero": ("a gradient that is exactly zero", _is_silent),
}
