"""Pictures, from files of any size, as a network expects them: grey, uint8, of one size, by one of two readings.

"digit"    A photo of a digit, as MNIST's images were made: light ink on black, scaled into a box of 20 of 28 pixels,
           with its centre of mass in the middle (LeCun, Bottou, Bengio & Haffner 1998, section III.A).
"picture"  Any picture: made grey, and fitted into the size whole, in its proportions, on the colour of its border.

A picture that has the size already is not scaled by either.
"""

import os
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import DataError, MissingDataError

SIDE = 28  # pixels of MNIST's images
BOX = 20 / 28  # of the shorter side, for the ink
WORK = 384  # a larger photo is reduced to this many pixels a side first
CONTRAST = 32  # of 255, between ink and paper at least


def read_photo(path: str | os.PathLike[str], size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """The digit in an image file, light ink on black. `→ uint8 size`, which is (height, width).

    Dark ink on light paper is inverted: the border tells the paper. PNG, JPEG and whatever else Pillow reads.

    Raises MissingDataError if there is no such file, DataError if it is no image or shows nothing.
    """
    pixels = grey(path)
    light = 255 - pixels if np.median(_border(pixels)) > 127 else pixels
    if light.shape == size and int(light.max()) - int(light.min()) >= CONTRAST:
        return light.copy()
    from PIL import Image

    ink = _ink(Image.fromarray(light))
    if ink is None:
        raise DataError(f"{path}: shows no digit that stands out from its background")
    return _like_mnist(ink, size)


def read_picture(path: str | os.PathLike[str], size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """The whole picture in an image file, in grey. `→ uint8 size`, which is (height, width).

    Raises MissingDataError if there is no such file, DataError if it is no image.
    """
    pixels = grey(path)
    if pixels.shape == size:
        return pixels.copy()
    from PIL import Image

    scale = min(to / of for to, of in zip(size, pixels.shape, strict=True))
    height, width = (max(1, round(n * scale)) for n in pixels.shape)
    small: Any = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    page = np.full(size, int(np.median(_border(pixels))), np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    page[top : top + height, left : left + width] = np.asarray(small)
    return page


READINGS: dict[str, Callable[[str | os.PathLike[str], tuple[int, int]], np.ndarray]] = {
    "digit": read_photo,
    "picture": read_picture,
}


def grey(path: str | os.PathLike[str]) -> np.ndarray:
    """An image file as uint8 (height, width), upright as its camera was held, on white where it is transparent.

    Raises as `read_photo` does.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode == "F":
            raise DataError(f"{path}: has real numbers for pixels; save it with 8 or 16 bits a pixel")
        if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
            return np.asarray(np.clip(np.asarray(image) / 257 + 0.5, 0, 255), dtype=np.uint8)
        if image.mode != "L" or "transparency" in image.info:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("L")
        return np.asarray(image)


def measure_picture(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of the picture in an image file, upright, from its header. Raises as `read_photo` does."""
    with _opened(path) as image:
        width, height = image.size
        return (width, height) if image.getexif().get(_ORIENTATION, 1) >= 5 else (height, width)


_ORIENTATION = 0x0112  # EXIF's tag; from 5 on, the picture lies on its side


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Pillow's image of the file; whatever goes wrong with it inside is an error that names the file."""
    from PIL import Image

    if os.path.isdir(path):
        raise DataError(f"{path}: is a folder; name the pictures in it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of sizes that are no attack yet
            with Image.open(path) as image:
                yield image
    except DataError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: no such file") from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        struct.error,
        Image.DecompressionBombError,
        MemoryError,
    ) as error:
        raise DataError(f"{path}: not an image that can be read ({' '.join(str(error).split())})") from error


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _ink(light: Any) -> np.ndarray | None:
    """The share of ink in each pixel, 0 to 1, without the paper's shading and grain; None if nothing stands out."""
    from PIL import Image, ImageFilter

    if max(light.size) > WORK:
        light.thumbnail((WORK, WORK), Image.Resampling.BOX)
    # The paper is what is left when strokes, which are narrow and lighter here, are eroded; shading is wide and stays.
    small = light.resize([max(8, n // 6) for n in light.size], Image.Resampling.BOX)
    narrow = small.filter(ImageFilter.MinFilter(9)).filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.GaussianBlur(2))
    paper = np.asarray(narrow.resize(light.size, Image.Resampling.BICUBIC), dtype=np.float32)
    smooth = light.filter(ImageFilter.GaussianBlur(max(light.size) / 200))
    ink = np.clip(np.asarray(smooth, dtype=np.float32) - paper, 0, None)
    peak = float(np.percentile(ink, 99.5))
    if peak < CONTRAST or float(ink.max()) < CONTRAST:
        peak = float(ink.max())
        if peak < CONTRAST:
            return None
    share = np.clip(ink / peak, 0, 1)
    share[(share < 0.35) | ~_large_parts(share > 0.5)] = 0
    return share if share.any() else None


def _large_parts(mask: np.ndarray) -> np.ndarray:
    """Where connected parts of a mask are that are not mere specks, with some room around them."""
    step = max(1, max(mask.shape) // 64)
    rows, columns = (-(-n // step) for n in mask.shape)
    padded = np.zeros((rows * step, columns * step), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    cells = np.asarray(padded.reshape(rows, step, columns, step).any(axis=(1, 3)))
    label, sizes = np.zeros(cells.shape, int), [0]
    for start in zip(*np.nonzero(cells), strict=True):
        if label[start]:
            continue
        sizes.append(0)
        stack = [start]
        while stack:
            y, x = stack.pop()
            if 0 <= y < rows and 0 <= x < columns and cells[y, x] and not label[y, x]:
                label[y, x] = len(sizes) - 1
                sizes[-1] += 1
                stack += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    keep = np.array([size >= 0.15 * max(sizes) for size in sizes])
    keep[0] = False
    kept = keep[label]
    grown = kept.copy()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            grown |= np.roll(kept, (dy, dx), (0, 1))
    return np.kron(grown, np.ones((step, step), bool))[: mask.shape[0], : mask.shape[1]]


def _like_mnist(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crop to the ink, scale it into the box, and centre its mass."""
    from PIL import Image

    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = max(1, round(BOX * min(size))) / max(crop.shape)
    height, width = (max(1, round(n * scale)) for n in crop.shape)
    small: Any = Image.fromarray((crop * 255).astype(np.uint8)).resize((width, height), Image.Resampling.LANCZOS)
    digit = np.asarray(small)
    y, x = (np.average(np.arange(n), weights=digit.sum(axis=axis)) for n, axis in zip(digit.shape, (1, 0), strict=True))
    top = int(np.clip(round(size[0] / 2 - y), 0, size[0] - height))
    left = int(np.clip(round(size[1] / 2 - x), 0, size[1] - width))
    page = np.zeros(size, np.uint8)
    page[top : top + height, left : left + width] = digit
    return page
