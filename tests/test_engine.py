"""The recorded graph, the backward walk, and the promises about state, memory and depth."""

import copy
import gc
import json
import pickle
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import autodiff as ad
from autodiff.ops.table import OPERATIONS


def example():
    w, x, b, y = (ad.Scalar(v, name=n) for n, v in {"w": 0.5, "x": 2.0, "b": -0.3, "y": 1.0}.items())
    return (w, x, b, y), (ad.relu(w * x + b) - y) ** 2


class TestGraph:
    def test_ids_are_recording_order_and_operands_keep_order_and_duplicates(self):
        x = ad.Scalar(3.0, name="x")
        graph = ad.Graph.of(x * x - 1)
        assert [(n.id, n.op, n.operands) for n in graph.nodes] == [
            (0, "input", ()),
            (1, "mul", (0, 0)),
            (2, "constant", ()),
            (3, "sub", (1, 2)),
        ]
        assert [n.name for n in graph.inputs] == ["x"]
        assert [n.id for n in graph.outputs] == [3]

    def test_an_array_constant_used_twice_is_one_node(self):
        data = np.arange(3.0)
        graph = ad.Graph.of(ad.Tensor(np.ones(3)) * data + data)
        assert [n.op for n in graph.nodes].count("constant") == 1

    def test_nodes_are_frozen_and_their_arrays_read_only(self):
        graph = ad.Graph.of(ad.Tensor(np.ones(3)) * 2)
        with pytest.raises(AttributeError):
            graph.nodes[0].name = "other"
        with pytest.raises(ValueError, match="read-only"):
            graph.nodes[0].value[0] = 5

    def test_scopes_names_and_sources_are_recorded(self):
        with ad.recording(source=True), ad.scope("mlp"), ad.scope("linear1"):
            h = ad.relu(ad.Scalar(1.0), name="h")
        node = ad.Graph.of(h).outputs[0]
        assert (node.scope, node.name) == ("mlp/linear1", "h")
        assert node.source.file == __file__
        assert node.source.text == 'h = ad.relu(ad.Scalar(1.0), name="h")'

    def test_replay_with_other_values(self):
        (*_,), loss = example()
        graph = ad.Graph.of(loss)
        assert graph.replay().outputs[0].value == loss.data
        assert graph.replay({"w": 1.0}).outputs[0].value == pytest.approx(0.49)
        assert graph.replay({0: 1.0}).nodes[4].value == 2.0

    @pytest.mark.parametrize(
        ("values", "message"),
        [({"q": 1.0}, "'q' is not a leaf"), ({"W": np.ones(3)}, "has shape (2, 2), got a value of shape (3,)")],
    )
    def test_replay_refuses_what_does_not_fit(self, values, message):
        graph = ad.Graph.of(ad.Tensor(np.ones((2, 2)), name="W").sum())
        with pytest.raises(ad.errors.GraphError, match="replay") as caught:
            graph.replay(values)
        assert message in str(caught.value)

    def test_json_round_trip_replays_bit_for_bit(self):
        rng = np.random.default_rng(0)
        t = ad.Tensor(rng.normal(size=(3, 4)).astype(np.float32), name="t")
        u = ad.softmax(t[1:, ::-1] @ np.array([[1, 9], [0.1, 2], [3, 4], [5, 6.5]]), axis=1)
        u = ad.maximum(u, np.array([-np.inf, 0.5]))
        out = ad.sum(ad.where(t[:2, :2] > 0, u, ad.dropout(u, 0.5, rng=rng)).reshape(-1)[np.array([0, 0, 3])])
        graph = ad.Graph.of(out)
        again = ad.Graph.from_json(graph.to_json())
        for a, b, c in zip(graph.nodes, again.nodes, again.replay().nodes, strict=True):
            assert (a.op, a.operands, a.name, a.shape, a.dtype) == (b.op, b.operands, b.name, b.shape, b.dtype)
            np.testing.assert_array_equal(a.value, b.value)
            np.testing.assert_array_equal(a.value, c.value)
        json.loads(graph.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            "nonsense",
            '{"format": "other"}',
            '{"format": "chainlens graph 1", "outputs": [3], "nodes": []}',
            '{"format": "chainlens graph 1", "outputs": [0], "nodes": [{"id": 1}]}',
            '{"format": "chainlens graph 1", "outputs": [0], "nodes": [{"id": 0, "op": "add", "operands": [0]}]}',
            '{"format": "chainlens graph 1", "outputs": [0], "nodes": [{"id": 0, "op": "constant", "operands": [], '
            '"value": {"array": ["a"], "shape": [1], "dtype": "object"}, "dtype": "object", "name": null, '
            '"scope": "", "params": {}, "source": null}]}',
        ],
    )
    def test_malformed_json_is_one_error(self, text):
        with pytest.raises(ad.errors.GraphError):
            ad.Graph.from_json(text)

    def test_replay_names_an_operation_that_is_not_defined(self):
        gone = ad.Elementwise("gone", lambda x: 2 * x, 2)
        text = ad.Graph.of(gone(ad.Scalar(1.0))).to_json()
        del OPERATIONS["gone"]
        with pytest.raises(ad.errors.GraphError, match="'gone'"):
            ad.Graph.from_json(text).replay()

    def test_names_that_several_leaves_bear_are_told_apart(self):
        weights = []
        for layer in ("linear1", "linear2"):
            with ad.scope(layer):
                weights.append(ad.Scalar(2.0, name="W"))
        out = weights[0] * weights[1] * ad.Scalar(1.0, name="x") * ad.Scalar(3.0, name="x")
        trace = ad.backprop(out)
        assert list(trace.gradients) == ["linear1/W", "linear2/W", "x#3", "x#5"]
        assert trace.graph.replay({"linear1/W": 5.0}).outputs[0].value == 30.0
        with pytest.raises(ad.errors.GraphError, match="'W' is not a leaf"):
            trace.graph.replay({"W": 1.0})

    def test_networkx_keeps_both_edges_of_a_square(self):
        x = ad.Scalar(3.0, name="x")
        graph = ad.Graph.of(x * x).to_networkx()
        assert sorted(graph.edges(data="position")) == [(0, 1, 0), (0, 1, 1)]
        assert graph.nodes[0]["name"] == "x"
        assert graph.nodes[1]["output"]

    def test_only_values_make_graphs(self):
        with pytest.raises(ad.errors.GraphError, match="got ndarray"):
            ad.Graph.of(np.ones(3))


class TestBackward:
    def test_gradients_of_the_example(self):
        leaves, loss = example()
        loss.backward()
        assert [leaf.grad for leaf in leaves] == pytest.approx([-1.2, -0.3, -0.6, 0.6])

    def test_grad_is_none_before_and_a_second_pass_adds_into_leaves_only(self):
        x = ad.Scalar(3.0)
        y = x * x
        z = y * 2
        assert (x.grad, y.grad) == (None, None)
        z.backward()
        z.backward()
        assert (x.grad, y.grad) == (24.0, 2.0)

    def test_intermediate_tensors_keep_no_gradient(self):
        x = ad.Tensor(np.ones(3))
        h = x * 2
        h.sum().backward()
        assert h.grad is None
        np.testing.assert_array_equal(x.grad, [2, 2, 2])

    def test_gradients_never_share_memory(self):
        a, b = ad.Tensor(np.ones(3)), ad.Tensor(np.ones(3))
        seed = np.ones(3)
        (a + b).backward(seed)
        a.grad[0] = 7
        assert (b.grad[0], seed[0]) == (1, 1)

    def test_a_cotangent_weighs_the_outputs(self):
        x = ad.Tensor([1.0, 2.0])
        (x * x).backward(np.array([1.0, 10.0]))
        assert x.grad.tolist() == [2, 40]

    def test_create_graph_makes_gradients_that_differentiate(self):
        x = ad.Scalar(2.0)
        (x**3).backward(create_graph=True)
        first, x.grad = x.grad, None
        first.backward()
        assert (first.data, x.grad) == (12.0, 12.0)

    def test_constants_get_no_gradient(self):
        x, c = ad.Scalar(2.0), ad.Scalar(3.0, requires_grad=False)
        (x * c).backward()
        assert (x.grad, c.grad) == (3.0, None)

    def test_backprop_is_pure_and_records_one_step_per_node_reached(self):
        leaves, loss = example()
        trace = ad.backprop(loss)
        assert all(leaf.grad is None for leaf in leaves)
        assert [step.node.op for step in trace.steps] == ["pow", "sub", "relu", "add", "mul"] + ["input"] * 4
        mul = trace.steps[4]
        assert mul.upstream == pytest.approx(-0.6)
        assert mul.messages[0] == pytest.approx((0, 2.0, -1.2, -1.2))
        assert trace.gradients == pytest.approx({"w": -1.2, "x": -0.3, "b": -0.6, "y": 0.6})

    def test_totals_are_running_sums(self):
        x = ad.Scalar(3.0)
        trace = ad.backprop(x * x)
        assert [m.total for m in trace.steps[0].messages] == [3.0, 6.0]

    def test_hooks_see_a_gradient_once_even_if_it_is_not_finite(self):
        seen = []
        x = ad.Tensor([0.0, 1.0])
        h = ad.sqrt(x)
        h.register_hook(lambda g: seen.append(g))
        ad.sum(h).backward()
        assert len(seen) == 1
        assert x.grad.tolist() == [np.inf, 0.5]

    def test_zero_dimensional_gradients_are_arrays_however_often_they_are_added(self):
        x = ad.Tensor(3.0)
        for _ in range(3):
            (x * x + x).backward()
            assert type(x.grad) is np.ndarray
        assert x.grad == 21.0

    def test_a_recorded_pass_sends_zeros_for_a_zero_cotangent(self):
        x = ad.Tensor([1.0, np.inf])
        ad.where(False, x @ x, ad.sum(x * 2)).backward(create_graph=True)
        assert x.grad.data.tolist() == [2, 2]

    def test_a_cotangent_takes_the_dtype_of_the_value(self):
        x = ad.Tensor([1.0, 2.0], dtype=np.float32)
        for cotangent in (np.ones(2), ad.Tensor(np.ones(2)), [1, 1]):
            x.grad = None
            (x * 2).backward(cotangent)
            assert x.grad.dtype == np.float32

    def test_the_trace_and_backward_agree_bit_for_bit(self):
        rng = np.random.default_rng(0)
        x, w = ad.Tensor(rng.normal(size=(5, 4))), ad.Tensor(rng.normal(size=(4, 3)))
        loss = ad.logsumexp(ad.tanh(x @ w) @ w.T)
        trace = ad.backprop(loss)
        loss.backward()
        np.testing.assert_array_equal(trace.cotangents[0], x.grad)
        np.testing.assert_array_equal(trace.cotangents[1], w.grad)


class TestOwnOperations:
    def test_an_elementwise_row_differentiates_draws_and_checks(self):
        softplus = ad.Elementwise("my_softplus", lambda x: np.log1p(np.exp(x)), lambda out, x: ad.sigmoid(x))
        ad.check_grads(softplus, (np.linspace(-2, 2, 5),), order=2)
        x = ad.Scalar(0.0)
        softplus(x).backward()
        assert x.grad == 0.5

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            (lambda g, out, x: np.ones(7), "must return a cotangent of shape (3,), got shape (7,)"),
            (lambda g, out, x: None, "must return a cotangent of shape (3,), got NoneType"),
            (lambda g, out, x: g * 1j, "dtype complex128"),
        ],
    )
    def test_a_broken_rule_is_named(self, rule, message):
        broken = ad.Primitive("broken", lambda x: 2 * x, rule)
        with pytest.raises(ad.errors.RuleError) as caught:
            broken(ad.Tensor(np.ones(3))).sum().backward()
        assert message in str(caught.value)
        assert "broken" in str(caught.value)

    @pytest.mark.parametrize("rule", [lambda out, x: np.ones(7), lambda out, x: None, lambda out, x: "slope"])
    @pytest.mark.parametrize("kind", [ad.Scalar, ad.Tensor])
    def test_a_broken_local_derivative_is_named(self, rule, kind):
        broken = ad.Elementwise("broken", lambda x: 2 * x, rule)
        y = broken(kind(1.0))
        with pytest.raises(ad.errors.RuleError, match="broken"):
            y.backward()
        with pytest.raises(ad.errors.RuleError, match="broken"):
            ad.jvp(broken, (1.0 if kind is ad.Scalar else np.array(1.0),), (1.0,))

    def test_a_forward_function_that_gives_no_number_is_named(self):
        with pytest.raises(ad.errors.RuleError, match="pair: the forward function must return one number"):
            ad.Elementwise("pair", lambda x: np.ones(2), 1)(ad.Scalar(1.0))

    def test_a_rule_in_numpy_alone_gives_a_float_for_a_float(self):
        rule = ad.Elementwise("numpy_rule", np.sin, lambda out, x: np.asarray(np.cos(x)))
        assert type(ad.grad(rule)(0.5)) is float

    def test_an_operation_that_could_not_be_made_is_not_registered(self):
        with pytest.raises(ad.errors.RuleError):
            ad.Elementwise("half_made", np.exp, "no rule")
        assert "half_made" not in OPERATIONS

    def test_built_in_names_are_kept(self):
        with pytest.raises(ad.errors.SettingError, match="'exp' is taken"):
            ad.Elementwise("exp", np.exp, 1)

    @pytest.mark.parametrize("make", [lambda: ad.Primitive("f", 3), lambda: ad.Elementwise("f", np.exp)])
    def test_rows_that_cannot_work_are_refused(self, make):
        with pytest.raises(ad.errors.RuleError):
            make()


class TestCopies:
    def test_copies_are_leaves_of_their_own(self):
        for leaf in (ad.Tensor([1.0, 2.0], name="t"), ad.Scalar(3.0, name="s")):
            for twin in (copy.copy(leaf), copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))):
                assert type(twin) is type(leaf)
                assert (twin.name, twin.requires_grad) == (leaf.name, True)
                ad.sum(leaf * twin * twin).backward()
                np.testing.assert_array_equal(leaf.grad * 2, twin.grad)
                leaf.grad = None

    def test_a_value_with_a_graph_is_not_copied(self):
        with pytest.raises(TypeError, match="detach"):
            copy.deepcopy(ad.Scalar(1.0) * 2)


class TestState:
    def test_no_grad_records_nothing_and_ends_after_an_exception(self):
        x = ad.Scalar(2.0)
        with pytest.raises(ZeroDivisionError), ad.no_grad():
            assert not (x * x).requires_grad
            raise ZeroDivisionError
        assert (x * x).requires_grad

    def test_scopes_end_after_an_exception(self):
        with pytest.raises(ZeroDivisionError), ad.scope("a"):
            raise ZeroDivisionError
        assert (ad.Scalar(1.0) * 2).scope == ""

    def test_contexts_can_be_used_again_nested_and_as_decorators(self):
        off, layer = ad.no_grad(), ad.scope("a")
        x = ad.Scalar(2.0)
        for _ in range(2):
            with off, off, layer, layer:
                assert not (x * x).requires_grad
                assert (x * x).scope == "a/a"
            assert (x * x).requires_grad

        @ad.no_grad()
        def plain():
            return (x * x).requires_grad

        assert (plain(), plain(), (x * x).requires_grad) == (False, False, True)

    def test_threads_do_not_see_each_others_settings(self):
        inside, leave = threading.Event(), threading.Event()

        def work():
            with ad.no_grad(), ad.scope("other"):
                inside.set()
                leave.wait(5)

        thread = threading.Thread(target=work)
        thread.start()
        inside.wait(5)
        y = ad.Scalar(1.0) * 2
        leave.set()
        thread.join()
        assert y.requires_grad
        assert y.scope == ""

    def test_gradients_inside_no_grad_are_plain(self):
        w = ad.Scalar(2.0)
        with ad.no_grad():
            assert ad.grad(lambda x: w * x * x)(3.0) == 12.0


class TestMemory:
    def test_a_million_scalar_operations_forward_and_backward(self):
        a = x = ad.Scalar(0.5)
        for _ in range(500_000):
            x = x * a + a
        x.backward()
        assert a.grad == pytest.approx(4.0)
        del x
        gc.collect()

    def test_a_long_tensor_chain(self):
        a = x = ad.Tensor([0.5])
        for _ in range(5_000):
            x = x * a + a
        x.backward()
        assert a.grad[0] == pytest.approx(4.0)
        assert len(ad.Graph.of(x).nodes) == 10_001

    def test_a_graph_is_freed_with_its_output(self):
        x = ad.Tensor(np.ones(3))
        h = x * 2
        watch = weakref.ref(h)
        loss = h.sum()
        loss.backward()
        del h
        assert watch() is not None
        gc.disable()
        try:
            del loss
            assert watch() is None  # by reference counts alone: there are no cycles
        finally:
            gc.enable()

    def test_hundreds_of_training_steps_leave_no_memory_behind(self):
        rng = np.random.default_rng(0)
        w, x = ad.Tensor(rng.normal(size=(20, 20))), rng.normal(size=(10, 20))

        def step():
            w.grad = None
            ad.mean(ad.tanh(x @ w) ** 2).backward()
            w.data = w.data - 0.01 * w.grad
            ad.jvp(ad.grad(lambda v: ad.sum(ad.exp(v))), (np.ones(3),), (np.ones(3),))

        gc.collect()
        gc.disable()  # cycles would stay
        try:
            for _ in range(500):  # Python keeps up to 2,000 freed tuples of each length: let it, untraced and quicker
                step()
            tracemalloc.start()
            for _ in range(50):
                step()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(500):
                step()
            after = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()
        assert after - before < 200_000  # one leaked array a step would be 800 KB and more
