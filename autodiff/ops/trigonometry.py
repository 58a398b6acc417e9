"""Angles: the trigonometric and hyperbolic functions and their inverses, hypot, sinc, degrees and radians.

Where no derivative exists it is decided here: hypot and arctan2 have derivative 0 at the origin. Squares are written as
products that neither overflow nor cancel: 1 − x² = (1 − x)(1 + x), √(1 + x²) = hypot(1, x).
"""

import math
from typing import Any

import numpy as np

from ..primitive import Elementwise
from .elementwise import abs, cos, describe, pick, sign, sqrt

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cosh",
    "deg2rad",
    "degrees",
    "hypot",
    "rad2deg",
    "radians",
    "sinc",
    "sinh",
    "tan",
]

# sinc'(x) = x · Σ cₖ x²ᵏ, from sinc(x) = Σ (−1)ᵏ (πx)²ᵏ / (2k+1)!; the last term is below 1e-17 of the first at SMALL.
SMALL = 0.25
SINC_SERIES = [(-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(1, 10)]


def _sinc_float(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def _sinc_slope(out: Any, x: Any) -> Any:
    """(cos πx − sinc x) / x, by its series near 0, where the difference would cancel."""
    series: Any = SINC_SERIES[-1]
    for coefficient in reversed(SINC_SERIES[:-1]):
        series = series * (x * x) + coefficient
    return pick(abs(x) < SMALL, series * x, (cos(math.pi * x) - out) / x)


def _over_length(x: Any, y: Any, length: Any) -> Any:
    """x / √(x² + y²): 0 at the origin, and at infinity the direction in which (x, y) lies, diagonal if both do."""
    side = sign(x) * (abs(x) == math.inf)
    return pick(length == math.inf, pick(abs(y) == math.inf, math.sqrt(0.5) * side, side), x / (length + (length == 0)))


def _over_square(x: Any, h: Any) -> Any:
    """x / h², and 0 at the origin and at infinity."""
    return pick((h == 0) | (h == math.inf), 0.0, x / h / h)


# fmt: off
tan = Elementwise("tan", np.tan, lambda out, x: 1 + out * out, scalar=math.tan)
arcsin = Elementwise("arcsin", np.arcsin, lambda out, x: 1 / sqrt((1 - x) * (1 + x)), scalar=math.asin)
arccos = Elementwise("arccos", np.arccos, lambda out, x: -1 / sqrt((1 - x) * (1 + x)), scalar=math.acos)
arctan = Elementwise("arctan", np.arctan, lambda out, x: 1 / (1 + x * x), scalar=math.atan)
sinh = Elementwise("sinh", np.sinh, lambda out, x: cosh(x), scalar=math.sinh)
cosh: Elementwise = Elementwise("cosh", np.cosh, lambda out, x: sinh(x), scalar=math.cosh)
arcsinh = Elementwise("arcsinh", np.arcsinh, lambda out, x: 1 / hypot(1.0, x), scalar=math.asinh)
arccosh = Elementwise("arccosh", np.arccosh, lambda out, x: 1 / (sqrt(x - 1) * sqrt(x + 1)), scalar=math.acosh)
arctanh = Elementwise("arctanh", np.arctanh, lambda out, x: 1 / ((1 - x) * (1 + x)), scalar=math.atanh)
hypot: Elementwise = Elementwise(
    "hypot", np.hypot,
    lambda out, x, y: _over_length(x, y, out), lambda out, x, y: _over_length(y, x, out), scalar=math.hypot,
)
arctan2 = Elementwise(
    "arctan2", np.arctan2,
    lambda out, y, x: _over_square(x, hypot(x, y)), lambda out, y, x: -_over_square(y, hypot(x, y)), scalar=math.atan2,
)
sinc = Elementwise("sinc", np.sinc, _sinc_slope, scalar=_sinc_float)
deg2rad = Elementwise("deg2rad", np.deg2rad, math.pi / 180, scalar=math.radians)
rad2deg = Elementwise("rad2deg", np.rad2deg, 180 / math.pi, scalar=math.degrees)
# fmt: on

radians, degrees = deg2rad, rad2deg

describe(
    {
        tan: "tangent of x radians",
        arcsin: "inverse sine, in [−π/2, π/2]",
        arccos: "inverse cosine, in [0, π]",
        arctan: "inverse tangent, in [−π/2, π/2]",
        sinh: "hyperbolic sine",
        cosh: "hyperbolic cosine",
        arcsinh: "inverse hyperbolic sine",
        arccosh: "inverse hyperbolic cosine, for x ≥ 1",
        arctanh: "inverse hyperbolic tangent, for |x| ≤ 1",
        hypot: "√(x² + y²) without overflow, with derivative 0 at the origin; at infinity, that of the direction",
        arctan2: "the angle of the point (x, y), given as (y, x), in [−π, π]; derivative 0 at the origin",
        sinc: "sin(πx) / (πx), and 1 at 0",
        deg2rad: "degrees as radians, x · π / 180",
        rad2deg: "radians as degrees, x · 180 / π",
    }
)
