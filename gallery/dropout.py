"""Dropout on, and off

In training a mask of zeros and twos multiplies the layer, and the gradient goes through the same mask. Without
training there is no mask at all.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz

PLACE = 8  # in the index


def draw(folder: Path = Path(__file__).parent) -> list[Path]:
    def network(training: bool) -> ad.Tensor:
        x = ad.Tensor([[0.5, -1.0, 2.0]], name="x")
        h = ad.dropout(ad.tanh(x, name="h"), 0.5, rng=np.random.default_rng(1), training=training, name="kept")
        return ad.sum(h * np.array([1.0, 2.0, 3.0]), name="L")

    pictures = []
    for training, name in ((True, "dropout_on.svg"), (False, "dropout_off.svg")):
        pictures.append(viz.draw(network(training)).save(folder / name))
    return pictures


if __name__ == "__main__":
    print(draw())
