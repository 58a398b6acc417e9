"""The gradient checker itself: what it takes, what it finds, and what it says about it."""

from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff.check import GradientMismatch, compare
from autodiff.errors import GradientError, SettingError


class Pair(NamedTuple):
    a: object
    b: object


X = np.array([0.3, 0.8])
wrong = ad.Elementwise("wrong_square_checked", lambda x: x * x, lambda out, x: 3 * x)
RIGHT = {
    "a 0-d array": (ad.sin, (np.array(0.3),)),
    "an empty array": (lambda x: ad.sum(x * 2), (np.zeros((0, 3)),)),
    "an empty array beside another": (lambda x, y: ad.sum(x) + ad.sum(y * y), (np.zeros(0), X)),
    "an empty result": (lambda x: x[:0], (X,)),
    "float32": (lambda x: ad.sum(ad.exp(x) * ad.sin(x)), (X.astype(np.float32),)),
    "float16": (lambda x: x**3, (X.astype(np.float16),)),
    "a longdouble": (lambda x: x**3, (X.astype(np.longdouble),)),
    "NumPy numbers": (lambda x, y: x * ad.sin(y), (np.float64(0.5), np.float32(0.25))),
    "Scalars and Tensors": (lambda x, y: ad.sum(x * ad.sin(y)), (ad.Scalar(0.5), ad.Tensor(X))),
    "float32 Tensors": (lambda x: ad.sum(ad.sin(x)), (ad.Tensor(X, dtype=np.float32),)),
    "integers as indices": (lambda x, i, n: ad.sum(x[i] ** n), (X, np.array([0, 1, 1]), 3)),
    "an axis": (lambda x, axis: ad.sum(x * x, axis=axis), (np.ones((2, 3)), 1)),
    "a condition": (lambda c, x: ad.where(c, x * x, ad.sin(x)), (np.array([True, False]), X)),
    "None, text and truth": (lambda x, a, b, c: x * x if c and a is None and b == "b" else 0 * x, (X, None, "b", True)),
    "an integer Tensor": (lambda x, i: x[i], (X, ad.Tensor([1, 0]))),
    "nested arguments": (lambda p: ad.sum(p["w"] * p["b"][0]) + p["b"][1], ({"w": X, "b": [X + 1, 2.0, 7]},)),
    "a named tuple": (lambda p: Pair(p.a * p.b, ad.sin(p.b)), (Pair(X, X + 1),)),
    "nested results": (lambda x: {"a": [ad.sin(x), (x * x, 3, None, "text")], "b": Pair(x, np.array([1]))}, (X,)),
    "a result that is constant": (lambda x: (ad.sin(x), 2.0, np.ones(3)), (X,)),
    "a result that is an argument": (lambda x: x, (X,)),
    "methods that only Tensors have": (lambda x: x.at[0].set(2.0) * x.detach().numpy().size * x, (X,)),
    "the same array twice": (lambda x, y: ad.sum(x * y * y), (X, X)),
    "changes its arrays": (lambda x: [x := x * 2, x := x * x][1], (X,)),
    "linear in another": (lambda x, y: ad.sum(y), (X, X)),
    "a kink nearby": (ad.relu, (1e-4,)),
    "a kink at the point": (lambda x: ad.sum(ad.relu(x) + ad.abs(x)), (np.array([0.0, 1.0]),)),
    "a jump": (ad.floor, (2.0,)),
    "a fast oscillation": (lambda x: ad.sin(300 * x), (0.5,)),
    "next to zero": (lambda x: ad.log(x), (1e-4,)),
    "the edge of the domain": (lambda x: x**1.5, (0.0,)),
    "a vertical tangent at the edge": (ad.sqrt, (0.0,)),
    "infinite beside finite": (lambda x: ad.where(x > 0.5, ad.log(x - 0.8), x * x), (np.array([0.3, 0.8]),)),
    "large numbers": (lambda x: x**3, (1e6,)),
    "small numbers": (lambda x: ad.sin(x), (1e-9,)),
    "gradients inside": (lambda x: ad.grad(lambda y: ad.sum(y**3))(x), (X,)),
    "lists of arguments": (lambda x, y: x * y, [0.5, 0.25]),
    "one mode": (ad.sin, (0.5,), {"modes": ("fwd",)}),
}


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass(name):
    function, arguments, *options = RIGHT[name]
    order = 1 if "tangent" in name or "infinite" in name or "edge" in name else 2
    ad.check_grads(function, arguments, **{"order": order} | (options[0] if options else {}))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (wrong, (2.0,), "argument 0, order 1 (rev): analytic 6, numeric 4 (and 1 more)"),
        (lambda i, x: wrong(x), (3, X), "argument 1, order 1 at [0] (rev): analytic 1.02"),
        (lambda x: wrong(x), (X.astype(np.float32),), "argument 0, order 1 at [0] (rev)"),
        (
            lambda y, p: y + ad.sum(wrong(p["w"][1])),
            (1.0, {"b": 2.0, "w": [1.0, np.ones((2, 2))]}),
            "argument 1, order 1 of ['w'][1] at [0, 0] (rev): analytic 3, numeric 2",
        ),
        (lambda p: wrong(p.b), (Pair(1.0, 2.0),), "argument 0, order 1 of .b (rev): analytic 6, numeric 4"),
        (lambda x: {"a": x, "b": [wrong(x)]}, (2.0,), "argument 0, order 1 (rev)"),
        (ad.Elementwise("odd_abs", abs, lambda out, x: 2.0), (0.0,), "analytic 2, numeric 0"),
        (ad.Elementwise("odd_sqrt", np.sqrt, lambda out, x: -np.inf), (0.0,), "analytic -inf, numeric"),
        (ad.Elementwise("odd_power", lambda x: x * np.sqrt(x), lambda out, x: 0.5), (0.0,), "analytic 0.5, numeric"),
        (ad.Elementwise("odd_nan", np.sin, lambda out, x: np.nan), (0.5,), "analytic nan, numeric 0.87"),
        (ad.Elementwise("odd_inf", np.sin, lambda out, x: np.inf), (0.5,), "analytic inf, numeric 0.87"),
        (lambda x: x.detach() * x, (2.0,), "analytic 2, numeric 4"),
    ],
)
def test_wrong_derivatives_are_found_and_named(function, arguments, message):
    with pytest.raises(GradientMismatch) as caught:
        ad.check_grads(function, arguments, order=1)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("modes", [("rev",), ("fwd",)])
def test_each_mode_is_checked_by_itself(modes):
    forward = ad.Primitive("wrong_forward", np.sin, lambda g, out, x: g * ad.cos(x), jvp=lambda t, out, x: t[0] * 2)
    if modes == ("rev",):
        ad.check_grads(forward, (X,), order=1, modes=modes)
    else:
        with pytest.raises(GradientMismatch, match=r"\(fwd\)"):
            ad.check_grads(forward, (X,), order=1, modes=modes)


def test_kinks_are_listed_with_their_place():
    mismatches, kinks = compare(lambda p: ad.sum(ad.relu(p["w"])), ({"w": np.array([1.0, 0.0])},), order=1)
    assert mismatches == []
    assert [(kink.argument, kink.path, kink.index, kink.mode) for kink in kinks] == [
        (0, "['w']", (1,), "rev"),
        (0, "['w']", (1,), "fwd"),
    ]


def unsteady(x, numbers=np.random.default_rng(0)):  # noqa: B008 (its state is the point)
    return ad.dropout(x, 0.5, rng=numbers)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: ad.check_grads(ad.sin, 2.0), SettingError, "args is a tuple with an entry per argument, got float"),
        (lambda: ad.check_grads(ad.sin, X), SettingError, "args is a tuple with an entry per argument, got ndarray"),
        (lambda: ad.check_grads(3, (2.0,)), SettingError, "checks a function, got int"),
        (lambda: ad.check_grads(ad.sin, ()), SettingError, "no argument is a floating-point number or array"),
        (lambda: ad.check_grads(ad.sin, (2,)), SettingError, "no argument is a floating-point number or array"),
        (lambda: ad.check_grads(ad.sin, (np.array([1, 2]), "a")), SettingError, "no argument is a floating-point"),
        (lambda: ad.check_grads(ad.sin, (2.0,), order=1.5), SettingError, "order must be at least 1, a whole number"),
        (lambda: ad.check_grads(ad.sin, (2.0,), order=True), SettingError, "order must be at least 1"),
        (lambda: ad.check_grads(ad.sin, (2.0,), modes="rev"), SettingError, "modes is a tuple of 'rev', 'fwd'"),
        (lambda: ad.check_grads(ad.sin, (2.0,), modes=()), SettingError, "modes is a tuple of 'rev', 'fwd'"),
        (lambda: ad.check_grads(ad.sin, (2.0,), rtol=-1), SettingError, "rtol must be a number of at least 0, got -1"),
        (lambda: ad.check_grads(ad.sin, (2.0,), atol=np.nan), SettingError, "atol must be a number of at least 0"),
        (lambda: ad.check_grads(lambda x: 3, (2.0,)), GradientError, "returns no floating-point number"),
        (lambda: ad.check_grads(lambda x: None, (2.0,)), GradientError, "returns no floating-point number"),
        (lambda: ad.check_grads(lambda x: ad.log(x), (-1.0,)), GradientError, "not finite at this point"),
        (lambda: ad.check_grads(unsteady, (np.ones(50),)), GradientError, "something else each time it is called"),
    ],
)
def test_misuse_is_explained(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_exception_of_the_function_comes_through():
    with pytest.raises(ZeroDivisionError):
        ad.check_grads(lambda x: 1 // 0, (1.0,))


def test_the_arguments_stay_as_they_are():
    x, t = X.copy(), ad.Tensor(X)
    ad.check_grads(lambda a, b: ad.sum(a * b), (x, t))
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(t.data, X)
    assert t.grad is None
