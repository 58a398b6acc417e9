r"""A LaTeX file from a view: TikZ, laid out by Graphviz, for papers. It writes text and runs no TeX.

The file compiles alone, with pdflatex and no package but TikZ, to one page of the drawing's size. It holds ASCII only.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from .content import Pixels
from .dot import to_dot
from .latex_text import escape
from .layout import Box, Layout, Point, lay_out
from .legend import coloured, legend, sample_name
from .theme import LIGHT, Theme
from .thumbnails import pixel_side
from .titles import sides, title_box
from .view import Card, Edge, Line, View, view

MARGIN = 12  # of the page, in points
LINE = 13  # height of a line of the legend and of the title, in points
LEGEND_WIDTH = 330  # points
MAX_SIDE = 14_000  # points: PDF's pages end at 14,400 and TeX's lengths soon after; what is larger is scaled down


def to_tikz(subject: Any, *, theme: Theme = LIGHT, direction: str = "LR") -> str:
    r"""A LaTeX file that draws a value, graph, trace or view. `direction` is "LR" (reads like a formula) or "TB".

    A card is the node `n3`, by its number; a ledger is the node `e3-0`, by the numbers of its card and its operand.

    >>> import autodiff as ad
    >>> tex = to_tikz(ad.Scalar(2.0, name="w") * 3)
    >>> print(tex.splitlines()[0])
    \documentclass{article}
    >>> r"\cardhead{\ensuremath{\times}~~\ensuremath{v_{2}} = \ensuremath{w} \ensuremath{\cdot} 3}" in tex
    True

    Raises RenderError where Graphviz cannot lay it out.
    """
    content = subject if isinstance(subject, View) else view(subject)
    layout = lay_out(to_dot(content, theme=theme, direction=direction))
    words = legend(content, coloured(theme))
    below = LINE * (len(content.kinds) + len(words) + 1.5)
    width = max(layout.width, LEGEND_WIDTH)
    page = Box(-MARGIN, -below - MARGIN, width + MARGIN, layout.height + 2 * LINE + MARGIN)
    scale = _length(min(1.0, MAX_SIDE / max(page.width, page.height)))
    lines = [
        *_preamble(content, theme),
        _SETUP,
        f"\\begin{{tikzpicture}}[x={scale}bp, y={scale}bp, every node/.append style={{scale={scale}}}]",
        *_ground(content, layout, page),
        *_edges(content.edges, layout),
        *(_card(card, layout.nodes[f"n{card.id}"], _heat(card, content, theme)) for card in content.cards),
        *(_ledger(edge, layout.nodes[_middle(edge)]) for edge in content.edges if edge.lines),
        *_legend(content.kinds, words),
        _END,
    ]
    return "\n".join(lines) + "\n"


SHAPES = {
    "input": "",
    "parameter": ", double, double distance=1.4bp",
    "constant": ", densely dashed",
    "operation": ", rounded corners=6bp",
    "group": ", line width=1.6bp",
}


def _preamble(content: View, theme: Theme) -> Iterator[str]:
    yield from (r"\documentclass{article}", r"\usepackage{tikz}", r"\usetikzlibrary{arrows.meta}")
    colours = {
        "background": theme.background,
        "words": theme.text,
        "quiet": theme.quiet,
        "line": theme.line,
        "forward": theme.forward,
        "backward": theme.backward,
        "result": theme.backward if content.has_gradients else theme.text,
        "alarm": theme.alarm,
        "alarmfill": theme.alarm_fill,
        "highlight": theme.highlight,
        "scope": theme.scope,
        "scopefill": theme.scope_fill,
    }
    colours |= {f"{kind}fill": theme.fill[kind] for kind in content.kinds}
    colours |= {f"{kind}border": theme.border[kind] for kind in content.kinds}
    yield from (f"\\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}" for name, value in colours.items())
    yield r"\tikzset{"
    yield from (
        f"  {kind}/.style={{card, fill={kind}fill, draw={kind}border{SHAPES[kind]}}}," for kind in content.kinds
    )


_SETUP = r"""  card/.style={inner sep=0pt, line width=0.9bp, text=words},
  result/.style={draw=result, line width=2.2bp},
  alarm/.style={fill=alarmfill, draw=alarm, line width=2.2bp},
  box/.style={fill=scopefill, draw=line, rounded corners=8bp},
  message/.style={draw=line, line width=0.9bp},
  marked/.style={draw=highlight, line width=3bp},
  marked message/.style={message, draw=highlight, line width=2.2bp},
  alarm message/.style={message, draw=alarm, line width=1.8bp},
  tip/.style={-{Stealth[length=6bp]}},
  ledger/.style={inner sep=0pt},
  words/.style={anchor=base west, inner sep=0pt},
}
\newsavebox\fitted
\newsavebox\leftpart
\newsavebox\rightpart
\newsavebox\drawing
\newdimen\cardwidth
\newdimen\rowheight
% The text, made smaller where it is wider than the width.
\newcommand\fitto[2]{\sbox\fitted{#2}\ifdim\wd\fitted>#1\resizebox{#1}{!}{\usebox\fitted}\else\usebox\fitted\fi}
% Lines of a card and of a ledger, as wide as \cardwidth and as high as \rowheight.
\newcommand\cardline[1]{\hbox to\cardwidth{\rule[-0.33\rowheight]{0pt}{\rowheight}#1}}
\newcommand\cardhead[1]{\cardline{\fitto{\cardwidth}{\bfseries\boldmath #1}\hfil}}
\newcommand\ledgerline[1]{\cardline{\hfil\fitto{\cardwidth}{#1}\hfil}}
\newcommand\cardrow[2]{\cardline{\sbox\leftpart{\small\color{quiet}#1}\sbox\rightpart{#2}%
  \ifdim\dimexpr\wd\leftpart+\wd\rightpart+0.6em>\cardwidth
    \fitto{\cardwidth}{\usebox\leftpart\hskip0.6em\usebox\rightpart}%
  \else\usebox\leftpart\hfil\usebox\rightpart\fi}}
% A number of a table, right in a column as wide as so many characters.
\newcommand\numbercell[2]{\hbox to\dimexpr0.52em*#1+0.7em\relax{\hfil#2}}
% On the colours of gradients only the darkest or lightest text is legible.
\newcommand\onecolour{\colorlet{quiet}{words}\colorlet{forward}{words}\colorlet{backward}{words}}
% A bar of a histogram, by its height in eighths.
\newcommand\histbar[1]{\rule{0.4em}{\dimexpr0.2ex*#1\relax}\kern0.04em}
\begin{document}
\begin{lrbox}{\drawing}%"""

_END = r"""\end{tikzpicture}%
\end{lrbox}
% One page of the drawing's size. LuaTeX has other names for the page's sides.
\ifdefined\pdfpagewidth\else\let\pdfpagewidth\pagewidth\let\pdfpageheight\pageheight\fi
\pdfpagewidth=\wd\drawing
\pdfpageheight=\dimexpr\ht\drawing+\dp\drawing\relax
\hoffset=-1in
\voffset=-1in
\shipout\box\drawing
\end{document}"""


def _ground(content: View, layout: Layout, page: Box) -> Iterator[str]:
    """The page, the title, and a box per scope, outer ones first."""
    yield f"\\fill[background] {_point(page[:2])} rectangle {_point(page[2:])};"
    place = _point((0, layout.height + 1.5 * LINE))
    yield f"\\node[words, text=words] at {place} {{\\hbox{{\\bfseries\\boldmath {escape(content.title)}}}}};"
    moved = sides(layout)
    for box, words, name in layout.scopes:
        yield f"\\draw[box] {_point(box[:2])} rectangle {_point(box[2:])};"
        fitted = f"\\fitto{{{_length(box.width - 16)}bp}}{{\\small\\color{{scope}}{escape(words)}}}"
        place = _point((title_box(box, words, moved.get(name, "l")).left, box.top - 13))
        yield f"\\node[words] at {place} {{{fitted}}};"


def _edges(edges: Sequence[Edge], layout: Layout) -> Iterator[str]:
    """Each edge's curve; two curves where a ledger stands in its middle."""
    drawn = {ends: iter(curves) for ends, curves in layout.edges.items()}
    for edge in edges:
        style = "alarm message" if edge.is_alarm else "marked message" if edge.is_highlighted else "message"
        source, target = f"n{edge.source}", f"n{edge.target}"
        if edge.lines:
            yield f"\\draw[{style}] {_curve(next(drawn[source, _middle(edge)]))};"
            source = _middle(edge)
        yield f"\\draw[{style}, tip] {_curve(next(drawn[source, target]))};"


def _middle(edge: Edge) -> str:
    """What the ledger of an edge is called in DOT."""
    return f"e{edge.target}_{edge.position}"


def _heat(card: Card, content: View, theme: Theme) -> list[str]:
    """The fill of a card on a drawing that is coloured by gradients."""
    if content.heat is None or card.is_alarm:
        return []
    colour = content.heat.colour(card.heat, theme)
    return [_fill([int(colour[i : i + 2], 16) for i in (1, 3, 5)])]


def _fill(channels: Sequence[int]) -> str:
    """A colour as TikZ mixes it, from red, green and blue."""
    red, green, blue = channels
    return f"fill={{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _card(card: Card, box: Box, heat: Sequence[str]) -> str:
    marks = [*["result"] * card.is_output, *["alarm"] * card.is_alarm, *["marked"] * card.is_highlighted]
    style = ", ".join([card.kind, *heat, *marks])
    head = f"{escape(card.sign)}~~" if card.sign else ""
    rows = [r"\onecolour"] * bool(heat) + [f"\\cardhead{{{head}{escape(card.title)}}}"]
    rows += [f"\\cardrow{{{escape(row.label)}}}{{{_coloured(row.line)}}}" for row in card.rows]
    if card.image is None:
        return _block(style, f"n{card.id}", box, rows, (box.height - 6) / (1 + len(card.rows)))
    side = pixel_side(card.image)
    room = side * len(card.image) + 6  # with a margin above and below
    rows.insert(len(rows) - len(card.rows), f"\\vskip{_length(room)}bp")
    row = (box.height - 6 - room) / (1 + len(card.rows))
    corner = Point(box.centre[0] - side * len(card.image[0]) / 2, box.top - 3 - row - 3)
    return "\n".join([_block(style, f"n{card.id}", box, rows, row), *_picture(card.image, corner, side)])


def _picture(image: Pixels, corner: Point, side: int) -> Iterator[str]:
    """A thumbnail as rectangles, one for each run of equal pixels in a row."""
    for i, levels in enumerate(image):
        start = 0
        for level, run in groupby(levels):
            stop = start + len(list(run))
            place = (corner[0] + side * start, corner[1] - side * i)
            opposite = (corner[0] + side * stop, corner[1] - side * (i + 1))
            yield f"\\fill[{_fill((level,) * 3)}] {_point(place)} rectangle {_point(opposite)};"
            start = stop


def _ledger(edge: Edge, box: Box) -> str:
    rows = [f"\\ledgerline{{{_coloured(line)}}}" for line in edge.lines]
    return _block("ledger", f"e{edge.target}-{edge.position}", box, rows, (box.height - 6) / len(rows))


def _block(style: str, name: str, box: Box, rows: Sequence[str], row: float) -> str:
    """A node of the size that Graphviz gave it, its lines one below the other, each `row` points high."""
    size = f"minimum width={_length(box.width)}bp, minimum height={_length(box.height)}bp"
    inner = f"\\cardwidth={_length(max(box.width - 14, 4))}bp \\rowheight={_length(row)}bp"
    lines = "\n  ".join(
        [f"\\node[{style}, {size}] ({name}) at {_point(box.centre)} {{{inner} \\vbox{{\\offinterlineskip"]
    )
    return "\n  ".join([lines, *rows]) + "}};"


def _coloured(line: Line) -> str:
    return f"\\color{{{ROLES[line.role]}}}{_columns(line.text) or escape(line.text.strip())}"


_NUMBERS = re.compile(r"(?P<first> *[\d.e−]+|(?: *(?:NaN|−?inf)))(?:  +(?:[\d.e−]+|NaN|−?inf))+ *")


def _columns(text: str) -> str:
    r"""Numbers in a row of a table, each in a box of one width: Computer Modern's own widths would not let them align.

    >>> _columns(" 1.000  −2.000"), _columns("2.000 ± 1.000")
    ('\\numbercell{6}{1.000}\\numbercell{6}{\\ensuremath{-}2.000}', '')
    """
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return ""
    width = len(found["first"])
    cells = [text[i : i + width].strip() for i in range(0, len(text), width + 2)]
    return "".join(f"\\numbercell{{{width}}}{{{escape(cell)}}}" for cell in cells)


ROLES = {"text": "words", "quiet": "quiet", "forward": "forward", "backward": "backward", "alarm": "alarm"}


def _legend(kinds: Sequence[str], words: Sequence[Line]) -> Iterator[str]:
    """Below the drawing: a sample of each kind of card, then the words."""
    y = -1.5 * LINE
    for kind in kinds:
        corners = ", rounded corners=2bp" if "rounded" in SHAPES[kind] else ""  # the sample is small
        yield f"\\node[{kind}, minimum width=20bp, minimum height=9bp{corners}] at {_point((10, y + 3))} {{}};"
        yield f"\\node[words, text=quiet] at {_point((27, y))} {{\\small {sample_name(kind)}}};"
        y -= LINE
    for line in words:
        yield f"\\node[words] at {_point((0, y))} {{\\small{_coloured(line)}}};"
        y -= LINE


def _curve(points: Sequence[Point]) -> str:
    start, *rest = map(_point, points)
    return start + "".join(f" .. controls {a} and {b} .. {c}" for a, b, c in zip(*[iter(rest)] * 3, strict=True))


def _point(place: Sequence[float]) -> str:
    return f"({_length(place[0])},{_length(place[1])})"


def _length(x: float) -> str:
    """Four decimals at most, and none that say nothing: `2.5`, `-0.0312`, `0`."""
    return f"{round(x, 4) + 0:.4f}".rstrip("0").rstrip(".")
