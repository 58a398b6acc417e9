"""Pictures of digits, from files of any size, as a network that was trained on MNIST expects them.

A picture that is not 28×28 already is brought there as MNIST's were: the ink is scaled into a 20×20 box and placed with
its centre of mass in the middle (LeCun, Bottou, Bengio & Haffner 1998, section III.A).
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, MissingDataError

SIDE, BOX = 28, 20
WORK = 384  # a larger photo is reduced to this many pixels a side first
CONTRAST = 32  # of 255, between ink and paper at least


def read_photo(path: str | os.PathLike[str]) -> np.ndarray:
    """The digit in an image file, light ink on black. `→ uint8 (28, 28)`.

    Dark ink on light paper is inverted: the border tells the paper. PNG, JPEG and whatever else Pillow reads.

    Raises MissingDataError if there is no such file, DataError if it is no image or shows nothing.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file")
    try:
        with Image.open(path) as image:
            flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("L")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not an image that can be read ({' '.join(str(error).split())})") from error
    pixels = np.asarray(flat)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    light = 255 - pixels if np.median(border) > 127 else pixels
    if light.shape == (SIDE, SIDE) and int(light.max()) - int(light.min()) >= CONTRAST:
        return light.copy()
    ink = _ink(Image.fromarray(light))
    if ink is None:
        raise DataError(f"{path}: shows no digit that stands out from its background")
    return _like_mnist(ink)


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


def _like_mnist(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink, scale it into the box, and centre its mass."""
    from PIL import Image

    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small: Any = Image.fromarray((crop * 255).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    digit = np.asarray(small)
    y, x = (np.average(np.arange(n), weights=digit.sum(axis=axis)) for n, axis in zip(digit.shape, (1, 0), strict=True))
    top = int(np.clip(round(SIDE / 2 - y), 0, SIDE - digit.shape[0]))
    left = int(np.clip(round(SIDE / 2 - x), 0, SIDE - digit.shape[1]))
    page = np.zeros((SIDE, SIDE), np.uint8)
    page[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return page
