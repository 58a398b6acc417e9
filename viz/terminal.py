"""Steps and tables in a terminal, with rich. What is said comes from `text.py`; this file only shows it."""

import sys
from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import autodiff as ad
from autodiff import BackwardTrace

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
        show_step(stepper, out)


def show_step(stepper: Stepper, out: Console) -> None:
    """Print the current step."""
    width = out.width if out.is_terminal else WIDTH
    for line in step_lines(stepper, width):
        out.print(_styled(line), soft_wrap=True)


def step(subject: Any) -> None:
    """Step through the backward pass of a value or a trace at a prompt: n(ext), b(ack), q(uit).

    subject  a Scalar or a Tensor with one element, or a BackwardTrace

    Without a terminal to ask, every step is printed. End of input and Ctrl-C quit.
    """
    trace = subject if isinstance(subject, BackwardTrace) else ad.backprop(subject)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        show_steps(trace)
        return
    out, stepper = console(), Stepper(trace)
    stepper.next()
    show_step(stepper, out)
    while (command := _ask(out, stepper)) is not None:
        if command in ("n", "next", ""):
            at_end = stepper.next() is None
            if at_end:
                out.print(" the walk is complete: every input has its gradient", style="dim")
                continue
        elif command in ("b", "back"):
            if stepper.position > 1:
                stepper.back()
            else:
                out.print(" this is the first step", style="dim")
                continue
        elif command in ("q", "quit"):
            return
        else:
            out.print(f" {command!r} is not a command: n next, b back, q quit", style="dim")
            continue
        show_step(stepper, out)


def _ask(out: Console, stepper: Stepper) -> str | None:
    """A command, or None at the end of input."""
    try:
        return input(f"({stepper.position}/{len(stepper)}) n b q > ").strip().lower()
    except (EOFError, KeyboardInterrupt):
        out.print()
        return None


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


def _styled(line: Sequence[Line]) -> Text:
    return Text.assemble(*((part.text, STYLES[part.role]) for part in line))
