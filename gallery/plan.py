"""What `compile` did: the plan of a training step

A step of descent for a network 784-256-10, recorded once and replayed: which steps run when, what is written over what,
and which blocks of memory serve one result after the other.
"""

from pathlib import Path

import numpy as np

import autodiff as ad
import viz
from autodiff import nn, optim

PLACE = 15  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    model = nn.MLP([784, 256, 10])
    sgd = optim.SGD(model.parameters(), lr=0.1)

    @ad.compile
    def step(x, y):
        sgd.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        sgd.step()
        return loss

    step(np.zeros((128, 784), np.float32), np.zeros(128, np.int64))
    return viz.draw(step.plan).save(folder / "plan.svg")


if __name__ == "__main__":
    print(draw())
