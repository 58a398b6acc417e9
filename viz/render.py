"""DOT text to SVG, PNG or PDF bytes, by the Graphviz libraries that pygraphviz brings: no `dot` program is needed.

Every machine draws the same picture, because text is measured and drawn with the DejaVu fonts that matplotlib ships:
installed fonts and the user's fontconfig settings are not looked at, and need not exist.
"""

import contextlib
import html
import importlib.util
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autodiff.errors import AutodiffError

from . import portable

FORMATS = ("svg", "png", "pdf")
LAYOUT = "json0"  # where everything is, in JSON, for `layout.py`; no picture
# Without sfdp: in pygraphviz's libraries it lacks its triangulation, and fails.
ENGINES = ("dot", "neato", "fdp", "circo", "twopi", "osage", "patchwork")


class RenderError(AutodiffError, ValueError):
    """DOT text or an option that Graphviz cannot draw, told in its words; or Graphviz or its fonts are missing."""


def render(source: str, format: str, *, engine: str = "dot", dpi: float = 144) -> bytes:
    """Draw the graph in DOT text; the same text gives the same bytes each time.

    `dpi` is the resolution of a PNG, whatever the text says of it. A PDF bears no date.
    Threads take turns. Fontconfig reads its settings once per process, so whoever first draws with pygraphviz
    decides on the fonts for all.

    Raises:
        RenderError: unknown format or engine; dpi out of range; an error in the DOT text, even one that Graphviz would
            draw over, such as a malformed HTML-like label; pygraphviz or matplotlib is not installed.
        OSError: no temporary folder can be written.

    >>> picture = render('digraph { w -> "w·x" }', "svg")
    >>> picture.splitlines()[0]
    b'<?xml version="1.0" encoding="UTF-8"?>'
    >>> render("digraph { w -> }", "svg")
    Traceback (most recent call last):
        ...
    viz.render.RenderError: Graphviz: syntax error in line 1 near '}'
    """
    for what, given, allowed in ("format", format, FORMATS), ("engine", engine, ENGINES):
        if given not in allowed and given != LAYOUT:
            raise RenderError(f"unknown {what} {given!r}: use one of {', '.join(allowed)}")
    if not 0 < dpi <= 1200:
        raise RenderError(f"dpi must be above 0 and at most 1200, not {dpi!r}")
    try:
        text = source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RenderError(f"the DOT text is not valid Unicode: {error.reason} at position {error.start}") from error
    graphviz = _graphviz(format)
    picture: bytes | None
    if graphviz is None:
        picture, words = portable.draw(source, format, engine, dpi)
        picture = picture or None
    else:
        # One at a time: Graphviz, the environment and file descriptor 2 belong to the whole process.
        with _lock, tempfile.TemporaryDirectory(prefix="render-", ignore_cleanup_errors=True) as folder:
            dot, messages = Path(folder, "source.dot"), Path(folder, "messages")
            dot.write_bytes(text)
            with _environment(_settings(Path(folder))), _stderr_to(messages):
                picture = _draw(graphviz, dot, format, engine, dpi)
            words = messages.read_text(encoding="utf-8", errors="replace")
    error_said = _ERROR.search(words)
    if picture is None or error_said:
        said = " ".join(error_said[1].split()) if error_said else "no graph in the text, or none that can be drawn"
        raise RenderError(f"Graphviz: {said}")
    if format == "svg":
        return _portable_svg(picture)
    return _undated_pdf(picture) if format == "pdf" else picture


_lock = threading.Lock()

# Graphviz's messages. An error may go on over the next lines, up to a blank one or the next message.
_ERROR = re.compile(r"^Error: (.+?)(?=^(?:Error: |Warning: |Fontconfig |\(|\s*$)|\Z)", re.MULTILINE | re.DOTALL)


def _graphviz(format: str) -> Any:
    """pygraphviz's C layer, loaded at first use: importing it takes longer than drawing.

    None where the system lacks the libraries it needs and the portable program can draw the format instead.
    """
    try:
        from pygraphviz import graphviz
    except ImportError as error:
        if format in portable.FORMATS and portable.program():
            return None
        raise RenderError(
            f"drawing {format} needs pygraphviz 2, which does not load ({error}): pip install pygraphviz, and on "
            "Debian, if a lib….so is missing, apt-get install libglib2.0-0 libx11-6 libxext6 libxrender1 libexpat1"
        ) from error
    return graphviz


def _draw(graphviz: Any, dot: Path, format: str, engine: str, dpi: float) -> bytes | None:
    """Parse, lay out and draw; None on failure, with Graphviz's words on C's stderr.

    These are the calls that pygraphviz's `AGraph.draw` (2.0) makes, in another order: it parses before it makes the
    context, which declares the default labels, so the first graph of a process loses them. It also leaks the context
    when it fails, and writes to `sys.stderr` past 1000 nodes.
    """
    context, graph = graphviz.gvContextWithBuiltins(), None
    try:
        with dot.open("rb") as file:
            graph = graphviz.agread(file, None)
        if format == "png":
            graphviz.agattr(graph, graphviz.AGRAPH, b"dpi", str(dpi).encode())
        if graphviz.gvLayout(context, graph, engine.encode()) != 0:
            return None
        outcome = graphviz.gvRenderData(context, graph, format.encode())
        # A failed drawing gives its error code alone.
        return outcome[1] if isinstance(outcome, list | tuple) and outcome[0] == 0 else None
    except ValueError:  # agread found no graph
        return None
    finally:
        if graph is not None:
            graphviz.gvFreeLayout(context, graph)
            graphviz.agclose(graph)
        graphviz.gvFreeContext(context)


def _settings(folder: Path) -> dict[str, str | None]:
    """Environment variables for a drawing (None removes one); writes fontconfig's file of settings into `folder`.

    The file is written each time, not kept in a cache: reading a dozen fonts takes 10 ms, once per process, and so
    nothing is shared between processes or users, and nothing stays behind.
    """
    spec = importlib.util.find_spec("matplotlib")  # found, not imported: that would take longer than drawing
    if spec is None or not spec.submodule_search_locations:
        raise RenderError("drawing needs the fonts that matplotlib ships: pip install matplotlib")
    fonts = Path(spec.submodule_search_locations[0]).absolute() / "mpl-data" / "fonts" / "ttf"
    path = folder / "fonts.conf"
    path.write_text(
        _FONTCONFIG.format(fonts=html.escape(str(fonts)), no_cache=html.escape(str(path))), encoding="utf-8"
    )
    users = [name for name in os.environ if name.startswith(("FONTCONFIG_", "FC_", "PANGO_"))]
    # Graphviz ends the process if it cannot read SOURCE_DATE_EPOCH, be it only negative; it has no other use here.
    return {**dict.fromkeys(users), "FONTCONFIG_FILE": str(path), "SOURCE_DATE_EPOCH": "0"}


# STIX has mathematics that DejaVu lacks; matplotlib's other fonts have encodings of their own and would draw wrong
# letters. The cache folder is a file, on purpose, so no cache is made. Rescan 0: settings hold for the whole process.
_FONTCONFIG = """\
<?xml version="1.0"?>
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{no_cache}</cachedir>
  <selectfont>
    <acceptfont><glob>*DejaVuSans*</glob><glob>*STIXGeneral*</glob></acceptfont>
    <rejectfont><glob>*</glob></rejectfont>
  </selectfont>
  <match target="pattern">
    <edit name="family" mode="append_last"><string>DejaVu Sans</string><string>STIXGeneral</string></edit>
  </match>
  <config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


@contextlib.contextmanager
def _environment(settings: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables where C code sees them, and put back what was there."""
    before = {name: os.environ.get(name) for name in settings}
    try:
        _set_environment(settings)
        yield
    finally:
        _set_environment(before)


def _set_environment(settings: Mapping[str, str | None]) -> None:
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Send what is written to file descriptor 2 into a file: there Graphviz, pango and fontconfig all write."""
    try:
        saved = os.dup(2)
    except OSError:  # closed, as in a daemon; then the file below may itself become descriptor 2
        saved = None
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if file != 2:
            os.dup2(file, 2)
            os.close(file)
        yield
    finally:
        if saved is None:
            os.close(2)
        else:
            os.dup2(saved, 2)
            os.close(saved)


def _portable_svg(svg: bytes) -> bytes:
    """Well-formed SVG that names no Graphviz build and no DTD, and whose text fits where DejaVu is not installed.

    The families named after DejaVu are its relatives: Verdana, Vera and Menlo are as wide as the font the layout was
    measured with, generic ones mostly narrower. So no `textLength`: Graphviz does not tell the widths, a second
    measurement could disagree with the layout, and a viewer would stretch letters to fit it.
    """

    def families(family: re.Match[bytes]) -> bytes:
        return b'font-family="%b"' % (_MONO if b"DejaVu Sans Mono" in family[0] else _SANS)

    body = _UNFIT_FOR_XML.sub("\N{REPLACEMENT CHARACTER}".encode(), svg[svg.index(b"<svg") :])
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + re.sub(rb'font-family="DejaVu[^"]*"', families, body)


_SANS = b"DejaVu Sans,Verdana,Bitstream Vera Sans,Geneva,sans-serif"
_MONO = b"DejaVu Sans Mono,Menlo,Bitstream Vera Sans Mono,Consolas,monospace"
# Control characters, U+FFFE and U+FFFF, which Graphviz copies from a label, and which XML cannot hold.
_UNFIT_FOR_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


def _undated_pdf(pdf: bytes) -> bytes:
    """Cut out the time of drawing, which cairo 1.15 always writes, and move up the offsets of the objects after it."""
    date = re.search(rb"\n */CreationDate \([^)]*\)", pdf)
    table = pdf.rfind(b"\nxref\n")
    if date is None or table < date.end():
        return pdf

    def moved(offset: re.Match[bytes]) -> bytes:
        place = int(offset[0])
        return b"%0*d" % (len(offset[0]), place - len(date[0]) if place > date.start() else place)

    offsets = re.sub(rb"\d{10}(?= \d{5} n)|(?<=startxref\n)\d+", moved, pdf[table:])
    return pdf[: date.start()] + pdf[date.end() : table] + offsets
