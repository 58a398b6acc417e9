"""Parts of a data set, chosen by a seed: a validation split, a few examples of each class, some of the classes.

All of them are stratified: what is taken has the classes in the proportions of what it is taken from.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..errors import DataError, SettingError
from .dataset import Dataset, Split

_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def hold_out(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """The split without a share of its examples, and that share, both in the order of `split`.

    share: a count (an int) or a fraction (a float). Each class gives its part of it, to within one example, and keeps
    one example if the share can be had from the others.

    Raises SettingError if nothing would be left.

    >>> split = Split(np.zeros((6, 1, 1), np.uint8), np.array([0, 0, 0, 0, 1, 1]))
    >>> [part.labels.tolist() for part in hold_out(split, 1 / 3, seed=0)]
    [[0, 0, 0, 1], [0, 1]]
    """
    n = len(split)
    count = share if isinstance(share, int) else round(n * share) if 0 <= share < 1 else -1
    if isinstance(share, bool) or not 0 <= count < n:
        raise SettingError(f"validation must be a count below {n} or a fraction below 1, not {share!r}")
    sizes = np.bincount(split.labels)
    quota = sizes * (count / n)
    take = np.floor(quota).astype(np.intp)
    # The rest, less than one for each class, comes from where rounding down took most, if that leaves the class some.
    first = np.lexsort((take - quota, take + 1 >= sizes))
    take[first[: count - int(take.sum())]] += 1
    held_out = _places(split.labels, seed) < take[split.labels]
    return _part(split, ~held_out), _part(split, held_out)


def per_class(split: Split, n: int, seed: int) -> Split:
    """`n` examples of each class that occurs, in the order of `split`. With the same seed, more hold all of fewer.

    Raises SettingError if n is not positive or a class has fewer examples.

    >>> split = Split(np.zeros((5, 1, 1), np.uint8), np.array([0, 0, 0, 1, 1]))
    >>> per_class(split, 1, seed=0).labels.tolist()
    [0, 1]
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise SettingError(f"per_class: n must be a whole number of at least 1, not {n!r}")
    sizes = np.bincount(split.labels)
    scarce = np.flatnonzero((sizes > 0) & (sizes < n))
    if len(scarce):
        raise SettingError(f"class {scarce[0]} has {sizes[scarce[0]]} examples, {n} of each were asked for")
    return _part(split, _places(split.labels, seed) < n)


def select(dataset: Dataset, classes: str | Sequence[str | int]) -> Dataset:
    """The data set with some of its classes, in its own order; their labels become 0, 1, 2 … and keep their names.

    classes: names, or text as `parse_classes` reads it.

    Raises SettingError for a class that is not there, or fewer than two; DataError if one has no training examples.

    >>> from autodiff import data
    >>> odd = select(data.load("digits", sizes=(40, 20)), "1,3,5,7,9")
    >>> odd.class_names, odd.classes, sorted(set(odd.test.labels.tolist()))
    (('1', '3', '5', '7', '9'), 5, [0, 1, 2, 3, 4])
    """
    names = dataset.class_names
    if isinstance(classes, str):
        chosen = parse_classes(classes, names)
    else:
        chosen = _labels([(str(name), [str(name)]) for name in classes], names)
    renumbered = np.full(len(names), -1, np.int64)
    renumbered[list(chosen)] = np.arange(len(chosen))
    train, validation, test = (_part(split, renumbered[split.labels] >= 0) for split in dataset)
    for label in chosen:
        if not np.any(train.labels == label):
            raise DataError(f"{dataset.name}: class {names[label]} has no training examples")
    parts = [Split(part.images, renumbered[part.labels]) for part in (train, validation, test)]
    return replace(
        dataset,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        class_names=tuple(names[label] for label in chosen),
    )


def parse_classes(text: str, class_names: Sequence[str]) -> tuple[int, ...]:
    """The labels of the classes that the text names, ascending: names and ranges of numbers, with commas.

    Raises SettingError for a class that is not there, one that is named twice, or fewer than two.

    >>> parse_classes("0-2,7", [str(digit) for digit in range(10)])
    (0, 1, 2, 7)
    >>> parse_classes("dog, t-shirt", ["cat", "dog", "t-shirt"])
    (1, 2)
    """
    items = []
    for item in (part.strip() for part in text.split(",")):
        names = [item]
        if item not in class_names and (ends := _RANGE.fullmatch(item)):
            low, high = map(int, ends.groups())
            within = [name for name in class_names if re.fullmatch("[0-9]{1,9}", name) and low <= int(name) <= high]
            if {low, high} <= set(map(int, within)):
                names = within
        items.append((item, names))
    return _labels(items, class_names)


def _labels(items: Sequence[tuple[str, Sequence[str]]], class_names: Sequence[str]) -> tuple[int, ...]:
    """Labels of names, which come with the words that gave them."""
    number = {name: label for label, name in enumerate(class_names)}
    labels: set[int] = set()
    for item, names in items:
        for name in names:
            if name not in number:
                known = ", ".join(class_names[:20]) + ", …" * (len(class_names) > 20)
                raise SettingError(f"classes: there is no class {item!r}; choose from {known}")
            if number[name] in labels:
                raise SettingError(f"classes: {name} is named twice")
            labels.add(number[name])
    if len(labels) < 2:
        raise SettingError(f"classes: name at least two, such as {','.join(class_names[:2])}")
    return tuple(sorted(labels))


def _places(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.intp]:
    """For each example its place, from 0, among those of its class, in an order drawn with the seed."""
    drawn = np.random.default_rng(seed).permutation(len(labels))
    order = drawn[np.argsort(labels[drawn], kind="stable")]
    sizes = np.bincount(labels)
    places = np.empty(len(labels), np.intp)
    places[order] = np.arange(len(labels)) - (np.cumsum(sizes) - sizes)[labels[order]]
    return places


def _part(split: Split, mask: npt.NDArray[np.bool_]) -> Split:
    return Split(split.images[mask], split.labels[mask])
