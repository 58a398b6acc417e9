"""The debugger on a full screen, with textual: the graph, the step, its neighbours, the source, and a command line.

It shows the session and runs the commands of the table; whatever can be typed can be done, and much of it by a key or a
click. `panels` makes what stands in the panels; each other part of the screen has its own file.
"""

from typing import Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError

from ..content import Line
from ..theme import DARK, LIGHT
from .colours import is_light, textual_theme
from .command import Reply
from .command_line import CommandLine
from .commands import COMMANDS, execute
from .fault import NOTICE
from .graph_panel import GraphPanel
from .help_screen import Help
from .key_line import KeyLine
from .neighbourhood import Neighbourhood
from .panel import Panel
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
    #side { width: 58; }
    #side Panel { overflow: hidden; }
    #step { height: auto; max-height: 50%; }
    #around { height: auto; max-height: 40%; }
    #source { height: 1fr; min-height: 4; }
    #notes { display: none; height: auto; max-height: 60%; padding: 0 1; background: $surface; }
    #notes { scrollbar-size-vertical: 1; }
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
    BINDINGS: ClassVar[list[BindingType]] = [
        # Of priority: run at once, so that the next key finds the new focus. A narrow window shows the first of them.
        Binding("n,space", "run('next')", "next", key_display="n", priority=True),
        Binding("b", "run('back')", "back", priority=True),
        Binding("question_mark,h", "help", "help", key_display="?", priority=True),
        Binding("q,ctrl+d", "quit", "quit", key_display="q", priority=True),
        Binding("colon,enter", "type('')", "command", key_display=":", priority=True),
        Binding("c", "run('continue')", "continue", priority=True),
        Binding("slash", "type('until ')", "find", key_display="/", priority=True),
        Binding("g", "type('goto ')", "goto", priority=True),
        Binding("f", "turn", "pass", priority=True),
        Binding("z", "run('quiz')", "quiz", priority=True),
        Binding("t", "theme", "light/dark", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "", show=False, priority=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.neighbourhood = Neighbourhood(session)
        self.is_searching = self._is_saying = False
        for colours in (LIGHT, DARK):
            self.register_theme(textual_theme(colours))
        self.theme = f"chainlens-{'light' if is_light() else 'dark'}"

    @property
    def palette(self) -> Palette:
        """The styles of roles, in the theme's colours."""
        return Palette.of(DARK if self.current_theme.dark else LIGHT)

    def compose(self) -> ComposeResult:
        yield Panel("head", "")
        with Horizontal(id="body"):
            yield GraphPanel(lambda id: self.run_command(f"goto #{id}"), self.show)
            with Vertical(id="side"):
                for name in ("step", "around", "source"):
                    yield Panel(name)
        with VerticalScroll(id="notes", can_focus=False):
            yield Static(id="said")
        yield CommandLine(self.session, self.submit, lambda words: self.say([[Line(f" {words}", "quiet")]]))
        yield KeyLine(compact=True)

    def on_mount(self) -> None:
        self.screen.set_focus(self.query_one(GraphPanel))
        self.say([[Line(f" {NOTICE}", "alarm")]] if self.session.cause is not None else [])

    def on_ready(self) -> None:
        self.query_one(GraphPanel).follow()  # of the first layout no signal tells

    def on_resize(self, event: events.Resize) -> None:
        self.screen.set_class(event.size.width < NARROW, "narrow")
        self.screen.set_class(event.size.height < LOW, "low")
        for panel in self.query(Panel):
            panel.make_room(0)

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
        self.session.width = self.size.width - 3
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
        if lines or self._is_saying:  # else nothing changes, and nothing is laid out anew
            self._is_saying = bool(lines)
            notes = self.query_one("#notes")
            notes.display = self._is_saying
            self.query_one("#said", Static).update(joined(lines, self.palette, self.size.width - 3))
            notes.scroll_home(animate=False)
        asked = self.session.question is not None
        command = self.query_one(CommandLine)
        command.placeholder = "a number, or an expression; hint, skip" if asked else PLACEHOLDER
        if asked:
            self.screen.set_focus(command)

    def show(self) -> None:
        """Show the state of the session in every panel."""
        session, palette = self.session, self.palette
        self.query_one("#head", Panel).put("", head(session, self.size.width, palette))
        graph = self.query_one(GraphPanel)
        lines, places, left_out = self.neighbourhood.draw(graph.room)
        title = f"graph   part of {len(places) + left_out:,} nodes, around this one" if left_out else "graph"
        graph.draw(title, graph_text(session, lines, places, palette), places, session.node.id)
        for name, content in (("step", step_text), ("around", around), ("source", source)):
            panel = self.query_one(f"#{name}", Panel)
            panel.put(*content(session, panel.content_size.width or self.size.width - 4, palette))

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
        self.push_screen(Help(self.palette))

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
        self.screen.set_focus(self.query_one(GraphPanel))
        self.say([[Line(" Ctrl-C gives up a line; q, or Ctrl-D, leaves", "quiet")]])

    def submit(self, line: str) -> None:
        """Run the line that was typed; the keys are the graph's again."""
        self.run_command(line)
        if self.session.question is None and line.strip():
            self.screen.set_focus(self.query_one(GraphPanel))
