"""What one value sends to its operands: for each the message of the chain rule, with the rule's contract checked.

An elementwise value whose gradient is not itself recorded has a shorter way, `chain_rule`. `sent_again` takes whichever
way the walk takes, for one value alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .chain_rule import check, fit, product, pull_of_arrays, pull_of_floats
from .errors import GradientError
from .ops.plain_data import is_number, somewhere
from .ops.shape import astype, to_scalar, to_tensor
from .primitive import Elementwise
from .tape import Value, current_recorder

Sent = tuple[Any, Any]  # a message on its way: local derivative (None unless elementwise), message


def send(value: Value, g: Any, since: int, live: bool, safe: bool) -> list[Sent | None]:
    """The message to each operand of a value, None for an operand that takes none.

    Where nothing is recorded an elementwise value has a shorter way, see `chain_rule`.
    """
    primitive = value.primitive
    assert primitive is not None
    if live:
        check_unchanged(value)
        out, operands = value, value.operands
    else:
        out, operands = value.data, value.saved
    messages: list[Sent | None] = []
    for position, operand in enumerate(value.operands):
        if not isinstance(operand, Value) or not operand.requires_grad or operand.index < since:
            messages.append(None)
            continue
        if not primitive.has_rule(position):
            messages.append(None)
        elif isinstance(primitive, Elementwise):
            local = primitive.local(position, out, operands)
            message = product(primitive, g, local, True)
            messages.append((local, fit(primitive.name, position, message, operand, value.shape)))
        elif safe and not live and current_recorder() is None and not np.any(g):
            messages.append((None, _zeros(operand)))
        else:
            message = primitive.vjp(position, g, out, operands, value.params)
            message = check(primitive.name, position, message, operand)
            if live and current_recorder() is None and _is_nothing(g) and somewhere(~np.isfinite(_data(message))):
                message = as_cotangent(_zeros(operand), operand, live=True)
            messages.append((None, message))
    return messages


def sent_again(value: Value, g: Any) -> Sequence[Sent | None]:
    """What a value sent in a walk that looked at every local derivative, computed again from what it saved."""
    primitive = value.primitive
    if primitive is None:
        return ()
    if not isinstance(primitive, Elementwise):
        return send(value, g, since=0, live=False, safe=True)
    pull = pull_of_floats(primitive) if type(g) is float else pull_of_arrays(primitive)
    messages: list[Sent | None] = []
    pull(value, g, {}, 0, True, messages)
    return messages


def as_cotangent(direction: Any, value: Value, *, live: bool) -> Any:
    """A cotangent or tangent of a value as the walk takes it, in the value's dtype and in memory of its own.

    A float for a Scalar and an array for a Tensor; a Scalar or Tensor when `live`.
    """
    number = is_number(value.data)
    if isinstance(direction, Value):
        if live:
            if is_number(direction.data) != number:
                direction = to_scalar(direction) if number else to_tensor(direction)
            return direction if number else astype(direction, value.data.dtype)
        direction = direction.data
        if isinstance(direction, Value):  # plain data of a program that is being recorded
            return direction
    if value.takes_over:
        return value.constant(np.array(direction, dtype=value.data.dtype))
    data = float(direction) if number else np.array(direction, dtype=value.data.dtype)
    if not live:
        return data
    constant = Value.kinds["scalar" if number else "tensor"].leaf(data)
    constant.requires_grad = False
    return constant


def check_unchanged(value: Value) -> None:
    """Raises GradientError if an operand no longer is what the value was computed from.

    A first derivative is made of what was saved. A second one differentiates the operand itself, as it is now.
    """
    if value.takes_over:  # it holds values, which are checked in their turn
        return
    for position, (operand, saved) in enumerate(zip(value.operands, value.saved, strict=True)):
        now = _data(operand)
        if now is not saved and not np.array_equal(now, saved, equal_nan=True):
            assert value.primitive is not None
            raise GradientError(
                f"{value.primitive.name}: operand {position}, of shape {np.shape(saved)}, was changed in place after "
                "it was used; a derivative that is recorded needs it as it was: change a copy, or change it later"
            )


def _zeros(operand: Value) -> Any:
    return 0.0 if isinstance(operand.data, float) else np.zeros_like(operand.data)


def _is_nothing(g: Any) -> bool:
    return not somewhere(_data(g) != 0)


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Value) else value
