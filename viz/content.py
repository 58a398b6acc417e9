"""What a drawing consists of, as plain data: cards, edges, boxes. `view` builds it, renderers read it."""

from dataclasses import dataclass
from typing import NamedTuple

from .heat import Heat

# What can be shown on a card or an edge; `show=` chooses.
FIELDS = ("value", "gradient", "local", "message", "shape", "stats", "histogram", "image", "source")
KINDS = ("input", "parameter", "constant", "operation", "group")


class Line(NamedTuple):
    """A line of text with the role that colours it: "text", "quiet", "forward", "backward" or "alarm"."""

    text: str
    role: str


class Row(NamedTuple):
    """A row of a card: what it is, its text, and which of `FIELDS` must all be shown for it to be."""

    label: str
    line: Line
    fields: tuple[str, ...] = ("value",)


Pixels = tuple[tuple[int, ...], ...]  # rows of grey levels, 0 to 255


@dataclass(frozen=True)
class Card:
    """One node, or several folded into one. `kind` is one of `KINDS`, and "group" for several.

    id         that of the node; of a group, that of its last operation
    members    the ids of the nodes that it stands for
    repeat     how many times the block is repeated that a group stands for
    heat       log10 of the norm of its gradient, of a group's largest; None without heat, −inf for a gradient of zero
    image      the value as a small picture, if it is one
    """

    id: int
    kind: str
    sign: str
    title: str
    rows: tuple[Row, ...]
    scope: str
    is_output: bool
    is_alarm: bool
    tooltip: str
    members: tuple[int, ...] = ()
    repeat: int = 1
    heat: float | None = None
    image: Pixels | None = None
    is_highlighted: bool = False


@dataclass(frozen=True)
class Edge:
    """From an operand to the node that uses it; `lines` is the ledger: local derivative, then message.

    position     which operand it is; between groups, a running number
    is_silenced  whether a zero gradient met a local derivative that is not finite, and sent zero all the same
    """

    source: int
    target: int
    position: int
    lines: tuple[Line, ...]
    is_alarm: bool
    is_highlighted: bool = False
    is_silenced: bool = False


@dataclass(frozen=True)
class View:
    """A drawing's whole content. `remarks` are lines of the legend besides those that the cards themselves ask for."""

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    description: str
    has_gradients: bool
    note: str = ""
    heat: Heat | None = None  # the scale, if the cards are coloured by their gradients
    remarks: tuple[Line, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The kinds of card that occur, for the legend."""
        present = {card.kind for card in self.cards}
        return [kind for kind in KINDS if kind in present]

    @property
    def has_highlights(self) -> bool:
        """Whether a card or an edge is marked."""
        return any(card.is_highlighted for card in self.cards) or any(edge.is_highlighted for edge in self.edges)
