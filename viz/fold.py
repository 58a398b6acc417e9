"""Folding: which nodes share a card, so that a drawing has few enough cards to be read.

Operations that follow one another in recording order can always be drawn as one card: nothing between the first and
the last of them lies outside, so folding makes no cycle. Blocks that repeat are folded first, then scopes from the
innermost out, then equal scopes in a row; what has neither is cut into stretches.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from autodiff import Node

from .notation import is_parameter, label, shorten, sign

LONGEST = 200  # operations in a block that is looked for as repeated
FEWEST = 3  # times that a block is repeated before it is folded
FEWEST_STRETCHES = 8  # into so many stretches, or a few times more, a graph without structure is cut
EDGES_PER_CARD = 3  # a drawing with more is not readable, and takes long to lay out
FEW_EDGES = 150  # that many are readable however few cards there are


@dataclass(frozen=True)
class Group:
    """Nodes that share a card, by ascending id, and the scope that the card is drawn in.

    title   what the card is called; empty for a single node
    repeat  how many equal blocks the nodes are
    """

    members: tuple[int, ...]
    scope: str
    title: str = ""
    repeat: int = 1


class Unit(NamedTuple):
    """Operations in a row that are folded together: ids, scope, what they are called, how often they are repeated."""

    ids: tuple[int, ...]
    scope: str
    title: str = ""
    repeat: int = 1


def fold(
    nodes: Sequence[Node], scopes: Sequence[str], shown: set[int], apart: set[int], limit: int, depth: int | None = None
) -> list[Group]:
    """The groups of a drawing, in recording order: at most `limit` of them, and single nodes if these are no more.

    scopes  the scope that each node is drawn in
    shown   ids of the nodes to draw; others are left out
    apart   ids of operations that keep a card of their own, such as outputs
    depth   fold scopes nested deeper than this, even where there is room
    """
    operations = [Unit((node.id,), scopes[node.id]) for node in nodes if node.id in shown and not node.is_leaf]
    stage: list[Group] = []
    for i, (units, most) in enumerate(_stages(nodes, operations, apart, limit, depth)):
        stage = _with_leaves(nodes, scopes, shown, units, most, gather=i > 0)
        if len(stage) <= limit and _edge_count(nodes, stage) <= max(EDGES_PER_CARD * len(stage), FEW_EDGES):
            break
    return stage


def _stages(
    nodes: Sequence[Node], operations: list[Unit], apart: set[int], limit: int, depth: int | None
) -> Iterator[tuple[list[Unit], int | None]]:
    """Ever coarser ways to fold the operations, and beyond how many cards inputs are folded too; None for never."""
    deepest = max((unit.scope.count("/") + 1 for unit in operations if unit.scope), default=0)
    units = operations
    for level in range(deepest, depth or 0, -1) if depth is not None else ():
        units = _collapse(units, level, apart)
    yield units, None
    yield _fold_repeats(nodes, units, apart, within=True), None
    for level in range(deepest, 0, -1):
        units = _collapse(units, level, apart)
        yield units, None
        yield _fold_repeats(nodes, units, apart, within=False), None
    count = max(limit // 4, FEWEST_STRETCHES)
    while count > FEWEST_STRETCHES:
        yield _stretches(units, count, apart), limit
        count = max(count * 2 // 5, FEWEST_STRETCHES)
    for most in (limit, 0):  # inputs that every stretch uses make too many edges
        yield _stretches(units, FEWEST_STRETCHES, apart), most


def _collapse(units: list[Unit], level: int, apart: set[int]) -> list[Unit]:
    """Units in a row within one scope of this depth, as one unit."""

    def scope_at(unit: Unit) -> str | None:
        parts = unit.scope.split("/")
        return None if len(parts) < level or not unit.scope or apart & set(unit.ids) else "/".join(parts[:level])

    def merged(found: list[Unit]) -> Unit:
        outer, _, name = str(scope_at(found[0])).rpartition("/")
        return Unit(_ids(found), outer, shorten(name))

    return _merge_runs(units, scope_at, merged)


def _merge_runs(units: list[Unit], key: Callable[[Unit], Any], merged: Callable[[list[Unit]], Unit]) -> list[Unit]:
    """Each run of units with one key, other than None, made one unit; a unit that is alone and single stays."""
    result: list[Unit] = []
    run: list[Unit] = []
    for unit in [*units, None]:
        if run and (unit is None or key(unit) is None or key(unit) != key(run[0])):
            result.append(merged(run) if len(run) > 1 or len(run[0].ids) > 1 else run[0])
            run = []
        if unit is None:
            break
        if key(unit) is None:
            result.append(unit)
        else:
            run.append(unit)
    return result


def _fold_repeats(nodes: Sequence[Node], units: list[Unit], apart: set[int], within: bool) -> list[Unit]:
    """Blocks of units that repeat at least `FEWEST` times in a row, each made one unit.

    within  only those inside one scope: `linear1` and `linear2` are not the same
    """
    signatures, alike = _signatures(nodes, units, apart, within)
    result: list[Unit] = []
    stretches = [(0, len(units))]
    while stretches:
        start, stop = stretches.pop()
        found = _best_repeat(signatures[start:stop])
        if found is None:
            result.extend(units[start:stop])
            continue
        first, period, times = found
        first += start
        last = first + period * times
        before = first - period  # the first block is equal but for where its input comes from
        if before >= start and np.array_equal(alike[before:first], alike[first : first + period]):
            first, times = before, times + 1
        block, whole = units[first : first + period], units[first:last]
        inner, outer = (_shared([unit.scope for unit in some]) for some in (block, whole))
        # Blocks in scopes of their own, `block1` to `block12`, are called after these.
        title = _title(nodes, block) if inner == outer else _unnumbered(inner[len(outer) :].strip("/").split("/")[0])
        result.append(Unit(_ids(whole), outer, title, times))
        stretches += [(start, first), (last, stop)]
    return sorted(result)


def _signatures(
    nodes: Sequence[Node], units: list[Unit], apart: set[int], within: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers per unit. The first is equal for units that compute alike from operands that stand alike relative to
    them, the second for units that compute alike from operands of the same shapes.
    """
    place = {id: (i, j) for i, unit in enumerate(units) for j, id in enumerate(unit.ids)}
    numbers: dict[Any, int] = {}
    signatures, alike = np.empty((2, len(units)), dtype=np.int64)
    for i, unit in enumerate(units):
        name = f"{unit.scope}/{unit.title}"
        parts: list[Any] = [name if within else re.sub(r"\d+", "#", name), unit.repeat]
        shapes = list(parts)
        for id in unit.ids:
            node = nodes[id]
            operands = []
            for operand in node.operands:
                where = place.get(operand)
                # What is far back, such as a weight that all blocks share, counts as the same for all.
                near = where is not None and i - where[0] <= 2 * LONGEST
                operands.append((i - where[0], where[1]) if near and where else nodes[operand].shape)
            parts.append((node.op, node.shape, tuple(operands)))
            shapes.append((node.op, node.shape, tuple(nodes[operand].shape for operand in node.operands)))
        is_apart = bool(apart & set(unit.ids))
        for row, key in ((signatures, parts), (alike, shapes)):
            row[i] = -i - 1 if is_apart else numbers.setdefault(tuple(key), len(numbers))
    return signatures, alike


def _best_repeat(signatures: np.ndarray) -> tuple[int, int, int] | None:
    """Start, length and number of the repeated block that saves most, or None."""
    best, saved = None, 1
    for period in range(1, min(LONGEST, len(signatures) // FEWEST) + 1):
        equal = signatures[:-period] == signatures[period:]
        if np.count_nonzero(equal) < max(saved, (FEWEST - 1) * period):
            continue  # most periods of most graphs, and a count is quick
        edges = np.flatnonzero(np.diff(np.concatenate([[0], equal, [0]])))
        starts, stops = edges[::2], edges[1::2]
        times = (stops - starts) // period + 1
        k = int(np.argmax(times))
        if times[k] >= FEWEST and (times[k] - 1) * period > saved:
            best, saved = (int(starts[k]), period, int(times[k])), (int(times[k]) - 1) * period
    return best


def _stretches(units: list[Unit], count: int, apart: set[int]) -> list[Unit]:
    """Units cut into about `count` stretches of equal length."""
    length = max(1, -(-len(units) // count))
    numbers = {id(unit): i // length for i, unit in enumerate(units)}

    def merged(found: list[Unit]) -> Unit:
        ids = _ids(found)
        return Unit(ids, _shared([unit.scope for unit in found]), f"{len(ids)} operations")

    return _merge_runs(units, lambda unit: None if apart & set(unit.ids) else numbers[id(unit)], merged)


def _with_leaves(
    nodes: Sequence[Node], scopes: Sequence[str], shown: set[int], units: list[Unit], limit: int | None, gather: bool
) -> list[Group]:
    """The groups: units, each with the leaves that it alone uses, and the other leaves; more than `limit` as one.

    gather  whether leaves that are used alike, such as the inputs of each time step, share a group
    """
    home = {id: i for i, unit in enumerate(units) for id in unit.ids}
    users: dict[int, set[int]] = {}
    for id, i in home.items():
        for operand in nodes[id].operands:
            users.setdefault(operand, set()).add(i)
    taken: dict[int, list[int]] = {}
    alike: dict[Any, list[int]] = {}
    for node in nodes:
        if node.id not in shown or not node.is_leaf:
            continue
        used_by = users.get(node.id, set())
        owner = next(iter(used_by)) if len(used_by) == 1 else None
        is_detail = is_parameter(node) or (node.op == "constant" and not node.name)
        if owner is not None and len(units[owner].ids) > 1 and (is_detail or limit is not None):
            taken.setdefault(owner, []).append(node.id)
        else:
            key = (frozenset(used_by), scopes[node.id], node.op, node.shape)
            alike.setdefault(key if gather else node.id, []).append(node.id)
    alone = [group for ids in alike.values() for group in _leaf_groups(nodes, scopes, ids)]
    groups = [
        Group(tuple(sorted([*unit.ids, *taken.get(i, ())])), unit.scope, unit.title, unit.repeat)
        for i, unit in enumerate(units)
    ]
    if limit is not None and len(alone) > 1 and len(alone) + len(groups) > limit:
        several = tuple(sorted(id for group in alone for id in group.members))
        alone = [Group(several, "", f"{len(several)} inputs and constants")]
    return sorted([*alone, *groups], key=lambda group: group.members[-1])


def _leaf_groups(nodes: Sequence[Node], scopes: Sequence[str], ids: list[int]) -> list[Group]:
    """Leaves that are used alike, as one group if they are many."""
    if len(ids) < FEWEST:
        return [Group((id,), scopes[id]) for id in ids]
    names = [label(nodes[id]) for id in ids]
    return [Group(tuple(ids), scopes[ids[0]], f"{names[0]} … {names[-1]}")]


def _edge_count(nodes: Sequence[Node], groups: list[Group]) -> int:
    home = {id: i for i, group in enumerate(groups) for id in group.members}
    pairs = {(home[o], i) for i, g in enumerate(groups) for id in g.members for o in nodes[id].operands if o in home}
    return len({pair for pair in pairs if pair[0] != pair[1]})


def _ids(units: Sequence[Unit]) -> tuple[int, ...]:
    return tuple(sorted(id for unit in units for id in unit.ids))


def _title(nodes: Sequence[Node], block: Sequence[Unit]) -> str:
    """What a block is called: its scopes or operations in order, if they are few."""
    names = [_unnumbered(unit.title) or sign(nodes[unit.ids[0]]) for unit in block]
    return " → ".join(names) if len(names) <= 4 else f"{' → '.join(names[:3])} → … ({len(names)})"


def _unnumbered(title: str) -> str:
    return re.sub(r"\d+$", "", title) or title


def _shared(scopes: Sequence[str]) -> str:
    return shared_scope(scopes) if scopes else ""


def shared_scope(scopes: Sequence[str]) -> str:
    """The innermost scope that contains all of these.

    >>> shared_scope(["mlp/linear1", "mlp/linear2"])
    'mlp'
    """
    parts = [scope.split("/") if scope else [] for scope in scopes]
    common = 0
    while all(len(p) > common for p in parts) and len({p[common] for p in parts}) == 1:
        common += 1
    return "/".join(parts[0][:common])


def renamed(groups: list[Group]) -> list[Group]:
    """Groups of one title, such as the calls of a layer that is called twice, told apart by their number."""
    counts: dict[tuple[str, str], int] = {}
    for group in groups:
        if len(group.members) > 1:
            counts[group.scope, group.title] = counts.get((group.scope, group.title), 0) + 1
    seen: dict[tuple[str, str], int] = {}
    result = []
    for group in groups:
        key = group.scope, group.title
        if len(group.members) > 1 and counts[key] > 1 and not group.title.endswith("operations"):
            seen[key] = seen.get(key, 0) + 1
            group = replace(group, title=f"{group.title} ({seen[key]})")
        result.append(group)
    return result
