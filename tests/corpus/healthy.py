"""Correct programs, many of them next to a mistake: none of them has a cause or a finding."""

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import nn

from .faulty import noise, tensor

HEALTHY: list[Callable[[], Any]] = []


def healthy(program: Callable[[], Any]) -> Callable[[], Any]:
    HEALTHY.append(program)
    return program


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@healthy
def linear_regression():
    w, b, x, y = tensor(noise(3), "w"), ad.Scalar(0.1, name="b"), noise(10, 3, seed=1), noise(10, seed=2)
    return ad.mean((x @ w + b - y) ** 2)


@healthy
def regression_with_columns_on_both_sides():
    W, x, y = tensor(noise(3, 1), "W"), noise(8, 3, seed=1), noise(8, 1, seed=2)
    return ad.mean((x @ W - y) ** 2)


@healthy
def regression_of_a_column_made_a_row():
    W, x, y = tensor(noise(3, 1), "W"), noise(8, 3, seed=1), noise(8, seed=2)
    return ad.mean(((x @ W)[:, 0] - y) ** 2)


@healthy
def bias_added_to_a_batch():
    W, b = tensor(noise(3, 4), "W"), tensor(np.zeros(4), "b")
    return ad.mean(ad.tanh(noise(4, 3, seed=1) @ W + b) ** 2)


@healthy
def bias_added_to_a_square_batch():
    W, b = tensor(noise(4, 4), "W"), tensor(noise(4, seed=3), "b")
    return ad.sum((noise(4, 4, seed=1) @ W + b) ** 2)


@healthy
def logistic_regression_from_zero():
    W, x, labels = tensor(np.zeros((3, 2)), "W"), tensor(noise(6, 3), "x"), np.arange(6) % 2
    return nn.cross_entropy(x @ W, labels)


@healthy
def logistic_regression_with_softplus():
    w, x, y = tensor(noise(3), "w"), noise(6, 3, seed=1), np.array([0.0, 1, 0, 1, 1, 0])
    z = x @ w
    return ad.mean(ad.softplus(z) - y * z)


@healthy
def binary_cross_entropy_with_log_sigmoid():
    w, x, y = tensor(noise(3), "w"), noise(6, 3, seed=1), np.array([0.0, 1, 0, 1, 1, 0])
    z = x @ w
    return -ad.mean(y * ad.log_sigmoid(z) + (1 - y) * ad.log_sigmoid(-z))


@healthy
def cross_entropy_by_log_softmax_of_far_logits():
    W, x, labels = tensor(100 * noise(3, 4), "W"), noise(5, 3, seed=1), np.arange(5) % 4
    return -ad.mean(ad.log_softmax(x @ W)[np.arange(5), labels])


@healthy
def log_of_a_softmax_with_an_epsilon():
    W, x = tensor(noise(3, 4), "W"), noise(5, 3, seed=1)
    return -ad.mean(ad.log(ad.softmax(x @ W) + 1e-9))


@healthy
def stable_softmax_by_hand():
    z = tensor([[1.0, 700.0, 699.0], [0.0, 3.0, 2.0]], "z")
    e = ad.exp(z - ad.max(z, axis=1, keepdims=True))
    return ad.sum(e / ad.sum(e, axis=1, keepdims=True) * np.array([1.0, 2.0, 3.0]))


@healthy
def stable_logsumexp_by_hand_of_tied_numbers():
    z = tensor([3.0, 3.0, 1.0], "z")
    top = ad.max(z)
    return ad.log(ad.sum(ad.exp(z - top))) + top


@healthy
def relu_network():
    model = nn.MLP([5, 16, 16, 3], rng=rng())
    return nn.cross_entropy(model(noise(12, 5).astype(np.float32)), np.arange(12) % 3)


@healthy
def relu_network_whose_parameters_are_named():
    model = nn.MLP([5, 16, 3], rng=rng())
    return nn.cross_entropy(model(noise(12, 5).astype(np.float32)), np.arange(12) % 3), model


@healthy
def network_with_dropout():
    model = nn.MLP([5, 32, 32, 3], dropout=0.5, rng=rng())
    return nn.cross_entropy(model(noise(16, 5).astype(np.float32)), np.arange(16) % 3), model


@healthy
def network_with_an_l2_penalty():
    model = nn.MLP([5, 8, 3], rng=rng())
    loss = nn.cross_entropy(model(noise(12, 5).astype(np.float32)), np.arange(12) % 3)
    return loss + nn.l2_penalty([model.linear1.weight, model.linear2.weight], 1e-3)


@healthy
def network_of_tanh():
    model = nn.MLP([4, 8, 1], activation="tanh", rng=rng())
    return nn.mse_loss(model(noise(9, 4).astype(np.float32)), noise(9, 1, seed=1).astype(np.float32))


@healthy
def network_of_sigmoids():
    model = nn.MLP([4, 8, 8, 1], activation="sigmoid", rng=rng())
    return nn.mse_loss(model(noise(9, 4).astype(np.float32)), noise(9, 1, seed=1).astype(np.float32))


@healthy
def normalisation_of_a_batch_with_epsilon():
    x, gain, shift = tensor(noise(8, 4), "x"), tensor(np.ones(4), "gain"), tensor(np.zeros(4), "shift")
    centred = x - ad.mean(x, axis=0)
    normal = centred / ad.sqrt(ad.var(x, axis=0) + 1e-5)
    return ad.sum(ad.tanh(gain * normal + shift) * noise(8, 4, seed=1))


@healthy
def normalisation_of_a_constant_feature_with_epsilon():
    x = tensor(np.column_stack([np.full(6, 2.0), noise(6)]), "x")
    normal = (x - ad.mean(x, axis=0)) / ad.sqrt(ad.var(x, axis=0) + 1e-5)
    return ad.sum(normal * noise(6, 2, seed=1))


@healthy
def normalisation_of_layers_with_keepdims():
    x, w = tensor(noise(4, 4), "x"), tensor(noise(4, 4, seed=2), "w")
    h = x @ w
    normal = (h - ad.mean(h, axis=1, keepdims=True)) / (ad.std(h, axis=1, keepdims=True) + 1e-5)
    return ad.sum(normal * noise(4, 4, seed=1))


@healthy
def centring_of_columns_of_a_square():
    x = tensor(noise(4, 4), "x")
    return ad.sum((x - ad.mean(x, axis=0)) ** 3)


@healthy
def norm_away_from_zero():
    w = tensor([3.0, 4.0], "w")
    return ad.linalg.norm(w) + ad.sum(w)


@healthy
def unit_vectors_with_epsilon():
    x = tensor([[1.0, 2.0], [0.0, 0.0]], "x")
    return ad.sum(x / ad.sqrt(ad.sum(x * x, axis=1, keepdims=True) + 1e-12) * noise(2, 2))


@healthy
def pairwise_distances_on_purpose():
    x = tensor(noise(5), "x")
    return ad.sum((x[:, None] - x) ** 2)


@healthy
def pairwise_distances_of_rows():
    x = tensor(noise(4, 3), "x")
    difference = x[:, None, :] - x[None, :, :]
    return ad.sum(ad.sqrt(ad.sum(difference**2, axis=-1) + 1e-9))


@healthy
def outer_product_by_broadcasting():
    a, b = tensor(noise(4), "a"), tensor(noise(4, seed=1), "b")
    return ad.sum(ad.sin(ad.reshape(a, (4, 1)) * b))


@healthy
def root_with_a_safe_where_inside():
    x = tensor([4.0, -1.0, 0.0], "x")
    positive = x.data > 0
    return ad.sum(ad.where(positive, ad.sqrt(ad.where(positive, x, 1.0)), 0.0))


@healthy
def logarithm_with_a_safe_where_inside():
    x = tensor([1.0, 0.0, 2.0], "x")
    safe = ad.where(x.data > 0, x, 1.0)
    return ad.sum(ad.where(x.data > 0, x * ad.log(safe), 0.0))


@healthy
def missing_values_left_out_before_they_are_used():
    x, w = np.array([1.0, np.nan, 3.0]), tensor([1.0, 2.0, 3.0], "w")
    return ad.sum(ad.where(np.isnan(x), 0.0, np.nan_to_num(x)) * w)


@healthy
def masked_attention():
    q, k, v = (tensor(noise(4, 8, seed=i), name) for i, name in enumerate("qkv"))
    scores = q @ k.T / np.sqrt(8.0)
    causal = np.tril(np.ones((4, 4), bool))
    return ad.sum(ad.softmax(ad.where(causal, scores, -np.inf)) @ v * noise(4, 8, seed=5))


@healthy
def masked_mean_of_a_sequence():
    x, mask = tensor(noise(3, 5), "x"), np.array([[1.0, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]])
    return ad.sum((ad.sum(x * mask, axis=1) / np.sum(mask, axis=1)) ** 2)


@healthy
def recurrence_that_stays_bounded():
    W, U, h = tensor(0.3 * noise(4, 4), "W"), tensor(noise(3, 4, seed=1), "U"), np.zeros((2, 4))
    for t in range(6):
        h = ad.tanh(h @ W + noise(2, 3, seed=t) @ U)
    return ad.mean(h**2)


@healthy
def gated_recurrence():
    Wz, Wh = tensor(0.5 * noise(5, 3), "Wz"), tensor(0.5 * noise(5, 3, seed=1), "Wh")
    h = np.zeros((4, 3))
    for t in range(4):
        xh = ad.concatenate([noise(4, 2, seed=t), h], axis=1)
        z = ad.sigmoid(xh @ Wz)
        h = (1 - z) * h + z * ad.tanh(xh @ Wh)
    return ad.sum(h * noise(4, 3, seed=9))


@healthy
def truncated_recurrence_that_detaches_its_state():
    w, h = ad.Scalar(0.5, name="w"), ad.Scalar(1.0, requires_grad=False)
    total = ad.Scalar(0.0, requires_grad=False)
    for _ in range(3):
        h = ad.tanh(w * h.detach() + 0.3)
        total = total + (h - 0.2) ** 2
    return total, [w]


@healthy
def maximum_without_a_tie():
    s = tensor([1.0, 3.0, 2.0], "s")
    return ad.max(s * 2.0)


@healthy
def pooling_over_an_image():
    image, w = noise(4, 4), tensor([[0.5]], "w")
    return ad.sum(ad.max(ad.reshape(image * w, (2, 2, 2, 2)), axis=(1, 3)))


@healthy
def pooling_after_a_relu():
    w, images = tensor(noise(9), "w"), noise(6, 8, 9, seed=3)
    return ad.sum(ad.max(ad.relu(images @ w), axis=1) ** 2)


@healthy
def hinge_loss():
    w, x, y = tensor(0.1 * noise(3), "w"), noise(8, 3, seed=1), np.sign(noise(8, seed=2))
    return ad.mean(ad.maximum(0.0, 1.0 - y * (x @ w)))


@healthy
def huber_loss():
    w, x, y = tensor(noise(3), "w"), noise(8, 3, seed=1), noise(8, seed=2)
    r = x @ w - y
    return ad.mean(ad.where(np.abs(r.data) < 1.0, 0.5 * r * r, ad.abs(r) - 0.5))


@healthy
def clipped_objective():
    r = tensor([0.9, 1.05, 1.6], "ratio")
    advantage = np.array([1.0, -1.0, 2.0])
    return ad.mean(ad.minimum(r * advantage, ad.clip(r, 0.8, 1.2) * advantage * 0.99))


@healthy
def relu_written_as_a_maximum():
    w, x = tensor(noise(5, 4), "w"), noise(6, 5, seed=1)
    return ad.sum(ad.maximum(x @ w, 0.0) ** 2)


@healthy
def relu_of_pixels_that_are_zero():
    w, image = tensor(noise(4), "w"), np.array([[0.0, 0, 0, 0], [1, 2, 3, 4]])
    return ad.sum(ad.relu(image @ w + 0.0) + ad.relu(image @ (w * -1.0)))


@healthy
def minimum_that_was_reached():
    w, x = ad.Scalar(2.0, name="w"), ad.Scalar(3.0, name="x")
    return (w * x - 6.0) ** 2


@healthy
def parabola_of_a_scalar():
    return ad.parse("L = (relu(w*x + b) - y)**2", w=0.5, x=2.0, b=-0.3, y=1.0)


@healthy
def rosenbrock():
    x, y = ad.Scalar(-1.2, name="x"), ad.Scalar(1.0, name="y")
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


@healthy
def gaussian_likelihood_with_a_log_scale():
    mean, log_scale = ad.Scalar(0.3, name="mean"), ad.Scalar(-1.0, name="log_scale")
    x = noise(7)
    return ad.sum(0.5 * ((x - mean) / ad.exp(log_scale)) ** 2 + log_scale)


@healthy
def mixture_likelihood_with_logsumexp():
    means, logits = tensor([-1.0, 0.5, 2.0], "means"), tensor([0.1, -0.2, 0.3], "logits")
    x = noise(6)[:, None]
    return -ad.sum(ad.logsumexp(ad.log_softmax(logits) - 0.5 * (x - means) ** 2, axis=1))


@healthy
def variational_divergence():
    mean, log_var = tensor(noise(3, 2), "mean"), tensor(noise(3, 2, seed=1), "log_var")
    return 0.5 * ad.sum(mean**2 + ad.exp(log_var) - 1.0 - log_var)


@healthy
def embedding_lookup():
    table, w, words = tensor(noise(10, 4), "table"), tensor(noise(4), "w"), np.array([1, 3, 3, 7])
    return ad.sum(ad.tanh(table[words]) @ w)


@healthy
def softmax_temperature():
    z, temperature = tensor(noise(4, 3), "z"), ad.Scalar(0.5, name="temperature")
    return ad.sum(ad.softmax(z / temperature) * noise(4, 3, seed=1))


@healthy
def confident_but_not_saturated_classifier():
    z = tensor([[4.0, 0.0], [0.0, 5.0], [3.0, 0.0]], "z")
    return -ad.mean(ad.log_softmax(z)[np.arange(3), [0, 1, 0]])


@healthy
def residual_network_of_gelu():
    x, weights = noise(5, 4), [tensor(0.5 * noise(4, 4, seed=i), f"W{i}") for i in range(3)]
    h = x
    for W in weights:
        h = h + ad.gelu(h @ W)
    return ad.mean(h**2)


@healthy
def quadratic_form_and_solve():
    A, b = tensor(np.eye(3) * 2 + 0.1 * noise(3, 3), "A"), tensor(noise(3, seed=1), "b")
    return ad.sum(b * ad.linalg.solve(A, b))


@healthy
def float16_with_a_scaled_loss():
    w = ad.Tensor(np.array([0.5, -0.25, 2.0], dtype=np.float16), "w")
    return ad.sum((w * np.float16(0.5) - np.float16(0.1)) ** 2) * np.float16(128)


@healthy
def rematerialised_block():
    W = tensor(noise(4, 4), "W")
    block = ad.remat(lambda h: ad.tanh(h @ W))
    return ad.mean(block(block(noise(3, 4, seed=1))) ** 2)


@healthy
def power_with_a_whole_exponent_at_zero():
    x = tensor([0.0, -2.0, 1.0], "x")
    return ad.sum(x**3 + x**2 + x)


@healthy
def absolute_error():
    w, x, y = tensor(noise(3), "w"), noise(8, 3, seed=1), noise(8, seed=2)
    return ad.mean(ad.abs(x @ w - y))


@healthy
def clipped_objective_within_its_bounds():
    r = ad.Tensor([1.0, 1.1], "r")
    gain = np.array([1.0, -1.0])
    return ad.sum(ad.minimum(r * gain, ad.clip(r, 0.8, 1.2) * gain))


@healthy
def max_pool_of_a_reshaped_relu():
    return ad.sum(ad.max(ad.reshape(ad.relu(ad.Tensor([-1.0, -2.0, 3.0, 1.0], "x")), (2, 2)), axis=1))


@healthy
def products_of_all_pairs_of_lengths():
    a = ad.Tensor([[1.0, 2.0], [3.0, 4.0]], "a")
    return ad.mean((ad.sum(a * a, axis=1, keepdims=True) * ad.sum(a * a, axis=1)) ** 2)


@healthy
def square_at_its_minimum():
    w = ad.Scalar(1.0, name="w")
    return (w * 2.0 - 2.0) ** 2


@healthy
def step_of_a_network_with_dropout_and_weight_decay():
    W1, b1 = ad.Tensor(rng().normal(size=(10, 32)) * 0.45, "W1"), ad.Tensor(np.zeros(32), "b1")
    W2, b2 = ad.Tensor(rng().normal(size=(32, 5)) * 0.2, "W2"), ad.Tensor(np.zeros(5), "b2")
    kept = (rng().random((32, 32)) > 0.5) / 0.5
    scores = ad.relu(rng().normal(size=(32, 10)) @ W1 + b1) * kept @ W2 + b2
    loss = -ad.mean(ad.log_softmax(scores)[np.arange(32), rng().integers(0, 5, 32)])
    return loss + 1e-4 * (ad.sum(W1 * W1) + ad.sum(W2 * W2)), [W1, b1, W2, b2]


@healthy
def causal_attention_masked_with_minus_infinity():
    x = rng().normal(size=(6, 8))
    q, k, v = (x @ ad.Tensor(rng().normal(size=(8, 8)) * 0.35, name) for name in ("Q", "K", "V"))
    mask = np.where(np.tril(np.ones((6, 6))) > 0, 0, -np.inf)
    return ad.mean((ad.softmax(q @ ad.transpose(k) / np.sqrt(8) + mask) @ v) ** 2)


@healthy
def recurrence_over_thirty_steps():
    W, U, b = (ad.Tensor(rng().normal(size=n) * 0.35, name) for n, name in (((8, 8), "W"), ((3, 8), "U"), (8, "b")))
    h: ad.Tensor | np.ndarray = np.zeros((4, 8))
    for x in rng().normal(size=(30, 4, 3)):
        h = ad.tanh(h @ W + x @ U + b)
    return ad.mean(h**2), [W, U, b]


@healthy
def huber_loss_of_standardised_data_from_zero():
    X = rng().normal(5, 3, size=(64, 4))
    X = (X - X.mean(0)) / X.std(0)
    w, b = ad.Tensor(np.zeros((4, 1)), "w"), ad.Tensor(np.zeros(1), "b")
    error = X @ w + b - rng().normal(size=(64, 1))
    size = ad.abs(error)
    return ad.mean(ad.where(size <= 1, 0.5 * error * error, size - 0.5)), [w, b]


@healthy
def step_clipped_by_its_norm():
    w, g = ad.Tensor(rng().normal(size=5), "w"), ad.Tensor(rng().normal(size=5) + 1, "g")
    return ad.sum((w - 0.1 * g * ad.minimum(1.0 / ad.sqrt(ad.sum(g * g)), 1.0)) ** 2)


@healthy
def contrastive_loss_of_unit_vectors():
    a, b = ad.Tensor(rng().normal(size=(6, 4)), "a"), ad.Tensor(rng().normal(size=(6, 4)) + 1, "b")
    a, b = (v / ad.sqrt(ad.sum(v * v, axis=1, keepdims=True) + 1e-12) for v in (a, b))
    return -ad.mean(ad.log_softmax(a @ ad.transpose(b) / 0.1)[np.arange(6), np.arange(6)])


@healthy
def bellman_error_against_a_detached_target():
    W = ad.Tensor(rng().normal(size=(4, 2)), "W")
    states, actions = rng().normal(size=(5, 4)), np.array([0, 1, 0, 1, 0])
    target = (1.0 + 0.9 * ad.max((states + 0.3) @ W, axis=1)).detach()
    return ad.mean(((states @ W)[np.arange(5), actions] - target) ** 2), [W]


@healthy
def mixture_of_experts():
    x = rng().normal(size=(9, 5))
    G, W = ad.Tensor(rng().normal(size=(5, 3)) * 0.3, "G"), ad.Tensor(rng().normal(size=(3, 5, 2)), "W")
    gate = ad.reshape(ad.softmax(x @ G), (9, 3, 1))
    return ad.mean(ad.sum(gate * ad.transpose(x @ W, (1, 0, 2)), axis=1) ** 2), [G, W]
