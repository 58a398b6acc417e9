"""Download MNIST's files: from the first mirror that has them whole, into a folder where only whole files ever appear.

A mirror that cannot be reached, is slow, breaks off or sends something else is passed over for the next one.
"""

import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ..errors import MissingDataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
    "http://yann.lecun.com/exdb/mnist/",  # the origin; unencrypted, which the digests make up for
)
PATIENCE = 15.0  # seconds until a mirror that is silent, or slower than _SLOWEST, is given up
_SLOWEST = 10_000  # bytes per second
_PIECE = 1 << 16
_PARTIAL = ".partial-"  # folders of downloads that are under way
_STALE = 24 * 3600.0  # seconds after which such a folder was left behind by a process that was killed


class Wanted(Protocol):
    """A file to download, as `NAME.gz`: its name, and its size and SHA-256 when unpacked."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Download(NamedTuple):
    """How far a file is: bytes `received` of `total`, which is None if the mirror does not say."""

    name: str
    mirror: str
    received: int
    total: int | None


Progress = Callable[[Download], None]


class _MirrorError(Exception):
    """Why a mirror is of no use, in a few words."""


def download(
    files: Sequence[Wanted],
    folder: Path,
    mirrors: Sequence[str] = MIRRORS,
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> None:
    """Put the files, unpacked, into the folder, which is made if need be. Several processes may do so at once.

    Raises MissingDataError that says for each mirror what is wrong if one of the files is not to be had from any, and
    OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    order = list(mirrors)
    with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder) as partial:
        for file in files:
            failures: list[str] = []
            for mirror in list(order):
                try:
                    _fetch(mirror, file, Path(partial), patience, progress)
                    break
                except _MirrorError as error:
                    failures.append(f"{urlsplit(mirror).netloc}: {error}")
                    order = [*order[1:], mirror]  # the next file starts with a mirror that works
            else:
                raise MissingDataError(f"{file.name} cannot be downloaded ({'; '.join(failures)})")
            whole = Path(partial) / file.name
            whole.chmod(0o644)  # a folder of data may be shared
            os.replace(whole, folder / file.name)


def _fetch(mirror: str, file: Wanted, folder: Path, patience: float, progress: Progress | None) -> None:
    """One file from one mirror, checked against its digest."""
    import pooch

    def unpack(url: str, output: str, _: Any) -> None:
        packed = _receive(url, file, patience, progress)
        Path(output).write_bytes(_unpacked(packed, file.size))

    try:
        with _quiet():
            pooch.retrieve(
                f"{mirror.rstrip('/')}/{file.name}.gz",
                known_hash=f"sha256:{file.sha256}",
                fname=file.name,
                path=folder,
                downloader=unpack,
            )
    except ValueError as error:  # the digest differs
        raise _MirrorError("sent another file") from error


def _receive(url: str, file: Wanted, patience: float, progress: Progress | None) -> bytes:
    """What the address holds, if it comes fast enough and is not far too long."""
    import requests
    import urllib3

    received = bytearray()
    start = time.monotonic()
    try:
        # As it is, and not packed once more for the way; each wait has its limit, and the speed on the whole as well.
        with requests.get(
            url, stream=True, timeout=(patience / 2, patience), headers={"Accept-Encoding": "identity"}
        ) as response:
            if response.status_code != 200:
                raise _MirrorError(f"HTTP status {response.status_code}")
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            while piece := response.raw.read1(_PIECE):
                received += piece
                seconds = time.monotonic() - start
                if len(received) > file.size + _PIECE:
                    raise _MirrorError("sent too much")
                if seconds > patience and len(received) < _SLOWEST * seconds:
                    raise _MirrorError(f"too slow, {len(received)} bytes in {seconds:.0f} s")
                if progress is not None:
                    progress(Download(file.name, urlsplit(url).netloc, len(received), total))
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _MirrorError(f"no answer within {patience:g} s") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _MirrorError("the connection broke off" if received else "cannot be reached") from error
    if total is not None and len(received) < total:
        raise _MirrorError("the connection broke off")
    return bytes(received)


def _unpacked(packed: bytes, size: int) -> bytes:
    """The content of gzip data, as far as a byte beyond the size; data that are not packed as they are."""
    if not packed.startswith(b"\x1f\x8b"):
        return packed
    try:
        return zlib.decompressobj(wbits=31).decompress(packed, size + 1)
    except zlib.error as error:
        raise _MirrorError("sent damaged data") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """pooch tells its logger of each download, which prints; the caller has `progress` for that."""
    import logging

    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind."""
    for partial in folder.glob(f"{_PARTIAL}*"):
        try:
            stale = time.time() - partial.stat().st_mtime > _STALE
        except FileNotFoundError:  # another process has just finished with it
            continue
        if stale:
            shutil.rmtree(partial, ignore_errors=True)
