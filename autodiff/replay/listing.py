"""A plan as a table: which step runs when, what it reads, and where it puts its result."""

from typing import Any

from .plan import Plan, root_of
from .program import Program, Step

COLUMNS = ("step", "result", "computed by", "from", "memory")


def listed(plan: Plan) -> str:
    """The table as text: one line per step, and below it how much memory it needs."""
    rows = [COLUMNS, *(_row(plan, i, step) for i, step in enumerate(plan.program.steps))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lent = sum(plan.blocks[place.memory] for place in plan.places.values() if place.lent)
    used = len({place.memory for place in plan.places.values() if not place.lent})
    results = sum(plan.program.specs[slot].nbytes for slot, place in plan.places.items() if not place.lent)
    lines.append(
        f"{len(plan.program.steps)} steps; {used} block{'' if used == 1 else 's'} of {plan.nbytes - lent} bytes "
        f"hold results of {results} bytes; {lent} bytes leave the program"
    )
    return "\n".join(lines)


def _row(plan: Plan, number: int, step: Step) -> tuple[str, ...]:
    program = plan.program
    results = ", ".join(f"v{out} {program.specs[out]}" for out in step.outs)
    reads = ", ".join(_named(program, slot) for slot in dict.fromkeys(step.reads))
    return str(number), results, _done(step), reads, ", ".join(_memory(plan, step, out) for out in step.outs)


def _done(step: Step) -> str:
    if step.kind in ("operation", "call"):
        owner: Any = getattr(step.run, "__self__", None)  # a ufunc's own method, such as add.reduce
        return f"{owner.__name__}.{step.name}" if hasattr(owner, "__name__") else step.name
    target = getattr(step.run, "name", None)
    return {"read": f"read {target}", "gradient": f"read {target}.grad", "store": f"store {target}.grad",
            "absent": f"check {target}.grad", "guard": f"check it is {step.run}", "finite": "check finite",
            "draw": "draw", "attribute": "read attribute"}.get(step.kind, f"{step.kind} {step.name}")  # fmt: skip


def _named(program: Program, slot: int) -> str:
    return f"c{slot}" if slot in program.constants else f"v{slot}"


def _memory(plan: Plan, step: Step, out: int) -> str:
    place = plan.places.get(out)
    if place is not None:
        if place.lent:
            return "leaves"
        over = any(
            plan.places[root].memory == place.memory
            for root in {root_of(plan.program, slot) for slot in step.reads}
            if root in plan.places
        )
        return f"block {place.memory}{', in place' if over else ''}"
    root = root_of(plan.program, out)
    if root != out:
        return f"view of {_named(plan.program, root)}"
    return "" if step.kind == "read" or plan.program.specs[out].dtype is None else "new"
