"""An optimiser's formula done in one pass over a parameter and what is remembered of it, by a kernel.

NumPy makes a pass over memory for each operation of the formula, twelve for Adam; a kernel makes one, with the same
bits. There is no copy of the parameters in one flat array for it: they stay arrays that anybody may read, replace or
share, and the pass goes from one to the next; parts of large ones are shared out among the processors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import is_
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..fusion import FLOATS, Call, Calls, Kernel, NotElementwiseError, Traced, is_available, kernel_of, traced
from ..tape import Value
from ..threads import share_out

LEAST = 16_384  # numbers of all parameters: for fewer, compiling takes longer than it saves
PIECE = 131_072  # numbers that one processor updates at a time
SHARED = 4 * PIECE  # for fewer, waking up the others takes longer than it saves
MOST_KNOWN = 64  # formulas, for as many settings
G = 1  # the place of the gradient among the arrays: the parameter, its gradient, what is remembered

# (p, g, what is remembered by name and "t", scratch, settings) -> None, as `Optimizer.update`
Update = Callable[[Any, Any, Any, Any, SimpleNamespace], None]


class _State:
    """What a formula is told of a parameter: it notices whether it asks how many steps there have been."""

    def __init__(self, t: int, memory: Mapping[str, Any]) -> None:
        self._all = {**memory, "t": t}
        self.asked = False

    def __getitem__(self, name: str) -> Any:
        self.asked = self.asked or name == "t"
        return self._all[name]

    def _refused(self, *args: Any) -> Any:
        raise NotElementwiseError

    __setitem__ = __delitem__ = __iter__ = __contains__ = __len__ = __getattr__ = _refused


class _Formula(NamedTuple):
    """A formula with certain settings, at a certain step if that makes a difference, and the kernel that does it."""

    traced: Traced
    kernel: Kernel
    t: int | None


class _Part:
    """A parameter with what is remembered of it, ready for a kernel.

    arrays  the parameter, in the place of the gradient anything, and what is remembered
    """

    __slots__ = ("arrays", "call", "formula", "gradients", "size")

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays, self.size = arrays, arrays[0].size
        self.formula: _Formula | None = None

    def is_of(self, p: np.ndarray, others: list[Any]) -> bool:
        """Whether these are its arrays, and still as they were."""
        return self.arrays[0] is p and all(map(is_, self.arrays[G + 1 :], others)) and _are_ready(self.arrays)

    def prepare(self, formula: _Formula, g: np.ndarray) -> None:
        """Have the kernel at hand, with the gradient and the numbers of this step."""
        if formula is not self.formula:
            self._turn_to(formula)
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
    params  all parameters: where two share memory, the order of updates matters, and nothing is taken over
    """

    def __init__(self, memory: Sequence[str], params: Sequence[Value]) -> None:
        self._memory, self._params = tuple(memory), params
        self._is_possible = is_available()
        self._parts: dict[int, _Part] = {}
        self._formulas: dict[Any, _Formula] = {}
        self._asked: Any = None  # for which formula, the last time
        self._answer: _Formula | None = None
        self._waiting: list[tuple[_Part, np.ndarray]] = []  # with the gradient, which has to stay
        self._last: list[_Part] = []  # what was done together,
        self._calls: Calls | None = None  # made ready

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

        number  its place among the parameters
        """
        part = self._part(number, p, state)
        if part is None or not _is_like(g, p) or not _are_apart(g, part.arrays):
            return False
        try:
            part.prepare(self._formula(update, FLOATS[p.dtype], state["t"], settings), g)
        except NotElementwiseError:
            self._is_possible = False
            self._parts.clear()
            return False
        self._waiting.append((part, g))
        return True

    def _part(self, number: int, p: np.ndarray, state: dict[str, Any]) -> _Part | None:
        """The parameter made ready, if a kernel can work on it."""
        part = self._parts.get(number)
        others = [state[name] for name in self._memory]
        if part is not None and part.is_of(p, others):
            return part
        self._parts.pop(number, None)
        if not self._is_possible:
            return None
        if any(np.may_share_memory(p, other.data) for k, other in enumerate(self._params) if k != number):
            self.finish()  # those before it, in whose memory it may be
            self._is_possible = False
            self._parts.clear()
            return None
        if p.dtype not in FLOATS or not all([_is_like(x, p) for x in (p, *others)]) or not _are_ready([p, *others]):
            return None
        self._parts[number] = _Part([p, p, *others])
        return self._parts[number]

    def _formula(self, update: Update, dtype: str, t: int, settings: SimpleNamespace) -> _Formula:
        """The formula at this step with these settings."""
        asked = self._asked
        if asked is None or asked[0] is not settings or asked[1:] != (dtype, t) or self._answer is None:
            self._answer = self._found(update, dtype, t, settings)
            self._asked = settings, dtype, t
        return self._answer

    def _found(self, update: Update, dtype: str, t: int, settings: SimpleNamespace) -> _Formula:
        key = (dtype, *vars(settings).items())
        try:
            known = self._formulas.get(key)
        except TypeError as error:  # a setting that cannot be told from another one
            raise NotElementwiseError from error
        if known is not None and (known.t is None or known.t == t):
            return known
        states: list[_State] = []

        def code(p: Any, g: Any, *others: Any) -> None:
            states.append(_State(t, dict(zip(self._memory, others, strict=False))))
            update(p, g, states[0], others[-1], settings)

        try:
            found = traced(code, G + 1 + len(self._memory), dtype, scratch=1)
        except Exception as error:  # what it is shows when the formula is done with arrays
            raise NotElementwiseError from error
        if len(self._formulas) >= MOST_KNOWN:  # a schedule has changed the rate again and again
            self._formulas.clear()
        is_same = known is not None and found.formula is known.traced.formula
        kernel = known.kernel if known is not None and is_same else kernel_of(found.formula)  # to be found takes longer
        formula = self._formulas[key] = _Formula(found, kernel, t if states[0].asked else None)
        return formula

    def finish(self) -> None:
        """Do all updates that were taken over."""
        waiting, self._waiting = self._waiting, []
        parts = [part for part, _ in waiting]
        if sum([part.size for part in parts]) >= SHARED:
            share_out([piece for part in parts for piece in _pieces(part.call, part.size)])
        elif calls := self._together(parts):
            calls.run()
        else:
            for part in parts:
                part.call.run(0, part.size, 1)

    def _together(self, parts: list[_Part]) -> Calls | None:
        """All of them in one call, if one kernel does them all."""
        calls = self._calls
        is_ready = calls is not None and parts == self._last and all(map(is_, calls.all, [p.call for p in parts]))
        if not is_ready:
            kernels = {part.formula.kernel for part in parts if part.formula}
            sizes = [part.size for part in parts]
            calls = Calls(kernels.pop(), [part.call for part in parts], sizes) if len(kernels) == 1 else None
            self._last, self._calls = parts, calls
        return calls


def _pieces(call: Call, size: int) -> Iterator[Callable[[], None]]:
    for start in range(0, size, PIECE):
        yield partial(call.run, start, min(start + PIECE, size), 1)


def _is_like(x: Any, p: np.ndarray) -> bool:
    """Whether an array is of the shape and dtype of another, and lies in C order."""
    return type(x) is np.ndarray and x.dtype == p.dtype and x.shape == p.shape and bool(x.flags.c_contiguous)


def _are_ready(arrays: Sequence[np.ndarray]) -> bool:
    """Whether they can be written to, and are still of one size."""
    size = arrays[0].size
    return all([x.size == size and x.flags.writeable for x in arrays])


def _are_apart(g: np.ndarray, arrays: Sequence[np.ndarray]) -> bool:
    """Whether a gradient is one of the arrays, or shares no memory with them."""
    owns = g.flags.owndata
    return all([g is x or (owns and x.flags.owndata) or not np.may_share_memory(g, x) for x in arrays])
