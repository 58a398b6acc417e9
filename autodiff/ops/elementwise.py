"""Elementwise operations: one row each, the local derivatives beside the function.

A row reads: name, NumPy's forward, ∂out/∂operand for each operand in terms of `out` and the operands, and the forward
for Python floats. The kinks are decided here once: relu'(0) = 0, |x|'(0) = 0, maximum and minimum share ties evenly,
x**0 has derivative 0 everywhere.
"""

import math
import operator
from typing import Any

import numpy as np

from ..primitive import Elementwise

__all__ = [
    "abs",
    "add",
    "cos",
    "divide",
    "exp",
    "log",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "power",
    "relu",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "subtract",
    "tanh",
    "where",
]


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


def _share(a: Any, b: Any) -> Any:
    """1 where a > b, ½ where they tie, 0 elsewhere: how a maximum's cotangent is split."""
    return 0.5 * (a > b) + 0.5 * (a >= b)


# fmt: off
add = Elementwise("add", np.add, 1, 1, scalar=operator.add)
subtract = Elementwise("sub", np.subtract, 1, -1, scalar=operator.sub)
multiply = Elementwise("mul", np.multiply, lambda out, x, y: y, lambda out, x, y: x, scalar=operator.mul)
divide = Elementwise("div", np.divide, lambda out, x, y: 1 / y, lambda out, x, y: -out / y, scalar=operator.truediv)
power: Elementwise = Elementwise(
    "pow", np.power,
    lambda out, x, y: y * power(x, y - (y != 0)),                      # y xʸ⁻¹, and 0 for y = 0 even at x = 0
    lambda out, x, y: out * log(x + 1.0 * ((x == 0) & (y >= 0))),      # xʸ log x, and its limit 0 at x = 0
    scalar=math.pow,
)
negative = Elementwise("neg", np.negative, -1, scalar=operator.neg)
abs = Elementwise("abs", np.abs, lambda out, x: sign(x), scalar=operator.abs)
sign: Elementwise = Elementwise("sign", np.sign, 0, scalar=_sign_float)
exp = Elementwise("exp", np.exp, lambda out, x: out, scalar=math.exp)
log: Elementwise = Elementwise("log", np.log, lambda out, x: 1 / x, scalar=math.log)
sqrt = Elementwise("sqrt", np.sqrt, lambda out, x: 0.5 / out, scalar=math.sqrt)
sin = Elementwise("sin", np.sin, lambda out, x: cos(x), scalar=math.sin)
cos: Elementwise = Elementwise("cos", np.cos, lambda out, x: -sin(x), scalar=math.cos)
tanh = Elementwise("tanh", np.tanh, lambda out, x: 1 - out * out, scalar=math.tanh)
sigmoid = Elementwise("sigmoid", _sigmoid, lambda out, x: out * (1 - out), scalar=_sigmoid_float)
relu = Elementwise("relu", lambda x: np.maximum(x, 0), lambda out, x: x > 0, scalar=_relu_float)
maximum = Elementwise("maximum", np.maximum, lambda out, x, y: _share(x, y), lambda out, x, y: _share(y, x), scalar=_maximum_float)  # noqa: E501
minimum = Elementwise("minimum", np.minimum, lambda out, x, y: _share(y, x), lambda out, x, y: _share(x, y), scalar=_minimum_float)  # noqa: E501
where = Elementwise("where", np.where, None, lambda out, c, x, y: c != 0, lambda out, c, x, y: c == 0, scalar=_where_float)  # noqa: E501
# Dropout is a product with a mask of zeros and 1/(1-p); drawing the mask is random.py's part.
masked = Elementwise("dropout", np.multiply, lambda out, x, mask: mask, None, scalar=operator.mul)
# fmt: on

_DOCS = {
    add: "x + y",
    subtract: "x − y",
    multiply: "x · y",
    divide: "x / y",
    power: "x to the power y",
    negative: "−x",
    abs: "|x|, with derivative 0 at 0",
    sign: "−1, 0 or 1, with derivative 0",
    exp: "e to the power x",
    log: "natural logarithm",
    sqrt: "square root",
    sin: "sine of x radians",
    cos: "cosine of x radians",
    tanh: "hyperbolic tangent",
    sigmoid: "1 / (1 + e⁻ˣ), the logistic function",
    relu: "max(x, 0), the rectified linear unit, with derivative 0 at 0 (Nair & Hinton 2010)",
    maximum: "the larger of x and y; a tie shares the gradient evenly",
    minimum: "the smaller of x and y; a tie shares the gradient evenly",
    where: "x where the condition holds, else y; no gradient flows to the condition",
    masked: "x · mask: what `dropout` records",
}
for _row, _text in _DOCS.items():
    _row.__doc__ = (
        f"{_text}. Elementwise with broadcasting, on Scalars, Tensors, arrays and numbers; `name=` labels it."
    )
