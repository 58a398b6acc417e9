"""Timing that survives a noisy machine: contestants take turns, and the median of each counts."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import NamedTuple

OURS = "chainlens"
Run = Callable[[], object]
Contestant = Callable[[], tuple[Run, int]]  # sets up; returns what is timed and how many units of work it does
LIBRARIES = ("numpy", "torch", "jax", "autograd", "mygrad", "micrograd")


class Benchmark(NamedTuple):
    """A piece of work and who does it: functions that set it up, ours under `OURS`, by name."""

    what: str
    unit: str
    scale: float  # from seconds per unit of work to `unit`
    contestants: Mapping[str, Contestant]


def alternate(contestants: Mapping[str, Contestant], rounds: int) -> tuple[dict[str, float], list[str]]:
    """Median seconds per unit of work of each contestant, and the names of those that are not installed."""
    runs: dict[str, tuple[Run, int]] = {}
    missing = []
    for name, set_up in contestants.items():
        try:
            runs[name] = set_up()
        except ModuleNotFoundError:
            missing.append(name)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run, _ in runs.values():
        run()  # the first time, things are imported and compiled
    gc.collect()
    for _ in range(rounds):
        for name, (run, units) in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - start) / units)
    return {name: statistics.median(times) for name, times in seconds.items()}, missing


def machine() -> str:
    """The machine, the versions and the threads that the figures hold for."""
    versions = [f"Python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            continue
    threads = os.environ.get("OMP_NUM_THREADS", "not limited")
    return f"{platform.machine()}, {os.cpu_count()} cores, threads {threads}\n{', '.join(versions)}"
