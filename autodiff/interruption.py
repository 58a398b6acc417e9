"""Ctrl-C while work is under way that must not be cut in two."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupt_later() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C is only noted, and the second acts at once; yields the function that asks for it.

    Where Python's own Ctrl-C handler is not in charge (another thread, another handler), nothing is changed.
    """
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    in_charge = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not in_charge:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
