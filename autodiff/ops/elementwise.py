"""Elementwise operations: one row each, the local derivatives beside the function.

A row reads: name, NumPy's forward, ∂out/∂operand for each operand in terms of `out` and the operands, and the forward
for Python floats. The kinks are decided here once: relu'(0) = 0, |x|'(0) = 0, maximum, minimum and clip share ties
evenly, x**0 has derivative 0 everywhere. A derivative that is False selects nothing, and so does 0 in a row that
selects: a step, or the smaller of two numbers in a maximum, stays silent even under an infinite cotangent.
"""

import math
import operator
from typing import Any

import numpy as np

from ..errors import SettingError
from ..primitive import Elementwise
from ..tape import Value
from .options import refuse

__all__ = [
    "abs",
    "absolute",
    "add",
    "cbrt",
    "clip",
    "copysign",
    "cos",
    "divide",
    "exp",
    "exp2",
    "expm1",
    "fmax",
    "fmin",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "multiply",
    "nan_to_num",
    "negative",
    "positive",
    "power",
    "reciprocal",
    "relu",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
    "tanh",
    "true_divide",
    "where",
]


LN2, LN10 = math.log(2), math.log(10)


def pick(condition: Any, x: Any, y: Any) -> Any:
    """`where` for rules: between numbers the condition is a plain truth value, and one of them is the answer."""
    if isinstance(condition, bool):
        return x if condition else y
    return where(condition, x, y)


def describe(texts: dict[Elementwise, str]) -> None:
    """Give each row its docstring."""
    for row, text in texts.items():
        row.__doc__ = (
            f"{text}. Elementwise with broadcasting, on Scalars, Tensors, arrays and numbers; `name=` labels it."
        )


def _sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ) without overflow: e^-|x| is never above 1."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _sigmoid_float(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def _where_float(condition: float, x: float, y: float) -> float:
    return x if condition else y


# NaN compares false with everything, and must come out again: hence `<=` and the order of the branches.
def _relu_float(x: float) -> float:
    return 0.0 if x <= 0 else x


def _maximum_float(x: float, y: float) -> float:
    return x if x >= y or x != x else y


def _minimum_float(x: float, y: float) -> float:
    return x if x <= y or x != x else y


def _sign_float(x: float) -> float:
    return x if x != x else float((x > 0) - (x < 0))


def _logaddexp_float(x: float, y: float) -> float:
    return x + LN2 if x == y else _maximum_float(x, y) + math.log1p(math.exp(-math.fabs(x - y)))


def _logaddexp2_float(x: float, y: float) -> float:
    return x + 1.0 if x == y else _maximum_float(x, y) + math.log1p(math.exp2(-math.fabs(x - y))) / LN2


def _share(a: Any, b: Any) -> Any:
    """1 where a > b, ½ where they tie, 0 elsewhere: how a maximum's cotangent is split."""
    return 0.5 * (a > b) + 0.5 * (a >= b)


def _share_of_numbers(a: Any, b: Any) -> Any:
    """The same, where any number wins against NaN."""
    return 0.5 * ((a > b) | ((b != b) & (a == a))) + 0.5 * ((a >= b) | (b != b))


def _share_below(x: Any, low: Any, high: Any) -> Any:
    """The share of max(x, low) in min(max(x, low), high)."""
    return 0.5 * ((high > x) & (high > low)) + 0.5 * ((high >= x) & (high >= low))


def shared(g: Any, share: Any) -> Any:
    """g × share: a share of 0 takes nothing, not even of an infinite g."""
    return where(share != 0, g, 0) * share


def _gap(x: Any, y: Any) -> Any:
    """x − y, and 0 between equal infinities, which share evenly as all ties do."""
    return pick((x == y) & (abs(x) == math.inf), 0.0, x - y)


def _nan_to_num_forward(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    finite = np.where(np.equal(x, math.inf), posinf, np.where(np.equal(x, -math.inf), neginf, x))
    return np.where(np.isnan(x), nan, finite)


def _nan_to_num_float(x: float, nan: float, posinf: float, neginf: float) -> float:
    return nan if x != x else posinf if x == math.inf else neginf if x == -math.inf else x


def _one_less(x: Any, y: Any) -> Any:
    """y − 1, but y where y xʸ⁻¹ would be 0 times infinity, at y = 0.

    Where y is recorded that is at x = 0 alone: else ∂(y xʸ⁻¹)/∂y, which is 1/x at y = 0, would be lost.
    """
    lower = y != 0
    if isinstance(y, Value):
        lower = lower | (x != 0)
    return y - lower


# fmt: off
add = Elementwise("add", np.add, 1, 1, scalar=operator.add)
subtract = Elementwise("sub", np.subtract, 1, -1, scalar=operator.sub)
multiply = Elementwise("mul", np.multiply, lambda out, x, y: y, lambda out, x, y: x, scalar=operator.mul)
divide = Elementwise("div", np.divide, lambda out, x, y: 1 / y, lambda out, x, y: -out / y, scalar=operator.truediv)
power: Elementwise = Elementwise(
    "pow", np.power,
    lambda out, x, y: y * power(x, _one_less(x, y)),                   # y xʸ⁻¹, and 0 for y = 0 even at x = 0
    lambda out, x, y: out * log(x + 1.0 * ((x == 0) & (y >= 0))),      # xʸ log x, and its limit 0 at x = 0
    scalar=math.pow,
)
negative = Elementwise("neg", np.negative, -1, scalar=operator.neg)
abs = Elementwise("abs", np.abs, lambda out, x: sign(x), scalar=operator.abs)
sign: Elementwise = Elementwise("sign", np.sign, False, scalar=_sign_float)
copysign = Elementwise("copysign", np.copysign, lambda out, x, y: sign(x) * sign(out), False, scalar=math.copysign)
positive = Elementwise("positive", np.positive, 1, scalar=operator.pos)
square = Elementwise("square", np.square, lambda out, x: 2 * x, scalar=lambda x: x * x)
reciprocal = Elementwise("reciprocal", np.reciprocal, lambda out, x: -out * out, scalar=lambda x: 1 / x)
exp = Elementwise("exp", np.exp, lambda out, x: out, scalar=math.exp)
log: Elementwise = Elementwise("log", np.log, lambda out, x: 1 / x, scalar=math.log)
exp2 = Elementwise("exp2", np.exp2, lambda out, x: LN2 * out, scalar=math.exp2)
expm1 = Elementwise("expm1", np.expm1, lambda out, x: exp(x), scalar=math.expm1)
log1p = Elementwise("log1p", np.log1p, lambda out, x: 1 / (1 + x), scalar=math.log1p)
log2 = Elementwise("log2", np.log2, lambda out, x: 1 / LN2 / x, scalar=math.log2)
log10 = Elementwise("log10", np.log10, lambda out, x: 1 / LN10 / x, scalar=math.log10)
logaddexp = Elementwise(
    "logaddexp", np.logaddexp,
    lambda out, x, y: sigmoid(_gap(x, y)), lambda out, x, y: sigmoid(_gap(y, x)), scalar=_logaddexp_float,
)
logaddexp2 = Elementwise(
    "logaddexp2", np.logaddexp2,
    lambda out, x, y: sigmoid(LN2 * _gap(x, y)), lambda out, x, y: sigmoid(LN2 * _gap(y, x)), scalar=_logaddexp2_float,
)
sqrt = Elementwise("sqrt", np.sqrt, lambda out, x: 0.5 / out, scalar=math.sqrt)
cbrt = Elementwise("cbrt", np.cbrt, lambda out, x: 1 / (3 * out * out), scalar=math.cbrt)
sin = Elementwise("sin", np.sin, lambda out, x: cos(x), scalar=math.sin)
cos: Elementwise = Elementwise("cos", np.cos, lambda out, x: -sin(x), scalar=math.cos)
tanh = Elementwise("tanh", np.tanh, lambda out, x: 1 - out * out, scalar=math.tanh)
sigmoid: Elementwise = Elementwise("sigmoid", _sigmoid, lambda out, x: out * (1 - out), scalar=_sigmoid_float)
relu = Elementwise("relu", lambda x: np.maximum(x, 0), lambda out, x: x > 0, scalar=_relu_float)
maximum = Elementwise(
    "maximum", np.maximum,
    lambda out, x, y: _share(x, y), lambda out, x, y: _share(y, x), scalar=_maximum_float, selects=True,
)
minimum = Elementwise(
    "minimum", np.minimum,
    lambda out, x, y: _share(y, x), lambda out, x, y: _share(x, y), scalar=_minimum_float, selects=True,
)
fmax = Elementwise(
    "fmax", np.fmax,
    lambda out, x, y: _share_of_numbers(x, y), lambda out, x, y: _share_of_numbers(y, x),
    scalar=lambda x, y: x if x >= y or y != y else y, selects=True,
)
fmin = Elementwise(
    "fmin", np.fmin,
    lambda out, x, y: _share_of_numbers(-x, -y), lambda out, x, y: _share_of_numbers(-y, -x),
    scalar=lambda x, y: x if x <= y or y != y else y, selects=True,
)
_clip = Elementwise(
    "clip", np.clip,
    lambda out, x, low, high: _share_below(x, low, high) * _share(x, low),
    lambda out, x, low, high: _share_below(x, low, high) * _share(low, x),
    lambda out, x, low, high: 1 - _share_below(x, low, high),
    scalar=lambda x, low, high: _minimum_float(_maximum_float(x, low), high), selects=True,
)
where = Elementwise("where", np.where, None, lambda out, c, x, y: c != 0, lambda out, c, x, y: c == 0, scalar=_where_float)  # noqa: E501
# Dropout is a product with a mask of zeros and 1/(1-p); drawing the mask is random.py's part.
masked = Elementwise("dropout", np.multiply, lambda out, x, mask: mask, None, scalar=operator.mul, selects=True)
_nan_to_num = Elementwise(
    "nan_to_num", _nan_to_num_forward,
    lambda out, x, *_: abs(x) < math.inf, lambda out, x, *_: x != x,
    lambda out, x, *_: x == math.inf, lambda out, x, *_: x == -math.inf,
    scalar=_nan_to_num_float,
)
# fmt: on

absolute, true_divide = abs, divide


def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
    name: str | None = None,
    **options: Any,
) -> Any:
    """min(max(a, a_min), a_max). A bound that is None is no bound; bounds that are recorded get gradients too.

    a, a_min, a_max  broadcast against each other. On a bound, a and the bound share the gradient evenly.
    min, max         NumPy's other names for a_min and a_max

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.sum(ad.clip(x, 0, 1)))(np.array([-1.0, 0.0, 0.5, 2.0]))
    array([0. , 0.5, 1. , 0. ])
    """
    refuse("clip", out=out, **options)
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise SettingError("clip: a_min and min are the same bound, as are a_max and max; give one of each")
    a_min, a_max = min if a_min is None else a_min, max if a_max is None else a_max
    if a_min is None and a_max is None:
        return positive(a, name=name)
    if a_max is None:
        return maximum(a, a_min, name=name)
    if a_min is None:
        return minimum(a, a_max, name=name)
    return _clip(a, a_min, a_max, name=name)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None, *, name: str | None = None
) -> Any:
    """x with NaN and the infinities replaced by numbers; their gradient goes to the replacement, not to x.

    nan             what NaN becomes
    posinf, neginf  what the infinities become; by default the largest and the most negative number of x's dtype
    copy            only for NumPy's sake: the result never is x

    >>> import autodiff as ad
    >>> ad.nan_to_num(float("nan"), nan=-1.0)
    -1.0
    """
    dtype = np.result_type(x.data if isinstance(x, Value) else np.asarray(x))
    largest = float(np.finfo(dtype).max) if dtype.kind == "f" else math.inf
    posinf, neginf = largest if posinf is None else posinf, -largest if neginf is None else neginf
    return _nan_to_num(x, nan, posinf, neginf, name=name)


describe(
    {
        add: "x + y",
        subtract: "x − y",
        multiply: "x · y",
        divide: "x / y",
        power: "x to the power y",
        negative: "−x",
        abs: "|x|, with derivative 0 at 0",
        sign: "−1, 0 or 1, with derivative 0",
        copysign: "|x| with the sign of y, that of a zero included; derivative 0 at x = 0",
        positive: "+x",
        square: "x · x",
        reciprocal: "1 / x",
        exp: "e to the power x",
        log: "natural logarithm",
        exp2: "2 to the power x",
        expm1: "eˣ − 1, accurate near 0",
        log1p: "log(1 + x), accurate near 0",
        log2: "logarithm to base 2",
        log10: "logarithm to base 10",
        logaddexp: "log(eˣ + eʸ) without overflow; equal infinities share the gradient evenly",
        logaddexp2: "log₂(2ˣ + 2ʸ) without overflow; equal infinities share the gradient evenly",
        sqrt: "square root",
        cbrt: "cube root",
        sin: "sine of x radians",
        cos: "cosine of x radians",
        tanh: "hyperbolic tangent",
        sigmoid: "1 / (1 + e⁻ˣ), the logistic function",
        relu: "max(x, 0), the rectified linear unit, with derivative 0 at 0 (Nair & Hinton 2010)",
        maximum: "the larger of x and y; a tie shares the gradient evenly",
        minimum: "the smaller of x and y; a tie shares the gradient evenly",
        fmax: "the larger of x and y, a number rather than NaN; a tie shares the gradient evenly",
        fmin: "the smaller of x and y, a number rather than NaN; a tie shares the gradient evenly",
        where: "x where the condition holds, else y; no gradient flows to the condition",
        masked: "x · mask: what `dropout` records",
    }
)
