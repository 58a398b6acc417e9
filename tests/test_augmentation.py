"""Augmentation: the amounts, the sampling, elastic displacements, and that the generator decides everything."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.data.augmentation import Augmentation
from autodiff.errors import OperandError, SettingError, ShapeError

ALL = "shift=2,rotation=10,scale=0.1,shear=0.2,elastic=34:4"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def images(n: int = 5, height: int = 28, width: int = 28, dtype: Any = np.uint8) -> np.ndarray:
    """Noise, smooth enough that a bilinear value means something."""
    noise = rng(7).integers(0, 256, (n, height, width)).astype(float)
    return ((noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2)) / 3).astype(dtype)


def blob(row: float, column: float, size: int = 41) -> np.ndarray:
    """One image with a round spot at (row, column)."""
    y, x = np.indices((size, size))
    return (200 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)).astype(np.float32)[None]


def centre(image: np.ndarray) -> np.ndarray:
    """(row, column) of the centre of mass."""
    return np.array([np.average(axis, weights=image) for axis in np.indices(image.shape)])


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Augmentation()),
        ("shift=2", Augmentation(shift=2)),
        (" rotation = 15 , scale=.15", Augmentation(rotation=15, scale=0.15)),
        ("shear=0.2,elastic=34", Augmentation(shear=0.2, alpha=34, sigma=4)),
        ("elastic=36:5.5", Augmentation(alpha=36, sigma=5.5)),
        ("shift=0", Augmentation()),
        (ALL, Augmentation(2, 10, 0.1, 0.2, 34, 4)),
    ],
)
def test_text_is_read_and_written_back(text: str, expected: Augmentation) -> None:
    assert Augmentation.parse(text) == expected
    assert Augmentation.parse(str(expected)) == expected


@given(st.tuples(*[st.floats(0, 0.9)] * 5, st.floats(0.1, 9)))
def test_what_is_written_is_read_back_to_six_digits(amounts: tuple[float, ...]) -> None:
    augmentation = Augmentation(*amounts)
    again = Augmentation.parse(str(augmentation))
    for name in ("shift", "rotation", "scale", "shear", "alpha"):
        assert getattr(again, name) == pytest.approx(getattr(augmentation, name), rel=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read ''"),
        ("shift", "'' is no number in 'shift'"),
        ("shift=", "'' is no number"),
        ("shift=two", "'two' is no number in 'shift=two'"),
        ("shift=1:2", "cannot read|is no number"),
        ("zoom=2", "cannot read 'zoom=2'; give shift=PIXELS"),
        ("alpha=34", "cannot read 'alpha=34'"),
        ("none,shift=2", "cannot read 'none'"),
        ("shift=1,,shear=1", "cannot read ''"),
        ("shift=1,shift=2", "shift is given twice"),
        ("elastic=34:4:1", "cannot read 'elastic=34:4:1'"),
        ("elastic=34:0", "sigma must be in 0.1..1000"),
        ("elastic=34:", "is no number"),
        ("shift=-1", "shift must be in 0..1000 \\(pixels\\), got -1.0"),
        ("rotation=181", "rotation must be in 0..180 \\(degrees\\)"),
        ("scale=1", "scale must be in 0..0.99"),
        ("shift=nan", "shift must be"),
        ("elastic=inf", "alpha must be"),
    ],
)
def test_text_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        Augmentation.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["2", None, True, -0.1, float("inf")])
def test_amount_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(SettingError, match="shear must be in"):
        Augmentation(shear=value)


# What goes in and comes out


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(0, 28, 28), (1, 28, 28), (70, 28, 28), (3, 5, 9), (2, 1, 1), (4, 200, 150)])
@pytest.mark.parametrize("text", [ALL, "rotation=10", "elastic=34:4", "none"])
def test_shape_and_dtype_stay(text: str, shape: tuple[int, ...], dtype: Any) -> None:
    given = images(*shape, dtype)
    before = given.copy()
    found = Augmentation.parse(text)(given, rng())
    assert (found.shape, found.dtype) == (shape, dtype)
    assert np.array_equal(given, before)
    assert found.size == 0 or found.max() <= given.max() + 1e-3


def test_none_gives_the_images_and_draws_nothing() -> None:
    given, generator = images(), rng()
    before = generator.bit_generator.state
    assert np.array_equal(Augmentation()(given, generator), given)
    assert generator.bit_generator.state == before


def test_no_displacement_leaves_every_value() -> None:
    assert np.array_equal(Augmentation(shift=1e-7)(images(), rng()), images())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (np.zeros((2, 3, 3), np.int64), OperandError),
        (np.zeros((2, 3, 3), bool), OperandError),
        (np.zeros((3, 3), np.uint8), ShapeError),
        (np.zeros((2, 3, 3, 1), np.uint8), ShapeError),
        (np.zeros((0, 4096, 4096), np.uint8), ShapeError),
    ],
)
def test_what_are_no_images_are_refused(given: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error, match="augmentation: "):
        Augmentation(shift=1)(given, rng())


def test_the_generator_decides_everything() -> None:
    augment = Augmentation.parse(ALL)
    first, again, other = (augment(images(40), rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_generator_set_back_gives_the_same_again() -> None:
    augment, generator = Augmentation.parse(ALL), rng()
    augment(images(50), generator)
    state = generator.bit_generator.state
    first = augment(images(50), generator)
    generator.bit_generator.state = state
    assert np.array_equal(augment(images(50), generator), first)


def test_each_image_is_distorted_in_its_own_way() -> None:
    same = np.repeat(images(1), 100, axis=0)
    for text in ALL.split(","):
        found = Augmentation.parse(text)(same, rng())
        assert len(np.unique(found.reshape(100, -1), axis=0)) == 100, text


def test_uint8_is_the_rounded_float() -> None:
    augment = Augmentation.parse(ALL)
    exact = augment(images().astype(np.float32), rng())
    assert np.array_equal(augment(images(), rng()), np.floor(exact + 0.5).astype(np.uint8))


# Where things go


@pytest.mark.parametrize(
    ("text", "amount"),
    [("shift=4", 4.0), ("rotation=30", 2 * 10 * np.sin(np.pi / 12)), ("scale=0.3", 10 * 0.3), ("shear=0.4", 10 * 0.4)],
)
def test_amounts_are_reached_and_not_passed(text: str, amount: float) -> None:
    given = np.repeat(blob(10, 20), 300, axis=0)  # ten pixels above the centre
    found = Augmentation.parse(text)(given, rng())
    moved = np.array([centre(image) for image in found]) - centre(given[0])
    largest = np.abs(moved).max(axis=0) if text.startswith("shift") else np.linalg.norm(moved, axis=1).max()
    assert np.all(largest <= amount * 1.05)  # the spot itself is turned and stretched a little
    assert np.all(largest >= amount * 0.93)
    assert np.all(np.abs(moved.mean(axis=0)) < amount / 4)


def test_whole_pixels_are_moved_exactly() -> None:
    class Given:
        """A generator that draws what it is given, in turn: angle, slant, scale, shift."""

        def __init__(self) -> None:
            self.draws = iter([np.zeros(1), np.zeros(1), np.zeros((1, 2)), np.full((1, 2, 1), [[-3.0], [2.0]])])

        def uniform(self, *_: Any) -> np.ndarray:
            return next(self.draws)

    given = images(1, 9, 8)
    found = Augmentation(shift=3)(given, Given())  # type: ignore[arg-type]
    expected = np.zeros_like(given)
    expected[:, 3:, :-2] = given[:, :-3, 2:]
    assert np.array_equal(found, expected)


def test_turning_keeps_the_centre() -> None:
    found = Augmentation(rotation=180, shear=1, scale=0.5)(np.repeat(blob(20, 20), 50, axis=0), rng())
    for image in found:
        assert centre(image) == pytest.approx([20, 20], abs=0.01)


def test_what_comes_in_from_outside_is_black() -> None:
    found = Augmentation(shift=1000)(np.full((50, 9, 9), 255, np.uint8), rng())
    assert (found.reshape(50, -1).max(axis=1) == 0).sum() > 40


# The elastic distortion


def simard(image: np.ndarray, alpha: float, sigma: float, noise: np.ndarray) -> np.ndarray:
    """The paper's procedure, pixel by pixel."""
    height, width = image.shape
    weigh = lambda d: np.exp(-(d**2) / (2 * sigma**2))  # noqa: E731
    total = sum(weigh(d) for d in range(-300, 301))
    y, x = np.indices(image.shape)
    field = np.zeros((2, height, width))
    for axis in (0, 1):
        for row in range(height):
            for column in range(width):
                field[axis, row, column] = (weigh(y - row) * weigh(x - column) / total**2 * noise[axis]).sum() * alpha
    padded = np.pad(image.astype(float), 60)
    result = np.zeros(image.shape)
    for row in range(height):
        for column in range(width):
            v, u = row + field[0, row, column], column + field[1, row, column]
            top, left = int(np.floor(v)), int(np.floor(u))
            for i, share in ((top, 1 - (v - top)), (top + 1, v - top)):
                for j, part in ((left, 1 - (u - left)), (left + 1, u - left)):
                    result[row, column] += share * part * padded[i + 60, j + 60]
    return result


@pytest.mark.parametrize(("height", "width", "sigma"), [(16, 16, 4), (11, 17, 2), (9, 9, 30)])
def test_elastic_distortion_is_the_papers(height: int, width: int, sigma: float) -> None:
    given = images(2, height, width, np.float32)
    found = Augmentation(alpha=34, sigma=sigma)(given, rng(3))
    generator = rng(3)
    for most in (2, 2, 4, 4):  # the angles, slants, scales and shifts, all zero, are drawn first
        generator.random(most)
    noise = generator.random((2, 2, height, width), dtype=np.float32) * 2 - 1
    for i in range(2):
        assert found[i] == pytest.approx(simard(given[i], 34, sigma, noise[:, i]), abs=0.01)


def test_a_larger_alpha_bends_more_and_a_larger_sigma_less() -> None:
    given = np.repeat(blob(20, 20), 60, axis=0)

    def bent(alpha: float, sigma: float) -> float:
        return float(np.abs(Augmentation(alpha=alpha, sigma=sigma)(given, rng()) - given).mean())

    assert bent(10, 4) < bent(30, 4) < bent(90, 4)
    assert bent(34, 12) < bent(34, 6)


def test_digits_stay_in_the_page_and_keep_their_ink() -> None:
    from autodiff.data.digits import generate

    digits, _ = generate(300, seed=4)
    found = Augmentation.parse(ALL)(digits, rng())
    ink = found.sum(axis=(1, 2)) / digits.sum(axis=(1, 2))
    assert 0.95 < ink.mean() < 1.1
    assert ink.min() > 0.4
    assert ink.max() < 1.7
