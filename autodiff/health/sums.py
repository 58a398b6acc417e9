"""Figures of arrays that come one after the other, in memory that does not grow with their number."""

import math
from typing import Any

import numpy as np

from .figures import BINS_PER_DECADE, LEVELS, Magnitudes, Moments

FINE = 32  # bins per decade that quantiles are read from; a multiple of BINS_PER_DECADE
LOW, HIGH = -324, 309  # the decades that float64 spans, subnormal numbers included


class MomentSums:
    """Mean and variance, added up so that nothing cancels. Source: Chan, Golub & LeVeque 1983, equations 1.5.

    >>> sums = MomentSums()
    >>> sums.add(np.array([1.0, 2.0])); sums.add(np.array([6.0, np.nan]))
    >>> sums.result()
    Moments(count=4, mean=3.0, std=2.160246899469287, non_finite=1)
    """

    def __init__(self) -> None:
        self.count = self.finite = 0
        self.mean = self.squares = 0.0  # squares: of the deviations from the mean

    def add(self, array: Any) -> None:
        """Take an array into account."""
        values = np.asarray(array, dtype=np.float64).ravel()
        self.count += values.size
        values = values[np.isfinite(values)]
        n = values.size
        if n:
            mean = float(values.mean())
            gap, total = mean - self.mean, self.finite + n
            self.squares += float(np.square(values - mean).sum()) + gap * gap * (self.finite * n / total)
            self.mean += gap * (n / total)
            self.finite = total

    def result(self) -> Moments:
        """The figures so far."""
        if not self.finite:
            return Moments(self.count, math.nan, math.nan, self.count)
        return Moments(self.count, self.mean, math.sqrt(self.squares / self.finite), self.count - self.finite)


class MagnitudeSums:
    """The distribution of log10 |x|, kept as a histogram over all that float64 can hold.

    >>> sums = MagnitudeSums()
    >>> sums.add(np.array([0.0, 1e-3, -1e-3, 20.0]))
    >>> sums.result().zeros, round(sums.result().median), sum(sums.result().counts)
    (1, -3, 3)
    """

    def __init__(self) -> None:
        self.bins = np.zeros((HIGH - LOW) * FINE, dtype=np.int64)
        self.count = self.finite = self.zeros = 0
        self.squares = 0.0

    def add(self, array: Any) -> None:
        """Take an array into account."""
        values = np.abs(np.asarray(array, dtype=np.float64)).ravel()
        self.count += values.size
        if not math.isfinite(float(values.sum())):  # else every one is finite: the usual case costs one pass
            values = values[np.isfinite(values)]
        self.finite += values.size
        self.squares += float(values @ values)
        finite, values = values.size, values[values > 0]
        self.zeros += finite - values.size
        places = ((np.log10(values) - LOW) * FINE).astype(np.int64)
        self.bins += np.bincount(places, minlength=self.bins.size)

    @property
    def rms(self) -> float:
        """Root mean square of the finite numbers; NaN if there are none."""
        return math.sqrt(self.squares / self.finite) if self.finite else math.nan

    def result(self) -> Magnitudes:
        """The figures so far."""
        coarse = self.bins.reshape(-1, FINE // BINS_PER_DECADE).sum(axis=1)
        filled = np.flatnonzero(coarse)
        first, last = (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, 0)
        return Magnitudes(
            self.count,
            self.zeros,
            self.count - self.finite,
            self.rms,
            self._quantiles(),
            LOW + first / BINS_PER_DECADE,
            tuple(coarse[first:last].tolist()),
        )

    def _quantiles(self) -> tuple[float, ...]:
        """Read off the cumulated histogram, as if numbers were spread evenly within a bin."""
        total = np.concatenate([[0], np.cumsum(self.bins)])
        if not total[-1]:
            return ()
        found = []
        for level in np.array(LEVELS) * total[-1]:
            place = int(np.searchsorted(total, level, side="left"))  # total[place - 1] < level <= total[place]
            inside = (level - total[place - 1]) / (total[place] - total[place - 1])
            found.append(float(LOW + (place - 1 + inside) / FINE))
        return tuple(found)


class UnitSums:
    """Which rectified units were ever on, and ever off."""

    def __init__(self) -> None:
        self.on: Any = False
        self.off: Any = False

    def add(self, on: Any) -> None:
        """Take into account which are on. `on: bool (examples, units)`"""
        self.on = self.on | on.any(axis=0)
        self.off = self.off | ~on.all(axis=0)

    def dead(self) -> float:
        """The share of units that were never on."""
        return float(np.mean(~self.on))

    def always_on(self) -> float:
        """The share of units that were never off."""
        return float(np.mean(~self.off))
