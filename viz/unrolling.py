"""A small tensor computation recorded again as scalars, so that a matrix product is seen multiply by multiply.

Every tensor becomes an array of Scalars, in a box of its own, and every operation is done on them one number at a time.
What only moves numbers, such as a transpose, moves the same Scalars and draws nothing.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Elementwise, Graph, Node, Scalar
from autodiff.errors import GraphError, SettingError
from autodiff.graph import OPERATIONS
from autodiff.tape import Value

from .notation import formula, label
from .numbers import subscript

MOST_SCALARS = 2000  # operations on numbers and leaves, in all
SAFE_EXPONENT = 30.0  # larger numbers are shifted before exp: exactly, as the softmax family does not change by it
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
    sheet = _Sheet(graph)
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


class _Sheet:
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


Form = Callable[..., np.ndarray]  # (sheet, node, *arrays of entries) -> the entries of the node


def filled(shape: tuple[int, ...], entries: Sequence[Any]) -> np.ndarray:
    """An array of these objects, one after the other."""
    array = np.empty(len(entries), dtype=object)
    for place, entry in enumerate(entries):
        array[place] = entry
    return array.reshape(shape)


def _box(node: Node, nodes: Sequence[Node]) -> str:
    """The scope of a node's scalars: its own, and in it a box for a tensor or for what takes several steps."""
    is_single = node.shape == () and (node.is_leaf or isinstance(OPERATIONS.get(node.op), Elementwise))
    title = label(node) if node.is_leaf else f"{label(node)} = {formula(node, nodes)}"
    parts = [*([node.scope] if node.scope else []), *([] if is_single else [title.replace("/", "∕")])]
    return "/".join(parts)


def _name(node: Node) -> str | None:
    """What its entries are named after: one number by its own name, a tensor in any case, as others refer to it."""
    return node.name if node.name or not node.shape else label(node)


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


def _moved(sheet: _Sheet, node: Node, *arrays: np.ndarray) -> np.ndarray:
    """An operation that only moves its entries: done on their numbers instead, which tell where each of them went."""
    starts = np.cumsum([0, *(x.size for x in arrays)])
    numbered = [_numbered(x.shape) + start for x, start in zip(arrays, starts, strict=False)]
    places = np.ravel(OPERATIONS[node.op].evaluate(*numbered, **node.params))
    entries = [entry for x in arrays for entry in x.ravel()]
    return filled(node.shape, [entries[place] for place in places])


def _padded(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
    return filled(node.shape, list(np.ravel(OPERATIONS[node.op].evaluate(x, **node.params))))


def _same(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
    return x


def _sorted(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
    values = sheet.graph.nodes[node.operands[0]].value
    order = np.argsort(values, axis=node.params["axis"], kind="stable")
    return np.take_along_axis(x, order, node.params["axis"])


def _reduced(reduce: Callable[..., Any]) -> Form:
    """A reduction over axes, by what it does to the entries of one slice: (sheet, entries, **other params) -> entry."""

    def form(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
        params = {name: value for name, value in node.params.items() if name not in ("axis", "keepdims")}
        axis = node.params.get("axis")
        axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        gone = [a % x.ndim for a in axes]
        kept = [a for a in range(x.ndim) if a not in gone]
        count = math.prod(x.shape[a] for a in gone)
        slices = np.transpose(x, [*kept, *gone]).reshape(-1, count) if x.size else np.empty((math.prod(node.shape), 0))
        return filled(node.shape, [reduce(sheet, entries, **params) for entries in slices])

    return form


def _along(transform: Callable[..., Sequence[Any]]) -> Form:
    """An operation on each slice along an axis, by what it does to one: (sheet, entries) -> as many entries."""

    def form(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
        axis = node.params["axis"]
        last = np.moveaxis(x, axis, -1)
        rows = [entry for entries in last.reshape(-1, last.shape[-1]) for entry in transform(sheet, entries)]
        return np.moveaxis(filled(last.shape, rows), -1, axis)

    return form


def _mean(sheet: _Sheet, entries: Sequence[Any]) -> Any:
    return sheet.apply("div", sheet.sum(entries), float(len(entries))) if len(entries) != 1 else entries[0]


def _variance(sheet: _Sheet, entries: Sequence[Any], ddof: float) -> Any:
    middle = _mean(sheet, entries)
    squares = [sheet.square(sheet.apply("sub", entry, middle)) for entry in entries]
    return sheet.apply("div", sheet.sum(squares), float(max(len(entries) - ddof, 0)))


def _deviation(sheet: _Sheet, entries: Sequence[Any], ddof: float) -> Any:
    if len({_number(entry) for entry in entries}) == 1:
        return 0.0  # the root's derivative is infinite there; that of the deviation is decided to be 0
    return sheet.apply("sqrt", _variance(sheet, entries, ddof))


def _length(sheet: _Sheet, entries: Sequence[Any]) -> Any:
    if not any(_number(entry) for entry in entries):
        return 0.0  # as for the deviation
    return sheet.apply("sqrt", _squares(sheet, entries))


def _squares(sheet: _Sheet, entries: Sequence[Any]) -> Any:
    return sheet.sum([sheet.square(entry) for entry in entries])


def _extreme(op: str, best: Callable[[Sequence[float]], float]) -> Callable[..., Any]:
    """max or min, two by two. Tied extremes are taken as their mean: so they share the gradient evenly."""

    def reduce(sheet: _Sheet, entries: Sequence[Any]) -> Any:
        top = best([_number(entry) for entry in entries])
        tied = [entry for entry in entries if _number(entry) == top]
        others = [entry for entry in entries if _number(entry) != top]
        return sheet.folded(op, [*([_mean(sheet, tied)] if tied else []), *others], math.nan)

    return reduce


def _logsumexp(sheet: _Sheet, entries: Sequence[Any]) -> Any:
    shift = _shift(entries)
    total = sheet.apply("log", sheet.sum(_exponentials(sheet, entries, shift)))
    return sheet.apply("add", total, shift) if shift else total


def _softmax(sheet: _Sheet, entries: Sequence[Any]) -> list[Any]:
    powers = _exponentials(sheet, entries, _shift(entries))
    total = sheet.sum(powers)
    return [sheet.apply("div", power, total) for power in powers]


def _log_softmax(sheet: _Sheet, entries: Sequence[Any]) -> list[Any]:
    total = _logsumexp(sheet, entries)
    return [sheet.apply("sub", entry, total) for entry in entries]


def _exponentials(sheet: _Sheet, entries: Sequence[Any], shift: float) -> list[Any]:
    shifted = [sheet.apply("sub", entry, shift) if shift else entry for entry in entries]
    return [sheet.apply("exp", entry) for entry in shifted]


def _shift(entries: Sequence[Any]) -> float:
    """What to subtract so that no exponential overflows: 0 as long as none would, to keep the formula plain."""
    numbers = [_number(entry) for entry in entries]
    top = max(numbers, default=0.0)
    return top if math.isfinite(top) and max(map(abs, numbers)) > SAFE_EXPONENT else 0.0


def _cross_entropy(sheet: _Sheet, node: Node, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    chosen = np.asarray(sheet.graph.nodes[node.operands[1]].value)
    rows = zip(logits, chosen, strict=True)
    losses = [sheet.apply("sub", _logsumexp(sheet, row), row[int(chosen)]) for row, chosen in rows]
    return filled((), [_mean(sheet, losses)])


def _running(op: str) -> Callable[..., list[Any]]:
    def transform(sheet: _Sheet, entries: Sequence[Any]) -> list[Any]:
        totals = list(itertools.accumulate(entries, lambda total, entry: sheet.apply(op, total, entry)))
        # Each but the last is used for the next one too: as a result it is a number of its own, with its own gradient.
        return [sheet.apply("alias", total) for total in totals[:-1]] + totals[-1:]

    return transform


def _matmul(sheet: _Sheet, node: Node, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows, columns = np.atleast_2d(x), y[:, None] if y.ndim == 1 else y
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    rows = np.broadcast_to(rows, (*stack, *rows.shape[-2:]))
    columns = np.moveaxis(np.broadcast_to(columns, (*stack, *columns.shape[-2:])), -1, -2)
    places = np.ndindex(*stack, rows.shape[-2], columns.shape[-2])
    return filled(node.shape, [_dot(sheet, rows[(*s, i)], columns[(*s, j)]) for *s, i, j in places])


def _dot(sheet: _Sheet, x: np.ndarray, y: np.ndarray) -> Any:
    return sheet.sum([sheet.apply("mul", *pair) for pair in zip(x, y, strict=True)])


def _einsum(sheet: _Sheet, node: Node, *arrays: np.ndarray) -> np.ndarray:
    left, _, output = node.params["subscripts"].partition("->")
    terms = left.split(",")
    sizes: dict[str, int] = {}
    for letters, array in zip(terms, arrays, strict=True):
        for letter, n in zip(letters, array.shape, strict=True):
            sizes[letter] = max(n, sizes.get(letter, 1)) if n else 0
    summed = [letter for letter in sizes if letter not in output]

    def product(place: dict[str, int]) -> Any:
        factors = [
            array[tuple(place[letter] % n for letter, n in zip(letters, array.shape, strict=True))]  # 1 is broadcast
            for letters, array in zip(terms, arrays, strict=True)
        ]
        return sheet.product(factors)

    entries = []
    for kept in np.ndindex(*(sizes[letter] for letter in output)):
        places = np.ndindex(*(sizes[letter] for letter in summed))
        all_letters = (*output, *summed)
        entries.append(sheet.sum([product(dict(zip(all_letters, (*kept, *place), strict=True))) for place in places]))
    return filled(node.shape, entries)


def _gathered(sheet: _Sheet, node: Node, x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The sum of the entries that come to each place of the result."""
    arriving: list[list[Any]] = [[] for _ in range(math.prod(node.shape))]
    for entry, place in zip(x.ravel(), places.ravel(), strict=True):
        arriving[place].append(entry)
    return filled(node.shape, [sheet.sum(entries) for entries in arriving])


def _sum_to(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
    return _gathered(sheet, node, x, np.broadcast_to(_numbered(node.shape), x.shape))


def _scatter(sheet: _Sheet, node: Node, x: np.ndarray) -> np.ndarray:
    places = _numbered(node.shape)[node.params["index"]]
    return _gathered(sheet, node, np.broadcast_to(x, np.shape(places)), np.asarray(places))


def _numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _number(entry: Any) -> float:
    return entry.data if isinstance(entry, Scalar) else float(entry)


_MOVES = ("reshape", "transpose", "broadcast_to", "roll", "concatenate", "stack", "getitem", "set_at")
SCALAR_FORMS: dict[str, Form] = {
    **dict.fromkeys(_MOVES, _moved),
    **dict.fromkeys(("astype", "to_tensor", "to_scalar"), _same),
    "pad": _padded,
    "sort": _sorted,
    "sum": _reduced(_Sheet.sum),
    "prod": _reduced(_Sheet.product),
    "mean": _reduced(_mean),
    "var": _reduced(_variance),
    "std": _reduced(_deviation),
    "max": _reduced(_extreme("maximum", max)),
    "min": _reduced(_extreme("minimum", min)),
    "norm": _reduced(_length),
    "sum_squares": _reduced(_squares),
    "logsumexp": _reduced(_logsumexp),
    "softmax": _along(_softmax),
    "log_softmax": _along(_log_softmax),
    "cumsum": _along(_running("add")),
    "cumprod": _along(_running("mul")),
    "cross_entropy": _cross_entropy,
    "matmul": _matmul,
    "einsum": _einsum,
    "sum_to": _sum_to,
    "scatter": _scatter,
}
