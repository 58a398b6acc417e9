"""The ways of a bad number through a graph: to the output, from the inputs, and back down to the leaves."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from .backward_trace import BackwardTrace
from .blame import bad
from .graph import Graph, Node
from .writing import label

Edges = tuple[tuple[int, int], ...]  # (id of a node, position of its operand)


def onward(
    nodes: Sequence[Node], start: int, edges: Sequence[tuple[int, int]], outputs: Sequence[int]
) -> tuple[tuple[int, ...], Edges]:
    """The shortest way of a bad number from a node to an output, and every step of one that began there."""
    users: dict[int, list[tuple[int, int]]] = {}
    for target, position in edges:
        users.setdefault(nodes[target].operands[position], []).append((target, position))
    before: dict[int, int] = {start: -1}
    steps: list[tuple[int, int]] = []
    queue = deque([start])
    while queue:
        id = queue.popleft()
        for target, position in users.get(id, ()):
            steps.append((target, position))
            if target not in before:
                before[target] = id
                queue.append(target)
    end = next((id for id in outputs if id in before), max(before))
    path = [end]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    return tuple(reversed(path)), tuple(steps)


def led_there(nodes: Sequence[Node], end: int) -> tuple[set[int], set[tuple[int, int]], tuple[str, ...]]:
    """The shortest way from each input to a node: the nodes and edges on them, and the inputs' names."""
    via: dict[int, tuple[int, int]] = {}
    queue, order = deque([end]), [end]
    while queue:
        id = queue.popleft()
        for position, operand in enumerate(nodes[id].operands):
            if operand not in via and operand != end:
                via[operand] = (id, position)
                queue.append(operand)
                order.append(operand)
    inputs = sorted(id for id in order if nodes[id].op in ("input", "parameter"))
    ids, edges = {end}, set()
    for id in inputs:
        while id != end and id not in ids:
            ids.add(id)
            edges.add(via[id])
            id = via[id][0]
    return ids, edges, tuple(dict.fromkeys(label(nodes[id]) for id in inputs))


def down(graph: Graph, start: int, trace: BackwardTrace | None) -> tuple[tuple[int, ...], Edges]:
    """The shortest way of a bad message from a node to a leaf, and all its steps on the way to leaves.

    Without a trace, in the middle of a walk, nothing further was sent yet: the steps are those that may follow.
    """
    if trace is None:
        return (start,), tuple(led_there(graph.nodes, start)[1])
    nodes = graph.nodes
    steps = {step.node.id: step for step in trace.steps}
    before: dict[int, int] = {start: -1}
    edges: list[tuple[int, int]] = []
    queue, leaf = deque([start]), start
    reached_leaf = nodes[start].is_leaf
    while queue:
        id = queue.popleft()
        for position, message in enumerate(steps[id].messages if id in steps else ()):
            if message.message is None or not np.any(bad(message.message)):
                continue
            edges.append((id, position))
            if message.operand not in before:
                before[message.operand] = id
                queue.append(message.operand)
                if nodes[message.operand].is_leaf and not reached_leaf:
                    leaf, reached_leaf = message.operand, True
    path = [leaf]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    return tuple(reversed(path)), tuple(edges)


def inputs_below(nodes: Sequence[Node], start: int, trace: BackwardTrace | None) -> tuple[tuple[str, ...], set[int]]:
    """The inputs and parameters under a node; with a trace only those whose gradient is not finite."""
    ids = led_there(nodes, start)[0]
    found = [id for id in sorted(ids) if nodes[id].op in ("input", "parameter")]
    if trace is not None:
        found = [id for id in found if np.any(bad(trace.cotangents.get(id, 0.0)))]
    return tuple(dict.fromkeys(label(nodes[id]) for id in found)), set(found)
