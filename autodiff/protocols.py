"""NumPy's own functions on Scalars and Tensors: `np.exp(t)` records what `ad.exp(t)` records.

A function with a rule is passed on to it. One that asks about shapes, order or truth gets the plain data. Any other
is refused, with what to use instead: a gradient is never dropped in silence.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from .errors import OperandError
from .tape import Value

# Their results are booleans, integers or shapes, which carry no gradient whatever they are asked of.
PLAIN = {
    "all", "allclose", "any", "argmax", "argmin", "argpartition", "argsort", "argwhere", "array2string",
    "array_equal", "array_equiv", "array_repr", "array_str", "bincount", "broadcast_shapes", "can_cast",
    "common_type", "count_nonzero", "digitize", "empty_like", "equal", "flatnonzero", "full_like", "greater",
    "greater_equal", "in1d", "isclose", "iscomplex", "iscomplexobj", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "isrealobj", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "min_scalar_type", "nanargmax", "nanargmin", "ndim", "nonzero", "not_equal", "ones_like",
    "result_type", "searchsorted", "shape", "signbit", "size", "unique", "zeros_like",
}  # fmt: skip
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logaddexp": "logsumexp"}
UNUSED = ("out", "dtype", "where", "initial", "casting", "order", "subok")  # options that NumPy passes on unset
SCANS = {"add": "cumsum", "multiply": "cumprod"}


def array_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `__array_ufunc__` does: a call, a reduction or a scan of a ufunc, as the engine's own operation."""
    name = ufunc.__name__
    if any(kwargs.get(option) is not None for option in ("out", "where")) and kwargs.get("where") is not True:
        raise OperandError(f"np.{name}: out= and where= are not recorded; use autodiff.where and assign the result")
    if method == "__call__":
        return _call(f"np.{name}", name, inputs, kwargs)
    names = {"reduce": REDUCTIONS, "accumulate": SCANS}.get(method, {})
    if name not in names:
        raise OperandError(f"np.{name}.{method}: has no derivative rule; use one of autodiff's functions instead")
    given = dict(zip(("axis",), inputs[1:], strict=False)) | kwargs
    given.setdefault("axis", 0)
    return _call(f"np.{name}.{method}", names[name], inputs[:1], given)


def array_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `__array_function__` does: a NumPy function as the engine's own, found by its name and module."""
    module = function.__module__ or "numpy"
    label = f"{module.replace('numpy', 'np', 1)}.{function.__name__}"
    return _call(label, function.__name__, args, kwargs)


def _call(label: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    kwargs = {key: value for key, value in kwargs.items() if value is not None or key not in UNUSED}
    if name in PLAIN:
        plain_args, plain_kwargs = _plain(args), {key: _plain(value) for key, value in kwargs.items()}
        return getattr(np, name)(*plain_args, **plain_kwargs)
    own = getattr(ops, name, None) if name in ops.__all__ else None
    if own is None:
        raise OperandError(
            f"{label}: has no derivative rule; build it of autodiff's functions, add a rule with autodiff.Primitive, "
            "or leave the graph on purpose with .numpy()"
        )
    try:
        return own(*args, **kwargs)
    except TypeError as error:
        if isinstance(error, OperandError) or "keyword argument" not in str(error):
            raise
        raise OperandError(f"{label}: {error}; autodiff.{name} takes no such option") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Value):
        return value.data
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value
