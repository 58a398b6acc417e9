"""What the page is fed: one document of plain data, made from the view, the record of the walk, and the layout.

Every number in it is text already, written by `numbers.number`, so the page cannot write one in another way. What the
page shows at a position of its scrubber follows from the positions noted here: an operation's value appears at one,
each message at one, and a gradient passes through the states of its running sum. Positions 1 to n are the operations of
the forward pass, in recording order; those after it are the steps of the backward walk.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from autodiff import BackwardTrace, Graph, Node

from .cards import gradient_rows
from .content import Card, Edge, Line, Row, View
from .fold import shared_scope
from .geometry import HEADER, Placement, Route, Size, scope_paths
from .heat import LEVELS, Heat, magnitude
from .ledger import is_finite
from .metrics import BOLD, MONO, SANS, text_width
from .notation import formula, label, shorten, sign
from .numbers import norm, number
from .placement import FEW_CROSSED, MOST_CARDS, crossed_layers, place
from .stepper import Stepper
from .text import amount, step_lines
from .thumbnails import data_uri, pixel_side

# The geometry of a card, in pixels; the page draws with the same numbers.
GEOMETRY = {"pad": 11, "head": 29, "row": 17, "foot": 8, "title": 12.5, "label": 10, "text": 11, "ledger": 10.5}
MOST_TABLE = 64  # an array of at most so many numbers is a table on its card's details
MOST_PIXELS = 32  # a larger one is a picture of at most so many pixels a side
_SHADES = 16

Data = dict[str, Any]


class State(NamedTuple):
    """The rows of a card's gradient from a position of the scrubber on."""

    position: int
    rows: tuple[Row, ...]
    gradient: Any


def document(graph: Graph, trace: BackwardTrace | None, content: View, *, direction: str = "auto") -> Data:
    """Everything the page shows, as data for JSON. Strict: it holds texts, and numbers that are finite."""
    shown = {card.id for card in content.cards}
    forward = [node for node in graph.nodes if not node.is_leaf and node.id in shown]
    steps = Steps(graph, trace, forward)
    states = {card.id: steps.states(card) for card in content.cards}
    sizes = {card.id: _card_size(card, states[card.id]) for card in content.cards}
    ledgers = {(edge.target, edge.position): _ledger_size(edge.lines) for edge in content.edges if edge.lines}
    scopes = scope_paths(card.scope for card in content.cards)
    headers = {path: text_width(_last(path), 11, BOLD) + 40 for path in scopes}
    plans = {way: place(content, sizes, ledgers, headers, direction=way) for way in _ways(direction, content)}
    direction = max(plans, key=lambda way: _scale_on_screen(plans[way]) * (1.25 if way == "LR" else 1.0))
    plan = plans[direction]
    heat = Heat.of(trace.cotangents.get(id) for card in content.cards for id in card.members) if trace else None
    homes = {card.id: card.scope for card in content.cards}
    return {
        "title": content.title,
        "description": content.description,
        "note": "; ".join(filter(None, (content.note, plan.note))),
        "kinds": content.kinds,
        "hasGradients": trace is not None,
        "direction": direction,
        "size": [plan.width, plan.height],
        "geometry": GEOMETRY | {"header": HEADER},
        "heat": {"labels": heat.labels(), "levels": LEVELS} if heat else None,
        "cards": [
            _card(card, graph.nodes[card.id], steps, states[card.id], plan, heat, scopes) for card in content.cards
        ],
        "edges": [_edge(edge, steps, plan, homes, scopes) for edge in content.edges],
        "scopes": [_scope(path, scopes, graph, trace, content, steps, plan) for path in scopes],
        "forward": len(forward),
        "steps": steps.told(shown),
    }


def _ways(direction: str, content: View) -> tuple[str, ...]:
    """The directions to try: a large drawing fits no screen either way, and reads best like a formula."""
    if direction != "auto":
        return (direction,)
    return ("LR", "TB") if len(content.cards) <= MOST_CARDS and crossed_layers(content) <= FEW_CROSSED else ("LR",)


def _scale_on_screen(plan: Placement) -> float:
    """How large the whole drawing can be shown in a common window."""
    return min(1.0, 1020 / plan.width, 640 / plan.height)


class Steps:
    """When everything happens: the position of each value, message and cotangent on the scrubber."""

    def __init__(self, graph: Graph, trace: BackwardTrace | None, forward: Sequence[Node]) -> None:
        self.nodes, self.trace, self.forward = graph.nodes, trace, forward
        self.value_at = {node.id: position for position, node in enumerate(forward, 1)}
        self.visited_at: dict[int, int] = {}
        self.arrivals: dict[int, list[tuple[int, Any, Any]]] = {}
        for position, step in enumerate(trace.steps if trace else (), len(forward) + 1):
            self.visited_at[step.node.id] = position
            for message in step.messages:
                if message.message is not None:
                    found = self.arrivals.setdefault(message.operand, [])
                    found.append((position, message.message, message.total))

    def states(self, card: Card) -> list[State]:
        """What the gradient rows of a card say, from when on: a dash, each running sum, and in the end the view's."""
        start = _gradient_start(card)
        if start == len(card.rows):
            return []
        final, name = card.rows[start:], card.rows[start].label
        found = [State(0, (Row(name, Line("—", "backward")),), None)]
        messages: list[Any] = []
        for position, message, total in self.arrivals.get(card.id, ()):
            messages.append(message)
            rows = tuple(gradient_rows(name, total, list(messages)))
            if found[-1].position == position:  # x·x sends two messages in one step
                found.pop()
            found.append(State(position, rows, total))
        at = self.visited_at.get(card.id)
        if at is not None and found[-1].rows != final:  # the first cotangent, or one that a hook replaced
            assert self.trace is not None
            found.append(State(at, final, self.trace.cotangents[card.id]))
        return found

    def told(self, shown: set[int]) -> list[Data]:
        """Every position from 1 on: its pass, its node, what it touches, and what it says, line by line."""
        count = len(self.forward)
        told: list[Data] = [
            {
                "pass": "forward",
                "node": node.id,
                "name": f"Forward {position} of {count}",
                "lines": self._forward_lines(node),
            }
            for position, node in enumerate(self.forward, 1)
        ]
        if self.trace is None:
            return told
        stepper = Stepper(self.trace)
        while (step := stepper.next()) is not None:
            told.append(
                {
                    "pass": "backward",
                    "node": step.node.id if step.node.id in shown else None,
                    "name": f"Backward {stepper.position} of {len(stepper)}",
                    # Without a width each column is a line of its own; the first line tells the position.
                    "lines": [[[part.text, part.role] for part in line] for line in step_lines(stepper, 0)[1:]],
                }
            )
        return told

    def _forward_lines(self, node: Node) -> list[list[list[str]]]:
        head = [
            [" ── ", "quiet"],
            [f"node #{node.id}  {shorten(node.op)}   ", "quiet"],
            [f"{label(node)} = {formula(node, self.nodes)}", "text"],
        ]
        operands = [
            [[f"    from {label(self.nodes[id])} = ", "quiet"], [amount(self.nodes[id].value), "forward"]]
            for id in dict.fromkeys(node.operands)
        ]
        role = "forward" if is_finite(node.value) else "alarm"
        return [head, *operands, [["       value ", "quiet"], [amount(node.value), role]]]


def _role(value: Any) -> str:
    return "backward" if is_finite(value) else "alarm"


def _gradient_start(card: Card) -> int:
    """Where a card's gradient rows begin: no row of a value has a ∂ in its label."""
    return next((i for i, row in enumerate(card.rows) if row.label.startswith("∂")), len(card.rows))


def _last(path: str) -> str:
    return shorten(path.rpartition("/")[2])


def _rows(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.label, row.line.text, row.line.role] for row in rows]


def _card_size(card: Card, states: Sequence[State]) -> Size:
    """Large enough for every state that the card will be in."""
    g = GEOMETRY
    title = f"{card.sign}   {card.title}" if card.sign else card.title
    width = text_width(title, g["title"], BOLD)
    start = _gradient_start(card)
    for row in [*card.rows[:start], *(row for state in states for row in state.rows)]:
        row_width = text_width(row.label, g["label"], SANS) + 16 + text_width(row.line.text, g["text"], MONO)
        width = max(width, row_width)
    lines = start + max((len(state.rows) for state in states), default=0)
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


def _card(
    card: Card, node: Node, steps: Steps, states: Sequence[State], plan: Placement, heat: Heat | None, scopes: list[str]
) -> Data:
    start = _gradient_start(card)
    g = steps.trace.cotangents.get(card.id) if steps.trace else None
    source = node.source
    return {
        "id": card.id,
        "kind": card.kind,
        "short": _short(label(node) if node.name or node.is_leaf else sign(node)),
        "sign": card.sign,
        "title": card.title,
        "name": shorten(node.name, 80) if node.name else "",
        "op": shorten(node.op, 80),
        "scope": scopes.index(card.scope) if card.scope else -1,
        "box": list(plan.cards[card.id]),
        "isOutput": card.is_output,
        "isAlarm": card.is_alarm,
        "at": steps.value_at.get(card.id, 0),
        "image": data_uri(card.image) if card.image else None,
        "picture": list(_picture_size(card)),
        "values": _rows(card.rows[:start]),
        "states": [
            [state.position, _rows(state.rows), heat.level(magnitude(state.gradient)) if heat else None]
            for state in states
        ],
        "source": [_place(source.file, source.line), shorten(source.text.strip(), 300)] if source else None,
        "value": _array(node.value),
        "gradient": _array(g),
        "reads": [id for id in dict.fromkeys(node.operands) if id in plan.cards],
    }


def _short(text: str) -> list[Any]:
    """The one word that a card shows from far, and its width in em."""
    return [text, round(max(1.0, text_width(text, 1, BOLD)), 2)]


def _place(file: str, line: int) -> str:
    return "" if file == "expression" else f"{shorten(PurePath(file).name, 60)}:{line}"


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


def _edge(edge: Edge, steps: Steps, plan: Placement, homes: Mapping[int, str], scopes: list[str]) -> Data:
    key = (edge.target, edge.position)
    inside = shared_scope([homes[edge.source], homes[edge.target]])
    box = plan.ledgers.get(key)
    return {
        "source": edge.source,
        "target": edge.target,
        "position": edge.position,
        "pieces": [_path(route) for route in plan.edges.get(key, ())],
        "ledger": list(box) if box else None,
        "ledgerScope": scopes.index(inside) if box and inside else -1,
        "lines": [[line.text, line.role] for line in edge.lines],
        "at": steps.visited_at.get(edge.target, 0) if edge.lines else 0,
        "isAlarm": edge.is_alarm,
    }


def _path(route: Route) -> str:
    """SVG's path data without the M that it begins with; corners are rounded.

    >>> _path(Route(((0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 1.0)), smooth=True))
    '0 0C1 0 2 1 3 1'
    """
    points = route.points
    text = _xy(points[0])
    if route.smooth:
        return text + "".join("C" + " ".join(_xy(p) for p in points[i : i + 3]) for i in range(1, len(points), 3))
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        text += f"L{_xy(_towards(corner, before))}Q{_xy(corner)} {_xy(_towards(corner, after))}"
    return f"{text}L{_xy(points[-1])}"


def _towards(start: tuple[float, float], end: tuple[float, float], radius: float = 8.0) -> tuple[float, float]:
    """A point a little on the way, at most half of it."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    share = min(0.5, radius / length) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _xy(point: tuple[float, float]) -> str:
    return f"{point[0]:.4g} {point[1]:.4g}" if max(map(abs, point)) < 1000 else f"{point[0]:.1f} {point[1]:.1f}"


def _scope(
    path: str,
    scopes: list[str],
    graph: Graph,
    trace: BackwardTrace | None,
    content: View,
    steps: Steps,
    plan: Placement,
) -> Data:
    """A scope, and what its card says when it is folded: its nodes, its parameters, the gradients in and out of it."""
    inside = {card.id for card in content.cards if card.scope == path or card.scope.startswith(f"{path}/")}
    parameters = sum(int(np.size(graph.nodes[id].value)) for id in inside if graph.nodes[id].op == "parameter")
    rows = [["nodes", number(len(inside)), "text"]]
    if parameters:
        rows.append(["parameters", f"{parameters:,}", "text"])
    flows = _flows(inside, trace, steps) if trace else {}
    flowing = [[way, text, role] for way, (_, text, role) in flows.items()]
    states = [[at, [row]] for (at, _, _), row in zip(flows.values(), flowing, strict=True)]
    outer = path.rpartition("/")[0]
    name = _last(path)
    width = text_width(name, GEOMETRY["title"], BOLD) + 46
    for title, text, _ in [*rows, *flowing]:
        row = text_width(title, GEOMETRY["label"], SANS) + 16 + text_width(text, GEOMETRY["text"], MONO)
        width = max(width, row + 2 * GEOMETRY["pad"])
    height = GEOMETRY["head"] + (len(rows) + len(states)) * GEOMETRY["row"] + GEOMETRY["foot"]
    return {
        "name": name,
        "short": _short(name),
        "path": shorten(path, 80),
        "outer": scopes.index(outer) if outer else -1,
        "box": list(plan.scopes[path]),
        "size": [round(width), height],
        "rows": rows,
        "states": states,
    }


def _flows(inside: set[int], trace: BackwardTrace, steps: Steps) -> Mapping[str, tuple[int, str, str]]:
    """The norms of the gradients that enter and leave a scope, each with the position at which it is whole.

    What enters are the sums of the messages that nodes inside receive from outside; what leaves, the other way round.
    """
    sums: dict[str, dict[int, Any]] = {"‖∂‖ in": {}, "‖∂‖ out": {}}
    whole_at: dict[str, int] = {}

    def add(way: str, position: int, node: int, message: Any) -> None:
        sums[way][node] = sums[way][node] + message if node in sums[way] else message
        whole_at[way] = position

    for step in trace.steps:
        at, is_inside = steps.visited_at[step.node.id], step.node.id in inside
        if is_inside and step.node.id in trace.graph.output_ids:
            add("‖∂‖ in", at, step.node.id, step.upstream)
        for message in step.messages:
            if message.message is not None and is_inside != (message.operand in inside):
                add("‖∂‖ out" if is_inside else "‖∂‖ in", at, message.operand, message.message)
    found = {}
    for way, position in whole_at.items():
        size = norm([norm(total) for total in sums[way].values()])
        found[way] = (position, number(size), _role(size))
    return found
