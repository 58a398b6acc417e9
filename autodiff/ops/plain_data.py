"""The plain data of operands: what functions ask about shapes, order or truth, without recording it.

Under `vmap` the data of a value may differ from example to example, and are such a value again: NumPy's functions take
them as they take arrays, but `np.asarray` and Python's branches do not.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tape import Value


def plain(value: Any) -> Any:
    """The data of a value; anything else as it is."""
    return value.data if isinstance(value, Value) else value


def plain_array(value: Any) -> Any:
    """The data of a value, a list or a number as an array, or as what stands for one under `vmap`."""
    data = plain(value)
    return data if isinstance(data, Value) else np.asarray(data)


def is_number(data: Any) -> bool:
    """Whether plain data are one of Python's numbers, or what stands for one while a program is recorded."""
    return isinstance(data, float | int) or (isinstance(data, Value) and data.stands_for_number)


def dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype of a value, an array, a list or a number."""
    dtype: np.dtype[Any] = plain_array(value).dtype
    return dtype


def somewhere(condition: Any) -> bool:
    """Whether a plain condition holds anywhere: for any number, and in a map over examples for any example.

    A program that is being recorded is valid where the answer is the same.
    """
    found = np.any(condition.whole if isinstance(condition, Value) else condition)
    return found.decided() if isinstance(found, Value) else bool(found)


def array_of(x: Any) -> Any:
    """Lists as arrays; values and arrays as they are, and Python's numbers too, which have no dtype of their own."""
    return x if isinstance(x, Value | int | float) else np.asarray(x)


def settled_numbers(operands: Sequence[Any]) -> list[Any]:
    """Python's numbers among arrays and values as arrays, in the dtype that all of them together have."""
    dtype = np.result_type(*map(plain, operands))
    return [np.asarray(x, dtype) if isinstance(x, int | float) else x for x in operands]
