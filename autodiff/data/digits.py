"""Handwritten-looking digits, drawn rather than downloaded: the embedded data set.

Each digit is written in several styles, and a style is a row of pen strokes in a table. An image is one row whose
control points are moved at random (jitter, bend, stretch, slant, turn) and joined by a smooth curve. The curve is
fitted into a 20x20 box, inked with a pen of random width, and centred by its mass in 28x28 pixels, as MNIST's are.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from autodiff.errors import SettingError

__all__ = ["generate"]

Floats = NDArray[np.float32]


def generate(n: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw `n` labelled digits, white ink on black, in random order.

    Returns images, uint8 of shape (n, 28, 28), and labels, int64 of shape (n,). The classes are balanced: their counts
    differ by at most one. The same `n` and `seed` give the same images; a larger `n` does not continue a smaller one.
    Raises SettingError if `n` or `seed` is negative.

    >>> images, labels = generate(20, seed=1)
    >>> images.shape, images.dtype.name
    ((20, 28, 28), 'uint8')
    >>> np.bincount(labels).tolist()
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    if n < 0:
        raise SettingError(f"generate: n = {n} images cannot be drawn; give n >= 0")
    if seed < 0:
        raise SettingError(f"generate: seed = {seed} is negative; give seed >= 0")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n, dtype=np.int64) % 10)
    images = np.empty((n, SIZE, SIZE), dtype=np.uint8)
    for digit, styles in STYLES.items():
        weights = np.array([weight for weight, _ in styles])
        rows = np.flatnonzero(labels == digit)
        chosen = rng.choice(len(styles), size=len(rows), p=weights / weights.sum())
        for number, (_, strokes) in enumerate(styles):
            same_style = rows[chosen == number]
            for start in range(0, len(same_style), CHUNK):
                part = same_style[start : start + CHUNK]
                images[part] = _draw(_curve(strokes), len(part), rng)
    return images, labels


SIZE = 28  # pixels per side of an image
BOX = 20.0  # pixels per side of the box the ink is fitted into
CHUNK = 256  # images drawn at once: few enough for the processor's cache
SAMPLES = 96  # points along the strokes of one digit: less than a pixel apart, so that the line has no gaps
MARGIN = 3  # pixels the blur reaches
BLUR = 0.6  # standard deviation, in pixels, of the blur that turns points into distances
SPREAD = (BLUR**2 + 1 / 6) ** 0.5  # the same, after a point has been shared among four pixels (1/6 on average)

# How much hands differ: standard deviations, chosen by hand, in heights of the digit, radians or logarithms.
CARE_SPREAD, CARE_LIMIT = 0.4, 2.0  # of the logarithm of a factor on the next two: some hands are neat, some not
JITTER = 0.034  # of each control point
BEND = 0.34  # of the six coefficients of a quadratic bend
STRETCH = 0.23  # of the logarithm of the width
SLANT, SLANT_SPREAD = 0.15, 0.24  # most hands lean to the right
TURN = 0.15
RADIUS, RADIUS_SPREAD, RADIUS_RANGE = 1.25, 0.35, (0.7, 3.4)  # of the pen, in pixels: median, of the logarithm, limits
PRESSURE = 0.15  # of the change of the pen's radius, as a fraction of it, towards both ends of the writing
EDGE_RANGE = (0.9, 1.3)  # pixels from full ink to none

# Per digit, rows of (weight, strokes). A stroke is a list of points x,y the pen passes through, in percent of the
# digit's height, y downwards; "!" marks a sharp corner and "|" lifts the pen.
STYLES: dict[int, tuple[tuple[float, str], ...]] = {
    0: (  # round, narrow, open at the top, with a flourish or a slash inside
        (3, "46,2 18,14 4,50 16,88 44,99 74,88 86,50 74,12 44,2"),
        (2, "60,8 36,4 10,34 8,78 36,99 68,84 82,44 66,8 44,6 34,20"),
        (2, "72,12 44,0 12,34 10,82 40,100 74,78 82,38 66,10 52,4"),
        (1, "40,4 14,30 4,66 22,96 56,96 80,66 68,28 44,6 52,0"),
        (1, "24,14 4,48 14,90 44,100 76,80 82,34 60,2 28,4 18,20"),
        (2, "30,2 14,20 6,54 12,86 28,99 44,84 50,48 44,14 28,2"),
        (1, "70,14 58,2 30,8 6,50 14,94 44,98 76,64 74,20 50,4 40,36"),
        (0.5, "46,4 16,16 4,50 16,88 44,99 74,88 82,50 70,12 50,2 44,50 26,84"),
        (1, "64,0 40,4 12,30 8,70 28,98 60,88 76,50 64,14 40,6"),
        (0.7, "20,10 8,40 8,76 30,99 60,94 78,60 74,20 52,2 24,6"),
    ),
    1: (  # a bar, hooked, flagged, with a base
        (10, "50,0 50,50 50,100"),
        (1, "50,0 49,60 52,92 60,100"),
        (1, "36,18 50,0! 50,50 50,100"),
        (0.6, "22,24 50,0! 50,50 50,100 | 20,100 50,100 82,100"),
        (0.4, "30,20 50,0! 50,50 50,100! 20,98 | 50,99 82,97"),
        (0.6, "24,36 50,0! 50,50 50,100"),
    ),
    2: (  # flat base, zigzag, looped base
        (3, "8,22 34,2 64,10 66,34 42,68 4,98! 44,96 92,94"),
        (1.5, "6,16 40,6 74,14 50,50 8,94! 50,94 96,90"),
        (3, "10,22 36,2 64,14 62,40 42,72 18,96 4,86 18,72 44,82 64,96 90,92"),
        (1, "26,32 14,16 42,0 66,18 58,46 38,80 14,98 2,84 18,70 48,84 92,96"),
        (1, "8,20 36,2 60,16 52,50 22,90 8,96 30,86 60,94 94,84"),
        (1.5, "12,16 38,0 60,14 58,44 46,74 26,94 8,92 10,78 34,78 56,90 74,98"),
        (1, "18,24 36,4 54,14 54,40 40,74 24,98! 48,96 76,96"),
        (1, "4,20 36,4 66,16 64,42 40,70 14,84 4,94 22,92! 50,80 80,96"),
        (1, "6,26 28,2 62,6 66,40 46,74 18,98 0,84 12,62 40,70 58,92 74,94"),
        (1, "22,10 44,0 58,16 52,48 36,80 14,94 8,78 30,72 56,84 90,76"),
        (2, "10,16 34,2 60,14 60,40 40,74 14,94 2,80 22,68 50,84 76,94"),
        (1, "14,12 40,0 62,16 58,48 40,80 20,98 10,84 24,74 50,88 64,98"),
        (1, "8,22 32,0 60,8 64,34 48,62 26,84 8,92 2,80 14,68 34,74 56,90 80,98"),
        (1, "4,24 24,2 54,2 66,24 58,52 38,78 16,96 2,90 8,74 30,72 54,86 88,86"),
    ),
    3: (  # round, looped middle, flat top, open foot
        (3, "8,12 40,0 66,16 56,38 28,48! 64,58 70,82 40,100 4,90"),
        (2, "8,14 42,0 64,18 48,42 30,50 44,46 70,64 66,90 36,100 2,88"),
        (1, "6,6 36,4 66,2! 48,24 30,44! 64,56 70,80 42,100 4,92"),
        (1, "8,8 44,2 60,18 28,46! 62,54 66,74 50,100"),
        (2, "12,10 38,0 58,12 56,32 36,46! 56,54 64,76 46,98 20,98 6,86"),
        (1.5, "16,16 36,2 54,12 48,36 34,46! 52,54 58,74 46,94 22,100 10,90"),
        (1.5, "4,10 38,2 68,14 52,36 18,46! 60,50 76,72 52,94 2,100"),
        (1.5, "14,6 54,2 62,18 40,42! 64,56 66,84 36,98 4,100"),
        (1, "4,18 32,6 58,6 52,30 22,48! 54,48 70,66 54,90 14,98"),
        (1, "8,10 36,4 56,16 46,36 26,44 50,46 64,68 48,92 10,100"),
        (1, "12,4 44,0 66,10 50,34 26,46! 58,52 72,72 56,92 24,96 2,88"),
        (1.5, "10,16 34,0 62,6 64,28 40,46! 66,52 78,76 58,98 24,98 4,86"),
    ),
    4: (  # open with a corner or a bowl, closed, in one stroke
        (3, "20,4 12,30 6,54! 40,56 76,48 | 68,0 60,50 52,100"),
        (1.5, "8,4 6,36 16,54 44,52 68,42 | 72,0 66,50 60,100"),
        (1.5, "30,0 16,28 2,56! 44,58 94,50 | 62,22 54,62 44,100"),
        (1, "58,2 30,34 4,64! 45,64 88,62 | 58,4 58,50 56,100"),
        (0.7, "8,2 4,42 24,56 58,50 74,0! 64,50 56,100"),
        (1, "22,2 18,30 14,50! 40,52 62,48 | 60,6 60,50 60,100"),
        (1, "2,10 2,34 10,48 36,50 64,44 | 66,2 62,50 54,100"),
    ),
    5: (  # in one stroke, with its bar added, as an S
        (2, "74,2 48,3 22,4! 16,44! 48,38 70,60 58,90 30,100 2,90"),
        (3, "28,8 18,46! 50,42 66,64 54,90 26,100 0,90 | 28,8 60,4 94,0"),
        (1.5, "74,4 38,4 24,28 48,48 64,70 48,96 6,96"),
        (1, "30,4 24,36 50,50 58,74 40,98 8,94 | 30,6 52,4 80,2"),
        (1.5, "78,6 46,6 26,10 20,28 36,42 60,54 64,80 40,100 8,92"),
        (1, "18,8 14,40! 44,32 74,52 70,84 38,100 4,86 | 18,8 44,6 72,6"),
        (1, "70,2 46,4 30,16 30,36 46,50 56,72 44,94 22,100 10,86"),
        (1, "26,6 14,34! 34,30 60,44 62,76 40,98 10,94 2,84 | 26,6 58,8 86,4"),
        (1.5, "20,6 14,40 50,34 72,58 62,90 28,100 2,84 | 20,6 50,4 82,2"),
        (1, "34,22 20,46! 44,44 56,62 44,88 18,98 0,90 | 36,20 60,8 88,2"),
        (1, "84,4 54,10 30,10 18,40! 46,44 58,62 44,88 4,98"),
        (1, "18,4 12,46! 46,36 70,58 56,90 24,100 0,92 | 18,4 48,4 78,0"),
        (1, "50,6 26,10 10,30 26,40 54,48 66,72 46,96 10,96"),
    ),
    6: (  # large and small loops, curled top, loop to the right
        (3, "56,0 26,28 6,70 22,97 50,94 62,74 46,60 24,68 12,84"),
        (2, "50,0 20,38 6,76 24,98 52,90 58,72 40,64 20,76 14,90"),
        (0.7, "70,8 46,0 18,30 6,68 20,96 52,98 70,76 50,56 22,64 10,78"),
        (0.6, "24,0 8,44 14,86 46,99 78,78 68,52 38,52 14,70"),
        (1, "34,0 10,40 8,84 36,99 72,86 78,66 60,58 44,70 42,94"),
        (1, "40,0 18,34 6,72 14,98 34,96 46,76 40,62 22,70 12,86"),
        (1.5, "30,0 10,40 4,76 20,97 50,90 62,68 48,60 32,76 30,92"),
        (0.6, "22,0 6,50 12,90 44,99 70,84 66,66 46,66 34,84 40,96"),
        (1, "46,0 24,40 8,82 24,98 44,82 46,64 30,66 14,84"),
    ),
    7: (  # plain, with a serif, round, crossed
        (3, "4,10 40,8 74,6! 52,50 36,100"),
        (2, "8,26 10,6! 44,8 76,4! 52,48 36,100"),
        (1, "6,8 40,6 70,4! 66,50 60,100"),
        (1, "6,22 18,8 42,12 72,4! 54,48 40,100"),
        (1, "8,16 36,4 64,8 70,24 56,58 46,100"),
        (1.2, "4,10 40,8 74,6! 54,50 40,100 | 20,50 48,48 78,46"),
        (0.6, "8,20 30,4 62,6 64,26 48,60 36,100 | 16,56 44,52 72,50"),
        (1, "10,34 16,12 36,4 60,8 66,30 58,60 48,100"),
        (0.6, "10,26 12,8! 40,6 68,2! 58,50 48,100 | 24,52 50,50 80,52"),
        (0.6, "8,24 26,4 60,4 66,24 50,60 36,100 | 14,64 44,56 76,54"),
        (1, "24,10 40,8 60,2! 52,50 46,100"),
        (0.8, "4,8 36,8 64,2! 50,40 42,100 | 8,52 40,50 74,42"),
        (0.6, "10,30 14,8 40,16 70,6! 52,54 44,100"),
    ),
    8: (  # an S that closes or overshoots, two rings, a bar and a 3
        (3, "72,14 46,0 20,16 36,42 60,66 56,92 32,100 12,84 28,60 56,36 78,8"),
        (2, "48,2 22,12 28,36 50,48 72,68 66,92 44,100 18,90 22,66 48,48 70,32 70,10 48,2"),
        (1, "45,2 22,14 24,38 46,48 68,36 66,12 45,2 | 45,48 16,64 18,92 46,100 74,88 70,62 45,48"),
        (2, "58,10 42,0 28,14 38,40 54,66 50,92 34,100 22,86 32,62 54,36 62,12 50,2"),
        (1.5, "80,4 56,26 34,54 18,84 30,100 48,90 50,66 36,42 28,18 46,2 64,12"),
        (1, "64,12 40,2 22,20 40,40 58,50 60,80 36,99 18,84 32,60 58,38 62,16"),
        (1, "84,10 58,4 30,8 22,26 44,44 58,66 50,92 26,99 16,82 36,58 62,40 74,22"),
        (0.5, "22,10 20,50 18,96 | 22,10 54,4 60,26 28,46 68,58 64,90 18,96"),
        (1, "40,46 22,26 36,4 58,6 64,26 46,46 26,68 22,90 42,100 60,88 56,64 38,44"),
        (0.7, "20,6 46,40 68,80 54,99 32,92 34,64 62,28 58,6 28,2 18,14"),
        (0.7, "60,98 40,52 22,24 36,2 62,6 62,28 44,50 22,98"),
        (1, "70,8 44,2 22,18 38,42 62,62 64,86 42,99 20,86 30,62 54,42 66,24 66,6"),
    ),
    9: (  # straight or curved tail, round or pointed loop, open loop
        (2, "62,14 42,2 18,18 18,40 40,44 58,28 66,8! 60,50 52,100"),
        (2, "62,18 42,2 20,18 18,38 38,44 58,28 66,6 58,52 44,100"),
        (0.6, "62,16 40,2 14,22 20,44 42,44 60,26 64,10 66,56 58,90 32,100 10,90"),
        (0.5, "66,4 36,8 8,32 22,48 56,32 68,6 60,52 50,100"),
        (3, "60,28 56,8 40,2 24,18 22,36 36,44 52,36 60,18 58,52 48,100"),
        (2, "66,10 44,4 20,24 24,42 46,38 62,14! 52,52 32,100"),
        (1, "52,16 40,4 28,16 30,34 44,34 52,18 54,50 50,100"),
        (1, "70,10 46,4 16,26 26,46 58,40 66,52 60,74 46,100"),
        (1, "54,8 30,6 14,26 24,48 46,44 56,24 56,6 58,50 60,100"),
        (2, "64,14 40,2 12,20 14,44 40,48 60,32 68,6! 62,50 54,100"),
        (1.5, "74,6 46,6 16,24 18,44 44,42 66,18 58,54 44,100"),
        (1.5, "66,20 42,2 10,20 12,50 44,50 66,24 66,50 66,100"),
        (1.5, "70,6 50,2 24,22 16,40 34,44 56,28 70,4! 56,50 40,100"),
        (1, "60,10 30,6 12,28 26,46 52,36 60,12 | 62,2 60,50 52,100"),
        (1, "62,6 40,2 16,16 24,36 46,38 62,22 64,8 66,50 68,100"),
        (1.5, "66,12 46,0 22,12 12,34 28,48 52,38 70,8! 58,50 44,100"),
        (1, "72,16 52,0 20,6 6,28 20,48 50,44 70,20 66,50 56,100"),
    ),
}


@dataclass(frozen=True)
class Curve:
    """A style made ready: control points, and the linear maps from them to samples along the strokes."""

    controls: Floats  # (controls, 2): x, y in heights of the digit, from its middle
    position: Floats  # (SAMPLES, controls): the curve at each sample
    step: Floats  # (SAMPLES, controls): the length of curve, as a vector, that each sample stands for
    ends: list[int]  # the samples where the pen is put down or lifted


@cache
def _curve(strokes: str) -> Curve:
    """Read strokes as Catmull-Rom splines, whose points depend linearly on the control points."""
    controls: list[tuple[float, float]] = []
    arcs: list[tuple[int, bool, bool]] = []  # first control point; does the curve come and go on smoothly?
    first_arcs: list[int] = []  # of each stroke
    for stroke in strokes.split("|"):
        words = stroke.split()
        first_arcs.append(len(arcs))
        smooth = [False, *("!" not in word for word in words[1:-1]), False]
        arcs += [(len(controls) + i, smooth[i], smooth[i + 1]) for i in range(len(words) - 1)]
        for word in words:
            x, y = word.rstrip("!").split(",")
            controls.append((float(x) / 100, float(y) / 100))
    points = np.array(controls)
    points -= (points.min(axis=0) + points.max(axis=0)) / 2

    chords = np.array([np.hypot(*(points[i + 1] - points[i])) for i, _, _ in arcs])
    # Samples go to arcs by length; rounding the running total makes them add up.
    bounds = np.rint(np.append(0, np.cumsum(chords)) / chords.sum() * SAMPLES).astype(int)
    position, step = np.zeros((2, SAMPLES, len(points)))
    unit = np.eye(len(points))
    for (i, comes, goes), low, high in zip(arcs, bounds[:-1], bounds[1:], strict=True):
        t = (np.arange(high - low)[:, None] + 0.5) / (high - low)
        start, end = unit[i], unit[i + 1]
        # A tangent points along the chord between the neighbours; at a corner or an end, to the one neighbour.
        leave = (end - unit[i - 1]) / 2 if comes else end - start
        arrive = (unit[i + 2] - start) / 2 if goes else end - start
        a, b = 2 * (start - end) + leave + arrive, 3 * (end - start) - 2 * leave - arrive
        position[low:high] = ((a * t + b) * t + leave) * t + start
        step[low:high] = ((3 * a * t + 2 * b) * t + leave) / (high - low)

    downs = [int(bounds[k]) for k in first_arcs]
    ends = [sample for down in downs for sample in (down - 1, down)]  # sample -1 is the last of all
    return Curve(points.astype(np.float32), position.astype(np.float32), step.astype(np.float32), ends)


def _draw(curve: Curve, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw `n` variations of one style: uint8 (n, 28, 28)."""
    controls = _vary(curve.controls, n, rng)
    # einsum, not matmul: a sum whose order does not depend on the number of threads.
    points = np.einsum("sk,cnk->cns", curve.position, controls)
    steps = np.einsum("sk,cnk->cns", curve.step, controls)

    radius = np.clip(np.float32(RADIUS) * np.exp(_normal(rng, RADIUS_SPREAD, n)), *RADIUS_RANGE)
    low, high = points.min(axis=2), points.max(axis=2)
    scale = (BOX - 2 * radius) / (high - low).max(axis=0)
    points = (points - (low + high)[:, :, None] / 2) * scale[:, None] + np.float32(SIZE / 2)
    lengths = np.sqrt(steps[0] ** 2 + steps[1] ** 2) * scale[:, None]
    # At its end a line has half the blurred ink it has elsewhere: a dot makes up for it.
    lengths[:, curve.ends] += np.float32(np.sqrt(np.pi / 2) * SPREAD)
    # More ink on a line makes it wider: exp((c^2 - 1) r^2 / 2 sigma^2) times the ink moves its edge from r to c r.
    press = np.float32(1) + _normal(rng, PRESSURE, n, 1) * np.linspace(-1, 1, SAMPLES, dtype=np.float32)
    ink = np.exp((np.clip(press, 0.6, 1.4) ** 2 - 1) * (radius**2 / np.float32(2 * SPREAD**2))[:, None])
    edge = rng.uniform(*EDGE_RANGE, n).astype(np.float32)
    return _centre(_ink(points, lengths * ink, radius, edge))


def _vary(controls: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Move a style's control points (controls, 2) as `n` hands would: float32 (2, n, controls)."""
    care = np.minimum(np.exp(_normal(rng, CARE_SPREAD, n, 1)), np.float32(CARE_LIMIT))
    x, y = controls.T[:, None, :] + care * _normal(rng, JITTER, 2, n, len(controls))
    bend = care * _normal(rng, BEND, 6, n, 1)  # bowed stems, heads larger than feet, drooping bars
    x, y = (
        x + bend[0] * y * y + bend[1] * x * y + bend[2] * x * x,
        y + bend[3] * x * x + bend[4] * x * y + bend[5] * y * y,
    )
    x = x * np.exp(_normal(rng, STRETCH, n, 1)) - y * (np.float32(SLANT) + _normal(rng, SLANT_SPREAD, n, 1))
    turn = _normal(rng, TURN, n, 1)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * x - sin * y, sin * x + cos * y])


def _ink(points: Floats, lengths: Floats, radius: Floats, edge: Floats) -> NDArray[np.uint8]:
    """Ink `points` (2, n, samples), each standing for a length of line, with a pen of `radius` pixels (n,).

    A long line blurred by a Gaussian has the profile exp(-d^2 / 2 sigma^2) at distance d. So the logarithm of the
    blurred image tells how far a pixel is from the line, and the ink falls from full to none over `edge` pixels (n,)
    around the pen's radius. Lines that come close run together, as ink does.
    """
    n, side = len(radius), SIZE + 2 * MARGIN
    # Share each point among the four pixels around it. Pixel i covers [i, i + 1): its middle is at i + 1/2.
    x, y = np.clip(points + np.float32(MARGIN - 0.5), MARGIN, MARGIN + SIZE - 1.001)
    column, row = x.astype(np.int64), y.astype(np.int64)
    x, y = (x - column).astype(np.float32), (y - row).astype(np.float32)
    pixel = (np.arange(n)[:, None] * side + row) * side + column
    below = lengths * y
    above = lengths - below
    pixels = np.stack([pixel, pixel + 1, pixel + side, pixel + side + 1])
    shares = np.stack([above - above * x, above * x, below - below * x, below * x])
    image = np.bincount(pixels.ravel(), shares.ravel(), n * side * side).astype(np.float32).reshape(n, side, side)

    image = _blur(_blur(image).swapaxes(1, 2)).swapaxes(1, 2)
    line = 1 / (np.sqrt(2 * np.pi) * SPREAD)  # the blurred image on a long line
    # The small number stands for "far away" where there is no ink.
    distance = np.sqrt(np.maximum(np.log(image / np.float32(line) + np.float32(1e-9)) * np.float32(-2 * SPREAD**2), 0))
    ink = np.clip((radius[:, None, None] - distance) / edge[:, None, None] + np.float32(0.5), 0, 1)
    grey: NDArray[np.uint8] = np.rint(ink * 255).astype(np.uint8)
    return grey


def _blur(image: Floats) -> Floats:
    """Blur by a Gaussian along the last axis, which loses MARGIN pixels at both ends."""
    weights = np.exp(-0.5 * (np.arange(-MARGIN, MARGIN + 1) / BLUR) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    size = image.shape[2] - 2 * MARGIN
    blurred: Floats = image[:, :, MARGIN : MARGIN + size] * weights[MARGIN]
    for k in range(MARGIN):  # both sides have the same weight
        blurred += (image[:, :, k : k + size] + image[:, :, 2 * MARGIN - k : 2 * MARGIN - k + size]) * weights[k]
    return blurred


def _centre(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move images (n, 28, 28) by whole pixels, as MNIST does, so that the centre of mass falls in pixel (14, 14)."""
    pixel = np.arange(SIZE)
    columns, rows = images.sum(axis=1, dtype=np.int64), images.sum(axis=2, dtype=np.int64)
    mass = rows.sum(axis=1)
    left = np.rint((columns * pixel).sum(axis=1) / mass).astype(np.int64) - SIZE // 2
    up = np.rint((rows * pixel).sum(axis=1) / mass).astype(np.int64) - SIZE // 2
    # An image moves less than half its side, so what comes in from this border is black.
    border = SIZE // 2
    padded = np.pad(images, ((0, 0), (border, border), (border, border)))
    row, column = pixel + border + up[:, None], pixel + border + left[:, None]
    centred: NDArray[np.uint8] = padded[np.arange(len(images))[:, None, None], row[:, :, None], column[:, None, :]]
    return centred


def _normal(rng: np.random.Generator, spread: float, *shape: int) -> Floats:
    """Normal noise of the given standard deviation, in the precision of the drawing."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
