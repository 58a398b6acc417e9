"""How each operation is written: its sign, its formula, and the local derivative of each operand, one row each.

`{0}`, `{1}`, ... stand for the operands, `{…}` for all of them, `{out}` for the result, `g` for the upstream cotangent.
An operation on any number of operands has one derivative, which holds for each. For an elementwise operation the last
column is the local derivative that multiplies g; for any other it is the whole rule, in words. An operation without a
row, a user's own, is written as a function call.
"""

from collections.abc import Sequence
from typing import NamedTuple

from autodiff import Node
from autodiff.writing import is_parameter, label, shorten

from .numbers import minus, superscript

__all__ = ["NOTATION", "Notation", "derivative", "formula", "is_parameter", "label", "shorten", "sign"]


class Notation(NamedTuple):
    """One row: sign on the card, formula, and one derivative per operand."""

    sign: str
    formula: str
    derivatives: tuple[str, ...]


# fmt: off
NOTATION: dict[str, Notation] = {
    "add":          Notation("+", "{0} + {1}", ("1", "1")),
    "sub":          Notation("−", "{0} − {1}", ("1", "−1")),
    "mul":          Notation("×", "{0} · {1}", ("{1}", "{0}")),
    "div":          Notation("÷", "{0} / {1}", ("1 / {1}", "−{out} / {1}")),
    "pow":          Notation("^", "{0} ^ {1}", ("{1} · {0} ^ ({1} − 1)", "{out} · log {0}")),
    "neg":          Notation("−", "−{0}", ("−1",)),
    "abs":          Notation("|·|", "|{0}|", ("sign {0}",)),
    "sign":         Notation("sign", "sign({0})", ("0",)),
    "copysign":     Notation("±", "copysign({0}, {1})", ("sign {0} · sign {1}", "0")),
    "positive":     Notation("+", "+{0}", ("1",)),
    "square":       Notation("²", "{0}²", ("2 · {0}",)),
    "reciprocal":   Notation("1/·", "1 / {0}", ("−{out}²",)),
    "exp":          Notation("exp", "exp({0})", ("{out}",)),
    "log":          Notation("log", "log({0})", ("1 / {0}",)),
    "exp2":         Notation("2^", "2 ^ {0}", ("{out} · log 2",)),
    "expm1":        Notation("exp−1", "exp({0}) − 1", ("exp {0}",)),
    "log1p":        Notation("log1p", "log(1 + {0})", ("1 / (1 + {0})",)),
    "log2":         Notation("log₂", "log₂({0})", ("1 / ({0} · log 2)",)),
    "log10":        Notation("log₁₀", "log₁₀({0})", ("1 / ({0} · log 10)",)),
    "logaddexp":    Notation("logaddexp", "log(exp {0} + exp {1})", ("σ({0} − {1})", "σ({1} − {0})")),
    "logaddexp2":   Notation("logaddexp2", "log₂(2^{0} + 2^{1})", ("σ(({0}−{1}) · log 2)", "σ(({1}−{0}) · log 2)")),
    "sqrt":         Notation("√", "√{0}", ("1 / (2 · {out})",)),
    "cbrt":         Notation("∛", "∛{0}", ("1 / (3 · {out}²)",)),
    "sin":          Notation("sin", "sin({0})", ("cos {0}",)),
    "cos":          Notation("cos", "cos({0})", ("−sin {0}",)),
    "tan":          Notation("tan", "tan({0})", ("1 + {out}²",)),
    "arcsin":       Notation("arcsin", "arcsin({0})", ("1 / √(1 − {0}²)",)),
    "arccos":       Notation("arccos", "arccos({0})", ("−1 / √(1 − {0}²)",)),
    "arctan":       Notation("arctan", "arctan({0})", ("1 / (1 + {0}²)",)),
    "arctan2":      Notation("arctan2", "arctan2({0}, {1})", ("{1} / ({0}² + {1}²)", "−{0} / ({0}² + {1}²)")),
    "hypot":        Notation("hypot", "√({0}² + {1}²)", ("{0} / {out}", "{1} / {out}")),
    "sinc":         Notation("sinc", "sinc({0})", ("(cos π{0} − {out}) / {0}",)),
    "deg2rad":      Notation("rad", "{0} · π / 180", ("π / 180",)),
    "rad2deg":      Notation("deg", "{0} · 180 / π", ("180 / π",)),
    "sinh":         Notation("sinh", "sinh({0})", ("cosh {0}",)),
    "cosh":         Notation("cosh", "cosh({0})", ("sinh {0}",)),
    "tanh":         Notation("tanh", "tanh({0})", ("1 − {out}²",)),
    "arcsinh":      Notation("arcsinh", "arcsinh({0})", ("1 / √({0}² + 1)",)),
    "arccosh":      Notation("arccosh", "arccosh({0})", ("1 / √({0}² − 1)",)),
    "arctanh":      Notation("arctanh", "arctanh({0})", ("1 / (1 − {0}²)",)),
    "erf":          Notation("erf", "erf({0})", ("2/√π · exp(−{0}²)",)),
    "erfc":         Notation("erfc", "erfc({0})", ("−2/√π · exp(−{0}²)",)),
    "sigmoid":      Notation("σ", "σ({0})", ("{out} · (1 − {out})",)),
    "relu":         Notation("relu", "relu({0})", ("[{0} > 0]",)),
    "leaky_relu":   Notation("leaky", "leaky_relu({0}, {1})", ("1 if {0} > 0, else {1}", "min({0}, 0)")),
    "relu6":        Notation("relu6", "relu6({0})", ("[0 < {0} < 6]",)),
    "hard_tanh":    Notation("hard_tanh", "hard_tanh({0})", ("[−1 < {0} < 1]",)),
    "elu":          Notation("elu", "elu({0}, {1})", ("1 if {0} > 0, else {1} · exp {0}", "exp(min({0}, 0)) − 1")),
    "selu":         Notation("selu", "selu({0})", ("λ if {0} > 0, else λα · exp {0}",)),
    "gelu":         Notation("gelu", "{0} · Φ({0})", ("Φ({0}) + {0} · φ({0})",)),
    "gelu_tanh":    Notation("gelu", "gelu_tanh({0})", ("σ(z) · (1 + {0} · z′ · σ(−z))",)),
    "silu":         Notation("silu", "{0} · σ({0})", ("σ({0}) · (1 + {0} · σ(−{0}))",)),
    "softplus":     Notation("softplus", "log(1 + exp {0})", ("σ({0})",)),
    "log_sigmoid":  Notation("log σ", "log σ({0})", ("σ(−{0})",)),
    "softsign":     Notation("softsign", "{0} / (1 + |{0}|)", ("1 / (1 + |{0}|)²",)),
    "maximum":      Notation("max", "max({0}, {1})", ("[{0} ≥ {1}]", "[{1} ≥ {0}]")),
    "minimum":      Notation("min", "min({0}, {1})", ("[{0} ≤ {1}]", "[{1} ≤ {0}]")),
    "fmax":         Notation("fmax", "fmax({0}, {1})", ("[{0} ≥ {1}]", "[{1} ≥ {0}]")),
    "fmin":         Notation("fmin", "fmin({0}, {1})", ("[{0} ≤ {1}]", "[{1} ≤ {0}]")),
    "clip":         Notation("clip", "clip({0}, {1}, {2})", ("[{1} ≤ {0} ≤ {2}]", "[{0} ≤ {1}]", "[{0} ≥ {2}]")),
    "floor":        Notation("⌊·⌋", "⌊{0}⌋", ("0",)),
    "ceil":         Notation("⌈·⌉", "⌈{0}⌉", ("0",)),
    "trunc":        Notation("trunc", "trunc({0})", ("0",)),
    "rint":         Notation("rint", "rint({0})", ("0",)),
    "round":        Notation("round", "round({0}, {1})", ("0", "")),
    "floor_divide": Notation("//", "⌊{0} / {1}⌋", ("0", "0")),
    "remainder":    Notation("mod", "{0} mod {1}", ("1", "−⌊{0} / {1}⌋")),
    "fmod":         Notation("fmod", "fmod({0}, {1})", ("1", "−trunc({0} / {1})")),
    "heaviside":    Notation("step", "heaviside({0}, {1})", ("0", "[{0} = 0]")),
    "where":        Notation("where", "{1} where {0}, else {2}", ("", "[{0}]", "[not {0}]")),
    "nan_to_num":   Notation("finite", "finite({0})", ("[{0} is finite]", "[{0} is NaN]", "[{0} = ∞]", "[{0} = −∞]")),
    "dropout":      Notation("dropout", "dropout({0})", ("{1}", "")),
    "sum":          Notation("Σ", "Σ {0}", ("g to every element",)),
    "mean":         Notation("mean", "mean({0})", ("g / n to every element",)),
    "max":          Notation("max", "max({0})", ("g to the maximum",)),
    "min":          Notation("min", "min({0})", ("g to the minimum",)),
    "median":       Notation("median", "median({0})", ("g to the middle",)),
    "quantile":     Notation("quantile", "quantile({0})", ("g to the one or two numbers read",)),
    "prod":         Notation("Π", "Π {0}", ("g · product of the others",)),
    "var":          Notation("var", "var({0})", ("2g · ({0} − mean) / n",)),
    "std":          Notation("std", "std({0})", ("g · ({0} − mean) / (n · {out})",)),
    "cumsum":       Notation("cumsum", "cumsum({0})", ("Σ g from here on",)),
    "cumprod":      Notation("cumprod", "cumprod({0})", ("Σ g · product of the others",)),
    "logsumexp":    Notation("log Σ exp", "log Σ exp({0})", ("g · softmax({0})",)),
    "softmax":      Notation("softmax", "softmax({0})", ("{out} · (g − Σ g·{out})",)),
    "log_softmax":  Notation("log softmax", "log softmax({0})", ("g − exp({out}) · Σ g",)),
    "cross_entropy": Notation("cross_entropy", "cross_entropy({0})", ("g · (softmax({0}) − onehot) / n", "")),
    "sum_squares":  Notation("Σ", "Σ {0}²", ("2g · {0}",)),
    "matmul":       Notation("@", "{0} @ {1}", ("g · {1}ᵀ", "{0}ᵀ · g")),
    "einsum":       Notation("Σ Π", "einsum({…})", ("Σ g · product of the others",)),
    "norm":         Notation("‖·‖", "‖{0}‖", ("g · {0} / {out}",)),
    "det":          Notation("det", "det({0})", ("g · cofactors of {0}",)),
    "slogdet":      Notation("log det", "log |det {0}|", ("g · {0}⁻ᵀ",)),
    "inv":          Notation("⁻¹", "{0}⁻¹", ("−{out}ᵀ · g · {out}ᵀ",)),
    "solve":        Notation("solve", "{0}⁻¹ · {1}", ("−({0}⁻ᵀ · g) · {out}ᵀ", "{0}⁻ᵀ · g")),
    "pinv":         Notation("⁺", "{0}⁺", ("−{out}ᵀ · g · {out}ᵀ + complements",)),
    "cholesky":     Notation("cholesky", "cholesky({0})", ("L⁻ᵀ · Φ(Lᵀ·g) · L⁻¹, symmetric",)),
    "eigh":         Notation("eigh", "eigh({0})", ("V · (diag g + Vᵀ·g / gaps) · Vᵀ",)),
    "svd":          Notation("svd", "svd({0})", ("U · (diag g + Uᵀ·g / gaps) · Vᵀ",)),
    "qr":           Notation("qr", "qr({0})", ("(g + Q · mirrored M) · R⁻ᵀ",)),
    "reshape":      Notation("reshape", "reshape({0})", ("g in the old shape",)),
    "transpose":    Notation("ᵀ", "{0}ᵀ", ("gᵀ",)),
    "broadcast_to": Notation("broadcast", "broadcast({0})", ("Σ g over the copies",)),
    "sum_to":       Notation("Σ", "Σ {0}", ("g to every summand",)),
    "roll":         Notation("roll", "roll({0})", ("g rolled back",)),
    "pad":          Notation("pad", "pad({0})", ("g without the border",)),
    "sort":         Notation("sort", "sort({0})", ("g in the old order",)),
    "concatenate":  Notation("concat", "concatenate({…})", ("g of its own part",)),
    "stack":        Notation("stack", "stack({…})", ("g of its own slice",)),
    "getitem":      Notation("[ ]", "{0}[…]", ("g into its place",)),
    "set_at":       Notation("[ ] =", "{0} with [ ] = {1}", ("g, but 0 where it was set", "g where it was set")),
    "scatter":      Notation("scatter", "scatter({0})", ("g[…]",)),
    "astype":       Notation("astype", "astype({0})", ("g",)),
    "alias":        Notation("=", "{0}", ("1",)),
    "to_tensor":    Notation("tensor", "tensor({0})", ("g",)),
    "to_scalar":    Notation("scalar", "scalar({0})", ("g",)),
}
# fmt: on

MOST_OPERANDS = 8  # of a formula on a card


def sign(node: Node) -> str:
    """The operation's sign, as on the head of a card."""
    return NOTATION[node.op].sign if node.op in NOTATION else shorten(node.op)


def formula(node: Node, nodes: Sequence[Node]) -> str:
    """What the node computes, in the names of its operands: `w · x`."""
    names = _names(node, nodes)
    exponent = _constant_exponent(node, nodes)
    if exponent is not None:
        return f"{names[0]}{superscript(_short(exponent))}"
    if node.op not in NOTATION:
        return f"{shorten(node.op)}({', '.join(names)})"
    return _write(NOTATION[node.op].formula, label(node), names)


def derivative(node: Node, position: int, nodes: Sequence[Node]) -> str:
    """The local derivative of one operand, or the rule in words: `x`, `1 − v₂²`, `hᵀ · g`."""
    exponent = _constant_exponent(node, nodes)
    if exponent is not None and position == 0:
        return _power_rule(label(nodes[node.operands[0]]), exponent)
    row = NOTATION.get(node.op)
    if row is not None and "{…}" in row.formula:
        position = 0
    if row is None or position >= len(row.derivatives):
        again = ", recomputed" if node.op.startswith("remat ") else ""
        return f"∂{label(node)}/∂{label(nodes[node.operands[position]])}{again}"
    return _write(row.derivatives[position], label(node), _names(node, nodes))


def _names(node: Node, nodes: Sequence[Node]) -> list[str]:
    """What the operands are called; of many the first three, their number, and the last."""
    if len(node.operands) <= MOST_OPERANDS:
        return [label(nodes[i]) for i in node.operands]
    first, last = node.operands[:3], node.operands[-1]
    return [*(label(nodes[i]) for i in first), f"… ({len(node.operands)}) …", label(nodes[last])]


def _write(template: str, out: str, names: Sequence[str]) -> str:
    # Not str.format on the names' own text: a name may hold braces.
    for key, name in (("{out}", out), ("{…}", ", ".join(names)), *((f"{{{i}}}", name) for i, name in enumerate(names))):
        template = template.replace(key, name.replace("{", "\x00"))
    return template.replace("\x00", "{")


def _constant_exponent(node: Node, nodes: Sequence[Node]) -> float | None:
    """n where the node is xⁿ with an unnamed constant n."""
    if node.op != "pow":
        return None
    exponent = nodes[node.operands[1]]
    plain = exponent.op == "constant" and exponent.shape == () and not exponent.name
    return float(exponent.value) if plain and superscript(_short(float(exponent.value))) else None


def _power_rule(base: str, exponent: float) -> str:
    """d/dx xⁿ = n xⁿ⁻¹, with the powers 0 and 1 written out."""
    if exponent == 2:
        return f"2 · {base}"
    if exponent in (0, 1):
        return _short(exponent)
    return f"{_short(exponent)} · {base}{superscript(_short(exponent - 1))}"


def _short(x: float) -> str:
    return minus(f"{x:.4g}")
