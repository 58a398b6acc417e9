"""What a command is: a row with a name and what it does, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autodiff.errors import SettingError

from ..content import Line
from ..text import Text
from .session import Completer, Session


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


def say(text: str, role: str = "quiet") -> Text:
    """A remark, as a line."""
    return [Line(f" {text}", role)]


def no_argument(argument: str, name: str) -> None:
    """Raises SettingError if a command that takes nothing was given something."""
    if argument:
        raise SettingError(f"{name} takes nothing, got {argument!r}")


def node_names(session: Session) -> list[str]:
    """What completes a node."""
    return session.names
