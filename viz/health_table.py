"""A network's health as tables and lines: layers, parameters, then the verdicts with threshold, source and remedy."""

import textwrap
from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from autodiff.health import BINS_PER_DECADE, Health, LayerHealth, Magnitudes, ParameterHealth, Verdict

from .heat import power
from .notation import shorten
from .numbers import BARS, minus, number
from .terminal import console, show_table

STYLES = {"ok": "green", "warning": "bold yellow", "error": "bold white on red"}
BAR_COUNT = 20
MOST = 5  # lines of one check; the rest is in the JSON
INDENT = 9  # after the severity
Result = TypeVar("Result")


def show_health(health: Health) -> None:
    """Print the figures and the verdicts: in colour on a terminal, as plain aligned lines in a pipe."""
    out = console()
    _print(out, headline(health), "")
    out.print()
    show_table(*_without_empty(LAYER_HEAD, [layer_row(layer) for layer in health.layers]))
    out.print()
    show_table(*gradient_table(health.layers))
    out.print()
    show_table(PARAMETER_HEAD, [parameter_row(parameter) for parameter in health.parameters])
    out.print()
    for lines in verdict_lines(health):
        for line, style in lines:
            _print(out, line, style)
    out.print()
    out.print(Text(summary_line(health), style=STYLES[health.severity]), soft_wrap=True)


def verdict_lines(health: Health) -> list[list[tuple[str, str]]]:
    """For each check, errors first: what it found, what to try if it is ill, and its thresholds. Lines with styles."""
    checks: dict[str, list[Verdict]] = {}
    for verdict in health.verdicts:
        checks.setdefault(verdict.check, []).append(verdict)
    ranks = {"error": 0, "warning": 1, "ok": 2}
    found = [sorted(verdicts, key=lambda v: ranks[v.severity]) for verdicts in checks.values()]
    blocks = []
    for verdicts in sorted(found, key=lambda verdicts: ranks[verdicts[0].severity]):
        first = verdicts[0]
        lines = [(f"{v.severity:<{INDENT}}{says(v)}", STYLES[v.severity]) for v in verdicts[:MOST]]
        if len(verdicts) > MOST:
            lines.append((f"{'':<{INDENT}}and {len(verdicts) - MOST} more, see --json", "dim"))
        if first.severity != "ok":
            lines.append((f"{'':<{INDENT}}try: {first.remedy}", ""))
        blocks.append([*lines, (f"{'':<{INDENT}}{first.condition} [{first.source}]", "dim")])
    return blocks


def _print(out: Console, line: str, style: str) -> None:
    """A line of a verdict: as it is in a pipe, with a hanging indent on a terminal, its first word in the style."""
    if not out.is_terminal:
        out.print(Text(line), soft_wrap=True)
        return
    for i, part in enumerate(textwrap.wrap(line, max(out.width, 40), subsequent_indent=" " * INDENT)):
        text = Text(part, style="dim" if style == "dim" else "")
        if style != "dim" and i == 0:
            text.stylize(style, 0, len(part.split(" ", 1)[0]))
        out.print(text, soft_wrap=True)


def watched(work: Callable[[Callable[[int, int], None] | None], Result]) -> Result:
    """What `work(progress)` returns, with a bar on a terminal while it works and nothing in a pipe."""
    out = console(stderr=True)
    if not out.is_terminal:
        return work(None)
    columns = TextColumn("examining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def headline(health: Health) -> str:
    """What was measured, over what."""
    if health.optimizer is None or health.lr is None:
        step = "no steps measured: there is no optimiser and no learning rate"
    else:
        step = f"steps of {health.optimizer} at lr {minus(f'{health.lr:g}')}"
    return f"{health.examples:,} examples in batches of {health.batch_size:,}; loss {number(health.loss)}; {step}"


def summary_line(health: Health) -> str:
    """The count of errors and warnings."""
    count = {s: sum(verdict.severity == s for verdict in health.verdicts) for s in ("error", "warning")}
    if health.severity == "ok":
        return "healthy: no errors, no warnings"
    return ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for s, n in count.items() if n)


def says(verdict: Verdict) -> str:
    """A verdict in a line.

    >>> says(Verdict("dead units", "error", "mlp/relu1", 1.0, "share", "of its 64 units", "", "", ""))
    'dead units: mlp/relu1: 100.0 % of its 64 units'
    """
    if verdict.figure is None:
        return f"{verdict.check}: {verdict.message}"
    figure = {"share": percent, "count": lambda n: f"{int(n):,}", "ratio": number}[verdict.unit](verdict.figure)
    message = "".join(c if c.isprintable() else "�" for c in verdict.message)  # it may name another layer
    where = f"{shorten(verdict.where)}: " if verdict.where else ""
    return f"{verdict.check}: {where}{figure} {message}"


def percent(share: float | None) -> str:
    """A share in 0..1; a dash for none, and never 0 or 100 for what only comes near.

    >>> percent(0.5), percent(1.0), percent(0.9999), percent(1e-5), percent(None)
    ('50.0 %', '100.0 %', '> 99.9 %', '< 0.1 %', '—')
    """
    if share is None:
        return "—"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"


# The gradient g is shown by the 5, 50 and 95 % quantiles of log₁₀|g|, and by its share of exact zeros.
LAYER_HEAD = ("layer", "units", "mean ± std", "dead", "always on", "saturated")
PARAMETER_HEAD = ("parameter", "shape", "‖w‖", "‖Δw‖/‖w‖", "log₁₀|g| 5 50 95 %", "g = 0")


def _without_empty(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The table without columns that hold nothing but dashes: a terminal is narrow."""
    kept = [i for i in range(len(head)) if any(row[i] != "—" for row in rows) or i == 0]
    return [head[i] for i in kept], [[row[i] for i in kept] for row in rows]


def layer_row(layer: LayerHealth) -> tuple[str, ...]:
    """The figures of a layer, as text in the columns of `LAYER_HEAD`."""
    units = f"{layer.units:,}" if layer.calls == 1 else f"{layer.calls:,} × {layer.units:,}"
    spread = f"{number(layer.activations.mean)} ± {number(layer.activations.std)}"
    shares = (percent(layer.dead), percent(layer.always_on), percent(layer.saturated))
    return shorten(layer.name), units, spread, *shares


def gradient_table(layers: Sequence[LayerHealth]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Head and rows: the gradient at the output of each layer, with histograms of log₁₀|g| on one scale."""
    filled = [layer.gradients for layer in layers if layer.gradients.counts]
    low = min((g.start for g in filled), default=0.0)
    high = max((g.start + len(g.counts) / BINS_PER_DECADE for g in filled), default=low + 1)
    rows = []
    for layer in layers:
        quantiles, zeros = _gradient_cells(layer.gradients)
        bars = _bars(layer.gradients, low, high)
        rows.append((shorten(layer.name), number(layer.gradients.rms), quantiles, bars, zeros))
    scale = f"{power(low)} to {power(high)}" if filled else "histogram"
    return ("gradient at", "rms", "log₁₀|g| 5 50 95 %", scale, "g = 0"), rows


def parameter_row(parameter: ParameterHealth) -> tuple[str, ...]:
    """The figures of a parameter, as text in the columns of `PARAMETER_HEAD`."""
    shape = " × ".join(map(str, parameter.shape)) or "one number"
    if parameter.frozen:
        step = "frozen"
    elif parameter.norm == 0:
        step = "w is 0"
    else:
        step = "—" if parameter.update is None else number(parameter.update)
    return shorten(parameter.path), shape, number(parameter.norm), step, *_gradient_cells(parameter.gradients)


def _bars(g: Magnitudes, low: float, high: float) -> str:
    """The histogram as a line of bars from 10^low to 10^high, the highest full; nothing where there is nothing."""
    sums = [0] * BAR_COUNT
    for i, n in enumerate(g.counts):
        middle = g.start + (i + 0.5) / BINS_PER_DECADE
        sums[min(BAR_COUNT - 1, int((middle - low) / (high - low) * BAR_COUNT))] += n
    return "".join(BARS[-(-7 * n // max(sums))] if n else " " for n in sums)


def _gradient_cells(g: Magnitudes | None) -> tuple[str, str]:
    if g is None:
        return "—", "—"
    if g.non_finite:
        return f"{percent(g.non_finite / g.count)} NaN/inf", percent(g.zero_share)
    if not g.quantiles:
        return "—", percent(g.zero_share)
    low, _, median, _, high = g.quantiles
    return " ".join(minus(f"{x:.1f}") for x in (low, median, high)), percent(g.zero_share)
