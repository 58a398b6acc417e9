"""What a program changes, kept as it was before, so that it can be put back."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..tape import Value
from .program import Program, Step


class Before:
    """The state of everything that a program changes.

    leaves   the values: parameters whose data or gradients are changed
    objects  what has a `state_dict`: optimisers, moving averages, modules
    """

    def __init__(self, program: Program, leaves: Iterable[Any]) -> None:
        steps = [step for step in program.steps if step.kind in ("store", "effect", "note", "reset")]
        self.values = _once([*leaves, *(value for step in steps for value in _values(step))])
        self.objects = _once([x for step in steps for x in _parts(step.args) if hasattr(x, "load_state_dict")])
        self._data = [_copy(value.data) for value in self.values]
        self._gradients = [(value.grad, _copy(value.grad)) for value in self.values]
        self._states = [x.state_dict() for x in self.objects]

    def restore(self) -> None:
        """Put everything back."""
        for x, state in zip(self.objects, self._states, strict=True):
            x.load_state_dict(state)
        for value, data, (grad, numbers) in zip(self.values, self._data, self._gradients, strict=True):
            if isinstance(data, np.ndarray):
                value.data[...] = data
            else:
                value.data = data
            if isinstance(grad, np.ndarray):
                grad[...] = numbers
            value.grad = grad


def _values(step: Step) -> Iterator[Value]:
    if step.kind == "store":
        yield step.run.value
    for x in _parts(step.args):
        if isinstance(x, Value):
            yield x
        else:
            yield from getattr(x, "params", ())


def _parts(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from _parts(item)
    else:
        yield tree


def _once(things: list[Any]) -> list[Any]:
    return list({id(thing): thing for thing in things}.values())


def _copy(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data
