"""What the traps look at: the graph, its backward pass, who uses what, and what the live values know besides."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..backward_trace import BackwardTrace, Message
from ..blame import bad, meant
from ..graph import Graph, Node
from ..ops.table import OPERATIONS
from ..primitive import Elementwise
from ..tape import Cut, Value
from ..writing import label, number


@dataclass(frozen=True, slots=True)
class Found:
    """What one trap found: the node, None for what is not in the graph, and why. The rest is the trap's own.

    index   the element that the numbers in `why` are of
    name    what is meant, where it is not the node
    remedy  what to do, where it is not what the trap says
    """

    node: int | None
    why: str
    index: tuple[int, ...] = ()
    name: str | None = None
    remedy: str = ""


class Trap(NamedTuple):
    """A row of the table: the rule's name, how bad it is, what to do, and the function that finds it."""

    rule: str
    severity: str  # "error": the gradient is wrong, lost or infinite. "warning": it is right, but fragile
    remedy: str
    find: "Callable[[Case], Iterator[Found]]"


class Wanted(NamedTuple):
    """A parameter that should get a gradient: its name, its node id if it is in the graph, and itself if it is live."""

    name: str
    node: int | None
    value: Value | None


@dataclass(frozen=True)
class Case:
    """A recorded computation as the traps see it.

    wanted   the parameters that should get a gradient, if the caller says which they are
    values   the live values by node id, if they are known
    """

    graph: Graph
    trace: BackwardTrace | None
    wanted: tuple[Wanted, ...] | None = None
    values: Mapping[int, Value] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.graph.nodes

    @cached_property
    def messages(self) -> dict[int, tuple[Message, ...]]:
        """The messages each node sent, one per operand."""
        return {step.node.id: step.messages for step in self.trace.steps if step.messages} if self.trace else {}

    @cached_property
    def users(self) -> dict[int, list[tuple[int, int]]]:
        """The nodes that use a node, each with the position of it among their operands."""
        users: dict[int, list[tuple[int, int]]] = {}
        for node in self.nodes:
            for position, operand in enumerate(node.operands):
                users.setdefault(operand, []).append((node.id, position))
        return users

    @cached_property
    def tracked(self) -> frozenset[int]:
        """The nodes that depend on an input or a parameter."""
        found: set[int] = set()
        for node in self.nodes:
            if node.op in ("input", "parameter") or not found.isdisjoint(node.operands):
                found.add(node.id)
        return frozenset(found)

    @cached_property
    def meant(self) -> set[int]:
        """The nodes whose infinities are meant, see `blame.meant`."""
        return meant(self.nodes)

    def operand(self, node: Node, position: int = 0) -> Node:
        """The operand of a node at a position."""
        return self.nodes[node.operands[position]]

    def upstream(self, id: int) -> Any:
        """The cotangent of a node; 1 where there is no backward pass, so that everything counts."""
        if self.trace is None:
            return np.ones(self.nodes[id].shape)
        return self.trace.cotangents.get(id, np.zeros(self.nodes[id].shape))

    def flows(self, id: int) -> np.ndarray:
        """Where a gradient arrives at a node. One that is lost in the rounding of what was added up counts as none."""
        g = np.asarray(self.upstream(id), dtype=float)
        arrived = [
            np.asarray(self.messages[user][position].message, dtype=float)
            for user, position in self.users.get(id, ())
            if user in self.messages and self.messages[user][position].message is not None
        ]
        with np.errstate(all="ignore"):
            scale = np.max([np.abs(m) for m in arrived], axis=0) if len(arrived) > 1 else 0.0
            flowing: np.ndarray = np.abs(g) > 1e-9 * np.where(np.isfinite(scale), scale, 0.0)
            flowing |= bad(g)
        return flowing

    def local(self, node: Node, position: int) -> np.ndarray | None:
        """The local derivative of an elementwise node, in its shape; None if it has none or nothing needs it."""
        row = OPERATIONS.get(node.op)
        if (
            not isinstance(row, Elementwise)
            or not row.has_rule(position)
            or node.operands[position] not in self.tracked
        ):
            return None
        if self.trace is not None:
            sent = self.messages.get(node.id)
            if sent is None or sent[position].message is None:
                return None
            local = sent[position].local
        else:
            with np.errstate(all="ignore"):
                local = row.local(position, node.value, [self.nodes[i].value for i in node.operands])
        return np.broadcast_to(np.asarray(local, dtype=float), node.shape)

    def cuts(self) -> Iterator[tuple[int, Cut]]:
        """The constants that were cut off from what they were computed from, as live values remember it."""
        for id, value in self.values.items():
            if "cut" in value.params and self.nodes[id].is_leaf:
                yield id, value.params["cut"]


def first(mask: Any) -> tuple[int, ...]:
    """The index of the first element that a mask marks."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), np.shape(mask)))


def at(index: tuple[int, ...]) -> str:
    """` at [2, 3]`; nothing for a number."""
    return f" at [{', '.join(map(str, index))}]" if index else ""


def element(node: Node, index: tuple[int, ...], of: tuple[int, ...]) -> float:
    """The element of a node that broadcasting brings to an index of a shape."""
    return float(np.broadcast_to(np.asarray(node.value, dtype=float), of)[index])


def told(node: Node, index: tuple[int, ...], of: tuple[int, ...]) -> str:
    """`p = 0.000`; the number alone for a constant that is called by it."""
    value = number(element(node, index, of))
    return value if label(node) == value else f"{label(node)} = {value}"


def share(mask: Any) -> str:
    """` (3 of 12 numbers)`; nothing for a single number."""
    size = np.size(mask)
    return f" ({np.count_nonzero(mask)} of {size} numbers)" if size > 1 else ""


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names with commas between; of many the first."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
