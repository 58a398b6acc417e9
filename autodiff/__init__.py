"""chainlens: record an expression as a graph, apply the chain rule to it, and see every bit of it.

Read the package in this order: what is recorded (`tape`, `graph`), the derivative table (`primitive`, `ops`), the
one backward walk (`reverse`), its two kinds of value (`scalar`, `tensor`), and what is built on them (`transforms`,
`check`, `expression`; then `nn`, `optim`, `data`, `train`, `checkpoint`). What runs fast is `replay`, on `fusion`.

>>> import autodiff as ad
>>> w, x, b = ad.Scalar(0.5, name="w"), ad.Scalar(2.0, name="x"), ad.Scalar(-0.3, name="b")
>>> loss = (ad.relu(w * x + b) - 1) ** 2
>>> loss.backward()
>>> round(w.grad, 3)
-1.2
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import ops
from .errors import AnomalyError, AutodiffError
from .later import later
from .origin import Source
from .scalar import Scalar
from .tape import no_grad, recording, scope
from .tensor import Tensor

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
    from . import linalg
    from .backward_trace import BackwardStep, BackwardTrace, Message
    from .cause import Cause
    from .causes import first_cause
    from .check import check_grads
    from .checkpoint import load, save
    from .costs import cost
    from .derivatives import hessian, hvp, jacobian
    from .expression import parse
    from .graph import Graph, Node
    from .ops import *  # noqa: F403
    from .ops.table import Elementwise, Primitive
    from .rematerialise import remat
    from .replay import compile
    from .tracing import backprop
    from .transforms import grad, jvp, value_and_grad, vjp
    from .traps import Finding, lint
    from .vectorise import vmap
    from .watching import anomaly

# What is not needed to record and differentiate is imported at its first use, so that `import autodiff` stays quick.
_LATER = {
    "BackwardStep": "backward_trace",
    "BackwardTrace": "backward_trace",
    "Cause": "cause",
    "Elementwise": "ops.table",
    "Finding": "traps",
    "Graph": "graph",
    "Message": "backward_trace",
    "Node": "graph",
    "Primitive": "ops.table",
    "anomaly": "watching",
    "backprop": "tracing",
    "check_grads": "check",
    "compile": "replay",
    "cost": "costs",
    "first_cause": "causes",
    "grad": "transforms",
    "hessian": "derivatives",
    "hvp": "derivatives",
    "jacobian": "derivatives",
    "jvp": "transforms",
    "lint": "traps",
    "load": "checkpoint",
    "parse": "expression",
    "remat": "rematerialise",
    "save": "checkpoint",
    "value_and_grad": "transforms",
    "vjp": "transforms",
    "vmap": "vectorise",
    **dict.fromkeys(ops.__all__, "ops"),
}


_find, __dir__ = later(globals(), _LATER)


def __getattr__(name: str) -> Any:
    return import_module(".linalg", __name__) if name == "linalg" else _find(name)
