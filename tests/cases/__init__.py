"""The tables of the operations' tests, a module per room of the derivative table.

CASES  operation name -> cases, each a function and the arguments to differentiate it at; every operation has a row
COMPOSITES  the same for functions that are made of operations and have no row of their own in the derivative table
KINKS  (function, point, derivative): the conventions at points where there is no derivative, or an extreme one
"""

from . import (
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
    join,
    linalg,
    losses,
    matrices,
    missing_values,
    norms,
    pieces,
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

ROOMS = (
    elementwise,
    trigonometry,
    rounding,
    error_function,
    activations,
    reduce,
    scan,
    exponentials,
    shape,
    join,
    arrange,
    selection,
    linalg,
    contraction,
    matrices,
    determinants,
    decompositions,
    aliases,
    choice,
    creation,
    missing_values,
    norms,
    pieces,
    samples,
    statistics,
    systems,
    losses,
)
CASES = {name: cases for room in ROOMS for name, cases in room.CASES.items()}
COMPOSITES = [(name, cases) for room in ROOMS for name, cases in getattr(room, "COMPOSITES", {}).items()]
KINKS = [kink for room in ROOMS for kink in getattr(room, "KINKS", [])]
ARRAY_KINKS = [kink for room in ROOMS for kink in getattr(room, "ARRAY_KINKS", [])]
