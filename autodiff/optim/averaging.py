"""A moving average of weights: what a network is evaluated with, where the last steps of training are noisy."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..effects import effect
from ..errors import CheckpointError, SettingError
from ..tensor import Tensor


class ExponentialMovingAverage:
    """An average a ← decay · a + (1 − decay) · p of every parameter, updated after each step.

    The average begins at the first update's weights and uses min(decay, (1 + t) / (10 + t)) in update t, so that it is
    of use from the start. Source: Polyak & Juditsky 1992 (averaging); Tarvainen & Valpola 2017 (its moving form).

    >>> p = Tensor([1.0])
    >>> average = ExponentialMovingAverage([p], decay=0.5)
    >>> average.update()
    >>> p.data[:] = 3.0
    >>> average.update()
    >>> with average.applied():
    ...     p.data.round(3)
    array([2.636])
    >>> p.data
    array([3.])

    Raises SettingError unless 0 ≤ decay < 1.
    """

    def __init__(self, params: Iterable[Tensor], decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise SettingError(f"ExponentialMovingAverage: decay must be in [0, 1), got {decay}")
        self.params, self.decay = list(params), float(decay)
        self.average = [parameter.data.copy() for parameter in self.params]
        self.t = 0

    @effect
    def update(self) -> None:
        """Take the weights as they are now into the average."""
        decay = min(self.decay, (1 + self.t) / (10 + self.t)) if self.t else 0.0
        self.t += 1
        for average, parameter in zip(self.average, self.params, strict=True):
            average *= decay
            average += (1 - decay) * parameter.data

    def restart(self) -> None:
        """Let the average be the weights as they are now, whatever they were; the next update counts as the first."""
        self.t = 0
        for average, parameter in zip(self.average, self.params, strict=True):
            average[...] = parameter.data

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the parameters hold the average; afterwards what they held before."""
        before = [parameter.data.copy() for parameter in self.params]
        try:
            self._fill(self.average)
            yield
        finally:
            self._fill(before)

    def _fill(self, arrays: list[np.ndarray]) -> None:
        for parameter, array in zip(self.params, arrays, strict=True):
            parameter.data[...] = array

    def state_dict(self) -> dict[str, Any]:
        """Plain data: how many updates there were, and a copy of each average."""
        return {"t": self.t, "decay": self.decay, "average": [average.copy() for average in self.average]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Raises CheckpointError if it is of parameters of other shapes."""
        try:
            t, decay, averages = int(state["t"]), float(state["decay"]), list(state["average"])
            found = [np.shape(average) for average in averages]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"moving average: not a state that state_dict() gave ({error!r})") from error
        expected = [average.shape for average in self.average]
        if found != expected:
            raise CheckpointError(f"moving average: expects parameters of shapes {expected}, found {found}")
        self.t, self.decay = t, decay
        for own, other in zip(self.average, averages, strict=True):
            own[...] = other
