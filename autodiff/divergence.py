"""When training has left the path: a loss, a gradient or weights that are not finite, or a loss that has exploded.

Whatever is found ends training before anything is kept of it, so the last checkpoint is the last good one.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np

from .errors import DivergenceError
from .tensor import Tensor

EXPLODED = 1e6  # a loss above this many times that of the first batch has exploded
_REMEDY = "lower the learning rate or clip gradients"


def check_loss(loss: Any, first: float | None, place: str) -> None:
    """Raises DivergenceError if the loss of a batch is not finite, with its first cause, or has exploded.

    loss   the value that is differentiated, shape ()
    first  the loss of the first batch; None if this is the first
    place  where training stands, in words
    """
    found = loss.item()
    if not isfinite(found):
        raise _because(loss, f"the loss is {found}", place)
    if first is not None and found > EXPLODED * max(first, 1e-3):
        raise DivergenceError(
            f"training: the loss exploded to {found:.3g} in {place}, from {first:.3g} in the first batch; {_REMEDY}"
        )


def check_gradient(norm: float, loss: Any, place: str) -> None:
    """Raises DivergenceError, with the first cause, if the norm of all gradients of a loss is not finite."""
    if not isfinite(norm):
        raise _because(loss, f"the gradient's norm is {norm}", place)


def check_weights(weights: Iterable[tuple[str, Tensor]], place: str) -> None:
    """Raises DivergenceError, which names it, if a parameter holds a number that is not finite."""
    for path, parameter in weights:
        if not np.all(np.isfinite(parameter.data)):
            raise DivergenceError(f"training: an update made numbers of {path} NaN or infinite in {place}; {_REMEDY}")


def _because(loss: Any, what: str, place: str) -> DivergenceError:
    from .causes import first_cause  # here, since a healthy run needs none of it

    cause = first_cause(loss)
    return DivergenceError(
        f"training: {what} in {place}: {cause or f'every number is finite, not their sum; {_REMEDY}'}", cause
    )
