"""The check of a compiled function: it is run both ways, and the numbers are compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ReplayError
from ..tape import Value
from ..transforms import flatten

MOST_ULPS = 4  # units in the last place; every pass so far is exact, to the last bit


def check_equal(name: str, found: Any, expected: Any) -> None:
    """Raises ReplayError that names the first number of a result that differs."""
    pairs = zip(flatten(found), flatten(expected), strict=True)
    for i, (x, y) in enumerate(pairs):
        _check(f"{name}: result {i}", _plain(x), _plain(y))


def check_changed(name: str, found: Sequence[Value], expected: Sequence[tuple[Any, Any]]) -> None:
    """Raises ReplayError that names the first live value whose data or gradient differs from those expected."""
    for i, (value, (data, grad)) in enumerate(zip(found, expected, strict=True)):
        label = value.name or f"#{i}"
        _check(f"{name}: the data of {label}", value.data, data)
        _check(f"{name}: the gradient of {label}", value.grad, grad)


def _check(what: str, found: Any, expected: Any) -> None:
    if type(found) is not type(expected) or np.shape(found) != np.shape(expected):
        raise ReplayError(f"{what} is {_described(found)} in the program, and {_described(expected)} in the function")
    if not isinstance(found, np.ndarray | np.generic | float):
        return
    a, b = np.asarray(found), np.asarray(expected)
    if a.dtype != b.dtype:
        raise ReplayError(f"{what} is of {a.dtype} in the program, and of {b.dtype} in the function")
    differs = (a != b) & ~((a != a) & (b != b))
    if a.dtype.kind == "f":
        with np.errstate(all="ignore"):
            differs &= ~(np.abs(a - b) <= MOST_ULPS * np.spacing(np.maximum(np.abs(a), np.abs(b))))
    if np.any(differs):
        index = tuple(int(i) for i in np.argwhere(differs)[0])
        place = f" at {index}" if index else ""
        raise ReplayError(f"{what} is {a[index]}{place} in the program, and {b[index]} in the function")


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _described(x: Any) -> str:
    return f"a {type(x).__name__} of shape {np.shape(x)}" if isinstance(x, np.ndarray) else repr(x)
