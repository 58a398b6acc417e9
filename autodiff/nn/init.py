"""Initial weights: `(n_in, n_out, rng, dtype) → array (n_in, n_out)`, with a spread that keeps signals from fading."""

from collections.abc import Callable
from typing import Any

import numpy as np

Initializer = Callable[[int, int, np.random.Generator, Any], np.ndarray]


def he_normal(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Normal with standard deviation √(2 / n_in): for layers followed by ReLU, which drops half of the variance.

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", equation 10.

    >>> round(float(he_normal(800, 500, np.random.default_rng(0)).std()), 3)
    0.05
    """
    weights: np.ndarray = rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)
    return weights.astype(dtype)


def glorot_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Uniform in ±√(6 / (n_in + n_out)): for layers followed by tanh, a sigmoid, or nothing.

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    equation 16.

    >>> float(abs(glorot_uniform(3, 3, np.random.default_rng(0))).max()) <= 1.0
    True
    """
    bound = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype)
