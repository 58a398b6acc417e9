"""Training images moved, turned, stretched and bent at random: more examples from the same ones.

Every distortion is a displacement of the points that an image is read at. They are added up, and each image is sampled
once, bilinearly, so that five distortions blur no more than one. What lies outside an image is black.

Elastic distortion: P. Simard, D. Steinkraus, J. Platt, *Best practices for convolutional neural networks applied to
visual document analysis*, ICDAR 2003: a displacement drawn in -1..1 for each pixel and direction, smoothed by a
Gaussian of `sigma` pixels, times `alpha`. Their values for MNIST are alpha 34 and sigma 4.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..errors import OperandError, SettingError, ShapeError

Floats = npt.NDArray[np.float32]

_PIXELS = 25_000  # sampled at once: few enough for the processor's cache
_LARGEST = 1 << 23  # of an image's pixels: up to there, float32 can count those of a framed page
_LIMITS = {
    "shift": (0, 1000, "pixels"),
    "rotation": (0, 180, "degrees"),
    "scale": (0, 0.99, "a fraction of the size"),
    "shear": (0, 10, "a fraction of the height"),
    "alpha": (0, 10_000, "pixels, before smoothing"),
    "sigma": (0.1, 1000, "pixels"),
}
_FORM = 'shift=PIXELS, rotation=DEGREES, scale=FRACTION, shear=FRACTION, elastic=ALPHA:SIGMA, with commas, or "none"'


@dataclass(frozen=True)
class Augmentation:
    """How far images are distorted at most; each image draws its own amounts, uniformly, to either side.

    shift      pixels, along each axis
    rotation   degrees
    scale      fraction of the size, for each axis by itself: 0.1 draws factors of 0.9 to 1.1
    shear      fraction of the height that the top moves sideways against the bottom: slant
    alpha      strength of the elastic distortion, 0 for none; see the module
    sigma      its smoothness in pixels: a small one crumples, a large one shifts

    Calling it takes uint8 or float images (n, height, width) and a generator, and returns distorted ones of the same
    shape and dtype. The same generator state gives the same images, in batches of the same sizes.

    >>> augment = Augmentation(shift=2, rotation=10, alpha=34)
    >>> images = np.full((5, 28, 28), 200, np.uint8)
    >>> augment(images, np.random.default_rng(0)).shape
    (5, 28, 28)
    >>> str(augment)
    'shift=2,rotation=10,elastic=34:4'

    Raises SettingError for an amount out of range.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    alpha: float = 0.0
    sigma: float = 4.0

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _LIMITS.items():
            value = getattr(self, name)
            real = isinstance(value, int | float) and not isinstance(value, bool)
            if not real or not math.isfinite(value) or not low <= value <= high:
                raise SettingError(f"augmentation: {name} must be in {low}..{high} ({unit}), got {value!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The augmentation that `str()` of it says, such as "shift=2,rotation=10,elastic=34:4", or "none".

        sigma may be left out: "elastic=34". Raises SettingError for any other text.

        >>> Augmentation.parse("rotation=15, scale=0.15")
        Augmentation(shift=0.0, rotation=15.0, scale=0.15, shear=0.0, alpha=0.0, sigma=4.0)
        """
        amounts: dict[str, float] = {}
        for item in [] if text.strip() == "none" else text.split(","):
            name, _, value = (part.strip() for part in item.partition("="))
            names = ["alpha", "sigma"] if name == "elastic" else [name]
            values = value.split(":") if name == "elastic" else [value]
            known = name == "elastic" or (name in _LIMITS and name not in ("alpha", "sigma"))
            if not known or len(values) > len(names):
                raise SettingError(f"augmentation: cannot read {item.strip()!r}; give {_FORM}")
            if names[0] in amounts:
                raise SettingError(f"augmentation: {name} is given twice in {text!r}")
            try:
                amounts.update(zip(names, map(float, values), strict=False))
            except ValueError as error:
                raise SettingError(f"augmentation: {value!r} is no number in {item.strip()!r}; give {_FORM}") from error
        return cls(**amounts)

    def __str__(self) -> str:
        words = [
            f"{name}={value:g}" for name in ("shift", "rotation", "scale", "shear") if (value := getattr(self, name))
        ]
        words += [f"elastic={self.alpha:g}:{self.sigma:g}"] * bool(self.alpha)
        return ",".join(words) or "none"

    def __bool__(self) -> bool:
        """Whether it distorts at all."""
        return any(getattr(self, field.name) for field in fields(self) if field.name != "sigma")

    def __call__(self, images: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
        if images.dtype != np.uint8 and images.dtype.kind != "f":
            raise OperandError(f"augmentation: images must be uint8 or float, not {images.dtype}")
        if images.ndim != 3:
            raise ShapeError(f"augmentation: images must be (n, height, width), not {images.shape}")
        if math.prod(images.shape[1:]) > _LARGEST:
            raise ShapeError(f"augmentation: an image may have {_LARGEST} pixels, not {images.shape[1:]}")
        if not self or not images.size:
            return images
        result = np.empty_like(images)
        matrices = self._affine(images.shape, rng)
        sampler = _Sampler(images.shape, self)
        for start in range(0, len(images), sampler.together):
            part = slice(start, start + sampler.together)
            sampler.sample(images[part], matrices[part], rng, result[part])
        return result

    def _affine(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """From a point of the result, (row, column, 1) about the centre, to the image's own: float32 (n, 2, 3)."""
        n, height, width = shape

        def draw(most: float, *more: int) -> npt.NDArray[np.float64]:
            return rng.uniform(-most, most, (n, *more))

        angle, slant = np.deg2rad(draw(self.rotation)), draw(self.shear)
        tall, wide = 1 / (1 + draw(self.scale, 2)).T
        shift = draw(self.shift, 2, 1)
        cos, sin = np.cos(angle), np.sin(angle)
        # An image is stretched, slanted, turned and shifted, so from the result back it is the other way round.
        row, column = np.array([cos, -sin]), np.array([sin, cos])
        linear = np.array([tall * row, wide * (column + slant * row)]).transpose(2, 0, 1)
        centre = np.array([[(height - 1) / 2], [(width - 1) / 2]])
        return np.concatenate([linear, linear @ shift + centre], axis=2).astype(np.float32)


class _Sampler:
    """Reads images at displaced points, some images at a time and in the same memory each time.

    New memory for each intermediate result would take three times as long: the system hands it out page by page.
    """

    def __init__(self, shape: tuple[int, ...], augmentation: Augmentation) -> None:
        n, height, width = shape
        self.together = n = min(n, max(1, _PIXELS // (height * width)))
        self.kernels: tuple[Floats, Floats] | None = None
        if augmentation.alpha:
            along_rows, along_columns = (_gaussian(size, augmentation.sigma) for size in (width, height))
            self.kernels = along_rows, np.float32(augmentation.alpha) * along_columns
            self.noise = np.empty((2 * n, height, width), np.float32)
            self.blurred = np.empty((2 * n, height, width), np.float32)
            self.upright = np.empty((2 * n, width, height), np.float32)
        y, x = np.indices((height, width), np.float32).reshape(2, -1)
        self.grid = np.stack([y - np.float32((height - 1) / 2), x - np.float32((width - 1) / 2), np.ones_like(x)])
        self.points = np.empty((2, n, height * width), np.float32)
        self.whole = np.empty_like(self.points)
        self.at = np.empty((n, height * width), np.intp)
        self.values = np.empty_like(self.points)
        # A black frame, one pixel before and two after, so that a point that was moved onto it has all four neighbours.
        self.page = np.zeros((n, height + 3, width + 3), np.float32)
        self.pages = np.arange(0, self.page.size, self.page[0].size)[:, None]

    def sample(
        self, images: npt.NDArray[Any], matrices: Floats, rng: np.random.Generator, out: npt.NDArray[Any]
    ) -> None:
        """Write the distorted images (n, height, width), for n up to `together`, to `out`."""
        n, height, width = images.shape
        points = self.points[:, :n]
        np.matmul(matrices.transpose(1, 0, 2), self.grid, out=points)
        if self.kernels is not None:
            points += self._displacements(n, rng).reshape(points.shape)
        page = self.page[:n]
        page[:, 1 : height + 1, 1 : width + 1] = images
        points += np.float32(1)
        y, x = points
        np.clip(y, 0, height + 1, out=y)
        np.clip(x, 0, width + 1, out=x)
        whole = np.floor(points, out=self.whole[:, :n])
        points -= whole
        at, line = self.at[:n], width + 3
        whole[0] *= np.float32(line)
        whole[0] += whole[1]
        np.copyto(at, whole[0], casting="unsafe")  # exact, as a page has fewer than 2^24 pixels
        at += self.pages[:n]
        upper, lower = whole
        self._across(at, x, upper)
        at += line - 1
        self._across(at, x, lower)
        lower -= upper
        lower *= y
        lower += upper
        if out.dtype == np.uint8:
            lower += np.float32(0.5)  # the conversion cuts; bilinear values never leave 0..255
        out[...] = lower.reshape(images.shape)

    def _across(self, at: npt.NDArray[np.intp], x: Floats, out: Floats) -> None:
        """Between the pixel `at` and the next one, which `at` is moved on to, the share x of the way."""
        values, right = self.page.reshape(-1), self.values[0, : len(at)]
        values.take(at, out=out, mode="clip")  # nothing to clip, but this mode needs no copy of `out`
        at += 1
        values.take(at, out=right, mode="clip")
        right -= out
        right *= x
        out += right

    def _displacements(self, n: int, rng: np.random.Generator) -> Floats:
        """Smoothed noise, times alpha: float32 (2 n, height, width)."""
        assert self.kernels is not None
        along_rows, along_columns = self.kernels
        noise, blurred, upright = self.noise[: 2 * n], self.blurred[: 2 * n], self.upright[: 2 * n]
        rng.random(dtype=np.float32, out=noise)
        noise *= np.float32(2)
        noise -= np.float32(1)
        height, width = noise.shape[1:]
        np.matmul(noise.reshape(-1, width), along_rows, out=blurred.reshape(-1, width))
        np.copyto(upright, blurred.swapaxes(1, 2))
        turned = noise.reshape(upright.shape)  # its memory serves again
        np.matmul(upright.reshape(-1, height), along_columns, out=turned.reshape(-1, height))
        np.copyto(blurred, turned.swapaxes(1, 2))
        return blurred


def _gaussian(size: int, sigma: float) -> Floats:
    """Blurs rows of `size` pixels when multiplied from the right, with nothing beyond the border: (size, size)."""
    reach = np.arange(-int(6 * sigma) - 1, int(6 * sigma) + 2)
    offset = np.arange(size)[:, None] - np.arange(size)
    kernel: npt.NDArray[np.float64] = np.exp(-0.5 * (offset / sigma) ** 2) / np.exp(-0.5 * (reach / sigma) ** 2).sum()
    return kernel.astype(np.float32)
