"""The quiz: what does the next step send? It asks for a number, or an expression in the names that are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError, ExpressionError

from ..content import Line
from ..derivation import derive
from ..ledger import local_line, product_line
from ..notation import formula, label
from ..text import Text, amount
from .conditions import value_of

RTOL = 2e-3  # numbers are shown with four digits, and a reader multiplies what is shown
ATOL = 1e-6


@dataclass(frozen=True)
class Question:
    """A gradient that is hidden: what step `position` makes of the sum at one operand.

    text    what is asked
    answer  a number, or an array
    names   what an answer may be written in
    """

    trace: BackwardTrace
    position: int
    place: int
    text: Text
    answer: Any
    names: Mapping[str, Any]

    @property
    def lines(self) -> list[Text]:
        """The question, and how it is answered."""
        kind = "a number" if np.size(self.answer) == 1 else f"an array of shape {np.shape(self.answer)}"
        names = ", ".join([*self.names][:12])
        how = f"    answer with {kind}, or an expression in {names} (to 0.2 %); hint, or skip"
        return [self.text, [Line(how, "quiet")]]

    def is_right(self, text: str) -> bool:
        """Whether an answer is right, to two parts in a thousand. Raises ExpressionError if it is no answer."""
        given = np.asarray(value_of(text.replace("−", "-"), self.names))
        if given.dtype.kind not in "fiub":
            raise ExpressionError(f"{text!r} is not a number")
        right = np.asarray(self.answer, dtype=float)
        if given.shape != right.shape and not (given.size == right.size == 1):
            return False
        return bool(np.allclose(given.reshape(right.shape), right, rtol=RTOL, atol=ATOL, equal_nan=True))

    @property
    def hint(self) -> list[Text]:
        """The rule of the operation."""
        step = self.trace.steps[self.position - 1]
        rule = local_line(step.node, self.place, self.trace.graph.nodes, step.messages[self.place])
        words = "message = g × local derivative, and messages that meet are added:"
        return [[Line(f"    {words}", "quiet")], [Line(f"    {rule}", "text")]]

    @property
    def solution(self) -> list[Text]:
        """The step in numbers, and if the gradient is then whole its derivation."""
        step = self.trace.steps[self.position - 1]
        message = step.messages[self.place]
        nodes, operand = self.trace.graph.nodes, message.operand
        lines: list[Text] = [
            [
                Line("    ", "quiet"),
                Line(local_line(step.node, self.place, nodes, message), "text"),
                Line(f"    {product_line(message, step.upstream, '=')}", "backward"),
                Line(f"    in all {amount(self.answer)}", "backward"),
            ]
        ]
        if is_whole(self.trace, operand, self.position):
            lines += [[Line(f"    {line}", "text")] for line in derive(self.trace, operand).text.splitlines()]
        return lines


def is_whole(trace: BackwardTrace, id: int, position: int) -> bool:
    """Whether no step after this one sends to the node."""
    last = trace.cotangents.get(id)
    return last is not None and np.array_equal(trace.sum_after(id, position), last, equal_nan=True)


def next_question(trace: BackwardTrace, position: int, target: str) -> Question | None:
    """The question about the first step after `position` that sends anything; None if there is none."""
    nodes = trace.graph.nodes
    for asked in range(position + 1, len(trace.steps) + 1):
        node, g = trace.head(asked - 1)
        if node.is_leaf:
            continue
        messages = trace.steps[asked - 1].messages
        places = {m.operand: place for place, m in enumerate(messages) if m.message is not None}  # the last to each
        if not places:
            continue
        whole = [id for id in places if is_whole(trace, id, asked)]
        operand = (whole or [*places])[0]
        place, name = places[operand], label(nodes[operand])
        before = trace.sum_after(operand, asked - 1)
        so_far = "" if operand in whole else " so far"
        text = [
            Line(f" ? step {asked}: ", "quiet"),
            Line(f"{label(node)} = {formula(node, nodes)}", "text"),
            Line(f"  and g = ∂{target}/∂{label(node)} = ", "quiet"),
            Line(amount(g), "backward"),
            Line("" if before is None else f"; ∂{target}/∂{name} is {amount(before)} before", "quiet"),
            Line(f"   ∂{target}/∂{name}{so_far} = ?", "text"),
        ]
        return Question(trace, asked, place, text, messages[place].total, _names(trace, asked, before))
    return None


def _names(trace: BackwardTrace, asked: int, before: Any) -> dict[str, Any]:
    """What is shown, by name: g, the sum before, the step's node and operands, and every named value."""
    nodes = trace.graph.nodes
    node, g = trace.head(asked - 1)
    near = [node, *(nodes[id] for id in node.operands)]
    names: dict[str, Any] = {"g": g}
    for other in near:
        if not (other.op == "constant" and not other.name):
            names[other.name or f"v{other.id}"] = other.value
    if before is not None:
        names["before"] = before
    names |= {other.name: other.value for other in nodes if other.name and other.name not in names}
    return {name: value for name, value in names.items() if name.isidentifier()}


def answered(question: Question, text: str) -> tuple[bool, list[Text]]:
    """Whether an answer is right, and what is said to it. Raises ExpressionError if it is none."""
    try:
        right = question.is_right(text)
    except ExpressionError:
        raise
    except (AutodiffError, ValueError, TypeError, ArithmeticError) as error:
        raise ExpressionError(f"{text!r}: {' '.join(str(error).split())}") from error
    if right:
        return True, [[Line(" ✓ right: ", "text"), Line(amount(question.answer), "backward")]]
    return False, [[Line(" ✗ not right", "alarm")], *question.solution]
