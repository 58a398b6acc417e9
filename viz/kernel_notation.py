"""How a step of a compiled program is written: what it computes in the names of its operands, and its sign.

An operation is written as on every drawing (`notation`). A NumPy function that stands for one takes that row; what no
operation is has a row here. `{0}`, `{1}`, ... stand for the arguments in order. Any other function is a call.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.replay import Slot, Step

from .notation import NOTATION, shorten
from .numbers import minus, superscript

MOST_ARGUMENTS = 8  # of a formula on a card
# NumPy's functions that compute what an operation does.
OPERATIONS = {
    **{name: name for name in NOTATION},
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow",
    "negative": "neg", "absolute": "abs", "truediv": "div", "add.reduce": "sum", "multiply.reduce": "prod",
    "maximum.reduce": "max", "minimum.reduce": "min", "mean_into": "mean", "where_into": "where",
    "scatter_into": "scatter", "scatter_slice_into": "scatter", "cast_into": "astype",
}  # fmt: skip


class Kernel(NamedTuple):
    """One row: the sign on a card, and the formula."""

    sign: str
    formula: str


# fmt: off
KERNELS: dict[str, Kernel] = {
    "less":              Kernel("<", "{0} < {1}"),
    "less_equal":        Kernel("≤", "{0} ≤ {1}"),
    "greater":           Kernel(">", "{0} > {1}"),
    "greater_equal":     Kernel("≥", "{0} ≥ {1}"),
    "equal":             Kernel("=", "{0} = {1}"),
    "not_equal":         Kernel("≠", "{0} ≠ {1}"),
    "lt":                Kernel("<", "{0} < {1}"),
    "le":                Kernel("≤", "{0} ≤ {1}"),
    "gt":                Kernel(">", "{0} > {1}"),
    "ge":                Kernel("≥", "{0} ≥ {1}"),
    "eq":                Kernel("=", "{0} = {1}"),
    "ne":                Kernel("≠", "{0} ≠ {1}"),
    "bitwise_or":        Kernel("or", "{0} or {1}"),
    "bitwise_and":       Kernel("and", "{0} and {1}"),
    "bitwise_xor":       Kernel("xor", "{0} xor {1}"),
    "logical_not":       Kernel("not", "not {0}"),
    "logical_or.reduce": Kernel("any", "any({0})"),
    "bits_of":           Kernel("bits", "bits of {0}"),
    "selected":          Kernel("select", "{1} where {0}, else 0"),
    "less_one":          Kernel("− onehot", "{0} − onehot({2})"),
    "_chosen":           Kernel("[ ]", "{0}[row, {2}]"),
    "is_outside":        Kernel("outside", "not 0 ≤ {0} < {1}"),
    "copy_into":         Kernel("copy", "copy of {0}"),
}
# fmt: on


def sign_of(step: Step) -> str:
    """The sign of what a step computes: `@`, `+`, or the name of a function that has none.

    >>> sign_of(Step("call", np.matmul)), sign_of(Step("call", np.add.reduce)), sign_of(Step("call", np.unwrap))
    ('@', 'Σ', 'unwrap')
    """
    if step.fused:
        return " → ".join(map(sign_of, step.fused))
    name = step.full_name
    if name in KERNELS:
        return KERNELS[name].sign
    return NOTATION[OPERATIONS[name]].sign if name in OPERATIONS else shorten(name)


def written(step: Step, named: Callable[[Slot], str]) -> str:
    """What a step computes, with what `named` calls each slot.

    >>> written(Step("call", np.multiply, (Slot(3), 0.5)), repr)
    'v3 · 0.5'
    >>> written(Step("call", np.power, (Slot(3), 2)), repr), written(Step("call", np.unwrap, (Slot(3),)), repr)
    ('v3²', 'unwrap(v3)')
    """
    name = step.full_name
    texts = [argument(x, named) for x in step.args]
    row = KERNELS.get(name)
    template = row.formula if row else NOTATION[OPERATIONS[name]].formula if name in OPERATIONS else ""
    if OPERATIONS.get(name) == "pow" and (exponent := superscript(texts[1])):
        return texts[0] + exponent
    if not template or "{…}" in template or len(texts) < template.count("{"):
        shown = texts if len(texts) <= MOST_ARGUMENTS else [*texts[:3], f"… ({len(texts)}) …", texts[-1]]
        return f"{shorten(name)}({', '.join(shown)})"
    for i, text in enumerate(texts):  # not str.format on the names' own text: a name may hold braces
        template = template.replace(f"{{{i}}}", text.replace("{", "\x00"))
    return template.replace("\x00", "{")


def argument(x: Any, named: Callable[[Slot], str]) -> str:
    """An argument of a step in a formula; of what is neither a value nor a number only what kind of thing it is."""
    if isinstance(x, Slot):
        return named(x)
    if x is None or isinstance(x, str):
        return shorten(str(x))
    if isinstance(x, np.ndarray) and x.ndim == 0:
        x = x[()]
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | float | np.number):
        return minus(f"{x:.4g}")
    if isinstance(x, tuple | list):
        return f"{len(x)} values" if len(x) > MOST_ARGUMENTS else f"({', '.join(argument(y, named) for y in x)})"
    return shorten(type(x).__name__)
