"""The debugger at a prompt, as pdb: the standard library's line editing, history and completion, rich's colours."""

import cmd
import contextlib

from autodiff import BackwardTrace
from autodiff.errors import AutodiffError

from ..content import Line
from ..terminal import console, line_width, show_lines
from .commands import completions, execute
from .fault import NOTICE
from .lines import stop_lines
from .patience import patience
from .session import Session

HINT = "Ctrl-C stops a command; quit, or Ctrl-D, leaves"
GREETING = "help lists the commands, Tab completes, an empty line repeats"


def prompt(trace: BackwardTrace) -> None:
    """Ask for commands until the person leaves or there is no input any more."""
    shell = _Shell(Session(trace))
    shell.show_stop()
    shell.say(GREETING)
    if shell.session.cause is not None:
        shell.say(NOTICE)
    while not shell.is_done:
        try:
            shell.cmdloop()
        except KeyboardInterrupt:
            shell.out.print()
            shell.say(HINT)
        except (OSError, ValueError):  # the terminal has gone, or somebody closed standard input
            return


class _Shell(cmd.Cmd):
    """`cmd.Cmd` with the table of commands in place of methods."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self.out = session, console()
        self.is_done = False

    @property
    def prompt(self) -> str:  # type: ignore[override]  # it says where we are
        session = self.session
        if session.question is not None:
            return "(answer) "
        return f"({session.pass_name} {session.cursor.position}/{len(session.cursor)}) "

    def show_stop(self) -> None:
        """Show where the session is."""
        show_lines(stop_lines(self.session, line_width(self.out)), self.out)

    def say(self, text: str) -> None:
        """A remark."""
        show_lines([[Line(f" {text}", "quiet")]], self.out)

    def preloop(self) -> None:
        with contextlib.suppress(ImportError):
            import readline

            readline.set_completer_delims(" ")

    def onecmd(self, line: str) -> bool:
        if line == "EOF":  # what cmd makes of the end of input
            self.out.print()
            self.is_done = True
            return True
        self.session.width = line_width(self.out)
        try:
            with patience():
                reply = execute(self.session, line)
        except AutodiffError as error:
            show_lines([[Line(f" {error}", "alarm")]], self.out)
            return False
        show_lines(reply.lines, self.out)
        if reply.moved:
            self.show_stop()
        self.is_done = reply.done
        return reply.done

    def complete(self, text: str, state: int) -> str | None:  # type: ignore[override]  # typeshed has a list
        """The completion with this number of the word before the cursor."""
        import readline

        before = readline.get_line_buffer()[: readline.get_endidx()]
        start = len(before) - len(text)
        found = [line[start:] for line in completions(self.session, before)]
        return found[state] + " " * (len(found) == 1) if state < len(found) else None
