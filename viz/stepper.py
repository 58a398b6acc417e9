"""The debugger's cursor over a recorded computation: its backward or its forward pass. No input, no output.

Nothing is recomputed by moving: every state is read off the trace, so stepping back and forth always returns to it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from autodiff import BackwardStep, BackwardTrace, Message, Node
from autodiff.errors import SettingError


class Arrival(NamedTuple):
    """A message and the sum it is added to: `before` is None for the first message that an operand receives."""

    message: Message
    before: Any


class ForwardStep(NamedTuple):
    """One stop of the forward pass: a node that is computed from its operands, or a leaf that is given."""

    node: Node


S = TypeVar("S", BackwardStep, ForwardStep)


class Cursor(Generic[S]):
    """A cursor over steps. `position` is the number of steps taken, 0 to `len(cursor)`."""

    def __init__(self, steps: Sequence[S]) -> None:
        self.steps: Sequence[S] = steps
        self.position = 0

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def current(self) -> S | None:
        """The step the cursor is on; None before the first."""
        return self.steps[self.position - 1] if self.position else None

    def next(self) -> S | None:
        """Take the next step; None, and no move, after the last."""
        if self.position == len(self):
            return None
        self.position += 1
        return self.current

    def back(self) -> S | None:
        """Undo a step; None at the beginning."""
        self.position = max(0, self.position - 1)
        return self.current

    def goto(self, position: int) -> S | None:
        """Go to a step by its number. Raises SettingError outside 0 to the number of steps."""
        if not 0 <= position <= len(self):
            raise SettingError(f"step {position} does not exist; the walk has steps 1 to {len(self)}")
        self.position = position
        return self.current

    def until(self, predicate: Callable[[S], bool]) -> S | None:
        """Go on to the next step for which the predicate holds; None, and no move, if there is none."""
        for position in range(self.position, len(self)):
            if predicate(self.steps[position]):
                self.position = position + 1
                return self.current
        return None


class Stepper(Cursor[BackwardStep]):
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
        super().__init__(trace.steps)
        self.trace = trace

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """The current step's messages, each with the running sum it meets."""
        step = self.current
        if step is None:
            return ()
        found, sums = [], dict[int, Any]()
        for message in step.messages:
            id = message.operand
            before = sums[id] if id in sums else self.trace.sum_after(id, self.position - 1)
            found.append(Arrival(message, before))
            sums[id] = before if message.message is None else message.total
        return tuple(found)


class ForwardStepper(Cursor[ForwardStep]):
    """A cursor over the forward pass of a trace: every value in the order it was computed, but for nameless constants.

    >>> import autodiff as ad
    >>> stepper = ForwardStepper(ad.backprop(ad.Scalar(3.0, name="w") * 2))
    >>> [stepper.next().node.op for _ in range(len(stepper))]
    ['input', 'mul']
    """

    def __init__(self, trace: BackwardTrace) -> None:
        nodes = trace.graph.nodes
        super().__init__([ForwardStep(node) for node in nodes if node.op != "constant" or node.name])
        self.trace = trace
