"""What recording and differentiating one operation costs, where the numbers themselves cost next to nothing."""

from measure import OURS, Benchmark, Run

STEPS = 225  # of two operations: as long a chain as micrograd's recursion allows
LAYERS = 300  # of three operations
NUMBERS = 64


def chain(x, steps):
    a = x
    for _ in range(steps):
        x = x * a + a
    return x


def layers(tanh, v, steps):
    x = v
    for _ in range(steps):
        x = tanh(x) * v + v
    return x


def chain_ours() -> tuple[Run, int]:
    import autodiff as ad

    return lambda: chain(ad.Scalar(0.5), STEPS).backward(), 2 * STEPS


def chain_micrograd() -> tuple[Run, int]:
    from micrograd.engine import Value

    return lambda: chain(Value(0.5), STEPS).backward(), 2 * STEPS


def chain_torch() -> tuple[Run, int]:
    import torch

    return lambda: chain(torch.tensor(0.5, requires_grad=True), STEPS).backward(), 2 * STEPS


def chain_autograd() -> tuple[Run, int]:
    from autograd import grad

    slope = grad(lambda a: chain(a, STEPS))
    return lambda: slope(0.5), 2 * STEPS


def numbers():
    import numpy as np

    return np.random.default_rng(0).random(NUMBERS).astype(np.float32)


def layers_ours() -> tuple[Run, int]:
    import autodiff as ad

    data = numbers()
    return lambda: layers(ad.tanh, ad.Tensor(data), LAYERS).sum().backward(), 3 * LAYERS


def layers_torch() -> tuple[Run, int]:
    import torch

    data = numbers()
    return lambda: layers(torch.tanh, torch.tensor(data, requires_grad=True), LAYERS).sum().backward(), 3 * LAYERS


def layers_autograd() -> tuple[Run, int]:
    import autograd.numpy as anp
    from autograd import grad

    data = numbers()
    slope = grad(lambda v: anp.sum(layers(anp.tanh, v, LAYERS)))
    return lambda: slope(data), 3 * LAYERS


def layers_mygrad() -> tuple[Run, int]:
    import mygrad

    data = numbers()
    return lambda: layers(mygrad.tanh, mygrad.tensor(data), LAYERS).sum().backward(), 3 * LAYERS


BENCHMARKS = {
    "scalars": Benchmark(
        "a chain of x·a + a, forward and backward",
        "µs per operation",
        1e6,
        {OURS: chain_ours, "micrograd": chain_micrograd, "torch": chain_torch, "autograd": chain_autograd},
    ),
    "small-tensors": Benchmark(
        f"a chain of tanh(x)·v + v on {NUMBERS} numbers, float32, forward and backward",
        "µs per operation",
        1e6,
        {OURS: layers_ours, "torch": layers_torch, "autograd": layers_autograd, "mygrad": layers_mygrad},
    ),
}
