"""Stop at the first number that becomes NaN or infinite, while it is computed: values, messages and tangents."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .blame import bad
from .cause import Cause
from .causes import cause_of_value, cotangent_cause, message_cause, tangent_cause
from .errors import AnomalyError
from .graph import Graph, Node, freeze
from .origin import Source, caller
from .primitive import Elementwise
from .tape import Value, watched


@contextmanager
def anomaly() -> Iterator[None]:
    """Context manager (and decorator): the first number inside that becomes NaN or infinite raises AnomalyError.

    Watched are the values that are recorded, the messages of every backward pass, and the tangents of forward mode,
    each as it is computed; source lines are remembered meanwhile. The error has a `cause`, of `Cause`, whose `report()`
    tells the whole story, and the `graph` it is about. NumPy's own warnings are silent inside, for they say less.

    Stricter than `first_cause`, which knows how it ends: a NaN that a `where` would have left out stops the program
    too. An infinite constant is taken as meant, and so is what is made of it without overflowing or giving NaN. What
    is not recorded, such as plain arrays and what is computed under `no_grad`, is not watched. Each thread watches for
    itself.

    >>> import autodiff as ad
    >>> w = ad.Scalar(0.0, name="w")
    >>> with ad.anomaly():
    ...     loss = ad.sqrt(w) * 2
    ...     loss.backward()
    Traceback (most recent call last):
    autodiff.errors.AnomalyError: backward pass: ∂sqrt/∂w = inf at w = 0.000 in v₁ (node #1, ...

    Raises AnomalyError, which is an ArithmeticError too.
    """
    with watched(_Anomaly()), np.errstate(all="ignore"):
        yield


class _Anomaly:
    """The watch of `anomaly`."""

    def value(self, value: Value) -> None:
        """Object to a value that is not finite, unless its infinity came from operands that were let pass."""
        if value.primitive is None:
            return
        wrong = bad(_data(value))
        if not np.any(wrong):
            return
        if not np.any(np.isnan(_data(value))) and any(_was_let_pass(operand) for operand in value.operands):
            return
        graph = Graph.of(value) if not value.takes_over else _alone(value)
        cause = cause_of_value(graph)
        if cause is not None:
            raise _error(cause, graph)

    def messages(self, output: Value, value: Value, g: Any, messages: Sequence[Any]) -> None:
        """Object to a cotangent or a message that is not finite."""
        if np.any(bad(_data(g))):
            graph, node = _placed(output, value)
            raise _error(cotangent_cause(graph, node, _data(g)), graph)
        for position, sent in enumerate(messages):
            if sent is not None and np.any(bad(_data(sent[1]))):
                graph, node = _placed(output, value)
                local = None if sent[0] is None else _data(sent[0])
                raise _error(message_cause(graph, node, position, _data(g), local, _data(sent[1])), graph)

    def tangent(self, value: Value, arrived: Sequence[Any], tangent: Any) -> None:
        """Object to a tangent that is not finite."""
        if np.any(bad(_data(tangent))):
            graph, node = _placed(value, value)
            raise _error(tangent_cause(graph, node, [_data(t) for t in arrived], _data(tangent)), graph)


def _was_let_pass(operand: Any) -> bool:
    """Whether an operand is infinite and no tracked leaf: a constant, or a value that this watch has seen."""
    is_leaf = isinstance(operand, Value) and operand.requires_grad and operand.primitive is None
    return not is_leaf and bool(np.any(bad(_data(operand))))


def _error(cause: Cause, graph: Graph) -> AnomalyError:
    return AnomalyError(str(cause), cause, graph)


def _placed(output: Value, value: Value) -> tuple[Graph, Node]:
    """The graph of a value and its node in it."""
    if output.takes_over or value.takes_over:
        graph = _alone(value)
        return graph, graph.outputs[0]
    nodes, output_ids, ids = freeze([output])
    return Graph(nodes, output_ids), nodes[ids[value.index]]


def _alone(value: Value) -> Graph:
    """The graph of one operation of a map over examples, the numbers of all examples together."""
    source: Source | None = caller()
    out = np.asarray(_data(value))
    given = [_beside(operand, out.ndim) for operand in value.operands]
    nodes = [
        Node(i, "constant" if np.any(bad(x)) else "input", (), x, x.shape, str(x.dtype), getattr(operand, "name", None))
        for i, (x, operand) in enumerate(zip(given, value.operands, strict=True))
    ]
    op = value.primitive.name if value.primitive is not None else "input"
    if not isinstance(value.primitive, Elementwise):
        op = f"mapped {op}"  # its parameters are those of one example
    operands = tuple(range(len(nodes)))
    nodes.append(Node(len(nodes), op, operands, out, out.shape, str(out.dtype), value.name, value.scope, source=source))
    return Graph(tuple(nodes), (len(nodes) - 1,))


def _beside(operand: Any, ndim: int) -> np.ndarray:
    """The numbers of all examples of an operand, with as many axes as those of the value, so that they broadcast."""
    x = np.asarray(_data(operand))
    if isinstance(operand, Value) and operand.takes_over and x.ndim > len(operand.shape):
        x = x.reshape(x.shape[0], *(1,) * (ndim - x.ndim), *x.shape[1:])
    return x


def _data(x: Any) -> Any:
    """The plain numbers of a value, those of all examples in a map."""
    if isinstance(x, Value):
        return x.whole if x.takes_over else x.data
    return x
