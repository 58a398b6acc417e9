"""Points to differentiate at: no two numbers alike, and none near a kink unless a table asks for one."""

import numpy as np


def rand(*dims, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, dims)


A, B, ROW, COLUMN = rand(3, 4), rand(3, 4, seed=1), rand(4, seed=2), rand(3, 1, seed=3)
POSITIVE, NONZERO = rand(3, 4, low=0.2, high=3), rand(3, 4, low=0.5, high=2, seed=4) * np.sign(A)
MASK, LABELS = A > 0, np.array([2, 0, 3])
CUBE = rand(2, 3, 4, seed=5)
