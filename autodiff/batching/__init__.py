"""Many examples at once: the values that `vmap` passes, and the table of how each operation is done on them.

Read `value` for how it works, `rules` for the table, `index` for the one rule that is not a line or two, and `data` for
NumPy's questions about plain data.
"""

from .value import Batched, Level

__all__ = ["Batched", "Level"]
