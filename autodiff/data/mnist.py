"""MNIST's four files: where they are kept, what they must be, and reading them or others of their names.

The digests are those of the files unpacked (Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten
digits*), so it does not matter how, or whether, they are packed.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, MissingDataError
from .dataset import Split, check_sizes, checked_split
from .idx import read_idx
from .mirrors import MIRRORS, PATIENCE, Progress, download

VARIABLE = "CHAINLENS_DATA"  # of the environment: the folder to keep data in
_HIGHEST_LABEL = 255
_PIECE = 1 << 20


class File(NamedTuple):
    """One of the four: its name, and its size and SHA-256 when unpacked."""

    name: str
    size: int
    sha256: str


FILES = (
    File("train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    File("train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    File("t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    File("t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)


def read_mnist(
    progress: Progress | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    patience: float = PATIENCE,
    files: Sequence[File] = FILES,
) -> tuple[Split, Split]:
    """Training and test split of MNIST, from the folder where data are kept; what is missing there is downloaded.

    progress   told what has arrived, many times for each file
    mirrors    addresses of folders that have the four files as .gz, tried in turn
    patience   seconds to wait for a mirror
    files      what to expect

    The folder is `mnist` in the one that the environment variable CHAINLENS_DATA names, or else in the system's folder
    for caches. Files put there by hand, or into CHAINLENS_DATA itself, plain or .gz, are checked and used.

    Raises MissingDataError if they are neither there nor to be had, DataError if the folder cannot be written.
    """
    folders = _folders()
    damaged: list[str] = []
    paths = [_kept(file, folders, damaged) for file in files]
    missing = [file for file, path in zip(files, paths, strict=True) if path is None]
    if missing:
        folder = folders[0]
        by_hand = f"put {', '.join(file.name for file in files)} (plain or .gz) into {folder}"
        try:
            download(missing, folder, mirrors, patience, progress)
        except MissingDataError as error:
            found = f"{'; '.join(damaged)} is not the original; " if damaged else ""
            raise MissingDataError(f"mnist: {found}{error}; go online, or {by_hand}") from error
        except OSError as error:
            raise DataError(
                f"mnist: {folder} cannot be written ({error.strerror or error}); name another with {VARIABLE}"
            ) from error
        paths = [folder / file.name if path is None else path for file, path in zip(files, paths, strict=True)]
    return _read([path for path in paths if path is not None], "mnist")


def read_idx_folder(folder: Path, accepted: str = "") -> tuple[Split, Split]:
    """Training and test split from any four IDX files that bear MNIST's names, plain or .gz.

    accepted: what to say of other sources, in the error for a missing file.

    Raises MissingDataError if a file is missing, DataError if one is malformed.
    """
    paths = []
    for file in FILES:  # all four, before the first is read
        found = [path for path in _forms(folder, file.name) if os.path.isfile(path)]
        if not found:
            raise MissingDataError(f"{folder}: {file.name} is missing, with or without .gz; {accepted}")
        paths.append(found[0])
    return _read(paths, str(folder))


def has_idx_files(folder: Path) -> bool:
    """Whether at least one of the four is there."""
    return any(os.path.isfile(path) for file in FILES for path in _forms(folder, file.name))


def _read(paths: Sequence[Path], where: str) -> tuple[Split, Split]:
    x_train, y_train, x_test, y_test = ((str(path), read_idx(path)) for path in paths)
    train = checked_split(x_train, y_train, _HIGHEST_LABEL)
    test = checked_split(x_test, y_test, _HIGHEST_LABEL)
    check_sizes(where, train, test)
    return train, test


def _folders() -> list[Path]:
    """Where to look for the files; missing ones go to the first."""
    if named := os.environ.get(VARIABLE):
        root = Path(named).expanduser()
        return [root / "mnist", root]
    try:
        import pooch
    except ImportError as error:
        raise MissingDataError(
            f"mnist: needs the package pooch to download, or {VARIABLE} to name the folder that has the files"
        ) from error
    return [pooch.os_cache("chainlens") / "mnist"]


def _forms(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / name, folder / f"{name}.gz"


def _kept(file: File, folders: Sequence[Path], damaged: list[str]) -> Path | None:
    """The path of the file if it is there and the right one; wrong ones are noted."""
    for folder in folders:
        for path in _forms(folder, file.name):
            if os.path.isfile(path):
                if _is_original(path, file):
                    return path
                damaged.append(str(path))
    return None


def _is_original(path: Path, file: File) -> bool:
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            content = gzip.GzipFile(fileobj=plain) if packed else plain
            while size <= file.size and (piece := content.read(_PIECE)):
                digest.update(piece)
                size += len(piece)
    except (OSError, EOFError, zlib.error):  # unreadable or damaged: it is fetched anew, or named in the error
        return False
    return digest.hexdigest() == file.sha256
