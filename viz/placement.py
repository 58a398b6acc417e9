"""Where things go: a box for each card, ledger and scope, and a path for each edge, as plain data.

Sizes are given, so no font is looked at and the same view has the same layout on every machine. Up to a few hundred
cards Graphviz places them, best; it takes minutes for thousands, and there graphlay takes seconds.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .content import View
from .fold import shared_scope
from .render import render

MOST_FOR_GRAPHVIZ = 300  # cards that it places within a second
LONGEST_SPAN = 8  # layers that graphlay routes an edge through
HEADER = 22.0  # height of a scope's title
_PADDING = 14.0


class Size(NamedTuple):
    """Width and height."""

    width: float
    height: float


class Box(NamedTuple):
    """A rectangle by its upper left corner; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """One piece of an edge: a start, then for `smooth` the three points of each cubic Bézier, else corners."""

    points: tuple[tuple[float, float], ...]
    smooth: bool


@dataclass(frozen=True)
class Placement:
    """Everything's place. Edges and ledgers are keyed by (target, position); an edge with a ledger has two pieces."""

    cards: dict[int, Box]
    ledgers: dict[tuple[int, int], Box]
    edges: dict[tuple[int, int], tuple[Route, ...]]
    scopes: dict[str, Box]
    width: float
    height: float


def place(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[tuple[int, int], Size],
    headers: Mapping[str, float] | None = None,
    *,
    direction: str = "LR",
    engine: str | None = None,
) -> Placement:
    """Place a view.

    sizes      the size of each card, by id
    ledgers    the size of each ledger that stands in the middle of an edge, by the edge's (target, position)
    headers    the width of each scope's title, by scope
    direction  "LR", left to right, or "TB", top to bottom
    engine     "graphviz" or "graphlay"; by default the first up to `MOST_FOR_GRAPHVIZ` cards

    >>> import autodiff as ad
    >>> from viz.view import view
    >>> content = view(ad.Scalar(2.0, name="x") * 3)
    >>> plan = place(content, {card.id: Size(80, 40) for card in content.cards}, {})
    >>> plan.cards[0].width, plan.cards[2].x > plan.cards[0].x
    (80.0, True)
    """
    if engine is None:
        engine = "graphviz" if len(content.cards) <= MOST_FOR_GRAPHVIZ else "graphlay"
    by = {"graphviz": _by_graphviz, "graphlay": _by_graphlay}[engine]
    return by(content, sizes, ledgers, headers or {}, direction)


def scope_paths(scopes: Iterable[str]) -> list[str]:
    """Every scope and every scope around it, each once, outer ones first.

    >>> scope_paths(["a/b", "", "a/c"])
    ['a', 'a/b', 'a/c']
    """
    return list(
        dict.fromkeys(
            "/".join(parts[: n + 1])
            for parts in (scope.split("/") for scope in scopes if scope)
            for n in range(len(parts))
        )
    )


def _homes(content: View, ledgers: Mapping[tuple[int, int], Size]) -> dict[str, str]:
    """The scope of every card and ledger, by its name in the layout."""
    of_card = {card.id: card.scope for card in content.cards}
    homes = {_card_name(id): scope for id, scope in of_card.items()}
    for edge in content.edges:
        if (edge.target, edge.position) in ledgers:
            shared = shared_scope([of_card[edge.source], of_card[edge.target]])
            homes[_ledger_name(edge.target, edge.position)] = shared
    return homes


def _card_name(id: int) -> str:
    return f"n{id}"


def _ledger_name(target: int, position: int) -> str:
    return f"e{target}_{position}"


def _by_graphviz(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[tuple[int, int], Size],
    headers: Mapping[str, float],
    direction: str,
) -> Placement:
    """Graphviz's own drawing of empty boxes, read back from its SVG: the one form that every backend here writes."""
    lines = [
        "digraph layout {",
        f"graph [rankdir={direction} nodesep=0.24 ranksep=0.27]",
        'node [shape=box fixedsize=true label=""] edge [arrowhead=none]',
    ]
    all_sizes = {_card_name(id): size for id, size in sizes.items()}
    all_sizes |= {_ledger_name(*key): size for key, size in ledgers.items()}
    homes = _homes(content, ledgers)
    paths = scope_paths(card.scope for card in content.cards)
    members: dict[str, list[str]] = {}
    for name, scope in homes.items():
        members.setdefault(scope, []).append(name)

    def add(scope: str) -> None:
        for name in members.get(scope, ()):
            width, height = all_sizes[name]
            lines.append(f"{name} [width={width / 72:.4f} height={height / 72:.4f}]")
        for path in paths:
            if path.rpartition("/")[0] == scope:
                width = max(1.0, headers.get(path, 0.0))
                table = f'<table border="0" fixedsize="true" width="{width:.0f}" height="{HEADER:.0f}">'
                lines.append(f"subgraph cluster_{paths.index(path)} {{ margin={_PADDING:.0f} labeljust=l")
                lines.append(f"label=<{table}<tr><td></td></tr></table>>")
                add(path)
                lines.append("}")

    add("")
    for edge in content.edges:
        key = (edge.target, edge.position)
        for i, (tail, head) in enumerate(_pieces(edge.source, key, key in ledgers)):
            lines.append(f'{tail} -> {head} [id="p{i}_{edge.target}_{edge.position}"]')
    lines.append("}")
    return _read(ET.fromstring(render("\n".join(lines), "svg")), paths)


def _pieces(source: int, key: tuple[int, int], has_ledger: bool) -> list[tuple[str, str]]:
    start, end = _card_name(source), _card_name(key[0])
    if not has_ledger:
        return [(start, end)]
    return [(start, _ledger_name(*key)), (_ledger_name(*key), end)]


_SVG = "{http://www.w3.org/2000/svg}"


def _read(root: ET.Element, paths: Sequence[str]) -> Placement:
    graph = root.find(f"{_SVG}g")
    assert graph is not None
    moved = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", graph.get("transform", ""))
    assert moved is not None
    dx, dy = float(moved[1]), float(moved[2])

    def points(text: str) -> list[tuple[float, float]]:
        numbers = [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]
        return [(round(x + dx, 2), round(y + dy, 2)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]

    cards, ledgers, edges, scopes = {}, {}, {}, {}
    for group in graph.iter(f"{_SVG}g"):
        title = group.find(f"{_SVG}title")
        name = title.text if title is not None and title.text else ""
        if group.get("class") == "edge":
            path = group.find(f"{_SVG}path")
            assert path is not None
            piece, target, position = (int(x) for x in group.get("id", "")[1:].split("_"))
            edges[int(target), int(position), piece] = Route(tuple(points(path.get("d", ""))), smooth=True)
            continue
        shape = group.find(f"{_SVG}polygon")
        if shape is None or group.get("class") not in ("node", "cluster"):
            continue
        box = _around(points(shape.get("points", "")))
        if group.get("class") == "cluster":
            scopes[paths[int(name.removeprefix("cluster_"))]] = box
        elif name.startswith("n"):
            cards[int(name[1:])] = box
        else:
            user, _, position_text = name[1:].partition("_")
            ledgers[int(user), int(position_text)] = box
    width, height = float(root.get("width", "0pt")[:-2]), float(root.get("height", "0pt")[:-2])
    joined: dict[tuple[int, int], tuple[Route, ...]] = {}
    for target, position, _ in sorted(edges):
        pieces = [edges[target, position, i] for i in range(2) if (target, position, i) in edges]
        joined[target, position] = tuple(pieces)
    return Placement(cards, ledgers, joined, scopes, width, height)


def _around(points: Sequence[tuple[float, float]]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2))


def _by_graphlay(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[tuple[int, int], Size],
    headers: Mapping[str, float],
    direction: str,
) -> Placement:
    """graphlay's layered layout: right-angled edges that keep clear of the cards.

    An edge over very many layers is not routed but drawn as a curve behind the cards: a lane through every layer, for
    each use of an input that a whole network uses, would take minutes and most of the drawing.
    """
    import graphlay

    graph = graphlay.Graph()
    paths = scope_paths(card.scope for card in content.cards)
    inside: dict[str, int] = {}
    for path in paths:
        outer = path.rpartition("/")[0]
        parent: dict[str, Any] = {"parent": inside[outer]} if outer else {}
        inside[path] = graph.node(f"s{len(inside)}", width=max(1.0, headers.get(path, 0.0)), height=HEADER, **parent)
    all_sizes = {_card_name(id): size for id, size in sizes.items()}
    all_sizes |= {_ledger_name(*key): size for key, size in ledgers.items()}
    places: dict[str, int] = {}
    for name, scope in _homes(content, ledgers).items():
        parent = {"parent": inside[scope]} if scope else {}
        width, height = all_sizes[name]
        places[name] = graph.node(name, width=width, height=height, **parent)
    found: list[tuple[tuple[int, int], int | tuple[str, str]]] = []
    spans = _spans(content)
    for edge in content.edges:
        key = (edge.target, edge.position)
        first, *rest = _pieces(edge.source, key, key in ledgers)
        found.append((key, graph.edge(*first) if spans[key] <= LONGEST_SPAN else first))
        found.extend((key, graph.edge(*piece)) for piece in rest)
    options = {
        "direction": {"LR": "leftright", "TB": "topbottom"}[direction],
        "spacing": {
            "layer_gap": 26.0,
            "node_gap": 20.0,
            "dummy_gap": 12.0,
            "port_gap": 9.0,
            "compound_padding": _PADDING,
            "compound_header": HEADER,
        },
    }
    drawn = graphlay.layout(graph, options=options)
    drawn_nodes = drawn.nodes
    left, top = drawn.bounds["min"]["x"], drawn.bounds["min"]["y"]

    def box(index: int) -> Box:
        node = drawn_nodes[index]
        (x, y), (width, height) = node["center"].values(), node["size"].values()
        return Box(round(x - width / 2 - left, 2), round(y - height / 2 - top, 2), round(width, 2), round(height, 2))

    drawn_edges = drawn.edges
    edges: dict[tuple[int, int], tuple[Route, ...]] = {}
    for key, piece in found:
        if isinstance(piece, tuple):
            route = _curve(box(places[piece[0]]), box(places[piece[1]]), direction)
        else:
            corners = ((round(p["x"] - left, 2), round(p["y"] - top, 2)) for p in drawn_edges[piece]["points"])
            route = Route(tuple(corners), smooth=False)
        edges[key] = (*edges.get(key, ()), route)
    return Placement(
        cards={id: box(places[_card_name(id)]) for id in sizes},
        ledgers={key: box(places[_ledger_name(*key)]) for key in ledgers},
        edges=edges,
        scopes={path: box(index) for path, index in inside.items()},
        width=round(drawn.bounds["max"]["x"] - left, 2),
        height=round(drawn.bounds["max"]["y"] - top, 2),
    )


def _spans(content: View) -> dict[tuple[int, int], int]:
    """How many layers each edge crosses, were every card as early as it can be, and a leaf before its first user."""
    depths: dict[int, int] = {}
    reads: dict[int, list[int]] = {}
    for edge in content.edges:
        reads.setdefault(edge.target, []).append(edge.source)
    for card in content.cards:  # operands come before the cards that use them
        depths[card.id] = max((depths[id] + 1 for id in reads.get(card.id, ())), default=0)
    first: dict[int, int] = {}
    for edge in content.edges:
        first[edge.source] = min(first.get(edge.source, depths[edge.target]), depths[edge.target])
    for id, depth in first.items():
        if id not in reads:
            depths[id] = depth - 1
    return {(edge.target, edge.position): depths[edge.target] - depths[edge.source] for edge in content.edges}


def _curve(start: Box, end: Box, direction: str) -> Route:
    """From the middle of one box's side to the middle of the other's."""
    if direction == "LR":
        x1, y1, x2, y2 = start.x + start.width, start.y + start.height / 2, end.x, end.y + end.height / 2
        bend = max(40.0, abs(x2 - x1) / 2)
        return Route(((x1, y1), (x1 + bend, y1), (x2 - bend, y2), (x2, y2)), smooth=True)
    x1, y1, x2, y2 = start.x + start.width / 2, start.y + start.height, end.x + end.width / 2, end.y
    bend = max(40.0, abs(y2 - y1) / 2)
    return Route(((x1, y1), (x1, y1 + bend), (x2, y2 - bend), (x2, y2)), smooth=True)
