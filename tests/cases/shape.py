"""Cases of `autodiff/ops/shape.py`."""

import numpy as np

import autodiff as ad
from autodiff.ops import index, shape

from .points import COLUMN, CUBE, LABELS, MASK, ROW, A, B

CASES = {
    "reshape": [(lambda x: ad.reshape(x, (4, 3)), A), (lambda x: ad.reshape(x, -1), A)],
    "transpose": [
        (ad.transpose, A),
        (lambda x: ad.transpose(x, (2, 0, 1)), CUBE),
        (lambda x: ad.transpose(x, (-1, 0, 1)), CUBE),
    ],
    "broadcast_to": [(lambda x: ad.broadcast_to(x, (2, 3, 4)), ROW), (lambda x: ad.broadcast_to(x, (3, 4)), COLUMN)],
    "sum_to": [(lambda x: shape.sum_to(x, (3, 1)), CUBE), (lambda x: shape.sum_to(x, ()), A)],
    "astype": [(lambda x: ad.astype(x, np.float64), A)],
    "alias": [(lambda x: shape.alias(x), A)],
    "to_tensor": [(lambda x: shape.to_tensor(x) * 2, 1.5)],
    "to_scalar": [(lambda x: shape.to_scalar(ad.sum(x)) * 2, A)],
    "getitem": [
        (lambda x: ad.getitem(x, 1), A),
        (lambda x: ad.getitem(x, (slice(None, None, -2), 0)), A),
        (lambda x: ad.getitem(x, (..., None, slice(1, 3))), CUBE),
        (lambda x: ad.getitem(x, MASK), A),
        (lambda x: ad.getitem(x, [0, 0, 2]), A),
        (lambda x: ad.getitem(x, (np.arange(3), LABELS)), A),
        (lambda x: ad.getitem(x, (slice(None), [1, 1])), A),
    ],
    "set_at": [
        (lambda x, v: index.set_at(x, 1, v), A, ROW),
        (lambda x, v: index.set_at(x, np.array([0, 0, 2]), v), A, B),
        (lambda x, v: index.set_at(x, MASK, v), A, 1.5),
        (lambda x, v: index.set_at(x, (slice(None, None, -2), slice(1, None)), v), A, ROW[1:]),
        (lambda x, v: index.add_at(x, np.array([1, 1]), v), A, ROW),
    ],
    "scatter": [(lambda x: index.scatter(x, np.array([0, 0, 2]), (4, 4)), A)],
}

COMPOSITES = {
    "ravel": [(ad.ravel, CUBE)],
    "expand_dims": [(lambda x: ad.expand_dims(x, -1), A), (lambda x: ad.expand_dims(x, (0, 2)), A)],
    "squeeze": [(ad.squeeze, COLUMN), (lambda x: ad.squeeze(x, axis=-1), COLUMN)],
    "swapaxes": [(lambda x: ad.swapaxes(x, 0, -1), CUBE)],
    "moveaxis": [(lambda x: ad.moveaxis(x, 0, -1), CUBE), (lambda x: ad.moveaxis(x, (0, 1), (-1, 0)), CUBE)],
    "atleast_1d": [(ad.atleast_1d, 1.5), (ad.atleast_1d, A)],
    "atleast_2d": [(ad.atleast_2d, 1.5), (ad.atleast_2d, ROW)],
    "atleast_3d": [(ad.atleast_3d, ROW), (ad.atleast_3d, A), (lambda x, y: ad.dstack(ad.atleast_3d(x, y)), A, A)],
}
