"""The graph around the current node, as far as the pass has come: whole if it is small, else a window on it.

Values that are not computed yet, and gradients that have not arrived, are dashes: what is drawn is the state at this
step. Nothing here depends on how large the graph is, but for the trace's table of who uses what, which is made once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ..boxes import MAX_BOXES, Place, placed_boxes
from ..cards import kind_of
from ..cells import cut, visible
from ..content import Card, Edge, Line, Row, View
from ..ledger import is_finite
from ..notation import formula, label, sign
from ..numbers import norm, number
from ..text import amount
from .session import Session

MOST_NEAR = 16  # cards of a window
MOST_EACH = 6  # operands or users of one node


class Neighbourhood:
    """Draws the graph of a session around its current node.

    whole  the ids of all nodes that can be shown, if they are few enough to be drawn together; else empty
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        nodes = session.nodes
        shown = [n.id for n in nodes if not self._is_detail(n.id)] if len(nodes) <= 3 * MAX_BOXES else []
        self.whole = shown if len(shown) <= MAX_BOXES else []
        self._cards: dict[int, Card] = {}

    def draw(self, width: int) -> tuple[list[str], dict[int, Place], int]:
        """The lines, where each node is in them, and how many nodes are left out."""
        node = self.session.node.id
        self._cards.clear()  # of the last step; the windows that are tried share theirs
        windows = (self.around(node, most) for most in (MOST_NEAR, 12, 10, 8, 6, 5, 4, 3))
        for ids in chain([self.whole] if self.whole else [], windows):
            drawn = placed_boxes(self.view(ids), width)
            if drawn is not None:
                return *drawn, self._left_out(ids)
        return *self.listed(self.around(node, 8), width), self._left_out(self.around(node, 8))

    def _left_out(self, ids: Sequence[int]) -> int:
        return 0 if ids is self.whole else len(self.session.nodes) - len(ids)

    def around(self, id: int, most: int) -> list[int]:
        """At most so many nodes near one: its operands and what uses it first, then theirs. In recording order."""
        found, near = {id: None}, [id]
        while near and len(found) < most:
            further: list[int] = []
            for centre in near:
                for other in self._beside(centre):
                    if other not in found and len(found) < most:
                        found[other] = None
                        further.append(other)
            near = further
        return sorted(found)

    def _beside(self, id: int) -> Iterator[int]:
        operands = [i for i in dict.fromkeys(self.session.nodes[id].operands) if not self._is_detail(i)]
        yield from operands[:MOST_EACH]
        yield from self.session.users(id, MOST_EACH)

    def _is_detail(self, id: int) -> bool:
        """Whether a node stands in the formulas of its users well enough: a nameless constant number."""
        node = self.session.nodes[id]
        return node.op == "constant" and not node.name and node.shape == ()

    def view(self, ids: Sequence[int]) -> View:
        """A view of these nodes at the current step."""
        shown = set(ids)
        for id in ids:
            if id not in self._cards:
                self._cards[id] = self.card(id)
        cards = tuple(self._cards[id] for id in ids)
        edges = tuple(
            Edge(operand, id, position, (), False)
            for id in ids
            for position, operand in enumerate(self.session.nodes[id].operands)
            if operand in shown
        )
        return View(cards, edges, title="", description="", has_gradients=True)

    def card(self, id: int) -> Card:
        """A node with its value and gradient as far as they are known, the current one marked."""
        session, node = self.session, self.session.nodes[id]
        name, written = label(node), formula(node, session.nodes)
        known, g = session.has_value(id), session.gradient(id)
        rows = [Row("", Line(_shape(node.shape), "quiet"))] if node.shape else []
        value = _short(node.value) if known else "—"
        rows.append(Row("value", Line(value, "forward" if not known or is_finite(node.value) else "alarm")))
        if node.op != "constant" and not session.is_forward:
            role = "backward" if g is None or is_finite(g) else "alarm"
            rows.append(Row(f"∂{session.target}/∂{name}", Line(_short(g), role)))
        is_current = id == session.node.id
        operation = "" if node.is_leaf or written.startswith(sign(node)) else sign(node)
        card = Card(
            id=id,
            kind=kind_of(node),
            sign=operation,
            title=cut(name if node.is_leaf else f"{name} = {written}", 34),
            rows=tuple(rows),
            scope="",
            is_output=id in session.trace.graph.output_ids,
            is_alarm=any(row.line.role == "alarm" for row in rows),
            tooltip="",
        )
        return replace(card, sign=f"▶ {card.sign}".rstrip(), is_highlighted=True) if is_current else card

    def listed(self, ids: Sequence[int], width: int) -> tuple[list[str], dict[int, Place]]:
        """A line per node, for a window too narrow for boxes."""
        lines: list[str] = []
        places: dict[int, Place] = {}
        for id in ids:
            card = self.card(id)
            places[id] = Place(len(lines), 0, 1, width)
            rows = "  ".join(f"{row.label} {row.line.text.strip()}".strip() for row in card.rows)
            mark = "" if card.is_highlighted else "  "
            lines.append(cut(visible(f"{mark}{' '.join(filter(None, (card.sign, card.title)))}   {rows}"), width))
        return lines, places


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _short(value: Any) -> str:
    """A number, or a few in one row; else the norm: the shape stands in a row of its own."""
    if value is None or np.size(value) <= 4:
        return amount(value)
    return f"‖·‖ = {number(norm(value))}"
