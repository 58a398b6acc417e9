"""A gallery: one script per page, what each draws, and an index to browse offline.

A page is a Python file with a docstring, whose first line is the title and whose rest explains it, and a function
`draw(folder)` that writes its picture or pictures into a folder and returns their path or paths. A number `PLACE` says
where it stands in the index.
"""

import html
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from autodiff.errors import SettingError

from .output import write_whole

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --page: #ffffff; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9198a1; --page: #0d1117; --card: #151b23; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: var(--text); background: var(--page); }
article { background: var(--card); border-radius: 12px; padding: 1rem 1.5rem 1.5rem; margin: 1.5rem 0; }
h2 { margin: 0 0 .25rem; font-size: 1.2rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; color: var(--quiet); }
figure { margin: .5rem 0 0; overflow-x: auto; background: #ffffff; border-radius: 6px; }
img { max-width: max(100%, 44rem); height: auto; display: block; }
img.wide { max-width: none; height: 36rem; }
nav ul { columns: 3 14rem; margin: 0; padding-left: 1.2rem; } nav li { break-inside: avoid; }
a { color: inherit; }
"""


WIDE = 3000  # points; wider pictures cannot be read at the width of a page


class Page(NamedTuple):
    """One script of a gallery, and what it drew."""

    name: str
    title: str
    text: str
    pictures: tuple[Path, ...]
    place: int


def build(scripts: Path, folder: Path) -> list[Path]:
    """Draw every page of the scripts in one folder into another, with an index. Returns what was written.

    Raises SettingError if there is no script with a function `draw`.
    """
    pages = [page for script in _scripts(scripts) if (page := _page(script, folder))]
    pages.sort(key=lambda page: page.place)
    if not pages:
        raise SettingError(f"{scripts}: no page here; a page is a Python file with a function draw(folder)")
    index = folder / "index.html"
    write_whole(index, to_index(pages).encode())
    return [*(picture for page in pages for picture in page.pictures), index]


def to_index(pages: list[Page]) -> str:
    """The index of a gallery as HTML that needs nothing but the pictures beside it."""
    links = "".join(f'<li><a href="#{html.escape(p.name)}">{html.escape(p.title)}</a></li>\n' for p in pages)
    articles = "".join(_article(page) for page in pages)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>chainlens: gallery</title>\n<style>{STYLE}</style>\n"
        f"<h1>Gallery</h1>\n<nav><ul>\n{links}</ul></nav>\n{articles}</html>\n"
    )


def _article(page: Page) -> str:
    shown = []
    for picture in page.pictures:
        name = html.escape(picture.name)
        if picture.suffix in (".svg", ".png"):
            image = f'<img{_width(picture)} src="{name}" alt="{html.escape(page.title)}" loading="lazy">'
            shown.append(f'<figure><a href="{name}">{image}</a></figure>\n')
        else:
            shown.append(f'<p><a href="{name}">{name}</a></p>\n')
    source = f'<p><a href="{html.escape(page.name)}.py">{html.escape(page.name)}.py</a></p>\n'
    text = f"<p>{html.escape(page.text)}</p>\n" if page.text else ""
    title = html.escape(page.title)
    return f'<article id="{html.escape(page.name)}">\n<h2>{title}</h2>\n{text}{"".join(shown)}{source}</article>\n'


def _width(picture: Path) -> str:
    """A picture that would be illegible at the page's width scrolls instead."""
    size = re.search(r'<svg width="(\d+)pt"', picture.read_text(encoding="utf-8")) if picture.suffix == ".svg" else None
    return ' class="wide"' if size and int(size[1]) > WIDE else ""


def _scripts(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SettingError(f"{folder}: is no folder of gallery scripts")
    return sorted(folder.glob("*.py"))


def _page(script: Path, folder: Path) -> Page | None:
    module = load(script)
    draw = getattr(module, "draw", None)
    if draw is None:
        return None
    drawn = draw(folder)
    title, _, text = (module.__doc__ or script.stem).strip().partition("\n")
    pictures = tuple(drawn) if isinstance(drawn, list | tuple) else (drawn,)
    return Page(script.stem, title, " ".join(text.split()), pictures, getattr(module, "PLACE", 1000))


def load(script: Path) -> ModuleType:
    """A script as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"gallery_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
