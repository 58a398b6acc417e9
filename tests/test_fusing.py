"""Which steps of a compiled function are fused into kernels, and that nothing but time is changed by it."""

import numpy as np
import pytest
from needed import missing

import autodiff as ad
import viz
from autodiff import nn, optim
from autodiff.effects import effect
from autodiff.fusion import is_available
from autodiff.replay.fused import Fused


@pytest.fixture(autouse=True)
def kernels_are_there():
    if not is_available():
        missing("no kernels: llvmlite is missing, or LLVM does not work here")


@pytest.fixture(autouse=True)
def fuse_everything(monkeypatch):
    monkeypatch.setattr("autodiff.replay.fusing.LEAST", 2)


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def kernels(f, *args):
    """What each kernel does, after a look at the results: those of the function itself, bit for bit."""
    compiled = ad.compile(f)
    for _ in range(2):
        found, expected = compiled(*args), f(*args)
        for a, b in zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return [[part.name for part in step.fused] for step in compiled.plan.program.steps if step.fused]


X, ROW, COLUMN = normal(6, 5), normal(5), normal(6, 1)

FUSED = {
    "a chain": (lambda x: np.sqrt(np.abs(x * 2 + 1)), (X,), [["multiply", "add", "absolute", "sqrt"]]),
    "a row": (lambda x, b: np.maximum(x + b, 0), (X, ROW), [["add", "maximum"]]),
    "a column": (lambda x, b: (x + b) / 3, (X, COLUMN), [["add", "divide"]]),
    "a row and a column": (lambda x, a, b: x * a - b, (X, ROW, COLUMN), [["multiply", "subtract"]]),
    "one number, in an array": (
        lambda x, a: x * a - x,
        (X, np.full((1, 1), 2.5, np.float32)),
        [["multiply", "subtract"]],
    ),
    "a sum over the rows": (lambda x: ad.sum(x * 2, axis=0), (X,), [["multiply", "reduce"]]),
    "two shapes": (
        lambda x, b: (x + 1) * 2 + (b * 3 - 1)[0],
        (X, ROW),
        [["multiply", "subtract"], ["add", "multiply", "add"]],
    ),
    "three axes": (lambda x: (x + x[:1]) * x[:, :1, :1], (normal(4, 3, 2),), None),
    "the largest and the sum of few columns": (
        lambda x: ad.softmax(x + 1),
        (X,),
        [["add", "reduce", "subtract"], ["reduce", "divide"]],
    ),
    "many columns": (lambda x: ad.softmax(x + 1), (normal(6, 17),), []),
    "a condition": (
        lambda x: ad.where((x > 0) & (x < 1), x, 0.0),
        (X,),
        [["greater", "less", "bitwise_and", "where_into"]],
    ),
    "single and double": (lambda x: (x * 2).astype(np.float64) + 1, (X,), [["multiply", "cast_into", "add"]]),
}


@pytest.mark.parametrize(("f", "args", "expected"), FUSED.values(), ids=FUSED.keys())
def test_what_becomes_one_step(f, args, expected):
    found = kernels(f, *args)
    if expected is not None:
        assert found == expected


NOT_FUSED = {
    "whole numbers": (lambda x: x * 2 + 1, (np.arange(6),)),
    "half precision": (lambda x: x * 2 + 1, (normal(6, dtype=np.float16),)),
    "what no kernel has": (lambda x: np.exp(np.sin(x)), (X,)),
    "two dtypes at once": (lambda x, y: (x + y) * y, (X, normal(6, 5, dtype=np.float64))),
    "columns of an array": (lambda x: x[:, ::2] * 2 + 1, (X,)),
    "another order of axes": (lambda x: x.T * 2 + 1, (X,)),
    "a sum in pairs": (lambda x: ad.sum(x, axis=1) * 2, (X,)),
    "a sum over rows of one column": (lambda x: ad.sum(x * 2, axis=0), (COLUMN,)),
    "one number": (lambda x: x * 2 + 1, (np.float32(2) * np.ones(()),)),
    "a step alone": (lambda x: x * 2, (X,)),
    "nothing": (lambda x: x * 2 + 1, (normal(0, 3),)),
}


@pytest.mark.parametrize(("f", "args"), NOT_FUSED.values(), ids=NOT_FUSED.keys())
def test_what_is_left_to_numpy(f, args):
    assert kernels(f, *args) == []


def test_a_step_outside_that_reads_a_result_ends_the_group():
    # The exponential needs what the first kernel computes, and the second needs the exponential.
    assert kernels(lambda x: np.exp(x * 2 + 1) * 3 - 1, X) == [["multiply", "add"], ["multiply", "subtract"]]


def test_a_value_is_read_before_it_is_changed():
    w = ad.Tensor(normal(40, 30))
    sgd = optim.SGD([w], lr=0.5)

    def f(x):
        before = (w * 2 + 1).data
        ad.sum(w * x).backward()
        sgd.step()
        sgd.zero_grad()
        return before, (w * 2 + 1).data

    x, start = normal(40, 30), w.data.copy()
    compiled = ad.compile(f)
    compiled(x)
    before, after = compiled(x)
    assert before.tobytes() == ((start - 0.5 * x) * 2 + 1).tobytes()
    assert after.tobytes() == (w.data * 2 + 1).tobytes()


def test_layers_of_a_network_are_kernels():
    model = nn.MLP([6, 5, 3], rng=np.random.default_rng(0))
    compiled = ad.compile(lambda x, y: nn.cross_entropy(model(x), y).backward())
    compiled(normal(4, 6), np.array([0, 1, 2, 0]))
    found = [[part.name for part in step.fused] for step in compiled.plan.program.steps if step.fused]
    assert ["add", "maximum"] in found  # bias and ReLU
    assert ["add", "reduce", "subtract"] in found  # what softmax takes the exponential of, and below what follows it
    assert ["reduce", "divide", "less_one", "multiply", "reduce"] in found  # with the gradient of the logits and a bias
    assert ["greater", "where_into", "reduce"] in found  # its derivative, and the gradient of the bias


def test_what_only_a_kernel_reads_is_never_put_into_memory():
    compiled = ad.compile(lambda x: np.sqrt(np.abs(x * 2 + 1)))
    compiled(X)
    (step,) = [step for step in compiled.plan.program.steps if step.fused]
    assert len(step.outs) == 1
    assert compiled.plan.block_count == 0
    assert "multiply → add → absolute → sqrt" in str(compiled.plan)
    assert "multiply_add_absolute_sqrt(" in compiled.plan.source


def test_two_results_do_not_take_the_memory_of_the_same_operand():
    def f(x):
        y = np.sin(x)
        a, b = y + 1, y * 2
        return np.cos(a) + np.cos(b)

    assert kernels(f, X) == [["add", "multiply"]]


def test_an_array_that_is_not_as_it_was_is_not_given_to_a_kernel():
    owner = nn.BatchNorm1d(5)
    owner.eval()
    compiled = ad.compile(lambda x: owner(x).data)
    compiled(X)
    owner.running_mean = np.asfortranarray(np.stack([np.ones(5, np.float32)] * 2, axis=1))[:, 0]
    assert compiled(X).tobytes() == owner(X).data.tobytes()
    wide = np.ones((5, 2), np.float32)
    owner.running_mean = wide[:, 0]  # of the same shape and dtype, not of the same layout
    wide[:] = [[3, 100]] * 5
    assert compiled(X).tobytes() == owner(X).data.tobytes()


@pytest.mark.parametrize(
    "change",
    [np.asfortranarray, lambda w: w.astype(np.float64), lambda w: w[:1].copy(), lambda w: w[::-1]],
    ids=["order", "dtype", "shape", "strides"],
)
def test_a_parameter_that_an_effect_replaces_is_looked_at_again(change):
    w, changes = ad.Tensor(normal(3, 4)), []

    @effect
    def replace():
        if changes:
            w.data = changes[0](w.data)

    compiled = ad.compile(lambda x: (replace(), (w * x + 1.0) / 2)[1].data)
    x = normal(3, 4)
    compiled(x)
    changes.append(change)
    start = w.data.copy()
    found = compiled(x)
    w.data = start
    replace()
    np.testing.assert_allclose(found, (w.data * x + 1.0) / 2, rtol=1e-6)


def test_an_effect_before_an_array_in_another_order_happens_once():
    w, order = ad.Tensor(np.zeros((3, 4))), ["C"]

    @effect
    def bump():
        w.data += 1
        return np.ones((3, 4), order=order[0])

    compiled = ad.compile(lambda x: (bump() * x + 1.0) / 2)
    compiled(2.0)
    order[0] = "F"
    compiled(2.0)
    assert w.data.max() == 2


def test_small_groups_are_left_to_numpy(monkeypatch):
    monkeypatch.setattr("autodiff.replay.fusing.LEAST", 61)
    assert kernels(lambda x: x * 2 + 1, X) == []
    assert len(kernels(lambda x: x * 2 + 1 - x, X)) == 1


def test_without_a_compiler_numpy_does_it_all(monkeypatch):
    monkeypatch.setattr("autodiff.replay.fusing.is_available", lambda: False)
    assert kernels(lambda x: np.maximum(x * 2 + 1, 0), X) == []


def test_a_long_chain_is_cut():
    def f(x):
        for _ in range(70):
            x = x * 0.5 + 1
        return x

    assert [len(names) for names in kernels(f, X)] == [48, 48, 44]


def test_the_drawing_lists_what_a_kernel_does():
    compiled = ad.compile(lambda x, b: np.exp(np.maximum(x + b, 0)))
    compiled(X, ROW)
    (card,) = [card for card in viz.draw(compiled.plan).content.cards if "in one pass" in card.title]
    assert card.title == "v3 = in one pass: + → max"
    texts = [row.line.text for row in card.rows]
    assert texts[:2] == ["(v2 = x + b)", "v3 = max(v2, 0)"]


def test_the_ledger_counts_what_a_kernel_does_and_only_the_memory_it_touches():
    x = ad.Tensor(normal(4, 3, dtype=np.float64), name="x")
    total = ad.cost(lambda: ad.sum(ad.exp(x * 2 + 1)), repeats=1).compiled
    (fused,) = [step for step in total.steps if "multiply" in step.name and "add" in step.name]
    assert fused.amount.flops == 2 * 12
    assert fused.amount.written == 12 * 8


def test_a_kernel_is_named_after_what_it_does():
    compiled = ad.compile(lambda x: x * 2 + 1)
    compiled(X)
    assert [step.name for step in compiled.plan.program.steps if isinstance(step.run, Fused)] == ["multiply_add"]
