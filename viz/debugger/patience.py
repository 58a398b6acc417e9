"""A word to the person at a terminal while a command takes long, such as a search through a long trace."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.control import Control
from rich.segment import ControlType

from ..content import Line
from ..terminal import console, show_lines

AT_ONCE = 0.5  # seconds
WORDS = " still searching; Ctrl-C stops it"


@contextmanager
def patience() -> Iterator[None]:
    """Say on standard error that the command is still at work, if it is after half a second; nothing in a pipe.

    The words go when the command ends, where the terminal can take them away.
    """
    out, said = console(stderr=True), threading.Event()
    if not out.is_terminal:
        yield
        return

    def say() -> None:
        said.set()
        if out.is_dumb_terminal:
            show_lines([[Line(WORDS, "quiet")]], out)
        else:
            out.print(WORDS, style="dim", end="\r")

    timer = threading.Timer(AT_ONCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it may be speaking
        if said.is_set() and not out.is_dumb_terminal:
            out.control(Control((ControlType.ERASE_IN_LINE, 2), ControlType.CARRIAGE_RETURN))
