"""What is covered: every operation of the derivative table with its formula and derivatives, and every function."""

from pathlib import Path

import autodiff as ad
from autodiff import nn
from autodiff.ops.table import OPERATIONS, builtin_names
from autodiff.primitive import Elementwise, Primitive
from viz.notation import NOTATION

HEAD = """# What is covered

Written by `gallery/operations.py` from the registry; a test compares. `g` is the upstream cotangent. An elementwise
operation states its local derivative, which multiplies g; any other states its whole rule. Every row is checked against
finite differences in first and second order, in reverse and forward mode and their mixtures.
"""


def draw(folder: Path = Path(__file__).parent) -> Path:
    """Write the page into a folder and return its path."""
    path = folder / "operations.md"
    path.write_text(page(), encoding="utf-8", newline="\n")
    return path


def page() -> str:
    """The page as Markdown."""
    assert nn  # its losses are operations too
    rows = ["", "## Operations", ""]
    rows += ["| operation | computes | derivative of each operand | kind |", "|---|---|---|---|"]
    for name in sorted(builtin_names()):
        formula, derivatives = NOTATION[name].formula, NOTATION[name].derivatives
        written = ", ".join(f"`{_operands(d)}`" if d else "none" for d in derivatives)
        rows.append(f"| {name} | `{_operands(formula)}` | {written} | {_kind(OPERATIONS[name])} |")
    functions = ", ".join(f"`{name}`" for name in sorted(ad.ops.__all__))
    rows += ["", f"## Functions ({len(ad.ops.__all__)})", "", f"{functions}.", ""]
    return HEAD + "\n".join(rows)


def _operands(template: str) -> str:
    names = {"{out}": "out", "{0}": "x", "{1}": "y", "{2}": "z", "{…}": "x, y, …"}
    for key, name in names.items():
        template = template.replace(key, name)
    return template.replace("|", "\\|")


def _kind(operation: object) -> str:
    if isinstance(operation, Elementwise):
        return "elementwise"
    return "linear" if isinstance(operation, Primitive) and operation.linear else "vjp and jvp"


if __name__ == "__main__":
    print(draw())
