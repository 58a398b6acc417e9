"""vmap: against a loop over the examples, for every operation and every order of transforms."""

import numpy as np
import pytest
from cases import CASES, COMPOSITES

import autodiff as ad
from autodiff.batching.rules import TABLE
from autodiff.primitive import Elementwise, builtin_names

N = 3  # examples

# Draws a mask for each example, where a loop that starts the generator anew draws the same mask each time.
UNLIKE_A_LOOP = {"dropout"}
# Become the value itself under vmap, so they need no rule.
CONVERSIONS = {"to_scalar", "to_tensor"}
# Built-in operations that are computed example by example.
LOOPED: set[str] = set()

ROWS = [
    pytest.param(*case[:1], case[1:], id=f"{name}-{i}")
    for name, cases in [*CASES.items(), *COMPOSITES]
    for i, case in enumerate(cases)
    if name not in UNLIKE_A_LOOP
]


def batch_of(argument, seed=0):
    """Copies of an argument, each a little different, but with its zeros: a table may mean them."""
    argument = np.asarray(argument, dtype=float)
    scale = np.random.default_rng(seed).uniform(0.95, 1.05, (N, *argument.shape))
    scale[0] = 1
    return argument * scale


def looped(function, in_axes):
    """What vmap should give: the function of each example, stacked."""

    def each(*arguments):
        results = [
            function(*(a if axis is None else a[i] for a, axis in zip(arguments, in_axes, strict=True)))
            for i in range(N)
        ]
        return stacked(results)

    return each


def stacked(results):
    if isinstance(results[0], tuple):
        return tuple(stacked(parts) for parts in zip(*results, strict=True))
    return np.stack([np.asarray(r.data if isinstance(r, ad.Tensor | ad.Scalar) else r) for r in results])


def plain(result):
    return result.data if isinstance(result, ad.Tensor) else result


def agree(found, expected):
    if isinstance(expected, tuple):
        for a, b in zip(found, expected, strict=True):
            agree(a, b)
        return
    assert isinstance(found, np.ndarray)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def placements(arguments):
    """All arguments mapped, and each one alone where there are several."""
    k = len(arguments)
    return [(0,) * k] + ([tuple(0 if i == j else None for i in range(k)) for j in range(k)] if k > 1 else [])


def given(arguments, in_axes):
    return [a if axis is None else batch_of(a, i) for i, (a, axis) in enumerate(zip(arguments, in_axes, strict=True))]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_every_operation_is_as_in_a_loop(function, arguments):
    for in_axes in placements(arguments):
        batches = given(arguments, in_axes)
        recorded = looped(lambda *a: function(*map(ad.Tensor, a)), in_axes)
        agree(ad.vmap(function, in_axes)(*batches), recorded(*batches))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_every_gradient_per_example_is_as_in_a_loop(function, arguments):
    gradient = ad.grad(lambda *a: ad.sum(ad.sin(function(*a))), tuple(range(len(arguments))))
    for in_axes in placements(arguments):
        batches = given(arguments, in_axes)
        agree(ad.vmap(gradient, in_axes)(*batches), looped(gradient, in_axes)(*batches))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_every_gradient_of_the_whole_is_as_of_a_loop(function, arguments):
    def total(g):
        return lambda *a: ad.sum(ad.sin(g(*a)))

    for in_axes in placements(arguments):
        batches = given(arguments, in_axes)
        wanted = tuple(range(len(arguments)))
        of_each = ad.grad(lambda *a: total(function)(*a), wanted)
        each = looped(of_each, in_axes)(*batches)
        expected = tuple(g if axis == 0 else g.sum(0) for g, axis in zip(each, in_axes, strict=True))
        found = ad.grad(total(ad.vmap(function, in_axes)), wanted)(*batches)
        agree(tuple(map(np.asarray, found)), expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments"), ROWS)
def test_every_tangent_per_example_is_as_in_a_loop(function, arguments):
    def tangent(*a):
        return ad.jvp(function, a, tuple(np.cos(np.arange(np.size(x))).reshape(np.shape(x)) for x in arguments))[1]

    for in_axes in placements(arguments):
        batches = given(arguments, in_axes)
        expected = looped(lambda *a: tangent(*map(np.asarray, a)), in_axes)(*batches)
        agree(ad.vmap(tangent, in_axes)(*batches), expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments"), [row for row in ROWS if row.id.endswith("-0")])
def test_every_second_derivative_per_example_is_as_in_a_loop(function, arguments):
    def second(*a):
        inner = ad.grad(lambda *b: ad.sum(ad.sin(function(*b))))
        return ad.grad(lambda *b: ad.sum(inner(*b) ** 2))(*a)

    in_axes = (0,) * len(arguments)
    batches = given(arguments, in_axes)
    agree(ad.vmap(second)(*batches), looped(second, in_axes)(*batches))


def test_every_built_in_operation_has_a_rule_or_is_listed():
    other = {n for n in builtin_names() if not isinstance(ad.graph.OPERATIONS[n], Elementwise)}
    assert other - set(TABLE) == LOOPED | CONVERSIONS
    assert not set(TABLE) - other
