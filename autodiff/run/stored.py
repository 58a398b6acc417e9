"""What a checkpoint of a run holds, read back: its configuration, its preprocessing, its network."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..configuration import Configuration
from ..data import Dataset, Preprocessing, Split
from ..errors import CheckpointError, DataError, MissingCheckpointError, SettingError
from ..nn import MLP
from .folder import file_of
from .transfer import Transfer

State = Mapping[str, Any]
Path_ = str | os.PathLike[str]
SAMPLE = 8  # training examples kept in a checkpoint, so that a step can be drawn without the data


def header(
    configuration: Configuration,
    dataset: Dataset,
    prepare: Preprocessing,
    model: MLP,
    transfer: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a checkpoint holds besides the state of training."""
    return {
        "configuration": configuration.to_dict(),
        "model": {
            "sizes": model.sizes,
            "frozen": [path for path, parameter in model.named_parameters() if not parameter.requires_grad],
        },
        "preprocessing": prepare.to_dict(),
        "transfer": transfer,
        "data": {
            "name": dataset.name,
            "train": len(dataset.train),
            "validation": len(dataset.validation),
            "test": len(dataset.test),
            "sha256": digest(dataset),
            "sample": {"images": dataset.train.images[:SAMPLE], "labels": dataset.train.labels[:SAMPLE]},
        },
    }


def read(path: Path_) -> dict[str, Any]:
    """The state in a checkpoint file, or in the one of a run folder; and, as "file", where it came from.

    Raises MissingCheckpointError if there is none, CheckpointError if it is damaged or that of something else.
    """
    file = file_of(path)
    try:
        state = checkpoint.load(file)
    except MissingCheckpointError as error:
        what = "is no run folder: it holds no" if file != Path(path) else "there is no such run folder or"
        raise MissingCheckpointError(f"{os.fspath(path)}: {what} checkpoint; give a folder that train wrote") from error
    if not isinstance(state, dict) or any(
        not isinstance(state.get(part), dict) or not keys <= state[part].keys() for part, keys in _PARTS.items()
    ):
        raise CheckpointError(f"{file}: is not the checkpoint of a training run; give one that train wrote")
    return state | {"file": str(file)}


_PARTS: dict[str, set[str]] = {
    "configuration": set(),
    "model": {"sizes", "frozen"},
    "preprocessing": {"height", "width", "class_names"},
    "data": {"sha256", "sample"},
    "training": {"model", "generators"},
}


def configuration_of(state: State) -> Configuration:
    """The configuration of a run. Raises CheckpointError if it cannot be used."""
    try:
        return Configuration.from_dict(state["configuration"])
    except SettingError as error:
        raise CheckpointError(f"{state['file']}: its configuration cannot be used: {error}") from error


def preprocessing_of(state: State) -> Preprocessing:
    """From images to what the network takes. Raises CheckpointError if it cannot be used."""
    try:
        return Preprocessing.from_dict(state["preprocessing"])
    except CheckpointError as error:
        raise CheckpointError(f"{state['file']}: {error}") from error


def model_of(state: State) -> MLP:
    """The network in evaluation mode, with the weights that were measured. Raises CheckpointError for a misfit."""
    sizes = state["model"]["sizes"]
    configuration = replace(configuration_of(state), hidden=tuple(sizes[1:-1]))
    model = configuration.make_model(sizes[0], sizes[-1])
    try:
        model.load_state_dict(state["training"]["model"])
    except CheckpointError as error:
        raise CheckpointError(f"{state['file']}: {error}") from error
    average = state["training"].get("average")
    if average is not None:
        for parameter, array in zip(model.parameters(), average["average"], strict=True):
            parameter.data[...] = array
    freeze(model, state["model"]["frozen"])
    return model.eval()


def transfer_of(state: State) -> Transfer | None:
    """What the run took from a checkpoint, if it was fine-tuned. Raises CheckpointError if that cannot be told."""
    try:
        return Transfer(**state["transfer"]) if state.get("transfer") else None
    except TypeError as error:
        raise CheckpointError(f"{state['file']}: it cannot be told what was taken over ({error})") from error


def freeze(model: MLP, paths: Any) -> None:
    """Take parameters out of training. Raises CheckpointError for a path that is no parameter's."""
    parameters = dict(model.named_parameters())
    for path in paths:
        if path not in parameters:
            raise CheckpointError(f"frozen: {path!r} is no parameter; there are {', '.join(parameters)}")
        parameters[path].requires_grad = False


def fitted(state: State, source: str, dataset: Dataset) -> Dataset:
    """The data with the labels of the network's classes, by their names; classes without names keep their labels.

    Raises DataError if images or classes are not those of the network.
    """
    prepare = preprocessing_of(state)
    expected, found = (prepare.height, prepare.width), dataset.test.images.shape[1:]
    if expected != found:
        raise DataError(f"{source}: the network takes images of {by(expected)} pixels, these are {by(found)}")
    outputs = state["model"]["sizes"][-1]
    if dataset.classes > outputs:
        raise DataError(f"{source}: has {dataset.classes} classes, the network {outputs}")
    own, known = dataset.class_names, prepare.class_names
    if own == known[: len(own)] or own == tuple(map(str, range(len(own)))):
        return dataset
    if strange := [name for name in own if name not in known]:
        raise DataError(f"{source}: the network knows no class {strange[0]!r}; it knows {', '.join(known[:20])}")
    label = np.array([known.index(name) for name in own])
    parts = [Split(split.images, label[split.labels]) for split in dataset]
    return replace(dataset, train=parts[0], validation=parts[1], test=parts[2], class_names=known)


def digest(dataset: Dataset) -> str:
    """What identifies the training data: SHA-256 of images and labels."""
    found = hashlib.sha256()
    for array in (dataset.train.images, dataset.train.labels):
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def by(shape: tuple[int, ...]) -> str:
    """A size, as people write it."""
    return " × ".join(map(str, shape))
