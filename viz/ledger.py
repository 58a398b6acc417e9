"""The chain rule on an edge, as text: the local derivative, and the message that it makes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff import Message, Node

from .content import Line
from .notation import derivative, label
from .numbers import norm, number


def ledger(node: Node, position: int, nodes: Sequence[Node], message: Message, upstream: Any) -> tuple[Line, ...]:
    """The chain rule on one edge: `∂h/∂w = x = 2.000`, then `0.750 × 2.000 → 1.500`. For arrays the rule and a norm."""
    role = "backward" if is_finite(message.message) else "alarm"
    local = Line(local_line(node, position, nodes, message), "quiet" if has_finite_local(message) else "alarm")
    return (local, Line(product_line(message, upstream, "→"), role))


def has_finite_local(message: Message) -> bool:
    """Whether the local derivative is finite, as far as there is one."""
    return message.local is None or is_finite(message.local)


def local_line(node: Node, position: int, nodes: Sequence[Node], message: Message) -> str:
    """`∂h/∂w = x = 2.000`; the rule alone where there is no single number."""
    symbol = derivative(node, position, nodes)
    if message.local is None:
        return symbol
    left = f"∂{label(node)}/∂{label(nodes[node.operands[position]])}"
    if np.size(message.local) != 1:
        return f"{left} = {symbol}"
    value = number(np.asarray(message.local).item())
    if symbol.startswith("∂"):
        return f"{left} = {value}"
    same = symbol in (value, value.removesuffix(".000"))
    return f"{left} = {symbol}" if same else f"{left} = {symbol} = {value}"


def product_line(message: Message, upstream: Any, arrow: str) -> str:
    """`0.750 × 2.000 → 1.500`; for arrays the norm of the message."""
    if np.shape(message.message) != () or np.size(upstream) != 1:
        return f"‖message‖ = {number(norm(message.message))}"
    if message.local is None or np.size(message.local) != 1:
        return f"{arrow} {number(np.asarray(message.message).item())}"
    g, local, product = (number(np.asarray(x).item()) for x in (upstream, message.local, message.message))
    return f"{g} × {local} {arrow} {product}"


def total(parts: Sequence[str]) -> str:
    """A sum as it is written by hand.

    >>> total(["1.000", "−2.000", "inf"])
    '1.000 − 2.000 + inf'
    """
    return parts[0] + "".join(f" − {part[1:]}" if part.startswith("−") else f" + {part}" for part in parts[1:])


def is_finite(value: Any) -> bool:
    """Whether a number, or every number of an array, is neither NaN nor infinite."""
    if type(value) is int:  # which may be larger than any float
        return True
    if isinstance(value, float):  # NumPy takes ten times as long, and a large page asks a hundred thousand times
        return math.isfinite(value)
    return bool(np.all(np.isfinite(value)))
