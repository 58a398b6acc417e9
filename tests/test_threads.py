"""Work that is shared out among processors."""

import os
import warnings
from concurrent.futures import Future
from functools import partial

import numpy as np
import pytest

from autodiff import threads


@pytest.fixture(autouse=True)
def three_processors(monkeypatch):
    monkeypatch.setattr(threads, "processors", lambda: 3)


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_each_piece_is_done_once(count):
    done = []
    threads.share_out([partial(done.append, i) for i in range(count)])
    assert sorted(done) == list(range(count))


def test_what_a_piece_raises_is_raised_when_nothing_runs_any_more():
    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        threads.share_out([fails] * 3)


def test_what_numpy_warns_of_is_as_in_the_thread_that_asks():
    zeros = np.zeros(10)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("error")
        threads.share_out([partial(np.divide, 1, zeros)] * 20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_that_is_forked_has_threads_of_its_own():
    done = []
    threads.share_out([partial(done.append, i) for i in range(9)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks where there are threads
        child = os.fork()
    if child == 0:
        again = []
        threads.share_out([partial(again.append, i) for i in range(9)])
        os._exit(0 if sorted(again) == list(range(9)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("processors", [1, 3])
def test_both_calls_are_done_on_however_many_processors(processors, monkeypatch):
    monkeypatch.setattr(threads, "processors", lambda: processors)
    done = []
    threads.both(lambda x: done.append(x), ["first"], ["second"])
    assert sorted(done) == ["first", "second"]


@pytest.mark.parametrize("bad", ["first", "second"])
def test_what_one_of_both_raises_is_raised_and_nothing_runs_on(bad):
    done = []

    def call(x):
        if x == bad:
            raise ValueError(x)
        done.append(x)

    with pytest.raises(ValueError, match=bad):
        threads.both(call, ["first"], ["second"])
    assert done in ([["second"]] if bad == "first" else [["first"], []])


def test_what_no_other_thread_begins_with_is_done_by_the_one_that_asks(monkeypatch):
    class Busy:
        def submit(self, *call):
            return Future()  # which stays as it is

    monkeypatch.setattr(threads, "_pool", Busy)
    done = []
    threads.both(done.append, ["first"], ["second"])
    threads.share_out([partial(done.append, i) for i in range(3)])
    assert done == ["second", "first", 0, 1, 2]


def test_contexts_that_are_left_in_another_order_restore_the_number_of_threads(monkeypatch):
    count = [5]
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_openblas", lambda: (lambda: count[0], lambda n: count.__setitem__(0, n)))
    first, second = threads.single_threaded(), threads.single_threaded()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert count == [1]
    assert threads.are_products_shared()
    second.__exit__(None, None, None)
    assert count == [5]
    assert not threads.are_products_shared()
