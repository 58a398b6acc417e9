"""Cases of `autodiff/ops/pieces.py`."""

import autodiff as ad

from .points import COLUMN, CUBE, ROW, A, B

CASES = {}

COMPOSITES = {
    "hsplit": [(lambda x: ad.multiply(*ad.hsplit(x, 2)), A), (lambda x: ad.concatenate(ad.hsplit(x, [1])[::-1]), ROW)],
    "vsplit": [(lambda x: ad.concatenate(ad.vsplit(x, [2])[::-1]), A)],
    "dsplit": [(lambda x: ad.multiply(*ad.dsplit(x, 2)), CUBE)],
    "unstack": [(lambda x: ad.multiply(*ad.unstack(x)), CUBE), (lambda x: ad.hypot(*ad.unstack(x, axis=-1)[1:3]), A)],
    "block": [
        (lambda x, y: ad.block([[x, y], [y * y, 1.5 * x]]), A, B),
        (lambda x, y: ad.block([x, y]), A, COLUMN),
        (lambda x: ad.block(x * x), A),
    ],
    "insert": [
        (lambda x, v: ad.insert(x, 1, v, axis=0), A, ROW),
        (lambda x, v: ad.insert(x, [0, 2, 2], v[:3]), A, ROW),
        (lambda x: ad.insert(x, slice(0, 2), 3, axis=1), A),
    ],
    "delete": [(lambda x: ad.delete(x, 1, 0), A), (lambda x: ad.delete(x * x, [0, 5]), A)],
    "resize": [(lambda x: ad.resize(x, (2, 7)), A), (lambda x: ad.resize(x, 3), A)],
    "rollaxis": [(lambda x: ad.rollaxis(x, 2), CUBE), (lambda x: ad.rollaxis(x, 0, 3), CUBE)],
    "broadcast_arrays": [(lambda x, y: ad.multiply(*ad.broadcast_arrays(x, y)), COLUMN, ROW)],
    "diagflat": [(lambda x: ad.diagflat(x, -1), A)],
}
