"""The record of a walk: steps are made when they are looked at, and are what the walk sent, bit for bit."""

import pickle
import tracemalloc

import numpy as np
import pytest
from cases import CASES, COMPOSITES
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.backward_trace import RunningSums
from autodiff.chain_rule import pull_of_arrays, pull_of_floats
from autodiff.graph import freeze
from autodiff.messages import send
from autodiff.primitive import Elementwise
from autodiff.tape import topological

ALL = [(f"{name}-{i}", case) for name, cases in [*CASES.items(), *COMPOSITES] for i, case in enumerate(cases)]


def sent_by_the_walk(output, g):
    """(node, cotangent, [(operand, local, message, total)]) of every value, recorded while walking over live values."""
    ids = freeze([output])[2]
    pending, totals, found = {output.index: g}, {}, []
    with np.errstate(all="ignore"), ad.no_grad():
        for value in reversed(topological([output])):
            g = pending.pop(value.index, None)
            if g is None:
                continue
            sent = []
            if isinstance(value.primitive, Elementwise):
                pull = pull_of_floats if type(g) is float else pull_of_arrays
                pull(value.primitive)(value, g, pending, 0, True, sent)
            elif value.primitive is not None:
                sent = send(value, g, 0, live=False, safe=True)
                for operand, message in zip(value.operands, sent, strict=True):
                    if message is not None:
                        k = operand.index
                        pending[k] = pending[k] + message[1] if k in pending else message[1]
            rows = []
            for operand, message in zip(value.operands, sent, strict=bool(sent)):
                if message is None:
                    rows.append(None)
                    continue
                k = operand.index
                totals[k] = totals[k] + message[1] if k in totals else message[1]
                rows.append((ids[k], *message, totals[k]))
            found.append((ids[value.index], g, rows))
    return found


def same(a, b):
    if a is None or b is None:
        return a is b
    return np.asarray(a).dtype == np.asarray(b).dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()


def check_same(trace, expected, steps):
    assert len(trace.steps) == len(expected)
    for step, (id, g, rows) in zip(steps, expected, strict=True):
        assert step.node is trace.graph.nodes[id]
        assert same(step.upstream, g)
        assert len(step.messages) == len(rows)
        for message, row in zip(step.messages, rows, strict=True):
            if row is None:
                assert message[1:] == (None, None, None)
                continue
            operand, local, sent, total = row
            assert message.operand == operand
            assert same(message.message, sent)
            assert same(message.total, total)
            if local is None or message.local is None:
                assert local is message.local
            else:
                np.testing.assert_array_equal(np.asarray(message.local), np.asarray(local).astype(float))


def one_number(value):
    values = value if isinstance(value, list | tuple) else [value]
    live = [v for v in values if isinstance(v, ad.Scalar | ad.Tensor) and v.requires_grad]
    if not live:
        return None
    total = live[0] if live[0].shape == () else ad.sum(live[0] * live[0])
    for other in live[1:]:
        total = total + (other if other.shape == () else ad.sum(other * other))
    return total


def live(argument):
    array = np.asarray(argument)
    if array.dtype.kind != "f" and not isinstance(argument, int):
        return argument
    return ad.Scalar(float(argument)) if array.shape == () and type(argument) in (int, float) else ad.Tensor(argument)


@pytest.mark.parametrize("case", [case for _, case in ALL], ids=[name for name, _ in ALL])
def test_every_operation_is_recomputed_bit_for_bit(case):
    f, *arguments = case
    try:
        with np.errstate(all="ignore"):
            output = one_number(f(*map(live, arguments)))
    except ad.AutodiffError:
        pytest.skip("takes no tracked arguments of this kind")
    if output is None:
        return
    trace = ad.backprop(output)
    expected = sent_by_the_walk(output, 1.0 if isinstance(output, ad.Scalar) else np.ones_like(output.data))
    check_same(trace, expected, trace.steps)
    check_same(trace, expected, [trace.steps[i] for i in reversed(range(len(trace.steps)))][::-1])


def chain(length, seed):
    """Values that are used again and again, by numbers and by arrays."""
    rng = np.random.default_rng(seed)
    w, x = ad.Tensor(rng.normal(size=(3, 3)), name="w"), ad.Scalar(float(rng.normal()), name="x")
    h, values = ad.Tensor(rng.normal(size=3), name="h"), []
    for i in range(length):
        h = ad.tanh(w @ h * x + (h if i % 3 else 0.5))
        values.append(h)
    return ad.sum(h * h) + sum(ad.sum(v * x) for v in values[:: max(1, length // 7)])


@given(length=st.integers(1, 40), seed=st.integers(0, 99), looks=st.lists(st.integers(0, 10**6), max_size=30))
@settings(max_examples=30, deadline=None)
def test_steps_are_the_same_in_whatever_order_they_are_looked_at(length, seed, looks):
    output = chain(length, seed)
    trace = ad.backprop(output)
    expected = sent_by_the_walk(output, np.ones_like(output.data))
    for look in looks:
        position = look % len(expected)
        step = trace.steps[position]
        assert step is trace.steps[position]
        for message, row in zip(step.messages, expected[position][2], strict=True):
            assert row is None or same(message.total, row[3])
    check_same(trace, expected, trace.steps)


@given(
    length=st.integers(1, 30),
    ways=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 12)), min_size=1, max_size=8),
)
@settings(max_examples=50, deadline=None)
def test_steps_of_numbers_are_the_same_where_one_goes_on_from_any_of_them(length, ways):
    h = x = ad.Scalar(0.7, name="x")
    for i in range(length):
        h = h * x + (h * h if i % 3 else 0.1)
    trace = ad.backprop(h)
    expected = sent_by_the_walk(h, 1.0)
    trace.steps.RECENT = 1  # so that they are made again
    for start, count in ways:
        for position in range(start % len(expected), min(start % len(expected) + count, len(expected))):
            for message, row in zip(trace.steps[position].messages, expected[position][2], strict=True):
                assert row is None or same(message.total, row[3])


def test_a_change_in_place_between_two_uses_leaves_the_messages_as_they_were():
    w = ad.Tensor([1.0, 2.0], name="w")
    first = w * w
    w.data[:] = [10.0, 20.0]
    output = ad.sum(first * w)
    expected = sent_by_the_walk(output, np.float64(1.0).reshape(()))
    w.data[:] = 0
    trace = ad.backprop(output)
    check_same(trace, expected, trace.steps)


def test_a_hooks_cotangent_is_what_is_sent_on():
    x = ad.Scalar(3.0)
    h = x * x
    h.register_hook(lambda g: 10 * g)
    trace = ad.backprop(h + 1)
    assert [message.message for message in trace.steps[1].messages] == [30.0, 30.0]
    assert trace.cotangents[0] == 60.0


def test_sums_are_found_again_when_few_are_kept(monkeypatch):
    output = chain(60, 1)
    expected = sent_by_the_walk(output, np.ones_like(output.data))
    monkeypatch.setattr(RunningSums, "BUDGET", 500)
    trace = ad.backprop(output)
    check_same(trace, expected, [trace.steps[i] for i in range(len(expected))])


def test_what_is_kept_of_running_sums_stays_within_its_budget(monkeypatch):
    monkeypatch.setattr(RunningSums, "BUDGET", 10_000)
    sums = RunningSums()
    for position in range(5_000):
        sums.add(position % 3, position, np.zeros(10))
    assert 0 < sum(len(kept) for kept in sums.kept.values()) * (80 + sums.NUMBER) <= 10_000


def test_a_trace_keeps_no_messages():
    w = ad.Tensor(np.ones((200, 200)), name="w")  # each message to it has 320 kB
    h = ad.Tensor(np.ones(200))
    for _ in range(200):
        h = w @ h * 1e-3
    output = ad.sum(h)
    tracemalloc.start()
    trace = ad.backprop(output)
    for step in trace.steps:
        assert step.upstream is not None
    assert tracemalloc.get_traced_memory()[0] < 30 * w.data.nbytes  # of 200
    tracemalloc.stop()


class TestSequence:
    def test_it_reads_as_a_tuple_does(self):
        steps = ad.backprop(chain(3, 0)).steps
        ids = [step.node.id for step in steps]
        assert steps[-1].node.id == ids[-1]
        assert [s.node.id for s in steps[2:8:3]] == ids[2:8:3]
        assert [s.node.id for s in reversed(steps)] == ids[::-1]
        assert repr(steps) == f"<{len(ids)} steps>"
        for wrong in (len(ids), -len(ids) - 1):
            with pytest.raises(IndexError):
                steps[wrong]

    def test_it_can_be_pickled_with_its_trace(self):
        trace = ad.backprop(ad.Scalar(3.0, name="x") * 2)
        assert pickle.loads(pickle.dumps(trace)).steps[0].messages == trace.steps[0].messages

    def test_positions_and_heads_need_no_messages(self):
        x, unused = ad.Scalar(3.0), ad.where(True, 1.0, ad.Scalar(2.0))
        steps = ad.backprop(x * x + unused).steps
        for position, step in enumerate(steps):
            assert steps.head(position) == (step.node, step.upstream)
            assert steps.position(step.node.id) == position
        assert steps.position(10**6) is None

    def test_names_can_be_lent(self):
        trace = ad.backprop(ad.Scalar(3.0) * 2).named({0: "x"})
        assert [step.node.name for step in trace.steps] == [None, "x"]
        assert trace.steps[0].messages[0].message == 2.0
