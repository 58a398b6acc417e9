"""Which values of a recorded forward pass are the outputs of layers. Read off the graph, so any module works.

A layer's output is a value that depends on the examples and on parameters, and either is made by an activation function
or leaves its scope: another scope, or nothing, uses it. One that the same operation makes of the same parameters in the
same scope is the same layer, called again: a recurrent cell is one layer with as many calls as there are time steps.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..graph import Graph, Node

# A unit counts as saturated where |tanh| exceeds this, and sigmoid, which is (1 + tanh(x/2)) / 2, where that tanh does:
# the slope is then below 6 % of its greatest. Source of the limit: Karpathy 2022, "Building makemore, part 3".
LIMIT = 0.97
CERTAIN = (1 + LIMIT) / 2  # the same limit for what lies in 0..1


def _softmax_saturated(out: Any, params: Mapping[str, Any]) -> Any:
    return np.max(out, axis=params.get("axis", -1)) > CERTAIN


# Where the function is flat below: its unit is off there, and learns nothing.
RECTIFIERS: dict[str, Callable[[Any], Any]] = {"relu": lambda out: out <= 0, "relu6": lambda out: out <= 0}
# Which outputs are within reach of the function's limits. Softmax counts distributions, not single numbers.
SATURATION: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "tanh": lambda out, params: np.abs(out) > LIMIT,
    "sigmoid": lambda out, params: np.abs(2 * out - 1) > LIMIT,
    "softsign": lambda out, params: np.abs(out) > LIMIT,
    "hard_tanh": lambda out, params: np.abs(out) >= 1,
    "relu6": lambda out, params: out >= 6,
    "softmax": _softmax_saturated,
}
OTHER_ACTIVATIONS = {"leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "softplus", "log_sigmoid", "log_softmax"}
ACTIVATIONS = {*RECTIFIERS, *SATURATION, *OTHER_ACTIVATIONS}

Key = tuple[str, str, frozenset[str], tuple[int, ...]]  # scope, operation, parameters, shape of its units


@dataclass(frozen=True)
class Layer:
    """A layer in one graph. `key` is the same in every graph of the same model; `calls` are node ids."""

    key: Key
    op: str
    calls: tuple[int, ...]
    hidden: bool

    @property
    def units(self) -> int:
        """Numbers that it puts out per example and call."""
        return prod(self.key[3])

    def by_unit(self, out: Any) -> Any:
        """An array of the output's shape as (examples, units)."""
        return np.reshape(out, (-1, self.units))


def activation(node: Node, nodes: tuple[Node, ...]) -> str | None:
    """The activation function that a node applies: its op, or relu spelt `maximum(x, 0)`; None for other nodes."""
    if node.op == "maximum" and any(nodes[i].op == "constant" and not np.any(nodes[i].value) for i in node.operands):
        return "relu"
    return node.op if node.op in ACTIVATIONS else None


def find_layers(graph: Graph, examples: int, count: int, paths: Mapping[int, str]) -> tuple[Layer, ...]:
    """The layers of a graph, in the order of their first call.

    examples  the id of the node that holds the examples; −1 if there is none, as for words, which are no operand but an
              index: then all that has an axis as long as there are examples is taken for something made of them
    count     how many these are
    paths     of the parameters, by node id
    """

    def given(node: Node) -> bool:
        return node.id == examples if examples >= 0 else count in node.shape and node.id not in paths

    nodes = graph.nodes
    depends = [False] * len(nodes)  # whether it depends on the examples
    learns = [False] * len(nodes)  # whether it depends on parameters
    weighs = [False] * len(nodes)  # whether it depends on parameters, and not on the examples
    made_of: list[frozenset[str]] = [frozenset()] * len(nodes)  # the parameters since the last activation function
    users: list[list[int]] = [[] for _ in nodes]
    functions = [activation(node, nodes) for node in nodes]
    for node in nodes:
        depends[node.id] = given(node) or any(depends[i] for i in node.operands)
        learns[node.id] = node.id in paths or any(learns[i] for i in node.operands)
        weighs[node.id] = learns[node.id] and not depends[node.id]
        inherited = [made_of[i] for i in node.operands if functions[i] is None]
        made_of[node.id] = frozenset([paths[node.id]]) if node.id in paths else frozenset().union(*inherited)
        for operand in node.operands:
            users[operand].append(node.id)
    hidden = [False] * len(nodes)
    for node in reversed(nodes):
        hidden[node.id] = any(
            hidden[user] or any(weighs[i] and nodes[i].shape != () for i in nodes[user].operands)
            for user in users[node.id]
        )
    found: dict[Key, list[int]] = {}
    for node in nodes:
        leaves = any(nodes[user].scope != node.scope for user in users[node.id]) or not users[node.id]
        if depends[node.id] and learns[node.id] and node.shape != () and (functions[node.id] or leaves):
            key = (node.scope, functions[node.id] or node.op, made_of[node.id], _units(node, count))
            found.setdefault(key, []).append(node.id)
    return tuple(Layer(key, key[1], tuple(calls), any(hidden[i] for i in calls)) for key, calls in found.items())


def _units(node: Node, count: int) -> tuple[int, ...]:
    """All axes but the first, where that one counts the examples (or their parts); else the last axis alone."""
    return node.shape[1:] if node.shape[0] % count == 0 else node.shape[-1:]


def names_of(keys: list[Key]) -> list[str]:
    """A name for each layer: its scope; with the operation, and then a number, where several would share one.

    >>> names_of([("net", "relu", frozenset(), (3,)), ("net", "relu", frozenset(), (2,)), ("net/out", "add", frozenset(), ())])
    ['net relu #1', 'net relu #2', 'net/out']
    """  # noqa: E501
    scopes = Counter(scope for scope, *_ in keys)
    names = [scope if scope and scopes[scope] == 1 else f"{scope} {op}".strip() for scope, op, *_ in keys]
    borne, seen = Counter(names), Counter[str]()
    for i, name in enumerate(names):
        if borne[name] > 1:
            seen[name] += 1
            names[i] = f"{name} #{seen[name]}"
    return names
