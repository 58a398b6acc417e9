"""Pictures made with matplotlib: written as SVG, PNG or PDF, in a theme's colours, with a text alternative in the SVG.

Drawn with matplotlib's Figure, never pyplot, so there is no global state and no window; the same content gives the same
bytes, whatever the user's matplotlib settings are.
"""

import html
import io
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Picture:
    """A picture that can be drawn in every form and theme.

    description  what it shows, in words
    size         in inches
    paint        draws it on a figure in the theme's colours
    arranged     whether `paint` decides where everything stands; otherwise room is made for what is written
    """

    title: str
    description: str
    size: tuple[float, float]
    paint: Callable[["Figure", Theme], None]
    arranged: bool = False

    def save(self, files: list[Path], theme: Theme) -> list[Path]:
        """Write it to each file, whole or not at all. Returns the files."""
        for file, data in zip(
            files, self._draw([file.suffix.lower() for file in files], theme, self.title), strict=True
        ):
            write_whole(file, data)
        return files

    def render(self, suffix: str, theme: Theme, *, titled: bool = True) -> bytes:
        """It in one of `FORMATS`. On a page that has its title already, it is drawn without (titled=False)."""
        return self._draw([suffix], theme, self.title if titled else "")[0]

    def _draw(self, suffixes: list[str], theme: Theme, title: str) -> list[bytes]:
        """It in each form; it is painted and laid out once."""
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawn = []
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box stands for it; nothing to act on
            matplotlib.rcdefaults()
            matplotlib.rc("font", family=theme.font, size=10)
            matplotlib.rc("svg", fonttype="path", hashsalt="chainlens")  # shapes, not text: the picture needs no font
            matplotlib.rc("axes.spines", top=False, right=False)
            matplotlib.rc("text", parse_math=False)  # a dollar sign in a name is one
            figure = Figure(figsize=self.size, dpi=144, facecolor=theme.background)
            if not self.arranged:
                figure.set_layout_engine("constrained")
            FigureCanvasAgg(figure)
            if title:
                figure.suptitle(title, color=theme.text, **({"y": 1 - 0.12 / self.size[1]} if self.arranged else {}))
            self.paint(figure, theme)
            for suffix in suffixes:
                buffer = io.BytesIO()
                figure.savefig(buffer, format=suffix[1:], metadata=_METADATA[suffix])
                figure.set_layout_engine(None)  # with any engine, even "none", the next form would be drawn twice
                data = buffer.getvalue()
                drawn.append(_with_alternative(data, self.title, self.description) if suffix == ".svg" else data)
        return drawn


def recoloured(svg: bytes, old: Theme, new: Theme) -> bytes:
    """A picture of lines and words in another theme, sooner than it would be drawn anew. Images in it stay."""
    names = ("background", "text", "quiet", "line", "forward", "backward")
    colours = {getattr(old, name): getattr(new, name) for name in names}
    return re.sub("|".join(colours), lambda found: colours[found[0]], svg.decode()).encode()


def files_of(path: str | os.PathLike[str], what: str) -> list[Path]:
    """The files to write: the one given, or without a suffix an SVG and a PNG. Raises SettingError for other forms."""
    target = Path(path)
    if not target.suffix:
        return [target.with_name(target.name + suffix) for suffix in (".svg", ".png")]
    if target.suffix.lower() not in FORMATS:
        raise SettingError(f"{target}: {what} are drawn as {', '.join(FORMATS)}, not {target.suffix}")
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
    return Picture(title, description, size, lambda figure, _: paint(figure)).save(files, theme)


def dress(axes: "Axes", theme: Theme) -> None:
    """Give axes the theme's colours, and a grid."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.quiet)
    axes.grid(color=theme.line, alpha=0.3)
    for spine in axes.spines.values():
        spine.set_color(theme.line)


def _with_alternative(picture: bytes, title: str, description: str) -> bytes:
    """The SVG with its title and description as the first elements, where screen readers look for them."""
    text = picture.decode()
    end = text.index(">", text.index("<svg ")) + 1
    opening = text[:end].replace("<svg ", '<svg role="img" ')
    title, description = (html.escape(words, quote=False) for words in (title, description))
    return f"{opening}\n <title>{title}</title>\n <desc>{description}</desc>{text[end:]}".encode()
