"""A view as a tree for a terminal: the result on top, its operands below it, each under the ledger of its branch.

As in a log of commits the longest branch goes straight down and the others stand aside, so a deep network takes no more
width than a small expression. An operand is written once, below the last that uses it; elsewhere it is referred to.

    ◉ L = d²   value 0.250   ∂L/∂L 1.000
    │   ↓ ∂L/∂d = 2 · d = 1.000   1.000 × 1.000 → 1.000
    ● − d = y − 1   value 0.500   ∂L/∂d 1.000
    │   ↓ ∂d/∂y = 1   1.000 × 1.000 → 1.000
    ├─○ y   value 1.500   ∂L/∂y 1.000
    ╰─· 1
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .cells import cut, flow, visible
from .view import Card, Edge, View

BULLETS = {"input": "○", "parameter": "□", "constant": "·", "operation": "●", "group": "▣"}
RESULT, ALARM, MESSAGE = "◉", "‼", "↓"


class _Plan(NamedTuple):
    """Where things are written: the operands of each card in order, and for each operand the edge it is below."""

    operands: Mapping[int, Sequence[Edge]]
    homes: Mapping[int, Edge]

    def is_written_below(self, edge: Edge) -> bool:
        return self.homes.get(edge.source) is edge


class _Branch(NamedTuple):
    """A card still to be written, the edge that leads to it, and what stands to the left of its lines."""

    card: int
    edge: Edge | None
    first: str
    rest: str


def tree(content: View, width: int) -> Iterator[str]:
    """The lines of the tree, none wider than `width` cells."""
    cards = {card.id: card for card in content.cards}
    plan = _plan(content)
    roots = [_Branch(card.id, None, "", "") for card in content.cards if card.id not in plan.homes]
    waiting, written = roots[::-1], set[int]()
    while waiting:
        card, edge, first, rest = waiting.pop()
        if edge is not None:
            yield from _ledger(edge, first.removesuffix("├─").removesuffix("╰─") + "│   ", width)
            if not plan.is_written_below(edge):
                place = "above" if card in written else "below"
                yield cut(f"{first}{BULLETS[cards[card].kind]} {visible(name_of(cards[card]))}, shown {place}", width)
                continue
        below = plan.operands[card]
        outer = cards[edge.target].scope if edge else ""
        yield from _described(cards[card], outer, first, rest + ("│   " if below else "    "), width)
        written.add(card)
        waiting += reversed(list(_branches(below, plan, rest)))


def name_of(card: Card) -> str:
    """What a card's formula begins with."""
    return card.title.partition(" = ")[0] or card.title


def _plan(content: View) -> _Plan:
    place = {card.id: i for i, card in enumerate(content.cards)}
    operands: dict[int, list[Edge]] = {card.id: [] for card in content.cards}
    homes: dict[int, Edge] = {}
    for edge in content.edges:
        operands[edge.target].append(edge)
        last = homes.get(edge.source)
        # Operands stand before what uses them; were one to stand after it, it would be referred to.
        if place[edge.source] < place[edge.target] and (last is None or place[edge.target] > place[last.target]):
            homes[edge.source] = edge
    sizes = dict.fromkeys(place, 1)  # how many cards are written from here down
    for card in place:
        if card in homes:
            sizes[homes[card].target] += sizes[card]
    plan = _Plan(operands, homes)
    for edges in operands.values():  # the operand with most below it comes last, straight down
        own = [edge for edge in edges if plan.is_written_below(edge) and operands[edge.source]]
        if own:
            trunk = max(own, key=lambda edge: sizes[edge.source])
            edges.sort(key=lambda edge: edge is trunk)
    return plan


def _branches(below: Sequence[Edge], plan: _Plan, stem: str) -> Iterator[_Branch]:
    for number, edge in enumerate(below, 1):
        is_last = number == len(below)
        if is_last and plan.is_written_below(edge) and plan.operands[edge.source]:
            yield _Branch(edge.source, edge, stem, stem)
        elif is_last:
            yield _Branch(edge.source, edge, f"{stem}╰─", f"{stem}  ")
        else:
            yield _Branch(edge.source, edge, f"{stem}├─", f"{stem}│ ")


def _described(card: Card, outer: str, first: str, rest: str, width: int) -> Iterator[str]:
    """The card's bullet, formula, scope (where it is another than its user's) and rows."""
    marks = [RESULT if card.is_output else BULLETS[card.kind], ALARM if card.is_alarm else "", visible(card.sign)]
    parts = [" ".join([*filter(None, marks), visible(card.title)])]
    if card.scope and card.scope != outer:
        parts.append(f"in {visible(card.scope)}")
    for row in card.rows:
        text = " ".join(visible(row.line.text).split())
        if row.label:
            parts.append(f"{visible(row.label)} {text}")
        else:  # it continues the row above
            parts[-1] += f"  {text}"
    head, *lines = flow(parts, width - len(first), width - len(rest))
    yield first + head
    yield from (rest + line for line in lines)


def _ledger(edge: Edge, stem: str, width: int) -> Iterator[str]:
    parts = [visible(line.text) for line in edge.lines]
    if parts:
        room = width - len(stem) - 2
        for number, line in enumerate(flow(parts, room, room)):
            yield f"{stem}{' ' if number else MESSAGE} {line}"
