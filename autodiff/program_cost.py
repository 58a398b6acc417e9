"""What a computation and its backward pass take as one compiled program, step by step: the other half of the ledger.

Counted as in `arithmetic`, so that the numbers can be compared: what `compile` leaves out, does once for several, or
only shows in another way, a view, is not counted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from .arithmetic import COUNTS, Amount, Count, flops, nbytes
from .errors import AutodiffError
from .replay import Plan, Program, Slot, Step, compile
from .reverse import cotangents_of
from .stopwatch import median_seconds

WORK = ("operation", "call", "draw")
# NumPy's functions that count as an operation does. Of those not here, a ufunc does one thing per number of its result.
CALLS: dict[str, Count] = {
    "matmul": COUNTS["matmul"],
    "less_one": lambda operands, out, params: np.size(operands[2]),
    "ptp": COUNTS["norm"],  # the largest and the smallest
    **{
        name: COUNTS[operation]
        for operation, names in {
            "sum": (
                *("add.reduce", "maximum.reduce", "minimum.reduce", "multiply.reduce", "mean_into", "sum", "max"),
                *("min", "cumsum", "cumprod", "scatter_into", "scatter_slice_into"),
            ),
            "sort": ("sort", "argsort", "argpartition", "partition", "quantile", "median"),
            "where": (
                *(
                    "where",
                    "where_into",
                    "bits_of",
                    "selected",
                    "is_outside",
                    "cast_into",
                    "copy_into",
                    "_chosen",
                    "take",
                ),
                *("take_along_axis", "logical_or.reduce", "any", "all"),
            ),
        }.items()
        for name in names
    },
}


@dataclass(frozen=True)
class StepCost:
    """What one step of a program takes, by its number in the plan."""

    number: int
    name: str
    amount: Amount


@dataclass(frozen=True)
class ProgramCost:
    """What a forward and a backward pass take together as a program.

    plan       what is done when, and in which memory
    steps      counted, but for views and for what is no arithmetic
    seconds    measured of a replay, the median of several
    uncounted  the functions of which no formula is known
    """

    plan: Plan
    steps: tuple[StepCost, ...]
    seconds: float
    uncounted: tuple[str, ...]

    @property
    def total(self) -> Amount:
        """Counted of all steps."""
        return reduce(add, (step.amount for step in self.steps), Amount())

    @property
    def memory(self) -> int:
        """Bytes that the plan reserves; `lent` of them leave the program as results and gradients."""
        return self.plan.nbytes

    @property
    def lent(self) -> int:
        """Bytes of the results and gradients."""
        return self.plan.lent


def program_cost(record: Callable[[], Any], repeats: int) -> ProgramCost | str:
    """What the passes of a recorded number take as a program; or why they are none, in words.

    record   a function without arguments that records a Scalar or Tensor with one element
    repeats  how often it is measured

    >>> import autodiff as ad
    >>> found = program_cost(lambda: ad.sin(ad.Scalar(2.0, name="x")) * 3, repeats=1)
    >>> [(step.name, step.amount.flops) for step in found.steps]
    [('sin', 1), ('mul', 1), ('cos', 1), ('mul', 1)]
    """
    runs = 0

    def passes() -> Any:
        nonlocal runs
        runs += 1
        out = record()
        return out.data, tuple(cotangent for _, cotangent in cotangents_of(out, None, None) or ())

    program = compile(passes)
    try:
        program()
    except AutodiffError as error:
        return str(error)
    if not program.plans:
        return "compile: the function cannot be replayed"
    program()
    before = runs
    seconds = median_seconds(program, repeats)
    if runs > before:
        return "compile: a derivative is not finite, so each call is done without the program"
    plan, uncounted = program.plan, list[str]()
    steps = tuple(
        StepCost(number, step.full_name, _amount(step, plan.program, uncounted))
        for number, step in enumerate(plan.program.steps)
        if step.kind in WORK and step.outs and step.outs[0] not in plan.program.shares
    )
    return ProgramCost(plan, steps, seconds, tuple(dict.fromkeys(uncounted)))


def _amount(step: Step, program: Program, uncounted: list[str]) -> Amount:
    done = 0
    for part in step.fused or (step,):
        operands = [_stand_in(x, program) for x in part.args]
        count = _flops(part, operands, _stand_in(Slot(part.outs[0]), program))
        if count is None:
            uncounted.append(part.full_name)
        done += count or 0
    plain = (x for x in step.args if isinstance(x, np.ndarray | int | float) and not isinstance(x, Slot))
    read = [*map(Slot, step.reads), *plain]  # slots may be in tuples too
    return Amount(done, _bytes(read, program), _bytes(map(Slot, step.outs), program))


def _bytes(things: Iterable[Any], program: Program) -> int:
    return sum(nbytes(_stand_in(x, program)) for x in things)


def _flops(step: Step, operands: list[Any], out: Any) -> int | None:
    if step.kind == "operation":
        return flops(step.run, operands, out, step.options)
    if step.full_name in CALLS:
        return round(CALLS[step.full_name](operands, out, {}))
    if step.kind == "draw" or step.number:
        return 0
    if isinstance(step.run, np.ufunc):
        return int(np.size(out)) if getattr(out, "dtype", np.dtype(float)).kind == "f" else 0
    return None


def _stand_in(x: Any, program: Program) -> Any:
    """An operand by its size: an array of that shape without memory, or a number."""
    if not isinstance(x, Slot):
        return x
    spec = program.specs[x]
    return 0.0 if spec.dtype is None else np.broadcast_to(np.zeros((), spec.dtype), spec.shape)
