"""The derivation of one gradient, as it is written by hand: the chain rule line by line, first in symbols, then in the
numbers of the recorded walk. As text and as LaTeX.

A line is built once, with `⟦key⟧` for what text and LaTeX write differently: ⟦3⟧ is the name of node 3, ⟦d3⟧ the
gradient ∂L/∂(node 3), ⟦p7.1⟧ the derivative of node 7 by its operand 1; ⟦v3⟧, ⟦g3⟧ and ⟦m7.1⟧ are the numbers of a
value, a gradient and a message.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from autodiff import BackwardTrace, Message, Node

from . import latex
from .locate import located
from .notation import NOTATION, derivative, formula, label
from .numbers import number
from .path_sums import on_a_path, paths
from .routes import Hop
from .text import amount
from .view import SMALL, total

MOST_LINES = 10  # of the formulas and of the gradients so many are shown each, in symbols and again in numbers
MOST_TERMS = 6  # of a sum, and factors of a product
ONE_LINE = 72  # characters: a longer equation is broken before each =
MULTIPLIED_OUT = 4  # a gradient over at most so many paths is also written as one formula


class Equation(NamedTuple):
    """left = sides[0] = sides[1] = ..., or with no sides a remark."""

    left: str
    sides: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Derivation:
    """A derivation as `text` and as `latex`, an align* environment for amsmath. In a notebook it shows itself."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return self.latex

    def _repr_markdown_(self) -> str:
        return self.latex.replace("{align*}", "{aligned}").join(["$$\n", "\n$$"])


def derive(trace: Any, wrt: Any) -> Derivation:
    """The derivation of the gradient of the output with respect to a node.

    trace  a BackwardTrace, or a Scalar or Tensor with one element, of which the backward pass is recorded
    wrt    the node: its id, its name, a `Node`, or the live Scalar or Tensor

    Only nodes between the output and `wrt` occur. For tensors the rules are written in the words of the drawing, with
    the numbers of small arrays and the norms of larger ones. A long derivation is written without its middle.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
    >>> derive(ad.square(w * x + w, name="L"), "w")
    ∂L/∂w by the chain rule
    <BLANKLINE>
    in symbols
      v₂ = w · x
      v₃ = v₂ + w
      L = v₃²
      ∂L/∂v₃ = ∂(v₃²)/∂v₃ = 2 · v₃
      ∂L/∂v₂ = ∂L/∂v₃ · ∂v₃/∂v₂ = ∂L/∂v₃ · 1
      ∂L/∂w = ∂L/∂v₃ · ∂v₃/∂w + ∂L/∂v₂ · ∂v₂/∂w
            = ∂L/∂v₃ · 1 + ∂L/∂v₂ · x
            = 2 · v₃ · x + 2 · v₃
    <BLANKLINE>
    in numbers
      v₂ = 0.500 · 2.000 = 1.000
      v₃ = 1.000 + 0.500 = 1.500
      L = 1.500² = 2.250
      ∂L/∂v₃ = 3.000
      ∂L/∂v₂ = 3.000 · 1.000 = 3.000
      ∂L/∂w = 3.000 · 1.000 + 3.000 · 2.000
            = 3.000 · 2.000 + 3.000
            = 9.000

    Raises GraphError if there is no such node, or if `ad.remat` is on the way of a record that was pickled.
    """
    trace, end = located(trace, wrt)
    sheet = _Sheet(trace, end)
    heading = f"∂{sheet.names[sheet.output]}/∂{sheet.names[end]} by the chain rule"
    blocks = [("in symbols", sheet.equations(sheet.symbols)), ("in numbers", sheet.equations(sheet.numbers))]
    text, rows = [heading], []
    for title, equations in blocks:
        text += ["", title]
        rows.append(f"&\\text{{{title}}}")
        for equation in equations:
            lines, in_latex = _written(equation, sheet)
            text += lines
            rows += in_latex
    body = " \\\\\n".join(rows)
    return Derivation("\n".join(text), f"\\begin{{align*}}\n{body}\n\\end{{align*}}")


def _written(equation: Equation, sheet: "_Sheet") -> tuple[list[str], list[str]]:
    """The lines of text and the rows of LaTeX: one where it is short, or else one per side."""
    left = _KEY.sub(sheet.text_of, equation.left)
    above = latex.formula(equation.left, sheet.latex)
    if not equation.sides:
        return [f"  {left}"], [f"&{above}"]
    sides = {_KEY.sub(sheet.text_of, side): latex.formula(side, sheet.latex) for side in equation.sides}  # no repeats
    if len(sides) < 3 and len(left) + sum(map(len, sides)) < ONE_LINE:
        return [f"  {' = '.join([left, *sides])}"], [f"{above} &= {' = '.join(sides.values())}"]
    lines = [f"  {' ' * len(left) if i else left} = {side}" for i, side in enumerate(sides)]
    return lines, [f"{'' if i else above} &= {side}" for i, side in enumerate(sides.values())]


_KEY = re.compile("⟦([^⟦⟧]*)⟧")
_G = re.compile(r"(?<![A-Za-z∂])g(?![A-Za-z])")  # the upstream cotangent in a rule


class _Sheet:
    """What the lines of one derivation are made from."""

    def __init__(self, trace: BackwardTrace, end: int) -> None:
        self.trace, self.end = trace, end
        self.nodes: Sequence[Node] = trace.graph.nodes
        self.output = trace.graph.output_ids[0]
        self.messages, self.reach = on_a_path(trace, end)
        self.arriving: dict[int, list[Hop]] = {}
        for hop in self.messages:
            self.arriving.setdefault(hop.operand, []).append(hop)
        self.names = _Labels(self.nodes)
        seed = trace.cotangents[self.output]
        self.starts_at_one = bool(np.all(np.asarray(seed) == 1)) and np.size(seed) == 1

    def equations(self, write: "Callable[[int, bool], Equation]") -> list[Equation]:
        """The formulas in recording order, then the gradients in the walk's; without the middle if there are many."""
        if self.output not in self.reach:
            return [Equation(f"⟦d{self.end}⟧", ("0",))]
        on_the_way = sorted(self.reach, reverse=True)
        formulas = [id for id in reversed(on_the_way) if not self.nodes[id].is_leaf and id != self.end]
        gradients = on_the_way if self.output == self.end or not self.starts_at_one else on_the_way[1:]
        return [*_elided(formulas, lambda id: write(id, False)), *_elided(gradients, lambda id: write(id, True))]

    def symbols(self, id: int, is_gradient: bool) -> Equation:
        """`h = relu(v₂)`, or `∂L/∂h = ∂L/∂v₄ · ∂v₄/∂h = ∂L/∂v₄ · x`."""
        if not is_gradient:
            return Equation(f"⟦{id}⟧", (self._formula(id),))
        if id == self.output:
            return Equation(f"⟦d{id}⟧", ("1" if self.starts_at_one else "g",))
        hops = self.arriving[id]
        sides = [_sum([self._chain(hop) for hop in hops]), _sum([self._rule(hop) for hop in hops])]
        if id == self.end:
            sides.append(self._multiplied_out(in_numbers=False))
        return Equation(f"⟦d{id}⟧", tuple(filter(None, sides)))

    def numbers(self, id: int, is_gradient: bool) -> Equation:
        """The same line with numbers: `h = relu(1.000) = 1.000`, or `∂L/∂h = 0.750 · 2.000 = 1.500`."""
        kind, value = ("g", self.trace.cotangents[id]) if is_gradient else ("v", self.nodes[id].value)
        left = f"⟦d{id}⟧" if is_gradient else f"⟦{id}⟧"
        if np.size(value) > SMALL or np.ndim(value) > 2 or np.size(value) == 0:
            return Equation(f"‖{left}‖", (f"⟦{kind}{id}⟧",))
        if not is_gradient:
            operands = self.nodes[id].operands
            if any(np.size(self.nodes[i].value) > SMALL or np.ndim(self.nodes[i].value) > 2 for i in operands):
                return Equation(left, (f"⟦v{id}⟧",))
            filled = _KEY.sub(lambda match: self._value(int(match[1])), self._formula(id))
            return Equation(left, (filled, f"⟦v{id}⟧"))
        terms = [self._term(hop) for hop in self.arriving.get(id, ())]
        sides = [_sum(terms), self._multiplied_out(in_numbers=True) if id == self.end else ""] if terms else []
        return Equation(left, (*filter(None, sides), f"⟦g{id}⟧"))

    def _formula(self, id: int) -> str:
        """What a node computes, with a key for each name."""
        return formula(*self._keyed(id))

    def _keyed(self, id: int) -> tuple[Node, list[Node]]:
        """The node with keys for names, and its operands: `notation` then writes formulas with keys in them."""
        node = self.nodes[id]
        known = node.op in NOTATION
        target = replace(
            node,
            name=f"⟦{id}⟧",
            op=node.op if known else node.op.replace("⟦", "[").replace("⟧", "]"),
            operands=tuple(range(len(node.operands))),
        )
        operands = []
        for i in node.operands:
            operand = self.nodes[i]
            is_number = operand.op == "constant" and operand.shape == () and not operand.name
            operands.append(operand if is_number else replace(operand, op="input", name=f"⟦{i}⟧", scope=""))
        return target, operands

    def _chain(self, hop: Hop) -> str:
        """`∂L/∂m · ∂m/∂n`. From the output itself the first factor is 1, or the cotangent g that was given."""
        if hop.target != self.output:
            return f"⟦d{hop.target}⟧ · ⟦p{hop.target}.{hop.position}⟧"
        return f"{'' if self.starts_at_one else 'g · '}⟦q{hop.target}.{hop.position}⟧"

    def _local(self, hop: Hop) -> str:
        """The local derivative or the rule in words; empty for an operation of which neither is written."""
        node = self.nodes[hop.target]
        row = NOTATION.get(node.op)
        if row is None or ("{…}" not in row.formula and hop.position >= len(row.derivatives)):
            return ""
        target, operands = self._keyed(hop.target)
        return derivative(target, hop.position, operands)

    def _rule(self, hop: Hop) -> str:
        """`∂L/∂m · x`, or the rule of the operation with ∂L/∂m in it: `xᵀ · ∂L/∂m`."""
        local, message = self._local(hop), self.messages[hop]
        if not local:
            return self._chain(hop)
        is_output = hop.target == self.output
        upstream = f"⟦d{hop.target}⟧" if not is_output else "1" if self.starts_at_one else "g"
        if message.local is None:
            if len(self.arriving[hop.operand]) > 1 and (_is_sum(local) or re.search("[a-z]{2} [a-z]{2}", local)):
                local = f"({local})"
            local = re.sub(r"(?<=\d)(?=g\b)", " · ", local)
            return _G.sub(lambda m: f"({upstream})" if m.string.startswith(("ᵀ", "["), m.end()) else upstream, local)
        product = local if is_output and self.starts_at_one else f"{upstream} {self._times(hop)} {_factor(local)}"
        is_broadcast = self.nodes[hop.operand].shape != self.nodes[hop.target].shape
        return f"Σ ({product})" if is_broadcast else product

    def _times(self, hop: Hop) -> str:
        return "·" if np.size(self.nodes[hop.target].value) == 1 else "⊙"

    def _term(self, hop: Hop) -> str:
        """What an edge brings, in numbers."""
        if not _is_product(self.messages[hop]):
            return f"⟦m{hop.target}.{hop.position}⟧"
        local = self._number(hop)
        if hop.target == self.output and self.starts_at_one:
            return local
        return f"{number(np.asarray(self.trace.cotangents[hop.target]).item())} · {_bracketed(local)}"

    def _multiplied_out(self, in_numbers: bool) -> str:
        """The gradient as one formula: the sum over paths of products of local derivatives. Empty if it is too long."""
        if self.reach[self.output] > MULTIPLIED_OUT or len(self.reach) < 3:
            return ""
        terms = []
        for path in paths(self.trace, self.end, MULTIPLIED_OUT):
            hops = [Hop(t, p, o) for (t, p), o in zip(path.edges, path.nodes[1:], strict=True)]
            symbols = [self._local(hop) for hop in hops]
            if not all(symbols) or not all(_is_product(self.messages[hop]) for hop in hops) or len(hops) > MOST_TERMS:
                return ""
            factors = [self._number(hop) if in_numbers else s for hop, s in zip(hops, symbols, strict=True) if s != "1"]
            if not self.starts_at_one:
                factors.insert(0, self._seed() if in_numbers else "g")
            first, *others = factors or ["1"]
            terms.append(" · ".join([_factor(first) if others and not in_numbers else first, *map(_factor, others)]))
        return _sum(terms)

    def _number(self, hop: Hop) -> str:
        return number(np.asarray(self.messages[hop].local).item())

    def _seed(self) -> str:
        return number(np.asarray(self.trace.cotangents[self.output]).item())

    def _value(self, id: int) -> str:
        value = self.nodes[id].value
        return _bracketed(number(np.asarray(value).item())) if np.shape(value) == () else f"⟦v{id}⟧"

    def _array(self, key: str) -> Any:
        """The value, gradient or message that a key with numbers stands for."""
        if key[0] == "m":
            target, position = map(int, key[1:].split("."))
            return self.messages[Hop(target, position, self.nodes[target].operands[position])].message
        id = int(key[1:])
        return self.nodes[id].value if key[0] == "v" else self.trace.cotangents[id]

    def text(self, key: str) -> str:
        """A key as text."""
        if key.isdigit():
            return self.names[int(key)]
        if key[0] == "d":
            return f"∂{self.names[self.output]}/∂{self.names[int(key[1:])]}"
        if key[0] in "pq":
            target, position = map(int, key[1:].split("."))
            over = self.names[target] if key[0] == "p" else f"({_KEY.sub(self.text_of, self._formula(target))})"
            return f"∂{over}/∂{self.names[self.nodes[target].operands[position]]}"
        return amount(self._array(key)).removeprefix("‖·‖ = ")

    def latex(self, key: str) -> str:
        """A key as LaTeX."""
        if key.isdigit():
            return latex.name(self.names[int(key)])
        if key[0] == "d":
            return _fraction(latex.name(self.names[self.output]), latex.name(self.names[int(key[1:])]))
        if key[0] in "pq":
            target, position = map(int, key[1:].split("."))
            over = latex.name(self.names[target])
            if key[0] == "q":
                over = f"({latex.formula(self._formula(target), self.latex)})"
            return _fraction(over, latex.name(self.names[self.nodes[target].operands[position]]))
        array = self._array(key)
        if np.ndim(array) and 0 < np.size(array) <= SMALL and np.ndim(array) <= 2:
            rows = [" & ".join(latex.formula(number(x), str) for x in row) for row in np.atleast_2d(array)]
            return "\\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"
        return latex.formula(amount(array).removeprefix("‖·‖ = "), str)

    def text_of(self, match: re.Match[str]) -> str:
        """What a match of a key is as text."""
        return self.text(match[1])


class _Labels(dict[int, str]):
    """The name of each node that is asked for."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.nodes = nodes

    def __missing__(self, id: int) -> str:
        self[id] = label(self.nodes[id])
        return self[id]


def _elided(ids: Sequence[int], write: Callable[[int], Equation]) -> list[Equation]:
    if len(ids) <= MOST_LINES:
        return [write(id) for id in ids]
    half = MOST_LINES // 2
    left_out = Equation(f"… {len(ids) - 2 * half:,} more lines …", ())
    return [*map(write, ids[:half]), left_out, *map(write, ids[-half:])]


def _sum(terms: Sequence[str]) -> str:
    if len(terms) > MOST_TERMS:
        left_out = f"… {len(terms) - MOST_TERMS + 1:,} more …"
        terms = [*terms[: MOST_TERMS - 2], left_out, terms[-1]]
    return total(terms)


def _is_product(message: Message) -> bool:
    """Whether an edge multiplies one number by another."""
    return message.local is not None and np.size(message.local) == 1 == np.size(message.message)


def _factor(text: str) -> str:
    """In brackets if it is a sum, a quotient or has a sign.

    >>> [_factor(text) for text in ("2 · w", "1 − h²", "−1", "σ(a − b)", "1 if x > 0, else 0.1")]
    ['2 · w', '(1 − h²)', '(−1)', 'σ(a − b)', '(1 if x > 0, else 0.1)']
    """
    return f"({text})" if _is_sum(text) else text


def _is_sum(text: str) -> bool:
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and (text.startswith((" + ", " − ", " / ", " if "), i) or (i == 0 and c == "−")):
            return True
    return False


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("−") else number


def _fraction(over: str, under: str) -> str:
    return f"\\frac{{\\partial {over}}}{{\\partial {under}}}"
