"""Training on images as people do it: 784-256-128-10, dropout 0.2, Adam, batches of 128, data handling included.

A turn is five epochs of 60,000 random images of MNIST's size, 8 bits a pixel: they are shuffled, cut into batches and
made float32 in 0..1. Ours is `autodiff.train.fit`, which also watches loss, accuracy and gradients, and records its
program anew in each turn.
"""

from itertools import pairwise

import measure
import numpy as np
from measure import OURS, Benchmark, Run
from steps import ADAM, NumpyOptimizer

SIZES, DROPOUT, BATCH, EPOCHS = [784, 256, 128, 10], 0.2, 128, 5


def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    n = 1_280 if measure.quick else 60_000
    return rng.integers(0, 256, (n, 784), np.uint8), rng.integers(0, 10, n)


def start() -> list[np.ndarray]:
    """Weights and biases by layer."""
    rng = np.random.default_rng(1)
    sizes = list(pairwise(SIZES))
    return [p for n, m in sizes for p in (rng.normal(0, (2 / n) ** 0.5, (n, m)).astype("f4"), np.zeros(m, "f4"))]


def batches(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    return np.split(rng.permutation(n), range(BATCH, n, BATCH))


def pixels(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) / np.float32(255)


def ours(*, eager: bool) -> tuple[Run, int]:
    from autodiff import data, nn, optim, train

    x, y = images()
    model = nn.MLP(SIZES, dropout=DROPOUT, rng=np.random.default_rng(2))
    adam, split, rng = optim.Adam(model.parameters(), lr=ADAM), data.Split(x, y), np.random.default_rng(3)
    options = {"optimizer": adam, "epochs": EPOCHS, "batch_size": BATCH, "rng": rng, "prepare": pixels, "eager": eager}
    return lambda: train.fit(model, split, **options), 1


def by_torch() -> tuple[Run, int]:
    import torch

    x, y = map(torch.from_numpy, images())
    modules: list[torch.nn.Module] = []
    for n, m in pairwise(SIZES):
        modules += [torch.nn.Linear(n, m), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    model = torch.nn.Sequential(*modules[:-2])
    adam = torch.optim.Adam(model.parameters(), lr=ADAM, fused=True)

    def epoch() -> None:
        for chosen in torch.randperm(len(x)).split(BATCH):
            adam.zero_grad()
            torch.nn.functional.cross_entropy(model(x[chosen].float() / 255), y[chosen]).backward()
            adam.step()

    return lambda: [epoch() for _ in range(EPOCHS)], 1


def by_autograd() -> tuple[Run, int]:
    import autograd.numpy as anp
    from autograd import grad

    x, y = images()
    params, rng = start(), np.random.default_rng(3)

    def loss(params, x, y, masks):
        for w, b, mask in zip(params[0:-2:2], params[1:-2:2], masks, strict=True):
            x = anp.maximum(anp.dot(x, w) + b, 0) * mask
        z = anp.dot(x, params[-2]) + params[-1]
        z = z - anp.max(z, axis=1, keepdims=True)
        return -anp.mean((z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True)))[np.arange(len(y)), y])

    gradient, adam = grad(loss), NumpyOptimizer("adam", params)

    def epoch() -> None:
        for chosen in batches(len(x), rng):
            masks = [kept(rng, len(chosen), n) for n in SIZES[1:-1]]
            adam.update(gradient(params, pixels(x[chosen]), y[chosen], masks))

    return lambda: [epoch() for _ in range(EPOCHS)], 1


def by_mygrad() -> tuple[Run, int]:
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    x, y = images()
    tensors, rng = [mygrad.tensor(p) for p in start()], np.random.default_rng(3)
    adam = NumpyOptimizer("adam", [t.data for t in tensors])

    def epoch() -> None:
        for chosen in batches(len(x), rng):
            h = pixels(x[chosen])
            for w, b in zip(tensors[0:-2:2], tensors[1:-2:2], strict=True):
                h = relu(mygrad.matmul(h, w) + b) * kept(rng, len(chosen), w.shape[1])
            softmax_crossentropy(mygrad.matmul(h, tensors[-2]) + tensors[-1], y[chosen]).backward()
            adam.update([t.grad for t in tensors])

    return lambda: [epoch() for _ in range(EPOCHS)], 1


def kept(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    """A dropout mask, scaled."""
    return (rng.random((n, m), np.float32) >= DROPOUT).astype(np.float32) / np.float32(1 - DROPOUT)


BENCHMARKS = {
    "epochs": Benchmark(
        "5 epochs of 60,000 images, 784-256-128-10 with dropout and Adam",
        "s",
        1,
        {
            OURS: lambda: ours(eager=False),
            f"{OURS}, eager": lambda: ours(eager=True),
            "torch": by_torch,
            "mygrad": by_mygrad,
            "autograd": by_autograd,
        },
    )
}
