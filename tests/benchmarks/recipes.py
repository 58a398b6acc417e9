"""What the recipes reach: `python tests/benchmarks/recipes.py path/to/mnist [RECIPE ...] [--seeds 3] [--out runs]`.

Each is trained with several seeds; the table gives mean and deviation of the accuracy on MNIST's 10,000 test images.
Recipes for generated digits are tested on MNIST too.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter
from typing import Any

from autodiff import run
from autodiff.configuration import Configuration
from autodiff.recipes import RECIPES
from autodiff.train import Callback, Training


class Say(Callback):
    """A line per epoch."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_epoch_end(self, training: Training) -> None:
        record = training.history[-1]
        accuracy = record["validation_accuracy"] or 0.0
        print(f"{self.name} epoch {record['epoch']}: validation {accuracy:.2%}, {record['seconds']:.1f} s", flush=True)


def measured(name: str, mnist: str, seed: int, out: Path, changes: Mapping[str, Any]) -> float:
    """Test accuracy of one run, in percent."""
    options = {"seed": seed, "out": str(out / f"{name}-{seed}")} | dict(RECIPES[name].options) | dict(changes)
    if options.get("data") == "mnist":
        options["data"] = mnist
    finished = run.train(Configuration.from_dict(options), [Say(f"{name} seed {seed}")], force=True)
    return 100 * run.evaluate(finished.folder, mnist)["accuracy"]


def main(arguments: list[str] | None = None, **changes: Any) -> None:
    """Print a line of the table for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", help="the folder with MNIST's four files")
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"which ones: {', '.join(RECIPES)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    options = parser.parse_args(arguments)
    unknown = [name for name in options.recipes if name not in RECIPES]
    if unknown:
        parser.error(f"there is no recipe {unknown[0]!r}; choose from {', '.join(RECIPES)}")
    for name in options.recipes or RECIPES:
        start = perf_counter()
        found = [measured(name, options.mnist, seed, options.out, changes) for seed in range(options.seeds)]
        spread = f" ± {stdev(found):.2f}" if len(found) > 1 else ""
        seconds = (perf_counter() - start) / len(found)
        print(
            f"| {name} | {RECIPES[name].description} | {mean(found):.2f}{spread} % | {seconds:.0f} s | {found}",
            flush=True,
        )


if __name__ == "__main__":
    main()
