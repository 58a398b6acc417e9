"""Gradient checkpointing

Recorded as it is, a block keeps every value it computes until the backward pass. Rematerialised, it is one node: its
inside is computed again when its gradient is asked for. The gradients are the same.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 13  # in the index


def draw(folder: Path = Path(__file__).parent) -> list[Path]:
    def block(x: ad.Tensor) -> ad.Tensor:
        return ad.tanh(ad.sin(x * 2.0) + x)

    data = [[0.1, -0.4], [0.7, 1.2]]
    pictures = []
    for function, name in ((block, "checkpointing_kept.svg"), (ad.remat(block), "checkpointing_again.svg")):
        x = ad.Tensor(data, name="x")
        pictures.append(viz.draw(ad.sum(function(x), name="L")).save(folder / name))
    return pictures


if __name__ == "__main__":
    print(draw())
