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
