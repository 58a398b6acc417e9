"""Sources: what a command differentiates, an expression or `FILE.py:FUNCTION`, with the values of its names.

An expression is only parsed. A function's file is a person's own program, and is run.
"""

import importlib.util
import inspect
import json
import linecache
import math
import re
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import AutodiffError, SourceError
from .expression import parse
from .scalar import Scalar
from .tape import recording
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

    source       an expression, as `parse` takes it, or FILE.py:FUNCTION. The file is run as a module of its own, next
                 to which it may import; what it prints goes to stderr.
    assignments  one text per name: a number, a JSON list of numbers, or @FILE.npy

    >>> read_source("w * x", ["w=2", "x=[1, 2]"])()
    Tensor([2., 4.])

    Raises SourceError, or ExpressionError when the expression is recorded.
    """
    values = _values(assignments)
    place = re.fullmatch(r"(.+\.py)(?::(.*))?", source)
    if place is None:
        return Recorder(lambda **given: parse(source, **given), values)
    path, name = Path(place[1]), place[2] or ""
    function = _function(path, name)
    _check_values(f"{path}:{name}", function, values)
    return Recorder(lambda **given: _call(path, name, function, given), values)


def _function(path: Path, name: str) -> Callable[..., Any]:
    if not path.is_file():
        raise SourceError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    module = _run(path)
    value = vars(module).get(name)
    if not callable(value) or inspect.isclass(value):
        wrong = f"no function {name!r}" if name else "name a function, as in FILE.py:FUNCTION"
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        functions = [key for key in own if inspect.isfunction(getattr(module, key))]
        raise SourceError(f"{path}: {wrong}; it has {', '.join(functions) or 'none'}")
    for kind, description in _UNFIT.items():
        if getattr(inspect, kind)(value):
            raise SourceError(
                f"{path}:{name}: is {description}; write a plain function that returns a Scalar or Tensor"
            )
    function: Callable[..., Any] = value
    return function


_UNFIT = {
    "iscoroutinefunction": "an async function",
    "isasyncgenfunction": "an async generator",
    "isgeneratorfunction": "a generator",
}


def _run(path: Path) -> ModuleType:
    """The module in a file, which may import its neighbours."""
    # Not under the file's own name, which may be that of a module in use. Dataclasses and pickle look the module up.
    name = f"chainlens_{re.sub(r'[^a-zA-Z0-9_]', '_', path.stem)}"
    loader = SourceFileLoader(name, str(path.resolve()))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    linecache.checkcache(loader.path)
    try:
        # From its text: a cached .pyc leaves files behind, and misses a change within the same second.
        with _at_home(path):
            exec(loader.source_to_code(loader.get_data(loader.path), loader.path), vars(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and whatever else a person's own program raises
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise SourceError(_blame(path, error)) from error
    return module


@contextmanager
def _at_home(path: Path) -> Iterator[None]:
    """Run a person's own code: its neighbours can be imported, and what it prints does not mix with our output."""
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if folder in sys.path:  # the code may have changed it
            sys.path.remove(folder)


def _check_values(place: str, function: Callable[..., Any], values: dict[str, Any]) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError) as error:
        raise SourceError(f"{place}: its parameters are not known; write a plain function that calls it") from error
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in values:
        if key not in named and not takes_any:
            raise SourceError(f"{place}: has no parameter {key!r}; it takes {', '.join(named) or 'none'}")
    for key, parameter in named.items():
        if parameter.default is parameter.empty and key not in values:
            raise SourceError(f"{place}: give a value for {key}, as in {key}=0.5")


def _call(path: Path, name: str, function: Callable[..., Any], values: dict[str, Any]) -> Any:
    try:
        with recording(source=False):  # the line that calls the function made no input
            given = {key: _named(key, value) for key, value in values.items()}
        arguments = []  # by position as far as possible: what `ad.grad` returns differentiates positional arguments
        for p in inspect.signature(function).parameters.values():
            if p.kind is p.POSITIONAL_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and p.name in given):
                arguments.append(given.pop(p.name, p.default))
            else:
                break
        with _at_home(path):
            result = function(*arguments, **given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise SourceError(_blame(path, error)) from error
    if inspect.iscoroutine(result):
        result.close()  # or Python complains that nobody awaited it
    if not isinstance(result, Scalar | Tensor):
        raise SourceError(f"{path}:{name}: must return a Scalar or a Tensor, got {type(result).__name__}")
    return result


def _named(name: str, value: Any) -> Any:
    """The Scalar or Tensor that a function is called with; a value that is recorded already stays."""
    if isinstance(value, Scalar | Tensor):
        return value
    with recording(source=False):  # no line of the file made it
        return Scalar(value, name=name) if isinstance(value, int | float) else Tensor(value, name=name, dtype=float)


def _blame(path: Path, error: BaseException) -> str:
    """One line about an exception in a person's own file: the line of the file that was running, and what happened."""
    own = str(path.resolve())
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if _is_file(frame.f_code.co_filename, own)]
    try:
        reason = " ".join(str(error).split())
    except Exception as unprintable:  # a person's own exception class may fail to say what it is
        reason = f"its message cannot be shown, {type(unprintable).__name__}"
    if isinstance(error, SyntaxError) and error.lineno and _is_file(error.filename or own, own):
        lines, reason = [error.lineno], str(error.msg)
    if len(reason) > 300:
        reason = f"{reason[:297]}..."
    parts = [f"{path}:{lines[-1]}" if lines else f"{path}"]
    if not isinstance(error, AutodiffError):  # those say what they are about themselves
        parts.append(type(error).__name__)
    return ": ".join([*parts, reason] if reason else parts)


def _is_file(name: str, own: str) -> bool:
    return name == own or (not name.startswith("<") and str(Path(name).resolve()) == own)


def _values(assignments: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = unicodedata.normalize("NFKC", name.strip())  # as Python reads names
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
    shown = f"{name}={text if len(text) <= 60 else f'{text[:57]}...'}"
    try:
        if not text.startswith("["):
            return _number(text)
        numbers = json.loads(text, parse_int=_number, parse_float=_number)
        if not _only_numbers(numbers):
            raise TypeError("null, true, false, texts and objects are no numbers")
        return np.array(numbers, dtype=float)
    except OverflowError:
        raise SourceError(f"{shown}: a number is too large for a floating-point number") from None
    except (ValueError, TypeError, RecursionError):
        allowed = "a number, a JSON list of numbers with rows of one length, or @FILE.npy"
        raise SourceError(f"{shown}: not {allowed}") from None


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise OverflowError(text)
    return number


def _only_numbers(tree: Any) -> bool:
    return all(map(_only_numbers, tree)) if isinstance(tree, list) else type(tree) is float


def _array_in(name: str, text: str) -> np.ndarray:
    """The numbers in an .npy file, as float64. Its header is not believed: the file must be as long as it says."""
    path = Path(text[1:])
    shown = f"{name}={text}"
    try:
        if path.is_dir():
            raise SourceError(f"{shown}: is a folder")
        with path.open("rb") as file, np.errstate(over="raise"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise ValueError(f"format version {version}")
            shape, fortran, dtype = _HEADERS[version](file, max_header_size=10_000)
            if dtype.kind not in "fiub":
                raise SourceError(f"{shown}: must hold one array of real numbers, got dtype {dtype}")
            size = math.prod(shape) * dtype.itemsize
            data = file.read()
            if min(shape, default=0) < 0 or len(data) != size:
                raise ValueError(f"its header says {size} bytes of numbers, it has {len(data)}")
            array = np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")
            return array.astype(float)
    except FileNotFoundError as error:
        raise SourceError(f"{shown}: no such file") from error
    except OSError as error:
        raise SourceError(f"{shown}: cannot be read: {error.strerror or error}") from error
    except AutodiffError:
        raise
    except Exception as error:  # NumPy's reader of headers raises whatever a wrong header leads to
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SourceError(f"{shown}: not an .npy file of numbers ({reason})") from error


_HEADERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
