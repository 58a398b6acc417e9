"""What the page is fed: one document of plain data, made from the view, the record of the walk, and the layout.

Every number in it is text already, written by `numbers.number`, so the page cannot write one in another way. What the
page shows at a position of its scrubber follows from the positions noted here (see `timeline`): an operation's value
appears at one, each message at one, and a gradient passes through the states of its running sum.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from autodiff import BackwardTrace, Graph
from autodiff.origin import EXPRESSION

from .content import Card, Edge, Line, Row, View
from .fold import shared_scope
from .geometry import HEADER, Placement, Route, Size, scope_paths
from .heat import LEVELS, Heat, magnitude
from .ledger import is_finite
from .legend import Marks, legend
from .metrics import BOLD, MONO, SANS, text_width
from .notation import is_parameter, label, shorten, sign
from .numbers import norm, number
from .placement import FEW_CROSSED, MOST_CARDS, crossed_layers, place
from .thumbnails import data_uri, pixel_side
from .timeline import State, Timeline

# The geometry of a card, in pixels; the page draws with the same numbers.
GEOMETRY = {"pad": 11, "head": 29, "row": 17, "foot": 8, "title": 12.5, "label": 10, "text": 11, "ledger": 10.5}
MOST_DRAWN = 300  # with more cards, the view from far is painted on a canvas: SVG would not move smoothly
MOST_TABLE = 64  # an array of at most so many numbers is a table on its card's details
MOST_PIXELS = 32  # a larger one is a picture of at most so many pixels a side
_SHADES = 16
LONG_WAY = 600.0  # pixels of a straight line that is a path of its own

Data = dict[str, Any]


def document(
    graph: Graph, trace: BackwardTrace | None, content: View, *, direction: str = "auto", is_hot: bool = False
) -> Data:
    """Everything the page shows, as data for JSON. Strict: it holds texts, and numbers that are finite.

    is_hot  whether the page opens with its cards coloured by their gradients
    """
    timeline = Timeline(graph, trace, content)
    states = {card.id: timeline.states(card) for card in content.cards}
    sizes = {card.id: _card_size(card, states[card.id]) for card in content.cards}
    ledgers = {(edge.target, edge.position): _ledger_size(edge.lines) for edge in content.edges if edge.lines}
    scopes = scope_paths(card.scope for card in content.cards)
    headers = {path: text_width(_last(path), 11, BOLD) + 40 for path in scopes}
    plans = {way: place(content, sizes, ledgers, headers, direction=way) for way in _ways(direction, content)}
    direction = max(plans, key=lambda way: _scale_on_screen(plans[way]) * (1.25 if way == "LR" else 1.0))
    plan = plans[direction]
    heat = Heat.of(trace.cotangents.get(id) for card in content.cards for id in card.members) if trace else None
    page = _Page(graph, content, timeline, plan, heat, scopes)
    return {
        "title": content.title,
        "description": content.description,
        "note": "; ".join(filter(None, (content.note, plan.note))),
        "kinds": [*content.kinds, *(["highlighted"] if content.has_highlights else [])],
        "legend": _legend(content, None),
        "hotLegend": _legend(content, heat) if heat else [],
        "hasGradients": trace is not None,
        "isHot": is_hot and heat is not None,
        "direction": direction,
        "size": [plan.width, plan.height],
        "geometry": GEOMETRY | {"header": HEADER},
        "mostDrawn": MOST_DRAWN,
        "heat": {"labels": heat.labels(), "levels": LEVELS} if heat else None,
        "cards": [page.card(card, states[card.id]) for card in content.cards],
        "edges": [page.edge(edge) for edge in content.edges],
        "scopes": [page.scope(path) for path in scopes],
        "forward": len(timeline.forward),
        "steps": timeline.told(),
    }


def _legend(content: View, heat: Heat | None) -> list[list[str]]:
    """The words below the samples of colour, which the page draws itself."""
    marks = Marks("thick border", "red", highlight="")
    return [list(line) for line in legend(replace(content, heat=heat, note=""), marks)]


def _ways(direction: str, content: View) -> tuple[str, ...]:
    """The directions to try: a large drawing fits no screen either way, and reads best like a formula."""
    if direction != "auto":
        return (direction,)
    return ("LR", "TB") if len(content.cards) <= MOST_CARDS and crossed_layers(content) <= FEW_CROSSED else ("LR",)


def _scale_on_screen(plan: Placement) -> float:
    """How large the whole drawing can be shown in a common window."""
    return min(1.0, 1020 / plan.width, 640 / plan.height)


def _last(path: str) -> str:
    return shorten(path.rpartition("/")[2])


def _rows(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.label, row.line.text, row.line.role] for row in rows]


def _card_size(card: Card, states: Sequence[State]) -> Size:
    """Large enough for every state that the card will be in."""
    g = GEOMETRY
    title = f"{card.sign}   {card.title}" if card.sign else card.title
    width = text_width(title, g["title"], BOLD)
    values = _value_rows(card)
    for row in [*values, *(row for state in states for row in state.rows)]:
        row_width = text_width(row.label, g["label"], SANS) + 16 + text_width(row.line.text, g["text"], MONO)
        width = max(width, row_width)
    lines = len(values) + max((len(state.rows) for state in states), default=0)
    picture = _picture_size(card)
    width, height = max(86, width + 2 * g["pad"] + 2, picture.width + 2 * g["pad"]), g["head"]
    return Size(round(width), height + picture.height + (lines * g["row"] + g["foot"] if lines else 0))


def _picture_size(card: Card) -> Size:
    """The place of a card's thumbnail, with a margin above and below; none without one."""
    if card.image is None:
        return Size(0, 0)
    side = pixel_side(card.image)
    return Size(side * len(card.image[0]), side * len(card.image) + GEOMETRY["foot"])


def _ledger_size(lines: Sequence[Line]) -> Size:
    width = max(text_width(line.text, GEOMETRY["ledger"], SANS) for line in lines)
    return Size(round(width + 12), 15.0 * len(lines) + 4)


class _Page:
    """What the cards, edges and scopes of a page are written from."""

    def __init__(
        self, graph: Graph, content: View, timeline: Timeline, plan: Placement, heat: Heat | None, scopes: list[str]
    ) -> None:
        self.nodes, self.timeline, self.plan, self.heat = graph.nodes, timeline, plan, heat
        self.trace = timeline.trace
        self.scopes = {path: i for i, path in enumerate(scopes)}
        self.homes = {card.id: card.scope for card in content.cards}
        self.reads: dict[int, dict[int, None]] = {}
        for edge in content.edges:
            self.reads.setdefault(edge.target, {})[edge.source] = None
        self.members: dict[str, set[int]] = {path: set() for path in scopes}
        for card in content.cards:
            for path in scope_paths([card.scope]):
                self.members[path].update(card.members)

    def level(self, size: float | None) -> int | None:
        """The place of a `heat.magnitude` on the scale of colours."""
        return self.heat.level(size) if self.heat else None

    def card(self, card: Card, states: Sequence[State]) -> Data:
        """A card: what is known of it from the start, when its value is computed, and the states of its gradient."""
        node = self.nodes[card.id]
        is_group = card.kind == "group"
        source = node.source if not is_group else None
        named = card.title if is_group else label(node) if node.name or node.is_leaf else sign(node)
        return {
            "id": card.id,
            "kind": card.kind,
            "short": _short(named),
            "sign": card.sign,
            "title": card.title,
            "name": shorten(node.name, 80) if node.name and not is_group else "",
            "op": shorten(node.op, 80) if not is_group else "",
            "scope": self.scopes.get(card.scope, -1),
            "box": list(self.plan.cards[card.id]),
            "isOutput": card.is_output,
            "isHighlighted": card.is_highlighted,
            "at": self.timeline.value_at.get(card.id, 0),
            "image": data_uri(card.image) if card.image else None,
            "picture": list(_picture_size(card)),
            "values": _rows(_value_rows(card)),
            "states": [[state.position, _rows(state.rows), self.level(state.size)] for state in states],
            "source": [_place(source.file, source.line), shorten(source.text.strip(), 300)] if source else None,
            "value": None if is_group else _array(node.value),
            "gradient": None if is_group or self.trace is None else _array(self.trace.cotangents.get(card.id)),
            "reads": list(self.reads.get(card.id, ())),
        }

    def edge(self, edge: Edge) -> Data:
        """An edge: its path, and its ledger with the position at which its message is sent."""
        key = (edge.target, edge.position)
        inside = shared_scope([self.homes[edge.source], self.homes[edge.target]])
        box = self.plan.ledgers.get(key)
        return {
            "source": edge.source,
            "target": edge.target,
            "position": edge.position,
            "paths": _paths(self.plan.edges.get(key, ())),
            "ledger": list(box) if box else None,
            "ledgerScope": self.scopes.get(inside, -1) if box else -1,
            "lines": [[line.text, line.role] for line in edge.lines],
            "at": self.timeline.sent_at(edge) if edge.lines else 0,
            "isAlarm": edge.is_alarm,
            "isHighlighted": edge.is_highlighted,
        }

    def scope(self, path: str) -> Data:
        """A scope, and what its card says when it is folded, in the words of the cards of folded nodes."""
        inside = self.members[path]
        operations = sum(not self.nodes[id].is_leaf for id in inside)
        parameters = sum(int(np.size(self.nodes[id].value)) for id in inside if is_parameter(self.nodes[id]))
        what = f"{operations} operation{'s' * (operations != 1)}" if operations else f"{len(inside)} values"
        rows = [["folded", what, "quiet"]]
        if parameters:
            rows.append(["parameters", f"{parameters:,}", "quiet"])
        flows = self.timeline.flows(inside)
        flowing = [[way, number(flow.size), _role(flow.size)] for way, flow in flows.items()]
        states = [
            [flow.position, [row], self.level(magnitude(flow.size))]
            for flow, row in zip(flows.values(), flowing, strict=True)
        ]
        name = _last(path)
        width = text_width(name, GEOMETRY["title"], BOLD) + 46
        for row in [*rows, *flowing]:
            row_width = text_width(row[0], GEOMETRY["label"], SANS) + 16 + text_width(row[1], GEOMETRY["text"], MONO)
            width = max(width, row_width + 2 * GEOMETRY["pad"])
        height = GEOMETRY["head"] + (len(rows) + len(states)) * GEOMETRY["row"] + GEOMETRY["foot"]
        return {
            "name": name,
            "short": _short(name),
            "path": shorten(path, 80),
            "outer": self.scopes.get(path.rpartition("/")[0], -1),
            "box": list(self.plan.scopes[path]),
            "size": [round(width), height],
            "rows": rows,
            "states": states,
        }


def _role(value: Any) -> str:
    return "backward" if is_finite(value) else "alarm"


def _value_rows(card: Card) -> list[Row]:
    """The rows that are there from the start; a gradient's come with the backward pass."""
    return [row for row in card.rows if "gradient" not in row.fields]


def _short(text: str) -> list[Any]:
    """The one word that a card shows from far, and its width in em."""
    return [text, round(max(1.0, text_width(text, 1, BOLD)), 2)]


def _place(file: str, line: int) -> str:
    return "" if file == EXPRESSION else f"{shorten(PurePath(file).name, 60)}:{line}"


def _array(value: Any) -> Data | None:
    """An array's numbers as a table, or a larger one's as shades, with the legend's two ends; None for a number."""
    if value is None or np.ndim(value) == 0 or np.size(value) == 0:
        return None
    array = np.asarray(value)
    grid = array.reshape(-1, array.shape[-1])
    text = f"{' × '.join(map(str, array.shape))}, ‖·‖ = {number(norm(array))}"
    if array.size <= MOST_TABLE and grid.shape[1] <= MOST_PIXELS:
        return {"caption": text, "table": [[number(x) for x in row] for row in grid]}
    side = int(array.shape[-1] ** 0.5)
    if grid.shape[0] == 1 and side * side == grid.shape[1]:  # a flat picture, such as 784 pixels
        grid = grid.reshape(side, side)
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, MOST_PIXELS)).round().astype(int)) for n in grid.shape)
    picture = grid[np.ix_(rows, columns)].astype(np.float64)
    finite = picture[np.isfinite(picture)]
    largest = float(np.abs(finite).max(initial=0.0)) or 1.0
    shades = np.where(np.isfinite(picture), np.clip(np.nan_to_num(picture / largest), -1, 1), 2)
    if picture.shape != grid.shape:
        text += f", every {'row and column' if len(rows) < grid.shape[0] and len(columns) < grid.shape[1] else 'few'}"
        text = text.rpartition(",")[0] + f", {len(rows)} × {len(columns)} of them shown"
    levels = [["x" if s == 2 else format(round((s + 1) / 2 * (_SHADES - 1)), "x") for s in row] for row in shades]
    return {"caption": text, "shades": ["".join(row) for row in levels], "ends": [number(-largest), number(largest)]}


def _paths(routes: Sequence[Route]) -> list[str]:
    """SVG's path data of an edge, each without the M that it begins with; corners are rounded.

    Mostly one. A long edge is several, the straight ways apart, so that a browser paints those that are in view alone.

    >>> _paths([Route(((0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0)), smooth=True)])
    ['0 0C1 0 2 1 3 1']
    >>> _paths([Route(((0.0, 0.0), (5000.0, 0.0), (5000.0, 90.0)), smooth=False)])
    ['0 0L4992.0 0.0', '4992.0 0.0Q5000.0 0.0 5000.0 8.0L5000.0 90.0']
    """
    found: list[str] = []
    at = None
    was_long = True
    for end, text in _strokes(routes):
        if at is not None:
            is_long = text.startswith("L") and math.dist(at, end) > LONG_WAY
            if is_long or was_long:
                found.append(_xy(at))
            found[-1] += text
            was_long = is_long
        at = end
    return found


def _strokes(routes: Sequence[Route]) -> Iterator[tuple[tuple[float, float], str]]:
    """The start of an edge, then each line and curve of it by its end, with SVG's words for it."""
    for number_of_piece, (points, smooth) in enumerate(routes):
        # Behind a ledger the line goes on.
        yield points[0], f"L{_xy(points[0])}" if number_of_piece else ""
        if smooth:
            for i in range(1, len(points), 3):
                yield points[i + 2], "C" + " ".join(_xy(p) for p in points[i : i + 3])
            continue
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            start, end = _towards(corner, before), _towards(corner, after)
            yield start, f"L{_xy(start)}"
            yield end, f"Q{_xy(corner)} {_xy(end)}"
        yield points[-1], f"L{_xy(points[-1])}"


def _towards(start: tuple[float, float], end: tuple[float, float], radius: float = 8.0) -> tuple[float, float]:
    """A point a little on the way, at most half of it."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    share = min(0.5, radius / length) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _xy(point: tuple[float, float]) -> str:
    return f"{point[0]:.4g} {point[1]:.4g}" if max(map(abs, point)) < 1000 else f"{point[0]:.1f} {point[1]:.1f}"
