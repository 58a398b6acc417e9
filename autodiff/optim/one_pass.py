"""An optimiser's formula done in one pass over a parameter and what is remembered of it, by a kernel.

NumPy makes a pass over memory for each operation of the formula, twelve for Adam; a kernel makes one, with the same
bits. There is no copy of the parameters in one flat array for it: they stay arrays that anybody may read, replace or
share, and the pass goes from one to the next; parts of large ones are shared out among the processors.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..fusion import Call, Kernel, NotElementwiseError, Traced, is_available, kernel_of, traced
from ..threads import share_out

LEAST = 16_384  # numbers of all parameters: for fewer, compiling takes longer than it saves
PIECE = 131_072  # numbers that one processor updates at a time
SHARED = 4 * PIECE  # for fewer, waking up the others takes longer than it saves
MOST_KNOWN = 64
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}

# (p, g, what is remembered by name and "t", scratch, settings) -> None, as `Optimizer.update`
Update = Callable[[Any, Any, dict[str, Any], Any, SimpleNamespace], None]


class _State(dict[str, Any]):
    """What a formula is told of a parameter, which notices whether it asks how many steps there have been."""

    asked = False

    def __getitem__(self, name: str) -> Any:
        self.asked = self.asked or name == "t"
        return super().__getitem__(name)


class OnePass:
    """Does the updates of an optimiser whose formula works number by number.

    memory  the names of what is remembered of a parameter
    """

    def __init__(self, memory: Sequence[str]) -> None:
        self._memory = tuple(memory)
        self._is_possible = is_available()
        self._calls: dict[int, tuple[Kernel, Call]] = {}
        self._known: dict[Any, tuple[int | None, Traced]] = {}  # with the number of the step, if it makes a difference
        self._waiting: list[tuple[Call, tuple[np.ndarray, ...]]] = []

    def takes(
        self,
        number: int,
        update: Update,
        p: np.ndarray,
        g: np.ndarray,
        state: dict[str, Any],
        settings: SimpleNamespace,
    ) -> bool:
        """Whether the update of a parameter is taken over; then it is done by `finish`.

        number  tells the parameter from the others
        """
        arrays = (p, g, *[state[name] for name in self._memory])
        if not self._is_possible or not _are_alike(arrays):
            return False
        try:
            found = self._traced(update, DTYPES[p.dtype], state["t"], settings)
        except NotElementwiseError:
            self._is_possible = False
            return False
        kernel = kernel_of(found.formula)
        known = self._calls.get(number)
        if known is None or known[0] is not kernel:
            known = self._calls[number] = kernel, Call(kernel)
        call = known[1]
        for k, array in enumerate(found.reads):
            call.words[k] = id(arrays[array])
        for k, x in enumerate(found.numbers, len(found.reads)):
            call.numbers[k] = x
        for k, array in enumerate(found.writes, len(kernel.formula.operands)):
            call.words[k] = id(arrays[array])
        self._waiting.append((call, arrays))
        return True

    def _traced(self, update: Update, dtype: str, t: int, settings: SimpleNamespace) -> Traced:
        """The formula at this step with these settings."""
        key = (dtype, *vars(settings).items())
        at, found = self._known.get(key, (-1, None))
        if found is not None and (at is None or at == t):
            return found
        state = _State(t=t)

        def code(p: Any, g: Any, *others: Any) -> None:
            state.update(zip(self._memory, others, strict=False))
            update(p, g, state, others[-1], settings)

        found = traced(code, 2 + len(self._memory), dtype, scratch=1)
        if len(self._known) >= MOST_KNOWN:  # a schedule has changed the rate again and again
            self._known.clear()
        self._known[key] = t if state.asked else None, found
        return found

    def finish(self) -> None:
        """Do all updates that were taken over."""
        waiting, self._waiting = self._waiting, []
        if sum(arrays[0].size for _, arrays in waiting) < SHARED:
            for call, arrays in waiting:
                call.run(0, arrays[0].size, 1)
        else:
            share_out([piece for call, arrays in waiting for piece in _pieces(call, arrays[0].size)])


def _pieces(call: Call, size: int) -> Iterator[Callable[[], None]]:
    for start in range(0, size, PIECE):
        yield partial(call.run, start, min(start + PIECE, size), 1)


def _are_alike(arrays: Sequence[Any]) -> bool:
    """Whether they are of one shape and one dtype that kernels take, and lie in C order."""
    first = arrays[0]
    return first.dtype in DTYPES and all(
        [
            type(x) is np.ndarray and x.dtype == first.dtype and x.shape == first.shape and x.flags.c_contiguous
            for x in arrays
        ]
    )
