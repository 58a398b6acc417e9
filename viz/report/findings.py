"""What a network makes of the test images: how often it reads each class as each other, and where it errs worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from autodiff.run import Run, outputs


class Mistake(NamedTuple):
    """A misread image. `image`: its place in the split; `truth`, `read`: classes; their probabilities; and the loss."""

    image: int
    truth: int
    read: int
    truth_probability: float
    read_probability: float
    loss: float


class Confused(NamedTuple):
    """How many of the images of class `truth` are read as `read`, and which share of that class it is."""

    truth: int
    read: int
    times: int
    share: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Images, their labels and what the network says of them.

    images         uint8 (n, height, width)
    labels         integers (n,)
    probabilities  float (n, k)
    names          of the k classes

    >>> found = Findings(np.zeros((3, 2, 2), np.uint8), np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], ("cat", "dog"))
    >>> found.counts.tolist(), found.accuracies.tolist(), found.most_confused(1)
    ([[1, 0], [1, 1]], [1.0, 0.5], [Confused(truth=1, read=0, times=1, share=0.5)])
    """

    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Those of a run on its test images."""
        test = run.dataset.test
        probabilities = outputs(run, test.images)
        names = run.dataset.class_names
        more = tuple(map(str, range(len(names), probabilities.shape[1])))
        return cls(test.images, test.labels.astype(np.int64), probabilities, names + more)

    @cached_property
    def read(self) -> np.ndarray:
        """The most probable class of each image: integers (n,)."""
        found: np.ndarray = self.probabilities.argmax(axis=1)
        return found

    @cached_property
    def counts(self) -> np.ndarray:
        """The confusion matrix: how many images of the row's class are read as the column's, integers (k, k)."""
        k = len(self.names)
        return np.bincount(self.labels * k + self.read, minlength=k * k).reshape(k, k)

    @cached_property
    def shares(self) -> np.ndarray:
        """The confusion matrix as shares of each row; NaN for a class without images."""
        totals = self.counts.sum(axis=1, keepdims=True)
        found: np.ndarray = np.divide(self.counts, totals, out=np.full(self.counts.shape, np.nan), where=totals > 0)
        return found

    @property
    def accuracies(self) -> np.ndarray:
        """The share of each class that is read rightly (k,); NaN for a class without images."""
        found: np.ndarray = self.shares.diagonal()
        return found

    @property
    def accuracy(self) -> float:
        """The share of all images that are read rightly."""
        return float(np.mean(self.read == self.labels))

    def worst(self, most: int) -> Sequence[Mistake]:
        """The misread images with the highest loss, the worst first."""
        rows = np.arange(len(self.labels))
        truth = self.probabilities[rows, self.labels].astype(np.float64)
        losses = -np.log(np.maximum(truth, np.finfo(np.float32).smallest_subnormal))
        misread = np.flatnonzero(self.read != self.labels)
        order = misread[np.argsort(-losses[misread], kind="stable")][:most]
        return [
            Mistake(
                int(i),
                int(self.labels[i]),
                int(self.read[i]),
                float(truth[i]),
                float(self.probabilities[i, self.read[i]]),
                float(losses[i]),
            )
            for i in order
        ]

    def most_confused(self, most: int) -> list[Confused]:
        """The pairs of classes that are mixed up most often, those that are first."""
        wrong = self.counts - np.diag(self.counts.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = [divmod(int(i), len(self.names)) for i in order]
        return [
            Confused(truth, read, int(wrong[truth, read]), float(self.shares[truth, read]))
            for truth, read in pairs
            if wrong[truth, read]
        ]
