"""How numbers and nodes are written on one line, in messages and in pictures alike, so that they always agree.

A number has at most four significant digits, a true minus sign, and is always written the same way.

>>> [number(x) for x in (2.0, -0.6, 0.09, 12.345, 1234.5, 123456.0, 0.01234, -1.5e-7, 0.0, 2)]
['2.000', '−0.600', '0.0900', '12.35', '1234', '1.235e5', '0.0123', '−1.500e−7', '0.000', '2']
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .graph import Node

LABEL_LENGTH = 24
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(x: Any) -> str:
    """A real number in at most four significant digits; Python integers as they are; NaN and inf by name."""
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | np.integer):
        return minus(str(int(x))) if abs(int(x)) < 100_000 else _large(int(x))
    x = float(x)
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "inf" if x > 0 else "−inf"
    size = abs(x)
    if size == 0:
        return "0.000"
    if size < 1e-3 or size >= 9999.5:
        mantissa, exponent = f"{x:.3e}".split("e")
        return minus(f"{mantissa}e{int(exponent)}")
    if size < 0.0995:  # three digits, however many zeros stand before them
        return minus(f"{x:.{2 - math.floor(math.log10(float(f'{size:.2e}')))}f}")
    # Rounding may add a digit (9.9996 -> 10.000), so the number of decimals is read off the rounded number.
    whole = len(str(int(float(f"{size:.3e}"))))
    return minus(f"{x:.{max(0, 4 - whole)}f}")


def _large(x: int) -> str:
    """An integer of six digits or more as a float of its size is written, even where no float is so large."""
    try:
        return number(float(x))
    except OverflowError:
        digits = str(abs(x))
        return minus(f"{'-' * (x < 0)}{digits[0]}.{digits[1:4]}e{len(digits) - 1}")


def minus(text: str) -> str:
    """Hyphens as true minus signs."""
    return text.replace("-", "−")


def subscript(n: int) -> str:
    """An integer in subscript digits."""
    return str(n).translate(_SUBSCRIPTS)


def label(node: "Node") -> str:
    """What a node is called: its name, a parameter's with its layer; an unnamed constant's number; or v₄, by its id."""
    if node.name:
        layer = node.scope.rpartition("/")[2] if node.op == "parameter" else ""  # each layer has its own W
        is_told = not layer or node.name.startswith(layer)  # W₁₁ in the box of W
        return shorten(node.name if is_told else f"{layer}.{node.name}")
    if node.op == "constant":
        return number(node.value) if node.shape == () else f"c{subscript(node.id)}"
    return f"v{subscript(node.id)}"


def shorten(name: str, length: int = LABEL_LENGTH) -> str:
    """A name on one line, its middle left out if it is long; nothing invisible stays in it."""
    line = "".join(c if c.isprintable() else "�" for c in name) or "(no name)"
    return line if len(line) <= length else f"{line[: length // 2]}…{line[-(length // 2 - 1) :]}"
