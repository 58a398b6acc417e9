"""Pictures and steps of backpropagation, drawn from the record of one backward walk.

>>> import autodiff as ad, viz
>>> w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
>>> drawing = viz.draw((w * x - 1) ** 2)     # in a notebook it shows itself; drawing.save("loss.pdf") writes it
>>> viz.Stepper(ad.backprop(w * x)).next().node.op
'mul'
"""

from typing import TYPE_CHECKING, Any

from autodiff import display
from autodiff.later import later

__all__ = [
    "Drawing",
    "Stepper",
    "derive",
    "draw",
    "paths",
    "step",
    "to_dot",
    "to_html",
    "to_mermaid",
    "to_text",
    "to_tikz",
    "unroll",
]

if TYPE_CHECKING:
    from .debugger.launch import step
    from .derivation import derive
    from .dot import to_dot
    from .drawing import Drawing, draw
    from .html import to_html
    from .layered_text import to_text
    from .mermaid import to_mermaid
    from .path_sums import paths
    from .stepper import Stepper
    from .tikz import to_tikz
    from .unrolling import unroll

# Imported at its first use, so that who asks for one thing, as each command does, does not wait for all.
_LATER = {
    "Drawing": "drawing",
    "Stepper": "stepper",
    "derive": "derivation",
    "draw": "drawing",
    "paths": "path_sums",
    "step": "debugger.launch",
    "to_dot": "dot",
    "to_html": "html",
    "to_mermaid": "mermaid",
    "to_text": "layered_text",
    "to_tikz": "tikz",
    "unroll": "unrolling",
}


__getattr__, __dir__ = later(globals(), _LATER)


def _picture(subject: Any, form: str) -> str | None:
    from .drawing import picture

    return picture(subject, form)


display.painters.append(_picture)  # from now on notebooks show values, graphs and traces as pictures
