"""What a data set is: three splits of grey images with labels, and the two things training does to one.

Images stay uint8, as in their files; `pixels` turns a batch of them into what a network takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import OperandError, SettingError, ShapeError


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
    """Three splits and a name; `train, validation, test = dataset` takes it apart."""

    train: Split
    validation: Split
    test: Split
    name: str

    def __iter__(self) -> Iterator[Split]:
        return iter((self.train, self.validation, self.test))

    @property
    def classes(self) -> int:
        """Outputs that a classifier needs: the highest label of any split, plus one (labels count from 0)."""
        return 1 + max((int(split.labels.max()) for split in self if len(split)), default=-1)


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
    values = images.reshape(n, height * width).astype(np.float32)
    values /= np.float32(255)
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
