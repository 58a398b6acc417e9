"""The commands about where to stop: breakpoints, and where NaN or infinity began."""

from autodiff.errors import SettingError

from .breakpoints import KEYWORDS
from .command import Command, Reply, no_argument, say
from .fault import report_lines
from .session import Session
from .state import NAMES

STATE_HELP = "; ".join(f"{name}: {meaning}" for name, (_, meaning, _) in NAMES.items())
STOPS_HELP = f"""WHAT is nan, inf, zero, scope NAME, an operation such as mul, a node, FILE:LINE, or a condition such as
|g| > 10    value < 0 and |g| == 0    isnan(g)    norm(message) > 1e3    step == 12
in the names {STATE_HELP}.
Of arrays a condition holds if it holds for any number; all(g > 0) asks for every one."""


def _break(session: Session, argument: str) -> Reply:
    if argument:
        point = session.add_breakpoint(argument)
        return Reply([say(f"breakpoint {point.number}: {point.words}", "text")])
    if not session.breakpoints:
        return Reply([say("no breakpoints; break mul, break nan, break |g| > 10, break scope NAME, break FILE:LINE")])
    here = session.stops_here()
    return Reply(
        [say(f"{p.number}  {p.words}{'   (holds here)' if p in here else ''}", "text") for p in session.breakpoints]
    )


def _clear(session: Session, argument: str) -> Reply:
    if not argument:
        count = len(session.breakpoints)
        session.breakpoints.clear()
        return Reply([say(f"{count} breakpoint{'s' * (count != 1)} cleared")])
    for point in session.breakpoints:
        if argument == str(point.number):
            session.breakpoints.remove(point)
            return Reply([say(f"breakpoint {point.number} cleared: {point.words}")])
    known = ", ".join(str(point.number) for point in session.breakpoints) or "none"
    raise SettingError(f"there is no breakpoint {argument}; the numbers are {known}")


def _cause(session: Session, argument: str) -> Reply:
    no_argument(argument, "cause")
    lines = report_lines(session.cause)
    assert session.cause is not None
    session.enter(forward=session.cause.phase == "forward")
    session.go_to_node(session.cause.node, otherwise=session.cursor.position)
    return Reply(lines, moved=True)


def stop_words(session: Session) -> list[str]:
    operations = dict.fromkeys(node.op for node in session.nodes if not node.is_leaf)
    scopes = dict.fromkeys(f"scope {node.scope}" for node in session.nodes if node.scope)
    return [*KEYWORDS, *operations, *scopes, "|g| > ", *session.names]


STOPS = (
    Command(
        "break", "b", "[WHAT]", f"stop there; without WHAT, list the breakpoints\n{STOPS_HELP}", _break, stop_words
    ),
    Command(
        "clear",
        "cl",
        "[N]",
        "remove breakpoint N, or all",
        _clear,
        lambda session: [str(point.number) for point in session.breakpoints],
    ),
    Command("cause", "", "", "go to where NaN or infinity began, and say why it did", _cause),
)
