"""A small tensor computation recorded again as scalars, so that a matrix product is seen multiply by multiply.

Every tensor becomes an array of Scalars, in a box of its own, and every operation is done on them one number at a time.
What only moves numbers, such as a transpose, moves the same Scalars and draws nothing.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Elementwise, Graph, Node, Scalar
from autodiff.errors import GraphError, SettingError
from autodiff.ops.table import OPERATIONS
from autodiff.tape import Value

from .notation import formula, label
from .numbers import subscript
from .scalar_forms import SCALAR_FORMS, filled

MOST_SCALARS = 2000  # operations on numbers and leaves, in all
_DIGITS = "₀₁₂₃₄₅₆₇₈₉"


def unroll(subject: Any, limit: int = 64) -> BackwardTrace | Graph:
    """The same computation on scalars: a BackwardTrace of a trace or a value with one element, or else a Graph.

    subject  a BackwardTrace of one number, a Graph, or a Scalar or Tensor
    limit    how many elements a tensor may have

    The numbers, values and gradients, are those of the tensors up to rounding in float64. Entries are named by their
    place: `W₁₂` is in row 1 and column 2.

    >>> import autodiff as ad
    >>> W, x = ad.Tensor([[1.0, 2.0]], name="W"), ad.Tensor([3.0, 4.0], name="x")
    >>> trace = unroll((W @ x).sum())
    >>> [node.op for node in trace.graph.nodes]
    ['input', 'input', 'input', 'input', 'mul', 'mul', 'add']
    >>> trace.gradients
    {'W₁₁': 3.0, 'W₁₂': 4.0, 'x₁': 1.0, 'x₂': 2.0}

    Raises GraphError if a tensor has more elements than the limit, if there are more than 2,000 scalars in all, if an
    operation has no scalar form, or for a trace of several numbers; SettingError unless the limit is at least 1.
    """
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise SettingError(f"unroll: limit is how many elements a tensor may have, at least 1, got {limit!r}")
    trace = subject if isinstance(subject, BackwardTrace) else None
    graph = subject if isinstance(subject, Graph) else trace.graph if trace else Graph.of(subject)
    if trace and np.size(graph.outputs[0].value) != 1:
        shape = graph.outputs[0].shape
        raise GraphError(f"unroll: the trace starts at a value of shape {shape}; reduce it to one number, with sum()")
    entries = unrolled(graph, limit)
    outputs = [entry for id in graph.output_ids for entry in entries[id].ravel()]
    outputs = [x if isinstance(x, Scalar) else Scalar(x, requires_grad=False) for x in outputs]
    if trace:
        seed = trace.cotangents[graph.output_ids[0]]
        return ad.backprop(outputs[0], float(np.asarray(seed).item()))
    if not isinstance(subject, Graph) and len(outputs) == 1 and outputs[0].requires_grad:
        return ad.backprop(outputs[0])
    return Graph.of(*outputs)


def unrolled(graph: Graph, limit: int = 64) -> list[np.ndarray]:
    """For each node of the graph an array of its shape: Scalars, or floats where nothing is tracked. See `unroll`."""
    for node in graph.nodes:
        if np.size(node.value) > limit:
            raise GraphError(
                f"unroll: {label(node)} has {np.size(node.value):,} elements, of shape {node.shape}; tensors of at "
                f"most {limit} are unrolled: take fewer rows or columns, or give a larger limit"
            )
    sheet = Sheet(graph)
    for node in graph.nodes:
        sheet.add(node)
    return sheet.entries


class _Weight(Scalar):
    """An entry of a parameter, which pictures call one too."""

    __slots__ = ()
    leaf_op: ClassVar[str] = "parameter"

    @classmethod
    def record(cls, *arguments: Any) -> Value:
        """What is computed from it is a plain Scalar."""
        return Scalar.record(*arguments)


class Sheet:
    """The scalars of the nodes so far, and the operations that make more of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.entries: list[np.ndarray] = []
        self.count = 0

    def add(self, node: Node) -> None:
        """Unroll one more node, whose operands are unrolled already."""
        operands = [self.entries[i] for i in node.operands]
        box = _box(node, self.graph.nodes)
        with ad.scope(box) if box else contextlib.nullcontext():
            array = self._leaf(node) if node.is_leaf else self._computed(node, operands)
        if not node.is_leaf:
            self._mark(node, array, {id(entry) for operand in operands for entry in operand.ravel()})
        self.entries.append(array)

    def _leaf(self, node: Node) -> np.ndarray:
        if node.op == "constant" and node.shape == () and not node.name:
            plain = node.value if type(node.value) is int else float(node.value)
            return filled((), [plain])
        kind = _Weight if node.op == "parameter" else Scalar
        tracked = node.op != "constant"
        names = _names(_name(node), node.shape)
        return filled(
            node.shape,
            [
                self._counted(kind(float(x), name=name, requires_grad=tracked))
                for x, name in zip(np.ravel(node.value), names, strict=True)
            ],
        )

    def _computed(self, node: Node, operands: Sequence[np.ndarray]) -> np.ndarray:
        operation = OPERATIONS.get(node.op)
        if node.op in SCALAR_FORMS:
            array = SCALAR_FORMS[node.op](self, node, *operands)
        elif isinstance(operation, Elementwise):
            rows = zip(*(np.broadcast_to(x, node.shape).ravel() for x in operands), strict=True)
            array = filled(node.shape, [self.apply(node.op, *row) for row in rows])
        else:
            raise GraphError(
                f"unroll: {node.op} has no scalar form; elementwise operations have one, and "
                f"{', '.join(sorted(SCALAR_FORMS))}"
            )
        return array.reshape(node.shape)

    def _mark(self, node: Node, array: np.ndarray, old: set[int]) -> None:
        """Names and source line for the entries that this node made, not for those it only moved."""
        for entry, name in zip(array.ravel(), _names(_name(node), node.shape), strict=True):
            if isinstance(entry, Scalar) and id(entry) not in old:
                entry.name, entry.source = name, node.source

    def _counted(self, entry: Any) -> Any:
        self.count += isinstance(entry, Value)
        if self.count > MOST_SCALARS:
            raise GraphError(
                f"unroll: this computation is of more than {MOST_SCALARS:,} scalars, which nobody could read: unroll "
                f"a smaller one"
            )
        return entry

    def apply(self, op: str, *entries: Any) -> Any:
        """One operation on single numbers."""
        operation = OPERATIONS[op]
        assert isinstance(operation, Elementwise)
        return self._counted(operation(*entries))

    def sum(self, entries: Sequence[Any]) -> Any:
        """The sum from the first to the last; that of none is 0."""
        return self.folded("add", entries, 0.0)

    def product(self, entries: Sequence[Any]) -> Any:
        """The product from the first to the last; that of none is 1."""
        return self.folded("mul", entries, 1.0)

    def folded(self, op: str, entries: Sequence[Any], empty: float) -> Any:
        """An operation of two, from the first entry to the last."""
        if not len(entries):
            return empty
        result = entries[0]
        for entry in entries[1:]:
            result = self.apply(op, result, entry)
        return result

    def square(self, entry: Any) -> Any:
        """The entry times itself."""
        return self.apply("mul", entry, entry)


def _box(node: Node, nodes: Sequence[Node]) -> str:
    """The scope of a node's scalars: its own, and in it a box for a tensor or for what takes several steps."""
    is_single = node.shape == () and (node.is_leaf or isinstance(OPERATIONS.get(node.op), Elementwise))
    title = label(node) if node.is_leaf else f"{label(node)} = {formula(node, nodes)}"
    parts = [*([node.scope] if node.scope else []), *([] if is_single else [title.replace("/", "∕")])]
    return "/".join(parts)


def _name(node: Node) -> str | None:
    """What its entries are named after, as others refer to it; nothing for one number without a name."""
    return label(node) if node.name or node.shape else None


def _names(name: str | None, shape: tuple[int, ...]) -> list[str | None]:
    """A name for each entry, by its place counted from 1.

    >>> _names("W", (1, 2)), _names("b₁", (2,)), _names("loss", ())
    (['W₁₁', 'W₁₂'], ['b₁[1]', 'b₁[2]'], ['loss'])
    """
    places = list(np.ndindex(shape))
    if not name or not shape:
        return [name or None] * len(places)
    if max(shape, default=0) < 10 and name[-1] not in _DIGITS:
        return [name + "".join(subscript(i + 1) for i in place) for place in places]
    return [f"{name}[{','.join(str(i + 1) for i in place)}]" for place in places]
