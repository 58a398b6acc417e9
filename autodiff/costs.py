"""The cost ledger: what a computation and its backward pass take, node by node, by count and by measurement.

Arithmetic and traffic of the backward pass are counted on the operations that its rules record when the walk itself is
recorded, so nothing is estimated: a product's backward pass is two products because its rules are.
"""

import statistics
import tracemalloc
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from time import perf_counter
from typing import Any

import numpy as np

from .arithmetic import Amount, flops, nbytes, traffic
from .errors import GraphError, SettingError
from .graph import Graph
from .messages import as_cotangent, sent_again
from .nn import MLP, Sequential, cross_entropy
from .ops.table import OPERATIONS
from .primitive import Primitive
from .program_cost import ProgramCost, program_cost
from .rematerialise import Rematerialised, remat
from .reverse import cotangents_of, seed, walk
from .stopwatch import median_seconds
from .tape import Value, next_index, no_grad, recording, scope, topological, watched
from .threads import single_threaded
from .writing import label

Record = Callable[[], Any]


@dataclass(frozen=True)
class NodeCost:
    """What one node takes.

    name               what pictures call it; `scope` is that of its layer
    forward, backward  counted; the sum of messages that meet belongs to the node that sends the later one
    kept               bytes held from the forward to the backward pass because of it; leaves hold their own
    seconds            measured, forward and backward, each the median of several
    """

    id: int
    name: str
    scope: str
    op: str
    forward: Amount
    backward: Amount
    kept: int
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Cost:
    """The ledger of a computation: its nodes, and in total what was counted and what was measured.

    kept      bytes held from the forward to the backward pass
    pending   most bytes of gradients that the walk holds at once, those of parameters and inputs included
    seconds   measured of the whole, forward and backward; `peaks` is the memory in bytes that was allocated at most
    uncounted the operations of which no formula is known
    compiled  what both passes take as a compiled program; or, if they cannot be one, why
    """

    graph: Graph
    nodes: tuple[NodeCost, ...]
    pending: int
    seconds: tuple[float, float]
    peaks: tuple[int, int]
    uncounted: tuple[str, ...]
    compiled: ProgramCost | str

    @property
    def forward(self) -> Amount:
        """Counted of the forward pass."""
        return reduce(add, (node.forward for node in self.nodes), Amount())

    @property
    def backward(self) -> Amount:
        """Counted of the backward pass."""
        return reduce(add, (node.backward for node in self.nodes), Amount())

    @property
    def kept(self) -> int:
        """Bytes held from the forward to the backward pass."""
        return sum(node.kept for node in self.nodes)

    @property
    def ratios(self) -> dict[str, float | None]:
        """What the backward pass takes as a multiple of the forward pass; None where that takes nothing.

        "arithmetic" and "memory" are counted, "time" and "memory_measured" measured. The memory of the backward pass is
        what was kept, and the gradients.
        """
        pairs = {
            "arithmetic": (self.backward.flops, self.forward.flops),
            "time": self.seconds[::-1],
            "memory": (self.kept + self.pending, self.kept),
            "memory_measured": self.peaks[::-1],
        }
        return {name: backward / forward if forward else None for name, (backward, forward) in pairs.items()}


def cost(subject: Any, *, repeats: int = 5) -> Cost:
    """What a computation of one number and its backward pass take.

    subject  a Graph or a Scalar or Tensor with one element, whose operations are done again to be measured; or a
             function without arguments that records one, which is called several times
    repeats  how often each time is measured; the median counts

    It is done as `autodiff.train` does it: on one thread, with `recording(copy=False)`. Counted are floating-point
    operations (see `autodiff.arithmetic`), bytes that operations read and write, and bytes that are kept for the
    backward pass. With `ad.remat` the forward pass keeps less, and the backward pass counts what it computes again;
    give the function, since a graph does not hold how.

    All that is what the passes take operation by operation. In `compiled` is what they take as the one program that
    `ad.compile` makes of both: counted, the time of a replay, and the memory that is planned for it. There, too, what
    `ad.remat` frees is computed again, but for what the program finds that nobody needs.

    >>> import numpy as np, autodiff as ad
    >>> x, W = ad.Tensor(np.ones((8, 4)), name="x"), ad.Tensor(np.ones((4, 3)), name="W")
    >>> found = cost(ad.sum(x @ W))
    >>> found.forward.flops, found.backward.flops      # 2 · 8 · 4 · 3 + 24, and two products of the same size
    (216, 384)

    Raises GraphError for what is not one number or tracks nothing, or a graph with an operation that is in no table;
    SettingError if it is not measured at least once.
    """
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise SettingError(f"cost: repeats is how often each time is measured, at least 1, got {repeats!r}")
    record = subject if callable(subject) and not isinstance(subject, Value) else _again(subject)
    with np.errstate(all="ignore"), single_threaded(), recording(copy=False):
        return _counted(record, repeats)


def _again(subject: Any) -> Record:
    """A function that does the operations of a graph again."""
    if not isinstance(subject, Graph | Value):
        raise GraphError(
            f"cost: takes a Graph, a Scalar or Tensor, or a function that records one; got {type(subject).__name__}"
        )
    graph = subject if isinstance(subject, Graph) else Graph.of(subject)
    if len(graph.output_ids) != 1:
        raise GraphError(f"cost: takes a graph of one number, this one has {len(graph.output_ids)} outputs")
    for node in graph.nodes:
        if not node.is_leaf and node.op not in OPERATIONS:
            raise GraphError(f"cost: {node.op!r} is in no table of operations; give the function that records it")

    def record() -> Any:
        values: list[Any] = []
        for node in graph.nodes:
            if node.op == "constant":
                values.append(node.value)
            elif node.is_leaf:
                value = Value.kinds["scalar" if node.dtype == "float" else "tensor"].leaf(node.value)
                value.name, value.scope = node.name, node.scope
                values.append(value)
            else:
                value = OPERATIONS[node.op](*(values[i] for i in node.operands), **node.params)
                value.name, value.scope = node.name, node.scope
                values.append(value)
        return values[graph.output_ids[0]]

    return record


def _counted(record: Record, repeats: int) -> Cost:
    log = _Log()
    with watched(log):
        out = record()
    if isinstance(out, np.ndarray | np.generic | float | int):
        raise GraphError("cost: nothing in this computation is tracked, so it has no backward pass")
    if not isinstance(out, Value) or np.size(out.data) != 1:
        what = f"a value of shape {out.shape}" if isinstance(out, Value) else f"a {type(out).__name__}"
        raise GraphError(f"cost: the backward pass is that of one number, got {what}; sum it")
    start = seed(out, None)
    graph, ids = Graph.recorded(out)
    values = topological([out])
    own = {value.index: ids[value.index] for value in values}
    forward = _placed(log.entries, sorted(own), own)
    backward, uncounted = _of_walk(out, start, own)
    kept = _kept(values, own)
    cotangents, pending = _pending(out, start)
    times = {own[value.index]: _seconds_of(value, cotangents.get(value.index), repeats) for value in values}
    nodes = tuple(
        NodeCost(
            node.id,
            label(node),
            node.scope,
            node.op,
            forward.get(node.id, Amount()),
            backward.get(node.id, Amount()),
            kept.get(node.id, 0),
            times.get(node.id, (0.0, 0.0)),
        )
        for node in graph.nodes
    )
    del values, cotangents, out
    unknown = tuple(dict.fromkeys([*log.uncounted, *uncounted]))
    seconds, peaks = _seconds(record, repeats), _peaks(record)
    return Cost(graph, nodes, pending, seconds, peaks, unknown, program_cost(record, repeats))


class _Log:
    """Every operation that is recorded, as a `tape.Watch`. What `ad.remat` forgets at once is in it too."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, Amount]] = []  # by recording index
        self.uncounted: list[str] = []

    def value(self, value: Value) -> None:
        amount = _amount(value, self.uncounted)
        if amount is not None:
            self.entries.append((value.index, amount))

    def messages(self, output: Value, value: Value, g: Any, messages: Sequence[Any]) -> None:
        pass

    def tangent(self, value: Value, arrived: Sequence[Any], tangent: Any) -> None:
        pass


def _amount(value: Value, uncounted: list[str]) -> Amount | None:
    """What one recorded operation takes; None for a leaf, and for what `remat` made: what it consists of is counted."""
    primitive = value.primitive
    if primitive is None or isinstance(primitive, Rematerialised):
        return None
    count = flops(primitive, value.saved, value.data, value.params)
    if count is None:
        uncounted.append(primitive.name)
    return Amount(count or 0, *traffic(value.saved, value.data))


def _placed(entries: Sequence[tuple[int, Amount]], ends: Sequence[int], own: Mapping[int, int]) -> dict[int, Amount]:
    """What each node takes: operations belong to the first of `ends`, recording indices, that is not before them.

    own  the node of each end
    """
    found: dict[int, Amount] = {}
    for index, amount in entries:
        place = bisect_left(ends, index)
        if place < len(ends):
            id = own[ends[place]]
            found[id] = found.get(id, Amount()) + amount
    return found


def _of_walk(out: Value, start: Any, own: dict[int, int]) -> tuple[dict[int, Amount], list[str]]:
    """What the backward pass takes at each node: the operations that its rules record between two stops of the walk."""
    stops: dict[int, int] = {}  # the node of each stop, by the recording index at its end
    begin = next_index()
    cotangent = as_cotangent(start, out, live=True)
    cotangent.requires_grad = True  # so that what is computed from it is recorded

    def visit(value: Value, g: Any, messages: Sequence[Any], pending: dict[int, Any]) -> None:
        stops[next_index()] = own[value.index]

    log = _Log()  # sees what is computed again, which no gradient may hold on to
    with watched(log):
        found = walk(out, cotangent, None, live=True, visit=visit)
    entries = dict(log.entries)
    for value in topological([g for _, g in found or () if isinstance(g, Value)], since=begin):
        if value.index not in entries and (amount := _amount(value, log.uncounted)) is not None:
            entries[value.index] = amount
    return _placed(list(entries.items()), list(stops), stops), log.uncounted


def _kept(values: Sequence[Value], own: dict[int, int]) -> dict[int, int]:
    """The bytes that each node makes the graph hold: memory that no node before it holds, and no leaf."""
    held = {id(_owner(value.data)) for value in values if value.primitive is None}
    kept: dict[int, int] = {}
    for value in values:
        if value.primitive is None:
            continue
        for data in (value.data, *value.saved):
            owner = _owner(data)
            if id(owner) not in held:
                held.add(id(owner))
                kept[own[value.index]] = kept.get(own[value.index], 0) + nbytes(owner)
    return kept


def _owner(data: Any) -> Any:
    while isinstance(data, np.ndarray) and data.base is not None:
        data = data.base
    return data


def _pending(out: Value, start: Any) -> tuple[dict[int, Any], int]:
    """The cotangent of each value, and the most bytes of cotangents that the walk holds at once."""
    cotangents: dict[int, Any] = {}
    leaves, most = 0, nbytes(start)

    def visit(value: Value, g: Any, messages: Sequence[Any], pending: dict[int, Any]) -> None:
        nonlocal leaves, most
        cotangents[value.index] = g
        leaves += nbytes(g) if value.primitive is None else 0
        most = max(most, leaves + sum({id(x): nbytes(x) for x in pending.values()}.values()))

    with no_grad():
        walk(out, start, (), safe=True, visit=visit)
    return cotangents, most


def _seconds_of(value: Value, g: Any, repeats: int) -> tuple[float, float]:
    """How long one operation takes, and its part of the backward pass."""
    primitive = value.primitive
    if primitive is None:
        return 0.0, 0.0
    with no_grad():
        forward = median_seconds(lambda: _evaluated(primitive, value), repeats)
        return forward, median_seconds(lambda: sent_again(value, g), repeats) if g is not None else 0.0


def _evaluated(primitive: Primitive, value: Value) -> Any:
    if isinstance(primitive, Rematerialised):
        return primitive.run()
    return primitive.evaluate(*value.saved, **value.params)


def _seconds(record: Record, repeats: int) -> tuple[float, float]:
    """How long the whole forward and the whole backward pass take, in turn."""
    forward, backward = [], []
    for _ in range(repeats):
        start = perf_counter()
        out = record()
        middle = perf_counter()
        cotangents_of(out, None, None)
        backward.append(perf_counter() - middle)
        forward.append(middle - start)
    return statistics.median(forward), statistics.median(backward)


def _peaks(record: Record) -> tuple[int, int]:
    """The most memory that was allocated at once in the forward pass, and up to the end of the backward pass."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        out = record()
        forward = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.reset_peak()
        found = cotangents_of(out, None, None)
        backward = tracemalloc.get_traced_memory()[1] - before
        del found
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return forward, backward


def of_network(sizes: Sequence[int], batch: int, *, rematerialised: bool = False) -> Record:
    """A function that records the loss of a ReLU network on random images: what `cost` takes, for sizes alone.

    rematerialised  each layer with its activation, but the last, is one `ad.remat`

    >>> cost(of_network([784, 10], batch=1), repeats=1).forward.flops     # 2 · 784 · 10, a bias each, and the loss
    15740

    Raises SettingError for fewer than two sizes, one below 1, or a batch below 1.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise SettingError(f"cost: batch is how many examples there are, at least 1, got {batch!r}")
    rng = np.random.default_rng(0)
    model = MLP(sizes, rng=rng)
    images, labels = rng.random((batch, sizes[0]), dtype=np.float32), rng.integers(0, sizes[-1], batch)
    layers = [layer for _, layer in model.children()]
    blocks: list[Callable[[Any], Any]] = [*map(Sequential, *[iter(layers[:-1])] * 2), layers[-1]]
    if rematerialised:
        blocks[:-1] = [_forgetting(block) for block in blocks[:-1]]

    def record() -> Any:
        x: Any = images
        with scope("mlp"):
            for block in blocks if rematerialised else layers:
                x = block(x)
            return cross_entropy(x, labels, name="loss")

    return record


def _forgetting(block: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def layer(x: Any) -> Any:
        return block(x)

    return remat(layer)
