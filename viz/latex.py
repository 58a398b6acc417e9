r"""What people read, as LaTeX mathematics: names with anything in them, and the formulas of `notation.py`.

What comes out needs amsmath and no other package, compiles with pdflatex, and reads the same in a notebook's MathJax.
Every character is looked up in a table; one that stands in none is written by its number, so no text can be a command.
"""

import re
from collections.abc import Callable, Iterator

# fmt: off
CHARACTERS = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_",
    "^": r"\wedge ", "~": r"\sim ", '"': r'\text{"}', "'": r"{\prime}", "`": r"\text{`}", "−": "-", "·": r" \cdot ",
    "×": r" \times ", "÷": r" \div ", "@": r" \, ", "…": r"\ldots ", "±": r"\pm ", "≤": r" \le ", "≥": r" \ge ",
    "≠": r" \ne ", "≈": r" \approx ", "⊙": r" \odot ", "→": r" \to ", "←": r" \gets ", "∂": r"\partial ",
    "∇": r"\nabla ", "∞": r"\infty ", "Σ": r"{\textstyle\sum} ", "Π": r"{\textstyle\prod} ", "∫": r"\int ",
    "√": r"\surd ", "‖": r"\| ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "∈": r" \in ", "°": r"{{}^{\circ}}",
    "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\varepsilon ", "ζ": r"\zeta ",
    "η": r"\eta ", "θ": r"\theta ", "ι": r"\iota ", "κ": r"\kappa ", "λ": r"\lambda ", "μ": r"\mu ", "ν": r"\nu ",
    "ξ": r"\xi ", "π": r"\pi ", "ρ": r"\rho ", "ς": r"\varsigma ", "σ": r"\sigma ", "τ": r"\tau ", "υ": r"\upsilon ",
    "φ": r"\varphi ", "χ": r"\chi ", "ψ": r"\psi ", "ω": r"\omega ", "Γ": r"\Gamma ", "Δ": r"\Delta ",
    "Θ": r"\Theta ", "Λ": r"\Lambda ", "Ξ": r"\Xi ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ",
}
SCRIPTS = {
    **dict(zip("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹", "01234567890123456789", strict=True)), "⁻": "-", "⁺": "+", "ᵀ": r"\top ",
    "′": r"\prime ", "·": r"{\cdot}",
}
# fmt: on
BUILT_IN = {
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arccos",
    "arctan",
    "max",
    "min",
    "det",
}
OPERATORS = {"sign", "softmax", "trunc", "diag", "cosh", "mod", "onehot", "NaN"}  # upright, where no bracket tells so

_SUBSCRIPT = r"(?P<subscript>[₀-₉]+)"
_SUPERSCRIPT = r"(?P<superscript>[⁻⁺]?[⁰¹²³⁴-⁹]+(?:·[⁰¹²³⁴-⁹]+)*|⁻?ᵀ|⁺|′)"
_NAME = re.compile(f"{_SUBSCRIPT}|{_SUPERSCRIPT}|(?P<other>.)", re.DOTALL)
_FORMULA = re.compile(
    r"⟦(?P<key>[^⟦⟧]*)⟧|(?P<mantissa>\d+\.\d+)e(?P<exponent>−?\d+)|(?P<root>[√∛])(?:\((?P<under>[^()]*)\)|(?P<bare>⟦[^⟦⟧]*⟧|π))"
    rf"|{_SUBSCRIPT}|{_SUPERSCRIPT}|(?P<word>[A-Za-z][A-Za-z_0-9]+)|(?P<other>.)",
    re.DOTALL,
)


def name(text: str) -> str:
    r"""A name as one group: a single letter as a variable, a longer name upright, its sub- and superscripts set so.

    >>> name("w"), name("h₁"), name("loss_1"), name("\\input{x}")
    ('{w}', '{h_{1}}', '{\\mathrm{loss\\_1}}', '{\\mathrm{\\backslash input\\{x\\}}}')
    """
    parts = _parts(_NAME.finditer(text), lambda match: _character(match["other"], {" ": r"\ ", "-": r"\text{-}"}))
    letters = re.sub(f"{_SUBSCRIPT}|{_SUPERSCRIPT}", "", text)
    return f"{{{parts}}}" if len(letters) == 1 else f"{{\\mathrm{{{parts}}}}}"


def formula(text: str, fill: Callable[[str], str]) -> str:
    r"""A formula in the signs of `notation.py`. `⟦key⟧` stands for what `fill(key)` gives, which is LaTeX already.

    >>> formula("−sin ⟦0⟧ · √(1 + ⟦0⟧²)", lambda key: "{x}")
    '-\\sin {x} \\cdot \\sqrt{1 + {x}^{2}}'
    """

    def other(match: re.Match[str]) -> str:
        if match["key"] is not None:
            return fill(match["key"])
        if match["mantissa"]:
            return f"{match['mantissa']} \\cdot 10^{{{match['exponent'].replace('−', '-')}}}"
        if match["root"]:
            order = "[3]" if match["root"] == "∛" else ""
            return f"\\sqrt{order}{{{formula(match['under'] or match['bare'] or '', fill)}}}"
        if match["word"]:
            return _word(match["word"], text[match.end() : match.end() + 1] == "(")
        return _character(match["other"], {" ": " ", "-": "-"})

    return re.sub(" {2,}", " ", _parts(_FORMULA.finditer(text), other))


def _parts(matches: Iterator[re.Match[str]], other: Callable[[re.Match[str]], str]) -> str:
    written: list[str] = []
    borne = {"_", "^"}  # the scripts that the last thing bears; a second one of a kind would be an error
    for match in matches:
        kind = "_" if match["subscript"] else "^" if match["superscript"] else ""
        if kind:
            if kind in borne:
                written.append("{}")
                borne = set()
            borne.add(kind)
            script = "".join(SCRIPTS[c] for c in match["subscript"] or match["superscript"])
            written.append(f"{kind}{{{script}}}")
        else:
            written.append(other(match))
            borne = set()
    return "".join(written)


def _word(word: str, is_called: bool) -> str:
    if word in BUILT_IN:
        return f"\\{word} "
    escaped = word.replace("_", r"\_")
    if is_called or word in OPERATORS:
        return f"\\operatorname{{{escaped}}} "
    return "\\infty " if word == "inf" else f"\\text{{ {escaped} }}"


def _character(c: str, own: dict[str, str]) -> str:
    if c in own:
        return own[c]
    if c in CHARACTERS:
        return CHARACTERS[c]
    if " " < c < "\x7f":
        return c
    if "À" <= c <= "ÿ" and c not in "ÐÞðþ":  # letters that pdflatex's default encoding has
        return f"\\text{{{c}}}"
    return f"\\text{{U+{ord(c):04X}}}"
