"""What a test needs besides Python: where it is missing the test skips, except in CI, where that is a failure."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """End the test: skipped for this reason, or failed where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
