"""Cases of `autodiff/ops/arrange.py`."""

import autodiff as ad

from .points import CUBE, ROW, A

CASES = {
    "roll": [
        (lambda x: ad.roll(x, 5), A),
        (lambda x: ad.roll(x, -1, axis=-1), A),
        (lambda x: ad.roll(x, (1, 2), axis=(0, 2)), CUBE),
    ],
    "pad": [
        (lambda x: ad.pad(x, 1), A),
        (lambda x: ad.pad(x, ((0, 2), (1, 0)), constant_values=((1, 2), (3, 4))), A),
        (lambda x: ad.pad(x * x, (2, 1), constant_values=3.0), ROW),
    ],
}

COMPOSITES = {
    "pad": [
        (lambda x: ad.pad(x, ((1, 2), (3, 0)), "edge"), A),
        (lambda x: ad.pad(x, ((1, 2), (0, 5)), "reflect"), A),
        (lambda x: ad.pad(x, 2, "symmetric"), A),
        (lambda x: ad.pad(x, (6, 1), "wrap"), A),
    ],
    "flip": [(ad.flip, A), (lambda x: ad.flip(x, (0, -1)), CUBE), (ad.fliplr, A), (ad.flipud, A)],
    "rot90": [(lambda x, k=k: ad.rot90(x, k), A) for k in (0, 1, 2, 3, -1)]
    + [(lambda x: ad.rot90(x, 1, axes=(2, 0)), CUBE)],
    "tile": [(lambda x: ad.tile(x, 2), A), (lambda x: ad.tile(x, (2, 1, 3)), A), (lambda x: ad.tile(x, (2, 2)), ROW)],
    "repeat": [
        (lambda x: ad.repeat(x, 3), A),
        (lambda x: ad.repeat(x, 2, axis=-2), A),
        (lambda x: ad.repeat(x, [1, 0, 2], axis=0), A),
    ],
    "meshgrid": [
        (lambda x, y: ad.multiply(*ad.meshgrid(x, y)), ROW, ROW[:3]),
        (lambda x, y: ad.multiply(*ad.meshgrid(x, y, indexing="ij", sparse=True)), ROW, ROW[:3]),
        (lambda x, y, z: ad.stack(ad.meshgrid(x, y, z)), ROW[:2], ROW[:3], ROW),
    ],
    "kron": [(ad.kron, A, CUBE[0]), (ad.kron, ROW, A), (ad.kron, CUBE, ROW[:2])],
}
