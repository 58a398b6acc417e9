"""x times itself

Both operands of the product are x: two edges, two messages, and their sum 2x. No rule for squares is needed.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 3  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x = ad.Scalar(3.0, name="x")
    return viz.draw(ad.multiply(x, x, name="L")).save(folder / "square.svg")


if __name__ == "__main__":
    print(draw())
