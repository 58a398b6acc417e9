"""A view as boxes for a terminal: one layer of cards below the other, and a line of its own for each edge.

┌─ w ───────────┐  ┌─ x ────────────┐
│ value   2.000 │  │ value   −1.000 │
└──────┬────────┘  └───────┬────────┘
       ╰────────╮  ╭───────╯
                ▼  ▼
       ╭─ × y = w · x ──╮
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .cells import pad, visible
from .cells import width as cells
from .view import Card, View

MAX_BOXES = 30  # a larger drawing is higher than a screen, and a tree says it in fewer lines
GAP = 2  # columns between boxes
SWEEPS = 8

# Corners from the upper left clockwise, then horizontal and vertical.
BORDERS = {
    "input": "┌┐┘└─│",
    "parameter": "╓╖╜╙─║",
    "constant": "┌┐┘└╌┆",
    "operation": "╭╮╯╰─│",
    "group": "┎┒┚┖─┃",
    "result": "┏┓┛┗━┃",
    "alarm": "╔╗╝╚═║",
}
JOINTS = {"─": "┬", "╌": "┬", "━": "┯", "═": "╤"}  # where a line leaves the lower border


@dataclass(eq=False)
class _Item:
    """A card in its layer, or a place where an edge passes through a layer."""

    lines: list[str]
    width: int
    card: int | None = None
    left: int = 0
    above: list["_Line"] = field(default_factory=list)
    below: list["_Line"] = field(default_factory=list)

    @property
    def centre(self) -> float:
        return self.left + (self.width - 1) / 2


@dataclass(eq=False)
class _Line:
    """An edge's way from one layer to the next; columns of its two ends, and the row in which it goes sideways."""

    source: _Item
    target: _Item
    start: int = 0
    end: int = 0
    row: int = 0


class Place(NamedTuple):
    """Where a box is: its first row and column, and how many of each it takes."""

    row: int
    column: int
    height: int
    width: int


def boxes(content: View, width: int) -> list[str] | None:
    """The lines of the drawing, or None where it does not fit the width or would be confusing."""
    drawn = placed_boxes(content, width)
    return None if drawn is None else drawn[0]


def placed_boxes(content: View, width: int) -> tuple[list[str], dict[int, Place]] | None:
    """The lines of the drawing, and where in it each card is; None as for `boxes`."""
    if not 0 < len(content.cards) <= MAX_BOXES:
        return None
    place = {card.id: i for i, card in enumerate(content.cards)}
    if any(place[edge.source] >= place[edge.target] for edge in content.edges):
        return None  # layers need operands before what uses them
    layers = _layers(content)
    if any(sum(item.width + GAP for item in layer) - GAP > width for layer in layers):
        return None
    layers = _untangled(layers)
    _place(layers, width)
    rows: list[str] = []
    places: dict[int, Place] = {}
    for layer, following in pairwise([*layers, []]):
        lines = [line for item in layer for line in item.below]
        if not _attach(layer, following):
            return None
        height = _route(lines)
        if height is None:
            return None
        for item in layer:
            if item.card is not None:
                places[item.card] = Place(len(rows), item.left, len(item.lines), item.width)
        rows += _drawn(layer)
        rows += _connections(lines, height, width)
    return rows, places


def _layers(content: View) -> list[list[_Item]]:
    """Cards from the inputs down to the result, each just above the first that uses it."""
    rank: dict[int, int] = {}
    users: dict[int, list[int]] = {card.id: [] for card in content.cards}
    for edge in content.edges:
        users[edge.source].append(edge.target)
    for card in reversed(content.cards):  # operands stand before their users
        rank[card.id] = 1 + max((rank[user] for user in users[card.id]), default=-1)
    items = {card.id: _box(card) for card in content.cards}
    depth = {items[card.id]: rank[card.id] for card in content.cards}
    for edge in content.edges:
        source = items[edge.source]
        for passed in range(rank[edge.source] - 1, rank[edge.target], -1):
            passing = _Item([], 1)
            depth[passing] = passed
            _join(source, passing)
            source = passing
        _join(source, items[edge.target])
    layers: list[list[_Item]] = [[] for _ in range(max(rank.values()) + 1)]
    for item in _in_reading_order([items[card.id] for card in reversed(content.cards) if not users[card.id]]):
        layers[-1 - depth[item]].append(item)
    return layers


def _in_reading_order(results: Sequence[_Item]) -> list[_Item]:
    """All items, upwards from the results, the operands of each from left to right."""
    waiting, seen = list(results), dict[_Item, None]()
    while waiting:
        item = waiting.pop()
        if item not in seen:
            seen[item] = None
            waiting += [line.source for line in reversed(item.above)]
    return list(seen)


def _join(source: _Item, target: _Item) -> None:
    line = _Line(source, target)
    source.below.append(line)
    target.above.append(line)


def _box(card: Card) -> _Item:
    lines, width = _frame(card)
    return _Item(list(lines), width, card.id)


@lru_cache(maxsize=256)  # the debugger tries several windows on a graph at every step: most cards are in the last too
def _frame(card: Card) -> tuple[tuple[str, ...], int]:
    style = "alarm" if card.is_alarm else "result" if card.is_output else card.kind
    upper_left, upper_right, lower_right, lower_left, across, down = list(BORDERS[style])
    title = visible(f"{card.sign} {card.title}" if card.sign else card.title)
    rows = [(visible(row.label), visible(row.line.text).strip()) for row in card.rows]
    if card.scope:
        rows.insert(0, ("in", visible(card.scope)))
    inner = max([cells(title) + 2, *(cells(label) + 2 + cells(text) for label, text in rows)])
    lines = [f"{upper_left}{across} {title} {across * (inner - cells(title) - 1)}{upper_right}"]
    lines += [f"{down} {pad(label, inner - cells(text))}{text} {down}" for label, text in rows]
    lines.append(lower_left + across * (inner + 2) + lower_right)
    return tuple(lines), inner + 4


def _untangled(layers: list[list[_Item]]) -> list[list[_Item]]:
    """The layers in the order with the fewest crossings that a few sweeps find, each item near what it is joined to."""
    best, fewest = layers, _crossings(layers)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        layers = [list(layer) for layer in layers]
        downwards = sweep % 2 == 1
        for layer in layers if downwards else layers[::-1]:
            place = _places(layers)
            layer.sort(key=lambda item: _mean([place[other] for other in _others(item, downwards)], place[item]))
        if (crossings := _crossings(layers)) < fewest:
            best, fewest = layers, crossings
    return best


def _places(layers: Sequence[Sequence[_Item]]) -> dict[_Item, float]:
    return {item: place / max(len(layer) - 1, 1) for layer in layers for place, item in enumerate(layer)}


def _others(item: _Item, above: bool) -> list[_Item]:
    return [line.source for line in item.above] if above else [line.target for line in item.below]


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _crossings(layers: Sequence[Sequence[_Item]]) -> int:
    place = {item: i for layer in layers for i, item in enumerate(layer)}
    count = 0
    for layer in layers:
        ends = [(place[line.source], place[line.target]) for item in layer for line in item.below]
        count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(ends) for b in ends[:i])
    return count


def _place(layers: Sequence[Sequence[_Item]], width: int) -> None:
    """Give each item its column: as near as can be to the middle of what it is joined to."""
    for layer in layers:
        _settle(layer, [0.0] * len(layer), width)
    for sweep in range(SWEEPS):
        above = sweep % 2 == 0
        for layer in layers if above else layers[::-1]:
            wished = [_mean([other.centre for other in _others(item, above)], item.centre) for item in layer]
            _settle(layer, [wish - (item.width - 1) / 2 for wish, item in zip(wished, layer, strict=True)], width)
    leftmost = min(item.left for layer in layers for item in layer)
    for layer in layers:
        for item in layer:
            item.left -= leftmost


def _settle(layer: Sequence[_Item], wished: Sequence[float], width: int) -> None:
    """Put items where they wish to be, in order, without overlap, inside the width."""
    edge = 0
    for item, wish in zip(layer, wished, strict=True):
        item.left = max(edge, round(wish))
        edge = item.left + item.width + GAP
    edge = width
    for item in reversed(layer):
        item.left = min(item.left, edge - item.width)
        edge = item.left - GAP


def _attach(layer: Sequence[_Item], following: Sequence[_Item]) -> bool:
    """Give each line a column at both its ends; False where a box is too narrow for its lines.

    No line ends in the column where another begins: there they would run into each other.
    """
    for item in layer:
        item.below.sort(key=lambda line: line.target.centre)
        if len(item.below) > max(item.width - 2, 1):
            return False
        for line, column in zip(item.below, _spread(item, len(item.below)), strict=True):
            line.start = column
    begun = {line.start: line for item in layer for line in item.below}
    for item in following:
        item.above.sort(key=lambda line: line.start)
        if len(item.above) > max(item.width - 2, 1):
            return False
        free = [item.left] if item.width == 1 else list(range(item.left + 1, item.left + item.width - 1))
        for line, column in zip(item.above, _spread(item, len(item.above)), strict=True):
            choices = [c for c in free if begun.get(c, line) is line]
            if not choices:
                return False
            # Straight down where the line begins above the box and its neighbours leave it room.
            line.end = min(choices, key=lambda c: (abs(c - column), c))
            free = [c for c in free if c > line.end]
        _straighten(item, begun)
    return True


def _straighten(item: _Item, begun: dict[int, _Line]) -> None:
    """A line that begins above the box goes straight down, if it stays between its neighbours."""
    for i, line in enumerate(item.above):
        low = item.above[i - 1].end if i else item.left
        high = item.above[i + 1].end if i + 1 < len(item.above) else item.left + item.width - 1
        if low < line.start < high:
            line.end = line.start


def _spread(item: _Item, count: int) -> list[int]:
    if item.width == 1:
        return [item.left] * count
    return [item.left + 1 + round((item.width - 3) * (i + 1) / (count + 1)) for i in range(count)]


def _route(lines: Sequence[_Line]) -> int | None:
    """Give each line that goes sideways a row of its own among those it would touch; how many rows there are."""
    sideways = [line for line in lines if line.start != line.end]
    # Lines to the right, the one that begins farthest right first; lines to the left, farthest left first: none of
    # two neighbours that go the same way crosses the other.
    sideways.sort(key=lambda line: -line.start if line.end > line.start else line.start)
    height = 0
    for line in sideways:
        low, high = sorted((line.start, line.end))
        taken = {
            other.row
            for other in sideways
            if other.row and min(other.start, other.end) <= high and max(other.start, other.end) >= low
        }
        line.row = 1 + max(taken, default=0)
        height = max(height, line.row)
    return height


def _drawn(layer: Sequence[_Item]) -> list[str]:
    """The layer's boxes; from those that end early, and where an edge passes through, lines go on down."""
    height = max(len(item.lines) for item in layer)
    rows = []
    for number in range(height):
        row, used = "", 0
        for item in layer:
            row += " " * (item.left - used) + _slice(item, number)
            used = item.left + item.width
        rows.append(row)
    return rows


def _slice(item: _Item, number: int) -> str:
    """The item's part of one row of its layer."""
    starts = {line.start - item.left for line in item.below}
    if number < len(item.lines) - 1:
        return item.lines[number]
    if number == len(item.lines) - 1:
        return "".join(JOINTS.get(c, c) if i in starts else c for i, c in enumerate(item.lines[-1]))
    return "".join("│" if i in starts else " " for i in range(item.width))


def _connections(lines: Sequence[_Line], height: int, width: int) -> list[str]:
    """The rows between two layers: lines go down, sideways in their own row, down again, and end in a tip."""
    if not lines:
        return []
    rows = [[" "] * width for _ in range(height + 1)]

    def put(row: int, column: int, sign: str) -> None:
        rows[row][column] = "┼" if {rows[row][column], sign} == {"─", "│"} else sign

    for line in lines:
        for row in range(height + 1):
            turn = line.row - 1
            if line.start == line.end:
                put(row, line.start, "│")
                continue
            if row < turn:
                put(row, line.start, "│")
            elif row > turn:
                put(row, line.end, "│")
    for line in lines:
        if line.start != line.end:
            low, high = sorted((line.start, line.end))
            for column in range(low + 1, high):
                put(line.row - 1, column, "─")
            put(line.row - 1, line.start, "╰" if line.end > line.start else "╯")
            put(line.row - 1, line.end, "╮" if line.end > line.start else "╭")
        if line.target.lines:
            rows[height][line.end] = "▼"
    return ["".join(row) for row in rows]
