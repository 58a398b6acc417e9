"""Measure this project against its peers: `python tests/benchmarks [NAME ...]`.

Every row is timed alternately with all its peers in one process, and reported as the median of several rounds and as a
ratio to each peer. Peers come with `pip install -e '.[bench]'`; one that is not installed is left out, and named.
"""

import argparse

import measure
import overhead
import steps
from rich.console import Console
from rich.table import Table

BENCHMARKS = overhead.BENCHMARKS | steps.BENCHMARKS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="Measure this project and its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is timed")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}; choose from {', '.join(BENCHMARKS)}")
    console = Console()
    console.print(measure.machine(), highlight=False)
    for name in options.names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        medians, missing = measure.alternate(benchmark.contestants, options.rounds)
        table = Table("", benchmark.unit, "ours / theirs", title=f"{name}: {benchmark.what}", title_justify="left")
        for peer, median in medians.items():
            ratio = "" if peer == measure.OURS else f"{medians[measure.OURS] / median:.2f}"
            table.add_row(peer, f"{median * benchmark.scale:.3g}", ratio)
        console.print(table)
        if missing:
            console.print(f"not installed: {', '.join(missing)}", highlight=False)


if __name__ == "__main__":
    main()
