"""A two-layer network, folded and multiply by multiply

The same network twice: layer by layer, as it is written, and unrolled into the scalars that the matrices are made of.
The numbers of both agree. One of the two hidden units is on; the other is off, and no gradient passes it.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz
from autodiff import nn

PLACE = 6  # in the index


def draw(folder: Path = Path(__file__).parent) -> list[Path]:
    first, second = (nn.Linear(2, 2, rng=np.random.default_rng(seed)) for seed in (3, 2))
    model = nn.Sequential(first, nn.ReLU(), second)
    x = ad.Tensor([[1.0, -0.5]], name="x", requires_grad=False)
    loss = nn.cross_entropy(model(x), np.array([1]), name="L")
    folded = viz.draw(loss, depth=1).save(folder / "two_layers_folded.svg")
    return [folded, viz.draw(viz.unroll(loss)).save(folder / "two_layers_unrolled.svg")]


if __name__ == "__main__":
    print(draw())
