"""micrograd's demo: a step of a network 2-16-16-1 of scalars on 100 points, hinge loss and L2, plain descent."""

from itertools import pairwise

import measure
import numpy as np
from measure import OURS, Benchmark, Run

POINTS, SIZES, BETA, LR = 100, [2, 16, 16, 1], 1e-4, 0.01
STEPS = 20  # of a turn, where one takes a few milliseconds: as in training, each finds the caches as the last left them


def data() -> tuple[np.ndarray, np.ndarray]:
    """Points and labels of ±1."""
    x = np.random.default_rng(0).standard_normal((5 if measure.quick else POINTS, 2))
    return x, np.where(x[:, 0] * x[:, 1] > 0, 1.0, -1.0)


def start() -> list[list[list[float]]]:
    """By layer and neuron: the weights, then the bias, evenly distributed in −1..1."""
    rng = np.random.default_rng(1)
    return [[[*rng.uniform(-1, 1, n).tolist(), 0.0] for _ in range(m)] for n, m in pairwise(SIZES)]


def score(layers, point, relu):
    """The network as micrograd writes it: neuron by neuron, product by product."""
    values = list(point)
    for k, layer in enumerate(layers):
        sums = [sum((w * v for w, v in zip(ws, values, strict=True)), b) for *ws, b in layer]
        values = [relu(s) for s in sums] if k + 1 < len(layers) else sums
    return values[0]


def squares(layers):
    return sum(p * p for layer in layers for neuron in layer for p in neuron)


def eager() -> tuple[Run, int]:
    import autodiff as ad

    x, y = data()
    layers = [[[ad.Scalar(p) for p in neuron] for neuron in layer] for layer in start()]
    parameters = [p for layer in layers for neuron in layer for p in neuron]

    def step() -> None:
        losses = [
            ad.relu(1 - label * score(layers, point, ad.relu))
            for point, label in zip(x.tolist(), y.tolist(), strict=True)
        ]
        loss = sum(losses) * (1 / len(x)) + BETA * squares(layers)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= LR * p.grad

    return step, 1


def compiled() -> tuple[Run, int]:
    """The same network of scalars, recorded once, and replayed over an axis of points."""
    import autodiff as ad

    x, y = data()

    def loss(layers, x, y):
        def hinge(point, label):
            return ad.relu(1 - label * score(layers, point, ad.relu))

        return ad.mean(ad.vmap(hinge)(x, y)) + BETA * squares(layers)

    @ad.compile
    def update(layers, x, y):
        gradients = ad.grad(loss)(layers, x, y)
        return [
            [[p - LR * g for p, g in zip(*both, strict=True)] for both in zip(*pair, strict=True)]
            for pair in zip(layers, gradients, strict=True)
        ]

    state = [start()]

    def step() -> None:
        for _ in range(STEPS):
            state[0] = update(state[0], x, y)

    return step, STEPS


def by_micrograd() -> tuple[Run, int]:
    from micrograd.engine import Value
    from micrograd.nn import MLP

    x, y = data()
    model = MLP(SIZES[0], SIZES[1:])

    def step() -> None:
        scores = [model([Value(v) for v in point]) for point in x.tolist()]
        losses = [(1 + -label * s).relu() for label, s in zip(y.tolist(), scores, strict=True)]
        loss = sum(losses) * (1 / len(x)) + BETA * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= LR * p.grad

    return step, 1


def by_casadi() -> tuple[Run, int]:
    """One expression of scalars for all points, with its gradient, as CasADi's virtual machine runs it."""
    import casadi as ca

    x, y = data()
    layers = [[[ca.SX.sym("p") for _ in neuron] for neuron in layer] for layer in start()]
    parameters = ca.vertcat(*[p for layer in layers for neuron in layer for p in neuron])
    losses = [
        ca.fmax(1 - label * score(layers, point, lambda s: ca.fmax(s, 0)), 0)
        for point, label in zip(x.tolist(), y.tolist(), strict=True)
    ]
    loss = sum(losses) / len(x) + BETA * squares(layers)
    updated = ca.Function("updated", [parameters], [parameters - LR * ca.gradient(loss, parameters)])
    state = [np.array([p for layer in start() for neuron in layer for p in neuron])]

    def step() -> None:
        for _ in range(STEPS):
            state[0] = updated(state[0])

    return step, STEPS


BENCHMARKS = {
    "moons-eager": Benchmark(
        "a step of micrograd's two-moons network, scalar by scalar",
        "ms per step",
        1e3,
        {OURS: eager, "micrograd": by_micrograd},
    ),
    "moons-compiled": Benchmark(
        "the same step, compiled",
        "ms per step",
        1e3,
        {OURS: compiled, "micrograd": by_micrograd, "casadi": by_casadi},
    ),
}
