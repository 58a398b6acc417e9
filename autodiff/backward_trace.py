"""The record of one backward walk: the cotangent of every value reached, in the order of the walk, and every message.

Cotangents are kept. Messages and their running sums, which would take several times the memory, are computed again
when a step is looked at: by the same rule, from the same numbers, so they are the same bit for bit.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np

from .display import mimebundle, picture
from .graph import Graph, Node
from .messages import Sent, sent_again
from .ops.table import OPERATIONS
from .primitive import Primitive
from .tape import Value, no_grad


class Message(NamedTuple):
    """What one operand was sent: `local` derivative (None unless elementwise), `message`, and the sum so far, `total`.

    For an operand that takes no gradient, a constant or a condition, all three are None.
    """

    operand: int
    local: Any
    message: Any
    total: Any


class BackwardStep(NamedTuple):
    """One stop of the walk: the node, its cotangent `upstream`, and one message per operand. A leaf sends none."""

    node: Node
    upstream: Any
    messages: tuple[Message, ...]


class RunningSums:
    """The sums that messages had reached here and there on the way, from which those in between are found again.

    One in `spacing` messages to an operand leaves its sum here; where that takes more than `BUDGET` bytes, fewer do.
    """

    BUDGET = 64 * 2**20
    NUMBER = 100  # bytes of a float and its place in a list

    def __init__(self) -> None:
        self.spacing = 8
        self.kept: dict[int, list[tuple[int, Any]]] = {}  # operand -> (step, sum after that step)
        self._counts: dict[int, int] = {}
        self._bytes = 0

    def add(self, operand: int, position: int, total: Any) -> None:
        """An operand was sent a message in a step, which made the sum."""
        counts = self._counts
        count = counts[operand] = counts.get(operand, 0) + 1
        if not count % self.spacing:
            self.kept.setdefault(operand, []).append((position, total))
            self._bytes += getattr(total, "nbytes", 0) + self.NUMBER
            if self._bytes > self.BUDGET:
                self._thin_out()

    def _thin_out(self) -> None:
        self.spacing *= 2
        self.kept = {operand: sums[1::2] for operand, sums in self.kept.items()}
        self._bytes = sum(getattr(t, "nbytes", 0) + self.NUMBER for sums in self.kept.values() for _, t in sums)


class Steps(Sequence[BackwardStep]):
    """The steps of one walk in order, as a tuple would hold them. Each is made when it is looked at.

    >>> import autodiff as ad
    >>> x = ad.Scalar(3.0, name="x")
    >>> steps = ad.backprop(x * x + x).steps
    >>> len(steps), [step.node.op for step in steps], steps[-1].node.name
    (3, ['add', 'mul', 'input'], 'x')
    >>> [message.total for message in steps[1].messages]    # x has 1 from the sum by then
    [4.0, 7.0]
    """

    RECENT = 32  # steps that are kept, so that whoever looks at one again gets the same one

    def __init__(
        self,
        nodes: Sequence[Node],
        cotangents: Mapping[int, Any],
        made: Sequence[tuple[Primitive | None, tuple[Any, ...]]],
        sums: RunningSums,
    ) -> None:
        """The steps over these nodes, in the order of the cotangents; how the node of each was made, and with what."""
        self._nodes, self._made, self._sums = nodes, made, sums
        self._order, self._upstream = tuple(cotangents), tuple(cotangents.values())
        self._recent: dict[int, BackwardStep] = {}
        self._carried: dict[int, dict[int, Any]] = {}  # the sums before the step that may come next, of floats
        self._positions: dict[int, int] | None = None  # these two are found when they are first needed
        self._senders: dict[int, int | list[int]] | None = None

    def over(self, nodes: Sequence[Node]) -> "Steps":
        """The same steps over the same nodes under other names."""
        return Steps(nodes, dict(zip(self._order, self._upstream, strict=True)), self._made, self._sums)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> BackwardStep: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[BackwardStep, ...]: ...
    def __getitem__(self, place: int | slice) -> BackwardStep | tuple[BackwardStep, ...]:
        if isinstance(place, slice):
            return tuple(self[position] for position in range(*place.indices(len(self))))
        position = range(len(self))[place]
        step = self._recent.get(position)
        if step is None:
            node = self._node(position)
            totals = self._carried.pop(position, {})  # in one act: another thread may search
            with np.errstate(all="ignore"), no_grad():
                for operand in node.operands:
                    if operand not in totals:
                        totals[operand] = self._before(operand, position)
                step = self._step(position, totals)
            for operand in node.operands:
                if type(totals.get(operand)) is not float:  # arrays may be large
                    totals.pop(operand, None)
            totals.pop(node.id, None)
            self._carried = {position + 1: totals}
            while len(self._recent) >= self.RECENT:
                self._recent.pop(next(iter(self._recent)), None)
            self._recent[position] = step
        return step

    def __iter__(self) -> Iterator[BackwardStep]:
        """The steps in order. The sums are carried along, so that none is looked up."""
        totals: dict[int, Any] = {}
        for start in range(0, len(self), self.RECENT):
            positions = range(start, min(start + self.RECENT, len(self)))
            with np.errstate(all="ignore"), no_grad():  # in blocks: entering these takes longer than a step
                block = [self._step(position, totals) for position in positions]
            for position in positions:
                totals.pop(self._order[position], None)
            yield from block

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)  # rules are functions, which cannot be pickled; what they made can

    def __repr__(self) -> str:
        return f"<{len(self)} steps>"

    def head(self, position: int) -> tuple[Node, Any]:
        """The node and the cotangent of a step, without its messages."""
        return self._node(position), self._upstream[position]

    def sent(self, position: int) -> Sequence[Sent | None]:
        """What a step sends, (local derivative, message) for each operand, without the sums, which may take longer."""
        with np.errstate(all="ignore"), no_grad():
            return self._sent(position)

    def operation(self, id: int) -> Primitive | None:
        """What made a node: as it was recorded, so also where it is in no table."""
        position = self.position(id)
        return None if position is None else self._made[position][0]

    def sum_after(self, id: int, count: int) -> Any:
        """The sum of the messages that a node was sent in the first `count` steps; None if there were none.

        >>> import autodiff as ad
        >>> x = ad.Scalar(3.0, name="x")
        >>> steps = ad.backprop(x * x + x).steps
        >>> [steps.sum_after(0, count) for count in range(3)]
        [None, 1.0, 7.0]
        """
        with np.errstate(all="ignore"), no_grad():
            return self._before(id, count)

    def senders(self, operand: int) -> Sequence[int]:
        """The steps of the nodes that use an operand, in order."""
        if self._senders is None:
            found: dict[int, Any] = {}  # one number for most, a list for those that several send to
            nodes, first = self._nodes, found.setdefault
            for position, id in enumerate(self._order):
                for receiver in nodes[id].operands:
                    known = first(receiver, position)
                    if type(known) is list:
                        if known[-1] != position:  # else it is its operand twice
                            known.append(position)
                    elif known != position:
                        found[receiver] = [known, position]
            self._senders = found
        senders = self._senders.get(operand, ())
        return (senders,) if isinstance(senders, int) else senders

    def position(self, id: int) -> int | None:
        """In which step a node is visited; None for one that the walk did not reach."""
        if self._positions is None:
            self._positions = {id: position for position, id in enumerate(self._order)}
        return self._positions.get(id)

    def _node(self, position: int) -> Node:
        return self._nodes[self._order[position]]

    def _step(self, position: int, totals: dict[int, Any]) -> BackwardStep:
        """A step, given the sums before it, which become those after it."""
        node = self._node(position)
        all_sent = self._sent(position)
        messages = []
        for operand, sent in zip(node.operands, all_sent, strict=bool(all_sent)):
            if sent is None:
                messages.append(Message(operand, None, None, None))
                continue
            local, message = sent
            before = totals.get(operand)
            total = totals[operand] = message if before is None else before + message
            messages.append(Message(operand, _as_number(local, node), message, total))
        return BackwardStep(node, self._upstream[position], tuple(messages))

    def _sent(self, position: int) -> Sequence[Sent | None]:
        primitive, saved = self._made[position]
        if primitive is None:
            return ()
        node = self._node(position)
        value: Value = _operand(node)
        value.primitive, value.saved, value.params = primitive, saved, node.params  # type: ignore[assignment]  # a node's are a read-only mapping
        value.operands = tuple(_operand(self._nodes[operand]) for operand in node.operands)
        return sent_again(value, self._upstream[position])

    def _before(self, operand: int, position: int) -> Any:
        """The sum that an operand was sent before a step: from the last sum that is kept, message by message."""
        senders = self.senders(operand)
        first, total = 0, None
        kept = self._sums.kept.get(operand, ())
        place = bisect_left(kept, position, key=lambda entry: entry[0])
        if place:
            last, total = kept[place - 1]
            first = bisect_left(senders, last + 1)
        for sender in senders[first : bisect_left(senders, position)]:
            for receiver, sent in zip(self._node(sender).operands, self._sent(sender), strict=True):
                if receiver == operand and sent is not None:
                    total = sent[1] if total is None else total + sent[1]
        return total


def _operand(node: Node) -> Any:
    """An operand like the one that was recorded, as far as a rule can see."""
    if node.op == "constant":
        return node.value
    value = Value.__new__(Value.kinds["scalar" if node.dtype == "float" else "tensor"])
    value.data, value.index, value.requires_grad = node.value, node.id, True
    return value


def _as_number(local: Any, node: Node) -> Any:
    """A local derivative as a float or an array of the node's dtype: rules may state it as 1, −1 or a truth value."""
    if local is None or type(local) is float:
        return local
    return float(local) if node.dtype == "float" else np.asarray(local, dtype=node.dtype)


class BackwardTrace(NamedTuple):
    """The record of one walk: the graph, its steps in order, and the final cotangent of each node reached, by id."""

    graph: Graph
    steps: Sequence[BackwardStep]
    cotangents: dict[int, Any]

    def _repr_svg_(self) -> str | None:
        return picture(self, "svg")

    def _repr_html_(self) -> str | None:
        return picture(self, "html")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return mimebundle(self)

    def named(self, names: Mapping[int, str]) -> "BackwardTrace":
        """The same record with names, by id, for nodes that have none."""
        if not names:
            return self
        graph, steps = self.graph.named(names), self.steps
        if isinstance(steps, Steps):
            return BackwardTrace(graph, steps.over(graph.nodes), self.cotangents)
        renamed = tuple(step._replace(node=graph.nodes[step.node.id]) for step in steps)  # of a pickled trace
        return BackwardTrace(graph, renamed, self.cotangents)

    def sum_after(self, id: int, count: int) -> Any:
        """The sum of the messages that a node was sent in the first `count` steps; None if there were none."""
        if isinstance(self.steps, Steps):
            return self.steps.sum_after(id, count)
        sent = [m.total for step in self.steps[:count] for m in step.messages if m.operand == id]
        return next((total for total in reversed(sent) if total is not None), None)

    def sent(self, position: int) -> Sequence[tuple[Any, Any] | None]:
        """What a step, counted from 0, sends: (local derivative, message) for each operand, without the sums."""
        if isinstance(self.steps, Steps):
            return self.steps.sent(position)
        return [None if m.message is None else (m.local, m.message) for m in self.steps[position].messages]

    def senders(self, id: int) -> Sequence[int]:
        """The steps, counted from 0, of the nodes that use a node, in order."""
        if isinstance(self.steps, Steps):
            return self.steps.senders(id)
        return [position for position, step in enumerate(self.steps) if id in step.node.operands]

    def position(self, id: int) -> int | None:
        """In which step, counted from 0, a node is visited; None for one that the walk did not reach."""
        if isinstance(self.steps, Steps):
            return self.steps.position(id)
        return next((position for position, step in enumerate(self.steps) if step.node.id == id), None)

    def operation(self, id: int) -> Primitive | None:
        """What made a node; None for a leaf, and, in a record that was pickled, for what `remat` made."""
        made = self.steps.operation(id) if isinstance(self.steps, Steps) else None
        return made or OPERATIONS.get(self.graph.nodes[id].op)

    def head(self, position: int) -> tuple[Node, Any]:
        """The node and the cotangent of a step, without its messages."""
        return self.steps.head(position) if isinstance(self.steps, Steps) else self.steps[position][:2]

    @property
    def gradients(self) -> dict[str, Any]:
        """The gradient of every named input and parameter, by its name in `graph.names`; zeros where none arrived."""
        nodes = self.graph.nodes
        return {
            name: self.cotangents[id] if id in self.cotangents else np.zeros(nodes[id].shape)[()]
            for name, id in self.graph.names.items()
            if nodes[id].op != "constant"
        }
