"""The project's colours as themes of textual, and which of them a terminal asks for."""

import os

from textual.theme import Theme

from ..theme import Theme as Colours


def textual_theme(colours: Colours) -> Theme:
    """Textual's theme from the project's own table of colours."""
    return Theme(
        name=f"chainlens-{colours.name}",
        primary=colours.forward,
        secondary=colours.backward,
        accent=colours.highlight,
        error=colours.alarm,
        foreground=colours.text,
        background=colours.background,
        surface=colours.scope_fill,
        panel=colours.fill["constant"],
        dark=colours.name == "dark",
        variables={"border-blurred": colours.line},
    )


def is_light() -> bool:
    """Whether the terminal says that its background is light: COLORFGBG ends with its colour, of 16."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
