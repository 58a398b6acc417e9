"""What an operand is for all examples of a map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops.index import getitem
from ..ops.shape import broadcast_to, reshape


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """What one operand is for all examples: `mapped` says whether axis 0 of the value is that of the examples."""

    value: Any
    mapped: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that one example has."""
        shape: tuple[int, ...] = np.shape(self.value)
        return shape[1:] if self.mapped else shape

    def wide(self, size: int) -> Any:
        """The value with an axis of examples, repeated if it is the same for all."""
        return self.value if self.mapped else broadcast_to(self.value, (size, *self.shape))

    def ranked(self, ndim: int) -> Any:
        """The value with so many axes per example that it broadcasts against others of as many."""
        missing = ndim - len(self.shape)
        if not self.mapped or missing == 0:
            return self.value
        return reshape(self.value, (np.shape(self.value)[0], *(1,) * missing, *self.shape))

    def example(self, i: int) -> Any:
        """The value of one example."""
        return getitem(self.value, i) if self.mapped else self.value

    def stand_in(self) -> Any:
        """An array in the shape of one example, for what asks about shapes alone."""
        return np.broadcast_to(np.zeros((), np.result_type(self.value)), self.shape)


def unbatched(params: Any, change: Callable[[Operand], Any]) -> Any:
    """Parameters or arguments with something in place of each operand in them: an index may differ by example."""
    if isinstance(params, Operand):
        return change(params)
    if isinstance(params, dict):
        return {key: unbatched(item, change) for key, item in params.items()}
    if type(params) is tuple or type(params) is list:
        return type(params)(unbatched(item, change) for item in params)
    return params
