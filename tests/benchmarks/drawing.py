"""A deep network as SVG: from the loss to the file, layout included; 200 layers of 16 units are about 1,000 nodes."""

import tempfile
from pathlib import Path

import measure
import numpy as np
from measure import OURS, Benchmark, Run

WIDTH, EXAMPLES = 16, 4


def layers() -> int:
    return 5 if measure.quick else 200


def data() -> tuple[np.ndarray, np.ndarray]:
    return np.ones((EXAMPLES, WIDTH), np.float32), np.arange(EXAMPLES)


def ours() -> tuple[Run, int]:
    import autodiff as ad
    import viz
    from autodiff import nn

    x, y = data()
    model = nn.MLP([WIDTH] * (layers() + 1))
    folder = tempfile.TemporaryDirectory()

    def draw() -> None:
        viz.draw(nn.cross_entropy(model(ad.Tensor(x)), y), Path(folder.name) / "network.svg")

    return draw, 1


def by_torchviz() -> tuple[Run, int]:
    """`dot`, which torchviz calls, must be installed."""
    import torch
    import torchviz

    x, y = map(torch.from_numpy, data())
    modules: list[torch.nn.Module] = []
    for _ in range(layers()):
        modules += [torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    folder = tempfile.TemporaryDirectory()

    def draw() -> None:
        loss = torch.nn.functional.cross_entropy(model(x), y)
        graph = torchviz.make_dot(loss, params=dict(model.named_parameters()))
        graph.render(Path(folder.name) / "network", format="svg")

    return draw, 1


BENCHMARKS = {"drawing": Benchmark(str(__doc__).split(";")[0], "s", 1, {OURS: ours, "torchviz": by_torchviz})}
