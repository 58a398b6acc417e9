"""Whole numbers: rounding, division with remainder, steps. A step has derivative 0 everywhere, at its jump too."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..primitive import Elementwise
from .elementwise import describe
from .options import refuse
from .shape import whole

__all__ = [
    "ceil",
    "fix",
    "floor",
    "floor_divide",
    "fmod",
    "heaviside",
    "mod",
    "remainder",
    "rint",
    "round",
    "trunc",
]


def _on_float(function: Callable[..., Any]) -> Callable[[float], float]:
    """NumPy's function on Python floats: math's make integers, which know neither infinity nor −0."""
    return lambda x: float(function(x))


def _heaviside_float(x: float, middle: float) -> float:
    return x if x != x else 0.0 if x < 0 else middle if x == 0 else 1.0


def _round_forward(x: Any, decimals: Any) -> Any:
    return np.round(x, int(np.asarray(decimals).item()))


def _round_float(x: float, decimals: float) -> float:
    return float(np.round(float(x), int(decimals)))


# fmt: off
floor = Elementwise("floor", np.floor, False, scalar=_on_float(np.floor))
ceil = Elementwise("ceil", np.ceil, False, scalar=_on_float(np.ceil))
trunc = Elementwise("trunc", np.trunc, False, scalar=_on_float(np.trunc))
rint = Elementwise("rint", np.rint, False, scalar=_on_float(np.rint))
_round = Elementwise("round", _round_forward, False, None, scalar=_round_float)
floor_divide = Elementwise("floor_divide", np.floor_divide, False, False, scalar=operator.floordiv)
remainder = Elementwise("remainder", np.remainder, 1, lambda out, x, y: -floor_divide(x, y), scalar=operator.mod)
# (x − out) / y is a whole number but for its last bits, where x / y may have been rounded up to the next one.
fmod = Elementwise("fmod", np.fmod, 1, lambda out, x, y: -rint((x - out) / y), scalar=math.fmod)
heaviside = Elementwise("heaviside", np.heaviside, False, lambda out, x, y: x == 0, scalar=_heaviside_float)
# fmt: on

fix, mod = trunc, remainder


def round(a: Any, decimals: int = 0, out: None = None, *, name: str | None = None) -> Any:
    """a rounded to so many decimals, halves to the even neighbour; with derivative 0.

    decimals  digits after the point; a negative number rounds to tens, hundreds, ...

    >>> import autodiff as ad
    >>> ad.round(2.5), ad.round(1234.5678, 2), ad.round(1234.5678, -2)
    (2.0, 1234.57, 1200.0)

    Raises OperandError if `decimals` is no whole number.
    """
    refuse("round", out=out)
    return _round(a, whole("round", "decimals", decimals), name=name)


describe(
    {
        floor: "the largest whole number ≤ x, with derivative 0",
        ceil: "the smallest whole number ≥ x, with derivative 0",
        trunc: "x without its fraction, with derivative 0",
        rint: "the nearest whole number, halves to the even one, with derivative 0",
        floor_divide: "⌊x / y⌋, with derivative 0",
        remainder: "x − y ⌊x / y⌋, with the sign of y; where it jumps, the derivative is that from the right",
        fmod: "x − y trunc(x / y), with the sign of x, as in C",
        heaviside: "0 for negative x, 1 for positive x, y for x = 0; the gradient of y is that of the zeros of x",
    }
)
