"""How many processors NumPy works on: OpenBLAS on one while a network trains, all for what comes in pieces.

OpenBLAS, which NumPy brings along, shares even a small product among all processors and lets them spin while they wait
for each other. For mini-batches that gains little, and when another process wants one of the processors a step takes
ten times as long.

NumPy's operations on large arrays let other threads run meanwhile, so pieces of such work are shared out here, without
spinning: a processor that is wanted elsewhere only takes fewer of them.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_kept_to_one = 0  # how many of the contexts below are open, in all threads: OpenBLAS has one setting for the process
_before = 1  # how many threads OpenBLAS had outside all of them
_keeping = Lock()
_NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Context manager: OpenBLAS runs on one thread inside, in this process, and as before afterwards.

    Large products of the engine are shared between two threads of its own instead, see `products`.

    It does nothing where NumPy uses another library than OpenBLAS, or where the environment variable
    OPENBLAS_NUM_THREADS says how many threads there are to be.

    >>> with single_threaded():
    ...     (np.ones((2, 3)) @ np.ones((3, 2))).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    found = None if "OPENBLAS_NUM_THREADS" in os.environ else _openblas()
    if found is None:
        yield
        return
    global _kept_to_one, _before
    get, put = found
    with _keeping:
        if not _kept_to_one:
            _before = get()
            put(1)
        _kept_to_one += 1
    try:
        yield
    finally:
        with _keeping:
            _kept_to_one -= 1
            if not _kept_to_one:
                put(_before)


def are_products_shared() -> bool:
    """Whether large products are to be shared out here, since OpenBLAS does not do it."""
    return _kept_to_one > 0


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """OpenBLAS's functions that get and set its number of threads, from the library that NumPy has loaded."""
    try:
        # A name is looked up in NumPy's extension module and in the libraries it was linked with.
        library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
    except (AttributeError, OSError):
        return None
    for name in _NAMES:
        try:
            get, put = library[name.format("get")], library[name.format("set")]
        except AttributeError:
            continue
        get.argtypes, get.restype = [], ctypes.c_int
        put.argtypes, put.restype = [ctypes.c_int], None
        return get, put
    return None


def share_out(pieces: Sequence[Callable[[], object]]) -> None:
    """Do all pieces of work, on as many processors as this process may use; each piece is done once, by one of them.

    Raises what a piece raises, after the others that have begun are done.

    >>> from functools import partial
    >>> a = np.zeros(4)
    >>> share_out([partial(np.add, a[:2], 1, out=a[:2]), partial(np.add, a[2:], 2, out=a[2:])])
    >>> a
    array([1., 1., 2., 2.])
    """
    others = min(processors(), len(pieces)) - 1
    if others < 1:
        for piece in pieces:
            piece()
        return
    waiting = iter(pieces)  # whose next() is one step for all threads
    # NumPy keeps in the context what its warnings do.
    started = [_pool().submit(copy_context().run, _do, waiting) for _ in range(others)]
    try:
        _do(waiting)
    finally:
        for one in started:
            if not one.cancel():  # else nobody has begun with it: the processor was wanted elsewhere
                one.result()


def both(function: Callable[..., object], first: Sequence[Any], second: Sequence[Any]) -> None:
    """Call a function with the first arguments and with the second, at the same time if there are two processors.

    >>> a = np.zeros(4)
    >>> both(np.add, (a[:2], 1, a[:2]), (a[2:], 2, a[2:]))
    >>> a
    array([1., 1., 2., 2.])
    """
    if processors() < 2:
        function(*first)
        function(*second)
        return
    other = _pool().submit(copy_context().run, function, *first)
    try:
        function(*second)
    finally:
        is_left = other.cancel()  # nobody has begun with it: the processor was wanted elsewhere
        if not is_left:
            other.result()
    if is_left:
        function(*first)


def _do(waiting: Iterator[Callable[[], object]]) -> None:
    for piece in waiting:
        piece()


@cache
def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # brings logging along, which takes time to import

    return ThreadPoolExecutor(processors(), thread_name_prefix="autodiff")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of the threads
