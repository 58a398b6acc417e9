"""Where a value was recorded: the file, the line, and the very part of the line, that a person wrote."""

import linecache
import os
import sys
from types import CodeType, FrameType
from typing import NamedTuple

EXPRESSION = "expression"  # the file of what was parsed from text


class Source(NamedTuple):
    """Where a value was recorded.

    file        file name; "expression" for a value of an expression that was parsed
    line        line number, from 1
    text        the text of that line; of an expression, the part that made the value
    part        the part that made the value, on one line; empty where Python does not say which
    column      where the part begins, in characters from 0; None where it is not known
    end_line    the line in which it ends
    end_column  where it ends, the first character after it
    context     the whole expression, if one was parsed
    """

    file: str
    line: int
    text: str
    part: str = ""
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    context: str = ""

    def lines(self) -> list[str]:
        """The lines it stands in, of the expression or of the file as it is now; empty if there is no such file."""
        return self.context.splitlines() if self.file == EXPRESSION else linecache.getlines(self.file)


def caller() -> Source | None:
    """The innermost code outside this package: what a person wrote."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return None
    # A loop records many values in one place. It is kept with its code, so that no other code has the same id.
    key = id(frame.f_code), frame.f_lasti
    known = _places.get(key)
    if known is None:
        if len(_places) >= _MOST_PLACES:
            _places.clear()
        known = _places[key] = frame.f_code, _source(frame)
    return known[1]


_PACKAGE = os.path.dirname(__file__) + os.sep  # without pathlib, whose import takes a while
_MOST_PLACES = 4096
_places: dict[tuple[int, int], tuple[CodeType, Source]] = {}


def _source(frame: FrameType) -> Source:
    file, line = frame.f_code.co_filename, frame.f_lineno
    whole = linecache.getline(file, line).strip()
    start, end, left, right = _positions(frame)
    lines = linecache.getlines(file)[start - 1 : end] if start and end else []
    if not lines or left is None or right is None:  # no source text, or Python was told to forget columns
        return Source(file, line, whole)
    left, right = _characters(lines[0], left), _characters(lines[-1], right)
    rows = [*lines[:-1], lines[-1][:right]]
    rows[0] = rows[0][left:]
    return Source(file, line, whole, " ".join(" ".join(rows).split()), left, end, right)


def _positions(frame: FrameType) -> tuple[int | None, int | None, int | None, int | None]:
    """First and last line, and first and last column in bytes, of the instruction that a frame is at."""
    for place, positions in enumerate(frame.f_code.co_positions()):
        if 2 * place == frame.f_lasti:  # an instruction takes two bytes
            return positions
    return None, None, None, None


def _characters(line: str, bytes_before: int) -> int:
    return len(line.encode()[:bytes_before].decode(errors="replace"))
