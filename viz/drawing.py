"""Drawings: one call from a value to a file or a notebook cell."""

import html
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autodiff as ad
from autodiff.errors import SettingError

from .dot import to_dot
from .render import render
from .theme import theme_named
from .view import view

FORMATS = ("svg", "png", "pdf", "dot")
DIRECTIONS = ("LR", "TB")
OPTIONS = ("show", "highlight", "wrt", "heat", "limit", "depth")


@dataclass(frozen=True)
class Drawing:
    """A drawing as DOT `source`; rendered when it is asked for. In a notebook it shows itself."""

    source: str
    title: str
    description: str
    format: str = "svg"

    @property
    def svg(self) -> str:
        """The drawing as SVG text, with a title and a description for people who cannot see it."""
        text = render(self.source, "svg").decode()
        described = f"<title>{html.escape(self.title)}</title>\n<desc>{html.escape(self.description)}</desc>"
        return text.replace("<title>backpropagation</title>", described, 1)

    def render(self, format: str | None = None) -> bytes:
        """The drawing in one of `FORMATS`. Raises SettingError for any other."""
        format = format or self.format
        if format not in FORMATS:
            raise SettingError(f"format {format!r} is not known; use one of {', '.join(FORMATS)}")
        if format == "dot":
            return self.source.encode()
        return self.svg.encode() if format == "svg" else render(self.source, format)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing; the suffix decides the format. A failure leaves an existing file as it was."""
        path = Path(path)
        data = self.render(format_of(path))
        try:
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        except OSError as error:
            raise SettingError(f"cannot write {path}: {error.strerror}") from error
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except OSError as error:
            Path(temporary).unlink(missing_ok=True)
            raise SettingError(f"cannot write {path}: {error.strerror}") from error
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto">{self.svg[self.svg.index("<svg") :]}</div>'


def draw(
    subject: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    format: str = "svg",
    theme: str = "light",
    direction: str = "LR",
    **options: Any,
) -> Drawing:
    """Draw a value, a graph or a trace; with a path, also write it there, in the format that its suffix names.

    subject    a Scalar or Tensor with one element is drawn with its gradients; a larger one, several in a tuple, and a
               Graph, without; a BackwardTrace as it was recorded
    theme      "light", "dark" or "print"
    direction  "LR", left to right like a formula, or "TB", top to bottom
    options    what is drawn: `show`, `highlight`, `wrt`, `heat`, `limit` and `depth`, see `viz.view`

    Values without a name get that of the caller's variable that holds them.

    >>> import autodiff as ad, viz
    >>> w = ad.Scalar(2.0, name="w")
    >>> viz.draw(w * w).svg.count("∂v₁/∂w = w = 2.000")
    2

    Raises SettingError for an unknown format, theme, direction or option, or a path that cannot be written; GraphError
    for what cannot be drawn.
    """
    if path is not None:
        format = format_of(path)
    elif format not in FORMATS:
        raise SettingError(f"format {format!r} is not known; use one of {', '.join(FORMATS)}")
    if direction not in DIRECTIONS:
        raise SettingError(f"direction {direction!r} is not known; use LR or TB")
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise SettingError(f"draw: option {unknown[0]!r} is not known; choose from {', '.join(OPTIONS)}")
    content = view(subject, names=variable_names(1), **options)
    source = to_dot(content, theme=theme_named(theme), direction=direction)
    drawing = Drawing(source, content.title, content.description, format)
    if path is not None:
        drawing.save(path)
    return drawing


def variable_names(above: int) -> dict[int, str]:
    """The names of the variables that hold Scalars and Tensors in the frame so far above the caller's, by index."""
    frame = sys._getframe(above + 1)
    scopes = (frame.f_locals, frame.f_globals)
    return {
        value.index: name
        for variables in reversed(scopes)
        for name, value in variables.items()
        if isinstance(value, ad.Scalar | ad.Tensor) and not name.startswith("_")
    }


def format_of(path: str | os.PathLike[str]) -> str:
    """The format a path's suffix asks for. Raises SettingError for one that is not known."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise SettingError(f"{os.fspath(path)!r}: the suffix must be one of .{', .'.join(FORMATS)}")
    return suffix


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
