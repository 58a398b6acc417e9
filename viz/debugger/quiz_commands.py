"""The quiz as a command, and what is typed while it waits: an answer, `hint` or `skip`."""

from collections.abc import Sequence

from ..text import Text
from .command import Command, Reply, no_argument, say
from .quiz import answered, next_question
from .session import Session


def _quiz(session: Session, argument: str) -> Reply:
    no_argument(argument, "quiz")
    session.is_forward = False
    session.question = next_question(session.trace, session.backward.position, session.target)
    if session.question is None:
        score = [say(f"score: {session.right} of {session.asked} right", "text")] if session.asked else []
        return Reply([say("no later step sends anything; goto 1 begins again"), *score])
    session.backward.goto(session.question.position - 1 or 1)
    return Reply(session.question.lines)


def answer(session: Session, text: str) -> Reply:
    """Judge an answer. Raises ExpressionError if it is none."""
    question = session.question
    assert question is not None
    right, lines = answered(question, text)
    session.right += right
    return _close(session, lines)


def skip(session: Session) -> Reply:
    """Show the solution; no answer was given."""
    assert session.question is not None
    return _close(session, session.question.solution)


def hint(session: Session) -> Reply:
    """Show the rule."""
    assert session.question is not None
    return Reply(session.question.hint)


def _close(session: Session, lines: Sequence[Text]) -> Reply:
    assert session.question is not None
    session.asked += 1
    session.backward.goto(session.question.position)
    session.question, session.last_command = None, "quiz"
    return Reply([*lines, _score(session)], moved=True)


def _score(session: Session) -> Text:
    return say(f"score: {session.right} of {session.asked} right; an empty line asks the next question", "text")


QUIZ = (
    Command(
        "quiz",
        "",
        "",
        "ask for the next gradient\nAnswer with a number or an expression; hint shows the rule, skip the derivation.",
        _quiz,
    ),
)

WHILE_ASKED = {"hint", "skip", "help", "h", "?", "quit", "q", "exit", "quiz"}  # anything else is an answer
