"""Pictures and steps of backpropagation, drawn from the record of one backward walk.

>>> import autodiff as ad, viz
>>> w, x = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x")
>>> drawing = viz.draw((w * x - 1) ** 2)     # in a notebook it shows itself; drawing.save("loss.pdf") writes it
>>> viz.Stepper(ad.backprop(w * x)).next().node.op
'mul'
"""

from autodiff import display

from .debugger.launch import step
from .derivation import derive
from .dot import to_dot
from .drawing import Drawing, draw, picture
from .html import to_html
from .layered_text import to_text
from .mermaid import to_mermaid
from .path_sums import paths
from .stepper import Stepper
from .tikz import to_tikz
from .unrolling import unroll

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

if picture not in display.painters:
    display.painters.append(picture)  # from now on notebooks show values, graphs and traces as pictures
