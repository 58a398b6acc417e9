"""The health of a network over a data set: figures per layer and per parameter, and verdicts on them.

Read in this order: what is measured (`figures`), what counts as a layer (`layers`), how figures of many batches are
added up (`sums`), the two passes (`survey`), and the table of thresholds with their sources (`verdicts`).

>>> import numpy as np
>>> from autodiff import nn
>>> from autodiff.data import Split
>>> from autodiff.health import examine
>>> rng = np.random.default_rng(0)
>>> model = nn.MLP([4, 16, 2], rng=rng)
>>> model.linear1.bias.data[:] = -10
>>> points = Split(rng.standard_normal((64, 4)).astype(np.float32), rng.integers(0, 2, 64))
>>> health = examine(model, points, prepare=lambda x: x)
>>> [(v.check, v.where, v.figure) for v in health.verdicts if v.severity == "error"][-1]
('dead units', 'mlp/relu1', 1.0)
"""

from .figures import BINS_PER_DECADE, Health, LayerHealth, Magnitudes, Moments, ParameterHealth, Verdict
from .survey import examine
from .verdicts import CHECKS, Check, judge

__all__ = [
    "BINS_PER_DECADE",
    "CHECKS",
    "Check",
    "Health",
    "LayerHealth",
    "Magnitudes",
    "Moments",
    "ParameterHealth",
    "Verdict",
    "examine",
    "judge",
]
