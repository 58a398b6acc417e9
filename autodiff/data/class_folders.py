"""Read a data set from folders of images, one folder for each class: `cat/1.png`, `cat/2.jpg`, `dog/1.png`.

They may stand in folders `train`, `test` and `validation`. The folders' names are the names of the classes, in the
order of their numbers if all are numbers, else of the alphabet. Files that begin with a dot, or whose suffix is not
that of an image format, are passed over; an image that cannot be read is an error.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError, MissingDataError, SettingError
from .dataset import Split
from .photo import READINGS, SIDE, measure_picture
from .splits import hold_out

TEST_SHARE = 1 / 5  # held out for testing where there is no test folder
LARGEST_SIDE = {"digit": 32, "picture": 128}  # pixels up to which images of one size keep it, by their reading
_SPLITS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"}

_Labelled = list[tuple[Path, int]]


class ClassFolders(NamedTuple):
    """What the folders hold: `validation` is None if there is no such folder; `reading` is a name in `READINGS`."""

    train: Split
    validation: Split | None
    test: Split
    class_names: tuple[str, ...]
    reading: str


def read_class_folders(
    folder: Path, size: tuple[int, int] | None = None, reading: str | None = None, accepted: str = ""
) -> ClassFolders:
    """The images in the folders, grey and of one size.

    size      (height, width) to bring them to; by default their own, if all have the same and it is no larger than
              32 × 32 for digits and 128 × 128 for other pictures, else 28 × 28
    reading   how: by default "digit" if the names of the classes are digits, else "picture"; see `photo`
    accepted  what to say of other sources, in the error for a folder without classes

    Without a folder `test`, a fifth of the images of each class is held out for it, always the same ones.

    Raises MissingDataError if there is no class, SettingError for a size or reading that is none, and DataError that
    names an image that cannot be read, a folder without images, or a class to test that is not there to train.
    """
    if reading is not None and reading not in READINGS:
        raise SettingError(f"reading must be one of {', '.join(READINGS)}, not {reading!r}")
    if size is not None and not (len(size) == 2 and all(isinstance(side, int) and 1 <= side <= 4096 for side in size)):
        raise SettingError(f"image_size must be two sides of 1 to 4096 pixels, not {size!r}")
    parts = _parts(folder)
    classes = {part: dict(_classes(place)) for part, place in parts.items()}
    names = _ordered({name for found in classes.values() for name in found})
    if not classes.get("train"):
        raise MissingDataError(f"{folder}: has neither MNIST's files nor folders of images, one per class; {accepted}")
    for part, found in classes.items():
        for name in found:
            if name not in classes["train"]:
                raise DataError(f"{parts[part] / name}: there is no class of this name in {parts['train']}")
    files = {part: _files(found, names) for part, found in classes.items()}
    reading = _usual_reading(names) if reading is None else reading
    size = _common_size(files, LARGEST_SIDE[reading]) if size is None else size
    splits = {part: _read(labelled, size, reading) for part, labelled in files.items()}
    if "test" not in splits:
        if len(splits["train"]) < 2:
            raise DataError(f"{folder}: one image cannot be both trained and tested on; add more")
        share = max(1, round(TEST_SHARE * len(splits["train"])))
        splits["train"], splits["test"] = hold_out(splits["train"], share, seed=0)
    return ClassFolders(splits["train"], splits.get("validation"), splits["test"], names, reading)


def _parts(folder: Path) -> Mapping[str, Path]:
    """The folders of the splits, or the folder itself as all of them."""
    inside = _folders(folder)
    if any(path.name == "train" for path in inside) and all(path.name in _SPLITS for path in inside):
        parts: dict[str, Path] = {}
        for path in inside:
            part = _SPLITS[path.name]
            if part in parts:
                raise DataError(f"{path}: {parts[part]} is the {part} split already; keep one of them")
            parts[part] = path
        if _folders(parts["train"]):
            return parts
    return {"train": folder}


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in _listed(folder) if os.path.isdir(path))


def _listed(folder: Path) -> Iterator[Path]:
    try:
        for path in folder.iterdir():
            if not path.name.startswith("."):
                yield path
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or error})") from error


def _classes(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Each class and its images."""
    from PIL import Image

    Image.init()
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    for inside in _folders(folder):
        if any("\ud800" <= letter <= "\udfff" for letter in inside.name):
            raise DataError(f"{str(inside)!r}: the name of a class must be text in UTF-8")
        images = sorted(path for path in _listed(inside) if path.suffix.lower() in suffixes and os.path.isfile(path))
        if not images:
            raise DataError(f"{inside}: holds no image; images are files such as {inside.name}/1.png or .jpg")
        yield inside.name, images


def _ordered(names: set[str]) -> tuple[str, ...]:
    if all(name.isascii() and name.isdecimal() and len(name) < 10 for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _files(found: Mapping[str, list[Path]], names: tuple[str, ...]) -> _Labelled:
    return [(path, label) for label, name in enumerate(names) for path in found.get(name, [])]


def _usual_reading(names: tuple[str, ...]) -> str:
    return "digit" if set(names) <= set("0123456789") else "picture"


def _common_size(files: Mapping[str, _Labelled], largest: int) -> tuple[int, int]:
    sizes = {measure_picture(path) for labelled in files.values() for path, _ in labelled}
    size = sizes.pop()
    return (SIDE, SIDE) if sizes or max(size) > largest else size


def _read(labelled: _Labelled, size: tuple[int, int], reading: str) -> Split:
    images = np.empty((len(labelled), *size), np.uint8)
    for place, (path, _) in enumerate(labelled):
        images[place] = READINGS[reading](path, size)
    return Split(images, np.array([label for _, label in labelled], np.int64))
