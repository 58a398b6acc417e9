"""Writing a file whole or not at all."""

import os
import tempfile
from pathlib import Path

from autodiff.errors import SettingError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at once: a failure leaves an existing one as it was. Raises SettingError if it cannot be written."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise SettingError(f"cannot write {path}: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
