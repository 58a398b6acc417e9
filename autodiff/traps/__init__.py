"""The linter of gradient traps: what makes gradients infinite, zero, wrong or fragile, each with why and a remedy.

A trap is a row of `TRAPS`: a name, a severity, a remedy, and one function that looks at a `Case` and yields what it
finds. It states the numbers it saw. A healthy program gives nothing: where a trap cannot tell, it keeps silent.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backward_trace import BackwardTrace
from ..errors import OperandError
from ..graph import Graph
from ..origin import Source
from ..tape import Value, recording, topological
from ..tracing import backprop
from ..writing import label
from .case import Case, Trap, Wanted
from .flow import FLOW
from .ranges import RANGES
from .slopes import SLOPES

__all__ = ["TRAPS", "Finding", "lint"]

TRAPS: tuple[Trap, ...] = (*SLOPES, *FLOW, *RANGES)
SEVERITIES = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Finding:
    """A gradient trap that a computation is in.

    rule      the trap's name, such as "infinite-derivative"
    severity  "error" where the gradient is infinite, lost or wrong, "warning" where it is right but fragile
    node      the id of the node in the graph; None for a parameter that is not in it
    name      what the node, or the parameter, is called
    index     the element that the numbers are of; () where there is none
    scope, source   where the node was recorded
    why       what is the case, with the numbers
    remedy    what to do
    """

    rule: str
    severity: str
    node: int | None
    name: str
    index: tuple[int, ...]
    scope: str
    source: Source | None
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule}: {self.why}; {self.remedy}"


def lint(subject: Any, *arguments: Any, parameters: Any = None) -> list[Finding]:
    """The gradient traps in a computation: errors first, then in the order of the table and of recording.

    subject     a Scalar or Tensor, a Graph or BackwardTrace, or a function that returns a Scalar or Tensor. Of a value
                with several elements, and of a Graph, only what the forward pass tells is found
    arguments   of a function: numbers and arrays of floats are tracked, and named as its parameters are
    parameters  what should get a gradient: a Module, a dict of names and values, or values, or names of leaves. Of a
                function these are its tracked arguments, if nothing else is said

    A live value tells more than a graph: what was changed in place, and, if it was recorded with source lines, what
    detach() and the like cut off. A function is recorded with them.

    >>> import autodiff as ad
    >>> w = ad.Scalar(-1.0, name="w")
    >>> for finding in lint(ad.relu(w * 2.0)):
    ...     print(finding.rule, finding.name, finding.why, sep=": ")
    zero-gradient: w: w gets a gradient of exactly 0: relu is off in v₃: its input is −2.000

    Raises OperandError if the function returns anything else, or `parameters` are none of these.
    """
    if callable(subject) and not isinstance(subject, Value):
        subject, lifted = _recorded(subject, arguments)
        parameters = lifted if parameters is None else parameters
    elif arguments:
        raise OperandError("lint: arguments are those of a function; a value, graph or trace takes none")
    case = _case(subject, parameters)
    findings: list[Finding] = []
    for trap in TRAPS:
        for found in trap.find(case):
            node = None if found.node is None else case.nodes[found.node]
            findings.append(
                Finding(
                    rule=trap.rule,
                    severity=trap.severity,
                    node=found.node,
                    name=found.name or ("" if node is None else label(node)),
                    index=found.index,
                    scope="" if node is None else node.scope,
                    source=None if node is None else node.source,
                    why=found.why,
                    remedy=found.remedy or trap.remedy,
                )
            )
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _case(subject: Any, parameters: Any) -> Case:
    values: dict[int, Value] = {}
    ids: dict[int, int] = {}
    trace: BackwardTrace | None = None
    if isinstance(subject, BackwardTrace):
        graph, trace = subject.graph, subject
    elif isinstance(subject, Graph):
        graph = subject
    else:
        graph, ids = Graph.recorded(subject)
        if subject.requires_grad and np.size(subject.data) == 1:
            trace = backprop(subject)
            graph = trace.graph
        reached = topological([subject]) or [subject]
        for value in (*reached, *(o for v in reached for o in v.operands if isinstance(o, Value))):
            if value.index in ids:
                values[ids[value.index]] = value
    return Case(graph, trace, _wanted(graph, ids, parameters), values)


def _wanted(graph: Graph, ids: Mapping[int, int], parameters: Any) -> tuple[Wanted, ...] | None:
    if parameters is None:
        return None
    if hasattr(parameters, "named_parameters"):
        parameters = dict(parameters.named_parameters())
    if isinstance(parameters, Mapping):
        pairs = list(parameters.items())
    elif isinstance(parameters, Iterable) and not isinstance(parameters, str | Value):
        pairs = [(p, None) if isinstance(p, str) else (getattr(p, "name", None), p) for p in parameters]
    else:
        raise OperandError(f"lint: parameters are a Module, a dict, values or names, got {type(parameters).__name__}")
    wanted = []
    for i, (name, value) in enumerate(pairs):
        if isinstance(value, Value):
            node = ids.get(value.index) if ids else _like(graph, value)
            wanted.append(Wanted(name or f"parameter {i}", node, value))
        elif isinstance(name, str):
            wanted.append(Wanted(name, _by_name(graph, name), None))
        else:
            raise OperandError(f"lint: a parameter is a Scalar, a Tensor or a name, got {type(value).__name__}")
    return tuple(wanted)


def _like(graph: Graph, value: Value) -> int | None:
    """The leaf that has a live value's name and scope: a trace or a graph knows no live values."""
    found = [leaf.id for leaf in graph.inputs if leaf.name and (leaf.name, leaf.scope) == (value.name, value.scope)]
    return found[0] if len(found) == 1 else None


def _by_name(graph: Graph, name: str | None) -> int | None:
    return graph.names.get(name) if name else None


def _recorded(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, dict[str, Value]]:
    """The value of a function of tracked arguments, and these by name."""
    try:
        names = list(inspect.signature(function).parameters)
    except (ValueError, TypeError):  # a function that is not written in Python has no signature to read
        names = []
    lifted: dict[str, Value] = {}
    given = []
    for i, argument in enumerate(arguments):
        name = names[i] if i < len(names) else f"argument {i}"
        if isinstance(argument, float):
            argument = lifted[name] = Value.kinds["scalar"](argument, name)  # type: ignore[call-arg]
        elif isinstance(argument, np.ndarray) and argument.dtype.kind == "f":
            argument = lifted[name] = Value.kinds["tensor"](argument, name)  # type: ignore[call-arg]
        elif isinstance(argument, Value) and argument.requires_grad:
            lifted[name] = argument
        given.append(argument)
    with recording(source=True), np.errstate(all="ignore"):
        out = function(*given)
    if not isinstance(out, Value):
        raise OperandError(f"lint: the function must return a Scalar or Tensor, got {type(out).__name__}")
    return out, lifted
