"""Transforms: structure, nesting, what they return, and what they refuse."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

import autodiff as ad
from autodiff.check import GradientMismatch


def test_grad_keeps_the_structure_kinds_and_dtypes_of_its_argument():
    parameters = {"layers": [(np.ones((2, 3), np.float32), 0.5)], "scale": 2.0}

    def f(p):
        (w, b) = p["layers"][0]
        return ad.sum(w * p["scale"]) + b

    gradient = ad.grad(f)(parameters)
    w, b = gradient["layers"][0]
    assert isinstance(gradient["layers"][0], tuple)
    assert w.dtype == np.float32
    assert w.tolist() == [[2, 2, 2], [2, 2, 2]]
    assert (type(b), b) == (float, 1.0)
    assert gradient["scale"] == 6.0


def test_argnums_choose_arguments():
    f = lambda x, y, z: x * y + z  # noqa: E731
    assert ad.grad(f, 1)(2.0, 3.0, 4.0) == 2.0
    assert ad.grad(f, (0, -1))(2.0, 3.0, 4.0) == (3.0, 1.0)
    assert ad.value_and_grad(f, [0])(2.0, 3.0, 4.0) == (10.0, (3.0,))


def test_argnums_may_be_numpy_integers():
    assert ad.grad(lambda x, y: x * y, np.int64(1))(2.0, 3.0) == 2.0
    assert ad.jacobian(lambda x, y: x * y, np.int64(1))(2.0, 3.0) == 2.0


def test_scalars_and_tensors_give_scalars_and_tensors_reached_or_not_tracked_or_not():
    kinds = (ad.Scalar(1.0), ad.Scalar(1.0, requires_grad=False), ad.Tensor([1.0]), ad.Tensor([1.0]).detach())
    for f in (lambda x: ad.sum(x * x), lambda x: 1.0):
        for x in kinds:
            assert type(ad.grad(f)(x)) is type(x)
    assert type(ad.jacobian(lambda x: x * x)(ad.Scalar(3.0))) is ad.Scalar


def test_dictionaries_of_any_kind_keep_it():
    tree = defaultdict(list, {"a": 2.0, "b": Counter(x=3.0)})
    gradient = ad.grad(lambda p: p["a"] * p["b"]["x"])(tree)
    assert (type(gradient), type(gradient["b"]), gradient.default_factory) == (defaultdict, Counter, list)
    assert gradient == {"a": 3.0, "b": {"x": 2.0}}


DERIVATIVES_OF_SINE = [math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x), math.sin]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order(order):
    f = ad.sin
    for _ in range(order):
        f = ad.grad(f)
    assert f(0.5) == pytest.approx(DERIVATIVES_OF_SINE[order - 1](0.5))


def test_nested_transforms_do_not_confuse_their_variables():
    assert ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ad.grad(lambda x: x * ad.grad(lambda y: x * y)(3.0))(2.0) == 4.0
    assert ad.grad(lambda x: ad.grad(lambda y: x * y * y)(x))(3.0) == 12.0


def test_a_value_of_an_outer_transform_keeps_its_history():
    assert ad.grad(lambda w: ad.value_and_grad(lambda x: w)(2.0)[0])(3.0) == 1.0


def test_an_unused_argument_has_gradient_zero():
    assert ad.grad(lambda x, y: x * 1.0, 1)(2.0, 3.0) == 0.0
    assert ad.grad(lambda x: ad.Scalar(1.0))(np.ones(3)).tolist() == [0, 0, 0]


def test_grad_of_values_can_be_differentiated_again():
    x = ad.Scalar(2.0)
    slope = ad.grad(lambda v: v**3)(x)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)


def test_vjp_of_several_outputs():
    out, vjp_fn = ad.vjp(lambda x: {"a": x * 2, "b": [x * x]}, np.array([1.0, 2.0]))
    assert out["b"][0].tolist() == [1, 4]
    (g,) = vjp_fn({"a": np.ones(2), "b": [np.array([0.0, 1.0])]})
    assert g.tolist() == [2, 6]
    assert vjp_fn({"a": np.zeros(2), "b": [np.ones(2)]})[0].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ad.grad(lambda x: x)(np.ones(2)), "must return one number, got shape (2,)"),
        (lambda: ad.grad(lambda x: [x])(1.0), "must return one number, got a list"),
        (lambda: ad.grad(lambda x: x, 3)(1.0), "argnums names argument 3, but the function was called with 1"),
        (lambda: ad.grad(lambda x: x)("a"), "numbers and arrays, got str"),
        (lambda: ad.grad(lambda x: x)(np.array([1, 2])), "floating arrays, got dtype int64"),
        (lambda: ad.vjp(lambda x: x, np.ones(2))[1](np.ones(3)), "output's shape (2,), got (3,)"),
        (lambda: ad.vjp(lambda x: 1.0, np.ones(2))[1](np.ones(3)), "output's shape (), got (3,)"),
        (lambda: ad.grad(lambda x: None)(1.0), "must return one number, got a NoneType"),
        (lambda: ad.grad(lambda x: "a")(1.0), "must return one number, got a str"),
        (lambda: ad.grad(lambda x: x, 0.0)(1.0), "argnums is the position of an argument, or a tuple of them; got 0.0"),
        (lambda: ad.grad(lambda x: x, "x")(1.0), "argnums is the position"),
        (lambda: ad.Scalar(10**400), "too large for a float"),
        (lambda: ad.Scalar(1.0) * 10**400, "too large for a float"),
        (lambda: ad.check_grads(ad.sin, (1.0,), order=0), "order must be at least 1"),
        (lambda: ad.check_grads(ad.sin, (1.0,), modes=("sideways",)), "mode 'sideways'"),
    ],
)
def test_misuse_is_explained(call, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert message in str(caught.value)


def test_an_exception_inside_a_function_leaves_the_state_right():
    with pytest.raises(ZeroDivisionError):
        ad.grad(lambda x: 1 // 0)(1.0)
    assert (ad.Scalar(1.0) * 2).requires_grad


def test_check_grads_names_argument_index_and_both_values():
    wrong = ad.Elementwise("wrong_square", lambda x: x * x, lambda out, x: 3 * x)
    with pytest.raises(GradientMismatch) as caught:
        ad.check_grads(lambda a, x: ad.sum(wrong(x)) * a, (1.0, np.array([1.0, 2.0])), order=1)
    assert [(m.argument, m.index) for m in caught.value.mismatches] == [(1, (0,)), (1, (0,)), (1, (1,)), (1, (1,))]
    assert "argument 1, order 1 at [0] (rev): analytic" in str(caught.value)


def test_check_grads_finds_a_wrong_second_derivative():
    # The rule's own derivative is hidden from the engine by .data, so only the second order is wrong.
    hidden = ad.Elementwise("hidden", np.sin, lambda out, x: np.cos(x.data if hasattr(x, "data") else x))
    ad.check_grads(hidden, (np.array([0.5]),), order=1)
    with pytest.raises(GradientMismatch, match="order 2"):
        ad.check_grads(hidden, (np.array([0.5]),), order=2)


def test_a_subgradient_at_a_kink_is_accepted_and_a_wrong_one_is_not():
    ad.check_grads(ad.relu, (0.0,), order=1)
    with pytest.raises(GradientMismatch):
        ad.check_grads(ad.Elementwise("odd_relu", lambda x: max(x, 0.0), lambda out, x: -1.0), (0.0,), order=1)
