"""What a data set is: three splits of grey images with labels, and the two things training does to one.

Images stay uint8, as in their files; `pixels` turns a batch of them into what a network takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, OperandError, SettingError, ShapeError


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels; `images, labels = split` takes it apart.

    images: uint8 (n, height, width), 0 is background; labels: int64 (n,). `len(split)` is n.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8] | npt.NDArray[np.int64]]:
        return iter((self.images, self.labels))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits and a name; `train, validation, test = dataset` takes it apart.

    class_names  what each label stands for; by default the labels themselves, "0" to the highest of any split
    reading      how a picture from a file becomes such an image, a name in `photo.READINGS`

    Raises DataError for a label that has no name.

    >>> split = Split(np.zeros((3, 2, 2), np.uint8), np.array([0, 1, 1]))
    >>> Dataset(split, split, split, "pets", ("cat", "dog")).classes
    2
    """

    train: Split
    validation: Split
    test: Split
    name: str
    class_names: tuple[str, ...] = ()
    reading: str = "digit"

    def __post_init__(self) -> None:
        classes = 1 + max((int(split.labels.max()) for split in self if len(split)), default=-1)
        if not self.class_names:
            object.__setattr__(self, "class_names", tuple(map(str, range(classes))))
        if classes > len(self.class_names):
            raise DataError(f"{self.name}: label {classes - 1} has no name among {len(self.class_names)} classes")

    def __iter__(self) -> Iterator[Split]:
        return iter((self.train, self.validation, self.test))

    @property
    def classes(self) -> int:
        """Outputs that a classifier needs: one for each class name."""
        return len(self.class_names)


def pixels(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a network takes: uint8 images (n, height, width) → float32 (n, height * width), each value / 255, in 0..1.

    Raises OperandError if the images are not uint8 (already divided, perhaps), ShapeError if they are not rank 3.

    >>> pixels(np.array([[[0, 51], [102, 255]]], np.uint8))
    array([[0. , 0.2, 0.4, 1. ]], dtype=float32)
    """
    if images.dtype != np.uint8:
        raise OperandError(f"pixels: images must be uint8, 0..255, not {images.dtype}")
    if images.ndim != 3:
        raise ShapeError(f"pixels: images must be (n, height, width), not {images.shape}")
    n, height, width = images.shape
    # One pass over the memory, where a conversion first would make two.
    values: npt.NDArray[np.float32] = np.divide(images.reshape(n, height * width), np.float32(255), dtype=np.float32)
    return values


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """One shuffled epoch over n examples: index arrays of `size` each, the last one shorter if size does not divide n.

    Raises SettingError if n is negative or size is not positive. The order is drawn from `rng` when this is called.

    >>> [len(batch) for batch in batches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]
    """
    if n < 0 or size < 1:
        raise SettingError(f"batches: n must be at least 0 and size at least 1, not {n} and {size}")
    order = rng.permutation(n).astype(np.intp, copy=False)
    return (order[start : start + size] for start in range(0, n, size))


def rows(images: npt.NDArray[Any], places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """`images[places]`, a new array. For whole rows in one piece of memory `take` needs half the time of indexing.

    >>> rows(np.array([[0, 1], [2, 3], [4, 5]]), np.array([2, 0])).tolist()
    [[4, 5], [0, 1]]
    """
    if type(images) is np.ndarray and images.flags.c_contiguous:  # else `take` would first copy all of them
        return images.take(places, axis=0)
    return images[places]


NamedArray = tuple[str, npt.NDArray[Any]]  # what to call an array in an error, and the array


def checked_split(named_images: NamedArray, named_labels: NamedArray, highest_label: int) -> Split:
    """The split of two arrays from a file. Raises DataError if they are not images and labels as `Split` has them."""
    where, images = named_images
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(
            f"{where}: images must be uint8 of shape (n, height, width), found {images.dtype} of shape {images.shape}"
        )
    if images.size == 0:
        raise DataError(f"{where}: there must be at least one image and one pixel, found shape {images.shape}")
    where, labels = named_labels
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(f"{where}: labels must be integers of shape (n,), found {labels.dtype} of shape {labels.shape}")
    if len(labels) != len(images):
        raise DataError(f"{where}: expected one label for each of {len(images)} images, found {len(labels)}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > highest_label:
        raise DataError(f"{where}: labels must be in 0..{highest_label}, found {low if low < 0 else high}")
    return Split(images, labels.astype(np.int64))


def check_sizes(where: str, train: Split, test: Split) -> None:
    """Raises DataError if the images of the two splits differ in size."""
    expected, found = train.images.shape[1:], test.images.shape[1:]
    if expected != found:
        raise DataError(f"{where}: test images must have the size of the training images, {expected}, found {found}")
