"""Pass: primitives become calls of NumPy functions that write into memory they are given.

One row per primitive that has such a form. Each does what the primitive's forward function does, call by call, so the
numbers are the same to the last bit; a primitive without a row is called as it is.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..ops.index import is_basic
from ..ops.shape import _reshape as reshape
from ..ops.table import OPERATIONS, builtin_names
from ..primitive import Primitive
from ..products import matmul
from . import kernels
from .program import Program, Slot, Spec, Step

Row = Callable[["Builder", Step], Iterator[Step]]


class Builder:
    """Makes the slots between the steps of a row."""

    def __init__(self, specs: dict[int, Spec], shares: dict[int, int]) -> None:
        self.specs, self.shares = specs, shares

    def like(self, slot: int, dtype: Any = None, shape: tuple[int, ...] | None = None) -> int:
        """A new slot for an array like that of another one, lying in C order if it is of another shape or dtype."""
        spec = self.specs[slot]
        dtype = spec.dtype if dtype is None else np.dtype(dtype)
        if (shape is not None and shape != spec.shape) or dtype != spec.dtype:
            spec = Spec.of(np.empty(spec.shape if shape is None else shape, dtype))
        new = len(self.specs)
        self.specs[new] = spec
        return new


def lowered(program: Program) -> Program:
    """The program in steps that are as small as NumPy's functions."""
    specs = dict(program.specs)
    shares = dict(program.shares)
    builder = Builder(specs, shares)
    steps: list[Step] = []
    for step in program.steps:
        row = _row_of(step, specs)
        if row is None:
            steps.append(step)
            continue
        steps.extend(row(builder, step))
    return Program(tuple(steps), specs, program.inputs, program.constants, program.outputs, shares, program.parts)


def _row_of(step: Step, specs: dict[int, Spec]) -> Row | None:
    if step.kind == "call" and step.run is np.any and len(step.args) == 1 and not step.options:
        return _any
    if step.kind != "operation" or step.number or specs[step.outs[0]].dtype is None:
        return None
    primitive: Primitive = step.run
    if isinstance(primitive.forward, np.ufunc):
        return _ufunc if primitive.forward.nout == 1 else None
    name = primitive.name
    if OPERATIONS.get(name) is not primitive or name not in builtin_names():
        return None
    arrays = [isinstance(x, Slot) and specs[x].dtype is not None for x in step.args]
    return TABLE.get(name) if any(arrays[:1]) or name in OF_ANY else None


def call(function: Any, *args: Any, out: int, **options: Any) -> Step:
    """A step that fills a slot."""
    return Step("call", function, args, options, (out,))


def _ufunc(new: Builder, step: Step) -> Iterator[Step]:
    yield call(step.run.forward, *step.args, out=step.outs[0])


def _any(new: Builder, step: Step) -> Iterator[Step]:
    yield call(kernels.ANY, step.args[0], out=step.outs[0], axis=None)


def _relu(new: Builder, step: Step) -> Iterator[Step]:
    yield call(np.maximum, step.args[0], 0, out=step.outs[0])


def _reduction(function: Any) -> Row:
    def row(new: Builder, step: Step) -> Iterator[Step]:
        axis, keepdims = step.options["axis"], step.options["keepdims"]
        yield call(function, step.args[0], out=step.outs[0], axis=axis, keepdims=keepdims)

    return row


def _mean(new: Builder, step: Step) -> Iterator[Step]:
    spec, axis, keepdims = new.specs[step.args[0]], step.options["axis"], step.options["keepdims"]
    axes = range(len(spec.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    count = int(np.prod([spec.shape[i] for i in axes], dtype=int))
    if spec.dtype not in (np.float32, np.float64) or not count:  # half precision is added up in single
        yield step
        return
    options = {"axis": axis, "keepdims": keepdims, "count": np.intp(count)}
    yield Step("call", kernels.mean_into, step.args, options, step.outs)


def _sum_to(new: Builder, step: Step) -> Iterator[Step]:
    """The sum over the axes that are too many or were stretched, each left as one of size 1, or gone."""
    (x,) = step.args
    (out,) = step.outs
    shape, target = new.specs[x].shape, step.options["shape"]
    extra = len(shape) - len(target)
    stretched = tuple(i for i, n in enumerate(target, extra) if n == 1 and shape[i] != 1)
    axes = (*range(extra), *stretched)
    if not axes or (stretched and extra):
        yield step
    elif extra:
        yield call(kernels.SUM, x, out=out, axis=axes)
    else:
        yield call(kernels.SUM, x, out=out, axis=axes, keepdims=True)


def _where(new: Builder, step: Step) -> Iterator[Step]:
    condition = step.args[0]
    if isinstance(condition, Slot) and new.specs[condition].dtype == bool:
        yield call(kernels.where_into, *step.args, out=step.outs[0])
    else:
        yield step


def _astype(new: Builder, step: Step) -> Iterator[Step]:
    yield call(kernels.cast_into, step.args[0], out=step.outs[0])


def _sigmoid(new: Builder, step: Step) -> Iterator[Step]:
    (x,) = step.args
    (out,) = step.outs
    e, is_positive, numerator = new.like(out), new.like(out, bool), new.like(out)
    yield call(np.absolute, x, out=(size := new.like(out)))
    yield call(np.negative, Slot(size), out=(minus := new.like(out)))
    yield call(np.exp, Slot(minus), out=e)
    yield call(np.greater_equal, x, 0, out=is_positive)
    yield call(kernels.where_into, Slot(is_positive), 1, Slot(e), out=numerator)
    yield call(np.add, 1, Slot(e), out=(denominator := new.like(out)))
    yield call(np.divide, Slot(numerator), Slot(denominator), out=out)


def _shifted(new: Builder, x: Slot, axis: int) -> tuple[list[Step], Slot, tuple[int, ...]]:
    """x less its maximum along an axis."""
    shape = new.specs[x].shape
    axis %= len(shape)
    one = tuple(1 if i == axis % len(shape) else n for i, n in enumerate(shape))
    top, shifted = new.like(x, shape=one), new.like(x)
    steps = [
        call(kernels.MAX, x, out=top, axis=axis, keepdims=True),
        call(np.subtract, x, Slot(top), out=shifted),
    ]
    return steps, Slot(shifted), one


def _softmax(new: Builder, step: Step) -> Iterator[Step]:
    axis = step.options["axis"] % len(new.specs[step.args[0]].shape)
    steps, shifted, one = _shifted(new, step.args[0], axis)
    yield from steps
    e, total = new.like(step.outs[0]), new.like(step.outs[0], shape=one)
    yield call(np.exp, shifted, out=e)
    yield call(kernels.SUM, Slot(e), out=total, axis=axis, keepdims=True)
    yield call(np.divide, Slot(e), Slot(total), out=step.outs[0])


def _log_softmax(new: Builder, step: Step) -> Iterator[Step]:
    axis = step.options["axis"] % len(new.specs[step.args[0]].shape)
    steps, shifted, one = _shifted(new, step.args[0], axis)
    yield from steps
    e, total, log = new.like(shifted), new.like(shifted, shape=one), new.like(shifted, shape=one)
    yield call(np.exp, shifted, out=e)
    yield call(kernels.SUM, Slot(e), out=total, axis=axis, keepdims=True)
    yield call(np.log, Slot(total), out=log)
    yield call(np.subtract, shifted, Slot(log), out=step.outs[0])


def _cross_entropy(new: Builder, step: Step) -> Iterator[Step]:
    logits, labels = step.args
    n = new.specs[logits].shape[0]
    steps, shifted, _ = _shifted(new, logits, 1)
    yield from steps
    e, totals = new.like(logits), new.like(logits, shape=(n, 1))
    yield call(np.exp, shifted, out=e)
    yield call(kernels.SUM, Slot(e), out=totals, axis=1, keepdims=True)
    total, log, chosen, losses = (new.like(logits, shape=(n,)) for _ in range(4))
    new.shares[total] = totals
    yield Step("operation", reshape, (Slot(totals),), {"shape": (n,)}, (total,))
    yield call(np.log, Slot(total), out=log)
    yield Step("call", _chosen, (shifted, np.arange(n), labels), {}, (chosen,))
    yield call(np.subtract, Slot(log), Slot(chosen), out=losses)
    mean = {"axis": None, "keepdims": False, "count": np.intp(n)}
    yield Step("call", kernels.mean_into, (Slot(losses),), mean, step.outs)


def _chosen(rows: Any, places: Any, labels: Any) -> Any:
    return rows[places, labels]


def _scatter(new: Builder, step: Step) -> Iterator[Step]:
    index = step.options["index"]
    function = kernels.scatter_slice_into if is_basic(index) else kernels.scatter_into
    yield call(function, step.args[0], index, out=step.outs[0])


def _scan(function: Any) -> Row:
    def row(new: Builder, step: Step) -> Iterator[Step]:
        yield call(function, step.args[0], out=step.outs[0], axis=step.options["axis"])

    return row


OF_ANY = {"where"}
TABLE: dict[str, Row] = {
    "relu": _relu,
    "sigmoid": _sigmoid,
    "where": _where,
    "astype": _astype,
    "sum": _reduction(kernels.SUM),
    "prod": _reduction(kernels.PROD),
    "max": _reduction(kernels.MAX),
    "min": _reduction(kernels.MIN),
    "mean": _mean,
    "sum_to": _sum_to,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "cross_entropy": _cross_entropy,
    "scatter": _scatter,
    "matmul": lambda new, step: iter([call(matmul, *step.args, out=step.outs[0])]),
    "cumsum": _scan(np.cumsum),
    "cumprod": _scan(np.cumprod),
}
