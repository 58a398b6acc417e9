"""What fine-tuning gains, mean of several seeds: `python tests/benchmarks/fine_tuning.py path/to/mnist`.

First, a network that was trained on generated digits is fine-tuned on ten of MNIST's images per class, beside one that
is trained on these images from scratch. Then one that was trained on MNIST's digits 0-4 is fine-tuned on 5-9.
"""

import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

from autodiff import run
from autodiff.configuration import Configuration

SEEDS = range(5)
FEW = {"shots": 10, "epochs": 60, "batch": 20, "lr": 1e-3, "schedule": "linear", "dropout": 0.2}


def accuracy(finished: run.Run) -> float:
    """In percent of the test images."""
    assert finished.test is not None
    return 100 * finished.test["accuracy"]


def digits_to_mnist(mnist: str, folder: Path) -> dict[str, list[float]]:
    """Test accuracy on MNIST, by seed: before fine-tuning, after it, and from scratch."""
    found: dict[str, list[float]] = {"from scratch": [], "pre-trained": [], "fine-tuned": []}
    for seed in SEEDS:
        start = run.train(Configuration(epochs=5, seed=seed, out=str(folder / f"digits-{seed}")))
        found["pre-trained"].append(100 * run.evaluate(start.folder, mnist)["accuracy"])
        few = FEW | {"data": mnist, "seed": seed}
        found["from scratch"].append(accuracy(run.train(Configuration(**few, out=str(folder / f"scratch-{seed}")))))
        tuned = run.finetune(run.FineTuning(start.folder, lr_scale=0.1), {**few, "out": str(folder / f"tuned-{seed}")})
        found["fine-tuned"].append(accuracy(tuned))
    return found


def low_to_high(mnist: str, folder: Path) -> dict[str, list[float]]:
    """Test accuracy on the digits 5-9, trained on ten images of each, by seed: from scratch, and starting from 0-4."""
    found: dict[str, list[float]] = {"from scratch": [], "fine-tuned": []}
    for seed in SEEDS:
        low = run.train(Configuration(data=mnist, classes="0-4", epochs=3, seed=seed, out=str(folder / f"low-{seed}")))
        few = FEW | {"data": mnist, "classes": "5-9", "seed": seed}
        found["from scratch"].append(accuracy(run.train(Configuration(**few, out=str(folder / f"high-{seed}")))))
        tuning = run.FineTuning(low.folder, new_head=True)
        found["fine-tuned"].append(accuracy(run.finetune(tuning, {**few, "out": str(folder / f"moved-{seed}")})))
    return found


def main(mnist: str) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        for title, measured in (
            ("digits → MNIST, ten images per class", digits_to_mnist(mnist, Path(folder))),
            ("0-4 → 5-9, ten images per class", low_to_high(mnist, Path(folder))),
        ):
            print(title)
            for name, values in measured.items():
                print(f"  {name:14} {mean(values):.2f} ± {stdev(values):.2f} %   {[round(v, 2) for v in values]}")


if __name__ == "__main__":
    main(sys.argv[1])
