"""The command line at the bottom of the full screen: completion, history, and a suggestion while one types."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from .commands import completions
from .graph_panel import GraphPanel
from .session import Session


class CommandLine(Input):
    """The line at the bottom: completion by Tab, history by the arrows, Escape leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            replace(key, priority=True)
            for key in Input.BINDINGS
            if isinstance(key, Binding) and "ctrl+d" not in key.key
        ),
        Binding("delete", "delete_right", show=False, priority=True),
        Binding("tab", "complete", "complete", key_display="Tab", priority=True),
        Binding("up", "recall(-1)", "earlier", priority=True),
        Binding("down", "recall(1)", show=False, priority=True),
        Binding("escape", "leave", "back to the graph", key_display="Esc", priority=True),
        Binding("ctrl+d", "exit", show=False, priority=True),
    ]

    def __init__(self, session: Session, submit: Callable[[str], None], say: Callable[[str], None]) -> None:
        super().__init__(id="command", suggester=_Suggest(session), compact=True, select_on_focus=False)
        self.session, self._submit, self._say = session, submit, say
        self.history: list[str] = []
        self._recalled = 0

    def action_complete(self) -> None:
        """Complete as far as all possibilities agree; say them if there are several."""
        found = completions(self.session, self.value)
        if not found:
            return
        self.value = _shared_beginning(found) + " " * (len(found) == 1)
        self.cursor_position = len(self.value)
        if len(found) > 1:
            words = [line.rpartition(" ")[2] if " " in self.value else line for line in found]
            shown = "  ".join(words[:40]) + ("  …" if len(words) > 40 else "")
            self._say(shown)

    def action_recall(self, way: int) -> None:
        """An earlier or later line."""
        self._recalled = min(max(self._recalled + way, 0), len(self.history))
        self.value = [*self.history, ""][self._recalled]
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """Back to the graph, and its keys."""
        self.value = ""
        self.screen.set_focus(self.screen.query_one(GraphPanel))

    def action_exit(self) -> None:
        """Leave the debugger."""
        self.app.exit()

    async def action_submit(self) -> None:
        line, self.value = self.value, ""
        if line.strip():
            self.history.append(line)
        self._recalled = len(self.history)
        self._submit(line)


class _Suggest(Suggester):
    def __init__(self, session: Session) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.session = session

    async def get_suggestion(self, value: str) -> str | None:
        if not value.strip() or self.session.question is not None:
            return None
        return next(iter(completions(self.session, value)), None)


def _shared_beginning(lines: Sequence[str]) -> str:
    first, last = min(lines), max(lines)
    same = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]
