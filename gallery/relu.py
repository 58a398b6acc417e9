"""A ReLU that is on, and one that is off

Where its input is positive the ReLU passes the gradient on; where it is not, it sends zero, and all that lies behind
it learns nothing.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 4  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    w = ad.Scalar(1.5, name="w")
    on = ad.relu(ad.multiply(w, 2.0, name="u"), name="on")
    off = ad.relu(ad.multiply(w, -2.0, name="v"), name="off")
    return viz.draw(ad.add(on, off, name="L")).save(folder / "relu.svg")


if __name__ == "__main__":
    print(draw())
