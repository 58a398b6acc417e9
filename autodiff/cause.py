"""A cause: the number that was the first to go wrong, and the words in which it is told."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .origin import EXPRESSION, Source
from .writing import number

Phase = Literal["forward", "backward", "tangent"]
MOST_INPUTS = 8  # names in a report
MOST_STEPS = 9


@dataclass(frozen=True, slots=True)
class Part:
    """A number of an operand: the operand's name and node id, where in it the number stands, and the number."""

    name: str
    node: int
    index: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Cause:
    """The first number that went wrong.

    phase      "forward" for a value, "backward" for a message, "tangent" for a tangent of forward mode
    operation  the operation that made it, or "input", "parameter" or "constant" for a leaf that holds it
    node       the id of the operation's node in the graph, and `name` what it is called
    value      the number itself: NaN or infinite
    index      where in the node's value it stands; () for a number. For a message that is not made number by number,
               where in the operand
    shape      what `index` is an index of
    count      how many numbers went wrong there at once
    call       the operation and what it was applied to, in words: `log(0.000)`
    operands   the numbers it was made of: of operations that are not elementwise, the largest of each operand
    receiver   backward, the operand that the message is sent to; None if the cotangent of the node itself went wrong
    upstream, local   backward, the cotangent and the local derivative that were multiplied, where these are numbers
    reason     why, in words
    origins    how the operands came about, in words
    inputs     the names of the inputs and parameters that led there; backward, of those whose gradient it spoils
    path       node ids, with their labels in `path_names`: forward from the cause to the output, backward to a leaf
    nodes, edges   everything on the way, for `viz.draw(loss, highlight=cause)`. An edge is (id of a node, position of
               its operand)
    """

    phase: Phase
    operation: str
    node: int
    name: str
    value: float
    index: tuple[int, ...]
    shape: tuple[int, ...]
    count: int
    call: str
    operands: tuple[Part, ...]
    receiver: Part | None
    upstream: float | None
    local: float | None
    scope: str
    source: Source | None
    reason: str
    origins: tuple[str, ...]
    inputs: tuple[str, ...]
    path: tuple[int, ...]
    path_names: tuple[str, ...]
    nodes: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def equation(self) -> str:
        """What happened in one formula: `log(0.000) = −inf`, `∂sqrt/∂x = inf at x = 0.000`."""
        value = number(self.value)
        if self.phase == "forward":
            if not self.operands:
                return f"{self.name} = {value}" if self.name != value else f"a constant is {value}"
            return f"{self.call} = {value}"
        if self.phase == "tangent":
            return f"tangent of {self.call} = {value}"
        if self.receiver is None:
            return f"cotangent of {self.name} = {value}"
        if self.local is None:
            return f"{self.operation} sends {value} to {self.receiver.name}"
        told = [part for part in self.operands if part.name != number(part.value)]
        at = ", ".join(f"{part.name} = {number(part.value)}" for part in told)
        return f"∂{self.operation}/∂{self.receiver.name} = {number(self.local)} at {at}"

    @property
    def place(self) -> str:
        """Where: element, node, scope and source line."""
        at = f", element {written_index(self.index)} of" if self.index else " in"
        scope = f", scope {self.scope}" if self.scope else ""
        source = f", {written_source(self.source)}" if self.source else ""
        return f"{at} {self.name} (node #{self.node}{scope}{source})"

    def __str__(self) -> str:
        return f"{self.phase} pass: {self.equation}{self.place}: {self.reason}"

    def report(self) -> list[str]:
        """The whole story, a line each: what went wrong and why, the operands, what it spoilt, and the inputs.

        >>> import autodiff as ad
        >>> p = ad.Scalar(0.0, name="p")
        >>> for line in ad.first_cause(ad.log(p, name="h") * 2).report():
        ...     print(line)
        forward pass: log(0.000) = −inf in h (node #1): its limit there is −∞
        operand p = 0.000
        it spreads: h → v₃
        inputs on the way: p
        """
        lines = [str(self)]
        size = int(np.prod(self.shape, dtype=int))
        if size > 1:
            lines.append(f"{self.count} of {size} numbers went wrong there")
        if self.upstream is not None and self.local is not None and self.receiver is not None:
            product = f"{number(self.upstream)} × {number(self.local)} → {number(self.value)}"
            lines.append(f"message to {self.receiver.name}: upstream × local derivative, {product}")
        lines += dict.fromkeys(self.origins)
        if len(self.path_names) > 1:
            names = list(self.path_names)
            if len(names) > MOST_STEPS:
                names[4:-4] = [f"… {len(names) - 8} more …"]
            lines.append(f"it spreads: {' → '.join(names)}")
        if self.inputs:
            shown = ", ".join(self.inputs[:MOST_INPUTS])
            more = len(self.inputs) - MOST_INPUTS
            what = "gradients it spoils" if self.phase == "backward" else "inputs on the way"
            lines.append(f"{what}: {shown}{f' and {more} more' if more > 0 else ''}")
        return lines


def written_index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"


def written_source(source: Source) -> str:
    if source.file == EXPRESSION:
        return source.text
    return f"{source.file.replace(chr(92), '/').rpartition('/')[2]}:{source.line}: {source.text}"
