"""A single multiply

The smallest backward pass: each operand of a product receives the other one, times what came from above.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 1  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    w, x = ad.Scalar(3.0, name="w"), ad.Scalar(-2.0, name="x")
    return viz.draw(ad.multiply(w, x, name="L")).save(folder / "multiply.svg")


if __name__ == "__main__":
    print(draw())
