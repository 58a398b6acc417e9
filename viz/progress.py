"""Training in a terminal: a live display, and a line per epoch; in a pipe the lines alone, or JSON."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import ControlType
from rich.text import Text

from autodiff.data import Download
from autodiff.encoding import strict
from autodiff.run import Transfer
from autodiff.train import Callback, Record, Training

from . import report
from .numbers import BARS, number
from .terminal import console

SPARKS = 40  # batches or epochs that a sparkline shows at most
HEAD = "gradient norms  "
MOST_ROWS = 4  # of gradient norms
REFRESH = 8  # pictures a second


class TrainingDisplay(Callback):
    """Shows how training goes: live on a terminal, and a line per epoch, which is all that a pipe gets.

    Live are bars for the run and the epoch with the time left, sparklines of loss and accuracy, images per second, and
    the gradient norm of each layer in the last batch.
    """

    def __init__(self, out: Console | None = None) -> None:
        self.out = out or console()
        self._live: Live | None = None
        self._losses: list[float] = []

    def on_train_start(self, training: Training) -> None:
        """Start the display, on a terminal."""
        if not self.out.is_terminal:
            return
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            expand=True,
        )
        self._run = self._bars.add_task("run", total=training.epochs * training.batches)
        self._epoch = self._bars.add_task("epoch", total=training.batches)
        # Drawn by nobody but this object, which looks at the window's width before it does.
        self._live = Live(self._picture(training), console=self.out, transient=True, auto_refresh=False)
        self._live.start(refresh=True)

    def on_batch_end(self, training: Training) -> None:
        """Now and then, move the bars and draw the rest anew."""
        if self._live is None:
            return
        self._losses.append(training.loss)
        if perf_counter() - self._drawn > 1 / REFRESH:
            self._clear_folds()
            self._live.update(self._picture(training), refresh=True)

    def on_epoch_end(self, training: Training) -> None:
        """Print the epoch's line."""
        if self._live is not None:
            self._bars.reset(self._epoch)  # a bar that was full once would say ever after that no time is left
        self._clear_folds()
        self.out.print(epoch_line(training.history[-1], training.epochs), soft_wrap=True)

    def on_train_end(self, training: Training) -> None:
        """Take the display away."""
        self.close()

    def close(self) -> None:
        """Give the terminal its cursor back, however training ended."""
        if self._live is not None:
            self._clear_folds()
            self._live.stop()
            self._live = None

    def _picture(self, training: Training) -> Group:
        self._drawn = perf_counter()
        self._bars.update(self._run, completed=training.epoch * training.batches + training.batch)
        self._bars.update(self._epoch, completed=training.batch)
        self._width = self.out.width
        lines = live_lines(training, self._losses, self._width)
        self._lengths = [self._width] * len(self._bars.tasks) + [line.cell_len for line in lines]
        return Group(self._bars, *lines)

    def _clear_folds(self) -> None:
        """Where the window became narrower, the terminal has folded what was drawn: take away the rows this made.

        Rich counts lines as it drew them. What is a row more for each fold would be left standing above.
        """
        width = self.out.width
        if self._live is None or width >= self._width:
            return
        folds = sum(-(-length // width) - 1 for length in self._lengths if length)
        self.out.control(Control(*[(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)] * folds))
        self._width = width
        self._lengths = [min(length, width) for length in self._lengths]


def live_lines(training: Training, losses: Sequence[float], width: int) -> list[Text]:
    """What stands below the bars, each line within the width: loss and accuracy with their course, speed, gradients."""
    history = training.history
    lines = [_course([("loss ", "dim"), (f"{training.loss:.4f}", "bold")], losses, "yellow", width)]
    accuracies = [
        r["train_accuracy"] if r["validation_accuracy"] is None else r["validation_accuracy"] for r in history
    ]
    parts = [("accuracy ", "dim"), (f"{training.accuracy:.2%}" if training.batch else "—", "bold")]
    if history and (measured := history[-1]["validation_accuracy"]) is not None:
        parts += [("  validation ", "dim"), (f"{measured:.2%}", "bold")]
    lines.append(_course(parts, accuracies, "blue", width))
    speed = training.images_per_second
    lines.append(Text.assemble(("speed ", "dim"), (f"{speed:,.0f} images/s" if speed else "—", "bold")))
    norms = [f"{path} {number(norm)}" for path, norm in training.layer_gradients.items()]
    lines += [Text.assemble((f"{head:{len(HEAD)}}", "dim"), (line, "yellow")) for head, line in _rows(norms, width)]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _course(parts: list[tuple[str, str]], values: Sequence[float], style: str, width: int) -> Text:
    """Parts of a line, and a sparkline as long as there is room for."""
    room = width - sum(len(text) for text, _ in parts) - 2
    return Text.assemble(*parts, "  ", (sparkline(values, min(SPARKS, room)), style))


def _rows(norms: Sequence[str], width: int) -> Iterator[tuple[str, str]]:
    """Gradient norms in a few rows, each with what stands before it; what finds no room is counted."""
    rows: list[str] = []
    for i, norm in enumerate(norms):
        fits = bool(rows) and len(HEAD) + len(rows[-1]) + 2 + len(norm) <= width
        if not fits and len(rows) == MOST_ROWS:
            rows[-1] = f"… and {len(norms) - i + rows[-1].count('  ') + 1} more"
            break
        rows[-1:] = [f"{rows[-1]}  {norm}"] if fits else [*rows[-1:], norm]
    return ((HEAD if i == 0 else "", row) for i, row in enumerate(rows))


def sparkline(values: Sequence[float], most: int = SPARKS) -> str:
    """The course of values in one line of at most `most` characters, each the mean of a stretch; NaN leaves a gap.

    >>> sparkline([4.0, 3.0, 2.0, 1.0]), sparkline([1.0] * 3), len(sparkline(list(range(1000))))
    ('█▆▃▁', '▁▁▁', 40)
    """
    if most < 1:
        return ""
    stretches = np.array_split(np.asarray(values, float), min(most, len(values))) if len(values) else []
    with np.errstate(all="ignore"):
        means = [float(np.mean(stretch)) for stretch in stretches]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high - low or 1.0
    return "".join(BARS[round((mean - low) / span * 7)] if math.isfinite(mean) else " " for mean in means)


class JsonLines(Callback):
    """Prints the record of each epoch as a line of strict JSON."""

    def on_epoch_end(self, training: Training) -> None:
        print(json.dumps(strict(dict(training.history[-1])), allow_nan=False), flush=True)  # noqa: T201


class Shown(NamedTuple):
    """What shows a training.

    told   options of `run.train` and the like: callbacks, what is told how a download goes, and what writes the report
    taken  that of `run.finetune`: prints what was taken over
    """

    told: dict[str, Any]
    taken: Callable[[Transfer], None]


@contextmanager
def training_display(as_json: bool = False) -> Iterator[Shown]:
    """What shows a training: live lines for people, or JSON for machines. The terminal is as before at the end."""
    err = console(stderr=True)
    files = Progress(
        TextColumn("downloading {task.description}"), BarColumn(), DownloadColumn(), console=err, transient=True
    )
    tasks: dict[str, TaskID] = {}

    def download(state: Download) -> None:
        if not err.is_terminal:
            return
        if not tasks:
            files.start()
        if state.name not in tasks:
            tasks[state.name] = files.add_task(state.name, total=state.total)
        files.update(tasks[state.name], completed=state.received, total=state.total)
        if all(task.finished for task in files.tasks):
            files.stop()

    def taken(transfer: Transfer) -> None:
        for line in [] if as_json else transfer.lines():
            display.out.print(line, soft_wrap=True, markup=False)

    display = TrainingDisplay()
    callbacks: list[Callback] = [JsonLines()] if as_json else [display]
    try:
        yield Shown({"callbacks": callbacks, "progress": download, "finish": report.write}, taken)
    finally:
        display.close()
        if tasks:
            files.stop()


def epoch_line(record: Record, epochs: int) -> str:
    """One epoch in a line of at most 80 characters: loss and accuracy on the training and validation images."""
    parts = [
        f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}",
        f"train {record['train_loss']:.4f} {record['train_accuracy']:.2%}",
    ]
    if record["validation_loss"] is not None and record["validation_accuracy"] is not None:
        parts.append(f"validation {record['validation_loss']:.4f} {record['validation_accuracy']:.2%}")
    parts.append(f"{record['images_per_second']:,.0f} images/s")
    return "  ".join(parts)


def result_line(result: dict[str, Any]) -> str:
    """The result on the test images in a line."""
    return f"test: accuracy {result['accuracy']:.2%}  loss {result['loss']:.4f}  on {int(result['n']):,} images"
