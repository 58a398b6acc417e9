"""Derivations: each line is right, in symbols and in numbers, and their LaTeX compiles whatever the names are."""

import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from needed import missing

import autodiff as ad
import viz
from autodiff import nn
from autodiff.ops.table import OPERATIONS, builtin_names
from viz import latex
from viz.notation import NOTATION

HEAD = "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\begin{document}\n"
TAIL = "\n\\end{document}\n"


def example():
    return ad.parse("L = (relu(w*x + b) - y)**2 + w*w", w=0.5, x=2.0, b=-0.3, y=1.0)


def network():
    rng = np.random.default_rng(0)
    with ad.scope("mlp"):
        h = ad.relu(rng.normal(size=(8, 4)) @ ad.Tensor(rng.normal(size=(4, 5)), name="W1"), name="h")
    z = h @ ad.Tensor(rng.normal(size=(5, 3)), name="W2")
    return nn.cross_entropy(z, np.arange(8) % 3, name="loss")


HOSTILE = [
    "\\input{secret}",
    "\\",
    "a_b^c",
    "$x$ %comment",
    "#1 & {}",
    "}{",
    "~`'\"",
    "h₁",
    "h₁²₃²³",
    "₂",
    "x²",
    "σ",
    "×√",
    "°²°",
    "[1] * [2]",
    "naïve Ægir Ðorn",
    "emoji 🙂 é ∂ ‖",
    "line\nbreak",
    "\u202eright",
    "⟦0⟧ ⟦v1⟧ ⟦",
    " ",
    "- - --",
    "e5",
    "1.000e5",
    "∛∛√√(√)",
    "2^{2}",
    "linear1.W",
]


def compiled(tmp_path, body: str) -> subprocess.CompletedProcess:
    """pdflatex on a document with this body; skips where there is none."""
    if shutil.which("pdflatex") is None:
        missing("pdflatex is not installed: on Debian, apt-get install texlive-latex-base texlive-pictures")
    (tmp_path / "page.tex").write_text(HEAD + body + TAIL, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)


def assert_compiles(tmp_path, body: str) -> None:
    done = compiled(tmp_path, body)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-1500:]
    assert b"Missing character" not in done.stdout


class TestText:
    def test_a_derivation_in_symbols_then_in_numbers(self):
        assert str(viz.derive(example(), "w")).splitlines() == [
            "∂L/∂w by the chain rule",
            "",
            "in symbols",
            "  v₄ = w · x",
            "  v₅ = v₄ + b",
            "  v₆ = relu(v₅)",
            "  v₇ = v₆ − y",
            "  v₉ = v₇²",
            "  v₁₀ = w · w",
            "  L = v₉ + v₁₀",
            "  ∂L/∂v₁₀ = ∂(v₉ + v₁₀)/∂v₁₀ = 1",
            "  ∂L/∂v₉ = ∂(v₉ + v₁₀)/∂v₉ = 1",
            "  ∂L/∂v₇ = ∂L/∂v₉ · ∂v₉/∂v₇ = ∂L/∂v₉ · 2 · v₇",
            "  ∂L/∂v₆ = ∂L/∂v₇ · ∂v₇/∂v₆ = ∂L/∂v₇ · 1",
            "  ∂L/∂v₅ = ∂L/∂v₆ · ∂v₆/∂v₅ = ∂L/∂v₆ · [v₅ > 0]",
            "  ∂L/∂v₄ = ∂L/∂v₅ · ∂v₅/∂v₄ = ∂L/∂v₅ · 1",
            "  ∂L/∂w = ∂L/∂v₁₀ · ∂v₁₀/∂w + ∂L/∂v₁₀ · ∂v₁₀/∂w + ∂L/∂v₄ · ∂v₄/∂w",
            "        = ∂L/∂v₁₀ · w + ∂L/∂v₁₀ · w + ∂L/∂v₄ · x",
            "        = 2 · v₇ · [v₅ > 0] · x + w + w",
            "",
            "in numbers",
            "  v₄ = 0.500 · 2.000 = 1.000",
            "  v₅ = 1.000 + (−0.300) = 0.700",
            "  v₆ = relu(0.700) = 0.700",
            "  v₇ = 0.700 − 1.000 = −0.300",
            "  v₉ = (−0.300)² = 0.0900",
            "  v₁₀ = 0.500 · 0.500 = 0.250",
            "  L = 0.0900 + 0.250 = 0.340",
            "  ∂L/∂v₁₀ = 1.000",
            "  ∂L/∂v₉ = 1.000",
            "  ∂L/∂v₇ = 1.000 · (−0.600) = −0.600",
            "  ∂L/∂v₆ = −0.600 · 1.000 = −0.600",
            "  ∂L/∂v₅ = −0.600 · 1.000 = −0.600",
            "  ∂L/∂v₄ = −0.600 · 1.000 = −0.600",
            "  ∂L/∂w = 1.000 · 0.500 + 1.000 · 0.500 − 0.600 · 2.000",
            "        = −0.600 · 1.000 · 2.000 + 0.500 + 0.500",
            "        = −0.200",
        ]

    def test_only_nodes_between_output_and_input_occur(self):
        text = viz.derive(example(), "y").text
        assert "v₁₀ =" not in text
        assert "v₅ =" not in text
        assert text.endswith("  ∂L/∂y = −0.600 · (−1.000) = 0.600")

    @given(
        st.sampled_from(["a*b + a", "tanh(a)/b - b", "exp(a)*sin(b)*a", "log(a + b)**2 - a*a*b", "sigmoid(a*b)/a"]),
        st.floats(0.5, 2),
        st.floats(0.5, 2),
    )
    def test_every_line_of_numbers_is_true(self, text, a, b):
        lines = viz.derive(ad.parse(f"f = {text}", a=a, b=b), "a").text.partition("in numbers\n")[2]
        equations = re.sub(r"\n +=", " =", lines).splitlines()
        scope = {name: getattr(math, name) for name in ("exp", "log", "sin", "tanh")}
        scope["σ"] = lambda x: 1 / (1 + math.exp(-x))
        assert len(equations) > 2
        for equation in equations:
            sides = [side.replace("·", "*").replace("−", "-").replace("²", "**2") for side in equation.split(" = ")[1:]]
            values = [eval(side, scope) for side in sides]
            assert values == pytest.approx([values[-1]] * len(values), rel=0.02, abs=0.02), equation

    def test_a_cotangent_that_is_given_is_called_g(self):
        text = viz.derive(ad.backprop(ad.parse("f = a*b", a=2.0, b=3.0), 5.0), "a").text
        assert "  ∂f/∂f = g\n  ∂f/∂a = g · ∂(a · b)/∂a = g · b\n" in text
        assert "  ∂f/∂f = 5.000\n  ∂f/∂a = 5.000 · 3.000 = 15.00" in text

    def test_rules_of_tensors_are_written_with_the_gradient_in_them(self):
        text = viz.derive(network(), "W2").text
        assert "∂loss/∂W2 = ∂loss/∂v₅ · ∂v₅/∂W2 = hᵀ · ∂loss/∂v₅" in text
        assert re.search(r"‖v₅‖ = [\d.]+ \(8 × 3\)", text)
        assert re.search(r"‖∂loss/∂W2‖ = [\d.]+ \(5 × 3\)", text)

    def test_small_tensors_show_their_numbers_and_broadcasting_is_summed(self):
        b, x = ad.Tensor([1.0, 2.0], name="b"), ad.Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
        text = viz.derive(ad.sum(ad.multiply(x, b, name="y"), name="L"), "b").text
        assert "∂L/∂y = ∂(Σ y)/∂y = 1 to every element" in text
        assert "∂L/∂b = ∂L/∂y · ∂y/∂b = Σ (∂L/∂y ⊙ x)" in text
        assert "  y = [1.000 2.000; 3.000 4.000] · [1.000 2.000] = [1.000 4.000; 3.000 8.000]\n" in text
        assert text.endswith("∂L/∂b = [4.000 6.000]")

    @pytest.mark.parametrize("op", sorted(builtin_names() & set(NOTATION)))
    def test_g_stands_for_the_upstream_gradient_in_every_rule(self, op):
        for rule in NOTATION[op].derivatives:
            written = re.sub(r"(?<![A-Za-z∂])g(?![A-Za-z])", "G", rule)
            assert not re.search(r"\bg\b", written)
            assert ("G" in written) <= (OPERATIONS[op].partials is None), op

    def test_the_output_and_an_input_that_is_not_reached(self):
        x, y = ad.Scalar(1.0, name="x"), ad.Scalar(2.0, name="y")
        assert "∂L/∂L = 1\n" in viz.derive(ad.exp(x, name="L"), "L").text
        assert "∂L/∂y = 0" in viz.derive(ad.where(y, x, x, name="L"), "y").text

    def test_a_long_derivation_is_shortened_and_quick(self):
        y = ad.Scalar(1.0, name="x")
        for _ in range(5000):
            y = y * y
        text = viz.derive(y, "x").text
        assert text.count("… 4,990 more lines …") == 4
        assert len(text.splitlines()) < 60

    def test_a_sum_of_very_many_terms_is_shortened(self):
        x = ad.Scalar(1.0, name="x")
        total = x * 1
        for _ in range(500):
            total = total + x
        text = viz.derive(total, "x").text
        assert max(map(len, text.splitlines())) < 200
        assert "… 496 more …" in text

    def test_an_operation_of_very_many_operands_is_shortened(self):
        x = ad.Scalar(1.0, name="x")
        text = viz.derive(ad.sum(ad.stack([x * i for i in range(100)], name="s")), "x").text
        assert re.search(r"s = stack\(v.*, … \(100\) …, v.*\)", text)
        assert max(map(len, text.splitlines())) < 400

    def test_a_users_own_operation(self):
        cube = ad.Elementwise("my_cubed ⟦0⟧", lambda x: x**3, lambda out, x: 3 * x**2)
        text = viz.derive(cube(ad.Scalar(2.0, name="x"), name="y") * 2.0, "x").text
        assert "y = my_cubed [0](x)" in text
        assert "= 2.000 · 12.00" in text


class TestLatex:
    def test_an_environment_that_shows_itself_in_a_notebook(self):
        derivation = viz.derive(example(), "x")
        assert derivation.latex.startswith("\\begin{align*}\n&\\text{in symbols} \\\\\n{v_{4}} &= {w} \\cdot {x} \\\\")
        assert derivation.latex.endswith("\n\\end{align*}")
        assert derivation._repr_latex_() == derivation.latex
        assert derivation._repr_markdown_().startswith("$$\n\\begin{aligned}")
        assert repr(derivation) == str(derivation) == derivation.text

    CHARACTERS = (
        ("w", "{w}"),
        ("h₁₂", "{h_{12}}"),
        ("W1", r"{\mathrm{W1}}"),
        ("σ", r"{\sigma }"),
        ("a_b", r"{\mathrm{a\_b}}"),
        ("\\input{x}", r"{\mathrm{\backslash input\{x\}}}"),
        ("50% $#&", r"{\mathrm{50\%\ \$\#\&}}"),
        ("x^2~", r"{\mathrm{x\wedge 2\sim }}"),
        ("a−b×c", r"{\mathrm{a-b \times c}}"),
        ("é", r"{\text{é}}"),
        ("🙂", r"{\text{U+1F642}}"),
        ("a²²", r"{a^{22}}"),
        ("a²₁²", r"{a^{2}_{1}{}^{2}}"),
    )

    @pytest.mark.parametrize(("text", "written"), CHARACTERS)
    def test_names(self, text, written):
        assert latex.name(text) == written

    FORMULAS = (
        ("⟦0⟧ · ⟦1⟧", r"{0} \cdot {1}"),
        ("−sin ⟦0⟧", r"-\sin {0}"),
        ("1 / √(1 − ⟦0⟧²)", r"1 / \sqrt{1 - {0}^{2}}"),
        ("∛⟦0⟧", r"\sqrt[3]{{0}}"),
        ("2/√π", r"2/\sqrt{\pi }"),
        ("⟦0⟧ᵀ · g", r"{0}^{\top } \cdot g"),
        ("1.500e−7", r"1.500 \cdot 10^{-7}"),
        ("log₂(⟦0⟧)", r"\log _{2}({0})"),
        ("leaky_relu(⟦0⟧)", r"\operatorname{leaky\_relu} ({0})"),
        ("g to every", r"g \text{ to } \text{ every }"),
        ("⟦0⟧⁻ᵀ", r"{0}^{-\top }"),
        ("⟦0⟧⁰·⁵", r"{0}^{0{\cdot}5}"),
    )

    @pytest.mark.parametrize(("text", "written"), FORMULAS)
    def test_formulas(self, text, written):
        assert latex.formula(text, "{{{}}}".format) == written

    @given(st.text(max_size=30))
    def test_braces_balance_and_every_command_is_from_the_table(self, text):
        for written in (latex.name(text), latex.formula(text.replace("⟦", ""), str)):
            depth = 0
            for piece in re.findall(r"\\[A-Za-z]+|\\.|.", written):
                depth += (piece == "{") - (piece == "}")
                assert depth >= 0
            assert depth == 0
            commands = set(re.findall(r"\\([A-Za-z]+)", written))
            known = set(re.findall(r"\\([A-Za-z]+)", "".join([*latex.CHARACTERS.values(), *latex.SCRIPTS.values()])))
            assert commands <= known | latex.BUILT_IN | {"mathrm", "text", "operatorname", "sqrt", "infty"}
            assert not re.search(r"(?<!\\)[$%#&~]", written)

    def test_derivations_compile(self, tmp_path):
        small = nn.mse_loss(ad.Tensor([[1.0, 2.0]], name="x") @ ad.Tensor([[1.0], [2.0]], name="W"), np.ones((1, 1)))
        subjects = [(example(), "w"), (network(), "W1"), (small, "W"), (ad.Scalar(1e-9, name="x") / 3, "x")]
        assert_compiles(tmp_path, "\n".join(viz.derive(*subject).latex for subject in subjects))

    def test_every_formula_and_every_rule_compiles(self, tmp_path):
        rows = [
            text for row in NOTATION.values() for text in (row.formula, *row.derivatives) if text and "{…}" not in text
        ]
        texts = [re.sub(r"\{(\w+)\}", r"⟦\1⟧", text) for text in rows]
        formulas = [latex.formula(text, lambda key: latex.name("x₁")) for text in texts]
        assert_compiles(tmp_path, "\n\n".join(f"${formula}$" for formula in formulas))

    def test_hostile_names_compile(self, tmp_path):
        bodies = []
        for name in HOSTILE:
            operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
            with ad.scope(name):
                out = operation(ad.Scalar(1.0, name=name), name=name) * 2
            bodies.append(viz.derive(out, 0).latex)
            bodies.append(f"${latex.formula(name, str)}$")
        assert_compiles(tmp_path, "\n\n".join(bodies))

    def test_every_printable_character_of_the_table_compiles(self, tmp_path):
        characters = [*map(chr, range(32, 0x180)), *latex.CHARACTERS, *latex.SCRIPTS]
        names = "\n\n".join(f"${latex.name(c)}$ ${latex.name('x' + c + c)}$" for c in characters)
        assert_compiles(tmp_path, names + "\n\n" + "\n\n".join(f"${latex.formula(c * 2, str)}$" for c in characters))
