"""Heat: the size of a gradient as a colour, from a scale whose lightness alone already orders it.

The size is log10 of the gradient's Euclidean norm. Each theme has a scale of its own, from its background, which a
vanished gradient fades into, to a colour on which its text still reads. So it is read by colour-blind people and in
grey print.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .numbers import minus, norm
from .theme import Theme

LEVELS = 32  # colours of a scale
SWATCHES = 5  # of them in a legend, or fewer
FEWEST_DECADES = 1.0  # a scale spans at least this, so that gradients of about one size have about one colour
MOST_DECADES = 12.0  # gradients smaller by more than this power of ten share the lowest colour


def colours(theme: Theme) -> list[str]:
    """The scale, from the smallest gradient's colour to the largest's, in steps of equal length.

    >>> from viz.theme import LIGHT
    >>> colours(LIGHT)[0], colours(LIGHT)[-1], len(colours(LIGHT))
    ('#fffaf0', '#e57a1c', 32)
    """
    stops = [_channels(stop) for stop in theme.heat]
    found = []
    for level in range(LEVELS):
        place = level / (LEVELS - 1) * (len(stops) - 1)
        i = min(int(place), len(stops) - 2)
        found.append(
            "#" + "".join(f"{round(a + (b - a) * (place - i)):02x}" for a, b in zip(*stops[i : i + 2], strict=True))
        )
    return found


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1, as WCAG 2.2 defines it.

    >>> luminance("#ffffff")
    1.0
    """
    shares = [channel / 255 for channel in _channels(colour)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def magnitude(g: Any) -> float | None:
    """log10 of the Euclidean norm of a gradient; −inf for zero; None where there is none, or none that is finite.

    >>> magnitude([3.0, -4.0]) == math.log10(5), magnitude(0.0), magnitude(None)
    (True, -inf, None)
    """
    if g is None:
        return None
    size = norm(g)
    if not math.isfinite(size):
        return None
    return math.log10(size) if size else -math.inf


GRADIENT = "‖gradient‖"


class Sizes(NamedTuple):
    """What cards are coloured by, if not by their gradients: what the numbers are, and the number of each node."""

    what: str
    of_node: Mapping[int, float]


@dataclass(frozen=True)
class Heat:
    """The range of log10 ‖g‖, or of another size, that the scale spans in one drawing."""

    low: float
    high: float
    what: str = GRADIENT

    @classmethod
    def of(cls, gradients: Iterable[Any], what: str = GRADIENT) -> "Heat":
        """The range of these gradients, `FEWEST_DECADES` to `MOST_DECADES` wide."""
        sizes = [m for m in map(magnitude, gradients) if m is not None and math.isfinite(m)]
        high = max(sizes, default=0.0)
        low = min(sizes, default=0.0)
        return cls(min(max(low, high - MOST_DECADES), high - FEWEST_DECADES), high, what)

    def level(self, size: float | None) -> int | None:
        """The place of a `magnitude` on the scale; −1 for a gradient of zero, None where there is no colour to give."""
        if size is None:
            return None
        if size == -math.inf:
            return -1
        place = (size - self.low) / (self.high - self.low)
        return round(min(1.0, max(0.0, place)) * (LEVELS - 1))

    def colour(self, size: float | None, theme: Theme) -> str:
        """The colour of a `magnitude`: the theme's background where there is no gradient, or one of zero."""
        level = self.level(size)
        return theme.background if level is None or level < 0 else colours(theme)[level]

    def labels(self, count: int = SWATCHES) -> list[str]:
        """What so many evenly spaced colours of the scale stand for, from the smallest gradient to the largest.

        >>> Heat(-2.0, 2.0).labels(3)
        ['0.010', '1.0', '100']
        """
        return [power(self.low + (self.high - self.low) * i / (count - 1)) for i in range(count)]


def swatches(heat: Heat, theme: Theme) -> list[tuple[str, str]]:
    """The colours of the legend with what they stand for, from the smallest gradient to the largest."""
    scale, labels = colours(theme), heat.labels()
    return [(scale[round(i * (LEVELS - 1) / (len(labels) - 1))], label) for i, label in enumerate(labels)]


def power(level: float) -> str:
    """10 to this power, to two digits, as a legend has it.

    >>> power(-5.0), power(-1.0), power(0.3), power(2.0)
    ('1.0e−5', '0.10', '2.0', '100')
    """
    digits, _, exponent = f"{10.0 ** min(level, 308.0):.1e}".partition("e")
    decimals = 1 - int(exponent)
    if not -3 < decimals < 5:
        return minus(f"{digits}e{int(exponent)}")
    return f"{float(f'{digits}e{exponent}'):.{max(0, decimals)}f}"
