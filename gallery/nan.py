"""A NaN and its path

The root of a negative number is NaN. It spreads forward through everything that uses it, and backward into every leaf
that reaches it: the red cards and edges.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz

PLACE = 12  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x, w = ad.Tensor([4.0, -1.0], name="x"), ad.Tensor([1.0, 2.0], name="w")
    with np.errstate(invalid="ignore"):
        r = ad.sqrt(x, name="r")
        loss = ad.sum(r * w, name="L") + ad.sum(w * 2.0)
        return viz.draw(ad.multiply(loss, 1.0, name="loss")).save(folder / "nan.svg")


if __name__ == "__main__":
    print(draw())
