"""Forward mode, Jacobians and Hessians, rematerialisation and hooks."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from cases import CASES

import autodiff as ad

ROWS = [pytest.param(*case[:1], case[1:], id=f"{n}-{i}") for n, cases in CASES.items() for i, case in enumerate(cases)]
X = np.array([0.5, -1.0, 2.0])
one_way = ad.Primitive("one_way", np.sin, lambda g, out, x: g)


@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_forward_and_reverse_mode_are_transposes(function, arguments):
    rng = np.random.default_rng(0)
    out, pull = ad.vjp(function, *arguments)
    w = rng.normal(size=np.shape(out)) if np.shape(out) else 1.3
    v = tuple(rng.normal(size=np.shape(a)) if np.shape(a) else 0.7 for a in arguments)
    _, pushed = ad.jvp(function, arguments, v)
    pulled = sum(np.sum(a * b) for a, b in zip(pull(w), v, strict=True))
    assert np.sum(w * pushed) == pytest.approx(pulled, rel=1e-10, abs=1e-12)


def slope(f):
    """The derivative of a function of one number, by forward mode."""
    return lambda x: ad.jvp(f, (x,), (1.0,))[1]


class TestJvp:
    def test_it_keeps_structure_and_kinds(self):
        out, tangent = ad.jvp(lambda p: {"a": p[0] * 2, "b": [p[1]]}, ([X, 3.0],), ([np.ones(3), 1.0],))
        assert out["b"] == [3.0]
        assert tangent["a"].tolist() == [2, 2, 2]
        assert tangent["b"] == [1.0]

    def test_constants_have_tangent_zero(self):
        assert ad.jvp(lambda x: ad.Scalar(5.0), (2.0,), (1.0,)) == (5.0, 0.0)
        assert ad.jvp(lambda x: 5.0, (2.0,), (1.0,))[1] == 0.0

    def test_zero_tangents_pass_infinite_derivatives_silently(self):
        _, tangent = ad.jvp(lambda x: ad.sum(ad.sqrt(x)), (np.array([0.0, 4.0]),), (np.array([0.0, 1.0]),))
        assert tangent == 0.25

    @pytest.mark.parametrize(
        "mixture",
        [
            lambda f: ad.grad(ad.grad(ad.grad(f))),
            lambda f: slope(ad.grad(ad.grad(f))),
            lambda f: ad.grad(slope(ad.grad(f))),
            lambda f: ad.grad(ad.grad(slope(f))),
            lambda f: slope(slope(slope(f))),
        ],
        ids=["rrr", "frr", "rfr", "rrf", "fff"],
    )
    def test_every_mixture_of_modes_gives_the_third_derivative(self, mixture):
        assert mixture(lambda x: ad.sin(x) * x)(0.7) == pytest.approx(-3 * np.sin(0.7) - 0.7 * np.cos(0.7))

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: ad.jvp(ad.sin, (X,), (np.ones(2),)), "a tangent has shape (2,), its primal (3,)"),
            (lambda: ad.jvp(ad.sin, (X,), ()), "the primals have 1 arrays, the tangents 0"),
            (lambda: ad.jvp(ad.sin, 1.0, 1.0), "are tuples"),
            (lambda: ad.jvp(one_way, (X,), (X,)), "one_way: has no rule for forward mode"),
        ],
    )
    def test_misuse_is_explained(self, call, message):
        with pytest.raises(ad.AutodiffError) as caught:
            call()
        assert message in str(caught.value)


class TestWholeDerivatives:
    @pytest.mark.parametrize(("rows", "columns"), [(2, 5), (5, 2), (3, 3)])
    def test_a_jacobian_has_the_shape_of_output_then_input_in_either_mode(self, rows, columns):
        matrix = np.random.default_rng(0).normal(size=(rows, columns))
        jacobian = ad.jacobian(lambda x: ad.sin(matrix @ x))(np.arange(float(columns)))
        expected = np.cos(matrix @ np.arange(float(columns)))[:, None] * matrix
        np.testing.assert_allclose(jacobian, expected)

    def test_shapes_of_matrices_and_numbers(self):
        assert ad.jacobian(lambda x: x.T)(np.ones((2, 3))).shape == (3, 2, 2, 3)
        assert ad.jacobian(lambda x: x * np.ones((2, 2)))(1.0).shape == (2, 2)
        assert ad.jacobian(lambda x: x**2)(3.0) == 6.0
        assert ad.jacobian(ad.sum)(np.ones((2, 3))).shape == (2, 3)
        assert ad.jacobian(lambda x: x)(np.zeros(0)).shape == (0, 0)

    def test_nested_arguments_and_results(self):
        jacobian = ad.jacobian(lambda p: [p["w"] * p["b"]])({"w": X, "b": 2.0})
        assert jacobian[0]["w"].tolist() == (2 * np.eye(3)).tolist()
        assert jacobian[0]["b"].tolist() == X.tolist()
        both = ad.jacobian(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
        assert both == (3.0, 2.0)

    def test_hessian_and_hvp(self):
        f = lambda x: ad.sum(x**3) + x[0] * x[1]  # noqa: E731
        hessian = np.diag(6 * X)
        hessian[0, 1] = hessian[1, 0] = 1
        np.testing.assert_allclose(ad.hessian(f)(X), hessian)
        np.testing.assert_allclose(ad.hvp(f, (X,), (np.ones(3),)), hessian @ np.ones(3))
        a, b = ad.hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 0.0))
        assert (a, b) == (6.0, 4.0)
        assert ad.hessian(lambda x: x**3)(2.0) == 12.0

    def test_a_jacobian_differentiates_again(self):
        third = ad.jacobian(ad.hessian(lambda x: ad.sum(x**3)))(X)
        assert third.shape == (3, 3, 3)
        assert third[2, 2, 2] == pytest.approx(6)
        trace = ad.grad(lambda x: ad.sum(ad.jacobian(lambda y: y**3)(x)))(X)
        np.testing.assert_allclose(trace, 6 * X)


class TestRemat:
    def test_gradients_reach_arguments_and_values_that_are_used_besides(self):
        rng = np.random.default_rng(0)
        w, x = ad.Tensor(rng.normal(size=(4, 4))), ad.Tensor(rng.normal(size=(3, 4)))
        f = lambda h, scale: ad.sum(ad.tanh(h @ w) @ w) * scale  # noqa: E731
        results = []
        for function in (f, ad.remat(f)):
            w.grad = x.grad = None
            function(x * 2, scale=3.0).backward()
            results.append((w.grad, x.grad))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])

    def test_higher_orders_and_forward_mode(self):
        ad.check_grads(ad.remat(lambda a, b: ad.tanh(a * b) * a), (X, X + 1), order=2)

    def test_it_is_one_node_with_a_name(self):
        def block(x):
            return ad.sin(ad.exp(x))

        assert [n.op for n in ad.Graph.of(ad.remat(block)(ad.Scalar(1.0))).nodes] == ["input", "remat block"]

    def test_plain_numbers_stay_plain_and_lists_are_refused(self):
        assert ad.remat(lambda x: x * 2)(3.0) == 6.0
        with pytest.raises(ad.errors.GradientError, match="must return one"):
            ad.remat(lambda x: [x])(ad.Scalar(1.0))

    def test_it_lowers_the_peak_of_memory(self):
        def block(x):
            for _ in range(10):
                x = ad.tanh(x)
            return x

        def peak(function):
            x = ad.Tensor(np.ones(20_000))
            gc.collect()
            tracemalloc.start()
            h = x
            for _ in range(10):
                h = function(h)
            h.sum().backward()
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return top

        assert peak(ad.remat(block)) < 0.4 * peak(block)

    def test_it_answers_the_same_cotangent_again_and_applies_hooks_once(self):
        w = ad.Tensor([2.0])
        w.register_hook(lambda g: 10 * g)
        ad.sum(ad.remat(lambda x: w * x)(ad.Tensor([1.0]))).backward()
        assert w.grad.tolist() == [10]
        with ad.no_grad():
            _, pull = ad.vjp(ad.remat(lambda x: w * x), np.array([1.0]))
            cotangent = np.ones(1)
            assert [pull(cotangent)[0].tolist() for _ in range(2)] == [[2.0], [2.0]]

    def test_its_node_is_freed_without_the_collector(self):
        x = ad.Tensor(np.ones(3))
        h = ad.remat(ad.exp)(x * 1)
        watch = weakref.ref(h.operands[0])
        gc.disable()
        try:
            h.sum().backward()
            del h
            assert watch() is None
        finally:
            gc.enable()


class TestHooks:
    def test_a_hook_sees_the_complete_cotangent_and_may_replace_it(self):
        x = ad.Tensor([1.0, 2.0])
        h = x * 3
        seen = []
        remove = h.register_hook(lambda g: seen.append(g.copy()))
        (h * 2 + h).sum().backward()
        assert seen[0].tolist() == [3, 3]
        h.register_hook(lambda g: g * 0)
        remove()
        remove()
        x.grad = None
        (h * 2).sum().backward()
        assert (len(seen), x.grad.tolist()) == (1, [0, 0])

    def test_a_hook_that_returns_another_shape_is_named(self):
        x = ad.Tensor([1.0, 2.0])
        x.register_hook(lambda g: np.ones(3))
        with pytest.raises(ad.errors.RuleError, match="hook returned a cotangent of shape"):
            x.sum().backward()
