"""Preprocessing: what it computes, that the default is `pixels`, and that it comes back from a checkpoint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import autodiff as ad
from autodiff import data
from autodiff.data import NAMED, Preprocessing
from autodiff.data.photo import read_photo, read_picture
from autodiff.data.preprocessing import NORMALISATIONS
from autodiff.errors import CheckpointError, DataError, MissingDataError, OperandError, SettingError, ShapeError


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits", sizes=(600, 20))


def of(images: np.ndarray) -> data.Dataset:
    split = data.Split(images, np.zeros(len(images), np.int64))
    return data.Dataset(split, split, split, "some")


def test_the_default_is_pixels_bit_for_bit() -> None:
    images = np.arange(2 * 784, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)
    assert Preprocessing()(images).tobytes() == data.pixels(images).tobytes()
    assert Preprocessing.fit(of(images))(images).tobytes() == data.pixels(images).tobytes()
    assert Preprocessing()(images[:0]).shape == (0, 784)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_normalised_images_have_the_moments_they_should(normalisation: str, digits: data.Dataset) -> None:
    prepare = Preprocessing.fit(digits, normalisation)
    values = prepare(digits.train.images)
    assert (values.shape, values.dtype) == ((len(digits.train), 784), np.float32)
    if normalisation == "none":
        assert (values.min(), values.max()) == (0, 1)
    elif normalisation == "dataset":
        assert values.mean() == pytest.approx(0, abs=1e-5)
        assert values.std() == pytest.approx(1, abs=1e-5)
    else:
        assert np.abs(values.mean(axis=0)).max() < 1e-4
        deviation = values.std(axis=0)
        often = (digits.train.images / 255).reshape(len(values), -1).std(axis=0) > 0.05
        assert deviation[often] == pytest.approx(1, abs=1e-3)
        assert deviation.max() < 1.001
        assert np.abs(values).max() <= 20
        assert prepare(np.full((1, 28, 28), 255, np.uint8)).max() <= 20


def test_the_moments_are_those_of_numpy(digits: data.Dataset) -> None:
    scaled = digits.train.images.reshape(-1, 784) / 255
    whole, each = (Preprocessing.fit(digits, normalisation) for normalisation in ("dataset", "pixel"))
    assert (whole.mean, whole.std) == pytest.approx((scaled.mean(), scaled.std()), rel=1e-9)
    assert each.mean == pytest.approx(scaled.mean(axis=0), abs=1e-12)
    assert each.std == pytest.approx(np.maximum(scaled.std(axis=0), 0.05), abs=1e-9)


def test_the_moments_of_mnist_are_the_known_ones(mnist_folder: Path) -> None:
    found = Preprocessing.fit(data.load(mnist_folder, validation=0), "dataset")
    assert (found.mean, found.std) == pytest.approx((0.1307, 0.3081), abs=5e-5)


def test_only_training_images_count(digits: data.Dataset) -> None:
    light = data.Split(np.full((9, 28, 28), 255, np.uint8), np.zeros(9, np.int64))
    changed = data.Dataset(digits.train, light, light, "some")
    assert Preprocessing.fit(changed, "dataset").mean == Preprocessing.fit(digits, "dataset").mean


def test_more_images_than_a_piece_are_added_up() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5000, 2, 3), np.uint8)
    found = Preprocessing.fit(of(images), "pixel")
    assert found.mean == pytest.approx(images.reshape(-1, 6).mean(axis=0) / 255, abs=1e-12)


# Checkpoints


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_it_comes_back_from_a_checkpoint_and_from_json(
    normalisation: str, digits: data.Dataset, tmp_path: Path
) -> None:
    prepare = Preprocessing.fit(digits, normalisation)
    ad.save(tmp_path / "a.pkl", prepare.to_dict())
    for state in (ad.load(tmp_path / "a.pkl"), json.loads(json.dumps(prepare.to_dict()))):
        again = Preprocessing.from_dict(state)
        assert again == prepare
        assert hash(again) == hash(prepare)
        assert again(digits.test.images).tobytes() == prepare(digits.test.images).tobytes()


def test_it_knows_the_data_set() -> None:
    part = data.select(data.load("digits", sizes=(40, 20)), "3,7")
    prepare = Preprocessing.fit(part)
    assert (prepare.height, prepare.width, prepare.class_names, prepare.reading) == (28, 28, ("3", "7"), "digit")


@pytest.mark.parametrize(
    "values",
    [{"size": 28}, {"height": "28"}, {"std": 0}, {"mean": [1, 2]}, {"reading": "word"}, {"class_names": [1]}, {1: 2}],
)
def test_a_state_that_is_none_is_refused(values: Any) -> None:
    with pytest.raises(CheckpointError, match="the checkpoint's preprocessing cannot be used: ") as caught:
        Preprocessing.from_dict(values)
    assert "\n" not in str(caught.value)


# Bad input


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"height": 0}, "height must be a whole number of at least 1, got 0"),
        ({"width": True}, "width must be"),
        ({"width": 2.0}, "width must be"),
        ({"scale": 0}, "scale must be positive and finite, got 0"),
        ({"scale": (1.0,)}, "scale must be a number"),
        ({"std": -1}, "std must be positive and finite"),
        ({"std": float("nan")}, "std must be"),
        ({"std": None}, "std must be"),
        ({"mean": float("inf")}, "mean must be finite"),
        ({"mean": "0"}, "mean must be finite"),
        ({"mean": (0.0,) * 783}, "mean must be a number or one for each pixel, got 783"),
        ({"std": (0.0,) * 784}, "std must be positive"),
        ({"class_names": "01"}, "class_names must be a list of names, got '01'"),
        ({"reading": "word"}, "reading must be one of digit, picture"),
    ],
)
def test_values_that_cannot_be_used_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=f"preprocessing: {message}"):
        Preprocessing(**values)


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (np.zeros((2, 28, 28)), OperandError),
        (np.zeros((2, 28, 27), np.uint8), ShapeError),
        (np.zeros((28, 28), np.uint8), ShapeError),
        (np.zeros((2, 784), np.uint8), ShapeError),
    ],
)
def test_images_of_another_kind_are_refused(images: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error, match="preprocessing: "):
        Preprocessing()(images)


def test_a_normalisation_that_is_none_is_refused(digits: data.Dataset) -> None:
    with pytest.raises(SettingError, match="normalisation must be one of none, dataset, pixel, not 'zca'"):
        Preprocessing.fit(digits, "zca")


@pytest.mark.parametrize("images", [np.zeros((0, 3, 3), np.uint8), np.full((5, 3, 3), 7, np.uint8)])
def test_images_that_have_no_deviation_are_refused(images: np.ndarray) -> None:
    with pytest.raises(DataError, match="some: "):
        Preprocessing.fit(of(images), "dataset")


# Pictures from files


def test_a_picture_is_read_as_the_training_images_were(tmp_path: Path) -> None:
    page = np.full((90, 60), 255, np.uint8)
    page[20:70, 25:35] = 0
    path = tmp_path / "a.png"
    Image.fromarray(page).save(path)
    for reading, read in (("digit", read_photo), ("picture", read_picture)):
        for size in ((28, 28), (40, 30), (5, 9)):
            found = Preprocessing(*size, reading=reading).read(path)
            assert (found.shape, found.dtype) == (size, np.uint8)
            assert np.array_equal(found, read(path, size))
    assert Preprocessing().read(path)[14, 14] > 200  # ink is light
    assert Preprocessing(reading="picture").read(path)[14, 14] < 55


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="a.png: no such file"):
        Preprocessing().read(tmp_path / "a.png")


def test_named_sources_are_those_that_are_no_path() -> None:
    assert NAMED == ("digits", "mnist")
