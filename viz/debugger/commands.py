"""The debugger's commands as a table: name, short form, arguments, help, what completes it, and what it does.

Every front end, the prompt, the full screen, a pipe and a script, runs the same rows through `execute`.
"""

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autodiff.errors import AutodiffError, SettingError

from ..content import Line
from ..derivation import derive
from ..drawing import draw
from ..layered_text import LEAST_WIDTH, to_text
from ..notation import label
from ..path_sums import paths
from ..text import Text, amount
from ..view import view
from .breakpoints import KEYWORDS, stop_at
from .conditions import value_of
from .fault import report_lines
from .lines import source_lines
from .quiz import answered, is_whole, next_question
from .session import Completer, Session
from .state import NAMES

MOST_CARDS = 40  # of a drawing in the terminal


@dataclass(frozen=True)
class Reply:
    """What a command answers: lines, whether it moved (so that the step is to be shown), whether it is the end."""

    lines: Sequence[Text] = ()
    moved: bool = False
    done: bool = False


@dataclass(frozen=True)
class Command:
    """A row of the table."""

    name: str
    short: str
    arguments: str
    help: str
    run: Callable[[Session, str], Reply]
    words: Completer = field(default=lambda session: ())


def execute(session: Session, text: str) -> Reply:
    """Run one line. An empty one repeats the last command; while the quiz waits for an answer, the line is the answer.

    Raises an error of `autodiff.errors`, and changes nothing, if it cannot be run.
    """
    text = text.strip()
    if session.question is not None and text:
        word = text.partition(" ")[0]
        if word not in WHILE_ASKED:
            return _answer(session, text)
        if word in ("hint", "skip"):
            return _hint(session) if word == "hint" else _skip(session)
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


def _say(text: str, role: str = "quiet") -> Text:
    return [Line(f" {text}", role)]


def _count(argument: str) -> int:
    if not argument:
        return 1
    if not argument.isdecimal() or not 0 < int(argument) < 10**9:
        raise SettingError(f"{argument!r} is not a number of steps; write one such as 3")
    return int(argument)


def _no_argument(argument: str, name: str) -> None:
    if argument:
        raise SettingError(f"{name} takes nothing, got {argument!r}")


def _next(session: Session, argument: str) -> Reply:
    cursor = session.cursor
    before, count = cursor.position, _count(argument)
    cursor.goto(min(before + count, len(cursor)))
    if cursor.position == before:
        if session.is_forward:
            return Reply([_say(f"the forward pass is complete: {session.target} has its value; backward goes on")])
        return Reply([_say("the walk is complete: every input has its gradient")])
    return Reply(moved=True)


def _back(session: Session, argument: str) -> Reply:
    cursor, count = session.cursor, _count(argument)
    if cursor.position == 1:
        return Reply([_say("this is the first step")])
    cursor.goto(max(1, cursor.position - count))
    return Reply(moved=True)


def _goto(session: Session, argument: str) -> Reply:
    if not argument:
        raise SettingError("goto takes the number of a step, or a node, as in: goto 12, goto w")
    if argument.isdecimal():
        if not 1 <= int(argument[:12]) <= len(session.cursor):
            raise SettingError(f"step {argument} does not exist; the walk has steps 1 to {len(session.cursor)}")
        session.cursor.goto(int(argument))
    else:
        session.go_to_node(session.find(argument))
    return Reply(moved=True)


def _until(session: Session, argument: str) -> Reply:
    if not argument:
        raise SettingError("until takes what break takes, as in: until w, until mul, until |g| > 10")
    words, test = stop_at(session.trace, argument)
    if session.run_until(test):
        return Reply(moved=True)
    return Reply([_say(f"no later step of the {session.pass_name} pass: {words}")])


def _continue(session: Session, argument: str) -> Reply:
    _no_argument(argument, "continue")
    if session.run_until(lambda state: any(point.test(state) for point in session.breakpoints)):
        hit = [_say(f"breakpoint {point.number}: {point.words}", "text") for point in session.stops_here()]
        return Reply(hit, moved=True)
    cursor = session.cursor
    if cursor.position == len(cursor):
        return _next(session, "")
    cursor.goto(len(cursor))
    return Reply([_say(f"no breakpoint on the way: the end of the {session.pass_name} pass")], moved=True)


def _forward(session: Session, argument: str) -> Reply:
    _no_argument(argument, "forward")
    session.enter(forward=True)
    return Reply([_say("the forward pass: next computes the following value; backward returns")], moved=True)


def _backward(session: Session, argument: str) -> Reply:
    _no_argument(argument, "backward")
    session.enter(forward=False)
    return Reply(moved=True)


def _break(session: Session, argument: str) -> Reply:
    if argument:
        point = session.add_breakpoint(argument)
        return Reply([_say(f"breakpoint {point.number}: {point.words}", "text")])
    if not session.breakpoints:
        return Reply([_say("no breakpoints; break mul, break nan, break |g| > 10, break scope NAME, break FILE:LINE")])
    here = session.stops_here()
    return Reply(
        [_say(f"{p.number}  {p.words}{'   (holds here)' if p in here else ''}", "text") for p in session.breakpoints]
    )


def _clear(session: Session, argument: str) -> Reply:
    if not argument:
        count = len(session.breakpoints)
        session.breakpoints.clear()
        return Reply([_say(f"{count} breakpoint{'s' * (count != 1)} cleared")])
    for point in session.breakpoints:
        if argument == str(point.number):
            session.breakpoints.remove(point)
            return Reply([_say(f"breakpoint {point.number} cleared: {point.words}")])
    known = ", ".join(str(point.number) for point in session.breakpoints) or "none"
    raise SettingError(f"there is no breakpoint {argument}; the numbers are {known}")


def _cause(session: Session, argument: str) -> Reply:
    _no_argument(argument, "cause")
    lines = report_lines(session.cause)
    assert session.cause is not None
    session.enter(forward=session.cause.phase == "forward")
    session.go_to_node(session.cause.node, otherwise=session.cursor.position)
    return Reply(lines, moved=True)


def _watch(session: Session, argument: str) -> Reply:
    if argument:
        id = session.find(argument)
        if id in session.watches:
            return Reply([_say(f"{label(session.nodes[id])} is watched already")])
        session.watches.append(id)
    return Reply(session.watched() or [_say("nothing is watched; watch w shows w at every stop")])


def _unwatch(session: Session, argument: str) -> Reply:
    if not argument:
        session.watches.clear()
        return Reply([_say("nothing is watched")])
    id = session.find(argument)
    if id not in session.watches:
        raise SettingError(f"{argument} is not watched")
    session.watches.remove(id)
    return Reply([_say(f"{argument} is watched no more")])


def _print(session: Session, argument: str) -> Reply:
    if not argument:
        raise SettingError("print takes a node, its gradient, or an expression: print w, print w.grad, print 2*w*x")
    name, is_grad = argument.removesuffix(".grad"), argument.endswith(".grad")
    try:
        id = session.find(name)
    except AutodiffError:
        if is_grad and name not in NAMES:
            raise
        return Reply([_say(f"{argument} = {amount(value_of(argument, _values(session)))}", "text")])
    node = session.nodes[id]
    if not is_grad:
        value = amount(node.value) if session.has_value(id) else "— (not computed yet)"
        return Reply([[Line(f" {label(node)} = ", "text"), Line(value, "forward")]])
    g = session.gradient(id)
    whole = g is None or session.is_forward or is_whole(session.trace, id, session.backward.position)
    note = "" if whole else " so far"
    left = f" ∂{session.target}/∂{label(node)}{note} = "
    return Reply([[Line(left, "text"), Line(amount(g), "backward")]])


def _values(session: Session) -> dict[str, object]:
    """What an expression to print may use: the values by name, and what is known at this step."""
    known = {name: session.nodes[id].value for name, id in session.trace.graph.names.items()}
    known |= {node.name: node.value for node in session.nodes if node.name and session.has_value(node.id)}
    return {name: value for name, value in (dict(session.state) | known).items() if name.isidentifier()}


def _paths(session: Session, argument: str) -> Reply:
    return Reply(paths(session.trace, session.find(argument or ".")).lines())


def _derive(session: Session, argument: str) -> Reply:
    text = derive(session.trace, session.find(argument or ".")).text
    return Reply([_say(line, "text") for line in text.splitlines()])


def _where(session: Session, argument: str) -> Reply:
    node = session.nodes[session.find(argument or ".")]
    lines = source_lines(node, context=3)
    if not lines:
        return Reply([_say(f"{label(node)}: where it was recorded is not known")])
    return Reply(lines)


def _draw(session: Session, argument: str) -> Reply:
    if argument:
        path = draw(session.trace, highlight=session.node.id).save(os.path.expanduser(argument))
        return Reply([_say(f"wrote {path}")])
    content = view(session.trace, limit=MOST_CARDS, highlight=session.node.id)
    drawing = to_text(content, width=max(session.width - 1, LEAST_WIDTH))
    return Reply([_say(line, "text") for line in drawing.splitlines()])


def _show(session: Session, argument: str) -> Reply:
    _no_argument(argument, "show")
    return Reply(moved=True)


def _quiz(session: Session, argument: str) -> Reply:
    _no_argument(argument, "quiz")
    session.is_forward = False
    session.question = next_question(session.trace, session.backward.position, session.target)
    if session.question is None:
        score = [_say(f"score: {session.right} of {session.asked} right", "text")] if session.asked else []
        return Reply([_say("no later step sends anything; goto 1 begins again"), *score])
    session.backward.goto(session.question.position - 1 or 1)
    return Reply(session.question.lines)


def _answer(session: Session, text: str) -> Reply:
    question = session.question
    assert question is not None
    right, lines = answered(question, text)
    session.right += right
    return _close(session, lines)


def _skip(session: Session) -> Reply:
    assert session.question is not None
    return _close(session, session.question.solution)


def _hint(session: Session) -> Reply:
    assert session.question is not None
    return Reply(session.question.hint)


def _close(session: Session, lines: Sequence[Text]) -> Reply:
    assert session.question is not None
    session.asked += 1
    session.backward.goto(session.question.position)
    session.question, session.last_command = None, "quiz"
    return Reply([*lines, _score(session)], moved=True)


def _score(session: Session) -> Text:
    return _say(f"score: {session.right} of {session.asked} right; an empty line asks the next question", "text")


def _help(session: Session, argument: str) -> Reply:
    if argument:
        command = named(argument, "")
        short = f"  (short: {command.short})" if command.short else ""
        head = f"{command.name} {command.arguments}".rstrip() + short
        return Reply([_say(head, "text"), *(_say(f"  {line}") for line in command.help.splitlines())])
    width = max(len(f"{c.name} {c.arguments}") for c in COMMANDS)
    lines = []
    for command in COMMANDS:
        usage = f"{command.name} {command.arguments}".ljust(width)
        first = command.help.splitlines()[0]
        lines.append([Line(f" {command.short:>2}  ", "quiet"), Line(f"{usage}  ", "text"), Line(first, "quiet")])
    return Reply([*lines, _say("an empty line repeats the last command; help COMMAND says more")])


def _quit(session: Session, argument: str) -> Reply:
    _no_argument(argument, "quit")
    return Reply(done=True)


def _nodes(session: Session) -> list[str]:
    return session.names


def _stops(session: Session) -> list[str]:
    operations = dict.fromkeys(node.op for node in session.nodes if not node.is_leaf)
    scopes = dict.fromkeys(f"scope {node.scope}" for node in session.nodes if node.scope)
    return [*KEYWORDS, *operations, *scopes, "|g| > ", *session.names]


STATE_HELP = "; ".join(f"{name}: {meaning}" for name, (_, meaning, _) in NAMES.items())
STOPS_HELP = f"""WHAT is nan, inf, zero, scope NAME, an operation such as mul, a node, FILE:LINE, or a condition such as
|g| > 10    value < 0 and |g| == 0    isnan(g)    norm(message) > 1e3    step == 12
in the names {STATE_HELP}.
Of arrays a condition holds if it holds for any number; all(g > 0) asks for every one."""

COMMANDS: tuple[Command, ...] = (
    Command("next", "n", "[N]", "take the next step, or N", _next),
    Command("back", "b", "[N]", "undo a step, or N", _back),
    Command("goto", "g", "N|NODE", "go to a step by its number, or to the step of a node", _goto, _nodes),
    Command("until", "u", "WHAT", f"go on to the first step that is WHAT\n{STOPS_HELP}", _until, _stops),
    Command("continue", "c", "", "go on to the next breakpoint, or to the end", _continue),
    Command("forward", "f", "", "walk the forward pass, from the same node", _forward),
    Command("backward", "", "", "walk the backward pass again", _backward),
    Command("break", "b", "[WHAT]", f"stop there; without WHAT, list the breakpoints\n{STOPS_HELP}", _break, _stops),
    Command(
        "clear",
        "cl",
        "[N]",
        "remove breakpoint N, or all",
        _clear,
        lambda session: [str(point.number) for point in session.breakpoints],
    ),
    Command("cause", "", "", "go to where NaN or infinity began, and say why it did", _cause),
    Command("watch", "", "[NODE]", "show a node's value and gradient at every stop; or list them", _watch, _nodes),
    Command("unwatch", "", "[NODE]", "watch it no more, or nothing", _unwatch, _nodes),
    Command(
        "print",
        "p",
        "WHAT",
        "print w, its gradient so far w.grad, or an expression: 2*w*x, norm(g)\n"
        "A node without a name is v4 or #4, the current one is a dot.",
        _print,
        lambda session: [name for node in _nodes(session) for name in (node, f"{node}.grad")],
    ),
    Command("paths", "", "[NODE]", "the gradient as a sum over paths", _paths, _nodes),
    Command("derive", "", "[NODE]", "derive the gradient line by line", _derive, _nodes),
    Command("where", "w", "[NODE]", "show the source line that recorded it", _where, _nodes),
    Command("draw", "", "[FILE]", "draw it here, or into a .svg .png .pdf .html ... file", _draw),
    Command("show", "s", "", "show the current step again", _show),
    Command(
        "quiz",
        "",
        "",
        "ask for the next gradient\nAnswer with a number or an expression; hint shows the rule, skip the derivation.",
        _quiz,
    ),
    Command("help", "h", "[COMMAND]", "explain the commands", _help, lambda session: [c.name for c in COMMANDS]),
    Command("quit", "q", "", "leave", _quit),
)
BY_NAME = {short: c for c in reversed(COMMANDS) for short in (c.name, c.short) if short}
BY_NAME["?"] = BY_NAME["help"]
BY_NAME["exit"] = BY_NAME["quit"]
WHILE_ASKED = {"hint", "skip", "help", "h", "?", "quit", "q", "exit", "quiz"}  # anything else is an answer
