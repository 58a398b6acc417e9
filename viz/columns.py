"""Which column of a layered layout each card and each ledger stands in: cards in even columns, ledgers in odd ones.

An operation stands to the right of its operands, an input beside its first user. A column that grows too tall goes on
in the next one. Source: Coffman & Graham 1972, columns of bounded height.
"""

from collections import Counter
from collections.abc import Mapping

from .content import View
from .geometry import Key, scope_paths


def columns(
    content: View, heights: Mapping[int, float], ledgers: Mapping[Key, str], most: float
) -> tuple[dict[int, int], dict[Key, int]]:
    """The columns of the cards and of the ledgers.

    heights  of the cards
    ledgers  the scope that each ledger stands in
    most     a column with cards of this height, all together, is full
    """
    ranks = _ranks(content, heights, most)
    scopes = {card.id: card.scope for card in content.cards}
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for id, scope in scopes.items():
        for path in scope_paths([scope]):
            first[path] = min(first.get(path, ranks[id]), ranks[id])
            last[path] = max(last.get(path, ranks[id]), ranks[id])
    users = Counter(edge.source for edge in content.edges)
    operands = Counter(edge.target for edge in content.edges)
    found = {}
    for edge in content.edges:
        key = edge.target, edge.position
        if key not in ledgers:
            continue
        start, end = ranks[edge.source], ranks[edge.target]
        # Outside the boxes that the edge leaves and enters, where these leave room.
        left = _around(ledgers[key], scopes[edge.source])
        right = _around(ledgers[key], scopes[edge.target])
        after, before = last.get(left, start), first.get(right, end)
        after, before = (after if after < end else start), (before if before > start else end)
        # At the end that has fewer edges, so that no column holds the ledgers of all.
        found[key] = 2 * after + 1 if users[edge.source] < operands[edge.target] else 2 * before - 1
    return {id: 2 * rank for id, rank in ranks.items()}, found


def _around(outer: str, scope: str) -> str:
    """The scope right inside an outer one on the way to an inner one; empty if they are the same.

    >>> _around("net", "net/block1/linear"), _around("", "net/block1"), _around("net", "net")
    ('net/block1', 'net', '')
    """
    parts = scope.split("/")
    depth = outer.count("/") + 1 if outer else 0
    return "/".join(parts[: depth + 1]) if scope != outer else ""


def _ranks(content: View, heights: Mapping[int, float], most: float) -> dict[int, int]:
    """The place of each card among the columns of cards, from 0 on."""
    scopes = {card.id: card.scope for card in content.cards}
    reads: dict[int, list[int]] = {}
    users: dict[int, list[int]] = {}
    for edge in content.edges:
        reads.setdefault(edge.target, []).append(edge.source)
        users.setdefault(edge.source, []).append(edge.target)
    filled: dict[int, float] = {}
    next_free: dict[int, dict[int, int]] = {1: {}, -1: {}}

    def take(id: int, rank: int, way: int) -> int:
        """The nearest column this way that is not full."""
        passed = []
        while filled.get(rank, 0.0) >= most:
            passed.append(rank)
            rank = next_free[way].get(rank, rank + way)
        for full in passed:
            next_free[way][full] = rank
        filled[rank] = filled.get(rank, 0.0) + heights[id]
        return rank

    ranks: dict[int, int] = {}
    for card in content.cards:  # operands come before the cards that use them
        if card.id in reads:
            has_own = any(id not in reads and scopes[id] == card.scope for id in reads[card.id])

            def distance(id: int, scope: str = card.scope, has_own: bool = has_own) -> int:
                # Inputs of its own stand in the card's scope too: after what enters the scope from outside.
                enters = has_own and scope != scopes[id] and not scopes[id].startswith(f"{scope}/")
                return 2 if enters else 1

            lowest = max((ranks[id] + distance(id) for id in reads[card.id] if id in ranks), default=0)
            ranks[card.id] = take(card.id, lowest, 1)
    for card in content.cards:
        if card.id not in reads:
            beside = min((ranks[id] for id in users.get(card.id, ())), default=1) - 1
            ranks[card.id] = take(card.id, beside, -1)
    start = min(ranks.values(), default=0)
    return {id: rank - start for id, rank in ranks.items()}
