"""Where Graphviz puts things: boxes and curves, for forms that draw by themselves what Graphviz has laid out.

Lengths are points of 1/72 inch. The origin is at the lower left of what is drawn; y grows upwards.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .render import LAYOUT, render


class Point(NamedTuple):
    """A place on the drawing."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle by its sides."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def centre(self) -> Point:
        """The point in the middle."""
        return Point((self.left + self.right) / 2, (self.bottom + self.top) / 2)


class Scope(NamedTuple):
    """The box of a cluster, the words of its label, and what it is called in DOT."""

    box: Box
    words: str
    name: str


@dataclass(frozen=True)
class Layout:
    """A drawing's geometry.

    nodes   by name
    edges   by the names of tail and head: a curve for each edge between them, in order. A curve is the starting point,
            then three points for each Bézier segment; it ends at the tip of the arrow
    scopes  the clusters, outer ones first
    """

    nodes: dict[str, Box]
    edges: dict[tuple[str, str], list[list[Point]]]
    scopes: list[Scope]
    width: float
    height: float


@lru_cache(maxsize=4)  # a drawing asks for its titles, its size and its resolution
def lay_out(source: str) -> Layout:
    """The geometry of the graph in DOT text. Raises RenderError as `render` does.

    >>> layout = lay_out("digraph { rankdir=LR w -> y }")
    >>> [name for name, box in layout.nodes.items()], layout.nodes["w"].right < layout.nodes["y"].left
    (['w', 'y'], True)
    """
    drawn = json.loads(render(source, LAYOUT), strict=False)
    objects = drawn.get("objects", ())
    nodes = {item["name"]: _node(item) for item in objects if "pos" in item}
    scopes = [Scope(_cluster(item), _words(item.get("label", "")), item["name"]) for item in objects if item.get("bb")]
    edges: dict[tuple[str, str], list[list[Point]]] = {}
    names = {item["_gvid"]: item["name"] for item in objects}
    for item in drawn.get("edges", ()):
        edges.setdefault((names[item["tail"]], names[item["head"]]), []).append(_curve(item["pos"]))
    corners = [
        Point(*corner) for box in (*nodes.values(), *(scope.box for scope in scopes)) for corner in (box[:2], box[2:])
    ]
    points = corners + [point for curves in edges.values() for curve in curves for point in curve]
    left, right = min((p.x for p in points), default=0.0), max((p.x for p in points), default=0.0)
    bottom, top = min((p.y for p in points), default=0.0), max((p.y for p in points), default=0.0)

    def moved(box: Box) -> Box:
        return Box(box.left - left, box.bottom - bottom, box.right - left, box.top - bottom)

    return Layout(
        {name: moved(box) for name, box in nodes.items()},
        {
            ends: [[Point(p.x - left, p.y - bottom) for p in curve] for curve in curves]
            for ends, curves in edges.items()
        },
        [scope._replace(box=moved(scope.box)) for scope in scopes],
        right - left,
        top - bottom,
    )


def _node(item: Mapping[str, Any]) -> Box:
    (x, y), width, height = _numbers(item["pos"]), 72 * float(item["width"]), 72 * float(item["height"])
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _cluster(item: Mapping[str, Any]) -> Box:
    return Box(*_numbers(item["bb"]))


def _curve(position: str) -> list[Point]:
    """Graphviz writes the tip of the arrow first, as `e,x,y`: it replaces the point where the line would end."""
    tip, line = None, []
    for part in position.split():
        if part.startswith("e,"):
            tip = Point(*_numbers(part[2:]))
        elif not part.startswith("s,"):
            line.append(Point(*_numbers(part)))
    return [*line[:-1], tip or line[-1]]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _words(label: str) -> str:
    """The text of a label, which may be HTML-like."""
    return html.unescape(re.sub(r"<[^<>]*>", "", label))
