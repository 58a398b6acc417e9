"""Cases of `autodiff/ops/linalg.py`."""

import autodiff as ad

from .points import CUBE, ROW, A, B, rand

CASES = {
    "matmul": [
        (ad.matmul, A, B.T),
        (ad.matmul, A, ROW),
        (ad.matmul, ROW, A.T),
        (ad.matmul, ROW, ROW + 1),
        (ad.matmul, CUBE, B.T),
        (ad.matmul, A, rand(2, 4, 5)),
        (ad.matmul, ROW, rand(2, 4, 5)),
        (ad.matmul, CUBE, ROW),
        (ad.matmul, rand(2, 1, 3, 4), rand(5, 4, 2)),
        (lambda x: x @ x.T, A),
    ],
}

COMPOSITES = {
    "dot": [
        (ad.dot, 2.0, 3.0),
        (ad.dot, 2.0, A),
        (ad.dot, ROW, ROW + 1),
        (ad.dot, A, B.T),
        (ad.dot, CUBE, ROW),
        (ad.dot, CUBE, B.T),
        (ad.dot, rand(2, 3), rand(2, 3, 2)),
        (ad.dot, ROW[:3], rand(2, 3, 2)),
    ],
    "inner": [(ad.inner, 2.0, A), (ad.inner, ROW, ROW + 1), (ad.inner, A, B), (ad.inner, CUBE, ROW)],
    "vdot": [(ad.vdot, ROW, ROW + 1), (ad.vdot, A, B.T), (ad.vdot, 2.0, 3.0)],
    "outer": [(ad.outer, ROW, ROW[:2]), (ad.outer, 2.0, A), (lambda x: ad.outer(x, x), ROW)],
    "tensordot": [
        (ad.tensordot, A, B),
        (lambda x, y: ad.tensordot(x, y, 0), ROW[:2], ROW),
        (lambda x, y: ad.tensordot(x, y, 1), CUBE, A.T),
        (lambda x, y: ad.tensordot(x, y, ([0, -1], [2, 0])), CUBE, rand(4, 1, 2)),
        (lambda x, y: ad.tensordot(x, y, (1, 0)), A, ROW),
    ],
    "cross": [
        (ad.cross, ROW[:3], ROW[1:]),
        (ad.cross, A.T, ROW[:3]),
        (lambda x, y: ad.cross(x, y, axis=0), A, B),
        (lambda x, y: ad.cross(x, y, axisa=0, axisc=0), A, B.T),
        (lambda x: ad.cross(x, x), ROW[:3]),
    ],
    "matrix_transpose": [(ad.matrix_transpose, CUBE)],
    "vecdot": [(ad.vecdot, A, B), (ad.vecdot, CUBE, ROW), (lambda x, y: ad.vecdot(x, y, axis=0), A, B)],
    "matvec": [(ad.matvec, CUBE, ROW), (ad.matvec, A, rand(2, 4))],
    "vecmat": [(ad.vecmat, ROW, B.T), (ad.vecmat, ROW[:3], CUBE)],
    "numpy.linalg's own": [
        (lambda x, y: ad.linalg.cross(x, y, axis=0), A, B),
        (ad.linalg.outer, ROW, ROW[:2]),
        (lambda x, y: ad.linalg.tensordot(x, y, axes=1), A, B.T),
        (lambda x, y: ad.linalg.vecdot(x, y, axis=0), A, B),
        (lambda x: ad.linalg.trace(x, offset=1) + ad.linalg.diagonal(x)[..., 0], CUBE),
    ],
}
