"""The chain rule at one elementwise value: what it sends to its operands, message = g × local derivative.

A backward step of a number or a small array is a handful of operations; a loop over the operands would cost more than
they do. So the loop is written out, once per row of the table, as source text: what is skipped for an operand without
a derivative, or known because a local derivative is a number, does not stand in it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import RuleError
from .ops import where
from .ops.elementwise import shared
from .ops.plain_data import somewhere
from .ops.shape import astype, sum_to
from .primitive import Elementwise
from .tape import Value, current_recorder

# (value, g, pending, since, safe, sent): adds each operand's message to `pending`, by recording index, and if `sent` is
# a list appends (local derivative, message) for each operand, None for one that takes no message.
Pull = Callable[[Any, Any, dict[int, Any], int, bool, "list[Any] | None"], None]


def pull_of_floats(row: Elementwise) -> Pull:
    """The row's backward rule on floats. A cotangent of zero sends zero, whatever it meets."""
    if row.pull_floats is None:
        row.pull_floats = _unrolled(row, _FLOATS)
    pull: Pull = row.pull_floats
    return pull


def pull_of_arrays(row: Elementwise) -> Pull:
    """The row's backward rule on arrays. With `safe`, a cotangent of zero sends zero, whatever it meets."""
    if row.pull_arrays is None:
        row.pull_arrays = _unrolled(row, _ARRAYS)
    pull: Pull = row.pull_arrays
    return pull


_FLOATS = """
    if type(o{i}) is not float and type(o{i}) is not int and o{i}.requires_grad and o{i}.index >= since:
        try:
            local = {local}
            message = g * local if g else 0.0
        except (ArithmeticError, TypeError):
            message = None
        if type(message) is not float or message != message:
            local, message = settled(row, {i}, g, value)
"""
_FLOATS_TIMES_NUMBER = """
    if type(o{i}) is not float and type(o{i}) is not int and o{i}.requires_grad and o{i}.index >= since:
        local = {local}
        message = {product}
"""
_ARRAYS = """
    if isinstance(o{i}, Value) and o{i}.requires_grad and o{i}.index >= since:
        local = {local}
        if safe or type(local) is not ndarray or local.dtype.kind != "f":
            message = product(row, g, local, safe)
        else:
            message = g * local
        data = o{i}.data
        if type(message) is not ndarray or message.shape != data.shape or message.dtype is not data.dtype:
            message = fit(row.name, {i}, message, o{i}, out.shape)
"""
_ARRAYS_TIMES_NUMBER = """
    if isinstance(o{i}, Value) and o{i}.requires_grad and o{i}.index >= since:
        local = {local}
        message = {product}
        data = o{i}.data
        if message.shape != data.shape or message.dtype is not data.dtype:
            message = fit(row.name, {i}, message, o{i}, out.shape)
"""
_SEND = """
        k = o{i}.index
        pending[k] = pending[k] + message if k in pending else message
        if sent is not None:
            sent.append((local, message))
    elif sent is not None:
        sent.append(None)
"""
_NOTHING = """
    if sent is not None:
        sent.append(None)
"""
_TIMES_NUMBER = {_FLOATS: _FLOATS_TIMES_NUMBER, _ARRAYS: _ARRAYS_TIMES_NUMBER}


def _unrolled(row: Elementwise, template: str) -> Pull:
    operands, saved = ("".join(f"{letter}{i}, " for i in range(len(row.partials))) for letter in "ox")
    source = f"""
def pull(value, g, pending, since, safe, sent):
    {operands} = value.operands
    {saved} = value.saved
    out = value.data
"""
    for i, partial in enumerate(row.partials):
        if partial is None:
            source += _NOTHING
        elif callable(partial):
            source += (template + _SEND).format(i=i, local=f"d{i}(out, {saved})")
        else:
            times = {1: "g", -1: "-g"}.get(partial, f"product(row, g, {partial!r}, True)")
            source += (_TIMES_NUMBER[template] + _SEND).format(i=i, local=repr(partial), product=times)
    scope: dict[str, Any] = {f"d{i}": partial for i, partial in enumerate(row.partials)}
    scope |= {"row": row, "settled": _settled, "product": product, "fit": fit, "Value": Value, "ndarray": np.ndarray}
    exec(source, scope)
    pull: Pull = scope["pull"]
    return pull


def _settled(row: Elementwise, position: int, g: float, value: Any) -> tuple[Any, float]:
    """Local derivative and message with IEEE results where Python raises (1/0), and the rule's contract checked."""
    local = row.local(position, value.data, value.saved)
    if type(local) is bool:  # a truth value selects
        return local, g if local else 0.0
    if row.selects and local == 0:
        return local, 0.0
    return local, g * as_float(row.name, f"the rule of operand {position}", local) if g else 0.0


def product(row: Elementwise, g: Any, local: Any, safe: bool) -> Any:
    """g × local derivative. With `safe`, a zero cotangent stays zero where the local derivative is not finite.

    What is not selected sends zero, where the cotangent is not finite either: False, or 0 in a row that selects.

    Raises RuleError if the local derivative is not made of numbers.
    """
    if type(local) is int or type(local) is float:
        if local or not row.selects:
            return g if local == 1 else -g if local == -1 else g * local
        local = False
    if local is False and type(g) is float:
        return 0.0
    values: Any = local.data if isinstance(local, Value) else local
    values = values if isinstance(values, Value) else np.asarray(values)  # a value in a map over examples holds values
    if values.dtype.kind == "b":
        return where(local, g, 0)
    if values.dtype.kind not in "fiu":
        raise RuleError(f"{row.name}: a local derivative must be made of numbers, got {local!r}")
    if row.selects:
        return shared(g, local)
    if safe and current_recorder() is None:  # a program looks at the end, see `replay`
        silent = ~np.isfinite(values) & ((g.data if isinstance(g, Value) else g) == 0)
        if somewhere(silent):
            local = where(silent, 0, local)
    return g * local


def fit(name: str, position: int, message: Any, operand: Value, shape: tuple[int, ...]) -> Any:
    """Undo what broadcasting and promotion did to an operand: sum the message to its shape, cast it to its dtype.

    Raises RuleError if the message has not the shape of the value, that is, if the local derivative is larger.
    """
    if np.shape(message) != shape:
        raise RuleError(
            f"{name}: the local derivative of operand {position} makes a message of shape {np.shape(message)}, "
            f"but the value has shape {shape}"
        )
    return conform(name, message if shape == operand.shape else sum_to(message, operand.shape), operand)


def check(name: str, position: int, message: Any, operand: Value) -> Any:
    """The contract of a vjp: one cotangent, in the operand's shape and dtype family."""
    if not isinstance(message, Value | np.ndarray | np.generic | float | int):
        raise RuleError(
            f"{name}: the rule of operand {position} must return a cotangent of shape {operand.shape}, "
            f"got {type(message).__name__}"
        )
    if np.shape(message) != operand.shape:
        raise RuleError(
            f"{name}: the rule of operand {position} must return a cotangent of shape {operand.shape}, "
            f"got shape {np.shape(message)}"
        )
    return conform(name, message, operand)


def conform(name: str, message: Any, operand: Value) -> Any:
    """The message as the operand's own kind of number: a float for a Scalar, an array of its dtype for a Tensor."""
    data = operand.data
    if isinstance(data, float):
        return message if isinstance(message, Value) else as_float(name, "a rule", message)
    if isinstance(data, Value) and data.stands_for_number:
        return operand.constant(message)
    if type(message) is not np.ndarray and not isinstance(message, Value):
        message = np.asarray(message)
    if message.dtype != data.dtype:
        if message.dtype.kind not in "fiub":
            raise RuleError(f"{name}: a rule returned dtype {message.dtype} for an operand of {data.dtype}")
        return astype(message, data.dtype)
    return message


def as_float(name: str, role: str, number: Any) -> float:
    """What a rule or forward function returned for a Scalar, as a float. Raises RuleError unless it is one number."""
    try:
        return float(number)
    except (TypeError, ValueError) as error:
        raise RuleError(f"{name}: {role} must return one number for a Scalar, got {number!r}") from error
