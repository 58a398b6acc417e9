"""MNIST by download, from a server on this machine: good, dead, slow, cutting and lying mirrors; and without any."""

import gzip
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff import data
from autodiff.data import mirrors, mnist
from autodiff.data.mnist import File, read_mnist
from autodiff.errors import DataError, MissingDataError

ROOT = Path(__file__).parents[1]
PATIENCE, SHORT = 30.0, 1.0  # seconds; the short one is for the mirrors that use it up


def small_files() -> dict[str, bytes]:
    """Four IDX files of MNIST's names with random images, 40 to train on and 12 to test on."""
    rng = np.random.default_rng(0)
    content = {}
    for kind, n in (("train", 40), ("t10k", 12)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8).tobytes()
        content[f"{kind}-images-idx3-ubyte"] = (
            bytes.fromhex("00000803") + n.to_bytes(4, "big") + bytes.fromhex("0000001c0000001c") + images
        )
        labels = (np.arange(n, dtype=np.uint8) % 10).tobytes()
        content[f"{kind}-labels-idx1-ubyte"] = bytes.fromhex("00000801") + n.to_bytes(4, "big") + labels
    return content


CONTENT = small_files()
FILES = [File(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items()]
NAMES = sorted(CONTENT)


class Server(ThreadingHTTPServer):
    """One server with a mirror per first part of the path; remembers what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.leave = threading.Event()

    def mirror(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{kind}/"

    def handle_error(self, *_: Any) -> None:
        """A client that gave up is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        kind, name = self.path.strip("/").split("/")
        MIRRORS[kind](self, CONTENT[name.removesuffix(".gz")])

    def answer(self, content: bytes, length: int | None = -1, status: int = 200) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(len(content) if length == -1 else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def drip(handler: Handler, content: bytes) -> None:
    handler.answer(b"", 1000)
    while not handler.server.leave.wait(0.05):
        handler.wfile.write(b"\x1f")
        handler.wfile.flush()


def flood(handler: Handler, content: bytes) -> None:
    handler.answer(b"", None)
    while not handler.server.leave.is_set():
        handler.wfile.write(bytes(1 << 16))


def silent(handler: Handler, content: bytes) -> None:
    handler.server.leave.wait()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


MIRRORS: dict[str, Callable[[Handler, bytes], None]] = {
    "good": lambda h, c: h.answer(packed(c)),
    "without-length": lambda h, c: h.answer(packed(c), None),
    "unpacked": lambda h, c: h.answer(c),
    "missing": lambda h, c: h.answer(b"", status=404),
    "broken": lambda h, c: h.answer(b"", status=503),
    "corrupt": lambda h, c: h.answer(packed(c[:-1] + bytes([c[-1] ^ 1]))),
    "page": lambda h, c: h.answer(b"<html>Please log in to the network</html>"),
    "empty": lambda h, c: h.answer(b""),
    "damaged": lambda h, c: h.answer(b"\x1f\x8b\x07" + packed(c)[3:]),
    "short": lambda h, c: h.answer(packed(c)[:-20]),
    "cut": lambda h, c: h.answer(packed(c)[: len(packed(c)) // 2], len(packed(c))),
    "longer": lambda h, c: h.answer(packed(c + b"\0")),
    "bomb": lambda h, c: h.answer(packed(bytes(50_000_000))),
    "flood": flood,
    "drip": drip,
    "silent": silent,
}
WORKING = ["good", "without-length", "unpacked"]
FAILING = {  # mirror → what is said of it
    "missing": "HTTP status 404",
    "broken": "HTTP status 503",
    "corrupt": "sent another file",
    "page": "sent another file",
    "empty": "sent another file",
    "damaged": "sent damaged data",
    "short": "sent another file",
    "cut": "the connection broke off",
    "longer": "sent another file",
    "bomb": "sent another file",
    "flood": "sent too much",
    "drip": "too slow",
    "silent": "no answer within 1 s",
}
SLOW = {"drip", "silent"}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.leave.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where data are kept, in this test; and no proxy."""
    monkeypatch.setenv("CHAINLENS_DATA", str(tmp_path / "kept"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "kept" / "mnist"


def dead() -> str:
    """The address of a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def read(*addresses: str, progress: Any = None, patience: float = PATIENCE) -> tuple[data.Split, data.Split]:
    return read_mnist(progress, mirrors=addresses, patience=patience, files=FILES)


def names_in(folder: Path) -> list[str]:
    """Everything in the folder, hidden or not."""
    return sorted(path.name for path in folder.rglob("*"))


def assert_whole(train: data.Split, test: data.Split) -> None:
    assert train.images.tobytes() == CONTENT["train-images-idx3-ubyte"][16:]
    assert test.labels.astype(np.uint8).tobytes() == CONTENT["t10k-labels-idx1-ubyte"][8:]


# Mirrors


@pytest.mark.parametrize("kind", WORKING)
def test_the_files_come_from_a_mirror_and_are_kept(kind: str, server: Server, kept: Path) -> None:
    assert_whole(*read(server.mirror(kind)))
    assert names_in(kept) == NAMES
    for name in NAMES:
        assert (kept / name).read_bytes() == CONTENT[name]
    assert_whole(*read(dead()))  # from the folder
    assert len(server.asked) == 4


@pytest.mark.parametrize("kind", FAILING)
def test_a_bad_mirror_is_passed_over(kind: str, server: Server, kept: Path) -> None:
    patience = SHORT if kind in SLOW else PATIENCE
    assert_whole(*read(server.mirror(kind), server.mirror("good"), patience=patience))
    assert names_in(kept) == NAMES
    assert sum(kind in path for path in server.asked) == 1  # not asked again for the other three files


def test_a_dead_mirror_is_passed_over(server: Server, kept: Path) -> None:
    assert_whole(*read(dead(), server.mirror("corrupt"), dead(), server.mirror("good")))
    assert names_in(kept) == NAMES


@pytest.mark.parametrize("kind", FAILING)
def test_what_a_mirror_did_wrong_is_said_and_nothing_is_left(kind: str, server: Server, kept: Path) -> None:
    with pytest.raises(MissingDataError) as caught:
        read(server.mirror(kind), patience=SHORT if kind in SLOW else PATIENCE)
    host = server.mirror("").split("/")[2]
    assert f"train-images-idx3-ubyte cannot be downloaded ({host}: {FAILING[kind]}" in str(caught.value)
    assert names_in(kept) == []


def test_each_file_may_come_from_another_mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def only(number: int) -> Callable[[Handler, bytes], None]:
        return lambda h, c: h.answer(packed(c) if NAMES.index(h.path.split("/")[-1][:-3]) == number else b"")

    for number in range(4):
        monkeypatch.setitem(MIRRORS, f"only{number}", only(number))
    assert_whole(*read(*(server.mirror(f"only{number}") for number in range(4))))


def test_without_any_mirror_one_line_says_what_to_put_where(kept: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(dead(), dead())
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("mnist: train-images-idx3-ubyte cannot be downloaded (127.0.0.1:")
    assert message.count("cannot be reached") == 2
    assert message.endswith(f"(plain or .gz) into {kept}")
    for name in NAMES:
        assert name in message


# The folder


@pytest.mark.parametrize("place", ["kept/mnist", "kept"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_files_put_there_by_hand_are_used(place: str, suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / f"{name}{suffix}").write_bytes(packed(content) if suffix else content)
    before = names_in(tmp_path)
    assert_whole(*read(dead()))
    assert names_in(tmp_path) == before


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("harm", [damage, lambda path: path.write_bytes(b""), lambda path: path.unlink()])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_damaged_or_gone_is_fetched_alone(name: str, harm: Any, server: Server, kept: Path) -> None:
    read(server.mirror("good"))
    harm(kept / name)
    server.asked.clear()
    assert_whole(*read(server.mirror("good")))
    assert server.asked == [f"/good/{name}.gz"]


def test_a_damaged_file_is_named_where_no_other_is_to_be_had(server: Server, kept: Path) -> None:
    read(server.mirror("good"))
    damage(kept / NAMES[0])
    with pytest.raises(MissingDataError, match=f"mnist: {kept / NAMES[0]} is not the original; "):
        read(dead())


def test_a_packed_file_that_is_cut_is_not_used(kept: Path) -> None:
    kept.mkdir(parents=True)
    for name, content in CONTENT.items():
        (kept / f"{name}.gz").write_bytes(packed(content)[:-10])
    with pytest.raises(MissingDataError, match="is not the original"):
        read(dead())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, server: Server) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(DataError, match="kept/mnist cannot be written .*; name another with CHAINLENS_DATA"):
        read(server.mirror("good"))
    assert server.asked == []


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_a_read_only_folder_is_named_or_used_if_it_has_the_files(kept: Path, server: Server) -> None:
    kept.mkdir(parents=True)
    for folder in (*kept.parents, kept):
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(0o755)
    for name in NAMES[:3]:
        (kept / name).write_bytes(CONTENT[name])
    with AsNobody(kept), pytest.raises(DataError, match="mnist cannot be written"):
        read(server.mirror("good"))
    assert names_in(kept) == NAMES[:3]
    kept.chmod(0o755)
    (kept / NAMES[3]).write_bytes(CONTENT[NAMES[3]])
    with AsNobody(kept):
        assert_whole(*read(dead()))


class AsNobody:
    """A user who may not write in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.user = folder, os.geteuid()

    def __enter__(self) -> None:
        self.folder.chmod(0o555)
        if self.user == 0:
            os.seteuid(65534)

    def __exit__(self, *_: object) -> None:
        os.seteuid(self.user)
        self.folder.chmod(0o755)


def test_a_full_disk_is_named_and_nothing_is_left(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="cannot be written \\(No space left on device\\)"):
        read(server.mirror("good"))
    assert names_in(kept) == []


def test_what_a_killed_process_left_is_swept_away_and_what_runs_is_not(server: Server, kept: Path) -> None:
    for name, age in (("old", 90_000), ("new", 0)):
        partial = kept / f"{mirrors._PARTIAL}{name}"
        partial.mkdir(parents=True)
        (partial / "tmp").write_bytes(b"half")
        os.utime(partial, (time.time() - age,) * 2)
    read(server.mirror("good"))
    assert names_in(kept) == sorted([*NAMES, f"{mirrors._PARTIAL}new", "tmp"])


def test_anyone_may_read_what_was_downloaded(server: Server, kept: Path) -> None:
    read(server.mirror("good"))
    assert all((kept / name).stat().st_mode & 0o777 == 0o644 for name in NAMES)


def test_the_folder_is_the_systems_cache_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pooch

    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("CHAINLENS_DATA")
        else:
            monkeypatch.setenv("CHAINLENS_DATA", value)
        assert mnist._folders() == [pooch.os_cache("chainlens") / "mnist"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CHAINLENS_DATA", "~/data")
    assert mnist._folders()[0] == tmp_path / "data" / "mnist"


def test_without_pooch_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINLENS_DATA")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDataError, match="needs the package pooch to download, or CHAINLENS_DATA"):
        read(dead())


# While it goes on


def test_progress_is_told_and_nothing_is_printed(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[data.Download] = []
    read(server.mirror("corrupt"), server.mirror("without-length"), progress=seen.append)
    host = server.mirror("").split("/")[2]
    last = {(report.name, report.mirror): report for report in seen}
    assert sorted({name for name, _ in last}) == NAMES
    for name in NAMES:
        assert last[name, host].received == len(packed(CONTENT[name]))
        assert last[name, host].total is None
    assert seen[0].total == len(packed(CONTENT[FILES[0].name]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_leaves_nothing(error: type[BaseException], server: Server, kept: Path) -> None:
    def stop(report: data.Download) -> None:
        raise error

    with pytest.raises(error):
        read(server.mirror("good"), progress=stop)
    assert names_in(kept) == []


def test_two_processes_at_once_both_get_the_files(server: Server, kept: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_mirrors import FILES, assert_whole, read_mnist\n"
        "assert_whole(*read_mnist(mirrors=[sys.argv[2]], files=FILES))"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), server.mirror("good")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    assert names_in(kept) == NAMES


def test_load_names_the_data_set(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[data.Download] = []
    monkeypatch.setattr("autodiff.data.read_mnist", lambda progress: read(server.mirror("good"), progress=progress))
    dataset = data.load("mnist", validation=10, classes="0-4", progress=seen.append)
    assert (dataset.name, dataset.classes, dataset.class_names) == ("mnist", 5, tuple("01234"))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (15, 5, 7)
    assert seen


def test_the_real_files_by_hand_are_the_real_data_set(
    mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINLENS_DATA", str(mnist_folder))
    monkeypatch.setattr(mirrors, "download", None)
    assert [len(split) for split in data.load("mnist")] == [55_000, 5_000, 10_000]


def test_the_mirrors_are_several_and_the_digests_those_of_the_originals() -> None:
    assert len({mirror.split("/")[2] for mirror in mirrors.MIRRORS}) >= 3
    assert [file.size for file in mnist.FILES] == [16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000]


def test_neither_the_engine_nor_kept_files_need_pooch(kept: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from autodiff import data; data.load('digits', sizes=(5, 5))\n"
        "print(*sorted({'pooch', 'requests', 'PIL', 'urllib3'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"
