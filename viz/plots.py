"""Learning curves: loss and accuracy over the epochs, for training and validation, as SVG, PNG or PDF.

Drawn with matplotlib's Figure, never pyplot, so there is no global state and no window; the same history gives the same
bytes, whatever the user's matplotlib settings are.
"""

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.errors import SettingError

from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".svg", ".png", ".pdf")
# No dates or versions, so that the bytes depend on the history alone.
_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


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
    target = Path(path)
    suffixes = [target.suffix.lower()] if target.suffix else [".svg", ".png"]
    if suffixes[0] not in FORMATS:
        raise SettingError(f"learning curves are drawn as {', '.join(FORMATS)}, not {target.suffix}")
    if not history:
        raise SettingError("learning curves need at least one finished epoch")
    files = [target if target.suffix else target.with_name(target.name + suffix) for suffix in suffixes]
    for file, suffix in zip(files, suffixes, strict=True):
        file.write_bytes(_picture(history, suffix, title, theme))
    return files


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


def _picture(history: Sequence[Mapping[str, Any]], suffix: str, title: str, theme: Theme) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc("font", family=theme.font, size=10)
        matplotlib.rc("svg", fonttype="path", hashsalt="chainlens")  # shapes, not text: the picture needs no font
        matplotlib.rc("axes.spines", top=False, right=False)
        figure = Figure(figsize=(9, 3.6), dpi=144, layout="constrained", facecolor=theme.background)
        FigureCanvasAgg(figure)
        figure.suptitle(title, color=theme.text, parse_math=False)
        loss, accuracy = figure.subplots(1, 2)
        _panel(loss, history, "loss", "Cross-entropy", theme)
        _panel(accuracy, history, "accuracy", "Accuracy", theme)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix[1:], metadata=_METADATA[suffix])
    picture = buffer.getvalue()
    return _with_alternative(picture, title, describe(history)) if suffix == ".svg" else picture


def _panel(axes: "Axes", history: Sequence[Mapping[str, Any]], quantity: str, label: str, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = [int(record["epoch"]) for record in history]
    # Marker and dash tell the two apart without colour.
    for split, colour, style in (("train", theme.forward, "-o"), ("validation", theme.backward, "--s")):
        values = [_number(record.get(f"{split}_{quantity}")) for record in history]
        if not all(map(math.isnan, values)):
            axes.plot(epochs, values, style, color=colour, label=split, markersize=4)
    axes.set_facecolor(theme.background)
    axes.set_xlabel("epoch", color=theme.text)
    axes.set_ylabel(label, color=theme.text)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.tick_params(colors=theme.quiet)
    axes.grid(color=theme.line, alpha=0.3)
    for spine in axes.spines.values():
        spine.set_color(theme.line)
    if axes.lines:
        axes.legend(frameon=False, labelcolor=theme.text)


def _number(value: Any) -> float:
    """A figure as a float: NaN for None, for infinities, and for what strict JSON writes as text."""
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if math.isfinite(number) else math.nan


def _with_alternative(picture: bytes, title: str, description: str) -> bytes:
    """The SVG with its title and description as the first elements, where screen readers look for them."""
    from xml.sax.saxutils import escape

    text = picture.decode()
    end = text.index(">", text.index("<svg ")) + 1
    opening = text[:end].replace("<svg ", '<svg role="img" ')
    return f"{opening}\n <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>{text[end:]}".encode()
