"""What happens to gradients before an update of the weights, and to the weights after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np

from .errors import SettingError
from .nn import Module
from .optim import ExponentialMovingAverage, Optimizer, clip_grad_norm, clip_grad_value, max_norm
from .tensor import Tensor


@dataclass(frozen=True)
class Updates:
    """What happens to gradients before an update, and to weights after it. 0 leaves a thing out.

    accumulate  a batch is computed in so many parts, whose gradients are added up: for batches that memory cannot hold
    clip_norm   the most that the norm of all gradients together may be, see `optim.clip_grad_norm`
    clip_value  the most that a number of a gradient may be, see `optim.clip_grad_value`
    max_norm    the most that the norm of the weights into a unit may be, see `optim.max_norm`
    average     decay of an exponential moving average of the weights, which is what is measured and kept

    Raises SettingError for a value out of range.
    """

    accumulate: int = 1
    clip_norm: float = 0.0
    clip_value: float = 0.0
    max_norm: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.accumulate, int) or self.accumulate < 1:
            raise SettingError(f"accumulate must be a whole number of at least 1, got {self.accumulate!r}")
        for name in ("clip_norm", "clip_value", "max_norm"):
            if not (getattr(self, name) >= 0 and isfinite(getattr(self, name))):
                raise SettingError(f"{name} must be finite and at least 0, got {getattr(self, name)}")
        if not 0 <= self.average < 1:
            raise SettingError(f"average is a decay and must be in [0, 1), got {self.average}")

    def parts(self, examples: int) -> list[slice]:
        """Where in a batch the parts are that it is computed in: of equal length, or the first ones longer by one.

        >>> Updates(accumulate=3).parts(8)
        [slice(0, 3, None), slice(3, 6, None), slice(6, 8, None)]
        """
        count = min(self.accumulate, examples)
        length, longer = divmod(examples, count)
        return [slice(*ends) for ends in pairwise(i * length + min(i, longer) for i in range(count + 1))]

    def check_batches(self, model: Module, examples: int, batch_size: int) -> None:
        """Raises SettingError if so many examples come in parts that are too small for a layer of the model."""
        needed = max(module.least_batch for _, module in model.named_modules())
        sizes = {min(examples, batch_size), examples % batch_size or batch_size}
        least = min(part.stop - part.start for size in sizes for part in self.parts(size))
        if least < needed:
            parts = f", each in {self.accumulate} parts," if self.accumulate > 1 else ""
            raise SettingError(
                f"batch: {examples:,} examples in batches of {batch_size}{parts} leave a part of {least}, "
                f"and a layer needs {needed} for its mean and variance; choose another batch size"
            )

    def apply(
        self, optimizer: Optimizer, weights: Sequence[Tensor], average: ExponentialMovingAverage | None, *, ratio: bool
    ) -> float | None:
        """Clip, step, constrain, average; returns ‖change‖ / ‖weights‖ over all weights if `ratio` asks for it."""
        if self.clip_value:
            clip_grad_value(optimizer.params, self.clip_value)
        if self.clip_norm:
            clip_grad_norm(optimizer.params, self.clip_norm)
        before = [weight.data.copy() for weight in weights] if ratio else []
        optimizer.step()
        if self.max_norm:
            max_norm(weights, self.max_norm)
        if average:
            average.update()
        return _ratio(before, [weight.data for weight in weights]) if ratio else None


def _ratio(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """‖after − before‖ / ‖before‖. The memory of `before` is used up."""
    size = sum(float(np.vdot(w, w)) for w in before)
    changes = (np.subtract(b, a, out=a) for a, b in zip(before, after, strict=True))
    change = sum(float(np.vdot(d, d)) for d in changes)
    return float(np.sqrt(change / size)) if size else float("nan")
