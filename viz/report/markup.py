"""HTML elements from text that may be hostile: everything is escaped but what this module made itself."""

from collections.abc import Iterable, Sequence
from html import escape as _escape

VOID = {"img", "input", "source"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    def __add__(self, other: str) -> "Markup":
        return Markup(str(self) + escape(other))


def clean(text: str) -> str:
    """Text without what no page can hold or show: control characters, halves of characters, turned directions.

    >>> clean("a\\x00b\\ud800c")
    'a�b�c'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def escape(text: str) -> str:
    """Text as HTML; Markup as it is.

    >>> escape("<b>"), escape(Markup("<b>"))
    ('&lt;b&gt;', '<b>')
    """
    return text if isinstance(text, Markup) else _escape(clean(text))


def element(tag: str, content: str | None, **attributes: object) -> Markup:
    """An element. A trailing _ of an attribute's name is dropped, and _ in it is -; None leaves an attribute out.

    >>> element("td", "a < b", class_="share", aria_label='"')
    '<td class="share" aria-label="&quot;">a &lt; b</td>'
    """
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escape(clean(str(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{pairs}>" if tag in VOID else f"<{tag}{pairs}>{escape(content or '')}</{tag}>")


def joined(parts: Iterable[str], between: str = "\n") -> Markup:
    """Parts one after the other."""
    return Markup(between.join(escape(part) for part in parts))


def row(cells: Sequence[str], *, head: bool = False, class_: str | None = None) -> Markup:
    """A table's row, whose first cell is its head; or a row of heads."""
    made = [
        element("th", cell, scope="col" if head else "row") if head or i == 0 else element("td", cell)
        for i, cell in enumerate(cells)
    ]
    return element("tr", Markup("".join(made)), class_=class_)
