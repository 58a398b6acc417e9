"""How long it takes until something is there: a fresh Python that imports, and the command's help."""

import subprocess
import sys

from measure import OURS, Benchmark, Contestant


def process(*arguments: str) -> Contestant:
    command = [sys.executable, *arguments]
    return lambda: (lambda: subprocess.run(command, capture_output=True, check=True), 1)


def importing(module: str) -> Contestant:
    return process("-c", f"import {module}")


BENCHMARKS = {
    "import": Benchmark(
        "a fresh Python that imports",
        "ms",
        1e3,
        {OURS: importing("autodiff"), "numpy": importing("numpy"), "nothing": process("-c", "")},
    ),
    "help": Benchmark(
        "the command's help",
        "s",
        1,
        {OURS: process("-m", "cli", "--help"), "nothing": process("-c", "")},
    ),
}
