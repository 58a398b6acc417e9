"""What is kept of each epoch of training, and how it is added up while the epoch goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from .objective import Measured


class Record(TypedDict):
    """One epoch of the history. Losses are mean cross-entropies without penalties, so that they can be compared.

    The training figures are means over the epoch, measured in training mode while the weights changed; the validation
    figures are measured after it, in evaluation mode, and None without validation data. `seconds` is time spent on
    training alone; `learning_rate` is that of the epoch's last batch; `gradient_norm` and `update_ratio` are means over
    its updates: of the norm of all gradients before clipping, and of ‖change‖ / ‖weights‖.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    learning_rate: float
    gradient_norm: float
    update_ratio: float


@dataclass
class Sums:
    """What has been added up of an epoch: over its images, its seconds, its updates, and the updates looked at."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    seconds: float = 0.0
    gradient_norm: float = 0.0
    updates: int = 0
    update_ratio: float = 0.0
    ratios: int = 0

    @property
    def images_per_second(self) -> float:
        """0 before the first batch."""
        return self.images / self.seconds if self.seconds else 0.0

    @property
    def accuracy(self) -> float:
        """On the images so far; NaN before the first batch."""
        return self.correct / self.images if self.images else float("nan")

    def record(self, epoch: int, measured: Measured | None, learning_rate: float) -> Record:
        """The epoch's record, once it is over. `measured`: on the validation data, None without any."""
        return Record(
            epoch=epoch,
            train_loss=self.loss / self.images,
            train_accuracy=self.correct / self.images,
            validation_loss=measured.loss if measured else None,
            validation_accuracy=measured.accuracy if measured else None,
            seconds=self.seconds,
            images_per_second=self.images_per_second,
            learning_rate=learning_rate,
            gradient_norm=self.gradient_norm / max(self.updates, 1),
            update_ratio=self.update_ratio / max(self.ratios, 1),
        )


def record_in(fields: Mapping[str, Any]) -> Record:
    """A record from a checkpoint; one of before a figure was kept has NaN there. Raises KeyError if one is missing."""
    old = {"gradient_norm": float("nan"), "update_ratio": float("nan")}
    return cast(Record, {name: (old | dict(fields))[name] for name in Record.__annotations__})
