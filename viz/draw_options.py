"""What text on a command line says about a drawing: where it goes, and which values are shown as pictures."""

import os
from pathlib import Path

from autodiff.errors import SettingError

from .drawing import Drawing, format_of


def destination(text: str) -> Path:
    """Where to write a drawing: in a folder under the default name. Raises SettingError for an unknown suffix.

    >>> destination("pictures/").name
    'backprop.svg'
    """
    path = Path(text)
    if os.path.isdir(path) or _is_folder(text):
        path = path / "backprop.svg"
    format_of(path)
    return path


def save_as(drawing: Drawing, text: str) -> Path:
    """Write the drawing where the text says; a folder with a slash at its end is made. Raises SettingError if not."""
    path = destination(text)
    if _is_folder(text):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingError(f"cannot write {path}: {error.strerror or error}") from error
    return drawing.save(path)


def image_sizes(text: str) -> dict[str, tuple[int, int] | None]:
    """The height and width that each name is given, None for a name alone. Raises SettingError for a size that is none.

    >>> image_sizes("x=5x7, h")
    {'x': (5, 7), 'h': None}
    """
    sizes: dict[str, tuple[int, int] | None] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, size = part.partition("=")
        height, x, width = size.partition("x")
        if equals and not (x and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
            raise SettingError(f"--images {part}: write a height and a width, such as {name}=28x28")
        sizes[name.strip()] = (int(height), int(width)) if equals else None
    return sizes


def names_in(text: str) -> list[str]:
    """Names with commas between.

    >>> names_in("w, x,")
    ['w', 'x']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_folder(text: str) -> bool:
    return text.endswith(("/", os.sep))
