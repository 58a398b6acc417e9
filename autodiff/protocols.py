"""NumPy's own functions on Scalars and Tensors: `np.exp(t)` records what `ad.exp(t)` records.

A function with a rule is passed on to it, its arguments by the names of NumPy's signature. One whose results carry no
gradient gets the plain data. Any other is refused, with what to use instead: a gradient is never dropped in silence.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from . import ops
from .errors import AutodiffError, OperandError
from .ops.options import refuse
from .primitive import misfit
from .tape import Value

ROOMS = {"numpy": "ops", "numpy.linalg": "linalg"}  # module of a NumPy function -> what serves it

# Their results are booleans, integers, shapes, texts or constants, which carry no gradient whatever they are asked of.
PLAIN = {
    "all", "allclose", "angle", "any", "argmax", "argmin", "argpartition", "argsort", "argwhere", "array2string",
    "array_equal", "array_equiv", "array_repr", "array_str", "bitwise_and", "bitwise_count", "bitwise_or",
    "bitwise_xor", "broadcast_shapes", "can_cast", "common_type", "count_nonzero", "diag_indices_from", "digitize",
    "einsum_path", "empty_like", "equal", "flatnonzero", "gcd", "greater", "greater_equal", "imag", "invert", "isclose",
    "iscomplex", "iscomplexobj", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "isrealobj",
    "lcm", "left_shift", "less", "less_equal", "lexsort", "logical_and", "logical_not", "logical_or",
    "logical_xor", "matrix_rank", "may_share_memory", "min_scalar_type", "nanargmax", "nanargmin", "ndim", "nonzero",
    "not_equal", "ones_like", "packbits", "ravel_multi_index", "result_type", "right_shift", "searchsorted", "shape",
    "shares_memory", "signbit", "size", "tril_indices_from", "triu_indices_from", "unpackbits", "unravel_index",
    "zeros_like",
}  # fmt: skip
REDUCTIONS = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logaddexp": "logsumexp",
    "fmax": "nanmax", "fmin": "nanmin",
}  # fmt: skip
SCANS = {"add": "cumsum", "multiply": "cumprod"}

WRITES = "it writes into an array; t.at[index].set(values) gives a new tensor"
INSTEAD = {  # function without a rule -> what to use
    **dict.fromkeys(("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"), WRITES),
    **dict.fromkeys(("eig", "eigvals"), "its results are complex; use eigh or eigvalsh for symmetric matrices"),
    **dict.fromkeys(("unique_all", "unique_counts", "unique_inverse", "unique_values"), "use autodiff.unique"),
    **dict.fromkeys(("save", "savetxt", "savez", "savez_compressed"), "save t.numpy(), or use autodiff.save"),
    "ufunc.at": "it writes into an array; t.at[index].add(values) gives a new tensor",
    "nanquantile": "use autodiff.quantile of the numbers that are not NaN",
    "nanpercentile": "use autodiff.percentile of the numbers that are not NaN",
    "nanmedian": "use autodiff.median of the numbers that are not NaN",
    "modf": "use x - autodiff.trunc(x) and autodiff.trunc(x)",
    "ldexp": "use x * 2.0**i",
}
GENERAL = (
    "build it of autodiff's functions, add a rule with autodiff.Primitive, or leave the graph on purpose with .numpy()"
)


def array_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `__array_ufunc__` does: a call, a reduction, a scan or an outer product of a ufunc, as an own operation."""
    name = ufunc.__name__
    label = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
    if getattr(np, name, None) is not ufunc:  # another package's
        hint = f"use autodiff.{name}" if name in ops.__all__ else GENERAL
        raise OperandError(f"{name}: this ufunc is not NumPy's and has no derivative rule; {hint}")
    if name in PLAIN and method != "at":
        return _on_plain_data(label, getattr(ufunc, method), inputs, kwargs)
    out = kwargs.pop("out", None)
    if out is not None and any(array is not None for array in out):
        raise OperandError(
            f"{label}: out= and in-place operators write into an array, which drops the gradient; "
            "assign the result instead, as in a = a + t"
        )
    if method in ("reduce", "accumulate"):
        names = REDUCTIONS if method == "reduce" else SCANS
        if name in names:
            return _served(label, names[name], ops, inputs[:1], _reduction_options(inputs, kwargs))
    elif method in ("__call__", "outer"):
        own_options = {"axis": kwargs.pop("axis")} if name == "vecdot" and "axis" in kwargs else {}
        refuse(label, **kwargs)
        if method == "outer":
            inputs = _spread_out(label, inputs)
        if name in ops.__all__:
            return _served(label, name, ops, inputs, own_options)
    instead = INSTEAD.get("ufunc.at" if method == "at" else name, GENERAL)
    raise OperandError(f"{label}: has no derivative rule; {instead}")


def array_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `__array_function__` does: a NumPy function as the engine's own, found by its name and module."""
    name, module = function.__name__, function.__module__ or "numpy"
    label = f"{module.replace('numpy', 'np', 1)}.{name}"
    room, names = _room(module)
    if name == "where" and len(args) == 1:
        return _on_plain_data(label, function, args, kwargs)
    if name in names:
        operands, options = _by_name(label, function, args, kwargs)
        return _served(label, name, room, operands, options)
    if room is not None and name in PLAIN:
        return _on_plain_data(label, function, args, kwargs)
    raise OperandError(f"{label}: has no derivative rule; {INSTEAD.get(name, GENERAL)}")


@cache
def _room(module: str) -> tuple[Any, frozenset[str]]:
    """What serves the functions of a module of NumPy, imported when one of them is first called, and their names."""
    if module not in ROOMS:
        return None, frozenset()
    room = import_module(f".{ROOMS[module]}", __package__)
    return room, frozenset(room.__all__)


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # some functions written in C have none
        return None


def _by_name(
    label: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The operands in their order, and by name the options that are given and not at their defaults."""
    signature = _signature(function)
    if signature is None:
        return list(args), {key: value for key, value in kwargs.items() if value is not None}
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise OperandError(f"{label}: {error}") from error
    operands: list[Any] = []
    options: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.name not in given:
            continue
        value = given[parameter.name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            operands += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            options |= value
        elif parameter.default is parameter.empty or parameter.kind is parameter.POSITIONAL_ONLY:
            operands.append(value)
        elif value is not parameter.default:
            options[parameter.name] = value
    return operands, options


def _reduction_options(inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The options of ufunc.reduce and accumulate, which unlike functions work along axis 0 by default."""
    places = ("axis", "dtype", "out", "keepdims", "initial", "where")
    given = {"axis": 0} | dict(zip(places, inputs[1:], strict=False)) | kwargs
    unset: dict[str, tuple[Any, ...]] = {"axis": (), "keepdims": (False, np._NoValue), "where": (True,)}
    return {key: v for key, v in given.items() if not any(v is x for x in unset.get(key, (None, np._NoValue)))}


def _spread_out(label: str, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The two operands of ufunc.outer, of which the first gets an axis of size 1 for each of the second's."""
    if len(inputs) != 2:
        raise OperandError(f"{label}: takes 2 operands, got {len(inputs)}")
    first, second = inputs
    return ops.reshape(first, (*np.shape(first), *(1,) * np.ndim(second))), second


def _served(label: str, name: str, room: Any, operands: Any, options: dict[str, Any]) -> Any:
    """The engine's own function of this name. NumPy's complaints, and unknown options, name the function called."""
    try:
        return getattr(room, name)(*operands, **options)
    except AutodiffError as error:
        if name in str(error):
            raise
        raise type(error)(f"{label}: {error}") from error
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise misfit(label, list(_values(operands)), error) from error


def _on_plain_data(label: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if any(True for _ in _values(_out(function, args, kwargs))):
        raise OperandError(f"{label}: a tensor is never written into; assign the result instead of giving out=")
    try:
        return function(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()})
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise misfit(label, [value.data for value in _values(args)], error) from error


def _out(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What is given as `out`, by name or in its place."""
    signature = None if "out" in kwargs or isinstance(function, np.ufunc) else _signature(function)
    if signature is None or "out" not in signature.parameters:
        return kwargs.get("out")
    try:
        return signature.bind(*args, **kwargs).arguments.get("out")
    except TypeError:  # a call that does not fit is for the function itself to refuse
        return None


def _values(given: Any) -> Iterator[Value]:
    """The Scalars and Tensors among arguments, in lists and tuples too."""
    if isinstance(given, Value):
        yield given
    elif isinstance(given, list | tuple):
        for item in given:
            yield from _values(item)


def _plain(value: Any) -> Any:
    if isinstance(value, Value):
        return value.data
    if type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    return value
