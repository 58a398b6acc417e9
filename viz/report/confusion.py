"""The confusion matrix as a picture: which classes are taken for which, and how well each is read."""

from typing import TYPE_CHECKING

import numpy as np

from ..figure import Picture, dress
from ..health_table import percent
from ..notation import shorten
from ..theme import Theme
from .findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COUNTED = 20  # classes; of more, cells are coloured and hold no number
MOST_NAMED = 60  # classes; of more, every so many is named
NAME_LENGTH = 16
RARE = 0.01  # a share of a class
STRONGEST = 0.45  # how much of its colour a cell with a number takes at most, so that the number reads


def confusion_picture(findings: Findings) -> Picture:
    """Counts, and beside them the accuracy of each class. What is right is blue, what is wrong is orange."""
    k = len(findings.names)
    side = min(3.2 + 0.42 * k, 9.5)

    def paint(figure: "Figure", theme: Theme) -> None:
        matrix, bars = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [3.4, 1]})
        _matrix(matrix, findings, theme)
        _bars(bars, findings, theme)

    return Picture("Confusion matrix", describe_confusion(findings), (side * 1.3, side), paint)


def describe_confusion(findings: Findings) -> str:
    """The matrix in words: how many are read rightly, and what is mixed up most."""
    names = [shorten(name) for name in findings.names]
    right = int(findings.counts.diagonal().sum())
    pairs = [f"{names[c.truth]} read as {names[c.read]} ({c.times:,})" for c in findings.most_confused(3)]
    mixed = f" Most often mixed up: {', '.join(pairs)}." if pairs else ""
    return f"{right:,} of {len(findings.labels):,} test images are read rightly.{mixed}"


def strengths(findings: Findings) -> np.ndarray:
    """How strongly each cell is coloured, 0 to 1, (k, k): by the square root of its share, so that rare mistakes show.

    Mistakes are measured by the most frequent one, unless that one is rare itself.
    """
    shares = np.nan_to_num(findings.shares)
    wrong = shares * (1 - np.eye(len(shares)))
    most = max(float(wrong.max(initial=0)), RARE)
    found: np.ndarray = np.sqrt(np.where(np.eye(len(shares), dtype=bool), shares, wrong / most))
    return found


def _matrix(axes: "Axes", findings: Findings, theme: Theme) -> None:
    from matplotlib.colors import to_rgb

    k = len(findings.names)
    counted = k <= MOST_COUNTED
    strength = strengths(findings)[:, :, None] * (STRONGEST if counted else 1.0)
    right = np.eye(k, dtype=bool)[:, :, None]
    full = np.where(right, np.array(to_rgb(theme.forward)), np.array(to_rgb(theme.backward)))
    axes.imshow(np.array(to_rgb(theme.background)) * (1 - strength) + full * strength, aspect="auto")
    if counted:
        largest = int(findings.counts.max(initial=0))
        size = 9.0 if largest < 10_000 else 7.0
        for row, column in np.argwhere(findings.counts):
            text = f"{findings.counts[row, column]:,}"
            axes.text(column, row, text, color=theme.text, fontsize=size, ha="center", va="center")
    dress(axes, theme)
    axes.grid(False)
    step = -(-k // MOST_NAMED)
    places = range(0, k, step)
    names = [shorten(findings.names[i], NAME_LENGTH) for i in places]
    small = 9.0 if counted else 6.0
    axes.set_xticks(places, names, fontsize=small, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(places, names, fontsize=small)
    axes.set_xlabel("read as", color=theme.text)
    axes.set_ylabel("class", color=theme.text)


def _bars(axes: "Axes", findings: Findings, theme: Theme) -> None:
    k = len(findings.names)
    shares = np.nan_to_num(findings.accuracies)
    axes.barh(range(k), shares, height=0.7, color=theme.forward, alpha=0.6)
    if k <= MOST_COUNTED:
        for row, share in enumerate(findings.accuracies):
            text = "none" if np.isnan(share) else percent(float(share))
            axes.text(0.03, row, text, color=theme.text, fontsize=8, va="center")
    dress(axes, theme)
    axes.grid(False)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"], fontsize=8)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.set_xlabel("accuracy", color=theme.text)
