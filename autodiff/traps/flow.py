"""Traps of a gradient's way: parameters it does not reach, what stops it, and what it is summed over by accident."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..graph import Node
from ..ops.table import OPERATIONS
from ..primitive import Elementwise
from ..tape import Value, topological
from ..writing import label, number
from .case import Case, Found, Trap, Wanted, listed

STEPS = ("sign", "floor", "ceil", "trunc", "rint", "round", "floor_divide", "heaviside")
RECENTRED = ("mean", "sum", "max", "min", "std", "var", "norm", "median", "logsumexp")


def unreached(case: Case) -> Iterator[Found]:
    """A parameter that no gradient reaches, because it is not in the graph, or only where nothing is differentiable."""
    told: set[int] = set()
    for wanted in case.wanted or ():
        if wanted.node is None:
            why, remedy, node = _why_absent(case, wanted)
            yield Found(node, f"{wanted.name} does not reach the loss: {why}", name=wanted.name, remedy=remedy)
        else:
            told.add(wanted.node)
            yield from _without_rule(case, case.nodes[wanted.node])
    for leaf in case.graph.inputs if case.trace is not None else ():
        if leaf.id not in told and (leaf.name or leaf.op == "parameter"):
            yield from _without_rule(case, leaf)


def _without_rule(case: Case, leaf: Node) -> Iterator[Found]:
    if case.trace is None or leaf.id in case.trace.cotangents or leaf.id in case.graph.output_ids:
        return
    users = listed(case.nodes[user].op for user, _ in case.users.get(leaf.id, ()))
    why = f"{label(leaf)} does not reach the loss: it is only used where there is no derivative, by {users}"
    yield Found(leaf.id, why, remedy="use it in a differentiable way, or leave it out of what is trained")


def _why_absent(case: Case, wanted: Wanted) -> tuple[str, str, int | None]:
    """Why a parameter is not in the graph, what to do, and the node that took its place, if one is known."""
    for id, cut in case.cuts():
        if _came_from(cut.origins, wanted):
            what, remedy = _CUTS.get(cut.how, (f"{cut.how} makes whole numbers or truth values of it", _CAST))
            return f"{what} (leaf {label(case.nodes[id])})", remedy, id
    if wanted.value is not None:
        for value in case.values.values():
            for operand in value.operands:
                if operand is wanted.value.data and isinstance(operand, np.ndarray):
                    return "its plain numbers, .data or numpy(), were used in its place", "use the tensor itself", None
    return (
        "it is not in the graph",
        "use it, or drop it; .data, numpy(), item() and comparisons leave the graph as well",
        None,
    )


_CAST = "cast only what needs no gradient, or use a smooth function in its place"
_CUTS = {
    "detach": ("detach() cut it off", "take detach() away where the gradient should pass"),
    "no_grad": ("it was used under no_grad()", "compute outside no_grad() what should get a gradient"),
    "astype": ("the cast to integers cut it off", _CAST),
    "Tensor": ("Tensor(...) copied its numbers into a new leaf", "use the tensor itself, or ad.stack for several"),
    "Scalar": ("Scalar(...) copied its number into a new leaf", "use the value itself"),
}


def _came_from(origins: tuple[Value, ...], wanted: Wanted) -> bool:
    """Whether values were computed from a parameter, through other cuts as well."""
    pending, seen = list(origins), set()
    while pending:
        start = pending.pop()
        for value in [start, *topological([start])]:
            if value.index in seen:
                continue
            seen.add(value.index)
            if value is wanted.value or (wanted.value is None and value.name == wanted.name and not value.operands):
                return True
            for operand in (value, *value.operands):
                if isinstance(operand, Value) and "cut" in operand.params and operand.primitive is None:
                    pending += [o for o in operand.params["cut"].origins if o.index not in seen]
    return False


def zero_gradient(case: Case) -> Iterator[Found]:
    """Leaves whose gradient is exactly 0, and the node that stopped it: one finding per node."""
    if case.trace is None or not all(
        np.all(np.isfinite(case.trace.cotangents.get(leaf.id, 0.0))) for leaf in case.graph.inputs
    ):
        return
    stopped: dict[tuple[int, int], tuple[str, list[str]]] = {}
    for leaf in _candidates(case):
        g = case.trace.cotangents.get(leaf.id)
        if g is None or not np.size(g) or np.any(g):
            continue
        reasons = [(place, why) for place in _blockers(case, leaf.id) if (why := _why_stopped(case, *place))]
        if reasons:
            place, why = max(reasons)
            stopped.setdefault(place, (why, []))[1].append(label(leaf))
    for (id, _), (why, names) in sorted(stopped.items()):
        verb = "gets a gradient" if len(names) == 1 else "get gradients"
        remedy = _REMEDIES.get(case.nodes[id].op, "")
        if any(case.nodes[i].op == "constant" and not np.any(case.nodes[i].value) for i in case.nodes[id].operands):
            remedy = "leave the term out, or give it a factor that is not 0"
        yield Found(id, f"{listed(names)} {verb} of exactly 0: {why}", name=names[0], remedy=remedy)


def _candidates(case: Case) -> list[Node]:
    """The leaves that should get a gradient: parameters and those the caller names, or else named inputs."""
    named = {wanted.node for wanted in case.wanted or ()}
    chosen = [node for node in case.graph.inputs if node.op == "parameter" or node.id in named]
    return chosen or [node for node in case.graph.inputs if node.name and case.wanted is None]


def _blockers(case: Case, leaf: int) -> set[tuple[int, int]]:
    """The nodes at which a gradient arrives that is not 0, but which send 0 on towards a leaf, with the position."""
    found: set[tuple[int, int]] = set()
    stack, seen = [leaf], {leaf}
    while stack:
        for user, position in case.users.get(stack.pop(), ()):
            if user not in case.messages or case.messages[user][position].message is None:
                continue
            if np.any(case.messages[user][position].message):
                return set()  # messages that are not 0 add up to 0: nothing stopped them
            if np.any(case.upstream(user)):
                found.add((user, position))
            elif user not in seen:
                seen.add(user)
                stack.append(user)
    return found


def _why_stopped(case: Case, id: int, position: int) -> str:
    """Why a node sends 0; empty where that is natural, as at the minimum of a square."""
    node = case.nodes[id]
    if node.op in STEPS:
        return f"{node.op} is a step function, whose derivative is 0 everywhere"
    row = _STOPS.get(node.op)
    return row(case, node, position) if row is not None else ""


def _relu(case: Case, node: Node, position: int) -> str:
    x = np.asarray(case.operand(node).value)
    most = number(float(np.max(x)))
    if x.size == 1:
        return f"{node.op} is off in {label(node)}: its input is {most}"
    return f"{node.op} is off at all {x.size} numbers of {label(node)}: its input is at most {most}"


def _clip(case: Case, node: Node, position: int) -> str:
    x = np.asarray(case.operand(node).value)
    low, high = number(float(np.min(x))), number(float(np.max(x)))
    return f"{node.op} cuts off all numbers of {label(case.operand(node))}, which are from {low} to {high}"


def _selected(case: Case, node: Node, position: int) -> str:
    other = case.nodes[node.operands[1 - position]]
    return f"{node.op} selects {label(other)} everywhere, and never {label(case.operand(node, position))}"


def _where(case: Case, node: Node, position: int) -> str:
    return (
        f"`where` takes the other branch wherever a gradient arrives, and never {label(case.operand(node, position))}"
    )


def _dropout(case: Case, node: Node, position: int) -> str:
    return f"dropout dropped every number of {label(case.operand(node))} that a gradient arrives at"


def _factor(case: Case, node: Node, position: int) -> str:
    """A product with 0. That of two leaves is natural: the one that is not 0 gets no gradient until the other moves."""
    operand = case.operand(node, position)
    others = [case.nodes[i] for p, i in enumerate(node.operands) if p != position]
    zeros = [other for other in others if not np.any(other.value)]
    if not zeros or (operand.is_leaf and zeros[0].op in ("input", "parameter")):
        return ""
    name = label(zeros[0])
    what = "" if name in ("0.000", "0") else ", which is 0"
    if what and zeros[0].op in _STOPS and not zeros[0].is_leaf:
        what = f", which {zeros[0].op} made 0"
    return f"it is multiplied in {label(node)} by {name}{what}"


def _flat(case: Case, node: Node, position: int) -> str:
    x = np.asarray(case.operand(node, position).value, dtype=float)
    size = number(float(np.min(np.abs(x)))) if node.op != "exp" else number(float(np.max(x)))
    what = "underflowed to 0" if node.op == "exp" else "is saturated: its derivative is 0 to the last bit"
    return f"{node.op} {what} at all {x.size} numbers, {'at most' if node.op == 'exp' else 'at least'} {size} in size"


def _dead_base(case: Case, node: Node, position: int) -> str:
    """A power of what a relu made 0. That of a number that happens to be 0 is natural: it is the minimum."""
    base = case.operand(node, position)
    is_off = base.op in ("relu", "leaky_relu", "relu6") and bool(np.all(np.asarray(case.operand(base).value) < 0))
    return _relu(case, base, 0) if is_off and position == 0 else ""


def _single(case: Case, node: Node, position: int) -> str:
    axis = node.params["axis"]
    if node.shape[axis] != 1:
        return ""
    return f"{node.op} over an axis of length 1 (axis {axis} of shape {node.shape}) is constant"


def _replaced(case: Case, node: Node, position: int) -> str:
    return f"nan_to_num replaced every number of {label(case.operand(node))}"


_STOPS: dict[str, Callable[[Case, Node, int], str]] = {
    "relu": _relu,
    "relu6": _clip,
    "hard_tanh": _clip,
    "clip": _clip,
    "leaky_relu": _relu,
    "maximum": _selected,
    "minimum": _selected,
    "fmax": _selected,
    "fmin": _selected,
    "where": _where,
    "dropout": _dropout,
    "mul": _factor,
    "matmul": _factor,
    "einsum": _factor,
    "tanh": _flat,
    "sigmoid": _flat,
    "exp": _flat,
    "nan_to_num": _replaced,
    "pow": _dead_base,
    "square": _dead_base,
    "log_softmax": _single,
}
_REMEDIES = {
    "relu": "lower the learning rate, start with other weights or biases, or use leaky_relu",
    "relu6": "keep the input between the bounds",
    "hard_tanh": "keep the input between the bounds",
    "clip": "widen the bounds, or penalise what is outside instead of cutting it off",
    "mul": "start with weights that are not 0",
    "matmul": "start with weights that are not 0, drawn at random",
    "einsum": "start with weights that are not 0, drawn at random",
    "dropout": "drop fewer numbers",
    **dict.fromkeys(("pow", "square"), "lower the learning rate, start with other biases, or use leaky_relu"),
    "log_softmax": "take the axis of the classes, or log_sigmoid for a single output",
    **dict.fromkeys(STEPS, "use a smooth function in its place, such as sigmoid for a step"),
}


def changed_in_place(case: Case) -> Iterator[Found]:
    """An operand is no longer what a value was computed from: its array was written to, or `.data` was replaced."""
    told: set[int] = set()  # one finding for each operand, at its first use
    for id, value in sorted(case.values.items()):
        node = case.nodes[id]
        for position, (operand, saved) in enumerate(zip(value.operands, value.saved, strict=True)):
            now = operand.data if isinstance(operand, Value) else operand
            if now is saved or isinstance(now, Value) or np.array_equal(now, saved, equal_nan=_floats(now, saved)):
                continue
            if node.operands[position] in told:
                continue
            told.add(node.operands[position])
            if np.shape(now) != np.shape(saved):
                detail = f"its shape was {np.shape(saved)} and is {np.shape(now)}"
            else:
                moved = np.abs(np.asarray(now, dtype=float) - np.asarray(saved, dtype=float))
                detail = f"by up to {number(float(np.nanmax(moved)))}"
            name = label(case.operand(node, position))
            why = f"{name} was changed in place after {node.op} had used it, {detail}: the gradient is that of before"
            yield Found(id, why, name=name)


def _floats(*arrays: Any) -> bool:
    return all(np.asarray(array).dtype.kind == "f" for array in arrays)


def accidental_broadcast(case: Case) -> Iterator[Found]:
    """(n, 1) against (n,) makes (n, n), and statistics of rows that lie along columns: sums nobody meant."""
    for node in case.nodes:
        if len(node.operands) != 2:
            continue
        a, b = case.nodes[node.operands[0]], case.nodes[node.operands[1]]
        if not a.shape or not b.shape or a.shape == b.shape:
            continue
        if not isinstance(OPERATIONS.get(node.op), Elementwise):
            continue
        if {a.id, b.id}.isdisjoint(case.tracked):
            continue
        if a.shape == node.shape or b.shape == node.shape:
            yield from _misaligned(case, node, a, b)
            continue
        wide, flat = (a, b) if len(a.shape) > len(b.shape) else (b, a)
        is_column = wide.shape[-1:] == (1,) and wide.shape[-2:-1] == flat.shape[-1:] and len(flat.shape) > 0
        if len(wide.shape) == len(flat.shape) or not is_column or flat.shape[-1] == 1 or _made_column(case, wide):
            continue
        shapes = f"{label(wide)} of shape {wide.shape} and {label(flat)} of shape {flat.shape}"
        yield Found(
            node.id,
            f"{node.op} of {shapes} makes {node.shape}: each number meets every other, and gradients are summed so",
            remedy=f"give both one shape, as in reshape({label(flat)}, {wide.shape}), or {label(wide)}[:, 0]",
        )


def _made_column(case: Case, node: Node) -> bool:
    """Whether somebody made a column of a row on purpose, as `x[:, None]` does."""
    if node.params.get("keepdims"):
        return True
    return node.op in ("reshape", "getitem", "broadcast_to") and len(case.operand(node).shape) < len(node.shape)


def _misaligned(case: Case, node: Node, a: Node, b: Node) -> Iterator[Found]:
    """Statistics of the rows of a square matrix, without keepdims, against the matrix: they lie along the columns."""
    matrix, vector = (a, b) if a.shape == node.shape else (b, a)
    if len(matrix.shape) < 2 or len(vector.shape) != len(matrix.shape) - 1 or matrix.shape[-1] != matrix.shape[-2]:
        return
    if vector.op not in RECENTRED or vector.params.get("keepdims", True) or matrix.shape[-1] < 2:
        return
    axis = vector.params.get("axis")
    axes = (axis,) if isinstance(axis, int) else axis or ()
    source = case.operand(vector)
    is_of_rows = tuple(i % len(source.shape) for i in axes) == (len(source.shape) - 1,)
    if is_of_rows and (source.id == matrix.id or source.id in matrix.operands or source.operands == matrix.operands):
        why = f"{label(vector)}, the {vector.op} of each row of {label(source)}, meets the columns of {label(matrix)}"
        yield Found(node.id, f"{why}: shapes {matrix.shape} and {vector.shape}", remedy="reduce with keepdims=True")


FLOW = (
    Trap("unreached-parameter", "error", "use it, or drop it", unreached),
    Trap("zero-gradient", "warning", "let the gradient pass there", zero_gradient),
    Trap("changed-in-place", "error", "change a copy, or change it after the backward pass", changed_in_place),
    Trap("accidental-broadcast", "warning", "give both operands one shape", accidental_broadcast),
)
__all__ = ["FLOW"]
