"""One self-contained page of a computation: pan, zoom, search, fold, and a scrubber over both passes. It loads nothing.

The page's own files lie in `page/`; here they are put into one, with the record as data beside them. A policy in the
page forbids every request and every script but its own, so no name in the record can run anything.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from autodiff import BackwardTrace, Graph
from autodiff.errors import SettingError

from .content import View
from .document import document
from .heat import GRADIENT, colours
from .theme import DARK, LIGHT, PRINT, Theme
from .view import recorded, view

THEMES = ("auto", "light", "dark")
DIRECTIONS = ("auto", "LR", "TB")
MOST_NODES = 2000  # more stay smooth on no machine; what is left out is said
# In the order in which they use each other.
SCRIPTS = (
    *("record", "walk", "ways", "camera", "colours", "drawing", "folding", "viewport", "specks"),
    *("details", "player", "search", "minimap", "keys", "main"),
)


def to_html(
    subject: Any,
    *,
    theme: str = "auto",
    direction: str = "auto",
    limit: int = MOST_NODES,
    heat: bool = False,
    ids: Mapping[int, int] | None = None,
    **options: Any,
) -> str:
    """A page, as the text of one HTML file, of a value, graph or trace.

    subject    a Scalar or Tensor with one element is shown with its gradients; a larger one, and a Graph, without;
               a BackwardTrace as it was recorded
    theme      "auto", as the reader's system is set, "light" or "dark"; the reader can change it
    direction  "LR", left to right like a formula; "TB", top to bottom; "auto", the one that fits a screen better
    limit      at most so many cards are shown; beyond that, nodes are folded
    heat       open with the cards coloured by the size of their gradient; the reader can change it
    ids        for a graph or trace, the node id of each live value's recording index
    options    what is shown: `show`, `highlight`, `wrt`, `depth` and `images`, see `viz.view.view`

    >>> import autodiff as ad
    >>> to_html(ad.Scalar(2.0, name="x") * 3).splitlines()[0]
    '<!doctype html>'

    Raises SettingError for an unknown theme or direction, GraphError for a subject that has no graph.
    """
    if theme not in THEMES:
        raise SettingError(f"theme {theme!r} does not exist for a page; choose one of {', '.join(THEMES)}")
    if direction not in DIRECTIONS:
        raise SettingError(f"direction {direction!r} is not known; use {', '.join(DIRECTIONS)}")
    record, found = recorded(subject)
    content = view(record, ids=ids or found, limit=limit, **options)
    return page(record, content, theme=theme, direction=direction, is_hot=heat)


def page(record: Graph | BackwardTrace, content: View, *, theme: str, direction: str, is_hot: bool) -> str:
    """The page of a view, as `to_html` makes it, with the record that the view is of."""
    if content.heat is not None and content.heat.what != GRADIENT:
        raise SettingError(f"a page colours cards by their gradients, not by {content.heat.what}; draw an .svg")
    graph, trace = (record.graph, record) if isinstance(record, BackwardTrace) else (record, None)
    data = document(graph, trace, content, direction=direction, is_hot=is_hot)
    style = f"{variables()}\n{page_source('page.css')}"
    script = '"use strict";\n(() => {\n' + "\n".join(page_source(f"{name}.js") for name in SCRIPTS) + "})();\n"
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest(script)}'",
            f"style-src 'sha256-{digest(style)}'",
            "img-src data:",  # thumbnails, which lie in the page
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    parts = {
        "policy": html.escape(policy, quote=False),
        "theme": theme,
        "title": html.escape(content.title),
        "description": html.escape(content.description),
        "style": style,
        "script": script,
        "record": embed(data),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], page_source("page.html"))


def embed(data: Any) -> str:
    """JSON that can stand inside a script element: no text in it can end the element or open a comment.

    >>> embed({"name": "</script><!--"})
    '{"name":"\\\\u003c/script\\\\u003e\\\\u003c!--"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# What HTML reads as markup, what ends a line in old scripts, and what UTF-8 cannot hold or HTML may not.
_UNFIT = re.compile("[<>&\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def digest(text: str) -> str:
    """What a policy allows a style or script by: its SHA-256, in base 64."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page_source(name: str) -> str:
    """The text of a file of `page/`."""
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8").replace("\r\n", "\n")


def variables() -> str:
    """The themes as CSS variables: by the reader's system, by the reader's choice, and for print."""

    def block(theme: Theme) -> str:
        names = (
            "background",
            "text",
            "quiet",
            "line",
            "forward",
            "backward",
            "alarm",
            "alarm_fill",
            "scope",
            "highlight",
        )
        pairs = [(name.replace("_", "-"), getattr(theme, name)) for name in (*names, "scope_fill")]
        pairs += [(f"fill-{kind}", colour) for kind, colour in theme.fill.items()]
        pairs += [(f"border-{kind}", colour) for kind, colour in theme.border.items()]
        pairs += [(f"heat-{level}", colour) for level, colour in enumerate(colours(theme))]
        return " ".join(f"--{name}: {value};" for name, value in pairs)

    return "\n".join(
        (
            f":root {{ color-scheme: light; {block(LIGHT)} }}",
            "@media (prefers-color-scheme: dark) {"
            f' :root[data-theme="auto"] {{ color-scheme: dark; {block(DARK)} }} }}',
            f':root[data-theme="dark"] {{ color-scheme: dark; {block(DARK)} }}',
            f"@media print {{ :root[data-theme] {{ color-scheme: light; {block(PRINT)} }} }}",
        )
    )
