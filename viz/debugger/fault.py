"""Where NaN or infinity began in the computation that is debugged."""

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace, Cause
from autodiff.errors import SettingError

from ..content import Line
from ..text import Text
from .state import State

NOTICE = "something is NaN or infinite: cause shows where it began, continue stops there"


def cause_of(trace: BackwardTrace) -> Cause | None:
    """The first cause, if the result or a gradient is not finite. A sound trace costs a look at these alone."""
    graph = trace.graph
    seen = [node.value for node in graph.outputs]
    seen += [trace.cotangents[node.id] for node in graph.inputs if node.id in trace.cotangents]
    return None if all(np.all(np.isfinite(value)) for value in seen) else ad.first_cause(trace)


def stops_at(cause: Cause | None, state: State) -> bool:
    """Whether the step is that of the cause's node: where the bad number is computed, or where it is sent on."""
    return cause is not None and state.node.id == cause.node


def report_lines(cause: Cause | None) -> list[Text]:
    """The cause's report. Raises SettingError if there is nothing to report."""
    if cause is None:
        raise SettingError("cause: the result and all gradients are finite")
    first, *rest = cause.report()
    return [[Line(f" {first}", "alarm")], *([Line(f"   {line}", "text")] for line in rest)]
