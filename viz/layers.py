"""A layered layout in about linear time, for drawings that Graphviz would take minutes for.

Cards stand in columns; so a scope is a box over a stretch of columns, and boxes that share some stand one below the
other. Within a column cards are sorted and moved towards their neighbours, a few times back and forth. A drawing that
is long is cut into lines, like a text. Edges that pass a card pass behind it.
Source: Sugiyama, Tagawa & Toda 1981, barycentres.

Here u runs from column to column and v along one: x and y from left to right, y and x from top to bottom.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple, TypeVar

from .columns import columns
from .content import View
from .geometry import HEADER, PADDING, Box, Key, Placement, Route, Size, ledger_scopes, scope_paths
from .lines import SHAPE, Block, arranged

COLUMN_GAP = 26.0
ROW_GAP = 20.0
SWEEPS = 8  # over the columns, back and forth
ROUNDS = 4  # of moving the cards and boxes of a scope towards their neighbours


_NOTE = "layout simplified: edges may pass behind cards"
_CUT = f"{_NOTE}, and the drawing is read line by line"
_Child = TypeVar("_Child", int, int | str)  # a card or a ledger by its number, or a scope by its path


class _Unit(NamedTuple):
    """A card, a ledger or a scope's box: the first and the last column it takes, and its extent along them."""

    first: int
    last: int
    v: float


def layered(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[Key, Size],
    headers: Mapping[str, float],
    direction: str = "LR",
) -> Placement:
    """Place a view; arguments as those of `placement.place`.

    >>> import autodiff as ad
    >>> from viz.view import view
    >>> content = view(ad.Scalar(2.0, name="x") * 3)
    >>> plan = layered(content, {card.id: Size(80, 40) for card in content.cards}, {}, {})
    >>> plan.cards[0].y < plan.cards[2].y < plan.cards[1].y, plan.cards[2].x
    (True, 106.0)
    """
    return _Layered(content, sizes, ledgers, headers, direction == "TB").placement()


class _Layered:
    """The cards and ledgers of a drawing, by number: first cards, then ledgers; and the boxes of scopes, by path."""

    def __init__(
        self,
        content: View,
        sizes: Mapping[int, Size],
        ledgers: Mapping[Key, Size],
        headers: Mapping[str, float],
        goes_down: bool,
    ) -> None:
        self.goes_down, self.headers = goes_down, headers
        self.cards, self.ledgers = list(sizes), list(ledgers)
        extents = [(size.width, size.height) for size in (*sizes.values(), *ledgers.values())]
        self.us = [height if goes_down else width for width, height in extents]
        heights = [width if goes_down else height for width, height in extents]
        homes = ledger_scopes(content, ledgers)
        self.homes = [*(card.scope for card in content.cards), *(homes[key] for key in ledgers)]
        self.paths = scope_paths(self.homes)
        area = sum((u + COLUMN_GAP) * (v + ROW_GAP) for u, v in zip(self.us, heights, strict=True))
        of_card, of_ledger = columns(content, dict(zip(sizes, heights, strict=False)), homes, math.sqrt(area / SHAPE))
        places = [*(of_card[id] for id in sizes), *(of_ledger[key] for key in ledgers)]
        self.units = [_Unit(column, column, v) for column, v in zip(places, heights, strict=True)]
        self.widths: dict[int, float] = {}  # of the columns
        for unit, u in zip(self.units, self.us, strict=True):
            self.widths[unit.first] = max(self.widths.get(unit.first, 0.0), u)
        names: list[int | Key] = [*sizes, *ledgers]
        numbers = {name: i for i, name in enumerate(names)}
        self.pieces: list[tuple[Key, int, int]] = []  # of edges: a ledger stands between two
        for edge in content.edges:
            key = edge.target, edge.position
            stops = [numbers[edge.source], *([numbers[key]] if key in ledgers else []), numbers[edge.target]]
            self.pieces += [(key, tail, head) for tail, head in pairwise(stops)]

    def placement(self) -> Placement:
        middles = self.settle()
        boxes = self.box_in(middles) if self.paths else {}
        columns, frames = self.along({path: box for path, (box, _) in boxes.items()})
        blocks = []
        for unit, u, middle in zip(self.units, self.us, middles, strict=True):
            turn = (self.widths[unit.first] - u + COLUMN_GAP) / 2
            blocks.append(Block(columns[unit.first] - u / 2, middle - unit.v / 2, u, unit.v, turn, turn))
        outer = [Block(begin, boxes[path][1], end - begin, boxes[path][0].v) for path, (begin, end) in frames.items()]
        drawn = arranged(blocks, outer, [(tail, head) for _, tail, head in self.pieces])
        edges: dict[Key, tuple[Route, ...]] = {}
        for (key, _, _), (points, smooth) in zip(self.pieces, drawn.paths, strict=True):
            turned = [(v, u) if self.goes_down else (u, v) for u, v in points]
            route = Route(tuple((round(x, 2), round(y, 2)) for x, y in turned), smooth)
            edges[key] = (*edges.get(key, ()), route)
        found = [self._box(block) for block in drawn.blocks]
        width, height = (drawn.height, drawn.length) if self.goes_down else (drawn.length, drawn.height)
        return Placement(
            cards=dict(zip(self.cards, found, strict=False)),
            ledgers=dict(zip(self.ledgers, found[len(self.cards) :], strict=True)),
            edges=edges,
            scopes=dict(zip(frames, map(self._box, drawn.boxes), strict=True)),
            width=round(width, 2),
            height=round(height, 2),
            note=_CUT if drawn.is_cut else _NOTE,
        )

    def _box(self, block: Block) -> Box:
        u, v, length, height = (round(x, 2) for x in block[:4])
        return Box(v, u, height, length) if self.goes_down else Box(u, v, length, height)

    def settle(self) -> list[float]:
        """Where the middle of each card and ledger stands along its column, scopes left aside."""
        left: dict[int, list[int]] = defaultdict(list)
        right: dict[int, list[int]] = defaultdict(list)
        for _, tail, head in self.pieces:
            right[tail].append(head)
            left[head].append(tail)
        by_column: dict[int, list[int]] = defaultdict(list)
        for i, unit in enumerate(self.units):
            by_column[unit.first].append(i)
        middles = [0.0] * len(self.units)
        order = sorted(by_column)
        for sweep in range(SWEEPS):
            near, far = (left, right) if sweep % 2 == 0 else (right, left)
            both = sweep >= SWEEPS - 2
            for column in order if sweep % 2 == 0 else reversed(order):
                there = by_column[column]
                wanted = {}
                for i in there:
                    others = near[i] + far[i] if both else near[i] or far[i]
                    wanted[i] = fmean([middles[j] for j in others]) if others else middles[i]
                there.sort(key=wanted.__getitem__)
                tops = _evenly(there, {i: wanted[i] - self.units[i].v / 2 for i in there}, self.units.__getitem__)
                for i in there:
                    middles[i] = tops[i] + self.units[i].v / 2
        return middles

    def box_in(self, middles: list[float]) -> dict[str, tuple[_Unit, float]]:
        """Moves everything so that scopes are boxes that hold their own alone; each box, and where it begins."""
        inside: dict[str, list[int]] = defaultdict(list)
        for i, home in enumerate(self.homes):
            for path in scope_paths([home]):
                inside[path].append(i)
        children: dict[str, list[int | str]] = defaultdict(list)
        for i, home in enumerate(self.homes):
            children[home].append(i)
        nested: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            children[path.rpartition("/")[0]].append(path)
            for outer in scope_paths([path]):
                nested[outer].append(path)
        arcs = self._arcs()
        boxes: dict[str, _Unit] = {}
        begins = dict.fromkeys(self.paths, 0.0)
        depths = [unit.v / 2 for unit in self.units]  # of each middle in the box around it that is placed next
        before, after = (PADDING, PADDING) if self.goes_down else (HEADER + 4, PADDING)

        def unit_of(child: int | str) -> _Unit:
            return self.units[child] if isinstance(child, int) else boxes[child]

        for path in [*reversed(self.paths), ""]:
            members = children[path]
            held = {child: [child] if isinstance(child, int) else inside[child] for child in members}
            ranking = {child: fmean([middles[i] for i in held[child]]) for child in members}
            members.sort(key=ranking.__getitem__)
            tops = _stacked(members, dict.fromkeys(members, -math.inf), unit_of)
            for _ in range(ROUNDS):
                wanted: dict[int | str, list[float]] = defaultdict(list)
                for one, i, other, j in arcs[path]:
                    wanted[one].append(tops[other] + depths[j] - depths[i])
                    wanted[other].append(tops[one] + depths[i] - depths[j])
                tops = _evenly(members, {c: fmean(wanted[c]) if c in wanted else tops[c] for c in members}, unit_of)
            shift = (before if path else 0.0) - min(tops.values())
            for child in members:
                for i in held[child]:
                    depths[i] += tops[child] + shift
                for inner in nested[child] if isinstance(child, str) else ():
                    begins[inner] += tops[child] + shift
            if path:
                units = [unit_of(child) for child in members]
                v = max(tops[child] + unit.v for child, unit in zip(members, units, strict=True)) + shift + after
                v = max(v, self.headers.get(path, 0.0)) if self.goes_down else v
                boxes[path] = _Unit(min(unit.first for unit in units), max(unit.last for unit in units), v)
        middles[:] = depths
        return {path: (box, begins[path]) for path, box in boxes.items()}

    def _arcs(self) -> dict[str, list[tuple[int | str, int, int | str, int]]]:
        """The pieces of edges by the innermost scope around them: what they join in it, and the ends themselves."""
        chains: list[list[int | str]] = [[*scope_paths([home]), i] for i, home in enumerate(self.homes)]
        found: dict[str, list[tuple[int | str, int, int | str, int]]] = defaultdict(list)
        for _, tail, head in self.pieces:
            one, other = chains[tail], chains[head]
            depth = next(k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
            found[str(one[depth - 1]) if depth else ""].append((one[depth], tail, other[depth], head))
        return found

    def along(self, boxes: Mapping[str, _Unit]) -> tuple[dict[int, float], dict[str, tuple[float, float]]]:
        """Where the middle of each column stands, and where each scope's box begins and ends."""
        widths = self.widths
        lacking = dict.fromkeys(boxes, 0.0)  # for the title
        while True:
            margin = HEADER + 4 if self.goes_down else PADDING
            insets = {path: [margin, PADDING + lacking[path]] for path in self.paths}
            opening: dict[int, float] = defaultdict(float)
            closing: dict[int, float] = defaultdict(float)
            for path in reversed(self.paths):  # inner ones first: a box that begins with one in it begins before it
                box, inset = boxes[path], insets[path]
                opening[box.first], closing[box.last] = (
                    max(opening[box.first], inset[0]),
                    max(closing[box.last], inset[1]),
                )
                outer = path.rpartition("/")[0]
                if outer and boxes[outer].first == box.first:
                    insets[outer][0] = max(insets[outer][0], inset[0] + margin)
                if outer and boxes[outer].last == box.last:
                    insets[outer][1] = max(insets[outer][1], inset[1] + PADDING)
            middles, at = {}, 0.0
            for column in sorted(widths):
                at += opening[column]
                middles[column] = at + widths[column] / 2
                at += widths[column] + closing[column] + COLUMN_GAP
            frames = {
                path: (
                    middles[box.first] - widths[box.first] / 2 - insets[path][0],
                    middles[box.last] + widths[box.last] / 2 + insets[path][1],
                )
                for path, box in boxes.items()
            }
            if self.goes_down or any(lacking.values()):
                return middles, frames
            for path, (begin, end) in frames.items():
                lacking[path] = max(0.0, self.headers.get(path, 0.0) - (end - begin))
            if not any(lacking.values()):
                return middles, frames


def _stacked(
    order: Sequence[_Child], wanted: Mapping[_Child, float], units: Callable[[_Child], _Unit]
) -> dict[_Child, float]:
    """Where each begins along its columns: where it wants to or later, behind those before it in the order."""
    free: dict[int, float] = {}
    tops = {}
    for child in order:
        first, last, v = units(child)
        taken: list[float] = [free[column] for column in range(first, last + 1) if column in free]
        top = max([wanted[child], *taken])
        tops[child] = 0.0 if top == -math.inf else top
        for column in range(first, last + 1):
            free[column] = tops[child] + v + ROW_GAP
    return tops


def _evenly(
    order: Sequence[_Child], wanted: Mapping[_Child, float], units: Callable[[_Child], _Unit]
) -> dict[_Child, float]:
    """As near to where each wants to begin as its neighbours allow: halfway between moved on and moved back."""
    later = _stacked(order, wanted, units)
    mirrored = {child: -wanted[child] - units(child).v for child in order}
    earlier = _stacked(order[::-1], mirrored, units)
    return {child: (later[child] - earlier[child] - units(child).v) / 2 for child in order}
