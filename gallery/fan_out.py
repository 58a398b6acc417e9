"""Fan-out, and the sum

A value that is used twice receives a message from each use. Its gradient is their sum, which stands on its card.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 2  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x = ad.Scalar(2.0, name="x")
    left, right = ad.multiply(x, 3, name="a"), ad.exp(x, name="b")
    return viz.draw(ad.add(left, right, name="L")).save(folder / "fan_out.svg")


if __name__ == "__main__":
    print(draw())
