"""From a bad number back to where it began: which elements of which nodes made an element NaN or infinite.

A node's bad elements are followed to the bad elements of its operands that went into them: number by number through an
elementwise operation, by its own rule through a linear one, along its axis through a reduction. What is left over, a
bad element made of good ones, is an origin.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .graph import Node
from .ops.reduce import spread
from .ops.shape import sum_to
from .ops.table import OPERATIONS, builtin_names
from .primitive import Elementwise, Primitive
from .tape import no_grad

Mask = np.ndarray  # truth values in the shape of a node
PRODUCTS = ("matmul", "einsum")  # linear in each operand: with operands of ones their rules tell what went in
MOVES = ("alias", "astype", "broadcast_to", "getitem", "reshape", "to_scalar", "to_tensor", "transpose")
ALONG = ("softmax", "log_softmax", "cumprod")  # every element of a slice along the axis is made of all of it


class Spread(NamedTuple):
    """How bad elements came about.

    origins  the elements of each node that are bad although what they were made of is not, by node id
    edges    (id of a node, position of its operand) for every step that a bad number took
    """

    origins: dict[int, Mask]
    edges: tuple[tuple[int, int], ...]


def bad(value: Any) -> Mask:
    """Where a value is NaN or infinite."""
    array = np.asarray(value)
    return ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)


def meant(nodes: Sequence[Node]) -> set[int]:
    """The nodes whose infinities are taken as meant: infinite constants, such as a mask's −∞, and what is made of them.

    NaN is never meant, nor is an infinite number that a finite one overflowed to.
    """
    found: set[int] = set()
    for node in nodes:
        if np.asarray(node.value).dtype.kind != "f" or not np.any(np.isinf(node.value)) or np.any(np.isnan(node.value)):
            continue
        infinite = [i for i in node.operands if np.any(bad(nodes[i].value))]
        if node.op == "constant" or (infinite and found.issuperset(infinite)):
            found.add(node.id)
    return found


def trace_back(nodes: Sequence[Node], start: Mapping[int, Mask], pardoned: Iterable[int] = ()) -> Spread:
    """Follow the bad elements of some nodes to their origins. Those of pardoned nodes are not held against anybody."""
    pardoned = frozenset(pardoned)
    masks = {id: mask for id, mask in start.items() if np.any(mask)}
    origins: dict[int, Mask] = {}
    edges: list[tuple[int, int]] = []
    for node in reversed(nodes):
        mask = masks.get(node.id)
        if mask is None:
            continue
        inherited = np.zeros(node.shape, bool)
        for position, operand in enumerate(node.operands):
            if operand in pardoned or not np.any(bad(nodes[operand].value)):
                continue
            culprits, passed = _culprits(node, position, nodes, mask)
            if np.any(culprits):
                masks[operand] = masks[operand] | culprits if operand in masks else culprits
                edges.append((node.id, position))
                inherited |= passed
        own = mask & ~inherited
        if np.any(own):
            origins[node.id] = own
    return Spread(origins, tuple(edges))


def ingredients(node: Node, position: int, nodes: Sequence[Node], mask: Mask) -> Mask:
    """The elements of an operand that went into the masked elements of a node; all of them if that is not known."""
    shape = nodes[node.operands[position]].shape
    primitive = OPERATIONS.get(node.op)
    if not isinstance(primitive, Primitive) or node.op not in builtin_names():
        return np.ones(shape, bool)
    if isinstance(primitive, Elementwise):
        if node.op == "where":
            mask = mask & _chosen(position, nodes[node.operands[0]].value)
        return _as_mask(sum_to(mask.astype(float), shape), shape)
    if primitive.linear or node.op in PRODUCTS:
        ones = [np.ones(nodes[i].shape) for i in node.operands]
        with no_grad():
            rule = primitive.vjp(position, mask.astype(float), np.ones(node.shape), ones, dict(node.params))
        return _as_mask(rule, shape)
    axis = node.params.get("axis")
    if node.op in ALONG:
        return np.broadcast_to(np.any(mask, axis=axis, keepdims=True), shape)
    if "keepdims" in node.params:
        with no_grad():
            return _as_mask(spread(mask.astype(float), np.ones(shape), axis, node.params["keepdims"]), shape)
    return np.ones(shape, bool)


def _culprits(node: Node, position: int, nodes: Sequence[Node], mask: Mask) -> tuple[Mask, Mask]:
    """The bad elements of an operand that went into the masked ones, and which of the masked ones those are."""
    operand = nodes[node.operands[position]]
    wrong = bad(operand.value)
    culprits = ingredients(node, position, nodes, mask) & wrong
    if isinstance(OPERATIONS.get(node.op), Elementwise):
        passed = mask & np.broadcast_to(wrong, node.shape)
        if node.op == "where":
            passed &= _chosen(position, nodes[node.operands[0]].value)
        return culprits, passed
    return culprits, mask if np.any(culprits) else np.zeros(node.shape, bool)


def _chosen(position: int, condition: Any) -> Any:
    """Where `where` takes this operand; its condition is never to blame."""
    return (False, np.not_equal(condition, 0), np.equal(condition, 0))[position]


def _as_mask(weights: Any, shape: tuple[int, ...]) -> Mask:
    mask: Mask = np.asarray(weights).reshape(shape) != 0
    return mask
