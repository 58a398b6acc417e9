"""The L2 penalty has a path of its own

A weight reaches the loss twice: through the prediction, and through the penalty β/2 · w². The two messages meet on
the weight's card: the error pulls one way, the penalty towards zero.
"""

from pathlib import Path

import autodiff as ad
import viz

PLACE = 9  # in the index


def draw(folder: Path = Path(__file__).parent) -> Path:
    w, x, y, beta = (ad.Scalar(v, name=n) for n, v in {"w": 1.5, "x": 2.0, "y": 1.0, "beta": 0.5}.items())
    error = ad.square(w * x - y, name="error")
    penalty = ad.multiply(beta / 2, w * w, name="penalty")
    loss = ad.add(error, penalty, name="L")
    return viz.draw(loss, wrt="w").save(folder / "l2.svg")


if __name__ == "__main__":
    print(draw())
