"""Training a classifier on mini-batches: the loop. It knows no terminal, file or plot."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from .callbacks import Callback, EarlyStopping
from .data import Split, batches, pixels
from .data.dataset import rows
from .errors import CheckpointError, SettingError
from .history import Record
from .interruption import interrupt_later
from .nn import Module
from .objective import Measured, Objective, Penalties, Prepare, measure, objective, weights
from .optim import Optimizer
from .schedules import Plateau, Schedule, constant
from .tape import recording
from .threads import single_threaded
from .training import Augment, Training
from .updates import Updates

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
    eager: bool = True,
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
    eager      False records the passes of a batch once and replays them, see `autodiff.compile`: the same numbers,
               sooner. The model must then decide nothing by the values that it computes
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

    Raises SettingError for settings out of range, no training examples, or batches too small for a layer;
    CheckpointError if `state` does not fit; DivergenceError, which names the first cause, if the loss, a gradient or a
    weight is not finite or the loss explodes.
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
        eager,
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
    training.updates.check_batches(model, len(train), batch_size)
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
                training.run_batch(rows(train.images, chosen), train.labels[chosen], prepare)
                between_batches = True
                tell("on_batch_end")
            between_batches = False
            training.finish_epoch(validation, prepare)
            between_batches = True
            tell("on_epoch_end")
    except KeyboardInterrupt:
        if not between_batches:  # a second Ctrl-C, in the middle of an update: there is no state to go on from
            raise
        training.check_weights()
        training.interrupted = True
    training.model.eval()
    for callback in callbacks:
        callback.on_train_end(training)
