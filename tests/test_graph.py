"""The graph as data: its names, its replay, and its JSON, which is read with distrust."""

import builtins
import json
import os

import numpy as np
import pytest
from cases import CASES, COMPOSITES
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.errors import GraphError
from autodiff.transforms import flatten

NUMBERS = [
    *(np.dtype(code).type(value) for code in "efdg" for value in (0.1, -0.0, np.inf, -np.inf, 65504, 2**-24)),
    *(np.iinfo(code).min for code in "bhil"),
    *(np.dtype(code).type(np.iinfo(code).max) for code in "bhilBHIL"),
    *(np.True_, np.False_, True, 3, -(2**80), 0.1, -0.0, float("inf"), 5e-324, np.longdouble(1) / 3),
]


def same(a, b) -> bool:
    """Whether two values are of one type and dtype, and equal bit for bit."""
    if isinstance(a, np.longdouble) or (isinstance(a, np.ndarray) and a.dtype == np.longdouble):  # it has unused bytes
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    return type(a) is type(b) and np.asarray(a).dtype == np.asarray(b).dtype and bytes_of(a) == bytes_of(b)


def bytes_of(value) -> object:
    return value if type(value) is int else np.asarray(value).tobytes()


def restored(graph: ad.Graph) -> ad.Graph:
    return ad.Graph.from_json(graph.to_json())


def assert_replays(graph: ad.Graph) -> None:
    """Computing the graph again gives the same bits, and so does computing what its JSON says."""
    for again in (graph.replay(), restored(graph), restored(graph).replay()):
        for a, b in zip(graph.nodes, again.nodes, strict=True):
            assert (a.op, a.operands, a.name, a.shape, a.dtype) == (b.op, b.operands, b.name, b.shape, b.dtype)
            assert same(a.value, b.value), (a, a.value, b.value)


class TestNumbers:
    @pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__} {n}")
    def test_operands_and_params_come_back_with_their_type_and_bits(self, number):
        keep = ad.Primitive("keep", lambda x, number: x, None)
        node = ad.Graph.of(keep(ad.Tensor([1.0]), number=number))
        assert same(restored(node).outputs[0].params["number"], number)
        with np.errstate(all="ignore"):
            assert_replays(ad.Graph.of(ad.Tensor([1.0], dtype=np.float32) * number))

    def test_a_numpy_number_stays_strong_next_to_float32(self):
        graph = ad.Graph.of(ad.Tensor([1.0], dtype=np.float32) * np.float64(0.1))
        assert restored(graph).replay().outputs[0].dtype == graph.outputs[0].dtype == "float64"

    def test_nan_keeps_its_dtype(self):
        graph = restored(ad.Graph.of(ad.Tensor([1.0], dtype=np.float16) * np.float32("nan")))
        assert graph.outputs[0].dtype == "float32"
        assert np.isnan(graph.nodes[1].value)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", ">f8", ">f4"])
    def test_arrays_keep_dtype_bits_and_byte_order(self, dtype):
        assert_replays(ad.Graph.of(ad.Tensor(np.array([0.1, -0.0, np.inf, np.nan, 6e-8]), dtype=dtype) * 1))

    def test_an_array_beside_the_number_of_operands(self):
        flags = np.array([True, False])
        assert_replays(ad.Graph.of(ad.where(flags, ad.Tensor([1.0, 2.0]), np.array([3, 4], dtype=np.uint8))))

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "nan", "plain", "\ud800", "ä"])
    def test_text_stays_text(self, text):
        keep = ad.Primitive("keep", lambda x, text: x, None)
        assert restored(ad.Graph.of(keep(ad.Scalar(1.0), text=text))).outputs[0].params == {"text": text}

    @pytest.mark.parametrize(
        "param",
        [
            *(object(), {1: 2}, {1}, 1j, b"x", len, np.dtype("O"), np.datetime64("2020-01-01"), 10**5000),
            *(np.array([object()]), np.array(["a"]), np.array([1j]), np.ma.array([1.0]), np.zeros(1, "f8,i4")),
        ],
        ids=lambda p: type(p).__name__,
    )
    def test_a_param_that_json_cannot_hold_is_one_error(self, param):
        keep = ad.Primitive("keep", lambda x, param: x, None)
        graph = ad.Graph.of(keep(ad.Tensor([1.0]), param=param))
        with pytest.raises(GraphError, match="^to_json: ") as caught:
            graph.to_json()
        assert "\n" not in str(caught.value)

    def test_a_param_nested_without_end_is_one_error(self):
        endless: list = []
        endless.append(endless)
        keep = ad.Primitive("keep", lambda x, param: x, None)
        with pytest.raises(GraphError, match=r"node #1 \(keep\) is nested too deeply"):
            ad.Graph.of(keep(ad.Tensor([1.0]), param=endless)).to_json()


LAYOUTS = {
    "C": lambda a: a,
    "F": np.asfortranarray,
    "transposed axes": lambda a: np.ascontiguousarray(a.transpose(1, 2, 0)).transpose(2, 0, 1),
    "reversed": lambda a: a[::-1, :, ::-1],
    "every second": lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "part of a larger": lambda a: np.pad(a, 1)[1:-1, 1:-1, 1:-1],
    "empty": lambda a: a[:0].T,
}


class TestReplay:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_the_layout_in_memory_stays_and_with_it_the_last_bits(self, layout):
        array = LAYOUTS[layout](np.random.default_rng(0).normal(size=(3, 40, 50)))
        graph = ad.Graph.of(ad.sum(ad.Tensor(np.ones(())) * array))
        constant = next(node for node in restored(graph).nodes if node.op == "constant")
        assert constant.value.strides == array.strides or not array.size
        assert_replays(graph)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @pytest.mark.parametrize("name", [*CASES, *dict(COMPOSITES)])
    def test_every_operation_is_computed_again_bit_for_bit(self, name):
        for function, *arguments in (CASES | dict(COMPOSITES))[name]:
            values = [ad.Scalar(a) if isinstance(a, float) else ad.Tensor(a) for a in arguments]
            outputs = [v for v in flatten(function(*values)) if isinstance(v, ad.Scalar | ad.Tensor)]
            assert_replays(ad.Graph.of(*outputs))

    def test_weak_numbers_stay_weak_when_replaced(self):
        graph = ad.Graph.of(ad.Tensor([1.0], dtype=np.float32) * 2)
        again = graph.replay({1: np.int64(3)})
        assert (again.nodes[1].value, again.nodes[1].dtype, again.outputs[0].dtype) == (3, "int", "float32")
        assert type(again.nodes[1].value) is int

    def test_values_may_be_scalars_and_tensors_and_are_copied(self):
        w = ad.Tensor([1.0, 2.0], name="w")
        given = np.array([3.0, 4.0])
        again = ad.Graph.of(w * 2).replay({"w": given})
        given[:] = 0
        assert again.outputs[0].value.tolist() == [6.0, 8.0]
        assert ad.Graph.of(w * 2).replay({"w": ad.Tensor([5.0, 6.0])}).outputs[0].value.tolist() == [10.0, 12.0]

    def test_computed_values_are_read_only_too(self):
        for graph in (ad.Graph.of(ad.Tensor([1.0]) * 2).replay(), restored(ad.Graph.of(ad.Tensor([1.0]) * 2))):
            for node in graph.nodes:
                assert not isinstance(node.value, np.ndarray) or not node.value.flags.writeable

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([1.0], "values are given as {name or id: value}, got list"),
            ("w", "values are given as {name or id: value}, got str"),
            ({"q": 1.0}, "'q' is not a leaf of this graph; its named leaves are w, k, m"),
            ({99: 1.0}, "99 is not a leaf"),
            ({-1: 1.0}, "-1 is not a leaf"),
            ({3: 1.0}, "3 is not a leaf"),
            ({None: 1.0}, "None is not a leaf"),
            ({True: 1.0}, "True is not a leaf"),
            ({1.5: 1.0}, "1.5 is not a leaf"),
            ({(): 1.0}, "() is not a leaf"),
            ({"w": [1.0, 2.0]}, "'w' has shape (2, 2), got a value of shape (2,)"),
            ({"w": [[1.0, 2.0], [3.0]]}, "'w': setting an array element with a sequence"),
            ({"w": None}, "'w' takes real numbers, got NoneType"),
            ({"w": "text"}, "'w' takes real numbers, got str"),
            ({"w": np.ones((2, 2)) * 1j}, "'w' takes real numbers, got ndarray of dtype complex128"),
            ({"w": np.full((2, 2), 1e300)}, "'w' has dtype float32, which does not hold every number of the value"),
            ({"k": 10**400}, "'k' takes real numbers"),
            ({"k": [1.0]}, "'k' has shape (), got a value of shape (1,)"),
            ({"m": [1.5, 2.0]}, "'m' has dtype uint8, which does not hold"),
            ({"m": [-1, 2]}, "'m' has dtype uint8, which does not hold"),
            ({"m": [np.nan, 2]}, "'m' has dtype uint8, which does not hold"),
            ({"k": 1.0, 1: 2.0}, "two values are given for leaf #1, the second as 1"),
        ],
    )
    def test_values_that_do_not_fit_are_named(self, values, message):
        w, k = ad.Tensor(np.ones((2, 2)), name="w", dtype=np.float32), ad.Scalar(1.0, name="k")
        graph = ad.Graph.of((w * k) * ad.Tensor(np.array([1, 2], dtype=np.uint8), name="m"))
        assert [node.name for node in graph.nodes if node.is_leaf] == ["w", "k", "m"]
        with pytest.raises(GraphError, match="^replay: ") as caught:
            graph.replay(values)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_failing_operation_is_named(self):
        fussy = ad.Primitive("fussy", lambda x: {1.0: x}[float(x)], None)
        graph = ad.Graph.of(fussy(ad.Tensor(1.0, name="x")))
        with pytest.raises(GraphError, match=r"replay: node #1 \(fussy\): KeyError: 2.0"):
            graph.replay({"x": 2.0})

    def test_a_result_of_another_shape_is_refused(self):
        distinct = ad.Primitive("distinct", np.unique, None)
        graph = ad.Graph.of(distinct(ad.Tensor([1.0, 2.0], name="x")))
        with pytest.raises(GraphError, match=r"node #1 \(distinct\) has shape \(2,\) .* gives \(1,\)"):
            graph.replay({"x": [3.0, 3.0]})


class TestNames:
    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(["", "a", "a/b", "b"]), st.text("ab/#012", max_size=4)), max_size=12),
    )
    def test_every_named_leaf_has_a_name_of_its_own(self, leaves):
        total = ad.Scalar(0.0)
        for scope, name in leaves:
            if scope:
                with ad.scope(scope):
                    total = total + ad.Scalar(1.0, name=name)
            else:
                total = total + ad.Scalar(1.0, name=name)
        graph = ad.Graph.of(total)
        ids = [node.id for node in graph.nodes if node.is_leaf and node.name]
        assert list(graph.names.values()) == ids
        assert list(ad.backprop(total).gradients) == list(graph.names)
        for name, id in graph.names.items():
            assert graph.replay({name: 5.0}).nodes[id].value == 5.0

    def test_a_plain_name_with_a_slash_meets_one_made_of_a_scope(self):
        with ad.scope("layer1"):
            inside = ad.Scalar(1.0, name="b")
        graph = ad.Graph.of(inside + ad.Scalar(2.0, name="layer1/b") + ad.Scalar(3.0, name="b"))
        assert graph.names == {"layer1/b#0": 0, "layer1/b#1": 1, "b": 3}


class TestOf:
    def test_repeated_outputs_stay(self):
        x = ad.Scalar(3.0)
        assert ad.Graph.of(x, x).output_ids == (0, 0)
        y = x * 2
        assert [node.op for node in ad.Graph.of(y, x, y).outputs] == ["mul", "input", "mul"]

    def test_outputs_that_depend_on_nothing_tracked_are_constants(self):
        with ad.no_grad():
            a, b = ad.Scalar(1.0) * 2, ad.Tensor([1, 2])
        graph = ad.Graph.of(a, b)
        assert [(node.op, node.operands) for node in graph.nodes] == [("constant", ()), ("constant", ())]
        assert graph.inputs == ()

    @pytest.mark.parametrize(
        ("outputs", "message"),
        [
            ((), "give the Scalars or Tensors whose graph you want, got none"),
            (([ad.Scalar(1.0)],), "got list; give each as an argument of its own"),
            ((3.0,), "got float"),
            ((None,), "got NoneType"),
        ],
    )
    def test_anything_else_is_one_error(self, outputs, message):
        with pytest.raises(GraphError) as caught:
            ad.Graph.of(*outputs)
        assert message in str(caught.value)

    def test_networkx_has_every_field(self):
        with ad.recording(source=True), ad.scope("s"):
            out = ad.sum(ad.Tensor([[1.0, 2.0]], name="x") * 2, axis=1, name="out")
        graph = ad.Graph.of(out)
        export = graph.to_networkx()
        assert list(export) == [node.id for node in graph.nodes]
        for node in graph.nodes:
            attributes = export.nodes[node.id]
            assert attributes.pop("output") == (node.id in graph.output_ids)
            assert attributes.pop("value") is node.value
            fields = ("op", "operands", "shape", "dtype", "name", "scope", "params", "source")
            assert attributes == {name: getattr(node, name) for name in fields}


def example_json() -> dict:
    w, x = ad.Tensor([[1.0, 2.0], [3.0, np.nan]], name="w", dtype=np.float32), ad.Scalar(2.0, name="x")
    y = ad.sum(ad.relu(w[::-1, None, ..., np.array([0, 1])] @ np.ones((2, 2)).T) * x - np.float64(3), axis=(0, 1))
    with ad.recording(source=True):
        return json.loads(ad.Graph.of(ad.sum(ad.dropout(y, 0.5, rng=np.random.default_rng(0)) ** 2)).to_json())


EXAMPLE = example_json()
ODD = [None, True, -1, 0, 1.5, 10**30, 1e300, "", "x", "NaN", [], [0.0], [None], {}, {"array": []}, {"tuple": 3}]
ODD += [{"dtype": "O"}, {"slice": [1]}, {"text": 3}, {"scalar": "1e", "dtype": "float64"}, [[[[]]]]]
ODD += [{"array": [1.0, 2.0], "shape": [2], "dtype": "float64", "strides": [2**62]}, "(1,", "object", "f8,i4"]
ODD += [{"array": [1.0], "shape": [-1], "dtype": "float64"}, {"array": [300], "shape": [1], "dtype": "uint8"}]


def places(tree, path=()):
    """The path of every value in nested lists and dicts."""
    yield path
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(item, (*path, key))


PLACES = list(places(EXAMPLE))[1:]


def changed(path, change):
    document = json.loads(json.dumps(EXAMPLE))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return document


def read_and_replay(text):
    """Read a document that may be wrong: the only way to fail is the package's own error, in one line."""
    try:
        with np.errstate(all="ignore"):
            ad.Graph.from_json(text).replay()
    except ad.AutodiffError as error:
        assert "\n" not in str(error)


class TestMalformedJson:
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @pytest.mark.parametrize("path", [p for p in PLACES if len(p) <= 3], ids=lambda p: "/".join(map(str, p)))
    def test_every_field_may_hold_anything_or_be_missing(self, path):
        for odd in ODD:
            read_and_replay(json.dumps(changed(path, lambda parent, key, odd=odd: parent.__setitem__(key, odd))))
        read_and_replay(json.dumps(changed(path, lambda parent, key: parent.pop(key))))

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(PLACES), st.sampled_from(ODD) | st.sampled_from(["add", "getitem", "reshape", "float32"]))
    def test_deeper_places_may_hold_anything(self, path, odd):
        read_and_replay(json.dumps(changed(path, lambda parent, key: parent.__setitem__(key, odd))))

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, len(json.dumps(EXAMPLE))), st.text(max_size=3), st.integers(0, 30))
    def test_text_with_a_part_replaced(self, start, part, length):
        text = json.dumps(EXAMPLE)
        read_and_replay(text[:start] + part + text[start + length :])

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            '{"format": "chainlens graph 1", "outputs": [0], "nodes": ' + "[" * 5000 + "]" * 5000 + "}",
            "1" * 5000,
            '{"format": NaN}',
            b"\xff\xfe\x00",
            None,
            3,
            [],
            '"chainlens graph 1"',
            '{"format": ["chainlens graph 1"]}',
        ],
    )
    def test_other_texts_and_types_are_one_error(self, text):
        with pytest.raises(GraphError, match="^from_json: ") as caught:
            ad.Graph.from_json(text)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("path", "odd", "message"),
        [
            (("nodes", 4, "operands"), [0.0], "'operands' names nodes that do not exist, or stand further on"),
            (("nodes", 0, "id"), False, "the field 'id' is of type bool"),
            (("nodes", 0, "dtype"), "float64", "node 0 is said to have dtype 'float64', its value is float32"),
            (("nodes", 0, "value"), {"array": ["1"], "shape": [1], "dtype": "int64"}, "an array of int64 holds '1'"),
            (("nodes", 0, "value", "dtype"), "object", "real numbers or truth values, got dtype 'object'"),
            (("nodes", 0, "value", "shape"), [5], "an array of shape [5] holds 4 numbers"),
            (("nodes", 0, "value", "array", 0), 1e300, "FloatingPointError"),
            (("nodes", 0, "value", "array", 0), True, "an array of float32 holds True"),
            (("nodes", 0, "value"), "text", "the value of node 0 is of type str"),
            (("nodes", 0, "params"), {"a": 1}, "node 0 is a leaf (input), but has operands or parameters"),
            (("nodes", 0, "source"), ["f", "1", "t"], "the source of node 0 is not a file, a line and its text"),
            (("outputs",), [99], "'outputs' names nodes that do not exist"),
        ],
    )
    def test_what_is_wrong_is_said(self, path, odd, message):
        with pytest.raises(GraphError, match="^from_json: not a graph written by to_json: ") as caught:
            ad.Graph.from_json(json.dumps(changed(path, lambda parent, key: parent.__setitem__(key, odd))))
        assert message in str(caught.value)

    def test_nothing_is_run(self, monkeypatch):
        def refuse(*args, **kwargs):
            raise AssertionError("run")

        for module, name in ((builtins, "eval"), (builtins, "exec"), (os, "system")):
            monkeypatch.setattr(module, name, refuse)
        for odd in ("__import__('os').system('true')", "(os.system('true'),)", "f8,(lambda:0)()"):
            for path in PLACES:
                read_and_replay(json.dumps(changed(path, lambda p, key, odd=odd: p.__setitem__(key, odd))))
