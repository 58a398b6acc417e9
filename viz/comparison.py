"""Several runs side by side: what each came to, in which options they differ, and their curves over each other."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from autodiff.configuration import Configuration
from autodiff.errors import MissingCheckpointError, SettingError
from autodiff.run import CHECKPOINT, CONFIGURATION, HISTORY, Transfer, summary
from autodiff.run.stored import read, transfer_of

from .notation import shorten
from .numbers import number
from .plots import as_float, overlaid
from .report import RESULT
from .report.sections import accuracy, best_epoch, duration, figure, option
from .terminal import console, show_table
from .theme import LIGHT, Theme

NAME_LENGTH = 32
NOT_COMPARED = ("out",)  # two runs always differ in it


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells of it.

    name           the folder, as it was given
    configuration  every option
    history        a record for each finished epoch
    test           {"accuracy", "loss", "n"} on the test images; None unless the run has ended in the state it is in
    parameters     how many there are; None before the first checkpoint
    transfer       what it took from another run, if it was fine-tuned
    """

    name: str
    configuration: Configuration
    history: list[dict[str, Any]]
    test: dict[str, float | None] | None
    parameters: int | None
    transfer: Transfer | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What decided its result: its configuration, and what it was fine-tuned from and how."""
        tuned = self.transfer or Transfer()
        own = {"finetuned_from": tuned.start, "frozen": ", ".join(tuned.frozen), "lr_scale": tuned.lr_scale}
        anew = [*(path for path, _, _ in tuned.reshaped), *tuned.made]
        return self.configuration.to_dict() | own | {"made_anew": ", ".join(anew)}

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The epoch with the lowest validation loss."""
        return best_epoch(self.history)

    @property
    def seconds(self) -> float | None:
        """What was spent on training; None if no epoch tells."""
        known = [seconds for record in self.history if not math.isnan(seconds := as_float(record.get("seconds")))]
        return sum(known) if known else None


def read_run(folder: str | os.PathLike[str]) -> RunRecord:
    """Read a run folder, also of a run that is interrupted or still going on.

    Raises SettingError if it is no run folder, or if a file in it is damaged; CheckpointError for its checkpoint.
    """
    path = Path(folder)
    if not os.path.isfile(path / CONFIGURATION):
        raise SettingError(f"{path}: is no run folder: there is no {CONFIGURATION} in it; give one that train wrote")
    try:
        configuration = Configuration.from_toml(_text(path / CONFIGURATION))
    except SettingError as error:
        raise SettingError(f"{path / CONFIGURATION}: {error}") from error
    history = _history(path / HISTORY)
    try:
        known = os.path.exists(path / CHECKPOINT)
        parameters = summary(path)["parameters"] if known else None
        transfer = transfer_of(read(path)) if known else None
    except MissingCheckpointError:  # removed in between
        parameters = transfer = None
    test = _test(path / RESULT, len(history))
    return RunRecord(os.fspath(folder), configuration, history, test, parameters, transfer)


def read_runs(folders: Sequence[str | os.PathLike[str]]) -> list[RunRecord]:
    """Read the run folders. Raises as `read_run` does, and SettingError for fewer than two, or one given twice."""
    if len(folders) < 2:
        raise SettingError(f"compare needs at least two run folders, got {len(folders)}")
    seen: dict[Path, str] = {}
    for folder in folders:
        place = Path(folder).resolve()
        if place in seen:
            raise SettingError(f"compare: {os.fspath(folder)} is given twice; give each run once")
        seen[place] = os.fspath(folder)
    return [read_run(folder) for folder in folders]


def differences(runs: Sequence[RunRecord]) -> dict[str, list[Any]]:
    """The options in which runs differ, and each run's value."""
    options = [run.options for run in runs]
    return {
        name: [own[name] for own in options]
        for name in options[0]
        if name not in NOT_COMPARED and any(own[name] != options[0][name] for own in options)
    }


def comparison_data(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """The comparison as plain data for JSON; None where there is no figure."""
    return {
        "runs": [
            {
                "run": run.name,
                "finished": run.test is not None,
                "test": run.test,
                "best": None if run.best is None else {name: _finite(value) for name, value in run.best.items()},
                "epochs": len(run.history),
                "seconds": run.seconds,
                "parameters": run.parameters,
                "configuration": run.configuration.to_dict(),
                "transfer": None if run.transfer is None else asdict(run.transfer),
            }
            for run in runs
        ],
        "differences": differences(runs),
    }


def show_comparison(runs: Sequence[RunRecord]) -> None:
    """Print what each run came to, and the options in which they differ; plain aligned lines in a pipe.

    On a terminal the best figures stand out, and the values that differ from the first run's.
    """
    names = [shorten(run.name, NAME_LENGTH) for run in runs]
    rows = [[row.title, *map(row.text, runs)] for row in FIGURES]
    show_table(["run", *names], rows, marked=_best_cells(runs))
    out = console()
    out.print()
    found = differences(runs)
    if not found:
        out.print("The configurations do not differ.")
        return
    rows = [[name, *map(option, values)] for name, values in found.items()]
    others = {
        (i, j) for i, values in enumerate(found.values()) for j, value in enumerate(values, 1) if value != values[0]
    }
    show_table(["option", *names], rows, marked=others)


class Figure(NamedTuple):
    """A row of the comparison: how it is written of a run, and what makes one better than another, if anything does."""

    title: str
    text: Callable[[RunRecord], str]
    merit: Callable[[RunRecord], float] | None = None


def _test_of(run: RunRecord, name: str) -> float:
    return as_float((run.test or {}).get(name))


def _best_of(run: RunRecord, name: str) -> float:
    return as_float((run.best or {}).get(name))


FIGURES = (
    Figure("test accuracy", lambda r: accuracy(_test_of(r, "accuracy")), lambda r: _test_of(r, "accuracy")),
    Figure("test loss", lambda r: figure(_test_of(r, "loss")), lambda r: -_test_of(r, "loss")),
    Figure(
        "validation accuracy, best epoch",
        lambda r: accuracy(_best_of(r, "validation_accuracy")),
        lambda r: _best_of(r, "validation_accuracy"),
    ),
    Figure(
        "validation loss, best epoch",
        lambda r: figure(_best_of(r, "validation_loss")),
        lambda r: -_best_of(r, "validation_loss"),
    ),
    Figure("best epoch", lambda r: "—" if r.best is None else str(r.best["epoch"])),
    Figure("epochs", lambda r: f"{len(r.history)} of {r.configuration.epochs}"),
    Figure("training time", lambda r: "—" if r.seconds is None else duration(r.seconds)),
    Figure("parameters", lambda r: "—" if r.parameters is None else f"{r.parameters:,}"),
)


def comparison_curves(runs: Sequence[RunRecord], path: str | os.PathLike[str], *, theme: Theme = LIGHT) -> list[Path]:
    """Draw the runs' curves over each other, see `plots.overlaid`; return the files written."""
    return overlaid({run.name: run.history for run in runs}, path, theme=theme)


def _best_cells(runs: Sequence[RunRecord]) -> set[tuple[int, int]]:
    """The cells (row, column) with the best of at least two figures."""
    found = set()
    for i, row in enumerate(FIGURES):
        merits = [math.nan if row.merit is None else row.merit(run) for run in runs]
        known = [merit for merit in merits if not math.isnan(merit)]
        if len(known) > 1:
            found |= {(i, j) for j, merit in enumerate(merits, 1) if merit == max(known)}
    return found


def _test(path: Path, epochs: int) -> dict[str, float | None] | None:
    """The figures on the test images, if they are those of the state after so many epochs."""
    if not os.path.exists(path):
        return None
    try:
        result = json.loads(_text(path))
        if result["epochs"] != epochs:
            return None
        return {name: _number_or_none(result["test"][name]) for name in ("accuracy", "loss", "n")}
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path}: is damaged; remove it, or let resume write it again") from error


def _history(path: Path) -> list[dict[str, Any]]:
    if not os.path.exists(path):
        return []  # before the end of its first epoch
    records = []
    for i, line in enumerate(_text(path).splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not isinstance(record.get("epoch"), int):
            raise SettingError(f"{path}: line {number(i)} is no record of an epoch; resume writes the file again")
        records.append(record)
    return records


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(f"{path}: cannot be read ({reason})") from error


def _number_or_none(value: Any) -> float | None:
    """A figure; None for one that was not finite. Raises TypeError for what is none."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError(value)
    return value


def _finite(value: Any) -> Any:
    return None if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)) else value
