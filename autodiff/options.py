"""What an option may be: a check for each kind, and how text on a command line is read.

A check takes the option's name and a value, and returns the value or raises SettingError, one line with the name.
"""

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, NamedTuple

from .data import Augmentation
from .errors import SettingError

_IMAGE_SIZE = re.compile("([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")


class Row(NamedTuple):
    """An option: what checks its value, and returns it or raises SettingError; what it is for; and how it is read.

    read  from its name and text on a command line; None if the text is the value, or a number as Python writes it
    """

    check: Callable[[str, Any], Any]
    help: str
    read: Callable[[str, str], Any] | None = None


def text(name: str, value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise SettingError(f"{name} must be text, got {value!r}")
    return value


def one_of(known: Iterable[str]) -> Callable[[str, Any], str]:
    known = tuple(known)

    def check(name: str, value: Any) -> str:
        if text(name, value) not in known:
            raise SettingError(f"unknown {name} {value!r}; choose from {', '.join(filter(None, known))}")
        return str(value)

    return check


def number(low: float, high: float = float("inf"), *, above: bool = False) -> Callable[[str, Any], float]:
    """A finite number of at least `low`, or above it, and below `high`."""
    least = f"above {low:g}" if above else f"at least {low:g}"
    allowed = f"in {'(' if above else '['}{low:g}, {high:g})" if isfinite(high) else least

    def check(name: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
            raise SettingError(f"{name} must be a finite number, got {value!r}")
        if not low <= value < high or (above and value == low):
            raise SettingError(f"{name} must be {allowed}, got {value}")
        return float(value)

    return check


def count(least: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise SettingError(f"{name} must be a whole number of at least {least}, got {value!r}")
        return value

    return check


def switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingError(f"{name} must be true or false, got {value!r}")
    return value


def sizes(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise SettingError(f"{name} must be a list of layer sizes, got {value!r}")
    return tuple(count(1)(f"{name}: each layer size", size) for size in value)


def sizes_in(name: str, text: str) -> tuple[int, ...]:
    """Layer sizes as they are written on a command line: 256,128, or nothing for none."""
    try:
        return tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise SettingError(f"{name} {text}: write sizes separated by commas, such as 256,128") from None


def share_or_count(name: str, value: Any) -> float | int:
    """A share of at least 0 and below 1 as a float, or a count of at least 0 as an int."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise SettingError(f"{name} must be a share below 1 or a count, got {value!r}")
    if isinstance(value, float) and value >= 1:
        raise SettingError(f"{name}: a share must be below 1, and a count a whole number, got {value}")
    return value


def share_or_count_in(name: str, text: str) -> float | int:
    """A share or count as it is written on a command line: 0.1, or 5000."""
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        raise SettingError(f"{name} {text}: write a share such as 0.1, or a count such as 5000") from None


def image_size(name: str, value: Any) -> str:
    """A height and a width, such as 28x28, as text; or nothing."""
    if text(name, value) and not _IMAGE_SIZE.fullmatch(value):
        raise SettingError(f"{name} must be a height and a width, such as 28x28, got {value!r}")
    return str(value)


def sides(value: str) -> tuple[int, int] | None:
    """The numbers in an image size; None for nothing.

    >>> sides("28x20")
    (28, 20)
    """
    found = _IMAGE_SIZE.fullmatch(value)
    return (int(found[1]), int(found[2])) if found else None


def source(name: str, value: Any) -> str:
    if not text(name, value):
        raise SettingError('data must be "digits", "mnist", a folder or an .npz file, got an empty name')
    return str(value)


def augmentation(name: str, value: Any) -> str:
    if text(name, value):
        Augmentation.parse(value)
    return str(value)


def name_or_nothing(known: Iterable[str]) -> Callable[[str, Any], str]:
    return one_of(["", *known])
