"""The loss of a batch and its gradients: by a program that is recorded once and replayed, or operation by operation."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .divergence import check_gradient, check_loss
from .errors import DivergenceError
from .nn import Module, Parameter
from .objective import Objective, Penalties, count_correct, objective
from .replay import compile

Part = tuple[np.ndarray, np.ndarray]  # what the model takes and the labels, of a part of a batch


class BatchGradients(NamedTuple):
    """What was found on the way to the gradients of a batch, which are in the parameters' `.grad`.

    loss           mean over the batch, with its penalties
    cross_entropy  sum over the batch
    correct        how many examples were classified correctly
    norms          the norm of each parameter's gradient, by path
    norm           that of all of them together
    """

    loss: float
    cross_entropy: float
    correct: int
    norms: dict[str, float]
    norm: float


class Differentiated:
    """A model and its objective as something that finds the gradients of batches.

    eager  run every operation by itself, instead of a recorded program; the numbers are the same, bit for bit
    """

    def __init__(self, model: Module, weights: Sequence[Parameter], penalties: Penalties, *, eager: bool) -> None:
        self.model, self.weights, self.penalties = model, weights, penalties
        self.named = dict(model.named_parameters())
        self.generators = [rng for _, rng in model.named_generators()]
        self._program = None if eager else compile(self._differentiate, static="share")

    def __call__(self, parts: Sequence[Part], first_loss: float | None, place: str) -> BatchGradients:
        """The gradients of a batch that is computed in parts, added up.

        first_loss  that of the first batch, see `divergence.check_loss`
        place       where training stands, in words

        Raises DivergenceError, which names the first cause, if the loss or a gradient is no use.
        """
        if self._program is None:
            return self._gradients(self._differentiate, parts, first_loss, place)
        states = [rng.bit_generator.state for rng in self.generators]
        try:
            return self._gradients(self._program, parts, first_loss, place)
        except DivergenceError:  # a program leaves no graph to find the cause in
            for rng, state in zip(self.generators, states, strict=True):
                rng.bit_generator.state = state
            return self._gradients(self._differentiate, parts, first_loss, place)

    def _gradients(
        self, differentiate: Callable[..., Objective], parts: Sequence[Part], first_loss: float | None, place: str
    ) -> BatchGradients:
        for parameter in self.named.values():
            parameter.grad = None
        n = sum(len(labels) for _, labels in parts)
        loss, cross_entropy, correct = 0.0, 0.0, 0
        for x, labels in parts:
            share = len(labels) / n
            found = differentiate(x, labels, share=share)
            check_loss(found.loss, first_loss, place)
            loss += found.loss.item() * share
            cross_entropy += found.cross_entropy.item() * len(labels)
            correct += count_correct(found.logits.data, labels)
        norms = {path: float(np.sqrt(np.vdot(p.grad, p.grad))) for path, p in self.named.items() if p.grad is not None}
        norm = float(np.sqrt(sum(norm**2 for norm in norms.values())))
        check_gradient(norm, found.loss, place)
        return BatchGradients(loss, cross_entropy, correct, norms, norm)

    def _differentiate(self, x: Any, labels: Any, *, share: float) -> Objective:
        found = objective(self.model, x, labels, self.weights, self.penalties)
        found.loss.backward(None if share == 1 else np.asarray(share, found.loss.dtype))
        return found
