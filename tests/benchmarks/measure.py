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
quick = False  # whether to do little work in a turn, only to see that it runs
Contestant = Callable[[], tuple[Run, int]]  # sets up; returns what is timed and how many units of work it does
LIBRARIES = ("numpy", "torch", "jax", "autograd", "mygrad", "micrograd", "casadi", "torchviz")


def seconds(run: Run) -> float:
    """How long it takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def result(run: Run) -> float:
    """What it gives."""
    return float(run())  # type: ignore[arg-type]


class Benchmark(NamedTuple):
    """A piece of work and who does it: functions that set it up, ours under `OURS`, by name."""

    what: str
    unit: str
    scale: float  # from seconds per unit of work to `unit`
    contestants: Mapping[str, Contestant]
    measure: Callable[[Run], float] = seconds


def alternate(benchmark: Benchmark, rounds: int) -> tuple[dict[str, float], list[str]]:
    """The median per unit of work of each contestant, and the names of those that are not installed."""
    runs: dict[str, tuple[Run, int]] = {}
    missing = []
    for name, set_up in benchmark.contestants.items():
        try:
            runs[name] = set_up()
        except ModuleNotFoundError:
            missing.append(name)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for run, _ in [] if quick else runs.values():
        run()  # the first time, things are imported and compiled
    for _ in range(rounds):
        for name, (run, units) in runs.items():
            gc.collect()  # nobody pays for what another has left behind
            found[name].append(benchmark.measure(run) / units)
    return {name: statistics.median(values) for name, values in found.items()}, missing


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
