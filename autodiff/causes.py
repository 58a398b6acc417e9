"""The first cause of NaN and infinity: not where they show, but the number that was the first to go wrong.

Forward, that is the first value in recording order which is not finite although its operands are, or the leaf that
holds it, and from which a path of such values leads to the output or into a gradient. Backward, it is the first message
of the walk that is not finite although the cotangent it is made of is, and from which such a path leads to the gradient
of a leaf.

Three decisions stand behind "leads to":

- What stays without effect is no cause. NaN in the branch that `where` leaves out, or an infinite derivative whose
  message a relu that is off does not pass on, is a trap for `lint`: the loss and its gradients are right.
- A zero cotangent sends a zero message past an infinite derivative, by the engine's rule. Such a message is finite and
  its result is right, so it is no cause either.
- An infinite constant is taken as meant, as the −∞ of a mask is, unless nothing else explains what went wrong. NaN
  never is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .backward_trace import BackwardTrace
from .blame import MOVES, Mask, bad, ingredients, meant, trace_back
from .cause import Cause, Part, Phase, written_index
from .errors import SettingError
from .graph import Graph, Node
from .ops.table import OPERATIONS
from .primitive import Elementwise
from .reasons import reason_of_value, reason_of_zero, written
from .tape import Value
from .tracing import backprop
from .ways import down, inputs_below, led_there, onward
from .writing import label, number


def first_cause(subject: Any, phase: Phase | None = None) -> Cause | None:
    """The first number that went wrong in a computation and its backward pass; None if loss and gradients are finite.

    subject  a Scalar or Tensor, a Graph, which has a forward pass only, or a BackwardTrace. Of a value with several
             elements only the forward pass is looked at: give `backprop(value, cotangent)`
    phase    look at one pass only. By default the forward pass comes first, as it does in time

    >>> import autodiff as ad
    >>> x = ad.Scalar(0.0, name="x")
    >>> print(first_cause(ad.sqrt(x) * 3.0))
    backward pass: ∂sqrt/∂x = inf at x = 0.000 in v₁ (node #1): the derivative is infinite there
    >>> first_cause(x * 3.0) is None
    True

    Raises SettingError for another phase, GraphError for a subject that has no graph.
    """
    if phase not in (None, "forward", "backward"):
        raise SettingError(f"first_cause: phase is 'forward', 'backward' or None, got {phase!r}")
    graph, trace = record_of(subject)
    outputs = {id: bad(graph.nodes[id].value) for id in graph.output_ids}
    if phase != "backward" and (found := _forward(graph, outputs)):
        return found
    if phase != "forward" and trace is not None:
        return _backward(trace, phase)
    return None


def record_of(subject: Any) -> tuple[Graph, BackwardTrace | None]:
    """The graph of a subject, and its backward pass if it has one."""
    if isinstance(subject, BackwardTrace):
        return subject.graph, subject
    if isinstance(subject, Graph):
        return subject, None
    if isinstance(subject, Value) and subject.requires_grad and np.size(subject.data) == 1:
        trace = backprop(subject)
        return trace.graph, trace
    return Graph.of(subject), None


def cause_of_value(graph: Graph) -> Cause | None:
    """The cause of what is not finite in the graph's outputs, where an infinity that is meant is none."""
    return _forward(graph, {id: bad(graph.nodes[id].value) for id in graph.output_ids}, excuse=True)


def _forward(graph: Graph, start: dict[int, Mask], excuse: bool = False) -> Cause | None:
    if not any(np.any(mask) for mask in start.values()):
        return None
    nodes = graph.nodes
    pardoned = meant(nodes)
    guilty = {id: mask for id, mask in start.items() if id not in pardoned}
    spread = trace_back(nodes, guilty, pardoned)
    if not spread.origins:
        if excuse:
            return None
        spread = trace_back(nodes, start)
    id = min(spread.origins)
    mask = spread.origins[id]
    node, index = nodes[id], _first(mask)
    parts = tuple(parts_of(node, index, nodes))
    value = float(np.asarray(node.value)[index])
    if node.is_leaf:
        reason = f"the {node.op} holds it from the start"
    else:
        operands = [nodes[i].value for i in node.operands]
        reason = reason_of_value(node.op, value, [p.value for p in parts], operands, np.asarray(node.value).dtype)
    path, further = onward(nodes, id, spread.edges, graph.output_ids)
    led, leading, inputs = led_there(nodes, id)
    user = nodes[path[1]] if node.op == "constant" and len(path) > 1 else node  # no line makes a plain array a constant
    return Cause(
        phase="forward",
        operation=node.op,
        node=id,
        name=label(node),
        value=value,
        index=index,
        shape=node.shape,
        count=int(np.count_nonzero(mask)),
        call=_call(node, parts),
        operands=parts,
        receiver=None,
        upstream=None,
        local=None,
        scope=node.scope,
        source=node.source or user.source,
        reason=reason,
        origins=tuple(_origin(part, nodes) for part in parts),
        inputs=inputs,
        path=path,
        path_names=tuple(label(nodes[i]) for i in path),
        nodes=tuple(sorted({*led, *path, *(nodes[t].operands[p] for t, p in further), *(t for t, _ in further)})),
        edges=tuple(sorted({*leading, *further})),
    )


def _backward(trace: BackwardTrace, phase: Phase | None) -> Cause | None:
    """The first message that is not finite and that spoils a gradient."""
    nodes = trace.graph.nodes
    steps = {step.node.id: step for step in trace.steps}
    spoilt = {node.id for node in trace.graph.inputs if np.any(bad(trace.cotangents.get(node.id, 0.0)))}
    for step in reversed(trace.steps):  # from the leaves up: what sends NaN or infinity into something spoilt
        if any(m.message is not None and m.operand in spoilt and np.any(bad(m.message)) for m in step.messages):
            spoilt.add(step.node.id)
    for step in trace.steps:
        if step.node.id not in spoilt:
            continue
        wrong = bad(step.upstream)
        if np.any(wrong):  # the seed, a hook, or messages that overflowed in their sum
            return cotangent_cause(trace.graph, step.node, step.upstream)
        for position, message in enumerate(step.messages):
            if message.message is None or message.operand not in spoilt or not np.any(bad(message.message)):
                continue
            node = steps[step.node.id].node
            if phase is None and (values := _bad_values(node, nodes)):
                found = _forward(trace.graph, values, excuse=True)
                if found is not None:
                    return found
            return message_cause(trace.graph, node, position, step.upstream, message.local, message.message, trace)
    return None


def _bad_values(node: Node, nodes: Sequence[Node]) -> dict[int, Mask]:
    """What is not finite at a node and its operands: then the derivatives there are not either."""
    found = {id: bad(nodes[id].value) for id in (node.id, *node.operands)}
    return {id: mask for id, mask in found.items() if np.any(mask)}


def message_cause(
    graph: Graph, node: Node, position: int, g: Any, local: Any, message: Any, trace: BackwardTrace | None = None
) -> Cause:
    """The cause that a message is: one that is not finite, sent by a node whose cotangent is."""
    nodes = graph.nodes
    receiver = nodes[node.operands[position]]
    factor = upstream = None
    mask = bad(message)
    index, shape = _first(mask), receiver.shape
    if local is not None:
        with np.errstate(all="ignore"):
            product = np.broadcast_to(np.asarray(g) * np.asarray(local, dtype=float), node.shape)
        silent = np.broadcast_to(np.asarray(g) == 0, node.shape)
        wrong = bad(product) & ~silent
        if np.any(wrong):
            mask, index, shape = wrong, _first(wrong), node.shape
            factor = float(np.broadcast_to(np.asarray(local, dtype=float), node.shape)[index])
            upstream = float(np.broadcast_to(np.asarray(g), node.shape)[index])
    parts = tuple(parts_of(node, index, nodes)) if factor is not None else tuple(_largest(node, nodes))
    if factor is not None and not np.isfinite(factor):
        reason = "the derivative is infinite there" if np.isinf(factor) else "the derivative has no value there"
    elif factor is not None:
        reason = f"upstream × local derivative overflows {receiver.dtype}"
    else:
        reason = "its rule divides by 0 or overflows there, although the cotangent it is given is finite"
    value = float(np.asarray(message)[_first(bad(message))])
    place = _element_of(index, shape, receiver.shape)
    received = Part(label(receiver), receiver.id, place, float(np.asarray(receiver.value)[place]))
    path, further = down(graph, receiver.id, trace)
    edges = ((node.id, position), *further)
    names, ids = inputs_below(nodes, receiver.id, trace)
    return Cause(
        phase="backward",
        operation=node.op,
        node=node.id,
        name=label(node),
        value=value,
        index=index,
        shape=shape,
        count=int(np.count_nonzero(mask)),
        call=_call(node, parts),
        operands=parts,
        receiver=received,
        upstream=upstream,
        local=factor,
        scope=node.scope,
        source=node.source,
        reason=reason,
        origins=tuple(_origin(part, nodes) for part in parts),
        inputs=names,
        path=(node.id, *path),
        path_names=tuple(label(nodes[i]) for i in (node.id, *path)),
        nodes=tuple(sorted({node.id, *path, *ids, *(t for t, _ in edges), *(nodes[t].operands[p] for t, p in edges)})),
        edges=tuple(sorted(set(edges))),
    )


def cotangent_cause(graph: Graph, node: Node, g: Any) -> Cause:
    """The cause that a node's cotangent is, where no single message to it was wrong."""
    mask = bad(g)
    index = _first(mask)
    if node.id in graph.output_ids:
        reason = "the cotangent that the walk started from holds it"
    else:
        reason = "the messages that arrive there overflow in their sum, or a hook replaced it"
    nodes = graph.nodes
    names, ids = inputs_below(nodes, node.id, None)
    path, further = down(graph, node.id, None)
    return Cause(
        phase="backward",
        operation=node.op,
        node=node.id,
        name=label(node),
        value=float(np.asarray(g)[index]),
        index=index,
        shape=node.shape,
        count=int(np.count_nonzero(mask)),
        call="",
        operands=tuple(parts_of(node, index, nodes)),
        receiver=None,
        upstream=None,
        local=None,
        scope=node.scope,
        source=node.source,
        reason=reason,
        origins=(),
        inputs=names,
        path=path,
        path_names=tuple(label(nodes[i]) for i in path),
        nodes=tuple(sorted({*path, *ids, *(nodes[t].operands[p] for t, p in further), *(t for t, _ in further)})),
        edges=further,
    )


def tangent_cause(graph: Graph, node: Node, arrived: Sequence[Any], tangent: Any) -> Cause:
    """The cause that a tangent of forward mode is: one that is not finite where those it is made of are."""
    nodes = graph.nodes
    mask = bad(tangent)
    index = _first(mask)
    parts = tuple(parts_of(node, index, nodes))
    led, leading, inputs = led_there(nodes, node.id)
    given = ", ".join(
        f"{label(nodes[i])} {number(np.asarray(t)[_first_of_largest(t, np.ones(np.shape(t), bool))])}"
        for i, t in zip(node.operands, arrived, strict=True)
        if t is not None and np.size(t)
    )
    return Cause(
        phase="tangent",
        operation=node.op,
        node=node.id,
        name=label(node),
        value=float(np.asarray(tangent)[index]),
        index=index,
        shape=node.shape,
        count=int(np.count_nonzero(mask)),
        call=_call(node, parts),
        operands=parts,
        receiver=None,
        upstream=None,
        local=None,
        scope=node.scope,
        source=node.source,
        reason=f"its derivative is not finite there, or overflows with the largest tangents that arrive, {given}",
        origins=tuple(_origin(part, nodes) for part in parts),
        inputs=inputs,
        path=(node.id,),
        path_names=(label(node),),
        nodes=tuple(sorted(led)),
        edges=tuple(sorted(leading)),
    )


def parts_of(node: Node, index: tuple[int, ...], nodes: Sequence[Node]) -> Iterator[Part]:
    """The element of each operand that went into one element of a node.

    Of an operation that is not elementwise, the largest that did, an infinite one first.
    """
    elementwise = isinstance(OPERATIONS.get(node.op), Elementwise)
    here = np.zeros(node.shape, bool)
    here[index] = True
    for position, id in enumerate(node.operands):
        operand = nodes[id]
        if elementwise:
            place = _element_of(index, node.shape, operand.shape)
        else:
            used = ingredients(node, position, nodes, here)
            if not np.any(used):
                continue
            place = _first_of_largest(operand.value, used)
        yield Part(label(operand), id, place, float(np.asarray(operand.value)[place]))


def _largest(node: Node, nodes: Sequence[Node]) -> Iterator[Part]:
    for id in node.operands:
        operand = nodes[id]
        if np.size(operand.value):
            place = _first_of_largest(operand.value, np.ones(operand.shape, bool))
            yield Part(label(operand), id, place, float(np.asarray(operand.value)[place]))


def _first_of_largest(value: Any, used: Mask) -> tuple[int, ...]:
    sizes = np.where(used, np.abs(np.asarray(value, dtype=float)), -1.0)
    flat = int(np.argmax(np.where(np.isnan(sizes), np.inf, sizes)))
    return tuple(int(i) for i in np.unravel_index(flat, sizes.shape))


def _element_of(index: tuple[int, ...], shape: tuple[int, ...], operand: tuple[int, ...]) -> tuple[int, ...]:
    """The index in an operand that broadcasting brings to this index of the result."""
    if len(index) != len(shape) or len(operand) > len(index):
        return (0,) * len(operand)
    kept = index[len(index) - len(operand) :]
    return tuple(0 if n == 1 else i for i, n in zip(kept, operand, strict=True))


def _first(mask: Mask) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), np.shape(mask)))


def _call(node: Node, parts: Sequence[Part]) -> str:
    """The operation, of numbers where it works number by number, else of names."""
    elementwise = isinstance(OPERATIONS.get(node.op), Elementwise)
    return written(node.op, [number(part.value) if elementwise else part.name for part in parts])


def _origin(part: Part, nodes: Sequence[Node]) -> str:
    """`operand p = 0.000 at [2, 3], from softmax(logits), which underflowed to 0`."""
    node = nodes[part.node]
    at = f" at {written_index(part.index)}" if part.index else ""
    text = f"operand {part.name} = {number(part.value)}{at}" if not _is_plain(node) else f"operand {part.name}{at}"
    while node.op in MOVES:
        node = nodes[node.operands[0]]
        text += f", picked from {label(node)}"
    if not node.is_leaf:
        text += f", from {written(node.op, [label(nodes[i]) for i in node.operands])}"
        if part.value == 0 and (why := reason_of_zero(node.op)):
            text += f", {why}"
    return text


def _is_plain(node: Node) -> bool:
    """Whether a node is called by its number."""
    return node.op == "constant" and node.name is None and node.shape == ()
