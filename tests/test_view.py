"""What a drawing says: what is chosen to be shown, and what is folded when there is too much."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import viz
from autodiff import nn
from viz.drawing import LARGEST
from viz.layout import lay_out
from viz.legend import Marks, legend
from viz.view import MAX_CARDS, scopes_of, view


def example():
    w, x, b, y = (ad.Scalar(v, name=n) for n, v in {"w": 0.5, "x": 2.0, "b": -0.3, "y": 1.0}.items())
    return ad.power(ad.relu(w * x + b, name="h") - y, 2, name="L")


def deep(layers, width=4):
    network = nn.MLP([width] * (layers + 1))
    x = ad.Tensor(np.ones((2, width), np.float32), name="x")
    return ad.sum(network(x), name="L")


def chain(length):
    a = x = ad.Scalar(0.5, name="a")
    for _ in range(length):
        x = x * a + a
    return x


def tangle(count, seed=0):
    rng = np.random.default_rng(seed)
    values = [ad.Scalar(v) for v in rng.normal(size=8)]
    for kind in rng.integers(0, 3, count):
        x, y = (values[i] for i in rng.integers(max(0, len(values) - 40), len(values), 2))
        values.append([lambda x, y: x + y, lambda x, y: ad.tanh(x * y), lambda x, y: ad.sin(x)][kind](x, y))
    return sum(values[-30:], ad.Scalar(0.0))


def texts(content):
    return [row.line.text for card in content.cards for row in card.rows] + [
        line.text for edge in content.edges for line in edge.lines
    ]


class TestShow:
    def test_everything_but_source_lines_is_shown_unless_chosen(self):
        with ad.recording(source=True):
            loss = example()
        assert not any("test_view.py" in text for text in texts(view(loss)))
        assert any("test_view.py" in text for text in texts(view(loss, show=["source"])))

    @pytest.mark.parametrize(
        ("show", "count"),
        [((), 0), ("value", 9), ("gradient", 9), ("local", 8), ("message", 8), (("value", "local"), 17)],
    )
    def test_the_fields_chosen_are_what_is_shown(self, show, count):
        assert len(texts(view(example(), show=show))) == count

    def test_a_large_tensor_has_its_numbers_by_field(self):
        t = ad.sum(ad.Tensor(np.arange(20.0), name="t"))
        assert [row.label for row in view(t, show=["value"]).cards[0].rows] == ["value"]
        assert [row.label for row in view(t, show=["value", "stats"]).cards[0].rows] == ["value", "min … max"]
        rows = view(t, show=["value", "histogram"]).cards[0].rows
        assert [row.fields for row in rows] == [("value", "mean"), ("value", "histogram")]
        assert view(t, show=["shape"]).cards[0].rows[0].line.text == "20  float64"

    def test_an_unknown_field_or_option_is_named(self):
        with pytest.raises(ad.AutodiffError, match="'gradients' is not known; choose from value, gradient"):
            view(example(), show=["gradients"])
        for options, told in (
            ({"show": None}, "show: None is not known; choose from value, gradient"),
            ({"show": ["value", 3]}, "show: 3 is not known"),
            ({"limit": "a"}, "limit must be a whole number, got 'a'"),
            ({"limit": None}, "limit must be a whole number, got None"),
            ({"depth": 1.5}, "depth must be a whole number, got 1.5"),
            ({"depth": -1}, "depth must be a whole number of at least 0, got -1"),
        ):
            with pytest.raises(ad.AutodiffError, match=told):
                viz.draw(example(), **options)
        with pytest.raises(ad.AutodiffError, match="option 'folded' is not known; choose from show"):
            viz.draw(example(), folded=True)

    @pytest.mark.parametrize(
        ("show", "labels"),
        [
            ("stats", ["value", "min … max", "∂L/∂x", "min … max"]),
            ("histogram", ["", ""]),
            (("histogram", "gradient"), ["∂L/∂x", "", "norm"]),
            (("value", "stats"), ["value", "min … max"]),
        ],
    )
    def test_statistics_alone_are_of_values_and_gradients(self, show, labels):
        loss = ad.sum(ad.Tensor(np.arange(12.0), name="x") * 2.0, name="L")
        assert [row.label for row in view(loss, show=show).cards[0].rows] == labels


@pytest.mark.parametrize(
    ("show", "backward"),
    [
        ("value", []),
        ("local", []),
        ("gradient", ["∂: backward pass"]),
        (("value", "message"), ["∂: backward pass, message = upstream g × local derivative"]),
    ],
)
def test_the_legend_tells_of_the_backward_pass_where_it_is_drawn(show, backward):
    told = [line.text for line in legend(view(example(), show=show), Marks("thick border", "red"))]
    assert [text for text in told if text.startswith("∂")] == backward


class TestHighlight:
    def test_nodes_by_name_id_and_value(self):
        x = ad.Scalar(1.0, name="x")
        loss = ad.exp(x) * x
        for chosen in ("x", 0, x, ["x"], ad.Graph.of(loss).nodes[0]):
            assert [card.is_highlighted for card in view(loss, highlight=chosen).cards] == [True, False, False]

    def test_edges_between_marked_nodes_are_marked(self):
        content = view(example(), highlight=["w", "v₄"])
        assert [(e.source, e.target) for e in content.edges if e.is_highlighted] == [(0, 4)]
        assert "highlighted" in viz.to_dot(content)

    @pytest.mark.parametrize("wanted", ["q", 99, -1, 1.5, None, "ignored" * 3])
    def test_what_is_not_there_is_named(self, wanted):
        with pytest.raises(ad.AutodiffError, match="is not in the drawing; its named leaves are w, x, b, y"):
            view(example(), highlight=wanted)

    def test_a_value_of_another_graph(self):
        with pytest.raises(ad.AutodiffError, match="this Scalar is not in the drawing"):
            view(example(), wrt=ad.Scalar(1.0))


class TestWrt:
    def test_only_what_lies_between_is_drawn(self):
        content = view(example(), wrt="w")
        assert [card.title.split(" ")[0] for card in content.cards] == ["w", "v₄", "v₅", "h", "v₇", "L"]
        assert "4 nodes are not shown" in content.note

    def test_several(self):
        assert len(view(example(), wrt=["w", "y"]).cards) == 7


class TestHeat:
    def test_heat_is_the_power_of_ten_of_the_gradient(self):
        x = ad.Scalar(1.0, name="x")
        content = view(x * 0.01 + ad.Scalar(0.0, name="c") * 0, heat=True)
        heats = {card.title: card.heat for card in content.cards}
        assert heats["x"] == pytest.approx(-2)
        assert heats["c"] == -np.inf
        assert (content.heat.low, content.heat.high) == pytest.approx((-2, 0))
        assert "‖gradient‖ = 0.010" in viz.to_dot(content)

    def test_none_without_a_backward_pass(self):
        assert view(ad.Graph.of(example()), heat=True).heat is None


class TestVariableNames:
    def test_values_without_a_name_get_that_of_the_callers_variable(self):
        weight, loss = ad.Scalar(2.0), None
        loss = weight * weight
        drawing = viz.draw(loss)
        assert drawing.title == "loss and its gradients"
        assert "weight" in drawing.source
        assert (loss.name, weight.name) == (None, None)

    def test_a_name_of_its_own_stays(self):
        other = ad.Scalar(2.0, name="w")
        assert "other" not in viz.draw(other * 2).source


class TestFolding:
    def test_a_small_graph_is_not_folded(self):
        assert all(card.kind != "group" for card in view(example()).cards)
        assert view(example()).note == ""

    def test_a_repeated_block_is_one_card_with_its_count(self):
        content = view(chain(5000))
        (group,) = [card for card in content.cards if card.kind == "group"]
        assert (group.repeat, group.title) == (4999, "+ → ×")
        assert "9998 of 10001 nodes are folded" in content.note

    def test_scopes_fold_from_the_innermost_and_equal_ones_into_one(self):
        content = view(deep(300))
        groups = {card.title: card for card in content.cards if card.kind == "group"}
        assert list(groups) == ["linear1", "relu → linear"]
        assert groups["relu → linear"].repeat == 299
        assert ("parameters", "5,980") in [(r.label, r.line.text) for r in groups["relu → linear"].rows]

    def test_equal_scopes_are_one_card_though_the_first_reads_from_elsewhere(self):
        h = ad.Tensor(np.ones((2, 3)), name="x")
        for i in range(12):
            with ad.scope(f"block{i + 1}"):
                h = ad.relu(nn.Linear(3, 3)(h)) + h
        (group,) = [card for card in view(ad.sum(h * h), limit=12).cards if card.kind == "group"]
        assert (group.title, group.repeat, group.scope) == ("block", 12, "")

    def test_a_page_has_room_for_more_cards_than_a_picture(self):
        drawing = viz.draw(deep(100))
        assert drawing.content_in("html").note == "" != drawing.content.note
        assert viz.draw(deep(100), limit=20).content_in("html") == viz.draw(deep(100), limit=20).content

    def test_scopes_fold_where_asked(self):
        content = view(deep(3), depth=1)
        assert [c.title for c in content.cards if c.kind == "group"] == ["linear1", "linear2", "linear3"]
        assert [c.title for c in view(deep(3), depth=0).cards if c.kind == "group"] == ["mlp"]

    def test_the_gradient_that_comes_in_and_goes_out_of_a_group(self):
        x = ad.Tensor([3.0, 4.0], name="x")
        with ad.scope("block"):
            h = ad.exp(x * 2)
        loss = ad.sum(h * np.array([0.6, 0.8]))
        (group,) = [card for card in view(loss, depth=0).cards if card.kind == "group"]
        rows = {row.label: row.line.text for row in group.rows}
        assert rows["‖∂‖ in"] == "1.000"
        loss.backward()
        assert rows["‖∂‖ out"] == viz.numbers.number(np.linalg.norm(x.grad))

    def test_calls_of_one_layer_are_told_apart(self):
        cell = nn.Linear(2, 2)
        x = ad.Tensor(np.ones((1, 2), np.float32), name="x")
        for _ in range(2):
            x = ad.tanh(cell(x))
        assert [c.title for c in view(ad.sum(x), depth=0).cards if c.kind == "group"] == ["linear (1)", "linear (2)"]

    def test_a_nan_in_a_group_is_loud(self):
        with ad.scope("bad"), np.errstate(all="ignore"):
            y = ad.log(ad.Tensor([-1.0], name="x") * 2) * 3
        (group,) = [card for card in view(ad.sum(y), depth=0).cards if card.kind == "group"]
        assert group.is_alarm

    @settings(max_examples=30, deadline=None)
    @given(st.integers(1, 600), st.integers(4, 60), st.integers(0, 99))
    def test_any_graph_folds_to_few_cards_without_a_cycle(self, count, limit, seed):
        content = view(tangle(count, seed), limit=limit)
        graph = networkx.MultiDiGraph((edge.source, edge.target) for edge in content.edges)
        assert networkx.is_directed_acyclic_graph(graph)
        nodes = [id for card in content.cards for id in card.members]
        assert len(set(nodes)) == len(nodes) == len(ad.Graph.of(tangle(count, seed)).nodes)
        assert len({card.id for card in content.cards}) == len(content.cards) <= max(limit, 12)

    def test_ten_thousand_nodes_of_any_kind_draw_in_seconds(self):
        for value in (tangle(9_000), chain(5_000), deep(1_500)):
            assert len(ad.Graph.of(value).nodes) > 7_000
            drawing = viz.draw(value)
            assert drawing.svg.count("<g ") < 2_000
            assert len(view(value).cards) <= MAX_CARDS

    def test_a_folded_drawing_says_so(self):
        assert "9998 of 10001 nodes are folded into cards" in viz.draw(chain(5000)).svg


def unrolled(steps: int) -> ad.Tensor:
    """A recurrence with an input of its own at each step."""
    w, u, h = (
        ad.Tensor(np.full(shape, 0.3), name=name) for name, shape in (("W", (2, 2)), ("U", (3, 2)), ("h0", (1, 2)))
    )
    for t in range(steps):
        h = ad.tanh(h @ w + ad.Tensor(np.full((1, 3), t / steps), name=f"x{t}") @ u)
    return ad.sum(h)


def test_inputs_of_the_steps_that_are_folded_share_a_card():
    groups = {card.title: card for card in view(unrolled(20), limit=40).cards if card.kind == "group"}
    assert [card.repeat for card in groups.values()] == [1, 19]
    inputs = groups["x0 … x18"]
    assert inputs.rows[0].line.text == "19 values"
    assert [edge.lines[0].text for edge in view(unrolled(20), limit=40).edges if edge.source == inputs.id] == [
        "19 edges"
    ]


class TestPicturesThatFit:
    def test_one_that_no_reader_of_pdf_takes_is_folded_and_says_so(self):
        drawing = viz.draw(unrolled(20))
        layout = lay_out(drawing.source)
        assert max(layout.width, layout.height) < LARGEST
        assert drawing.content.note.endswith("is longer than 14,400 points (limit=104 draws it)")

    def test_a_limit_is_kept(self):
        assert len(viz.draw(unrolled(14), limit=104).content.cards) == 74

    @pytest.mark.parametrize("options", [{}, {"limit": 400}], ids=["by itself", "with a limit"])
    def test_one_that_takes_minutes_to_lay_out_is_folded_and_says_so(self, options):
        content = viz.draw(unrolled(38), **options).content
        assert len(content.cards) < 20
        assert content.note.endswith("take too long to lay out (an HTML page draws them)")


def test_inputs_that_every_stretch_uses_are_folded_too():
    inputs = [ad.Scalar(float(i), name=f"a{i}") for i in range(70)]
    for _ in range(20):
        inputs = [sum((x * 0.1 for x in inputs[1:]), inputs[0]) for _ in range(3)] + inputs[3:]
    content = viz.draw(sum(inputs[1:], inputs[0])).content
    assert len(content.edges) <= 3 * 50


def test_a_frozen_parameter_is_one_that_is_not_trained():
    layer = nn.Linear(2, 3, rng=np.random.default_rng(0))
    layer.weight.requires_grad = False
    x = ad.Tensor([[1.0, 1.0]], name="x")
    content = view(ad.sum(layer(x)))
    card = next(card for card in content.cards if card.title == "linear.W")
    assert card.kind == "parameter"
    assert card.rows[-1].line.text == "frozen: not trained"
    assert not any("∂" in row.label for row in card.rows)


@pytest.mark.parametrize("scope", ["/etc", "a//b/", "/", "a/" * 1500])
def test_any_scope_draws(scope):
    with ad.scope(scope):
        assert "<svg" in viz.draw(ad.Scalar(2.0, name="x") * 3).svg


def test_leaves_outside_any_scope_are_drawn_with_their_users():
    network = nn.MLP([2, 2])
    nodes = ad.Graph.of(network(np.ones((1, 2), np.float32))).nodes
    assert all(
        scope.startswith("mlp") for node, scope in zip(nodes, scopes_of(nodes), strict=True) if node.op != "input"
    )
