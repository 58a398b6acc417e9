"""NumPy's second names for functions, and functions that differ from another one only in kind or dtype."""

from typing import Any

import numpy as np

from .elementwise import abs, positive, power
from .join import concatenate
from .plain_data import dtype_of
from .rounding import floor_divide, remainder, round
from .shape import astype, transpose
from .trigonometry import arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh

__all__ = [
    "acos",
    "acosh",
    "around",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "concat",
    "conj",
    "conjugate",
    "divmod",
    "fabs",
    "float_power",
    "permute_dims",
    "pow",
    "real",
]

acos, acosh, asin, asinh, atan, atan2, atanh = arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh
around, concat, permute_dims, pow = round, concatenate, transpose, power
conj = conjugate = positive  # numbers here are real


def real(val: Any, *, name: str | None = None) -> Any:
    """The real part: the number itself, for numbers here are real."""
    return positive(val, name=name)


def fabs(x: Any, *, name: str | None = None) -> Any:
    """|x| as a floating number, with derivative 0 at 0."""
    return abs(x if dtype_of(x).kind == "f" else astype(x, float), name=name)


def float_power(x1: Any, x2: Any, *, name: str | None = None) -> Any:
    """x1 to the power x2, in double precision whatever their dtypes."""
    return power(*(x if dtype_of(x) == np.float64 else astype(x, np.float64) for x in (x1, x2)), name=name)


def divmod(x1: Any, x2: Any, *, name: str | None = None) -> tuple[Any, Any]:
    """The pair ⌊x1 / x2⌋ and what remains. `name` names them `name.quotient` and `name.remainder`.

    >>> import autodiff as ad
    >>> ad.divmod(7.5, 2.0)
    (3.0, 1.5)
    """
    return (
        floor_divide(x1, x2, name=name and f"{name}.quotient"),
        remainder(x1, x2, name=name and f"{name}.remainder"),
    )
