"""A residual connection

The input goes around the block as well as through it: its gradient is the one from the way around, whole, plus the
one from the way through.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 11  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x = ad.Scalar(0.5, name="x")
    with ad.scope("block"):
        inside = ad.tanh(ad.multiply(x, 0.1, name="u"), name="f")
    y = ad.add(x, inside, name="y")
    return viz.draw(ad.square(y, name="L")).save(folder / "residual.svg")


if __name__ == "__main__":
    print(draw())
