"""A linear classifier of digits: 784 inputs, 10 classes, 7,850 parameters

One digit as a picture, one weight for every pixel and class, and one bias per class: (784 + 1) · 10 = 7,850
parameters. The picture of the weights is the column whose weights are largest.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz
from autodiff import nn
from autodiff.data import digits

PLACE = 5  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    images, labels = digits.generate(16, seed=0)
    x = ad.Tensor(images.reshape(16, 784) / np.float32(255), name="x", requires_grad=False)
    model = nn.Linear(784, 10, rng=np.random.default_rng(0))
    loss = nn.cross_entropy(model(x), labels, name="L")
    return viz.draw(loss).save(folder / "linear_classifier.svg")


if __name__ == "__main__":
    print(draw())
