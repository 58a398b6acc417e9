"""Activation functions of networks, beside relu, sigmoid and tanh: one row each, none of which overflows.

At a kink the derivative is decided as for relu: 0 where relu6 and hard_tanh turn flat, at both ends; at 0 the slope of
the negative side for leaky_relu, elu and selu.
"""

import math
from typing import Any

import numpy as np

from ..errors import SettingError
from ..primitive import Elementwise
from .elementwise import abs, clip, describe, exp, expm1, maximum, pick, sigmoid, square
from .error_function import erfc
from .options import shown

__all__ = [
    "elu",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "relu6",
    "selu",
    "silu",
    "softplus",
    "softsign",
]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, section 2
ROOT_HALF, DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
TANH_SCALE, TANH_CUBIC = 2 * math.sqrt(2 / math.pi), 0.044715  # Hendrycks & Gimpel 2016, section 2
ALL = 30.0  # gelu's gate is 0 or 1 to the last bit from here on, and a larger cube could overflow
GONE = 1000.0  # every gate is; where it is 0 the product with x is 0 too, however large x is


def leaky_relu(x: Any, negative_slope: Any = 0.01, *, name: str | None = None) -> Any:
    """x where it is positive, else negative_slope · x (Maas et al. 2013). A slope that is recorded is learned too.

    The derivative at 0 is the negative slope.

    >>> import autodiff as ad
    >>> ad.leaky_relu(-2.0, 0.1)
    -0.2
    """
    return _leaky_relu(x, negative_slope, name=name)


def elu(x: Any, alpha: Any = 1.0, *, name: str | None = None) -> Any:
    """x where it is positive, else alpha · (eˣ − 1) (Clevert et al. 2016). The derivative at 0 is alpha."""
    return _elu(x, alpha, name=name)


def gelu(x: Any, approximate: str = "none", *, name: str | None = None) -> Any:
    """x · Φ(x), where Φ is the normal distribution function (Hendrycks & Gimpel 2016).

    approximate  "none" for the exact Φ, or "tanh" for the authors' ½ (1 + tanh(√(2/π) (x + 0.044715 x³)))

    >>> import autodiff as ad
    >>> round(ad.gelu(1.0), 6), round(ad.gelu(1.0, approximate="tanh"), 6)
    (0.841345, 0.841192)

    Raises SettingError for another value of `approximate`.
    """
    if approximate not in ("none", "tanh"):
        raise SettingError(f"gelu: approximate is 'none' or 'tanh', got {shown(approximate)}")
    return (_gelu_tanh if approximate == "tanh" else _gelu)(x, name=name)


def _below(x: Any) -> Any:
    """x on the negative side, 0 included, and 0 on the other, where its exponential would overflow."""
    return pick(x > 0, 0.0, x)


def _normal(x: Any) -> Any:
    """Φ(x), by erfc so that the left tail keeps its digits."""
    return 0.5 * erfc(-ROOT_HALF * x)


def _gated(x: Any, gate: Any) -> Any:
    """x · gate, where the gate of −∞ is 0."""
    return maximum(x, -GONE) * gate


def _gate(x: Any) -> Any:
    """½ (1 + tanh(z/2)) is σ(z): here z, for the approximation of Φ."""
    x = clip(x, -ALL, ALL)
    return TANH_SCALE * (x + TANH_CUBIC * (x * x * x))


def _bump(x: Any) -> Any:
    """x e^(−x²/2), which is 0 at infinity."""
    x = clip(x, -GONE, GONE)
    return x * exp(-0.5 * (x * x))


def _gelu_tanh_slope(out: Any, x: Any) -> Any:
    z, inner = _gate(x), clip(x, -ALL, ALL)
    return sigmoid(z) * (1 + clip(x, -GONE, GONE) * (TANH_SCALE * (1 + 3 * TANH_CUBIC * (inner * inner))) * sigmoid(-z))


def _elu_forward(x: Any, alpha: Any) -> Any:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_float(x: float, alpha: float) -> float:
    return alpha * math.expm1(x) if x <= 0 else x


def _softsign_forward(x: Any) -> Any:
    largest = float(np.finfo(np.result_type(x, np.float16)).max)
    x = np.clip(x, -largest, largest)
    return x / (1 + np.abs(x))


# fmt: off
_leaky_relu = Elementwise(
    "leaky_relu", lambda x, slope: np.where(np.greater(x, 0), x, slope * np.asarray(x)),
    lambda out, x, slope: pick(x > 0, 1.0, slope), lambda out, x, slope: _below(x),
    scalar=lambda x, slope: slope * x if x <= 0 else x,
)
relu6 = Elementwise("relu6", lambda x: np.clip(x, 0, 6), lambda out, x: (x > 0) & (x < 6), scalar=lambda x: 0.0 if x <= 0 else 6.0 if x >= 6 else x)  # noqa: E501
hard_tanh = Elementwise("hard_tanh", lambda x: np.clip(x, -1, 1), lambda out, x: (x > -1) & (x < 1), scalar=lambda x: -1.0 if x <= -1 else 1.0 if x >= 1 else x)  # noqa: E501
_elu = Elementwise(
    "elu", _elu_forward,
    lambda out, x, alpha: pick(x > 0, 1.0, alpha * exp(_below(x))), lambda out, x, alpha: expm1(_below(x)),
    scalar=_elu_float,
)
selu = Elementwise(
    "selu", lambda x: SELU_SCALE * _elu_forward(x, SELU_ALPHA),
    lambda out, x: SELU_SCALE * pick(x > 0, 1.0, SELU_ALPHA * exp(_below(x))),
    scalar=lambda x: SELU_SCALE * _elu_float(x, SELU_ALPHA),
)
_gelu = Elementwise("gelu", lambda x: _gated(x, _normal(x)), lambda out, x: _normal(x) + DENSITY * _bump(x))
_gelu_tanh = Elementwise("gelu_tanh", lambda x: _gated(x, sigmoid(_gate(x))), _gelu_tanh_slope)
silu = Elementwise("silu", lambda x: _gated(x, sigmoid(x)), lambda out, x: sigmoid(x) * (1 + clip(x, -GONE, GONE) * sigmoid(-x)))  # noqa: E501
softplus = Elementwise(
    "softplus", lambda x: np.logaddexp(x, 0), lambda out, x: sigmoid(x),
    scalar=lambda x: math.log1p(math.exp(-math.fabs(x))) + (0.0 if x <= 0 else x),
)
log_sigmoid = Elementwise(
    "log_sigmoid", lambda x: -np.logaddexp(0, np.negative(x)), lambda out, x: sigmoid(-x),
    scalar=lambda x: (x if x <= 0 else 0.0) - math.log1p(math.exp(-math.fabs(x))),
)
softsign = Elementwise(
    "softsign", _softsign_forward, lambda out, x: 1 / square(1 + abs(x)),
    scalar=lambda x: x / (1 + math.fabs(x)) if math.fabs(x) != math.inf else math.copysign(1.0, x),
)
# fmt: on

describe(
    {
        relu6: "min(max(x, 0), 6), with derivative 0 at 0 and 6 (Krizhevsky 2010)",
        hard_tanh: "min(max(x, −1), 1), with derivative 0 at ±1",
        selu: "1.0507 · elu(x, 1.6733), which keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017)",
        silu: "x · sigmoid(x), also called swish (Elfwing et al. 2018)",
        softplus: "log(1 + eˣ), a smooth relu",
        log_sigmoid: "log(sigmoid(x)), which never takes the log of 0",
        softsign: "x / (1 + |x|)",
    }
)
