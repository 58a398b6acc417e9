"""Runs that train: a new one, one that goes on, and one that starts from the weights of another."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..callbacks import Callback, EarlyStopping
from ..configuration import Configuration
from ..data import NAMED, Augmentation, Dataset, Preprocessing, Progress, is_class_folders, load, per_class
from ..errors import CheckpointError, DataError, DivergenceError, SettingError
from ..history import Record
from ..nn import MLP
from ..objective import measure
from ..train import fit
from .exchange import SUFFIXES, read_network
from .folder import CONFIGURATION, FolderWriter, clear, file_of, locked, prepare, write_text
from .stored import (
    Path_,
    State,
    by,
    configuration_of,
    digest,
    freeze,
    header,
    model_of,
    preprocessing_of,
    read,
    transfer_of,
)
from .transfer import Transfer, take_weights


@dataclass(frozen=True, eq=False)
class Run:
    """A run that has ended: its folder, configuration, model (in evaluation mode) and history.

    interrupted    whether Ctrl-C ended it; `resume(folder)` goes on
    test           {"accuracy", "loss", "n"} on the test split, or None if it was interrupted
    dataset        what it was trained on
    preprocessing  from its images to what the model takes
    transfer       what a fine-tuned run took from its checkpoint
    """

    folder: Path
    configuration: Configuration
    model: MLP
    history: list[Record]
    interrupted: bool
    test: dict[str, float] | None
    dataset: Dataset
    preprocessing: Preprocessing
    transfer: Transfer | None = None


Finish = Callable[[Run], Any]


@dataclass(frozen=True)
class FineTuning:
    """What a run takes from a checkpoint, and how.

    start     the checkpoint, or its run folder
    new_head  whether the last layer is made anew, for other classes or another number of them
    freeze    layers that are not trained: numbers ("1" is linear1) or names
    lr_scale  what the learning rate of weights that are taken over is multiplied by
    """

    start: Path_
    new_head: bool = False
    freeze: tuple[str, ...] = ()
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        if not (self.lr_scale > 0 and math.isfinite(self.lr_scale)):
            raise SettingError(f"lr_scale must be above 0, got {self.lr_scale}")


def train(
    configuration: Configuration,
    callbacks: Sequence[Callback] = (),
    *,
    force: bool = False,
    progress: Progress | None = None,
    finish: Finish | None = None,
) -> Run:
    """Train a perceptron as configured and write its run folder.

    progress  told how a download goes
    finish    told of the run when it has ended, while no other run can use its folder: what writes more into it, such
              as `viz.report.write`

    Raises SettingError if the folder holds anything already, unless `force` is true: then an earlier run in it is
    replaced; or if another run is writing to it. Raises DataError if the data cannot be read, DivergenceError if the
    loss is not finite or explodes: the folder then holds the last good checkpoint.
    """
    return _start(configuration, _Told(callbacks, progress, finish), force, None)


def finetune(
    tuning: FineTuning,
    options: Mapping[str, Any],
    callbacks: Sequence[Callback] = (),
    *,
    force: bool = False,
    progress: Progress | None = None,
    finish: Finish | None = None,
    taken: Callable[[Transfer], None] | None = None,
) -> Run:
    """Train a new run that starts from the weights of a checkpoint instead of random ones.

    options  what its configuration has other than that of the checkpoint; the layers stay, and so does what is done to
             images before they reach the network
    taken    told, before training begins, what was taken over

    Raises CheckpointError, which lists every misfit with both shapes, and as `train` does.
    """
    state = read_network(tuning.start)
    sizes = state["model"]["sizes"]
    if tuple(options.get("hidden", sizes[1:-1])) != tuple(sizes[1:-1]):
        raise SettingError(
            f"hidden: the layers are those of the checkpoint, {','.join(map(str, sizes[1:-1])) or 'none'}, "
            "and a network of others has to be trained anew"
        )
    own = configuration_of(state).to_dict() | {"classes": "", "out": "", "shots": 0, "image_size": ""}
    configuration = Configuration.from_dict(own | dict(options))
    if is_class_folders(configuration.data) and not configuration.image_size:
        configuration = replace(configuration, image_size=preprocessing_of(state).image_size)
    return _start(configuration, _Told(callbacks, progress, finish, taken), force, (tuning, state))


def resume(
    path: Path_,
    callbacks: Sequence[Callback] = (),
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
    finish: Finish | None = None,
) -> Run:
    """Go on with a run from its last checkpoint, bit for bit as if it had never stopped.

    path    the run folder, or the checkpoint in it
    epochs  the number of epochs in all, if it is to change: the schedule is stretched or squeezed over them
    finish  as `train` takes it

    Of a run that is finished it only measures the result again.

    Raises MissingCheckpointError if there is no checkpoint, CheckpointError if it is damaged, DataError if the data are
    not those of the run, SettingError if more than `epochs` are done or another run is writing to the folder.
    """
    if Path(path).suffix in SUFFIXES:
        raise CheckpointError(f"{path}: an exported network cannot be resumed; finetune starts from it")
    state = read(path)
    folder = file_of(path).parent
    configuration = configuration_of(state)
    if epochs is not None:
        configuration = replace(configuration, epochs=epochs)
        state["training"]["stopped"] = False
    dataset = load_data(configuration, progress)
    expected, found = state["data"]["sha256"], digest(dataset)
    if expected != found:
        raise DataError(
            f"{configuration.data}: not the training data of this run: SHA-256 {found[:9]}…, expected {expected[:9]}…"
        )
    with locked(folder):
        told = _Told(callbacks, progress, finish)
        return _fit(configuration, folder, dataset, preprocessing_of(state), told, state, None)


def load_data(configuration: Configuration, progress: Progress | None = None, reading: str | None = None) -> Dataset:
    """The data that a configuration names: the classes it chooses, and a few training images of each if it says so.

    reading  how pictures in folders become images, see `data.load`
    """
    dataset = load(
        configuration.data,
        validation=configuration.validation,
        seed=configuration.seed,
        image_size=configuration.image_sides,
        reading=reading,
        classes=configuration.classes or None,
        progress=progress,
    )
    if configuration.shots:
        try:
            dataset = replace(dataset, train=per_class(dataset.train, configuration.shots, configuration.seed))
        except SettingError as error:
            raise SettingError(f"shots: {error}") from error
    return dataset


class _Told(NamedTuple):
    """Who is told how a run goes: see `train` and `finetune`."""

    callbacks: Sequence[Callback] = ()
    progress: Progress | None = None
    finish: Finish | None = None
    taken: Callable[[Transfer], None] | None = None


def _start(
    configuration: Configuration,
    told: _Told,
    force: bool,
    origin: tuple[FineTuning, State] | None,
) -> Run:
    folder = configuration.folder
    made = not os.path.lexists(folder)
    if origin is not None and _is_in(folder, origin[0].start):
        raise SettingError(f"out: {folder} holds the checkpoint that is to be finetuned; name another folder")
    dataset = load_data(configuration, told.progress)
    if configuration.data not in NAMED:  # the run must find it again from anywhere
        configuration = replace(configuration, data=str(Path(configuration.data).resolve()))
    scale = preprocessing_of(origin[1]) if origin else Preprocessing.fit(dataset, configuration.standardise)
    scale = replace(scale, class_names=dataset.class_names)
    expected, found = (scale.height, scale.width), dataset.train.images.shape[1:]
    if is_class_folders(configuration.data):  # written back, though nobody may have chosen it
        scale = replace(scale, reading=dataset.reading)
        configuration = replace(configuration, image_size="x".join(map(str, found)))
    if expected != found:
        raise DataError(
            f"{configuration.data}: the network takes images of {by(expected)} pixels, the data have {by(found)}"
        )
    for name in ("patience", "plateau"):
        if getattr(configuration, name) and not len(dataset.validation):
            raise SettingError(f"{name} needs validation images to judge by, and there are none; see validation")
    # What can go wrong with the network is found out before an earlier run in the folder is touched.
    model, _ = _model(configuration, dataset, origin)
    configuration.updates.check_batches(model, len(dataset.train), configuration.batch)
    prepare(folder, force=force)
    try:
        with locked(folder):
            clear(folder)
            return _fit(configuration, folder, dataset, scale, told, None, origin)
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _is_in(folder: Path, start: Path_) -> bool:
    return file_of(start).resolve().parent == folder.resolve()


def _model(
    configuration: Configuration, dataset: Dataset, origin: tuple[FineTuning, State] | None
) -> tuple[MLP, Transfer | None]:
    (for_model,) = np.random.SeedSequence(configuration.seed).spawn(1)
    inputs = math.prod(dataset.train.images.shape[1:])
    model = configuration.make_model(inputs, dataset.classes, np.random.default_rng(for_model))
    if origin is None:
        return model, None
    tuning, state = origin
    found = model_of(state).state_dict()
    account = take_weights(model, found, new_head=tuning.new_head, frozen=tuning.freeze)
    return model, replace(account, start=str(Path(tuning.start).resolve()), lr_scale=tuning.lr_scale)


def _fit(
    configuration: Configuration,
    folder: Path,
    dataset: Dataset,
    scale: Preprocessing,
    told: _Told,
    state: State | None,
    origin: tuple[FineTuning, State] | None,
) -> Run:
    for_order = np.random.default_rng(np.random.SeedSequence(configuration.seed).spawn(2)[1])
    model, transfer = _model(configuration, dataset, origin)
    if state is not None:
        freeze(model, state["model"]["frozen"])
        transfer = transfer_of(state)
    if told.taken is not None and transfer is not None:
        told.taken(transfer)
    account = None if transfer is None else vars(transfer)
    augment = Augmentation.parse(configuration.augment) if configuration.augment else None
    notes = "".join(f"# {line}\n" for line in transfer.lines()) if transfer else ""
    write_text(folder / CONFIGURATION, notes + configuration.to_toml())
    writer = FolderWriter(folder, header(configuration, dataset, scale, model, account), configuration.keep)
    stopping = [EarlyStopping(configuration.patience)] if configuration.patience else []
    try:
        training = fit(
            model,
            dataset.train,
            dataset.validation,
            optimizer=configuration.make_optimizer(_groups(configuration, model, transfer, origin)),
            epochs=configuration.epochs,
            batch_size=configuration.batch,
            rng=for_order,
            penalties=configuration.penalties,
            updates=configuration.updates,
            schedule=configuration.make_schedule(),
            plateau=configuration.make_plateau(),
            augment=augment or None,
            eager=configuration.eager,
            prepare=scale,
            callbacks=(*stopping, writer, *told.callbacks),
            state=None if state is None else state["training"],
        )
    except DivergenceError as error:
        raise DivergenceError(f"{error}; {folder} keeps the last good checkpoint", error.cause) from error
    if not training.interrupted:
        model.load_state_dict(training.evaluated_state())
    test = None if training.interrupted else measure(model, dataset.test, prepare=scale)._asdict()
    ended = Run(folder, configuration, model, training.history, training.interrupted, test, dataset, scale, transfer)
    if told.finish is not None:
        told.finish(ended)
    return ended


def _groups(
    configuration: Configuration,
    model: MLP,
    transfer: Transfer | None,
    origin: tuple[FineTuning, State] | None,
) -> Any:
    """The parameters to train; those taken over in a group of their own where their learning rate differs."""
    trained = {path: parameter for path, parameter in model.named_parameters() if parameter.requires_grad}
    if transfer is None or origin is None or origin[0].lr_scale == 1:
        return list(trained.values())
    taken = [parameter for path, parameter in trained.items() if path in transfer.loaded]
    new = [parameter for path, parameter in trained.items() if path not in transfer.loaded]
    groups: list[dict[str, Any]] = [{"params": taken, "lr": configuration.lr * origin[0].lr_scale}, {"params": new}]
    return [group for group in groups if group["params"]]
