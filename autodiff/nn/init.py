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
    return _normal(np.sqrt(2 / n_in), n_in, n_out, rng, dtype)


def glorot_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Uniform in ±√(6 / (n_in + n_out)): for layers followed by tanh, a sigmoid, or nothing.

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    equation 16.

    >>> float(abs(glorot_uniform(3, 3, np.random.default_rng(0))).max()) <= 1.0
    True
    """
    return _uniform(np.sqrt(6 / (n_in + n_out)), n_in, n_out, rng, dtype)


def he_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Uniform in ±√(6 / n_in), of the same variance as `he_normal`. Source: He, Zhang, Ren & Sun 2015, equation 10."""
    return _uniform(np.sqrt(6 / n_in), n_in, n_out, rng, dtype)


def glorot_normal(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Normal with variance 2 / (n_in + n_out). Source: Glorot & Bengio 2010, equation 12."""
    return _normal(np.sqrt(2 / (n_in + n_out)), n_in, n_out, rng, dtype)


def lecun_normal(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Normal with variance 1 / n_in: for SELU and for tanh.

    Sources: LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.6; Klambauer et al. 2017,
    "Self-normalizing neural networks".

    >>> round(float(lecun_normal(400, 500, np.random.default_rng(0)).std()), 3)
    0.05
    """
    return _normal(np.sqrt(1 / n_in), n_in, n_out, rng, dtype)


def lecun_uniform(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> np.ndarray:
    """Uniform in ±√(3 / n_in), of the same variance as `lecun_normal`. Source: LeCun, Bottou, Orr & Müller 1998."""
    return _uniform(np.sqrt(3 / n_in), n_in, n_out, rng, dtype)


def _normal(deviation: float, n_in: int, n_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    weights: np.ndarray = rng.standard_normal((n_in, n_out)) * deviation
    return weights.astype(dtype)


def _uniform(bound: float, n_in: int, n_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    return rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype)


INITIALIZERS: dict[str, Initializer] = {
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
}
