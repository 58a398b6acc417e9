"""Folders of images, one for each class: what is read, in which order, size and reading, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autodiff import data
from autodiff.data.class_folders import read_class_folders
from autodiff.data.digits import generate
from autodiff.data.photo import grey
from autodiff.errors import DataError, MissingDataError, SettingError


def shades(count: int, size: tuple[int, int] = (6, 5), seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, *size), np.uint8))


def write(folder: Path, images: list[np.ndarray], suffix: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.{suffix}")


def pets(folder: Path) -> Path:
    """Ten images of each of three animals."""
    for seed, name in enumerate(("dog", "cat", "Bär")):
        write(folder / name, shades(10, seed=seed))
    return folder


def rows(split: data.Split) -> list[bytes]:
    return [image.tobytes() for image in split.images]


def test_classes_are_the_folders_and_every_image_is_in_one_split(tmp_path: Path) -> None:
    dataset = data.load(pets(tmp_path), validation=0.25)
    assert (dataset.name, dataset.class_names, dataset.classes) == (tmp_path.name, ("Bär", "cat", "dog"), 3)
    assert [np.bincount(split.labels).tolist() for split in dataset] == [[6, 6, 6], [2, 2, 2], [2, 2, 2]]
    expected = {image.tobytes(): label for label, seed in enumerate((2, 1, 0)) for image in shades(10, seed=seed)}
    found = {row: label for split in dataset for row, label in zip(rows(split), split.labels.tolist(), strict=True)}
    assert found == expected
    assert dataset.train.images.dtype == np.uint8
    assert dataset.train.labels.dtype == np.int64


def test_the_test_images_are_always_the_same(tmp_path: Path) -> None:
    first, other = (data.load(pets(tmp_path), seed=seed) for seed in (0, 1))
    assert rows(first.test) == rows(other.test)
    assert rows(first.validation) != rows(other.validation)


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "2"):
        write(tmp_path / name, shades(4))
    assert data.load(tmp_path).class_names == ("2", "9", "10")


@pytest.mark.parametrize("validation", ["validation", "valid", "val", None])
@pytest.mark.parametrize("test", [True, False])
def test_folders_of_splits_are_taken_as_they_are(validation: str | None, test: bool, tmp_path: Path) -> None:
    expected = [12, 1, 3]
    for label, name in enumerate(("cat", "dog")):
        write(tmp_path / "train" / name, shades(8, seed=label))
        if validation:
            write(tmp_path / validation / name, shades(3, seed=label + 10))
        if test:
            write(tmp_path / "test" / name, shades(2, seed=label + 20))
    expected = [16 - (0 if test else 3), 6, 4 if test else 3]
    if not validation:
        expected[1] = round(expected[0] / 12)
        expected[0] -= expected[1]
    assert [len(split) for split in data.load(tmp_path)] == expected


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "car"):
        write(tmp_path / name, shades(5))
    assert data.load(tmp_path).class_names == ("car", "train")
    shutil.rmtree(tmp_path / "car")
    write(tmp_path / "test", shades(5))  # no folders inside: these are classes
    assert data.load(tmp_path).class_names == ("test", "train")


FORMATS = ["png", "bmp", "gif", "tiff", "webp", "pgm", "jpg", "PNG", "JPeG", "jp2"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_any_format_is_read(suffix: str, tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 256).astype(np.uint8).reshape(16, 16)
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(smooth).save(tmp_path / name / f"{number}.{suffix}", **options)
    images = data.load(tmp_path, validation=0).train.images.astype(int)
    assert images.shape == (3, 16, 16)
    assert np.abs(images - smooth).max() <= (12 if suffix.lower().startswith("jp") else 1)


def test_what_is_hidden_or_no_image_by_its_name_is_passed_over(tmp_path: Path) -> None:
    pets(tmp_path)
    for name in (".DS_Store", "cat/.hidden.png", "cat/Thumbs.db", "cat/notes.txt", "readme.md", "cat/none"):
        (tmp_path / name).write_bytes(b"not an image")
    write(tmp_path / ".git", shades(1))
    (tmp_path / "dog" / "more.png").mkdir()
    assert sum(len(split) for split in data.load(tmp_path)) == 30


# Size


@pytest.mark.parametrize(
    ("sizes", "asked", "expected"),
    [
        ([(6, 5)], None, (6, 5)),
        ([(128, 1)], None, (128, 1)),
        ([(129, 20)], None, (28, 28)),
        ([(6, 5), (5, 6)], None, (28, 28)),
        ([(6, 5), (5, 6)], (9, 7), (9, 7)),
        ([(40, 40)], (10, 20), (10, 20)),
    ],
)
def test_images_get_one_size(
    sizes: list[tuple[int, int]], asked: tuple[int, int] | None, expected: tuple[int, int], tmp_path: Path
) -> None:
    for name, size in (("cat", sizes[0]), ("dog", sizes[-1])):
        write(tmp_path / name, shades(3, size))
    assert data.load(tmp_path, image_size=asked).train.images.shape[1:] == expected


def test_a_picture_keeps_its_proportions_on_the_colour_of_its_border(tmp_path: Path) -> None:
    page = np.full((40, 80), 90, np.uint8)
    page[10:30, 20:60] = 200
    for name in ("cat", "dog"):
        write(tmp_path / name, [page, page])
    image = data.load(tmp_path, image_size=(20, 20), validation=0).train.images[0]
    assert np.all(image[:5] == 90)
    assert np.all(image[15:] == 90)
    assert np.abs(image[9:11, 6:14].astype(int) - 200).max() < 5
    assert np.abs(image[5:15].astype(int).mean() - page.mean()) < 2


def test_a_camera_held_upright_gives_an_upright_image(tmp_path: Path) -> None:
    page = np.full((16, 32), 255, np.uint8)
    page[:, :16] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: the left of the file is the top of the picture
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(page).save(tmp_path / name / f"{number}.png", exif=exif)
    image = data.load(tmp_path, validation=0).train.images[0]
    assert image.shape == (32, 16)
    assert np.all(image[:16] == 0)
    assert np.all(image[16:] == 255)


# Reading


@pytest.mark.parametrize(
    ("names", "reading"), [("79", "digit"), (("7", "10"), "picture"), (("7", "x"), "picture"), (("01", "1"), "picture")]
)
def test_digits_are_read_as_digits_and_the_rest_as_pictures(names: Any, reading: str, tmp_path: Path) -> None:
    for name in names:
        write(tmp_path / name, shades(3, (28, 28)))
    assert data.load(tmp_path).reading == reading


def test_photos_of_digits_become_what_mnist_has(tmp_path: Path) -> None:
    images, labels = generate(40, seed=3)
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        folder = tmp_path / str(label)
        folder.mkdir(exist_ok=True)
        page = np.full((120, 120), 255, np.uint8)
        page[20:76, 50:106] -= np.kron(image, np.ones((2, 2), np.uint8))
        Image.fromarray(page).save(folder / f"{number}.png")
    dataset = data.load(tmp_path, validation=0)
    assert dataset.train.images.shape[1:] == (28, 28)
    for split in dataset:
        for image, label in zip(split.images, split.labels, strict=True):
            alike = max(np.corrcoef(image.ravel(), other.ravel())[0, 1] for other in images[labels == label])
            assert alike > 0.8


def test_the_reading_may_be_chosen(tmp_path: Path) -> None:
    for name in "79":
        write(tmp_path / name, [255 - image for image in generate(3)[0]])
    digits, pictures = (read_class_folders(tmp_path, reading=reading).train.images for reading in ("digit", "picture"))
    assert np.array_equal(digits, 255 - pictures)


# What is refused


def cut(folder: Path) -> None:
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "cat" / "0.png").write_bytes(whole[:40])


REFUSED: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "an image that is cut": (cut, DataError, "cat/0.png: not an image that can be read"),
    "text": (lambda f: (f / "cat" / "x.png").write_text("hello"), DataError, "cat/x.png: not an image"),
    "an empty file": (lambda f: (f / "cat" / "x.gif").write_bytes(b""), DataError, "cat/x.gif: not an image"),
    "an empty class": (lambda f: (f / "emu").mkdir(), DataError, "emu: holds no image; images are files such as"),
    "no classes": (lambda f: [shutil.rmtree(path) for path in f.iterdir()], MissingDataError, "has neither MNIST's"),
    "a class that is only tested": (
        lambda f: [
            pets(f / "train"),
            [shutil.rmtree(f / n) for n in ("dog", "cat", "Bär")],
            write(f / "test/emu", shades(1)),
        ],
        DataError,
        "test/emu: there is no class of this name in",
    ),
    "two validation folders": (
        lambda f: (
            [pets(f / n) for n in ("train", "val", "valid")] + [shutil.rmtree(f / n) for n in ("dog", "cat", "Bär")]
        ),
        DataError,
        "valid: .*val is the validation split already",
    ),
    "a single image": (
        lambda f: (
            [shutil.rmtree(f / n) for n in ("dog", "Bär")] + [(f / "cat" / f"{i}.png").unlink() for i in range(9)]
        ),
        DataError,
        "one image cannot be both",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    change, kind, message = REFUSED[name]
    change(pets(tmp_path))
    with pytest.raises(kind, match=message) as caught:
        data.load(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_blank_photo_of_a_digit_is_named(tmp_path: Path) -> None:
    for name in "79":
        write(tmp_path / name, [np.full((50, 50), 200, np.uint8)])
    with pytest.raises(DataError, match="7/0.png: shows no digit"):
        data.load(tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = pets(tmp_path) / b"\xff".decode("utf-8", "surrogateescape")
    try:
        write(folder, shades(1))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    with pytest.raises(DataError, match="must be text in UTF-8") as caught:
        data.load(tmp_path)
    str(caught.value).encode()


@pytest.mark.parametrize("size", [(0, 5), (5,), (5000, 5), (2.5, 3), (-1, 2)])
def test_a_size_that_is_none_is_refused(size: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="image_size must be two sides of 1 to 4096 pixels"):
        data.load(pets(tmp_path), image_size=size)


def test_a_size_is_for_folders_of_images_only() -> None:
    with pytest.raises(SettingError, match="image_size= is for folders of images; digits has its own"):
        data.load("digits", image_size=(5, 5))


def test_a_reading_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="reading must be one of digit, picture, not 'word'"):
        read_class_folders(pets(tmp_path), reading="word")


# Pixels


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Image.new("L", (3, 2), 100), 100),
        (lambda: Image.new("RGB", (3, 2), (100, 100, 100)), 100),
        (lambda: Image.new("RGBA", (3, 2), (0, 0, 0, 0)), 255),
        (lambda: Image.new("LA", (3, 2), (0, 255)), 0),
        (lambda: Image.new("1", (3, 2), 1), 255),
        (lambda: Image.new("CMYK", (3, 2), (0, 0, 0, 155)), 100),
        (lambda: Image.fromarray(np.full((2, 3), 100 * 257, np.uint16)), 100),
        (lambda: Image.fromarray(np.full((2, 3), 100 * 257, np.int32)), 100),
    ],
)
def test_every_kind_of_pixel_becomes_grey(make: Callable[[], Image.Image], expected: int, tmp_path: Path) -> None:
    make().save(tmp_path / "a.tiff")
    found = grey(tmp_path / "a.tiff")
    assert found.dtype == np.uint8
    assert found.tolist() == [[expected] * 3] * 2


def test_pixels_without_a_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 3), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(DataError, match="a.tiff: has real numbers for pixels; save it with 8 or 16 bits"):
        grey(tmp_path / "a.tiff")
