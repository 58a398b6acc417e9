"""Everything that a run folder shows, written in one call after training."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodiff.run import Run, one_step

from ..figure import Picture
from ..output import write_whole
from ..plots import as_float, curves_picture
from ..theme import LIGHT
from .confusion import confusion_picture
from .diagram import Diagram
from .findings import Findings
from .page import page
from .tiles import MOST_MISTAKES, FirstWeights, mistakes_picture, weights_picture

RESULT, PAGE, DIAGRAM = "result.json", "report.html", "backprop.svg"
PICTURES = ("curves", "confusion", "mistakes", "weights")
FILES = (RESULT, PAGE, DIAGRAM, *(f"{name}{suffix}" for name in PICTURES for suffix in (".svg", ".png")))


def write(run: Run) -> list[Path]:
    """Write a run's result, pictures and page into its folder, and return the files.

    result.json         figures on the test images, for `compare` and other programs
    curves.svg, .png    loss, accuracy, gradient norm and update ratio of each epoch
    confusion.…         which classes of test images are read as which
    mistakes.…          the misread test images with the highest loss, if any is misread
    weights.…           the weights into the first layer, as images
    backprop.svg        forward and backward pass of one small batch
    report.html         a page with all of it, which loads nothing

    Each file is written whole or not at all. Of an interrupted run there are curves alone. What an earlier run or state
    left there and this one has not is removed.

    Raises SettingError if a file cannot be written.
    """
    curves = curves_picture(run.history) if run.history else None
    if run.test is None:
        files = _save(run.folder, {"curves": curves})
        _remove_others(run.folder, files)
        return files
    findings = Findings.of(run)
    worst = findings.worst(MOST_MISTAKES)
    first = FirstWeights.of_model(run.model, findings.images.shape[1:], findings.names)
    diagram = Diagram.of(one_step(run))
    pictures = {
        "curves": curves,
        "confusion": confusion_picture(findings),
        "mistakes": mistakes_picture(findings, worst),
        "weights": weights_picture(first),
    }
    texts = {
        DIAGRAM: diagram.svg,
        PAGE: page(run, findings, worst, first, curves, diagram),
        RESULT: json.dumps(_result(run, findings)) + "\n",
    }
    files = _save(run.folder, pictures)
    for name, text in texts.items():
        write_whole(run.folder / name, text.encode())
        files.append(run.folder / name)
    _remove_others(run.folder, files)
    return files


def _save(folder: Path, pictures: Mapping[str, Picture | None]) -> list[Path]:
    files = []
    for name, picture in pictures.items():
        if picture is not None:
            files += picture.save([folder / f"{name}.svg", folder / f"{name}.png"], LIGHT)
    return files


def _remove_others(folder: Path, files: list[Path]) -> None:
    for name in FILES:
        if folder / name not in files:
            (folder / name).unlink(missing_ok=True)


def _result(run: Run, findings: Findings) -> dict[str, Any]:
    assert run.test is not None
    accuracies = [None if share != share else float(share) for share in findings.accuracies]
    return {
        "epochs": len(run.history),
        "test": {name: _strict(value) for name, value in run.test.items()},
        "parameters": sum(parameter.size for parameter in run.model.parameters()),
        "class_names": list(findings.names),
        "class_accuracies": accuracies,
        "confusion": findings.counts.tolist(),
    }


def _strict(value: float) -> float | None:
    """A number that strict JSON has; None for one that is not finite."""
    number = as_float(value)
    return None if number != number else value
