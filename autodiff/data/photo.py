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
    ink = 255 - pixels if np.median(border) > 127 else pixels
    if int(ink.max()) - int(ink.min()) < 32:
        raise DataError(f"{path}: shows no digit; all its pixels are nearly alike")
    return ink.copy() if ink.shape == (SIDE, SIDE) else _like_mnist(ink)


def _like_mnist(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink, scale it into the box, and centre its mass."""
    from PIL import Image

    low, high = float(np.percentile(ink, 5)), float(ink.max())
    clean = np.clip((ink.astype(np.float32) - low) / (high - low), 0, 1)
    clean[clean < 0.2] = 0  # the grain of the paper
    rows, columns = np.flatnonzero(clean.max(axis=1)), np.flatnonzero(clean.max(axis=0))
    crop = clean[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
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
