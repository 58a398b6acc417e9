"""A diagnosis, the first cause and the traps, as lines for a terminal or a pipe, and as JSON data."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

import autodiff as ad
from autodiff import Cause, Finding, Source
from autodiff.origin import EXPRESSION

from .content import Line
from .notation import shorten
from .terminal import STYLES, console

ROLES = {"error": "alarm", "warning": "backward"}  # of a severity
TEXT_LENGTH = 200  # of a source line
HEALTHY = "healthy: nothing is NaN or infinite, and no gradient trap was found"


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a computation.

    cause     the first cause of NaN or infinity
    backward  the first of the backward pass, where the first of all is of the forward pass
    findings  the gradient traps
    note      what was not looked at; "" if everything was
    """

    cause: Cause | None
    backward: Cause | None
    findings: tuple[Finding, ...]
    note: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found."""
        return self.cause is None and self.backward is None and not self.findings

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes to mark on a drawing where there is no cause: those of the findings."""
        return tuple(dict.fromkeys(finding.node for finding in self.findings if finding.node is not None))


def diagnose(value: Any, given: Mapping[str, Any]) -> Diagnosis:
    """What is wrong with a recorded value.

    given  the numbers and arrays that it was computed from, by name: they should get a gradient. An array of whole
           numbers that is not in the graph is taken for labels or indices, which have none.
    """
    names = ad.Graph.of(value).names
    wanted = [name for name, x in given.items() if name in names or not _are_labels(x)]
    cause = ad.first_cause(value)
    is_number = np.size(value.data) == 1
    backward = ad.first_cause(value, "backward") if cause is not None and cause.phase == "forward" else None
    if backward is not None and cause is not None and (backward.node == cause.node or backward.node in cause.nodes):
        backward = None  # what the bad value leads to
    note = "" if is_number else f"the result has shape {value.shape}: only the forward pass was looked at; sum() it"
    note = note if value.requires_grad else "the result depends on no input, so there is no gradient"
    return Diagnosis(cause, backward, tuple(ad.lint(value, parameters=wanted)), note)


def _are_labels(x: Any) -> bool:
    return bool(np.ndim(x) > 0 and np.all(np.equal(np.mod(x, 1), 0)))


def diagnosis_lines(diagnosis: Diagnosis) -> list[tuple[int, list[Line]]]:
    """The diagnosis as lines of parts with a role, each with how far it is indented.

    >>> import autodiff as ad
    >>> x = ad.Scalar(0.0, name="x")
    >>> found = Diagnosis(ad.first_cause(ad.log(x)), None, tuple(ad.lint(ad.log(x))))
    >>> for indent, line in diagnosis_lines(found):
    ...     print(" " * indent + "".join(part.text for part in line))
    first cause, forward pass: log(0.000) = −inf
      in v₁ (node #1)
      why: its limit there is −∞
      operand x = 0.000
      inputs on the way: x
    error 1: infinite-derivative  in v₁ (node #1)
      why: the derivative of log(x) by x is inf where x = 0.000
      do: add a small number, log(x + 1e-12), or clip x; for probabilities use log_softmax or log_sigmoid
    1 cause, 1 error, 0 warnings
    """
    return list(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[tuple[int, list[Line]]]:
    for cause, title in ((diagnosis.cause, "first cause"), (diagnosis.backward, "and first of the gradients")):
        if cause is not None:
            yield from _cause_lines(cause, title)
    for i, finding in enumerate(diagnosis.findings, 1):
        yield from _finding_lines(finding, i)
    if diagnosis.note:
        yield 0, [Line(f"note: {diagnosis.note}", "quiet")]
    yield 0, [Line(_summary(diagnosis), "text" if diagnosis.is_healthy else "quiet")]


def _cause_lines(cause: Cause, title: str) -> Iterator[tuple[int, list[Line]]]:
    yield 0, [Line(f"{title}, {cause.phase} pass: ", "text"), Line(cause.equation, "alarm")]
    at = f"element [{', '.join(map(str, cause.index))}] of" if cause.index else "in"
    scope = f", scope {shorten(cause.scope, TEXT_LENGTH)}" if cause.scope else ""
    yield 2, [Line(f"{at} {cause.name} (node #{cause.node}{scope})", "plain")]
    if cause.source is not None:
        yield 2, [Line(_source(cause.source), "forward")]
    yield 2, [Line("why: ", "quiet"), Line(cause.reason, "plain")]
    for line in cause.report()[1:]:
        yield 2, [Line(line, "plain")]


def _finding_lines(finding: Finding, number: int) -> Iterator[tuple[int, list[Line]]]:
    node = "not in the graph" if finding.node is None else f"in {finding.name} (node #{finding.node})"
    head = f"{finding.severity} {number}: {finding.rule}"
    yield 0, [Line(head, ROLES[finding.severity]), Line(f"  {node}", "quiet")]
    if finding.source is not None:
        yield 2, [Line(_source(finding.source), "forward")]
    yield 2, [Line("why: ", "quiet"), Line(finding.why, "plain")]
    yield 2, [Line("do: ", "quiet"), Line(finding.remedy, "plain")]


def _source(source: Source) -> str:
    text = shorten(source.text, TEXT_LENGTH)
    if source.file == EXPRESSION:
        return text
    name = source.file.replace("\\", "/").rpartition("/")[2]
    return f"{shorten(name, TEXT_LENGTH)}:{source.line}   {text}"


def _summary(diagnosis: Diagnosis) -> str:
    if diagnosis.is_healthy:
        return HEALTHY
    causes = sum(cause is not None for cause in (diagnosis.cause, diagnosis.backward))
    errors = sum(finding.severity == "error" for finding in diagnosis.findings)
    counts = ((causes, "cause"), (errors, "error"), (len(diagnosis.findings) - errors, "warning"))
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Print a diagnosis: wrapped and coloured on a terminal, a line per fact in a pipe."""
    out = console()
    for indent, line in diagnosis_lines(diagnosis):
        if indent == 0 and out.is_terminal:
            out.print()
        for part in _wrapped(line, indent, out):
            out.print(part, soft_wrap=True)


def _wrapped(line: Sequence[Line], indent: int, out: Console) -> Iterator[Text]:
    """A line with its indentation, broken at the terminal's width with what follows further in."""
    styles = {**STYLES, "plain": ""}
    text = Text.assemble(*((part.text, styles[part.role]) for part in line))
    if not out.is_terminal or indent + len(text) <= out.width:
        yield Text(" " * indent) + text
        return
    start = 0
    pieces = textwrap.wrap(text.plain, max(20, out.width - indent - 4), break_long_words=True, replace_whitespace=False)
    for i, piece in enumerate(pieces):
        begin = text.plain.index(piece, start)
        start = begin + len(piece)
        yield Text(" " * (indent + 4 * (i > 0))) + text[begin:start]


def diagnosis_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as plain data: `{"ok": bool, "cause": {...} or null, "backward": ..., "findings": [...]}`."""
    return {
        "ok": diagnosis.is_healthy,
        "cause": _cause_data(diagnosis.cause),
        "backward": _cause_data(diagnosis.backward),
        "findings": [_with_source(asdict(finding), finding.source) for finding in diagnosis.findings],
    }


def _cause_data(cause: Cause | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    data = _with_source(asdict(cause), cause.source)
    return {**data, "equation": cause.equation, "report": cause.report()}


def _with_source(data: dict[str, Any], source: Source | None) -> dict[str, Any]:
    return {**data, "source": source and {"file": source.file, "line": source.line, "text": source.text}}
