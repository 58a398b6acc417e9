"""Softmax and cross-entropy

Written out, the loss of a classifier is a chain of steps; as one operation its rule is short: the gradient of the
logits is softmax(z) minus one for the right class.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz
from autodiff import nn

PLACE = 7  # in the index


def draw(folder: Path = Path(__file__).parent) -> list[Path]:
    data = np.array([[2.0, 1.0, -1.0]])
    z = ad.Tensor(data, name="z")
    p = ad.softmax(z, name="p")
    written_out = ad.negative(ad.log(p[0, 0]), name="L")
    first = viz.draw(written_out).save(folder / "cross_entropy_written_out.svg")
    z = ad.Tensor(data, name="z")
    second = viz.draw(nn.cross_entropy(z, np.array([0]), name="L")).save(folder / "cross_entropy.svg")
    return [first, second]


if __name__ == "__main__":
    print(draw())
