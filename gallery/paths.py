"""The chain rule as a sum over paths

Each way from the result back to x contributes the product of the local derivatives along it; the gradient is their
sum. The strongest path is marked.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 14  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x = ad.Scalar(2.0, name="x")
    a, b = ad.multiply(x, 3, name="a"), ad.exp(x, name="b")
    trace = ad.backprop(ad.add(a * b, x * x, name="L"))
    strongest = viz.paths(trace, "x").listed[0]
    return viz.draw(trace, highlight=strongest).save(folder / "paths.svg")


if __name__ == "__main__":
    print(draw())
