"""A plan as a table: which step runs when, what it reads, and where it puts its result."""

from .plan import Plan, root_of
from .program import Program, Step
from .stays import Stay, stays

COLUMNS = ("step", "result", "computed by", "from", "memory")


def listed(plan: Plan) -> str:
    """The table as text: one line per step, and below it how much memory it needs."""
    in_memory = stays(plan)
    rows = [COLUMNS, *(_row(plan, i, step, in_memory) for i, step in enumerate(plan.program.steps))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    used = plan.block_count
    lines.append(
        f"{len(plan.program.steps)} steps; {used} block{'' if used == 1 else 's'} of {plan.nbytes - plan.lent} bytes "
        f"hold results of {plan.held} bytes; {plan.lent} bytes leave the program"
    )
    return "\n".join(lines)


def _row(plan: Plan, number: int, step: Step, in_memory: dict[int, Stay]) -> tuple[str, ...]:
    program = plan.program
    results = ", ".join(f"v{out} {program.specs[out]}" for out in step.outs)
    reads = ", ".join(_named(program, slot) for slot in dict.fromkeys(step.reads))
    memory = ", ".join(_memory(plan, step, out, in_memory.get(out)) for out in step.outs)
    return str(number), results, _done(step), reads, memory


def _done(step: Step) -> str:
    if step.kind in ("operation", "call"):
        return " → ".join(part.full_name for part in step.fused or (step,))
    target = getattr(step.run, "name", None)
    return {"read": f"read {target}", "gradient": f"read {target}.grad", "store": f"store {target}.grad",
            "absent": f"check {target}.grad", "guard": f"check it is {step.run}", "finite": "check finite",
            "draw": "draw", "attribute": "read attribute"}.get(step.kind, f"{step.kind} {step.name}")  # fmt: skip


def _named(program: Program, slot: int) -> str:
    return f"c{slot}" if slot in program.constants else f"v{slot}"


def _memory(plan: Plan, step: Step, out: int, stay: Stay | None) -> str:
    if stay is not None:
        return "leaves" if stay.lent else f"block {stay.block}{', in place' if stay.is_in_place else ''}"
    root = root_of(plan.program, out)
    if root != out:
        return f"view of {_named(plan.program, root)}"
    return "" if step.kind == "read" or plan.program.specs[out].dtype is None else "new"
