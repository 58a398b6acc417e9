"""Traps at single points: where a derivative is infinite or undefined, hidden, or shared among ties."""

from collections.abc import Iterator

import numpy as np

from ..blame import MOVES, bad, trace_back
from ..graph import Node
from ..reasons import written
from ..writing import label, number
from .case import Case, Found, Trap, at, first, share, told

SINGULAR = {  # operations whose derivative is infinite somewhere, and what to write instead
    "sqrt": "add a small number under the root, sqrt(x + 1e-12), or leave the root out",
    "cbrt": "keep the operand away from 0",
    "log": "add a small number, log(x + 1e-12), or clip x; for probabilities use log_softmax or log_sigmoid",
    "log2": "add a small number or clip the operand",
    "log10": "add a small number or clip the operand",
    "log1p": "keep the operand above −1",
    "div": "add a small number to the denominator, or replace its zeros with `where` before dividing",
    "reciprocal": "add a small number, or replace the zeros with `where` before",
    "pow": "add a small number to the base: the slope of x^p is infinite at 0 for p < 1",
    "arcsin": "clip the operand to within ±(1 − 1e-7)",
    "arccos": "clip the operand to within ±(1 − 1e-7), or use arctan2",
    "arccosh": "keep the operand above 1",
    "arctanh": "clip the operand to within ±(1 − 1e-7)",
}
LENGTHS = {  # undefined where all numbers of the slice are equal to 0, or to each other
    "norm": ("the norm of zeros", "add a small number inside: sqrt(sum(x²) + 1e-12)"),
    "std": ("the deviation of equal numbers", "add a small number inside: sqrt(var(x) + 1e-5)"),
    "hypot": ("the length of (0, 0)", "add a small number inside the root"),
}
OFF = ("relu", "relu6", "clip", "leaky_relu", "maximum", "dropout")  # they make many equal numbers on purpose


def infinite_derivative(case: Case) -> Iterator[Found]:
    """A gradient arrives where the local derivative is infinite or has no value, although the operands are finite."""
    for node in case.nodes:
        if node.op not in SINGULAR:
            continue
        finite = ~np.any([np.broadcast_to(bad(case.nodes[i].value), node.shape) for i in node.operands], axis=0)
        for position, _ in enumerate(node.operands):
            local = case.local(node, position)
            if local is None:
                continue
            wrong = bad(local) & finite & case.flows(node.id)
            if np.any(wrong):
                index = first(wrong)
                yield Found(node.id, _slope(case, node, position, index, wrong), index, remedy=SINGULAR[node.op])
                break


def _slope(case: Case, node: Node, position: int, index: tuple[int, ...], wrong: np.ndarray) -> str:
    local = case.local(node, position)
    assert local is not None
    operands = [case.nodes[i] for i in node.operands]
    call = written(node.op, [label(operand) for operand in operands])
    given = ", ".join(told(operand, index, node.shape) for operand in operands)
    to = label(operands[position])
    return f"the derivative of {call} by {to} is {number(local[index])} where {given}{at(index)}{share(wrong)}"


CHOOSE = "choose instead of multiplying, of a branch with a harmless operand: where(c, f(where(c, x, 1)), 0)"


def hidden_nan(case: Case) -> Iterator[Found]:
    """`where`, or a factor of 0, leaves out what is NaN or infinite there, or what has such a derivative."""
    for node in case.nodes:
        if node.id not in case.tracked:
            continue
        for position, left_out, by in _left_out(case, node):
            branch = case.operand(node, position)
            if branch.id not in case.tracked or branch.is_leaf or not np.any(left_out):
                continue
            yield from _behind(case, node, branch, left_out, by)


def _left_out(case: Case, node: Node) -> Iterator[tuple[int, np.ndarray, str]]:
    """The operands that a node leaves out, where it does, and by what: `where`, or a constant factor of 0."""
    if node.op == "where":
        condition = np.broadcast_to(np.asarray(case.operand(node).value), node.shape) != 0
        yield from ((1, ~condition, "`where`"), (2, condition, "`where`"))
    elif node.op == "mul":
        for position in (0, 1):
            factor = case.operand(node, 1 - position)
            if factor.op == "constant":
                yield position, np.broadcast_to(np.asarray(factor.value), node.shape) == 0, "a factor of 0"


def _behind(case: Case, node: Node, branch: Node, left_out: np.ndarray, by: str) -> Iterator[Found]:
    wrong = np.broadcast_to(bad(branch.value), node.shape) & left_out
    if np.any(wrong) and branch.id not in case.meant:
        in_branch = _in_operand(wrong, branch.shape) & bad(branch.value)
        origins = trace_back(case.nodes, {branch.id: in_branch}, case.meant).origins
        computed = [id for id in origins if not case.nodes[id].is_leaf]
        if computed and len(computed) == len(origins):
            origin = case.nodes[min(computed)]
            index = first(origins[origin.id])
            given = ", ".join(
                told(case.nodes[i], index, origin.shape) for i in origin.operands if _fits(case, i, origin)
            )
            value = number(float(np.asarray(origin.value)[index]))
            why = f"{origin.op} gives {value} where {given}{at(index)}"
            if node.op == "mul":
                why = f"{why}, and {by} does not leave it out: 0 · {value} is NaN"
                yield Found(origin.id, why, index, remedy=CHOOSE)
            else:
                yield Found(origin.id, f"{why}, and {by} leaves it out", index)
            return
    # Elements keep their places on the way to `where`: only elementwise nodes of the same shape are followed.
    stack, seen = [branch], {branch.id}
    while stack:
        current = stack.pop()
        if current.shape != node.shape or current.op == "where":
            continue
        for position, operand in enumerate(current.operands):
            local = case.local(current, position)
            if local is None:
                continue
            slope = bad(local) & left_out & (np.asarray(case.upstream(current.id)) == 0) & ~bad(current.value)
            if case.trace is not None and current.op in SINGULAR and np.any(slope):
                index = first(slope)
                why = _slope(case, current, position, index, slope)
                yield Found(current.id, f"{why}, and {by} leaves it out", index)
                return
            if operand not in seen:
                seen.add(operand)
                stack.append(case.nodes[operand])


def _in_operand(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of the elements of an operand that was broadcast to the mask's shape."""
    lead = mask.ndim - len(shape)
    mask = np.any(mask, axis=tuple(range(lead)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    return np.asarray(np.any(mask, axis=stretched, keepdims=True))


def _fits(case: Case, id: int, node: Node) -> bool:
    shape = case.nodes[id].shape
    return len(shape) <= len(node.shape) and all(
        n in (1, m) for n, m in zip(shape[::-1], node.shape[::-1], strict=False)
    )


def undefined_at_zero(case: Case) -> Iterator[Found]:
    """A gradient arrives at a norm, or deviation, of nothing: it has no slope there, and 0 is what is sent."""
    for node in case.nodes:
        if node.op not in LENGTHS or node.id not in case.tracked:
            continue
        zero = (np.asarray(node.value) == 0) & case.flows(node.id)
        if np.any(zero):
            what, remedy = LENGTHS[node.op]
            index = first(zero)
            why = f"{what} has no derivative: {label(node)} = 0{at(index)}{share(zero)}; a gradient of 0 is sent"
            yield Found(node.id, why, index, remedy=remedy)


def tied(case: Case) -> Iterator[Found]:
    """Several numbers are the largest, or the smallest, and share a gradient that arrives there."""
    for node in case.nodes:
        if node.op in ("max", "min"):
            yield from _tied_in_slice(case, node)
        elif node.op in ("maximum", "minimum", "fmax", "fmin"):
            first_operand, second = case.operand(node), case.operand(node, 1)
            if not {first_operand.id, second.id} <= case.tracked or _bounds(case, first_operand, second):
                continue
            ties = np.equal(first_operand.value, second.value) & np.isfinite(node.value) & case.flows(node.id)
            if np.any(ties):
                index = first(ties)
                why = f"{told(first_operand, index, node.shape)} and {told(second, index, node.shape)} tie{at(index)}"
                yield Found(node.id, f"{why}{share(ties)}: each gets half of the gradient", index)


def _bounds(case: Case, *operands: Node) -> bool:
    """Whether one operand is the other with its range limited on the way, as in PPO's clipped objective.

    They are equal wherever the limit is not met, and have the same derivative there: however a gradient is shared
    between them, it is right.
    """
    for node, other in (operands, operands[::-1]):
        limited, made_of = _elementwise_way(case, node), {other.id, *(n.id for n in _elementwise_way(case, other))}
        if any(n.op in OFF and n.operands[0] in made_of for n in limited):
            return True
    return False


def _elementwise_way(case: Case, node: Node, most: int = 8) -> list[Node]:
    """What a node is made of, a few steps back, through products, sums and limits."""
    found: list[Node] = []
    stack = [node]
    while stack and len(found) < most:
        current = stack.pop()
        found.append(current)
        if current.op in ("mul", "div", "add", "sub", "neg", *OFF, *MOVES):
            stack += [case.nodes[i] for i in current.operands if i in case.tracked]
    return found


def _tied_in_slice(case: Case, node: Node) -> Iterator[Found]:
    operand = case.operand(node)
    source = operand
    while source.op in MOVES:  # relu before a max-pool is as much on purpose if its numbers were moved between them
        source = case.operand(source)
    if operand.id not in case.tracked or not np.size(operand.value) or source.op in OFF:
        return
    axis, x = node.params["axis"], np.asarray(operand.value)
    best = node.value if node.params["keepdims"] or axis is None else np.expand_dims(np.asarray(node.value), axis)
    counts = np.count_nonzero(x == best, axis=axis, keepdims=bool(node.params["keepdims"]))
    ties = (np.asarray(counts) > 1) & np.isfinite(node.value) & case.flows(node.id)
    if np.any(ties):
        index = first(ties)
        value, count = number(float(np.asarray(node.value)[index])), int(np.asarray(counts)[index])
        why = f"{count} numbers of {label(operand)} are the {node.op} {value}{at(index)}, and share the gradient"
        yield Found(node.id, why, index)


SLOPES = (
    Trap("infinite-derivative", "error", "keep the operand away from the point", infinite_derivative),
    Trap(
        "hidden-nan",
        "warning",
        "give the branch a harmless operand first: where(c, f(where(c, x, 1)), 0). The gradient is right here, but "
        "in other frameworks it is NaN",
        hidden_nan,
    ),
    Trap("undefined-at-zero", "warning", "add a small number inside the root", undefined_at_zero),
    Trap(
        "tied-maxima",
        "warning",
        "break the tie, or use a smooth maximum such as logsumexp; other frameworks give the gradient to one of them",
        tied,
    ),
)
