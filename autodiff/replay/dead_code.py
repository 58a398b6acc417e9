"""Pass: what nobody reads and what does nothing besides is not done."""

from .program import ROOTS, Program, Step


def without_dead_code(program: Program) -> Program:
    """The program without the steps that neither a result nor an effect depends on."""
    needed = set(program.outputs)
    kept: list[Step] = []
    for step in reversed(program.steps):
        if step.kind in ROOTS or not needed.isdisjoint(step.outs):
            needed.update(step.reads)
            kept.append(step)
    return program.with_steps(kept[::-1])
