"""Grey images with labels, from a generator, from MNIST's files, or from an `.npz`, always as the same `Dataset`.

Whatever the source, an image is uint8, labels count from 0, and the validation split is taken out of the training set.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, MissingDataError, SettingError
from .dataset import Dataset, Split, batches, pixels
from .idx import read_idx, write_idx

__all__ = ["Dataset", "Split", "batches", "load", "pixels", "read_idx", "write_idx"]

_IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_ACCEPTED = (
    'accepted are "digits", a folder with MNIST\'s four files '
    f"({', '.join(_IDX_FILES)}; plain or .gz), or an .npz file with the keys {', '.join(_NPZ_KEYS)}"
)
_DIGITS_SIZES = (20_000, 4_000)
_DIGITS_SEEDS = (0, 1)  # fixed, so that every run is judged on the same test images
_HIGHEST_IDX_LABEL = 255
_HIGHEST_NPZ_LABEL = 65_535  # far above any class count; a higher one is damage, and would size a network's last layer


def load(
    source: str | os.PathLike[str],
    *,
    validation: float = 1 / 12,
    seed: int = 0,
    sizes: tuple[int, int] | None = None,
) -> Dataset:
    """The data set that `source` names.

    source: `"digits"`, drawn on the spot, the same every time; a folder with MNIST's four IDX files, each plain or
        `.gz`; or an `.npz` with Keras's keys `x_train y_train x_test y_test` (images uint8, labels any integers).
    validation: how much of the training set becomes the validation split: a count (an int) or a fraction (a float).
        The default takes 5,000 of MNIST's 60,000, as is the custom, but not its *last* 5,000: they are chosen by a
        permutation seeded with `seed`, so files sorted by label work too. Both splits keep the order of the file.
    sizes: training and test images to draw, for `"digits"` only (20,000 and 4,000 unless told).

    Raises MissingDataError if a file or folder is missing, DataError if one is malformed, and SettingError if an option
    is out of range.

    >>> dataset = load("digits", sizes=(24, 10))
    >>> len(dataset.train), len(dataset.validation), len(dataset.test), dataset.train.images.shape
    (22, 2, 10, (22, 28, 28))
    """
    if source == "digits":
        name = "digits"
        train, test = _digits(*(_DIGITS_SIZES if sizes is None else sizes))
    elif sizes is not None:
        raise SettingError(f'sizes= is for "digits", which is drawn on the spot; {os.fspath(source)} has its own')
    else:
        path = Path(source)
        name = path.resolve().name
        train, test = _read_folder(path) if path.is_dir() else _read_npz(path)
    kept, held_out = _hold_out(train, validation, seed)
    return Dataset(kept, held_out, test, name)


def _hold_out(split: Split, validation: float, seed: int) -> tuple[Split, Split]:
    n = len(split)
    count = validation if isinstance(validation, int) else round(n * validation) if 0 <= validation < 1 else -1
    if isinstance(validation, bool) or not 0 <= count < n:
        raise SettingError(f"validation must be a count below {n} or a fraction below 1, not {validation!r}")
    chosen = np.zeros(n, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(n)[:count]] = True
    return Split(split.images[~chosen], split.labels[~chosen]), Split(split.images[chosen], split.labels[chosen])


def _digits(n_train: int, n_test: int) -> tuple[Split, Split]:
    from .digits import generate

    if n_train < 1 or n_test < 1:
        raise SettingError(f"sizes must be positive, not {(n_train, n_test)}")
    return Split(*generate(n_train, _DIGITS_SEEDS[0])), Split(*generate(n_test, _DIGITS_SEEDS[1]))


def _read_folder(folder: Path) -> tuple[Split, Split]:
    paths = [_plain_or_packed(folder, name) for name in _IDX_FILES]  # all four, before the first is read
    x_train, y_train, x_test, y_test = ((str(path), read_idx(path)) for path in paths)
    train = _checked_split(x_train, y_train, _HIGHEST_IDX_LABEL)
    test = _checked_split(x_test, y_test, _HIGHEST_IDX_LABEL)
    return _same_size(str(folder), train, test)


def _plain_or_packed(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise MissingDataError(f"{folder}: {name} is missing, with or without .gz; {_ACCEPTED}")


def _read_npz(path: Path) -> tuple[Split, Split]:
    arrays = _npz_arrays(path)
    x_train, y_train, x_test, y_test = ((f"{path}: {key}", arrays[key]) for key in _NPZ_KEYS)
    train = _checked_split(x_train, y_train, _HIGHEST_NPZ_LABEL)
    test = _checked_split(x_test, y_test, _HIGHEST_NPZ_LABEL)
    return _same_size(str(path), train, test)


def _npz_arrays(path: Path) -> Mapping[str, npt.NDArray[Any]]:
    try:
        with open(path, "rb") as file:  # opened here, as np.load leaves a damaged file open
            if not file.read(4).startswith(b"PK"):
                raise DataError(f"{path}: not an .npz (a zip archive of arrays); {_ACCEPTED}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                if missing := [key for key in _NPZ_KEYS if key not in archive.files]:
                    found = _one_line(", ".join(archive.files)) or "nothing"
                    raise DataError(f"{path}: missing {', '.join(missing)}; found {found}")
                arrays = {key: archive[key] for key in _NPZ_KEYS}
    except DataError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: there is no such file or folder; {_ACCEPTED}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a damaged zip, or a damaged array in one, fails in a dozen ways
        raise DataError(f"{path}: a damaged .npz, or one that holds pickled objects ({_one_line(error)})") from error
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy hands over a member that is no array as its bytes
            raise DataError(f"{path}: {key}: expected an array in NumPy's format, found other data")
    return arrays


def _one_line(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= 200 else line[:200] + "…"


_Named = tuple[str, npt.NDArray[Any]]  # what to call an array in an error, and the array


def _checked_split(named_images: _Named, named_labels: _Named, highest_label: int) -> Split:
    where, images = named_images
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(
            f"{where}: images must be uint8 of shape (n, height, width), found {images.dtype} of shape {images.shape}"
        )
    if images.size == 0:
        raise DataError(f"{where}: there must be at least one image and one pixel, found shape {images.shape}")
    where, labels = named_labels
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(f"{where}: labels must be integers of shape (n,), found {labels.dtype} of shape {labels.shape}")
    if len(labels) != len(images):
        raise DataError(f"{where}: expected one label for each of {len(images)} images, found {len(labels)}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > highest_label:
        raise DataError(f"{where}: labels must be in 0..{highest_label}, found {low if low < 0 else high}")
    return Split(images, labels.astype(np.int64))


def _same_size(where: str, train: Split, test: Split) -> tuple[Split, Split]:
    expected, found = train.images.shape[1:], test.images.shape[1:]
    if expected != found:
        raise DataError(f"{where}: test images must have the size of the training images, {expected}, found {found}")
    return train, test
