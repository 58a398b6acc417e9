"""Steps and tables in a terminal, with rich. What is said comes from `text.py`; this file only shows it."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autodiff import BackwardTrace

from .cells import visible
from .notation import label
from .stepper import Stepper
from .text import WIDTH, amount, gradient_rows, step_lines
from .view import Line

STYLES = {"text": "bold", "quiet": "dim", "forward": "blue", "backward": "yellow", "alarm": "bold white on red"}


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
    """Print lines of parts with roles, in colour where there is any."""
    for line in lines:
        out.print(styled(line), soft_wrap=True)


def show_gradients(trace: BackwardTrace) -> None:
    """Print value and gradient of every input: a table on a terminal, aligned lines in a pipe."""
    output = trace.graph.outputs[0]
    name = label(output)
    result = (name, amount(output.value), amount(trace.cotangents[output.id]))
    show_table(("name", "value", f"∂{name}/∂name"), [*gradient_rows(trace), result])


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first to the left and numbers to the right."""
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
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def styled(line: Sequence[Line]) -> Text:
    """A line of parts as rich text."""
    return Text.assemble(*((visible(part.text), STYLES[part.role]) for part in line))
