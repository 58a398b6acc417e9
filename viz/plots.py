"""Learning curves: what each epoch of a run came to, of one run or of several laid over each other; SVG, PNG or PDF."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autodiff.errors import SettingError

from .figure import Picture, dress, files_of
from .heat import power
from .notation import shorten
from .numbers import minus, number
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, Any]]
MOST_RUNS = 12  # laid over each other; more could not be told apart
NAME_LENGTH = 40
STEEP = 30.0  # figures whose largest is more than so many times their smallest are drawn on a logarithmic axis
# Okabe & Ito 2008, without the yellow that fades on white: told apart by colour-blind readers, on white and on black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")


class Panel(NamedTuple):
    """A part of the picture: its label, and the figures drawn in it, each by the name of a record's field."""

    label: str
    fields: tuple[str, ...]
    from_zero: bool = False


PANELS = (
    Panel("Cross-entropy", ("train_loss", "validation_loss")),
    Panel("Accuracy", ("train_accuracy", "validation_accuracy")),
    Panel("Gradient norm", ("gradient_norm",), from_zero=True),
    Panel("Update ratio ‖Δw‖ / ‖w‖", ("update_ratio",), from_zero=True),
)


def curves(
    history: History, path: str | os.PathLike[str], *, title: str = "Learning curves", theme: Theme = LIGHT
) -> list[Path]:
    """Draw the history of a run and return the files written.

    history  records as `autodiff.train.fit` makes them, or as read from a run's `history.jsonl`
    path     the suffix decides: `.svg`, `.png` or `.pdf`; without a suffix both SVG and PNG are written

    Loss and accuracy on the training and the validation images, the norm of the gradient and how far an update moves
    the weights. Epochs without a figure, or whose figure is not finite, leave a gap; what no epoch has is left out.

    Raises SettingError for another suffix or an empty history.
    """
    return curves_picture(history, title=title).save(files_of(path, "learning curves"), theme)


def curves_picture(history: History, *, title: str = "Learning curves") -> Picture:
    """The curves of one run. Raises SettingError for an empty history."""
    if not history:
        raise SettingError("learning curves need at least one finished epoch")
    panels = _filled(PANELS, [history])

    def paint(figure: "Figure", theme: Theme) -> None:
        for panel, axes in _grid(figure, panels):
            for field in panel.fields:
                validation = field.startswith("validation")
                colour = theme.backward if validation else theme.forward
                # Marker and dash tell the two apart without colour.
                _line(axes, history, field, "--s" if validation else "-o", colour, field.split("_")[0])
            _finish(axes, panel, theme)
            if len(panel.fields) > 1 and axes.lines:
                axes.legend(frameon=False, labelcolor=theme.text)

    return Picture(title, describe(history), _size(panels), paint)


def overlaid(
    histories: Mapping[str, History],
    path: str | os.PathLike[str],
    *,
    title: str = "Learning curves",
    theme: Theme = LIGHT,
) -> list[Path]:
    """Draw the histories of several runs, by name, over each other; return the files written.

    Solid lines are measured on validation images, dotted ones on the training images. A run without a finished epoch
    is named and has no line.

    Raises SettingError for another suffix, more than 12 runs, or if no run has a finished epoch.
    """
    files = files_of(path, "learning curves")
    if len(histories) > MOST_RUNS:
        raise SettingError(f"learning curves of {len(histories)} runs cannot be told apart; give at most {MOST_RUNS}")
    if not any(histories.values()):
        raise SettingError("learning curves need at least one finished epoch")
    panels = _filled(PANELS, list(histories.values()))
    styles = [(COLOURS[i % len(COLOURS)], "os"[i // len(COLOURS)]) for i in range(len(histories))]
    sentences = [f"{shorten(name, NAME_LENGTH)}: {describe(history)}" for name, history in histories.items() if history]

    def paint(figure: "Figure", theme: Theme) -> None:
        from matplotlib.lines import Line2D

        for panel, axes in _grid(figure, panels):
            for (colour, marker), history in zip(styles, histories.values(), strict=True):
                for field in panel.fields:
                    train = field.startswith("train")
                    _line(axes, history, field, f":{marker}" if train else f"-{marker}", colour, "", faint=train)
            _finish(axes, panel, theme)
        handles: list[Any] = [
            Line2D([], [], color=colour, marker=marker, markersize=4, label=shorten(name, NAME_LENGTH))
            for (colour, marker), name in zip(styles, histories, strict=True)
        ]
        handles += [
            Line2D([], [], color=theme.quiet, linestyle="-", label="validation"),
            Line2D([], [], color=theme.quiet, linestyle=":", label="train"),
        ]
        columns = 1 if max(len(handle.get_label()) for handle in handles) > 28 else 3
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, labelcolor=theme.text)

    width, height = _size(panels)
    return Picture(title, " ".join(sentences), (width, height + 0.25 * len(histories)), paint).save(files, theme)


def describe(history: History) -> str:
    """The last epoch in a sentence: the text alternative of the picture.

    >>> describe([{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "validation_accuracy": 0.9}])
    'After epoch 1: train loss 0.5, validation loss 0.4, validation accuracy 0.9.'
    """
    last = history[-1]
    figures = [
        f"{field.replace('_', ' ')} {minus(f'{value:.4g}')}"
        for panel in PANELS
        for field in panel.fields
        if not math.isnan(value := as_float(last.get(field)))
    ]
    return f"After epoch {last['epoch']}: {', '.join(figures)}."


def as_float(value: Any) -> float:
    """A figure as a float: NaN for None, for infinities, and for what strict JSON writes as text."""
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if math.isfinite(number) else math.nan


def _has(history: History, field: str) -> bool:
    return any(not math.isnan(as_float(record.get(field))) for record in history)


def _filled(panels: Sequence[Panel], histories: Sequence[History]) -> list[Panel]:
    """The panels that have a figure of some epoch; the first two always."""
    return [
        panel
        for i, panel in enumerate(panels)
        if i < 2 or any(_has(history, field) for history in histories for field in panel.fields)
    ]


def _size(panels: Sequence[Panel]) -> tuple[float, float]:
    return 9.0, 3.6 if len(panels) <= 2 else 6.2


def _grid(figure: "Figure", panels: Sequence[Panel]) -> "list[tuple[Panel, Axes]]":
    rows = -(-len(panels) // 2)
    return [(panel, figure.add_subplot(rows, 2, i)) for i, panel in enumerate(panels, 1)]


def _line(
    axes: "Axes", history: History, field: str, style: str, colour: str, label: str, *, faint: bool = False
) -> None:
    values = [as_float(record.get(field)) for record in history]
    if not all(map(math.isnan, values)):
        size = (2.0 if faint else 4.0) if len(history) <= 40 else 0.0  # many marks would hide the line
        width = 1.2 if faint else 1.6
        epochs = [int(record["epoch"]) for record in history]
        axes.plot(epochs, values, style, color=colour, label=label, markersize=size, linewidth=width)


def _finish(axes: "Axes", panel: Panel, theme: Theme) -> None:
    """Scales, labels and colours, once the lines are drawn."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    drawn = [np.asarray(line.get_data(), dtype=np.float64) for line in axes.lines]
    values = [float(y) for _, ys in drawn for y in ys if not math.isnan(y)]
    epochs = [float(x) for xs, _ in drawn for x in xs]
    dress(axes, theme)
    axes.set_xlabel("epoch", color=theme.text)
    axes.set_ylabel(panel.label, color=theme.text)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if epochs:
        axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    if values and panel.from_zero and 0 < STEEP * min(values) < max(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: power(math.log10(y))))
        axes.yaxis.set_minor_formatter(NullFormatter())
        return
    if values and panel.from_zero:
        axes.set_ylim(0, 1.1 * max(values) or 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: tick(y)))


def tick(value: float) -> str:
    """A figure on an axis.

    >>> tick(0.25), tick(0.0), tick(1e-5)
    ('0.25', '0', '1e−05')
    """
    return minus(f"{value:.6g}") if math.isfinite(value) else number(value)
