"""Pass: gradients are stored in their leaves, and notes taken, as late as possible.

Nobody sees a gradient before the next effect, or the end. Until one is stored the function can still be run again
without the program, if a number turns out not to be finite.
"""

from .program import KINDS, Program, Step

FALLIBLE = {"guard", "finite", "absent", "gradient", "attribute"}  # steps that may find that the program does not hold


def with_late_stores(program: Program) -> Program:
    """The program with each store and note moved down to the next step that could see it."""
    steps: list[Step] = []
    waiting: list[Step] = []

    def flush() -> None:
        steps.extend(waiting)
        waiting.clear()

    for step in program.steps:
        if step.kind == "store":
            waiting[:] = [other for other in waiting if not _is_of(other, step)]
            waiting.append(step)
        elif step.kind == "note":
            waiting.append(step)
        else:
            if step.kind in ("effect", "reset") or any(_is_seen(other, step) for other in waiting):
                flush()
            steps.append(step)
    flush()
    return program.with_steps(steps)


def can_be_abandoned(program: Program) -> bool:
    """Whether nothing has been changed yet where the program may turn out not to be valid."""
    changed = False
    for step in program.steps:
        if changed and step.kind in FALLIBLE:
            return False
        changed = changed or KINDS[step.kind].mutates
    return True


def _is_of(other: Step, store: Step) -> bool:
    return other.kind == "store" and other.run.value is store.run.value


def _is_seen(waiting: Step, step: Step) -> bool:
    """Whether a step reads what one that waits writes."""
    if waiting.kind == "note":
        return step.kind == "attribute" and any(step.run[0] is x for x in waiting.args)
    return step.kind in ("gradient", "absent") and step.run.value is waiting.run.value
