"""DOT text from a view. Pure: no layout, no process, no file.

The ledger of an edge is a node of its own in the middle of the edge, so that no line ever crosses its text.
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import graphviz

from .content import Pixels
from .geometry import loose_edges
from .heat import swatches
from .legend import coloured, legend, sample_name
from .notation import shorten
from .theme import LIGHT, Theme
from .thumbnails import pixel_side
from .view import Card, Edge, Line, View, shared_scope, view

SHAPES = {
    "input": {"shape": "box", "style": "filled"},
    "parameter": {"shape": "box", "style": "filled", "peripheries": "2"},
    "constant": {"shape": "note", "style": "filled"},
    "operation": {"shape": "box", "style": "rounded,filled"},
    "group": {"shape": "box3d", "style": "filled"},
}
GAP = "&nbsp;&nbsp;"  # between what a row is and its text
ABOVE_LEGEND = 10  # points, so that the title does not look like a part of the card above
PORTS = {
    "LR": ("w", "e"),
    "TB": ("n", "s"),
}  # where an edge enters its ledger and leaves it, so that it goes straight on


def to_dot(
    subject: Any, *, theme: Theme = LIGHT, direction: str = "LR", titles: Mapping[str, str] | None = None
) -> str:
    """DOT text of a value, graph, trace or view. `direction` is "LR" (reads like a formula) or "TB".

    titles  the side, "r" or "c", of a scope's title that is not to stand at the left, by the name of its cluster

    >>> import autodiff as ad
    >>> print(to_dot(ad.Scalar(2.0, name="x") * 3).splitlines()[0])
    digraph backpropagation {
    """
    content = subject if isinstance(subject, View) else view(subject)
    dot = graphviz.Digraph("backpropagation")
    dot.attr(
        rankdir=direction,
        bgcolor=theme.background,
        fontname=theme.font,
        fontcolor=theme.text,
        nodesep="0.28",
        ranksep="0.32",
        pad="0.25",
        outputorder="edgesfirst",
        tooltip=" ",
        labelloc="b",
        labeljust="l",
        label=_legend(content, theme),
    )
    dot.attr("node", fontname=theme.font, fontsize="11", fontcolor=theme.text, margin="0.06,0.05")
    dot.attr("edge", color=theme.line, arrowsize="0.7", penwidth="1.2")
    _add_scope(dot, "", content, theme, titles or {})
    loose = loose_edges(content)
    for edge in content.edges:
        pull = {"weight": "0"} if (edge.target, edge.position) in loose else {}
        _add_edge(dot, edge, theme, PORTS[direction], pull)
    return str(dot.source)


def _add_scope(dot: Any, scope: str, content: View, theme: Theme, titles: Mapping[str, str]) -> None:
    """The cards and ledgers of a scope, then a box for each scope inside it."""
    homes = {card.id: card.scope for card in content.cards}
    for card in content.cards:
        if card.scope == scope:
            _add_card(dot, card, content, theme)
    for edge in content.edges:
        if edge.lines and shared_scope([homes[edge.source], homes[edge.target]]) == scope:
            dot.node(_ledger_id(edge), _table(_lines(edge.lines, theme, 10)), shape="plain", tooltip=" ")
    depth = len(scope) + 1 if scope else 0
    children = {c.scope[depth:].split("/")[0]: None for c in content.cards if _is_inside(c.scope, scope)}
    for child in children:
        path = f"{scope}/{child}" if scope else child
        name = f"cluster_{_cluster_number(path, content)}"
        with dot.subgraph(name=name) as box:
            box.attr(
                label=f"<{_text(shorten(child), theme.scope, 10)}>",
                style="rounded,filled",
                color=theme.line,
                fillcolor=theme.scope_fill,
                labelloc="t",
                labeljust=titles.get(name, "l"),
                margin="10",
                tooltip=graphviz.escape(shorten(path, 80)),
            )
            _add_scope(box, path, content, theme, titles)


def _cluster_number(path: str, content: View) -> int:
    """A scope's place among all scopes: its text may hold what no identifier can."""
    scopes = {card.scope: None for card in content.cards}
    prefixes = {"/".join(scope.split("/")[:n]): None for scope in scopes for n in range(1, scope.count("/") + 2)}
    return list(prefixes).index(path)


def _is_inside(scope: str, outer: str) -> bool:
    return scope != outer and (not outer or scope.startswith(f"{outer}/"))


def _add_card(dot: Any, card: Card, content: View, theme: Theme) -> None:
    dot.node(
        f"n{card.id}",
        # On the colours of the heat scale only the darkest or lightest text is legible.
        _card_label(card, theme if content.heat is None else theme.in_one_colour),
        **SHAPES[card.kind],
        fillcolor=_fill(card, content, theme),
        color=_border(card, content, theme),
        penwidth="3.2" if card.is_highlighted else "2.6" if card.is_output or card.is_alarm else "1.3",
        tooltip=graphviz.escape(card.tooltip),
    )


def _fill(card: Card, content: View, theme: Theme) -> str:
    if card.is_alarm:
        return theme.alarm_fill
    return theme.fill[card.kind] if content.heat is None else content.heat.colour(card.heat, theme)


def _border(card: Card, content: View, theme: Theme) -> str:
    if card.is_alarm:
        return theme.alarm
    if card.is_highlighted:
        return theme.highlight
    return theme.backward if card.is_output and content.has_gradients else theme.border[card.kind]


def _card_label(card: Card, theme: Theme) -> str:
    sign = f"<b>{_text(card.sign, theme.quiet, 12)}</b>&nbsp;&nbsp;" if card.sign else ""
    head = f'<tr><td colspan="2" align="left">{sign}<b>{_text(card.title, theme.text, 12)}</b></td></tr>'
    rule = "<hr/>" if card.rows else ""
    rows = "".join(
        f'<tr><td align="left">{_text(row.label or " ", theme.quiet, 10)}{GAP if row.label else ""}</td>'
        f'<td align="right">{_text(row.line.text, _colour(row.line.role, theme), 11, theme.mono)}</td></tr>'
        for row in card.rows
    )
    picture = f'<tr><td colspan="2" align="center">{_picture(card.image)}</td></tr>' if card.image else ""
    return _table(f"{head}{picture}{rule}{rows}")


def _picture(image: Pixels) -> str:
    """Pixels as the cells of a table: the one form that every format of Graphviz draws without a file."""
    side = pixel_side(image)
    rows = []
    for levels in image:
        cells = "".join(
            f'<td bgcolor="#{level:02x}{level:02x}{level:02x}" width="{side}" height="{side}" fixedsize="true"></td>'
            for level in levels
        )
        rows.append(f"<tr>{cells}</tr>")
    width, height = side * len(image[0]), side * len(image)
    # Where cells meet, a renderer that smooths edges lets what is below shine through: the commonest grey is.
    common = Counter(level for levels in image for level in levels).most_common(1)[0][0]
    ground = f"#{common:02x}{common:02x}{common:02x}"
    size = f'width="{width}" height="{height}" fixedsize="true" bgcolor="{ground}"'
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="0" {size}>{"".join(rows)}</table>'


def _add_edge(dot: Any, edge: Edge, theme: Theme, ports: tuple[str, str], pull: Mapping[str, str]) -> None:
    style = {"color": theme.highlight, "penwidth": "2.6"} if edge.is_highlighted else {}
    style = {"color": theme.alarm, "penwidth": "2.2"} if edge.is_alarm else style
    style |= pull
    source, target = f"n{edge.source}", f"n{edge.target}"
    if not edge.lines:
        dot.edge(source, target, **style)
        return
    before, after = ports
    dot.edge(source, _ledger_id(edge), arrowhead="none", headport=before, **style)
    dot.edge(_ledger_id(edge), target, tailport=after, **style)


def _ledger_id(edge: Edge) -> str:
    return f"e{edge.target}_{edge.position}"


def _legend(content: View, theme: Theme) -> str:
    """The title; what the colours and signs mean, for those that occur; and what is not shown."""
    swatch = '<td bgcolor="{}" color="{}" border="1" width="22" height="11" fixedsize="true"></td>'
    if content.heat is None:
        rows = [
            (swatch.format(theme.fill[kind], theme.border[kind]), _text(sample_name(kind), theme.quiet, 10))
            for kind in content.kinds
        ]
    else:
        rows = [
            (swatch.format(fill, theme.line), _text(f"{content.heat.what} = {words}", theme.quiet, 10))
            for fill, words in swatches(content.heat, theme)
        ]
    marks = coloured(theme)._replace(heat="")  # the swatches say it
    rows += [("<td></td>", _text(line.text, _colour(line.role, theme), 10)) for line in legend(content, marks)]
    room = f'<tr><td colspan="2" height="{ABOVE_LEGEND}"></td></tr>'
    title = f'<tr><td colspan="2" align="left"><b>{_text(content.title, theme.text, 12)}</b></td></tr>'
    cells = room + title + "".join(f'<tr>{sample}<td align="left">{words}</td></tr>' for sample, words in rows)
    return f'<<table border="0" cellborder="0" cellspacing="3" cellpadding="0">{cells}</table>>'


def _lines(lines: Sequence[Line], theme: Theme, size: int) -> str:
    return "".join(f"<tr><td>{_text(line.text, _colour(line.role, theme), size)}</td></tr>" for line in lines)


def _table(rows: str) -> str:
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="3">{rows}</table>>'


def _colour(role: str, theme: Theme) -> str:
    colours: dict[str, str] = {
        "text": theme.text,
        "quiet": theme.quiet,
        "forward": theme.forward,
        "backward": theme.backward,
        "alarm": theme.alarm,
    }
    return colours[role]


def _text(text: str, colour: str, size: int, face: str = "") -> str:
    font = f' face="{face}"' if face else ""
    return f'<font color="{colour}" point-size="{size}"{font}>{escape(text)}</font>'


def escape(text: str) -> str:
    """Text for an HTML-like label: markup escaped, runs of spaces kept, and nothing that XML does not allow.

    >>> escape('<b> & "q"  x')
    '&lt;b&gt; &amp; &quot;q&quot;&nbsp;&nbsp;x'
    """
    allowed = "".join(c if c.isprintable() else "�" for c in text) or " "
    return html.escape(allowed).replace("  ", "&nbsp;&nbsp;")
