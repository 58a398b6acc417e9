"""Where the title of a scope's box stands: on the side of the box that no edge enters through it.

Graphviz puts a title in a corner and then draws edges across it. Which corner makes no difference to its layout, so the
drawing is laid out once, looked at, and titles that are crossed move to a side that is free.
"""

from collections.abc import Iterator, Sequence

from .layout import Box, Layout, Point
from .metrics import SANS, text_width

SIZE = 10  # points of type
MARGIN = 8  # from the sides of the box, in points
HEIGHT = 16  # of the strip at the top of a box that a title stands in
SIDES = ("l", "r", "c")  # as Graphviz calls them, the first that is free
MOST_EDGES = 300  # drawings with more are laid out once


def sides(layout: Layout) -> dict[str, str]:
    """The side of each title that edges would cross at the left, by the name of its box."""
    dots = [dot for curves in layout.edges.values() for curve in curves for dot in _along(curve)]
    found = {}
    for scope in layout.scopes:
        strip = Box(scope.box.left, scope.box.top - HEIGHT, scope.box.right, scope.box.top)
        near = [dot for dot in dots if _is_in(dot, strip)]  # of all the dots of a long drawing these are few
        places = {side: title_box(scope.box, scope.words, side) for side in SIDES}
        free = [side for side, place in places.items() if not any(_is_in(dot, place) for dot in near)]
        if free and free[0] != "l":
            found[scope.name] = free[0]
    return found


def title_box(box: Box, words: str, side: str) -> Box:
    """The place of a title in its box."""
    width = text_width(words, SIZE, SANS)
    left = {"l": box.left + MARGIN, "r": box.right - MARGIN - width, "c": box.centre.x - width / 2}[side]
    return Box(left, box.top - HEIGHT, left + width, box.top)


def _is_in(dot: Point, box: Box) -> bool:
    return box.left - 2 <= dot.x <= box.right + 2 and box.bottom <= dot.y <= box.top


def _along(curve: Sequence[Point], steps: int = 24) -> Iterator[Point]:
    """Points on a curve of Bézier segments, near enough to each other that none jumps a title."""
    for i in range(0, len(curve) - 3, 3):
        a, b, c, d = curve[i : i + 4]
        for k in range(steps + 1):
            t = k / steps
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield Point(
                sum(w * p.x for w, p in zip(weights, (a, b, c, d), strict=True)),
                sum(w * p.y for w, p in zip(weights, (a, b, c, d), strict=True)),
            )
