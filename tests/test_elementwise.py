"""Elementwise functions against NumPy's own values, the error function against math's, and float against array."""

import math

import numpy as np
import pytest

import autodiff as ad
from autodiff.ops.table import OPERATIONS
from autodiff.primitive import Elementwise

inf, nan = math.inf, math.nan
X = np.array([-1e4, -30.0, -2.5, -1.0, -0.3, -0.0, 0.0, 1e-9, 0.5, 1.0, 1.5, 2.5, 7.3, 1e4, inf, -inf, nan])
UNARY = [
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "ceil", "cos", "cosh", "deg2rad",
    "degrees", "exp", "exp2", "expm1", "fix", "floor", "log", "log10", "log1p", "log2", "nan_to_num", "negative",
    "positive", "rad2deg", "radians", "reciprocal", "rint", "round", "sign", "sin", "sinc", "sinh", "sqrt", "square",
    "tan", "tanh", "trunc",
]  # fmt: skip
BINARY = [
    "arctan2", "copysign", "floor_divide", "fmax", "fmin", "fmod", "heaviside", "hypot", "logaddexp", "logaddexp2",
    "maximum", "minimum", "mod", "remainder", "true_divide",
]  # fmt: skip
ACTIVATIONS = [
    ad.leaky_relu, ad.relu6, ad.hard_tanh, ad.elu, ad.selu, ad.gelu, ad.silu, ad.softplus, ad.log_sigmoid, ad.softsign,
    ad.erf, ad.erfc,
    lambda x: ad.gelu(x, "tanh"), lambda x: ad.clip(x, -1.0, 2.0), lambda x: ad.round(x, 1), lambda x: ad.round(x, -1),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNARY)
def test_one_operand_as_in_numpy_on_arrays_and_floats(name):
    expected = getattr(np, name)(X)
    np.testing.assert_array_equal(getattr(ad, name)(X), expected)
    np.testing.assert_array_equal(getattr(np, name)(ad.Tensor(X)).data, expected)
    floats = [getattr(ad, name)(float(x)) for x in X]
    assert {type(value) for value in floats} == {float}
    np.testing.assert_allclose(floats, expected, rtol=2e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BINARY)
def test_two_operands_as_in_numpy_on_arrays_and_floats(name):
    y = np.array([2.5, -0.3, 0.0, -0.0, 1e4, inf, nan])[:, None]
    expected = getattr(np, name)(X, y)
    np.testing.assert_array_equal(getattr(ad, name)(X, y), expected)
    np.testing.assert_array_equal(getattr(np, name)(ad.Tensor(X), y).data, expected)
    floats = [[getattr(ad, name)(float(a), float(b)) for a in X] for b in y[:, 0]]
    assert {type(value) for row in floats for value in row} == {float}
    np.testing.assert_allclose(floats, expected, rtol=2e-15)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_activations_on_floats_as_on_arrays(function):
    x = X[np.isfinite(X)]
    floats = [function(float(a)) for a in x]
    assert {type(value) for value in floats} == {float}
    np.testing.assert_allclose(floats, function(x), rtol=2e-15, atol=1e-300)
    assert function(np.float32([1.5, -0.3])).dtype == np.float32
    assert function(np.zeros((0, 3))).shape == (0, 3)
    assert ad.grad(lambda x: function(x))(np.array(0.7)).shape == ()


@pytest.mark.parametrize(("own", "reference"), [(ad.erf, math.erf), (ad.erfc, math.erfc)], ids=["erf", "erfc"])
def test_the_error_function_is_exact_to_the_last_bits(own, reference):
    x = np.concatenate([np.linspace(-6, 26, 20_001), np.logspace(-300, 0, 301), [0.46875, -0.46875, 4.0, -4.0]])
    np.testing.assert_allclose(own(x), [reference(value) for value in x], rtol=1e-15)
    np.testing.assert_array_equal(
        own(np.array([inf, -inf, nan, 1e300])), [reference(v) for v in (inf, -inf, nan, 1e300)]
    )


@pytest.mark.parametrize("kind", [ad.Scalar, ad.Tensor])
def test_remainder_and_floor_division_as_operators(kind):
    x = kind(7.5)
    assert [float(y) for y in (x % 2, 20 % x, x // 2, 20 // x, -x % 2)] == [1.5, 5.0, 3.0, 2.0, 0.5]
    (20 % x + 20 // x + x % 2).backward()
    assert x.grad == -1.0


def test_infinities_become_numbers_of_their_own_dtype():
    largest = np.finfo(np.float32).max
    out = ad.nan_to_num(ad.Tensor(np.float32([inf, -inf, nan, 2.0])))
    assert out.dtype == np.float32
    assert out.data.tolist() == [largest, -largest, 0.0, 2.0]


def test_a_slope_that_is_recorded_is_learned():
    slope = ad.Tensor([0.1, 0.2])
    ad.sum(ad.leaky_relu(np.array([[1.0, -2.0], [-3.0, 4.0]]), slope)).backward()
    assert slope.grad.tolist() == [-3.0, -2.0]


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (ad.sinc, 0.0, -(math.pi**2) / 3),
        (ad.sinc, 1e-9, -(math.pi**2) / 3),
        (ad.elu, 0.0, 1.0),
        (ad.elu, 1e4, 0.0),
        (ad.gelu, 0.0, math.sqrt(2 / math.pi)),
        (ad.gelu, -1e4, 0.0),
        (ad.silu, 1e4, 0.0),
        (ad.softplus, -1e4, 0.0),
        (ad.arctan, 1e200, 0.0),
        (lambda x: ad.logaddexp(x, x), 3.0, 0.0),
        (lambda x: ad.logaddexp(x, 3.0), 3.0, 0.25),
    ],
)
def test_second_derivatives_at_delicate_points(function, point, expected):
    assert ad.grad(ad.grad(function))(point) == pytest.approx(expected, rel=1e-14)
    array = np.array([point])
    total = lambda f: lambda x: ad.sum(f(x))  # noqa: E731
    assert ad.grad(total(ad.grad(total(function))))(array) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("kind", [float, np.array, lambda x: np.array([x])], ids=["float", "0d", "1d"])
@pytest.mark.parametrize("x", [2.0, -0.5, 3.0])
def test_the_derivative_of_a_power_by_its_base_changes_with_the_exponent_even_at_zero(x, kind):
    total = lambda f: lambda *args: ad.sum(f(*args)) if np.ndim(args[0]) else f(*args)  # noqa: E731
    by_base = total(ad.grad(total(ad.power)))
    assert ad.grad(by_base, 1)(kind(x), kind(0.0)) == pytest.approx(1 / x)
    assert ad.grad(by_base, 0)(kind(x), kind(0.0)) == 0
    if x > 0:
        by_exponent = total(ad.grad(total(ad.power), 1))
        assert ad.grad(by_exponent, 0)(kind(x), kind(0.0)) == pytest.approx(1 / x)
    assert ad.grad(total(ad.power))(kind(0.0), kind(0.0)) == 0
    assert ad.grad(by_base, 0)(kind(0.0), kind(0.0)) == 0


FLAT = [name for name, row in OPERATIONS.items() if isinstance(row, Elementwise) and False in row.partials]


@pytest.mark.parametrize("kind", [ad.Scalar, ad.Tensor, lambda x: ad.Tensor([x])], ids=["Scalar", "0d", "1d"])
@pytest.mark.parametrize("name", FLAT)
def test_a_step_sends_nothing_even_for_an_infinite_cotangent(name, kind):
    row = OPERATIONS[name]
    others = [2.0] * (row.arity - 1)
    for position in [i for i, partial in enumerate(row.partials) if partial is False]:
        x = kind(1.5)
        row(*others[:position], x, *others[position:]).backward(np.full(x.shape, inf))
        assert np.all(x.grad == 0)
        _, tangent = ad.jvp(lambda x, i=position: row(*others[:i], x, *others[i:]), (x.data,), (x.data * inf,))
        assert np.all(np.asarray(tangent) == 0)


def test_no_row_states_a_derivative_of_zero_that_would_make_nan_of_infinity():
    numbers = {name: row.partials for name, row in OPERATIONS.items() if isinstance(row, Elementwise)}
    assert not [name for name, partials in numbers.items() for p in partials if p is not False and p == 0]
    assert set(FLAT) >= {"sign", "floor", "ceil", "trunc", "rint", "round", "floor_divide", "heaviside", "copysign"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [float, np.array, lambda x: np.array([x]), lambda x: np.array([x], np.float16)])
@pytest.mark.parametrize(
    ("function", "left", "right"),
    [(ad.gelu, 0, inf), (lambda x: ad.gelu(x, "tanh"), 0, inf), (ad.silu, 0, inf), (ad.softsign, -1, 1)],
)
def test_activations_at_infinity_have_their_limits(function, left, right, kind):
    assert function(kind(-inf)) == left
    assert function(kind(inf)) == right
    assert np.isnan(function(kind(nan)))


ERRORS = [
    (lambda: ad.round(1.5, 0.5), TypeError, "round: decimals is a whole number, got 0.5"),
    (lambda: ad.gelu(1.5, "fast"), ValueError, "gelu: approximate is 'none' or 'tanh', got 'fast'"),
    (lambda: ad.clip(ad.Tensor(np.ones(3)), np.ones(2), 1), ValueError, "clip: operand shapes (3,) and (2,) and ()"),
    (lambda: ad.hypot(1.0), TypeError, "hypot: takes 2 operands, got 1"),
]


@pytest.mark.parametrize(("call", "builtin", "message"), ERRORS)
def test_errors_name_the_operation_and_what_was_given(call, builtin, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert isinstance(caught.value, builtin)
    assert message in str(caught.value)
