"""Pictures of a network's health: how large gradients are per layer, which units are dead, how long steps are."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from autodiff.errors import SettingError
from autodiff.health import BINS_PER_DECADE, CHECKS, Health, LayerHealth, Magnitudes, ParameterHealth

from .figure import dress, write_figure
from .health_table import percent, says
from .heat import power
from .notation import shorten
from .numbers import minus
from .theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 60  # rows in a picture
ROW, REST = 0.32, 1.5  # inches: the height of a row, and of title, axis and legend
NAME_LENGTH = 28
Row = TypeVar("Row")


def health_pictures(health: Health, folder: str | os.PathLike[str], *, theme: Theme = LIGHT) -> list[Path]:
    """Draw gradients, units and updates, each as SVG and PNG, into a folder, which is made if need be.

    Layers and parameters stand from the first at the top to the last. Of more than 60, those in the middle are left
    out, and the picture says so. What was not measured has no picture: updates need an optimiser or a learning rate.

    Raises SettingError if the folder cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"{target}: is no folder that can be written ({error.strerror or error})") from error
    files = _gradients(health, target / "gradients", theme)
    files += _units(health, target / "units", theme)
    if health.optimizer is not None:
        files += _updates(health, target / "updates", theme)
    return files


def _write(
    path: Path,
    paint: Callable[["Figure"], None],
    rows: int,
    title: str,
    checks: Sequence[str],
    health: Health,
    t: Theme,
) -> list[Path]:
    return write_figure(
        [path.with_suffix(".svg"), path.with_suffix(".png")],
        paint,
        size=(9, REST + ROW * max(3, rows)),
        title=title,
        description=" ".join(says(verdict) for verdict in health.verdicts if verdict.check in checks),
        theme=t,
    )


def _gradients(health: Health, path: Path, theme: Theme) -> list[Path]:
    layers, layers_note = _shown(health.layers)
    parameters, parameters_note = _shown(health.parameters)

    def paint(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2, sharex=True, gridspec_kw={"wspace": 0.06})
        _ridges(left, [(layer.name, layer.gradients) for layer in layers], theme, f"layers{layers_note}")
        rows = [(p.path if not p.frozen else f"{p.path} (frozen)", p.gradients) for p in parameters]
        _ridges(right, rows, theme, f"parameters{parameters_note}")

    rows = max(len(layers), len(parameters))
    checks = ("vanishing gradient", "exploding gradient", "no gradient")
    return _write(path, paint, rows, "How large gradients are", checks, health, theme)


def _ridges(axes: "Axes", rows: Sequence[tuple[str, Magnitudes | None]], theme: Theme, title: str) -> None:
    """A histogram per row, standing on the row's line; a mark at the median, and the share of exact zeros."""
    _rows(axes, [name for name, _ in rows], theme, above=0.9)
    axes.set_title(title, color=theme.text, fontsize=10)
    axes.set_xlabel("log₁₀ |gradient|", color=theme.text)
    for y, (_, g) in enumerate(rows):
        note = "no gradient" if g is None else ""
        if g is not None and g.counts:
            edges = [g.start + i / BINS_PER_DECADE for i in range(len(g.counts) + 1)]
            heights = [y - 0.82 * count / max(g.counts) for count in g.counts]
            axes.stairs(heights, edges, baseline=y, fill=True, color=theme.backward, alpha=0.35, zorder=2)
            axes.stairs(heights, edges, baseline=y, color=theme.backward, linewidth=1, zorder=3)
            axes.vlines(g.median or 0.0, y - 0.82, y, color=theme.text, linewidth=1.4, zorder=4)
        if g is not None and g.zeros:
            note = f"{percent(g.zero_share)} zero"
        if g is not None and g.non_finite:
            note = f"{percent(g.non_finite / g.count)} NaN or inf"
        alarm = g is None or g.non_finite > 0 or g.zero_share == 1
        colour = theme.alarm if alarm else theme.quiet
        axes.annotate(
            note, (1, y), (4, 3), ("axes fraction", "data"), "offset points", color=colour, fontsize=7.5, va="bottom"
        )


def _units(health: Health, path: Path, theme: Theme) -> list[Path]:
    found, note = _shown([x for x in health.layers if x.dead is not None or x.saturated is not None])
    # A hatch tells the three apart without colour.
    kinds: list[tuple[str, str, str, Callable[[LayerHealth], float | None]]] = [
        ("never on: dead", theme.alarm, "", lambda layer: layer.dead),
        ("always on", theme.forward, "////", lambda layer: layer.always_on),
        ("saturated outputs", theme.backward, "....", lambda layer: layer.saturated),
    ]

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        _rows(axes, [f"{layer.name} ({layer.units:,})" for layer in found], theme, above=0.6)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.set_xlabel(f"share of the layer's units{note}", color=theme.text)
        for label, colour, hatch, share in kinds:
            rows = [(y, value) for y, layer in enumerate(found) if (value := share(layer))]
            if not rows:
                continue
            # Dead units are counted from the left, those that are always on from the right.
            starts = [1 - value if label == "always on" else 0.0 for _, value in rows]
            axes.barh(
                [y for y, _ in rows],
                [value for _, value in rows],
                0.56,
                starts,
                label=label,
                facecolor=colour if not hatch else theme.background,
                edgecolor=colour,
                hatch=hatch,
                zorder=2,
            )
        for y, layer in enumerate(found):
            if not any(share(layer) for *_, share in kinds):
                _write_in(axes, "no unit is dead, always on or saturated", y, theme)
        if axes.patches:
            axes.legend(frameon=False, labelcolor=theme.text, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
        if not found:
            axes.text(0.5, 0.5, "no layer rectifies or saturates", color=theme.quiet, ha="center", va="center")

    title = f"Units over {health.examples:,} examples"
    return _write(path, paint, len(found), title, ("dead units", "saturated units"), health, theme)


def _updates(health: Health, path: Path, theme: Theme) -> list[Path]:
    parameters, note = _shown(health.parameters)
    low, high = _threshold("small updates"), _threshold("large updates")

    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        _rows(axes, [shorten(p.path, NAME_LENGTH) for p in parameters], theme, above=0.6)
        axes.set_xscale("log")
        legend = "coloured: no warning; dashed: 0.001, the rule of thumb of Stanford CS231n; grey: not judged"
        axes.set_xlabel(f"‖Δw‖ / ‖w‖ of one step of {health.optimizer}{note}\n{legend}", color=theme.text)
        axes.axvspan(low, high, color=theme.heat[0], zorder=0)
        axes.axvline(1e-3, color=theme.line, linestyle="--", linewidth=1, zorder=1)
        drawn = [low, high]
        for y, p in enumerate(parameters):
            if p.update is None or p.update_range is None or not 0 < p.update < math.inf:
                _write_in(axes, _why_not(p), y, theme)
                continue
            least, greatest = (max(x, 1e-30) for x in p.update_range)
            judged = len(p.shape) > 1
            bad = judged and not low < p.update < high
            colour = theme.alarm if bad else theme.forward if judged else theme.quiet
            axes.plot([least, greatest], [y, y], color=colour, linewidth=2, zorder=2)
            axes.plot([p.update], [y], "D" if bad else "o", color=colour, markersize=6, zorder=3)
            drawn += [least, greatest]
        axes.set_xlim(min(drawn) / 3, max(drawn) * 3)
        ticks = [e for e in range(-30, 31) if min(drawn) / 3 <= 10.0**e <= max(drawn) * 3]
        step = -(-len(ticks) // 10)
        axes.set_xticks([10.0**e for e in ticks[::step]], [power(e) for e in ticks[::step]])
        axes.minorticks_off()

    title = f"How far a step of {health.optimizer} at lr {minus(f'{health.lr:g}')} moves the parameters"
    return _write(path, paint, len(parameters), title, ("small updates", "large updates"), health, theme)


def _threshold(name: str) -> float:
    """From where on the check of that name warns."""
    return next(check.warning for check in CHECKS if check.name == name and check.warning is not None)


def _why_not(p: ParameterHealth) -> str:
    """Why a parameter has no place on the axis."""
    if p.frozen or p.update is None:
        return "frozen" if p.frozen else "no gradient"
    if p.update == 0:
        return "does not move"
    return "is zero, which has no ratio" if p.norm == 0 else "NaN or inf"


def _write_in(axes: "Axes", text: str, y: int, theme: Theme) -> None:
    """Words at the start of a row, which its line does not cross."""
    axes.annotate(
        text,
        (0, y),
        (6, 0),
        ("axes fraction", "data"),
        "offset points",
        color=theme.quiet,
        fontsize=8.5,
        va="center",
        bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 1.5},
    )


def _rows(axes: "Axes", names: Sequence[str], theme: Theme, above: float) -> None:
    """One line per name, the first at the top."""
    dress(axes, theme)
    axes.set_ylim(max(len(names), 1) - 0.4, -above)
    axes.set_yticks(range(len(names)), [shorten(name, NAME_LENGTH) for name in names])


def _shown(rows: Sequence[Row]) -> tuple[Sequence[Row], str]:
    """The rows that a picture has room for, and a note if they are not all."""
    if len(rows) <= MOST:
        return rows, ""
    half = MOST // 2
    return [*rows[:half], *rows[-half:]], f" ({len(rows) - MOST:,} of {len(rows):,} in the middle are left out)"
