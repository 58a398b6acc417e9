"""What training makes small, the cross-entropy of a batch and the penalties on the weights; and how it is measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .data import Split, pixels
from .errors import SettingError, ShapeError
from .nn import Module, Parameter, cross_entropy, l1_penalty, l2_penalty
from .tape import no_grad
from .threads import single_threaded

Prepare = Callable[[Any], np.ndarray]  # from images, as the data set stores them, to what the model takes


class Objective(NamedTuple):
    """`loss` is cross-entropy plus the penalties, all in its graph; `logits` and `cross_entropy` are its parts."""

    logits: Any
    cross_entropy: Any
    loss: Any


@dataclass(frozen=True)
class Penalties:
    """What is added to the cross-entropy, and how its labels are softened.

    l1, l2           beta of `nn.l1_penalty` and `nn.l2_penalty` on the weights, without the biases; 0 leaves it out
    label_smoothing  of `nn.cross_entropy`, in training alone

    Raises SettingError for a value out of range.
    """

    l1: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) < np.inf:
                raise SettingError(f"{name} must be finite and at least 0, got {getattr(self, name)}")
        if not 0 <= self.label_smoothing <= 1:
            raise SettingError(f"label_smoothing must be in 0..1, got {self.label_smoothing}")


def objective(model: Module, x: Any, labels: Any, decayed: Sequence[Parameter], penalties: Penalties) -> Objective:
    """Run the model and add up its loss. `x: (n, inputs), labels: (n,)` → logits (n, k), cross-entropy (), loss ()."""
    logits = model(x)
    logits.name = logits.name or "logits"
    loss = data_loss = cross_entropy(logits, labels, label_smoothing=penalties.label_smoothing, name="cross-entropy")
    terms = [
        penalty(decayed, beta)
        for penalty, beta in ((l1_penalty, penalties.l1), (l2_penalty, penalties.l2))
        if beta and decayed
    ]
    for i, term in enumerate(terms, 1):
        loss = ops.add(loss, term, name="loss" if i == len(terms) else None)
    return Objective(logits, data_loss, loss)


def weights(model: Module) -> list[Parameter]:
    """The parameters that penalties are for: the matrices that are trained, without the biases."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1 and parameter.requires_grad]


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
                correct += count_correct(logits.data, labels)
    finally:
        model.train(training)
    return Measured(correct / len(split), loss / len(split), len(split))


def count_correct(logits: np.ndarray, labels: np.ndarray) -> int:
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))
