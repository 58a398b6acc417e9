"""Normalisation layers: numbers brought to mean 0 and variance 1, then scaled and shifted by what is learned."""

from typing import Any

import numpy as np

from .. import ops
from ..effects import kept, note
from ..errors import SettingError, ShapeError
from ..ops.plain_data import plain
from .module import Module, Parameter


class LayerNorm(Module):
    """(x − mean) / √(variance + eps) · gain + bias over the last axis, for each example. `x: (..., n) → the same`.

    Source: Ba, Kiros & Hinton 2016, "Layer normalization", equation 4. The variance divides by n.

    >>> layer = LayerNorm(4)
    >>> layer(np.array([1.0, 2.0, 3.0, 4.0], dtype=np.float32)).data.round(3)
    array([-1.342, -0.447,  0.447,  1.342], dtype=float32)

    Raises SettingError for a size below 1 or an eps that is not positive. A call raises ShapeError if x's last axis is
    not n.
    """

    def __init__(self, n: int, *, eps: float = 1e-5, dtype: Any = np.float32) -> None:
        self.n, self.eps = _checked("LayerNorm", n, eps)
        self.weight = Parameter(np.ones(self.n, dtype), name="gain")
        self.bias = Parameter(np.zeros(self.n, dtype), name="b")

    def forward(self, x: Any) -> Any:
        _check_last("LayerNorm", x, self.n)
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        return centred / ops.sqrt(variance + self.eps) * self.weight + self.bias

    def __repr__(self) -> str:
        return f"LayerNorm({self.n})"


class BatchNorm1d(Module):
    """(x − mean) / √(variance + eps) · gain + bias, for each column. `x: (batch, n) → the same`.

    In training mode mean and variance are those of the batch, and running averages of them are kept, the variance's
    with n − 1 below; in evaluation mode the running averages are used. They are part of `state_dict()`.

    momentum  how much of the running averages a batch replaces

    Source: Ioffe & Szegedy 2015, "Batch normalization", algorithms 1 and 2.

    >>> layer = BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]], dtype=np.float32)).data.ravel().round(3)
    array([-1.,  1.], dtype=float32)
    >>> layer.running_mean, layer.running_variance
    (array([0.2], dtype=float32), array([1.1], dtype=float32))

    Raises SettingError for a size below 1, an eps that is not positive, or a momentum outside 0..1. A call raises
    ShapeError if x is no batch of n columns, or a training batch of one.
    """

    least_batch = 2  # of one example there is no variance

    def __init__(self, n: int, *, eps: float = 1e-5, momentum: float = 0.1, dtype: Any = np.float32) -> None:
        self.n, self.eps = _checked("BatchNorm1d", n, eps)
        if not 0 <= momentum <= 1:
            raise SettingError(f"BatchNorm1d: momentum must be in 0..1, got {momentum}")
        self.momentum = float(momentum)
        self.weight = Parameter(np.ones(self.n, dtype), name="gain")
        self.bias = Parameter(np.zeros(self.n, dtype), name="b")
        self.running_mean = np.zeros(self.n, dtype)
        self.running_variance = np.ones(self.n, dtype)

    def forward(self, x: Any) -> Any:
        _check_last("BatchNorm1d", x, self.n)
        if np.ndim(x) != 2:
            raise ShapeError(f"BatchNorm1d: takes a batch of shape (batch, {self.n}), got {np.shape(x)}")
        if not self.training:
            mean, variance = kept(self, "running_mean"), kept(self, "running_variance")
            scale = self.weight / np.sqrt(variance + np.float32(self.eps))
            return (x - mean) * scale + self.bias
        count = np.shape(x)[0]
        if count < self.least_batch:
            raise ShapeError("BatchNorm1d: a training batch needs at least two examples; call eval() to use one")
        mean = ops.mean(x, axis=0)
        centred = x - mean
        variance = ops.mean(ops.square(centred), axis=0)
        self._remember(plain(mean), plain(variance), count)
        return centred / ops.sqrt(variance + self.eps) * self.weight + self.bias

    @note
    def _remember(self, mean: Any, variance: Any, count: int) -> None:
        keep = 1 - self.momentum
        # New arrays: an operation of an earlier call may have recorded the old ones.
        dtype = self.running_mean.dtype
        self.running_mean = (keep * self.running_mean + self.momentum * mean).astype(dtype)
        unbiased = variance * (count / (count - 1))
        self.running_variance = (keep * self.running_variance + self.momentum * unbiased).astype(dtype)

    def __repr__(self) -> str:
        return f"BatchNorm1d({self.n})"


def _checked(kind: str, n: int, eps: float) -> tuple[int, float]:
    if not isinstance(n, int | np.integer) or n < 1:
        raise SettingError(f"{kind}: the size must be a whole number of at least 1, got {n!r}")
    if not eps > 0:
        raise SettingError(f"{kind}: eps must be above 0, got {eps}")
    return int(n), float(eps)


def _check_last(kind: str, x: Any, n: int) -> None:
    if np.shape(x)[-1:] != (n,):
        raise ShapeError(f"{kind}: takes {n} numbers on the last axis, got shape {np.shape(x)}")


NORMALISATIONS: dict[str, type[LayerNorm] | type[BatchNorm1d]] = {"layer": LayerNorm, "batch": BatchNorm1d}
