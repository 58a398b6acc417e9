"""Numbers in pictures: exponents, norms and histograms. A single number is written as `autodiff.writing` does."""

import math
from typing import Any

import numpy as np

from autodiff.writing import minus, number, subscript

__all__ = ["bytes_of", "histogram", "minus", "norm", "number", "subscript", "superscript"]

_SUPERSCRIPTS = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
BARS = "▁▂▃▄▅▆▇█"


def superscript(text: str) -> str | None:
    """A number in superscript digits; None if it has characters that have none."""
    plain = text.replace("−", "-")
    return plain.translate(_SUPERSCRIPTS) if plain and set(plain) <= set("0123456789-.") else None


def bytes_of(count: int) -> str:
    """A size in memory, in units of 1024.

    >>> bytes_of(0), bytes_of(512), bytes_of(401_408), bytes_of(3 * 2**30)
    ('0 B', '512 B', '392 KiB', '3.0 GiB')
    """
    size, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while size >= 1000 and unit != "TiB":
        size, unit = size / 1024, next(units)
    return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"


def norm(array: Any) -> float:
    """The Euclidean norm of all entries; infinite only if it is no float64 itself, NaN if there is one.

    >>> norm([-1e300, 0.0]), norm(-1e-300)
    (1e+300, 1e-300)
    """
    if isinstance(array, float):  # NumPy takes twenty times as long, and a large page asks for thousands
        return abs(array)
    values = np.abs(np.asarray(array, dtype=np.float64)).ravel()
    largest = float(values.max(initial=0.0))
    if not largest or not math.isfinite(largest):
        return largest
    # Scaled first, by a power of two, which rounds nothing: the squares of huge and of tiny numbers are not floats.
    scale = math.ldexp(1.0, math.frexp(largest)[1] - 1)
    return scale * float(np.linalg.norm(values / scale))


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
