"""Where things go: a box for each card, ledger and scope, and a path for each edge.

Sizes are given, so no font is looked at and the same view has the same layout on every machine. Graphviz places them
best, but it takes minutes for thousands of cards, or for hundreds with long edges, and cannot be stopped. So what it
would have to do is counted first; beyond a second or two of it, a layered layout in linear time takes its place.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from .content import View
from .geometry import (
    HEADER,
    PADDING,
    Box,
    Key,
    Placement,
    Route,
    Size,
    ledger_scopes,
    loose_edges,
    scope_paths,
)
from .layers import layered
from .render import render

MOST_CARDS = 300  # that Graphviz places,
MOST_CROSSED = 2500  # and layers that it routes edges through, all together
FEW_CROSSED = 800  # so few that both directions can be tried


def place(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[Key, Size],
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
    engine     "graphviz" or "layered"; by default the first where it is quick

    >>> import autodiff as ad
    >>> from viz.view import view
    >>> content = view(ad.Scalar(2.0, name="x") * 3)
    >>> plan = place(content, {card.id: Size(80, 40) for card in content.cards}, {})
    >>> plan.cards[0].width, plan.cards[2].x > plan.cards[0].x
    (80.0, True)
    """
    if engine is None:
        is_quick = len(content.cards) <= MOST_CARDS and crossed_layers(content) <= MOST_CROSSED
        engine = "graphviz" if is_quick else "layered"
    by = {"graphviz": _by_graphviz, "layered": layered}[engine]
    return by(content, sizes, ledgers, headers or {}, direction)


def crossed_layers(content: View) -> int:
    """How many layers all edges cross, were every card as early as it can be, and a leaf before its first user.

    This is what Graphviz's time grows with. Its layers are twice as many as those of cards: ledgers have theirs.
    """
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
    return sum(2 * (depths[edge.target] - depths[edge.source]) - 1 for edge in content.edges)


def _by_graphviz(
    content: View,
    sizes: Mapping[int, Size],
    ledgers: Mapping[Key, Size],
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
    homes = {_card_name(card.id): card.scope for card in content.cards}
    homes |= {_ledger_name(*key): scope for key, scope in ledger_scopes(content, ledgers).items()}
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
                lines.append(f"subgraph cluster_{paths.index(path)} {{ margin={PADDING:.0f} labeljust=l")
                lines.append(f"label=<{table}<tr><td></td></tr></table>>")
                add(path)
                lines.append("}")

    add("")
    loose = loose_edges(content)
    for edge in content.edges:
        key = (edge.target, edge.position)
        pull = " weight=0" if key in loose else ""
        for i, (tail, head) in enumerate(_pieces(edge.source, key, key in ledgers)):
            lines.append(f'{tail} -> {head} [id="p{i}_{edge.target}_{edge.position}"{pull}]')
    lines.append("}")
    return _read(ET.fromstring(render("\n".join(lines), "svg")), paths)


def _pieces(source: int, key: Key, has_ledger: bool) -> list[tuple[str, str]]:
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
    joined: dict[Key, tuple[Route, ...]] = {}
    for target, position, _ in sorted(edges):
        pieces = [edges[target, position, i] for i in range(2) if (target, position, i) in edges]
        joined[target, position] = tuple(pieces)
    return Placement(cards, ledgers, joined, scopes, width, height)


def _around(points: Sequence[tuple[float, float]]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2))


def _card_name(id: int) -> str:
    return f"n{id}"


def _ledger_name(target: int, position: int) -> str:
    return f"e{target}_{position}"
