"""Training runs, each in a folder of its own, and what is done with a finished one.

runs/mnist/config.toml      the configuration
runs/mnist/history.jsonl    one line of strict JSON per epoch
runs/mnist/checkpoint.pkl   everything needed to go on bit for bit; written after each epoch and on Ctrl-C
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import checkpoint, data, health, ops
from .configuration import Configuration
from .data import Dataset
from .errors import CheckpointError, DataError, SettingError, ShapeError
from .health import Health
from .nn import MLP
from .schedules import SCHEDULES
from .tape import no_grad
from .tensor import Tensor
from .train import Callback, Record, Training, fit, measure, objective, weights

CONFIGURATION, HISTORY, CHECKPOINT = "config.toml", "history.jsonl", "checkpoint.pkl"
SAMPLE = 8  # training examples kept in a checkpoint, so that a step can be drawn without the data

Path_ = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Run:
    """A run that has ended: its folder, configuration, model (in evaluation mode) and history.

    interrupted  whether Ctrl-C ended it; `resume(folder)` goes on
    test         {"accuracy", "loss", "n"} on the test split, or None if it was interrupted
    """

    folder: Path
    configuration: Configuration
    model: MLP
    history: list[Record]
    interrupted: bool
    test: dict[str, float] | None


def train(configuration: Configuration, callbacks: Sequence[Callback] = (), *, force: bool = False) -> Run:
    """Train a perceptron as configured and write its run folder.

    Raises SettingError if the folder holds anything already, unless `force` is true: then an earlier run in it is
    replaced. Raises DataError if the data cannot be read.
    """
    return _start(configuration, callbacks, force, None)


def resume(path: Path_, callbacks: Sequence[Callback] = (), *, epochs: int | None = None) -> Run:
    """Go on with a run from its last checkpoint, bit for bit as if it had never stopped.

    path    the run folder, or the checkpoint in it
    epochs  the number of epochs in all, if it is to change: the schedule is stretched or squeezed over them

    Of a run that is finished it only measures the result again.

    Raises MissingCheckpointError if there is no checkpoint, CheckpointError if it is damaged, DataError if the data are
    not those of the run, SettingError if more than `epochs` are done.
    """
    state = _read(path)
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    configuration = _configuration(state)
    if epochs is not None:
        configuration = replace(configuration, epochs=epochs)
    dataset = _load(configuration.data, configuration.seed)
    expected, found = state["data"]["sha256"], _digest(dataset)
    if expected != found:
        raise DataError(
            f"{configuration.data}: not the training data of this run: SHA-256 {found[:9]}…, expected {expected[:9]}…"
        )
    return _fit(configuration, folder, dataset, callbacks, state, None)


def finetune(
    start: Path_, configuration: Configuration, callbacks: Sequence[Callback] = (), *, force: bool = False
) -> Run:
    """Train a new run that starts from the weights of a checkpoint instead of random ones.

    The hidden sizes are those of the checkpoint, whatever the configuration says. If the data have another number of
    classes, the last layer starts anew. Raises as `train` and `evaluate` do.
    """
    state = _read(start)
    configuration = replace(configuration, hidden=tuple(state["model"]["sizes"][1:-1]))
    return _start(configuration, callbacks, force, state)


def evaluate(path: Path_, data: str | None = None) -> dict[str, float]:
    """Accuracy and mean cross-entropy on the test split: {"accuracy": …, "loss": …, "n": …}.

    path  a checkpoint, or a run folder
    data  another source of data, as `data.load` takes it; by default that of the run

    Raises CheckpointError if the checkpoint cannot be used, DataError if the data do not fit the network.
    """
    state = _read(path)
    configuration = _configuration(state)
    source = configuration.data if data is None else data
    dataset = _load(source, configuration.seed)
    _check_fit(state, source, dataset)
    return measure(_model(state), dataset.test)._asdict()


def examine(path: Path_, data: str | None = None, *, progress: Callable[[int, int], None] | None = None) -> Health:
    """The health of the network of a checkpoint or run folder, over the training split of its data; see `health`.

    path  a checkpoint, or a run folder
    data  another source of data, as `data.load` takes it; by default that of the run
    progress  told after each batch how many examples are done, and of how many

    The loss is the run's, with its L2 term, in batches of the run's size. The steps are those of the run's optimiser
    from the state it is in, at the learning rate before the schedule: at the end of a run that one is next to 0.

    Raises as `evaluate` does, and CheckpointError if the optimiser's state does not fit.
    """
    state = _read(path)
    configuration = _configuration(state)
    source = configuration.data if data is None else data
    dataset = _load(source, configuration.seed)
    _check_fit(state, source, dataset)
    model = _model(state)
    for name, rng in model.named_generators():
        rng.bit_generator.state = state["training"]["generators"][name]
    optimizer = configuration.make_optimizer(model)
    try:
        optimizer.load_state_dict(state["training"]["optimizer"])
        optimizer.lr = float(state["training"]["lr"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: holds no optimiser that can be used ({error!r})") from error
    return health.examine(
        model,
        dataset.train,
        loss=lambda model, x, labels: objective(model, x, labels, weights(model), configuration.l2).loss,
        optimizer=optimizer,
        batch_size=configuration.batch,
        progress=progress,
    )


class Prediction(NamedTuple):
    """`labels`: int64 (n,), the most probable class; `probabilities`: float32 (n, classes)."""

    labels: np.ndarray
    probabilities: np.ndarray


def predict(path: Path_, images: np.ndarray) -> Prediction:
    """Classify images with the network of a checkpoint or run folder. `images: uint8 (n, height, width)`.

    Raises OperandError or ShapeError if the images are not like those it was trained on.
    """
    state = _read(path)
    expected = tuple(state["data"]["image"])
    x = data.pixels(images)
    if images.shape[1:] != expected:
        raise ShapeError(f"predict: the network takes images of {_by(expected)} pixels, got {_by(images.shape[1:])}")
    with no_grad():
        probabilities = ops.softmax(_model(state)(x)).data
    return Prediction(probabilities.argmax(axis=1), probabilities)


def load_model(path: Path_) -> MLP:
    """The network of a checkpoint or run folder, in evaluation mode."""
    return _model(_read(path))


def summary(what: Path_ | Sequence[int]) -> dict[str, Any]:
    """The linear layers and the number of parameters of sizes ("784-256-10" or a list), a checkpoint or a run folder.

    >>> summary("784-10")
    {'layers': [{'name': 'linear1', 'inputs': 784, 'outputs': 10, 'parameters': 7850}], 'parameters': 7850}

    A layer of N inputs and K outputs has (N + 1) · K parameters: the weights, and one bias per output.
    """
    if isinstance(what, str | os.PathLike):
        text = os.fspath(what)
        sizes = (
            [int(n) for n in text.split("-")] if re.fullmatch(r"\d+(-\d+)+", text) else _read(what)["model"]["sizes"]
        )
    else:
        sizes = list(what)
    if len(sizes) < 2 or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise SettingError(f"summary: needs at least two sizes, each at least 1, got {'-'.join(map(str, sizes))}")
    layers = [
        {"name": f"linear{i}", "inputs": n, "outputs": k, "parameters": (n + 1) * k}
        for i, (n, k) in enumerate(pairwise(sizes), 1)
    ]
    return {"layers": layers, "parameters": sum(int(str(layer["parameters"])) for layer in layers)}


def one_step(path: Path_ | Run) -> Any:
    """The loss of one small batch, with its graph: what training computes in one step, ready to be drawn.

    The batch is kept in the checkpoint. Dropout is active; layers are the scopes "mlp/linear1" and so on, the penalty
    is "l2". Nothing is changed: each call computes the same.
    """
    state = _read(path.folder if isinstance(path, Run) else path)
    model = _model(state).train()
    for name, rng in model.named_generators():
        rng.bit_generator.state = state["training"]["generators"][name]
    sample = state["data"]["sample"]
    x = Tensor(data.pixels(sample["images"]), name="images", requires_grad=False)
    labels = Tensor(sample["labels"], name="labels")
    return objective(model, x, labels, weights(model), _configuration(state).l2).loss


# Training


def _start(
    configuration: Configuration, callbacks: Sequence[Callback], force: bool, start: Mapping[str, Any] | None
) -> Run:
    folder = configuration.folder
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"out: {folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise SettingError(
            f"out: {folder} is not empty; name another folder, resume that run, or replace it with --force (force=True)"
        )
    dataset = _load(configuration.data, configuration.seed)
    if configuration.data != "digits":  # the run must find it again from anywhere
        configuration = replace(configuration, data=str(Path(configuration.data).resolve()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (CONFIGURATION, HISTORY, CHECKPOINT):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise SettingError(f"out: {folder} cannot be written ({error.strerror or error})") from error
    return _fit(configuration, folder, dataset, callbacks, None, start)


def _fit(
    configuration: Configuration,
    folder: Path,
    dataset: Dataset,
    callbacks: Sequence[Callback],
    state: Mapping[str, Any] | None,
    start: Mapping[str, Any] | None,
) -> Run:
    for_model, for_order = (np.random.default_rng(s) for s in np.random.SeedSequence(configuration.seed).spawn(2))
    image = dataset.train.images.shape[1:]
    model = MLP(
        [math.prod(image), *configuration.hidden, dataset.classes], dropout=configuration.dropout, rng=for_model
    )
    if start is not None:
        _take_weights(model, start, image)
    header = {
        "configuration": configuration.to_dict(),
        "model": {"sizes": model.sizes, "dropout": configuration.dropout},
        "data": {
            "name": dataset.name,
            "image": image,
            "classes": dataset.classes,
            "train": len(dataset.train),
            "validation": len(dataset.validation),
            "test": len(dataset.test),
            "sha256": _digest(dataset),
            "sample": {"images": dataset.train.images[:SAMPLE], "labels": dataset.train.labels[:SAMPLE]},
        },
    }
    (folder / CONFIGURATION).write_text(configuration.to_toml(), encoding="utf-8")
    training = fit(
        model,
        dataset.train,
        dataset.validation,
        optimizer=configuration.make_optimizer(model),
        epochs=configuration.epochs,
        batch_size=configuration.batch,
        rng=for_order,
        l2=configuration.l2,
        schedule=SCHEDULES[configuration.schedule],
        callbacks=(_Folder(folder, header), *callbacks),
        state=None if state is None else state["training"],
    )
    test = None if training.interrupted else measure(model, dataset.test)._asdict()
    return Run(folder, configuration, model, training.history, training.interrupted, test)


class _Folder(Callback):
    """Writes checkpoint and history: after each epoch, and when training ends before one does."""

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self.folder, self.header = folder, header

    def on_epoch_end(self, training: Training) -> None:
        checkpoint.save(self.folder / CHECKPOINT, {**self.header, "training": training.state_dict()})
        lines = "".join(_json_line(record) for record in training.history)
        temporary = self.folder / f".{HISTORY}.tmp"
        temporary.write_text(lines, encoding="utf-8")
        temporary.replace(self.folder / HISTORY)

    def on_train_end(self, training: Training) -> None:
        if training.interrupted:
            self.on_epoch_end(training)


def _json_line(record: Mapping[str, Any]) -> str:
    strict = {
        name: str(value).replace("inf", "Infinity").replace("nan", "NaN")
        if isinstance(value, float) and not math.isfinite(value)
        else value
        for name, value in record.items()
    }
    return json.dumps(strict, allow_nan=False) + "\n"


def _take_weights(model: MLP, start: Mapping[str, Any], image: tuple[int, ...]) -> None:
    """Copy the checkpoint's weights into the model; the last layer only if it has as many classes."""
    if image != (expected := tuple(start["data"]["image"])):
        raise DataError(f"finetune: the network takes images of {_by(expected)} pixels, the data have {_by(image)}")
    own, found = model.state_dict(), dict(start["training"]["model"])
    last = list(own)[-2:]
    if any(own[path].shape != found[path].shape for path in last if path in found):
        found.update({path: own[path] for path in last})
    model.load_state_dict(found)


# Checkpoints


def _read(path: Path_) -> dict[str, Any]:
    """The state in a checkpoint file, or in the one of a run folder."""
    file = Path(path) / CHECKPOINT if Path(path).is_dir() else Path(path)
    state = checkpoint.load(file)
    if not isinstance(state, dict) or any(
        not isinstance(state.get(part), dict) or not keys <= state[part].keys() for part, keys in _PARTS.items()
    ):
        raise CheckpointError(f"{file}: is not the checkpoint of a training run; give one that train() wrote")
    return state


_PARTS: dict[str, set[str]] = {
    "configuration": set(),
    "model": {"sizes", "dropout"},
    "data": {"image", "classes", "sha256", "sample"},
    "training": {"model", "generators"},
}


def _configuration(state: Mapping[str, Any]) -> Configuration:
    try:
        return Configuration.from_dict(state["configuration"])
    except SettingError as error:
        raise CheckpointError(f"the checkpoint's configuration cannot be used: {error}") from error


def _model(state: Mapping[str, Any]) -> MLP:
    model = MLP(state["model"]["sizes"], dropout=state["model"]["dropout"])
    model.load_state_dict(state["training"]["model"])
    model.eval()
    return model


def _load(source: str, seed: int) -> Dataset:
    return data.load(source, seed=seed)


def _check_fit(state: Mapping[str, Any], source: str, dataset: Dataset) -> None:
    expected, found = tuple(state["data"]["image"]), dataset.test.images.shape[1:]
    if expected != found:
        raise DataError(f"{source}: the network takes images of {_by(expected)} pixels, these are {_by(found)}")
    if dataset.classes > state["data"]["classes"]:
        raise DataError(f"{source}: has {dataset.classes} classes, the network {state['data']['classes']}")


def _digest(dataset: Dataset) -> str:
    """What identifies the training data: SHA-256 of images and labels."""
    digest = hashlib.sha256()
    for array in (dataset.train.images, dataset.train.labels):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
