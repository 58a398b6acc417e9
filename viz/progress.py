"""Training in a terminal: live bars for epoch and run, and a line per epoch; in a pipe the lines alone."""

from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from autodiff.train import Callback, Record, Training

from .terminal import console


class TrainingProgress(Callback):
    """A callback for `autodiff.train.fit` that shows how training goes."""

    def __init__(self, out: Console | None = None) -> None:
        self.out = out or console()
        self._bars: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bars away and give the terminal its cursor back, however training ended."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def on_train_start(self, training: Training) -> None:
        """Start the bars, on a terminal."""
        if not self.out.is_terminal:
            return
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("batches {task.fields[note]}"),
            TimeRemainingColumn(),
            console=self.out,
            transient=True,
        )
        total = training.epochs * training.batches
        self._run = self._bars.add_task("run", total=total, completed=self._done(training), note="")
        self._epoch = self._bars.add_task("epoch", total=training.batches, completed=training.batch, note="")
        self._bars.start()

    def on_batch_end(self, training: Training) -> None:
        """Move the bars."""
        if self._bars is not None:
            self._bars.update(self._run, completed=self._done(training))
            self._bars.update(self._epoch, completed=training.batch, note=f"loss {training.loss:.4f}")

    def on_epoch_end(self, training: Training) -> None:
        """Print the epoch's line."""
        self.out.print(epoch_line(training.history[-1], training.epochs), soft_wrap=True)

    def on_train_end(self, training: Training) -> None:
        """Take the bars away."""
        self.close()

    @staticmethod
    def _done(training: Training) -> int:
        return training.epoch * training.batches + training.batch


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
