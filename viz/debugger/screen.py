"""The debugger on a full screen, with textual: the graph, the step, its neighbours, the source, and a command line.

It shows the session and runs the commands of the table; whatever can be typed can be done, and much of it by a key or a
click. `panels` makes what stands in the panels.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.theme import Theme
from textual.widgets import Footer, Input, Static

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError

from ..boxes import Place
from ..content import Line
from ..text import Text as Parts
from ..theme import DARK, LIGHT
from ..theme import Theme as Colours
from .commands import COMMANDS, Reply, completions, execute
from .fault import NOTICE
from .neighbourhood import Neighbourhood
from .panels import Palette, around, graph_text, head, joined, source, step_text
from .session import Session

PLACEHOLDER = "a command; Tab completes, ? explains"
SEARCHES, AT_ONCE = ("until", "continue"), 5_000  # of so many steps the keys wait for the answer
NARROW, LOW = 100, 28  # columns and rows from which on everything is shown


def full_screen(trace: BackwardTrace) -> None:
    """Debug a trace on the full screen until the person leaves."""
    DebuggerApp(Session(trace)).run()


class DebuggerApp(App[None]):
    """The full screen."""

    TITLE = "chainlens step"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #head { height: 1; background: $panel; }
    #body { height: 1fr; }
    .panel { border: round $border-blurred; border-title-color: $text-muted; padding: 0 1; }
    #graph { width: 1fr; scrollbar-size-vertical: 1; }
    #graph:focus { border: round $primary; }
    #canvas { width: auto; height: auto; }
    #side { width: 58; }
    #step { height: auto; max-height: 50%; }
    #around { height: auto; max-height: 40%; }
    #source { height: 1fr; min-height: 4; }
    #notes { height: auto; max-height: 60%; padding: 0 1; scrollbar-size-vertical: 1; background: $surface; }
    #command { height: 1; border: none; padding: 0 1; background: $panel; }
    .narrow #body { layout: vertical; }
    .narrow #graph { height: 1fr; min-height: 5; }
    .narrow #side { width: 100%; height: auto; max-height: 60%; }
    .narrow #step { max-height: 100%; }
    .narrow #around { display: none; }
    .narrow #source { height: auto; max-height: 8; }
    .narrow.low #source { display: none; }
    .low .panel { border: none; border-top: solid $border-blurred; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [  # of priority: run at once, so that the next key finds the new focus
        Binding("n,space", "run('next')", "next", key_display="n", priority=True),
        Binding("b", "run('back')", "back", priority=True),
        Binding("c", "run('continue')", "continue", priority=True),
        Binding("f", "turn", "pass", priority=True),
        Binding("g", "type('goto ')", "goto", priority=True),
        Binding("slash", "type('until ')", "find", key_display="/", priority=True),
        Binding("z", "run('quiz')", "quiz", priority=True),
        Binding("colon,enter", "type('')", "command", key_display=":", priority=True),
        Binding("question_mark,h", "help", "help", key_display="?", priority=True),
        Binding("t", "theme", "light/dark", show=False, priority=True),
        Binding("q,ctrl+d", "quit", "quit", key_display="q", priority=True),
        Binding("ctrl+c", "interrupt", "", show=False, priority=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.neighbourhood = Neighbourhood(session)
        self.is_searching = False
        for colours in (LIGHT, DARK):
            self.register_theme(_theme(colours))
        self.theme = f"chainlens-{'light' if _is_light() else 'dark'}"

    @property
    def palette(self) -> Palette:
        """The styles of roles, in the theme's colours."""
        return Palette.of(DARK if self.current_theme.dark else LIGHT)

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with Horizontal(id="body"):
            with Graph(id="graph", classes="panel"):
                yield Canvas(id="canvas")
            with Vertical(id="side"):
                for name in ("step", "around", "source"):
                    yield Static(id=name, classes="panel")
        with VerticalScroll(id="notes", can_focus=False):
            yield Static(id="said")
        yield CommandLine(self.session)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one("#graph").border_title = "graph"
        self.screen.set_focus(self.query_one(Graph))
        self.say([[Line(f" {NOTICE}", "alarm")]] if self.session.cause is not None else [])

    def on_resize(self, event: events.Resize) -> None:
        self.screen.set_class(event.size.width < NARROW, "narrow")
        self.screen.set_class(event.size.height < LOW, "low")
        self.call_after_refresh(self.show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the graph are letters to the command line, and no keys of the help."""
        is_hotkey = action in ("run", "turn", "type", "help", "theme", "quit")
        return not (is_hotkey and (isinstance(self.focused, CommandLine) or isinstance(self.screen, Help)))

    async def on_event(self, event: events.Event) -> None:
        """Typed and pasted text goes into the line here, in the order it comes; a queue per widget would mix it up."""
        if (
            isinstance(event, events.Key | events.Paste)
            and not event.is_forwarded
            and not isinstance(self.screen, Help)
        ):
            is_typing = isinstance(self.focused, CommandLine)
            if isinstance(event, events.Paste):
                self._insert(event.text if is_typing else event.text.lstrip().removeprefix(":"))
                return
            if is_typing and event.is_printable and event.character is not None:
                self._insert(event.character)
                return
        await super().on_event(event)

    def _insert(self, text: str) -> None:
        command = self.query_one(CommandLine)
        if self.focused is not command:
            self.action_type("")
        command.replace("".join(text.splitlines()[:1]), *command.selection)

    def run_command(self, text: str) -> None:
        """Run a line, say what it answers, and show where that leads. A long search does not hold up the keys."""
        if self.is_searching:
            self.say([[Line(" still searching; Ctrl-C stops it", "quiet")]])
        elif self._takes_long(text):
            self.is_searching, self.session.is_interrupted = True, False  # before the thread: Ctrl-C may come at once
            self.say([[Line(" searching; Ctrl-C stops it", "quiet")]])
            self.run_worker(lambda: self.call_from_thread(self._finish, self._executed(text)), thread=True)
        else:
            self._finish(self._executed(text))

    def _takes_long(self, text: str) -> bool:
        name = text.strip().partition(" ")[0]
        cursor = self.session.cursor
        is_search = any(name in (command.name, command.short) for command in COMMANDS if command.name in SEARCHES)
        return is_search and self.session.question is None and len(cursor) - cursor.position > AT_ONCE

    def _executed(self, text: str) -> Reply | AutodiffError:
        try:
            return execute(self.session, text)
        except AutodiffError as error:
            return error

    def _finish(self, reply: Reply | AutodiffError) -> None:
        self.is_searching = False
        if isinstance(reply, AutodiffError):
            self.say([[Line(f" {reply}", "alarm")]])
        elif reply.done:
            self.exit()
        else:
            self.say(reply.lines)
            self.show()

    def say(self, lines: Any) -> None:
        """Show an answer above the command line; it goes with the next one."""
        notes = self.query_one("#notes")
        notes.display = bool(lines)
        self.query_one("#said", Static).update(joined(lines, self.palette))
        notes.scroll_home(animate=False)
        asked = self.session.question is not None
        command = self.query_one(CommandLine)
        command.placeholder = "a number, or an expression; hint, skip" if asked else PLACEHOLDER
        if asked:
            self.screen.set_focus(command)

    def show(self) -> None:
        """Show the state of the session in every panel."""
        session, palette = self.session, self.palette
        self.query_one("#head", Static).update(head(session, self.size.width, palette))
        graph = self.query_one(Graph)
        lines, places, left_out = self.neighbourhood.draw(max(20, graph.content_size.width - 1))
        canvas = self.query_one(Canvas)
        canvas.places = places
        canvas.update(graph_text(session, lines, places, palette))
        shown, every = len(places), len(places) + left_out
        graph.border_title = f"graph   {shown} of {every:,} nodes, around this one" if left_out else "graph"
        graph.reveal(places[session.node.id])
        for name, content in (("step", step_text), ("around", around), ("source", source)):
            panel = self.query_one(f"#{name}", Static)
            room = panel.content_size.width or self.size.width - 4
            title, text = content(session, room, palette)
            panel.border_title = title
            panel.update(text)

    def action_run(self, command: str) -> None:
        """Run a command by its key."""
        self.run_command(f"goto {len(self.session.cursor)}" if command == "goto end" else command)

    def action_turn(self) -> None:
        """Go over to the other pass."""
        self.run_command("backward" if self.session.is_forward else "forward")

    def action_type(self, text: str) -> None:
        """Begin a line."""
        command = self.query_one(CommandLine)
        self.screen.set_focus(command)  # at once: `focus()` waits until the next keys have gone elsewhere
        command.value = text
        command.cursor_position = len(text)

    def action_help(self) -> None:
        """Explain keys and commands."""
        self.push_screen(Help())

    def action_theme(self) -> None:
        """Light or dark."""
        self.theme = "chainlens-light" if self.current_theme.dark else "chainlens-dark"
        self.show()

    def action_interrupt(self) -> None:
        """Ctrl-C stops a search, or gives up a line, and does not leave."""
        if self.is_searching:
            self.session.is_interrupted = True
            return
        self.query_one(CommandLine).value = ""
        self.screen.set_focus(self.query_one(Graph))
        self.say([[Line(" Ctrl-C gives up a line; q, or Ctrl-D, leaves", "quiet")]])

    def submit(self, line: str) -> None:
        """Run the line that was typed; the keys are the graph's again."""
        self.run_command(line)
        if self.session.question is None and line.strip():
            self.screen.set_focus(self.query_one(Graph))


class Graph(VerticalScroll):
    """The panel of the graph; it has the keys as long as nothing is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [  # these step and do not scroll; the wheel, Page Up and Page Down do
        Binding("right,down", "app.run('next')", show=False, priority=True),
        Binding("left,up", "app.run('back')", show=False, priority=True),
        Binding("home", "app.run('goto 1')", show=False, priority=True),
        Binding("end", "app.run('goto end')", show=False, priority=True),
    ]
    place: Place | None = None

    def reveal(self, place: Place | None = None) -> None:
        """Scroll so that a place of the drawing, or the last one asked for, is in the middle."""
        self.place = place or self.place
        if self.place is not None:
            middle = self.place.row - (self.content_size.height - self.place.height) // 2
            self.scroll_to(y=middle, animate=False, immediate=True)

    def on_resize(self) -> None:
        self.reveal()


class Canvas(Static):
    """The drawing. A click on a node goes to its step."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.places: dict[int, Place] = {}

    def on_resize(self) -> None:
        self.app.query_one(Graph).reveal()  # only now can it be scrolled as far as the new drawing needs

    def on_click(self, event: events.Click) -> None:
        for id, place in self.places.items():
            inside = 0 <= event.y - place.row < place.height and 0 <= event.x - place.column < place.width
            if inside and isinstance(self.app, DebuggerApp):
                self.app.run_command(f"goto #{id}")


class CommandLine(Input):
    """The line at the bottom: completion by Tab, history by the arrows, Escape leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            replace(key, priority=True)
            for key in Input.BINDINGS
            if isinstance(key, Binding) and "ctrl+d" not in key.key
        ),
        Binding("delete", "delete_right", show=False, priority=True),
        Binding("tab", "complete", show=False, priority=True),
        Binding("up", "recall(-1)", show=False, priority=True),
        Binding("down", "recall(1)", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
        Binding("ctrl+d", "exit", show=False, priority=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(id="command", suggester=_Suggest(session), compact=True, select_on_focus=False)
        self.session = session
        self.history: list[str] = []
        self._recalled = 0

    def action_complete(self) -> None:
        """Complete as far as all possibilities agree; say them if there are several."""
        found = completions(self.session, self.value)
        if not found:
            return
        self.value = _shared_beginning(found) + " " * (len(found) == 1)
        self.cursor_position = len(self.value)
        if len(found) > 1 and isinstance(self.app, DebuggerApp):
            words = [line.rpartition(" ")[2] if " " in self.value else line for line in found]
            shown = "  ".join(words[:40]) + ("  …" if len(words) > 40 else "")
            self.app.say([[Line(f" {shown}", "quiet")]])

    def action_recall(self, way: int) -> None:
        """An earlier or later line."""
        self._recalled = min(max(self._recalled + way, 0), len(self.history))
        self.value = [*self.history, ""][self._recalled]
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """Back to the graph, and its keys."""
        self.value = ""
        self.screen.set_focus(self.app.query_one(Graph))

    def action_exit(self) -> None:
        """Leave the debugger."""
        self.app.exit()

    async def action_submit(self) -> None:
        line, self.value = self.value, ""
        if line.strip():
            self.history.append(line)
        self._recalled = len(self.history)
        if isinstance(self.app, DebuggerApp):
            self.app.submit(line)


class _Suggest(Suggester):
    def __init__(self, session: Session) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.session = session

    async def get_suggestion(self, value: str) -> str | None:
        if not value.strip() or self.session.question is not None:
            return None
        return next(iter(completions(self.session, value)), None)


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

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        app = self.app
        assert isinstance(app, DebuggerApp)
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
        return joined(lines, app.palette)


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


def _shared_beginning(lines: Sequence[str]) -> str:
    first, last = min(lines), max(lines)
    same = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]


def _theme(colours: Colours) -> Theme:
    """Textual's theme from the project's own table of colours."""
    return Theme(
        name=f"chainlens-{colours.name}",
        primary=colours.forward,
        secondary=colours.backward,
        accent=colours.highlight,
        error=colours.alarm,
        foreground=colours.text,
        background=colours.background,
        surface=colours.scope_fill,
        panel=colours.fill["constant"],
        dark=colours.name == "dark",
        variables={"border-blurred": colours.line},
    )


def _is_light() -> bool:
    """Whether the terminal says that its background is light: COLORFGBG ends with its colour, of 16."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
