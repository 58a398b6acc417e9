"""What stands in the panels of the full screen, as rich text in the theme's colours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.text import Text

from ..boxes import Place
from ..cells import cut, pad, visible
from ..cells import width as cells
from ..content import Line
from ..ledger import is_finite
from ..notation import formula, label
from ..terminal import wrapped
from ..text import amount, step_lines
from ..theme import Theme
from .lines import forward_lines, source_lines
from .session import Session

MOST_ROWS = 6  # of operands, and of users


@dataclass(frozen=True)
class Palette:
    """The style of each role; `current` is the node that the cursor is on, `ahead` what it has not come to,
    `alarm` a node with NaN or infinity."""

    roles: Mapping[str, str]
    current: str
    ahead: str
    bar: str
    alarm: str

    @classmethod
    def of(cls, theme: Theme) -> "Palette":
        """The styles in the colours of a theme."""
        roles = {
            "text": f"bold {theme.text}",
            "quiet": theme.quiet,
            "forward": theme.forward,
            "backward": theme.backward,
            "alarm": f"bold {theme.background} on {theme.alarm}",
        }
        return cls(roles, f"bold {theme.highlight}", theme.quiet, theme.backward, theme.alarm)


def styled(lines: Iterable[Sequence[Line]], palette: Palette, width: int) -> list[Text]:
    """Lines of parts with roles in the colours of a theme, wrapped at words."""
    return [part for line in lines for part in wrapped(_styled(line, palette), width)]


def joined(lines: Iterable[Sequence[Line]], palette: Palette, width: int) -> Text:
    """The same as one text."""
    return Text("\n").join(styled(lines, palette, width))


def _styled(line: Sequence[Line], palette: Palette) -> Text:
    return Text.assemble(*((visible(part.text), palette.roles[part.role]) for part in line))


def head(session: Session, width: int, palette: Palette) -> list[Text]:
    """The title, and how far the pass has come, as a bar."""
    cursor = session.cursor
    output = session.trace.graph.outputs[0]
    result = f"   {label(output)} = {formula(output, session.nodes)}" if not output.is_leaf else ""
    count = f"{session.pass_name} {cursor.position:,} of {len(cursor):,} "
    room = max(8, min(40, width // 3))
    space = max(0, width - room - cells(count) - 3)
    left = next((words for words in (f" chainlens step{result}", result[2:]) if cells(words) <= space), None)
    left = cut(result[2:] or " step", space) if left is None else left
    done = round(room * cursor.position / max(1, len(cursor)))
    style = palette.roles["forward"] if session.is_forward else palette.bar
    bar = Text.assemble(("━" * done, style), ("─" * (room - done), palette.ahead))
    gap = " " * max(1, width - cells(left) - cells(count) - room - 1)
    return [Text.assemble((left, palette.roles["text"]), gap, (count, style), bar, " ")]


def graph_text(session: Session, lines: Sequence[str], places: Mapping[int, Place], palette: Palette) -> list[Text]:
    """The drawing, the current node in its colour, what the pass has not come to quiet."""
    rows: dict[int, list[tuple[int, int, str]]] = {}
    for id, place in places.items():
        style = _style(session, id, palette)
        for row in range(place.row, place.row + place.height):
            rows.setdefault(row, []).append((place.column, place.column + place.width, style))
    text = []
    for number, line in enumerate(lines):
        text.append(Text(line.rstrip(), style=palette.ahead))
        for start, end, style in rows.get(number, ()):
            text[-1].stylize(style, _index(line, start), _index(line, end))
    return text


def _style(session: Session, id: int, palette: Palette) -> str:
    if id == session.node.id:
        return palette.current
    g = session.gradient(id)
    if (session.has_value(id) and not is_finite(session.nodes[id].value)) or (g is not None and not is_finite(g)):
        return palette.alarm
    if session.is_forward:
        reached = session.has_value(id)
    else:
        place = session.trace.position(id)
        reached = place is not None and place < session.backward.position
    return palette.roles["text"].removeprefix("bold ") if reached else palette.ahead


def _index(line: str, column: int) -> int:
    """Which character of a line stands in a column; characters may be two columns wide, or none."""
    if line.isascii():
        return column
    used = 0
    for index, character in enumerate(line):
        if used >= column:
            return index
        used += cells(character)
    return len(line)


def step_text(session: Session, width: int, palette: Palette) -> tuple[str, list[Text]]:
    """Title and content of the step's panel: the rule with its numbers."""
    lines = forward_lines(session) if session.is_forward else step_lines(session.backward, max(width, 30))
    return f"{session.pass_name} pass", styled(
        lines[1:], palette, width
    )  # the first says what the title and the source say


def around(session: Session, width: int, palette: Palette) -> tuple[str, list[Text]]:
    """Title and content of the panel of neighbours: their values, and their gradients so far; then the watches."""
    node = session.node
    table: list[tuple[str, str, str, str]] = []
    operands = [
        id for id in dict.fromkeys(node.operands) if session.nodes[id].op != "constant" or session.nodes[id].name
    ]
    users, uses = session.users(node.id, MOST_ROWS), len(session.trace.senders(node.id))
    for title, ids, count in (("operands", operands[:MOST_ROWS], len(operands)), ("used by", users, uses)):
        if not ids:
            continue
        table.append((title, "value", f"∂{session.target}/∂·  so far", "quiet"))
        for id in ids:
            value = amount(session.nodes[id].value) if session.has_value(id) else "—"
            g = session.gradient(id)
            role = "text" if is_finite(session.nodes[id].value) and (g is None or is_finite(g)) else "alarm"
            table.append((f"  {label(session.nodes[id])}", value, amount(g), role))
        if count > len(ids):
            table.append((f"  … {count - len(ids):,} more", "", "", "quiet"))
    if not table:
        table.append(("nothing: a leaf that nothing uses", "", "", "quiet"))
    first = min(max(cells(row[0]) for row in table), max(8, width - 30))
    second = min(max(cells(row[1]) for row in table), max(8, (width - first) // 2))
    lines = []
    for name, value, g, role in table:
        names, values, gradients = {
            "quiet": ("quiet", "quiet", "quiet"),
            "text": ("text", "forward", "backward"),
            "alarm": ("text", "alarm", "alarm"),
        }[role]
        lines.append(
            [
                Line(pad(cut(name, first), first), names),
                Line("  " + pad(cut(value, second), second), values),
                Line("  " + cut(g, max(4, width - first - second - 4)), gradients),
            ]
        )
    watched = session.watched()
    return "neighbours", styled([*lines, *([[]] if watched else []), *watched], palette, width)


def source(session: Session, width: int, palette: Palette) -> tuple[str, list[Text]]:
    """Title and content of the panel of the person's source: the line, and in it the part, that made the node."""
    found = session.node.source
    lines = source_lines(session.node, context=4)
    if found is None or not lines:
        words = "an input: no line made it" if session.node.is_leaf else "not recorded for this value"
        return "source", styled([[Line(words, "quiet")]], palette, width)
    if found.file.startswith("<") and not found.text.strip():
        return "source", styled([[Line("typed at a prompt: its text was not kept", "quiet")]], palette, width)
    is_file = lines[0][0].text.startswith(f" {found.file}")
    text = [_styled(line, palette) for line in (lines[1:] if is_file else lines)]
    for line in text:
        line.truncate(width, overflow="ellipsis")
    return f"source  {PurePath(found.file).name}:{found.line}" if is_file else "source", text
