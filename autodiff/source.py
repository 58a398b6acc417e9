"""Sources: what a command differentiates, an expression or `FILE.py:FUNCTION`, with the values of its names.

An expression is only parsed. A function's file is a person's own program, and is run.
"""

import importlib.util
import inspect
import json
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import AutodiffError, SourceError
from .expression import parse
from .scalar import Scalar
from .tensor import Tensor


class Recorder:
    """A source and the values of its names. Calling it records the graph, with other values where they are given."""

    def __init__(self, function: Callable[..., Any], values: dict[str, Any]) -> None:
        self.function, self.values = function, values

    def __call__(self, **values: Any) -> Any:
        with np.errstate(all="ignore"):  # NaN and infinity are shown, and need no warning besides
            return self.function(**(self.values | values))


def read_source(source: str, assignments: Sequence[str] = ()) -> Recorder:
    """The recorder for a source and its NAME=VALUE texts.

    source       an expression, as `parse` takes it, or FILE.py:FUNCTION
    assignments  one text per name: a number, a JSON list of numbers, or @FILE.npy

    >>> read_source("w * x", ["w=2", "x=[1, 2]"])()
    Tensor([2., 4.])

    Raises SourceError, or ExpressionError when the expression is recorded.
    """
    values = _values(assignments)
    place = re.fullmatch(r"(.+\.py)(?::(\w*))?", source)
    if place is None:
        return Recorder(lambda **given: parse(source, **given), values)
    path, name = Path(place[1]), place[2] or ""
    function = _function(path, name)
    _check_values(f"{path}:{name}", function, values)
    return Recorder(lambda **given: _call(path, function, given), values)


def _function(path: Path, name: str) -> Callable[..., Any]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    module = _run(path)
    functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
    if name not in functions:
        own = [key for key in functions if getattr(module, key).__module__ == module.__name__]
        wrong = f"no function {name!r}" if name else "name a function, as in FILE.py:FUNCTION"
        raise SourceError(f"{path}: {wrong}; it has {', '.join(own) or 'none'}")
    function: Callable[..., Any] = getattr(module, name)
    return function


def _run(path: Path) -> ModuleType:
    """The module in a file, which may import its neighbours."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SourceError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise SourceError(_blame(path, error)) from error
    return module


def _check_values(place: str, function: Callable[..., Any], values: dict[str, Any]) -> None:
    parameters = inspect.signature(function).parameters
    for key in values:
        if key not in parameters:
            raise SourceError(f"{place}: has no parameter {key!r}; it takes {', '.join(parameters) or 'none'}")
    for key, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if required and key not in values:
            raise SourceError(f"{place}: give a value for {key}, as in {key}=0.5")


def _call(path: Path, function: Callable[..., Any], values: dict[str, Any]) -> Any:
    try:
        result = function(**{name: _named(name, value) for name, value in values.items()})
    except AutodiffError:
        raise
    except (Exception, SystemExit) as error:
        raise SourceError(_blame(path, error)) from error
    if not isinstance(result, Scalar | Tensor):
        raise SourceError(f"{path}:{function.__name__}: must return a Scalar or a Tensor, got {type(result).__name__}")
    return result


def _named(name: str, value: Any) -> Any:
    """The Scalar or Tensor that a function is called with; a value that is recorded already stays."""
    if isinstance(value, Scalar | Tensor):
        return value
    return Scalar(value, name=name) if isinstance(value, int | float) else Tensor(value, name=name, dtype=float)


def _blame(path: Path, error: BaseException) -> str:
    """One line about an exception in a person's own file: the line of the file that was running, and what happened."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == path.resolve()
    ]
    if isinstance(error, SyntaxError) and error.lineno:
        lines = [error.lineno]
    return f"{path}{f':{lines[-1]}' if lines else ''}: {type(error).__name__}: {error}"


def _values(assignments: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise SourceError(f"{assignment!r}: write NAME=VALUE, such as w=0.5")
        if name in values:
            raise SourceError(f"{assignment!r}: {name} already has a value")
        values[name] = _value(name, text.strip())
    return values


def _value(name: str, text: str) -> Any:
    """A number, a JSON list of numbers, or the array in an .npy file."""
    if text.startswith("@"):
        return _array_in(name, text)
    try:
        return np.array(json.loads(text), dtype=float) if text.startswith("[") else float(text)
    except (ValueError, TypeError, RecursionError):
        allowed = "a number, a JSON list of numbers with rows of one length, or @FILE.npy"
        raise SourceError(f"{name}={text}: not {allowed}") from None


def _array_in(name: str, text: str) -> np.ndarray:
    try:
        array = np.load(text[1:], allow_pickle=False)
    except FileNotFoundError as error:
        raise SourceError(f"{name}={text}: no such file") from error
    except (OSError, ValueError, EOFError) as error:
        raise SourceError(f"{name}={text}: not an .npy file of numbers ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise SourceError(f"{name}={text}: must hold one array of real numbers")
    return array.astype(float)
