"""What is known at one stop, by the names that conditions and `print` use: g, value, message, local, total, ..."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autodiff import BackwardStep, BackwardTrace, Node


class State(Mapping[str, Any]):
    """The names at one step. Each is looked up when it is used: messages cost a computation, the rest nothing.

    position  the number of the step in its pass, from 1
    """

    def __init__(self, trace: BackwardTrace, position: int, is_forward: bool = False, node: Node | None = None) -> None:
        self.trace, self.position, self.is_forward = trace, position, is_forward
        if is_forward:
            assert node is not None
            self.node, self._g = node, None
        else:
            self.node, self._g = trace.head(position - 1)

    @property
    def step(self) -> BackwardStep:
        """The step of the backward pass, with its messages."""
        return self.trace.steps[self.position - 1]

    def __getitem__(self, name: str) -> Any:
        return NAMES[name][0](self)

    def __iter__(self) -> Iterator[str]:
        return (name for name, (_, _, backward_only) in NAMES.items() if not (backward_only and self.is_forward))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in NAMES and not (self.is_forward and NAMES[str(name)][2])

    @property
    def upstream(self) -> Any:
        """The node's cotangent."""
        return self._g

    @property
    def pairs(self) -> Sequence[tuple[Any, Any] | None]:
        """Local derivative and message for each operand; None for one that takes no gradient."""
        return self.trace.sent(self.position - 1)

    def sent(self, place: int) -> Any:
        """All local derivatives (0) or messages (1) of the step, as one flat array; empty if it has none."""
        return _flat(pair[place] for pair in self.pairs if pair is not None)

    @property
    def totals(self) -> Any:
        """The sums that the step's messages make, as one flat array."""
        return _flat(message.total for message in self.step.messages)


def _flat(parts: Iterable[Any]) -> Any:
    found = [part for part in parts if part is not None]
    if all(type(part) is float for part in found):  # a long trace is one of floats
        return np.array(found, dtype=float)
    return np.concatenate([_floats(np.ravel(np.asarray(part))) for part in found])


def _floats(numbers: Any) -> Any:
    return numbers if numbers.dtype.kind == "f" else numbers.astype(float)  # a local derivative may be 1, or True


# Name -> what it is at a state, what it means, and whether it exists in the backward pass only.
NAMES: dict[str, tuple[Callable[[State], Any], str, bool]] = {
    "g": (lambda state: state.upstream, "the gradient that arrived at the node, ∂L/∂node", True),
    "value": (lambda state: state.node.value, "the node's value", False),
    "message": (lambda state: state.sent(1), "the messages that it sends", True),
    "local": (lambda state: state.sent(0), "its local derivatives", True),
    "total": (lambda state: state.totals, "the sums that its messages make", True),
    "step": (lambda state: state.position, "the number of the step", False),
    "size": (lambda state: int(np.size(state.node.value)), "how many numbers the value has", False),
}
