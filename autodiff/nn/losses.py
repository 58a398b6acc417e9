"""Losses: what training makes small. Each gives one number, a Tensor of shape ()."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from .. import ops
from ..errors import OperandError, SettingError, ShapeError
from ..ops.plain_data import plain_array, somewhere
from ..primitive import Primitive, reserve_names
from ..tape import Value, scope


def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    label_smoothing: float = 0.0,
    class_weights: Any = None,
    name: str | None = None,
) -> Any:
    """Mean of −log softmax(logits)[label] over a batch. `logits: (n, k) floating, labels: (n,) integers → ()`.

    label_smoothing  how much of each label's probability is spread evenly over all k classes (Szegedy et al. 2016,
                     "Rethinking the Inception architecture", section 7)
    class_weights    (k,), at least 0: what an example of each class counts; the mean is the weighted one

    One primitive, where neither is given: the largest logit is taken out of the exponentials, so it never overflows,
    and the gradient is (softmax(logits) − onehot(labels)) / n. Source: Bishop 2006, "Pattern recognition and machine
    learning", equations 4.108 and 4.109.

    >>> import autodiff as ad
    >>> logits = ad.Tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> loss = cross_entropy(logits, [0, 0])
    >>> loss.backward()
    >>> round(loss.item(), 4), logits.grad
    (0.3466, array([[-0.25,  0.25],
           [ 0.  ,  0.  ]]))

    Raises ShapeError for other shapes, OperandError for labels that are not integers, SettingError for labels outside
    0..k-1, smoothing outside 0..1, or weights that are negative or all 0.
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
    if isinstance(every, Value):
        low, high = 0, shape[1] if somewhere((classes < 0) | (classes >= shape[1])) else 0
    else:
        low, high = int(every.min(initial=0)), int(every.max(initial=0))
    if low < 0 or high >= shape[1]:
        raise SettingError(
            f"cross_entropy: labels must be in 0..{shape[1] - 1} for logits of shape {shape}, "
            f"found {low if low < 0 else high}"
        )
    if not 0 <= label_smoothing <= 1:
        raise SettingError(f"cross_entropy: label_smoothing must be in 0..1, got {label_smoothing}")
    if not label_smoothing and class_weights is None:
        return _cross_entropy(logits, labels, name=name)
    chances = ops.log_softmax(logits)
    losses = -ops.take_along_axis(chances, ops.reshape(labels, (-1, 1)), axis=1)
    if label_smoothing:
        even = -ops.mean(chances, axis=1, keepdims=True)
        losses = (1 - label_smoothing) * losses + label_smoothing * even
    if class_weights is None:
        return ops.mean(losses, name=name)
    weights = np.asarray(class_weights, dtype=losses.dtype)
    if weights.shape != shape[1:]:
        raise ShapeError(f"cross_entropy: class_weights must be of shape ({shape[1]},), got {weights.shape}")
    own = ops.reshape(ops.getitem(weights, classes), (-1, 1))
    if not np.all(weights >= 0) or not somewhere(own > 0):
        raise SettingError("cross_entropy: class_weights must be at least 0, and above 0 for a class that occurs")
    return ops.divide(ops.sum(losses * own), ops.sum(own), name=name)


def binary_cross_entropy(logits: Any, targets: Any, *, name: str | None = None) -> Any:
    """Mean of −t log σ(z) − (1 − t) log(1 − σ(z)). `logits, targets: any one shape, targets in 0..1 → ()`.

    Computed as softplus(z) − t·z, which never takes the log of 0. Source: Bishop 2006, equation 4.90.

    >>> round(float(binary_cross_entropy(np.array([0.0, 1000.0]), np.array([1.0, 1.0]))), 4)
    0.3466

    Raises ShapeError if the shapes differ, SettingError for targets outside 0..1.
    """
    _same_shapes("binary_cross_entropy", logits, targets)
    given = plain_array(targets)
    if somewhere(~((given >= 0) & (given <= 1))):
        raise SettingError("binary_cross_entropy: targets are probabilities and must be in 0..1")
    return ops.mean(ops.softplus(logits) - ops.multiply(targets, logits), name=name)


def hinge_loss(scores: Any, labels: Any, *, name: str | None = None) -> Any:
    """Mean of max(0, 1 − margin): how far each example is from being right by a margin of 1. `→ ()`

    scores (n,), labels (n,) of −1 and 1: the margin is label · score (Cortes & Vapnik 1995)
    scores (n, k), labels (n,) of 0..k−1: the margin is the label's score less the highest of the others
        (Crammer & Singer 2001, equation 4)

    >>> float(hinge_loss(np.array([0.5, -2.0]), np.array([1, -1])))
    0.25
    >>> float(hinge_loss(np.array([[2.0, 0.0, 1.5]]), np.array([0])))
    0.5

    Raises ShapeError for other shapes, SettingError for other labels.
    """
    plain = plain_array(labels)
    shape = np.shape(scores)
    if len(shape) not in (1, 2) or plain.shape != shape[:1] or 0 in shape:
        raise ShapeError(f"hinge_loss: takes scores (n,) or (n, k) and labels (n,), got {shape} and {plain.shape}")
    if len(shape) == 1:
        if somewhere(np.abs(plain) != 1):
            raise SettingError("hinge_loss: labels of one score each are -1 and 1")
        margins = ops.multiply(plain.astype(np.result_type(scores, np.float32)), scores)
    else:
        if shape[1] < 2 or plain.dtype.kind not in "iu" or somewhere((plain < 0) | (plain >= shape[1])):
            raise SettingError(f"hinge_loss: labels must be whole numbers in 0..{shape[1] - 1}, of two classes or more")
        is_own = plain[:, None] == np.arange(shape[1])
        own = ops.sum(ops.where(is_own, scores, 0.0), axis=1)
        margins = own - ops.max(ops.where(is_own, -np.inf, scores), axis=1)
    return ops.mean(ops.relu(1.0 - margins), name=name)


def mse_loss(y: Any, target: Any, *, name: str | None = None) -> Any:
    """Mean of (y − target)² over all numbers. `y, target: any one shape → ()`.

    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0

    Raises ShapeError if the shapes differ: broadcasting (n,) against (n, 1) would be a mistake nobody sees.
    """
    _same_shapes("mse_loss", y, target)
    error = ops.subtract(y, target)
    return ops.mean(error * error, name=name)


def l1_loss(y: Any, target: Any, *, name: str | None = None) -> Any:
    """Mean of |y − target| over all numbers. `y, target: any one shape → ()`.

    >>> float(l1_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0

    Raises ShapeError if the shapes differ.
    """
    _same_shapes("l1_loss", y, target)
    return ops.mean(ops.abs(ops.subtract(y, target)), name=name)


def huber_loss(y: Any, target: Any, *, delta: float = 1.0, name: str | None = None) -> Any:
    """Mean of e²/2 where |e| ≤ delta, else delta · (|e| − delta/2), for e = y − target. `any one shape → ()`.

    Source: Huber 1964, "Robust estimation of a location parameter".

    >>> float(huber_loss(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
    1.3125

    Raises ShapeError if the shapes differ, SettingError for a delta that is not positive.
    """
    _same_shapes("huber_loss", y, target)
    if not delta > 0:
        raise SettingError(f"huber_loss: delta must be above 0, got {delta}")
    size = ops.abs(ops.subtract(y, target))
    near = ops.minimum(size, delta)  # e²/2 up to delta, then straight on
    return ops.mean(near * (size - 0.5 * near), name=name)


def _same_shapes(loss: str, y: Any, target: Any) -> None:
    if np.shape(y) != np.shape(target):
        raise ShapeError(f"{loss}: operand shapes {np.shape(y)} and {np.shape(target)} differ")


def l1_penalty(parameters: Iterable[Any], beta: float) -> Any:
    """beta · Σ |w|, over every number of every tensor given: a term to add to the loss, in the scope "l1".

    Its gradient is beta · sign w, which drives weights to 0. Source: Tibshirani 1996, "Regression shrinkage and
    selection via the lasso".

    >>> import autodiff as ad
    >>> w = ad.Tensor([3.0, -4.0])
    >>> penalty = l1_penalty([w], beta=0.1)
    >>> penalty.backward()
    >>> round(penalty.item(), 3), w.grad
    (0.7, array([ 0.1, -0.1]))

    Raises SettingError if beta is negative or there is no parameter.
    """
    return _penalty("l1", parameters, beta, float(beta), lambda parameter: ops.sum(ops.abs(parameter)))


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
    return _penalty("l2", parameters, beta, float(beta) / 2, _sum_squares)


def _penalty(kind: str, parameters: Iterable[Any], beta: float, factor: float, size: Callable[[Any], Any]) -> Any:
    if not 0 <= beta < np.inf:
        raise SettingError(f"{kind}_penalty: beta must be finite and at least 0, got {beta}")
    parameters = list(parameters)
    if not parameters:
        raise SettingError(f"{kind}_penalty: needs at least one parameter")
    with scope(kind):
        return ops.multiply(reduce(add, [size(parameter) for parameter in parameters]), factor, name="penalty")


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
