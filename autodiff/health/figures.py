"""What is measured, as frozen plain data: numbers, text and tuples of them."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..encoding import strict

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the quantiles
BINS_PER_DECADE = 4  # of the histograms

Severity = Literal["ok", "warning", "error"]
Unit = Literal["count", "share", "ratio"]


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of the finite ones of `count` numbers; NaN if there are none.

    non_finite  how many are NaN or infinite
    """

    count: int
    mean: float
    std: float
    non_finite: int


@dataclass(frozen=True)
class Magnitudes:
    """How large `count` numbers are, on the scale of log10 |x|.

    zeros       how many are exactly zero, non_finite how many are NaN or infinite; the rest is in the histogram
    rms         root mean square of the finite ones, zeros included; NaN if there are none
    quantiles   of log10 |x| at 5, 25, 50, 75 and 95 % of the rest, right to a 32nd of a decade; empty if there is none
    start       where the first bin of the histogram begins, each bin is a quarter of a decade wide
    counts      how many numbers are in each bin
    """

    count: int
    zeros: int
    non_finite: int
    rms: float
    quantiles: tuple[float, ...]
    start: float
    counts: tuple[int, ...]

    @property
    def zero_share(self) -> float:
        """The share of exact zeros, in 0..1."""
        return self.zeros / self.count if self.count else 0.0

    @property
    def median(self) -> float | None:
        """The median of log10 |x|, without zeros; None if there is nothing else."""
        return self.quantiles[LEVELS.index(0.5)] if self.quantiles else None


@dataclass(frozen=True)
class LayerHealth:
    """One layer in evaluation mode, over all examples: what it puts out, and the gradient of the loss there.

    name       its scope, as in pictures; with operation and number where a scope holds several
    op         the operation that made its output
    calls      how often a forward pass computes it (a recurrent cell: once per time step)
    units      numbers it puts out per example and call
    hidden     whether parameters come into play after it
    activations  of its output
    gradients    of the batch's loss with respect to its output
    gradient_by_call  root mean square of these per call, the first call first
    dead       share of rectified units that are on for no example at all, in 0..1; None if it does not rectify
    always_on  share of rectified units that are on for every example
    saturated  share of outputs within reach of the function's limits (see `layers`); None if it has none
    """

    name: str
    op: str
    calls: int
    units: int
    hidden: bool
    activations: Moments
    gradients: Magnitudes
    gradient_by_call: tuple[float, ...]
    dead: float | None
    always_on: float | None
    saturated: float | None


@dataclass(frozen=True)
class ParameterHealth:
    """One parameter in training mode: its gradients batch by batch, and the step the optimiser would make of each.

    path        attribute names: "linear1.weight"
    frozen      whether it is kept from training (`requires_grad` is false); then there are no gradients or updates
    reached     whether the loss depends on it in any batch
    norm        ‖w‖, the Euclidean norm of its numbers
    non_finite  how many of its numbers are NaN or infinite
    gradients   over the batches; None if it is frozen or not reached
    update      ‖Δw‖ / ‖w‖ of one step from here, the median over the batches; None without optimiser or learning rate
    update_range  the least and the greatest of these ratios
    """

    path: str
    shape: tuple[int, ...]
    frozen: bool
    reached: bool
    norm: float
    non_finite: int
    gradients: Magnitudes | None
    update: float | None
    update_range: tuple[float, float] | None


@dataclass(frozen=True)
class Verdict:
    """A check and what it found.

    where      the layer or parameter; "data" or "loss" for those; "" for nowhere
    figure     what was measured there, None if nothing was; `unit` says what kind of number it is
    message    the words that follow the figure: "of its 64 units are on for none of 605 examples"
    condition  when it is a warning and when an error
    source     where that comes from
    remedy     what to try
    """

    check: str
    severity: Severity
    where: str
    figure: float | None
    unit: Unit
    message: str
    condition: str
    source: str
    remedy: str


@dataclass(frozen=True)
class Health:
    """The figures of a network over a data set, and the verdicts on them.

    examples, batch_size  what they are measured over
    loss        its mean over the batches, in evaluation mode
    optimizer, lr  whose step `update` is, "SGD" for plain gradient descent; None if updates are not measured
    bad_inputs  how many numbers of the data themselves are NaN or infinite
    """

    examples: int
    batch_size: int
    loss: float
    optimizer: str | None
    lr: float | None
    bad_inputs: int
    layers: tuple[LayerHealth, ...]
    parameters: tuple[ParameterHealth, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst of the verdicts."""
        found = {verdict.severity for verdict in self.verdicts}
        return "error" if "error" in found else "warning" if "warning" in found else "ok"

    def to_dict(self) -> dict[str, Any]:
        """Everything as dicts, lists, numbers and text, with the worst severity first."""
        return {"severity": self.severity, **asdict(self)}

    def to_json(self) -> str:
        """`to_dict` as strict JSON: NaN and infinities are text."""
        return json.dumps(strict(self.to_dict()), allow_nan=False, ensure_ascii=False)
