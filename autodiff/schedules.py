"""Schedules: from the part of training that is done, in 0..1, to a factor for the learning rate."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, pi

from .errors import SettingError

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


def linear(progress: float) -> float:
    """From 1 down to 0 in a straight line."""
    return 1 - progress


def cosine(progress: float) -> float:
    """From 1 down to 0 along half a cosine. Source: Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts.

    >>> [round(cosine(progress), 3) for progress in (0, 0.25, 0.5, 1)]
    [1.0, 0.854, 0.5, 0.0]
    """
    return (1 + cos(pi * progress)) / 2


def cooldown(progress: float) -> float:
    """1 for seven tenths of the run, then down to 0 in a straight line.

    Source: Hägele et al. 2024, "Scaling laws and compute-optimal training beyond fixed training durations".

    >>> [round(cooldown(progress), 3) for progress in (0, 0.7, 0.85, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return min(1.0, (1 - progress) / 0.3)


def step(progress: float) -> float:
    """1, after half of the run 1/10, after three quarters 1/100. Source: He, Zhang, Ren & Sun 2016, section 4.2.

    >>> [round(step(progress), 3) for progress in (0, 0.49, 0.5, 0.75)]
    [1.0, 1.0, 0.1, 0.01]
    """
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def one_cycle(progress: float) -> float:
    """From 1/25 up to 1 in three tenths of the run, then down to 1/250,000, along half a cosine each.

    Source: Smith & Topin 2018, "Super-convergence", with the numbers of the fastai library.

    >>> [round(one_cycle(progress), 3) for progress in (0, 0.15, 0.3, 0.65, 1)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    low, least, rise = 1 / 25, 1 / 250_000, 0.3
    if progress < rise:
        return low + (1 - low) * (1 - cosine(progress / rise))
    return least + (1 - least) * cosine((progress - rise) / (1 - rise))


def warmed_up(schedule: Schedule, share: float) -> Schedule:
    """The schedule, whose first `share` of the run is a straight line from 0 to its beginning, then all of it.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2.

    >>> warm = warmed_up(linear, 0.2)
    >>> [round(warm(progress), 3) for progress in (0, 0.1, 0.2, 0.6, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]

    Raises SettingError unless 0 ≤ share < 1.
    """
    if not 0 <= share < 1:
        raise SettingError(f"warmup: is a part of the run, in [0, 1), got {share}")
    if not share:
        return schedule

    def warm(progress: float) -> float:
        if progress < share:
            return schedule(0.0) * progress / share
        return schedule((progress - share) / (1 - share))

    return warm


@dataclass
class Plateau:
    """A factor for the learning rate that falls when the validation loss no longer does.

    factor    what it is multiplied by when `patience` epochs in a row brought no loss below the best so far
    patience  epochs
    least     it falls no lower

    >>> plateau = Plateau(factor=0.5, patience=2)
    >>> [plateau.update(loss) for loss in (1.0, 0.9, 0.95, 0.91, 0.8)]
    [1.0, 1.0, 1.0, 0.5, 0.5]

    Raises SettingError unless 0 < factor < 1 and patience is at least 1.
    """

    factor: float = 0.5
    patience: int = 3
    least: float = 1e-4
    scale: float = 1.0
    best: float = inf
    waited: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.factor < 1 and self.patience >= 1):
            raise SettingError(
                f"Plateau: factor must be in (0, 1) and patience at least 1, got {self.factor} and {self.patience}"
            )

    def update(self, loss: float) -> float:
        """Take in the validation loss of an epoch; returns the factor for the next one."""
        if loss < self.best:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = max(self.scale * self.factor, self.least), 0
        return self.scale


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "cooldown": cooldown,
    "step": step,
    "one_cycle": one_cycle,
}
