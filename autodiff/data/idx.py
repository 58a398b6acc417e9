"""Read and write one IDX file, the format of MNIST: a type code, the dimensions, then the elements, big-endian.

    offset  0   two zero bytes
            2   type code (see the table)
            3   rank r
            4   r dimensions, 4 bytes each
            4+4r  the elements, last dimension fastest

Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, "The IDX file format".
"""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ..errors import DataError, MissingDataError

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}
_GZIP_MAGIC = b"\x1f\x8b"
_HIGHEST_RANK = 32  # what every NumPy supports
_PIECE = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """The array in the IDX file `path`, in native byte order, writable; gzip is recognised by content, not by suffix.

    Raises MissingDataError if there is no such file, and DataError if it is malformed: memory grows with the bytes
    that are there, never with the size that the header claims.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(f"{folder}/labels.gz", np.array([7, 2, 1], np.uint8))
    ...     read_idx(f"{folder}/labels.gz")
    array([7, 2, 1], dtype=uint8)
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if not packed:
                return _read(path, file)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(path, cast(BinaryIO, unpacked))
    except FileNotFoundError as error:
        raise MissingDataError(f"{os.fspath(path)}: there is no such file") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{os.fspath(path)}: corrupt or truncated gzip data ({error})") from error
    except OSError as error:
        raise DataError(f"{os.fspath(path)}: cannot be read ({error.strerror or error})") from error


def write_idx(path: str | os.PathLike[str], array: npt.ArrayLike) -> None:
    """Write `array` to the IDX file `path`, through gzip if the name ends in `.gz`.

    array: any shape; uint8, int8, int16, int32, float32 or float64. Raises DataError for any other dtype.
    """
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise DataError(f"{os.fspath(path)}: IDX holds {known}, not {array.dtype}; cast with .astype() first")
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    content = header + array.astype(_DTYPES[code]).tobytes()
    packed = os.fspath(path).endswith(".gz")
    Path(path).write_bytes(gzip.compress(content, mtime=0) if packed else content)


def _read(path: str | os.PathLike[str], file: BinaryIO) -> npt.NDArray[Any]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _DTYPES:
        codes = ", ".join(f"{code:#04x}" for code in _DTYPES)
        raise DataError(
            f"{os.fspath(path)}: not an IDX file: expected it to start with 00 00 and a type code of {codes},"
            f" found {head.hex(' ') or 'nothing'}"
        )
    dtype, rank = _DTYPES[head[2]], head[3]
    if rank > _HIGHEST_RANK:
        raise DataError(f"{os.fspath(path)}: expected at most {_HIGHEST_RANK} dimensions, found {rank}")
    dims = file.read(4 * rank)
    if len(dims) < 4 * rank:
        raise DataError(f"{os.fspath(path)}: expected {rank} dimensions of 4 bytes each, found {len(dims)} bytes")
    shape = struct.unpack(f">{rank}I", dims)
    declared = math.prod(shape) * dtype.itemsize
    data = _read_at_most(file, declared + 1)
    if len(data) != declared:
        found = f"only {len(data)}" if len(data) < declared else "more"
        shown = " x ".join(map(str, shape)) or "1"
        raise DataError(
            f"{os.fspath(path)}: expected {declared} bytes of data ({shown} of {dtype.name}), found {found}"
        )
    try:
        array = np.frombuffer(data, dtype).reshape(shape)
    except ValueError as error:  # no elements, yet dimensions beyond what an array can have
        raise DataError(f"{os.fspath(path)}: expected dimensions an array can have, found {shape}") from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_at_most(file: BinaryIO, size: int) -> bytearray:
    """Up to `size` bytes, read in pieces: asking for all at once would allocate what the header claims."""
    data = bytearray()
    while len(data) < size and (piece := file.read(min(_PIECE, size - len(data)))):
        data += piece
    return data
