"""The derivative table: every operation against finite differences, first and second order, and its kinks."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn
from autodiff.ops import index, shape
from autodiff.primitive import Elementwise, builtin_names


def rand(*dims, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, dims)


A, B, ROW, COLUMN = rand(3, 4), rand(3, 4, seed=1), rand(4, seed=2), rand(3, 1, seed=3)
POSITIVE, NONZERO = rand(3, 4, low=0.2, high=3), rand(3, 4, low=0.5, high=2, seed=4) * np.sign(A)
MASK, LABELS = A > 0, np.array([2, 0, 3])
CUBE = rand(2, 3, 4, seed=5)

# operation -> cases: function and arguments. Every argument is differentiated.
CASES = {
    "add": [(ad.add, A, B), (ad.add, A, ROW), (lambda x: x + x, A), (ad.add, COLUMN, ROW)],
    "sub": [(ad.subtract, A, B), (lambda x: 1 - x, A), (ad.subtract, ROW, A)],
    "mul": [(ad.multiply, A, B), (lambda x: x * x, A), (ad.multiply, COLUMN, A), (lambda x: 2 * x, A)],
    "div": [(ad.divide, A, NONZERO), (lambda x: 1 / x, NONZERO), (ad.divide, ROW, NONZERO)],
    "pow": [(ad.power, POSITIVE, B), (lambda x: x**3, A), (lambda x: x**-2, NONZERO), (lambda x: 2.0**x, A)],
    "neg": [(ad.negative, A)],
    "abs": [(ad.abs, NONZERO)],
    "sign": [(ad.sign, NONZERO)],
    "exp": [(ad.exp, A)],
    "log": [(ad.log, POSITIVE)],
    "sqrt": [(ad.sqrt, POSITIVE)],
    "sin": [(ad.sin, A)],
    "cos": [(ad.cos, A)],
    "tanh": [(ad.tanh, A)],
    "sigmoid": [(ad.sigmoid, A), (ad.sigmoid, 8 * A)],
    "relu": [(ad.relu, NONZERO)],
    "maximum": [(ad.maximum, A, B), (ad.maximum, A, ROW), (lambda x: ad.maximum(x, 0.1), A)],
    "minimum": [(ad.minimum, A, B), (ad.minimum, COLUMN, B)],
    "where": [(lambda x, y: ad.where(MASK, x, y), A, B), (lambda x: ad.where(MASK, x, 0), A)],
    "dropout": [(lambda x: ad.dropout(x, 0.4, rng=np.random.default_rng(1)), A)],
    "sum": [(ad.sum, A), (lambda x: ad.sum(x, axis=1), A), (lambda x: ad.sum(x, axis=(0, -1), keepdims=True), CUBE)],
    "mean": [(ad.mean, A), (lambda x: ad.mean(x, axis=0), A), (lambda x: ad.mean(x, axis=(0, 2)), CUBE)],
    "max": [(ad.max, A), (lambda x: ad.max(x, axis=1), A), (lambda x: ad.max(x, axis=(0, 1), keepdims=True), CUBE)],
    "logsumexp": [
        (ad.logsumexp, A),
        (lambda x: ad.logsumexp(x, axis=1), A),
        (lambda x: ad.logsumexp(x, axis=0, keepdims=True), A),
    ],
    "softmax": [(ad.softmax, A), (lambda x: ad.softmax(x, axis=0), CUBE)],
    "log_softmax": [(ad.log_softmax, A), (lambda x: ad.log_softmax(x, axis=1), CUBE)],
    "matmul": [
        (ad.matmul, A, B.T),
        (ad.matmul, A, ROW),
        (ad.matmul, ROW, A.T),
        (ad.matmul, ROW, ROW + 1),
        (ad.matmul, CUBE, B.T),
        (ad.matmul, A, rand(2, 4, 5)),
        (ad.matmul, ROW, rand(2, 4, 5)),
        (ad.matmul, CUBE, ROW),
        (ad.matmul, rand(2, 1, 3, 4), rand(5, 4, 2)),
        (lambda x: x @ x.T, A),
    ],
    "reshape": [(lambda x: ad.reshape(x, (4, 3)), A), (lambda x: ad.reshape(x, -1), A)],
    "transpose": [
        (ad.transpose, A),
        (lambda x: ad.transpose(x, (2, 0, 1)), CUBE),
        (lambda x: ad.transpose(x, (-1, 0, 1)), CUBE),
    ],
    "broadcast_to": [(lambda x: ad.broadcast_to(x, (2, 3, 4)), ROW), (lambda x: ad.broadcast_to(x, (3, 4)), COLUMN)],
    "sum_to": [(lambda x: shape.sum_to(x, (3, 1)), CUBE), (lambda x: shape.sum_to(x, ()), A)],
    "getitem": [
        (lambda x: ad.getitem(x, 1), A),
        (lambda x: ad.getitem(x, (slice(None, None, -2), 0)), A),
        (lambda x: ad.getitem(x, (..., None, slice(1, 3))), CUBE),
        (lambda x: ad.getitem(x, MASK), A),
        (lambda x: ad.getitem(x, [0, 0, 2]), A),
        (lambda x: ad.getitem(x, (np.arange(3), LABELS)), A),
        (lambda x: ad.getitem(x, (slice(None), [1, 1])), A),
    ],
    "scatter": [(lambda x: index.scatter(x, np.array([0, 0, 2]), (4, 4)), A)],
    "astype": [(lambda x: ad.astype(x, np.float64), A)],
    "alias": [(lambda x: shape.alias(x), A)],
    "to_tensor": [(lambda x: shape.to_tensor(x) * 2, 1.5)],
    "to_scalar": [(lambda x: shape.to_scalar(ad.sum(x)) * 2, A)],
    "sum_squares": [(lambda x: nn.l2_penalty([x], 0.3), A)],
    "cross_entropy": [(lambda z: nn.cross_entropy(z, LABELS), A)],
}
ROWS = [
    pytest.param(*case[:1], case[1:], id=f"{name}-{i}") for name, cases in CASES.items() for i, case in enumerate(cases)
]


def test_every_operation_has_a_row():
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


@pytest.mark.parametrize(
    "name", [n for n, o in ad.graph.OPERATIONS.items() if isinstance(o, Elementwise) and n in CASES]
)
def test_scalars_and_tensors_agree(name):
    operation = ad.graph.OPERATIONS[name]
    numbers = [0.7, 1.3, -0.4][: operation.arity]
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


inf, nan = np.inf, np.nan
KINKS = [  # function, point, derivative: the conventions, once and for all
    (ad.relu, 0.0, 0.0),
    (ad.abs, 0.0, 0.0),
    (ad.sign, 0.0, 0.0),
    (lambda x: ad.maximum(x, 1.0), 1.0, 0.5),
    (lambda x: ad.minimum(x, 1.0), 1.0, 0.5),
    (lambda x: ad.maximum(x, x), 1.0, 1.0),
    (lambda x: x**0, 0.0, 0.0),
    (lambda x: x**0, 5.0, 0.0),
    (lambda x: x**1, 0.0, 1.0),
    (lambda x: x**2, 0.0, 0.0),
    (lambda x: x**3, -2.0, 12.0),
    (lambda x: 0.0**x, 2.0, 0.0),
    (ad.sqrt, 0.0, inf),
    (ad.log, 0.0, inf),
    (lambda x: 1 / x, 0.0, -inf),
    (lambda x: ad.where(x > 0, ad.sqrt(x), 0.0), 0.0, 0.0),
    (lambda x: ad.where(x > 0, ad.sqrt(x), 0.0), -1.0, 0.0),
    (lambda x: ad.where(x > 0, ad.log(x), x), -1.0, 1.0),
    (lambda x: ad.where(x < 100, x, ad.exp(x * 1000)), 2.0, 1.0),
    (lambda x: ad.relu(x) * inf, -1.0, 0.0),
    (lambda x: 0 * ad.sqrt(x), 0.0, 0.0),
    (ad.exp, -1e4, 0.0),
    (ad.exp, 1e4, inf),
    (ad.sigmoid, 1e4, 0.0),
    (ad.sigmoid, -1e4, 0.0),
    (ad.tanh, 1e4, 0.0),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [float, lambda x: np.array(x), lambda x: np.array([x, x])], ids=["float", "0d", "1d"])
@pytest.mark.parametrize(("function", "point", "expected"), KINKS)
def test_kinks_and_extremes(function, point, expected, kind):
    derivative = ad.grad(lambda x: ad.sum(function(x)) if np.ndim(x) else function(x))(kind(point))
    np.testing.assert_array_equal(derivative, np.full(np.shape(kind(point)), expected))


ARRAY_EXTREMES = [
    (ad.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    (lambda x: ad.softmax(x)[0], [1e4, -1e4], [0, 0]),
    (lambda x: ad.log_softmax(x)[1], [1e4, -1e4], [-1, 1]),
    (ad.logsumexp, [1e4, 1e4], [0.5, 0.5]),
    (ad.logsumexp, [0.0, -inf], [1, 0]),
    (ad.logsumexp, [-inf, -inf], [0, 0]),
    (lambda z: nn.cross_entropy(z.reshape(1, 2), np.array([0])), [-1e4, 1e4], [-1, 1]),
]


@pytest.mark.parametrize(("function", "point", "expected"), ARRAY_EXTREMES)
def test_extremes_of_reductions(function, point, expected):
    np.testing.assert_allclose(ad.grad(function)(np.array(point)), expected, atol=1e-15)


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
