"""One neuron with a squared error: L = (relu(w·x + b) − y)²

Each card shows a value and its gradient, each edge the local derivative and the message that it carries back. Messages
are upstream gradient times local derivative; from the result back to w they make the chain rule.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 0  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    """Write the picture into a folder and return its path."""
    loss = ad.parse("L = (relu(w*x + b) - y)**2", w=0.5, x=2, b=-0.3, y=1)
    return viz.draw(loss).save(folder / "first_example.svg")


if __name__ == "__main__":
    print(draw())
