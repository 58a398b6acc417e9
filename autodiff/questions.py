"""Comparisons and questions about order and truth, for a kind of value whose plain data are no array.

A Tensor answers them from its data. A value of a map over examples, or of a program that is recorded, passes them to
NumPy's function of the same name, and so to its own `__array_ufunc__` and `__array_function__`.
"""

from typing import Any

import numpy as np

from .operators import OPERANDS
from .tape import Value

BITWISE = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
OPERATORS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "invert": np.invert,
    **BITWISE,
}
METHODS = ("all", "any", "argmax", "argmin", "argsort", "argpartition", "nonzero", "searchsorted")


def ask_plainly(kind: type[Value]) -> None:
    """Give a kind of value the operators and methods that are such questions."""
    for name, ufunc in OPERATORS.items():
        setattr(kind, f"__{name}__", _operator(ufunc))
    for name, ufunc in BITWISE.items():
        setattr(kind, f"__r{name}__", _operator(ufunc, reflected=True))
    for name in METHODS:
        setattr(kind, name, _method(getattr(np, name)))


def _operator(ufunc: np.ufunc, *, reflected: bool = False) -> Any:
    def method(self: Value, *other: Any) -> Any:
        if other and not isinstance(other[0], OPERANDS):
            return NotImplemented
        return ufunc(*other, self) if reflected else ufunc(self, *other)

    return method


def _method(function: Any) -> Any:
    def method(self: Value, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method
