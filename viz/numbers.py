"""How a number is written: at most four significant digits, a true minus sign, and always the same way.

>>> [number(x) for x in (2.0, -0.6, 0.09, 12.345, 1234.5, 123456.0, 0.01234, -1.5e-7, 0.0, 2)]
['2.000', '−0.600', '0.0900', '12.35', '1234', '1.235e5', '0.0123', '−1.500e−7', '0.000', '2']
"""

import math
from typing import Any

import numpy as np

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
BARS = "▁▂▃▄▅▆▇█"


def number(x: Any) -> str:
    """A real number in at most four significant digits; Python integers as they are; NaN and inf by name."""
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | np.integer):
        return minus(str(int(x))) if abs(int(x)) < 100_000 else _large(int(x))
    x = float(x)
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "inf" if x > 0 else "−inf"
    size = abs(x)
    if size == 0:
        return "0.000"
    if size < 1e-3 or size >= 9999.5:
        mantissa, exponent = f"{x:.3e}".split("e")
        return minus(f"{mantissa}e{int(exponent)}")
    if size < 0.0995:  # three digits, however many zeros stand before them
        return minus(f"{x:.{2 - math.floor(math.log10(float(f'{size:.2e}')))}f}")
    # Rounding may add a digit (9.9996 -> 10.000), so the number of decimals is read off the rounded number.
    whole = len(str(int(float(f"{size:.3e}"))))
    return minus(f"{x:.{max(0, 4 - whole)}f}")


def _large(x: int) -> str:
    """An integer of six digits or more as a float of its size is written, even where no float is so large."""
    try:
        return number(float(x))
    except OverflowError:
        digits = str(abs(x))
        return minus(f"{'-' * (x < 0)}{digits[0]}.{digits[1:4]}e{len(digits) - 1}")


def minus(text: str) -> str:
    """Hyphens as true minus signs."""
    return text.replace("-", "−")


def subscript(n: int) -> str:
    """An integer in subscript digits."""
    return str(n).translate(_SUBSCRIPTS)


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
