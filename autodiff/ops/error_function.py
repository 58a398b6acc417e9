"""The error function erf(x) = 2/√π ∫₀ˣ e^(−t²) dt and its complement erfc(x) = 1 − erf(x).

Source: W. J. Cody 1969, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23:
three ratios of polynomials, for |x| up to 0.46875, up to 4, and above. The relative error is about 1e-16.
"""

import math
from typing import Any

import numpy as np

from ..primitive import Elementwise
from .elementwise import describe, exp

__all__ = ["erf", "erfc"]

SLOPE = 2 / math.sqrt(math.pi)
NEAR, FAR = 0.46875, 4.0
GONE = 30.0  # erfc(30) is below the smallest float

# Coefficients, highest power first: of x² near 0, of x in the middle, of 1/x² far out.
NEAR_P = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)  # fmt: skip # noqa: E501
NEAR_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
MIDDLE_P = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)  # fmt: skip
MIDDLE_Q = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip
FAR_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip # noqa: E501
FAR_Q = (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3)  # fmt: skip # noqa: E501


def _erf_forward(x: Any) -> Any:
    return _by_regions(x, lambda x: x * _ratio(NEAR_P, NEAR_Q, x * x), lambda x: np.copysign(1 - _tail(np.abs(x)), x))


def _erfc_forward(x: Any) -> Any:
    def outer(x: Any) -> Any:
        tail = _tail(np.abs(x))
        return np.where(x < 0, 2 - tail, tail)

    return _by_regions(x, lambda x: 1 - x * _ratio(NEAR_P, NEAR_Q, x * x), outer)


def _by_regions(x: Any, near: Any, outer: Any) -> Any:
    """One formula for the numbers near 0, another for the others, in float64; the result in the dtype of x."""
    array = np.asarray(x)
    flat = array.astype(np.float64).ravel()
    is_near = np.abs(flat) <= NEAR
    out = np.empty_like(flat)
    out[is_near] = near(flat[is_near])
    out[~is_near] = outer(flat[~is_near])
    return out.reshape(array.shape).astype(array.dtype if array.dtype.kind == "f" else np.float64)[()]


def _tail(y: Any) -> Any:
    """erfc(y) for y > 0.46875."""
    y = np.minimum(y, GONE)
    out = np.empty_like(y)
    far = y > FAR
    middle = y[~far]
    out[~far] = _ratio(MIDDLE_P, MIDDLE_Q, middle)
    inverse = 1 / (y[far] * y[far])
    out[far] = (1 / math.sqrt(math.pi) - inverse * _ratio(FAR_P, FAR_Q, inverse)) / y[far]
    # e^(−y²) in two factors: the square of y to 1/16 is exact, and what it leaves is small.
    rough = np.floor(y * 16) / 16
    return out * np.exp(-rough * rough) * np.exp(-(y - rough) * (y + rough))


def _ratio(numerator: tuple[float, ...], denominator: tuple[float, ...], x: Any) -> Any:
    return np.polyval(numerator, x) / np.polyval(denominator, x)


erf = Elementwise("erf", _erf_forward, lambda out, x: SLOPE * exp(-(x * x)), scalar=math.erf)
erfc = Elementwise("erfc", _erfc_forward, lambda out, x: -SLOPE * exp(-(x * x)), scalar=math.erfc)

describe(
    {
        erf: "the error function, 2/√π ∫₀ˣ e^(−t²) dt (Cody 1969)",
        erfc: "1 − erf(x), accurate where it is small (Cody 1969)",
    }
)
