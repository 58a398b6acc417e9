"""Every benchmark runs. How fast, no test says: see `python tests/benchmarks`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, str(Path(__file__).parent / "benchmarks")]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
NAMES = ["scalars", "small-tensors"]


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_from_any_folder(name, tmp_path):
    command = [*COMMAND, name, "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=True)
    assert "chainlens" in done.stdout
    assert "µs per operation" in done.stdout


def test_an_unknown_benchmark_is_named_with_those_there_are():
    done = subprocess.run([*COMMAND, "speed"], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 2
    assert f"there is no benchmark 'speed'; choose from {', '.join(NAMES)}" in done.stderr
