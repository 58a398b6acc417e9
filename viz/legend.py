"""The legend of a drawing: what its colours and signs mean, for those that occur, and what it leaves out."""

from typing import NamedTuple

from .theme import Theme
from .view import Line, View


class Marks(NamedTuple):
    """How a form of drawing marks the result, a card that holds NaN or infinity, and, in words, a large gradient."""

    result: str
    alarm: str
    heat: str = ""
    together: bool = False  # whether a card can bear the first two
    highlight: str = "thick line"  # empty where the form shows it itself


def sample_name(kind: str) -> str:
    """What stands beside the sample of a kind of card: its name, and of a group what its cards say of themselves.

    >>> sample_name("input"), sample_name("group")
    ('input', 'folded')
    """
    return "folded" if kind == "group" else kind


def coloured(theme: Theme) -> Marks:
    """The marks of a form that has colours; a theme for print has no red."""
    return Marks("thick border", "thick black border" if theme.name == "print" else "red", "fill")


def legend(content: View, marks: Marks) -> list[Line]:
    """The lines of the legend, below the samples of the kinds of card (`View.kinds`).

    >>> import autodiff as ad
    >>> from viz.theme import LIGHT
    >>> from viz.view import view
    >>> w = ad.Scalar(2.0, name="w")
    >>> for line in legend(view(w * w), coloured(LIGHT)):
    ...     print(line.text)
    value: forward pass
    ∂: backward pass, message = upstream g × local derivative
    thick border: the result
    """
    rows = [row for card in content.cards for row in card.rows]
    ledgers = [line for edge in content.edges for line in edge.lines]
    # On the colours of heat all text is in one colour.
    forward, backward = ("forward", "backward") if content.heat is None else ("text", "text")
    lines = []
    if any("value" in row.fields for row in rows):
        lines.append(Line("value: forward pass", forward))
    if any(" ± " in row.line.text for row in rows):
        lines.append(Line("±: mean and standard deviation", "text"))
    if content.has_gradients:
        has_messages = any(line.role in ("backward", "alarm") for line in ledgers)
        rule = ", message = upstream g × local derivative" if has_messages else ""
        if has_messages or any("gradient" in row.fields for row in rows):
            lines.append(Line(f"∂: backward pass{rule}", backward))
        results = [card for card in content.cards if card.is_output]
        if any(marks.together or not (card.is_alarm or card.is_highlighted) for card in results):
            lines.append(Line(f"{marks.result}: the result", "backward"))
    if any("‖" in line.text for line in ledgers):
        lines.append(Line("‖message‖: its Euclidean norm", "backward"))
    if any(edge.is_silenced for edge in content.edges):
        lines.append(Line("0 × inf → 0: a gradient of zero sends zero", "text"))
    if marks.highlight and content.has_highlights:
        lines.append(Line(f"{marks.highlight}: highlighted", "text"))
    if any(card.is_alarm for card in content.cards):
        lines.append(Line(f"{marks.alarm}: NaN or infinity", "alarm"))
    if content.heat is not None and marks.heat:
        labels = content.heat.labels()
        lines.append(Line(f"{marks.heat}: {content.heat.what}, {labels[0]} (faint) to {labels[-1]} (strong)", "text"))
    lines += content.remarks
    if content.note:
        lines.append(Line(content.note, "text"))
    return lines
