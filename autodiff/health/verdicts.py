"""The table of checks: what is looked at, from which figure on it is a warning or an error, who says so, what to do.

Where a source names a number, that is the threshold. Where it describes an illness without one, the threshold is
chainlens's own, and the row says so.
"""

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .figures import Health, LayerHealth, Severity, Unit, Verdict


class Reading(NamedTuple):
    """One figure to be judged: of which layer or parameter, and in words what it is a figure of."""

    where: str
    figure: float
    message: str


@dataclass(frozen=True)
class Check:
    """A row of the table.

    readings        the figures it judges; those that are not finite are left to the check for non-finite numbers
    warning, error  thresholds: a figure as bad as this, or worse; None where there is none
    worse           whether a figure reaches a threshold: `operator.ge` or `operator.le`
    unit            what kind of figure it is, for whoever prints it
    condition       the thresholds in words
    """

    name: str
    readings: Callable[[Health], Iterable[Reading]]
    warning: float | None
    error: float | None
    worse: Callable[[float, float], bool]
    unit: Unit
    condition: str
    source: str
    remedy: str

    def severity(self, figure: float) -> Severity:
        """What a figure amounts to."""
        if self.error is not None and self.worse(figure, self.error):
            return "error"
        return "warning" if self.warning is not None and self.worse(figure, self.warning) else "ok"

    def verdict(self, reading: Reading | None) -> Verdict:
        """The verdict on one figure; without one, that there was nothing to judge."""
        where, figure, message = reading or Reading("", math.nan, "nothing to judge")
        return Verdict(
            self.name,
            self.severity(figure) if reading else "ok",
            where,
            figure if reading else None,
            self.unit,
            message,
            self.condition,
            self.source,
            self.remedy,
        )


def judge(health: Health) -> tuple[Verdict, ...]:
    """For each check a verdict on every figure that reaches a threshold, or "ok" with the figure nearest to one."""
    verdicts: list[Verdict] = []
    for check in CHECKS:
        readings = list(check.readings(health))
        found = [verdict for verdict in map(check.verdict, readings) if verdict.severity != "ok"]
        worst = max if check.worse is operator.ge else min
        nearest = worst(readings, key=lambda reading: reading.figure, default=None)
        verdicts += found or [check.verdict(nearest)]
    return tuple(verdicts)


def _non_finite(health: Health) -> Iterable[Reading]:
    return [*_spoilt(health)] or [Reading("", 0, "numbers are NaN or infinite")]


def _spoilt(health: Health) -> Iterable[Reading]:
    """The data, the parameters, and the first place of each pass: from there NaN goes everywhere."""
    if health.bad_inputs:
        yield Reading("data", health.bad_inputs, "numbers in it are NaN or infinite")
    for p in health.parameters:
        if p.non_finite:
            yield Reading(p.path, p.non_finite, f"of its {math.prod(p.shape):,} numbers are NaN or infinite")
    for layer in health.layers:
        if bad := layer.activations.non_finite:
            yield Reading(
                layer.name, bad, f"of {layer.activations.count:,} numbers that it puts out are NaN or infinite"
            )
            return
    if math.isnan(health.loss):
        yield Reading("loss", 1, "loss is NaN or infinite, though every layer puts out finite numbers")
    for layer in reversed(health.layers):
        if bad := layer.gradients.non_finite:
            yield Reading(layer.name, bad, f"of {layer.gradients.count:,} gradients there are NaN or infinite")
            return
    for p in health.parameters:
        if p.gradients and (bad := p.gradients.non_finite):
            yield Reading(p.path, bad, f"of its {p.gradients.count:,} gradients are NaN or infinite")


def _no_gradient(health: Health) -> Iterable[Reading]:
    for p in health.parameters:
        if p.frozen:
            continue
        if p.gradients is None:
            yield Reading(p.path, 1.0, "of it is out of reach: the loss does not depend on it")
        else:
            yield Reading(p.path, p.gradients.zero_share, "of its gradients over all batches are exactly zero")


def _dead(health: Health) -> Iterable[Reading]:
    for layer in health.layers:
        if layer.dead is not None:
            message = f"of its {layer.units:,} units are on for none of {health.examples:,} examples"
            yield Reading(layer.name, layer.dead, message)


def _saturated(health: Health) -> Iterable[Reading]:
    """In hidden layers: an output layer that is sure of itself is what training is for."""
    for layer in health.layers:
        if layer.saturated is not None and layer.hidden:
            yield Reading(layer.name, layer.saturated, "of what it puts out is saturated")


def _gradient_ratio(health: Health, worst: Callable[..., LayerHealth], limit: float) -> Iterable[Reading]:
    """Through the layers, and through the calls of each: root mean square at the start relative to the end."""
    layers = [layer for layer in health.layers if _usable(layer.gradients.rms)]
    if any(layer.gradients.rms == 0 for layer in health.layers):
        return  # what has no gradient at all is told by "no gradient" and "dead units"; the rest is no ratio to it
    if len(layers) > 1:
        last = layers[-1]
        ratio = {layer.name: layer.gradients.rms / last.gradients.rms for layer in layers}
        layer = worst(layers[:-1], key=lambda layer: ratio[layer.name])
        message = f"times the gradient of {last.name}"
        reached = operator.le if limit < 1 else operator.ge
        passed = [other.name for other in reversed(layers) if reached(ratio[other.name], limit)]
        if passed and passed[0] != layer.name:
            message += f"; on the way back, {passed[0]} is the first beyond {limit:g}"
        yield Reading(layer.name, ratio[layer.name], message)
    for layer in health.layers:
        first, final = layer.gradient_by_call[0], layer.gradient_by_call[-1]
        if layer.calls > 1 and _usable(first) and _usable(final):
            message = f"times the gradient of the last of its {layer.calls} calls at the first one"
            yield Reading(layer.name, first / final, message)


def _vanishing(health: Health) -> Iterable[Reading]:
    return _gradient_ratio(health, min, VANISHED)


def _exploding(health: Health) -> Iterable[Reading]:
    return _gradient_ratio(health, max, EXPLODED)


def _signal(health: Health, worst: Callable[..., LayerHealth]) -> Iterable[Reading]:
    layers = [layer for layer in health.layers if _usable(layer.activations.std)]
    if len(layers) > 1:
        first = layers[0]
        layer = worst(layers[1:], key=lambda layer: layer.activations.std)
        ratio = layer.activations.std / first.activations.std
        yield Reading(layer.name, ratio, f"times the spread of {first.name}")


def _fading(health: Health) -> Iterable[Reading]:
    return _signal(health, min)


def _growing(health: Health) -> Iterable[Reading]:
    return _signal(health, max)


def _updates(health: Health) -> Iterable[Reading]:
    """Of the weights; biases and the like start at zero, where the ratio says nothing."""
    for p in health.parameters:
        if p.update is not None and len(p.shape) > 1 and math.isfinite(p.update):
            yield Reading(p.path, p.update, f"of its norm is one step of {health.optimizer}")


def _moving_updates(health: Health) -> Iterable[Reading]:
    """Without those that have no gradient, which has a check of its own."""
    still = {p.path for p in health.parameters if p.gradients and p.gradients.zero_share == 1}
    return (reading for reading in _updates(health) if reading.where not in still)


def _usable(figure: float) -> bool:
    return math.isfinite(figure) and figure > 0


VANISHED, EXPLODED = 1e-3, 1e3
_OWN = "the thresholds are chainlens's own"

CHECKS: tuple[Check, ...] = (
    Check(
        "non-finite numbers",
        _non_finite,
        None,
        1,
        operator.ge,
        "count",
        "error from the first NaN or infinity on",
        "IEEE 754-2019, section 6.2.3: NaN spreads to all that is computed from it",
        "find the first operation that makes one; lower the learning rate, clip gradients, check the data",
    ),
    Check(
        "no gradient",
        _no_gradient,
        None,
        1.0,
        operator.ge,
        "share",
        "error if every gradient of a trained parameter is exactly 0, or none reaches it",
        "Maas, Hannun & Ng 2013: a unit that is never active gets no gradient, and so does not change",
        "use the parameter in the loss or freeze it; revive dead or saturated layers between it and the loss",
    ),
    Check(
        "dead units",
        _dead,
        0.4,
        1.0,
        operator.ge,
        "share",
        "warning from 40 % of a layer's rectified units on, error at 100 %",
        "Stanford CS231n, Neural networks part 1: 40 % dead at too high a learning rate; Lu, Shin, Su & Karniadakis "
        "2020, Dying ReLU and initialization: a dead unit puts out 0 for any input",
        "lower the learning rate, start biases at 0 and weights as He et al. 2015, or use leaky_relu",
    ),
    Check(
        "saturated units",
        _saturated,
        0.75,
        0.95,
        operator.ge,
        "share",
        "warning from 75 % of a hidden layer's outputs on, error from 95 %; an output counts beyond 0.97 of its limit",
        f"Glorot & Bengio 2010: saturated hidden layers learn slowly; the limit 0.97: Karpathy 2022, Building makemore "
        f"part 3; {_OWN}",
        "scale the initial weights down (glorot_uniform), normalise inputs, or lower the learning rate",
    ),
    Check(
        "vanishing gradient",
        _vanishing,
        VANISHED,
        1e-6,
        operator.le,
        "ratio",
        "warning if a layer's gradient is at most 0.001 times that of the last one, error at 0.000001 times",
        f"Glorot & Bengio 2010 and Pascanu, Mikolov & Bengio 2013 describe it, without a limit; {_OWN}",
        "use relu with he_normal in place of sigmoid or tanh, fewer layers, residual connections or normalisation",
    ),
    Check(
        "exploding gradient",
        _exploding,
        EXPLODED,
        1e6,
        operator.ge,
        "ratio",
        "warning if a layer's gradient is at least 1,000 times that of the last one, error at 1,000,000 times",
        f"Pascanu, Mikolov & Bengio 2013 describe it, without a limit, and clip the norm; {_OWN}",
        "scale the initial weights down, clip gradients by their norm, or normalise",
    ),
    Check(
        "fading signal",
        _fading,
        1e-3,
        1e-6,
        operator.le,
        "ratio",
        "warning if a layer's outputs spread at most 0.001 times as far as the first one's, error at 0.000001 times",
        f"Glorot & Bengio 2010: the variance should stay from layer to layer; {_OWN}",
        "scale the initial weights up (he_normal before relu, glorot_uniform before tanh) or normalise",
    ),
    Check(
        "growing signal",
        _growing,
        1e3,
        1e6,
        operator.ge,
        "ratio",
        "warning if a layer's outputs spread at least 1,000 times as far as the first one's, error at 1,000,000 times",
        f"Glorot & Bengio 2010: the variance should stay from layer to layer; He, Zhang, Ren & Sun 2015: before relu "
        f"with weights of variance 2/n; {_OWN}",
        "scale the initial weights down (he_normal before relu, glorot_uniform before tanh) or normalise",
    ),
    Check(
        "small updates",
        _moving_updates,
        1e-5,
        None,
        operator.le,
        "ratio",
        "warning if ‖Δw‖/‖w‖ of a weight is at most 0.00001",
        f"Stanford CS231n, Neural networks part 3: around 0.001, lower may mean too low a learning rate; {_OWN}: "
        "a hundredth of that",
        "raise the learning rate, unless training has ended and the loss is as low as it gets",
    ),
    Check(
        "large updates",
        _updates,
        1e-1,
        1.0,
        operator.ge,
        "ratio",
        "warning if ‖Δw‖/‖w‖ of a weight is at least 0.1, error from 1 on: a step longer than the weight",
        f"Stanford CS231n, Neural networks part 3: around 0.001, higher likely means too high a learning rate; {_OWN}: "
        "a hundred times that",
        "lower the learning rate, or clip gradients",
    ),
)
