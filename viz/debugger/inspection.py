"""The commands that ask about the current step and do not leave it: values, derivations, source, drawing."""

import os

from autodiff.errors import AutodiffError, SettingError

from ..content import Line
from ..derivation import derive
from ..drawing import draw
from ..layered_text import LEAST_WIDTH, to_text
from ..notation import label
from ..path_sums import paths
from ..text import amount
from ..view import view
from .command import Command, Reply, node_names, say
from .conditions import value_of
from .lines import source_lines
from .quiz import is_whole
from .session import Session
from .state import NAMES

MOST_CARDS = 40  # of a drawing in the terminal


def _watch(session: Session, argument: str) -> Reply:
    if argument:
        id = session.find(argument)
        if id in session.watches:
            return Reply([say(f"{label(session.nodes[id])} is watched already")])
        session.watches.append(id)
    return Reply(session.watched() or [say("nothing is watched; watch w shows w at every stop")])


def _unwatch(session: Session, argument: str) -> Reply:
    if not argument:
        session.watches.clear()
        return Reply([say("nothing is watched")])
    id = session.find(argument)
    if id not in session.watches:
        raise SettingError(f"{argument} is not watched")
    session.watches.remove(id)
    return Reply([say(f"{argument} is watched no more")])


def _print(session: Session, argument: str) -> Reply:
    if not argument:
        raise SettingError("print takes a node, its gradient, or an expression: print w, print w.grad, print 2*w*x")
    name, is_grad = argument.removesuffix(".grad"), argument.endswith(".grad")
    try:
        id = session.find(name)
    except AutodiffError:
        if is_grad and name not in NAMES:
            raise
        return Reply([say(f"{argument} = {amount(value_of(argument, _values(session)))}", "text")])
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
    return Reply([say(line, "text") for line in text.splitlines()])


def _where(session: Session, argument: str) -> Reply:
    node = session.nodes[session.find(argument or ".")]
    lines = source_lines(node, context=3)
    if not lines:
        return Reply([say(f"{label(node)}: where it was recorded is not known")])
    return Reply(lines)


def _draw(session: Session, argument: str) -> Reply:
    if argument:
        path = draw(session.trace, highlight=session.node.id).save(os.path.expanduser(argument))
        return Reply([say(f"wrote {path}")])
    content = view(session.trace, limit=MOST_CARDS, highlight=session.node.id)
    drawing = to_text(content, width=max(session.width - 1, LEAST_WIDTH))
    return Reply([say(line, "text") for line in drawing.splitlines()])


INSPECTION = (
    Command("watch", "", "[NODE]", "show a node's value and gradient at every stop; or list them", _watch, node_names),
    Command("unwatch", "", "[NODE]", "watch it no more, or nothing", _unwatch, node_names),
    Command(
        "print",
        "p",
        "WHAT",
        "print w, its gradient so far w.grad, or an expression: 2*w*x, norm(g)\n"
        "A node without a name is v4 or #4, the current one is a dot.",
        _print,
        lambda session: [name for node in node_names(session) for name in (node, f"{node}.grad")],
    ),
    Command("paths", "", "[NODE]", "the gradient as a sum over paths", _paths, node_names),
    Command("derive", "", "[NODE]", "derive the gradient line by line", _derive, node_names),
    Command("where", "w", "[NODE]", "show the source line that recorded it", _where, node_names),
    Command("draw", "", "[FILE]", "draw it here, or into a .svg .png .pdf .html ... file", _draw),
)
