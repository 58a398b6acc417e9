"""Save a state to one file and read it back: written atomically, verified by digest, and unable to run code.

A state is a tree of plain data: dict, list, tuple, str, int, float, bool, None, bytes, NumPy arrays and NumPy scalars.
The file is two lines that `head -2` shows, then the payload:

    chainlens checkpoint 1
    sha256 9f86d081884c7d65… of 1048576 bytes
    <a pickle, protocol 5>

The digest finds damage, not malice: whoever alters a file can compute a new digest. So the payload is an unusually
poor pickle. An array is a persistent id, the tuple (dtype, shape, order, bytes), so no name has to be imported to
rebuild one and the reader admits none at all: not `os.system`, and not NumPy's own, which differ between its versions.
There is no memo either, so the payload is a tree: no cycles, and nothing small that unfolds into something huge.
"""

import hashlib
import io
import json
import math
import os
import pickle
import pickletools
import re
from typing import Any, Never

import numpy as np
import numpy.typing as npt

from .errors import CheckpointError, MissingCheckpointError
from .whole_files import write_whole

_MAGIC = b"chainlens checkpoint "
_VERSION = 1
_VERSION_LINE = re.compile(rb"([0-9]{1,9})\n")
_DIGEST_LINE = re.compile(rb"sha256 ([0-9a-f]{64}) of ([0-9]{1,18}) bytes\n")

_LEAVES = (str, int, float, bool, type(None), bytes)
# NumPy's bool, int, unsigned, float, complex, bytes and text; then timedelta and datetime with their unit.
_DTYPE = re.compile(r"[<>|](?:[biufcSU][0-9]{1,6}|[mM]8(?:\[[0-9A-Za-z/]{1,20}\])?)")
_DEEPEST = 100
_HIGHEST_RANK = 64  # NumPy's own limit

# What a tree of plain data without a memo is written with. None of these imports, calls, or repeats anything.
_INSTRUCTIONS = """
    PROTO FRAME STOP MARK BINPERSID NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
    SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8
    EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS
"""
_ADMITTED = frozenset(_INSTRUCTIONS.split())


def save(path: str | os.PathLike[str], state: object) -> None:
    """Write `state` to the file `path`, entirely or not at all.

    The bytes go to a temporary file in the same folder, reach the disk, and then take the name `path` in one step; if
    anything fails before that step, an earlier file of that name is left as it was. Arrays keep dtype, byte order,
    shape, C or Fortran layout and every bit; arrays that share memory are stored, and come back, apart.

    Raises CheckpointError, before anything is written, if the state holds something that is not plain data (the message
    names the leaf, such as `state["model"]["w"][3]`), and later if the file cannot be written; MissingCheckpointError
    if the folder does not exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.ckpt", {"epoch": 3, "w": np.ones(2)})
    ...     load(f"{folder}/run.ckpt")
    {'epoch': 3, 'w': array([1., 1.])}
    """
    _require_plain(path, state)
    payload = _encode(state)
    digest = hashlib.sha256(payload).hexdigest()
    header = b"%s%d\nsha256 %s of %d bytes\n" % (_MAGIC, _VERSION, digest.encode(), len(payload))
    try:
        write_whole(path, header, payload, durable=True)
    except FileNotFoundError as error:
        missing = f"{os.fspath(path)}: the folder to save into does not exist; create it first"
        raise MissingCheckpointError(missing) from error
    except OSError as error:
        _fail(path, f"cannot be written ({error.strerror or error})", error)


def load(path: str | os.PathLike[str]) -> Any:
    """Read the state that `save` wrote to the file `path`; its arrays are writable and own their memory.

    Nothing in the file can import or call anything. Raises MissingCheckpointError if there is no such file, and
    CheckpointError, saying which, if it is foreign, truncated, altered, of a newer format, or holds anything but
    plain data.
    """
    payload = _read_verified(path)
    try:
        _refuse_unless_data(path, payload)
        state = _Decoder(path, payload).load()
    except CheckpointError:
        raise
    except Exception as error:  # a pickle made by hand may raise anything at all; what it is made of has been checked
        _fail(path, f"holds no readable state ({type(error).__name__}: {_one_line(error)})", error)
    _require_plain(path, state)
    return state


def _fail(path: str | os.PathLike[str], what: str, cause: BaseException | None = None) -> Never:
    raise CheckpointError(f"{os.fspath(path)}: {what}") from cause


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


# The tree


_Where = tuple[Any, object] | None  # (where the container is, key or index in it); None is the state itself


def _require_plain(path: str | os.PathLike[str], state: object) -> None:
    """Raise CheckpointError, naming the first offending leaf, unless `state` is a tree of plain data."""
    pending: list[tuple[_Where, object, int]] = [(None, state, 0)]
    while pending:
        where, value, depth = pending.pop()
        kind = type(value)
        if depth > _DEEPEST:
            _fail(path, f"{_spell(where)[:60]}… is nested more than {_DEEPEST} deep; does a container hold itself?")
        if isinstance(value, dict) and kind is dict:
            for key in value:
                if type(key) not in _LEAVES:
                    _fail(path, f"{_spell(where)} has a key that is {_kind(key)}; admitted are str, int, float, bool")
            pending.extend(((where, key), item, depth + 1) for key, item in reversed(value.items()))
        elif isinstance(value, list | tuple) and kind in (list, tuple):
            pending.extend(((where, i), value[i], depth + 1) for i in reversed(range(len(value))))
        elif not (kind in _LEAVES or _is_plain_numpy(value)):
            _fail(
                path,
                f"{_spell(where)} is {_kind(value)}; a checkpoint holds dict, list, tuple, str, int, float, bool, None,"
                " bytes, and NumPy arrays and scalars, so save a state_dict() or plain values",
            )


def _is_plain_numpy(value: object) -> bool:
    if isinstance(value, np.generic):  # str_ and bytes_ would lose trailing NULs, and str and bytes do not
        if type(value) is not value.dtype.type or value.dtype.kind in "SU":
            return False
        return _DTYPE.fullmatch(value.dtype.str) is not None
    return type(value) is np.ndarray and _DTYPE.fullmatch(value.dtype.str) is not None


def _kind(value: object) -> str:
    kind = type(value)
    if kind is np.ndarray:
        return f"an array of dtype {_one_line(value.dtype)}"  # type: ignore[attr-defined]  # of an ndarray, as `kind` says
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"of type {home}{kind.__qualname__}"


def _spell(where: _Where) -> str:
    keys = []
    while where is not None:
        where, key = where
        keys.append(f"[{_spell_key(key)}]")
    return "state" + "".join(reversed(keys))


def _spell_key(key: object) -> str:
    if isinstance(key, int) and key.bit_length() > 64:  # Python refuses to print the longest ones in decimal
        spelt = hex(key)
    else:
        spelt = json.dumps(key) if isinstance(key, str) else repr(key)
    return spelt if len(spelt) <= 80 else f"{spelt[:79]}…"


# The payload


class _Encoder(pickle.Pickler):
    """Pickles plain data; an array or NumPy scalar becomes a persistent id."""

    def persistent_id(self, value: object) -> tuple[str, tuple[int, ...] | None, str, bytes] | None:
        if isinstance(value, np.generic):
            return value.dtype.str, None, "C", value.tobytes()
        if isinstance(value, np.ndarray):
            order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
            return value.dtype.str, value.shape, order, value.tobytes("F" if order == "F" else "C")
        return None


class _Decoder(pickle.Unpickler):
    """Unpickles plain data, rebuilds arrays from their persistent ids, and finds no name whatever."""

    def __init__(self, path: str | os.PathLike[str], payload: bytes) -> None:
        super().__init__(io.BytesIO(payload))
        self._path = path

    def find_class(self, module: str, name: str) -> Never:
        _refuse_name(self._path, f"{module}.{name}")

    def persistent_load(self, identity: object) -> Any:
        match identity:
            case (str(dtype), (tuple() | None) as shape, "C" | "F" as order, bytes(data)) if _DTYPE.fullmatch(dtype):
                dims = () if shape is None else shape
                if len(dims) <= _HIGHEST_RANK and all(type(n) is int and 0 <= n < 2**63 for n in dims):
                    return _rebuild(np.dtype(dtype), shape, order, data)
        raise ValueError("an array is not described by dtype, shape, order and bytes")


def _rebuild(dtype: np.dtype[Any], shape: tuple[int, ...] | None, order: str, data: bytes) -> Any:
    dims = () if shape is None else shape
    if math.prod(dims) * dtype.itemsize != len(data):
        raise ValueError(f"an array of shape {dims} and dtype {dtype} cannot be made of {len(data)} bytes")
    array: npt.NDArray[Any] = np.ndarray(dims, dtype, buffer=data, order="F" if order == "F" else "C")
    return array[()] if shape is None else array.copy(order="K")


def _encode(state: object) -> bytes:
    buffer = io.BytesIO()
    encoder = _Encoder(buffer, protocol=5)
    encoder.fast = True  # no memo: see the top of the file
    encoder.dump(state)
    return buffer.getvalue()


def _refuse_unless_data(path: str | os.PathLike[str], payload: bytes) -> None:
    """Look at every instruction before the first one runs; a name asked for is reported ahead of other refusals."""
    refused = None
    texts = ["?", "?"]
    end = -1
    for opcode, argument, position in pickletools.genops(payload):
        if opcode.name in ("GLOBAL", "INST"):
            _refuse_name(path, str(argument).replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            _refuse_name(path, ".".join(texts))
        elif opcode.name not in _ADMITTED:
            refused = refused or opcode.name
        if isinstance(argument, str):
            texts = [texts[1], argument]
        end = position or 0
    if refused:
        _fail(path, f"holds the pickle instruction {refused}, which plain data does not need; do not trust this file")
    if end + 1 != len(payload):
        _fail(path, f"has {len(payload) - end - 1} bytes after the end of its state; do not trust this file")


def _refuse_name(path: str | os.PathLike[str], name: str) -> Never:
    shown = json.dumps(name[:80])[1:-1]
    _fail(path, f"asks for {shown}, and a checkpoint may import nothing; nothing was run, do not trust this file")


# The file


def _read_verified(path: str | os.PathLike[str]) -> bytes:
    """The payload of the file `path`, whose length and digest are those its header declares."""
    again = "copy it again or go back to an earlier checkpoint"
    try:
        with open(path, "rb") as file:
            start = file.read(len(_MAGIC))
            if not start:
                _fail(path, f"is empty; {again}")
            if start != _MAGIC and not _MAGIC.startswith(start):
                _fail(path, f"is no chainlens checkpoint (it starts with {start[:8]!r}); give a file that save() wrote")
            rest = file.read()
    except FileNotFoundError as error:
        missing = f"{os.fspath(path)}: there is no such checkpoint; give the path of a file that save() wrote"
        raise MissingCheckpointError(missing) from error
    except OSError as error:
        _fail(path, f"cannot be read ({error.strerror or error})", error)
    version = _VERSION_LINE.match(rest)
    if version and int(version[1]) > _VERSION:
        _fail(path, f"has format {int(version[1])}, this version reads up to {_VERSION}; update chainlens to read it")
    digest = _DIGEST_LINE.match(rest, version.end()) if version else None
    if digest is None or version is None or int(version[1]) != _VERSION:
        _fail(path, f"has an incomplete or altered header; {again}")
    payload = rest[digest.end() :]
    if len(payload) < int(digest[2]):
        _fail(path, f"is truncated: {len(payload)} of {int(digest[2])} bytes of state are there; {again}")
    if len(payload) > int(digest[2]) or hashlib.sha256(payload).hexdigest().encode() != digest[1]:
        _fail(path, f"was altered or damaged after it was saved (its SHA-256 differs); {again}")
    return payload
