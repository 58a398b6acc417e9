"""The geometry of a page's drawing, as plain data: a box for each card, ledger and scope, and a path for each edge.

Lengths are pixels. The origin is at the upper left; y grows downwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .content import View
from .fold import shared_scope

HEADER = 22.0  # height of a scope's title
PADDING = 14.0  # between a scope's frame and what is in it

MANY_BOXES = 3  # that read a leaf: it then does not pull them all to its side

Key = tuple[int, int]  # an edge, by its target and position


class Size(NamedTuple):
    """Width and height."""

    width: float
    height: float


class Box(NamedTuple):
    """A rectangle by its upper left corner."""

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
    """Everything's place. Edges and ledgers are keyed by (target, position); an edge with a ledger has two pieces.

    note  what the reader must know of the layout
    """

    cards: dict[int, Box]
    ledgers: dict[Key, Box]
    edges: dict[Key, tuple[Route, ...]]
    scopes: dict[str, Box]
    width: float
    height: float
    note: str = ""


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


def ledger_scopes(content: View, ledgers: Mapping[Key, Size]) -> dict[Key, str]:
    """The scope that each ledger stands in: the innermost that holds both ends of its edge."""
    homes = {card.id: card.scope for card in content.cards}
    return {
        key: shared_scope([homes[edge.source], homes[edge.target]])
        for edge in content.edges
        if (key := (edge.target, edge.position)) in ledgers
    }


def loose_edges(content: View) -> set[Key]:
    """Edges that pull nothing to their side: those of a leaf that many boxes read, but for the first that does.

    So the weights of an RNN leave its steps in a row. Graphviz ranks boxes as wholes, and would rather have an edge
    between two of them run backwards than a dozen long ones.
    """
    homes = {card.id: card.scope for card in content.cards}
    computed = {edge.target for edge in content.edges}
    into: dict[int, dict[str, list[Key]]] = {}  # the edges of each leaf by the box they enter
    for edge in sorted(content.edges, key=lambda edge: edge.target):
        reader = homes[edge.target]
        if edge.source not in computed and shared_scope([homes[edge.source], reader]) != reader:
            into.setdefault(edge.source, {}).setdefault(reader, []).append((edge.target, edge.position))
    shared = (list(by_box.values()) for by_box in into.values() if len(by_box) >= MANY_BOXES)
    return {key for first, *others in shared for keys in others for key in keys}
