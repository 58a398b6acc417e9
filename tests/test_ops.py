"""The derivative table: every operation against finite differences, first and second order, and its kinks."""

import numpy as np
import pytest
from cases import ARRAY_KINKS, CASES, COMPOSITES, KINKS, ROOMS

import autodiff as ad
from autodiff.ops.table import OPERATIONS, builtin_names
from autodiff.primitive import Elementwise

ROWS = [
    pytest.param(*case[:1], case[1:], id=f"{name}-{i}")
    for name, cases in [*CASES.items(), *COMPOSITES]
    for i, case in enumerate(cases)
]


def test_every_operation_has_one_row():
    assert len(CASES) == sum(len(room.CASES) for room in ROOMS)
    assert set(CASES) == builtin_names()


@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_derivatives_agree_with_finite_differences_up_to_second_order(function, arguments):
    ad.check_grads(function, arguments, order=2)


@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_plain_arguments_give_plain_results_equal_to_the_recorded_ones(function, arguments):
    plain = function(*arguments)
    recorded = function(*(ad.Scalar(a) if isinstance(a, float) else ad.Tensor(a) for a in arguments))
    if function is not CASES["matmul"][-1][0]:  # `x @ x.T` and operators are NumPy's own on arrays
        assert not isinstance(plain, ad.Tensor | ad.Scalar)
    np.testing.assert_array_equal(plain, recorded.data)


@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_float32_stays_float32_forward_and_backward(function, arguments):
    if isinstance(arguments[0], float) or function is CASES["astype"][0][0] or function is CASES["to_scalar"][0][0]:
        return
    tensors = [ad.Tensor(a, dtype=np.float32) for a in arguments]
    out = function(*tensors)
    assert out.dtype == np.float32
    out.backward(np.ones(out.shape))
    assert {t.grad.dtype for t in tensors} == {np.dtype(np.float32)}


def bits(graph):
    return [(n.op, n.operands, n.shape, n.dtype, np.asarray(n.value).tobytes()) for n in graph.nodes]


@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_a_graph_replays_bit_for_bit_also_after_a_round_trip_through_json(function, arguments):
    graph = ad.Graph.of(function(*(ad.Scalar(a) if isinstance(a, float) else ad.Tensor(a) for a in arguments)))
    assert bits(graph.replay()) == bits(graph)
    again = ad.Graph.from_json(graph.to_json())
    assert bits(again) == bits(again.replay()) == bits(graph)


BIG = np.random.default_rng(0).normal(size=(60, 60))


@pytest.mark.parametrize(
    "constant",
    [BIG.T, BIG[::2], BIG[:, ::3], BIG[::-1, ::-1], BIG[5:, 7:], np.broadcast_to(BIG[0], (50, 60))],
    ids=["transposed", "rows", "columns", "reversed", "inside", "broadcast"],
)
def test_arrays_keep_their_layout_in_json_for_it_can_change_the_last_bit_of_a_product(constant):
    x = ad.Tensor(BIG[0, : constant.shape[1]])
    graph = ad.Graph.of(ad.matmul(constant, x), ad.sum(x * constant, axis=1), ad.mean(x * constant))
    assert bits(ad.Graph.from_json(graph.to_json()).replay()) == bits(graph)


@pytest.mark.parametrize("name", [n for n, o in OPERATIONS.items() if isinstance(o, Elementwise) and n in CASES])
def test_scalars_and_tensors_agree(name):
    operation = OPERATIONS[name]
    numbers = [1.7] if name == "arccosh" else [0.7, 1.3, -0.4, 2.1][: operation.arity]
    scalars = [ad.Scalar(x) for x in numbers]
    tensors = [ad.Tensor([x]) for x in numbers]
    out, array = operation(*scalars), operation(*tensors)
    assert out.item() == pytest.approx(array.item(), rel=1e-15)
    if not out.requires_grad:
        return
    out.backward()
    array.backward()
    for s, t in zip(scalars, tensors, strict=True):
        assert (s.grad is None) == (t.grad is None)
        assert s.grad is None or s.grad == pytest.approx(t.grad.item(), rel=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [float, lambda x: np.array(x), lambda x: np.array([x, x])], ids=["float", "0d", "1d"])
@pytest.mark.parametrize(("function", "point", "expected"), KINKS)
def test_kinks_and_extremes(function, point, expected, kind):
    derivative = ad.grad(lambda x: ad.sum(function(x)) if np.ndim(x) else function(x))(kind(point))
    np.testing.assert_array_equal(derivative, np.full(np.shape(kind(point)), expected))


@pytest.mark.parametrize(("function", "point", "expected"), ARRAY_KINKS)
def test_extremes_of_reductions(function, point, expected):
    np.testing.assert_allclose(ad.grad(function)(np.array(point)), expected, atol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("branch", [ad.max, ad.logsumexp, lambda x: ad.sum(ad.softmax(x)), lambda x: x @ x])
def test_a_branch_that_is_not_taken_stays_silent_whatever_it_computed(branch):
    bad = np.array([1.0, np.nan, np.inf])
    gradient = ad.grad(lambda x: ad.where(False, branch(x), 0.0) + ad.sum(x * 2))(bad)
    np.testing.assert_array_equal(gradient, [2, 2, 2])


def test_a_hessian_through_a_zero_cotangent_is_not_silenced():
    assert ad.grad(ad.grad(lambda x: (x - 1) ** 2))(1.0) == 2.0
    assert ad.grad(ad.grad(lambda x: (ad.log(x) - 0) ** 2))(1.0) == pytest.approx(2.0)


ERRORS = [
    (
        lambda: ad.Tensor(np.ones((128, 784))) @ np.ones((783, 256)),
        ValueError,
        "matmul: operand shapes (128, 784) and (783, 256) do not align (784 != 783)",
    ),
    (lambda: ad.Tensor(np.ones(3)) + np.ones(4), ValueError, "add: operand shapes (3,) and (4,)"),
    (lambda: ad.exp(), TypeError, "exp: takes 1 operand, got 0"),
    (lambda: ad.Tensor(np.ones(3)).reshape(2, 2), ValueError, "reshape: operand shape (3,)"),
    (lambda: ad.Tensor(np.ones(3)).sum(axis=1), ValueError, "sum: operand shape (3,): axis 1 is out of bounds"),
    (lambda: ad.Tensor(np.ones(3))[5], IndexError, "getitem: shape (3,): index 5 is out of bounds"),
    (lambda: ad.concatenate([]), ValueError, "concatenate: needs at least one array, got none"),
    (lambda: ad.concatenate(ad.Scalar(1.0)), TypeError, "concatenate: operand shape ()"),
    (lambda: ad.stack([ad.Tensor(np.ones(3)), np.ones(2)]), ValueError, "stack: operand shapes (3,) and (2,)"),
    (lambda: ad.split(ad.Tensor(np.ones(5)), 2), ValueError, "split: axis 0 of shape (5,) has no 2 equal parts"),
    (lambda: ad.array_split(np.ones(5), 0), ValueError, "array_split: the number of parts must be at least 1, got 0"),
    (lambda: ad.squeeze(ad.Tensor(np.ones((1, 3))), 1), ValueError, "squeeze: operand shape (1, 3): axis 1 has size 3"),
    (lambda: ad.expand_dims(np.ones(3), (0, 5)), ValueError, "expand_dims: operand shape (3,): axis 5 is out of"),
    (lambda: ad.moveaxis(np.ones((2, 3)), 0, (0, 1)), ValueError, "moveaxis: 1 source axes, but 2 destinations"),
    (lambda: ad.flip(np.ones(3), 1), ValueError, "flip: operand shape (3,): axis 1 is out of bounds"),
    (lambda: ad.rot90(np.ones((2, 3)), 1, (0, 0)), ValueError, "rot90: operand shape (2, 3): repeated axis"),
    (lambda: ad.rot90(np.ones((2, 3)), 1, (0,)), ValueError, "rot90: turns in the plane of two axes, got (0,)"),
    (lambda: ad.repeat(ad.Tensor(np.ones(3)), [1, 2]), ValueError, "repeat: operand shapes (3,) and (2,)"),
    (lambda: ad.pad(np.ones(3), 1, "mean"), ValueError, "pad: mode 'mean' is not known; take constant"),
    (lambda: ad.pad(np.ones(3), (1, 2, 3)), ValueError, "pad: pad_width must be a number, a pair or 1 pairs"),
    (lambda: ad.pad(ad.Tensor(np.ones(3)), -1), ValueError, "pad: operand shape (3,): index can't contain negative"),
    (lambda: ad.pad(np.ones(0), 1, "edge"), ValueError, "pad: operand shape (0,): can't extend empty axis"),
    (lambda: ad.meshgrid(np.ones(3), indexing="yx"), ValueError, "meshgrid: indexing is 'xy' or 'ij', got 'yx'"),
    (lambda: ad.diag(np.ones((2, 2, 2))), ValueError, "diag: takes a vector or a matrix, got shape (2, 2, 2)"),
    (lambda: ad.tril(np.ones(3)), ValueError, "tril: takes matrices, got shape (3,)"),
    (lambda: ad.take(np.ones(3), 1.5), IndexError, "take: indices are integers, got dtype float64"),
    (lambda: ad.take(ad.Tensor(np.ones(3)), [3]), IndexError, "getitem: shape (3,): index 3 is out of bounds"),
    (lambda: ad.take_along_axis(np.ones((2, 3)), [0]), ValueError, "take_along_axis: indices of shape (1,)"),
    (lambda: ad.average(np.ones((2, 3)), 0, np.ones(3)), ValueError, "weights of shape (3,) fit neither (2, 3) nor"),
    (lambda: ad.average(np.ones(2), weights=np.zeros(2)), ValueError, "average: the weights sum to zero"),
    (lambda: ad.median(ad.Tensor(np.ones(2)), axis=1), ValueError, "median: operand shape (2,): axis 1 is out of"),
    (lambda: ad.Tensor([1 + 2j]), TypeError, "complex"),
    (lambda: ad.Tensor(np.ones(2)) * np.array([1j, 1]), TypeError, "complex"),
    (lambda: ad.Scalar(1j), TypeError, "one real number"),
    (lambda: ad.Scalar("3"), TypeError, "one real number"),
    (lambda: ad.Tensor(["a"]), TypeError, "real numbers"),
    (lambda: ad.Tensor([1, 2], requires_grad=True), TypeError, "only floating dtypes can be tracked, got int64"),
    (lambda: ad.Tensor(np.ones(2)).backward(), ValueError, "shape (2,) needs a cotangent"),
    (lambda: ad.Tensor([1, 2]).sum().backward(), ValueError, "depends on nothing that is tracked"),
    (lambda: ad.Scalar(1.0).backward(np.ones(2)), ValueError, "the cotangent must have the output's shape ()"),
    (lambda: np.asarray(ad.Tensor(np.ones(2))), TypeError, "would drop its gradient"),
    (lambda: bool(ad.Tensor(np.ones(2))), ValueError, "no single truth value"),
    (lambda: ad.Tensor(np.ones(2)).item(), TypeError, "only a value with one element"),
    (lambda: ad.dropout(np.ones(2), 1.0), ValueError, "must be in [0, 1), got 1.0"),
    (lambda: ad.scope(""), ValueError, "non-empty string"),
]


@pytest.mark.parametrize(("call", "builtin", "message"), ERRORS)
def test_errors_name_the_operation_and_the_shapes(call, builtin, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert isinstance(caught.value, builtin)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tuple_inside_an_index_reads_elements_repeatedly():
    t = ad.Tensor([1.0, 2.0])
    t[((0, 0),)].sum().backward()
    assert t.grad.tolist() == [2, 0]


def test_element_assignment_is_refused():
    with pytest.raises(TypeError, match="assignment"):
        ad.Tensor([1.0])[0] = 2


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lambda t: np.ones(2) * t, [1, 2]),
        (lambda t: np.float32(3) - t, [2, 1]),
        (lambda t: [2.0, 2.0] / t, [2, 1]),
        (lambda t: np.ones((2, 2)) @ t, [3, 3]),
        (lambda t: 2**t, [2, 4]),
        (lambda t: ad.Scalar(2.0) * t, [2, 4]),
        (lambda t: ad.Scalar(2.0) + np.ones(2), [3, 3]),
        (lambda t: abs(-t), [1, 2]),
        (lambda t: +t, [1, 2]),
        (lambda t: t.T, [1, 2]),
        (lambda t: ad.Tensor([float(x) for x in t]), [1, 2]),
    ],
)
def test_operators_in_both_orders(expression, expected):
    out = expression(ad.Tensor([1.0, 2.0]))
    assert isinstance(out, ad.Tensor)
    np.testing.assert_array_equal(out.data, expected)


def test_a_scalar_in_a_tensor_computation_gets_its_gradient_as_a_float():
    w = ad.Scalar(2.0)
    ad.sum(w * np.array([1.0, 2.0, 3.0])).backward()
    assert w.grad == 6.0
    assert type(w.grad) is float


def test_comparisons_are_plain_and_hashing_is_by_identity():
    t = ad.Tensor([1.0, 2.0])
    assert (t > 1).tolist() == [False, True]
    assert (t == [1.0, 5.0]).tolist() == [True, False]
    assert ad.Scalar(1.0) == 1.0
    assert ad.Scalar(1.0) < ad.Scalar(2.0)
    assert len({t, ad.Tensor([1.0, 2.0])}) == 2


def test_dropout_keeps_the_expected_value_and_is_the_identity_in_evaluation():
    x = np.ones((200, 200), dtype=np.float32)
    dropped = ad.dropout(ad.Tensor(x), 0.25, rng=np.random.default_rng(0))
    assert dropped.data.dtype == np.float32
    assert dropped.data.mean() == pytest.approx(1, abs=0.02)
    assert set(np.unique(dropped.data)) == {np.float32(0), np.float32(4 / 3)}
    t = ad.Tensor(x)
    assert ad.dropout(t, 0.25, training=False) is t


def test_dropout_of_half_precision_stays_finite_however_few_numbers_are_kept():
    x = ad.Tensor(np.array([0.0, 1.0, -1.0] * 100_000), dtype=np.float16)
    out = ad.dropout(x, 1 - 1e-5, rng=np.random.default_rng(0))
    out.backward(np.ones(out.shape))
    assert np.isfinite(out.data).all()
    assert np.isfinite(x.grad).all()
    assert 0 < np.count_nonzero(x.grad) < 20


@pytest.mark.parametrize("function", [ad.cumsum, ad.cumprod])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_a_running_sum_of_one_number_has_one_element_as_in_numpy(function, axis):
    expected = getattr(np, function.__name__)(np.array(2.5), axis)
    for x in (ad.Scalar(2.5), ad.Tensor(2.5)):
        out = function(x, axis)
        np.testing.assert_array_equal(out.data, expected)
        assert out.shape == expected.shape
        out.backward()
        assert x.grad == 1
    assert function(2.5, axis).shape == function(np.array(2.5), axis).shape == (1,)
    ad.check_grads(lambda x: function(x, axis), (2.5,))
    with pytest.raises(ad.AutodiffError, match="axis 1 is out of bounds"):
        function(ad.Tensor(2.5), 1)


ALONG = {  # every function with an axis: a call with that axis, of an array of shape (2, 3)
    **{f.__name__: lambda x, axis, f=f: f(x, axis) for f in (
        ad.sum, ad.mean, ad.max, ad.min, ad.ptp, ad.prod, ad.var, ad.std, ad.average, ad.nansum, ad.nanmean, ad.median,
        ad.logsumexp, ad.softmax, ad.log_softmax, ad.cumsum, ad.cumprod, ad.sort, ad.flip, ad.expand_dims,
    )},
    "concatenate": lambda x, axis: ad.concatenate([x, x], axis),
    "stack": lambda x, axis: ad.stack([x, x], axis),
    "append": lambda x, axis: ad.append(x, x, axis),
    "split": lambda x, axis: ad.split(x, 1, axis)[0],
    "array_split": lambda x, axis: ad.array_split(x, 2, axis)[0],
    "roll": lambda x, axis: ad.roll(x, 1, axis),
    "repeat": lambda x, axis: ad.repeat(x, 2, axis),
    "take": lambda x, axis: ad.take(x, [0], axis),
    "take_along_axis": lambda x, axis: ad.take_along_axis(x, np.array([[0]]), axis),
    "swapaxes": lambda x, axis: ad.swapaxes(x, axis, 0),
    "moveaxis": lambda x, axis: ad.moveaxis(x, axis, 0),
    "transpose": lambda x, axis: ad.transpose(x, (axis, 0)),
    "squeeze": lambda x, axis: ad.squeeze(x[:, :1], axis),
    "rot90": lambda x, axis: ad.rot90(x, 1, (0, axis)),
    "tensordot": lambda x, axis: ad.tensordot(x, x, ([axis], [axis])),
    "cross": lambda x, axis: ad.cross(x, x, axis=axis),
    "diagonal": lambda x, axis: ad.diagonal(x, 0, 0, axis),
    "trace": lambda x, axis: ad.trace(x, 0, 0, axis),
    "norm": lambda x, axis: ad.linalg.norm(x, axis=axis),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONG)
def test_an_axis_is_any_whole_number(name):
    x = np.arange(6.0).reshape(2, 3) ** 2 + 1
    expected = ALONG[name](x, 1)
    for axis in (np.int64(1), np.uint8(1), np.array(1)):
        out = ALONG[name](ad.Tensor(x), axis)
        np.testing.assert_array_equal(out.data, expected)
        ad.Graph.from_json(ad.Graph.of(out).to_json()).replay()
        np.testing.assert_array_equal(ALONG[name](x, axis), expected)


@pytest.mark.parametrize("name", ALONG)
def test_an_axis_that_is_no_whole_number_is_refused(name):
    for axis in (1.0, 1.7, np.float64(1), "1", None if name == "expand_dims" else 1j):
        for kind in (ad.Tensor, np.array):
            with pytest.raises(ad.errors.OperandError) as caught:
                ALONG[name](kind(np.ones((2, 3))), axis)
            assert str(caught.value).endswith(f"axis is a whole number, got {axis!r}")


@pytest.mark.parametrize("count", [2.5, 1.0])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, n: ad.reshape(x, (n, 3)),
        lambda x, n: ad.reshape(x, n),
        lambda x, n: ad.broadcast_to(x, (n, 2, 3)),
        lambda x, n: ad.tile(x, n),
        lambda x, n: ad.tile(x, (n, 1)),
        lambda x, n: ad.roll(x, n),
        lambda x, n: ad.roll(x, (n,), 0),
        lambda x, n: ad.repeat(x, n),
        lambda x, n: ad.pad(x, n),
        lambda x, n: ad.split(x, n),
        lambda x, n: ad.split(x, [n]),
        lambda x, n: ad.array_split(x, n),
        lambda x, n: ad.diagonal(x, n),
        lambda x, n: ad.trace(x, n),
        lambda x, n: ad.diag(x, n),
        lambda x, n: ad.tril(x, n),
        lambda x, n: ad.triu(x, n),
        lambda x, n: ad.rot90(x, n),
        lambda x, n: ad.tensordot(x, x, n),
        lambda x, n: ad.sum(x, (n, 0)),
    ],
)
def test_a_count_that_is_no_whole_number_is_refused_in_one_line(call, count):
    for x in (np.ones((2, 3)), ad.Tensor(np.ones((2, 3)))):
        with pytest.raises(ad.AutodiffError) as caught:
            call(x, count)
        assert "\n" not in str(caught.value)
