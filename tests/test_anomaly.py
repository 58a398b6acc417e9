"""`anomaly()` stops at the first bad number, and leaves nothing behind; `first_cause` tells where it began."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
import viz
from autodiff.tape import Recording, current

X = np.array([1.0, 0.0])


def tensor(name="x", data=X):
    return ad.Tensor(data, name=name)


def hooked(replaced):
    h = tensor() * 2.0
    h.register_hook(lambda g: g * replaced)
    ad.sum(h).backward()


# What is done under anomaly(), and phase, operation, index of the cause that it must raise.
RAISED = {
    "a value of a Tensor": (lambda: ad.log(tensor()), ("forward", "log", (1,))),
    "an operator between Scalars": (lambda: ad.Scalar(1.0) / ad.Scalar(0.0), ("forward", "div", ())),
    "an operator between Tensors": (lambda: tensor() / tensor(data=np.zeros(2)), ("forward", "div", (0,))),
    "NaN in a leaf, at its use": (lambda: tensor(data=np.array([0.0, np.nan])) * 2.0, ("forward", "input", (1,))),
    "infinity in a leaf": (lambda: ad.Scalar(np.inf) * 2.0, ("forward", "input", ())),
    "NaN in a constant": (lambda: tensor() + np.array([np.nan, 0.0]), ("forward", "constant", (0,))),
    "NaN out of infinities that are meant": (lambda: ad.softmax(tensor() - np.inf), ("forward", "softmax", (0,))),
    "backward()": (lambda: ad.sum(ad.sqrt(tensor())).backward(), ("backward", "sqrt", (1,))),
    "backward() of Scalars": (lambda: ad.sqrt(ad.Scalar(0.0)).backward(), ("backward", "sqrt", ())),
    "backward() that is recorded": (
        lambda: ad.sum(ad.sqrt(tensor())).backward(create_graph=True),
        ("backward", "sqrt", (1,)),
    ),
    "grad": (lambda: ad.grad(lambda x: ad.sum(ad.sqrt(x)))(X), ("backward", "sqrt", (1,))),
    "grad of grad": (lambda: ad.grad(ad.grad(lambda x: x**1.5))(0.0), ("backward", "pow", ())),
    "vjp": (lambda: ad.vjp(ad.sqrt, X)[1](np.ones(2)), ("backward", "sqrt", (1,))),
    "jvp": (lambda: ad.jvp(ad.sqrt, (X,), (np.ones(2),)), ("tangent", "sqrt", (1,))),
    "remat": (
        lambda: ad.sum(ad.remat(lambda x: ad.sqrt(x) * 2.0)(tensor())).backward(),
        ("backward", "sqrt", (1,)),
    ),
    "a gradient per example": (lambda: ad.vmap(ad.grad(ad.sqrt))(X), ("backward", "sqrt", (1,))),
    "the gradient of a map": (lambda: ad.grad(lambda x: ad.sum(ad.vmap(ad.log)(x)))(X), ("forward", "log", (1,))),
    "an operation with parameters in a map": (
        lambda: ad.vmap(ad.grad(lambda x: ad.sum(ad.softmax(x - np.inf))))(np.ones((2, 3))),
        ("forward", "mapped softmax", (0, 0)),
    ),
    "a hook": (lambda: hooked(np.nan), ("backward", "mul", (0,))),
    "the cotangent given": (lambda: (tensor() * 2.0).backward(np.array([1.0, np.inf])), ("backward", "mul", (1,))),
    "an expression": (lambda: ad.parse("log(w) * 2", w=0.0), ("forward", "log", ())),
    "anomaly inside anomaly": (lambda: ad.anomaly()(lambda: ad.log(tensor()))(), ("forward", "log", (1,))),
    "a recording that asks for no source lines": (
        lambda: ad.recording(source=False)(lambda: ad.log(tensor()))(),
        ("forward", "log", (1,)),
    ),
}


@pytest.mark.parametrize("name", RAISED)
def test_the_first_bad_number_raises(name):
    program, expected = RAISED[name]
    with pytest.raises(ad.AnomalyError) as caught, ad.anomaly():
        program()
    cause = caught.value.cause
    assert (cause.phase, cause.operation, cause.index) == expected
    assert str(caught.value) == " ".join(str(cause).split())
    assert isinstance(caught.value, ArithmeticError)
    assert viz.draw(caught.value.graph, highlight=cause).content.cards
    assert current.get() == Recording()


PASSED = {
    "finite numbers": lambda: ad.sum(ad.exp(tensor())).backward(),
    "a mask of −∞": lambda: ad.sum(ad.softmax(ad.where(X > 0, tensor(), -np.inf)) ** 2).backward(),
    "an infinite derivative past a zero cotangent": lambda: ad.sum(ad.where(X > 0, ad.sqrt(tensor()), 0.0)).backward(),
    "NaN that nan_to_num replaces": lambda: ad.sum(ad.nan_to_num(tensor(data=np.array([np.nan, 1.0])))).backward(),
    "what is not recorded": lambda: ad.no_grad()(lambda: ad.log(tensor()))(),
    "plain arrays": lambda: ad.log(X),
    "the norm of zeros": lambda: ad.linalg.norm(tensor(data=np.zeros(2))).backward(),
}


@pytest.mark.parametrize("name", PASSED)
def test_what_is_right_passes(name):
    with ad.anomaly():
        PASSED[name]()
    assert current.get() == Recording()


def test_gradients_are_those_without():
    def gradient():
        x = tensor(data=np.array([0.5, 2.0]))
        (ad.sum(ad.tanh(x) * x) ** 2).backward()
        return x.grad

    with ad.anomaly():
        watched = gradient()
    assert np.array_equal(watched, gradient())


def test_as_a_decorator_it_watches_every_call():
    log = ad.anomaly()(lambda x: ad.log(x))
    for _ in range(2):
        with pytest.raises(ad.AnomalyError):
            log(tensor())
        assert log(ad.Scalar(1.0)).data == 0.0


def test_source_lines_are_remembered():
    with pytest.raises(ad.AnomalyError) as caught, ad.anomaly():
        ad.log(tensor())  # this line
    assert caught.value.cause.source.text.endswith("# this line")


def test_another_thread_is_not_watched_and_watches_for_itself():
    seen = []

    def work():
        seen.append(ad.sqrt(ad.Scalar(-1.0)).data)
        try:
            with ad.anomaly():
                ad.sqrt(ad.Scalar(-1.0))
        except ad.AnomalyError as error:
            seen.append(error.cause.operation)

    with ad.anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert np.isnan(seen[0])
    assert seen[1:] == ["sqrt"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestFirstCause:
    def test_an_input_of_the_wrong_kind_is_told(self):
        with pytest.raises(ad.AutodiffError, match="phase is 'forward', 'backward' or None, got 'sideways'"):
            ad.first_cause(ad.Scalar(1.0), "sideways")
        with pytest.raises(ad.AutodiffError, match="built from Scalars and Tensors, got float"):
            ad.first_cause(1.0)

    def test_value_trace_and_graph_agree(self):
        loss = ad.sum(ad.log(tensor()))
        found = [ad.first_cause(subject) for subject in (loss, ad.backprop(loss), ad.Graph.of(loss))]
        assert found[0] == found[1] == found[2]

    def test_a_nan_loss_with_finite_gradients_is_reported(self):
        w, c = ad.Scalar(1.0, name="w"), ad.Scalar(np.nan, requires_grad=False)
        loss = w * 2.0 + c
        loss.backward()
        assert w.grad == 2.0
        assert ad.first_cause(loss).operation == "constant"

    def test_elements_are_followed_and_not_only_nodes(self):
        """The bad element of the first logarithm is left out; the one that counts is of the second."""
        x, y = tensor("x"), tensor("y", np.array([0.0, 2.0]))
        loss = ad.sum((ad.log(x) + 0.0)[:1] + ad.log(y)[:1])
        cause = ad.first_cause(loss)
        assert (cause.operands[0].name, cause.index) == ("y", (0,))

    def test_the_path_and_the_inputs_are_told(self):
        w, x = ad.Scalar(0.0, name="w"), ad.Scalar(3.0, name="x")
        p = ad.multiply(w, x, name="p")
        cause = ad.first_cause(ad.exp(ad.log(p) * -1.0, name="L"))
        assert cause.inputs == ("w", "x")
        assert cause.report() == [
            "forward pass: log(0.000) = −inf in v₃ (node #3): its limit there is −∞",
            "operand p = 0.000, from w · x, a factor of which is 0, or which underflowed",
            "it spreads: v₃ → v₅ → L",
            "inputs on the way: w, x",
        ]
        assert {(2, 0), (2, 1), (3, 0), (5, 0), (6, 0)} == set(cause.edges)

    def test_a_long_graph_is_no_problem(self):
        x = ad.Scalar(0.0, name="x")
        y = ad.log(x)
        for _ in range(20_000):
            y = y + 1.0
        cause = ad.first_cause(y)
        assert (cause.operation, len(cause.path)) == ("log", 20_001)
        assert "… 19993 more …" in cause.report()[2]


UNARY = ("sqrt", "log", "exp", "tanh", "square", "reciprocal", "relu", "cbrt")


@given(
    st.lists(st.sampled_from(UNARY), max_size=6),
    st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=3),
)
def test_there_is_a_cause_exactly_where_loss_or_gradient_is_not_finite(names, numbers):
    x = ad.Tensor(np.array(numbers), "x")
    with np.errstate(all="ignore"):
        h = x
        for name in names:
            h = getattr(ad, name)(h)
        loss = ad.sum(h)
    trace = ad.backprop(loss)
    finite = np.isfinite(loss.data) and np.all(np.isfinite(trace.cotangents.get(0, 0.0)))
    cause = ad.first_cause(trace)
    assert (cause is None) == finite
    if cause is not None:
        assert not np.isfinite(cause.value)
        assert cause.node in cause.nodes
