"""Text measured in the cells of a terminal: a Chinese character or an emoji takes two, a combining accent none."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len


def visible(text: str) -> str:
    """The text without what moves the cursor, changes the direction of writing or the width of a character.

    >>> visible("a\\x1b[31mb\\u202ec\\ufe0f")
    'a�[31mb�c'
    """
    return "".join(c if c.isprintable() else "�" for c in text if not "\ufe00" <= c <= "\ufe0f")


def width(text: str) -> int:
    """How many cells the text takes: the sum over its characters.

    >>> width("w₁"), width("漢字"), width("e\\u0301")
    (2, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(cell_len, text))


def pad(text: str, cells: int) -> str:
    """The text with spaces up to so many cells."""
    return text + " " * (cells - width(text))


def cut(text: str, cells: int) -> str:
    """The beginning of the text, in at most so many cells, with an ellipsis where some is left out.

    >>> cut("漢字漢字", 5), cut("short", 5)
    ('漢字…', 'short')
    """
    if width(text) <= cells:
        return text
    kept, used = [], 1
    for character in text:
        used += width(character)
        if used > cells:
            break
        kept.append(character)
    return "".join(kept) + "…" if cells > 0 else ""


def flow(parts: Sequence[str], first: int, rest: int, gap: str = "   ") -> Iterator[str]:
    """Parts beside each other, in lines of at most `first` and then `rest` cells; a part that is longer is cut.

    >>> list(flow(["value 1.000", "∂L/∂w 0.500", "norm 2.000"], 30, 20))
    ['value 1.000   ∂L/∂w 0.500', 'norm 2.000']
    """
    line, room = "", first
    for part in parts:
        longer = f"{line}{gap}{part}" if line else part
        if line and width(longer) > room:
            yield line
            longer, room = part, rest
        line = cut(longer, room)
    yield line
