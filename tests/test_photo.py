"""Photos of digits become what a network trained on MNIST expects."""

import numpy as np
import pytest
from PIL import Image

from autodiff.data.digits import generate
from autodiff.data.photo import read_photo
from autodiff.errors import DataError, MissingDataError

DIGITS, _ = generate(10, seed=5)


def on_paper(digit, size, ink, paper, shift=(0, 0)):
    """A digit drawn with the given ink on a page of paper, off its centre."""
    page = Image.new("L", (size, size), 0)
    page.paste(Image.fromarray(digit).resize((size // 2, size // 2), Image.Resampling.BICUBIC), shift)
    share = np.asarray(page, dtype=float)[..., None] / 255
    return Image.fromarray((share * ink + (1 - share) * paper).astype(np.uint8))


def shaded(photo, left, right):
    """Light that falls off from left to right."""
    light = np.linspace(left, right, photo.width)[None, :, None] / 255
    return Image.fromarray((np.asarray(photo) * light).astype(np.uint8))


def noisy(photo, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, (photo.height, photo.width, 1))
    return Image.fromarray(np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8))


WHITE, BLACK, BLUE, CREAM = (np.array(c) for c in ([255] * 3, [0] * 3, [20, 30, 140], [250, 245, 225]))
PHOTOS = [
    ("white on black", lambda d: on_paper(d, 300, WHITE, BLACK, (10, 90))),
    ("black on white", lambda d: on_paper(d, 300, BLACK, WHITE, (120, 20))),
    ("blue on cream", lambda d: on_paper(d, 640, BLUE, CREAM, (200, 300))),
    ("shaded", lambda d: shaded(on_paper(d, 400, BLACK, WHITE, (100, 60)), 220, 110)),
    ("noisy", lambda d: noisy(on_paper(d, 400, BLUE, CREAM, (150, 100)), 15)),
    ("shaded and noisy", lambda d: noisy(shaded(on_paper(d, 640, BLUE, CREAM, (150, 100)), 230, 130), 8)),
    ("grey, small", lambda d: on_paper(d, 80, BLACK, WHITE, (5, 30)).convert("L")),
]


@pytest.mark.parametrize(("name", "photograph"), PHOTOS)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_photo_looks_like_the_digit_it_shows(name, photograph, suffix, tmp_path):
    alike = []
    for digit in DIGITS:
        path = tmp_path / f"photo.{suffix}"
        photograph(digit).save(path)
        seen = read_photo(path)
        assert (seen.shape, seen.dtype) == ((28, 28), np.uint8)
        alike.append(np.corrcoef(seen.ravel(), digit.ravel())[0, 1])
    assert min(alike) > 0.7
    assert np.mean(alike) > 0.85


def test_a_picture_of_the_right_size_is_taken_as_it_is(tmp_path):
    Image.fromarray(DIGITS[0]).save(tmp_path / "a.png")
    Image.fromarray(255 - DIGITS[0]).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), DIGITS[0])
    np.testing.assert_array_equal(read_photo(tmp_path / "b.png"), DIGITS[0])


def test_transparent_paper_is_white(tmp_path):
    drawing = np.zeros((28, 28, 4), np.uint8)
    drawing[..., 3] = DIGITS[0]
    Image.fromarray(drawing).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), DIGITS[0])


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 2)])
def test_odd_sizes_are_read_or_refused_in_one_line(size, tmp_path):
    image = np.full(size, 255, np.uint8)
    image[0, 0] = 0
    Image.fromarray(image).save(tmp_path / "a.png")
    try:
        assert read_photo(tmp_path / "a.png").shape == (28, 28)
    except DataError as error:
        assert "\n" not in str(error)


def test_what_is_no_picture_of_a_digit_is_refused(tmp_path):
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("not an image")
    Image.fromarray(DIGITS[0]).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:100])
    for name, message in [("blank", "shows no digit"), ("text", "not an image"), ("cut", "not an image")]:
        with pytest.raises(DataError, match=message):
            read_photo(tmp_path / f"{name}.png")
    with pytest.raises(MissingDataError, match="no such file"):
        read_photo(tmp_path / "missing.png")


@pytest.mark.parametrize("size", [(28, 28), (20, 20), (56, 56), (40, 28), (3, 50), (1, 1)])
def test_a_digit_takes_its_place_in_a_page_of_any_size(size, tmp_path):
    on_paper(DIGITS[0], 300, BLACK, WHITE, (20, 90)).save(tmp_path / "a.png")
    seen = read_photo(tmp_path / "a.png", size)
    assert seen.shape == size
    ink = np.argwhere(seen > 60)
    assert np.ptp(ink, axis=0).max() + 1 <= max(1, round(20 / 28 * min(size)))
    if min(size) >= 20:
        assert np.ptp(ink, axis=0).max() + 1 >= 0.85 * 20 / 28 * min(size)
        mass = [np.average(axis, weights=seen) for axis in np.indices(seen.shape)]
        assert np.abs(np.array(mass) - np.array(size) / 2).max() < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_as_its_camera_was_held(orientation, tmp_path):
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # what a camera did to the picture
    photo = on_paper(DIGITS[1], 300, BLACK, WHITE, (20, 90))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (photo if back is None else photo.transpose(Image.Transpose(back))).save(tmp_path / "a.jpg", exif=exif)
    photo.save(tmp_path / "b.jpg")
    upright, expected = read_photo(tmp_path / "a.jpg"), read_photo(tmp_path / "b.jpg")
    assert np.corrcoef(upright.ravel(), expected.ravel())[0, 1] > 0.98


def test_sixteen_bits_a_pixel_are_not_cut_off(tmp_path):
    Image.fromarray(DIGITS[0].astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), DIGITS[0])
