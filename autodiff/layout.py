"""Copies of arrays that lie in memory as the originals do: sums and products may round differently in another order."""

from collections.abc import Sequence

import numpy as np


def copied(array: np.ndarray) -> np.ndarray:
    """A copy with the same strides, a broadcast axis included."""
    if array.flags.forc or array.size == 0:
        return array.copy("K")
    return laid_out(array, array.strides)


def laid_out(array: np.ndarray, strides: Sequence[int]) -> np.ndarray:
    """A copy with these strides, in bytes. The array has elements, and as many axes as there are strides.

    >>> laid_out(np.array([1.0, 2.0, 3.0]), (16,)).strides
    (16,)
    """
    ends = [(n - 1) * stride for n, stride in zip(array.shape, strides, strict=True)]
    start = -sum(min(end, 0) for end in ends)
    memory = np.empty(start + sum(max(end, 0) for end in ends) + array.itemsize, dtype=np.uint8)
    copy: np.ndarray = np.ndarray(array.shape, array.dtype, memory, start, strides)
    copy[...] = array
    return copy
