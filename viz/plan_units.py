"""Which steps of a plan share a card, so that what belongs together stands together.

- Steps that write one after the other over the same memory, each the only one to read the one before.
- A check of numbers, with whatever is computed for it alone.
- What is done in a row with finished gradients: checked, and stored in their leaves.

What only shows the memory of another result in another way, a view, is no work: it has no card of its own.
"""

from dataclasses import dataclass
from functools import cached_property

from autodiff.replay import Plan, Program, Step
from autodiff.replay.plan import root_of
from autodiff.replay.stays import Stay, stays

LEAVES = ("read", "gradient", "attribute")  # steps that fetch what somebody else holds
HANDED_OVER = ("finite", "absent", "store")
WORK = ("operation", "call")
LONGEST = 8  # steps over the same memory on one card; a longer run is more than can be read on one


@dataclass(frozen=True)
class Unit:
    """Steps that share a card, by their numbers in order.

    what  "leaf", "step", "in place", "check" or "gradients"
    """

    steps: tuple[int, ...]
    what: str


class Reading:
    """A plan with what is asked about it again and again."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.program: Program = plan.program
        self.steps: tuple[Step, ...] = plan.program.steps
        self.stays: dict[int, Stay] = stays(plan)
        self.outputs = {root_of(plan.program, slot) for slot in plan.program.outputs}
        self.made = {out: number for number, step in enumerate(self.steps) for out in step.outs}

    def root(self, slot: int) -> int:
        """The result whose memory a slot shows."""
        return root_of(self.program, slot)

    def is_view(self, number: int) -> bool:
        """Whether a step only shows memory in another way."""
        step = self.steps[number]
        return step.kind in WORK and len(step.outs) == 1 and step.outs[0] in self.program.shares

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """The steps that read a result or a view of it, by its slot, in order; views themselves do not count."""
        found: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            if not self.is_view(number):
                for slot in dict.fromkeys(self.root(read) for read in step.reads):
                    found.setdefault(slot, []).append(number)
        return found

    @cached_property
    def units(self) -> list[Unit]:
        """The cards' steps, each after those that it reads from."""
        units = [*self._checks(), *self._handed_over()]
        units += self._in_place({number for unit in units for number in unit.steps})
        taken = {number for unit in units for number in unit.steps}
        for number, step in enumerate(self.steps):
            if number not in taken and not self.is_view(number):
                units.append(Unit((number,), "leaf" if step.kind in LEAVES else "step"))
        return sorted(units, key=lambda unit: unit.steps[-1])

    def _checks(self) -> list[Unit]:
        """Each guard with what is computed for it alone."""
        home: dict[int, int] = {}  # the guard that a step serves
        members: dict[int, list[int]] = {}
        for number in reversed(range(len(self.steps))):
            step = self.steps[number]
            if step.kind == "guard":
                home[number] = number
            elif step.kind in WORK and step.outs and not self.is_view(number):
                users = {home.get(user) for out in step.outs for user in self.readers.get(out, ())}
                if len(users) != 1 or self.outputs & set(step.outs):
                    continue
                (guard,) = users
                if guard is None:
                    continue
                home[number] = guard
            if number in home:
                members.setdefault(home[number], []).append(number)
        return [Unit(tuple(reversed(steps)), "check") for steps in members.values()]

    def _handed_over(self) -> list[Unit]:
        units: list[Unit] = []
        run: list[int] = []
        for number, step in enumerate([*self.steps, None]):
            if step is not None and step.kind in HANDED_OVER:
                run.append(number)
            elif run and not (step is not None and self.is_view(number)):
                units.append(Unit(tuple(run), "gradients"))
                run = []
        return units

    def _in_place(self, taken: set[int]) -> list[Unit]:
        """Runs of steps over the same memory. Each is the only one to read the one before, so no path leaves and
        comes back: cards have no cycle.
        """
        follower: dict[int, int] = {}
        for stay in self.stays.values():
            if stay.over is not None and self.readers[stay.over] == [stay.step]:
                before = self.made[stay.over]
                # What a kernel does in one pass has a card of its own; other results of it may come back.
                is_fused = self.steps[before].fused or self.steps[stay.step].fused
                if not is_fused and stay.step not in taken and before not in taken:
                    follower[before] = stay.step
        units = []
        for start in follower.keys() - set(follower.values()):
            run = [start]
            while run[-1] in follower:
                run.append(follower[run[-1]])
            units += [
                Unit(tuple(part), "in place") if len(part) > 1 else Unit(tuple(part), "step")
                for part in (run[i : i + LONGEST] for i in range(0, len(run), LONGEST))
            ]
        return units
