"""Drawings: one call from a value to a file or a notebook cell."""

import html
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import autodiff as ad
from autodiff import BackwardTrace, Graph
from autodiff.errors import SettingError

from .content import View
from .dot import to_dot
from .graphml import to_graphml
from .html import MOST_NODES, page
from .layered_text import to_text
from .layout import lay_out
from .mermaid import to_mermaid
from .output import write_whole
from .placement import MOST_CROSSED, crossed_layers
from .plans import FORMATS as PLAN_FORMATS
from .plans import is_plan
from .render import render
from .theme import Theme, theme_named
from .tikz import to_tikz
from .titles import MOST_EDGES, sides
from .view import recorded, view

if TYPE_CHECKING:
    from autodiff.replay import Plan

DIRECTIONS = ("LR", "TB")
DPI = 144
POINTS = 72  # in an inch
MOST_PIXELS = 100_000_000  # of a PNG; browsers and image viewers fail on a few times as many
LARGEST = 14_400  # points of a picture's side: the most that readers of PDF take
FEW_CARDS = 60  # that never make so large a picture
LEGEND = 200  # points that it is high, about
OPTIONS = ("show", "highlight", "wrt", "heat", "limit", "depth", "images")


@dataclass(frozen=True)
class Drawing:
    """A drawing, written in any of `FORMATS` when it is asked for. In a notebook it shows itself.

    record   the graph, trace or plan that it is drawn from
    options  what was chosen to be drawn, see `draw`
    ids      the node id of each live value's recording index
    """

    record: "Graph | BackwardTrace | Plan"
    theme: str = "light"
    direction: str = "LR"
    format: str = "svg"
    options: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[int, int] = field(default_factory=dict)
    _contents: dict[bool, View] = field(default_factory=dict, repr=False, compare=False)

    @property
    def content(self) -> View:
        """What the drawing says."""
        return self.content_in(self.format)

    def content_in(self, format: str) -> View:
        """What the drawing says in a format: a page has room for more cards than a picture."""
        is_page = format == "html" and "limit" not in self.options
        if is_page not in self._contents:
            self._contents[is_page] = self._view(limit=MOST_NODES) if is_page else self._fitting()
        return self._contents[is_page]

    def _view(self, **options: Any) -> View:
        return view(self.record, ids=self.ids, **(dict(self.options) | options))

    def _fitting(self) -> View:
        """The view, folded further while the picture would be too large or take too long to lay out."""
        content, why = self._view(), ""
        while len(content.cards) > FEW_CARDS and (reason := self._misfit(content)):
            folded = self._view(limit=len(content.cards) // 2)
            if len(folded.cards) >= len(content.cards):
                break
            content, why = folded, why or reason
        return replace(content, note="; ".join(filter(None, [content.note, why])))

    def _misfit(self, content: View) -> str:
        """Why a picture of a view cannot be had, or is of no use; empty if neither."""
        count = len(content.cards)
        if crossed_layers(content) > MOST_CROSSED:
            return f"{count} cards with such long edges take too long to lay out (an HTML page draws them)"
        if "limit" not in self.options:
            layout = lay_out(to_dot(content, theme=theme_named(self.theme), direction=self.direction))
            if max(layout.width, layout.height) > LARGEST:
                return f"a picture of {count} cards is longer than {LARGEST:,} points (limit={count} draws it)"
        return ""

    @property
    def title(self) -> str:
        """What the drawing is of."""
        return self.content.title

    @property
    def description(self) -> str:
        """The drawing in words, for people who cannot see it."""
        return self.content.description

    @cached_property
    def source(self) -> str:
        """The drawing as DOT text."""
        return dot_source(self.content_in("dot"), theme_named(self.theme), self.direction)

    @cached_property
    def svg(self) -> str:
        """The drawing as SVG text, with a title and a description for people who cannot see it."""
        return described(render(self.source, "svg").decode(), self.content_in("svg"))

    def render(self, format: str | None = None) -> bytes:
        """The drawing in one of `FORMATS`. Raises SettingError for any other."""
        format = format or self.format
        check_format(format, self.record)
        return FORMATS[format](self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing; the suffix decides the format. A failure leaves an existing file as it was."""
        path = Path(path)
        write_whole(path, self.render(format_of(path)))
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto">{self.svg[self.svg.index("<svg") :]}</div>'


def dot_source(content: View, theme: Theme, direction: str) -> str:
    """The DOT text of a view, with the titles of scopes where no edge crosses them."""
    source = to_dot(content, theme=theme, direction=direction)
    if not 0 < len(content.edges) <= MOST_EDGES or not any(card.scope for card in content.cards):
        return source
    titles = sides(lay_out(source))
    return to_dot(content, theme=theme, direction=direction, titles=titles) if titles else source


def described(svg: str, content: View) -> str:
    """The SVG of a view with its title and description in words."""
    words = f"<title>{html.escape(content.title)}</title>\n<desc>{html.escape(content.description)}</desc>"
    return svg.replace("<title>backpropagation</title>", words, 1)


def resolution(drawing: Drawing) -> float:
    """Dots per inch of a PNG: `DPI`, or fewer where the picture would be too large for programs that show pictures."""
    if len(drawing.content_in("png").cards) <= FEW_CARDS:
        return DPI
    layout = lay_out(drawing.source)
    pixels = layout.width * (layout.height + LEGEND) * (DPI / POINTS) ** 2
    return DPI * min(1.0, math.sqrt(MOST_PIXELS / pixels))


def check_format(format: str, subject: Any) -> None:
    """Raises SettingError for a format that is not known, or that a plan is not drawn in."""
    if format not in FORMATS:
        raise SettingError(f"format {format!r} is not known; use one of {', '.join(FORMATS)}")
    if is_plan(subject) and format not in PLAN_FORMATS:
        raise SettingError(f"a plan is drawn as {', '.join(PLAN_FORMATS)}; {format} is for values and gradients")


def _graph(drawing: Drawing) -> Graph:
    record: Any = drawing.record
    graph: Graph = record.graph if isinstance(record, BackwardTrace) else record  # no plan, see `check_format`
    return graph


def _page(drawing: Drawing) -> bytes:
    assert isinstance(drawing.record, Graph | BackwardTrace)  # see `check_format`
    theme = drawing.theme if drawing.theme == "dark" else "auto"
    direction = drawing.direction if drawing.direction == "TB" else "auto"
    is_hot = bool(drawing.options.get("heat"))
    return page(drawing.record, drawing.content_in("html"), theme=theme, direction=direction, is_hot=is_hot).encode()


# Each format and how a drawing is written in it.
FORMATS: dict[str, Callable[[Drawing], bytes]] = {
    "svg": lambda drawing: drawing.svg.encode(),
    "png": lambda drawing: render(drawing.source, "png", dpi=resolution(drawing)),
    "pdf": lambda drawing: render(drawing.source, "pdf"),
    "dot": lambda drawing: drawing.source.encode(),
    "html": _page,
    "mmd": lambda d: to_mermaid(d.content_in("mmd"), theme=theme_named(d.theme), direction=d.direction).encode(),
    "tex": lambda d: to_tikz(d.content_in("tex"), theme=theme_named(d.theme), direction=d.direction).encode(),
    "txt": lambda drawing: to_text(drawing.content_in("txt")).encode(),
    "json": lambda drawing: _graph(drawing).to_json().encode(),
    "graphml": lambda drawing: to_graphml(_graph(drawing)).encode(),
}


def draw(
    subject: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    format: str = "svg",
    theme: str = "light",
    direction: str = "LR",
    **options: Any,
) -> Drawing:
    """Draw a value, a graph or a trace; with a path, also write it there, in the format that its suffix names.

    subject    a Scalar or Tensor with one element is drawn with its gradients; a larger one, several in a tuple, and a
               Graph, without; a BackwardTrace as it was recorded; a compiled function, or its `plan`, with what runs
               when and in which memory
    theme      "light", "dark" or "print"
    direction  "LR", left to right like a formula, or "TB", top to bottom
    options    what is drawn: `show`, `highlight`, `wrt`, `heat`, `limit`, `depth` and `images`, see `viz.view.view`

    Values without a name get that of the caller's variable that holds them.

    >>> import autodiff as ad, viz
    >>> w = ad.Scalar(2.0, name="w")
    >>> viz.draw(w * w).svg.count("∂v₁/∂w = w = 2.000")
    2

    What a compiled function does, with the steps that share a block of memory marked:

    >>> import numpy as np
    >>> compiled = ad.compile(lambda x: ad.sum(ad.tanh(x @ x * 2)))
    >>> _ = compiled(np.ones((2, 2)))
    >>> viz.draw(compiled.plan, highlight="block 0").title
    'Plan of <lambda>: 4 steps'

    Raises SettingError for an unknown format, theme, direction or option, or a path that cannot be written; GraphError
    for what cannot be drawn.
    """
    if path is not None:
        format = format_of(path)
    drawing = drawing_of(
        subject, names=variable_names(1), format=format, theme=theme, direction=direction, options=options
    )
    if path is not None:
        drawing.save(path)
    return drawing


def drawing_of(
    subject: Any,
    *,
    names: Mapping[int, str] | None = None,
    format: str = "svg",
    theme: str = "light",
    direction: str = "LR",
    options: Mapping[str, Any] | None = None,
) -> Drawing:
    """As `draw`, with the names of variables given."""
    options = options or {}
    check_format(format, subject)
    if direction not in DIRECTIONS:
        raise SettingError(f"direction {direction!r} is not known; use LR or TB")
    theme_named(theme)
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise SettingError(f"draw: option {unknown[0]!r} is not known; choose from {', '.join(OPTIONS)}")
    record, ids = (getattr(subject, "plan", subject), {}) if is_plan(subject) else recorded(subject, names)
    drawing = Drawing(record, theme, direction, format, options, ids)
    drawing.content_in(format)  # an option that does not fit is said now
    return drawing


def picture(subject: Any, form: str) -> str | None:
    """What a notebook shows of a value, graph or trace; None for a value that no operation made."""
    if isinstance(subject, ad.Scalar | ad.Tensor) and subject.primitive is None:
        return None
    drawing = drawing_of(subject)
    return drawing.svg if form == "svg" else drawing._repr_html_()


def variable_names(above: int) -> dict[int, str]:
    """The names of the variables that hold Scalars and Tensors in the frame so far above the caller's, by index."""
    frame = sys._getframe(above + 1)
    scopes = (frame.f_locals, frame.f_globals)
    return {
        value.index: name
        for variables in reversed(scopes)
        for name, value in variables.items()
        if isinstance(value, ad.Scalar | ad.Tensor) and not name.startswith("_")
    }


def format_of(path: str | os.PathLike[str]) -> str:
    """The format a path's suffix asks for. Raises SettingError for one that is not known."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise SettingError(f"{os.fspath(path)!r}: the suffix must be one of .{', .'.join(FORMATS)}")
    return suffix
