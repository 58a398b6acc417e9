"""What is done to images before a network sees them: part of the network, so it is kept in its checkpoint."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, DataError, OperandError, SettingError, ShapeError
from .dataset import Dataset
from .photo import READINGS, SIDE

NORMALISATIONS = ("none", "dataset", "pixel")
_LEAST_DEVIATION = (
    0.05  # a pixel that is black in nearly every image would else be thousands of deviations, once bright
)
_PIECE = 4096  # images added up at once; their squares fit 32 bits


@dataclass(frozen=True)
class Preprocessing:
    """From images as they are stored to what the network takes: (value / scale - mean) / std, in a row per image.

    height, width  of the images that the network is for
    scale          255 brings uint8 to 0..1
    mean, std      of the scaled training images: one number, or one for each pixel
    class_names    what the network's outputs stand for
    reading        how a picture from a file becomes an image, a name in `photo.READINGS`

    Calling it takes uint8 (n, height, width) and gives float32 (n, height * width). The default is `data.pixels`.

    >>> prepare = Preprocessing(1, 2, mean=0.5, std=0.25)
    >>> prepare(np.array([[[0, 255]]], np.uint8))
    array([[-2.,  2.]], dtype=float32)
    >>> Preprocessing.from_dict(prepare.to_dict()) == prepare
    True

    Raises SettingError for values that cannot be used.
    """

    height: int = SIDE
    width: int = SIDE
    scale: float = 255.0
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0
    class_names: tuple[str, ...] = ()
    reading: str = "digit"

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if isinstance(side, bool) or not isinstance(side, int) or side < 1:
                raise SettingError(f"preprocessing: {name} must be a whole number of at least 1, got {side!r}")
        for name, lowest in (("scale", 0.0), ("std", 0.0), ("mean", -np.inf)):
            value = getattr(self, name)
            if isinstance(value, Sequence) and not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
                if name == "scale" or len(value) != self.height * self.width:
                    raise SettingError(
                        f"preprocessing: {name} must be a number or one for each pixel, got {len(value)}"
                    )
            for number in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
                real = isinstance(number, int | float) and not isinstance(number, bool)
                if not real or not lowest < number < np.inf:
                    kind = "finite" if name == "mean" else "positive and finite"
                    raise SettingError(f"preprocessing: {name} must be {kind}, got {number!r}")
        if isinstance(self.class_names, str) or not all(isinstance(name, str) for name in self.class_names):
            raise SettingError(f"preprocessing: class_names must be a list of names, got {self.class_names!r}")
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.reading not in READINGS:
            raise SettingError(f"preprocessing: reading must be one of {', '.join(READINGS)}, got {self.reading!r}")

    @property
    def image_size(self) -> str:
        """Height and width as a configuration has them: 28x28."""
        return f"{self.height}x{self.width}"

    @classmethod
    def fit(cls, dataset: Dataset, normalisation: str = "none") -> Self:
        """What a data set needs, with mean and standard deviation of its training images.

        normalisation: "none" only scales to 0..1; "dataset" takes one mean and deviation of all pixels; "pixel" takes
            those of each pixel over the images, the deviation at least 0.05, so that borders stay small.

        >>> from autodiff import data
        >>> digits = data.load("digits", sizes=(100, 10))
        >>> values = Preprocessing.fit(digits, "dataset")(digits.train.images)
        >>> abs(float(values.mean())) < 1e-5, round(float(values.std()), 4)
        (True, 1.0)

        Raises SettingError for another normalisation, DataError if there are no training images or all are one grey.
        """
        if normalisation not in NORMALISATIONS:
            raise SettingError(f"normalisation must be one of {', '.join(NORMALISATIONS)}, not {normalisation!r}")
        images = dataset.train.images
        n, height, width = images.shape
        mean: float | tuple[float, ...] = 0.0
        std: float | tuple[float, ...] = 1.0
        if normalisation != "none":
            if not n:
                raise DataError(f"{dataset.name}: there are no training images to take the mean of")
            first, second = _moments(images)
            if normalisation == "dataset":
                mean = float(first.mean())
                std = float(np.sqrt(max(second.mean() - first.mean() ** 2, 0.0)))
                if std < 1e-3:
                    raise DataError(f"{dataset.name}: the training images are all of one grey; nothing can be learned")
            else:
                mean = tuple(first.tolist())
                deviation = np.sqrt(np.maximum(second - first**2, 0))
                std = tuple(np.maximum(deviation, _LEAST_DEVIATION).tolist())
        return cls(height, width, 255.0, mean, std, dataset.class_names, dataset.reading)

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        if images.dtype != np.uint8:
            raise OperandError(f"preprocessing: images must be uint8, 0..255, not {images.dtype}")
        if images.shape[1:] != (self.height, self.width):
            raise ShapeError(
                f"preprocessing: the network takes images (n, {self.height}, {self.width}), not {images.shape}"
            )
        rows = images.reshape(len(images), self.height * self.width)
        values: npt.NDArray[np.float32] = np.divide(rows, np.float32(self.scale), dtype=np.float32)
        if self.mean != 0:
            values -= np.asarray(self.mean, np.float32)
        if self.std != 1:
            values /= np.asarray(self.std, np.float32)
        return values

    def read(self, path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
        """The picture in a file as an image of the network's size, uint8 (height, width), as its training images were.

        Raises MissingDataError if there is no such file, DataError if it cannot be read.
        """
        return READINGS[self.reading](path, (self.height, self.width))

    def to_dict(self) -> dict[str, Any]:
        """Numbers, text and lists of them, for a checkpoint."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `to_dict` was called on. Raises CheckpointError if it does not describe a preprocessing."""
        try:
            return cls(**values)
        except (SettingError, TypeError) as error:
            raise CheckpointError(f"the checkpoint's preprocessing cannot be used: {error}") from error


def _moments(images: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean, and mean square, of each pixel over the images, scaled to 0..1: float64 (height * width,). Exact sums."""
    rows = images.reshape(len(images), -1)
    first, second = np.zeros(rows.shape[1], np.int64), np.zeros(rows.shape[1], np.int64)
    for start in range(0, len(rows), _PIECE):
        values = rows[start : start + _PIECE].astype(np.uint32)
        first += values.sum(axis=0, dtype=np.int64)
        values *= values
        second += values.sum(axis=0, dtype=np.int64)
    return first / (len(rows) * 255), second / (len(rows) * 255**2)
