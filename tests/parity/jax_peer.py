"""JAX as a peer: the counterpart of each row's function, and the derivatives that its transforms find."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .problem import Answer, Problem

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # each program runs once: compiling is what takes the time


def cross_entropy(logits: Any, labels: Any) -> Any:
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels])


def sum_to(x: Any, shape: Any) -> Any:
    extra = x.ndim - len(shape)
    axes = tuple(i for i in range(x.ndim) if i < extra or x.shape[i] != shape[i - extra])
    return jnp.sum(x, axes).reshape(shape)


COUNTERPARTS: dict[str, Callable[..., Any]] = {  # where it is not the function of the same name in jax.numpy
    **{name: getattr(jax.nn, name) for name in ("relu", "relu6", "hard_tanh", "elu", "selu", "silu", "leaky_relu")},
    **{name: getattr(jax.nn, name) for name in ("softplus", "log_sigmoid", "sigmoid", "softmax", "log_softmax")},
    "gelu": lambda x, approximate="none": jax.nn.gelu(x, approximate == "tanh"),
    "softsign": jax.nn.soft_sign,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "logsumexp": jax.scipy.special.logsumexp,
    # Shapes that depend on a constant must be known when the program is compiled.
    "bincount": lambda x, weights, minlength=0: jnp.bincount(x, weights, length=max(minlength, x.max() + 1)),
    "compress": lambda condition, x, axis=None: jnp.take(x, np.flatnonzero(condition), axis),
    "extract": lambda condition, x: jnp.take(x, np.flatnonzero(condition)),
    "float_power": lambda x, y: jnp.float_power(x.astype(float), y.astype(float)),
    "getitem": lambda x, index: x[index],
    "set_at": lambda x, index, value: x.at[index].set(value),
    "add_at": lambda x, index, value: x.at[index].add(value),
    "sum_to": sum_to,
    "cross_entropy": cross_entropy,
    "sum_squares": lambda x: 0.3 * jnp.sum(x * x),
}


LACKS = {  # a row's name -> why JAX has no counterpart
    "unique": "the shape of the result depends on the numbers, which a compiled program does not know",
}


def counterpart(name: str) -> Callable[..., Any]:
    if name in COUNTERPARTS:
        return COUNTERPARTS[name]
    return getattr(jnp.linalg, name.removeprefix("linalg.")) if name.startswith("linalg.") else getattr(jnp, name)


def constant(array: np.ndarray) -> Any:
    return array  # NumPy's are known while a program is compiled


def answer(function: Callable[..., Any], problem: Problem) -> Answer:
    return Answer(*([np.asarray(x) for x in part] for part in jax.jit(_derivatives(function))(*problem)))


def dtypes(function: Callable[..., Any], problem: Problem) -> list[list[np.dtype[Any]]]:
    """The dtypes of each quantity, without computing it."""
    return [[x.dtype for x in part] for part in jax.eval_shape(_derivatives(function), *problem)]


def _derivatives(function: Callable[..., Any]) -> Callable[..., Any]:
    def whole(arrays: Any, cotangents: Any, tangents: Any) -> Any:
        value, pull = jax.vjp(function, *arrays)
        everything = tuple(range(len(arrays)))

        def total(*xs: Any) -> Any:
            return sum(jnp.sum(w * jnp.sin(out)) for w, out in zip(cotangents, function(*xs), strict=True))

        pushed = jax.jvp(function, arrays, tangents)[1]
        return value, pull(cotangents), pushed, jax.jvp(jax.grad(total, everything), arrays, tangents)[1]

    return whole
