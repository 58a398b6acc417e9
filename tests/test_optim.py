"""Optimisers against their formulas, written out by hand for one number at a time."""

from math import sqrt

import numpy as np
import pytest

import autodiff as ad
from autodiff import optim
from autodiff.errors import CheckpointError, OperandError, SettingError

# The formulas in floats: generators that are sent a gradient and give the new value of the parameter.


def sgd(p, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = 0.0
    while True:
        g = (yield p) + weight_decay * p
        v = momentum * v + g
        p = p - lr * (g + momentum * v if nesterov else v)


def adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = v = 0.0
    t = 0
    while True:
        g = yield p
        t += 1
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        p = p - lr * (m / (1 - betas[0] ** t)) / (sqrt(v / (1 - betas[1] ** t)) + eps)


def rmsprop(p, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    v = b = 0.0
    while True:
        g = (yield p) + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        b = momentum * b + g / (sqrt(v) + eps)
        p = p - lr * b


def adagrad(p, lr=1e-2, eps=1e-10, weight_decay=0.0):
    v = 0.0
    while True:
        g = (yield p) + weight_decay * p
        v = v + g * g
        p = p - lr * g / (sqrt(v) + eps)


def rolling(p, lr, momentum=0.9, weight_decay=0.0):
    return sgd(p, lr, momentum, weight_decay=weight_decay)


def looking_ahead(p, lr, momentum=0.9, weight_decay=0.0):
    return sgd(p, lr, momentum, nesterov=True, weight_decay=weight_decay)


CASES = [
    (optim.Momentum, rolling, {"lr": 0.1}),
    (optim.Nesterov, looking_ahead, {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.3}),
    (optim.AdaGrad, adagrad, {}),
    (optim.AdaGrad, adagrad, {"lr": 0.1, "eps": 0.1, "weight_decay": 0.3}),
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.1}),
    (optim.Adam, adam, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.AdamW, adam, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.AdamW, adam, {}),
    (optim.RMSProp, rmsprop, {}),
    (optim.RMSProp, rmsprop, {"lr": 0.1, "alpha": 0.5, "eps": 0.1, "momentum": 0.9, "weight_decay": 0.3}),
]
START = np.array([[1.0, -2.0], [0.5, 0.0]])


def gradients(p):
    """Those of a bowl with a different curvature along each axis."""
    return p * np.array([[1.0, 2.0], [3.0, 4.0]]) + 0.1


@pytest.mark.parametrize(("kind", "formula", "settings"), CASES)
def test_an_optimiser_follows_its_formula(kind, formula, settings):
    p = ad.Tensor(START)
    optimiser = kind([p], **settings)
    by_hand = settings if kind is not optim.AdamW else {"weight_decay": 1e-2, **settings, "decoupled": True}
    numbers = [formula(float(x), **by_hand) for x in START.ravel()]
    values = np.array([next(number) for number in numbers]).reshape(START.shape)
    for _ in range(20):
        p.grad = gradients(p.data)
        optimiser.step()
        values = np.array(
            [number.send(float(g)) for number, g in zip(numbers, gradients(values).ravel(), strict=True)]
        ).reshape(START.shape)
        np.testing.assert_allclose(p.data, values, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("kind", "formula", "settings"), CASES)
def test_a_step_works_in_place_in_the_parameters_dtype_and_leaves_the_gradient(kind, formula, settings):
    p = ad.Tensor(START, dtype=np.float32)
    array, gradient = p.data, gradients(START).astype(np.float32)
    p.grad = gradient.copy()
    optimiser = kind([p], **settings)
    optimiser.step()
    assert p.data is array
    assert array.dtype == np.float32
    assert not np.array_equal(array, START)
    assert np.array_equal(p.grad, gradient)
    assert all(m.dtype == np.float32 for state in optimiser.state for m in state.values() if isinstance(m, np.ndarray))


@pytest.mark.parametrize(("kind", "formula", "settings"), CASES)
def test_a_state_goes_on_where_it_was_saved(kind, formula, settings):
    def steps(optimiser, p, n):
        for _ in range(n):
            p.grad = gradients(p.data)
            optimiser.step()

    p = ad.Tensor(START)
    first = kind([p], **settings)
    steps(first, p, 3)
    q, state = ad.Tensor(p.data), first.state_dict()
    steps(first, p, 3)
    second = kind([q], **{**settings, "lr": 0.5})
    second.load_state_dict(state)
    steps(second, q, 3)
    assert np.array_equal(p.data, q.data)


def test_zero_grad_forgets_and_a_parameter_without_a_gradient_stays():
    p, q = ad.Tensor([1.0]), ad.Tensor([1.0])
    optimiser = optim.Adam([p, q])
    ad.sum(p * p).backward()
    optimiser.step()
    assert p.data[0] < 1
    assert q.data[0] == 1
    optimiser.zero_grad()
    assert p.grad is None
    before = p.data.copy()
    optimiser.step()
    assert np.array_equal(p.data, before)


def test_a_recorded_gradient_is_taken_as_its_numbers():
    p = ad.Tensor([3.0])
    ad.sum(p * p).backward(create_graph=True)
    optim.SGD([p], lr=0.1).step()
    assert p.data == pytest.approx([2.4])


P = ad.Tensor([1.0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optim.SGD([], lr=0.1), "no parameters"),
        (lambda: optim.SGD([P], lr=-0.1), "lr"),
        (lambda: optim.Adam([P], lr=float("nan")), "lr"),
        (lambda: optim.SGD([P], lr=0.1, momentum=1.0), "momentum must be in [0, 1)"),
        (lambda: optim.SGD([P], lr=0.1, nesterov=True), "nesterov needs a momentum"),
        (lambda: optim.SGD([P], lr=0.1, weight_decay=-1), "weight_decay"),
        (lambda: optim.Adam([P], betas=(0.9, 1.0)), "betas[1]"),
        (lambda: optim.AdamW([P], eps=-1), "eps"),
        (lambda: optim.RMSProp([P], alpha=1.0), "alpha"),
        (lambda: optim.AdaGrad([P], lr=-1), "lr"),
        (lambda: optim.SGD([{"params": [P], "lr": -1}], lr=0.1), "lr must be finite"),
        (lambda: optim.SGD([{"params": [P], "momentum": 0.5}], lr=0.1), "takes params, lr and weight_decay, not mom"),
        (lambda: optim.AdaGrad([{"params": [P], "lr": 1.0}], lr=0.0), "which is 0"),
        (lambda: optim.ExponentialMovingAverage([P], decay=1.0), "decay must be in [0, 1)"),
        (lambda: optim.clip_grad_norm([P], 0), "above 0, got 0"),
        (lambda: optim.clip_grad_value([P], -1), "above 0"),
        (lambda: optim.max_norm([P], float("nan")), "above 0"),
        (lambda: optim.max_norm([ad.Tensor([1.0])], 1.0), "(n_in, n_out), got (1,)"),
    ],
)
def test_a_setting_out_of_range_is_named(make, words):
    with pytest.raises(SettingError) as info:
        make()
    assert words in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (optim.AdamW([P]).state_dict(), "that of the optimiser AdamW"),
        (optim.Adam([P, ad.Tensor([1.0])]).state_dict(), "expects 1 parameters, found 2"),
        (optim.Adam([ad.Tensor([1.0, 2.0])]).state_dict(), "expects"),
        ({"optimizer": "Adam", "settings": {"lr": 1}, "state": []}, "expects settings"),
        ({}, "not a state"),
        ({"optimizer": "Adam", "settings": 3, "state": []}, "not a state"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, words):
    optimiser = optim.Adam([P], lr=0.25)
    with pytest.raises(CheckpointError) as info:
        optimiser.load_state_dict(state)
    assert words in str(info.value)
    assert "\n" not in str(info.value)
    assert optimiser.lr == 0.25


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (P, OperandError, "takes a list of tensors, got one Tensor"),
        ([ad.Scalar(1.0)], OperandError, "parameter 0 is a Scalar"),
        ([np.ones(2)], OperandError, "parameter 0 is a ndarray"),
        ([P, P * 2], OperandError, "parameter 1 is the result of an operation"),
        ([P, P], SettingError, "parameter 1 is given twice"),
        ([{"params": [P]}, {"params": [P]}], SettingError, "parameter 1 is given twice"),
        ([{"params": [P]}, P], OperandError, "every group is a dict"),
        ([{"params": []}], SettingError, "no parameters"),
    ],
)
def test_what_cannot_be_trained_is_refused(params, error, words):
    with pytest.raises(error, match=words):
        optim.Adam(params)


def test_groups_have_their_own_learning_rate_and_decay():
    p, q = ad.Tensor([1.0]), ad.Tensor([1.0])
    sgd = optim.SGD([{"params": [p], "lr": 0.01, "weight_decay": 0.5}, {"params": [q]}], lr=0.1)
    p.grad = q.grad = np.array([1.0])
    sgd.lr = 0.2  # as a schedule does: every group's is scaled
    sgd.step()
    assert p.data[0] == pytest.approx(1 - 0.02 * 1.5)
    assert q.data[0] == pytest.approx(1 - 0.2)


def test_groups_are_part_of_the_state():
    p, q = ad.Tensor([1.0]), ad.Tensor([1.0])
    state = optim.SGD([{"params": [p], "lr": 0.0625}, {"params": [q]}], lr=0.125).state_dict()
    other = optim.SGD([p, q], lr=0.1)
    other.load_state_dict(state)
    assert [(group.members, group.lr_scale) for group in other.groups] == [((0,), 0.5), ((1,), 1.0)]
    state["groups"][0]["members"] = [1]
    with pytest.raises(CheckpointError, match="each of 2 parameters once"):
        other.load_state_dict(state)


def with_gradients(*arrays):
    found = []
    for array in arrays:
        p = ad.Tensor(np.zeros_like(array))
        p.grad = np.array(array)
        found.append(p)
    return found


@pytest.mark.parametrize(
    ("most", "factor"), [(10.0, 1.0), (5.0, 1.0), (2.5, 0.5), (1e-9, 2e-10)], ids=["far", "at it", "half", "tiny"]
)
def test_gradients_are_scaled_together_to_a_norm(most, factor):
    a, b = with_gradients([3.0, 0.0], [[4.0]])
    assert optim.clip_grad_norm([a, b, ad.Tensor([1.0])], most) == 5.0
    np.testing.assert_allclose(a.grad, [3 * factor, 0])
    np.testing.assert_allclose(b.grad, [[4 * factor]])


def test_a_norm_that_is_not_finite_is_told_and_nothing_is_scaled():
    (a,) = with_gradients([np.nan, 3.0])
    assert np.isnan(optim.clip_grad_norm([a], 1.0))
    assert a.grad[1] == 3.0


def test_an_average_trails_the_weights_and_gives_them_back():
    p = ad.Tensor([0.0])
    average = optim.ExponentialMovingAverage([p], decay=0.9)
    expected = None
    for t in range(50):
        p.data[:] = t
        decay = min(0.9, (1 + t) / (10 + t)) if t else 0.0
        expected = float(t) if expected is None else decay * expected + (1 - decay) * t
        average.update()
    with average.applied():
        assert p.data[0] == pytest.approx(expected)
    assert p.data[0] == 49


def test_an_average_gives_the_weights_back_after_an_error():
    p = ad.Tensor([1.0])
    average = optim.ExponentialMovingAverage([p])
    average.update()
    p.data[:] = 5.0
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError
    assert p.data[0] == 5.0


def test_the_state_of_an_average():
    p, q = ad.Tensor([1.0]), ad.Tensor([1.0])
    first, second = optim.ExponentialMovingAverage([p]), optim.ExponentialMovingAverage([q])
    first.update()
    second.load_state_dict(first.state_dict())
    for one in (first, second):
        one.params[0].data[:] = 2.0
        one.update()
    assert first.average[0][0] == second.average[0][0]
    with pytest.raises(CheckpointError, match=r"expects parameters of shapes \[\(1,\)\]"):
        first.load_state_dict({"t": 1, "decay": 0.5, "average": [np.ones(2)]})
    with pytest.raises(CheckpointError, match="not a state"):
        first.load_state_dict({"t": 1})


class TestLargeParameters:
    """Those that are updated by a kernel, in pieces, on as many processors as there are."""

    @pytest.mark.parametrize("processors", [1, 3])
    @pytest.mark.parametrize(("kind", "_", "options"), CASES)
    def test_pieces_give_the_numbers_of_the_whole(self, kind, _, options, processors, monkeypatch):
        monkeypatch.setattr("autodiff.threads.processors", lambda: processors)
        rng = np.random.default_rng(0)
        start, gradients = rng.standard_normal((37, 5)), rng.standard_normal((3, 37, 5))
        found = []
        for piece, least in ((1000, 10**6), (1000, 1), (20, 1)):  # NumPy's passes, a kernel's, and in pieces
            monkeypatch.setattr("autodiff.optim.one_pass.PIECE", piece)
            monkeypatch.setattr("autodiff.optim.one_pass.SHARED", 4 * piece)
            monkeypatch.setattr("autodiff.optim.optimizer.LEAST", least)
            p = ad.Tensor(start.copy())
            optimizer = kind([p], **({"lr": 0.1} | options))
            for g in gradients:
                p.grad = g
                optimizer.step()
            found.append((p.data, optimizer.state_dict()["state"][0]))
        whole, remembered = found[0]
        for pieced, other in found[1:]:
            assert np.array_equal(whole, pieced)
            assert all(np.array_equal(remembered[name], other[name]) for name in remembered)

    def test_an_optimiser_that_says_nothing_gets_whole_parameters(self, monkeypatch):
        monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)

        class Normalised(optim.Optimizer):
            def update(self, p, g, state, scratch, s):
                p -= s.lr * g / np.sqrt(np.sum(g * g))

        p = ad.Tensor(np.zeros((10, 10)))
        p.grad = np.ones((10, 10))
        Normalised([p], lr=1.0).step()
        assert np.allclose(p.data, -0.1)
