"""Parts of a data set: stratified validation, a few of each class, and classes by name."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import data
from autodiff.errors import DataError, SettingError

DIGITS = [str(digit) for digit in range(10)]


def split(labels: Any) -> data.Split:
    """Images that say which example they are, with these labels."""
    labels = np.asarray(labels, np.int64)
    return data.Split(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1), labels)


def numbers(part: data.Split) -> list[int]:
    return [int(number) for number in part.images.ravel()]


def dataset(train: Any, test: Any = (), names: tuple[str, ...] = ()) -> data.Dataset:
    return data.Dataset(split(train), split([]), split(test), "some", names)


# Holding out


@given(labels=st.lists(st.integers(0, 6), min_size=2, max_size=200), part=st.floats(0, 0.99), seed=st.integers(0, 9))
def test_held_out_is_the_share_of_each_class_to_within_one(labels: list[int], part: float, seed: int) -> None:
    whole = split(labels)
    count = min(round(part * len(labels)), len(labels) - 1)
    kept, held_out = data.hold_out(whole, count, seed)
    assert (len(kept), len(held_out)) == (len(labels) - count, count)
    assert sorted(numbers(kept) + numbers(held_out)) == list(range(len(labels)))
    for found in (kept, held_out):
        assert numbers(found) == sorted(numbers(found))
        assert [labels[number] for number in numbers(found)] == found.labels.tolist()
    sizes, taken = (np.bincount(part.labels, minlength=7) for part in (whole, held_out))
    assert np.all(np.abs(taken - sizes * count / len(labels)) <= 1)


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ([90, 9, 1], 10, [9, 1, 0]),
        ([1, 1, 1, 7], 1, [0, 0, 0, 1]),
        ([2, 2], 2, [1, 1]),
        ([1, 1], 1, [1, 0]),
        ([0, 5, 0, 5], 4, [0, 2, 0, 2]),
    ],
)
def test_a_class_is_not_emptied_if_others_can_give(sizes: list[int], count: int, expected: list[int]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    taken = np.bincount(data.hold_out(split(labels), count, 0)[1].labels, minlength=len(sizes)).tolist()
    assert taken == expected


def test_the_seed_decides_what_is_held_out() -> None:
    whole = split(np.arange(120) % 4)
    first, again, other = (numbers(data.hold_out(whole, 20, seed)[1]) for seed in (0, 0, 1))
    assert first == again != other


# A few of each class


def test_a_few_of_each_class_are_drawn_in_the_order_of_the_split() -> None:
    whole = split([0, 1, 2, 4] * 20)
    found = data.per_class(whole, 5, seed=3)
    assert np.bincount(found.labels).tolist() == [5, 5, 5, 0, 5]
    assert numbers(found) == sorted(numbers(found))
    assert [whole.labels[number] for number in numbers(found)] == found.labels.tolist()
    assert numbers(found) != numbers(data.per_class(whole, 5, seed=4))


def test_more_of_each_class_hold_all_of_fewer() -> None:
    whole = split([0, 1, 2] * 40)
    few, more = (set(numbers(data.per_class(whole, n, seed=1))) for n in (5, 20))
    assert few < more


@pytest.mark.parametrize(
    ("n", "message"),
    [(3, "class 1 has 2 examples, 3 of each"), (0, "at least 1"), (True, "at least 1"), (1.5, "whole")],
)
def test_a_few_that_cannot_be_had_are_refused(n: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        data.per_class(split([0, 0, 0, 1, 1, 3, 3, 3]), n, seed=0)


# Classes


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("0-4", DIGITS, (0, 1, 2, 3, 4)),
        ("0,3,7", DIGITS, (0, 3, 7)),
        ("7, 0 ,3", DIGITS, (0, 3, 7)),
        ("0-2,5,8-9", DIGITS, (0, 1, 2, 5, 8, 9)),
        ("5-9", DIGITS[5:], (0, 1, 2, 3, 4)),
        ("1-5", ["1", "3", "5", "dog"], (0, 1, 2)),
        ("cat,dog", ["bird", "cat", "dog"], (1, 2)),
        ("t-shirt,1-2", ["1", "1-2", "2", "t-shirt"], (1, 3)),
        ("9-11", ["8", "9", "10", "11"], (1, 2, 3)),
        ("Ärmel,猫", ["Ärmel", "猫"], (0, 1)),
    ],
)
def test_classes_are_read(text: str, names: list[str], expected: tuple[int, ...]) -> None:
    assert data.parse_classes(text, names) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no class ''; choose from 0, 1, 2"),
        ("0,,1", "no class ''"),
        ("0-10", "no class '0-10'"),
        ("4-0", "no class '4-0'"),
        ("-1", "no class '-1'"),
        ("0-", "no class '0-'"),
        ("0..4", "no class '0..4'"),
        ("cat,0", "no class 'cat'"),
        ("٣,0", "no class '٣'"),
        ("0," + "9" * 5000 + "-3", "no class '9999"),
        ("3", "name at least two"),
        ("3,3", "3 is named twice"),
        ("0-4,3", "3 is named twice"),
    ],
)
def test_classes_that_are_not_there_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        data.parse_classes(text, DIGITS)
    assert "\n" not in str(caught.value)


def test_a_long_list_of_classes_is_cut_in_the_error() -> None:
    with pytest.raises(SettingError, match="choose from 0, 1, .*, 19, …$"):
        data.parse_classes("x", [str(number) for number in range(1000)])


@pytest.mark.parametrize("classes", ["5-9", ["9", "8", "7", "6", "5"], [5, 6, 7, 8, 9], range(5, 10)])
def test_selected_classes_are_renumbered_and_keep_their_names(classes: Any) -> None:
    whole = dataset(np.arange(60) % 10, np.arange(20) % 10)
    part = data.select(whole, classes)
    assert part.class_names == ("5", "6", "7", "8", "9")
    assert part.classes == 5
    for found, original in zip(part, whole, strict=True):
        assert numbers(found) == [number for number in numbers(original) if number % 10 >= 5]
        assert found.labels.tolist() == [number % 10 - 5 for number in numbers(found)]
    assert part.name == whole.name


def test_selecting_again_goes_by_name() -> None:
    part = data.select(data.select(dataset(np.arange(40) % 10), "5-9"), "6,9")
    assert part.class_names == ("6", "9")
    assert numbers(part.train) == [6, 9, 16, 19, 26, 29, 36, 39]
    assert part.train.labels.tolist() == [0, 1] * 4


def test_the_classes_are_those_selected_even_if_some_split_has_none_of_the_last() -> None:
    part = data.select(dataset([0, 1, 2, 3], [0, 0]), "0-2")
    assert (part.classes, part.test.labels.tolist()) == (3, [0, 0])


def test_a_class_without_training_examples_is_named() -> None:
    with pytest.raises(DataError, match="some: class dog has no training examples"):
        data.select(dataset([0, 0], [1], ("cat", "dog")), "cat,dog")


def test_a_label_without_a_name_is_refused() -> None:
    with pytest.raises(DataError, match="label 2 has no name among 2 classes"):
        dataset([0, 1, 2], [], ("cat", "dog"))


def test_load_selects() -> None:
    part = data.load("digits", sizes=(50, 20), validation=0.2, classes="0-4")
    assert part.classes == 5
    assert [len(found) for found in part] == [20, 5, 10]
