"""The commands that go somewhere: to another step, or into the other pass."""

from autodiff.errors import SettingError

from .breakpoints import stop_at
from .command import Command, Reply, no_argument, node_names, say
from .session import Session
from .stops import STOPS_HELP, stop_words


def _next(session: Session, argument: str) -> Reply:
    cursor = session.cursor
    before, count = cursor.position, _count(argument)
    cursor.goto(min(before + count, len(cursor)))
    if cursor.position == before:
        if session.is_forward:
            return Reply([say(f"the forward pass is complete: {session.target} has its value; backward goes on")])
        return Reply([say("the walk is complete: every input has its gradient")])
    return Reply(moved=True)


def _back(session: Session, argument: str) -> Reply:
    cursor, count = session.cursor, _count(argument)
    if cursor.position == 1:
        return Reply([say("this is the first step")])
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


def _count(argument: str) -> int:
    if not argument:
        return 1
    if not argument.isdecimal() or not 0 < int(argument) < 10**9:
        raise SettingError(f"{argument!r} is not a number of steps; write one such as 3")
    return int(argument)


def _until(session: Session, argument: str) -> Reply:
    if not argument:
        raise SettingError("until takes what break takes, as in: until w, until mul, until |g| > 10")
    words, test = stop_at(session.trace, argument)
    if session.run_until(test):
        return Reply(moved=True)
    return Reply([say(f"no later step of the {session.pass_name} pass: {words}")])


def _continue(session: Session, argument: str) -> Reply:
    no_argument(argument, "continue")
    if session.run_until(lambda state: any(point.test(state) for point in session.breakpoints)):
        hit = [say(f"breakpoint {point.number}: {point.words}", "text") for point in session.stops_here()]
        return Reply(hit, moved=True)
    cursor = session.cursor
    if cursor.position == len(cursor):
        return _next(session, "")
    cursor.goto(len(cursor))
    return Reply([say(f"no breakpoint on the way: the end of the {session.pass_name} pass")], moved=True)


def _forward(session: Session, argument: str) -> Reply:
    no_argument(argument, "forward")
    session.enter(forward=True)
    return Reply([say("the forward pass: next computes the following value; backward returns")], moved=True)


def _backward(session: Session, argument: str) -> Reply:
    no_argument(argument, "backward")
    session.enter(forward=False)
    return Reply(moved=True)


def _show(session: Session, argument: str) -> Reply:
    no_argument(argument, "show")
    return Reply(moved=True)


MOVES = (
    Command("next", "n", "[N]", "take the next step, or N", _next),
    Command("back", "b", "[N]", "undo a step, or N", _back),
    Command("goto", "g", "N|NODE", "go to a step by its number, or to the step of a node", _goto, node_names),
    Command("until", "u", "WHAT", f"go on to the first step that is WHAT\n{STOPS_HELP}", _until, stop_words),
    Command("continue", "c", "", "go on to the next breakpoint, or to the end", _continue),
    Command("forward", "f", "", "walk the forward pass, from the same node", _forward),
    Command("backward", "", "", "walk the backward pass again", _backward),
    Command("show", "s", "", "show the current step again", _show),
)
