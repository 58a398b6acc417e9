"""The tour: an expression drawn, stepped through, and a network that learns, with what each is called as a command."""

from pathlib import Path
from shlex import quote

import autodiff as ad
from autodiff.errors import SettingError

from . import draw
from .terminal import console, show_steps

EXPRESSION, VALUES = "L = (relu(w*x + b) - y)**2", {"w": 0.5, "x": 2.0, "b": -0.3, "y": 1.0}


def show_expression(folder: Path) -> None:
    """Draw the expression into the folder, which is made, and print its steps. Raises SettingError if it cannot be."""
    out = console()
    given = " ".join(f"{name}={value:g}" for name, value in VALUES.items())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot make the folder {folder}: {error.strerror}") from error
    with ad.recording(source=True):
        trace = ad.backprop(ad.parse(EXPRESSION, **VALUES))
    out.print(f"1. The chain rule, drawn:  chainlens draw '{EXPRESSION}' {given}", soft_wrap=True, markup=False)
    for suffix in ("svg", "png"):
        path = draw(trace).save(folder / f"backprop.{suffix}")
        out.print(f"   wrote {path}", soft_wrap=True, markup=False)
    out.print(f"\n2. The same, step by step:  chainlens step '{EXPRESSION}' {given}", soft_wrap=True, markup=False)
    show_steps(trace)
    command = f"chainlens train --epochs 3 --out {quote(str(folder / 'run'))}"
    out.print(f"\n3. A network that learns:  {command}", soft_wrap=True, markup=False)
