"""Cases of `autodiff/ops/contraction.py`."""

import autodiff as ad

from .points import COLUMN, CUBE, ROW, A, B, rand


def einsum(subscripts, **options):
    return lambda *operands: ad.einsum(subscripts, *operands, **options)


SQUARE = rand(3, 3, seed=7)

CASES = {
    "einsum": [
        (einsum("ij,jk->ik"), A, B.T),
        (einsum("ij,jk"), A, B.T),
        (einsum("ba"), A),
        (einsum("i->"), ROW),
        (einsum("ij->j"), A),
        (einsum(","), 2.0, 3.0),
        (einsum("i,->i"), ROW, 3.0),
        (einsum("ii"), SQUARE),
        (einsum("ii->i"), SQUARE),
        (einsum("iij->j"), rand(2, 2, 3)),
        (einsum("iii,ik->ki"), rand(2, 2, 2), rand(2, 3)),
        (einsum("ij,ij->i"), A, B),
        (einsum("i,j->ij"), ROW[:2], ROW),
        (einsum("i,j->"), ROW[:2], ROW),  # each index is summed alone
        (einsum("ij,k->k"), A, ROW[:2]),
        (einsum("...ij,...jk->...ik"), CUBE, B.T),
        (einsum("...ij,jk"), CUBE, B.T),
        (einsum("i...,i...->..."), CUBE, rand(2, 4)),
        (einsum("...i->i..."), CUBE),
        (einsum("ij,ij->ij"), A, COLUMN),  # broadcast from size 1
        (einsum("ij,ij->"), COLUMN, A),
        (einsum("...,..."), A, ROW),
        (einsum("ij,kj,kl->il"), A, B, rand(3, 2)),
        (einsum("ij,kj,kl->il", optimize=True), A, B, rand(3, 2)),
        (lambda x, y: ad.einsum(x, [0, 1], y, [1, 2], [2, 0]), A, B.T),
        (lambda x, y: ad.einsum(x, [..., 1], y, [1, ...]), A, ROW),
        (lambda x: ad.einsum("ij,ij,ij->", x, x, x), A),
    ],
}
