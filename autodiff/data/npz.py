"""Read a data set from an `.npz` with Keras's keys: training images and labels, test images and labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, MissingDataError
from .dataset import Split, check_sizes, checked_split

KEYS = ("x_train", "y_train", "x_test", "y_test")
_HIGHEST_LABEL = 65_535  # far above any class count; a higher one is damage, and would size a network's last layer


def read_npz(path: Path, accepted: str = "") -> tuple[Split, Split]:
    """Training and test split from the file.

    accepted: what to say of other sources, in the error for a file that is none.

    Raises MissingDataError if there is no such file, DataError if it is malformed.
    """
    arrays = _arrays(path, accepted)
    x_train, y_train, x_test, y_test = ((f"{path}: {key}", arrays[key]) for key in KEYS)
    train = checked_split(x_train, y_train, _HIGHEST_LABEL)
    test = checked_split(x_test, y_test, _HIGHEST_LABEL)
    check_sizes(str(path), train, test)
    return train, test


def _arrays(path: Path, accepted: str) -> Mapping[str, npt.NDArray[Any]]:
    try:
        with open(path, "rb") as file:  # opened here, as np.load leaves a damaged file open
            if not file.read(4).startswith(b"PK"):
                raise DataError(f"{path}: not an .npz (a zip archive of arrays); {accepted}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                if missing := [key for key in KEYS if key not in archive.files]:
                    found = _one_line(", ".join(archive.files)) or "nothing"
                    raise DataError(f"{path}: missing {', '.join(missing)}; found {found}")
                arrays = {key: archive[key] for key in KEYS}
    except DataError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: there is no such file or folder; {accepted}") from error
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
