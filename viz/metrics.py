"""How wide a text is in the drawings' fonts, in em, so that a card can be sized before anything is drawn.

Measured with the DejaVu fonts that matplotlib ships, whatever fonts the machine has: the same text is equally wide
everywhere, and the families that stand in for DejaVu (Verdana, Menlo and the generic ones) are not wider.
"""

import functools
import importlib.util
import unicodedata
from pathlib import Path
from typing import Any

from .render import RenderError

SANS, BOLD, MONO = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf"
_MEASURED_AT = 256  # large enough for hinting not to matter


def text_width(text: str, size: float, face: str = SANS) -> float:
    """The width of one line of text at a font size, in the unit of that size. Raises RenderError without matplotlib.

    >>> round(text_width("0.500", 10, MONO), 1)
    30.1
    """
    return size * sum(_advance(character, face) for character in text)


@functools.cache
def _advance(character: str, face: str) -> float:
    # Wide letters and emoji come from another font, a full em and a little more.
    if unicodedata.east_asian_width(character) in "WF":
        return 1.25
    return float(_font(face).getlength(character)) / _MEASURED_AT


@functools.cache
def _font(face: str) -> Any:
    from PIL import ImageFont

    spec = importlib.util.find_spec("matplotlib")  # found, not imported: that would take longer than drawing
    if spec is None or not spec.submodule_search_locations:
        raise RenderError("drawing needs the fonts that matplotlib ships: pip install matplotlib")
    path = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf" / face
    return ImageFont.truetype(str(path), _MEASURED_AT, layout_engine=ImageFont.Layout.BASIC)
