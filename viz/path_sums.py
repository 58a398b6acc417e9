"""The chain rule as a sum over paths: ∂L/∂w is the sum, over every way from L back to w, of the product of the local
derivatives on it.

Numbers multiply. Between tensors a local derivative is a linear map, so a path's contribution is the cotangent sent
back along this path alone, by each operation's own rule. All contributions together are the gradient of the trace.
"""

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from autodiff import BackwardTrace, Message, Node
from autodiff.errors import GraphError, SettingError
from autodiff.ops.shape import sum_to

from .locate import located
from .notation import label
from .numbers import minus, norm, number
from .routes import Hop, Route, by_node, counts, strongest
from .text import Text, amount
from .view import Line

HEAD = ("path", "local derivatives", "contribution", "share")
LISTED = 200  # of tensor paths so many are tried: if there are no more, their order is proven
WORK = 20_000  # but no more than so many messages between small tensors
MOST_FACTORS = 6  # a longer product is written without its middle


@dataclass(frozen=True)
class Path:
    """One way from the output back to a node.

    nodes         ids, the output first
    positions     for each edge which operand it leads to: x·x has two
    locals        the local derivative of each edge as a number; None where it is a linear map between tensors
    contribution  what the path adds to the gradient: a float, or an array of the node's shape
    norm          its absolute value, or Euclidean norm
    share         the part of the gradient it makes up; all shares sum to 1. Of tensors, along the gradient's direction:
                  ⟨contribution, gradient⟩ / ‖gradient‖². NaN if the gradient is zero or not finite
    """

    nodes: tuple[int, ...]
    positions: tuple[int, ...]
    locals: tuple[float | None, ...]
    contribution: Any
    norm: float
    share: float

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(target, operand position) of each edge, the output's first: what an edge is called on a drawing."""
        return tuple(zip(self.nodes[:-1], self.positions, strict=True))


@dataclass(frozen=True, repr=False)
class Paths:
    """The strongest paths from the output to a node, the strongest first; iterated, they come in this order.

    listed  the paths, at most the k that were asked for
    count   how many paths there are, exactly, however many
    total   the gradient that all of them sum to: `trace.cotangents[wrt]`
    rest    what those not listed sum to; if all are listed 0, or what a hook changed on the way
    exact   whether no path that is left out is stronger; of very many paths between tensors that is not known
    """

    trace: BackwardTrace = field(repr=False)
    wrt: int
    listed: tuple[Path, ...]
    count: int
    total: Any
    rest: Any
    exact: bool

    def __iter__(self) -> Iterator[Path]:
        return iter(self.listed)

    def __len__(self) -> int:
        return len(self.listed)

    def __getitem__(self, place: int) -> Path:
        return self.listed[place]

    @property
    def is_complete(self) -> bool:
        """Whether every path is listed."""
        return len(self.listed) == self.count

    def rows(self) -> list[tuple[str, str, str, str]]:
        """The table under `HEAD`, one row per path, then what is left and the total."""
        seed = self.trace.cotangents[self.trace.graph.output_ids[0]]
        starts_at_one = bool(np.all(np.asarray(seed) == 1))
        rows = [_row(path, self.trace.graph.nodes, None if starts_at_one else seed) for path in self.listed]
        left = self.count - len(self.listed)
        if left:
            share = 1 - sum(path.share for path in self.listed)
            rows.append((f"{_many(left)} more path{'s' * (left > 1)}", "", amount(self.rest), _percent(share)))
        elif np.any(self.rest):
            rows.append(("changed on the way, by a hook", "", amount(self.rest), ""))
        rows.append((f"{self._name} = the sum", "", amount(self.total), ""))
        return rows

    def lines(self) -> list[Text]:
        """The table as lines of text, for a terminal."""
        plural = "" if self.count == 1 else "s"
        lines = [[Line(f"{self._name} is the sum over {_many(self.count)} path{plural}", "text")]]
        if not self.exact:
            words = "only the most promising paths between tensors were tried: a stronger one may be left out"
            lines.append([Line(words, "quiet")])
        rows = self.rows()
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        for place, (path, factors, contribution, share) in enumerate(rows):
            bad = place < len(self.listed) and not math.isfinite(self.listed[place].norm)
            mark = f" {place + 1:>{len(str(len(self.listed)))}}  " if place < len(self.listed) else "    "
            lines.append(
                [
                    Line(mark.ljust(len(str(len(self.listed))) + 3), "quiet"),
                    Line(path.ljust(widths[0]), "text"),
                    Line(("  = " if factors else "    ") + factors.ljust(widths[1]) if widths[1] else "", "quiet"),
                    Line(f"  = {contribution.rjust(widths[2])}", "alarm" if bad else "backward"),
                    Line(f"  {share.rjust(widths[3])}".rstrip(), "quiet"),
                ]
            )
        return lines

    @property
    def _name(self) -> str:
        nodes = self.trace.graph.nodes
        return f"∂{label(self.trace.graph.outputs[0])}/∂{label(nodes[self.wrt])}"

    def __str__(self) -> str:
        return "\n".join("".join(part.text for part in line).rstrip() for line in self.lines())

    __repr__ = __str__


def paths(trace: Any, wrt: Any, k: int = 10) -> Paths:
    """The k strongest of all paths from the output to a node, and what the others sum to.

    trace  a BackwardTrace, or a Scalar or Tensor with one element, of which the backward pass is recorded
    wrt    the node: its id, its name, a `Node`, or the live Scalar or Tensor
    k      how many to list, at least 1

    Paths are ordered by the absolute value or norm of what they contribute; NaN and infinity come first. Where every
    value on the way is one number the order is exact, and k paths of length n take time in proportion to k · n,
    however many there are. Between tensors it is exact if there are at most 200 paths; of more, the 200 that look
    strongest by the recorded messages are tried, or fewer if they are long or large, and `exact` says so.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
    >>> paths(ad.backprop(ad.multiply(w * x, w, name="L")), "w")
    ∂L/∂w is the sum over 2 paths
     1  ∂L/∂v₂ · ∂v₂/∂w  = 0.500 × 2.000  = 1.000  50 %
     2  ∂L/∂w            = 1.000          = 1.000  50 %
        ∂L/∂w = the sum                   = 2.000

    Raises GraphError if there is no such node, if it is a constant, or if `ad.remat` is on the way of a record that was
    pickled; SettingError if k is less than 1.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise SettingError(f"paths: k is how many paths to list, a whole number of at least 1, got {k!r}")
    trace, end = located(trace, wrt)
    nodes, start = trace.graph.nodes, trace.graph.output_ids[0]
    if nodes[end].op == "constant":
        raise GraphError(f"paths: node {label(nodes[end])} is a constant, which has no gradient; ask for an input")
    used, reach = on_a_path(trace, end)
    count = reach.get(start, 0)
    total = trace.cotangents.get(end, np.zeros(nodes[end].shape)[()])
    with np.errstate(all="ignore"):
        chain = _Chain(trace, used, numbers=all(np.size(nodes[id].value) == 1 for id in reach))
        routes = strongest(by_node(used), {hop: chain.weight(hop) for hop in used}, start, end)
        tried = list(itertools.islice(routes, k)) if chain.numbers else _affordable(routes, chain, k)
        exact = chain.numbers or len(tried) == count
        found = heapq.nsmallest(k, chain.contributions(tried), key=lambda pair: _strength(pair[1]))
        listed = tuple(chain.path(route, contribution, total) for route, contribution in found)
        rest = total - sum((path.contribution for path in listed), 0.0)
        scale = sum(path.norm for path in listed) + norm(total)
        if len(listed) == count and not (math.isfinite(scale) and norm(rest) > 1e-4 * scale):
            rest = np.zeros(nodes[end].shape)[()]  # but for roundings, in float32 the larger ones
    return Paths(trace, end, listed, count, total, rest, exact)


def on_a_path(trace: BackwardTrace, end: int) -> tuple[dict[Hop, Message], dict[int, int]]:
    """The edges that carry a message towards the node `end`, in the order of the walk; and how many paths lead there
    from each node that has any.
    """
    messages = {
        Hop(step.node.id, position, message.operand): message
        for step in trace.steps
        for position, message in enumerate(step.messages)
        if message.message is not None
    }
    reach = counts(by_node(messages), end)
    return {hop: m for hop, m in messages.items() if hop.target in reach and hop.operand in reach}, reach


class _Chain:
    """The local derivatives of the edges that lie on a path, and what goes along them."""

    def __init__(self, trace: BackwardTrace, messages: dict[Hop, Message], numbers: bool) -> None:
        self.trace, self.messages, self.numbers = trace, messages, numbers
        nodes = trace.graph.nodes
        self.locals: dict[Hop, float | None] = {}
        for hop in messages:
            single = np.size(nodes[hop.target].value) == 1 == np.size(nodes[hop.operand].value)
            self.locals[hop] = self._number(hop) if single else None

    def _number(self, hop: Hop) -> float:
        local = self.messages[hop].local
        if local is None:
            value = self.trace.graph.nodes[hop.target].value
            local = self.send(hop, 1.0 if isinstance(value, float) else np.ones_like(value))
        return float(np.asarray(local).item())

    def weight(self, hop: Hop) -> float:
        """The logarithm of what the edge multiplies a message by; of a tensor, what it did to the whole cotangent."""
        factor = self.locals[hop]
        if factor is None:
            before, after = norm(self.trace.cotangents[hop.target]), norm(self.messages[hop].message)
            factor = after / before if before else 0.0
        if self.is_silent(hop) or factor == 0:
            return -1e12
        return math.log(abs(factor)) if math.isfinite(factor) else 1e9

    def is_silent(self, hop: Hop) -> bool:
        """Whether the walk sent zero although the local derivative is not finite, or met what is not."""
        local, message = self.locals[hop], self.messages[hop].message
        return local is not None and not np.any(message) and (local == 0 or not math.isfinite(local))

    def send(self, hop: Hop, g: Any) -> Any:
        """The message that a cotangent of the target alone sends to the operand."""
        nodes = self.trace.graph.nodes
        node, operand, message = nodes[hop.target], nodes[hop.operand], self.messages[hop]
        if not np.any(g):
            return np.zeros(operand.shape)
        if message.local is not None:
            silent = (np.asarray(self.trace.cotangents[hop.target]) == 0) & ~np.isfinite(message.local)
            if node.shape == operand.shape:  # a derivative that selects nothing is silent even where g is NaN
                silent = silent | ((np.asarray(message.local) == 0) & (np.asarray(message.message) == 0))
            product = np.where((np.asarray(g) == 0) | silent, 0, g * message.local)
            return np.asarray(product if product.shape == operand.shape else sum_to(product, operand.shape))
        operation = self.trace.operation(node.id)
        if operation is None:
            raise GraphError(
                f"no path is followed through {node.op!r}: a record that was pickled does not hold its rule"
            )
        operands = [nodes[i].value for i in node.operands]
        g = float(g) if node.dtype == "float" else np.asarray(g, dtype=node.dtype)
        sent = np.asarray(operation.vjp(hop.position, g, node.value, operands, dict(node.params)))
        is_silent = not np.any(self.trace.cotangents[hop.target]) and not np.all(np.isfinite(sent))
        return np.zeros(operand.shape) if is_silent else sent

    def contributions(self, routes: Sequence[Route]) -> Iterator[tuple[Route, Any]]:
        """Each route with what it contributes. A beginning that several share is gone along once."""
        seed = self.trace.cotangents[self.trace.graph.output_ids[0]]
        if self.numbers:
            for route in routes:
                yield route, self._product(float(np.asarray(seed).item()), route)
            return
        carried, last = [seed], cast(Route, ())
        for route in sorted(routes):
            shared = next((i for i, (a, b) in enumerate(zip(route, last, strict=False)) if a != b), len(last))
            del carried[shared + 1 :]
            for hop in route[shared:]:
                carried.append(self.send(hop, carried[-1]))
            last = route
            yield route, carried[-1]

    def _product(self, seed: float, route: Route) -> float:
        product = seed
        for hop in route:  # in the walk's order: zero stays zero, whatever it meets
            local = self.locals[hop]
            assert local is not None
            product = 0.0 if product == 0 or self.is_silent(hop) else product * local
        return product

    def path(self, route: Route, contribution: Any, total: Any) -> Path:
        """The route as a Path, its contribution in the shape of the gradient."""
        nodes = self.trace.graph.nodes
        end = route[-1].operand if route else self.trace.graph.output_ids[0]
        array = np.broadcast_to(np.asarray(contribution, dtype=np.float64), nodes[end].shape)
        size = norm(total)
        share = math.nan
        if size and math.isfinite(size):
            share = float(np.vdot(array / size, np.asarray(total, dtype=np.float64) / size))
        return Path(
            nodes=(*(hop.target for hop in route), end),
            positions=tuple(hop.position for hop in route),
            locals=tuple(self.locals[hop] for hop in route),
            contribution=array if array.shape else array.item(),
            norm=norm(array),
            share=share,
        )


def _affordable(routes: Iterator[Route], chain: _Chain, k: int) -> list[Route]:
    """The first `LISTED` routes, or as many as `WORK` allows; but k in any case."""
    nodes, work, tried = chain.trace.graph.nodes, 0.0, []
    for route in routes:
        tried.append(route)
        work += sum(1 + (np.size(nodes[h.target].value) + np.size(nodes[h.operand].value)) / 10_000 for h in route)
        if len(tried) >= k and (len(tried) >= LISTED or work > WORK):
            break
    return tried


def _strength(contribution: Any) -> tuple[bool, float]:
    size = norm(contribution)
    return math.isfinite(size), -size if math.isfinite(size) else 0.0


def _row(path: Path, nodes: Sequence[Node], seed: Any) -> tuple[str, str, str, str]:
    factors = ["g"] if seed is not None else []
    sizes = [number(np.asarray(seed).item()) if np.size(seed) == 1 else "g"] if seed is not None else []
    for (target, position), operand, local in zip(path.edges, path.nodes[1:], path.locals, strict=True):
        operands = nodes[target].operands
        which = f" ({_ordinal(position)})" if operands.count(operand) > 1 else ""
        factors.append(f"∂{label(nodes[target])}/∂{label(nodes[operand])}{which}")
        sizes.append("" if local is None else number(local))
    if not factors:
        factors, sizes = [f"∂{label(nodes[path.nodes[0]])}/∂{label(nodes[path.nodes[0]])}"], ["1"]
    written = " × ".join(_elided(sizes)) if all(sizes) else ""
    return " · ".join(_elided(factors)), written, amount(path.contribution), _percent(path.share)


def _elided(factors: Sequence[str]) -> list[str]:
    if len(factors) <= MOST_FACTORS:
        return list(factors)
    kept = MOST_FACTORS - 1
    return [*factors[: kept - 2], f"… {len(factors) - kept:,} more …", *factors[-2:]]


def _ordinal(position: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    place = position + 1
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ends.get(place % 10, 'th')}"


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "—"
    percent = 100 * share
    return minus(f"{percent:.0f} %" if 100 <= abs(percent) < 1e6 else f"{percent:.3g} %")


def _many(count: int) -> str:
    """A whole number with its digits in threes; from a million million on by its power of ten."""
    if count < 10**12:
        return f"{count:,}"
    digits = math.log10(count)
    return f"about {10 ** (digits % 1):.1f} · 10^{int(digits)}"
