"""How long something takes."""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any


def median_seconds(work: Callable[[], Any], repeats: int) -> float:
    """The median of several times, in seconds."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)
