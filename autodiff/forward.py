"""Forward mode: tangents pushed along the graph, from the inputs to the outputs, in one pass.

    tangent of a value = Σ over its operands of  ∂value/∂operand × tangent of the operand

The mirror image of `reverse`: the same local derivatives, multiplied into tangents instead of cotangents. Zero tangents
stay zero where a local derivative is infinite or NaN, and booleans select, by the same rules.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .chain_rule import as_float, conform, product
from .errors import GradientError, RuleError, ShapeError
from .messages import check_unchanged
from .ops.shape import broadcast_to
from .primitive import Elementwise, Primitive
from .tape import Value, current_recorder, current_watch, differentiating, topological


def push(
    outputs: Sequence[Value], tangents: dict[int, Any], *, since: int = 0, frontier: int = 0, live: bool = False
) -> list[Any]:
    """The tangents of the outputs, None where no tangent arrives.

    tangents  by recording index, those of the inputs
    since     values recorded before it have none
    frontier  values recorded before it have none but those given
    live      compute with Scalars and Tensors, recorded in their turn, instead of floats and arrays
    """
    tangents = dict(tangents)
    watch = current_watch()
    with np.errstate(all="ignore"), differentiating(live):
        for value in topological(outputs, since, frontier):
            if value.index not in tangents and value.primitive is not None and value.index >= frontier:
                arrived = [tangents.get(o.index) if isinstance(o, Value) else None for o in value.operands]
                if any(tangent is not None for tangent in arrived):
                    tangents[value.index] = _tangent(value.primitive, value, arrived, live)
                    if watch is not None:
                        watch.tangent(value, arrived, tangents[value.index])
    found = [tangents.get(output.index) for output in outputs]
    recorder = current_recorder()
    if recorder is not None:
        recorder.check_finite([tangent for tangent in found if tangent is not None])
    return found


def _tangent(primitive: Primitive, value: Value, arrived: list[Any], live: bool) -> Any:
    if live:
        check_unchanged(value)
    out, operands = (value, value.operands) if live else (value.data, value.saved)
    if isinstance(primitive, Elementwise):
        tangent = _elementwise(primitive, value, arrived, out, operands)
    elif primitive.jvp is not None:
        tangent = primitive.jvp(arrived, out, *operands, **value.params)
    elif primitive.linear:
        filled = [np.zeros(np.shape(x)) if t is None else t for t, x in zip(arrived, operands, strict=True)]
        if value.takes_over:  # its parameters, such as an index, may differ from example to example
            filled = [value.beside(x) for x in filled]
        tangent = primitive(*filled, **value.params)
    else:
        raise GradientError(
            f"{primitive.name}: has no rule for forward mode; give Primitive(..., jvp=...), or linear=True if it is"
        )
    if np.shape(tangent) != value.shape:
        raise RuleError(
            f"{primitive.name}: the jvp must return a tangent of shape {value.shape}, got {np.shape(tangent)}"
        )
    return conform(primitive.name, tangent, value)


def _elementwise(primitive: Elementwise, value: Value, arrived: list[Any], out: Any, operands: Sequence[Any]) -> Any:
    total: Any = None
    for position, tangent in enumerate(arrived):
        if tangent is None or not primitive.has_rule(position):
            continue
        local = primitive.local(position, out, operands)
        part = _scaled(primitive, tangent, local)
        if np.shape(part) != value.shape:
            try:
                part = broadcast_to(part, value.shape)
            except ShapeError as error:
                raise RuleError(
                    f"{primitive.name}: the local derivative of operand {position} makes a tangent of shape "
                    f"{np.shape(part)}, but the value has shape {value.shape}"
                ) from error
        total = part if total is None else total + part
    return total if total is not None else np.zeros(value.shape)


def _scaled(primitive: Elementwise, tangent: Any, local: Any) -> Any:
    if type(tangent) is float and not isinstance(local, Value | np.ndarray):
        nothing = not tangent or local is False or (primitive.selects and local == 0)
        return 0.0 if nothing else tangent * as_float(primitive.name, "a rule", local)
    return product(primitive, tangent, local, safe=True)
