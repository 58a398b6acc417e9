"""Heat: log10 of a gradient's norm as a colour, from a scale that grows lighter at every step.

The scale runs from navy over grey to yellow, as cividis does (Nuñez, Anderton & Renslow 2018), so that it reads the
same to colour-blind people, and its order survives a print in grey.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .numbers import number

LEVELS = 32
MOST_DECADES = 8.0  # gradients smaller by more than this factor of ten share the lowest colour
_STOPS = ((11, 36, 71), (60, 82, 119), (122, 124, 122), (187, 168, 92), (252, 232, 82))


def colours() -> list[str]:
    """The scale, from the smallest gradient's colour to the largest's.

    >>> colours()[0], colours()[-1], len(colours())
    ('#0b2447', '#fce852', 32)
    """
    found = []
    for level in range(LEVELS):
        place = level / (LEVELS - 1) * (len(_STOPS) - 1)
        i = min(int(place), len(_STOPS) - 2)
        pair = zip(_STOPS[i], _STOPS[i + 1], strict=True)
        found.append("#" + "".join(f"{round(a + (b - a) * (place - i)):02x}" for a, b in pair))
    return found


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1, as WCAG 2.2 defines it.

    >>> luminance("#ffffff")
    1.0
    """
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink(colour: str) -> str:
    """Black or white, whichever reads better on the colour.

    >>> ink("#0b2447"), ink("#fce852")
    ('#ffffff', '#000000')
    """
    return max("#ffffff", "#000000", key=lambda text: contrast(text, colour))


def magnitude(g: Any) -> float | None:
    """log10 of the Euclidean norm of a gradient; -inf for zero; None where there is none, or none that is finite.

    >>> magnitude([3.0, -4.0]) == math.log10(5), magnitude(0.0), magnitude(None)
    (True, -inf, None)
    """
    if g is None:
        return None
    array = np.abs(np.asarray(g, dtype=np.float64).ravel())
    largest = float(array.max(initial=0.0))
    if not math.isfinite(largest):
        return None
    if largest == 0:
        return -math.inf
    # Scaled first: the squares of huge and of tiny numbers are not floats.
    return math.log10(largest) + math.log10(float(np.linalg.norm(array / largest)))


@dataclass(frozen=True)
class Heat:
    """The range of log10 |g| that the scale spans in one drawing."""

    low: float
    high: float

    @classmethod
    def of(cls, gradients: Iterable[Any]) -> "Heat":
        """The range of these gradients, no more than `MOST_DECADES` wide."""
        sizes = [m for m in map(magnitude, gradients) if m is not None and math.isfinite(m)]
        high = max(sizes, default=0.0)
        return cls(max(min(sizes, default=0.0), high - MOST_DECADES), high)

    def level(self, g: Any) -> int | None:
        """A place on the scale; −1 for a gradient of zero, None where there is no colour to give."""
        size = magnitude(g)
        if size is None:
            return None
        if size == -math.inf:
            return -1
        if self.high - self.low < 1e-9:
            return LEVELS - 1
        place = (size - self.low) / (self.high - self.low)
        return round(min(1.0, max(0.0, place)) * (LEVELS - 1))

    def labels(self) -> list[str]:
        """The numbers at the lower end, in the middle and at the upper end of the legend.

        >>> Heat(-2.0, 2.0).labels()
        ['0.0100', '1.000', '100.0']
        """
        return [number(10.0**place) for place in (self.low, (self.low + self.high) / 2, self.high)]
