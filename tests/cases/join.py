"""Cases of `autodiff/ops/join.py`."""

import autodiff as ad

from .points import COLUMN, CUBE, ROW, A, B

CASES = {
    "concatenate": [
        (lambda x, y: ad.concatenate([x, y]), A, B),
        (lambda x, y: ad.concatenate([x, y, x * y], axis=-1), A, COLUMN),
        (lambda x, y: ad.concatenate((x, y), axis=None), CUBE, ROW),
        (lambda x: ad.concatenate([x]), ROW),
    ],
    "stack": [
        (lambda x, y: ad.stack([x, y]), A, B),
        (lambda x: ad.stack([x * x, x, x], axis=-1), A),
        (lambda x: ad.stack([x * x, 1.0, x]), 0.7),
        (lambda x: ad.stack(x), A),
    ],
}

COMPOSITES = {
    "vstack": [(lambda x, y: ad.vstack([x, y]), A, ROW)],
    "hstack": [(lambda x, y: ad.hstack([x, y]), A, COLUMN), (lambda x, y: ad.hstack([x, y, 2.0]), ROW, ROW + 1)],
    "dstack": [(lambda x, y: ad.dstack([x, y]), A, CUBE.transpose(1, 2, 0)), (lambda x: ad.dstack([x, x * x]), ROW)],
    "column_stack": [(lambda x, y: ad.column_stack([x, y, x]), A.T, ROW)],
    "append": [(lambda x, y: ad.append(x, y), A, ROW), (lambda x, y: ad.append(x, y, axis=1), A, COLUMN)],
    "split": [
        (lambda x: ad.multiply(*ad.split(x, 2, axis=1)), A),
        (lambda x: ad.concatenate(ad.split(x, [1, 1, 7], axis=-1)[::-1], axis=-1), A),
    ],
    "array_split": [(lambda x: ad.concatenate([ad.mean(part, 1) for part in ad.array_split(x, 3, axis=1)]), A)],
}
