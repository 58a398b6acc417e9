"""Networks: layers and losses against finite differences and formulas, paths and scopes, modes, and state."""

import copy

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn
from autodiff.errors import AutodiffError, CheckpointError, OperandError, SettingError, ShapeError

F64 = np.float64


def rng(seed=0):
    return np.random.default_rng(seed)


def rand(*shape, seed=0):
    return rng(seed).normal(size=shape)


def off_the_kinks(*shape, seed=0):
    x = rand(*shape, seed=seed)
    return x + 0.1 * np.sign(x)


class FixedDropout(nn.Dropout):
    """Dropout that draws the same mask at each call, so that differences make sense."""

    def forward(self, x):
        self.rng = rng(3)
        return super().forward(x)


LAYERS = {
    "linear": (nn.Linear(4, 3, rng=rng(), dtype=F64), (5, 4)),
    "linear without bias": (nn.Linear(4, 3, bias=False, rng=rng(), dtype=F64), (5, 4)),
    "linear on one example": (nn.Linear(4, 3, rng=rng(), dtype=F64), (4,)),
    "relu": (nn.ReLU(), (3, 4)),
    "tanh": (nn.Tanh(), (3, 4)),
    "sigmoid": (nn.Sigmoid(), (3, 4)),
    "dropout": (FixedDropout(0.4), (3, 4)),
    "sequential": (nn.Sequential(nn.Linear(4, 3, rng=rng(), dtype=F64), nn.Tanh()), (5, 4)),
    "mlp": (nn.MLP([4, 6, 5, 3], activation="tanh", rng=rng(), dtype=F64), (5, 4)),
    "mlp of sigmoids": (nn.MLP([4, 6, 3], activation="sigmoid", rng=rng(), dtype=F64), (5, 4)),
    "linear classifier": (nn.MLP([4, 3], rng=rng(), dtype=F64), (5, 4)),
    "residual": (nn.Residual(nn.Linear(4, 4, rng=rng(), dtype=F64), nn.Tanh()), (5, 4)),
    "residual mlp": (nn.MLP([4, 6, 6, 3], activation="tanh", residual=True, rng=rng(), dtype=F64), (5, 4)),
    "flatten": (nn.Flatten(), (3, 2, 2)),
    "layer norm": (nn.LayerNorm(4, dtype=F64), (5, 4)),
    "batch norm": (nn.BatchNorm1d(4, dtype=F64), (5, 4)),
    "batch norm, evaluated": (nn.BatchNorm1d(4, dtype=F64).eval(), (5, 4)),
    "mlp of normalised layers": (nn.MLP([4, 6, 3], activation="softplus", normalisation="layer", dtype=F64), (5, 4)),
    "softmax": (nn.Softmax(), (3, 4)),
    **{name: (kind(), (3, 4)) for name, (kind, _) in nn.ACTIVATIONS.items()},
}


@pytest.mark.parametrize("case", LAYERS)
def test_layers_have_the_derivatives_of_finite_differences(case):
    layer, shape = LAYERS[case]
    ad.check_grads(lambda x: ad.sum(ad.sin(layer(x))), (off_the_kinks(*shape, seed=1),), order=2)


@pytest.mark.parametrize("case", [case for case, (layer, _) in LAYERS.items() if layer.parameters()])
def test_parameters_have_the_gradients_of_finite_differences(case):
    layer, shape = LAYERS[case]
    x = off_the_kinks(*shape, seed=1)
    for parameter in layer.parameters():
        parameter.grad = None
        ad.sum(ad.sin(layer(x))).backward()
        direction, step = rand(*parameter.shape, seed=2), 1e-6
        sums = []
        for sign in (1, -1):
            parameter.data += sign * step * direction
            sums.append(ad.sum(ad.sin(layer(x))).item())
            parameter.data -= sign * step * direction
        assert np.sum(parameter.grad * direction) == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-6)


LABELS = np.array([2, 0, 1, 1, 2])
LOSSES = {
    "cross_entropy": (lambda z: nn.cross_entropy(z, LABELS), (5, 3)),
    "cross_entropy of one example": (lambda z: nn.cross_entropy(z, [1]), (1, 3)),
    "mse_loss": (lambda y: nn.mse_loss(y, rand(5, 3, seed=9)), (5, 3)),
    "l2_penalty": (lambda w: nn.l2_penalty([w], 0.3), (5, 3)),
    "l2_penalty, twice the same": (lambda w: nn.l2_penalty([w, w], 0.3), (5, 3)),
    "binary cross-entropy": (lambda z: nn.binary_cross_entropy(z, np.linspace(0, 1, 6)), (6,)),
    "hinge": (lambda s: nn.hinge_loss(s, np.array([1, -1, 1, 1, -1, -1])), (6,)),
    "hinge of classes": (lambda s: nn.hinge_loss(s, np.array([2, 0])), (2, 3)),
    "l1": (lambda y: nn.l1_loss(y, np.zeros(6)), (6,)),
    "huber": (lambda y: nn.huber_loss(y, np.zeros(6), delta=0.7), (6,)),
    "l1 penalty": (lambda w: nn.l1_penalty([w], 0.3), (6,)),
}


@pytest.mark.parametrize("case", LOSSES)
def test_losses_have_the_derivatives_of_finite_differences(case):
    loss, shape = LOSSES[case]
    ad.check_grads(loss, (rand(*shape),), order=2)


def test_cross_entropy_is_minus_the_mean_log_softmax_of_the_labels():
    z = rand(5, 3)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    value, gradient = ad.value_and_grad(lambda z: nn.cross_entropy(z, LABELS))(z)
    assert value == pytest.approx(-np.log(p[np.arange(5), LABELS]).mean(), rel=1e-12)
    np.testing.assert_allclose(gradient, (p - np.eye(3)[LABELS]) / 5, rtol=1e-12, atol=1e-15)


def test_cross_entropy_is_one_node():
    loss = nn.cross_entropy(ad.Tensor(rand(5, 3), name="z"), LABELS)
    assert [node.op for node in ad.Graph.of(loss).nodes] == ["input", "constant", "cross_entropy"]


def test_forward_mode_rules_agree_with_reverse_mode():
    z, tangent = rand(5, 3), rand(5, 3, seed=1)
    for loss, operands in ((nn.cross_entropy, (z, LABELS)), (lambda w: nn.l2_penalty([w], beta=2), (z,))):
        value = loss(ad.Tensor(z), *operands[1:])
        while value.primitive.name not in ("cross_entropy", "sum_squares"):
            value = value.operands[0]
        gradient = ad.grad(loss)(z, *operands[1:])
        forward = value.primitive.jvp((tangent, None)[: len(operands)], value.data, *operands)
        assert forward == pytest.approx(np.sum(gradient * tangent), rel=1e-12)


@pytest.mark.parametrize(
    ("logits", "label", "expected"),
    [
        ([1e4, 0.0], 0, 0.0),
        ([1e4, 0.0], 1, 1e4),
        ([-1e4, -1e4], 0, np.log(2)),
        ([3e38, -3e38], 0, 0.0),
        ([-np.inf, 0.0], 1, 0.0),
        ([-np.inf, 0.0], 0, np.inf),
    ],
)
def test_cross_entropy_is_stable(logits, label, expected):
    assert nn.cross_entropy(np.array([logits]), [label]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.cross_entropy(np.ones((5, 3)), LABELS[:4]), ShapeError, "(5, 3) and (4,)"),
        (lambda: nn.cross_entropy(np.ones(3), LABELS), ShapeError, "(n, k)"),
        (lambda: nn.cross_entropy(np.ones((0, 3)), LABELS[:0]), ShapeError, "at least 1"),
        (lambda: nn.cross_entropy(np.ones((5, 3)), np.eye(3)[LABELS]), ShapeError, "(5, 3) and (5, 3)"),
        (lambda: nn.cross_entropy(np.ones((5, 3)), LABELS * 1.0), OperandError, "integer dtype, got float64"),
        (lambda: nn.cross_entropy(np.ones((5, 3)), LABELS + 1), SettingError, "0..2"),
        (lambda: nn.cross_entropy(np.ones((5, 3)), LABELS - 1), SettingError, "found -1"),
        (lambda: nn.mse_loss(np.ones(3), np.ones((3, 1))), ShapeError, "(3,) and (3, 1)"),
        (lambda: nn.l2_penalty([], 1.0), SettingError, "at least one"),
        (lambda: nn.l2_penalty([ad.Tensor([1.0])], -1.0), SettingError, "beta"),
        (lambda: nn.Linear(0, 3), SettingError, "at least 1"),
        (lambda: nn.Linear(2.5, 3), SettingError, "whole"),
        (lambda: nn.Linear(4, 3)(np.ones((2, 5))), ShapeError, "(2, 5) and (4, 3)"),
        (lambda: nn.Dropout(1.0), SettingError, "[0, 1)"),
        (lambda: nn.Dropout(float("nan")), SettingError, "[0, 1)"),
        (lambda: nn.MLP([3]), SettingError, "two sizes"),
        (lambda: nn.MLP([3, 2], activation="relux"), SettingError, "choose from relu, leaky_relu"),
        (lambda: nn.Sequential(np.tanh), SettingError, "takes modules"),
        (lambda: nn.Parameter([1, 2]), OperandError, "floating"),
    ],
)
def test_misuse_is_reported_in_one_line(call, error, words):
    with pytest.raises(error) as info:
        call()
    assert isinstance(info.value, AutodiffError)
    assert words in str(info.value)
    assert "\n" not in str(info.value)


# Modules


def test_children_of_a_sequence_are_named_by_kind_and_count():
    model = nn.MLP([784, 256, 128, 10], dropout=0.2, rng=rng())
    assert [name for name, _ in model.children()] == [
        "linear1", "relu1", "dropout1", "linear2", "relu2", "dropout2", "linear3",
    ]  # fmt: skip
    assert [path for path, _ in model.named_parameters()] == [
        "linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias", "linear3.weight", "linear3.bias",
    ]  # fmt: skip
    assert [path for path, _ in model.named_generators()] == ["dropout1.rng", "dropout2.rng"]


@pytest.mark.parametrize(("sizes", "count"), [([784, 10], 7850), ([784, 256, 128, 10], 235_146), ([4, 3, 2], 23)])
def test_a_layer_has_n_plus_1_times_k_parameters(sizes, count):
    assert sum(parameter.size for parameter in nn.MLP(sizes).parameters()) == count


def test_what_is_computed_from_a_parameter_is_a_tensor():
    w = nn.Parameter(rand(3, 3), name="W")
    for value in (w * 2, 2 * w, w @ w, -w, w.T, w[0], ad.sum(w), ad.where(rand(3, 3) > 0, w, 0), np.ones(3) @ w):
        assert type(value) is ad.Tensor


def test_the_graph_shows_parameters_and_scopes():
    model = nn.MLP([4, 3, 2], dropout=0.5, rng=rng())
    loss = nn.cross_entropy(model(np.ones((5, 4), np.float32)), LABELS % 2) + nn.l2_penalty(
        [p for p in model.parameters() if p.ndim > 1], 1e-4
    )
    nodes = ad.Graph.of(loss).nodes
    assert [(n.name, n.scope) for n in nodes if n.op == "parameter"] == [
        ("W", "mlp/linear1"), ("b", "mlp/linear1"), ("W", "mlp/linear2"), ("b", "mlp/linear2"),
    ]  # fmt: skip
    scopes = {node.op: node.scope for node in nodes if not node.is_leaf}
    assert scopes["relu"] == "mlp/relu1"
    assert scopes["dropout"] == "mlp/dropout1"
    assert scopes["cross_entropy"] == ""
    by_scope = [node.op for node in nodes if node.scope == "l2"]
    assert by_scope == ["sum_squares", "sum_squares", "add", "constant", "mul"]


def test_the_penalty_reaches_the_loss_by_its_own_path():
    w, x = nn.Parameter(rand(4, 3), name="W"), rand(5, 4)
    loss = nn.cross_entropy(x @ w, LABELS) + nn.l2_penalty([w], 0.5)
    trace = ad.backprop(loss)
    weight = next(node.id for node in trace.graph.nodes if node.op == "parameter")
    messages = [(step.node.op, m.message) for step in trace.steps for m in step.messages if m.operand == weight]
    assert sorted(op for op, _ in messages) == ["matmul", "sum_squares"]
    np.testing.assert_allclose(dict(messages)["sum_squares"], 0.5 * w.data)


def test_a_module_of_ones_own_is_found_by_its_attributes():
    class Twice(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 2, rng=rng())
            self.again = self.inner
            self.gain = nn.Parameter([1.0])

        def forward(self, x):
            return self.again(self.inner(x)) * self.gain

    model = Twice()
    assert [path for path, _ in model.named_parameters()] == ["gain", "inner.weight", "inner.bias"]
    assert model.gain.name == "gain"
    y = model(np.ones((1, 2)))
    assert y.scope == "twice"
    assert y.operands[0].scope == "twice/inner"


def test_the_scope_is_left_when_a_layer_fails():
    with pytest.raises(ShapeError):
        nn.MLP([4, 3])(np.ones((2, 5)))
    assert (ad.Tensor([1.0]) * 2).scope == ""


def test_a_deep_copy_is_independent():
    model = nn.MLP([2, 2], rng=rng())
    twin = copy.deepcopy(model)
    loss = ad.sum(model(np.ones((1, 2))) - 2 * twin(np.ones((1, 2))))
    loss.backward()
    np.testing.assert_array_equal(twin.linear1.bias.grad, -2 * model.linear1.bias.grad)


def test_dropout_is_active_only_in_training_mode():
    model = nn.Sequential(nn.Dropout(0.5, rng=rng()), nn.Sequential(nn.Dropout(0.5, rng=rng(1))))
    x = np.ones((50, 50))
    assert set(np.unique(model(x))) == {0.0, 4.0}
    assert model.eval()(x) is x
    assert not np.array_equal(model.train()(x), x)


def test_dropout_keeps_the_expected_value():
    y = nn.Dropout(0.3, rng=rng())(np.ones(100_000))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.01)


def test_evaluation_mode_draws_nothing():
    layer = nn.Dropout(0.5, rng=rng()).eval()
    before = layer.rng.bit_generator.state
    layer(np.ones(3))
    assert layer.rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("init", "deviation"), [(nn.init.he_normal, np.sqrt(2 / 400)), (nn.init.glorot_uniform, np.sqrt(2 / 700))]
)
def test_initial_weights_have_the_spread_of_their_formula(init, deviation):
    weights = init(400, 300, rng(), np.float32)
    assert weights.dtype == np.float32
    assert weights.std() == pytest.approx(deviation, rel=0.01)
    assert abs(weights.mean()) < deviation / 50


def test_one_seed_gives_one_network():
    states = [nn.MLP([5, 4, 3], dropout=0.1, rng=rng(seed)).state_dict() for seed in (7, 7, 8)]
    assert all(np.array_equal(states[0][path], states[1][path]) for path in states[0])
    assert not np.array_equal(states[0]["linear1.weight"], states[2]["linear1.weight"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_is_promoted(dtype):
    model = nn.MLP([4, 3, 2], dropout=0.5, rng=rng(), dtype=dtype)
    loss = nn.cross_entropy(model(np.ones((5, 4), dtype)), LABELS % 2) + nn.l2_penalty(model.parameters(), 0.1)
    loss = loss + nn.mse_loss(model(np.ones((5, 4), dtype)), np.zeros((5, 2), dtype))
    loss.backward()
    graph = ad.Graph.of(loss)
    assert {node.dtype for node in graph.nodes if node.shape or not node.is_leaf} <= {np.dtype(dtype).name, "int64"}
    assert all(parameter.grad.dtype == dtype for parameter in model.parameters())


# State


def test_a_state_comes_back():
    model, other = (nn.MLP([4, 3, 2], rng=rng(seed)) for seed in (0, 1))
    arrays = [parameter.data for parameter in other.parameters()]
    other.load_state_dict(model.state_dict())
    assert all(np.array_equal(a.data, b.data) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    assert all(parameter.data is array for parameter, array in zip(other.parameters(), arrays, strict=True))


def test_a_state_is_a_copy():
    model = nn.Linear(2, 2, rng=rng())
    state = model.state_dict()
    model.weight.data += 1
    assert not np.array_equal(state["weight"], model.weight.data)


def changed(state, **changes):
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in {**state, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"linear1__weight": np.ones((3, 4))}, ['"linear1.weight" expects shape (4, 3), found (3, 4)']),
        ({"linear1__weight": None, "linear2__bias": None}, ['missing "linear1.weight", "linear2.bias"']),
        ({"linear9__weight": np.ones(1)}, ['unexpected "linear9.weight"']),
        ({"linear1__bias": np.ones(3, int)}, ['"linear1.bias" expects dtype float32, found int64']),
        ({"linear1__bias": "text"}, ['"linear1.bias" expects shape (3,), found ()']),
        ({"linear1__bias": [[1], [1, 2]]}, ['"linear1.bias" expects an array of shape (3,), found a list']),
        ({"linear1__bias": np.ones(2), "extra": np.ones(1)}, ["(3,), found (2,)", 'unexpected "extra"']),
    ],
)
def test_a_misfit_is_named_and_changes_nothing(changes, words):
    model = nn.MLP([4, 3, 2], rng=rng())
    before = model.state_dict()
    with pytest.raises(CheckpointError) as info:
        model.load_state_dict(changed(nn.MLP([4, 3, 2], rng=rng(1)).state_dict(), **changes))
    assert all(word in str(info.value) for word in words)
    assert "\n" not in str(info.value)
    assert all(np.array_equal(before[path], array) for path, array in model.state_dict().items())


# Normalisation


def test_layer_norm_is_its_formula_for_each_example():
    x = rand(3, 5)
    expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(nn.LayerNorm(5, dtype=F64)(x).data, expected, rtol=1e-12)


def test_batch_norm_trains_on_the_batch_and_evaluates_on_running_averages():
    layer, x, y = nn.BatchNorm1d(3, dtype=F64, momentum=0.25), rand(6, 3), rand(4, 3, seed=1)
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12)
    mean, variance = 0.25 * x.mean(0), 0.75 + 0.25 * x.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean)
    np.testing.assert_allclose(layer.running_variance, variance)
    np.testing.assert_allclose(layer.eval()(y).data, (y - mean) / np.sqrt(variance + 1e-5), rtol=1e-6)
    np.testing.assert_allclose(layer.running_mean, mean)  # evaluation leaves them


def test_running_averages_are_part_of_the_state():
    first, second = (nn.Sequential(nn.Linear(2, 3, rng=rng(i)), nn.BatchNorm1d(3)) for i in (0, 1))
    first(rand(8, 2).astype(np.float32))
    state = first.state_dict()
    assert list(state)[-2:] == ["batchnorm1d1.running_mean", "batchnorm1d1.running_variance"]
    second.load_state_dict(state)
    x = rand(4, 2, seed=3).astype(np.float32)
    assert np.array_equal(first.eval()(x).data, second.eval()(x).data)
    with pytest.raises(CheckpointError, match=r'"batchnorm1d1.running_mean" expects shape \(3,\), found \(2,\)'):
        second.load_state_dict(state | {"batchnorm1d1.running_mean": np.ones(2)})


# Initial weights


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
        ("glorot_normal", 2 / 800),
        ("glorot_uniform", 2 / 800),
        ("lecun_normal", 1 / 300),
        ("lecun_uniform", 1 / 300),
    ],
)
def test_initial_weights_have_their_variance(name, variance):
    weights = nn.INITIALIZERS[name](300, 500, rng(), np.float32)
    assert weights.dtype == np.float32
    assert abs(weights.mean()) < 4 * np.sqrt(variance / weights.size)
    assert weights.var() == pytest.approx(variance, rel=0.02)
    if name.endswith("uniform"):
        assert abs(weights).max() <= np.sqrt(3 * variance) + 1e-7


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_signals_keep_their_size_through_ten_layers(name):
    x = rand(200, 128).astype(np.float32)
    logits = nn.MLP.of(128, 128, depth=10, width=128, activation=name, rng=rng(1))(x)
    assert 1e-3 < float(np.std(logits.data)) < 1e2


# Perceptrons


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        ({}, "linear1 relu1 linear2 relu2 linear3"),
        ({"dropout": 0.5}, "linear1 relu1 dropout1 linear2 relu2 dropout2 linear3"),
        ({"dropout": (0.0, 0.5)}, "linear1 relu1 linear2 relu2 dropout1 linear3"),
        ({"input_dropout": 0.2}, "dropout1 linear1 relu1 linear2 relu2 linear3"),
        ({"normalisation": "batch"}, "linear1 batchnorm1d1 relu1 linear2 batchnorm1d2 relu2 linear3"),
        ({"activation": "selu"}, "linear1 selu1 linear2 selu2 linear3"),
        ({"residual": True}, "linear1 relu1 residual1 linear2"),
    ],
)
def test_what_a_perceptron_is_made_of(options, layers):
    model = nn.MLP([4, 6, 6, 3], **options)
    assert [name for name, _ in model.children()] == layers.split()


# Losses


def numbers(*values):
    return np.array(values, dtype=float)


def by_hand(logits, labels, smoothing, weights):
    """Cross-entropy with smoothing and weights, from the definition, one example after the other."""
    total = norm = 0.0
    for row, label in zip(logits, labels, strict=True):
        chances = row - np.log(np.exp(row).sum())
        target = np.full(len(row), smoothing / len(row))
        target[label] += 1 - smoothing
        total -= weights[label] * (target @ chances)
        norm += weights[label]
    return total / norm


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 2.5]])
def test_cross_entropy_with_smoothing_and_weights(smoothing, weights):
    logits, labels = rand(5, 3), np.array([0, 2, 1, 2, 0])
    found = nn.cross_entropy(logits, labels, label_smoothing=smoothing, class_weights=weights)
    assert float(found) == pytest.approx(by_hand(logits, labels, smoothing, weights or [1, 1, 1]))
    ad.check_grads(
        lambda z: nn.cross_entropy(z, labels, label_smoothing=smoothing, class_weights=weights), (logits,), order=2
    )


@pytest.mark.parametrize(
    ("loss", "args", "value"),
    [
        (nn.binary_cross_entropy, (numbers(0, 2), numbers(1, 0)), (np.log(2) + np.log1p(np.exp(2))) / 2),
        (nn.binary_cross_entropy, (numbers(-1000), numbers(1)), 1000),
        (nn.binary_cross_entropy, (numbers(1000), numbers(1)), 0),
        (nn.hinge_loss, (numbers(0.5, -2), np.array([1, -1])), 0.25),
        (nn.hinge_loss, (numbers(0.5, -2), np.array([-1, 1])), (1.5 + 3) / 2),
        (nn.hinge_loss, (np.array([[2.0, 0, 1.5], [0, 0, 5]]), np.array([0, 1])), (0.5 + 6) / 2),
        (nn.l1_loss, (numbers(1, 2), numbers(1, 4)), 1),
        (nn.huber_loss, (numbers(0.5, -3), numbers(0, 0)), (0.125 + 2.5) / 2),
    ],
)
def test_losses_have_their_values(loss, args, value):
    assert float(loss(*args)) == pytest.approx(value)


def test_an_l1_penalty_is_a_path_of_its_own():
    w = ad.Tensor([3.0, -4.0, 0.0], name="w")
    penalty = nn.l1_penalty([w], 0.5)
    penalty.backward()
    assert (penalty.scope, penalty.item(), w.grad.tolist()) == ("l1", 3.5, [0.5, -0.5, 0.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.MLP([2, 3, 2], dropout=(0.1, 0.2)), SettingError, "2 probabilities for 1 hidden layers"),
        (lambda: nn.MLP([2, 3, 2], init="he"), SettingError, "unknown init 'he'; choose from he_normal"),
        (lambda: nn.MLP([2, 3, 2], normalisation="group"), SettingError, "choose from layer, batch"),
        (lambda: nn.MLP([2, 3, 2], activation=None), SettingError, "unknown activation None"),
        (lambda: nn.MLP.of(2, 2, depth=-1, width=3), SettingError, "depth"),
        (lambda: nn.LayerNorm(0), SettingError, "at least 1"),
        (lambda: nn.LayerNorm(3, eps=0), SettingError, "eps"),
        (lambda: nn.LayerNorm(3)(np.ones((2, 4))), ShapeError, "takes 3 numbers on the last axis, got shape (2, 4)"),
        (lambda: nn.BatchNorm1d(3, momentum=2), SettingError, "momentum"),
        (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))), ShapeError, "at least two examples"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 2, 3))), ShapeError, "(batch, 3), got (2, 2, 3)"),
        (lambda: nn.Residual(nn.Linear(2, 3))(np.ones((1, 2))), ShapeError, "(1, 3) of (1, 2)"),
        (lambda: nn.Flatten()(np.float64(1)), ShapeError, "a batch"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), [0, 1], label_smoothing=1.5), SettingError, "in 0..1, got 1.5"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), [0, 1], class_weights=[1, 1]), ShapeError, "(3,), got (2,)"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), [0, 1], class_weights=[0, 0, 1]), SettingError, "class that occurs"),
        (lambda: nn.binary_cross_entropy(np.ones(2), np.array([0, 2])), SettingError, "in 0..1"),
        (lambda: nn.binary_cross_entropy(np.ones(2), np.ones((2, 1))), ShapeError, "(2,) and (2, 1)"),
        (lambda: nn.hinge_loss(np.ones(2), np.array([0, 1])), SettingError, "-1 and 1"),
        (lambda: nn.hinge_loss(np.ones((2, 3)), np.array([0, 3])), SettingError, "0..2"),
        (lambda: nn.hinge_loss(np.ones((2, 3)), np.array([0])), ShapeError, "(2, 3) and (1,)"),
        (lambda: nn.huber_loss(np.ones(2), np.ones(2), delta=0), SettingError, "delta"),
        (lambda: nn.l1_penalty([], 1.0), SettingError, "l1_penalty: needs at least one parameter"),
    ],
)
def test_more_misuse_is_reported_in_one_line(call, error, words):
    with pytest.raises(error) as info:
        call()
    assert words in str(info.value)
