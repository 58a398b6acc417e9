"""Checkpoints: what is saved comes back bit for bit, damage is found and named, and no file can run anything."""

import contextlib
import copyreg
import errno
import hashlib
import importlib
import io
import os
import pickle
import re
import stat
import struct
import subprocess
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff import checkpoint
from autodiff.errors import CheckpointError, MissingCheckpointError

SMALL: dict[str, Any] = {"model": {"w": np.arange(6.0).reshape(2, 3)}, "epoch": 3, "lr": np.float32(0.1), "none": None}


def same(a: Any, b: Any) -> bool:
    """Equal in type and in every bit: NaN payloads, -0.0, dtype, byte order and layout count."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a.items(), b.items(), strict=True))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    if isinstance(a, np.ndarray | np.generic):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if type(a) is float:
        return struct.pack("d", a) == struct.pack("d", b)
    return bool(a == b)


def seal(payload: bytes) -> bytes:
    """A file with a correct header and digest around any payload, as an attacker would write it."""
    digest = hashlib.sha256(payload).hexdigest()
    return f"chainlens checkpoint 1\nsha256 {digest} of {len(payload)} bytes\n".encode() + payload


def raised(path: Path) -> str:
    """The message of the CheckpointError that loading raises: one line that starts with the file's path."""
    with pytest.raises(CheckpointError) as info:
        checkpoint.load(path)
    message = str(info.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


# Round trips

ARRAYS = {
    "float16": np.array([1.5, -0.0, np.inf], np.float16),
    "float32": np.array([[1.5, -0.0], [np.nan, 3e38]], np.float32),
    "float64": np.linspace(-1, 1, 7),
    "longdouble": np.array([1, 3], np.longdouble) / 3,
    "complex": np.array([1 + 2j, -0.0j], np.complex64),
    "NaN payloads": np.array([0x7FF8000000000001, 0xFFF0000000000BAD, 1 << 63], np.uint64).view(np.float64),
    "NaN payloads, float32": np.array([0x7FC00001, 0xFF800BAD], np.uint32).view(np.float32),
    "int64": np.array([-(2**63), 2**63 - 1]),
    "uint8": np.arange(256, dtype=np.uint8).reshape(16, 16),
    "bool": np.array([True, False]),
    "0-d": np.array(2.5),
    "empty": np.zeros((0, 3)),
    "empty, rank 1": np.zeros(0, np.int32),
    "Fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": np.arange(12.0)[::-2],
    "broadcast": np.broadcast_to(np.float32(2.0), (2, 3)),
    "big-endian": np.arange(4, dtype=">f8"),
    "big-endian int": np.arange(4, dtype=">i2"),
    "text": np.array(["zero", "eins", ""]),
    "bytes": np.array([b"ab", b"c"]),
    "datetime": np.array(["2020-01-02", "NaT"], "M8[ns]"),
    "timedelta": np.array([1, 2], "m8[25s]"),
    "rank 5": np.zeros((1, 2, 1, 2, 1), np.int8),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_array_comes_back_bit_for_bit_and_writable(tmp_path: Path, name: str) -> None:
    array = ARRAYS[name]
    checkpoint.save(tmp_path / "a", array)
    found = checkpoint.load(tmp_path / "a")
    assert same(found, array)
    assert found.flags.writeable
    assert found.flags.owndata
    assert found.flags.aligned
    found[...] = found


@pytest.mark.parametrize("order", ["C", "F"])
def test_layout_is_kept(tmp_path: Path, order: Any) -> None:
    checkpoint.save(tmp_path / "a", np.ones((3, 4), order=order))
    assert checkpoint.load(tmp_path / "a").flags[f"{order}_CONTIGUOUS"]


def test_read_only_array_comes_back_writable(tmp_path: Path) -> None:
    array = np.ones(3)
    array.flags.writeable = False
    checkpoint.save(tmp_path / "a", array)
    assert checkpoint.load(tmp_path / "a").flags.writeable


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


PLAIN = {
    "scalars of NumPy": [np.float32(0.1), np.float64(-0.0), np.int64(-5), np.bool_(True), np.complex128(1j)],
    "time": (np.datetime64("2020-01-02"), np.timedelta64(5, "s")),
    "numbers": [0, -1, 255, 256, 65536, 2**31, -(2**63), 10**400, 0.0, -0.0, float("inf"), True, False, None],
    "text": ["", "é", "日本", "\ud800", "\x00", "a" * 300, b"", b"\xff" * 70_000],
    "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, (4, ()))),
    "keys": {"a": 1, 1: 2, 2.5: 3, None: 4, b"k": 5, False: 6},
    "many": list(range(3000)),
    "repeated": ["same", "same", {"same": "same"}],
    "deep": nested(100),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_come_back_with_their_types(tmp_path: Path, name: str) -> None:
    checkpoint.save(tmp_path / "a", PLAIN[name])
    assert same(checkpoint.load(tmp_path / "a"), PLAIN[name])


def test_an_array_that_is_stored_twice_comes_back_apart(tmp_path: Path) -> None:
    shared = np.zeros(2)
    checkpoint.save(tmp_path / "a", {"x": shared, "y": shared})
    found = checkpoint.load(tmp_path / "a")
    found["x"][:] = 1
    assert found["y"].tolist() == [0, 0]


dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(),
    hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(),
    hnp.complex_number_dtypes(),
    hnp.unicode_string_dtypes(max_len=4),
    hnp.byte_string_dtypes(max_len=4),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
keys = st.one_of(st.text(max_size=8), st.integers(), st.binary(max_size=4), st.none(), st.booleans())
leaves = st.one_of(keys, st.floats(), st.text(st.characters(), max_size=20), arrays, arrays.map(lambda a: a.T))
states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(state=states)
def test_any_plain_state_comes_back(state: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(f"{folder}/a", state)
        assert same(checkpoint.load(f"{folder}/a"), state)


def test_the_same_state_makes_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        checkpoint.save(tmp_path / name, {"w": np.arange(3.0), "k": "w"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_head_of_the_file_is_readable(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a", SMALL)
    first, second, payload = (tmp_path / "a").read_bytes().split(b"\n", 2)
    assert first == b"chainlens checkpoint 1"
    assert second == f"sha256 {hashlib.sha256(payload).hexdigest()} of {len(payload)} bytes".encode()


# What is not plain data


class Point(NamedTuple):
    x: int
    y: int


class Opaque:
    pass


class Half(np.float16):
    pass


def nested_in_itself() -> list[Any]:
    outer: list[Any] = [1]
    outer.append([outer])
    return outer


REFUSED: dict[str, tuple[Any, str]] = {
    "function": ({"model": {"w": [0, 1, 2, len]}}, 'state["model"]["w"][3] is of type builtin_function_or_method'),
    "lambda": ([lambda: 0], "state[0] is of type function"),
    "instance": ({"a": Opaque()}, f'state["a"] is of type {__name__}.Opaque'),
    "root": (Opaque(), f"state is of type {__name__}.Opaque"),
    "object array": ({"a": (1, np.array([None]))}, 'state["a"][1] is an array of dtype object'),
    "structured array": ([np.zeros(2, "f4,i4")], "state[0] is an array of dtype [('f0', '<f4'), ('f1', '<i4')]"),
    "endless text": ([np.zeros(0, "U1000000")], "state[0] is an array of dtype <U1000000"),
    "void": ([np.void(b"ab")], "state[0] is of type numpy.void"),
    "text scalar of NumPy": ([np.str_("a")], "state[0] is of type numpy.str_"),
    "kind of NumPy scalar": ([Half(1)], f"state[0] is of type {__name__}.Half"),
    "masked array": ([np.ma.array([1.0])], "state[0] is of type numpy.ma"),
    "set": ({"a": {1}}, 'state["a"] is of type set'),
    "complex": ([1j], "state[0] is of type complex"),
    "bytearray": ([bytearray(b"a")], "state[0] is of type bytearray"),
    "named tuple": ([Point(1, 2)], f"state[0] is of type {__name__}.Point"),
    "ordered dict": ([OrderedDict(a=1)], "state[0] is of type collections.OrderedDict"),
    "key": ({"a": {(1, 2): 3}}, 'state["a"] has a key that is of type tuple'),
    "key of NumPy": ({np.int64(1): 3}, "state has a key that is of type numpy.int64"),
    "key with a line break": ({"a\nb": len}, 'state["a\\nb"] is of type'),
    "endless number as a key": ({1 << 20_000: len}, "state[0x1000"),
    "endless text as a key": ({"a" * 10_000: len}, "…] is of type builtin_function_or_method"),
    "first of several": ([[1, len], len], "state[0][1] is of type"),
    "too deep": (nested(101), "nested more than 100 deep"),
    "cycle": (nested_in_itself(), "nested more than 100 deep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_plain_is_named_before_anything_is_written(tmp_path: Path, name: str) -> None:
    state, expected = REFUSED[name]
    with pytest.raises(CheckpointError, match=re.escape(expected)) as info:
        checkpoint.save(tmp_path / "a", state)
    assert str(info.value).startswith(str(tmp_path / "a"))
    assert "\n" not in str(info.value)
    assert list(tmp_path.iterdir()) == []


# Files that are not what was saved

FOREIGN = {
    "a plain pickle": pickle.dumps({"w": 1}),
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "a text": b"hello\n",
    "a near miss": b"chainlens checkpoinX 1\n" + bytes(50),
    "an archive": b"PK\x03\x04" + bytes(50),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file_is_called_foreign(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(FOREIGN[name])
    assert "is no chainlens checkpoint" in raised(path)


def test_missing_file_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(MissingCheckpointError, match=r"a\.ckpt: there is no such checkpoint") as info:
        checkpoint.load(tmp_path / "a.ckpt")
    assert isinstance(info.value, FileNotFoundError)


def test_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in raised(tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda data: data.replace(b"checkpoint 1\n", b"checkpoint 2\n", 1),
            "has format 2, this version reads up to 1",
        ),
        (lambda data: data.replace(b"checkpoint 1\n", b"checkpoint 12345 later header\n", 1), "altered header"),
        (lambda data: data.replace(b"checkpoint 1\n", b"checkpoint 0\n", 1), "altered header"),
        (lambda data: b"", "is empty"),
        (lambda data: data[:30], "incomplete or altered header"),
        (lambda data: data[:-1], "is truncated"),
        (lambda data: data + b"\n", "was altered or damaged"),
        (lambda data: data[:-3] + b"\xff" + data[-2:], "was altered or damaged"),
        (lambda data: data.replace(b"\n", b"\r\n"), "altered header"),
    ],
)
def test_damage_is_named(tmp_path: Path, change: Callable[[bytes], bytes], expected: str) -> None:
    path = tmp_path / "a"
    checkpoint.save(path, SMALL)
    path.write_bytes(change(path.read_bytes()))
    assert expected in raised(path)


def test_every_flipped_byte_and_every_truncation_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a"
    checkpoint.save(path, SMALL)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for mask in (0x01, 0x20, 0xFF):
            damaged = bytearray(whole)
            damaged[position] ^= mask
            path.write_bytes(damaged)
            raised(path)
        path.write_bytes(whole[:position])
        raised(path)


# Files made to do harm, with a correct digest


class Calls:
    """Pickles as a call, which a plain unpickler would make."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


class Persistent(pickle.Pickler):
    """Writes every Calls one level down, inside the persistent id of something that looks like an array."""

    def persistent_id(self, value: Any) -> Any:
        return ("<f8", (1,), "C", Calls(*value[1:])) if isinstance(value, tuple) and value[0] == "persist" else None


def persisted(*call: Any) -> bytes:
    buffer = io.BytesIO()
    Persistent(buffer, 5).dump({"w": ("persist", *call)})
    return buffer.getvalue()


def pid(*identity: Any) -> bytes:
    """The payload whose only object has the persistent id `identity`, written as save writes it, without a memo."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    pickler.fast = True
    pickler.dump(identity[0] if len(identity) == 1 else identity)
    return buffer.getvalue()[:-1] + pickle.BINPERSID + pickle.STOP


# Payloads, given the path of a canary: a file that exists only if something ran. With what the refusal says.
ATTACKS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "os.system": (lambda c: pickle.dumps(Calls(os.system, f"echo > {c}"), 5), f"asks for {os.name}.system"),
    "os.system, protocol 2": (lambda c: pickle.dumps(Calls(os.system, f"echo > {c}"), 2), f"asks for {os.name}.system"),
    "os.system, protocol 0": (lambda c: f"cos\nsystem\n(S'echo > {c}'\ntR.".encode(), "asks for os.system"),
    "os.system, INST": (lambda c: f"(S'echo > {c}'\nios\nsystem\n.".encode(), "asks for os.system"),
    "os.system, OBJ": (lambda c: f"(cos\nsystem\nS'echo > {c}'\no.".encode(), "asks for os.system"),
    "eval": (lambda c: pickle.dumps(Calls(eval, f"open({c!r}, 'w').close()"), 5), "asks for builtins.eval"),
    "exec": (lambda c: pickle.dumps(Calls(exec, f"open({c!r}, 'w').close()"), 5), "asks for builtins.exec"),
    "open": (lambda c: pickle.dumps(Calls(open, c, "w"), 5), "open"),
    "subprocess": (lambda c: pickle.dumps(Calls(subprocess.run, ["touch", c]), 5), "asks for subprocess.run"),
    "import": (
        lambda c: pickle.dumps(Calls(importlib.import_module, "antigravity"), 5),
        "asks for importlib.import_module",
    ),
    "numpy.load": (lambda c: pickle.dumps(Calls(np.load, c, None, True), 5), "asks for numpy.load"),
    "numpy.save": (lambda c: pickle.dumps(Calls(np.save, c, 1), 5), "asks for numpy.save"),
    "getattr": (lambda c: pickle.dumps(Calls(getattr, Calls(np.load, c), "tofile"), 5), "asks for builtins.getattr"),
    "dotted name": (
        lambda c: (
            b"\x80\x05\x8c\x05numpy\x8c\tos.system\x93\x8c" + bytes([len(c) + 7]) + f"echo > {c}".encode() + b"\x85R."
        ),
        "asks for numpy.os.system",
    ),
    "deep in a state": (lambda c: pickle.dumps({"m": [1, (Calls(os.system, f"echo > {c}"),)]}), ".system"),
    "inside a persistent id": (lambda c: persisted(os.system, f"echo > {c}"), f"asks for {os.name}.system"),
    "persistent id of a persistent id": (lambda c: pid(c)[:-1] + b"QQ.", "holds no readable state"),
    "numpy's own names": (lambda c: pickle.dumps(np.arange(4.0), 5), "numeric._frombuffer"),
    "numpy's own names, strided": (lambda c: pickle.dumps(np.arange(4.0)[::2], 5), "multiarray._reconstruct"),
    "a class": (lambda c: pickle.dumps(OrderedDict(), 5), "asks for collections.OrderedDict"),
    "a set": (lambda c: pickle.dumps({1, 2}, 5), "instruction"),
    "extension registry": (lambda c: b"\x80\x02\x82\xf0U\x01a\x85R.", "instruction EXT1"),
    "call of an array": (lambda c: pid("<f8", (), "C", bytes(8))[:-1] + b")R.", "instruction REDUCE"),
    "setstate of an array": (lambda c: pid("<f8", (), "C", bytes(8))[:-1] + b"}b.", "instruction BUILD"),
    "new of an array": (lambda c: pid("<f8", (), "C", bytes(8))[:-1] + b")\x81.", "instruction NEWOBJ"),
    "memo of 32 GB": (lambda c: b"\x80\x05Nr\xff\xff\xff\x7f.", "instruction LONG_BINPUT"),
    "doubling list": (lambda c: b"\x80\x05]" + b"\x94](h\x00h\x00e" * 40 + b".", "instruction MEMOIZE"),
    "bytes beyond the end": (lambda c: b"\x80\x05\x8e" + struct.pack("<Q", 1 << 60) + b"x.", "holds no readable state"),
    "frame beyond the end": (lambda c: b"\x80\x05\x95" + struct.pack("<Q", 1 << 60) + b"N.", "holds no readable state"),
    "array beyond its bytes": (lambda c: pid("<f8", (1 << 40,), "C", bytes(8)), "cannot be made of 8 bytes"),
    "array of negative size": (lambda c: pid("<f8", (-1, -1), "C", bytes(8)), "holds no readable state"),
    "array of a huge empty shape": (lambda c: pid("<f8", (0, 1 << 62), "C", b""), "holds no readable state"),
    "array of rank 70": (lambda c: pid("<f8", (1,) * 70, "C", bytes(8)), "holds no readable state"),
    "array of objects": (lambda c: pid("|O", (1,), "C", bytes(8)), "not described by dtype"),
    "array of structures": (lambda c: pid("f8,O", (1,), "C", bytes(16)), "not described by dtype"),
    "array of unknown floats": (lambda c: pid("<f3", (1,), "C", bytes(3)), "holds no readable state"),
    "array of endless strings": (lambda c: pid("<U99999999", (0,), "C", b""), "not described by dtype"),
    "array of list shape": (lambda c: pid("<f8", [1], "C", bytes(8)), "not described by dtype"),
    "array of bool shape": (lambda c: pid("<f8", (True,), "C", bytes(8)), "not described by dtype"),
    "text scalar": (lambda c: pid("<U1", None, "C", bytes(4)), "state is of type numpy.str_"),
    "persistent number": (lambda c: pid(7), "not described by dtype"),
    "nested 100,000 deep": (lambda c: b"\x80\x05" + b"]" * 100_000 + b"a" * 99_999 + b".", "nested more than 100 deep"),
    "unhashable key": (lambda c: b"\x80\x05}]Ns.", "holds no readable state"),
    "array as a key": (
        lambda c: b"\x80\x05}(" + pid("<f8", (), "C", bytes(8))[2:-1] + b"Nu.",
        "holds no readable state",
    ),
    "tuple as a key": (lambda c: b"\x80\x05})Ns.", "has a key that is of type tuple"),
    "second state": (lambda c: b"\x80\x05N.cos\nsystem\n.", "after the end of its state"),
    "nothing": (lambda c: b"", "holds no readable state"),
    "no end": (lambda c: b"\x80\x05N", "holds no readable state"),
    "empty stack": (lambda c: b"\x80\x05.", "holds no readable state"),
    "marks": (lambda c: b"\x80\x05((((.", "holds no readable state"),
    "text that is no text": (lambda c: b"\x80\x05\x8c\x01\xff.", "holds no readable state"),
    "later protocol": (lambda c: b"\x80\x09N.", "holds no readable state"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_harmful_file_with_a_correct_digest_is_refused_and_runs_nothing(tmp_path: Path, name: str) -> None:
    make, expected = ATTACKS[name]
    canary = tmp_path / "canary"
    path = tmp_path / "a"
    path.write_bytes(seal(make(str(canary))))
    copyreg.add_extension("builtins", "print", 0xF0)
    try:
        assert expected in raised(path)
    finally:
        copyreg.remove_extension("builtins", "print", 0xF0)
    assert not list(tmp_path.glob("canary*"))


@pytest.mark.parametrize("name", [name for name, (_, expected) in ATTACKS.items() if "asks for" in expected])
def test_unpickler_refuses_every_name_even_if_the_first_look_missed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(checkpoint, "_refuse_unless_data", lambda *_: None)
    test_harmful_file_with_a_correct_digest_is_refused_and_runs_nothing(tmp_path, name)


def test_the_attacks_are_real(tmp_path: Path) -> None:
    for name in ("os.system", "os.system, INST", "eval", "exec"):
        canary = tmp_path / name.replace(" ", "")
        pickle.loads(ATTACKS[name][0](str(canary)))
        assert canary.exists(), name


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_altered_payload_with_a_correct_digest_gives_plain_data_or_a_checkpoint_error(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        checkpoint.save(path, SMALL)
        payload = bytearray(path.read_bytes().split(b"\n", 2)[2])
        for _ in range(data.draw(st.integers(1, 4))):
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(seal(bytes(payload)))
        with contextlib.suppress(CheckpointError):
            checkpoint.save(path, checkpoint.load(path))


# Writing entirely or not at all


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_while_writing_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    path = tmp_path / "a"
    checkpoint.save(path, {"epoch": 1})
    before = path.read_bytes()

    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(os, step, fail)
    expected = CheckpointError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as info:
        checkpoint.save(path, {"epoch": 2})
    if expected is CheckpointError:
        assert str(info.value) == f"{path}: cannot be written (No space left on device)"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="folders are not flushed on Windows")
@pytest.mark.parametrize(("code", "succeeds"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_flushed_is_forgiven_and_one_that_fails_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, succeeds: bool
) -> None:
    flush = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    if succeeds:
        checkpoint.save(tmp_path / "a", 1)
    else:
        with pytest.raises(CheckpointError, match=os.strerror(code)):
            checkpoint.save(tmp_path / "a", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_saving_flushes_the_file_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        step: Callable[..., None] = getattr(os, name)

        def run(*arguments: Any) -> None:
            order.append(name)
            step(*arguments)

        return run

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name))
    checkpoint.save(tmp_path / "a", 1)
    assert order[:2] == ["fsync", "replace"]


def test_saving_replaces_an_earlier_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    for epoch in range(3):
        checkpoint.save(tmp_path / "a", {"epoch": epoch})
    assert checkpoint.load(tmp_path / "a") == {"epoch": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    try:
        link.symlink_to(tmp_path / "run")
    except OSError:
        pytest.skip("this system does not let us make links")
    checkpoint.save(link, 7)
    assert link.is_symlink()
    assert checkpoint.load(tmp_path / "run") == 7


def test_saving_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingCheckpointError, match="the folder to save into does not exist"):
        checkpoint.save(tmp_path / "missing" / "a", 1)


def test_saving_over_a_folder_fails_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save(tmp_path / "a", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
