"""A part of a view, for a form that has a limit: what is left out is said in the note."""

from dataclasses import replace

from .view import View


def latest(content: View, count: int, why: str) -> View:
    """The last `count` cards, those next to the result, and the edges between them.

    >>> import autodiff as ad
    >>> from viz.view import view
    >>> part = latest(view(ad.Scalar(2.0) * 3), 1, "for the width")
    >>> part.note, len(part.edges)
    ('2 more earlier nodes are left out for the width', 0)
    """
    if len(content.cards) <= count:
        return content
    cards = content.cards[-count:]
    shown = {card.id for card in cards}
    edges = tuple(edge for edge in content.edges if edge.source in shown and edge.target in shown)
    return replace(
        content,
        cards=cards,
        edges=edges,
        note=noted(content.note, f"{len(content.cards) - count} more earlier nodes are left out {why}"),
    )


def noted(*notes: str) -> str:
    """Notes one after the other, without the empty ones."""
    return "; ".join(note for note in notes if note)
