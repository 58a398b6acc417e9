"""The strongest ways through a graph without cycles, of which there may be exponentially many, one after the other.

The weights along a route add up. Following the heaviest step of each node gives the heaviest route; any other one is
told by its detours, the steps at which it leaves that advice, and each detour has a known cost. So routes come out in
order by trying detours in order of cost, and what is not asked for is never looked at.
Source: Eppstein 1998, "Finding the k shortest paths", section 2, with a plain heap of detours.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


class Hop(NamedTuple):
    """One step of a route: from a node to its operand at a position."""

    target: int
    position: int
    operand: int


Hops = Mapping[int, Sequence[Hop]]  # those that leave each node; operands have smaller numbers than their users
Route = tuple[Hop, ...]


def by_node(hops: Iterable[Hop]) -> dict[int, list[Hop]]:
    """The hops that leave each node, in the order given."""
    leaving: dict[int, list[Hop]] = {}
    for hop in hops:
        leaving.setdefault(hop.target, []).append(hop)
    return leaving


def counts(hops: Hops, end: int) -> dict[int, int]:
    """How many routes lead from each node to `end`, exactly; nodes that do not reach it are left out.

    >>> square = {2: [Hop(2, 0, 1), Hop(2, 1, 1)], 1: [Hop(1, 0, 0), Hop(1, 1, 0)]}
    >>> counts(square, 0)
    {0: 1, 1: 2, 2: 4}
    """
    found = {end: 1}
    for node in sorted(hops):
        if node > end:
            number = sum(found.get(hop.operand, 0) for hop in hops[node])
            if number:
                found[node] = number
    return found


def strongest(hops: Hops, weights: Mapping[Hop, float], start: int, end: int) -> Iterator[Route]:
    """Every route from `start` to `end`, the one with the largest sum of weights first.

    The next route costs one look at each node of the last: k routes of length n take time in proportion to k · n.
    Weights are finite.
    """
    weight = {end: 0.0}  # of the best route from each node on
    advice: dict[int, Hop] = {}
    detours: dict[int, list[tuple[float, Hop]]] = {}  # what leaving the advice costs
    for node in sorted(hops):
        open_hops = [hop for hop in hops[node] if hop.operand in weight] if node > end else []
        if open_hops:
            sums = [weights[hop] + weight[hop.operand] for hop in open_hops]
            best = max(range(len(sums)), key=sums.__getitem__)
            advice[node], weight[node] = open_hops[best], sums[best]
            detours[node] = [(sums[best] - sums[i], hop) for i, hop in enumerate(open_hops) if i != best]
    if start not in weight:
        return
    order = itertools.count()  # of two routes of equal weight the one found first comes first
    waiting: list[tuple[float, int, _Detour | None]] = [(0.0, next(order), None)]
    while waiting:
        cost, _, last = heapq.heappop(waiting)
        yield _route(advice, last, start, end)
        node = start if last is None else last.hop.operand
        while node != end:
            for more, hop in detours[node]:
                heapq.heappush(waiting, (cost + more, next(order), _Detour(hop, last)))
            node = advice[node].operand


class _Detour(NamedTuple):
    hop: Hop
    before: "_Detour | None"


def _route(advice: Mapping[int, Hop], last: _Detour | None, start: int, end: int) -> Route:
    taken: dict[int, Hop] = {}
    while last is not None:
        taken[last.hop.target] = last.hop
        last = last.before
    route, node = [], start
    while node != end:
        hop = taken.get(node) or advice[node]
        route.append(hop)
        node = hop.operand
    return tuple(route)
