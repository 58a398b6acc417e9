"""Matrix products: as `np.matmul`, and large ones in two halves, on two processors, where OpenBLAS has one thread.

OpenBLAS's own threads spin while they wait (see `threads`); here a processor that is wanted elsewhere costs half of one
product's time. The halves are the same ones however many processors there are, and so are the numbers.
"""

from typing import Any

import numpy as np

from .threads import are_products_shared, both

LEAST = 150_000_000  # floating-point operations: in shorter products, what is gained is lost in waking up a thread
ALIGNED = 16  # rows or columns that OpenBLAS's kernels work on at a time


def matmul(x: Any, y: Any, out: np.ndarray | None = None) -> Any:
    """`np.matmul` of arrays. In float32 the halves of a large product may differ from the whole in the last bits.

    >>> from autodiff.threads import single_threaded
    >>> with single_threaded():
    ...     matmul(np.ones((300, 900)), np.ones((900, 400))).sum()
    np.float64(108000000.0)
    """
    if not are_products_shared() or type(x) is not np.ndarray or type(y) is not np.ndarray:
        return np.matmul(x, y, out=out)
    if x.ndim != 2 or y.ndim != 2 or 2 * x.size * y.shape[1] < LEAST:
        return np.matmul(x, y, out=out)
    if x.dtype != y.dtype or x.dtype not in (np.float32, np.float64) or x.shape[1] != y.shape[0]:
        return np.matmul(x, y, out=out)
    rows, columns = len(x), y.shape[1]
    if out is None:
        out = np.empty((rows, columns), x.dtype)
    if columns >= rows:
        half = _half(columns)
        both(np.matmul, (x, y[:, :half], out[:, :half]), (x, y[:, half:], out[:, half:]))
    else:
        half = _half(rows)
        both(np.matmul, (x[:half], y, out[:half]), (x[half:], y, out[half:]))
    return out


def _half(n: int) -> int:
    return (n // 2 + ALIGNED - 1) // ALIGNED * ALIGNED
