"""One thread for NumPy's matrix products while a network trains.

OpenBLAS, which NumPy brings along, shares even a small product among all processors and lets them spin while they wait
for each other. For mini-batches that gains little, and when another process wants one of the processors a step takes
ten times as long.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

_NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Context manager: matrix products inside run on one thread, in this process, and as before afterwards.

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
    get, put = found
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


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
