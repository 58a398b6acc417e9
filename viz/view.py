"""The view: what a drawing says, as plain data. Renderers turn it into DOT, text and the rest and decide nothing.

A card per node or folded group, an edge per operand, a box per scope. The numbers are those of the recorded walk.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Cause, Graph, Message, Node
from autodiff.errors import GraphError, SettingError

from .cards import SMALL, group_card, kind_of, node_card, with_cause
from .content import FIELDS, Card, Edge, Line, Row, View
from .fold import Group, fold, renamed, shared_scope
from .heat import Heat, Sizes, magnitude
from .ledger import has_finite_local, is_finite, ledger, local_line, product_line, total
from .notation import is_parameter, label, shorten
from .numbers import norm, number
from .plans import FORMATS, is_plan
from .thumbnails import Size, natural_size

__all__ = [
    "FIELDS",
    "MAX_CARDS",
    "SMALL",
    "Card",
    "Edge",
    "Line",
    "Row",
    "View",
    "kind_of",
    "ledger",
    "local_line",
    "product_line",
    "received",
    "scopes_of",
    "shared_scope",
    "total",
    "view",
]

DEEPEST = 12  # boxes in each other
MAX_CARDS = 200  # a drawing has at most so many; beyond that it folds
DEFAULT_SHOW = tuple(field for field in FIELDS if field != "source")
Wanted = Any  # a node: its id, its name, a Node or a live value; or several of these, or an object with `.nodes`


def view(
    subject: Any,
    *,
    show: Iterable[str] = DEFAULT_SHOW,
    highlight: Wanted = (),
    wrt: Wanted = (),
    heat: bool | Sizes = False,
    limit: int = MAX_CARDS,
    depth: int | None = None,
    images: Wanted | Mapping[str, tuple[int, int] | None] = (),
    ids: Mapping[int, int] | None = None,
) -> View:
    """The view of a value, a graph or a trace. A value with one element is drawn with its gradients.

    A compiled function, or its plan, is viewed as `plan_view.plan_view` says, with `highlight` and `limit` alone.

    show       which of `FIELDS` stand on cards and edges
    highlight  nodes to mark, a path of `paths`, or a cause of `autodiff.first_cause`
    wrt        draw only what lies between these nodes and the outputs
    heat       colour cards by log10 of the norm of their gradient, a folded card by its largest; or of other `Sizes`
    limit      the most cards; beyond that, nodes are folded
    depth      fold scopes nested deeper than this
    images     nodes whose values are images though nothing tells; or a dict from names to height and width, or None
    ids        for a graph or trace, the node id of each live value's recording index, as `recorded` gives it

    Raises GraphError for anything that cannot be drawn or a node that is not in it, SettingError for an unknown field
    or a value that is no image.
    """
    for name, given in (("limit", limit), *([("depth", depth)] if depth is not None else [])):
        if not isinstance(given, int | np.integer) or isinstance(given, bool):
            raise SettingError(f"{name} must be a whole number, got {given!r}")
        if given < 0:
            raise SettingError(f"{name} must be a whole number of at least 0, got {given!r}")
    if is_plan(subject):
        asked = {"show": show is not DEFAULT_SHOW, "wrt": _is_given(wrt), "heat": heat is not False,
                 "depth": depth is not None, "images": _is_given(images)}  # fmt: skip
        return _of_plan(subject, [name for name, is_given in asked.items() if is_given], highlight, limit)
    chosen = _fields(show)
    record, found = recorded(subject)
    graph, trace = (record.graph, record) if isinstance(record, BackwardTrace) else (record, None)
    builder = _Builder(graph, trace, ids or found)
    builder.images = builder.sizes_of(images)
    return builder.build(chosen, highlight, wrt, heat, limit, depth)


def _of_plan(subject: Any, unfit: Sequence[str], highlight: Wanted, limit: int) -> View:
    """The view of a plan. Raises SettingError for an option that asks for what a plan has not, values and gradients."""
    from .plan_view import plan_view  # it loads what compiles

    if unfit:
        raise SettingError(f"{unfit[0]}: a plan has no values, gradients or scopes; use highlight or limit")
    return plan_view(subject, highlight=highlight, limit=limit)


def _is_given(wanted: Wanted) -> bool:
    return not (isinstance(wanted, tuple) and not wanted)


def _fields(show: Any) -> frozenset[str]:
    """The fields that `show` names, one or several. Raises SettingError for any that there is not."""
    fields = [show] if isinstance(show, str) or not isinstance(show, Iterable) else list(show)
    for field in fields:
        if field not in FIELDS:
            raise SettingError(f"show: {field!r} is not known; choose from {', '.join(FIELDS)}")
    return frozenset(fields)


def recorded(subject: Any, names: Mapping[int, str] | None = None) -> tuple[Graph | BackwardTrace, dict[int, int]]:
    """The record of a value, with its backward pass if it has one element, and the node ids of live values by index.

    names  for nodes that have none, by recording index
    """
    if isinstance(subject, Graph | BackwardTrace):
        return subject, {}
    if is_plan(subject):
        raise GraphError(f"a plan is no record of values and gradients; draw it as {', '.join(FORMATS)}")
    outputs = subject if isinstance(subject, tuple) else (subject,)
    graph, ids = Graph.recorded(*outputs)
    one_number = len(outputs) == 1 and np.size(graph.outputs[0].value) == 1 and outputs[0].requires_grad
    record = ad.backprop(outputs[0]) if one_number else graph
    taken = {node.name for node in graph.nodes}
    lent = {ids[index]: name for index, name in (names or {}).items() if index in ids and name not in taken}
    return record.named(lent), ids


class _Builder:
    """What building a view looks up again and again."""

    def __init__(self, graph: Graph, trace: BackwardTrace | None, ids: Mapping[int, int]) -> None:
        self.graph, self.trace, self.nodes, self.ids = graph, trace, graph.nodes, ids
        self.outputs = {node.id for node in graph.outputs}
        self.target = label(graph.outputs[0]) if graph.outputs else ""
        self.messages: dict[int, tuple[Message, ...]] = {s.node.id: s.messages for s in trace.steps} if trace else {}
        self.sums = received(self.messages.values())
        self.images: dict[int, Size] = {}

    def build(
        self, show: frozenset[str], highlight: Wanted, wrt: Wanted, heat: bool | Sizes, limit: int, depth: int | None
    ) -> View:
        marked = self.chosen("highlight", highlight)
        roots = self.chosen("wrt", wrt)
        shown = self.between(roots) if roots else set(range(len(self.nodes)))
        groups = renamed(fold(self.nodes, scopes_of(self.nodes), shown, self.outputs, max(limit, 4), depth))
        cards = [self.card(group, marked, show) for group in groups]
        cause = self.first_cause(cards, highlight)
        if cause is not None:
            cards = [with_cause(card, cause) if cause.node in card.members else card for card in cards]
        scale = None
        if isinstance(heat, Sizes):
            sums = [sum(heat.of_node.get(id, 0.0) for id in card.members) for card in cards]
            cards = [replace(card, heat=magnitude(size)) for card, size in zip(cards, sums, strict=True)]
            scale = Heat.of(sums, heat.what)
        elif heat and self.trace is not None:
            cards = [replace(card, heat=self.heat_of(card)) for card in cards]
            scale = Heat.of(self.trace.cotangents.get(id) for card in cards for id in card.members)
        edges = self.edges(groups, cards, marked, _edges_of(highlight), show)
        folded = sum(len(card.members) for card in cards if card.kind == "group")
        notes = [f"{folded} of {len(shown)} nodes are folded into cards"] if folded else []
        hidden = len(self.nodes) - len(shown)
        if hidden:
            ends = f"{', '.join(label(self.nodes[id]) for id in sorted(roots))} to {self.target}"
            notes.append(f"{hidden} nodes are not shown: they are on no path from {shorten(ends, 60)}")
        return View(
            tuple(cards),
            tuple(edges),
            title=f"{self.target} and its gradients" if self.trace else self.target,
            description=self.describe(cause),
            has_gradients=self.trace is not None,
            note="; ".join(notes),
            heat=scale,
        )

    def card(self, group: Group, marked: set[int], show: frozenset[str]) -> Card:
        if len(group.members) == 1:
            (id,) = group.members
            card = node_card(
                self.nodes[id],
                self.nodes,
                self.trace,
                self.sums.get(id, ()),
                self.target,
                group,
                id in self.outputs,
                self.images.get(id),
            )
        else:
            card = group_card(group, self.nodes, self.trace, *self.through(set(group.members)))
        return replace(
            card,
            rows=tuple(row for row in card.rows if is_shown(row, show)),
            image=card.image if "image" in show else None,
            is_highlighted=bool(marked & set(group.members)),
        )

    def first_cause(self, cards: Sequence[Card], highlight: Wanted) -> Cause | None:
        """What NaN or infinity in the drawing came from: the cause that is highlighted, or else the first."""
        if isinstance(highlight, Cause):
            return highlight
        return ad.first_cause(self.trace or self.graph) if any(card.is_alarm for card in cards) else None

    def through(self, members: set[int]) -> tuple[list[Any], list[Any]]:
        """The messages that nodes send out of a group, and the cotangents of those that are used outside it."""
        sent, arriving = [], []
        if self.trace is not None:
            for id in members:
                for message in self.messages.get(id, ()):
                    if message.message is not None and message.operand not in members:
                        sent.append(message.message)
                if id in self.trace.cotangents and not self.nodes[id].is_leaf and self.used_outside(id, members):
                    arriving.append(self.trace.cotangents[id])
        return sent, arriving

    def used_outside(self, id: int, members: set[int]) -> bool:
        return any(user not in members for user in self.users.get(id, ()))

    @property
    def users(self) -> dict[int, list[int]]:
        if not hasattr(self, "_users"):
            self._users: dict[int, list[int]] = {}
            for node in self.nodes:
                for operand in node.operands:
                    self._users.setdefault(operand, []).append(node.id)
        return self._users

    def heat_of(self, card: Card) -> float | None:
        assert self.trace is not None
        sizes = [magnitude(self.trace.cotangents.get(id)) for id in card.members]
        return max((size for size in sizes if size is not None), default=None)

    def edges(
        self,
        groups: Sequence[Group],
        cards: Sequence[Card],
        marked: set[int],
        path: set[tuple[int, int]],
        show: frozenset[str],
    ) -> list[Edge]:
        home = {id: card for group, card in zip(groups, cards, strict=True) for id in group.members}
        edges: list[Edge] = []
        between: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for card in cards:
            for id in card.members:
                for position, operand in enumerate(self.nodes[id].operands):
                    if operand not in home or home[operand] is card:
                        continue
                    if card.kind != "group" and home[operand].kind != "group":
                        on_path = (id, position) in path or (not path and {id, operand} <= marked)
                        edges.append(self.edge(id, position, on_path, show))
                    else:
                        between.setdefault((home[operand].id, card.id), []).append((id, position))
        numbers: dict[int, int] = {}
        for (source, target), places in between.items():
            numbers[target] = numbers.get(target, -1) + 1
            on_path = any(place in path for place in places)
            edges.append(self.joint_edge(source, target, numbers[target], places, on_path, show))
        return edges

    def edge(self, id: int, position: int, is_highlighted: bool, show: frozenset[str]) -> Edge:
        node = self.nodes[id]
        operand = node.operands[position]
        message = self.messages[id][position] if self.messages.get(id) else None
        spreads = self.spreads(id, position)
        if self.trace is None or message is None or message.message is None:
            return Edge(operand, id, position, (), spreads, is_highlighted)
        lines = ledger(node, position, self.nodes, message, self.trace.cotangents[id])
        kept = tuple(line for line, field in zip(lines, ("local", "message"), strict=True) if field in show)
        is_alarm = spreads or not is_finite(message.message)
        is_silenced = is_finite(message.message) and not has_finite_local(message)
        return Edge(operand, id, position, kept, is_alarm, is_highlighted, is_silenced)

    def joint_edge(
        self,
        source: int,
        target: int,
        number_of_edge: int,
        places: Sequence[tuple[int, int]],
        is_highlighted: bool,
        show: frozenset[str],
    ) -> Edge:
        """The edges between two cards of which one is a group, as one, with the norm of all their messages."""
        sent = [self.messages[id][position].message for id, position in places if self.messages.get(id)]
        arrays = [np.ravel(np.asarray(message)) for message in sent if message is not None]
        lines: list[Line] = []
        if len(places) > 1:
            lines.append(Line(f"{len(places)} edges", "quiet"))
        is_alarm = any(not is_finite(array) for array in arrays)
        if arrays and "message" in show:
            size = number(norm(np.concatenate(arrays)))
            lines.append(Line(f"‖message‖ = {size}", "alarm" if is_alarm else "backward"))
        is_alarm = is_alarm or any(self.spreads(id, position) for id, position in places)
        return Edge(source, target, number_of_edge, tuple(lines), is_alarm, is_highlighted)

    def spreads(self, id: int, position: int) -> bool:
        """Whether NaN or infinity goes from an operand into a node."""
        return not is_finite(self.nodes[self.nodes[id].operands[position]].value) and not is_finite(
            self.nodes[id].value
        )

    def chosen(self, option: str, wanted: Wanted) -> set[int]:
        """The ids of nodes given by id, name, Node, live value, or several of these."""
        if hasattr(wanted, "nodes") and not isinstance(wanted, Graph):
            wanted = wanted.nodes
        if isinstance(wanted, Iterable) and not isinstance(wanted, str | ad.Tensor | ad.Scalar):
            return {id for item in wanted for id in self.chosen(option, item)}
        if isinstance(wanted, Node):
            wanted = wanted.id
        if isinstance(wanted, ad.Scalar | ad.Tensor):
            found = [self.ids[wanted.index]] if wanted.index in self.ids else []
        elif isinstance(wanted, str):
            own = self.graph.names.get(wanted)
            found = [own] if own is not None else [n.id for n in self.nodes if wanted in (n.name, label(n))]
        else:
            in_range = isinstance(wanted, int | np.integer) and 0 <= wanted < len(self.nodes)
            found = [int(wanted)] if in_range else []
        if not found:
            named = ", ".join(list(self.graph.names)[:8]) or "none"
            shown = repr(wanted) if isinstance(wanted, str | int) else f"this {type(wanted).__name__}"
            raise GraphError(f"{option}: {shown} is not in the drawing; its named leaves are {named}")
        return set(found)

    def sizes_of(self, images: Wanted | Mapping[str, tuple[int, int] | None]) -> dict[int, Size]:
        """The sizes of the images that are marked, by node id."""
        sizes = images if isinstance(images, Mapping) else {id: None for id in self.chosen("images", images)}
        return {
            id: Size(*size) if size else natural_size(self.nodes[id])
            for wanted, size in sizes.items()
            for id in self.chosen("images", wanted)
        }

    def between(self, roots: set[int]) -> set[int]:
        """The nodes on a way from one of these to an output."""
        above: set[int] = set()
        for node in self.nodes:
            if node.id in roots or any(operand in above for operand in node.operands):
                above.add(node.id)
        needed = set(self.outputs)
        for node in reversed(self.nodes):
            if node.id in needed:
                needed.update(node.operands)
        return above & needed | self.outputs

    def describe(self, cause: Cause | None) -> str:
        """The drawing in words, for people who cannot see it."""
        operations = sum(not node.is_leaf for node in self.nodes)
        text = f"Computation of {self.target} from {len(self.graph.inputs)} inputs in {operations} operations."
        if cause is not None:
            text += f" First cause of NaN or infinity: {cause.equation}{cause.place}."
        if self.trace is None:
            return text
        gradients = [
            f"∂{self.target}/∂{label(node)} = {number(self.trace.cotangents[node.id])}"
            for node in self.graph.inputs
            if node.shape == () and node.id in self.trace.cotangents
        ]
        return " ".join([text, *([f"Gradients: {'; '.join(gradients[:12])}."] if gradients else [])])


def is_shown(row: Row, show: frozenset[str]) -> bool:
    """Whether a row stands on a card: all its fields are chosen. `show="histogram"` alone shows both histograms."""
    if show & {"value", "gradient", "stats"}:
        show |= {"mean"}  # what a large tensor shows for its value at the least
    if show & {"value", "gradient"} or not row.fields:
        return show.issuperset(row.fields)
    fields = set(row.fields) - {"value", "gradient"}
    return bool(fields) and show.issuperset(fields)


def _edges_of(highlight: Wanted) -> set[tuple[int, int]]:
    """The edges of a path, as (id of the node that uses the operand, position of the operand); none for mere nodes."""
    return {(int(id), int(position)) for id, position in getattr(highlight, "edges", ())}


def received(steps: Iterable[Sequence[Message]]) -> dict[int, list[Any]]:
    """The messages each node received, given those that each step sent, in the order of the walk."""
    sums: dict[int, list[Any]] = {}
    for messages in steps:
        for message in messages:
            if message.message is not None:
                sums.setdefault(message.operand, []).append(message.message)
    return sums


def scopes_of(nodes: Sequence[Node]) -> list[str]:
    """The scope each node is drawn in: its own; for parameters and nameless constants without one, their users'."""
    scopes = [_tidy(node.scope) for node in nodes]
    users: dict[int, list[str]] = {}
    for node in nodes:
        for operand in node.operands:
            users.setdefault(operand, []).append(scopes[node.id])
    for node in nodes:
        is_detail = is_parameter(node) or (node.op == "constant" and not node.name)
        if is_detail and not node.scope and node.id in users:
            scopes[node.id] = shared_scope(users[node.id])
    return scopes


def _tidy(scope: str) -> str:
    """A scope without empty parts, and no deeper than boxes can be drawn in each other."""
    return "/".join([part for part in scope.split("/") if part][:DEEPEST])
