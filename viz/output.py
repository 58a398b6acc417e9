"""Writing what is drawn, with an error that people can read."""

from pathlib import Path

from autodiff import whole_files
from autodiff.errors import SettingError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once: a failure leaves an existing one as it was. Raises SettingError if it cannot be written."""
    try:
        whole_files.write_whole(path, data)
    except OSError as error:
        raise SettingError(f"cannot write {path}: {error.strerror}") from error
