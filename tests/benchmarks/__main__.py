"""Measure this project against its peers: `python tests/benchmarks [NAME ...]`.

Every row is timed alternately with all its peers in one process, and reported as the median of several rounds and as a
ratio to each peer. Peers come with `pip install -e '.[bench]'`; one that is not installed is left out, and named.
Several benchmarks run one after the other, each in a process of its own: the heap of one would burden the next.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import drawing
import epochs
import measure
import memory
import moons
import overhead
import starting
import steps
from rich.console import Console
from rich.table import Table

MODULES = (overhead, moons, steps, epochs, memory, starting, drawing)
BENCHMARKS = {name: benchmark for module in MODULES for name, benchmark in module.BENCHMARKS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="Measure this project and its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    parser.add_argument("--quick", action="store_true", help="little work in a turn, only to see that it runs")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}; choose from {', '.join(BENCHMARKS)}")
    names = options.names or list(BENCHMARKS)
    if len(names) == 1:
        measure.quick = options.quick
        report(names[0], options.rounds)
        return
    print(measure.machine())
    more = ["--quick"] if options.quick else []
    for name in names:
        command = [sys.executable, str(Path(__file__).parent), name, "--rounds", str(options.rounds), *more]
        subprocess.run(command, check=True)


def report(name: str, rounds: int) -> None:
    """Print the table of one benchmark."""
    benchmark = BENCHMARKS[name]
    medians, missing = measure.alternate(benchmark, rounds)
    table = Table("", benchmark.unit, "ours / theirs", title=f"{name}: {benchmark.what}", title_justify="left")
    for peer, median in medians.items():
        ratio = "" if peer == measure.OURS else f"{medians[measure.OURS] / median:.3g}"
        table.add_row(peer, f"{median * benchmark.scale:.3g}", ratio)
    console = Console()
    console.print(table)
    if missing:
        console.print(f"not installed: {', '.join(missing)}", highlight=False)


if __name__ == "__main__":
    main()
