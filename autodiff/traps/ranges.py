"""Traps of the number range: saturation, exponentials near overflow, logarithms of what underflows, and float16."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..blame import MOVES
from ..graph import Node
from ..ops.table import OPERATIONS, builtin_names
from ..primitive import Elementwise, Primitive
from ..reasons import EXPONENTIALS
from ..tape import no_grad
from ..writing import label, number
from .case import Case, Found, Trap, at, first

FLAT = 1e-5  # a derivative below it lets nothing through: of sigmoid beyond ±11.5, of tanh beyond ±6.4
MAJORITY = 0.5  # saturated is an operation that is flat at more than this share of its numbers
SATURATING = ("sigmoid", "softmax", "tanh")
NEAR = 0.9  # of the largest exponent
LOST = 0.5  # the share of numbers that may underflow before it is told


def saturated(case: Case) -> Iterator[Found]:
    """Most numbers of a sigmoid or tanh, or most slices of a softmax, are where the derivative is next to 0."""
    for node in case.nodes:
        if node.op not in SATURATING or node.id not in case.tracked or not np.size(node.value):
            continue
        if not np.any(case.flows(node.id)):
            continue
        out = np.asarray(node.value, dtype=float)
        if node.op == "softmax":
            yield from _saturated_softmax(case, node, out)
        else:
            slope = 1 - out * out if node.op == "tanh" else out * (1 - out)
            flat = slope < FLAT
            if np.mean(flat) > MAJORITY:
                index = first(flat)
                x = float(np.asarray(case.operand(node).value)[index])
                why = f"{node.op}({number(x)}) = {number(out[index])}{at(index)}: its slope is {number(slope[index])}"
                yield Found(node.id, f"{why}, below {number(FLAT)} at {np.mean(flat):.0%} of {label(node)}", index)


def _saturated_softmax(case: Case, node: Node, out: np.ndarray) -> Iterator[Found]:
    axis = node.params["axis"]
    if node.shape[axis] == 1:
        why = f"softmax over an axis of length 1 is always 1 (axis {axis} of shape {node.shape}): no gradient passes"
        yield Found(node.id, why, remedy="take the axis of the classes, or sigmoid for a single output")
        return
    choices = np.count_nonzero(np.isfinite(case.operand(node).value), axis=axis) > 1  # else a mask leaves one alone
    flat = (np.max(out, axis=axis) > 1 - FLAT) & choices
    if np.any(choices) and np.count_nonzero(flat) > MAJORITY * np.count_nonzero(choices):
        index = first(flat)
        largest = float(np.max(np.abs(np.asarray(case.operand(node).value, dtype=float))))
        why = f"the largest probability is at least 1 − {number(FLAT)} in most slices"
        yield Found(node.id, f"{why}: the numbers given are too far apart (up to {number(largest)})", index)


def near_overflow(case: Case) -> Iterator[Found]:
    """An exponential is finite, but a little more would overflow."""
    for node in case.nodes:
        if node.op not in EXPONENTIALS or node.id not in case.tracked or not np.size(node.value):
            continue
        out = np.abs(np.asarray(node.value))
        limit = math.log(float(np.finfo(out.dtype if out.dtype.kind == "f" else float).max))
        with np.errstate(divide="ignore"):
            near = np.isfinite(out) & (np.log(out.astype(float)) > NEAR * limit)
        if np.any(near):
            index = first(near)
            x = number(float(np.asarray(case.operand(node).value)[index]))
            most = number(limit / math.log(EXPONENTIALS[node.op]))
            dtype = out.dtype
            why = f"{node.op}({x}) = {number(float(out[index]))}{at(index)}, and {dtype} overflows above {most}"
            yield Found(node.id, why, index)


def log_of_probability(case: Case) -> Iterator[Found]:
    """The logarithm of a softmax or sigmoid, which underflows to 0 where the logarithm is still an ordinary number."""
    for node in case.nodes:
        if node.op not in ("log", "log2", "log10") or node.id not in case.tracked:
            continue
        source = _unmoved(case, case.operand(node))
        if source.op == "softmax" or _is_softmax_by_hand(case, source):
            what, remedy = "a softmax", "use log_softmax(x), or nn.cross_entropy(logits, labels)"
        elif source.op == "sigmoid":
            what, remedy = "a sigmoid", "use log_sigmoid(x)"
        elif _is_rest_of_sigmoid(case, source):
            what, remedy = "1 − sigmoid", "use log_sigmoid(−x), which is log(1 − sigmoid(x))"
        else:
            continue
        smallest = float(np.min(source.value)) if np.size(source.value) else 0.0
        why = f"the log of {what}: {label(source)} is {number(smallest)} at its smallest, and 0 once it underflows"
        yield Found(node.id, why, remedy=remedy)


def _unmoved(case: Case, node: Node) -> Node:
    """What a node is, before its numbers were only moved. A small number added, or a clip, keeps it from 0."""
    while node.op in MOVES:
        node = case.operand(node)
    return node


def _is_softmax_by_hand(case: Case, node: Node) -> bool:
    """exp(x) / sum(exp(x)), of the same exponentials."""
    if node.op != "div":
        return False
    above, below = case.operand(node), _unmoved(case, case.operand(node, 1))
    return above.op == "exp" and below.op == "sum" and below.operands[0] == above.id


def _is_rest_of_sigmoid(case: Case, node: Node) -> bool:
    if node.op != "sub":
        return False
    whole, rest = case.operand(node), _unmoved(case, case.operand(node, 1))
    return rest.op == "sigmoid" and whole.op == "constant" and bool(np.all(np.equal(whole.value, 1)))


def half_underflow(case: Case) -> Iterator[Found]:
    """Values or messages of float16 that are 0, but would not be in float64."""
    for node in case.nodes:
        row = OPERATIONS.get(node.op)
        if node.dtype != "float16" or node.is_leaf or node.op not in builtin_names() or not isinstance(row, Primitive):
            continue
        wide = [_widened(case.nodes[i].value) for i in node.operands]
        with np.errstate(all="ignore"):
            exact = np.asarray(row.evaluate(*wide, **_widened_params(node)))
        if (lost := _lost(node.value, exact)) is not None:
            why = f"{node.op} gives {number(float(exact[lost]))}{at(lost)}, which is 0 in float16"
            yield Found(node.id, f"{why} (its smallest number is {number(2.0**-24)})", lost)
            return  # what follows from it is no news
    for step in case.trace.steps if case.trace is not None else ():
        for position, message in enumerate(step.messages):
            if message.message is None or np.asarray(message.message).dtype != np.float16:
                continue
            message64 = _exact_message(case, step.node, position, step.upstream)
            if message64 is not None and (lost := _lost(message.message, message64)) is not None:
                to = label(case.nodes[message.operand])
                why = f"the message from {step.node.op} to {to} is {number(float(message64[lost]))}{at(lost)}"
                yield Found(step.node.id, f"{why}, which is 0 in float16", lost)
                return


def _lost(given: Any, exact: np.ndarray) -> tuple[int, ...] | None:
    """The first of the numbers that underflowed, if most did that should not be 0."""
    given = np.asarray(given)
    if given.shape != exact.shape:
        return None
    counted = (exact != 0) & np.isfinite(exact)
    lost = counted & (given == 0)
    return first(lost) if np.count_nonzero(lost) > LOST * np.count_nonzero(counted) else None


def _exact_message(case: Case, node: Node, position: int, g: Any) -> np.ndarray | None:
    """The message of a node in float64; None for an operation that is not built in."""
    row = OPERATIONS.get(node.op)
    if not isinstance(row, Primitive) or node.op not in builtin_names():
        return None
    wide, operand = [_widened(case.nodes[i].value) for i in node.operands], case.operand(node, position)
    g, out = _widened(g), _widened(node.value)
    with np.errstate(all="ignore"), no_grad():
        if isinstance(row, Elementwise):
            exact = np.asarray(g * row.local(position, out, wide))
            return exact if exact.shape == operand.shape else None
        return np.asarray(row.vjp(position, g, out, wide, _widened_params(node)))


def _widened(value: Any) -> Any:
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == np.float16 else value


def _widened_params(node: Node) -> dict[str, Any]:
    return {key: np.dtype(float) if key == "dtype" else value for key, value in node.params.items()}


RANGES = (
    Trap(
        "saturated",
        "warning",
        "start with smaller weights, normalise what comes in, or use an activation that does not saturate",
        saturated,
    ),
    Trap(
        "exp-near-overflow", "warning", "subtract the largest number first, or use softmax or logsumexp", near_overflow
    ),
    Trap("log-of-softmax", "warning", "use log_softmax", log_of_probability),
    Trap("float16-underflow", "warning", "scale the loss up, or compute in float32", half_underflow),
)
