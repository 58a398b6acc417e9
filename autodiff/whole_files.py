"""Writing a file whole or not at all: whatever happens, there is the file as it was, or as it is meant to be."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

_PREFIX = ".chainlens-"


def write_whole(path: str | os.PathLike[str], *parts: bytes, durable: bool = False) -> None:
    """Write the parts, one after the other, to the file `path`, in place of an earlier one. A link stays a link.

    The bytes go to a temporary file in the same folder, which then takes the name in one step; if anything fails before
    that step, it is removed. A process that is killed leaves it behind, see `remove_unfinished`.

    durable  wait until bytes and name have reached the disk, so that they survive a power cut

    Raises OSError if it cannot be written.
    """
    target = Path(os.path.realpath(path))
    temporary = target.parent / f"{_PREFIX}{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.writelines(parts)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):  # the failure that brought us here is the one to report
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        _flush_folder(target.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove from a folder what killed processes left of files that they were writing. Nobody may be writing there."""
    for path in folder.glob(f"{_PREFIX}{'[0-9a-f]' * 16}.tmp"):
        path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where folders can be opened and flushed."""
    if os.name == "nt":  # folders cannot be opened there; NTFS journals the rename
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder one may write into but not list
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # what file systems without folder flushing answer
            raise
    finally:
        os.close(descriptor)
