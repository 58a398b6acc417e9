"""Which node is meant: by its id, by a name that people see, or by the live value itself."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Node
from autodiff.errors import GraphError
from autodiff.graph import freeze
from autodiff.tape import Value

from .notation import label
from .numbers import subscript

NUMBERS_BEGIN = tuple("0123456789−-∞in")  # and inf, nan


def located(trace: Any, wrt: Any) -> tuple[BackwardTrace, int]:
    """The trace, recorded if a live value is given, and the id of the node that is meant.

    Raises GraphError if there is no such node, or if a name or a live value may mean several.
    """
    ids: dict[int, int] | None = None
    if not isinstance(trace, BackwardTrace):
        output, trace = trace, ad.backprop(trace)
        ids = freeze([output])[2]  # deterministic: the ids that the trace has
    nodes = trace.graph.nodes
    if isinstance(wrt, str):
        named = trace.graph.names.get(wrt)
        found = [] if named is None else [named]
        found = found or [node.id for node in nodes if node.name == wrt]
        found = found or _labelled(nodes, wrt)
    elif isinstance(wrt, Value) and ids is not None:
        found = [ids[wrt.index]] if wrt.index in ids else []
    elif isinstance(wrt, Value):  # a trace knows no live values: the node that looks like this one
        found = [node.id for node in nodes if _is_of(node, wrt)]
    elif isinstance(wrt, Node):
        found = [node.id for node in nodes[wrt.id : wrt.id + 1] if (node.op, node.operands) == (wrt.op, wrt.operands)]
    else:
        is_id = isinstance(wrt, int | np.integer) and not isinstance(wrt, bool) and 0 <= wrt < len(nodes)
        found = [int(wrt)] if is_id else []
    if len(found) == 1:
        return trace, found[0]
    what = f"the value named {wrt.name!r}" if isinstance(wrt, Value) else repr(wrt)
    if found:
        raise GraphError(f"{what} may be any of the nodes {', '.join(map(str, found[:10]))}: give one of these ids")
    known = list(trace.graph.names)
    names = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "") or "none"
    raise GraphError(f"{what} is no node of this graph; its ids are 0 to {len(nodes) - 1}, its named leaves {names}")


def _labelled(nodes: Sequence[Node], text: str) -> list[int]:
    """The nodes with this label. Nameless ones are called by their id, so only few labels have to be made."""
    number = re.fullmatch(f"[vc]([{subscript(1234567890)}]+)", text)
    id = int(unicodedata.normalize("NFKC", number[1])) if number else -1
    is_number = text[:1] in NUMBERS_BEGIN
    maybe = (node for node in nodes if node.name or node.id == id or (is_number and node.op == "constant"))
    return [node.id for node in maybe if label(node) == text]


def _is_of(node: Node, value: Value) -> bool:
    op = value.primitive.name if value.primitive is not None else value.leaf_op if value.requires_grad else "constant"
    alike = (node.op, node.name, node.scope, node.shape) == (op, value.name, value.scope, value.shape)
    return alike and np.array_equal(node.value, value.data, equal_nan=True)
