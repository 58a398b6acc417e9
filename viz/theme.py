"""Colours and type, one table per theme. The pair blue and vermilion is told apart by colour-blind readers and in grey.

Source of the pair: Okabe & Ito 2008, "Color Universal Design", darkened here for contrast on white (at least 4.5 : 1).
"""

from dataclasses import dataclass, replace

from autodiff.errors import SettingError


@dataclass(frozen=True)
class Theme:
    """Every colour of a drawing. `fill` and `border` are by kind of card."""

    name: str
    background: str
    text: str
    quiet: str
    line: str
    forward: str
    backward: str
    alarm: str
    alarm_fill: str
    scope: str
    scope_fill: str
    fill: dict[str, str]
    border: dict[str, str]
    highlight: str
    heat: tuple[str, str, str]  # the colours of a small, a middling and a large gradient, see `heat`
    font: str = "DejaVu Sans"
    mono: str = "DejaVu Sans Mono"

    @property
    def in_one_colour(self) -> "Theme":
        """The theme with all text in the colour of its titles, but for alarms."""
        return replace(self, quiet=self.text, forward=self.text, backward=self.text)


LIGHT = Theme(
    name="light",
    background="#ffffff",
    text="#1b1f24",
    quiet="#57606a",
    line="#6e7781",
    forward="#0b4f8a",
    backward="#b3440b",
    alarm="#b00020",
    alarm_fill="#ffe3e6",
    scope="#57606a",
    scope_fill="#f6f8fa",
    fill={
        "input": "#e3effb",
        "parameter": "#e3f4ea",
        "constant": "#eeeeee",
        "operation": "#ffffff",
        "group": "#f1ecfa",
    },
    border={
        "input": "#4a86bd",
        "parameter": "#3f8f63",
        "constant": "#808080",
        "operation": "#6e7781",
        "group": "#7a5fb0",
    },
    highlight="#8250df",
    heat=("#fffaf0", "#ffc766", "#e57a1c"),
)
DARK = Theme(
    name="dark",
    background="#0d1117",
    text="#e6edf3",
    quiet="#9198a1",
    line="#6e7681",
    forward="#79b8ff",
    backward="#ffa657",
    alarm="#ff7b88",
    alarm_fill="#4a1016",
    scope="#9198a1",
    scope_fill="#151b23",
    fill={
        "input": "#12263d",
        "parameter": "#12301f",
        "constant": "#262b31",
        "operation": "#1c2128",
        "group": "#231b36",
    },
    border={
        "input": "#4a86bd",
        "parameter": "#3f8f63",
        "constant": "#6e7681",
        "operation": "#6e7681",
        "group": "#8b6fc9",
    },
    highlight="#d2a8ff",
    heat=("#1c2128", "#5a3510", "#a8520c"),
)
PRINT = Theme(
    name="print",
    background="#ffffff",
    text="#000000",
    quiet="#444444",
    line="#666666",
    forward="#000000",
    backward="#8f3300",
    alarm="#000000",
    alarm_fill="#d0d0d0",
    scope="#444444",
    scope_fill="#ffffff",
    fill={
        "input": "#e2e2e2",
        "parameter": "#ffffff",
        "constant": "#f4f4f4",
        "operation": "#ffffff",
        "group": "#f4f4f4",
    },
    border={
        "input": "#000000",
        "parameter": "#000000",
        "constant": "#888888",
        "operation": "#444444",
        "group": "#000000",
    },
    highlight="#000000",
    heat=("#ffffff", "#cfcfcf", "#8c8c8c"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK, PRINT)}


def theme_named(name: str) -> Theme:
    """The theme of that name. Raises SettingError, which lists the names."""
    if name not in THEMES:
        raise SettingError(f"theme {name!r} does not exist; choose one of {', '.join(THEMES)}")
    return THEMES[name]
