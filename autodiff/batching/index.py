"""Indices: where the index of one example reads in the arrays of all."""

from typing import Any, NamedTuple

import numpy as np

from ..errors import OperandError
from ..ops.index import getitem
from ..ops.shape import transpose
from .operand import Operand, unbatched


class Place(NamedTuple):
    """An index into the batch, and the order of axes that makes what it reads (examples, axes of an example)."""

    at: tuple[Any, ...]
    order: tuple[int, ...] | None

    def sorted(self, x: Any) -> Any:
        """What was read, the examples first."""
        return x if self.order is None else transpose(x, self.order)

    def unsorted(self, x: Any) -> Any:
        """What is to be written, in the order in which it is read."""
        return x if self.order is None else transpose(x, tuple(np.argsort(self.order).tolist()))


def place_of(index: Any, shape: tuple[int, ...], size: int, mapped: bool) -> Place | None:
    """Where the index of an example is in the batch; None for booleans that stand alone, which make axes.

    NumPy puts the axes that arrays of indices make where these stand, or first if something stands between them; a
    number among arrays counts as one of them. `mapped` says whether what is indexed has an axis of examples.
    """
    parts = _full_index(index, shape)
    if parts is None:
        return None
    arrays = [i for i, part in enumerate(parts) if isinstance(part, Operand | np.ndarray)]
    if not arrays:
        return Place((slice(None), *parts), None)
    chosen = [i for i, part in enumerate(parts) if isinstance(part, Operand | np.ndarray | int)]
    apart = chosen[-1] - chosen[0] >= len(chosen)
    shapes = [part.shape if isinstance(part, Operand) else np.shape(part) for part in (parts[i] for i in chosen)]
    ndim = len(np.broadcast_shapes(*shapes))
    before = 0 if apart else chosen[0]
    rest = len(parts) - len(chosen)
    differs = any(isinstance(part, Operand) for part in parts)
    aligned = tuple(part.ranked(ndim) if isinstance(part, Operand) else part for part in parts)
    each = np.arange(size).reshape(size, *(1,) * ndim)
    if not mapped:
        order = (before, *range(before), *range(before + 1, 1 + ndim + rest))
        return Place(aligned, order if before else None)
    if not differs:
        return Place((each if apart else slice(None), *aligned), None)
    order = (0, *range(1 + ndim, 1 + ndim + before), *range(1, 1 + ndim), *range(1 + ndim + before, 1 + ndim + rest))
    return Place((each, *aligned), order if before else None)


def _full_index(index: Any, shape: tuple[int, ...]) -> tuple[Any, ...] | None:
    """An index with a part for every axis: numbers, slices, None, arrays of integers."""
    parts: list[Any] = []
    masked = False
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, tuple):
            part = np.asarray(part, dtype=None if part else np.intp)
        array = part.stand_in() if isinstance(part, Operand) else part
        is_mask = isinstance(array, bool | np.bool_ | np.ndarray) and np.result_type(array).kind == "b"
        if is_mask and isinstance(part, Operand):
            raise OperandError(
                "vmap: a mask that differs from example to example selects a different number of elements in each; "
                "use autodiff.where"
            )
        if is_mask and np.ndim(part) == 0:
            return None
        masked = masked or is_mask
        parts.extend(np.nonzero(part) if is_mask else [part])
    if masked:  # NumPy compares the shapes of masks, which their places no longer have
        firsts = unbatched(index, lambda part: np.zeros(part.shape, np.intp))
        getitem(np.broadcast_to(True, shape), firsts)
    used = len([part for part in parts if part is not None and part is not Ellipsis])
    hidden = [slice(None)] * (len(shape) - used)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    return (*parts, *hidden) if at is None else (*parts[:at], *hidden, *parts[at + 1 :])
