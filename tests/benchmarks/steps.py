"""A training step of a ReLU network: forward pass, softmax cross-entropy, backward pass, update; 128 examples, float32.

All begin from the same weights and see the same batches. A turn is so many steps that what the others have left in the
caches makes no difference: networks are trained for thousands. "Products alone" is what no implementation of this
arithmetic can be quicker than with the same library: each product, into memory that is there already.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import measure
import numpy as np
from measure import OURS, Benchmark, Contestant, Run

BATCH, BATCHES = 128, 16
SGD, ADAM = 0.01, 0.001  # learning rates
EAGER = f"{OURS}, eager"

Step = Callable[[int], object]  # from the number of a batch


class Problem:
    """Sizes, random data, and weights to start from."""

    def __init__(self, sizes: list[int], optimizer: str) -> None:
        rng = np.random.default_rng(0)
        self.sizes, self.optimizer = sizes, optimizer
        self.x = rng.random((BATCH * BATCHES, sizes[0]), dtype=np.float32)
        self.y = rng.integers(0, sizes[-1], BATCH * BATCHES)
        pairs = list(pairwise(sizes))
        self.weights = [(rng.standard_normal(pair) * np.sqrt(2 / pair[0])).astype(np.float32) for pair in pairs]

    def parameters(self) -> list[np.ndarray]:
        return [p.copy() for w in self.weights for p in (w, np.zeros(w.shape[1], np.float32))]

    def batch(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = slice(i * BATCH, (i + 1) * BATCH)
        return self.x[chosen], self.y[chosen]


def ours(problem: Problem, *, eager: bool = False) -> Step:
    import autodiff as ad
    from autodiff import nn, optim

    model = nn.MLP(problem.sizes)
    for parameter, start in zip(model.parameters(), problem.parameters(), strict=True):
        parameter.data[...] = start
    kinds = {"sgd": partial(optim.SGD, lr=SGD), "adam": partial(optim.Adam, lr=ADAM)}
    optimizer = kinds[problem.optimizer](model.parameters())

    def step(x, y) -> None:
        optimizer.zero_grad()
        nn.cross_entropy(model(x), y).backward()
        optimizer.step()

    run = step if eager else ad.compile(step)
    return lambda i: run(*problem.batch(i))


def products(problem: Problem) -> Step:
    """The matrix products of a step, and nothing else."""
    weights = problem.weights
    outputs = [np.ones((BATCH, w.shape[1]), np.float32) for w in weights]
    gradients = [np.empty_like(w) for w in weights]
    messages = [np.empty((BATCH, w.shape[0]), np.float32) for w in weights]

    def step(i: int) -> None:
        inputs = [problem.batch(i)[0], *outputs]
        for k, w in enumerate(weights):
            np.matmul(inputs[k], w, out=outputs[k])
        for k in reversed(range(len(weights))):
            np.matmul(inputs[k].T, outputs[k], out=gradients[k])
            if k:
                np.matmul(outputs[k], weights[k].T, out=messages[k])

    return step


def by_torch(problem: Problem) -> Step:
    import torch

    modules: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(problem.sizes):
        modules += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for parameter, start in zip(model.parameters(), problem.parameters(), strict=True):
            parameter.copy_(torch.from_numpy(start.T))
    kinds = {"sgd": partial(torch.optim.SGD, lr=SGD), "adam": partial(torch.optim.Adam, lr=ADAM)}
    optimizer = kinds[problem.optimizer](model.parameters(), fused=True)
    batches = [tuple(map(torch.from_numpy, problem.batch(i))) for i in range(BATCHES)]

    def step(i: int) -> None:
        x, y = batches[i]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def by_jax(problem: Problem) -> Step:
    import jax
    import jax.numpy as jnp

    def loss(params, x, y):
        for w, b in zip(params[0:-2:2], params[1:-2:2], strict=True):
            x = jax.nn.relu(x @ w + b)
        scores = jax.nn.log_softmax(x @ params[-2] + params[-1])
        return -scores[jnp.arange(BATCH), y].mean()

    def sgd(params, m, v, t, x, y):
        return [p - SGD * g for p, g in zip(params, jax.grad(loss)(params, x, y), strict=True)], m, v

    def adam(params, m, v, t, x, y):
        gradients = jax.grad(loss)(params, x, y)
        m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients, strict=True)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients, strict=True)]
        roots = [jnp.sqrt(a / (1 - 0.999**t)) + 1e-8 for a in v]
        return [p - ADAM * (a / (1 - 0.9**t)) / r for p, a, r in zip(params, m, roots, strict=True)], m, v

    update = jax.jit({"sgd": sgd, "adam": adam}[problem.optimizer], donate_argnums=(0, 1, 2))
    params = [jnp.asarray(p) for p in problem.parameters()]
    state = [params, [jnp.zeros_like(p) for p in params], [jnp.zeros_like(p) for p in params]]
    times = [0]
    batches = [tuple(map(jnp.asarray, problem.batch(i))) for i in range(BATCHES)]

    def step(i: int) -> None:
        times[0] += 1
        state[:] = update(*state, float(times[0]), *batches[i])
        state[0][0].block_until_ready()

    return step


class NumpyOptimizer:
    """The update that peers without an optimiser of their own are given."""

    def __init__(self, kind: str, params: list[np.ndarray]) -> None:
        self.params, self.is_adam, self.t = params, kind == "adam", 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in params]

    def update(self, gradients) -> None:
        self.t += 1
        for p, g, (m, v) in zip(self.params, gradients, self.moments, strict=True):
            if self.is_adam:
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= ADAM * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
            else:
                p -= SGD * g


def by_autograd(problem: Problem) -> Step:
    import autograd.numpy as anp
    from autograd import grad

    params, rows = problem.parameters(), np.arange(BATCH)

    def loss(params, x, y):
        for w, b in zip(params[0:-2:2], params[1:-2:2], strict=True):
            x = anp.maximum(anp.dot(x, w) + b, 0)
        z = anp.dot(x, params[-2]) + params[-1]
        z = z - anp.max(z, axis=1, keepdims=True)
        return -anp.mean((z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True)))[rows, y])

    gradient, optimizer = grad(loss), NumpyOptimizer(problem.optimizer, params)
    return lambda i: optimizer.update(gradient(params, *problem.batch(i)))


def by_mygrad(problem: Problem) -> Step:
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    tensors = [mygrad.tensor(p) for p in problem.parameters()]
    optimizer = NumpyOptimizer(problem.optimizer, [t.data for t in tensors])

    def step(i: int) -> None:
        h, y = problem.batch(i)
        for w, b in zip(tensors[0:-2:2], tensors[1:-2:2], strict=True):
            h = relu(mygrad.matmul(h, w) + b)
        softmax_crossentropy(mygrad.matmul(h, tensors[-2]) + tensors[-1], y).backward()
        optimizer.update([t.grad for t in tensors])

    return step


CONTESTANTS = {
    OURS: ours,
    EAGER: partial(ours, eager=True),
    "torch": by_torch,
    "jax": by_jax,
    "mygrad": by_mygrad,
    "autograd": by_autograd,
    "products alone": products,
}


def epochs(make: Callable[[Problem], Step], sizes: list[int], optimizer: str, passes: int) -> Contestant:
    """Every batch so many times, as something to be timed."""

    def set_up() -> tuple[Run, int]:
        step = make(Problem(sizes, optimizer))
        count = 2 if measure.quick else BATCHES * passes
        return lambda: [step(i % BATCHES) for i in range(count)], count

    return set_up


def _benchmark(network: str, optimizer: str, passes: int) -> Benchmark:
    sizes = [int(size) for size in network.split("-")]
    runs = {name: epochs(make, sizes, optimizer, passes) for name, make in CONTESTANTS.items()}
    return Benchmark(f"a training step of {network}, {optimizer}", "ms per step", 1e3, runs)


BENCHMARKS = {
    f"step-{network}-{optimizer}": _benchmark(network, optimizer, passes)
    for network, optimizer, passes in [
        ("784-10", "sgd", 20),
        ("784-256-128-10", "sgd", 6),
        ("784-256-128-10", "adam", 6),
        ("784-1024-1024-10", "adam", 1),
    ]
}
