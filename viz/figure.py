"""Pictures made with matplotlib: written as SVG, PNG or PDF, in a theme's colours, with a text alternative in the SVG.

Drawn with matplotlib's Figure, never pyplot, so there is no global state and no window; the same content gives the same
bytes, whatever the user's matplotlib settings are.
"""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodiff.errors import SettingError

from .output import write_whole
from .theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png", ".pdf")
# No dates or versions, so that the bytes depend on the content alone.
_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def files_of(path: str | os.PathLike[str], what: str) -> list[Path]:
    """The files to write: the one given, or without a suffix an SVG and a PNG. Raises SettingError for other forms."""
    target = Path(path)
    if not target.suffix:
        return [target.with_name(target.name + suffix) for suffix in (".svg", ".png")]
    if target.suffix.lower() not in FORMATS:
        raise SettingError(f"{what} are drawn as {', '.join(FORMATS)}, not {target.suffix}")
    return [target]


def write_figure(
    files: list[Path],
    paint: Callable[["Figure"], None],
    *,
    size: tuple[float, float],
    title: str,
    description: str,
    theme: Theme,
) -> list[Path]:
    """Let `paint` draw on a figure of this size, in inches, and write it to each file. Returns the files."""
    for file in files:
        suffix = file.suffix.lower()
        picture = _picture(paint, suffix, size, title, theme)
        write_whole(file, _with_alternative(picture, title, description) if suffix == ".svg" else picture)
    return files


def dress(axes: "Axes", theme: Theme) -> None:
    """Give axes the theme's colours, and a grid."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.quiet)
    axes.grid(color=theme.line, alpha=0.3)
    for spine in axes.spines.values():
        spine.set_color(theme.line)


def _picture(
    paint: Callable[["Figure"], None], suffix: str, size: tuple[float, float], title: str, theme: Theme
) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box stands for it; nothing to act on
        matplotlib.rcdefaults()
        matplotlib.rc("font", family=theme.font, size=10)
        matplotlib.rc("svg", fonttype="path", hashsalt="chainlens")  # shapes, not text: the picture needs no font
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("text", parse_math=False)  # a dollar sign in a name is one
        figure = Figure(figsize=size, dpi=144, layout="constrained", facecolor=theme.background)
        FigureCanvasAgg(figure)
        figure.suptitle(title, color=theme.text)
        paint(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix[1:], metadata=_METADATA[suffix])
    return buffer.getvalue()


def _with_alternative(picture: bytes, title: str, description: str) -> bytes:
    """The SVG with its title and description as the first elements, where screen readers look for them."""
    from xml.sax.saxutils import escape

    text = picture.decode()
    end = text.index(">", text.index("<svg ")) + 1
    opening = text[:end].replace("<svg ", '<svg role="img" ')
    return f"{opening}\n <title>{escape(title)}</title>\n <desc>{escape(description)}</desc>{text[end:]}".encode()
