"""Pass: elementwise steps on arrays of one shape, and sums of them over the rows, become one step that fuses them.

What only they read is not put into memory at all. A group is done where its last step stood, so each value that it
reads is there by then; it takes in no more steps once one outside reads what it computes, or something is changed.
"""

from dataclasses import dataclass, field
from math import prod

from ..fusion import is_available
from ..ops.table import builtin_names
from . import kernels
from .fused import fused_step
from .fusible import Member, member_of
from .program import Program, Step

LEAST = 1024  # numbers that a group computes, of all its steps: compiling it takes as long as computing them 10⁴ times
SMALL = 4096  # numbers of an array of which the cache holds many: such steps are fused even if nothing connects them
MOST_LINES = 48  # in one kernel: the time to compile it grows faster than its length


@dataclass
class _Group:
    shape: tuple[int, ...]
    columns: int | None = None
    numbers: list[int] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    reads: set[int] = field(default_factory=set)
    makes: set[int] = field(default_factory=set)

    def may_take(self, member: Member) -> bool:
        return (
            member.shape == self.shape
            and len(self.members) < MOST_LINES
            and (member.columns is None or self.columns is None or member.columns == self.columns)
        )

    def take(self, number: int, member: Member) -> None:
        self.numbers.append(number)
        self.members.append(member)
        self.reads |= set(member.step.reads)
        self.makes |= set(member.step.outs)
        self.columns = self.columns or member.columns

    @property
    def is_worth_it(self) -> bool:
        return len(self.members) > 1 and len(self.members) * prod(self.shape) >= LEAST


def fused(program: Program) -> Program:
    """The program with the groups as steps of their own, where this processor has kernels."""
    groups = [group for group in _groups(program) if group.is_worth_it]
    if not groups or not is_available():
        return program
    last = {group.numbers[-1]: group for group in groups}
    inside = {number for group in groups for number in group.numbers}
    readers: dict[int, set[int]] = {}
    for number, step in enumerate(program.steps):
        for slot in step.reads:
            readers.setdefault(slot, set()).add(number)
    steps: list[Step] = []
    for number, step in enumerate(program.steps):
        if group := last.get(number):
            outs = (member.step.outs[0] for member in group.members)
            written = {out for out in outs if out in program.outputs or readers.get(out, set()) - set(group.numbers)}
            steps.append(fused_step(group.members, group.columns or 1, written, program))
        elif number not in inside:
            steps.append(step)
    return program.with_steps(steps)


def _groups(program: Program) -> list[_Group]:
    done: list[_Group] = []
    opened: list[_Group] = []
    sure = _sure(program)
    for number, step in enumerate(program.steps):
        if step.kind in ("effect", "note", "reset"):  # it may change what a step before it reads
            done, opened = done + opened, []
            continue
        makers = [group for group in opened if not group.makes.isdisjoint(step.reads)]
        member = member_of(step, program) if sure.issuperset(_arrays(step, program)) else None
        chosen = _chosen(member, makers or opened, bool(makers), program) if member else None
        for group in makers:
            if group is not chosen:
                opened.remove(group)
                done.append(group)
        if member:
            if chosen is None:
                chosen = _Group(member.shape)
                opened.append(chosen)
            chosen.take(number, member)
    return done + opened


def _chosen(member: Member, groups: list[_Group], are_makers: bool, program: Program) -> _Group | None:
    """The group that a step joins: one that makes what it reads, else one that reads the same."""
    arrays = {slot for slot in member.step.reads if program.specs[slot].shape == member.shape}
    is_free = are_makers or prod(member.shape) <= SMALL
    suit = (group for group in reversed(groups) if group.may_take(member) and (is_free or arrays & group.reads))
    return next(suit, None)


def _sure(program: Program) -> set[int]:
    """The slots of arrays that are certain to be as their specs say, which a kernel relies on.

    Arguments and leaves are looked at before each replay, and this package's own effects leave the form of leaves as it
    is; what NumPy makes without being given memory for it is as it was for operands that are as they were.
    """
    sure = {*program.inputs, *program.constants}
    own, is_as_seen = builtin_names(), True
    for step in program.steps:
        if step.kind in ("effect", "note", "reset"):
            is_as_seen = is_as_seen and str(getattr(step.run, "__module__", "")).startswith("autodiff.")
        is_own = step.kind == "operation" and step.name in own and sure.issuperset(_arrays(step, program))
        is_filled = step.kind == "draw" or (step.kind == "call" and kernels.takes_out(step.run))
        if is_filled or is_own or (step.kind == "read" and is_as_seen):
            sure.update(step.outs)
    return sure


def _arrays(step: Step, program: Program) -> list[int]:
    """The slots of arrays that a step reads."""
    return [slot for slot in step.reads if program.specs[slot].dtype is not None]
