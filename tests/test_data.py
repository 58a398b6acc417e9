"""Data: IDX files, the sources that `load` accepts, and the splits and batches made of them."""

import gzip
import hashlib
import os
import struct
import sys
import tracemalloc
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import data
from autodiff.data.dataset import rows
from autodiff.errors import DataError, MissingDataError, OperandError, SettingError, ShapeError

MNIST_FILES = {  # name → SHA-256 of the file, unpacked
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
IDX_NAMES = tuple(MNIST_FILES)
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's real files; without it a test is skipped, and on the build machine it fails."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "mnist"
    folder = Path(os.environ.get("CHAINLENS_MNIST") or beside)
    if not all((folder / name).is_file() or (folder / f"{name}.gz").is_file() for name in IDX_NAMES):
        reason = f"MNIST's four files are not in {folder}; set CHAINLENS_MNIST to their folder"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


def small_arrays() -> list[np.ndarray[Any, Any]]:
    """Training images and labels, test images and labels: 12 and 6 images of 4 x 3, three classes."""
    images = np.arange(18 * 12, dtype=np.uint8).reshape(18, 4, 3)
    labels = np.arange(18, dtype=np.uint8) % 3
    return [images[:12], labels[:12], images[12:], labels[12:]]


def write_folder(folder: Path, arrays: list[Any], suffix: str = "") -> Path:
    for name, array in zip(IDX_NAMES, arrays, strict=True):
        data.write_idx(folder / f"{name}{suffix}", array)
    return folder


def write_npz(path: Path, arrays: list[Any]) -> Path:
    np.savez(path, **dict(zip(NPZ_KEYS, arrays, strict=True)))
    return path


def refused(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The message of the error that the call raises, which is one line."""
    with pytest.raises(kind) as info:
        call(*arguments, **options)
    assert "\n" not in str(info.value)
    return str(info.value)


# IDX files


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64", ">i4", ">f8"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (3, 2, 2), (0, 4), (1, 2, 1, 2)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_comes_back_in_native_order(tmp_path: Path, dtype: str, shape: tuple[int, ...], suffix: str) -> None:
    array = (np.arange(np.prod(shape, dtype=int)) - 2).astype("i4").reshape(shape).astype(dtype)
    data.write_idx(tmp_path / f"a{suffix}", array)
    found = data.read_idx(tmp_path / f"a{suffix}")
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.dtype.isnative
    assert found.shape == shape
    assert np.array_equal(found, array)
    assert found.flags.writeable


def test_idx_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    data.write_idx(tmp_path / "a", np.array([[1, 2], [-1, 4]], np.int16))
    assert (tmp_path / "a").read_bytes() == bytes.fromhex("00000b02 00000002 00000002 0001 0002 ffff 0004")


@pytest.mark.parametrize("name", ["packed-without-suffix", "packed.idx"])
def test_gzip_is_told_by_content(tmp_path: Path, name: str) -> None:
    data.write_idx(tmp_path / "a.gz", np.array([1, 2], np.uint8))
    (tmp_path / "a.gz").rename(tmp_path / name)
    assert data.read_idx(tmp_path / name).tolist() == [1, 2]


def test_plain_file_with_the_suffix_of_gzip_is_read(tmp_path: Path) -> None:
    data.write_idx(tmp_path / "a", np.array([1, 2], np.uint8))
    (tmp_path / "a").rename(tmp_path / "a.gz")
    assert data.read_idx(tmp_path / "a.gz").tolist() == [1, 2]


GOOD = bytes.fromhex("00000802 00000002 00000003 010203040506")
PACKED = gzip.compress(GOOD, mtime=0)
MALFORMED = {
    "empty": (b"", "found nothing"),
    "three bytes": (GOOD[:3], "found 00 00 08"),
    "no zeros": (b"\x01" + GOOD[1:], "expected it to start with 00 00 and a type code of 0x08"),
    "unknown type code": (b"\0\0\x0a\x01" + bytes(8), "found 00 00 0a 01"),
    "a PNG": (b"\x89PNG\r\n\x1a\n", "not an IDX file"),
    "no dimensions": (GOOD[:4], "expected 2 dimensions of 4 bytes each, found 0 bytes"),
    "half the dimensions": (GOOD[:9], "expected 2 dimensions of 4 bytes each, found 5 bytes"),
    "no elements": (GOOD[:12], "expected 6 bytes of data (2 x 3 of uint8), found only 0"),
    "one element short": (GOOD[:-1], "expected 6 bytes of data (2 x 3 of uint8), found only 5"),
    "one byte more": (GOOD + b"\0", "expected 6 bytes of data (2 x 3 of uint8), found more"),
    "an element cut": (
        bytes.fromhex("00000d01 00000001 000000"),
        "expected 4 bytes of data (1 of float32), found only 3",
    ),
    "rank 0 without its element": (bytes.fromhex("00000800"), "expected 1 bytes of data (1 of uint8), found only 0"),
    "40 dimensions": (b"\0\0\x08\x28" + struct.pack(">I", 1) * 40 + b"\0", "at most 32 dimensions, found 40"),
    "gigabytes": (b"\0\0\x08\x02" + b"\xff" * 8 + bytes(9), "found only 9"),
    "more than memory": (b"\0\0\x0e\x20" + b"\xff" * 128 + bytes(9), "found only 9"),
    "huge and empty": (b"\0\0\x0e\x04" + bytes(4) + b"\xff" * 12, "expected dimensions an array can have"),
    "gzip of nothing": (gzip.compress(b""), "found nothing"),
    "gzip of no IDX": (gzip.compress(b"hello"), "found 68 65 6c 6c"),
    "gzip of too few": (gzip.compress(GOOD[:-1]), "found only 5"),
    "gzip of too many": (gzip.compress(GOOD + b"\0"), "found more"),
    "gzip header only": (PACKED[:5], "corrupt or truncated gzip"),
    "gzip cut": (PACKED[:-9], "corrupt or truncated gzip"),
    "gzip without its check sum": (PACKED[:-8], "corrupt or truncated gzip"),
    "gzip with a wrong check sum": (PACKED[:-8] + bytes(8), "corrupt or truncated gzip"),
    "gzip with a bad method": (b"\x1f\x8b\x07" + PACKED[3:], "corrupt or truncated gzip"),
    "gzip with bad blocks": (PACKED[:10] + b"\xff" * 20, "corrupt or truncated gzip"),
    "gzip with rubbish after it": (PACKED + b"rubbish", "corrupt or truncated gzip"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_idx_is_named(tmp_path: Path, name: str) -> None:
    content, expected = MALFORMED[name]
    path = tmp_path / "a"
    path.write_bytes(content)
    message = refused(DataError, data.read_idx, path)
    assert message.startswith(f"{path}: ")
    assert expected in message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_memory_follows_the_bytes_that_are_there(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a"
    path.write_bytes(pack(b"\0\0\x08\x02" + struct.pack(">II", 1 << 15, 1 << 15) + bytes(100)))
    tracemalloc.start()
    try:
        refused(DataError, data.read_idx, path)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [GOOD, PACKED])
def test_every_truncation_of_an_idx_file_is_found(tmp_path: Path, content: bytes) -> None:
    for length in range(len(content)):
        (tmp_path / "a").write_bytes(content[:length])
        refused(DataError, data.read_idx, tmp_path / "a")


def test_missing_idx_file_is_file_not_found(tmp_path: Path) -> None:
    assert "there is no such file" in refused(MissingDataError, data.read_idx, tmp_path / "a")
    assert issubclass(MissingDataError, FileNotFoundError)


def test_folder_in_place_of_an_idx_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refused(DataError, data.read_idx, tmp_path)


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "complex64", "U1", "O"])
def test_what_idx_cannot_hold_is_refused(tmp_path: Path, dtype: str) -> None:
    message = refused(DataError, data.write_idx, tmp_path / "a", np.zeros(2, dtype))
    assert "IDX holds uint8, int8, int16, int32, float32, float64, not" in message
    assert not (tmp_path / "a").exists()


# Folders and .npz files


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_folder_is_loaded(tmp_path: Path, suffix: str) -> None:
    images, labels, test_images, test_labels = small_arrays()
    dataset = data.load(write_folder(tmp_path, small_arrays(), suffix), validation=0)
    assert np.array_equal(dataset.train.images, images)
    assert np.array_equal(dataset.train.labels, labels)
    assert np.array_equal(dataset.test.images, test_images)
    assert np.array_equal(dataset.test.labels, test_labels)
    assert (dataset.name, dataset.classes, len(dataset.validation)) == (tmp_path.name, 3, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i4", "uint64"])
def test_npz_is_loaded_as_the_folder_is(tmp_path: Path, dtype: str) -> None:
    arrays = small_arrays()
    arrays[1], arrays[3] = arrays[1].astype(dtype), arrays[3].astype(dtype)
    from_npz = data.load(str(write_npz(tmp_path / "small.npz", arrays)))
    from_folder = data.load(str(write_folder(tmp_path, small_arrays())))
    assert from_npz.name == "small.npz"
    for found, expected in zip(from_npz, from_folder, strict=True):
        assert found.images.dtype == np.uint8
        assert found.labels.dtype == np.int64
        assert np.array_equal(found.images, expected.images)
        assert np.array_equal(found.labels, expected.labels)


def test_compressed_npz_with_more_keys_is_loaded(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(zip(NPZ_KEYS, small_arrays(), strict=True))
    np.savez_compressed(tmp_path / "a.npz", note=np.array("x"), **arrays)
    assert len(data.load(tmp_path / "a.npz").test) == 6


X, Y = np.zeros((2, 4, 3), np.uint8), np.zeros(2, np.uint8)
UNFIT: dict[str, tuple[list[Any], int, str]] = {  # arrays, which of the four is named, and what is said of it
    "too few labels": ([X, Y[:1], X, Y], 1, "expected one label for each of 2 images, found 1"),
    "too many test labels": ([X, Y, X[:1], Y], 3, "expected one label for each of 1 images, found 2"),
    "flat images": ([X.reshape(2, 12), Y, X, Y], 0, "images must be uint8 of shape (n, height, width), found uint8"),
    "images in colour": ([X, Y, X[..., None], Y], 2, "found uint8 of shape (2, 4, 3, 1)"),
    "float images": (
        [X.astype(np.float32), Y, X, Y],
        0,
        "images must be uint8 of shape (n, height, width), found float32",
    ),
    "float labels": ([X, Y.astype(np.float64), X, Y], 1, "labels must be integers of shape (n,), found float64"),
    "labels of rank 2": (
        [X, Y[:, None], X, Y],
        1,
        "labels must be integers of shape (n,), found uint8 of shape (2, 1)",
    ),
    "negative label": ([X, Y.astype(np.int32) - 1, X, Y], 1, "found -1"),
    "no training images": ([X[:0], Y[:0], X, Y], 0, "there must be at least one image and one pixel"),
    "no test images": ([X, Y, X[:0], Y[:0]], 2, "there must be at least one image and one pixel"),
    "images without pixels": ([X[:, :0], Y, X, Y], 0, "there must be at least one image and one pixel"),
    "high label": ([X, Y, X, Y.astype(np.int32) + 70_000], 3, "found 70000"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_arrays_are_named(tmp_path: Path, name: str) -> None:
    arrays, culprit, expected = UNFIT[name]
    folder = write_folder(tmp_path, arrays)
    message = refused(DataError, data.load, folder)
    assert message.startswith(f"{folder / IDX_NAMES[culprit]}: ")
    assert expected in message
    path = write_npz(tmp_path / "a.npz", arrays)
    message = refused(DataError, data.load, path)
    assert message.startswith(f"{path}: {NPZ_KEYS[culprit]}: ")
    assert expected in message


def test_sizes_of_training_and_test_images_must_agree(tmp_path: Path) -> None:
    message = refused(DataError, data.load, write_folder(tmp_path, [X, Y, X[:, 1:], Y]))
    assert "test images must have the size of the training images, (4, 3), found (3, 3)" in message


def test_label_of_a_folder_is_at_most_255(tmp_path: Path) -> None:
    message = refused(DataError, data.load, write_folder(tmp_path, [X, Y.astype(np.int16) + 256, X, Y]))
    assert "labels must be in 0..255, found 256" in message


@pytest.mark.parametrize("labels", [np.array([0, 2**63], np.uint64), np.array([0, 2**40])])
def test_absurd_label_of_an_npz_is_refused(tmp_path: Path, labels: np.ndarray[Any, Any]) -> None:
    assert "labels must be in 0..65535" in refused(
        DataError, data.load, write_npz(tmp_path / "a.npz", [X, labels, X, Y])
    )


def test_missing_file_of_a_folder_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, small_arrays())
    (tmp_path / IDX_NAMES[3]).unlink()
    message = refused(MissingDataError, data.load, tmp_path)
    assert message.startswith(f"{tmp_path}: {IDX_NAMES[3]} is missing, with or without .gz")


@pytest.mark.parametrize("source", ["no-such-place", "no/such/file.npz"])
def test_missing_source_tells_what_is_accepted(tmp_path: Path, source: str) -> None:
    message = refused(MissingDataError, data.load, tmp_path / source)
    assert message.startswith(f"{tmp_path / source}: there is no such file or folder")
    for accepted in ('"digits"', *IDX_NAMES, *NPZ_KEYS):
        assert accepted in message


def npz_bytes(tmp_path: Path) -> bytes:
    return write_npz(tmp_path / "good.npz", small_arrays()).read_bytes()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY\x01\0", b"\x80\x04N.", PACKED])
def test_file_that_is_no_zip_is_no_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    assert "a.npz: not an .npz" in refused(DataError, data.load, tmp_path / "a.npz")


def test_missing_keys_of_an_npz_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=X, x_test=X, images=X)
    message = refused(DataError, data.load, tmp_path / "a.npz")
    assert "missing y_train, y_test; found x_train, x_test, images" in message


def test_object_array_in_an_npz_is_refused_and_not_unpickled(tmp_path: Path) -> None:
    class Canary:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "canary"),)

    write_npz(tmp_path / "a.npz", [np.array([Canary()], object), Y, X, Y])
    assert "holds pickled objects" in refused(DataError, data.load, tmp_path / "a.npz")
    assert not (tmp_path / "canary").exists()


def test_npz_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for key in NPZ_KEYS:
            archive.writestr(key, b"hello")
    assert "x_train: expected an array" in refused(DataError, data.load, tmp_path / "a.npz")


def test_npz_that_claims_more_than_memory_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1 << 50, 28, 28), }".replace(
        b"1 << 50", b"%d" % (1 << 50)
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for key in NPZ_KEYS:
            archive.writestr(
                f"{key}.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header) + 1) + header + b"\n" + bytes(9)
            )
    refused(DataError, data.load, tmp_path / "a.npz")


def test_damaged_npz_gives_a_data_error_or_data(tmp_path: Path) -> None:
    whole = npz_bytes(tmp_path)
    path = tmp_path / "a.npz"
    for position in range(0, len(whole), 5):
        for content in (whole[:position], whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :]):
            path.write_bytes(content)
            try:
                outcome = data.load(path).name
            except DataError as error:
                outcome = str(error)
            assert outcome.startswith((str(path), "a.npz"))
            assert "\n" not in outcome


# The validation split


@pytest.mark.parametrize(
    ("validation", "count"), [(1 / 12, 1), (0.5, 6), (0.0, 0), (0, 0), (5, 5), (11, 11), (0.25, 3)]
)
def test_validation_is_a_count_or_a_fraction(tmp_path: Path, validation: float, count: int) -> None:
    dataset = data.load(write_folder(tmp_path, small_arrays()), validation=validation)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (12 - count, count, 6)


@pytest.mark.parametrize("validation", [-1, 12, 13, 1.0, 1.5, -0.1, float("nan"), True, 0.99])
def test_validation_that_leaves_nothing_or_makes_no_sense_is_refused(tmp_path: Path, validation: float) -> None:
    message = refused(SettingError, data.load, write_folder(tmp_path, small_arrays()), validation=validation)
    assert "validation must be a count below 12 or a fraction below 1" in message


def test_validation_and_training_are_the_training_set_taken_apart(tmp_path: Path) -> None:
    dataset = data.load(write_folder(tmp_path, small_arrays()), validation=5)
    firsts = np.concatenate([dataset.train.images[:, 0, 0], dataset.validation.images[:, 0, 0]])
    assert sorted(firsts.tolist()) == [12 * i for i in range(12)]
    for split in dataset:
        assert np.array_equal(split.labels, split.images[:, 0, 0] // 12 % 3)


def test_validation_depends_on_the_seed_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, small_arrays())
    first, again, other = (data.load(folder, validation=5, seed=seed).validation.images for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_validation_of_a_file_sorted_by_label_holds_every_label(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(10, dtype=np.uint8), 100)
    images = np.zeros((1000, 1, 1), np.uint8)
    dataset = data.load(write_folder(tmp_path, [images, labels, images, labels]), validation=200)
    assert set(dataset.validation.labels.tolist()) == set(range(10))


# Digits


def test_digits_are_drawn_with_fixed_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def generate(n: int, seed: int) -> tuple[Any, Any]:
        drawn.append((n, seed))
        return np.zeros((n, 28, 28), np.uint8), np.zeros(n, np.int64)

    monkeypatch.setitem(sys.modules, "autodiff.data.digits", types.SimpleNamespace(generate=generate))
    dataset = data.load("digits")
    data.load("digits", seed=3, sizes=(6, 2))
    assert drawn == [(20_000, 0), (4_000, 1), (6, 0), (2, 1)]
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (18_333, 1_667, 4_000)


def test_digits_are_images_of_ten_classes() -> None:
    dataset = data.load("digits", sizes=(200, 100))
    assert (dataset.name, dataset.classes) == ("digits", 10)
    for split in dataset:
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), 28, 28)
        assert split.labels.dtype == np.int64
        assert split.labels.shape == (len(split),)
    assert not np.array_equal(dataset.train.images[:50], dataset.test.images[:50])


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (-1, 5)])
def test_sizes_of_digits_are_positive(sizes: tuple[int, int]) -> None:
    refused(SettingError, data.load, "digits", sizes=sizes)


def test_sizes_are_for_digits_only(tmp_path: Path) -> None:
    assert 'sizes= is for "digits"' in refused(SettingError, data.load, tmp_path, sizes=(5, 5))


# Splits, pixels and batches


def test_split_and_dataset_take_apart() -> None:
    images, labels = data.Split(X, Y.astype(np.int64))
    assert images is X
    assert labels.tolist() == [0, 0]
    split = data.Split(X, Y.astype(np.int64))
    train, validation, test = data.Dataset(split, split, split, "x")
    assert (train, validation, test) == (split, split, split)
    assert len(train) == 2


def test_classes_count_every_split() -> None:
    def split(*labels: int) -> data.Split:
        return data.Split(np.zeros((len(labels), 1, 1), np.uint8), np.array(labels, np.int64))

    assert data.Dataset(split(0, 1), split(), split(4), "x").classes == 5
    assert data.Dataset(split(0, 1), split(6), split(0), "x").classes == 7
    assert data.Dataset(split(0), split(), split(0), "x").classes == 1


def test_pixels_are_the_values_over_255() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)
    found = data.pixels(images)
    assert found.dtype == np.float32
    assert found.shape == (2, 128)
    assert np.array_equal(found.ravel(), (np.arange(256) / 255).astype(np.float32))
    assert data.pixels(images[:0]).shape == (0, 128)


def test_pixels_of_what_are_no_images_are_refused() -> None:
    assert "must be uint8" in refused(OperandError, data.pixels, np.zeros((1, 2, 2)))
    assert "(n, height, width)" in refused(ShapeError, data.pixels, np.zeros((2, 2), np.uint8))


class _OfItsOwn(np.ndarray):
    """An array that may index itself in its own way, as one in a file does."""


@given(n=st.integers(0, 40), size=st.integers(1, 50), seed=st.integers(0, 5))
def test_batches_hold_every_index_once(n: int, size: int, seed: int) -> None:
    found = list(data.batches(n, size, np.random.default_rng(seed)))
    assert [len(batch) for batch in found] == [size] * (n // size) + [n % size] * (n % size > 0)
    assert sorted(int(i) for batch in found for i in batch) == list(range(n))


@pytest.mark.parametrize(
    "lay_out",
    [np.asarray, np.asfortranarray, lambda images: images[::-1, :, ::2], lambda images: images.view(_OfItsOwn)],
)
def test_rows_are_what_indexing_gives_in_memory_of_their_own(lay_out: Callable[[Any], Any]) -> None:
    images = lay_out(np.random.default_rng(0).integers(0, 256, (7, 4, 6), np.uint8))
    places = np.array([6, 0, 3, 3])
    found, expected = rows(images, places), images[places]
    assert (type(found), found.dtype, found.strides) == (type(expected), expected.dtype, expected.strides)
    np.testing.assert_array_equal(found, expected)
    assert not np.shares_memory(found, images)


@pytest.mark.parametrize("scale", [255.0, 16.0, 3.7, 1e-3])
def test_every_value_of_a_pixel_is_divided_as_a_float32(scale: float) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    expected = values.reshape(1, 256).astype(np.float32) / np.float32(scale)
    found = [data.Preprocessing(16, 16, scale)(values), *([data.pixels(values)] if scale == 255 else [])]
    assert all(each.dtype == np.float32 and each.tobytes() == expected.tobytes() for each in found)


def test_batches_are_shuffled_anew_each_epoch_and_repeat_with_the_seed() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(data.batches(50, 8, rng))).tolist() for _ in range(2))
    again = np.concatenate(list(data.batches(50, 8, np.random.default_rng(0)))).tolist()
    assert first != second
    assert first == again
    assert first != sorted(first)


@pytest.mark.parametrize(("n", "size"), [(5, 0), (5, -1), (-1, 5)])
def test_batches_refuse_at_the_call(n: int, size: int) -> None:
    refused(SettingError, data.batches, n, size, np.random.default_rng(0))


# The real MNIST


@pytest.mark.parametrize("name", MNIST_FILES)
def test_real_mnist_is_the_canonical_one(mnist_folder: Path, name: str) -> None:
    plain = mnist_folder / name
    content = plain.read_bytes() if plain.is_file() else gzip.decompress((mnist_folder / f"{name}.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == MNIST_FILES[name]


def test_real_mnist_is_loaded(mnist_folder: Path) -> None:
    dataset = data.load(mnist_folder)
    assert [split.images.shape for split in dataset] == [(55_000, 28, 28), (5_000, 28, 28), (10_000, 28, 28)]
    assert dataset.classes == 10
    assert np.bincount(dataset.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    counts = np.bincount(dataset.train.labels) + np.bincount(dataset.validation.labels)
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_real_mnist_is_written_as_it_was_read(mnist_folder: Path, tmp_path: Path) -> None:
    name = "t10k-images-idx3-ubyte"
    path = mnist_folder / name if (mnist_folder / name).is_file() else mnist_folder / f"{name}.gz"
    data.write_idx(tmp_path / name, data.read_idx(path))
    assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == MNIST_FILES[name]
