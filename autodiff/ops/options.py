"""Options of NumPy's functions that a recorded operation does not have: refused by name, never ignored in silence."""

from typing import Any

import numpy as np

from ..errors import OperandError
from ..tape import Value

# What leaves a result as it is, and what to write instead of any other value.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "where": (True,),
    "casting": ("same_kind",),
    "order": ("K", "C"),
    "subok": (True, False),
    "copy": (True, False, None),
    "device": ("cpu",),
    "hermitian": (False,),
    "keepdims": (False,),
    "reflect_type": ("even",),
}
INSTEAD = {
    "out": "a tensor is never written into: assign the result",
    "where": "choose the numbers first, with autodiff.where",
    "dtype": "cast with astype",
    "casting": "cast with astype",
    "signature": "cast with astype",
    "order": "the numbers of a tensor lie in C order",
    "hermitian": "leave it out: the general rule serves symmetric matrices too",
}


def refuse(function: str, **options: Any) -> None:
    """Raises OperandError for an option that is given and would change the result."""
    for option, value in options.items():
        if value is None or value is np._NoValue:  # what NumPy's options default to
            continue
        if isinstance(value, bool | str) and value in NEUTRAL.get(option, ()):
            continue
        instead = INSTEAD.get(option, "leave it out")
        raise OperandError(f"{function}: {option}={shown(value)} is not recorded; {instead}")


def shown(value: Any) -> str:
    """What was given, for a message: on one line, and of an array the shape alone."""
    if isinstance(value, np.ndarray | Value):
        return f"{type(value).__name__} of shape {np.shape(value)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_dtype(function: str, dtype: Any) -> np.dtype[Any]:
    """An option `dtype` as a dtype. Raises OperandError if it is none, such as `keepdims` given in its place."""
    if isinstance(dtype, bool):
        raise OperandError(f"{function}: dtype={shown(dtype)} is no dtype; name the option that is meant: keepdims=")
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError as error:
        raise OperandError(f"{function}: dtype={shown(dtype)} is no dtype") from error
    return found
