"""Training a classifier on mini-batches: the loop, its callbacks and its history. It knows no terminal, file or plot.

The whole state of a run is plain data (`Training.state_dict`), so a run that stops anywhere, even in the middle of an
epoch, and goes on later computes bit for bit what it would have computed without the stop.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple, TypedDict, cast

import numpy as np

from . import ops
from .data import Split, batches, pixels
from .errors import CheckpointError, SettingError, ShapeError
from .nn import Module, Parameter, cross_entropy, l2_penalty
from .optim import Optimizer
from .schedules import Schedule, constant
from .tape import no_grad, recording
from .threads import single_threaded

Prepare = Callable[[Any], np.ndarray]  # from images, as the data set stores them, to what the model takes


class Record(TypedDict):
    """One epoch of the history. Losses are mean cross-entropies without the L2 term, so that they can be compared.

    The training figures are means over the epoch, measured in training mode while the weights changed; the validation
    figures are measured after it, in evaluation mode, and None without validation data. `seconds` is time spent on
    training alone; `learning_rate` is that of the epoch's last batch.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float
    learning_rate: float


def _record(fields: Mapping[str, Any]) -> Record:
    return cast(Record, {name: fields[name] for name in Record.__annotations__})


class Callback:
    """What is told how training goes. Subclass it and define what you need; `training` is the live state: look only.

    A KeyboardInterrupt raised here ends training as Ctrl-C does: cleanly, between two batches.
    """

    def on_train_start(self, training: "Training") -> None:
        """Before the first batch, also when a run is resumed."""

    def on_batch_end(self, training: "Training") -> None:
        """After an update: `training.batch` of `training.batches` are done, `training.loss` is the last batch's."""

    def on_epoch_end(self, training: "Training") -> None:
        """After validation: `training.history[-1]` is this epoch's record."""

    def on_train_end(self, training: "Training") -> None:
        """After the last batch, or when `training.interrupted`."""


@dataclass(eq=False)
class Training:
    """Where a training run stands. `fit` moves it on, callbacks look at it, `state_dict` makes it plain data.

    model, optimizer, epochs, batch_size, l2, schedule   as `fit` takes them
    rng        draws the order of each epoch
    lr         the learning rate that the schedule multiplies
    history    one record per finished epoch
    batches    batches per epoch
    batch      how many of the current epoch are done
    loss       the loss of the last batch, with its L2 term
    interrupted  whether Ctrl-C ended it
    """

    model: Module
    optimizer: Optimizer
    epochs: int
    batch_size: int
    rng: np.random.Generator
    l2: float = 0.0
    schedule: Schedule = constant
    history: list[Record] = field(default_factory=list)
    batches: int = 0
    batch: int = 0
    loss: float = float("nan")
    interrupted: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise SettingError(f"training: {name} must be a whole number of at least 1, got {value!r}")
        self.lr = self.optimizer.lr
        self.weights = weights(self.model)
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

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as containers, numbers and arrays."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": {path: rng.bit_generator.state for path, rng in self.model.named_generators()},
            "shuffle": self._shuffle,
            "lr": self.lr,
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
            generators = dict(self.model.named_generators())
            if set(state["generators"]) != set(generators):
                raise CheckpointError(
                    f"training: expects the generators {sorted(generators)}, found {sorted(state['generators'])}"
                )
            sums = _Sums(**state["sums"])
            history = [_record(record) for record in state["history"]]
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            for path, rng in generators.items():
                rng.bit_generator.state = state["generators"][path]
            self.rng.bit_generator.state = self._shuffle = state["shuffle"]
            self.lr, self.batch, self.batches = float(state["lr"]), int(state["batch"]), int(state["batches"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"training: not a state that state_dict() gave ({error!r})") from error
        self.history, self._sums = history, sums

    def _run_batch(self, x: np.ndarray, labels: np.ndarray) -> None:
        """One update. Its graph is gone when this returns."""
        start = perf_counter()
        self.optimizer.lr = self.lr * self.schedule(self.progress)
        found = objective(self.model, x, labels, self.weights, self.l2)
        self.optimizer.zero_grad()
        found.loss.backward()
        self.optimizer.step()
        self.loss = found.loss.item()
        self._sums.loss += found.cross_entropy.item() * len(labels)
        self._sums.correct += _count_correct(found.logits.data, labels)
        self._sums.images += len(labels)
        self.batch += 1
        self._sums.seconds += perf_counter() - start

    def _finish_epoch(self, measured: "Measured | None") -> None:
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
            )
        )
        self.batch, self._sums = 0, _Sums()
        self._shuffle = self.rng.bit_generator.state


@dataclass
class _Sums:
    """What has been added up of the current epoch."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0
    seconds: float = 0.0


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
    prepare: Prepare = pixels,
    callbacks: Sequence[Callback] = (),
    state: Mapping[str, Any] | None = None,
) -> Training:
    """Train `model` on shuffled mini-batches, measure it on `validation` after each epoch, and return where it stands.

    rng        draws the order of the examples, anew for each epoch
    l2         beta of `nn.l2_penalty`, on the weights without the biases; 0 leaves the term out
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

    Raises SettingError for settings out of range or no training examples, CheckpointError if `state` does not fit.
    """
    if not len(train):
        raise SettingError("fit: there are no training examples")
    training = Training(model, optimizer, epochs, batch_size, rng, l2, schedule)
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
    with single_threaded(), recording(copy=False), _interrupt_between_batches() as interrupted:
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
        while training.epoch < training.epochs:
            training.model.train()
            order = batches(len(train), training.batch_size, training.rng)
            for chosen in islice(order, training.batch, None):
                between_batches = False
                training._run_batch(prepare(train.images[chosen]), train.labels[chosen])
                between_batches = True
                tell("on_batch_end")
            measured = measure(training.model, validation, prepare=prepare) if validation and len(validation) else None
            between_batches = False
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


class Objective(NamedTuple):
    """What training makes small, and its parts: `loss` is cross-entropy plus the L2 term, both in its graph."""

    logits: Any
    cross_entropy: Any
    loss: Any


def objective(model: Module, x: Any, labels: Any, decayed: Sequence[Parameter], l2: float) -> Objective:
    """Run the model and add up its loss. `x: (n, inputs), labels: (n,)` → logits (n, k), cross-entropy (), loss ()."""
    logits = model(x)
    logits.name = logits.name or "logits"
    data_loss = cross_entropy(logits, labels, name="cross-entropy")
    if not l2:
        return Objective(logits, data_loss, data_loss)
    return Objective(logits, data_loss, ops.add(data_loss, l2_penalty(decayed, l2), name="loss"))


def weights(model: Module) -> list[Parameter]:
    """The parameters that an L2 penalty is for: the matrices, without the biases."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1]


class Measured(NamedTuple):
    """Accuracy and mean cross-entropy over n examples."""

    accuracy: float
    loss: float
    n: int


def measure(model: Module, split: Split, *, batch_size: int = 1000, prepare: Prepare = pixels) -> Measured:
    """Accuracy and mean cross-entropy on a split, in evaluation mode and without recording; the mode is put back.

    Raises ShapeError if the split is empty.
    """
    if not len(split):
        raise ShapeError("measure: there are no examples to measure on")
    loss, correct = 0.0, 0
    training = model.training
    model.eval()
    try:
        with single_threaded(), no_grad():
            for start in range(0, len(split), batch_size):
                labels = split.labels[start : start + batch_size]
                logits = model(prepare(split.images[start : start + batch_size]))
                loss += cross_entropy(logits, labels).item() * len(labels)
                correct += _count_correct(logits.data, labels)
    finally:
        model.train(training)
    return Measured(correct / len(split), loss / len(split), len(split))


def _count_correct(logits: np.ndarray, labels: np.ndarray) -> int:
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))


@contextmanager
def _interrupt_between_batches() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C is only noted, so that no update is cut in two; yields the function that asks for it.

    Where Python's own Ctrl-C handler is not in charge (another thread, another handler), nothing is changed.
    """
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    in_charge = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not in_charge:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
