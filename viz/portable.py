"""Graphviz for a bare Linux system, where pygraphviz is installed but cannot load: its wheel expects the system's GLib
and X11 libraries. graphviz-pure is a self-contained program with fonts of its own; it draws SVG and PNG and tells the
layout, but draws no PDF.
"""

import shutil
import subprocess
import sysconfig

PROGRAM = "graphviz-pure"
FORMATS = ("svg", "png", "json0")
# It knows the widths of these families only; its own fonts have the same widths.
_FONTS = {"DejaVu Sans Mono": "Courier New", "DejaVu Sans": "Arial"}


def program() -> str | None:
    """Where the program is: beside this Python, or on the path."""
    return shutil.which(PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(PROGRAM)


def draw(source: str, format: str, engine: str, dpi: float) -> tuple[bytes, str]:
    """The drawing, empty on failure, and what the program said. Raises OSError if it cannot be started."""
    for wanted, known in _FONTS.items():
        source = source.replace(wanted, known)
    resolution = [f"-Gdpi={dpi}"] if format == "png" else []
    command = [program() or PROGRAM, f"-K{engine}", f"-T{format}", *resolution]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b"", done.stderr.decode(errors="replace")
