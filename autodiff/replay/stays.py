"""Who has which memory when: of each result that is put into memory of a plan its block, and whose that was before."""

from dataclasses import dataclass

from .plan import Plan, root_of


@dataclass(frozen=True)
class Stay:
    """A result in its block of memory.

    step    the number of the step that writes it
    block   the number of the block
    nbytes  its own bytes; the block may have more
    lent    whether it leaves the program
    over    the operand that it is written over, in place; None if there is none
    before  the result that had the block before, that operand if there is one; None for the first
    """

    step: int
    block: int
    nbytes: int
    lent: bool
    over: int | None
    before: int | None

    @property
    def is_in_place(self) -> bool:
        """Whether it is written over an operand."""
        return self.over is not None


def stays(plan: Plan) -> dict[int, Stay]:
    """The stay of each result that has memory of the plan, by its slot, in the order of the steps.

    >>> import numpy as np, autodiff as ad
    >>> compiled = ad.compile(lambda x: ad.sum(ad.tanh(x @ x * 2)))
    >>> _ = compiled(np.ones((2, 2)))
    >>> [(slot, stay.block, stay.over) for slot, stay in stays(compiled.plan).items()]
    [(1, 0, None), (2, 0, 1), (3, 0, 2), (4, 1, None)]
    """
    program = plan.program
    found: dict[int, Stay] = {}
    occupants: dict[int, int] = {}  # the last result in each block
    for number, step in enumerate(program.steps):
        for out in step.outs:
            place = plan.places.get(out)
            if place is None:
                continue
            before = occupants.get(place.memory)
            over = before if before in {root_of(program, slot) for slot in step.reads} else None
            found[out] = Stay(number, place.memory, program.specs[out].nbytes, place.lent, over, before)
            occupants[place.memory] = out
    return found
