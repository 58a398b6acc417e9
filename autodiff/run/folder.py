"""A run's folder: what lies in it, how it is written, and that one run at a time does so.

config.toml      the complete configuration
history.jsonl    one line of strict JSON per epoch
checkpoint.pkl   everything needed to go on bit for bit; written at the start, after each epoch, and on Ctrl-C
best.pkl         the same at the epoch with the lowest validation loss
epochs/0003.pkl  the same after that epoch, for the last few, if they are to be kept
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .. import checkpoint
from ..callbacks import Callback
from ..encoding import strict
from ..errors import SettingError
from ..training import Training
from ..whole_files import remove_unfinished, write_whole

CONFIGURATION, HISTORY, CHECKPOINT, BEST, EPOCHS = (
    "config.toml",
    "history.jsonl",
    "checkpoint.pkl",
    "best.pkl",
    "epochs",
)
OWN = (CONFIGURATION, HISTORY, CHECKPOINT, BEST)
# What `viz.report` writes about a run: of no use beside another one.
REPORT = ("result.json", "report.html", "backprop.svg")
PICTURES = tuple(f"{name}.{form}" for name in ("curves", "confusion", "mistakes", "weights") for form in ("svg", "png"))
LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Inside, no other run can use the folder. Raises SettingError if one does, or if it cannot be written.

    The lock belongs to the process: one that is killed leaves a file, but no lock.
    """
    from filelock import FileLock, Timeout  # here, since only a run needs it

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SettingError(
            f"out: another run is writing to {folder}; wait for its end, or name another folder"
        ) from None
    except OSError as error:
        raise SettingError(f"out: {folder} cannot be written ({error.strerror or error})") from error
    try:
        remove_unfinished(folder)
        yield
    finally:
        with suppress(OSError):  # Windows keeps an open file
            (folder / LOCK).unlink(missing_ok=True)  # while it is locked: a later one might be another run's
        lock.release()


def prepare(folder: Path, *, force: bool) -> None:
    """Make a folder for a new run. Raises SettingError if it is used already, unless what is there may be replaced."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise SettingError(f"out: {folder} is a file; name a folder")
    try:
        is_used = os.path.isdir(folder) and any(path.name != LOCK for path in folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError of a name with a NUL
        raise SettingError(f"out: {folder} cannot be written ({getattr(error, 'strerror', None) or error})") from error
    if is_used and not force:
        raise SettingError(
            f"out: {folder} is not empty; name another folder, resume that run, or replace it with --force (force=True)"
        )


def clear(folder: Path) -> None:
    """Remove what an earlier run wrote. Raises SettingError if it cannot be removed."""
    try:
        for name in (*OWN, *REPORT, *PICTURES):
            (folder / name).unlink(missing_ok=True)
        for path in (folder / EPOCHS).glob("*.pkl"):
            path.unlink()
    except OSError as error:
        raise SettingError(f"out: {folder} cannot be written ({error.strerror or error})") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises SettingError if it cannot be written."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises SettingError if it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror or error})") from error


class FolderWriter(Callback):
    """Writes checkpoints and history: after each epoch, and when training ends before one does.

    header  what a checkpoint holds besides the state of training
    keep    how many epochs' checkpoints are kept
    """

    def __init__(self, folder: Path, header: Mapping[str, Any], keep: int) -> None:
        self.folder, self.header, self.keep = folder, dict(header), keep

    def on_train_start(self, training: Training) -> None:
        if not (self.folder / CHECKPOINT).exists():  # so that a run that is killed in its first epoch can go on
            self._write(training)

    def on_epoch_end(self, training: Training) -> None:
        state = self._write(training)
        losses = [record["validation_loss"] for record in training.history]
        known = [loss for loss in losses if loss is not None]
        if not known or losses[-1] == min(known):
            checkpoint.save(self.folder / BEST, state)
        if self.keep:
            (self.folder / EPOCHS).mkdir(exist_ok=True)
            checkpoint.save(self.folder / EPOCHS / f"{training.epoch:04}.pkl", state)
            for old in sorted((self.folder / EPOCHS).glob("*.pkl"))[: -self.keep]:
                old.unlink()

    def on_train_end(self, training: Training) -> None:
        # When it was interrupted, or when a callback has gone back to better weights.
        self._write(training)

    def _write(self, training: Training) -> dict[str, Any]:
        state = {**self.header, "training": training.state_dict()}
        checkpoint.save(self.folder / CHECKPOINT, state)
        write_text(self.folder / HISTORY, "".join(_line(record) for record in training.history))
        return state


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(strict(dict(record)), allow_nan=False) + "\n"


def file_of(path: str | os.PathLike[str]) -> Path:
    """The checkpoint file that a path names: itself, or that of a run folder."""
    return Path(path) / CHECKPOINT if os.path.isdir(path) else Path(path)
