"""The generated digits keep the promises of their docstring and the geometry of MNIST's images."""

import numpy as np
import pytest
from numpy.typing import NDArray

from autodiff.data.digits import generate
from autodiff.errors import SettingError


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return generate(3000, seed=11)[0]


@pytest.mark.parametrize("n", [0, 1, 7, 10, 1234])
def test_shapes_types_and_balance(n: int) -> None:
    images, labels = generate(n, seed=3)
    assert (images.shape, images.dtype) == ((n, 28, 28), np.dtype(np.uint8))
    assert (labels.shape, labels.dtype) == ((n,), np.dtype(np.int64))
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 1


def test_labels_are_shuffled() -> None:
    labels = generate(200)[1]
    assert not np.array_equal(labels[:100], np.sort(labels[:100]))
    assert set(labels[:100].tolist()) == set(range(10))


def test_same_seed_gives_the_same_bytes() -> None:
    (images, labels), (again, labels_again) = generate(300, seed=5), generate(300, seed=5)
    assert images.tobytes() == again.tobytes()
    assert labels.tobytes() == labels_again.tobytes()


def test_another_seed_gives_other_images() -> None:
    assert not np.array_equal(generate(300, seed=5)[0], generate(300, seed=6)[0])


def test_images_of_one_digit_differ() -> None:
    images, labels = generate(500, seed=2)
    for digit in range(10):
        same = images[labels == digit]
        assert len(np.unique(same.reshape(len(same), -1), axis=0)) == len(same)


def test_every_image_has_bright_ink_and_a_black_ground(images: NDArray[np.uint8]) -> None:
    assert (images.max(axis=(1, 2)) >= 200).all()
    assert (np.mean(images == 0, axis=(1, 2)) > 0.4).all()


def test_ink_fills_a_box_of_twenty_pixels(images: NDArray[np.uint8]) -> None:
    # The pen's middle line and radius are fitted to 20 pixels. The soft edge, the pressure of the pen and lines that
    # run together add or take a pixel or two, so the bound is 20 for half-white ink nearly always, and 22 at worst.
    half_white = images > 127
    height, width = half_white.any(axis=2).sum(axis=1), half_white.any(axis=1).sum(axis=1)
    longer = np.maximum(height, width)
    assert longer.max() <= 22
    assert longer.min() >= 18
    assert np.mean(longer <= 20) > 0.95
    assert 19 < longer.mean() < 20.5


def test_centre_of_mass_is_at_the_centre(images: NDArray[np.uint8]) -> None:
    mass = images.sum(axis=(1, 2), dtype=np.int64)
    pixel = np.arange(28)
    for axis in (1, 2):
        centre = (images.sum(axis=axis, dtype=np.int64) * pixel).sum(axis=1) / mass
        assert np.abs(centre - 14).max() < 1


@pytest.mark.parametrize(("n", "seed", "message"), [(-1, 0, "n = -1"), (1, -2, "seed = -2")])
def test_negative_settings_are_refused_in_one_line(n: int, seed: int, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        generate(n, seed)
    assert "\n" not in str(caught.value)
