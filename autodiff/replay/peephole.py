"""Pass: a step that a cheaper one can stand in for, one row per case. Each is exact to the last bit."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import kernels
from .program import Program, Slot, Spec, Step, changed


class Before(NamedTuple):
    """What stands before a step: which step made each slot, and which steps read it as their first operand."""

    made: dict[int, Step]
    read_by: dict[int, list[Step]]
    program: Program


# (step, what stands before it) -> the step in its place, the slot that already is the result, or None
Row = Callable[[Step, Before], "Step | int | None"]


def with_cheaper_steps(program: Program) -> Program:
    """The program with the rows of the table applied."""
    before = Before({}, {}, program)
    instead: dict[int, int] = {}
    steps: list[Step] = []

    def current(slot: Slot) -> Slot:
        return Slot(instead.get(slot, slot))

    for step in program.steps:
        step = Step(
            step.kind, step.run, changed(step.args, current), changed(step.options, current), step.outs, step.number
        )
        found = _cheaper(step, before)
        if isinstance(found, int):
            instead[step.outs[0]] = found
            continue
        steps.append(found)
        before.made.update(dict.fromkeys(found.outs, found))
        if found.args and isinstance(found.args[0], Slot):
            before.read_by.setdefault(found.args[0], []).append(found)
    outputs = tuple(instead.get(slot, slot) for slot in program.outputs)
    shares = {slot: instead.get(root, root) for slot, root in program.shares.items()}
    return Program(tuple(steps), program.specs, program.inputs, program.constants, outputs, shares, program.parts)


def _cheaper(step: Step, before: Before) -> Step | int:
    if step.kind == "operation" or step.kind == "call":
        for row in TABLE.get(step.name, ()):
            found = row(step, before)
            if found is not None:
                return found
    return step


def _is(x: Any, number: int, program: Program) -> bool:
    """Whether an operand is this number, everywhere."""
    value: Any = program.constants.get(x) if isinstance(x, Slot) else x
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and bool(value == number)
    return type(value) in (int, float) and bool(value == number)


def _times_one(step: Step, before: Before) -> int | None:
    """1 · x and x · 1, where that is in the form of x."""
    for x, other in (step.args, step.args[::-1]):
        if _is(other, 1, before.program) and isinstance(x, Slot) and _same(before.program, x, step.outs[0]):
            return int(x)
    return None


def _over_one(step: Step, before: Before) -> int | None:
    """x / 1 and x to the power 1."""
    x, other = step.args
    return (
        int(x)
        if _is(other, 1, before.program) and isinstance(x, Slot) and _same(before.program, x, step.outs[0])
        else None
    )


def _sign_of_relu(step: Step, before: Before) -> Step | None:
    """z > 0 holds where relu(z) > 0 does; so z is not needed any more."""
    z, zero = step.args
    if not _is(zero, 0, before.program) or not isinstance(z, Slot):
        return None
    for other in before.read_by.get(z, ()):
        if other.kind == "operation" and other.name == "relu" and _same(before.program, other.outs[0], z):
            return Step(step.kind, step.run, (Slot(other.outs[0]), zero), step.options, step.outs, step.number)
    return None


def _without_onehot(step: Step, before: Before) -> Step | None:
    """x − (labels = 0, 1, ..., k − 1), which is x − 1 at one place of each row."""
    x, onehot = step.args
    equal = before.made.get(onehot) if isinstance(onehot, Slot) else None
    if equal is None or equal.run is not np.equal or before.program.specs[x].dtype not in (np.float32, np.float64):
        return None
    column, classes = equal.args
    labels = before.made.get(column)
    n, k = before.program.specs[x].shape if len(before.program.specs[x].shape) == 2 else (0, 0)
    if labels is None or labels.name != "reshape" or before.program.specs[column].shape != (n, 1):
        return None
    given = labels.args[0]
    if before.program.specs[given].shape != (n,) or not np.array_equal(
        before.program.constants.get(classes, ()), np.arange(k)
    ):
        return None
    if not _in_range(before, given, k):
        return None
    return Step("call", kernels.less_one, (x, np.arange(n), given), {}, step.outs)


def _is_outside(step: Step, before: Before) -> Step | None:
    """Whether a whole number is below 0 or at least n, which one pass tells."""
    either = before.made.get(step.args[0]) if isinstance(step.args[0], Slot) else None
    if step.run is not np.any or step.options or either is None or either.name != "bitwise_or":
        return None
    below, above = (before.made.get(x) for x in either.args)
    if below is None or above is None or below.name != "less" or above.name != "greater_equal":
        return None
    (x, zero), (same, n) = below.args, above.args
    is_one = isinstance(x, Slot) and isinstance(same, Slot) and x == same
    if not is_one or not _is(zero, 0, before.program) or type(n) is not int or n < 0:
        return None
    spec = before.program.specs[x]
    return Step("call", kernels.is_outside, (x, n), {}, step.outs) if spec.dtype == np.int64 and spec.nbytes else None


def _in_range(before: Before, labels: int, k: int) -> bool:
    """Whether the labels are known to be in 0..k−1: `cross_entropy` guards that."""
    asked = [step for step in before.read_by.get(labels, ()) if step.run is kernels.is_outside and step.args[1] == k]
    guards = [guard for step in asked for guard in before.read_by.get(step.outs[0], ())]
    return any(guard.kind == "guard" and not guard.run for guard in guards)


def _same(program: Program, a: int, b: int) -> bool:
    specs: dict[int, Spec] = program.specs
    return specs[a] == specs[b]


TABLE: dict[str, tuple[Row, ...]] = {
    "mul": (_times_one,),
    "div": (_over_one,),
    "pow": (_over_one,),
    "greater": (_sign_of_relu,),
    "gt": (_sign_of_relu,),
    "sub": (_without_onehot,),
    "any": (_is_outside,),
}
