"""The one walk with a record of every step: what pictures and the debugger show is what the walk did."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .backward_trace import BackwardTrace, RunningSums, Steps
from .graph import Graph, freeze
from .messages import Sent
from .primitive import Primitive
from .reverse import seed, walk
from .tape import Value, no_grad, topological


def backprop(output: Any, cotangent: Any = None) -> BackwardTrace:
    """Walk back from the output and record every step. Pure: no `.grad` is touched.

    The messages are computed again, by the same rules, when a step is looked at; see `BackwardTrace`.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(3.0, name="w"), ad.Scalar(2.0, name="x")
    >>> trace = ad.backprop(w * x)
    >>> trace.steps[0].messages
    (Message(operand=0, local=2.0, message=2.0, total=2.0), Message(operand=1, local=3.0, message=3.0, total=3.0))
    >>> trace.cotangents
    {2: 1.0, 1: 3.0, 0: 2.0}

    Raises GradientError if the output has several elements and no cotangent is given.
    """
    g = seed(output, cotangent)
    with _without_collector():
        return _recorded(output, g)


def _recorded(output: Value, g: Any) -> BackwardTrace:
    values = topological([output])
    nodes, output_ids, ids = freeze([output], values)
    cotangents: dict[int, Any] = {}
    made: list[tuple[Primitive | None, tuple[Any, ...]]] = []
    sums = RunningSums()
    add = sums.add

    def visit(value: Value, g: Any, messages: Sequence[Sent | None], pending: dict[int, Any]) -> None:
        cotangents[ids[value.index]] = g
        for operand in value.operands:
            if isinstance(operand, Value):
                total = pending.get(operand.index)
                if total is not None:
                    add(ids[operand.index], len(made), total)
        made.append((value.primitive, value.saved))

    with np.errstate(all="ignore"), no_grad():
        walk(output, g, (), safe=True, visit=visit, values=values)
    return BackwardTrace(Graph(nodes, output_ids), Steps(nodes, cotangents, made, sums), cotangents)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's cyclic collector pauses: it would look through a growing record again and again, and free nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
