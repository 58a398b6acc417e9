"""Values that are images, as small pictures: recognised by their shape, or marked by the person who draws them."""

import base64
import io
from typing import NamedTuple

import numpy as np

from autodiff import Node
from autodiff.errors import SettingError

from .content import Pixels
from .notation import is_parameter

DIGIT = 28  # pixels a side of a digit; 784 numbers in a row are one
SIDES = range(8, 65)  # squares of numbers from this many pixels a side on are images
SIDE = 56  # points or pixels that the larger side of a thumbnail takes at least: two for each pixel of a digit
MOST_PIXELS = 64  # a side of a thumbnail; of a larger image evenly spaced rows and columns are shown


class Size(NamedTuple):
    """Pixels of an image."""

    height: int
    width: int


def pixels(node: Node, marked: Size | None = None) -> Pixels | None:
    """A value that is an image, as grey levels: the first of a stack, the strongest of a weight matrix's columns.

    marked  the size, if the value is marked as an image. Without it, a leaf is an image that is a square of at least 8
            by 8 numbers on the last of three or more axes, 28 by 28 numbers, 784 on the last axis, or, in a parameter,
            784 rows.

    Raises SettingError if the value has no image of the size that it is marked with.
    """
    array = np.asarray(node.value)
    image = _recognised(node, array) if marked is None else _of_size(node, array, marked)
    if image is None:
        return None
    rows, columns = (np.linspace(0, n - 1, min(n, MOST_PIXELS)).round().astype(int) for n in image.shape)
    image = image[np.ix_(rows, columns)].astype(np.float64)
    low, high = float(image.min()), float(image.max())
    if not np.isfinite(high - low):
        return None
    levels = np.rint(255 * (image - low) / (high - low if high > low else 1)).astype(int)
    return tuple(tuple(row) for row in levels.tolist())


def _recognised(node: Node, array: np.ndarray) -> np.ndarray | None:
    shape, is_weight = array.shape, is_parameter(node)
    if not node.is_leaf or array.dtype.kind not in "fiu" or 0 in shape:
        return None
    if len(shape) >= 3 and shape[-1] == shape[-2] and shape[-1] in SIDES:
        return _first(array, Size(*shape[-2:]))
    if is_weight and len(shape) == 2 and shape[0] == DIGIT**2:
        return _strongest_column(array, Size(DIGIT, DIGIT))
    if not is_weight and (shape == (DIGIT, DIGIT) or (len(shape) in (1, 2) and shape[-1] == DIGIT**2)):
        return _first(array, Size(DIGIT, DIGIT))
    return None


def _of_size(node: Node, array: np.ndarray, size: Size) -> np.ndarray:
    count = size.height * size.width
    if array.dtype.kind in "fiub" and 0 not in array.shape:
        if array.shape[-2:] == size or array.shape[-1:] == (count,):
            return _first(array, size)
        if array.ndim == 2 and array.shape[0] == count:
            return _strongest_column(array, size)
    raise SettingError(
        f"images: {node.name or f'#{node.id}'} has shape {array.shape}, which holds no image of {size.height} × "
        f"{size.width}; give its height and width, such as 28x28"
    )


def _first(array: np.ndarray, size: Size) -> np.ndarray:
    image: np.ndarray = array.reshape(-1, *size)[0]
    return image


def _strongest_column(array: np.ndarray, size: Size) -> np.ndarray:
    columns = array.astype(np.float64)
    return columns[:, int(np.argmax(np.sum(columns**2, axis=0)))].reshape(size)


def pixel_side(image: Pixels) -> int:
    """How large a pixel is drawn, in points or pixels of the screen.

    >>> pixel_side(((0,) * 28,) * 28), pixel_side(((0,) * 5,) * 7)
    (2, 8)
    """
    return max(2, SIDE // max(len(image), len(image[0])))


def data_uri(image: Pixels) -> str:
    """The pixels as the address of a PNG that a page holds itself.

    >>> data_uri(((0, 255), (255, 0)))[:22]
    'data:image/png;base64,'
    """
    from PIL import Image  # here, since most drawings have no thumbnail

    file = io.BytesIO()
    Image.fromarray(np.array(image, dtype=np.uint8)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def natural_size(node: Node) -> Size:
    """The size of a value that is marked as an image without one: its last two axes, or a square on its only one.

    Raises SettingError where neither fits.
    """
    shape = node.shape
    if len(shape) >= 2:
        return Size(*shape[-2:])
    side = round(shape[0] ** 0.5) if shape else 0
    if side and side * side == shape[0]:
        return Size(side, side)
    raise SettingError(
        f"images: {node.name or f'#{node.id}'} has shape {shape}, which is no square; give its height and width, "
        "such as 28x28"
    )
