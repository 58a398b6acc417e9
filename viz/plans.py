"""Compiled functions and their plans among what can be drawn: they are told apart here, and viewed by `plan_view`."""

import sys
from typing import Any

FORMATS = ("svg", "png", "pdf", "dot", "mmd", "tex", "txt")  # that a plan is drawn in


def is_plan(subject: Any) -> bool:
    """Whether it is a plan, or a compiled function, which has one. It loads nothing: without compiling there is none.

    >>> is_plan("relu"), is_plan(__import__("autodiff").compile(lambda x: x))
    (False, True)
    """
    replay: Any = sys.modules.get("autodiff.replay")
    return replay is not None and isinstance(subject, replay.Plan | replay.Compiled)
