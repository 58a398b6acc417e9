"""Real mistakes, one small program each, with the first cause or the finding that must come first.

A program returns what is diagnosed: a value, or (value, parameters) for `lint(value, parameters=...)`. It runs with
source lines recorded and NumPy's warnings off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import nn


@dataclass(frozen=True)
class Caused:
    """The first cause that must be found."""

    phase: str
    operation: str
    index: tuple[int, ...] = ()


@dataclass(frozen=True)
class Trapped:
    """The finding that must come first, of a program whose loss and gradients are finite; a piece of its `why`."""

    rule: str
    says: str = ""


FAULTY: list[tuple[Callable[[], Any], Caused | Trapped]] = []


def expect(expected: Caused | Trapped) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def register(program: Callable[[], Any]) -> Callable[[], Any]:
        FAULTY.append((program, expected))
        return program

    return register


def tensor(data: Any, name: str, **options: Any) -> ad.Tensor:
    return ad.Tensor(np.array(data, dtype=float), name, **options)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# First causes of the forward pass.


@expect(Caused("forward", "log", (0, 1)))
def log_of_a_softmax_that_underflows():
    W, x = tensor([[800.0, 0.0], [0.0, 1.0]], "W"), tensor([[1.0, 0.0], [0.0, -1.0]], "x")
    p = ad.softmax(ad.matmul(x, W, name="logits"), name="p")
    return -ad.mean(ad.log(p))


@expect(Caused("forward", "log", (2,)))
def zero_times_infinity_in_a_masked_loss():
    p = tensor([0.5, 0.9, 0.0], "p")
    return -ad.sum(np.array([1.0, 1.0, 0.0]) * ad.log(p))


@expect(Caused("forward", "log"))
def entropy_of_a_certain_event():
    p = ad.Scalar(1.0, name="p")
    return -(p * ad.log(p) + (1 - p) * ad.log(1 - p))


@expect(Caused("forward", "exp", (1,)))
def softmax_by_hand_that_overflows():
    z = tensor([1.0, 800.0, 2.0], "z")
    e = ad.exp(z)
    return ad.sum(e / ad.sum(e) * np.array([1.0, 2.0, 3.0]))


@expect(Caused("forward", "exp"))
def poisson_rate_that_overflows():
    w, x = ad.Scalar(90.0, name="w"), ad.Scalar(9.0, name="x")
    rate = ad.exp(w * x)
    return rate - 3.0 * ad.log(rate)


@expect(Caused("forward", "mul"))
def exploding_recurrence_of_numbers():
    h, w = ad.Scalar(2.0, name="h"), ad.Scalar(3.0, name="w")
    for _ in range(12):
        h = h * h * w
    return h


@expect(Caused("forward", "matmul", (0, 0)))
def exploding_recurrence_of_a_network():
    W, h = tensor(1e30 * np.eye(2), "W"), tensor([[1.0, 0.0]], "h0")
    for _ in range(12):
        h = h @ W
    return ad.sum(h)


@expect(Caused("forward", "div", (1,)))
def normalising_a_row_of_zeros():
    x = tensor([[1.0, 2.0], [0.0, 0.0]], "x")
    length = ad.sqrt(ad.sum(x * x, axis=1) + 0.0)
    return ad.sum(1.0 / length)


@expect(Caused("forward", "div", (1, 0)))
def cosine_similarity_with_an_empty_document():
    a, b = tensor([[1.0, 2.0], [0.0, 0.0]], "a"), tensor([[2.0, 1.0], [1.0, 1.0]], "b")
    unit = a / ad.linalg.norm(a, axis=1, keepdims=True)
    return ad.sum(unit * b)


@expect(Caused("forward", "div", (0,)))
def standardising_a_constant_feature():
    x = tensor([[3.0, 1.0], [3.0, 2.0]], "x")
    scale = ad.std(x, axis=0)
    return ad.sum(1.0 / scale)


@expect(Caused("forward", "sqrt", (1,)))
def root_of_a_variance_that_rounding_made_negative():
    mean, mean_of_squares = tensor([0.0, 1.0], "m"), tensor([1.0, 1.0 - 1e-12], "s")
    return ad.sum(ad.sqrt(mean_of_squares - mean * mean))


@expect(Caused("forward", "pow"))
def fractional_power_of_a_negative_number():
    x = ad.Scalar(-8.0, name="x")
    return x ** (1 / 3)


@expect(Caused("forward", "arccos", (0,)))
def angle_between_vectors_beyond_one():
    c = tensor([1.0 + 1e-9, 0.5], "cosine")
    return ad.sum(ad.arccos(c))


@expect(Caused("forward", "softmax", (1, 0)))
def attention_row_that_is_masked_entirely():
    scores = tensor(noise(2, 3), "scores")
    mask = np.array([[True, True, False], [False, False, False]])
    return ad.sum(ad.softmax(ad.where(mask, scores, -np.inf)) * noise(2, 3, seed=1))


@expect(Caused("forward", "input", (1,)))
def missing_value_in_the_data():
    x, w = tensor([1.0, np.nan, 2.0], "x"), tensor([1.0, 1.0, 1.0], "w")
    return ad.mean((w * x - 1.0) ** 2)


@expect(Caused("forward", "constant", (0, 2)))
def missing_value_in_a_plain_array():
    w = tensor([1.0, 1.0, 1.0], "w")
    return ad.sum(np.array([[1.0, 2.0, np.nan]]) @ w)


@expect(Caused("forward", "parameter", (0, 1)))
def parameter_that_diverged_earlier():
    layer = nn.Linear(2, 2, dtype=float, rng=np.random.default_rng(0))
    layer.weight.data[0, 1] = np.inf
    return ad.sum(layer(np.ones((3, 2))) ** 2)


@expect(Caused("forward", "sum"))
def sum_that_overflows_float16():
    x = ad.Tensor(np.full(40, 3000.0, dtype=np.float16), "x")
    return ad.sum(x)


@expect(Caused("forward", "square", (0,)))
def squared_error_that_overflows_float32():
    y = ad.Tensor(np.array([3e19, 1.0], dtype=np.float32), "y")
    return ad.mean(ad.square(y))


@expect(Caused("forward", "log"))
def geometric_mean_with_a_zero():
    x = ad.Scalar(0.0, name="x")
    y = ad.Scalar(4.0, name="y")
    return ad.exp((ad.log(x) + ad.log(y)) / 2) + ad.log(x)


@expect(Caused("forward", "log1p", (1,)))
def log_return_of_a_bankruptcy():
    r = tensor([0.1, -1.0], "r")
    return ad.sum(ad.log1p(r))


@expect(Caused("forward", "log", (0,)))
def binary_cross_entropy_of_a_saturated_sigmoid():
    z, y = tensor([40.0, -1.0], "z"), np.array([0.0, 0.0])
    p = ad.sigmoid(z)
    return -ad.mean(y * ad.log(p + 1e-9) + (1 - y) * ad.log(1 - p))


@expect(Caused("forward", "slogdet", (1,)))
def log_determinant_of_a_singular_covariance():
    A = tensor([[1.0, 2.0], [2.0, 4.0]], "A")
    return ad.linalg.slogdet(A)[1]


@expect(Caused("forward", "div", (1,)))
def divergence_from_a_distribution_with_an_empty_bin():
    p, q = tensor([0.5, 0.5, 0.0], "p"), tensor([0.7, 0.0, 0.3], "q")
    return ad.sum(p * ad.log(p / q))


@expect(Caused("forward", "log"))
def gaussian_likelihood_whose_scale_collapsed():
    sigma, x = tensor(0.0, "sigma"), tensor([1.0, 2.0], "x", requires_grad=False)
    return ad.mean(ad.log(sigma) + 0.5 * (x / sigma) ** 2)


@expect(Caused("forward", "div", (0,)))
def temperature_annealed_to_zero():
    scores, temperature = tensor([1.0, 2.0, 3.0], "scores"), tensor(0.0, "temperature")
    return -ad.log_softmax(scores / temperature)[0]


@expect(Caused("forward", "cosh", (0,)))
def log_cosh_error_of_a_far_outlier():
    error = tensor([800.0, 0.1], "error")
    return ad.mean(ad.log(ad.cosh(error)))


@expect(Caused("forward", "sqrt", (1,)))
def root_masked_by_a_factor_of_zero():
    x = tensor([1.0, -1.0], "x")
    return ad.sum(ad.sqrt(x) * np.array([1.0, 0.0]))


@expect(Caused("forward", "mean"))
def mean_over_an_empty_selection():
    x = tensor([1.0, 2.0], "x")
    return ad.mean(x[x.data > 5])


# First causes of the backward pass: the loss is finite, and a gradient is not.


@expect(Caused("backward", "sqrt"))
def root_of_a_zero_variance():
    x = tensor([2.0, 2.0, 2.0], "x")
    return ad.sqrt(ad.var(x)) + ad.sum(x)


@expect(Caused("backward", "sqrt", (1,)))
def distance_of_a_point_to_itself():
    a, b = tensor([[0.0, 0.0], [1.0, 2.0]], "a"), tensor([[3.0, 4.0], [1.0, 2.0]], "b")
    return ad.sum(ad.sqrt(ad.sum((a - b) ** 2, axis=1)))


@expect(Caused("backward", "pow", (0,)))
def root_as_a_power_at_zero():
    x = tensor([0.0, 4.0], "x")
    return ad.sum(x**0.5)


@expect(Caused("backward", "arccos", (1,)))
def angle_of_parallel_vectors():
    c = tensor([0.5, 1.0], "cosine")
    return ad.sum(ad.arccos(c))


@expect(Caused("backward", "arcsin"))
def arcsin_at_its_end():
    return ad.arcsin(ad.Scalar(-1.0, name="s"))


@expect(Caused("backward", "cbrt"))
def cube_root_at_zero():
    return 2.0 * ad.cbrt(ad.Scalar(0.0, name="v"))


@expect(Caused("backward", "sqrt"))
def infinity_times_zero_behind_a_root():
    x = ad.Scalar(0.0, name="x")
    return ad.sqrt(x * x)


@expect(Caused("backward", "mul"))
def gradient_of_a_product_that_overflows():
    w = ad.Scalar(1e-200, name="w")
    return (w * 1e200) * 1e200 * 1e-10


@expect(Caused("backward", "div"))
def division_by_a_subnormal_number():
    x, y = ad.Scalar(1e-320, name="x"), ad.Scalar(2e-320, name="y")
    return x / y


@expect(Caused("backward", "sqrt", (0, 1)))
def frobenius_norm_of_each_empty_patch():
    x = tensor([[[1.0, 0.0], [2.0, 0.0]]], "x")
    return ad.sum(ad.sqrt(ad.sum(x * x, axis=1)))


# Traps: loss and gradients are finite, and still something is wrong or about to be.


@expect(Trapped("infinite-derivative", "sqrt"))
def root_of_a_relu_that_is_off():
    w, x = ad.Scalar(1.0, name="w"), ad.Scalar(-2.0, name="x")
    return ad.sqrt(ad.relu(w * x)) + w


@expect(Trapped("hidden-nan", "sqrt gives NaN"))
def root_guarded_by_where_from_the_outside():
    x = tensor([4.0, -1.0], "x")
    return ad.sum(ad.where(x.data > 0, ad.sqrt(x), 0.0))


@expect(Trapped("hidden-nan", "log gives −inf"))
def logarithm_guarded_by_where():
    x = tensor([1.0, 0.0], "x")
    return ad.sum(ad.where(x.data > 0, x * ad.log(x), 0.0))


@expect(Trapped("hidden-nan", "derivative of sqrt"))
def infinite_slope_guarded_by_where():
    x = tensor([4.0, 0.0], "x")
    return ad.sum(ad.where(x.data > 0, ad.sqrt(x), 0.0))


@expect(Trapped("hidden-nan", "div gives"))
def ratio_guarded_by_where():
    a, b = tensor([1.0, 2.0], "a"), tensor([2.0, 0.0], "b")
    return ad.sum(ad.where(b.data == 0, 0.0, a / b))


@expect(Trapped("undefined-at-zero", "norm of zeros"))
def penalty_on_the_norm_of_a_zero_vector():
    w, x = tensor(np.zeros(3), "w"), tensor([1.0, 2.0, 3.0], "x")
    return (ad.sum(w * x) - 1.0) ** 2 + 0.1 * ad.linalg.norm(w)


@expect(Trapped("undefined-at-zero", "deviation of equal numbers"))
def penalty_on_the_spread_of_equal_weights():
    w = tensor(np.full(4, 0.5), "w")
    return ad.sum(w * np.arange(4.0)) + ad.std(w)


@expect(Trapped("tied-maxima", "2 numbers"))
def maximum_of_tied_scores():
    s = tensor([1.0, 3.0, 3.0], "s")
    return ad.max(s * 2.0)


@expect(Trapped("tied-maxima", "tie"))
def maximum_of_two_equal_critics():
    q1, q2 = tensor([1.0, 2.0], "q1"), tensor([1.0, 3.0], "q2")
    return ad.sum(ad.minimum(q1, q2))


@expect(Trapped("tied-maxima", "numbers"))
def pooling_over_a_flat_image():
    image = tensor(np.ones((4, 4)), "image")
    w = tensor([[0.5]], "w")
    return ad.sum(ad.max(ad.reshape(image * w, (2, 2, 2, 2)), axis=(1, 3)))


@expect(Trapped("saturated", "sigmoid"))
def sigmoid_of_unscaled_pixels():
    rng = np.random.default_rng(0)
    w, x = tensor(rng.normal(size=(20, 3)), "w"), rng.uniform(0, 255, size=(5, 20))
    return ad.mean((ad.sigmoid(x @ w) - 0.5) ** 2)


@expect(Trapped("saturated", "tanh"))
def tanh_of_a_weight_that_grew():
    w, x = ad.Scalar(30.0, name="w"), ad.Scalar(0.5, name="x")
    return (ad.tanh(w * x) - 0.3) ** 2


@expect(Trapped("saturated", "probability"))
def attention_without_its_scale():
    rng = np.random.default_rng(1)
    q, k = tensor(30 * rng.normal(size=(4, 16)), "q"), tensor(30 * rng.normal(size=(4, 16)), "k")
    return ad.sum(ad.softmax(q @ k.T) @ rng.normal(size=(4, 2)))


@expect(Trapped("saturated", "length 1"))
def softmax_over_the_wrong_axis_of_one_output():
    w = tensor(noise(3, 1), "w")
    return ad.mean((ad.softmax(noise(5, 3, seed=1) @ w, axis=1) - 0.3) ** 2)


@expect(Trapped("exp-near-overflow", "exp(680.0)"))
def exponential_about_to_overflow():
    w = ad.Scalar(6.8, name="w")
    return ad.exp(w * 100.0) * 1e-290


@expect(Trapped("exp-near-overflow", "float32"))
def softmax_by_hand_in_float32():
    z = ad.Tensor(np.array([1.0, 84.0, 83.5], dtype=np.float32), "z")
    e = ad.exp(z)
    return ad.sum(e / ad.sum(e) * np.array([1.0, 2.0, 3.0], dtype=np.float32))


@expect(Trapped("unreached-parameter", "not in the graph"))
def parameter_that_is_never_used():
    model = nn.MLP([3, 4, 2], rng=np.random.default_rng(0), dtype=float)
    extra = nn.Parameter(np.ones(2), name="gain")
    loss = nn.cross_entropy(model(noise(5, 3)), np.arange(5) % 2)
    return loss, {**dict(model.named_parameters()), "gain": extra}


@expect(Trapped("unreached-parameter", "detach()"))
def target_network_that_was_to_be_trained():
    w, v = tensor([1.0, 2.0], "w"), tensor([0.5, 0.5], "v")
    hidden = (v * 2.0).detach()
    return ad.sum(w * hidden), [w, v]


@expect(Trapped("unreached-parameter", "cast to integers"))
def embedding_index_computed_from_a_parameter():
    table, position = tensor(noise(5), "table"), tensor([1.2, 3.7], "position")
    return ad.sum(table[position.astype(int).data] * position.astype(int)), [table, position]


@expect(Trapped("unreached-parameter", "plain numbers"))
def parameter_used_as_plain_numbers():
    w, b = tensor([1.0, 2.0], "w"), tensor([0.1, 0.2], "b")
    return ad.sum((w * 3.0 + b.numpy()) ** 2), [w, b]


@expect(Trapped("unreached-parameter", "no_grad"))
def features_computed_under_no_grad():
    w, v = tensor([1.0, 2.0], "w"), tensor([0.5, 0.5], "v")
    with ad.no_grad():
        features = ad.tanh(v * 3.0)
    return ad.sum((w * features - 1.0) ** 2), [w, v]


@expect(Trapped("unreached-parameter", "new leaf"))
def parameters_packed_into_a_new_tensor():
    a = tensor([1.0, 2.0], "a")
    packed = ad.Tensor(a * 2.0)
    return ad.sum(packed * packed), [a]


@expect(Trapped("zero-gradient", "relu is off"))
def dead_relu():
    w, b, x = tensor([0.1, -0.2], "w"), ad.Scalar(-5.0, name="b"), np.array([1.0, 2.0])
    return (ad.relu(ad.sum(w * x) + b) - 1.0) ** 2


@expect(Trapped("zero-gradient", "multiplied in"))
def dead_initialisation():
    model = nn.MLP([3, 4, 1], activation="tanh", rng=np.random.default_rng(0), dtype=float)
    for parameter in model.parameters():
        parameter.data[...] = 0.0
    return ad.mean((model(noise(6, 3)) - 1.0) ** 2)


@expect(Trapped("zero-gradient", "relu is off"))
def hidden_layer_with_a_large_negative_bias():
    model = nn.MLP([3, 4, 2], rng=np.random.default_rng(0), dtype=float)
    model.linear1.bias.data[...] = -50.0
    return nn.cross_entropy(model(noise(6, 3)), np.arange(6) % 2)


@expect(Trapped("zero-gradient", "clip cuts off"))
def ratio_clipped_everywhere():
    r = tensor([2.0, 3.0], "ratio")
    return ad.sum(ad.clip(r * 1.0, 0.8, 1.2) * np.array([1.0, -2.0]))


@expect(Trapped("zero-gradient", "minimum selects"))
def reward_capped_below_what_is_reached():
    reward = tensor([2.0, 3.0], "reward")
    return ad.sum(ad.minimum(reward, 1.0))


@expect(Trapped("accidental-broadcast", "(8, 8)"))
def targets_kept_as_a_column():
    w = tensor([0.1, 0.2], "w")
    return ad.mean((noise(8, 2) @ w - noise(8, 1, seed=1)) ** 2)


@expect(Trapped("zero-gradient", "step function"))
def rounding_in_the_middle():
    w = tensor([0.3, 1.7], "w")
    return ad.mean((ad.round(w * 3.0) - 1.0) ** 2)


@expect(Trapped("zero-gradient", "step function"))
def accuracy_used_as_a_loss():
    w, x, y = tensor([0.5, -1.0], "w"), noise(6, 2), np.array([1.0, -1, 1, -1, 1, -1])
    return ad.mean((ad.sign(x @ w) - y) ** 2)


@expect(Trapped("zero-gradient", "selects"))
def margin_that_is_never_the_larger():
    w = ad.Scalar(0.5, name="w")
    return ad.maximum(w * 2.0, 10.0) * 3.0


@expect(Trapped("zero-gradient", "multiplied in"))
def mask_that_hides_everything():
    w = tensor([1.0, 2.0], "w")
    return ad.sum(ad.tanh(w) * np.zeros(2)) + 1.0


@expect(Trapped("zero-gradient", "dropout dropped"))
def dropout_of_everything():
    w, v = tensor([1.0, 2.0], "w"), tensor([0.5, 0.1], "v")
    return ad.sum(ad.dropout(w * 2.0, 0.999, rng=np.random.default_rng(0)) * v)


@expect(Trapped("changed-in-place", "w was changed"))
def weight_updated_between_the_passes():
    w, x = tensor([1.0, 2.0], "w"), tensor([3.0, 4.0], "x")
    loss = ad.sum((w * x) ** 2)
    w.data -= 0.1
    return loss


@expect(Trapped("changed-in-place", "changed in place after matmul"))
def batch_array_reused_for_the_next_batch():
    w, batch = tensor(noise(3, 2), "w"), noise(4, 3, seed=1)
    loss = ad.mean((batch @ w) ** 2)
    batch[...] = 0.0
    return loss


@expect(Trapped("log-of-softmax", "softmax"))
def cross_entropy_by_hand():
    W, x, labels = tensor(noise(3, 4), "W"), noise(5, 3, seed=1), np.arange(5) % 4
    p = ad.softmax(x @ W)
    return -ad.mean(ad.log(p)[np.arange(5), labels])


@expect(Trapped("log-of-softmax", "softmax"))
def likelihood_picked_before_the_logarithm():
    W, x, labels = tensor(noise(3, 4), "W"), noise(5, 3, seed=1), np.arange(5) % 4
    e = ad.exp(x @ W)
    p = e / ad.sum(e, axis=1, keepdims=True)
    return -ad.mean(ad.log(p[np.arange(5), labels]))


@expect(Trapped("log-of-softmax", "sigmoid"))
def binary_cross_entropy_by_hand():
    w, x, y = tensor(noise(3), "w"), noise(6, 3, seed=1), np.array([0.0, 1, 0, 1, 1, 0])
    p = ad.sigmoid(x @ w)
    return -ad.mean(y * ad.log(p) + (1 - y) * ad.log(1 - p))


@expect(Trapped("float16-underflow", "float16"))
def mean_over_many_numbers_in_float16():
    w = ad.Tensor(np.full(2**15, 1e-3, dtype=np.float16), "w")
    return ad.mean(w * np.float16(1e-4))


@expect(Trapped("float16-underflow", "message"))
def small_learning_signal_in_float16():
    w = ad.Tensor(np.array([3.0, 5.0], dtype=np.float16), "w")
    return ad.sum(w * np.float16(1e-4)) * np.float16(1e-4)


@expect(Trapped("accidental-broadcast", "(8, 8)"))
def column_of_predictions_against_a_row_of_targets():
    W, x, y = tensor(noise(3, 1), "W"), noise(8, 3, seed=1), noise(8, seed=2)
    return ad.mean((x @ W - y) ** 2)


@expect(Trapped("accidental-broadcast", "(6, 6)"))
def weights_of_examples_against_a_column_of_losses():
    layer = nn.Linear(3, 1, dtype=float, rng=np.random.default_rng(0))
    weights = np.linspace(0.5, 1.5, 6)
    return ad.mean(weights * ad.square(layer(noise(6, 3))))


@expect(Trapped("accidental-broadcast", "keepdims"))
def rows_centred_by_the_wrong_means():
    x = tensor(noise(4, 4), "x")
    return ad.sum((x - ad.mean(x, axis=1)) ** 2)


@expect(Trapped("zero-gradient", "relu is off in"))
def squared_output_of_a_dead_relu():
    w, b = ad.Scalar(1.0, name="w"), ad.Scalar(-9.0, name="b")
    return ad.relu(w * 2.0 + b) ** 2


@expect(Trapped("zero-gradient", "axis of length 1"))
def log_softmax_of_a_single_output():
    return -ad.mean(ad.log_softmax(tensor([[1.0], [2.0]], "z"), axis=1))


@expect(Trapped("hidden-nan", "a factor of 0 leaves it out"))
def root_masked_by_multiplication():
    return ad.sum(ad.sqrt(tensor([0.0, 1.0], "x")) * np.array([0.0, 1.0]))


@expect(Trapped("zero-gradient", "leave the term out"))
def term_switched_off_by_a_factor_of_zero():
    return ad.log(ad.Scalar(2.0, name="x")) * 0.0
