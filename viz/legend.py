"""The legend of a drawing: what its colours and signs mean, for those that occur, and what it leaves out."""

from typing import NamedTuple

from .theme import Theme
from .view import Line, View


class Marks(NamedTuple):
    """How a form of drawing marks the result and a card that holds NaN or infinity."""

    result: str
    alarm: str


def coloured(theme: Theme) -> Marks:
    """The marks of a form that has colours; a theme for print has no red."""
    return Marks("thick border", "thick black border" if theme.name == "print" else "red")


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
    lines = [Line("value: forward pass", "forward")]
    if content.has_gradients:
        lines.append(Line("∂: backward pass, message = upstream g × local derivative", "backward"))
        lines.append(Line(f"{marks.result}: the result", "backward"))
    if any(edge.lines and "‖" in edge.lines[-1].text for edge in content.edges):
        lines.append(Line("‖message‖: its Euclidean norm", "backward"))
    if any(card.is_highlighted for card in content.cards) or any(edge.is_highlighted for edge in content.edges):
        lines.append(Line("thick line: highlighted", "text"))
    if any(card.is_alarm for card in content.cards):
        lines.append(Line(f"{marks.alarm}: NaN or infinity", "alarm"))
    if content.note:
        lines.append(Line(content.note, "text"))
    return lines
