"""Where a training run stands, how one batch moves it on, and its whole state as plain data.

A run that stops anywhere, even in the middle of an epoch, and goes on later from `Training.state_dict` computes bit for
bit what it would have computed without the stop.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from .callbacks import Callback
from .data import Split
from .divergence import check_weights
from .errors import CheckpointError, SettingError
from .gradients import Differentiated
from .history import Record, Sums, record_in
from .nn import Module
from .objective import Penalties, Prepare, measure, weights
from .optim import ExponentialMovingAverage, Optimizer
from .schedules import Plateau, Schedule, constant
from .updates import Updates

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # images of a batch → images of the same shape
RATIO_EVERY = 20  # batches between two looks at how much an update changes


@dataclass(eq=False)
class Training:
    """Where a training run stands. `fit` moves it on, callbacks look at it, `state_dict` makes it plain data.

    model, optimizer, epochs, batch_size, schedule, penalties, updates, plateau, augment, eager   as `fit` takes them
    rng        draws the order of each epoch
    lr         the learning rate that the schedule multiplies
    history    one record per finished epoch
    batches    batches per epoch
    batch      how many of the current epoch are done
    loss       the loss of the last batch, with its penalties
    gradients  the norm of each parameter's last gradient, by path, before clipping
    interrupted  whether Ctrl-C ended it
    stopped    whether a callback ended it before its last epoch
    """

    model: Module
    optimizer: Optimizer
    epochs: int
    batch_size: int
    rng: np.random.Generator
    schedule: Schedule = constant
    penalties: Penalties = field(default_factory=Penalties)
    updates: Updates = field(default_factory=Updates)
    plateau: Plateau | None = None
    augment: Augment | None = None
    eager: bool = True
    callbacks: Sequence[Callback] = ()
    history: list[Record] = field(default_factory=list)
    batches: int = 0
    batch: int = 0
    loss: float = float("nan")
    gradients: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False
    stopped: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise SettingError(f"training: {name} must be a whole number of at least 1, got {value!r}")
        self.lr = self.optimizer.lr
        self.weights = weights(self.model)
        self._differentiated = Differentiated(self.model, self.weights, self.penalties, eager=self.eager)
        self.average = (
            ExponentialMovingAverage(self.model.parameters(), self.updates.average) if self.updates.average else None
        )
        # Spawned, so that whether images are augmented does not change their order.
        self.augmentation = self.rng.spawn(1)[0] if self.augment else None
        self.first_loss: float | None = None
        self._sums = Sums()
        self._shuffle = self.rng.bit_generator.state  # what the order of the current epoch is drawn from

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return len(self.history)

    @property
    def progress(self) -> float:
        """The part of all batches that is done, in 0..1: what the schedule takes."""
        return (self.epoch + self.batch / max(self.batches, 1)) / self.epochs

    @property
    def images_per_second(self) -> float:
        """Of this epoch so far; 0 before its first batch."""
        return self._sums.images_per_second

    @property
    def accuracy(self) -> float:
        """On the training images of this epoch so far; NaN before its first batch."""
        return self._sums.accuracy

    @property
    def layer_gradients(self) -> dict[str, float]:
        """The gradient norm of each layer in the last batch, all its parameters together, by path."""
        squares: dict[str, float] = {}
        for path, norm in self.gradients.items():
            layer = path.rpartition(".")[0]
            squares[layer] = squares.get(layer, 0.0) + norm**2
        return {layer: float(np.sqrt(square)) for layer, square in squares.items()}

    def stop(self) -> None:
        """End training after this epoch. For callbacks."""
        self.stopped = True

    def evaluated_state(self) -> dict[str, Any]:
        """The weights that are measured: the model's, or their moving average."""
        with self.average.applied() if self.average else nullcontext():
            return self.model.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as containers, numbers and arrays."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": {path: rng.bit_generator.state for path, rng in self._generators().items()},
            "average": self.average.state_dict() if self.average else None,
            "plateau": vars(self.plateau).copy() if self.plateau else None,
            "callbacks": [
                {"callback": type(callback).__name__, "state": state}
                for callback in self.callbacks
                if (state := callback.state_dict())
            ],
            "shuffle": self._shuffle,
            "lr": self.lr,
            "first_loss": self.first_loss,
            "stopped": self.stopped,
            "epoch": self.epoch,
            "batch": self.batch,
            "batches": self.batches,
            "sums": vars(self._sums).copy(),
            "history": [dict(record) for record in self.history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to where `state_dict` was called, with a model and optimiser made as that run's were.

        Raises CheckpointError if the state does not fit them.
        """
        try:
            generators = self._generators()
            if set(state["generators"]) != set(generators):
                raise CheckpointError(
                    f"training: expects the generators {sorted(generators)}, found {sorted(state['generators'])}"
                )
            if (state.get("average") is None) != (self.average is None):
                raise CheckpointError("training: either the state or this training averages weights, not both")
            sums = Sums(**state["sums"])
            history = [record_in(record) for record in state["history"]]
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average:
                self.average.load_state_dict(state["average"])
            if self.plateau and state.get("plateau"):
                self.plateau = Plateau(**state["plateau"])
            waiting = list(state.get("callbacks", ()))
            for callback in self.callbacks:
                if waiting and waiting[0]["callback"] == type(callback).__name__:
                    callback.load_state_dict(waiting.pop(0)["state"])
            for path, rng in generators.items():
                rng.bit_generator.state = state["generators"][path]
            self.rng.bit_generator.state = self._shuffle = state["shuffle"]
            self.lr, self.batch, self.batches = float(state["lr"]), int(state["batch"]), int(state["batches"])
            self.first_loss, self.stopped = state.get("first_loss"), bool(state.get("stopped", False))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"training: not a state that state_dict() gave ({error!r})") from error
        self.history, self._sums = history, sums

    def _generators(self) -> dict[str, np.random.Generator]:
        own = {"augmentation": self.augmentation} if self.augmentation else {}
        return {**dict(self.model.named_generators()), **own}

    def restore(self, weights: Mapping[str, Any]) -> None:
        """Go back to weights that `evaluated_state` gave: the model, and the average of its weights."""
        self.model.load_state_dict(weights)
        if self.average:
            self.average.restart()

    def run_batch(self, images: np.ndarray, labels: np.ndarray, prepare: Prepare) -> None:
        """One update. Its graph is gone when this returns. Raises DivergenceError if it cannot be made."""
        start = perf_counter()
        factor = self.plateau.scale if self.plateau else 1.0
        self.optimizer.lr = self.lr * self.schedule(self.progress) * factor
        if self.augment and self.augmentation:
            images = self.augment(images, self.augmentation)
        parts = [(prepare(images[part]), labels[part]) for part in self.updates.parts(len(labels))]
        found = self._differentiated(parts, self.first_loss, self._place)
        self.loss, self.gradients = found.loss, found.norms
        if self.first_loss is None:
            self.first_loss = found.loss
        self._sums.loss += found.cross_entropy
        self._sums.correct += found.correct
        self._sums.gradient_norm += found.norm
        ratio = self.updates.apply(self.optimizer, self.weights, self.average, ratio=self.batch % RATIO_EVERY == 0)
        if ratio is not None:
            self._sums.update_ratio += ratio
            self._sums.ratios += 1
        self._sums.updates += 1
        self._sums.images += len(labels)
        self.batch += 1
        self._sums.seconds += perf_counter() - start

    def finish_epoch(self, validation: Split | None, prepare: Prepare) -> None:
        """Measure the weights and add the epoch to the history. Raises DivergenceError for weights that are no use."""
        self.check_weights()
        measured = None
        if validation is not None and len(validation):
            with self.average.applied() if self.average else nullcontext():
                measured = measure(self.model, validation, prepare=prepare)
        self.history.append(self._sums.record(self.epoch + 1, measured, self.optimizer.lr))
        if self.plateau and measured:
            self.plateau.update(measured.loss)
        self.batch, self._sums = 0, Sums()
        self._shuffle = self.rng.bit_generator.state

    def check_weights(self) -> None:
        """Raises DivergenceError if a weight is not finite, so that such weights are never kept."""
        check_weights(self.model.named_parameters(), self._place)

    @property
    def _place(self) -> str:
        return f"epoch {self.epoch + 1}, batch {min(self.batch + 1, self.batches)} of {self.batches}"
