"""Every benchmark runs. How fast, no test says: see `python tests/benchmarks`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
COMMAND = [sys.executable, str(FOLDER)]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
NAMES = [
    "scalars",
    "small-tensors",
    "moons-eager",
    "moons-compiled",
    "step-784-10-sgd",
    "step-784-256-128-10-sgd",
    "step-784-256-128-10-adam",
    "step-784-1024-1024-10-adam",
    "epochs",
    "memory",
    "import",
    "help",
    "drawing",
]


def run(*arguments, folder=None):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_from_any_folder(name, tmp_path):
    done = run(name, "--rounds", "1", "--quick", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{name}: " in done.stdout
    assert "│ chainlens " in done.stdout


def test_several_run_one_after_the_other():
    done = run("import", "help", "--rounds", "1")
    assert [done.stdout.count(f"{name}: ") for name in ("import", "help")] == [1, 1]
    assert "cores" in done.stdout


def test_an_unknown_benchmark_is_named_with_those_there_are():
    done = run("speed")
    assert done.returncode == 2
    assert f"there is no benchmark 'speed'; choose from {', '.join(NAMES)}" in done.stderr
