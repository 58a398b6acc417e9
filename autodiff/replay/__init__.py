"""A function recorded once and replayed: the program that `compile` makes of it, and how it is made faster.

Read `recorder` and `traced` for how it is recorded, `program` for what is recorded, the passes (`late_stores`,
`repeated`, `dead_code`, `lowering`, `fusing`) and `plan` for how it is improved, and `source_text` for what is run.
"""

from .compiled import Compiled, compile
from .plan import Plan
from .program import Program, Slot, Spec, Step

__all__ = ["Compiled", "Plan", "Program", "Slot", "Spec", "Step", "compile"]
