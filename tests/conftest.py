"""Fixtures for the whole suite."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from needed import missing

hypothesis.settings.register_profile("suite", deadline=None)  # how long a case takes is the machine's business
hypothesis.settings.load_profile("suite")

collect_ignore_glob = ["parity/*_peer.py"]  # they need libraries that may not be installed

# Modules are compiled once, not anew by each of the processes that are started here, whatever the shell says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's four files. Skips where there is none, except in CI, where that is a failure."""
    folder = Path(os.environ.get("CHAINLENS_MNIST", ROOT.parent / "shared/data/mnist"))
    if not folder.is_dir():
        missing(f"MNIST is not at {folder}; set CHAINLENS_MNIST to its folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """Ctrl-C works in the tests, and in the processes they start, even where the shell that runs them ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_runtest_setup(item):
    """Tests marked `graphviz_libraries` need pygraphviz to load; on a bare system they skip, but not in CI."""
    if item.get_closest_marker("graphviz_libraries"):
        try:
            import pygraphviz  # noqa: F401
        except ImportError as error:
            missing(f"pygraphviz does not load here ({error}); the portable renderer's own test runs")


@pytest.fixture
def chainlens(tmp_path):
    """Run the command as a real process in an empty folder; returns the completed process."""

    def run(*arguments: str, timeout: float = 120, **options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
        environment |= options.pop("env", {})
        return subprocess.run(
            [sys.executable, "-m", "cli", *map(str, arguments)],
            cwd=options.pop("cwd", tmp_path),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            check=False,
            **options,
        )

    return run
