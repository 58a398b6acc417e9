"""Steps of a plan in words: what a step does, when, what it fetches from outside and what it changes there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autodiff.replay import Slot, Step
from autodiff.tape import Value

from .kernel_notation import argument, sign_of, written
from .notation import shorten

MOST_NAMES = 4  # in a row


def counted(count: int, what: str) -> str:
    """
    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def numbers_of(numbers: Sequence[int]) -> str:
    """The numbers of steps, those in a row by the first and the last.

    >>> numbers_of([2, 4, 5, 6, 9]), numbers_of([3])
    ('2, 4–6, 9', '3')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(texts if len(texts) <= MOST_NAMES else [*texts[:2], "…", texts[-1]])


def done(step: Step, named: Callable[[Slot], str]) -> str:
    """What a step does, in words where it computes nothing."""
    if step.kind in ("operation", "call"):
        return written(step, named)
    if step.kind == "finite":
        return f"{several([named(Slot(slot)) for slot in step.reads])} finite?"
    if step.kind == "guard":
        return f"{named(step.args[0])} is {bool(step.run)}?"
    if step.kind == "absent":
        return f"{shorten(step.run.name)}.grad is None?"
    if step.kind == "store":
        return f"{shorten(step.run.name)}.grad = {argument(step.args[0], named)}"
    if step.kind == "draw":
        return "random numbers"
    first, *rest = step.args or ("",)
    is_method = hasattr(type(first), step.name) and not isinstance(first, Value | Slot)
    given = ", ".join(argument(x, named) for x in (rest if is_method else step.args))
    return f"{shorten(type(first).__name__)}.{step.name}({given})" if is_method else f"{shorten(step.name)}({given})"


def fetched(step: Step) -> str:
    """What it is called that a step fetches from outside; empty for any other."""
    if step.kind == "attribute":
        return shorten(f"{type(step.run[0]).__name__}.{step.run[1]}")
    if step.kind in ("read", "gradient"):
        return shorten(step.run.name) + (".grad" if step.kind == "gradient" else "")
    return ""


def kind_and_sign(step: Step) -> str:
    """What a step is, for comparing it with others."""
    return sign_of(step) if step.kind in ("operation", "call") else f"{step.kind} {step.name}"


def leaf_kind(step: Step) -> str:
    """The kind of card of what a step fetches from outside."""
    return "parameter" if step.kind == "read" and step.run.value.leaf_op == "parameter" else "input"


def live_values(step: Step) -> list[Value]:
    """The live Scalars and Tensors whose data or gradient a step reads or changes."""
    if step.kind in ("read", "gradient", "store"):
        return [step.run.value]
    return list(_values_in((step.args, step.options))) if step.kind in ("effect", "reset") else []


def _values_in(tree: Any) -> Iterator[Value]:
    waiting = [tree]
    while waiting:
        x = waiting.pop()
        if isinstance(x, Value):
            yield x
        elif isinstance(x, tuple | list):
            waiting += reversed(x)
        elif isinstance(x, dict):
            waiting += reversed(list(x.values()))
        elif isinstance(params := getattr(x, "params", None), list):  # an optimiser
            waiting += reversed(params)


def several(names: Sequence[str]) -> str:
    """Names one after the other; of many the first few and how many they are."""
    return ", ".join(names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"… ({len(names)})"])
