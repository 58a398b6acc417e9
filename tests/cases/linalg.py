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
