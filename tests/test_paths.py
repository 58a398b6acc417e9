"""Paths: their contributions sum to the gradient, the strongest come first, and exponentially many are no trouble."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import viz
from autodiff import nn
from viz.locate import located
from viz.numbers import norm
from viz.path_sums import HEAD, Paths
from viz.routes import Hop, counts, strongest

OPERATIONS = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "sub": lambda x, y: x - y,
    "div": lambda x, y: x / (y * y + 1),
    "sin": lambda x, y: ad.sin(x),
    "tanh": lambda x, y: ad.tanh(x + y),
    "relu": lambda x, y: ad.relu(x),
    "max": lambda x, y: ad.maximum(x, y),
}
programs = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=9
)


def run(program, leaves):
    """A random computation: each line applies an operation to two earlier values."""
    values = list(leaves)
    for op, i, j in program:
        values.append(OPERATIONS[op](values[-1 - i % len(values)], values[-1 - j % len(values)]))
    return values[-1] + values[-1] * values[0]


def every_path(trace, end):
    """All paths by brute force, as ((target, position), ...), with their product of local derivatives."""
    steps = {step.node.id: step for step in trace.steps}
    start = trace.graph.output_ids[0]
    waiting, found = [(start, (), trace.cotangents[start])], {}
    while waiting:
        node, edges, product = waiting.pop()
        if node == end:
            found[edges] = product
            continue
        for position, message in enumerate(steps[node].messages):
            if message.message is not None:
                waiting.append((message.operand, (*edges, (node, position)), product * message.local))
    return found


class TestNumbers:
    @settings(max_examples=150, deadline=None)
    @given(programs, st.tuples(*[st.floats(-3, 3)] * 3), st.integers(1, 12))
    def test_the_strongest_k_of_random_graphs_against_full_enumeration(self, program, numbers, k):
        trace = ad.backprop(run(program, [ad.Scalar(x, name=n) for n, x in zip("abc", numbers, strict=True)]))
        for end in (node.id for node in trace.graph.nodes if node.op != "constant"):
            expected = every_path(trace, end)
            found = viz.paths(trace, end, k)
            assert found.count == len(expected)
            assert len(found) == min(k, len(expected))
            assert found.exact
            for path in found:
                assert path.contribution == expected[path.edges]
            sizes = [path.norm for path in found]
            np.testing.assert_allclose(sizes, sorted(map(abs, expected.values()), reverse=True)[:k], rtol=1e-9)
            assert sizes == sorted(sizes, reverse=True)
            scale = sum(map(abs, expected.values()))
            total = sum(path.contribution for path in found) + found.rest
            assert total == pytest.approx(trace.cotangents[end], abs=1e-9 * scale + 1e-300)

    def test_equal_operands_make_two_paths_and_an_edge_is_told_by_its_position(self):
        x = ad.Scalar(3.0, name="x")
        found = viz.paths(x * x, x)
        assert [path.edges for path in found] == [((1, 0),), ((1, 1),)]
        assert [(p.nodes, p.positions, p.locals, p.contribution, p.share) for p in found] == [
            ((1, 0), (0,), (3.0,), 3.0, 0.5),
            ((1, 0), (1,), (3.0,), 3.0, 0.5),
        ]

    def test_a_seed_is_the_first_factor(self):
        w = ad.Scalar(2.0, name="w")
        found = viz.paths(ad.backprop(w * 5.0, cotangent=3.0), "w")
        assert found.total == found[0].contribution == 15.0
        assert found.rows()[0] == ("g · ∂v₂/∂w", "3.000 × 5.000", "15.00", "100 %")

    def test_the_output_itself_has_one_path_without_edges(self):
        y = ad.exp(ad.Scalar(0.0), name="y")
        found = viz.paths(y, y)
        assert (found.count, found[0].nodes, found.total) == (1, (1,), 1.0)
        assert "∂y/∂y" in str(found)

    def test_paths_that_cancel_have_no_share(self):
        x = ad.Scalar(1.0, name="x")
        found = viz.paths(x * 2 - x * 2, x)
        assert found.total == found.rest == 0
        assert [p.contribution for p in found] == [2.0, -2.0]
        assert all(math.isnan(p.share) for p in found)
        assert "—" in str(found)

    def test_an_input_that_is_not_reached_has_no_path(self):
        x, y = ad.Scalar(1.0, name="x"), ad.Scalar(2.0, name="y")
        found = viz.paths(ad.where(x > 0, x, ad.round(y)) + y * 0, "y")
        assert found.total == sum(path.contribution for path in found) == 0
        found = viz.paths(ad.where(y, x, x), "y")
        assert (found.count, len(found), found.total, found.rest) == (0, 0, 0.0, 0.0)

    def test_nan_and_infinity_come_first_and_a_silent_branch_stays_silent(self):
        x = ad.Scalar(0.0, name="x")
        found = viz.paths(x * 100 + ad.sqrt(x), x)
        assert [p.contribution for p in found] == [math.inf, 100.0]
        assert found.lines()[1][3].role == "alarm"
        untaken = ad.where(x > 0, ad.sqrt(x), x * 3)
        found = viz.paths(untaken, x)
        assert sorted(p.contribution for p in found) == [0.0, 3.0]
        assert found.total == 3.0

    def test_what_a_hook_changed_is_told_apart(self):
        x = ad.Scalar(3.0, name="x")
        h = x * x
        h.register_hook(lambda g: 10 * g)
        found = viz.paths(h + x, x)
        assert sum(path.contribution for path in found) == 7.0
        assert (found.total, found.rest) == (61.0, 54.0)
        assert "changed on the way, by a hook" in str(found)

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_shares_of_tiny_and_huge_gradients(self, scale):
        x = ad.Scalar(1.0, name="x")
        assert [p.share for p in viz.paths(x * (3 * scale) + x * scale, x)] == [0.75, 0.25]

    @pytest.mark.parametrize("product", [lambda y: y * y, lambda y: ad.sin(y) * y + 0.9 * y])
    def test_exponentially_many_paths_through_ten_thousand_nodes(self, product):
        x = y = ad.Scalar(1.0, name="x")
        while y.index - x.index < 10_000:
            y = product(y) * 0.5
        trace = ad.backprop(y)
        found = viz.paths(trace, "x")
        text = str(found)
        assert found.count > 2**500
        assert len(found) == 10
        assert "more paths" in text

    def test_the_count_of_a_tower_of_squares_is_exact(self):
        x = y = ad.Scalar(1.0, name="x")
        for _ in range(500):
            y = y * y
        assert viz.paths(y, x, k=1).count == 2**500


class TestTensors:
    @settings(max_examples=60, deadline=None)
    @given(programs, st.integers(0, 2**32 - 1))
    def test_contributions_of_random_graphs_sum_to_the_gradient(self, program, seed):
        rng = np.random.default_rng(seed)
        shapes = [(3, 4), (4,), (3, 1)]
        leaves = [ad.Tensor(rng.normal(size=shape), name=n) for n, shape in zip("abc", shapes, strict=True)]
        trace = ad.backprop(ad.sum(run(program, leaves), name="L"))
        for name in trace.graph.names:
            found = viz.paths(trace, name, k=200)
            total = sum(path.contribution for path in found) + found.rest
            np.testing.assert_allclose(total, trace.cotangents[found.wrt], rtol=1e-9, atol=1e-9)
            sizes = [path.norm for path in found]
            assert sizes == sorted(sizes, reverse=True)
            if found.is_complete:
                assert found.exact
                assert not np.any(found.rest)
                contributions = sum(path.contribution for path in found)
                scale = sum(sizes)
                np.testing.assert_allclose(contributions, found.total, rtol=1e-9, atol=1e-12 * scale)
                if norm(found.total) > 1e-6 * scale:
                    assert sum(path.share for path in found) == pytest.approx(1)

    def test_a_network_with_a_penalty(self):
        rng = np.random.default_rng(0)
        w1, w2 = ad.Tensor(rng.normal(size=(4, 5)), name="W1"), ad.Tensor(rng.normal(size=(5, 3)), name="W2")
        fit = nn.cross_entropy(ad.relu(rng.normal(size=(8, 4)) @ w1) @ w2, np.arange(8) % 3)
        penalty = nn.l2_penalty([w1, w2], 0.1)
        found = viz.paths(fit + penalty, w1)
        assert found.count == 2
        assert found.exact
        by_penalty = next(path for path in found if "penalty" in {found.trace.graph.nodes[i].name for i in path.nodes})
        np.testing.assert_allclose(by_penalty.contribution, 0.1 * w1.data)
        np.testing.assert_allclose(sum(path.contribution for path in found), found.total, rtol=1e-12)

    def test_scalars_and_tensors_mix(self):
        s, t = ad.Scalar(2.0, name="s"), ad.Tensor([1.0, 2.0, 3.0], name="t")
        trace = ad.backprop(ad.sum(s * t * s, name="L"))
        for name in "st":
            found = viz.paths(trace, name)
            np.testing.assert_allclose(sum(p.contribution for p in found), trace.gradients[name])
        assert isinstance(viz.paths(trace, "s")[0].contribution, float)

    def test_so_many_paths_that_only_promising_ones_are_tried(self):
        t = y = ad.Tensor([[0.5, 0.2], [0.1, 0.9]], name="t")
        for _ in range(40):
            y = ad.tanh(y @ y) * 0.5 + y * 0.5
        trace = ad.backprop(ad.sum(y))
        found = viz.paths(trace, t)
        assert found.count == 3**40
        assert not found.exact
        np.testing.assert_allclose(sum(p.contribution for p in found) + found.rest, found.total)
        assert "may be left out" in str(found)

    def test_single_precision_is_kept_apart_from_a_rest(self):
        t = ad.Tensor(np.linspace(0, 1, 7), dtype=np.float32, name="t")
        found = viz.paths(ad.sum(ad.exp(t) * t + ad.sin(t)), t)
        assert found.is_complete
        assert not np.any(found.rest)
        np.testing.assert_allclose(sum(p.contribution for p in found), found.total, rtol=1e-6)

    def test_a_silent_branch_stays_silent_between_tensors(self):
        t = ad.Tensor([0.0, 4.0], name="t")
        untaken = viz.paths(ad.sum(ad.where(t.data > 0, ad.sqrt(t), t * 3)), t)
        np.testing.assert_array_equal(sum(path.contribution for path in untaken), [3.0, 0.25])
        cancelled = ad.sqrt(t)  # an infinite derivative at 0, which no gradient reaches
        found = viz.paths(ad.sum(cancelled * np.array([0.0, 2.0]) - t), t)
        np.testing.assert_array_equal(sum(path.contribution for path in found), found.total)
        selected = ad.where(np.array([True, False]), t, -t)
        found = viz.paths(ad.sum(selected * np.array([1.0, np.nan])), t)
        np.testing.assert_array_equal(sum(path.contribution for path in found), found.total)

    def test_a_rematerialised_part_is_one_operation(self):
        x = ad.Tensor([1.0, 2.0], name="x")
        trace = ad.backprop(ad.sum(ad.remat(lambda x: ad.exp(x) * x)(x)))
        (path,) = viz.paths(trace, "x")
        np.testing.assert_array_equal(path.contribution, trace.gradients["x"])
        assert "∂v₁/∂x" in viz.derive(trace, "x").text
        with pytest.raises(ad.errors.GraphError, match="a record that was pickled does not hold its rule"):
            viz.paths(pickle.loads(pickle.dumps(trace)), "x")


class TestRoutes:
    @given(st.integers(0, 2**32 - 1))
    def test_every_route_once_in_order_of_weight(self, seed):
        rng = np.random.default_rng(seed)
        hops = {n: [Hop(n, i, int(rng.integers(n))) for i in range(rng.integers(1, 4))] for n in range(1, 7)}
        weights = {hop: float(rng.integers(-3, 4)) for of_node in hops.values() for hop in of_node}
        routes = list(itertools.islice(strongest(hops, weights, 6, 0), 500))
        assert len(set(routes)) == len(routes) == counts(hops, 0).get(6, 0)
        sums = [sum(weights[hop] for hop in route) for route in routes]
        assert sums == sorted(sums, reverse=True)
        for route in routes:
            assert [hop.operand for hop in route] == [*(hop.target for hop in route[1:]), 0]

    def test_no_route(self):
        assert list(strongest({2: [Hop(2, 0, 1)]}, {Hop(2, 0, 1): 0.0}, 2, 0)) == []


class TestWhichNode:
    def test_by_id_name_label_node_and_live_value(self):
        w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
        y = w * x
        loss = ad.tanh(y)
        trace = ad.backprop(loss)
        for subject in (loss, trace):
            assert [located(subject, wrt)[1] for wrt in (2, "v₂", y, trace.graph.nodes[2])] == [2] * 4
            assert [located(subject, wrt)[1] for wrt in (1, "x", x, np.int64(1))] == [1] * 4

    def test_of_two_leaves_that_look_alike_a_live_output_tells_which(self):
        a, b = ad.Scalar(1.0), ad.Scalar(1.0)
        loss = a * 2 + b * 3
        assert [viz.paths(loss, leaf).total for leaf in (a, b)] == [2.0, 3.0]
        with pytest.raises(ad.errors.GraphError, match="any of the nodes 0, 1: give one of these ids"):
            viz.paths(ad.backprop(loss), a)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda y: viz.paths(y, "z"), r"'z' is no node of this graph; its ids are 0 to 3, its named leaves x$"),
            (lambda y: viz.paths(y, 99), "99 is no node"),
            (lambda y: viz.paths(y, -1), "-1 is no node"),
            (lambda y: viz.paths(y, True), "True is no node"),
            (lambda y: viz.paths(y, None), "None is no node"),
            (lambda y: viz.paths(y, ad.Scalar(9.0, name="x")), "the value named 'x' is no node"),
            (lambda y: viz.paths(ad.backprop(y), ad.Scalar(9.0, name="x")), "the value named 'x' is no node"),
            (lambda y: viz.paths(y, 1), "node 2.000 is a constant"),
            (lambda y: viz.paths(y, "x", k=0), "at least 1, got 0"),
            (lambda y: viz.paths(y, "x", k=2.5), "at least 1, got 2.5"),
            (lambda y: viz.paths(ad.Graph.of(y), "x"), "got Graph"),
            (lambda y: viz.paths(ad.Tensor([1.0, 2.0]) * 2, 0), "needs a cotangent"),
        ],
    )
    def test_what_is_no_node_is_one_error(self, call, message):
        x = ad.Scalar(1.0, name="x")
        with pytest.raises(ad.AutodiffError, match=message) as caught:
            call(ad.exp(x * 2.0))
        assert "\n" not in str(caught.value)


class TestTable:
    def test_a_table_of_numbers(self):
        loss = ad.parse("L = (relu(w*x + b) - y)**2 + w*w", w=0.5, x=2.0, b=-0.3, y=1.0)
        found = viz.paths(loss, "w", k=2)
        assert isinstance(found, Paths)
        assert str(found).splitlines() == [
            "∂L/∂w is the sum over 3 paths",
            " 1  ∂L/∂v₉ · ∂v₉/∂v₇ · ∂v₇/∂v₆ · ∂v₆/∂v₅ · ∂v₅/∂v₄ · ∂v₄/∂w"
            "  = 1.000 × −0.600 × 1.000 × 1.000 × 1.000 × 2.000  = −1.200   600 %",
            " 2  ∂L/∂v₁₀ · ∂v₁₀/∂w (1st)                                "
            "  = 1.000 × 0.500                                   =  0.500  −250 %",
            "    1 more path                                            "
            "                                                    =  0.500  −250 %",
            "    ∂L/∂w = the sum                                        "
            "                                                    = −0.200",
        ]
        assert [len(row) for row in found.rows()] == [len(HEAD)] * 4

    def test_long_paths_are_written_without_their_middle(self):
        x = y = ad.Scalar(1.0, name="x")
        for _ in range(30):
            y = ad.sin(y)
        assert "… 25 more …" in str(viz.paths(y, x))

    @pytest.mark.parametrize("name", ["line\nbreak", "\x1b[31m", "{0}", "a" * 500])
    def test_names_stay_on_their_line(self, name):
        lines = viz.paths(ad.Scalar(1.0, name=name) * 2, 0).lines()
        assert all("\n" not in part.text and "\x1b" not in part.text for line in lines for part in line)
