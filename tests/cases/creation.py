"""Cases of `autodiff/ops/creation.py`."""

import autodiff as ad

from .points import COLUMN, CUBE, ROW, A

CASES = {}

COMPOSITES = {
    "copy": [(lambda x: ad.copy(x * x), A)],
    "full_like": [(lambda x: ad.full_like(CUBE.astype("f4"), x, dtype=getattr(x, "dtype", None)), ROW)],
    "linspace": [
        (lambda x, y: ad.linspace(x, y, 5), A, COLUMN),
        (lambda x: ad.linspace(0.0, x, 3, endpoint=False, axis=-1), A),
        (lambda x, y: ad.multiply(*ad.linspace(x, y, 4, retstep=True)), ROW, 2 * ROW),
    ],
}
