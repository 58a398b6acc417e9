"""Grey images with labels, from a generator, a download or files of many kinds, always as the same `Dataset`.

Whatever the source, an image is uint8, labels count from 0, and the validation split is taken out of the training set.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import SettingError
from .augmentation import Augmentation
from .dataset import Dataset, Split, batches, pixels
from .idx import read_idx, write_idx
from .mirrors import Download, Progress
from .mnist import FILES, has_idx_files, read_idx_folder, read_mnist
from .npz import KEYS, read_npz
from .preprocessing import Preprocessing
from .splits import hold_out, parse_classes, per_class, select

__all__ = [
    "NAMED",
    "Augmentation",
    "Dataset",
    "Download",
    "Preprocessing",
    "Progress",
    "Split",
    "batches",
    "hold_out",
    "is_class_folders",
    "load",
    "parse_classes",
    "per_class",
    "pixels",
    "read_idx",
    "select",
    "write_idx",
]

NAMED = ("digits", "mnist")  # sources that are no path
_ACCEPTED = (
    'accepted are "digits", "mnist", a folder with MNIST\'s four files '
    f"({', '.join(file.name for file in FILES)}; plain or .gz), a folder of folders of images, one for each class, "
    f"or an .npz file with the keys {', '.join(KEYS)}"
)
_DIGITS_SIZES = (20_000, 4_000)
_DIGITS_SEEDS = (0, 1)  # fixed, so that every run is judged on the same test images


def load(
    source: str | os.PathLike[str],
    *,
    validation: float = 1 / 12,
    seed: int = 0,
    sizes: tuple[int, int] | None = None,
    image_size: tuple[int, int] | None = None,
    reading: str | None = None,
    classes: str | Sequence[str | int] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """The data set that `source` names.

    source: `"digits"`, drawn on the spot, the same every time; `"mnist"`, downloaded at its first use (see
        `mnist.read_mnist`; a folder of one of these names is `./digits`); a folder with four IDX files of MNIST's
        names, each plain or `.gz`; a folder of folders of images, one for each class (see `class_folders`); or an
        `.npz` with Keras's keys `x_train y_train x_test y_test` (images uint8, labels any integers).
    validation: how much of the training set becomes the validation split: a count (an int) or a fraction (a float).
        The default takes 5,000 of MNIST's 60,000, as is the custom, but not its *last* 5,000: they are drawn with
        `seed`, the same share of each class. Both splits keep the order of the file. A folder `validation` of images
        is taken as it is.
    sizes: training and test images to draw, for `"digits"` only (20,000 and 4,000 unless told).
    image_size: (height, width) to bring images in folders to; by default their own, or 28 × 28 if they differ.
    reading: how pictures in folders become images, "digit" or "picture", see `photo`; by default by the classes' names.
    classes: which classes to keep, such as "0-4" or ["cat", "dog"]; see `select`.
    progress: told how a download goes.

    Raises MissingDataError if a file or folder is missing, DataError if one is malformed, and SettingError if an option
    is out of range.

    >>> dataset = load("digits", sizes=(24, 10))
    >>> len(dataset.train), len(dataset.validation), len(dataset.test), dataset.train.images.shape
    (22, 2, 10, (22, 28, 28))
    """
    held_out: Split | None = None
    names: tuple[str, ...] = ()
    how = "digit"
    path = Path(source)
    folders = is_class_folders(source)
    for option, given, fits, whose in (
        ("sizes", sizes, source == "digits", '"digits", which is drawn on the spot'),
        ("image_size", image_size, folders, "folders of images"),
        ("reading", reading, folders, "folders of images"),
    ):
        if given is not None and not fits:
            raise SettingError(f"{option}= is for {whose}; {os.fspath(source)} has its own")
    if source == "digits":
        train, test = _digits(*(_DIGITS_SIZES if sizes is None else sizes))
    elif source == "mnist":
        train, test = read_mnist(progress)
    elif folders:
        from .class_folders import read_class_folders

        train, held_out, test, names, how = read_class_folders(path, image_size, reading, _ACCEPTED)
    else:
        train, test = read_idx_folder(path, _ACCEPTED) if os.path.isdir(path) else read_npz(path, _ACCEPTED)
    if held_out is None:
        train, held_out = hold_out(train, validation, seed)
    name = str(source) if source in NAMED else path.resolve().name
    dataset = Dataset(train, held_out, test, name, names, how)
    return dataset if classes is None else select(dataset, classes)


def is_class_folders(source: str | os.PathLike[str]) -> bool:
    """Whether `load` takes the source for a folder of folders of images, one for each class."""
    path = Path(source)
    return source not in NAMED and os.path.isdir(path) and not has_idx_files(path)


def _digits(n_train: int, n_test: int) -> tuple[Split, Split]:
    from .digits import generate

    if n_train < 1 or n_test < 1:
        raise SettingError(f"sizes must be positive, not {(n_train, n_test)}")
    return Split(*generate(n_train, _DIGITS_SEEDS[0])), Split(*generate(n_test, _DIGITS_SEEDS[1]))
