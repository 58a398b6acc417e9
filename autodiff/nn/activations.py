"""Activations as modules: functions that work number by number, `x: any shape → the same`, and softmax over an axis."""

from typing import Any

from .. import ops
from .init import Initializer, glorot_uniform, he_normal, lecun_normal
from .module import Module


class ReLU(Module):
    """max(x, 0), number by number. Source: Nair & Hinton 2010.

    >>> import numpy as np
    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Any) -> Any:
        return ops.relu(x)


class Tanh(Module):
    """Hyperbolic tangent, number by number.

    >>> import numpy as np
    >>> Tanh()(np.array([0.0]))
    array([0.])
    """

    def forward(self, x: Any) -> Any:
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), number by number.

    >>> import numpy as np
    >>> Sigmoid()(np.array([0.0]))
    array([0.5])
    """

    def forward(self, x: Any) -> Any:
        return ops.sigmoid(x)


class ReLU6(Module):
    """min(max(x, 0), 6), number by number. Source: Krizhevsky 2010.

    >>> import numpy as np
    >>> ReLU6()(np.array([7.0]))
    array([6.])
    """

    def forward(self, x: Any) -> Any:
        return ops.relu6(x)


class SELU(Module):
    """λ · elu(x, α), number by number, whose constants keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al. 2017, "Self-normalizing neural networks".

    >>> import numpy as np
    >>> SELU()(np.array([0.0]))
    array([0.])
    """

    def forward(self, x: Any) -> Any:
        return ops.selu(x)


class SiLU(Module):
    """x · sigmoid(x), also called swish, number by number. Source: Elfwing, Uchibe & Doya 2018.

    >>> import numpy as np
    >>> SiLU()(np.array([0.0]))
    array([0.])
    """

    def forward(self, x: Any) -> Any:
        return ops.silu(x)


class Softplus(Module):
    """log(1 + eˣ), a smooth ReLU, number by number. Source: Dugas et al. 2001.

    >>> import numpy as np
    >>> Softplus()(np.array([0.0])).round(4)
    array([0.6931])
    """

    def forward(self, x: Any) -> Any:
        return ops.softplus(x)


class Softsign(Module):
    """x / (1 + |x|), number by number. Source: Bergstra et al. 2009.

    >>> import numpy as np
    >>> Softsign()(np.array([1.0]))
    array([0.5])
    """

    def forward(self, x: Any) -> Any:
        return ops.softsign(x)


class HardTanh(Module):
    """x, no lower than −1 and no higher than 1, number by number. Source: Collobert 2004.

    >>> import numpy as np
    >>> HardTanh()(np.array([3.0]))
    array([1.])
    """

    def forward(self, x: Any) -> Any:
        return ops.hard_tanh(x)


class LogSigmoid(Module):
    """log(sigmoid(x)), without overflow, number by number.

    >>> import numpy as np
    >>> LogSigmoid()(np.array([0.0])).round(4)
    array([-0.6931])
    """

    def forward(self, x: Any) -> Any:
        return ops.log_sigmoid(x)


class LeakyReLU(Module):
    """x where it is positive, else slope · x. Source: Maas, Hannun & Ng 2013.

    >>> import numpy as np
    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = float(slope)

    def forward(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


class ELU(Module):
    """x where it is positive, else alpha · (eˣ − 1). Source: Clevert, Unterthiner & Hochreiter 2016.

    >>> import numpy as np
    >>> ELU()(np.array([2.0]))
    array([2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)

    def forward(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)

    def __repr__(self) -> str:
        return f"ELU({self.alpha:g})"


class GELU(Module):
    """x · Φ(x), Φ the normal distribution function. Source: Hendrycks & Gimpel 2016.

    approximate  "none", or "tanh" for the authors' approximation

    >>> import numpy as np
    >>> GELU()(np.array([0.0]))
    array([0.])
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return ops.gelu(x, self.approximate)


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis. `x: (..., n) → (..., n)`, each slice summing to 1.

    >>> import numpy as np
    >>> Softmax()(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return ops.softmax(x, self.axis)


# What a network of layers can have between them, each with the initial weights that suit it.
ACTIVATIONS: dict[str, tuple[type[Module], Initializer]] = {
    "relu": (ReLU, he_normal),
    "leaky_relu": (LeakyReLU, he_normal),
    "relu6": (ReLU6, he_normal),
    "elu": (ELU, he_normal),
    "selu": (SELU, lecun_normal),
    "gelu": (GELU, he_normal),
    "silu": (SiLU, he_normal),
    "softplus": (Softplus, he_normal),
    "tanh": (Tanh, glorot_uniform),
    "sigmoid": (Sigmoid, glorot_uniform),
    "softsign": (Softsign, glorot_uniform),
    "hard_tanh": (HardTanh, glorot_uniform),
}
