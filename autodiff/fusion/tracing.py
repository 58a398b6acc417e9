"""The formula of NumPy code that works number by number and changes arrays in place, read off by running it.

The code is run on stand-ins for arrays, which write down what NumPy is asked to do with them. That takes some
microseconds for each operation; the formula is put together only where the code does what it has not done before.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .formula import Form, Formula, Line, Operand, Result
from .llvm_text import COMPARISONS, OF_TRUTH, OPERATIONS


class NotElementwiseError(Exception):
    """The code does what a formula cannot say. Whoever traces it runs the code on arrays instead."""


class Traced(NamedTuple):
    """What `traced` gives.

    formula  its operands are the arrays that are read, each once, then the numbers; its results those that are changed
    reads    which arrays are read, in the order of the operands
    writes   which arrays are changed, in the order of the results
    numbers  what the code calculates with besides, in the order of the last operands
    """

    formula: Formula
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    numbers: list[float]


class _Trace:
    """What has been done: each line is a ufunc and the places of its operands.

    A place is that of an array, or of a line counted on from there; a number has -1, -2, ...
    """

    def __init__(self, arrays: int) -> None:
        self.count = arrays  # of places
        self.lines: list[tuple[Any, ...]] = []
        self.numbers: list[float] = []

    def done(self, ufunc: np.ufunc, args: tuple[Any, ...], out: Any) -> Any:
        line: list[Any] = [ufunc]
        for x in args:
            if type(x) is StandIn:
                line.append(x.place)
            elif type(x) is float or type(x) is int:  # NumPy's own have a dtype, which would decide that of the result
                self.numbers.append(x)
                line.append(-len(self.numbers))
            else:
                raise NotElementwiseError
        if out is None:
            out = StandIn(self, None)
        elif type(out) is not StandIn:
            raise NotElementwiseError
        self.lines.append(tuple(line))
        out.place = self.count
        self.count += 1
        return out


class StandIn(NDArrayOperatorsMixin):
    """Stands for an array: it holds the place of what the array holds at this point of the code."""

    __slots__ = ("place", "trace")

    def __init__(self, trace: _Trace, place: int | None) -> None:
        self.trace, self.place = trace, place

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options or (out is not None and len(out) != 1):
            raise NotElementwiseError
        return self.trace.done(ufunc, args, None if out is None else out[0])

    def _refused(self, *args: Any, **options: Any) -> Any:
        raise NotElementwiseError

    __array_function__ = __array__ = __bool__ = __float__ = __int__ = __len__ = __iter__ = __getitem__ = _refused
    __setitem__ = __getattr__ = _refused


# What formulas are mostly made of: the mixin's own way, through NumPy's dispatch, takes three times as long.
for _name, _ufunc in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide}.items():
    setattr(StandIn, f"__{_name}__", lambda self, other, f=_ufunc: self.trace.done(f, (self, other), None))
    setattr(StandIn, f"__i{_name}__", lambda self, other, f=_ufunc: self.trace.done(f, (self, other), self))


def traced(code: Callable[..., Any], arrays: int, dtype: str, scratch: int = 0) -> Traced:
    """The formula of `code(*stand_ins)`: of so many arrays of a dtype, then so many that hold nothing of interest.

    >>> def update(p, g, s):
    ...     np.multiply(g, 0.1, out=s)
    ...     p -= s
    >>> found = traced(update, 2, "f4", scratch=1)
    >>> [line.operation for line in found.formula.lines], found.writes, found.numbers
    (['multiply', 'subtract'], (0,), [0.1])

    Raises NotElementwiseError if the code does anything but NumPy's elementwise operations.
    """
    trace = _Trace(arrays)
    stand_ins = [StandIn(trace, place) for place in range(arrays)]
    code(*stand_ins, *(StandIn(trace, None) for _ in range(scratch)))
    ends = tuple([x.place for x in stand_ins])
    formula, reads, writes = _assembled(arrays, tuple(trace.lines), ends, len(trace.numbers), dtype)
    return Traced(formula, reads, writes, trace.numbers)


@cache
def _assembled(
    arrays: int, lines: tuple[tuple[Any, ...], ...], ends: tuple[int, ...], numbers: int, dtype: str
) -> tuple[Formula, tuple[int, ...], tuple[int, ...]]:
    """The formula, and which arrays are read and written."""
    writes = tuple(k for k, place in enumerate(ends) if place != k)
    used = {place for line in lines for place in line[1:]} | {ends[k] for k in writes}
    if None in used or not writes:
        raise NotElementwiseError
    reads = tuple(k for k in range(arrays) if k in used)
    order = [*reads, *range(-1, -numbers - 1, -1), *range(arrays, arrays + len(lines))]
    value = {place: k for k, place in enumerate(order)}
    dtypes = dict.fromkeys(order, dtype)
    done = tuple(_lines(arrays, lines, dtypes, value, dtype))
    if any(dtypes[ends[k]] != dtype for k in writes):
        raise NotElementwiseError
    operands = [Operand(Form.EACH, dtype)] * len(reads) + [Operand(Form.NUMBER, dtype)] * numbers
    return Formula(tuple(operands), done, tuple(Result(value[ends[k]]) for k in writes)), reads, writes


def _lines(
    arrays: int, lines: tuple[tuple[Any, ...], ...], dtypes: dict[int, str], value: dict[int, int], dtype: str
) -> Iterator[Line]:
    for place, (ufunc, *args) in enumerate(lines, arrays):
        name = ufunc.__name__
        kind = "b1" if name in OF_TRUTH else dtype
        if name not in OPERATIONS or any(dtypes[arg] != kind for arg in args):
            raise NotElementwiseError
        if name in COMPARISONS or name in OF_TRUTH:
            dtypes[place] = "b1"
        yield Line(name, tuple(value[arg] for arg in args), dtypes[place])
