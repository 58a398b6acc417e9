"""Keys and commands of the full screen, explained over it."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ..content import Line
from ..text import Text as Parts
from .commands import COMMANDS
from .panels import Palette, joined


class Help(ModalScreen[None]):
    """Keys and commands."""

    CSS = """
    Help { align: center middle; }
    #help { width: 92; max-width: 100%; height: auto; max-height: 100%; border: round $primary; padding: 0 1;
            background: $surface; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter,space", "dismiss", "close"),
        Binding("ctrl+c", "dismiss", show=False, priority=True),
    ]

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        lines: list[Parts] = [[Line("keys", "text")]]
        lines += [[Line(f"  {keys:<22}", "text"), Line(what, "quiet")] for keys, what in KEYS]
        lines += [[], [Line("commands", "text"), Line(", typed in the line at the bottom (:)", "quiet")]]
        width = max(len(f"{c.name} {c.arguments}") for c in COMMANDS)
        for c in COMMANDS:
            usage = f"{c.name} {c.arguments}".ljust(width)
            head, *more = c.help.splitlines()
            lines.append([Line(f"  {usage}  ", "text"), Line(head, "quiet")])
            if c.name == "break":
                lines += [[Line(" " * (width + 4) + line, "quiet")] for line in more]
        return joined(lines, self._palette, min(92, self.app.size.width) - 5)


KEYS = (
    ("n  space  →  ↓", "next step"),
    ("b  ←  ↑", "back"),
    ("c", "continue to the next breakpoint"),
    ("f", "the forward pass, and back to the backward pass"),
    ("g", "go to a step or a node"),
    ("/", "find: go on until an operation, a node, a condition"),
    ("z", "quiz: what is the next gradient?"),
    (":  Enter", "type a command; Tab completes, ↑ recalls, Esc leaves"),
    ("Home  End", "the first and the last step"),
    ("click on a node", "go to its step"),
    ("t", "light or dark"),
    ("q  Ctrl-D", "quit"),
)
