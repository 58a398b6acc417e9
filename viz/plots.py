"""Learning curves: loss and accuracy over the epochs, for training and validation, as SVG, PNG or PDF."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.errors import SettingError

from .figure import dress, files_of, write_figure
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def curves(
    history: Sequence[Mapping[str, Any]],
    path: str | os.PathLike[str],
    *,
    title: str = "Learning curves",
    theme: Theme = LIGHT,
) -> list[Path]:
    """Draw the history of a run and return the files written.

    history  records as `autodiff.train.fit` makes them, or as read from a run's `history.jsonl`
    path     the suffix decides: `.svg`, `.png` or `.pdf`; without a suffix both SVG and PNG are written

    Epochs without validation figures, or whose figures are not finite, leave a gap.

    Raises SettingError for another suffix or an empty history.
    """
    files = files_of(path, "learning curves")
    if not history:
        raise SettingError("learning curves need at least one finished epoch")

    def paint(figure: "Figure") -> None:
        loss, accuracy = figure.subplots(1, 2)
        _panel(loss, history, "loss", "Cross-entropy", theme)
        _panel(accuracy, history, "accuracy", "Accuracy", theme)

    return write_figure(files, paint, size=(9, 3.6), title=title, description=describe(history), theme=theme)


def describe(history: Sequence[Mapping[str, Any]]) -> str:
    """The last epoch in a sentence: the text alternative of the picture.

    >>> describe([{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "validation_accuracy": 0.9}])
    'After epoch 1: train loss 0.5, validation loss 0.4, validation accuracy 0.9.'
    """
    last = history[-1]
    figures = [
        f"{split} {quantity} {value:.4g}"
        for quantity in ("loss", "accuracy")
        for split in ("train", "validation")
        if not math.isnan(value := _number(last.get(f"{split}_{quantity}")))
    ]
    return f"After epoch {last['epoch']}: {', '.join(figures)}."


def _panel(axes: "Axes", history: Sequence[Mapping[str, Any]], quantity: str, label: str, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [int(record["epoch"]) for record in history]
    # Marker and dash tell the two apart without colour.
    for split, colour, style in (("train", theme.forward, "-o"), ("validation", theme.backward, "--s")):
        values = [_number(record.get(f"{split}_{quantity}")) for record in history]
        if not all(map(math.isnan, values)):
            axes.plot(epochs, values, style, color=colour, label=split, markersize=4)
    dress(axes, theme)
    axes.set_xlabel("epoch", color=theme.text)
    axes.set_ylabel(label, color=theme.text)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    if axes.lines:
        axes.legend(frameon=False, labelcolor=theme.text)


def _number(value: Any) -> float:
    """A figure as a float: NaN for None, for infinities, and for what strict JSON writes as text."""
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if math.isfinite(number) else math.nan
