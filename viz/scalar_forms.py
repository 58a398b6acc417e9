"""The scalar form of each operation that is not elementwise: what it does to arrays of entries, one row per operation.

An entry is a Scalar, or a float where nothing is tracked. The sheet makes new ones.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff import Node, Scalar
from autodiff.ops.table import OPERATIONS

if TYPE_CHECKING:
    from .unrolling import Sheet

SAFE_EXPONENT = 30.0  # larger numbers are shifted before exp: exactly, as the softmax family does not change by it

Form = Callable[..., np.ndarray]  # (sheet, node, *arrays of entries) -> the entries of the node


def filled(shape: tuple[int, ...], entries: Sequence[Any]) -> np.ndarray:
    """An array of these objects, one after the other."""
    array = np.empty(len(entries), dtype=object)
    for place, entry in enumerate(entries):
        array[place] = entry
    return array.reshape(shape)


def _moved(sheet: "Sheet", node: Node, *arrays: np.ndarray) -> np.ndarray:
    """An operation that only moves its entries: done on their numbers instead, which tell where each of them went."""
    starts = np.cumsum([0, *(x.size for x in arrays)])
    numbered = [_numbered(x.shape) + start for x, start in zip(arrays, starts, strict=False)]
    places = np.ravel(OPERATIONS[node.op].evaluate(*numbered, **node.params))
    entries = [entry for x in arrays for entry in x.ravel()]
    return filled(node.shape, [entries[place] for place in places])


def _padded(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
    return filled(node.shape, list(np.ravel(OPERATIONS[node.op].evaluate(x, **node.params))))


def _same(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
    return x


def _sorted(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
    values = sheet.graph.nodes[node.operands[0]].value
    order = np.argsort(values, axis=node.params["axis"], kind="stable")
    return np.take_along_axis(x, order, node.params["axis"])


def _reduced(reduce: Callable[..., Any]) -> Form:
    """A reduction over axes, by what it does to the entries of one slice: (sheet, entries, **other params) -> entry."""

    def form(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
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

    def form(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
        axis = node.params["axis"]
        last = np.moveaxis(x, axis, -1)
        rows = [entry for entries in last.reshape(-1, last.shape[-1]) for entry in transform(sheet, entries)]
        return np.moveaxis(filled(last.shape, rows), -1, axis)

    return form


def _mean(sheet: "Sheet", entries: Sequence[Any]) -> Any:
    return sheet.apply("div", sheet.sum(entries), float(len(entries))) if len(entries) != 1 else entries[0]


def _variance(sheet: "Sheet", entries: Sequence[Any], ddof: float) -> Any:
    middle = _mean(sheet, entries)
    squares = [sheet.square(sheet.apply("sub", entry, middle)) for entry in entries]
    return sheet.apply("div", sheet.sum(squares), float(max(len(entries) - ddof, 0)))


def _deviation(sheet: "Sheet", entries: Sequence[Any], ddof: float) -> Any:
    if len({_number(entry) for entry in entries}) == 1:
        return 0.0  # the root's derivative is infinite there; that of the deviation is decided to be 0
    return sheet.apply("sqrt", _variance(sheet, entries, ddof))


def _length(sheet: "Sheet", entries: Sequence[Any]) -> Any:
    if not any(_number(entry) for entry in entries):
        return 0.0  # as for the deviation
    return sheet.apply("sqrt", _squares(sheet, entries))


def _squares(sheet: "Sheet", entries: Sequence[Any]) -> Any:
    return sheet.sum([sheet.square(entry) for entry in entries])


def _extreme(op: str, best: Callable[[Sequence[float]], float]) -> Callable[..., Any]:
    """max or min, two by two. Tied extremes are taken as their mean: so they share the gradient evenly."""

    def reduce(sheet: "Sheet", entries: Sequence[Any]) -> Any:
        top = best([_number(entry) for entry in entries])
        tied = [entry for entry in entries if _number(entry) == top]
        others = [entry for entry in entries if _number(entry) != top]
        return sheet.folded(op, [*([_mean(sheet, tied)] if tied else []), *others], math.nan)

    return reduce


def _logsumexp(sheet: "Sheet", entries: Sequence[Any]) -> Any:
    shift = _shift(entries)
    total = sheet.apply("log", sheet.sum(_exponentials(sheet, entries, shift)))
    return sheet.apply("add", total, shift) if shift else total


def _softmax(sheet: "Sheet", entries: Sequence[Any]) -> list[Any]:
    powers = _exponentials(sheet, entries, _shift(entries))
    total = sheet.sum(powers)
    return [sheet.apply("div", power, total) for power in powers]


def _log_softmax(sheet: "Sheet", entries: Sequence[Any]) -> list[Any]:
    total = _logsumexp(sheet, entries)
    return [sheet.apply("sub", entry, total) for entry in entries]


def _exponentials(sheet: "Sheet", entries: Sequence[Any], shift: float) -> list[Any]:
    shifted = [sheet.apply("sub", entry, shift) if shift else entry for entry in entries]
    return [sheet.apply("exp", entry) for entry in shifted]


def _shift(entries: Sequence[Any]) -> float:
    """What to subtract so that no exponential overflows: 0 as long as none would, to keep the formula plain."""
    numbers = [_number(entry) for entry in entries]
    top = max(numbers, default=0.0)
    return top if math.isfinite(top) and max(map(abs, numbers)) > SAFE_EXPONENT else 0.0


def _cross_entropy(sheet: "Sheet", node: Node, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    chosen = np.asarray(sheet.graph.nodes[node.operands[1]].value)
    rows = zip(logits, chosen, strict=True)
    losses = [sheet.apply("sub", _logsumexp(sheet, row), row[int(chosen)]) for row, chosen in rows]
    return filled((), [_mean(sheet, losses)])


def _running(op: str) -> Callable[..., list[Any]]:
    def transform(sheet: "Sheet", entries: Sequence[Any]) -> list[Any]:
        totals = list(itertools.accumulate(entries, lambda total, entry: sheet.apply(op, total, entry)))
        # Each but the last is used for the next one too: as a result it is a number of its own, with its own gradient.
        return [sheet.apply("alias", total) for total in totals[:-1]] + totals[-1:]

    return transform


def _matmul(sheet: "Sheet", node: Node, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows, columns = np.atleast_2d(x), y[:, None] if y.ndim == 1 else y
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    rows = np.broadcast_to(rows, (*stack, *rows.shape[-2:]))
    columns = np.moveaxis(np.broadcast_to(columns, (*stack, *columns.shape[-2:])), -1, -2)
    places = np.ndindex(*stack, rows.shape[-2], columns.shape[-2])
    return filled(node.shape, [_dot(sheet, rows[(*s, i)], columns[(*s, j)]) for *s, i, j in places])


def _dot(sheet: "Sheet", x: np.ndarray, y: np.ndarray) -> Any:
    return sheet.sum([sheet.apply("mul", *pair) for pair in zip(x, y, strict=True)])


def _einsum(sheet: "Sheet", node: Node, *arrays: np.ndarray) -> np.ndarray:
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


def _gathered(sheet: "Sheet", node: Node, x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The sum of the entries that come to each place of the result."""
    arriving: list[list[Any]] = [[] for _ in range(math.prod(node.shape))]
    for entry, place in zip(x.ravel(), places.ravel(), strict=True):
        arriving[place].append(entry)
    return filled(node.shape, [sheet.sum(entries) for entries in arriving])


def _sum_to(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
    return _gathered(sheet, node, x, np.broadcast_to(_numbered(node.shape), x.shape))


def _scatter(sheet: "Sheet", node: Node, x: np.ndarray) -> np.ndarray:
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
    "sum": _reduced(lambda sheet, entries: sheet.sum(entries)),
    "prod": _reduced(lambda sheet, entries: sheet.product(entries)),
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
