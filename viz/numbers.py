"""Numbers in pictures: exponents, norms and histograms. A single number is written as `autodiff.writing` does."""

import math
from typing import Any

import numpy as np

from autodiff.writing import minus, number, subscript

__all__ = ["histogram", "minus", "norm", "number", "subscript", "superscript"]

_SUPERSCRIPTS = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
BARS = "▁▂▃▄▅▆▇█"


def superscript(text: str) -> str | None:
    """A number in superscript digits; None if it has characters that have none."""
    plain = text.replace("−", "-")
    return plain.translate(_SUPERSCRIPTS) if plain and set(plain) <= set("0123456789-.") else None


def norm(array: Any) -> float:
    """The Euclidean norm of all entries, as a float that overflows only where float64 does."""
    return float(np.linalg.norm(np.asarray(array, dtype=np.float64).ravel()))


def histogram(array: Any, most: int = 12) -> str:
    """A one-line histogram of the finite entries, with fewer bins for few of them.

    >>> histogram([0, 0, 0, 0, 1, 2])
    '█▃▃'
    """
    values = np.asarray(array, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    if values.size == 0:
        return ""
    bins = min(most, max(3, math.isqrt(values.size)))
    low, high = float(values.min()), float(values.max())
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        return "▁" * (bins // 2) + "█" + "▁" * (bins - bins // 2 - 1)
    counts = np.histogram(values / max(abs(low), abs(high)), bins)[0]
    return "".join(BARS[math.ceil(7 * count / counts.max())] for count in counts)
