"""The health of networks: figures against NumPy's, verdicts on networks made ill in a known way and on healthy ones."""

import copy
import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autodiff as ad
from autodiff import checkpoint, data, nn, optim, run
from autodiff.configuration import Configuration
from autodiff.errors import (
    AutodiffError,
    CheckpointError,
    DataError,
    GradientError,
    MissingCheckpointError,
    OperandError,
    SettingError,
    ShapeError,
)
from autodiff.health import CHECKS, examine, judge
from autodiff.health.sums import MagnitudeSums, MomentSums
from autodiff.train import fit

N = 300


def cloud(n=N, width=12, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return data.Split(rng.standard_normal((n, width)).astype(np.float32), rng.integers(0, classes, n))


CLOUD = cloud()


def look(model, split=CLOUD, **options):
    return examine(model, split, **{"prepare": lambda x: x, "batch_size": 64} | options)


def layer_of(health, name):
    return next(layer for layer in health.layers if layer.name == name)


def parameter_of(health, path):
    return next(parameter for parameter in health.parameters if parameter.path == path)


def ills(health):
    return {(v.check, v.where): v.severity for v in health.verdicts if v.severity != "ok"}


def mlp(sizes=(12, 20, 16, 3), seed=0, **options):
    return nn.MLP(list(sizes), rng=np.random.default_rng(seed), **options)


# The same network in plain NumPy, float64: what the figures are compared with.

FUNCTIONS = {
    "relu": (lambda z: np.maximum(z, 0), lambda z, h: (z > 0) * 1.0),
    "tanh": (np.tanh, lambda z, h: 1 - h * h),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, h: h * (1 - h)),
}


def by_hand(model, activation, x, labels):
    """Values and gradients of an MLP by layer name, and gradients of its parameters by path, for one batch."""
    function, slope = FUNCTIONS[activation]
    linears = [module for name, module in model.children() if name.startswith("linear")]
    values, inputs, h = {}, [], x.astype(np.float64)
    for i, linear in enumerate(linears, 1):
        inputs.append(h)
        z = values[f"mlp/linear{i}"] = h @ linear.weight.data.astype(np.float64) + linear.bias.data
        if i < len(linears):
            h = values[f"mlp/{activation}{i}"] = function(z)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    g = p / p.sum(axis=1, keepdims=True)
    g[np.arange(len(labels)), labels] -= 1
    g /= len(labels)
    gradients, by_path = {}, {}
    for i in range(len(linears), 0, -1):
        gradients[f"mlp/linear{i}"] = g
        by_path[f"linear{i}.weight"], by_path[f"linear{i}.bias"] = inputs[i - 1].T @ g, g.sum(axis=0)
        if i > 1:
            g = gradients[f"mlp/{activation}{i - 1}"] = g @ linears[i - 1].weight.data.astype(np.float64).T
            g = g * slope(values[f"mlp/linear{i - 1}"], values[f"mlp/{activation}{i - 1}"])
    return values, gradients, by_path


def batches_by_hand(model, activation, split=CLOUD, size=64):
    order = np.random.default_rng(0).permutation(len(split))
    return [
        by_hand(model, activation, split.images[chosen], split.labels[chosen])
        for chosen in np.split(order, range(size, len(split), size))
    ]


def rms(parts):
    return math.sqrt(np.mean(np.square(np.concatenate([part.ravel() for part in parts]))))


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_figures_are_those_of_a_network_written_out_in_numpy(activation):
    model = mlp(activation=activation)
    health, batches = look(model, lr=0.1), batches_by_hand(model, activation)
    assert [layer.name for layer in health.layers] == list(batches[0][0])
    for layer in health.layers:
        values = np.concatenate([batch[0][layer.name] for batch in batches])
        gradients = [batch[1][layer.name] for batch in batches]
        assert layer.activations.mean == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
        assert layer.activations.std == pytest.approx(values.std(), rel=1e-5)
        assert layer.gradients.rms == pytest.approx(rms(gradients), rel=1e-4)
        assert layer.activations.count == layer.gradients.count == values.size
        if layer.op == "relu":
            assert layer.dead == np.mean(~(values > 0).any(axis=0))
            assert layer.always_on == np.mean((values > 0).all(axis=0))
            assert layer.gradients.zeros == 0
        if layer.op == "tanh":
            assert layer.saturated == pytest.approx(np.mean(abs(values) > 0.97), abs=1e-3)
        if layer.op == "sigmoid":
            assert layer.saturated == pytest.approx(np.mean(abs(2 * values - 1) > 0.97), abs=1e-3)
    for parameter in health.parameters:
        w = dict(model.named_parameters())[parameter.path].data
        parts = [batch[2][parameter.path] for batch in batches]
        assert parameter.norm == pytest.approx(np.linalg.norm(w), rel=1e-5)
        assert parameter.gradients.rms == pytest.approx(rms(parts), rel=1e-4)
        if parameter.norm:
            ratios = [0.1 * np.linalg.norm(g) / np.linalg.norm(w) for g in parts]
            assert parameter.update == pytest.approx(np.median(ratios), rel=1e-3)
            assert parameter.update_range == pytest.approx((min(ratios), max(ratios)), rel=1e-3)


def test_the_zeros_that_relu_makes_of_gradients_are_counted_exactly():
    model = mlp()
    off = sum(int((batch[0]["mlp/linear1"] <= 0).sum()) for batch in batches_by_hand(model, "relu"))
    assert layer_of(look(model), "mlp/linear1").gradients.zeros == off


numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(st.lists(arrays(np.float64, st.integers(0, 20), elements=numbers), max_size=5))
@settings(deadline=None)
def test_the_distribution_of_parts_is_that_of_the_whole(parts):
    sums = MagnitudeSums()
    with np.errstate(all="ignore"):
        for part in parts:
            sums.add(part)
        whole = np.concatenate([*parts, []])
        found = sums.result()
    finite = abs(whole[np.isfinite(whole)])
    logs = np.log10(finite[finite > 0])
    assert (found.count, found.zeros, found.non_finite) == (whole.size, (finite == 0).sum(), whole.size - finite.size)
    assert sum(found.counts) == logs.size
    if logs.size:
        edges = found.start + np.arange(len(found.counts) + 1) / 4
        places = np.floor((logs - found.start) * 4 + 1e-9).astype(int)  # a power of ten on an edge may round either way
        exact = np.bincount(np.clip(places, 0, len(found.counts) - 1), minlength=len(found.counts))
        assert abs(np.cumsum(exact) - np.cumsum(found.counts)).max() <= np.isclose(logs * 4, np.round(logs * 4)).sum()
        assert edges[0] - 1e-9 <= logs.min() <= edges[1] + 1e-9
        assert edges[-2] - 1e-9 <= logs.max() <= edges[-1] + 1e-9
        for level, quantile in zip((0.05, 0.25, 0.5, 0.75, 0.95), found.quantiles, strict=True):
            at = np.quantile(logs, level, method="inverted_cdf")
            assert abs(quantile - at) <= 1 / 32 + 1e-9
    else:
        assert found.quantiles == ()


@given(st.lists(arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e6, 1e6)), max_size=5))
@settings(deadline=None)
def test_the_moments_of_parts_are_those_of_the_whole(parts):
    sums = MomentSums()
    for part in parts:
        sums.add(part)
    whole, found = np.concatenate([*parts, []]), sums.result()
    if whole.size:
        assert found.mean == pytest.approx(whole.mean(), abs=1e-6)
        assert found.std == pytest.approx(whole.std(), abs=1e-6)
    else:
        assert math.isnan(found.mean)


# Networks that are ill in a known way: the verdict, its place and its figure.


def test_a_bias_of_minus_ten_leaves_a_dead_layer():
    model = mlp()
    model.linear2.bias.data[:] = -10
    health = look(model)
    found = ills(health)
    assert found[("dead units", "mlp/relu2")] == "error"
    assert {where for check, where in found if check == "dead units"} == {"mlp/relu2"}
    assert layer_of(health, "mlp/relu2").dead == 1.0
    assert layer_of(health, "mlp/relu1").dead < 0.4
    # Nothing before it gets a gradient, nor do the weights after it, whose inputs are all zero; the last bias does.
    starved = {where for check, where in found if check == "no gradient"}
    assert starved == {"linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias", "linear3.weight"}


def test_half_a_layer_dead_is_a_warning():
    model = mlp()
    model.linear2.bias.data[:8] = -50
    health = look(model)
    assert layer_of(health, "mlp/relu2").dead == 0.5
    assert ills(health) == {("dead units", "mlp/relu2"): "warning"}


def test_gradients_vanish_in_a_stack_of_twenty_sigmoids():
    model = mlp([12, *[16] * 20, 3], activation="sigmoid")
    health = look(model)
    batches = batches_by_hand(model, "sigmoid")
    expected = {
        name: rms([b[1][name] for b in batches]) / rms([b[1]["mlp/linear21"] for b in batches])
        for name in batches[0][1]
    }
    (verdict,) = [v for v in health.verdicts if v.check == "vanishing gradient"]
    assert (verdict.severity, verdict.where) == ("error", "mlp/linear1")
    assert verdict.figure == pytest.approx(expected["mlp/linear1"], rel=1e-3)
    first = next(name for name in expected if expected[name] <= 1e-3)  # from the end on: by_hand goes backwards
    assert f"on the way back, {first} is the first beyond 0.001" in verdict.message
    assert "exploding gradient" not in {check for check, _ in ills(health)}


def test_gradients_and_signals_explode_with_weights_ten_times_too_large():
    model = mlp([12, *[16] * 6, 3])
    for parameter in model.parameters():
        parameter.data *= 10
    health = look(model)
    batches = batches_by_hand(model, "relu")
    ratio = rms([b[1]["mlp/relu1"] for b in batches]) / rms([b[1]["mlp/linear7"] for b in batches])
    found = {v.check: v for v in health.verdicts if v.severity != "ok"}
    assert found.keys() == {"exploding gradient", "growing signal"}
    assert found["exploding gradient"].where == "mlp/relu1"
    assert found["exploding gradient"].figure == pytest.approx(ratio, rel=1e-3)
    assert found["growing signal"].where == "mlp/linear7"


def test_signals_fade_with_weights_ten_times_too_small():
    model = mlp([12, *[16] * 6, 3])
    for parameter in model.parameters():
        parameter.data /= 10
    found = ills(look(model))
    assert found[("fading signal", "mlp/linear7")] in ("warning", "error")
    assert "vanishing gradient" in {check for check, _ in found}


@pytest.mark.parametrize(("scale", "severity"), [(16, "warning"), (200, "error")])
def test_large_weights_saturate_tanh(scale, severity):
    model = mlp(activation="tanh")
    model.linear2.weight.data *= scale
    health = look(model)
    values = np.concatenate([batch[0]["mlp/tanh2"] for batch in batches_by_hand(model, "tanh")])
    assert layer_of(health, "mlp/tanh2").saturated == pytest.approx(np.mean(abs(values) > 0.97), abs=1e-3)
    assert ills(health) == {("saturated units", "mlp/tanh2"): severity}


@pytest.mark.parametrize(
    ("lr", "check", "severity"),
    [
        (1e-7, "small updates", "warning"),
        (1e-2, None, None),
        (3.0, "large updates", "warning"),
        (1e3, "large updates", "error"),
    ],
)
def test_the_learning_rate_is_judged_by_how_far_a_step_moves_the_weights(lr, check, severity):
    found = ills(look(mlp(), lr=lr))
    assert {check for check, _ in found} == ({check} if check else set())
    assert severity is None or severity in found.values()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_spoilt_weight_is_named_and_the_first_layer_that_it_spoils(bad):
    model = mlp()
    model.linear2.weight.data[3, 4] = bad
    health = look(model, lr=0.1)
    found = [v for v in health.verdicts if v.check == "non-finite numbers"]
    assert [(v.where, v.severity) for v in found] == [("linear2.weight", "error"), ("mlp/linear2", "error")]
    assert found[0].figure == 1
    assert layer_of(health, "mlp/relu1").activations.non_finite == 0
    assert parameter_of(health, "linear2.weight").non_finite == 1
    assert not math.isfinite(health.loss)


def test_spoilt_data_are_named():
    split = cloud()
    split.images[5, 2] = np.nan
    first = next(v for v in look(mlp(), split).verdicts if v.check == "non-finite numbers")
    assert (first.where, first.figure, first.severity) == ("data", 1, "error")


class OneLayer(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(12, 3, rng=np.random.default_rng(0))

    def forward(self, x):
        return self.linear(x)


def test_a_gradient_that_is_infinite_though_the_loss_is_not_is_named():
    # The root of 0 has an infinite slope, and infinity times 0 is NaN.
    health = look(OneLayer(), loss=lambda model, x, labels: ad.sum(ad.sqrt(0.0 * ad.square(model(x)))))
    assert health.loss == 0
    assert ills(health)[("non-finite numbers", "onelayer/linear")] == "error"


def test_a_parameter_that_the_loss_does_not_use_is_named():
    model = mlp()
    model.spare = nn.Parameter(np.ones((2, 2), np.float32))
    health = look(model)
    assert ills(health) == {("no gradient", "spare"): "error"}
    assert not parameter_of(health, "spare").reached


def test_frozen_parameters_are_said_and_their_layers_looked_at_all_the_same():
    model = mlp()
    model.linear1.bias.data[:] = -50
    model.linear1.weight.requires_grad = model.linear1.bias.requires_grad = False
    health = look(model, lr=0.1)
    frozen = parameter_of(health, "linear1.weight")
    assert frozen.frozen
    assert frozen.gradients is None
    assert frozen.update is None
    assert layer_of(health, "mlp/relu1").dead == 1.0
    assert not parameter_of(health, "linear2.bias").frozen
    assert ("no gradient", "linear1.weight") not in ills(health)


# Healthy ones


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", sizes=(440, 100))


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize(
    "make",
    [lambda p: optim.Adam(p, 1e-3), lambda p: optim.SGD(p, 0.05, momentum=0.9), lambda p: optim.RMSProp(p, 2e-4)],
    ids=["adam", "momentum", "rmsprop"],
)
def test_a_network_that_learns_gets_no_verdict_before_or_after_training(digits, activation, make):
    rng = np.random.default_rng(1)
    model = nn.MLP([784, 48, 24, 10], dropout=0.1, activation=activation, rng=rng)
    optimizer = make(model.parameters())
    assert ills(examine(model, digits.train, optimizer=optimizer, batch_size=32)) == {}
    training = fit(model, digits.train, optimizer=optimizer, epochs=12, batch_size=32, rng=rng)
    assert training.history[-1]["train_loss"] < training.history[0]["train_loss"]
    health = examine(model, digits.train, optimizer=optimizer, batch_size=32)
    assert ills(health) == {}
    assert health.severity == "ok"
    assert {verdict.check for verdict in health.verdicts} == {check.name for check in CHECKS}


# What stays as it is


@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW, lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True)])
def test_nothing_is_changed_and_the_same_call_gives_the_same(make):
    model = mlp(dropout=0.3)
    optimizer = make(model.parameters())
    fit(model, CLOUD, optimizer=optimizer, epochs=1, batch_size=64, rng=np.random.default_rng(0), prepare=lambda x: x)
    model.linear1.weight.grad = marker = np.zeros_like(model.linear1.weight.data)

    def everything():
        generators = {path: rng.bit_generator.state for path, rng in model.named_generators()}
        return copy.deepcopy((model.state_dict(), optimizer.state_dict(), generators, model.training))

    before = everything()
    texts = [look(model, optimizer=optimizer).to_json() for _ in range(2)]
    assert texts[0] == texts[1]
    np.testing.assert_equal(everything(), before)
    assert model.linear1.weight.grad is marker


def test_the_step_is_the_one_that_the_optimizer_would_make_from_its_state():
    model = mlp()
    adam = optim.Adam(model.parameters(), 1e-2)
    fit(model, CLOUD, optimizer=adam, epochs=2, batch_size=64, rng=np.random.default_rng(0), prepare=lambda x: x)
    found = parameter_of(look(model, optimizer=adam, batch_size=N), "linear2.weight").update
    w, state = model.linear2.weight.data.astype(np.float64), adam.state[2]
    g = by_hand(model, "relu", CLOUD.images, CLOUD.labels)[2]["linear2.weight"]
    t = state["t"] + 1
    m, v = 0.9 * state["m"] + 0.1 * g, 0.999 * state["v"] + 0.001 * g * g
    step = 1e-2 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert found == pytest.approx(np.linalg.norm(step) / np.linalg.norm(w), rel=1e-3)


class Counter(nn.Module):
    """Changes itself when it is called in training mode, as running statistics do."""

    def __init__(self):
        self.calls = np.zeros(1)
        self.linear = nn.Linear(12, 3, rng=np.random.default_rng(0))

    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.linear(x)


def test_what_a_module_keeps_for_itself_is_left_alone():
    model = Counter()
    look(model)
    assert model.calls == 0


def test_dropout_is_off_for_the_figures_of_layers_and_on_for_those_of_parameters():
    plain, dropped = mlp(), mlp(dropout=0.9)
    dropped.load_state_dict(plain.state_dict())
    one, other = look(plain), look(dropped)
    assert layer_of(one, "mlp/relu2") == layer_of(other, "mlp/relu2")
    zeros = [parameter_of(health, "linear3.weight").gradients.zero_share for health in (one, other)]
    assert zeros[0] < zeros[1]


# What counts as a layer


class Functions(nn.Module):
    """Activation functions called in one forward, layers in a loop."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.linear1, self.linear2, self.out = (nn.Linear(12, 12, rng=rng) for _ in range(3))
        self.linear2.bias.data[:] = -50

    def forward(self, x):
        for layer in (self.linear1, self.linear2):
            x = ad.maximum(layer(x), 0)
        return self.out(ad.softmax(x))


def test_functions_called_in_one_forward_are_layers_of_their_own():
    health = look(Functions())
    assert [layer.name for layer in health.layers] == [
        "functions/linear1",
        "functions relu #1",
        "functions/linear2",
        "functions relu #2",
        "functions softmax",
        "functions/out",
    ]
    assert layer_of(health, "functions relu #1").dead < 0.4
    assert layer_of(health, "functions relu #2").dead == 1


class Recurrent(nn.Module):
    """h ← relu(x W + h U + b), over the columns of x as time steps."""

    def __init__(self, gain=1.0, function=ad.relu):
        rng = np.random.default_rng(0)
        self.w = nn.Parameter(rng.standard_normal((1, 6)).astype(np.float32), name="W")
        self.u = nn.Parameter((gain * np.linalg.qr(rng.standard_normal((6, 6)))[0]).astype(np.float32), name="U")
        self.b = nn.Parameter(np.zeros(6, np.float32), name="b")
        self.out = nn.Linear(6, 3, rng=rng)
        self.function = function

    def forward(self, x):
        h = np.zeros((len(x), 6), np.float32)
        for t in range(x.shape[1]):
            h = self.function(ad.matmul(x[:, t : t + 1], self.w) + ad.matmul(h, self.u) + self.b)
        return self.out(h)


def test_a_cell_called_at_each_time_step_is_one_layer():
    model = Recurrent()
    layer = next(layer for layer in look(model).layers if layer.op == "relu")
    assert (layer.calls, layer.units, len(layer.gradient_by_call)) == (12, 6, 12)
    states, h = [], np.zeros((N, 6))
    for t in range(12):
        h = np.maximum(CLOUD.images[:, t : t + 1] @ model.w.data + h @ model.u.data + model.b.data, 0)
        states.append(h)
    assert layer.dead == np.mean(~(np.concatenate(states) > 0).any(axis=0))
    assert layer.activations.mean == pytest.approx(np.mean(states), rel=1e-4)


@pytest.mark.parametrize(("gain", "check"), [(0.2, "vanishing gradient"), (9.0, "exploding gradient"), (1.0, None)])
def test_gradients_that_vanish_or_explode_through_time_are_found(gain, check):
    model = Recurrent(gain, function=lambda x: ad.leaky_relu(x, 0.9))
    found = [v for v in look(model).verdicts if "gradient" in v.check and v.severity != "ok"]
    assert {v.check for v in found} == ({check} if check else set())
    assert not check or any("of its 12 calls" in v.message for v in found)


def test_an_output_layer_may_be_sure_of_itself_and_a_hidden_one_may_not():
    class Gate(nn.Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.linear, self.sigmoid, self.out = nn.Linear(12, 6, rng=rng), nn.Sigmoid(), nn.Linear(6, 1, rng=rng)
            self.linear.weight.data *= 300

        def forward(self, x):
            return self.out(self.sigmoid(self.linear(x)))

    class Sure(nn.Module):
        def __init__(self):
            self.linear, self.sigmoid = nn.Linear(12, 1, rng=np.random.default_rng(0)), nn.Sigmoid()
            self.linear.weight.data *= 300

        def forward(self, x):
            return self.sigmoid(self.linear(x))

    def squared(model, x, labels):
        error = ad.reshape(model(x), (-1,)) - labels.astype(np.float32)
        return ad.mean(error * error) + nn.l2_penalty([model.linear.weight], 1e-6)

    assert ("saturated units", "gate/sigmoid") in ills(look(Gate(), loss=squared))
    assert "saturated units" not in {check for check, _ in ills(look(Sure(), loss=squared))}
    assert layer_of(look(Sure(), loss=squared), "sure/sigmoid").saturated > 0.9


def test_time_first_outputs_have_the_units_of_their_last_axis():
    class TimeFirst(nn.Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.inner, self.relu, self.out = nn.Linear(4, 5, rng=rng), nn.ReLU(), nn.Linear(5, 3, rng=rng)

        def forward(self, x):
            steps = ad.transpose(ad.reshape(x, (-1, 3, 4)), (1, 0, 2))  # (time, examples, features)
            return self.out(ad.mean(self.relu(self.inner(steps)), axis=0))

    health = look(TimeFirst(), batch_size=70)  # 300 = 4 · 70 + 20: the last batch is smaller
    assert (layer_of(health, "timefirst/relu").units, len(health.layers)) == (5, len({x.name for x in health.layers}))


@pytest.mark.parametrize("pick", [lambda ids: ids, lambda ids: ids + 0], ids=["as given", "computed"])
def test_examples_may_be_whole_numbers_such_as_words(pick):
    class Words(nn.Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.table = nn.Parameter(rng.standard_normal((9, 4)).astype(np.float32), name="table")
            self.linear, self.relu, self.out = nn.Linear(4, 5, rng=rng), nn.ReLU(), nn.Linear(5, 3, rng=rng)
            self.linear.bias.data[:] = -50

        def forward(self, ids):
            return self.out(self.relu(self.linear(ad.mean(self.table[pick(ids)], axis=1))))

    words = data.Split(np.random.default_rng(0).integers(0, 9, (N, 6)), CLOUD.labels)
    health = look(Words(), words)
    assert [layer.name for layer in health.layers] == ["words", "words/linear", "words/relu", "words/out"]
    assert ills(health)[("dead units", "words/relu")] == "error"


# JSON


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("spoil", [0.0, np.nan, -np.inf], ids=str)
def test_json_is_strict_and_complete(spoil):
    model = mlp()
    model.linear2.bias.data[0] += spoil
    health = look(model, lr=0.1)
    document = strict(health.to_json())
    assert document["severity"] == health.severity
    assert [layer["name"] for layer in document["layers"]] == [layer.name for layer in health.layers]
    assert [parameter["path"] for parameter in document["parameters"]] == [p.path for p in health.parameters]
    assert document["verdicts"][0].keys() == asdict(health.verdicts[0]).keys()
    assert isinstance(document["parameters"][0]["gradients"]["counts"], list)


def test_every_check_cites_a_source_and_offers_a_remedy():
    for check in CHECKS:
        assert check.condition, check.name
        assert check.source, check.name
        assert check.remedy, check.name
        assert any(year in check.source for year in ("2010", "2013", "2019", "CS231n")), check.name
    assert judge(look(mlp())) == look(mlp()).verdicts


# Checkpoints


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits):
    folder = tmp_path_factory.mktemp("runs")
    source = folder / "small.npz"
    images, labels = digits.train
    np.savez(source, x_train=images, y_train=labels, x_test=images[:50], y_test=labels[:50])
    configuration = Configuration(data=str(source), hidden=(32,), epochs=10, batch=32, out=str(folder / "run"))
    return run.train(configuration).folder


def test_a_run_is_examined_with_its_own_data_loss_and_optimizer(trained):
    told = []
    health = run.examine(trained, progress=lambda done, total: told.append((done, total)))
    assert (health.optimizer, health.lr, health.batch_size) == ("Adam", 1e-3, 32)  # not the schedule's last rate
    assert told[-1] == (health.examples, health.examples)
    assert ills(health) == {}
    assert run.examine(trained / "checkpoint.pkl") == health
    assert all(0 < p.update < 0.1 for p in health.parameters)


def test_a_run_is_examined_on_other_data(trained, tmp_path, digits):
    images, labels = digits.test
    np.savez(tmp_path / "other.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    assert run.examine(trained, str(tmp_path / "other.npz")).examples == 92  # a twelfth is held out for validation


def spoilt_run(trained, tmp_path, change):
    state = checkpoint.load(trained / "checkpoint.pkl")
    change(state)
    checkpoint.save(tmp_path / "spoilt.pkl", state)
    return tmp_path / "spoilt.pkl"


BAD_RUNS = {
    "no file": (
        lambda trained, tmp: run.examine(tmp / "none.pkl"),
        MissingCheckpointError,
        "no such run folder or checkpoint",
    ),
    "other data": (lambda trained, tmp: run.examine(trained, str(tmp / "none")), DataError, "none"),
    "no optimiser": (
        lambda trained, tmp: run.examine(spoilt_run(trained, tmp, lambda s: s["training"].pop("optimizer"))),
        CheckpointError,
        "no optimiser",
    ),
    "another optimiser": (
        lambda trained, tmp: run.examine(
            spoilt_run(trained, tmp, lambda s: s["training"]["optimizer"].update(optimizer="SGD"))
        ),
        CheckpointError,
        "SGD",
    ),
}


@pytest.mark.parametrize("name", BAD_RUNS)
def test_a_run_that_cannot_be_examined_is_refused_in_one_line(name, trained, tmp_path):
    call, kind, words = BAD_RUNS[name]
    with pytest.raises(kind, match=words) as caught:
        call(trained, tmp_path)
    assert "\n" not in str(caught.value)


class Unwilling(nn.Module):
    def __init__(self):
        self.linear, self.file = nn.Linear(12, 3), (x for x in "a generator cannot be copied")

    def forward(self, x):
        return self.linear(x)


def frozen():
    model = mlp()
    for parameter in model.parameters():
        parameter.requires_grad = False
    return model


BAD = {
    "no module": (lambda: look(lambda x: x), OperandError, "takes an nn.Module"),
    "no examples": (lambda: look(mlp(), cloud(0)), ShapeError, "no examples"),
    "no batch": (lambda: look(mlp(), batch_size=0), SettingError, "batch_size"),
    "half a batch": (lambda: look(mlp(), batch_size=1.5), SettingError, "batch_size"),
    "nothing to train": (lambda: look(nn.ReLU()), SettingError, "no parameter to train"),
    "all frozen": (lambda: look(frozen()), SettingError, "frozen"),
    "two rates": (lambda: look(m := mlp(), optimizer=optim.Adam(m.parameters()), lr=1.0), SettingError, "not both"),
    "a rate below zero": (lambda: look(mlp(), lr=-1.0), SettingError, "lr"),
    "another's optimiser": (lambda: look(mlp(), optimizer=optim.Adam(mlp().parameters())), SettingError, "none of"),
    "cannot be copied": (lambda: look(Unwilling()), OperandError, "cannot be copied"),
    "a loss of many numbers": (lambda: look(mlp(), loss=lambda m, x, y: m(x)), GradientError, "cotangent"),
    "a loss of no tensor": (lambda: look(mlp(), loss=lambda m, x, y: 3.0), GradientError, "float"),
    "other columns": (lambda: look(mlp([13, 3])), ShapeError, "matmul"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_one_line(name):
    call, kind, words = BAD[name]
    with pytest.raises(kind, match=words) as caught:
        call()
    assert isinstance(caught.value, AutodiffError)
    assert "\n" not in str(caught.value)
