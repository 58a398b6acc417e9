"""Random operations. The numbers drawn are recorded as a constant operand, so a graph replays exactly."""

from typing import Any

import numpy as np

from ..effects import drawn
from ..errors import SettingError
from ..tape import Value
from .elementwise import masked, pick
from .plain_data import is_number

__all__ = ["dropout"]


def dropout(
    x: Any, p: float = 0.5, *, rng: "np.random.Generator | None" = None, training: bool = True, name: str | None = None
) -> Any:
    """Inverted dropout: each number is zeroed with probability p, the others are divided by 1 − p.

    The expected value stays that of x, so nothing changes when `training=False`, which returns x itself. Under `vmap`
    each example has a mask of its own.
    Source: Srivastava et al. 2014, "Dropout", section 10 (the inverted form).

    >>> import numpy as np, autodiff as ad
    >>> ad.dropout(np.ones(6), 0.5, rng=np.random.default_rng(0)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]

    Raises SettingError unless 0 ≤ p < 1.
    """
    if not 0 <= p < 1:
        raise SettingError(f"dropout: p is the probability of zeroing and must be in [0, 1), got {p}")
    if not training or p == 0:
        return x
    rng = rng if rng is not None else np.random.default_rng()
    data = x.data if isinstance(x, Value) else x
    if is_number(data):
        return masked(x, pick(drawn(rng, None) >= p, 1 / (1 - p), 0.0), name=name)

    def draw(shape: tuple[int, ...]) -> Any:
        return drawn(rng, shape, np.float32)

    uniform: Any = x.drawn(draw) if isinstance(x, Value) and x.takes_over else draw(np.shape(data))
    dtype = np.result_type(data, np.float16)
    scale = np.asarray(min(1 / (1 - p), float(np.finfo(dtype).max)), dtype=dtype)  # infinity times 0 would be NaN
    mask = (uniform >= p) * scale
    if isinstance(mask, np.ndarray):
        mask.flags.writeable = False  # so that it is recorded as it is, not a copy of it
    return masked(x, mask, name=name)
