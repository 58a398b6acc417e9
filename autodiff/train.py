"""Training a classifier on mini-batches: the loop and its history. It knows no terminal, file or plot.

The whole state of a run is plain data (`Training.state_dict`), so a run that stops anywhere, even in the middle of an
epoch, and goes on later computes bit for bit what it would have computed without the stop.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from time import perf_counter
from typing import Any, TypedDict, cast

import numpy as np

from .callbacks import Callback, EarlyStopping
from .data import Split, batches, pixels
from .errors import CheckpointError, DivergenceError, SettingError
from .interruption import interrupt_later
from .nn import Module
from .objective import Measured, Objective, Penalties, Prepare, count_correct, measure, objective, weights
from .optim import ExponentialMovingAverage, Optimizer, clip_grad_norm, clip_grad_value, max_norm
from .schedules import Plateau, Schedule, constant
from .tape import recording
from .threads import single_threaded

__all__ = [
    "Callback",
    "EarlyStopping",
    "Measured",
    "Objective",
    "Penalties",
    "Record",
    "Training",
    "Updates",
    "fit",
    "measure",
    "objective",
    "weights",
]

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # images of a batch → images of the same shape
EXPLODED = 1e6  # a loss above this many times that of the first batch has exploded


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


def _record(fields: Mapping[str, Any]) -> Record:
    """A record from a checkpoint; one of before a figure was kept has NaN there."""
    old = {"gradient_norm": float("nan"), "update_ratio": float("nan")}
    return cast(Record, {name: (old | dict(fields))[name] for name in Record.__annotations__})


@dataclass(frozen=True)
class Updates:
    """What happens to gradients before an update, and to weights after it. 0 leaves a thing out.

    accumulate  a batch is computed in so many parts, whose gradients are added up: for batches that memory cannot hold
    clip_norm   the most that the norm of all gradients together may be, see `optim.clip_grad_norm`
    clip_value  the most that a number of a gradient may be, see `optim.clip_grad_value`
    max_norm    the most that the norm of the weights into a unit may be, see `optim.max_norm`
    average     decay of an exponential moving average of the weights, which is what is measured and kept

    Raises SettingError for a value out of range.
    """

    accumulate: int = 1
    clip_norm: float = 0.0
    clip_value: float = 0.0
    max_norm: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.accumulate, int) or self.accumulate < 1:
            raise SettingError(f"accumulate must be a whole number of at least 1, got {self.accumulate!r}")
        for name in ("clip_norm", "clip_value", "max_norm"):
            if not (getattr(self, name) >= 0 and isfinite(getattr(self, name))):
                raise SettingError(f"{name} must be finite and at least 0, got {getattr(self, name)}")
        if not 0 <= self.average < 1:
            raise SettingError(f"average is a decay and must be in [0, 1), got {self.average}")


@dataclass(eq=False)
class Training:
    """Where a training run stands. `fit` moves it on, callbacks look at it, `state_dict` makes it plain data.

    model, optimizer, epochs, batch_size, schedule, penalties, updates, plateau, augment   as `fit` takes them
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
        self.named = dict(self.model.named_parameters())
        self.average = (
            ExponentialMovingAverage(self.model.parameters(), self.updates.average) if self.updates.average else None
        )
        # Spawned, so that whether images are augmented does not change their order.
        self.augmentation = self.rng.spawn(1)[0] if self.augment else None
        self.first_loss: float | None = None
        self._sums = _Sums()
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
        return self._sums.images / self._sums.seconds if self._sums.seconds else 0.0

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
            sums = _Sums(**state["sums"])
            history = [_record(record) for record in state["history"]]
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

    def _run_batch(self, images: np.ndarray, labels: np.ndarray, prepare: Prepare) -> None:
        """One update. Its graph is gone when this returns."""
        start = perf_counter()
        factor = self.plateau.scale if self.plateau else 1.0
        self.optimizer.lr = self.lr * self.schedule(self.progress) * factor
        if self.augment and self.augmentation:
            images = self.augment(images, self.augmentation)
        self.optimizer.zero_grad()
        total = 0.0
        for part in np.array_split(np.arange(len(labels)), min(self.updates.accumulate, len(labels))):
            found = objective(self.model, prepare(images[part]), labels[part], self.weights, self.penalties)
            share = len(part) / len(labels)
            self._check(found)
            found.loss.backward(None if share == 1 else np.asarray(share, found.loss.dtype))
            total += found.loss.item() * share
            self._sums.loss += found.cross_entropy.item() * len(part)
            self._sums.correct += count_correct(found.logits.data, labels[part])
        self.loss = total
        if self.first_loss is None:
            self.first_loss = total
        self._update()
        self._sums.images += len(labels)
        self.batch += 1
        self._sums.seconds += perf_counter() - start

    def _update(self) -> None:
        """Clip, step, constrain, average; and note how large gradients and changes were."""
        parameters, updates = self.optimizer.params, self.updates
        self.gradients = {
            path: float(np.sqrt(np.vdot(p.grad, p.grad))) for path, p in self.named.items() if p.grad is not None
        }
        self._sums.gradient_norm += float(np.sqrt(sum(norm**2 for norm in self.gradients.values())))
        if updates.clip_value:
            clip_grad_value(parameters, updates.clip_value)
        if updates.clip_norm:
            clip_grad_norm(parameters, updates.clip_norm)
        looked_at = self.batch % RATIO_EVERY == 0
        before = [weight.data.copy() for weight in self.weights] if looked_at else []
        self.optimizer.step()
        if updates.max_norm:
            max_norm(self.weights, updates.max_norm)
        if self.average:
            self.average.update()
        if looked_at:
            self._sums.update_ratio += _ratio(before, [weight.data for weight in self.weights])
            self._sums.ratios += 1
        self._sums.updates += 1

    def _check(self, found: Objective) -> None:
        """Raises DivergenceError, which names the first cause, if the loss is not finite or has exploded."""
        loss = found.loss.item()
        if isfinite(loss) and (self.first_loss is None or loss <= EXPLODED * max(self.first_loss, 1e-3)):
            return
        place = f"epoch {self.epoch + 1}, batch {self.batch + 1} of {self.batches}"
        if isfinite(loss):
            raise DivergenceError(
                f"training: the loss exploded to {loss:.3g} in {place}, from {self.first_loss:.3g} in the first batch; "
                "lower the learning rate or clip gradients"
            )
        from .causes import first_cause  # here, since a healthy run needs none of it

        cause = first_cause(found.loss)
        raise DivergenceError(f"training: the loss is {loss} in {place}: {cause}", cause)

    def _finish_epoch(self, measured: Measured | None) -> None:
        sums = self._sums
        self.history.append(
            Record(
                epoch=self.epoch + 1,
                train_loss=sums.loss / sums.images,
                train_accuracy=sums.correct / sums.images,
                validation_loss=measured.loss if measured else None,
                validation_accuracy=measured.accuracy if measured else None,
                seconds=sums.seconds,
                images_per_second=sums.images / sums.seconds,
                learning_rate=self.optimizer.lr,
                gradient_norm=sums.gradient_norm / max(sums.updates, 1),
                update_ratio=sums.update_ratio / max(sums.ratios, 1),
            )
        )
        if self.plateau and measured:
            self.plateau.update(measured.loss)
        self.batch, self._sums = 0, _Sums()
        self._shuffle = self.rng.bit_generator.state


RATIO_EVERY = 20  # batches between two looks at how much an update changes


def _ratio(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """‖change‖ / ‖weights‖, over all weights."""
    size = sum(float(np.vdot(w, w)) for w in before)
    change = sum(float(np.vdot(d, d)) for d in (b - a for a, b in zip(before, after, strict=True)))
    return float(np.sqrt(change / size)) if size else float("nan")


@dataclass
class _Sums:
    """What has been added up of the current epoch."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    seconds: float = 0.0
    gradient_norm: float = 0.0
    updates: int = 0
    update_ratio: float = 0.0
    ratios: int = 0


def fit(
    model: Module,
    train: Split,
    validation: Split | None = None,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    l2: float = 0.0,
    schedule: Schedule = constant,
    penalties: Penalties | None = None,
    updates: Updates | None = None,
    plateau: Plateau | None = None,
    augment: Augment | None = None,
    prepare: Prepare = pixels,
    callbacks: Sequence[Callback] = (),
    state: Mapping[str, Any] | None = None,
) -> Training:
    """Train `model` on shuffled mini-batches, measure it on `validation` after each epoch, and return where it stands.

    rng        draws the order of the examples, anew for each epoch
    l2         beta of `nn.l2_penalty`, on the weights without the biases; 0 leaves the term out
    penalties  that and the others, instead of `l2`
    updates    clipping, accumulation, max-norm and the average of weights; none by default
    plateau    lowers the learning rate further when the validation loss stays
    augment    from the images of a batch, and a generator, to images that are as good
    schedule   from the part of the run that is done to a factor for the optimiser's learning rate
    prepare    from a batch of `train.images` to what the model takes; by default `data.pixels`
    state      a `Training.state_dict()` to go on from, made with the same arguments; `epochs` may differ

    Ctrl-C ends training after the batch that is running; the result then says `interrupted`. A second Ctrl-C acts at
    once.

    >>> from autodiff import data, nn, optim
    >>> rng = np.random.default_rng(0)
    >>> points = rng.standard_normal((200, 2)).astype(np.float32)
    >>> split = data.Split(points, (points[:, 0] > 0).astype(np.int64))
    >>> model = nn.MLP([2, 8, 2], rng=rng)
    >>> adam = optim.Adam(model.parameters(), lr=0.05)
    >>> training = fit(model, split, optimizer=adam, epochs=5, batch_size=20, rng=rng, prepare=lambda x: x)
    >>> training.history[-1]["train_accuracy"] > 0.9
    True

    Raises SettingError for settings out of range or no training examples, CheckpointError if `state` does not fit,
    DivergenceError, which names the first cause, if the loss is not finite or explodes.
    """
    if not len(train):
        raise SettingError("fit: there are no training examples")
    training = Training(
        model,
        optimizer,
        epochs,
        batch_size,
        rng,
        schedule,
        penalties or Penalties(l2=l2),
        updates or Updates(),
        plateau,
        augment,
        callbacks,
    )
    per_epoch = -(-len(train) // batch_size)
    if state is not None:
        training.load_state_dict(state)
        if training.batches != per_epoch:
            raise CheckpointError(
                f"training: the state is of a run with {training.batches} batches per epoch, this one has {per_epoch}"
            )
    training.batches = per_epoch
    if epochs < training.epoch + (training.batch > 0):
        raise SettingError(f"fit: {training.epoch} epochs and {training.batch} batches are done, epochs is {epochs}")
    # Nothing writes to an array between a forward and its backward pass here, so nothing needs a copy.
    # A loss that is not finite ends training with an error that says more than NumPy's warnings on the way there.
    quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with single_threaded(), recording(copy=False), quiet, interrupt_later() as interrupted:
        _fit(training, train, validation, prepare, callbacks, interrupted)
    return training


def _fit(
    training: Training,
    train: Split,
    validation: Split | None,
    prepare: Prepare,
    callbacks: Sequence[Callback],
    interrupted: Callable[[], bool],
) -> None:
    def tell(event: str) -> None:
        for callback in callbacks:
            getattr(callback, event)(training)
        if interrupted():
            raise KeyboardInterrupt

    between_batches = True
    try:
        tell("on_train_start")
        while training.epoch < training.epochs and not training.stopped:
            training.model.train()
            order = batches(len(train), training.batch_size, training.rng)
            for chosen in islice(order, training.batch, None):
                between_batches = False
                training._run_batch(train.images[chosen], train.labels[chosen], prepare)
                between_batches = True
                tell("on_batch_end")
            between_batches = False
            measured = _measured(training, validation, prepare)
            training._finish_epoch(measured)
            between_batches = True
            tell("on_epoch_end")
    except KeyboardInterrupt:
        if not between_batches:  # a second Ctrl-C, in the middle of an update: there is no state to go on from
            raise
        training.interrupted = True
    training.model.eval()
    for callback in callbacks:
        callback.on_train_end(training)


def _measured(training: Training, validation: Split | None, prepare: Prepare) -> Measured | None:
    if validation is None or not len(validation):
        return None
    with training.average.applied() if training.average else nullcontext():
        return measure(training.model, validation, prepare=prepare)
