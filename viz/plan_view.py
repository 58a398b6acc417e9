"""The view of a plan: what a compiled function does, step by step, and in which memory.

A card per unit of steps (`plan_units`) and per value that comes from outside; an edge from where a result is written to
where it is read. A card says when its steps run, where the result is put, and whose memory that was before.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autodiff import Node
from autodiff.errors import GraphError
from autodiff.replay import Compiled, Plan, Spec

from .content import Card, Edge, Line, View
from .fold import fold, renamed
from .notation import shorten
from .numbers import bytes_of
from .plan_cards import PlanCards
from .plan_units import Reading
from .step_words import counted, kind_and_sign, leaf_kind, live_values

REMARKS = {  # what the words on cards mean, for those that occur
    "memory": Line("block: memory of the plan, the same at every replay", "forward"),
    "in place": Line("in place, before: memory that another result had until then", "backward"),
    "changes": Line("changes: live objects outside the program, in place", "backward"),
}


def plan_view(subject: Plan | Compiled, *, highlight: Any = (), limit: int) -> View:
    """The view of a plan, or of the plan that a compiled function used last.

    highlight  memory ("block 2"), results ("v7") and values from outside, by their names: one or several
    limit      the most cards; beyond that, steps are folded

    Raises GraphError for a name to highlight that is not in the plan; SettingError for a function never called.
    """
    plan = subject.plan if isinstance(subject, Compiled) else subject
    return _Builder(Reading(plan)).build(highlight, limit)


class _Builder:
    """What building the view of a plan looks up again and again."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.plan, self.program = reading, reading.plan, reading.program
        self.cards = PlanCards(reading)
        self.units, self.outside, self.names = reading.units, self.cards.outside, self.cards.names
        first = len(self.outside)
        self.home = {slot: i for i, slot in enumerate(self.outside)}  # the card that each result is on
        self.card_of = {number: first + i for i, unit in enumerate(self.units) for number in unit.steps}
        self.home |= {out: self.card_of[number] for out, number in reading.made.items() if number in self.card_of}
        self.flows = list(self._flows())

    def build(self, highlight: Any, limit: int) -> View:
        marked = self._marked(highlight)
        nodes = self._nodes()
        results = {self.home[slot] for slot in self.reading.outputs if slot in self.home}
        scopes = [""] * len(nodes)
        groups = renamed(fold(nodes, scopes, set(range(len(nodes))), results, max(limit, 4)))
        cards = [self.cards.card(group, marked, results) for group in groups]
        folded = sum(len(self.cards.steps_of(card.members)) for card in cards if len(card.members) > 1)
        note = f"{folded} of {len(self.reading.steps)} steps are folded into cards" if folded else ""
        sums = tuple(self._sums())
        title = f"Plan of {shorten(self.plan.name)}" if self.plan.name else "Plan"
        return View(
            tuple(cards),
            tuple(self._edges(cards, marked)),
            title=f"{title}: {counted(len(self.reading.steps), 'step')}",
            description=" ".join([f"{title}.", *(f"{line.text}." for line in sums)]),
            has_gradients=False,
            note=note,
            remarks=(*self._remarks(cards), *sums),
        )

    def _nodes(self) -> list[Node]:
        """The cards as nodes of a graph, for folding: equal ones compute alike."""
        operands: dict[int, list[int]] = {}
        for source, target, _ in self.flows:
            operands.setdefault(target, []).append(source)
        nodes: list[Node] = []
        reads: tuple[int, ...]
        for id, slot in enumerate(self.outside):
            spec = self.program.specs[slot]
            op = "constant" if slot in self.program.constants else "input"
            nodes.append(Node(id, op, (), None, spec.shape, str(spec.dtype), name=self.names[slot]))
        for id, unit in enumerate(self.units, len(self.outside)):
            last = self.reading.steps[unit.steps[-1]]
            spec = self.program.specs[last.outs[0]] if last.outs else Spec((), None, ())
            if unit.what == "leaf":
                op, name, reads = leaf_kind(last), self.names[last.outs[0]], ()
            else:
                op, name = " → ".join(kind_and_sign(self.reading.steps[number]) for number in unit.steps), None
                reads = tuple(dict.fromkeys(operands.get(id, ())))
            nodes.append(Node(id, op, reads, None, spec.shape, str(spec.dtype), name=name))
        return nodes

    def _flows(self) -> Iterator[tuple[int, int, bool]]:
        """From which card to which one data goes, each pair once, and whether the memory goes with it."""
        holders: dict[int, int] = {}  # the card that last changed a live value or its gradient
        for number, step in enumerate(self.reading.steps):
            if number not in self.card_of:
                continue
            target = self.card_of[number]
            over = {stay.over for out in step.outs if (stay := self.reading.stays.get(out))}
            sources = {self.reading.root(slot): None for slot in step.reads}
            for slot in sources:
                if slot in self.home and self.home[slot] != target:
                    yield self.home[slot], target, slot in over
            for value in live_values(step):
                holder = holders.get(id(value))
                if holder is not None and holder != target:
                    yield holder, target, False
                if step.kind in ("store", "effect"):
                    holders[id(value)] = target

    def _edges(self, cards: Sequence[Card], marked: set[int]) -> Iterator[Edge]:
        home = {id: card.id for card in cards for id in card.members}
        folded = {card.id for card in cards if len(card.members) > 1}
        found: dict[tuple[int, int], bool] = {}
        together: set[tuple[int, int]] = set()
        for source, target, passes_on in self.flows:
            pair = home[source], home[target]
            if pair[0] != pair[1]:
                found[pair] = found.get(pair, False) or passes_on
                if {source, target} <= marked:
                    together.add(pair)
        positions: dict[int, int] = {}
        for (start, end), passes_on in found.items():
            position = positions[end] = positions.get(end, -1) + 1
            is_told = passes_on and not folded & {start, end}
            lines = (Line("in place", "backward"),) if is_told else ()
            yield Edge(start, end, position, lines, False, (start, end) in together)

    def _marked(self, wanted: Any) -> set[int]:
        """The cards that are named, by block of memory, result, or value from outside."""
        if not isinstance(wanted, str) and isinstance(wanted, Iterable):
            return {id for each in wanted for id in self._marked(each)}
        known: dict[Any, set[int]] = {}
        for slot, id in self.home.items():
            known.setdefault(f"v{slot}", set()).add(id)
            known.setdefault(self.names[slot], set()).add(id)
            if stay := self.reading.stays.get(slot):
                known.setdefault(f"block {stay.block}", set()).add(id)
        if not isinstance(wanted, str) or wanted not in known:
            raise GraphError(
                f"highlight: {wanted!r} is not in the plan; name memory, such as 'block 0', a result, such as "
                f"'v{max(self.home, default=0)}', or a value from outside by its name"
            )
        return known[wanted]

    def _remarks(self, cards: Sequence[Card]) -> Iterator[Line]:
        labels = {row.label for card in cards for row in card.rows if row.line.role != "quiet"}
        if any(card.sign for card in cards):
            yield Line("number: when a step runs", "quiet")
        if "memory" in labels:
            yield REMARKS["memory"]
        if labels & {"in place", "before"}:
            yield REMARKS["in place"]
        if "changes" in labels:
            yield REMARKS["changes"]
        if any(row.line.text.startswith("(v") for card in cards for row in card.rows):
            yield Line("in brackets: never put into memory", "quiet")

    def _sums(self) -> Iterator[Line]:
        plan = self.plan
        count = plan.block_count
        if count:
            results = counted(sum(not stay.lent for stay in self.reading.stays.values()), "result")
            own, held = plan.nbytes - plan.lent, plan.held
            saved = f"{1 - own / held:.0%}".replace("%", " %") if held else "0 %"
            yield Line(
                f"{bytes_of(own)} in {counted(count, 'block')} hold {results} of {bytes_of(held)}: "
                f"using memory again saves {saved}",
                "text",
            )
        if plan.lent:
            yield Line(f"{bytes_of(plan.lent)} leave the program: results and gradients", "text")
        views = sum(map(self.reading.is_view, range(len(self.reading.steps))))
        if views:
            yield Line(f"{counted(views, 'view')} of other results, which take no memory, have no card", "text")
