"""chainlens: record an expression as a graph, apply the chain rule to it, and see every bit of it.

Read the package in this order: what is recorded (`tape`, `graph`), the derivative table (`primitive`, `ops`), the
one backward walk (`reverse`), its two kinds of value (`scalar`, `tensor`), and what is built on them (`transforms`,
`check`, `expression`; then `nn`, `optim`, `data`, `train`, `checkpoint`).

>>> import autodiff as ad
>>> w, x, b = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x"), ad.Scalar(-0.3, name="b")
>>> loss = (ad.relu(w * x + b) - 1) ** 2
>>> loss.backward()
>>> round(w.grad, 3)
-1.2
"""

from typing import TYPE_CHECKING, Any

from . import ops
from .check import check_grads
from .errors import AutodiffError
from .expression import parse
from .graph import Graph, Node
from .ops import *  # noqa: F403  # ops.__all__ is the one list of functions
from .primitive import Elementwise, Primitive
from .rematerialise import remat
from .reverse import BackwardStep, BackwardTrace, Message, backprop
from .scalar import Scalar
from .tape import Source, no_grad, recording, scope
from .tensor import Tensor
from .transforms import grad, jvp, value_and_grad, vjp

__all__ = [
    "AutodiffError",
    "BackwardStep",
    "BackwardTrace",
    "Elementwise",
    "Graph",
    "Message",
    "Node",
    "Primitive",
    "Scalar",
    "Source",
    "Tensor",
    "backprop",
    "check_grads",
    "grad",
    "jvp",
    "load",
    "no_grad",
    "parse",
    "recording",
    "remat",
    "save",
    "scope",
    "value_and_grad",
    "vjp",
]
__all__ += ops.__all__

if TYPE_CHECKING:
    from .checkpoint import load, save


def __getattr__(name: str) -> Any:
    # Reading and writing files needs modules that take longer to import than the rest of the package together.
    if name in ("load", "save"):
        from . import checkpoint

        return getattr(checkpoint, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
