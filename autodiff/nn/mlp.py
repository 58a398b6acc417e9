"""The multilayer perceptron: linear layers with an activation between each two, and what may stand beside them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np

from ..errors import SettingError
from .activations import ACTIVATIONS
from .init import INITIALIZERS
from .layers import Dropout, Linear, Residual, Sequential
from .module import Module
from .normalisation import NORMALISATIONS


class MLP(Sequential):
    """A multilayer perceptron. `x: (batch, sizes[0]) → (batch, sizes[-1])`, the logits: no activation follows the last.

    Between two linear layers stand a normalisation, if any, the activation, and dropout, if any.

    sizes          inputs, hidden sizes, outputs; `[784, 10]` is a linear classifier
    dropout        probability of zeroing after each activation, or one for each hidden layer; 0 leaves the layer out
    input_dropout  probability of zeroing an input
    activation     a name in `nn.ACTIVATIONS`
    init           a name in `nn.INITIALIZERS`; by default what suits the activation: He's for ReLU and its kin,
                   Glorot's for those with two limits, LeCun's for SELU
    normalisation  None, "layer" or "batch"
    residual       whether a hidden layer of as many outputs as inputs adds what went in to what comes out
    rng            draws the initial weights and seeds each dropout layer's own generator
    dtype          of the parameters

    >>> MLP([784, 256, 10], dropout=0.2)
    MLP(linear1=Linear(784, 256), relu1=ReLU(), dropout1=Dropout(0.2), linear2=Linear(256, 10))

    Raises SettingError for fewer than two sizes, a size below 1, an unknown name, or dropout for another number of
    layers.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        activation: str = "relu",
        init: str | None = None,
        normalisation: str | None = None,
        residual: bool = False,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ) -> None:
        if len(sizes) < 2:
            raise SettingError(f"MLP: needs at least two sizes, inputs and outputs, got {list(sizes)}")
        named: tuple[tuple[str, str | None, Mapping[str, Any]], ...] = (
            ("activation", activation, ACTIVATIONS),
            ("init", init, INITIALIZERS),
            ("normalisation", normalisation, NORMALISATIONS),
        )
        for what, name, known in named:
            if name not in known and not (name is None and what != "activation"):
                raise SettingError(f"MLP: unknown {what} {name!r}; choose from {', '.join(known)}")
        hidden = len(sizes) - 2
        rates = [float(dropout)] * hidden if isinstance(dropout, int | float) else list(map(float, dropout))
        if len(rates) != hidden:
            raise SettingError(f"MLP: dropout has {len(rates)} probabilities for {hidden} hidden layers")
        rng = np.random.default_rng() if rng is None else rng
        kind, suited = ACTIVATIONS[activation]
        initial = INITIALIZERS[init] if init else suited
        modules: list[Module] = [Dropout(input_dropout, rng=rng.spawn(1)[0])] if input_dropout else []
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            block: list[Module] = [Linear(n_in, n_out, rng=rng, dtype=dtype, init=initial)]
            if i < hidden:
                if normalisation:
                    block.append(NORMALISATIONS[normalisation](n_out, dtype=dtype))
                block.append(kind())
                if rates[i]:
                    block.append(Dropout(rates[i], rng=rng.spawn(1)[0]))
            modules += [Residual(*block)] if residual and i < hidden and n_in == n_out else block
        super().__init__(*modules)
        self.sizes = tuple(int(size) for size in sizes)

    @classmethod
    def of(cls, n_in: int, n_out: int, *, depth: int, width: int, **options: Any) -> Self:
        """A perceptron with `depth` hidden layers of `width` units each; the options are those of the class.

        >>> MLP.of(784, 10, depth=3, width=64).sizes
        (784, 64, 64, 64, 10)
        """
        if not isinstance(depth, int) or depth < 0:
            raise SettingError(f"MLP: depth must be a whole number of at least 0, got {depth!r}")
        return cls([n_in, *[width] * depth, n_out], **options)
