"""Steps and tables in a terminal, with rich. What is said comes from `text.py`; this file only shows it."""

from collections.abc import Collection, Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autodiff import BackwardTrace

from .cells import cut, visible
from .notation import label
from .stepper import Stepper
from .text import WIDTH, amount, gradient_rows, step_lines
from .view import Line

STYLES = {"text": "bold", "quiet": "dim", "forward": "blue", "backward": "yellow", "alarm": "bold white on red"}
MARKED = "bold yellow"


def console(stderr: bool = False) -> Console:
    """A console that is coloured on a terminal and plain in a pipe; lines are never cut in a pipe."""
    out = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return out if out.is_terminal else Console(stderr=stderr, highlight=False, width=1_000_000, color_system=None)


def show_steps(trace: BackwardTrace) -> None:
    """Print every step of the walk."""
    out, stepper = console(), Stepper(trace)
    while stepper.next() is not None:
        show_lines(step_lines(stepper, line_width(out)), out)


def line_width(out: Console) -> int:
    """Where lines break: at the window's edge as it is now, or in a pipe where logs stay readable."""
    return out.width if out.is_terminal else WIDTH


def show_lines(lines: Iterable[Sequence[Line]], out: Console) -> None:
    """Print lines of parts with roles, in colour where there is any. A terminal's wrap at words, a pipe's never."""
    for line in lines:
        text = styled(line)
        text.rstrip()
        for part in wrapped(text, out.width) if out.is_terminal else [text]:
            out.print(part, soft_wrap=True)


def wrapped(text: Text, width: int) -> list[Text]:
    """A text in lines of at most so many columns, broken at spaces; what goes on stands a little further in.

    >>> [line.plain for line in wrapped(Text("  a loss that is not finite"), 16)]
    ['  a loss that is', '      not finite']
    """
    if text.cell_len <= width:
        return [text]
    indent = min(len(text.plain) - len(text.plain.lstrip()) + 4, width // 3)
    lines: list[Text] = []
    while text.cell_len > width:
        end = _break(text.plain, width)
        line, text = text.divide([end])
        line.rstrip()
        lines.append(line)
        text = Text(" " * indent) + text[len(text.plain) - len(text.plain.lstrip()) :]
    return [*lines, text]


def _break(plain: str, width: int) -> int:
    """Where a line ends that is longer than the width: after its last space that leaves some words before it."""
    end = len(cut(plain, width + 1)) - 1
    first = len(plain) - len(plain.lstrip())
    space = plain.rfind(" ", first, end + 1)
    return space + 1 if space > first else max(end, first + 1)


def show_gradients(trace: BackwardTrace) -> None:
    """Print value and gradient of every input: a table on a terminal, aligned lines in a pipe."""
    output = trace.graph.outputs[0]
    name = label(output)
    result = (name, amount(output.value), amount(trace.cotangents[output.id]))
    show_table(("name", "value", f"∂{name}/∂name"), [*gradient_rows(trace), result])


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, marked: Collection[tuple[int, int]] = ()) -> None:
    """Print rows in columns, the first to the left and numbers to the right.

    marked  cells (row, column) that stand out on a terminal
    """
    out = console()
    if not out.is_terminal:
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        for row in (head, *rows):
            cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
            out.print(Text("  ".join(cells).rstrip()))
        return
    table = Table(header_style="bold")
    for i, title in enumerate(head):
        table.add_column(Text(title), justify="left" if i == 0 else "right")
    for i, row in enumerate(rows):
        table.add_row(*(Text(cell, style=MARKED if (i, j) in marked else "") for j, cell in enumerate(row)))
    out.print(table)


def styled(line: Sequence[Line]) -> Text:
    """A line of parts as rich text."""
    return Text.assemble(*((visible(part.text), STYLES[part.role]) for part in line))
