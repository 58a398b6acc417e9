"""When everything happens on a page: the position of each value, message and gradient on its scrubber.

Positions 1 to n are the operations of the forward pass, in recording order; those after it are the steps of the
backward walk. At each something is said, in the words of the terminal's debugger.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff import BackwardStep, BackwardTrace, Graph, Node

from . import stepper, text
from .cards import gradient_rows, number_width
from .content import Card, Edge, Line, Row, View
from .heat import magnitude
from .ledger import is_finite
from .notation import formula, label, shorten
from .numbers import norm
from .text import amount

IN, OUT = "‖∂‖ in", "‖∂‖ out"
MOST_IN_FULL = 4000  # steps; of more, those of folded nodes are told without their operands
MOST_LINES = 60  # that a step says: an operation may have thousands of operands


class State(NamedTuple):
    """The rows of a card's gradient from a position on, and the `heat.magnitude` of it."""

    position: int
    rows: tuple[Row, ...]
    size: float | None


class Flow(NamedTuple):
    """The norm of the gradients that enter or leave a part of the graph, and the position at which it is whole."""

    position: int
    size: float


class Arrival(NamedTuple):
    """A message as its operand receives it: when, from which node, and the sum that it makes."""

    position: int
    user: int
    message: Any
    total: Any


class Timeline:
    """What is known of a drawing's cards and edges at each position.

    last  the end of the scrubber
    """

    def __init__(self, graph: Graph, trace: BackwardTrace | None, content: View) -> None:
        self.graph, self.nodes, self.trace = graph, graph.nodes, trace
        self.homes = {id: card.id for card in content.cards for id in card.members}
        self.groups = {card.id for card in content.cards if card.kind == "group"}
        self.forward = [node for node in graph.nodes if not node.is_leaf]
        self.value_at = {node.id: position for position, node in enumerate(self.forward, 1)}
        self.visited_at: dict[int, int] = {}
        self.arrivals: dict[int, list[Arrival]] = {}  # by operand
        self.sent: dict[int, list[tuple[int, Any]]] = {}  # operands and messages, by node
        self._whole_at: dict[tuple[int | None, int | None], int] = {}  # the last message between two cards
        self.steps: list[tuple[BackwardStep, list[stepper.Arrival]]] = []  # with the sums that its messages meet
        totals: dict[int, Any] = {}
        for position, step in enumerate(trace.steps if trace else (), len(self.forward) + 1):
            found = []
            id = step.node.id
            self.visited_at[id] = position
            for message in step.messages:
                found.append(stepper.Arrival(message, totals.get(message.operand)))
                if message.message is not None:
                    arrival = Arrival(position, id, message.message, message.total)
                    self.arrivals.setdefault(message.operand, []).append(arrival)
                    self.sent.setdefault(id, []).append((message.operand, message.message))
                    self._whole_at[self.homes.get(message.operand), self.homes.get(id)] = position
                    totals[message.operand] = message.total
            self.steps.append((step, found))
        self.last = len(self.forward) + len(self.visited_at)
        # Those whose steps are told without their operands, where telling of all would take longer than drawing.
        self.in_short = self.groups if self.last > MOST_IN_FULL else set()

    def sent_at(self, edge: Edge) -> int:
        """When the message of an edge is sent; of an edge that stands for several, the last."""
        if edge.source in self.groups or edge.target in self.groups:
            return self._whole_at.get((edge.source, edge.target), 0)
        return self.visited_at.get(edge.target, 0)

    def states(self, card: Card) -> list[State]:
        """What the gradient rows of a card say, from when on: a dash, each running sum, and in the end the view's."""
        final = tuple(row for row in card.rows if "gradient" in row.fields)
        if not final:
            return []
        if card.kind == "group":
            return self._group_states(card, final)
        found = [State(0, (_dash(final[0]),), None)]
        kept = {row.fields for row in final}  # as `show=` chose
        messages: list[Any] = []
        width = number_width(self.nodes[card.id], self._cotangent(card.id))
        for position, _, message, total in self.arrivals.get(card.id, ()):
            messages.append(message)
            rows = gradient_rows(final[0].label, total, messages, width)
            rows = [row for row in rows if row.fields in kept]
            if found[-1].position == position:  # x·x sends two messages in one step
                found.pop()
            found.append(State(position, tuple(rows), magnitude(total)))
        at = self.visited_at.get(card.id)
        if at is not None and found[-1].rows != final:  # the first cotangent, or one that a hook replaced
            found.append(State(at, final, magnitude(self._cotangent(card.id))))
        return found

    def _group_states(self, card: Card, final: tuple[Row, ...]) -> list[State]:
        flows = self.flows(set(card.members))
        found = [State(0, tuple(map(_dash, final)), None)]
        for position in sorted({flow.position for flow in flows.values()}):
            known = {way for way, flow in flows.items() if flow.position <= position}
            found.append(State(position, tuple(row if row.label in known else _dash(row) for row in final), None))
        if found[-1].rows != final:
            found.append(State(self.last, final, None))
        sizes = [size for id in card.members if (size := magnitude(self._cotangent(id))) is not None]
        found[-1] = found[-1]._replace(size=max(sizes, default=None))
        return found

    def _cotangent(self, id: int) -> Any:
        return self.trace.cotangents.get(id) if self.trace else None

    def flows(self, inside: set[int]) -> dict[str, Flow]:
        """What the gradients come to that enter these nodes and that leave them, as far as any do.

        What enters are the sums of the messages that nodes inside receive from outside, and the gradient that the walk
        starts with; what leaves, the other way round.
        """
        sums: dict[str, dict[int, Any]] = {IN: {}, OUT: {}}
        whole_at: dict[str, int] = {}

        def add(way: str, position: int, node: int, message: Any) -> None:
            sums[way][node] = sums[way][node] + message if node in sums[way] else message
            whole_at[way] = max(whole_at.get(way, 0), position)

        starts = set(self.trace.graph.output_ids) & inside if self.trace else ()
        for id in starts:
            if id in self.visited_at:
                add(IN, self.visited_at[id], id, self._cotangent(id))
        for id in sorted(inside):
            for position, user, message, _ in self.arrivals.get(id, ()):
                if user not in inside:
                    add(IN, position, id, message)
            for operand, message in self.sent.get(id, ()):
                if operand not in inside:
                    add(OUT, self.visited_at[id], operand, message)
        return {
            way: Flow(whole_at[way], norm([norm(total) for total in sums[way].values()]))
            for way in (IN, OUT)
            if way in whole_at
        }

    def told(self) -> list[dict[str, Any]]:
        """Every position from 1 on: its pass, its card, where it reads from, and what it says, line by line.

        `from` are the cards of the operands of a node that is folded; without it, all cards that the card reads from.
        """
        count = len(self.forward)
        told = [
            {
                "pass": "forward",
                **self._place(node),
                "name": f"Forward {position} of {count}",
                "lines": self._forward_lines(node),
            }
            for position, node in enumerate(self.forward, 1)
        ]
        for position, (step, arrivals) in enumerate(self.steps, 1):
            told.append(
                {
                    "pass": "backward",
                    **self._place(step.node),
                    "name": f"Backward {position} of {len(self.steps)}",
                    "lines": self._backward_lines(step, arrivals),
                }
            )
        return told

    def _place(self, node: Node) -> dict[str, Any]:
        home = self.homes.get(node.id)
        if home not in self.groups:
            return {"node": home}
        reads = dict.fromkeys(self.homes.get(id) for id in node.operands)
        return {"node": home, "from": [id for id in reads if id not in (home, None)]}

    def _backward_lines(self, step: BackwardStep, arrivals: Sequence[stepper.Arrival]) -> list[list[list[str]]]:
        most = 0 if self.homes.get(step.node.id) in self.in_short else MOST_LINES
        # Without a width each column is a line of its own.
        lines = text.told(self.graph, step, arrivals[:most], 0)
        told = [[[part.text, part.role] for part in line] for line in lines]
        more = len(arrivals) - MOST_LINES if most else 0
        return told if more <= 0 else [*told, [[f"       and {more} more", "quiet"]]]

    def _forward_lines(self, node: Node) -> list[list[list[str]]]:
        head = [
            [" ── ", "quiet"],
            [f"node #{node.id}  {shorten(node.op)}   ", "quiet"],
            [f"{label(node)} = {formula(node, self.nodes)}", "text"],
        ]
        role = "forward" if is_finite(node.value) else "alarm"
        value = [["       value ", "quiet"], [amount(node.value), role]]
        if self.homes.get(node.id) in self.in_short:
            return [head, value]
        operands = [
            [[f"    from {label(self.nodes[id])} = ", "quiet"], [amount(self.nodes[id].value), "forward"]]
            for id in dict.fromkeys(node.operands[:MOST_LINES])
        ]
        more = len(node.operands) - MOST_LINES
        if more > 0:
            operands.append([[f"    and {more} more", "quiet"]])
        return [head, *operands, value]


def _dash(row: Row) -> Row:
    return row._replace(line=Line("—", "backward"))
