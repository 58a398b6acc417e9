"""Nodes by what people call them: `w`, `layer1.W`, `v₄`, `v4`, `#4`."""

import re

from autodiff import BackwardTrace
from autodiff.errors import GraphError

from ..locate import located
from ..notation import label
from ..numbers import subscript


def find(trace: BackwardTrace, name: str) -> int:
    """The id of the node that is meant. Raises GraphError if there is none, or if several may be meant."""
    number = re.fullmatch(r"#(\d+)", name)
    if number:
        return located(trace, int(number[1]))[1]
    try:
        return located(trace, name)[1]
    except GraphError:
        number = re.fullmatch(r"v(\d+)", name)
        if number is None:
            raise
        return located(trace, f"v{subscript(int(number[1]))}")[1]


def names_of(trace: BackwardTrace, most: int = 1000) -> list[str]:
    """The names that can be typed, for completion: those of leaves, and of named nodes; at most so many."""
    named = [label(node) for node in trace.graph.nodes if node.name]
    return [name for name in dict.fromkeys([*trace.graph.names, *named]) if name.isprintable() and " " not in name][
        :most
    ]
