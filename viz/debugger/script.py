"""Without a person: commands from a file or a pipe, and the whole walk as data."""

import sys
from pathlib import Path
from typing import Any

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError, SettingError

from ..notation import label
from ..terminal import console, line_width, show_lines
from .commands import execute
from .lines import stop_lines
from .patience import patience
from .session import Session


def run_script(trace: BackwardTrace, place: str) -> None:
    """Run the commands in a file, `-` for standard input, one per line, and print what they answer.

    Empty lines and lines that begin with # are passed over. Raises SettingError, which names file and line, at the
    first command that cannot be run; what stands before it is done.
    """
    name, lines = ("<stdin>" if place == "-" else place), _lines(place)
    session, out = Session(trace), console()
    show_lines(stop_lines(session, line_width(out)), out)
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            with patience():
                reply = execute(session, line)
        except AutodiffError as error:
            sys.stdout.flush()
            raise SettingError(f"{name}:{number}: {error}") from error
        show_lines(reply.lines, out)
        if reply.done:
            return
        if reply.moved:
            show_lines(stop_lines(session, line_width(out)), out)


def _lines(place: str) -> list[str]:
    if place == "-" and sys.stdin is None:
        raise SettingError("--script -: standard input is closed")
    try:
        text = sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingError(f"--script {place}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SettingError(f"--script {place}: is not text in UTF-8") from error
    return text.splitlines()


def as_data(trace: BackwardTrace) -> dict[str, Any]:
    """The whole walk as plain data: the value, every step with its messages and running sums, and the gradients."""
    nodes = trace.graph.nodes
    steps = []
    for number, step in enumerate(trace.steps, 1):
        node = step.node
        source = node.source
        steps.append(
            {
                "step": number,
                "node": node.id,
                "name": label(node),
                "op": node.op,
                "operands": list(node.operands),
                "value": node.value,
                "upstream": step.upstream,
                "messages": [
                    {
                        "operand": message.operand,
                        "name": label(nodes[message.operand]),
                        "local": message.local,
                        "message": message.message,
                        "total": message.total,
                    }
                    for message in step.messages
                    if message.message is not None
                ],
                "source": source and {key: getattr(source, key) for key in ("file", "line", "text", "part")},
            }
        )
    return {"value": trace.graph.outputs[0].value, "steps": steps, "gradients": trace.gradients}
