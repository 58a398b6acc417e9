"""The debugger's commands: the table of all of them, and running and completing a line.

Every front end, the prompt, the full screen, a pipe and a script, runs the same rows through `execute`. What they do
stands in `moves`, `stops`, `inspection` and `quiz_commands`.
"""

import difflib

from autodiff.errors import SettingError

from ..content import Line
from .command import Command, Reply, no_argument, say
from .inspection import INSPECTION
from .moves import MOVES
from .quiz_commands import QUIZ, WHILE_ASKED, answer, hint, skip
from .session import Session
from .stops import STOPS


def execute(session: Session, text: str) -> Reply:
    """Run one line. An empty one repeats the last command; while the quiz waits for an answer, the line is the answer.

    Raises an error of `autodiff.errors`, and changes nothing, if it cannot be run.
    """
    text = text.strip()
    if session.question is not None and text:
        word = text.partition(" ")[0]
        if word not in WHILE_ASKED:
            return answer(session, text)
        if word in ("hint", "skip"):
            return hint(session) if word == "hint" else skip(session)
    if text.startswith("#"):  # a comment, in a script
        return Reply()
    text = text or session.last_command
    if not text:
        return Reply()
    name, _, argument = text.partition(" ")
    command = named(name, argument)
    reply = command.run(session, argument.strip())
    session.last_command = text
    if command.name not in ("quiz", "help", "quit") and reply.moved:
        session.question = None
    return reply


def named(name: str, argument: str = "") -> Command:
    """The command of a name, a short form, or a beginning that only one has. Raises SettingError with a proposal."""
    if name == "b":  # back, as beside n; with something to stop at, pdb's break
        return BY_NAME["break" if argument.strip() else "back"]
    if name in BY_NAME:
        return BY_NAME[name]
    begun = [command for command in COMMANDS if command.name.startswith(name)] if len(name) > 1 else []
    if len(begun) == 1:
        return begun[0]
    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], 1)
    hint = f"did you mean {' or '.join(c.name for c in begun) or near[0]}?" if begun or near else "help lists them"
    raise SettingError(f"{name!r} is not a command; {hint}")


def completions(session: Session, text: str) -> list[str]:
    """Every whole line that this beginning can become."""
    name, space, argument = text.lstrip().partition(" ")
    if not space:
        return [command.name for command in COMMANDS if command.name.startswith(name)]
    try:
        command = named(name, argument or " ")
    except SettingError:
        return []
    argument = argument.lstrip()
    return [f"{name} {word}" for word in command.words(session) if word.startswith(argument)]


def _help(session: Session, argument: str) -> Reply:
    if argument:
        command = named(argument, "")
        short = f"  (short: {command.short})" if command.short else ""
        head = f"{command.name} {command.arguments}".rstrip() + short
        return Reply([say(head, "text"), *(say(f"  {line}") for line in command.help.splitlines())])
    width = max(len(f"{c.name} {c.arguments}") for c in COMMANDS)
    lines = []
    for command in COMMANDS:
        usage = f"{command.name} {command.arguments}".ljust(width)
        first = command.help.splitlines()[0]
        lines.append([Line(f" {command.short:>2}  ", "quiet"), Line(f"{usage}  ", "text"), Line(first, "quiet")])
    return Reply([*lines, say("an empty line repeats the last command; help COMMAND says more")])


def _quit(session: Session, argument: str) -> Reply:
    no_argument(argument, "quit")
    return Reply(done=True)


COMMANDS: tuple[Command, ...] = (
    *MOVES,
    *STOPS,
    *INSPECTION,
    *QUIZ,
    Command("help", "h", "[COMMAND]", "explain the commands", _help, lambda session: [c.name for c in COMMANDS]),
    Command("quit", "q", "", "leave", _quit),
)
BY_NAME = {short: c for c in reversed(COMMANDS) for short in (c.name, c.short) if short}
BY_NAME["?"] = BY_NAME["help"]
BY_NAME["exit"] = BY_NAME["quit"]
