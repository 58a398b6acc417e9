"""The table of batching rules: how each operation is done for a whole batch of examples at once.

A rule gets the operands as they are for all examples, those that differ from example to example (`mapped`) with the
examples along axis 0, and computes the results with the examples along axis 0, in the engine's own operations. An
elementwise operation needs no row: its operands are given equal numbers of axes. One without a row is computed example
by example.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import OperandError, ShapeError
from ..ops.contraction import LETTERS
from ..ops.elementwise import where
from ..ops.exponentials import log_softmax
from ..ops.index import getitem, scatter, set_at
from ..ops.join import stack
from ..ops.reduce import mean, sum
from ..ops.shape import broadcast_to, normal_axes, reshape, swap_last
from ..ops.table import OPERATIONS, builtin_names
from ..primitive import Elementwise, Primitive
from .index import place_of
from .operand import Operand, unbatched

Batching = Callable[[Primitive, Sequence[Operand], dict[str, Any], int], Any]


class Row(NamedTuple):
    """A rule: (primitive, operands, params, number of examples) -> result with the examples along axis 0.

    whole  whether the derivative is that of the rule, taken for all examples at once. Else the operation's own
           derivative rules are batched in their turn, operation by operation; one that looks at the numbers themselves,
           to sort them or to branch on them, is for one example and cannot be.
    """

    rule: Batching
    whole: bool = False


def row_of(primitive: Primitive) -> Row | None:
    """The row of an operation; None if it is to be computed example by example."""
    if isinstance(primitive, Elementwise):
        return ELEMENTWISE
    row = TABLE.get(primitive.name)
    # A user's operation may bear the name of a built-in one that is not loaded.
    return row if row and OPERATIONS.get(primitive.name) is primitive and primitive.name in builtin_names() else None


def example_by_example(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The rule of an operation that has none: a loop over the examples."""
    if size == 0:
        raise OperandError(f"vmap: {primitive.name} has no batching rule, and without examples its result has no shape")

    def one(i: int) -> Any:
        return primitive(*(x.example(i) for x in operands), **unbatched(params, lambda x: x.example(i)))

    return stack([one(i) for i in range(size)])


def _elementwise(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    ndim = max(len(x.shape) for x in operands)
    return primitive(*(x.ranked(ndim) for x in operands), **params)


def _as_it_is(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """For an operation that takes stacks: the examples are one more axis of the stack."""
    (x,) = operands
    return primitive(x.value, **params)


def _axes(primitive: Primitive, x: Operand, axis: Any) -> tuple[int, ...]:
    """The axes of an example, as axes of the batch."""
    return tuple(i + 1 for i in normal_axes(primitive.name, x.stand_in(), axis))


def _along_axes(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A reduction over the axes given, all by default."""
    (x,) = operands
    if not x.shape:  # of numbers, NumPy takes axes that are not there
        params = {key: value for key, value in params.items() if key != "keepdims"}
        return primitive(reshape(x.value, (size, 1)), **{**params, "axis": 1}, keepdims=False)
    return primitive(x.value, **{**params, "axis": _axes(primitive, x, params["axis"])})


def _along_axis(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A result of x's own shape, computed along one axis."""
    (x,) = operands
    if not x.shape:
        return reshape(primitive(reshape(x.value, (size, 1)), **{**params, "axis": 1}), (size,))
    return primitive(x.value, **{**params, "axis": _axes(primitive, x, params["axis"])[0]})


def _roll(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    shift, axis = params["shift"], params["axis"]
    if axis is None:  # as if flattened
        rows = reshape(x.value, (size, math.prod(x.shape)))
        return reshape(primitive(rows, shift=int(np.sum(shift)), axis=1), (size, *x.shape))
    return primitive(x.value, shift=shift, axis=tuple(_axes(primitive, x, a)[0] for a in _listed(axis)))


def _pad(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    of_batch: dict[str, Any] = {key: ((0, 0), *pairs) for key, pairs in params.items()}
    return primitive(x.value, **of_batch)


def _reshape(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    shape = tuple(params["shape"])
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and math.prod(x.shape) % known == 0:
        shape = tuple(math.prod(x.shape) // known if n == -1 else n for n in shape)
    elif -1 in shape or math.prod(shape) != math.prod(x.shape):
        primitive.evaluate(x.stand_in(), **params)  # raises, with the shape of one example
    return primitive(x.value, shape=(size, *shape))


def _transpose(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    return primitive(x.value, axes=(0, *_axes(primitive, x, params["axes"])))


def _broadcast_to(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    shape = tuple(params["shape"])
    if len(shape) < len(x.shape):
        primitive.evaluate(x.stand_in(), shape=shape)  # raises
    return primitive(x.ranked(len(shape)), shape=(size, *shape))


def _sum_to(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    shape = tuple(params["shape"])
    kept = (size, *(1,) * (len(x.shape) - len(shape)), *shape)
    out = primitive(x.value, shape=kept)
    return out if kept == (size, *shape) else reshape(out, (size, *shape))


def _concatenate(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (axis,) = normal_axes(primitive.name, operands[0].stand_in(), params["axis"])
    return primitive(*(x.wide(size) for x in operands), axis=axis + 1)


def _stack(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    one_more = np.broadcast_to(0, (1, *operands[0].shape))
    (axis,) = normal_axes(primitive.name, one_more, params["axis"])
    return primitive(*(x.wide(size) for x in operands), axis=axis + 1)


def _matmul(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    x, y = operands
    if not x.shape or not y.shape or x.shape[-1] != y.shape[-2:][0]:
        primitive.evaluate(x.stand_in(), y.stand_in())  # raises, with the shapes of one example
    if not y.mapped and len(y.shape) <= 2:  # the rows of all examples in one product
        rows = reshape(x.value, (size * math.prod(x.shape[:-1]), x.shape[-1])) if len(x.shape) > 1 else x.value
        out = primitive(rows, y.value)
        return reshape(out, (size, *x.shape[:-1], *y.shape[1:])) if len(x.shape) > 1 else out
    if not x.mapped and len(x.shape) <= 2 and len(y.shape) == 1:
        return primitive(y.value, swap_last(x.value) if len(x.shape) == 2 else x.value)
    row, column = len(x.shape) == 1, len(y.shape) == 1
    of_x, of_y = ((1, *x.shape) if row else x.shape), ((*y.shape, 1) if column else y.shape)
    ndim = max(len(of_x), len(of_y))
    left, right = _stacked(x, of_x, ndim, size), _stacked(y, of_y, ndim, size)
    outer_product = of_x[-1] == 1 and x.mapped and y.mapped  # NumPy is slow at stacks of these
    out = left * right if outer_product else primitive(left, right)
    return _without(out, ([-2] if row else []) + ([-1] if column else []))


def _solve(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    a, b = operands
    if not b.shape:
        raise ShapeError(f"solve: operand shapes {a.shape} and {b.shape}: the right-hand side is a number")
    column = len(b.shape) == 1
    of_b = (*b.shape, 1) if column else b.shape
    ndim = max(len(a.shape), len(of_b))
    out = primitive(_stacked(a, a.shape, ndim, size), _stacked(b, of_b, ndim, size))
    return _without(out, [-1] if column else [])


def _stacked(x: Operand, shape: tuple[int, ...], ndim: int, size: int) -> Any:
    """The operand as matrices of this shape per example, which broadcast against others of `ndim` axes."""
    full = (size, *(1,) * (ndim - len(shape)), *shape) if x.mapped else shape
    return x.value if full == np.shape(x.value) else reshape(x.value, full)


def _without(x: Any, axes: list[int]) -> Any:
    """x without these axes of size 1, counted from the last."""
    shape = np.shape(x)
    gone = {axis % len(shape) for axis in axes}
    return reshape(x, tuple(n for i, n in enumerate(shape) if i not in gone)) if axes else x


def _einsum(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    left, _, output = params["subscripts"].partition("->")
    free = next((letter for letter in LETTERS if letter not in left), None)
    if free is None:
        return NotImplemented
    inputs = ",".join(free * x.mapped + term for x, term in zip(operands, left.split(","), strict=True))
    return primitive(*(x.value for x in operands), **{**params, "subscripts": f"{inputs}->{free}{output}"})


def _getitem(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    place = place_of(params["index"], x.shape, size, x.mapped)
    return NotImplemented if place is None else place.sorted(getitem(x.value, place.at))


def _scatter(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (g,) = operands
    place = place_of(params["index"], params["shape"], size, True)
    if place is None:
        return NotImplemented
    return scatter(place.unsorted(g.wide(size)), place.at, (size, *params["shape"]))


def _set_at(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    x, value = operands
    index = params["index"]
    if any(isinstance(part, Operand) for part in (index if isinstance(index, tuple) else (index,))):
        return NotImplemented  # the rule of the value looks for the last setting of each element
    place = place_of(index, x.shape, size, True)
    if place is None:
        return NotImplemented
    part = np.shape(getitem(np.broadcast_to(True, x.shape), index))
    if len(value.shape) > len(part):
        primitive.evaluate(x.stand_in(), value.stand_in(), **params)  # raises
    whole = broadcast_to(value.ranked(len(part)), (size, *part))
    return set_at(x.wide(size), place.at, place.unsorted(whole))


def _sum_squares(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = operands
    return sum(x.value * x.value, tuple(range(1, len(x.shape) + 1)))


def _cross_entropy(primitive: Primitive, operands: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    logits, labels = operands
    classes = reshape(labels.value, (*np.shape(labels.value), 1))
    chosen = _data(classes) == np.arange(logits.shape[-1])
    return -mean(sum(where(chosen, log_softmax(logits.value), 0), -1), -1)


def _data(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else x.data


def _listed(axis: Any) -> Iterable[int]:
    return (axis,) if isinstance(axis, int) else axis


ELEMENTWISE = Row(_elementwise)
TABLE: dict[str, Row] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "var", "std", "norm", "logsumexp"), Row(_along_axes)),
    **dict.fromkeys(("cumsum", "cumprod", "softmax", "log_softmax"), Row(_along_axis)),
    **dict.fromkeys(("astype", "cholesky", "inv", "pinv"), Row(_as_it_is)),
    **dict.fromkeys(("det", "slogdet", "eigh", "svd", "qr"), Row(_as_it_is, whole=True)),
    **dict.fromkeys(("median", "quantile"), Row(_along_axes, whole=True)),
    "sort": Row(_along_axis, whole=True),
    "roll": Row(_roll),
    "pad": Row(_pad),
    "reshape": Row(_reshape),
    "transpose": Row(_transpose),
    "broadcast_to": Row(_broadcast_to),
    "sum_to": Row(_sum_to),
    "concatenate": Row(_concatenate),
    "stack": Row(_stack),
    "matmul": Row(_matmul),
    "solve": Row(_solve),
    "einsum": Row(_einsum),
    "getitem": Row(_getitem),
    "scatter": Row(_scatter),
    "set_at": Row(_set_at),
    "sum_squares": Row(_sum_squares),
    "cross_entropy": Row(_cross_entropy),
}
