"""Many small images in one picture, each with a caption: the network's worst mistakes, and its first weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from autodiff.nn import MLP, Linear

from ..figure import Picture
from ..health_table import percent
from ..notation import shorten
from ..numbers import number
from ..theme import Theme
from .findings import Findings, Mistake

if TYPE_CHECKING:
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

MOST_MISTAKES = 24
MOST_UNITS = 64
SIDE = 1.05  # inches that the longer side of an image takes
WIDTH = 9.3  # inches that a row of images takes at most
NAME_LENGTH = 9
LINE = 0.17  # inches: a line of a caption
DPI = 144
TITLE, BAR = 0.45, 0.55  # inches: room for the title and for a scale of colours


def mistakes_picture(findings: Findings, mistakes: Sequence[Mistake]) -> Picture | None:
    """Each image with what it is → what it is read as, and how probable that seemed. None without mistakes."""
    if not mistakes:
        return None
    names = [shorten(name, NAME_LENGTH) for name in findings.names]
    images = [findings.images[mistake.image] for mistake in mistakes]
    captions = [f"{names[m.truth]} → {names[m.read]}\n{percent(m.read_probability)}" for m in mistakes]
    grid = _Grid(images[0].shape, len(images), lines=2)

    def paint(figure: "Figure", theme: Theme) -> None:
        grid.draw(figure, images, captions, theme, ("#000000", "#ffffff"), (0, 255))

    description = " ".join(f"{describe_mistake(findings, mistake)}." for mistake in mistakes)
    return Picture("The worst mistakes", description, grid.size, paint, arranged=True)


def describe_mistake(findings: Findings, mistake: Mistake) -> str:
    """A mistake in words: the text alternative of its image."""
    truth, read = (shorten(findings.names[label]) for label in (mistake.truth, mistake.read))
    probability = percent(mistake.read_probability)
    return f"Test image {mistake.image}, of class {truth}, read as {read} with a probability of {probability}"


@dataclass(frozen=True, eq=False)
class FirstWeights:
    """The weights into units of the first layer, as images; of many units, those with the largest norm.

    images  float64, (n, height, width)
    names   of the units
    limit   what is coloured fully; a few larger weights would leave the rest pale
    of      how many units the layer has
    """

    images: np.ndarray
    names: tuple[str, ...]
    limit: float
    of: int

    @classmethod
    def of_model(cls, model: MLP, size: tuple[int, ...], classes: Sequence[str]) -> Self | None:
        """Those of a network; None if its first layer does not take the pixels of images of this height and width.

        classes  names of the classes, which are what the units stand for if there is no second layer
        """
        layers = [module for _, module in model.named_modules() if isinstance(module, Linear)]
        weights = np.asarray(layers[0].weight.data, dtype=np.float64)
        if len(size) != 2 or weights.shape[0] != math.prod(size):
            return None
        count = weights.shape[1]
        strongest = np.sort(np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:MOST_UNITS])
        named = len(layers) == 1 and len(classes) == count
        names = tuple(classes[unit] if named else f"unit {unit}" for unit in strongest)
        sizes = np.abs(weights[:, strongest])
        limit = float(np.quantile(sizes, 0.995)) or float(sizes.max()) or 1.0
        return cls(weights[:, strongest].T.reshape(-1, *size), names, limit, count)

    @property
    def description(self) -> str:
        """What is shown, and what its colours mean."""
        which = f"the {len(self.names)} strongest of {self.of:,} units" if len(self.names) < self.of else "all units"
        return (
            f"The weights into {which}, each at its pixel: from {number(-self.limit)} (blue: a bright pixel speaks "
            f"against the unit) over 0 (blank) to {number(self.limit)} (orange: it speaks for it)."
        )


def weights_picture(first: FirstWeights | None) -> Picture | None:
    """The weights as images in the colours of a theme around 0."""
    if first is None:
        return None
    grid = _Grid(first.images.shape[1:], len(first.names), lines=1, below=BAR)
    captions = [shorten(name, NAME_LENGTH) for name in first.names]

    def paint(figure: "Figure", theme: Theme) -> None:
        from matplotlib.ticker import FuncFormatter

        colours = (theme.forward, theme.background, theme.backward)
        limits = -first.limit, first.limit
        drawn = grid.draw(figure, first.images, captions, theme, colours, limits)
        place = figure.add_axes((0.25, 0.3 / grid.size[1], 0.5, 0.1 / grid.size[1]))
        bar = figure.colorbar(drawn, cax=place, orientation="horizontal", ticks=[limits[0], 0, limits[1]])
        place.xaxis.set_major_formatter(FuncFormatter(lambda w, _: "0" if w == 0 else number(w)))
        place.tick_params(colors=theme.quiet, labelsize=8)
        bar.outline.set_edgecolor(theme.line)

    note = f": the {len(first.names)} strongest of {first.of:,} units" if len(first.names) < first.of else ""
    return Picture(f"First-layer weights{note}", first.description, grid.size, paint, arranged=True)


class _Grid:
    """Where so many images of a size stand, in inches, and how large the whole is."""

    def __init__(self, shape: tuple[int, ...], count: int, *, lines: int, below: float = 0.0) -> None:
        inch = SIDE / max(shape)
        self.height, self.width = (max(0.1, n * inch) for n in shape)
        self.cell_width = max(self.width, 0.9 * SIDE) + 0.1  # room for a caption even beside a narrow image
        self.cell_height = self.height + lines * LINE + 0.14
        self.columns = min(math.floor(WIDTH / self.cell_width), count)
        self.below = below
        self.size = (
            max(4.5, self.columns * self.cell_width + 0.2),
            -(-count // self.columns) * self.cell_height + TITLE + below,
        )
        self.left = (self.size[0] - self.columns * self.cell_width) / 2

    def draw(
        self,
        figure: "Figure",
        images: Sequence[np.ndarray] | np.ndarray,
        captions: Sequence[str],
        theme: Theme,
        colours: Sequence[str],
        limits: tuple[float, float],
    ) -> "ScalarMappable":
        """Draw them, a caption under each. Returns what a scale of colours can be made of."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb

        width, height = self.size
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        scale = ScalarMappable(Normalize(*limits), LinearSegmentedColormap.from_list("scale", list(colours)))
        # One image that holds them all: dozens of them would take a second to draw.
        canvas = np.empty((round(height * DPI), round(width * DPI), 3), np.uint8)
        canvas[:] = np.rint(255 * np.array(to_rgb(theme.background)))
        for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
            row, column = divmod(i, self.columns)
            middle = self.left + (column + 0.5) * self.cell_width
            top = TITLE + row * self.cell_height
            coloured = scale.to_rgba(image.astype(np.float64), bytes=True)[:, :, :3]
            grown = _grown(coloured, round(self.height * DPI), round(self.width * DPI))
            y, x = round(top * DPI), round((middle - self.width / 2) * DPI)
            canvas[y : y + grown.shape[0], x : x + grown.shape[1]] = grown
            bottom = height - top - self.height
            axes.text(middle, bottom - 0.04, caption, color=theme.text, fontsize=7.5, ha="center", va="top")
        axes.imshow(canvas, extent=(0, width, 0, height), aspect="auto", interpolation="nearest")
        return scale


def _grown(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image (height, width, 3) with each pixel as large as the size asks for."""
    rows, columns = (np.arange(n) * side // n for n, side in zip((height, width), image.shape[:2], strict=True))
    return image[np.ix_(rows, columns)]
