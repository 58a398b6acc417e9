"""Pictures and steps: what they say, that they say it the same way every time, and that no name breaks them."""

import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import viz
from autodiff import nn
from autodiff.ops.table import OPERATIONS, builtin_names
from viz.dot import escape
from viz.drawing import FORMATS
from viz.notation import NOTATION, derivative, formula, label, shorten
from viz.numbers import histogram, number, subscript, superscript
from viz.terminal import console, show_gradients, show_steps
from viz.text import step_lines
from viz.theme import THEMES
from viz.view import shared_scope, view

GOLDEN = Path(__file__).parent / "golden"


def example():
    return ad.parse("L = (relu(w*x + b) - y)**2 + w*w", w=0.5, x=2.0, b=-0.3, y=1.0)


def network():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 4))
    with ad.scope("mlp"):
        with ad.scope("linear1"):
            h = ad.relu(x @ ad.Tensor(rng.normal(size=(4, 5)), name="W1"), name="h")
        with ad.scope("linear2"):
            z = h @ ad.Tensor(rng.normal(size=(5, 3)), name="W2")
    return nn.cross_entropy(z, np.arange(8) % 3, name="loss")


def compare_with_golden(name: str, text: str) -> None:
    """The text must be the file's; where there is no file yet it is written, and the test fails once."""
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} did not exist and was written: look at it, then commit it")
    assert text == path.read_text(encoding="utf-8")


NUMBERS = [
    (2.0, "2.000"),
    (-0.6, "−0.600"),
    (0.09, "0.0900"),
    (0.0123456, "0.0123"),
    (12.345, "12.35"),
    (123.45, "123.5"),
    (9999.4, "9999"),
    (9999.6, "1.000e4"),
    (9.9999, "10.00"),
    (0.99999, "1.000"),
    (0.0999999, "0.100"),
    (1e-3, "0.00100"),
    (1.5e-7, "1.500e−7"),
    (-123456.0, "−1.235e5"),
    (0.0, "0.000"),
    (-0.0, "0.000"),
    (np.float32(0.1), "0.100"),
    (float("nan"), "NaN"),
    (float("inf"), "inf"),
    (float("-inf"), "−inf"),
    (3, "3"),
    (-3, "−3"),
    (10**9, "1.000e9"),
    (True, "True"),
]


class TestNumbers:
    @pytest.mark.parametrize(("value", "text"), NUMBERS)
    def test_table(self, value, text):
        assert number(value) == text

    @given(st.floats(-1e300, 1e300))
    def test_a_number_has_at_most_four_significant_digits_and_is_close(self, x):
        text = number(x).replace("−", "-")
        digits = re.sub(r"e.*|\D", "", text).lstrip("0")
        assert len(digits) <= 4
        assert float(text) == pytest.approx(x, rel=6e-3, abs=1e-320)

    def test_scripts(self):
        assert subscript(120) == "₁₂₀"
        assert superscript("−2") == "⁻²"
        assert superscript("x") is None

    @pytest.mark.parametrize("values", [[], [np.nan], [1.0], [5.0, 5.0], [1e308, -1e308], [0, 1e-320]])
    def test_histograms_of_odd_arrays(self, values):
        assert len(histogram(values)) in (0, 3)


class TestNotation:
    def test_every_operation_is_written(self):
        assert set(NOTATION) == builtin_names()

    @pytest.mark.parametrize("op", sorted(NOTATION))
    def test_every_operand_of_every_operation_has_a_derivative(self, op):
        arity = OPERATIONS[op].arity
        assert len(NOTATION[op].derivatives) == (1 if arity is None else arity)

    @pytest.mark.parametrize(
        ("text", "written", "derivatives"),
        [
            ("w*x", "w · x", ["x", "w"]),
            ("w**2", "w²", ["2 · w", None]),
            ("w**-1", "w⁻¹", ["−1 · w⁻²", None]),
            ("w**3", "w³", ["3 · w²", None]),
            ("w**1", "w¹", ["1", None]),
            ("w**0.5", "w⁰·⁵", ["0.5 · w⁻⁰·⁵", None]),
            ("w**x", "w ^ x", ["x · w ^ (x − 1)", "v₂ · log w"]),
            ("h = tanh(w)", "tanh(w)", ["1 − h²"]),
            ("relu(w) * 1", "v₁ · 1", ["1", None]),
        ],
    )
    def test_formulas_and_local_derivatives(self, text, written, derivatives):
        values = {name: 2.0 for name in ("w", "x") if name in text.replace("relu", "").replace("exp", "")}
        nodes = ad.Graph.of(ad.parse(text, **values)).nodes
        assert formula(nodes[-1], nodes) == written
        for position, expected in enumerate(derivatives):
            assert expected is None or derivative(nodes[-1], position, nodes) == expected

    def test_an_operation_on_any_number_of_operands_names_them_all(self):
        w, x = ad.Scalar(2.0, name="w"), ad.Scalar(3.0, name="x")
        nodes = ad.Graph.of(ad.stack([w, x, w])).nodes
        assert formula(nodes[-1], nodes).startswith("stack(")
        assert [derivative(nodes[-1], position, nodes) for position in range(3)] == ["g of its own slice"] * 3

    def test_a_users_own_operation_is_written_as_a_call(self):
        cube = ad.Elementwise("my_cube", lambda x: x**3, lambda out, x: 3 * x**2)
        nodes = ad.Graph.of(cube(ad.Scalar(2.0, name="w"))).nodes
        assert formula(nodes[-1], nodes) == "my_cube(w)"
        assert "∂v₁/∂w = 12.00" in viz.to_dot(ad.backprop(cube(ad.Scalar(2.0, name="w"))))

    def test_braces_in_names_are_not_templates(self):
        nodes = ad.Graph.of(ad.Scalar(1.0, name="{1}") * ad.Scalar(2.0, name="{out}")).nodes
        assert formula(nodes[-1], nodes) == "{1} · {out}"

    @pytest.mark.parametrize(
        ("count", "written"),
        [(8, "stack(v₈, v₉, v₁₀, v₁₁, v₁₂, v₁₃, v₁₄, v₁₅)"), (2000, "stack(v₂₀₀₀, v₂₀₀₁, v₂₀₀₂, … (2000) …, v₃₉₉₉)")],
    )
    def test_of_many_operands_some_are_named(self, count, written):
        inputs = [ad.Scalar(1.0) for _ in range(count)]
        graph = ad.Graph.of(ad.stack(inputs))
        assert formula(graph.nodes[-1], graph.nodes) == written


class TestView:
    def test_cards_edges_and_sums(self):
        content = view(example())
        by_title = {card.title: card for card in content.cards}
        assert [row.line.text for row in by_title["w"].rows] == ["0.500", "0.500 + 0.500 − 1.200", "= −0.200"]
        assert by_title["v₄ = w · x"].rows[1].label == "∂L/∂v₄"
        ledger = {(e.source, e.target, e.position): [line.text for line in e.lines] for e in content.edges}
        assert ledger[0, 4, 0] == ["∂v₄/∂w = x = 2.000", "−0.600 × 2.000 → −1.200"]
        assert ledger[0, 10, 0] == ledger[0, 10, 1] == ["∂v₁₀/∂w = w = 0.500", "1.000 × 0.500 → 0.500"]

    def test_before_a_backward_pass_gradients_are_dashes(self):
        content = view(ad.Graph.of(example()))
        gradients = [row.line.text for card in content.cards for row in card.rows if row.label.startswith("∂")]
        assert set(gradients) == {"—"}
        assert not any(edge.lines for edge in content.edges)

    def test_a_vector_is_drawn_without_gradients(self):
        assert not view(ad.Tensor([1.0, 2.0]) * 2).has_gradients

    def test_nan_and_infinity_are_loud_and_their_path_is_marked(self):
        x = ad.Scalar(0.0, name="x")
        content = view(ad.log(x) * 1)
        assert [card.title for card in content.cards if card.is_alarm] == ["x", "v₁ = log(x)", "v₃ = v₁ · 1"]
        assert [edge.is_alarm for edge in content.edges] == [True, True, False]  # back to x, and on to v₃

    def test_scopes_hold_the_constants_that_only_they_use(self):
        scopes = {card.title: card.scope for card in view(network()).cards}
        assert scopes["h = relu(v₂)"] == "mlp/linear1"
        assert scopes["c₁"] == "mlp/linear1"

    @pytest.mark.parametrize(
        ("scopes", "shared"), [(["a/b", "a/c"], "a"), (["a", ""], ""), (["ab", "a"], ""), (["a/b"], "a/b")]
    )
    def test_shared_scope(self, scopes, shared):
        assert shared_scope(scopes) == shared

    def test_the_numbers_of_a_value_and_of_its_gradient_stand_one_below_the_other(self):
        x = ad.Tensor([[0.5, -1.0], [20.0, 3.0]], name="x")
        (card, *_) = view(ad.sum(x**2)).cards
        lines = [row.line.text for row in card.rows[1:]]
        assert lines == [" 0.500  −1.000", " 20.00   3.000", " 1.000  −2.000", " 40.00   6.000"]

    def test_small_arrays_show_their_numbers_and_large_ones_a_summary(self):
        rows = view(ad.Tensor(np.arange(7.0), name="t") * 1).cards[0].rows
        assert [row.line.text.split() for row in rows[1:3]] == [
            ["0.000", "1.000", "2.000", "3.000"],
            ["4.000", "5.000", "6.000"],
        ]
        assert {len(row.line.text) for row in rows[1:3]} == {4 * 5 + 3 * 2}
        column = view(ad.Tensor(np.arange(6.0).reshape(6, 1), name="t") * 1).cards[0].rows
        assert [row.line.text.split() for row in column[:3]] == [
            ["6", "×", "1", "float64"],
            ["0.000", "1.000", "2.000"],
            ["3.000", "4.000", "5.000"],
        ]
        rows = view(ad.Tensor(np.arange(100.0), name="t") * 1).cards[0].rows
        assert rows[0].line.text == "100  float64"
        assert rows[1].line.text == "49.50 ± 28.87"
        assert rows[2].line.text == "0.000 … 99.00"


def pixels_of(png):
    """Width and height of a PNG, from its header."""
    return struct.unpack(">II", png[16:24])


class TestDrawing:
    @pytest.mark.parametrize("format", FORMATS)
    def test_integers_beyond_every_float_are_drawn(self, format):
        graph = ad.Graph.of(ad.Scalar(1.5, name="x") * 10**30)
        assert viz.draw(graph, format=format).render()

    def test_a_png_has_no_more_pixels_than_viewers_can_show(self, monkeypatch):
        x = ad.Scalar(1.0, name="x")
        for _ in range(30):
            x = ad.sin(x)
        shape = [pixels_of(viz.draw(x).render("png"))]
        monkeypatch.setattr("viz.drawing.FEW_CARDS", 5)
        shape.append(pixels_of(viz.draw(x).render("png")))
        monkeypatch.setattr("viz.drawing.MOST_PIXELS", 500_000)
        shape.append(pixels_of(viz.draw(x).render("png")))
        assert shape[0] == shape[1]
        assert 250_000 < shape[2][0] * shape[2][1] < 1_000_000 < shape[0][0] * shape[0][1]

    def test_golden_dot(self):
        compare_with_golden("example.dot", viz.to_dot(example()))

    def test_golden_dot_of_a_network(self):
        compare_with_golden("network.dot", viz.to_dot(network(), direction="TB"))

    @pytest.mark.parametrize("theme", list(THEMES))
    def test_svg_is_well_formed_and_described(self, theme):
        svg = viz.draw(example(), theme=theme).svg
        root = ET.fromstring(svg)
        texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "−0.600 × 2.000 → −1.200" in texts
        assert "<title>L and its gradients</title>" in svg
        assert "∂L/∂w = −0.200" in svg
        assert ET.fromstring(viz.draw(example())._repr_html_()).tag == "div"

    @pytest.mark.graphviz_libraries
    def test_output_is_the_same_every_time(self, tmp_path):
        for suffix in ("svg", "png", "pdf", "dot"):
            first, second = (
                viz.draw(example(), tmp_path / f"{i}.{suffix}") and tmp_path / f"{i}.{suffix}" for i in "ab"
            )
            assert first.read_bytes() == second.read_bytes()
            assert len(first.read_bytes()) > 1000

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda d: viz.draw(example(), d / "a.gif"), "suffix must be one of .svg"),
            (lambda d: viz.draw(example(), d / "noext"), "suffix must be one of"),
            (lambda d: viz.draw(example(), d / "missing" / "a.svg"), "No such file"),
            (lambda d: viz.draw(example(), format="gif"), "format 'gif'"),
            (lambda d: viz.draw(example(), theme="neon"), "choose one of light, dark, print"),
            (lambda d: viz.draw(example(), direction="UP"), "use LR or TB"),
            (lambda d: viz.draw(np.ones(3)), "got ndarray"),
        ],
    )
    def test_what_cannot_be_drawn_is_one_error_and_writes_nothing(self, call, message, tmp_path):
        with pytest.raises(ad.AutodiffError) as caught:
            call(tmp_path)
        assert message in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_drawing_keeps_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "a.svg"
        path.write_text("old")
        monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ad.errors.SettingError, match="No space left"):
            viz.draw(example(), path)
        assert path.read_text() == "old"
        assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


HOSTILE = [
    '"quoted"',
    "<b>bold</b>",
    "</script><script>alert(1)</script>",
    "a & b; &lt;",
    "back\\slash \\N \\n",
    "%s %d {0} {out}",
    "\\input{secret}",
    "line\nbreak\ttab",
    "\x1b[31mred\x00nul",
    "\u202eright to left",
    "emoji 🙂 é ∂",
    "x" * 10_000,
    "digraph",
    "node -> node",
    "<>",
    "<",
    "]]>",
    " ",
]


class TestHostileNames:
    @pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
    def test_names_scopes_and_operations_never_break_a_drawing(self, name):
        operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
        with ad.scope(name), ad.scope("cluster"):
            out = operation(ad.Scalar(1.0, name=name), name=name) * 2
        svg = viz.draw(out).svg
        root = ET.fromstring(svg)
        assert not [e for e in root.iter() if e.tag.endswith("script")]
        texts = {"".join(e.itertext()).strip() for e in root.iter() if e.tag.endswith("text")}
        assert shorten(name).strip() in texts | {""}
        for stepper in [viz.Stepper(ad.backprop(out))]:
            while stepper.next():
                assert all("\n" not in p.text and "\x1b" not in p.text for line in step_lines(stepper) for p in line)

    @pytest.mark.parametrize(
        ("name", "shown"),
        [("", "v₁"), ("a" * 30, "a" * 12 + "…" + "a" * 11), ("tab\there", "tab�here"), ("ok", "ok")],
    )
    def test_names_are_shortened_to_one_line(self, name, shown):
        node = ad.Graph.of(ad.relu(ad.Scalar(1.0), name=name)).nodes[1]
        assert label(node) == shown

    @given(st.text(max_size=40))
    def test_escaped_text_is_xml(self, text):
        ET.fromstring(f"<t>{escape(text).replace('&nbsp;', ' ')}</t>")


class TestStepper:
    def test_until_goto_and_the_ends(self):
        stepper = viz.Stepper(ad.backprop(example()))
        assert stepper.current is None
        assert stepper.back() is None
        assert stepper.until(lambda step: step.node.op == "mul").node.id == 10
        assert stepper.until(lambda step: step.node.op == "nothing") is None
        assert stepper.position == 2
        assert stepper.goto(len(stepper)).node.name == "w"
        assert stepper.next() is None
        for position in (-1, 12):
            with pytest.raises(ad.errors.SettingError, match="steps 1 to 11"):
                stepper.goto(position)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(-1, 11), max_size=30))
    def test_stepping_back_and_forth_returns_to_the_same_state(self, moves):
        stepper, fresh = viz.Stepper(ad.backprop(example())), viz.Stepper(ad.backprop(example()))
        states = [(fresh.goto(i) and fresh.current.node.id, step_lines(fresh)) for i in range(len(fresh) + 1)]
        for move in moves:
            stepper.back() if move < 0 else stepper.next() if move == 0 else stepper.goto(move)
            current = stepper.current
            assert (current and current.node.id, step_lines(stepper)) == states[stepper.position]

    def test_golden_steps(self, capsys):
        with ad.recording(source=True):
            loss = example()
        show_steps(ad.backprop(loss))
        show_gradients(ad.backprop(loss))
        compare_with_golden("steps.txt", capsys.readouterr().out)

    def test_golden_steps_of_a_network(self, capsys):
        show_steps(ad.backprop(network()))
        compare_with_golden("network-steps.txt", capsys.readouterr().out)

    @pytest.mark.parametrize("width", [40, 60, 80, 120])
    def test_lines_fit_the_width_where_they_can(self, width):
        stepper = viz.Stepper(ad.backprop(example()))
        while stepper.next():
            for line in step_lines(stepper, width):
                assert len("".join(part.text for part in line)) <= max(width, 60)

    def test_a_console_in_a_pipe_is_plain(self):
        assert not console().is_terminal
