"""Unrolled computations: each number of each tensor, and each gradient, is that of one scalar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
import viz
from autodiff import nn
from autodiff.errors import GraphError, SettingError
from autodiff.graph import freeze
from viz.notation import label
from viz.scalar_forms import SCALAR_FORMS
from viz.unrolling import unrolled
from viz.view import view


def tensor(*shape, name=None, seed=0):
    return ad.Tensor(np.random.default_rng(seed).uniform(-2, 2, shape), name=name or ("u" if seed else "t"))


def network():
    rng = np.random.default_rng(0)
    weights = [nn.Parameter(rng.normal(size=shape), name=name) for shape, name in (((3, 4), "W1"), ((4, 2), "W2"))]
    with ad.scope("net"):
        h = ad.relu(rng.normal(size=(2, 3)) @ weights[0] + ad.Tensor(rng.normal(size=4), name="b1"), name="h")
        z = ad.dropout(h, 0.3, rng=rng) @ weights[1]
    return nn.cross_entropy(z, [1, 0], name="loss")


def assert_agrees(loss):
    """Every entry of every tensor has the value and the gradient of its scalar; returns how many were compared.

    An entry that was only moved is one scalar in several tensors: it has the gradient of the tensor that made it.
    """
    graph, trace = ad.Graph.of(loss), ad.backprop(loss)
    entries = unrolled(graph)
    (output,) = entries[graph.output_ids[0]].ravel()
    ids, cotangents = freeze([output])[2], ad.backprop(output).cotangents
    seen, compared = set(), 0
    for node, array in zip(graph.nodes, entries, strict=True):
        assert array.shape == node.shape
        digits = 1e-6 if node.dtype == "float32" else 1e-12
        numbers = [getattr(entry, "data", entry) for entry in array.ravel()]
        np.testing.assert_allclose(numbers, np.ravel(node.value), rtol=digits, atol=digits)
        for place, entry in enumerate(array.ravel()):
            is_new = isinstance(entry, ad.Scalar) and entry.requires_grad and id(entry) not in seen
            seen.add(id(entry))
            if is_new and node.id in trace.cotangents:
                found = cotangents.get(ids.get(entry.index), 0.0)
                assert found == pytest.approx(np.ravel(trace.cotangents[node.id])[place], rel=digits, abs=digits)
                compared += 1
    return compared


CASES = {
    "matmul": lambda t: t @ tensor(3, 2, name="W", seed=1),
    "matrix and vector": lambda t: t @ tensor(3, seed=1),
    "vector and matrix": lambda t: tensor(2, seed=1) @ t,
    "vectors": lambda t: t[0] @ t[1],
    "stacks": lambda t: ad.matmul(tensor(2, 1, 4, 2, seed=1), ad.stack([t, 2 * t])),
    "einsum": lambda t: ad.einsum("ij,kj,k->ik", t, tensor(4, 3, seed=1), tensor(4, seed=2)),
    "einsum of a sum": lambda t: ad.einsum("ij->", t),
    "einsum that broadcasts": lambda t: ad.einsum("...j,...j->...", t, tensor(1, 3, seed=1)),
    "elementwise": lambda t: ad.tanh(t) * ad.exp(-t) + ad.relu(t) / 3.0,
    "broadcasting": lambda t: t * tensor(3, seed=1) + tensor(2, 1, seed=2),
    "power": lambda t: t**2 + t**3.0,
    "where": lambda t: ad.where(t > 0, t, 0.1 * t),
    "clip": lambda t: ad.clip(t, -1, 1),
    "dropout": lambda t: ad.dropout(t, 0.5, rng=np.random.default_rng(3)),
    "sum": lambda t: ad.sum(t, axis=0),
    "sum over all": lambda t: t.sum(),
    "sum that keeps axes": lambda t: t - ad.sum(t, axis=(0, 1), keepdims=True),
    "sum over no axis": lambda t: ad.sum(t, axis=()),
    "mean": lambda t: ad.mean(t, axis=-1) * ad.mean(t),
    "var": lambda t: ad.var(t, axis=1, ddof=1),
    "std": lambda t: ad.std(t, axis=0),
    "std of equal numbers": lambda t: ad.std(t * 0 + 1, axis=0) * 3.0 + t.sum(),
    "prod": lambda t: ad.prod(t, axis=1),
    "prod with a zero": lambda t: ad.prod(t * np.array([0.0, 1.0, 2.0]), axis=1),
    "max": lambda t: ad.max(t, axis=1),
    "tied maxima": lambda t: ad.max(ad.maximum(t, 0.5)) + ad.min(ad.minimum(t, -0.1), axis=0),
    "min": lambda t: ad.min(t),
    "norm": lambda t: ad.linalg.norm(t),
    "norm of nothing": lambda t: ad.linalg.norm(t * 0) + t.sum(),
    "logsumexp": lambda t: ad.logsumexp(t, axis=0),
    "logsumexp of large numbers": lambda t: ad.logsumexp(500 * t, axis=1),
    "softmax": lambda t: ad.softmax(t, axis=0) * np.arange(6.0).reshape(2, 3),
    "softmax of large numbers": lambda t: ad.softmax(1000 * t) * np.arange(3.0),
    "log_softmax": lambda t: ad.log_softmax(t)[:, 1],
    "cumsum": lambda t: ad.cumsum(t, axis=1) ** 2,
    "cumprod": lambda t: ad.cumprod(t, axis=0),
    "cross_entropy": lambda t: nn.cross_entropy(t, [2, 0]),
    "mse": lambda t: nn.mse_loss(t, np.ones((2, 3))),
    "penalty": lambda t: nn.l2_penalty([t], 0.1),
    "transpose": lambda t: t.T @ tensor(2, 2, seed=1),
    "reshape": lambda t: t.reshape(3, 2) * np.arange(6.0).reshape(3, 2),
    "getitem": lambda t: t[1, ::-1] * t[0, [0, 0, 2]],
    "concatenate": lambda t: ad.concatenate([t, 2 * t], 1) ** 2,
    "stack": lambda t: ad.stack([t, t * t]) * 2,
    "pad": lambda t: ad.pad(t, 1, constant_values=3.0) ** 2,
    "roll": lambda t: ad.roll(t, 1, axis=1) * t,
    "tile and repeat": lambda t: ad.tile(t, 2) * ad.repeat(t, 2, axis=1),
    "set": lambda t: t.at[0, 1].set(t[1, 1]) * t,
    "add at": lambda t: t.at[[0, 0]].add(t[1]) ** 2,
    "sort": lambda t: ad.sort(t, axis=1) * np.arange(3.0),
    "cross": lambda t: ad.cross(t[0], t[1]),
    "astype": lambda t: t.astype(np.float64) * 2,
    "a Scalar among tensors": lambda t: ad.Scalar(2.0, name="s") * t,
}


class TestNumbers:
    @pytest.mark.parametrize("case", CASES)
    def test_values_and_gradients_agree_with_the_tensors(self, case):
        t = tensor(2, 3)
        assert assert_agrees(ad.sum(CASES[case](t) * 1.5)) > 1
        loss = ad.sum(CASES[case](t) * 1.5)
        folded, gradients = ad.backprop(loss).gradients["t"], viz.unroll(loss).gradients
        found = [[gradients.get(f"t{'₁₂'[i]}{'₁₂₃'[j]}", 0.0) for j in range(3)] for i in range(2)]
        np.testing.assert_allclose(found, folded, rtol=1e-12, atol=1e-12)

    def test_every_scalar_form_has_a_case(self):
        used = {node.op for case in CASES.values() for node in ad.Graph.of(ad.sum(case(tensor(2, 3)))).nodes}
        hidden = {"sum_to", "scatter", "to_scalar"}  # what rules are made of, and what add_at is
        assert set(SCALAR_FORMS) <= used | hidden

    @pytest.mark.parametrize("shape", [(2, 3), (1, 3), (2, 1)])
    def test_what_rules_are_made_of(self, shape):
        t = tensor(2, 3)
        gradient = ad.sum(ad.ops.shape.sum_to(t * t, shape) ** 2)
        assert assert_agrees(gradient) > 1
        assert assert_agrees(ad.sum(ad.ops.index.scatter(t, ([1, 1],), (3, 3)) ** 2)) > 1

    def test_a_network_with_two_layers_and_dropout(self):
        loss = network()
        assert assert_agrees(loss) == 12 + 8 + 4 + 3 * 8 + 8 + 4 + 1
        trace = viz.unroll(loss)
        kinds = {node.op for node in trace.graph.nodes}
        assert {"parameter", "constant", "mul", "add", "relu", "exp", "log", "dropout"} <= kinds
        assert {node.shape for node in trace.graph.nodes} == {()}

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
    def test_networks_of_any_size(self, n, hidden, classes, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 2))
        h = ad.tanh(x @ tensor(2, hidden, name="W1", seed=seed) + tensor(hidden, name="b1", seed=seed + 1))
        z = h @ tensor(hidden, classes, name="W2", seed=seed + 2)
        assert assert_agrees(nn.cross_entropy(z, rng.integers(0, classes, n))) > 4

    def test_a_cotangent_that_is_given_is_the_seed(self):
        t = tensor(2, 2)
        trace = viz.unroll(ad.backprop(ad.sum(t * t), 3.0))
        assert trace.gradients["t₁₁"] == pytest.approx(6 * t.data[0, 0])

    def test_a_rule_that_ties_evenly_among_three(self):
        t = ad.Tensor([1.0, 1.0, 1.0, 0.0], name="t")
        assert list(viz.unroll(ad.max(t)).gradients.values()) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


class TestNames:
    def test_entries_are_named_by_row_and_column_in_a_box_per_tensor(self):
        w = tensor(2, 2, name="W")
        with ad.scope("layer"):
            h = ad.matmul(np.array([[1.0, 2.0]]), w, name="h")
        graph = viz.unroll(ad.sum(ad.exp(h), name="L")).graph
        places = {node.name: node.scope for node in graph.nodes if node.name}
        assert places == {
            "c₁[1,1]": "layer/c₁",
            "c₁[1,2]": "layer/c₁",
            **dict.fromkeys(("W₁₁", "W₁₂", "W₂₁", "W₂₂"), "W"),
            "h₁₁": "layer/h = c₁ @ W",
            "h₁₂": "layer/h = c₁ @ W",
            "v₃[1,1]": "v₃ = exp(h)",
            "v₃[1,2]": "v₃ = exp(h)",
            "L": "L = Σ v₃",
        }

    def test_a_layers_parameters_bear_its_name_once(self):
        graph = viz.unroll(ad.sum(nn.Linear(2, 1)(np.ones((1, 2))))).graph
        names = [label(node) for node in graph.nodes if node.op == "parameter"]
        assert names == ["linear.W₁₁", "linear.W₂₁", "linear.b₁"]

    def test_many_rows_are_told_apart(self):
        names = viz.unroll(tensor(12, 2).sum()).gradients
        assert "t[1,12]" not in names
        assert list(names)[:3] == ["t[1,1]", "t[1,2]", "t[2,1]"]

    def test_scalars_keep_their_names_and_need_no_box(self):
        loss = ad.parse("L = (w*x - 1)**2", w=2.0, x=3.0)
        before, after = ad.Graph.of(loss), viz.unroll(loss).graph
        assert [(n.op, n.name, n.scope, n.value) for n in before.nodes] == [
            (n.op, n.name, n.scope, n.value) for n in after.nodes
        ]

    def test_source_lines_stay(self):
        with ad.recording(source=True):
            y = tensor(2) @ tensor(2, seed=1)
        assert {n.source.text for n in viz.unroll(y).graph.nodes if n.op == "add"} == {y.source.text}

    @pytest.mark.parametrize("name", ["a/b", "{0}", "<b>", "\\", " ", "x" * 300, "⟦0⟧", "line\nbreak"])
    def test_hostile_names(self, name):
        with ad.scope(name):
            loss = ad.sum(ad.Tensor([1.0, 2.0], name=name) / 2.0, name=name)
        assert view(viz.unroll(loss)).has_gradients


class TestWhatIsReturned:
    def test_a_value_of_several_numbers_and_a_graph_have_no_gradients(self):
        t = tensor(2)
        for subject in (t * 2, ad.Graph.of(t * 2), ad.Graph.of(t.sum())):
            assert isinstance(viz.unroll(subject), ad.Graph)
        assert [float(node.value) for node in viz.unroll(t * 2).outputs] == pytest.approx((t.data * 2).tolist())

    def test_a_constant(self):
        graph = viz.unroll(ad.Tensor([1.0, 2.0], requires_grad=False))
        assert [node.value for node in graph.outputs] == [1.0, 2.0]

    def test_nothing_is_done_to_the_subject(self):
        t = tensor(2, 2)
        loss = ad.sum(t @ t)
        before = ad.Graph.of(loss).to_json()
        viz.unroll(loss)
        assert ad.Graph.of(loss).to_json() == before
        assert t.grad is None

    def test_it_is_drawn(self):
        text = viz.to_dot(viz.unroll(ad.sum(tensor(1, 2, name="x") @ tensor(2, 1, name="W", seed=1), name="y")))
        assert "W₂₁" in text
        assert "× " in text

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda t: viz.unroll(tensor(9, 8).sum()), GraphError, r"t has 72 elements, of shape \(9, 8\); .* most 64"),
            (lambda t: viz.unroll(t.sum(), limit=3), GraphError, "at most 3 are unrolled"),
            (lambda t: viz.unroll((tensor(8, 8) @ tensor(8, 8) @ tensor(8, 8)).sum()), GraphError, "more than 2,000"),
            (lambda t: viz.unroll(ad.linalg.det(t)), GraphError, "det has no scalar form; .*matmul"),
            (lambda t: viz.unroll(ad.backprop(t * 2, np.ones((2, 2)))), GraphError, "reduce it to one number"),
            (lambda t: viz.unroll(t.sum(), limit=0), SettingError, "at least 1, got 0"),
            (lambda t: viz.unroll("t"), GraphError, "got str"),
        ],
    )
    def test_what_cannot_be_unrolled_is_one_error(self, call, error, message):
        with pytest.raises(error, match=message) as caught:
            call(tensor(2, 2))
        assert "\n" not in str(caught.value)

    def test_a_limit_that_is_raised(self):
        assert len(viz.unroll(tensor(9, 8).sum(), limit=72).graph.inputs) == 72
