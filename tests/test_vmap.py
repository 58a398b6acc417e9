"""vmap: against a loop over the examples, for every operation and every order of transforms."""

import numpy as np
import pytest
from cases import ARRAY_KINKS, CASES, COMPOSITES, KINKS, choice

import autodiff as ad
from autodiff import nn
from autodiff.batching import Batched
from autodiff.batching.rules import TABLE
from autodiff.ops.table import OPERATIONS, builtin_names
from autodiff.primitive import Elementwise

N = 3  # examples

# Draws a mask for each example, where a loop that starts the generator anew draws the same mask each time.
UNLIKE_A_LOOP = {"dropout"}
# Has as many numbers as differ, here another number of them in each example: see SHAPED_BY_THE_NUMBERS.
UNEQUAL = choice.ARRAY_KINKS
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
    other = {n for n in builtin_names() if not isinstance(OPERATIONS[n], Elementwise)}
    assert other - set(TABLE) == LOOPED | CONVERSIONS
    assert not set(TABLE) - other


@pytest.mark.parametrize(("function", "arguments"), [row for row in ROWS if row.id[-1] == "0"])
def test_float32_stays_float32(function, arguments):
    if function is CASES["astype"][0][0]:
        return
    batches = [batch_of(a).astype(np.float32) for a in arguments]
    gradients = ad.vmap(ad.grad(lambda *a: ad.sum(function(*a)), tuple(range(len(batches)))))(*batches)
    assert {g.dtype for g in gradients} == {np.dtype(np.float32)}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "point", "expected"), KINKS)
def test_kinks_are_the_same_in_each_example(function, point, expected):
    derivative = ad.vmap(ad.grad(lambda x: ad.sum(function(x))))(np.array([point, point]))
    np.testing.assert_array_equal(derivative, [expected, expected])


@pytest.mark.parametrize(("function", "point", "expected"), [kink for kink in ARRAY_KINKS if kink not in UNEQUAL])
def test_extremes_of_reductions_are_the_same_in_each_example(function, point, expected):
    other = np.linspace(2.0, 1.0, len(point))  # an example that is not at the kink beside one that is
    found = ad.vmap(ad.grad(function))(np.stack([other, point]))
    np.testing.assert_allclose(found[1], expected, atol=1e-15)
    np.testing.assert_allclose(found[0], ad.grad(function)(other), rtol=1e-9, atol=1e-12)


# Composition. `energy` has parameters, a sum, products and a function that is not linear.

RNG = np.random.default_rng(0)
W, X, Y = RNG.normal(size=(3, 2)), RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))


def energy(w, x):
    return ad.sum(ad.tanh(ad.matmul(x, w)) ** 2)


def of_each(function, *batches):
    return np.stack([np.asarray(function(*examples)) for examples in zip(*batches, strict=True)])


DIRECTION = np.array([1.0, -2.0, 0.5])

COMPOSED = {
    "vmap of grad": (
        lambda: ad.vmap(ad.grad(energy), (None, 0))(W, X),
        lambda: of_each(lambda x: ad.grad(energy)(W, x), X),
    ),
    "vmap of value_and_grad": (
        lambda: ad.vmap(ad.value_and_grad(energy, 1), (None, 0))(W, X)[1],
        lambda: of_each(lambda x: ad.value_and_grad(energy, 1)(W, x)[1], X),
    ),
    "grad of vmap": (
        lambda: ad.grad(lambda w: ad.sum(ad.vmap(energy, (None, 0))(w, X)))(W),
        lambda: of_each(lambda x: ad.grad(energy)(W, x), X).sum(0),
    ),
    "grad of vmap of grad": (
        lambda: ad.grad(lambda w: ad.sum(ad.vmap(ad.grad(energy), (None, 0))(w, X) ** 2))(W),
        lambda: ad.grad(lambda w: sum(ad.sum(ad.grad(energy)(w, x) ** 2) for x in X))(W),
    ),
    "jvp of vmap": (
        lambda: ad.jvp(lambda x: ad.vmap(energy, (None, 0))(W, x), (X,), (np.cos(X),))[1],
        lambda: of_each(lambda x: ad.jvp(lambda v: energy(W, v), (x,), (np.cos(x),))[1], X),
    ),
    "vmap of jvp": (
        lambda: ad.vmap(lambda x: ad.jvp(lambda v: energy(W, v), (x,), (DIRECTION,))[1])(X),
        lambda: of_each(lambda x: ad.jvp(lambda v: energy(W, v), (x,), (DIRECTION,))[1], X),
    ),
    "vmap of jvp, over tangents": (
        lambda: ad.vmap(lambda t: ad.jvp(lambda v: energy(W, v), (DIRECTION,), (t,))[1])(X),
        lambda: of_each(lambda t: ad.jvp(lambda v: energy(W, v), (DIRECTION,), (t,))[1], X),
    ),
    "vmap of hessian": (
        lambda: ad.vmap(ad.hessian(lambda x: energy(W, x)))(X),
        lambda: of_each(ad.hessian(lambda x: energy(W, x)), X),
    ),
    "vmap of hvp": (
        lambda: ad.vmap(lambda x: ad.hvp(lambda v: energy(W, v), (x,), (DIRECTION,)))(X),
        lambda: of_each(lambda x: ad.hvp(lambda v: energy(W, v), (x,), (DIRECTION,)), X),
    ),
    "vmap of jacobian": (
        lambda: ad.vmap(ad.jacobian(lambda x: ad.tanh(x @ W)))(X),
        lambda: of_each(ad.jacobian(lambda x: ad.tanh(x @ W)), X),
    ),
    "vmap of a jacobian by rows": (
        lambda: ad.vmap(ad.jacobian(lambda x: ad.tanh(x @ W)[:1]))(X),
        lambda: of_each(ad.jacobian(lambda x: ad.tanh(x @ W)[:1]), X),
    ),
    "jacobian of vmap": (
        lambda: ad.jacobian(lambda w: ad.vmap(energy, (None, 0))(w, X))(W),
        lambda: of_each(lambda x: ad.grad(energy)(W, x), X),
    ),
    "jacobian by vmap of a vjp": (
        lambda: ad.vmap(ad.vjp(lambda x: ad.tanh(ad.matmul(x, W)), X[0])[1])(np.eye(2))[0],
        lambda: ad.jacobian(lambda x: ad.tanh(ad.matmul(x, W)))(X[0]),
    ),
    "jacobian by vmap of a jvp": (
        lambda: ad.vmap(lambda t: ad.jvp(lambda x: ad.tanh(ad.matmul(x, W)), (X[0],), (t,))[1], out_axes=-1)(np.eye(3)),
        lambda: ad.jacobian(lambda x: ad.tanh(ad.matmul(x, W)))(X[0]),
    ),
    "grad through a jacobian by vmap": (
        lambda: ad.grad(lambda x: ad.sum(ad.vmap(ad.vjp(lambda v: ad.tanh(v @ W), x)[1])(np.eye(2))[0] ** 2))(X[0]),
        lambda: ad.grad(lambda x: ad.sum(ad.jacobian(lambda v: ad.tanh(v @ W))(x) ** 2))(X[0]),
    ),
    "vmap of vmap": (
        lambda: ad.vmap(lambda x: ad.vmap(lambda y: ad.sum(ad.sin(x * y)) * y[0])(Y))(X),
        lambda: of_each(lambda x: of_each(lambda y: ad.sum(ad.sin(x * y)) * y[0], Y), X),
    ),
    "vmap of grad of vmap": (
        lambda: ad.vmap(ad.grad(lambda x: ad.sum(ad.vmap(lambda y: ad.prod(x * y) + ad.max(y - x))(Y))))(X),
        lambda: of_each(ad.grad(lambda x: sum(ad.prod(x * y) + ad.max(y - x) for y in Y)), X),
    ),
    "grad of vmap of vmap": (
        lambda: ad.grad(lambda w: ad.sum(ad.vmap(lambda x: ad.vmap(lambda y: energy(w, x * y))(Y))(X)))(W),
        lambda: ad.grad(lambda w: sum(energy(w, x * y) for x in X for y in Y))(W),
    ),
    "vmap of vmap of grad": (
        lambda: ad.vmap(ad.vmap(ad.grad(energy, 1), (None, 0)), (None, 0))(W, X[:, None] * Y),
        lambda: of_each(lambda x: of_each(lambda y: ad.grad(energy, 1)(W, x * y), Y), X),
    ),
    "vmap of grad of vmap of grad": (
        lambda: ad.vmap(ad.grad(lambda x: ad.sum(ad.vmap(lambda y: ad.grad(energy, 1)(W, x * y))(Y) ** 2)))(X),
        lambda: of_each(ad.grad(lambda x: sum(ad.sum(ad.grad(energy, 1)(W, x * y) ** 2) for y in Y)), X),
    ),
    "grad of vmap of grad of vmap": (
        lambda: ad.grad(
            lambda w: ad.sum(ad.vmap(ad.grad(lambda x: ad.sum(ad.vmap(lambda y: energy(w, x * y))(Y))))(X) ** 2)
        )(W),
        lambda: ad.grad(lambda w: sum(ad.sum(ad.grad(lambda x: sum(energy(w, x * y) for y in Y))(x) ** 2) for x in X))(
            W
        ),
    ),
    "vmap of remat": (
        lambda: ad.vmap(ad.grad(ad.remat(energy), 1), (None, 0))(W, X),
        lambda: of_each(lambda x: ad.grad(energy, 1)(W, x), X),
    ),
    "grad of remat of vmap": (
        lambda: ad.grad(ad.remat(lambda w: ad.sum(ad.vmap(energy, (None, 0))(w, X))))(W),
        lambda: of_each(lambda x: ad.grad(energy)(W, x), X).sum(0),
    ),
    "grad of vmap of remat": (
        lambda: ad.grad(lambda w: ad.sum(ad.vmap(ad.grad(ad.remat(energy), 1), (None, 0))(w, X) ** 2))(W),
        lambda: ad.grad(lambda w: sum(ad.sum(ad.grad(energy, 1)(w, x) ** 2) for x in X))(W),
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_transforms_compose_in_every_order(name):
    found, expected = (call() for call in COMPOSED[name])
    agree(found, expected)


def test_compositions_agree_with_jax():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    jax.config.update("jax_enable_x64", True)

    def make(lib, transforms):
        def f(w, x):
            return lib.sum(lib.tanh(lib.matmul(x, w)) ** 2) + lib.max(x) * lib.prod(x)

        per_example = transforms.vmap(transforms.grad(f), (None, 0))
        return {
            "per example": lambda: per_example(W, X),
            "out_axes": lambda: transforms.vmap(transforms.grad(f, (0, 1)), (None, 0), (1, 0))(W, X),
            "other axes": lambda: transforms.vmap(f, (None, 1))(W, X.T),
            "negative": lambda: transforms.vmap(lambda x: lib.sin(x), -1, -1)(X),
            "penalty": lambda: transforms.grad(lambda w: lib.sum(per_example(w, X) ** 2))(W),
            "hessians": lambda: transforms.vmap(transforms.hessian(f, 1), (None, 0))(W, X),
            "pairs": lambda: transforms.vmap(lambda x: transforms.vmap(lambda y: f(W, x * y))(Y))(X),
            "nested": lambda: transforms.vmap(
                lambda p, x: {"a": p["u"] * x[0], "b": [p["v"], x[1]]},
                in_axes=({"u": 0, "v": None}, [0, 1]),
                out_axes={"a": 1, "b": 0},
            )({"u": X, "v": X[0]}, [X, X.T])["a"],
        }

    for name, call in make(ad, ad).items():
        expected = jax.tree.map(np.asarray, make(jnp, jax)[name]())
        agree(call(), expected)


def test_tracked_values_closed_over_get_the_sum_over_the_examples():
    weight, bias = ad.Tensor(W, name="w"), ad.Scalar(0.5, name="b")
    ad.sum(ad.vmap(lambda x: ad.tanh(x @ weight) * bias)(X)).backward()
    gradients = ad.grad(lambda w, b: ad.sum(ad.tanh(ad.matmul(X, w)) * b), (0, 1))(W, 0.5)
    np.testing.assert_allclose(weight.grad, gradients[0], rtol=1e-12)
    assert bias.grad == pytest.approx(gradients[1])


def test_a_value_made_inside_from_one_that_is_closed_over_keeps_its_history():
    weight = ad.Tensor(W)
    out = ad.vmap(ad.grad(lambda x: energy(ad.exp(weight) * 2, x)))(X)
    ad.sum(out**2).backward()
    expected = ad.grad(lambda w: sum(ad.sum(ad.grad(energy, 1)(ad.exp(w) * 2, x) ** 2) for x in X))(W)
    np.testing.assert_allclose(weight.grad, expected, rtol=1e-10)


def called(model, parameters, x):
    """The model as a function of its parameters."""
    modules = dict(model.named_modules())
    before = dict(model.named_parameters())
    places = {path: (modules[path.rpartition(".")[0]], path.rpartition(".")[2]) for path in before}
    try:
        for path, (module, attribute) in places.items():
            object.__setattr__(module, attribute, parameters[path])
        return model(x)
    finally:
        for path, (module, attribute) in places.items():
            object.__setattr__(module, attribute, before[path])


def test_gradients_per_example_of_a_perceptron():
    model = nn.MLP([6, 5, 4, 3], rng=np.random.default_rng(0), dtype=np.float64)
    parameters = {path: parameter.data for path, parameter in model.named_parameters()}
    images, labels = RNG.normal(size=(7, 6)), RNG.integers(0, 3, 7)

    def loss(p, x, label):
        return nn.cross_entropy(called(model, p, ad.reshape(x, (1, -1))), ad.reshape(label, (1,)))

    found = ad.vmap(ad.grad(loss), (None, 0, 0))(parameters, images, labels)
    for path in parameters:
        agree(found[path], of_each(lambda x, y, path=path: ad.grad(loss)(parameters, x, y)[path], images, labels))
    whole = ad.grad(lambda p: nn.cross_entropy(called(model, p, images), labels))(parameters)
    np.testing.assert_allclose(found["linear1.weight"].mean(0), whole["linear1.weight"], rtol=1e-10)


def test_labels_of_every_example_are_checked():
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.2 for logits of shape \(1, 3\), found 7"):
        ad.vmap(nn.cross_entropy)(np.ones((2, 1, 3)), np.array([[0], [7]]))


# Indices that differ from example to example

CUBES, TABLE_OF_ROWS = RNG.normal(size=(5, 2, 3, 4)), RNG.normal(size=(6, 2, 4))
AT = RNG.integers(0, 2, (5,))
PAIRS = RNG.integers(0, 2, (5, 2))

INDICES = [
    lambda i, j: i,
    lambda i, j: (i, ...),
    lambda i, j: (slice(None), i),
    lambda i, j: (..., j),
    lambda i, j: (slice(None), j, slice(None, 2)),
    lambda i, j: (j, [0, 2]),
    lambda i, j: (i, slice(None), j),
    lambda i, j: (None, slice(None), j),
    lambda i, j: (0, slice(None), j),
    lambda i, j: (slice(None), i, j),
    lambda i, j: (..., None, i, None),
    lambda i, j: ad.reshape(j, (2, 1)),
    lambda i, j: -1 - i,
]
PLAIN_INDICES = [
    1,
    (slice(None, None, -1), ..., None),
    ([0, 1, 1],),
    (slice(None), [2, 0]),
    (0, slice(None), [2, 0]),
    ([0, 1], slice(None), [2, 0]),
    (slice(None), [[0], [2]], [1, 3]),
    (np.array([True, False]),),
    (slice(None), np.array([[True, False, True, True]] * 3)),
    True,
    np.array(1),
]


@pytest.mark.parametrize("make", INDICES)
def test_an_index_of_each_example_reads_its_own(make):
    def read(x, i, j):
        return ad.sin(ad.getitem(x, make(i, j)))

    def plainly(x, i, j):
        return read(x, int(i), j)

    agree(ad.vmap(read)(CUBES, AT, PAIRS), of_each(plainly, CUBES, AT, PAIRS))
    one = CUBES[0]
    agree(ad.vmap(read, (None, 0, 0))(one, AT, PAIRS), of_each(lambda i, j: plainly(one, i, j), AT, PAIRS))
    gradient = ad.grad(lambda x, i, j: ad.sum(read(x, i, j) ** 2))
    agree(ad.vmap(gradient)(CUBES, AT, PAIRS), of_each(lambda x, i, j: gradient(x, int(i), j), CUBES, AT, PAIRS))
    total = ad.grad(lambda x: ad.sum(ad.vmap(read, (None, 0, 0))(x, AT, PAIRS) ** 2))(one)
    np.testing.assert_allclose(total, of_each(lambda i, j: gradient(one, int(i), j), AT, PAIRS).sum(0), atol=1e-12)


@pytest.mark.parametrize("index", PLAIN_INDICES)
def test_one_index_for_all_examples(index):
    def read(x):
        return ad.sin(ad.getitem(x, index))

    agree(ad.vmap(read)(CUBES), of_each(read, CUBES))
    gradient = ad.grad(lambda x: ad.sum(read(x) ** 2))
    agree(ad.vmap(gradient)(CUBES), of_each(gradient, CUBES))


@pytest.mark.parametrize(
    "update",
    [
        lambda x, i, j, v: x.at[i].set(v),
        lambda x, i, j, v: ad.getitem(x, slice(None)) + ad.ops.index.add_at(x, (slice(None), j), v[:, None]),
        lambda x, i, j, v: ad.ops.index.set_at(x, (slice(None), j), v[0, 0]),
        lambda x, i, j, v: ad.ops.index.add_at(x, (i, [0, 0]), v[:2]),
    ],
)
def test_updates_at_an_index_of_each_example(update):
    cubes, values = RNG.normal(size=(5, 2, 2, 4)), RNG.normal(size=(5, 2, 4))

    def total(x, i, j, v):
        return ad.sum(ad.sin(update(x, i, j, v)))

    gradient = ad.grad(total, (0, 3))
    expected = [gradient(x, int(i), j, v) for x, i, j, v in zip(cubes, AT, PAIRS, values, strict=True)]
    agree(ad.vmap(gradient)(cubes, AT, PAIRS, values), stacked(expected))


def weights_in_bins(x, w):
    return ad.bincount(ad.astype(abs(x) > 1, int), w * x, minlength=3)


OF_ITS_OWN_NUMBERS = {  # functions that choose, count or order by numbers which differ from example to example
    "select": lambda x, y: ad.select([x > 1, y > 0], [x * y, ad.exp(x)], y),
    "choose": lambda x, y: ad.choose(ad.astype(x > 0, int) + (y > 1), [x, x * y, y**2]),
    "choose, wrapped": lambda x, y: ad.choose(np.argsort(x), [x, y], mode="wrap"),
    "partition": lambda x, y: ad.partition(x * y, 1),
    "take": lambda x, y: ad.take(x * y, np.argsort(y.data)[::-1]),
    "unique": lambda x, y: ad.unique(ad.concatenate([x, y])),
    "unique with its inverse": lambda x, y: ad.multiply(*ad.unique(x * y, return_inverse=True)),
    "bincount": weights_in_bins,
    "interp": lambda x, y: ad.interp(x, ad.sort(y), y, left=0.0),
    "unwrap": lambda x, y: ad.unwrap(4 * x * y),
    "average": lambda x, y: ad.average(x, weights=y**2),
    "quantile": lambda x, y: np.quantile(x * y, 0.3) * ad.percentile(y, 80),
    "masked": lambda x, y: ad.sum(x, where=y > 0) + ad.mean(y, where=x > -9) + ad.max(x, initial=0.5, where=y > 0),
    "lstsq": lambda x, y: ad.linalg.lstsq(ad.stack([x, y], 1), x * y).x,
    "np.linalg.lstsq": lambda x, y: np.linalg.lstsq(ad.stack([x, y], 1), x * y)[0],
    "norm": lambda x, y: ad.linalg.norm(x, 3) + ad.linalg.norm(y, np.inf),
    "ndarray's methods": lambda x, y: ad.take(x, x.argsort()) * y.argmax() + x.any() + (y > 0).all(),
    "reduced truth": lambda x, y: x * np.logical_and.reduce(y > -1) + np.where(y > -9)[0],
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", OF_ITS_OWN_NUMBERS)
def test_what_depends_on_the_numbers_is_that_of_each_example(name):
    x, y = X, X[::-1] + 0.3

    def total(x, y):
        return ad.sum(ad.sin(OF_ITS_OWN_NUMBERS[name](x, y)))

    for f in (total, ad.grad(total), ad.grad(total, 1)):
        expected = of_each(lambda x, y, f=f: np.asarray(plain(f(ad.Tensor(x), ad.Tensor(y)))), x, y)
        agree(plain(ad.vmap(f)(ad.Tensor(x), ad.Tensor(y))), expected)
    tangents = [ad.jvp(total, (a, b), (np.cos(a), DIRECTION))[1] for a, b in zip(x, y, strict=True)]
    agree(ad.vmap(lambda a, b, t: ad.jvp(total, (a, b), (t, DIRECTION))[1])(x, y, np.cos(x)), np.array(tangents))
    both = ad.grad(lambda w: ad.sum(ad.vmap(lambda a, b: total(a * w, b))(x, y)))(2.0)
    pairs = ad.vmap(lambda a: ad.vmap(lambda b: total(a, b))(y))(x)
    agree(pairs, np.array([[total(ad.Tensor(a), ad.Tensor(b)).item() for b in y] for a in x]))
    each = [ad.grad(lambda w, a=a, b=b: total(a * w, b))(2.0) for a, b in zip(x, y, strict=True)]
    assert both == pytest.approx(sum(each))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ad.ops.missing_values.__all__)
def test_each_example_misses_numbers_of_its_own(name):
    x = np.where(np.eye(5, 3, dtype=bool), np.nan, X)
    x[4] = np.nan  # one has none left

    def total(x):
        return ad.sum(ad.sin(getattr(ad, name)(x)))

    agree(ad.vmap(total)(x), of_each(total, x))
    agree(ad.vmap(ad.grad(total))(x), of_each(ad.grad(total), x))


SHAPED_BY_THE_NUMBERS = [  # a map has one shape for all examples, so these cannot be done where the numbers differ
    (lambda x: ad.unique(x > 0), "np.unique has results of different shapes, (1,) and (2,), for different examples"),
    (lambda x: ad.compress(x > 0, x), "a NumPy array needs one value"),
    (lambda x: ad.extract(x > 0, x), "a NumPy array needs one value"),
    (lambda x: ad.delete(x, x > 0), "a NumPy array needs one value"),
    (lambda x: ad.insert(x, np.argmax(x), 1.0), "a NumPy array needs one value"),
    (lambda x: ad.piecewise(x, [x > 0], [1.0]), "a NumPy array needs one value"),
    (lambda x: ad.bincount(np.argsort(x)), "bincount: under vmap the number of bins must be given: a minlength above"),
    (lambda x: ad.bincount(np.argsort(x), x, 2), "bincount: under vmap the number of bins must be given"),
    (lambda x: ad.choose(np.argsort(x), [x, x]), "choose: an integer names none of the 2 choices"),
]


@pytest.mark.parametrize(("function", "message"), SHAPED_BY_THE_NUMBERS)
def test_what_would_have_another_shape_in_each_example_is_refused(function, message):
    with pytest.raises(ad.AutodiffError) as caught:
        ad.vmap(function)(X)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_methods_of_ndarray_that_need_plain_numbers_say_so():
    seen = []

    def f(x):
        seen.append((x.itemsize, x.nbytes))
        return ad.grad(lambda same: seen.append((same.item(1), same.tolist())) or ad.sum(same * x))(np.arange(3.0))

    agree(ad.vmap(f)(X), X)
    assert seen == [(8, 24), (1.0, [0.0, 1.0, 2.0])]
    for ask in (lambda x: x.tolist(), lambda x: x.item(0)):
        with pytest.raises(ad.errors.OperandError, match="needs one value"):
            ad.vmap(ask)(X)


def test_an_order_found_in_the_data_is_that_of_each_example():
    def weighted(x):
        order = np.argsort(x.data)
        return ad.sum(ad.take_along_axis(x, order) * np.arange(3.0)) + ad.sum(ad.take(x, order[:1]) ** 3)

    expected = of_each(lambda x: ad.grad(weighted)(x), X)
    agree(ad.vmap(ad.grad(weighted))(X), expected)


def test_numpys_questions_are_answered_for_each_example():
    asked = ad.vmap(lambda x: (np.argmax(x), np.isclose(x, x[0]), np.unique(x > 9), np.isfinite(x) & (x > 0)))(X)
    for found, expected in zip(asked, (X.argmax(1), X[:, :1] == X, [[False]] * 5, X > 0), strict=True):
        np.testing.assert_array_equal(found, expected)


# Operations without a rule

halve = ad.Primitive("halve_for_vmap", lambda x: x / 2, lambda g, out, x: halve(g), linear=True)


def _softened(x, sharpness):
    assert np.ndim(x) == 1
    return float(sharpness) * np.asarray(np.logaddexp.reduce(np.asarray(x) / float(sharpness)))


softened = ad.Primitive(
    "softened_for_vmap",
    _softened,
    lambda g, out, x, sharpness: g * ad.softmax(x / sharpness),
    None,
    jvp=lambda tangents, out, x, sharpness: ad.sum(tangents[0] * ad.softmax(x / sharpness)),
)
plain_rule = ad.Primitive(
    "plain_rule_for_vmap",
    lambda x: np.sum(np.asarray(x) ** 3),
    lambda g, out, x: np.asarray(g) * 3 * np.asarray(x) ** 2,
)


def test_an_operation_without_a_rule_is_looped_and_differentiable():
    def f(x):
        return softened(halve(x) * x, 0.5)

    agree(ad.vmap(f)(X), of_each(f, X))
    agree(ad.vmap(ad.grad(f))(X), of_each(ad.grad(f), X))
    agree(ad.vmap(ad.hessian(f))(X), of_each(ad.hessian(f), X))
    total = ad.grad(lambda x: ad.sum(ad.vmap(f)(x)))(X)
    agree(total, of_each(ad.grad(f), X))
    per_pair = ad.vmap(lambda x: ad.vmap(ad.grad(lambda y: f(x * y)))(Y))(X)
    agree(per_pair, of_each(lambda x: of_each(ad.grad(lambda y: f(x * y)), Y), X))
    tangents = ad.vmap(lambda x: ad.jvp(f, (x,), (DIRECTION,))[1])(X)
    agree(tangents, of_each(lambda x: ad.jvp(f, (x,), (DIRECTION,))[1], X))
    mixed = ad.grad(lambda w: ad.sum(ad.vmap(ad.grad(lambda x: softened(ad.matmul(x, w), 0.5)))(X) ** 2))(W)
    expected = ad.grad(lambda w: sum(ad.sum(ad.grad(lambda v: softened(ad.matmul(v, w), 0.5))(x) ** 2) for x in X))(W)
    agree(mixed, expected)


def test_a_rule_in_plain_numpy_serves_first_derivatives():
    agree(ad.vmap(ad.grad(plain_rule))(X), 3 * X**2)


def test_an_elementwise_operation_of_ones_own_needs_no_rule():
    cube = ad.Elementwise("cube_for_vmap", lambda x: x**3, lambda out, x: 3 * x**2)
    agree(ad.vmap(ad.grad(lambda x: ad.sum(cube(x))))(X), 3 * X**2)


# What f sees, and what it returns


def test_the_function_sees_one_example():
    seen = []

    def f(x):
        seen.append((x.shape, x.ndim, x.size, x.dtype, len(x), np.shape(x), isinstance(x, ad.Tensor), x.name))
        seen.append(repr(x))
        assert x in {x}
        assert (x == "text") is False
        return x.sum() + sum(part for part in x) + x.T[0] + x.mean() + x.reshape(3, 1)[0, 0]

    out = ad.vmap(f)(ad.Tensor(X, name="x"))
    assert seen == [
        ((3,), 1, 3, np.dtype(float), 3, (3,), True, "x"),
        "Batched(shape=(3,), dtype=float64, 5 examples)",
    ]
    assert isinstance(out, ad.Tensor)
    assert not isinstance(out, Batched)
    np.testing.assert_allclose(out.data, 2 * X.sum(1) + X.mean(1) + 2 * X[:, 0])


def test_arguments_and_results_are_nested():
    def f(p, x, scale=None):
        return {"y": (p["w"] * x, [p["b"]]), "c": 1.5, "s": scale}

    p = {"w": X, "b": np.arange(3.0)}
    out = ad.vmap(f, in_axes=({"w": 0, "b": None}, 1), out_axes={"y": (1, [None]), "c": 0, "s": 0})(p, X.T, scale=X)
    np.testing.assert_array_equal(out["y"][0], (X * X).T)
    assert out["y"][1][0].tolist() == [0, 1, 2]
    assert out["c"].tolist() == [1.5] * 5
    np.testing.assert_array_equal(out["s"], X)


def test_a_result_that_does_not_differ_is_repeated_and_can_be_written_to():
    out = ad.vmap(lambda x: np.arange(2.0), out_axes=1)(X)
    out[0, 0] = 9
    assert out.tolist() == [[9, 0, 0, 0, 0], [1, 1, 1, 1, 1]]


def test_results_share_no_memory_with_arguments_or_each_other():
    x = X.copy()
    same, again, view = ad.vmap(lambda x: (x, x, x[::-1]))(x)
    g, h = ad.vmap(ad.grad(lambda a, b: ad.sum(a + b), (0, 1)))(x, x)
    arrays = [x, same, again, view, g, h]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])


def test_without_recording_results_are_not_tracked():
    weight = ad.Tensor(W)
    with ad.no_grad():
        assert not ad.vmap(lambda x: energy(weight, x))(X).requires_grad
        out = ad.vmap(ad.grad(lambda x: energy(weight, x)))(X)
    assert not getattr(out, "requires_grad", False)
    assert ad.vmap(ad.grad(lambda x: energy(weight, x)))(X).requires_grad


def test_names_are_found_in_the_graph_around():
    x = ad.Tensor(X, name="x")
    graph = ad.Graph.of(ad.vmap(lambda v: ad.relu(ad.matmul(v, W, name="product"), name="rectified"))(x))
    assert [(node.op, node.name) for node in graph.nodes] == [
        ("input", "x"),
        ("constant", None),
        ("matmul", "product"),
        ("relu", "rectified"),
    ]


def test_what_is_the_same_for_all_examples_can_be_branched_on():
    def f(w, x):
        return ad.grad(lambda v: ad.sum(v * x) if v[0] > 0 else ad.sum(x) * v[1])(w)

    agree(ad.vmap(f, (None, 0))(np.ones(3), X), X)


def test_each_example_has_its_own_dropout_mask():
    x = np.ones((4, 50))
    rng = np.random.default_rng(0)
    found = ad.vmap(lambda v: ad.dropout(v, 0.5, rng=rng))(x)
    rng = np.random.default_rng(0)
    agree(found, of_each(lambda v: ad.dropout(v, 0.5, rng=rng), x))
    assert len({row.tobytes() for row in found}) == 4
    pairs = ad.vmap(lambda v: ad.vmap(lambda k: ad.dropout(v * k, 0.5, rng=rng))(np.ones(3)))(x)
    assert len({row.tobytes() for row in pairs.reshape(12, 50)}) == 12
    g = ad.vmap(ad.grad(lambda v: ad.sum(ad.dropout(v, 0.5, rng=rng))))(x)
    assert len({row.tobytes() for row in g}) == 4


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: ad.tanh(x @ W) + 1, (2,)),
        (ad.grad(lambda x: ad.sum(ad.softmax(x) * x)), (3,)),
        (lambda x: ad.concatenate([ad.reshape(x, (-1, 1)), np.ones((2, 1))]), (5, 1)),
        (lambda x: ad.max(ad.outer(x, x), axis=0), (3,)),
        (ad.hessian(lambda x: ad.prod(x)), (3, 3)),
        (ad.sort, (3,)),
        (lambda x: ad.getitem(x, [0, 0]), (2,)),
        (lambda x: ad.linalg.inv(ad.outer(x, x)), (3, 3)),
    ],
)
def test_of_no_examples_the_results_are_empty(function, shape):
    assert ad.vmap(function)(np.zeros((0, 3))).shape == (0, *shape)


def test_the_state_is_right_after_an_exception():
    with pytest.raises(ZeroDivisionError):
        ad.vmap(lambda x: 1 // 0)(X)
    assert ad.grad(lambda x: x * x)(3.0) == 6.0
    assert type(ad.grad(lambda x: x * x)(3.0)) is float


leaked = []

ERRORS = [
    (lambda: ad.vmap(ad.add)(X, Y), ValueError, "numbers of examples differ: 5 of argument 0, 4 of argument 1"),
    (lambda: ad.vmap(ad.sin, None)(X), ValueError, "nothing is mapped"),
    (lambda: ad.vmap(ad.sin)(), ValueError, "nothing is mapped"),
    (lambda: ad.vmap(ad.sin, 2)(X), ValueError, "argument 0 of shape (5, 3) has no axis 2"),
    (lambda: ad.vmap(ad.sin, -3)(X), ValueError, "argument 0 of shape (5, 3) has no axis -3"),
    (lambda: ad.vmap(ad.sin)(1.0), ValueError, "argument 0 of shape () has no axes to map over"),
    (lambda: ad.vmap(ad.sin)([1.0, 2.0]), ValueError, "argument 0[0] of shape () has no axes to map over"),
    (lambda: ad.vmap(ad.sin)(np.array(1.0)), ValueError, "argument 0 of shape () has no axes to map over"),
    (lambda: ad.vmap(lambda p: p)({"a": "text"}), TypeError, "argument 0['a'] is a str; give in_axes=None for it"),
    (lambda: ad.vmap(ad.sin, (0, 0))(X), ValueError, "in_axes must be nested as what it is for: (0, 0) for [0]"),
    (lambda: ad.vmap(ad.sin, ([0],))(X), ValueError, "in_axes is [0] for argument 0, which is a ndarray"),
    (lambda: ad.vmap(ad.sin, ({"b": 0},))({"a": X}), ValueError, "in_axes of argument 0 must be nested as what it is"),
    (lambda: ad.vmap(ad.sin, 1.0), ValueError, "in_axes holds integers and None, got 1.0"),
    (lambda: ad.vmap(ad.sin, out_axes=True), ValueError, "out_axes holds integers and None, got True"),
    (lambda: ad.vmap(ad.sin, out_axes=None)(X), ValueError, "out_axes is None for the result, which differs"),
    (lambda: ad.vmap(ad.sin, out_axes=2)(X), ValueError, "out_axes is 2 for the result, which has shape (3,) for one"),
    (lambda: ad.vmap(lambda x: {"a": None})(X), TypeError, "must return arrays, or lists, tuples and dicts of them"),
    (
        lambda: ad.vmap(lambda x: x if x[0] > 0 else -x)(X),
        TypeError,
        "bool() needs one value, but this one, of shape ()",
    ),
    (lambda: ad.vmap(lambda x: x * float(x[0]))(X), TypeError, "item() needs one value"),
    (lambda: ad.vmap(lambda x: x[int(x[0] > 0)])(X), TypeError, "needs one value"),
    (lambda: ad.vmap(lambda x: [1, 2, 3][np.argmax(x)])(X), TypeError, "an index of Python's needs one value"),
    (lambda: ad.vmap(lambda x: np.asarray(x))(X), TypeError, "a NumPy array needs one value"),
    (lambda: ad.vmap(lambda x: x.numpy())(X), TypeError, "numpy() needs one value"),
    (lambda: ad.vmap(lambda x: f"{x[0]:.2f}")(X), TypeError, "item() needs one value"),
    (lambda: ad.vmap(lambda x: x[: np.argmax(x)])(X), TypeError, "an index of Python's needs one value"),
    (lambda: ad.vmap(lambda x: x[x > 0])(X), TypeError, "a mask that differs from example to example"),
    (lambda: ad.vmap(lambda x: X[np.argmax(x)])(X), TypeError, "needs one value"),
    (lambda: ad.vmap(lambda x: np.nonzero(x > 0)[0])(X), ValueError, "np.nonzero has results of different shapes"),
    (lambda: ad.vmap(lambda x: np.nanmedian(x))(X), TypeError, "np.nanmedian: has no derivative rule"),
    (lambda: ad.vmap(lambda x: np.spacing(x))(X), TypeError, "np.spacing: has no derivative rule"),
    (lambda: ad.vmap(lambda x: np.sort(x.data, order="x"))(X), TypeError, "sort: order='x' is not recorded"),
    (lambda: ad.vmap(lambda x: x.sum().backward())(X), TypeError, "use autodiff.grad in the function"),
    (lambda: ad.vmap(ad.matmul)(X, X[:, :2]), ValueError, "operand shapes (3,) and (2,) do not align (3 != 2)"),
    (lambda: ad.vmap(ad.matmul, (0, None))(X[:, 0], X), ValueError, "shapes () and (5, 3): a number has no matrix"),
    (lambda: ad.vmap(lambda x: ad.reshape(x, (2, -1)))(X), ValueError, "reshape: operand shape (3,)"),
    (lambda: ad.vmap(lambda x: ad.sum(x, axis=1))(X), ValueError, "sum: operand shape (3,): axis 1 is out of bounds"),
    (lambda: ad.vmap(lambda x: ad.broadcast_to(x, ()))(X), ValueError, "broadcast_to: operand shape (3,)"),
    (lambda: ad.vmap(lambda x: ad.add(x, np.ones(4)))(X), ValueError, "add: operand shapes"),
    (lambda: ad.vmap(lambda x: ad.getitem(x, 3))(X), IndexError, "getitem: shape"),
    (lambda: ad.vmap(lambda x: ad.getitem(x, (0, 0)))(X), IndexError, "getitem: shape"),
    (lambda: ad.vmap(lambda x: ad.getitem(x, [True, False]))(X), IndexError, "getitem: shape (3,): boolean index did"),
    (
        lambda: ad.vmap(lambda x: ad.linalg.solve(np.eye(1), x))(X[:, 0]),
        ValueError,
        "solve: operand shapes (1, 1) and ()",
    ),
    (
        lambda: ad.vmap(lambda x: np.less(x, 0, out=X))(X),
        TypeError,
        "np.less: out=ndarray of shape (5, 3) is not recorded",
    ),
    (lambda: ad.vmap(lambda x: np.less(x, 0, where=X > 0))(X), TypeError, "less: where=ndarray of shape (5, 3) is not"),
    (lambda: ad.vmap(lambda x: np.bitwise_or.at(x > 0, 0, True))(X), TypeError, "np.bitwise_or.at: has no derivative"),
    (lambda: ad.vmap(lambda x: ad.grad(ad.sum)(x > 0))(X), TypeError, "floating arrays, got dtype bool"),
    (lambda: ad.vmap(lambda x: ad.grad(lambda v: v)(x))(X), ValueError, "must return one number, got shape (3,)"),
    (lambda: ad.vmap(halve)(np.zeros((0, 3))), TypeError, "halve_for_vmap has no batching rule, and without examples"),
    (
        lambda: (ad.vmap(lambda x: leaked.append(x) or x)(X), ad.vmap(lambda x: x * leaked[-1])(X)),
        TypeError,
        "a value of a map that has ended entered another",
    ),
    (lambda: ad.vmap(lambda x: __import__("copy").copy(x))(X), TypeError, "cannot be copied or pickled"),
]


@pytest.mark.parametrize(("call", "builtin", "message"), ERRORS)
def test_misuse_is_explained_in_one_line(call, builtin, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert isinstance(caught.value, builtin)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
