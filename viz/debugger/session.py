"""A debugging session: where it is in which pass, breakpoints, watches, an open question. Commands act on it."""

from collections.abc import Callable, Sequence
from typing import Any

from autodiff import BackwardTrace, Node
from autodiff.errors import SettingError

from ..content import Line
from ..notation import label
from ..stepper import ForwardStepper, Stepper
from ..text import WIDTH, Text, amount
from .breakpoints import Breakpoint, Test, stop_at
from .fault import cause_of, stops_at
from .nodes import find, names_of
from .quiz import Question
from .state import State


class Session:
    """What a person does with one trace. It starts at the first step of the backward pass.

    backward, forward  a cursor in each pass; `is_forward` says which is used
    cause              where NaN or infinity began, if it did; there is a breakpoint there from the start
    breakpoints        in the order of their numbers
    watches            the ids of the nodes whose values and gradients are shown at every stop
    question           what the quiz asks and has not been told yet
    right, asked       the score
    width              the columns that an answer may take, as the front end has them
    """

    def __init__(self, trace: BackwardTrace) -> None:
        self.trace = trace
        self.backward = Stepper(trace)
        self.backward.next()
        self._forward: ForwardStepper | None = None
        self.is_forward = False
        self.breakpoints: list[Breakpoint] = []
        self.watches: list[int] = []
        self.question: Question | None = None
        self.right = self.asked = 0
        self.last_command = ""
        self.width = WIDTH
        self.is_interrupted = False  # another thread sets it to stop a long search, and clears it before one
        self._last_number = 0
        self._seen: dict[int, Any] = {}
        self._names: list[str] | None = None
        self.cause = cause_of(trace)
        if self.cause is not None:
            self._stop("cause", "the first cause", lambda state: stops_at(self.cause, state))

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes, by id."""
        return self.trace.graph.nodes

    @property
    def target(self) -> str:
        """What the output is called."""
        return label(self.trace.graph.outputs[0])

    @property
    def forward(self) -> ForwardStepper:
        """The cursor in the forward pass."""
        if self._forward is None:
            self._forward = ForwardStepper(self.trace)
        return self._forward

    @property
    def cursor(self) -> Stepper | ForwardStepper:
        """The cursor that is used."""
        return self.forward if self.is_forward else self.backward

    @property
    def node(self) -> Node:
        """The node of the current step."""
        step = self.cursor.current
        assert step is not None  # a session is always on a step
        return step.node

    @property
    def state(self) -> State:
        """What is known at the current step."""
        return self.state_at(self.cursor.position)

    def state_at(self, position: int) -> State:
        """What is known at a step of the pass."""
        if self.is_forward:
            return State(self.trace, position, True, self.forward.steps[position - 1].node)
        return State(self.trace, position)

    def enter(self, forward: bool) -> None:
        """Go over to the other pass, at the same node; or at its first step, if the node has none there."""
        id = self.node.id
        self.is_forward = forward
        self.go_to_node(id, otherwise=1)

    def go_to_node(self, id: int, otherwise: int | None = None) -> None:
        """Go to the step of a node in this pass. Raises SettingError if it has none and `otherwise` is not given."""
        if self.is_forward:
            places = (i for i, step in enumerate(self.forward.steps) if step.node.id == id)
            place = next(places, None)
        else:
            place = self.trace.position(id)
        if place is None and otherwise is None:
            raise SettingError(f"{label(self.nodes[id])}: no step of the {self.pass_name} pass visits it")
        self.cursor.goto(otherwise or 1 if place is None else place + 1)

    @property
    def pass_name(self) -> str:
        """forward or backward."""
        return "forward" if self.is_forward else "backward"

    def run_until(self, test: Test) -> bool:
        """Go on to the next step where the test holds; False, and no move, if there is none.

        Raises SettingError, and does not move, if it is interrupted.
        """
        for position in range(self.cursor.position + 1, len(self.cursor) + 1):
            if self.is_interrupted:
                raise SettingError(f"interrupted at step {position}; nothing was found before it")
            if test(self.state_at(position)):
                self.cursor.goto(position)
                return True
        return False

    def stops_here(self) -> list[Breakpoint]:
        """The breakpoints that hold at the current step."""
        state = self.state
        return [point for point in self.breakpoints if point.test(state)]

    def add_breakpoint(self, text: str) -> Breakpoint:
        """Stop there from now on. Raises SettingError or ExpressionError for what cannot be stopped at."""
        return self._stop(text, *stop_at(self.trace, text))

    def _stop(self, text: str, words: str, test: Test) -> Breakpoint:
        self._last_number += 1
        self.breakpoints.append(Breakpoint(self._last_number, text, words, test))
        return self.breakpoints[-1]

    def users(self, id: int, most: int) -> list[int]:
        """At most so many nodes that use one, in the order in which their messages arrive: the last recorded first."""
        return [self.trace.head(position)[0].id for position in self.trace.senders(id)[:most]]

    @property
    def names(self) -> list[str]:
        """The names that can be typed, for completion."""
        if self._names is None:
            self._names = names_of(self.trace)
        return self._names

    def find(self, name: str) -> int:
        """The id of the node of that name; `.` is the current one. Raises GraphError."""
        return self.node.id if name == "." else find(self.trace, name)

    def gradient(self, id: int) -> Any:
        """What is known of a node's gradient at the current step: the sum so far, or all of it; None before any."""
        if self.is_forward:
            return None
        place = self.trace.position(id)
        taken = self.backward.position
        if place is not None and place < taken:
            return self.trace.cotangents[id]
        return self.trace.sum_after(id, taken)

    def has_value(self, id: int) -> bool:
        """Whether the node's value is known at the current step: in the forward pass, what comes later is not."""
        return not self.is_forward or id <= self.node.id

    def watched(self) -> list[Text]:
        """A line for each watch: value, gradient so far, and what that was at the last stop if it was another."""
        lines = []
        for id in self.watches:
            node, g = self.nodes[id], amount(self.gradient(id))
            before = self._seen.get(id, g)
            self._seen[id] = g
            change = [Line(f"   was {before}", "quiet")] if before != g else []
            value = amount(node.value) if self.has_value(id) else "—"
            lines.append(
                [
                    Line(" ◈ ", "quiet"),
                    Line(label(node), "text"),
                    Line(" = ", "quiet"),
                    Line(value, "forward"),
                    Line(f"   ∂{self.target}/∂{label(node)} = ", "quiet"),
                    Line(g, "backward"),
                    *change,
                ]
            )
        return lines


Completer = Callable[[Session], Sequence[str]]
