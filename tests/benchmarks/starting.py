"""How long it takes until something is there: a fresh Python that imports, and the command's help."""

import subprocess
import sys

from measure import OURS, Benchmark, Contestant, result


def process(*arguments: str) -> Contestant:
    command = [sys.executable, *arguments]
    return lambda: (lambda: subprocess.run(command, capture_output=True, check=True), 1)


def importing(module: str, before: str = "time") -> Contestant:
    """The seconds that a fresh Python says an import took it, after that of another module."""
    code = f"import time, {before}; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    command = [sys.executable, "-c", code]
    return lambda: (lambda: float(subprocess.run(command, capture_output=True, check=True).stdout), 1)


BENCHMARKS = {
    "import": Benchmark(
        "an import by a fresh Python, ours after that of numpy",
        "ms",
        1e3,
        {OURS: importing("autodiff", "numpy"), "numpy": importing("numpy")},
        result,
    ),
    "help": Benchmark(
        "the command's help",
        "s",
        1,
        {OURS: process("-m", "cli", "--help"), "nothing": process("-c", "")},
    ),
}
