"""The cost ledger as a table, as JSON data, and as heat on a drawing; and how far the rule of two holds."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.text import Text

from autodiff.costs import Cost, NodeCost
from autodiff.program_cost import ProgramCost

from .heat import Sizes
from .notation import shorten
from .numbers import bytes_of, number
from .terminal import console, show_table

HEAD = (
    "node",
    "operation",
    "flops forward",
    "backward",
    "read and written",
    "backward",
    "kept",
    "time forward",
    "backward",
)
MOST = 40  # nodes in the table, those with the most arithmetic; all are in the JSON
COMPARISON = ("", "flops", "read and written", "kept", "memory", "time forward", "backward", "both")
MEMORY = "memory: operation by operation the most that was allocated at once, compiled what the plan reserves"
RULE = 2.0  # what the backward pass is said to take, as a multiple of the forward pass
CLOSE = 0.1  # as a share of the rule
MEASURES = {
    "arithmetic": "arithmetic, counted",
    "time": "time, measured",
    "memory": "memory, counted",
    "memory_measured": "memory, measured",
}
LEAST_SECONDS, LEAST_BYTES = 1e-3, 100_000  # of a forward pass; below it, what Python itself takes is measured
HEATS: dict[str, tuple[str, Callable[[NodeCost], float]]] = {
    "flops": ("flops, forward and backward", lambda node: node.forward.flops + node.backward.flops),
    "bytes": ("bytes moved, forward and backward", lambda node: moved(node.forward) + moved(node.backward)),
    "kept": ("bytes kept for the backward pass", lambda node: node.kept),
    "time": ("microseconds, forward and backward", lambda node: 1e6 * sum(node.seconds)),
}


def show_cost(cost: Cost) -> None:
    """Print the ledger: a row per node, the total, and the rule."""
    busy = [node for node in cost.nodes if node.forward.flops or node.backward.flops or node.kept or any(node.seconds)]
    shown = sorted(sorted(busy, key=lambda node: -weight(node))[:MOST], key=lambda node: node.id)
    total = row("total", "", cost.forward, cost.backward, cost.kept, cost.seconds)
    show_table(HEAD, [*(node_row(node) for node in shown), total])
    out = console()
    if len(busy) > len(shown):
        out.print(Text(f"the {MOST} nodes with the most arithmetic of {len(busy)}; --json has all", style="dim"))
    for line in rule_lines(cost):
        out.print(Text(line), soft_wrap=True)


def weight(node: NodeCost) -> int:
    """How much arithmetic a node is."""
    return node.forward.flops + node.backward.flops


def moved(amount: Any) -> int:
    """Bytes read and written."""
    return int(amount.read + amount.written)


def node_row(node: NodeCost) -> tuple[str, ...]:
    """A node's cells under `HEAD`."""
    name = f"{node.scope}/{node.name}" if node.scope else node.name
    return row(shorten(name), shorten(node.op), node.forward, node.backward, node.kept, node.seconds)


def row(name: str, op: str, forward: Any, backward: Any, kept: int, seconds: tuple[float, float]) -> tuple[str, ...]:
    """Cells under `HEAD`."""
    amounts = (f"{forward.flops:,}", f"{backward.flops:,}", bytes_of(moved(forward)), bytes_of(moved(backward)))
    return (name, op, *amounts, bytes_of(kept), *map(duration, seconds))


def duration(seconds: float) -> str:
    """
    >>> duration(0.0000125), duration(0.25)
    ('12.50 µs', '250.0 ms')
    """
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds * 1e6)} µs"


def rule_lines(cost: Cost) -> Iterator[str]:
    """The lecture's rule, that the backward pass takes twice the arithmetic and the memory, with what was found."""
    yield "the rule: the backward pass takes twice what the forward pass takes"
    for name, what in MEASURES.items():
        ratio = cost.ratios[name]
        if ratio is None:
            continue
        if (name == "time" and cost.seconds[0] < LEAST_SECONDS) or (
            name == "memory_measured" and cost.peaks[0] < LEAST_BYTES
        ):
            yield f"  {what:<20} too little to tell"
            continue
        away = ratio / RULE - 1
        verdict = (
            "holds" if abs(away) <= CLOSE else f"{abs(away):.0%} {'more' if away > 0 else 'less'}".replace("%", " %")
        )
        yield f"  {what:<20} {number(ratio)} ×   {verdict}"
    if cost.uncounted:
        yield f"  not counted, since no formula is known: {', '.join(map(shorten, cost.uncounted))}"


def cost_data(cost: Cost) -> dict[str, Any]:
    """The ledger as plain data for JSON."""
    nodes = [
        {
            "id": node.id,
            "name": node.name,
            "scope": node.scope,
            "op": node.op,
            "forward": node.forward._asdict(),
            "backward": node.backward._asdict(),
            "kept": node.kept,
            "seconds": {"forward": node.seconds[0], "backward": node.seconds[1]},
        }
        for node in cost.nodes
    ]
    return {
        "nodes": nodes,
        "forward": cost.forward._asdict(),
        "backward": cost.backward._asdict(),
        "kept": cost.kept,
        "pending": cost.pending,
        "seconds": {"forward": cost.seconds[0], "backward": cost.seconds[1]},
        "peaks": {"forward": cost.peaks[0], "backward": cost.peaks[1]},
        "ratios": cost.ratios,
        "uncounted": list(cost.uncounted),
        "compiled": program_data(cost.compiled),
    }


def heat_of(cost: Cost, what: str = "flops") -> Sizes:
    """What a drawing of the graph is coloured by: one of `HEATS`."""
    title, size = HEATS[what]
    return Sizes(title, {node.id: float(size(node)) for node in cost.nodes})


def show_comparison(costs: Mapping[str, Cost]) -> None:
    """Print what both passes take in each way to run the same computation, and below it why one cannot be compiled."""
    show_table(COMPARISON, comparison_rows(costs))
    out = console()
    out.print(Text(MEMORY, style="dim"), soft_wrap=True)
    for name, cost in costs.items():
        if isinstance(cost.compiled, str):
            out.print(Text(f"{name} is not compiled: {shorten(cost.compiled, 200)}"), soft_wrap=True)
        elif cost.compiled.uncounted:
            unknown = ", ".join(map(shorten, cost.compiled.uncounted))
            out.print(Text(f"{compiled_name(name)}, not counted, since no formula is known: {unknown}"), soft_wrap=True)


def comparison_rows(costs: Mapping[str, Cost]) -> list[tuple[str, ...]]:
    """A row per way to run the same computation, under `COMPARISON`: each operation by operation, and compiled."""
    rows = [
        (
            name,
            f"{cost.forward.flops + cost.backward.flops:,}",
            bytes_of(moved(cost.forward) + moved(cost.backward)),
            bytes_of(cost.kept),
            bytes_of(cost.peaks[1]),
            *map(duration, (*cost.seconds, sum(cost.seconds))),
        )
        for name, cost in costs.items()
    ]
    for name, cost in costs.items():
        program = cost.compiled
        if not isinstance(program, str):
            counted = (f"{program.total.flops:,}", bytes_of(moved(program.total)), "—", bytes_of(program.memory))
            rows.append((compiled_name(name), *counted, "—", "—", duration(program.seconds)))
    return rows


def compiled_name(name: str) -> str:
    """What a way to run a computation is called when it is compiled.

    >>> compiled_name("eager"), compiled_name("with remat")
    ('compiled', 'compiled, with remat')
    """
    return "compiled" if name == "eager" else f"compiled, {name}"


def program_data(program: ProgramCost | str) -> dict[str, Any]:
    """What both passes take as a program, as plain data; or why they are none, as "error"."""
    if isinstance(program, str):
        return {"error": program}
    return {
        "steps": [{"step": step.number, "name": step.name, **step.amount._asdict()} for step in program.steps],
        "total": program.total._asdict(),
        "seconds": program.seconds,
        "memory": program.memory,
        "leaves": program.lent,
        "uncounted": list(program.uncounted),
    }
