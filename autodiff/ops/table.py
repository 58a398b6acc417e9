"""The whole derivative table: every module of rows is imported, so that each operation is found by its name.

Whoever makes an operation comes by here too, as `autodiff.Primitive` does: a name that is taken is then known to be.
"""

from ..primitive import OPERATIONS, RESERVED, Elementwise, Primitive, reserve_names
from ..tape import LEAVES
from . import (  # noqa: F401  # their rows enter themselves
    activations,
    aliases,
    arrange,
    choice,
    contraction,
    creation,
    decompositions,
    determinants,
    elementwise,
    error_function,
    exponentials,
    index,
    join,
    linalg,
    matrices,
    missing_values,
    norms,
    pieces,
    random,
    reduce,
    rounding,
    samples,
    scan,
    selection,
    shape,
    statistics,
    systems,
    trigonometry,
)

__all__ = ["OPERATIONS", "Elementwise", "Primitive", "builtin_names"]

reserve_names(*OPERATIONS)


def builtin_names() -> frozenset[str]:
    """The names of the built-in operations."""
    return frozenset(RESERVED.difference(LEAVES))
