"""Mermaid text from a view, for Markdown: a flowchart with a subgraph per scope. Pure: no layout, no process, no file.

It keeps to what every viewer allows, GitHub's among them: `<br/>` is the only markup, and no viewer's limit is passed.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .extract import latest, noted
from .legend import coloured, legend, sample_name
from .notation import shorten
from .theme import LIGHT, Theme
from .view import Card, Edge, Row, View, view

SHAPES = {
    "input": ('["', '"]'),
    "parameter": ('[["', '"]]'),
    "constant": ('{{"', '"}}'),
    "operation": ('("', '")'),
    "group": ('[/"', '"/]'),
}
# Mermaid's defaults for `maxTextSize` and `maxEdges`: beyond them a viewer shows an error, and a text cannot lift them.
MAX_CHARACTERS = 50_000
MAX_EDGES = 500
MAX_NESTING = 8  # viewers lay a subgraph out by recursion; deeper scopes share the box of the last
LEGEND_WIDTH = 36  # characters


def to_mermaid(subject: Any, *, theme: Theme = LIGHT, direction: str = "LR") -> str:
    """Mermaid text of a value, graph, trace or view. `direction` is "LR" (reads like a formula) or "TB".

    What viewers would refuse for its size loses the labels of its edges, then its earliest nodes, and says so.

    >>> import autodiff as ad
    >>> w = ad.Scalar(2.0, name="w")
    >>> for line in to_mermaid(w * w).splitlines():
    ...     if line.startswith("n0"):
    ...         print(line)
    n0["w<br/>value = 2.000<br/>∂v₁/∂w = 2.000 + 2.000 = 4.000"]:::input
    n0 -->|"∂v₁/∂w = w = 2.000<br/>1.000 × 2.000 → 2.000"| n1
    n0 -->|"∂v₁/∂w = w = 2.000<br/>1.000 × 2.000 → 2.000"| n1
    """
    content = subject if isinstance(subject, View) else view(subject)
    text = _flowchart(content, theme, direction)
    if _is_too_large(text, content):
        content = replace(
            content,
            edges=tuple(replace(edge, lines=()) for edge in content.edges),
            note=noted(content.note, "the labels of the edges are left out"),
        )
        text = _flowchart(content, theme, direction)
    kept, whole = len(content.cards), content
    while _is_too_large(text, content) and kept > 1:
        kept = kept * 3 // 4
        content = latest(whole, kept, "for Mermaid's limits")
        text = _flowchart(content, theme, direction)
    return text


def _is_too_large(text: str, content: View) -> bool:
    return len(text) > MAX_CHARACTERS or len(content.edges) > MAX_EDGES


def _flowchart(content: View, theme: Theme, direction: str) -> str:
    lines = [
        *_head(content, theme),
        f"flowchart {direction}",
        f"accTitle: {plain(content.title)}",
        f"accDescr: {plain(content.description)}",
        *_scopes(content.cards),
        *(_edge(edge) for edge in content.edges),
        *_legend(content, theme, direction),
        *_styles(content, theme),
    ]
    return "\n".join(lines) + "\n"


def _head(content: View, theme: Theme) -> Iterator[str]:
    """The title, and the colours of what stands on the page itself: the page may be white or black, lines fit both."""
    variables = {
        "fontFamily": f"{theme.font}, Verdana, sans-serif",
        "fontSize": "14px",
        "textColor": theme.line,
        "nodeTextColor": theme.text,
        "primaryTextColor": theme.text,
        "titleColor": theme.scope,
        "lineColor": theme.line,
        "edgeLabelBackground": theme.background,
        "clusterBkg": theme.scope_fill,
        "clusterBorder": theme.line,
    }
    yield from ("---", f"title: {quoted(content.title)}", "config:", "  theme: base", "  themeVariables:")
    yield from (f"    {name}: {quoted(value)}" for name, value in variables.items())
    # Cards are as wide as their text; the default would break formulas at 200 pixels.
    yield from ("  flowchart:", "    wrappingWidth: 640", "---")


def _scopes(cards: Sequence[Card]) -> Iterator[str]:
    """The cards of each scope in a subgraph, which holds the subgraphs of the scopes inside it."""
    members: dict[tuple[str, ...], list[Card]] = {(): []}
    children: dict[tuple[str, ...], list[tuple[str, ...]]] = {(): []}
    for card in cards:
        path = _path(card.scope)
        for depth in range(1, len(path) + 1):
            if path[:depth] not in members:
                members[path[:depth]], children[path[:depth]] = [], []
                children[path[: depth - 1]].append(path[:depth])
        members[path].append(card)
    numbers = {path: number for number, path in enumerate(members)}
    waiting: list[tuple[str, ...] | None] = [()]
    while waiting:
        opened = waiting.pop()
        if opened is None:
            yield "end"
            continue
        if opened:
            yield f'subgraph s{numbers[opened]}["{escape(shorten(opened[-1]))}"]'
            waiting.append(None)
        yield from (_card(card) for card in members[opened])
        waiting += reversed(children[opened])


def _path(scope: str) -> tuple[str, ...]:
    if not scope:
        return ()
    return tuple(scope.split("/", MAX_NESTING - 1))


def _card(card: Card) -> str:
    opening, closing = SHAPES[card.kind]
    head = f"{card.sign}  {card.title}" if card.sign else card.title
    text = "<br/>".join(escape(line) for line in [head, *map(_row, card.rows)])
    return f"n{card.id}{opening}{text}{closing}:::{card.kind}"


def _row(row: Row) -> str:
    """`value = 2.000`; a row that continues the one above has no label, and a shape is no equation."""
    text = row.line.text.strip()
    if not row.label:
        return text
    return f"{row.label} {text}" if row.line.role == "quiet" else f"{row.label} = {text}"


def _edge(edge: Edge) -> str:
    text = "<br/>".join(escape(line.text) for line in edge.lines)
    return f'n{edge.source} -->|"{text}"| n{edge.target}' if text else f"n{edge.source} --> n{edge.target}"


def _legend(content: View, theme: Theme, direction: str) -> Iterator[str]:
    """Samples and words: a column at the left or a row at the top, where an invisible link keeps it clear of edges."""
    yield from ('subgraph legend["legend"]', f"direction {direction}")
    for kind in content.kinds:
        opening, closing = SHAPES[kind]
        yield f"legend_{kind}{opening}{sample_name(kind)}{closing}:::{kind}"
    words = [part for line in legend(content, coloured(theme)) for part in textwrap.wrap(line.text, LEGEND_WIDTH)]
    yield f'legend_words["{"<br/>".join(map(escape, words))}"]:::words'
    yield "end"
    if content.cards:
        yield f"legend ~~~ n{content.cards[0].id}"


def _styles(content: View, theme: Theme) -> Iterator[str]:
    """A class per kind, and the marks of the result and of alarms, which come last and so prevail."""
    for kind in content.kinds:
        yield f"classDef {kind} fill:{theme.fill[kind]},stroke:{theme.border[kind]},color:{theme.text}"
    yield f"classDef words fill:{theme.background},stroke:none,color:{theme.quiet},text-align:left"
    result = theme.backward if content.has_gradients else theme.text
    if content.heat is not None:
        for card in (card for card in content.cards if not card.is_alarm):
            yield f"style n{card.id} fill:{content.heat.colour(card.heat, theme)}"
    marked = {
        f"result stroke:{result},stroke-width:3px": [card.id for card in content.cards if card.is_output],
        f"alarm fill:{theme.alarm_fill},stroke:{theme.alarm},stroke-width:3px,color:{theme.alarm}": [
            card.id for card in content.cards if card.is_alarm
        ],
        f"highlight stroke:{theme.highlight},stroke-width:4px": [c.id for c in content.cards if c.is_highlighted],
    }
    for definition, ids in marked.items():
        if ids:
            yield f"classDef {definition}"
            yield f"class {','.join(f'n{i}' for i in ids)} {definition.split()[0]}"
    numbered = list(enumerate(content.edges))
    for colour, numbers in (
        (theme.highlight, [str(number) for number, edge in numbered if edge.is_highlighted]),
        (theme.alarm, [str(number) for number, edge in numbered if edge.is_alarm]),
    ):
        if numbers:
            yield f"linkStyle {','.join(numbers)} stroke:{colour},stroke-width:3px"


def escape(text: str) -> str:
    """Text for one line of a quoted label, where Mermaid reads entities, Markdown, icons, formulas and directives.

    What means nothing where it stands is left as it is: viewers that draw labels as SVG text know few entities.

    >>> print(escape('<b> "q" #1; [x > 0] 1. `x` + a_b'))
    #lt;b#gt; #quot;q#quot; #35;1#59; [x #gt; 0] 1#46; #96;x#96; + a_b
    """
    return _SPECIAL.sub(lambda special: _NAMED.get(special[0]) or f"#{ord(special[0])};", _shown(text).strip() or " ")


_NAMED = {"<": "#lt;", ">": "#gt;", "&": "#amp;", '"': "#quot;"}
_SPECIAL = re.compile(
    r"""
    [<>&"\#;\\`*~]                   # entities, strings, Markdown
    | ^[-+] | ^=(?==*$)            # an item of a list, a rule, the underline of a heading
    | (?<=\d)[.)](?=\s|$)            # a numbered item
    | (?<![^\W_])_ | _(?![^\W_])     # emphasis, which no underscore inside a word is
    | \](?=[\[(]) | (?<=www)\. | :(?!\ ) | (?<!\ )@ | @(?!\ )  # links, addresses, icons, `style …:…#…;`
    | (?<=%)% | %(?=%) | (?<=\$)\$ | \$(?=\$)                  # comments and directives, formulas
    """,
    re.VERBOSE | re.IGNORECASE,
)


def plain(text: str) -> str:
    """Text for `accTitle` and `accDescr`, which know no entities: special characters by their full-width forms.

    >>> plain("a #1; %%{init}%% <b>")
    'a ＃1； ％％｛init｝％％ ＜b＞'
    """
    line = " ".join(_shown(text).split()) or "�"
    return re.sub(r"[#;%{}<>&`\"\\]", lambda special: chr(ord(special[0]) + 0xFEE0), line)


def quoted(text: str) -> str:
    r"""A YAML string that holds no markup, no fence of Markdown and no directive, whatever it is embedded in.

    >>> print(quoted('say "hi" </script>'))
    "say \"hi\" \u003c/script\u003e"
    """
    text = json.dumps(_shown(text), ensure_ascii=False)
    return re.sub(r"[<>&`%{}']", lambda special: f"\\u{ord(special[0]):04x}", text)


def _shown(text: str) -> str:
    """Nothing invisible, and not the signs that Mermaid itself puts in the place of entities."""
    visible = "".join(c if c.isprintable() else "�" for c in text)
    return visible.replace("ﬂ°", "fl°").replace("¶ß", "¶ ß")
