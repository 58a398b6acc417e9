"""Formulas as machine code: the bits of NumPy's own passes, for every operation, form and extreme."""

import copy
import pickle
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from needed import missing

from autodiff import Tensor, optim
from autodiff.fusion import (
    Call,
    Calls,
    Form,
    Formula,
    Line,
    NotElementwiseError,
    Operand,
    Result,
    is_available,
    kernel_of,
    machine_code,
    traced,
)
from autodiff.fusion.llvm_text import COMPARISONS, OF_TRUTH, OPERATIONS
from autodiff.optim import one_pass


@pytest.fixture(autouse=True)
def kernels_are_there():
    if not is_available():
        missing("no kernels: llvmlite is missing, or LLVM does not work here")


EXTREMES = [0.0, -0.0, 1.0, -1.5, 2.5, 1e-45, -1e-310, 3e38, -1e300, np.inf, -np.inf, np.nan]
DTYPES = {"f4": np.float32, "f8": np.float64, "b1": np.bool_}
SPECIAL = ("where", "cast", "less_one")  # which are no ufuncs
ARITY = {"where": 3, "cast": 1, "logical_not": 1} | {
    name: np.__dict__[name].nin for name in OPERATIONS if name not in SPECIAL
}


def grid(arity: int, dtype: str) -> list[np.ndarray]:
    """Every extreme with every other."""
    with np.errstate(all="ignore"):
        one = np.array([0, 1] if dtype == "b1" else EXTREMES, DTYPES[dtype])
    return [np.ascontiguousarray(part.ravel()) for part in np.meshgrid(*[one] * arity)]


def run(formula: Formula, arrays: list, shape: tuple[int, ...], columns: int = 1) -> np.ndarray:
    dtype = formula.dtypes[formula.results[0].value]
    out = np.empty(shape, DTYPES[dtype])
    rows = out.size // columns if formula.results[0].form is Form.EACH else len(arrays[0])
    kernel_of(formula)(arrays, [out], rows, columns)
    return out


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """All NaN count as the same one."""
    if a.dtype.kind != "f":
        return bool((a == b).all())
    nan = np.isnan(a)
    return bool((nan == np.isnan(b)).all()) and a[~nan].tobytes() == b[~nan].tobytes()


CASES = [
    (name, dtype)
    for name in OPERATIONS
    for dtype in (("b1",) if name in OF_TRUTH else ("f4", "f8"))
    if name not in SPECIAL
]


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=[f"{name}-{dtype}" for name, dtype in CASES])
def test_an_operation_gives_numpys_bits_at_every_pair_of_extremes(name, dtype):
    arrays = grid(ARITY[name], dtype)
    result = "b1" if name in COMPARISONS | OF_TRUTH else dtype
    line = Line(name, tuple(range(len(arrays))), result)
    formula = Formula(tuple(Operand(Form.EACH, dtype) for _ in arrays), (line,), (Result(len(arrays)),))
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(*arrays)
    found = run(formula, arrays, expected.shape)
    if name in ("maximum", "minimum"):  # of 0 and -0 NumPy itself gives one or the other, by the place in the array
        found, expected = found + 0.0, expected + 0.0
    assert same_bits(found, expected)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_where_and_casts_are_numpys(dtype):
    x, y = grid(2, dtype)
    condition = np.arange(x.size) % 3 == 0
    each = tuple(Operand(Form.EACH, kind) for kind in ("b1", dtype, dtype))
    found = run(Formula(each, (Line("where", (0, 1, 2), dtype),), (Result(3),)), [condition, x, y], x.shape)
    assert same_bits(found, np.where(condition, x, y))
    for to in ("f4", "f8", "b1"):
        with np.errstate(all="ignore"):
            expected = x.astype(DTYPES[to])
        assert same_bits(run(Formula((each[1],), (Line("cast", (0,), to),), (Result(1),)), [x], x.shape), expected)
    found = run(Formula((each[0],), (Line("cast", (0,), dtype),), (Result(1),)), [condition], x.shape)
    assert same_bits(found, condition.astype(DTYPES[dtype]))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(2, 70),
    dtype=st.sampled_from(["f4", "f8"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_form_of_operand_and_the_sum_over_rows(rows, columns, dtype, seed):
    rng = np.random.default_rng(seed)
    kind = DTYPES[dtype]
    x, row = rng.normal(size=(rows, columns)).astype(kind), rng.normal(size=columns).astype(kind)
    column, one, number = rng.normal(size=(rows, 1)).astype(kind), 2.5, 0.1
    forms = (Form.EACH, Form.ROW, Form.COLUMN, Form.NUMBER, Form.NUMBER)
    lines = (
        Line("add", (0, 1), dtype),
        Line("multiply", (5, 2), dtype),
        Line("subtract", (6, 3), dtype),
        Line("multiply", (7, 4), dtype),
    )
    formula = Formula(tuple(Operand(form, dtype) for form in forms), lines, (Result(8), Result(8, Form.ROW)))
    out, total = np.empty_like(x), np.empty_like(row)
    kernel_of(formula)((x, row, column, one, number), (out, total), rows, columns)
    expected = ((x + row) * column - one) * number
    assert same_bits(out, expected)
    assert same_bits(total, expected.sum(axis=0))


def test_one_less_in_a_column_of_each_row():
    x, labels = np.random.default_rng(0).random((50, 7)).astype(np.float32), np.arange(50) % 7
    operands = (Operand(Form.EACH, "f4"), Operand(Form.COLUMN, "i8"))
    formula = Formula(operands, (Line("less_one", (0, 1), "f4"),), (Result(2),))
    expected = x.copy()
    expected[np.arange(50), labels] -= 1
    assert same_bits(run(formula, [x, labels], x.shape, 7), expected)


@pytest.mark.parametrize("columns", range(2, 17))
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_numbers_of_a_row_taken_together(columns, dtype):
    rng = np.random.default_rng(columns)
    x = rng.normal(size=(60, columns)).astype(DTYPES[dtype])
    x.ravel()[::13] = rng.choice(np.array([0, np.inf, -np.inf, np.nan], x.dtype), x.ravel()[::13].size)
    bias = rng.normal(size=columns).astype(x.dtype)
    operands = (Operand(Form.EACH, dtype), Operand(Form.ROW, dtype))
    lines = (
        Line("add", (0, 1), dtype),
        Line("row_max", (2,), dtype),
        Line("subtract", (2, 3), dtype),
        Line("row_sum", (4,), dtype),
        Line("divide", (4, 5), dtype),
    )
    results = (Result(6), Result(3, Form.COLUMN), Result(5, Form.COLUMN), Result(4, Form.ROW))
    top, total, of_rows = np.empty((60, 1), x.dtype), np.empty((60, 1), x.dtype), np.empty_like(bias)
    with np.errstate(all="ignore"):
        shifted = (x + bias) - (x + bias).max(axis=1, keepdims=True)
        expected = shifted / shifted.sum(axis=1, keepdims=True)
        kernel = kernel_of(Formula(operands, lines, results, columns))
        found = x.copy()  # over which the first result is written
        kernel((found, bias), (found, top, total, of_rows), 60, columns)
        assert same_bits(found, expected)
        assert same_bits(top, (x + bias).max(axis=1, keepdims=True))
        assert same_bits(total, shifted.sum(axis=1, keepdims=True))
        assert same_bits(of_rows, shifted.sum(axis=0))


def test_several_calls_are_made_in_one():
    each = Operand(Form.EACH, "f8")
    kernel = kernel_of(Formula((each,), (Line("negative", (0,), "f8"),), (Result(1),)))
    pairs = [(np.arange(float(n)), np.empty(n)) for n in (3, 0, 5)]
    calls = []
    for x, out in pairs:
        calls.append(Call(kernel))
        calls[-1].words[0], calls[-1].words[1] = id(x), id(out)
    Calls(kernel, calls, [3, 0, 5]).run()
    Calls(kernel, [], []).run()
    assert [out.tolist() for _, out in pairs] == [(-x).tolist() for x, _ in pairs]


def test_a_result_may_be_written_over_an_operand():
    each = Operand(Form.EACH, "f4")
    formula = Formula((each, each), (Line("subtract", (0, 1), "f4"), Line("add", (0, 1), "f4")), (Result(2), Result(3)))
    a, b = np.arange(1000, dtype=np.float32), np.full(1000, 2, np.float32)
    expected = a - b, a + b
    kernel_of(formula)((a, b), (b, a), 1000)
    assert same_bits(b, expected[0])
    assert same_bits(a, expected[1])


def test_only_the_rows_asked_for_are_done():
    each = Operand(Form.EACH, "f8")
    kernel = kernel_of(Formula((each,), (Line("negative", (0,), "f8"),), (Result(1),)))
    x, out = np.arange(6.0), np.zeros(6)
    call = Call(kernel)
    call.words[0], call.words[1] = id(x), id(out)
    call.run(2, 4, 1)
    assert out.tolist() == [0, 0, -2, -3, 0, 0]
    call.run(3, 3, 1)
    call.run(0, 0, 1)
    assert out.tolist() == [0, 0, -2, -3, 0, 0]


def test_one_formula_is_compiled_once():
    def formula():
        each = Operand(Form.EACH, "f4")
        return Formula((each,), (Line("sqrt", (0,), "f4"),), (Result(1),))

    assert kernel_of(formula()) is kernel_of(formula())


NOT_ELEMENTWISE = {
    "a sum": lambda p, g, s: np.sum(g),
    "a ufunc without a row": lambda p, g, s: np.exp(g, out=p),
    "a branch on a value": lambda p, g, s: p.__imul__(2) if g > 0 else None,
    "an index": lambda p, g, s: p.__setitem__(0, 1.0),
    "a number with a dtype": lambda p, g, s: p.__imul__(np.float64(2)),
    "an array of its own": lambda p, g, s: p.__iadd__(np.ones(3)),
    "a condition as a number": lambda p, g, s: np.add(p, g > 0, out=p),
    "numbers as a condition": lambda p, g, s: np.logical_and(p, g, out=p),
    "memory that holds nothing": lambda p, g, s: p.__iadd__(s),
    "a result that is a condition": lambda p, g, s: np.greater(p, g, out=p),
    "an option": lambda p, g, s: np.add(p, g, out=p, where=True),
    "a reduction": lambda p, g, s: np.add.reduce(p),
    "an attribute": lambda p, g, s: p.shape,
    "nothing": lambda p, g, s: None,
}


@pytest.mark.parametrize("code", NOT_ELEMENTWISE.values(), ids=NOT_ELEMENTWISE.keys())
def test_code_that_is_no_formula_is_told_apart(code):
    with pytest.raises(NotElementwiseError):
        traced(code, 2, "f4", scratch=1)


OPTIMIZERS = {
    "sgd": lambda params: optim.SGD(params, lr=0.1),
    "sgd with everything": lambda params: optim.SGD(params, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda params: optim.Adam(params),
    "adam with decay": lambda params: optim.Adam(params, weight_decay=0.1),
    "adamw": lambda params: optim.AdamW(params),
    "adagrad": lambda params: optim.AdaGrad(params, lr=0.1, weight_decay=0.1),
    "rmsprop": lambda params: optim.RMSProp(params, lr=0.1, momentum=0.9),
}


@np.errstate(all="ignore")
def updated(make, dtype, monkeypatch, least, between=lambda optimizer: optimizer):
    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", least)
    rng = np.random.default_rng(1)
    params = [Tensor(rng.normal(size=shape).astype(dtype)) for shape in [(700, 900), (31,), (), (0, 3)]]
    params.append(Tensor(np.asfortranarray(rng.normal(size=(5, 7)).astype(dtype))))
    optimizer = make(params)
    for step in range(4):
        for parameter in params:
            parameter.grad = rng.normal(size=parameter.shape).astype(dtype)
        params[1].grad = params[1].grad if step else None  # it is a step behind the others
        optimizer.lr *= 0.9
        optimizer.step()
        optimizer = between(optimizer)
        params = optimizer.params
    remembered = [state[name] for state in optimizer.state for name in optimizer.memory]
    return [parameter.data for parameter in params], remembered


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_an_update_in_one_pass_gives_the_bits_of_numpys_passes(make, dtype, monkeypatch):
    taken = []
    takes = one_pass.OnePass.takes
    monkeypatch.setattr(one_pass.OnePass, "takes", lambda *args: taken.append(takes(*args)) or taken[-1])
    one = updated(make, dtype, monkeypatch, least=1)
    assert any(taken) is (dtype != "f2")
    many = updated(make, dtype, monkeypatch, least=10**12)
    for found, expected in zip(one, many, strict=True):
        assert all(same_bits(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("between", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])
def test_an_optimizer_can_be_copied_between_steps(between, monkeypatch):
    one = updated(OPTIMIZERS["adam"], "f4", monkeypatch, 1, between)
    assert same_bits(one[0][0], updated(OPTIMIZERS["adam"], "f4", monkeypatch, 1)[0][0])


def test_a_formula_that_no_kernel_can_do_is_done_by_numpy(monkeypatch):
    class Cubic(optim.SGD):
        elementwise = True

        def update(self, p, g, state, scratch, s):
            np.power(g, 3.0, out=scratch)
            p -= scratch

    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)
    parameter = Tensor([1.0, 2.0])
    parameter.grad = np.array([1.0, 0.5])
    Cubic([parameter], lr=0.1).step()
    assert parameter.data.tolist() == [0.0, 1.875]


def test_a_parameter_that_must_not_be_written_to_is_not(monkeypatch):
    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)
    parameter = Tensor([1.0, 2.0])
    parameter.grad = np.ones(2)
    parameter.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([parameter], lr=0.1).step()
    assert parameter.data.tolist() == [1.0, 2.0]


def stepped(make, steps=3, between=lambda step, params, optimizer: None):
    """The parameters after some steps, by NumPy and by a kernel."""
    found = []
    for least in (10**9, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("autodiff.optim.optimizer.LEAST", least)
            params, optimizer = make()
            for step in range(steps):
                for k, parameter in enumerate(params):
                    parameter.grad = np.full(parameter.shape, 1.0 + k + step)
                between(step, params, optimizer)
                optimizer.step()
            found.append([parameter.data.copy() for parameter in params])
    return found


def agree(found):
    return all(same_bits(a, b) for a, b in zip(*found, strict=True))


class Changing(optim.SGD):
    """Its formula reads what is not among its arguments."""

    k = 0.0

    def update(self, p, g, state, scratch, s):
        self.k += 1.0
        p -= self.k * g


class Asking(optim.SGD):
    elementwise = True

    def update(self, p, g, state, scratch, s):
        p -= g / state.get("t")


class Rebinding(optim.SGD):
    elementwise = True

    def update(self, p, g, state, scratch, s):
        state["v"] = 0.5 * state["v"] + g
        p -= state["v"]


class Branching(optim.SGD):
    elementwise = True

    def update(self, p, g, state, scratch, s):
        p -= g if g.max() > 2 else 2 * g


@pytest.mark.parametrize("kind", [Changing, Asking, Rebinding, Branching])
def test_a_formula_that_does_more_than_arithmetic_is_left_to_numpy(kind):
    def make():
        params = [Tensor(np.arange(5.0))]
        return params, kind(params, lr=0.1, momentum=0.9)

    assert agree(stepped(make))


def tied(other):
    def make():
        whole = np.arange(16.0).reshape(4, 4)
        params = [Tensor(np.zeros(3)), Tensor(np.zeros((4, 4))), Tensor(np.zeros((4, 4)))]
        params[1].data, params[2].data = whole, other(whole)
        return params, optim.AdamW(params, lr=0.1)

    return make


@pytest.mark.parametrize(
    "other", [lambda w: w, lambda w: w.T, lambda w: w[::-1]], ids=["same", "transposed", "reversed"]
)
def test_parameters_that_share_memory_are_updated_one_after_the_other(other):
    assert agree(stepped(tied(other)))


def test_parameters_that_come_to_share_memory_too():
    def share(step, params, optimizer):
        if step == 1:
            params[1].data = params[0].data

    def make():
        params = [Tensor(np.arange(4.0)), Tensor(np.ones(4))]
        return params, optim.AdamW(params, lr=0.1)

    assert agree(stepped(make, between=share))


@pytest.mark.parametrize("of", [lambda b: (b[1:], b[:-1]), lambda b: (b[:-1], b[1:]), lambda b: (b, b)])
def test_a_gradient_in_the_memory_of_its_parameter(of):
    found = []
    for least in (10**9, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("autodiff.optim.optimizer.LEAST", least)
            parameter = Tensor(np.zeros(1))
            sgd = optim.SGD([parameter], lr=1.0)
            buffer = np.arange(10.0)
            parameter.data, parameter.grad = of(buffer)
            sgd.step()
            found.append([buffer])
    assert agree(found)


def test_settings_that_cannot_be_compared_are_left_to_numpy():
    def make():
        params = [Tensor(np.arange(5.0))]
        adam = optim.Adam(params)
        adam.betas = [0.9, 0.999]
        return params, adam

    assert agree(stepped(make))


@pytest.mark.parametrize("which", ["parameter", "moment"])
def test_what_becomes_read_only_is_not_written_to(which, monkeypatch):
    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)
    parameter = Tensor([1.0, 2.0])
    adam = optim.Adam([parameter])
    parameter.grad = np.ones(2)
    adam.step()
    (parameter.data if which == "parameter" else adam.state[0]["m"]).flags.writeable = False
    before = parameter.data.copy()
    with pytest.raises(ValueError, match="read-only"):
        adam.step()
    assert same_bits(parameter.data, before)


def test_a_step_that_fails_half_way_does_what_it_has_begun_once(monkeypatch):
    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)
    a, b = Tensor(np.zeros(3)), Tensor(np.zeros(3))
    sgd = optim.SGD([a, b], lr=1.0)
    a.grad, b.grad = np.ones(3), np.ones(4)
    with pytest.raises(ValueError, match="broadcast"):
        sgd.step()
    assert a.data.tolist() == [-1.0] * 3
    a.grad, b.grad = np.full(3, 10.0), np.ones(3)
    sgd.step()
    assert a.data.tolist() == [-11.0] * 3
    assert b.data.tolist() == [-1.0] * 3


def test_a_parameter_that_grew_is_not_updated_beyond_what_is_remembered_of_it(monkeypatch):
    monkeypatch.setattr("autodiff.optim.optimizer.LEAST", 1)
    parameter = Tensor(np.zeros(12))
    sgd = optim.SGD([parameter], lr=0.1, momentum=0.9)
    parameter.grad = np.ones(12)
    sgd.step()
    parameter.data.resize(2400, refcheck=False)
    parameter.grad = np.ones(2400)
    with pytest.raises(ValueError, match="broadcast"):
        sgd.step()


def test_threads_that_need_the_same_kernel_at_once_get_one():
    each = Operand(Form.EACH, "f8")
    formulas = [Formula((each,), (Line("sqrt", (0,), "f8"),) * n, (Result(n),)) for n in range(2, 6)]
    barrier, found = threading.Barrier(4), []

    def ask():
        barrier.wait()
        found.append([kernel_of(formula) for formula in formulas])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(kernels == found[0] for kernels in found)


def test_a_system_that_llvm_does_not_work_on_has_no_kernels(monkeypatch):
    def refuse(formula):
        raise OSError("no memory that can be executed")

    monkeypatch.setattr(machine_code, "kernel_of", refuse)
    is_available.cache_clear()
    try:
        assert not is_available()
    finally:
        is_available.cache_clear()


def test_the_formula_is_read_again_only_where_its_numbers_change():
    calls = []

    def update(p, g, state, scratch, s):
        calls.append(s.lr)
        np.multiply(g, s.lr, out=scratch)
        p -= scratch

    updates = one_pass.OnePass((), [])
    p, g = np.ones(4), np.ones(4)
    for t, lr in enumerate([0.5, 0.5, 0.25, 0.5], 1):
        assert updates.takes(0, update, p, g, {"t": t}, SimpleNamespace(lr=lr))
        updates.finish()
    assert calls == [0.5, 0.25]
    assert p.tolist() == [-0.75] * 4
