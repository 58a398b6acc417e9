"""The tables of the operations' tests, a module per room of the derivative table.

CASES  operation name -> cases, each a function and the arguments to differentiate it at; every operation has a row
KINKS  (function, point, derivative): the conventions at points where there is no derivative, or an extreme one
"""

from . import elementwise, linalg, losses, reduce, shape

ROOMS = (elementwise, reduce, shape, linalg, losses)
CASES = {name: cases for room in ROOMS for name, cases in room.CASES.items()}
KINKS = [kink for room in ROOMS for kink in getattr(room, "KINKS", [])]
ARRAY_KINKS = [kink for room in ROOMS for kink in getattr(room, "ARRAY_KINKS", [])]
