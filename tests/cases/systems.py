"""Cases of `autodiff/ops/systems.py`."""

import autodiff as ad

from .points import A, rand

CASES = {}

COMPOSITES = {
    "tensorinv": [(ad.linalg.tensorinv, rand(2, 3, 3, 2)), (lambda x: ad.linalg.tensorinv(x, ind=1), rand(4, 2, 2))],
    "tensorsolve": [
        (ad.linalg.tensorsolve, rand(3, 4, 12, seed=3), A),
        (lambda a, b: ad.linalg.tensorsolve(a, b, axes=(0,)), rand(4, 2, 2, seed=3), A[0].reshape(2, 2)),
    ],
}
