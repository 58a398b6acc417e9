"""Schedules: from the part of training that is done, in 0..1, to a factor for the learning rate."""

from collections.abc import Callable
from math import cos, pi

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


SCHEDULES: dict[str, Schedule] = {"constant": constant, "linear": linear, "cosine": cosine, "cooldown": cooldown}
