"""An optimiser's formula done in one pass over a parameter and what is remembered of it, by a kernel.

NumPy makes a pass over memory for each operation of the formula, twelve for Adam; a kernel makes one, with the same
bits. There is no copy of the parameters in one flat array for it: they stay arrays that anybody may read, replace or
share, and the pass goes from one to the next; parts of large ones are shared out among the processors.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import is_
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..fusion import Call, Calls, Kernel, NotElementwiseError, Traced, is_available, kernel_of, traced
from ..threads import share_out

LEAST = 16_384  # numbers of all parameters: for fewer, compiling takes longer than it saves
PIECE = 131_072  # numbers that one processor updates at a time
SHARED = 4 * PIECE  # for fewer, waking up the others takes longer than it saves
MOST_KNOWN = 64
G = 1  # the place of the gradient among the arrays: the parameter, its gradient, what is remembered
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}

# (p, g, what is remembered by name and "t", scratch, settings) -> None, as `Optimizer.update`
Update = Callable[[Any, Any, dict[str, Any], Any, SimpleNamespace], None]


class _State(dict[str, Any]):
    """What a formula is told of a parameter, which notices whether it asks how many steps there have been."""

    asked = False

    def __getitem__(self, name: str) -> Any:
        self.asked = self.asked or name == "t"
        return super().__getitem__(name)


class _Formula(NamedTuple):
    """A formula with certain settings, at a certain step if that makes a difference, and the kernel that does it."""

    traced: Traced
    kernel: Kernel
    t: int | None


class _Part:
    """A parameter with what is remembered of it, ready for a kernel."""

    __slots__ = ("arrays", "call", "formula", "g", "gradients")

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.formula: _Formula | None = None

    def prepare(self, formula: _Formula, g: np.ndarray) -> None:
        """Have the kernel at hand, with the gradient and the numbers of this step."""
        if formula is not self.formula:
            self._turn_to(formula)
        self.g = g  # which stays until the kernel has run
        for word in self.gradients:
            self.call.words[word] = id(g)

    def _turn_to(self, formula: _Formula) -> None:
        traced, kernel, _ = formula
        if self.formula is None or self.formula.kernel is not kernel:
            self.call = Call(kernel)
            self.gradients = [word for word, array in enumerate(traced.reads) if array == G]
            for word, array in (*enumerate(traced.reads), *enumerate(traced.writes, len(kernel.formula.operands))):
                self.call.words[word] = id(self.arrays[array])
        for word, x in enumerate(traced.numbers, len(traced.reads)):
            self.call.numbers[word] = x
        self.formula = formula


class OnePass:
    """Does the updates of an optimiser whose formula works number by number.

    memory  the names of what is remembered of a parameter
    """

    def __init__(self, memory: Sequence[str]) -> None:
        self._memory = tuple(memory)
        self._is_possible = is_available()
        self._parts: dict[int, _Part] = {}
        self._formulas: dict[Any, _Formula] = {}
        self._now: tuple[SimpleNamespace | None, str, int, _Formula | None] = (
            None,
            "",
            0,
            None,
        )  # the last one asked for
        self._waiting: list[_Part] = []
        self._last: tuple[list[_Part], Calls | None] = [], None  # what was done together, made ready

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
        part = self._part(number, p, state)
        if part is None or not _is_like(g, p):
            return False
        try:
            part.prepare(self._formula(update, DTYPES[p.dtype], state["t"], settings), g)
        except NotElementwiseError:
            self._is_possible = False
            return False
        self._waiting.append(part)
        return True

    def _part(self, number: int, p: np.ndarray, state: dict[str, Any]) -> _Part | None:
        """The parameter made ready, if a kernel can work on it."""
        part = self._parts.get(number)
        others = [state[name] for name in self._memory]
        if part is not None and part.arrays[0] is p and all(map(is_, part.arrays[G + 1 :], others)):
            return part
        if not self._is_possible or p.dtype not in DTYPES:
            return None
        if not all([_is_like(x, p) and x.flags.writeable for x in (p, *others)]):
            return None
        self._parts[number] = _Part([p, p, *others])  # in the place of the gradient, which changes, anything
        return self._parts[number]

    def _formula(self, update: Update, dtype: str, t: int, settings: SimpleNamespace) -> _Formula:
        """The formula at this step with these settings."""
        of, kind, at, formula = self._now
        if formula is None or of is not settings or kind != dtype or at != t:
            formula = self._found(update, dtype, t, settings)
            self._now = settings, dtype, t, formula
        return formula

    def _found(self, update: Update, dtype: str, t: int, settings: SimpleNamespace) -> _Formula:
        key = (dtype, *vars(settings).items())
        known = self._formulas.get(key)
        if known is not None and (known.t is None or known.t == t):
            return known
        state = _State(t=t)

        def code(p: Any, g: Any, *others: Any) -> None:
            state.update(zip(self._memory, others, strict=False))
            update(p, g, state, others[-1], settings)

        found = traced(code, G + 1 + len(self._memory), dtype, scratch=1)
        if len(self._formulas) >= MOST_KNOWN:  # a schedule has changed the rate again and again
            self._formulas.clear()
        formula = self._formulas[key] = _Formula(found, kernel_of(found.formula), t if state.asked else None)
        return formula

    def finish(self) -> None:
        """Do all updates that were taken over."""
        waiting, self._waiting = self._waiting, []
        if sum([part.g.size for part in waiting]) >= SHARED:
            share_out([piece for part in waiting for piece in _pieces(part.call, part.g.size)])
        elif calls := self._together(waiting):
            calls.run()
        else:
            for part in waiting:
                part.call.run(0, part.g.size, 1)
        for part in waiting:
            del part.g  # whoever makes the next one may use its memory again

    def _together(self, waiting: list[_Part]) -> Calls | None:
        """All of them in one call, if one kernel does them all."""
        parts, calls = self._last
        if (
            parts != waiting
            or calls is None
            or any([part.call is not call for part, call in zip(parts, calls.all, strict=True)])
        ):
            kernels = {part.formula.kernel for part in waiting if part.formula}
            sizes = [part.g.size for part in waiting]
            calls = Calls(kernels.pop(), [part.call for part in waiting], sizes) if len(kernels) == 1 else None
            self._last = waiting, calls
        return calls


def _pieces(call: Call, size: int) -> Iterator[Callable[[], None]]:
    for start in range(0, size, PIECE):
        yield partial(call.run, start, min(start + PIECE, size), 1)


def _is_like(x: Any, p: np.ndarray) -> bool:
    """Whether an array is of the shape and dtype of another, and lies in C order."""
    return type(x) is np.ndarray and x.dtype == p.dtype and x.shape == p.shape and bool(x.flags.c_contiguous)
