"""The debugger's logic: a cursor over a recorded backward pass. No input, no output.

Nothing is recomputed by moving: every state is read off the trace, so stepping back and forth always returns to it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from autodiff import BackwardStep, BackwardTrace, Message
from autodiff.errors import SettingError


class Arrival(NamedTuple):
    """A message and the sum it is added to: `before` is None for the first message that an operand receives."""

    message: Message
    before: Any


class Stepper:
    """A cursor over the steps of a trace. `position` is the number of steps taken, 0 to `len(stepper)`.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(3.0, name="w"), ad.Scalar(2.0, name="x")
    >>> stepper = Stepper(ad.backprop(w * x + w))
    >>> [stepper.next().node.op for _ in range(2)]
    ['add', 'mul']
    >>> stepper.back().node.op
    'add'
    >>> stepper.until(lambda step: step.node.name == "w").upstream
    3.0
    >>> stepper.next() is None
    True
    """

    def __init__(self, trace: BackwardTrace) -> None:
        self.trace = trace
        self.position = 0
        self._before = _sums_before(trace)

    def __len__(self) -> int:
        return len(self.trace.steps)

    @property
    def current(self) -> BackwardStep | None:
        """The step the cursor is on; None before the first."""
        return self.trace.steps[self.position - 1] if self.position else None

    def next(self) -> BackwardStep | None:
        """Take the next step; None, and no move, after the last."""
        if self.position == len(self):
            return None
        self.position += 1
        return self.current

    def back(self) -> BackwardStep | None:
        """Undo a step; None at the beginning."""
        self.position = max(0, self.position - 1)
        return self.current

    def goto(self, position: int) -> BackwardStep | None:
        """Go to a step by its number. Raises SettingError outside 0 to the number of steps."""
        if not 0 <= position <= len(self):
            raise SettingError(f"step {position} does not exist; the walk has steps 1 to {len(self)}")
        self.position = position
        return self.current

    def until(self, predicate: Callable[[BackwardStep], bool]) -> BackwardStep | None:
        """Go on to the next step for which the predicate holds; None, and no move, if there is none."""
        for position in range(self.position, len(self)):
            if predicate(self.trace.steps[position]):
                self.position = position + 1
                return self.current
        return None

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """The current step's messages, each with the running sum it meets."""
        if self.current is None:
            return ()
        sums = self._before[self.position - 1]
        return tuple(Arrival(message, before) for message, before in zip(self.current.messages, sums, strict=True))


def _sums_before(trace: BackwardTrace) -> list[tuple[Any, ...]]:
    """For each message of each step, the sum its operand had before it."""
    totals: dict[int, Any] = {}
    all_sums: list[tuple[Any, ...]] = []
    for step in trace.steps:
        sums = []
        for message in step.messages:
            sums.append(totals.get(message.operand))
            if message.message is not None:
                totals[message.operand] = message.total
        all_sums.append(tuple(sums))
    return all_sums
