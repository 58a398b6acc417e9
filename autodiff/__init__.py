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

from . import linalg, ops
from .backward_trace import BackwardStep, BackwardTrace, Message
from .errors import AnomalyError, AutodiffError
from .graph import Graph, Node
from .ops import *  # noqa: F403  # ops.__all__ is the one list of functions
from .origin import Source
from .primitive import Elementwise, Primitive
from .reverse import backprop
from .scalar import Scalar
from .tape import no_grad, recording, scope
from .tensor import Tensor
from .transforms import grad, jvp, value_and_grad, vjp

__all__ = [
    "AnomalyError",
    "AutodiffError",
    "BackwardStep",
    "BackwardTrace",
    "Cause",
    "Elementwise",
    "Finding",
    "Graph",
    "Message",
    "Node",
    "Primitive",
    "Scalar",
    "Source",
    "Tensor",
    "anomaly",
    "backprop",
    "check_grads",
    "compile",
    "cost",
    "first_cause",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linalg",
    "lint",
    "load",
    "no_grad",
    "parse",
    "recording",
    "remat",
    "save",
    "scope",
    "value_and_grad",
    "vjp",
    "vmap",
]
__all__ += ops.__all__

if TYPE_CHECKING:
    from .cause import Cause
    from .causes import first_cause
    from .check import check_grads
    from .checkpoint import load, save
    from .costs import cost
    from .derivatives import hessian, hvp, jacobian
    from .expression import parse
    from .rematerialise import remat
    from .replay import compile
    from .traps import Finding, lint
    from .vectorise import vmap
    from .watching import anomaly

# What is not needed to record and differentiate is imported at its first use, so that `import autodiff` stays quick.
_LATER = {
    "Cause": "cause",
    "Finding": "traps",
    "anomaly": "watching",
    "check_grads": "check",
    "compile": "replay",
    "cost": "costs",
    "first_cause": "causes",
    "hessian": "derivatives",
    "hvp": "derivatives",
    "jacobian": "derivatives",
    "lint": "traps",
    "load": "checkpoint",
    "parse": "expression",
    "remat": "rematerialise",
    "save": "checkpoint",
    "vmap": "vectorise",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
