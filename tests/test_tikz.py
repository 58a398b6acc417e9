"""TikZ: where things stand, what they say, that no name runs anything, and that pdflatex takes it."""

import json
import re
import shutil
import subprocess

import pytest
from drawings import EXAMPLES, HOSTILE, compare_with_golden, named, network, spoilt, square
from hypothesis import given
from hypothesis import strategies as st
from needed import missing

import autodiff as ad
from viz import portable
from viz.dot import to_dot
from viz.latex_text import escape
from viz.layout import lay_out
from viz.theme import DARK, PRINT
from viz.tikz import MAX_SIDE, to_tikz
from viz.view import view

pytestmark = pytest.mark.graphviz_libraries


class TestLayout:
    def test_boxes_are_inside_and_apart(self):
        layout = lay_out(to_dot(network()))
        boxes = list(layout.nodes.values())
        for i, box in enumerate(boxes):
            assert box.left >= -0.01
            assert box.bottom >= -0.01
            assert box.right <= layout.width + 0.01
            assert box.top <= layout.height + 0.01
            for other in boxes[:i]:
                beside = box.right <= other.left or other.right <= box.left
                assert beside or box.top <= other.bottom or other.top <= box.bottom

    def test_curves_lead_from_node_to_node(self):
        layout = lay_out("digraph { rankdir=LR a -> b a -> b b -> c [dir=none] }")
        a, b = layout.nodes["a"], layout.nodes["b"]
        for curve in layout.edges["a", "b"]:
            assert len(curve) % 3 == 1
            assert curve[0].x == pytest.approx(a.right, abs=3)
            assert curve[-1].x == pytest.approx(b.left, abs=3)
        assert len(layout.edges["a", "b"]) == 2
        assert layout.edges["b", "c"][0][-1].x == pytest.approx(layout.nodes["c"].left, abs=3)

    def test_scopes_hold_their_cards_and_keep_their_names(self):
        with ad.scope("a & <b>"), ad.scope("inner"):
            out = ad.Scalar(2.0, name="w") * 3
        layout = lay_out(to_dot(out))
        assert [scope.words for scope in layout.scopes] == ["a & <b>", "inner"]
        for box in [scope.box for scope in layout.scopes]:
            assert box.left < layout.nodes["n2"].left
            assert box.right > layout.nodes["n2"].right

    def test_nothing_is_laid_out_as_nothing(self):
        assert lay_out("digraph { }").nodes == {}

    def test_the_portable_program_tells_the_layout_too(self):
        text, _ = portable.draw(to_dot(square()), "json0", "dot", 96)
        assert {"n0", "n1"} <= {item["name"] for item in json.loads(text)["objects"]}


class TestContent:
    @pytest.mark.parametrize("name", ["squared", "spoilt"])
    def test_golden(self, name):
        """All but the places: they are Graphviz's."""
        text = re.sub(r"-?\d+(\.\d+)?bp|\(-?[\d.]+,-?[\d.]+\)", "#", to_tikz(EXAMPLES[name]()))
        compare_with_golden(f"{name}.tex", text)

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_every_card_row_and_ledger_of_the_view_is_there(self, name):
        content = view(EXAMPLES[name]())
        text = to_tikz(content, theme=DARK, direction="TB")
        assert text.isascii()
        assert text == to_tikz(content, theme=DARK, direction="TB")
        for card in content.cards:
            node = text.partition(f"(n{card.id})")[2].partition("}};")[0]
            assert escape(card.title) in node
            for row in card.rows:
                assert f"\\cardrow{{{escape(row.label)}}}" in node
                assert all(escape(word.strip()) in node for word in row.line.text.split("  "))
        for edge in content.edges:
            ledger = text.partition(f"(e{edge.target}-{edge.position})")[2].partition("}};")[0]
            assert [escape(line.text) in ledger for line in edge.lines] == [True] * len(edge.lines)

    def test_the_result_and_alarms_are_marked(self):
        text = to_tikz(spoilt(), theme=PRINT)
        assert re.search(r"\\node\[operation, result, alarm, .*\(n8\)", text)
        assert re.search(r"\\node\[input, alarm, .*\(n0\)", text)
        assert text.count(r"\draw[alarm message") == 8  # four edges, each in two halves

    def test_a_page_stays_within_what_tex_can_measure(self):
        x = ad.Scalar(1.0, name="x")
        for _ in range(99):
            x = ad.sin(x)
        text = to_tikz(x)
        left, bottom, right, top = map(
            float, re.search(r"\\fill.*\((.*),(.*)\) rectangle \((.*),(.*)\)", text).groups()
        )
        scale = float(re.search(r"x=([\d.]+)bp", text)[1])
        assert 0 < scale < 1
        assert (right - left) * scale <= MAX_SIDE + 1
        assert max(abs(right), abs(top), abs(left), abs(bottom)) * scale < 16_000


ESCAPES = [
    ("h", r"\ensuremath{h}"),
    ("loss", "loss"),
    ("v₃ = w · x²", r"\ensuremath{v_{3}} = \ensuremath{w} \ensuremath{\cdot} \ensuremath{x^{2}}"),
    ("h₁ᵀ·g", r"\ensuremath{h_{1}^{\mathsf{T}}}\ensuremath{\cdot}\ensuremath{g}"),
    ("W⁻¹ w⁰·⁵", r"\ensuremath{W^{-1}} \ensuremath{w^{0.5}}"),
    ("∂L/∂h", r"\ensuremath{\partial}\ensuremath{L}/\ensuremath{\partial}\ensuremath{h}"),
    ("−0.600 × 2", r"\ensuremath{-}0.600 \ensuremath{\times} 2"),
    ("log₂(x)", r"log\ensuremath{{}_{2}}(\ensuremath{x})"),
    ("σ(λ)", r"\ensuremath{\sigma}(\ensuremath{\lambda})"),
    ("‖m‖ √Σ", r"\ensuremath{\|}\ensuremath{m}\ensuremath{\|} \ensuremath{\surd}\ensuremath{\Sigma}"),
    ("▁█", r"\histbar{1}\histbar{8}"),
    (r"\input{a}", r"\textbackslash{}input\{\ensuremath{a}\}"),
    ("50% & $5 #1 a_b", r"50\% \& \$5 \#1 a\_b"),
    ("^^5c ~", r"\ensuremath{\wedge}\ensuremath{\wedge}5c \textasciitilde{}"),
    ("---", "-{}-{}-{}"),
    ("\"'`", r"{\ttfamily\char34}{\ttfamily\char13}{\ttfamily\char18}"),
    ("<b|>", r"\ensuremath{<}\ensuremath{b}\ensuremath{|}\ensuremath{>}"),
    ("Zoë Çelik", r"Zo\"{e} \c{C}elik"),
    ("漢 🙂", "[U+6F22] [U+1F642]"),
    ("a\nb\x1b", r"\ensuremath{a}[U+000A]\ensuremath{b}[U+001B]"),
    ("\u202e�", r"[U+202E]\ensuremath{\diamond}"),
    ("a  b", r"\ensuremath{a} ~\ensuremath{b}"),
    ("", ""),
]


class TestEscapes:
    @pytest.mark.parametrize(("text", "escaped"), ESCAPES)
    def test_table(self, text, escaped):
        assert escape(text) == escaped

    @given(st.text(max_size=60))
    def test_only_letters_and_known_commands_are_left_and_braces_match(self, text):
        escaped = escape(text)
        assert escaped.isascii()
        assert escaped.isprintable()
        assert not re.search(r"(?<!\\)[%&#$_^~](?![{~])", re.sub(r"\\ensuremath\{.*?\}|~", "", escaped))
        depth = 0
        for brace in re.findall(r"(?<!\\)[{}]", escaped):
            depth += 1 if brace == "{" else -1
            assert depth >= 0
        assert depth == 0


@pytest.fixture
def compiled(tmp_path):
    """Compile a file with pdflatex, in a folder where a file stands that stops TeX if it is read."""
    if shutil.which("pdflatex") is None:
        missing("pdflatex is not installed: on Debian, apt-get install texlive-latex-base texlive-pictures")
    (tmp_path / "secret.tex").write_text(r"\errmessage{a name was run}")

    def run(text):
        (tmp_path / "drawing.tex").write_text(text)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "drawing.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        said = done.stdout.decode("latin-1")
        assert done.returncode == 0, said[-2000:]
        assert "Missing character" not in said + (tmp_path / "drawing.log").read_text("latin-1")
        assert "1 page" in said
        return (tmp_path / "drawing.pdf").read_bytes()

    return run


class TestPdflatex:
    def test_every_example_compiles(self, compiled):
        for example in EXAMPLES.values():
            compiled(to_tikz(example()))

    def test_a_deep_network_compiles(self, compiled):
        compiled(to_tikz(network(30), theme=DARK, direction="TB"))

    def test_a_drawing_wider_than_tex_can_measure_compiles(self, compiled):
        x = ad.Scalar(1.0, name="x")
        for _ in range(99):
            x = ad.sin(x)
        compiled(to_tikz(x))

    def test_no_name_breaks_it_or_runs(self, compiled):
        out = named("first")
        for name in HOSTILE:
            out = out + named(name)
        compiled(to_tikz(out, direction="TB"))
