"""Functions of arrays that write into memory they are given: `out` is filled and returned.

Where a primitive's forward function makes several arrays on its way, `lowering` puts these in its place, one for each
pass over the numbers; each does what NumPy does inside the forward function, in the same order.
"""

from typing import Any

import numpy as np

from ..products import matmul

SUM, PROD = np.add.reduce, np.multiply.reduce
MAX, MIN = np.maximum.reduce, np.minimum.reduce
ANY = np.logical_or.reduce


def where_into(condition: Any, x: Any, y: Any, out: np.ndarray) -> np.ndarray:
    """`np.where`, which takes no `out`."""
    if out is not y:
        np.copyto(out, y)
    np.copyto(out, x, where=condition)
    return out


def bits_of(condition: np.ndarray, out: np.ndarray) -> np.ndarray:
    """All bits of an integer set where a condition holds, else none."""
    np.copyto(out, condition)
    np.negative(out, out=out)
    return out


def selected(bits: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """`np.where(condition, x, 0)` for floats, by their bits: no branch per number, and five times as fast."""
    np.bitwise_and(x.view(bits.dtype), bits, out=out.view(bits.dtype))
    return out


def cast_into(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """`x.astype(out.dtype)`."""
    np.copyto(out, x, casting="unsafe")
    return out


def copy_into(x: Any, out: np.ndarray) -> np.ndarray:
    """A copy."""
    np.copyto(out, x)
    return out


def scatter_into(g: Any, index: Any, out: np.ndarray) -> np.ndarray:
    """Zeros with g added at the index, once per occurrence."""
    out.fill(0)
    np.add.at(out, index, g)
    return out


def scatter_slice_into(g: Any, index: Any, out: np.ndarray) -> np.ndarray:
    """The same for an index that names no element twice."""
    out.fill(0)
    out[index] = g
    return out


def less_one(x: Any, rows: Any, columns: Any, out: np.ndarray) -> np.ndarray:
    """x, with one less at one place of each row."""
    if out is not x:
        np.copyto(out, x)
    out[rows, columns] -= 1
    return out


def is_outside(x: np.ndarray, n: int) -> Any:
    """Whether one of these whole numbers is not in 0..n−1: read without a sign, a negative one is larger than all."""
    return MAX(x.view(np.uint64), axis=None) >= n


def mean_into(x: np.ndarray, out: np.ndarray, axis: Any, keepdims: bool, count: np.intp) -> np.ndarray:
    """`np.mean`, of `count` numbers each."""
    SUM(x, axis=axis, keepdims=keepdims, out=out)
    np.true_divide(out, count, out=out, casting="unsafe")
    return out


FILLS = {
    bits_of, cast_into, copy_into, less_one, matmul, mean_into, scatter_into, scatter_slice_into, selected, where_into,
    np.cumprod, np.cumsum,
}  # fmt: skip
REDUCTIONS = (SUM, MAX, MIN, PROD, ANY)
IN_PLACE = {less_one: (0,), selected: (1,), where_into: (2,)}


def in_place(function: Any) -> range | tuple[int, ...]:
    """The positions of operands that may lie in the very memory that is written."""
    if isinstance(function, np.ufunc):
        return range(function.nin) if function.signature is None else ()
    return IN_PLACE.get(function, ()) if function in FILLS else ()


def takes_out(function: Any) -> bool:
    """Whether it writes into an array given as `out`."""
    if isinstance(function, np.ufunc):
        return function.nout == 1
    return any(function is each for each in REDUCTIONS) or (callable(function) and function in FILLS)
