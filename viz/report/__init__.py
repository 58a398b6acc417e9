"""What a run folder shows of its run: pictures, the result as data, and a page with all of it."""

from .findings import Confused, Findings, Mistake
from .folder import RESULT, write

__all__ = ["RESULT", "Confused", "Findings", "Mistake", "write"]
