"""Layers. Those that draw random numbers take a NumPy Generator; without one they seed themselves from the system."""

import math
from collections import Counter
from typing import Any

import numpy as np

from .. import ops
from ..errors import SettingError, ShapeError
from .init import Initializer, he_normal
from .module import Module, Parameter


class Linear(Module):
    """y = x @ W + b. `x: (batch, n_in) → (batch, n_out)`, with `weight: (n_in, n_out)` and `bias: (n_out,)`.

    bias   False leaves the bias out
    rng    draws the initial weights; biases start at zero
    dtype  of the parameters
    init   the distribution of the initial weights, `nn.init.he_normal` by default

    >>> layer = Linear(784, 10, rng=np.random.default_rng(0))
    >>> sum(parameter.size for parameter in layer.parameters())
    7850

    Raises SettingError for sizes below 1. A call raises ShapeError if x does not have n_in columns.
    """

    bias: Parameter | None

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
        init: Initializer = he_normal,
    ) -> None:
        for size in (n_in, n_out):
            if not isinstance(size, int | np.integer) or size < 1:
                raise SettingError(f"Linear: sizes must be whole numbers of at least 1, got ({n_in!r}, {n_out!r})")
        self.n_in, self.n_out = int(n_in), int(n_out)
        rng = np.random.default_rng() if rng is None else rng
        self.weight = Parameter(init(self.n_in, self.n_out, rng, dtype), name="W")
        self.bias = Parameter(np.zeros(self.n_out, dtype), name="b") if bias else None

    def forward(self, x: Any) -> Any:
        y = ops.matmul(x, self.weight)
        return y if self.bias is None else y + self.bias

    def __repr__(self) -> str:
        return f"Linear({self.n_in}, {self.n_out}{'' if self.bias is not None else ', bias=False'})"


class Dropout(Module):
    """In training mode, zero each number with probability p and divide the others by 1 − p; else nothing.

    `x: any shape → the same`. The numbers come from the layer's own generator, `rng`, whose state belongs into a
    checkpoint (`Module.named_generators`). Source: Srivastava et al. 2014, "Dropout", in the inverted form of section
    10.

    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> set(layer(np.ones(100)).tolist())
    {0.0, 2.0}
    >>> layer.eval()(np.ones(2))
    array([1., 1.])

    Raises SettingError unless 0 ≤ p < 1.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p < 1:
            raise SettingError(f"Dropout: p is the probability of zeroing and must be in [0, 1), got {p}")
        self.p = float(p)
        self.rng = np.random.default_rng() if rng is None else rng

    def forward(self, x: Any) -> Any:
        return ops.dropout(x, self.p, rng=self.rng, training=self.training)

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"


class Sequential(Module):
    """Modules one after the other. They are named by kind and count: linear1, relu1, linear2, ...

    >>> rng = np.random.default_rng(0)
    >>> Sequential(Linear(2, 3, rng=rng), Dropout(0.5), Linear(3, 1, rng=rng))
    Sequential(linear1=Linear(2, 3), dropout1=Dropout(0.5), linear2=Linear(3, 1))
    """

    def __init__(self, *modules: Module) -> None:
        count: Counter[str] = Counter()
        for module in modules:
            if not isinstance(module, Module):
                raise SettingError(f"{type(self).__name__}: takes modules, got {type(module).__name__}")
            kind = type(module).__name__.lower()
            count[kind] += 1
            setattr(self, f"{kind}{count[kind]}", module)

    def forward(self, x: Any) -> Any:
        for _, module in self.children():
            x = module(x)
        return x


class Residual(Sequential):
    """Modules one after the other, whose result is added to what went in. `x: any shape → the same`.

    Source: He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", equation 1.

    >>> Residual(Dropout(0.0).eval())(np.array([1.0, 2.0]))
    array([2., 4.])

    A call raises ShapeError if the modules change the shape.
    """

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        if np.shape(y) != np.shape(x):
            raise ShapeError(f"Residual: the modules make {np.shape(y)} of {np.shape(x)}; a sum needs the same shape")
        return x + y


class Flatten(Module):
    """Each example's numbers in one row. `x: (batch, ...) → (batch, numbers)`.

    >>> Flatten()(np.zeros((5, 28, 28))).shape
    (5, 784)
    """

    def forward(self, x: Any) -> Any:
        shape = np.shape(x)
        if not shape:
            raise ShapeError("Flatten: takes a batch, got a single number")
        return ops.reshape(x, (shape[0], math.prod(shape[1:])))
