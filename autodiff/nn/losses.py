"""Losses: what training makes small. Each gives one number, a Tensor of shape ()."""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from .. import ops
from ..errors import OperandError, SettingError, ShapeError
from ..primitive import Primitive, reserve_names
from ..tape import Value, scope


def cross_entropy(logits: Any, labels: Any, *, name: str | None = None) -> Any:
    """Mean of −log softmax(logits)[label] over a batch. `logits: (n, k) floating, labels: (n,) integers → ()`.

    One primitive: the largest logit is taken out of the exponentials, so it never overflows, and the gradient is
    (softmax(logits) − onehot(labels)) / n. Source: Bishop 2006, "Pattern recognition and machine learning", equations
    4.108 and 4.109.

    >>> import autodiff as ad
    >>> logits = ad.Tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> loss = cross_entropy(logits, [0, 0])
    >>> loss.backward()
    >>> round(loss.item(), 4), logits.grad
    (0.3466, array([[-0.25,  0.25],
           [ 0.  ,  0.  ]]))

    Raises ShapeError for other shapes, OperandError for labels that are not integers, SettingError for labels outside
    0..k-1.
    """
    labels = labels if isinstance(labels, Value) else np.asarray(labels)
    shape, classes = np.shape(logits), labels.data if isinstance(labels, Value) else labels
    if len(shape) != 2 or classes.shape != shape[:1] or 0 in shape:
        raise ShapeError(
            f"cross_entropy: takes logits of shape (n, k) and labels of shape (n,) with n and k at least 1, "
            f"got {shape} and {classes.shape}"
        )
    if classes.dtype.kind not in "iu":
        raise OperandError(f"cross_entropy: labels are class numbers, of an integer dtype, got {classes.dtype}")
    every = classes.whole if isinstance(classes, Value) else classes  # under vmap, those of all examples
    low, high = int(every.min(initial=0)), int(every.max(initial=0))
    if low < 0 or high >= shape[1]:
        raise SettingError(
            f"cross_entropy: labels must be in 0..{shape[1] - 1} for logits of shape {shape}, "
            f"found {low if low < 0 else high}"
        )
    return _cross_entropy(logits, labels, name=name)


def mse_loss(y: Any, target: Any, *, name: str | None = None) -> Any:
    """Mean of (y − target)² over all numbers. `y, target: any one shape → ()`.

    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0

    Raises ShapeError if the shapes differ: broadcasting (n,) against (n, 1) would be a mistake nobody sees.
    """
    if np.shape(y) != np.shape(target):
        raise ShapeError(f"mse_loss: operand shapes {np.shape(y)} and {np.shape(target)} differ")
    error = ops.subtract(y, target)
    return ops.mean(error * error, name=name)


def l2_penalty(parameters: Iterable[Any], beta: float) -> Any:
    """beta/2 · Σ w², over every number of every tensor given: a term to add to the loss. Its gradient is beta · w.

    Give it the weights, without the biases (`Linear.weight` of each layer): biases need no penalty, as Goodfellow,
    Bengio & Courville 2016, "Deep learning", section 7.1 argues, from where the ½ also comes. The penalty is recorded
    in the scope "l2", so that a picture of the loss shows it as a path of its own.

    >>> import autodiff as ad
    >>> w = ad.Tensor([3.0, 4.0])
    >>> penalty = l2_penalty([w], beta=0.1)
    >>> penalty.backward()
    >>> round(penalty.item(), 3), w.grad
    (1.25, array([0.3, 0.4]))

    Raises SettingError if beta is negative or there is no parameter.
    """
    if not 0 <= beta < np.inf:
        raise SettingError(f"l2_penalty: beta must be finite and at least 0, got {beta}")
    parameters = list(parameters)
    if not parameters:
        raise SettingError("l2_penalty: needs at least one parameter")
    with scope("l2"):
        squares = [_sum_squares(parameter) for parameter in parameters]
        return ops.multiply(reduce(add, squares), float(beta) / 2, name="penalty")


def _cross_entropy_forward(logits: Any, labels: Any) -> Any:
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_total - shifted[np.arange(len(labels)), labels])


def _softmax_minus_onehot(logits: Any, labels: Any) -> Any:
    classes = ops.reshape(labels.data if isinstance(labels, Value) else labels, (-1, 1))
    onehot = classes == np.arange(np.shape(logits)[1])
    return ops.softmax(logits) - onehot


# One pass forward and one backward over each weight matrix, where sum(w * w) would take two and four.
_sum_squares = Primitive(
    "sum_squares",
    lambda x: np.vdot(x, x),
    lambda g, out, x: x * (2 * g),
    jvp=lambda tangents, out, x: 2 * ops.sum(x * tangents[0]),
)
_cross_entropy = Primitive(
    "cross_entropy",
    _cross_entropy_forward,
    lambda g, out, logits, labels: _softmax_minus_onehot(logits, labels) * (g / len(labels)),
    None,  # labels are constants
    jvp=lambda tangents, out, logits, labels: (
        ops.sum(_softmax_minus_onehot(logits, labels) * tangents[0]) / len(labels)
    ),
)

reserve_names("sum_squares", "cross_entropy")
