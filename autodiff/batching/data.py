"""NumPy's functions that ask about shapes, order or truth, asked of plain data that differ from example to example.

What depends on shape and dtype alone is answered once. What works number by number is done for all examples at once,
and anything else in a loop over them, so that each is answered as it would be alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..errors import OperandError, ShapeError
from ..protocols import PLAIN
from ..tape import Value
from .operand import Operand, unbatched

ABOUT = {
    "can_cast", "common_type", "empty_like", "full_like", "iscomplexobj", "isrealobj", "min_scalar_type", "ndim",
    "ones_like", "result_type", "shape", "size", "zeros_like",
}  # fmt: skip
# What the engine's own function of the name asks NumPy's about plain data: for these it is not asked again.
OF_DATA = {"bincount", "lstsq", "unique"}


def is_plain(name: str, of_data: bool = False) -> bool:
    """Whether a NumPy function of this name is asked about data, and records nothing.

    of_data  whether it is given plain data alone
    """
    return name in PLAIN or (of_data and name in OF_DATA)


def answer(function: Callable[..., Any], args: Any, kwargs: Any, size: int) -> tuple[Any, bool]:
    """The result for all examples, and whether it has them along axis 0.

    args, kwargs  with an `Operand` in place of each value that may differ from example to example
    """
    if function.__name__ in ABOUT:
        return function(*unbatched(args, Operand.stand_in), **unbatched(kwargs, Operand.stand_in)), False
    if isinstance(function, np.ufunc):
        operands = [x if isinstance(x, Operand) else Operand(x, False) for x in args]
        ndim = max(len(x.shape) for x in operands)
        return function(*(_plain(x.ranked(ndim)) for x in operands), **kwargs), any(x.mapped for x in operands)
    if size == 0:
        raise OperandError(f"vmap: np.{function.__name__} is asked example by example, and there is none")

    def one(i: int) -> Any:
        asked = unbatched((args, kwargs), lambda x: _plain(x.example(i)))
        return function(*asked[0], **asked[1])

    results = [one(i) for i in range(size)]
    if isinstance(results[0], tuple):
        return tuple(_together(function, parts) for parts in zip(*results, strict=True)), True
    return _together(function, results), True


def _together(function: Callable[..., Any], results: Any) -> Any:
    shapes = {np.shape(result) for result in results}
    if len(shapes) > 1:
        raise ShapeError(
            f"vmap: np.{function.__name__} has results of different shapes, {' and '.join(map(str, sorted(shapes)))}, "
            "for different examples"
        )
    return ops.stack(results)


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x
