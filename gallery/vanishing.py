"""Twenty sigmoids beside twenty ReLUs

The slope of a sigmoid is at most a quarter, so through twenty of them almost nothing of the gradient is left; through
ReLUs that are on it arrives whole. Colour is the power of ten of the gradient.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 10  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    x = ad.Scalar(1.0, name="x")
    ends = []
    for activation, name in ((ad.sigmoid, "sigmoids"), (ad.relu, "ReLUs")):
        with ad.scope(name):
            h = x
            for _ in range(20):
                h = activation(h)
        ends.append(h)
    loss = ad.add(*ends, name="L")
    options = {"heat": True, "show": ("value", "gradient"), "direction": "TB"}
    return viz.draw(loss, **options).save(folder / "vanishing.svg")


if __name__ == "__main__":
    print(draw())
