"""Heat: the size of a gradient as a colour, from a scale whose lightness alone already orders it.

So it is read by colour-blind people and in grey print. Each theme has its own two ends, chosen so that text stays
legible on every colour between them.
"""

from .numbers import minus
from .theme import Theme

SWATCHES = 5


def share(heat: float, low: float, high: float) -> float:
    """Where a heat stands between the ends of the scale, from 0 to 1."""
    return 1.0 if high <= low else min(1.0, max(0.0, (heat - low) / (high - low)))


def colour(heat: float, bounds: tuple[float, float], theme: Theme) -> str:
    """The colour of log10 |gradient|; a gradient of zero has that of the background.

    >>> from viz.theme import LIGHT
    >>> colour(-3.0, (-3.0, 0.0), LIGHT), colour(0.0, (-3.0, 0.0), LIGHT)
    ('#fff6e0', '#f2a33a')
    """
    if heat == -float("inf"):
        return theme.background
    low, high = (_channels(end) for end in theme.heat)
    t = share(heat, *bounds)
    return "#" + "".join(f"{round(a + t * (b - a)):02x}" for a, b in zip(low, high, strict=True))


def swatches(bounds: tuple[float, float], theme: Theme) -> list[tuple[str, str]]:
    """The colours of the legend with what they stand for, from the smallest gradient to the largest."""
    low, high = bounds
    count = SWATCHES if high - low > 0.05 else 1
    levels = [low + (high - low) * i / max(1, count - 1) for i in range(count)]
    return [(colour(level, bounds, theme), power(level)) for level in levels]


def power(level: float) -> str:
    """10 to this power, to one digit, as a legend has it.

    >>> power(-5.0), power(-1.0), power(0.3)
    ('1e−5', '0.1', '2')
    """
    return minus(f"{10.0**level:.1g}".replace("e-0", "e-").replace("e+0", "e"))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
