"""The cards of a plan: what each step computes, when it runs, where the result is put, and whose memory that was."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from autodiff.replay import Slot, Step
from autodiff.replay.recorder import Leaf

from .content import Card, Line, Row
from .fold import Group
from .kernel_notation import argument, sign_of, written
from .notation import shorten
from .numbers import bytes_of
from .plan_units import Reading, Unit
from .step_words import counted, done, fetched, leaf_kind, live_values, numbers_of

NAME_LENGTH = 40  # of a value with the views of it, in a formula
MOST_ROWS = 8  # steps, or things that are changed, listed on one card


class PlanCards:
    """The cards of a plan, by number: first the values that come from outside, then a unit of steps each.

    names    what each slot is called
    outside  the slots of arguments and of constant arrays that are read, or returned
    """

    def __init__(self, reading: Reading) -> None:
        self.reading, self.plan, self.program = reading, reading.plan, reading.program
        self.units = reading.units
        self.names = self._names()
        self.outside = self._outside()

    def card(self, group: Group, marked: set[int], results: set[int]) -> Card:
        """The card of one number, or of several folded into one."""
        if len(group.members) > 1:
            card = self._folded(group)
        elif group.members[0] < len(self.outside):
            card = self._outer(group.members[0])
        else:
            card = self._unit(group.members[0])
        members = set(group.members)
        return replace(card, is_output=bool(members & results), is_highlighted=bool(members & marked))

    def _outer(self, id: int) -> Card:
        slot = self.outside[id]
        kind = "constant" if slot in self.program.constants else "input"
        return self._plain(id, kind, "", self.names[slot], [*self._shape(slot)])

    def _unit(self, id: int) -> Card:
        unit = self.units[id - len(self.outside)]
        step = self.reading.steps[unit.steps[-1]]
        sign = numbers_of(unit.steps)
        if unit.what == "leaf":
            rows = [*self._shape(step.outs[0])]
            return self._plain(id, leaf_kind(step), sign, self.names[step.outs[0]], rows)
        rows = [*self._listed(unit)] if len(unit.steps) > 1 else [*self._fused(step)]
        for out in step.outs:
            rows += [*self._shape(out), *self._memory(out, unit)]
        rows += _changes(step)
        kind = "group" if len(unit.steps) > 1 or step.fused else "operation"
        return self._plain(id, kind, sign, self._title(unit), rows)

    def _folded(self, group: Group) -> Card:
        numbers = self.steps_of(group.members)
        written_to = {
            stay.block
            for n in numbers
            for out in self.reading.steps[n].outs
            if (stay := self.reading.stays.get(out)) and not stay.lent
        }
        what = counted(len(numbers), "step") if numbers else counted(len(group.members), "value")
        title = what if group.title.endswith(" operations") else group.title  # those are cards, of several steps each
        rows = [] if title == what else [Row("folded", Line(what, "quiet"), ())]
        if written_to:
            size = sum(self.plan.blocks[block] for block in written_to)
            rows.append(Row("memory", Line(f"{bytes_of(size)} in {counted(len(written_to), 'block')}", "forward"), ()))
        times = f"× {group.repeat}  " if group.repeat > 1 else ""
        id = group.members[-1]
        card = self._plain(id, "group", f"{times}{numbers_of(numbers)}", title, rows)
        return replace(card, members=group.members, repeat=group.repeat)

    def _plain(self, id: int, kind: str, sign: str, title: str, rows: Sequence[Row]) -> Card:
        tooltip = f"{sign} {title}".strip()
        return Card(id, kind, sign, title, tuple(rows), "", False, False, tooltip, members=(id,))

    def steps_of(self, members: Iterable[int]) -> list[int]:
        """The numbers of the steps of cards."""
        first = len(self.outside)
        return sorted(number for id in members if id >= first for number in self.units[id - first].steps)

    def _title(self, unit: Unit) -> str:
        if len(unit.steps) == 1:
            return self._text(unit.steps[0])
        steps = [self.reading.steps[number] for number in unit.steps]
        if unit.what == "check":
            return "check numbers"
        if unit.what == "gradients":
            return "store gradients" if any(step.kind == "store" for step in steps) else "check gradients"
        return f"v{steps[-1].outs[0]} in place: {' → '.join(map(sign_of, steps))}"

    def _text(self, number: int) -> str:
        """What a step does, with the name of its result."""
        step = self.reading.steps[number]
        what = f"in one pass: {sign_of(step)}" if step.fused else done(step, self._named)
        outs = ", ".join(f"v{out}" for out in step.outs)
        return f"{outs} = {what}" if outs else what

    def _named(self, slot: Slot) -> str:
        return self.names[slot]

    def _listed(self, unit: Unit) -> Iterator[Row]:
        """The steps of a card of several, a row each."""
        rows = []
        for kind, found in groupby(unit.steps, lambda number: self.reading.steps[number].kind):
            numbers = list(found)
            if kind == "absent" and len(numbers) > 1:
                rows.append(Row(numbers_of(numbers), Line(f"{len(numbers)} × .grad is None?", "text"), ()))
            else:
                rows += [Row(str(number), Line(self._text(number), "text"), ()) for number in numbers]
        yield from _shortened(rows)

    def _fused(self, step: Step) -> Iterator[Row]:
        """What a kernel does in one pass, a row each; what is in brackets is never put into memory."""
        rows = []
        for part in step.fused:
            text = f"v{part.outs[0]} = {done(part, self._named)}"
            rows.append(Row("", Line(text if part.outs[0] in step.outs else f"({text})", "text"), ()))
        yield from _shortened(rows)

    def _shape(self, slot: int) -> Iterator[Row]:
        spec = self.program.specs[slot]
        if spec.dtype is not None:
            shape = " × ".join(map(str, spec.shape)) or "one number"
            yield Row("shape", Line(f"{shape}  {spec.dtype}", "quiet"), ())

    def _memory(self, slot: int, unit: Unit) -> Iterator[Row]:
        """Where a result is put, and whose memory that was."""
        spec, stay = self.program.specs[slot], self.reading.stays.get(slot)
        size = bytes_of(spec.nbytes)
        if spec.dtype is None:
            return
        if stay is None or stay.lent:
            leaves = "a result" if slot in self.reading.outputs else "a gradient"
            what = leaves if stay is not None else "new, by NumPy"
            yield Row("memory", Line(f"{size}, {what}", "quiet"), ())
            return
        yield Row("memory", Line(f"{size} in block {stay.block}", "forward"), ())
        first = self.reading.steps[unit.steps[0]]  # of the card
        start = self.reading.stays[slot if first.fused else first.outs[0]]
        if start.over is not None:
            yield Row("in place", Line(f"over v{start.over}", "backward"), ())
        elif start.before is not None:
            until = max(self.reading.readers.get(start.before, [self.reading.made[start.before]]))
            yield Row("before", Line(f"v{start.before}, until {until}", "backward"), ())

    def _names(self) -> dict[int, str]:
        """What each slot is called; what only shows memory in another way is written as what it shows."""
        program = self.program
        arguments = self.plan.arguments or [f"v{slot}" for slot in program.inputs]
        names = {slot: shorten(name) for slot, name in zip(program.inputs, arguments, strict=True)}
        for slot, value in program.constants.items():
            names[slot] = argument(value, str) if is_number(value) else f"c{slot}"

        def named(slot: Slot) -> str:
            return names[slot]

        for number, step in enumerate(self.reading.steps):
            for out in (*(part.outs[0] for part in step.fused), *step.outs):
                is_view = self.reading.is_view(number)
                names[out] = shorten(written(step, named), NAME_LENGTH) if is_view else fetched(step) or f"v{out}"
        return names

    def _outside(self) -> list[int]:
        """The arguments and the constant arrays that are read, or returned."""
        used = {*self.reading.readers, *self.reading.outputs}
        arrays = [slot for slot, value in self.program.constants.items() if not is_number(value)]
        return [slot for slot in (*self.program.inputs, *arrays) if slot in used]


def _shortened(rows: list[Row]) -> Iterator[Row]:
    yield from rows if len(rows) <= MOST_ROWS else rows[: MOST_ROWS - 1]
    if len(rows) > MOST_ROWS:
        yield Row("", Line(f"and {len(rows) - MOST_ROWS + 1} more", "quiet"), ())


def is_number(constant: Any) -> bool:
    """Whether a constant is a single number, which is written in formulas."""
    return bool(np.shape(constant) == ())


def _changes(step: Step) -> Iterator[Row]:
    """The live values that an effect changes, or whose gradients it does, with their bytes."""
    if step.kind not in ("effect", "reset"):
        return
    values, word = live_values(step), "changes" if step.kind == "effect" else "resets"
    for i, value in enumerate(values[:MOST_ROWS]):
        text = f"{shorten(Leaf(value).name)}, {bytes_of(np.asarray(value.data).nbytes)}"
        yield Row(word if i == 0 else "", Line(text, "backward"), ())
    if len(values) > MOST_ROWS:
        yield Row("", Line(f"and {len(values) - MOST_ROWS} more", "backward"), ())
