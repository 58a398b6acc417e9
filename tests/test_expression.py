"""The expression parser: what it records, and that nothing else is ever evaluated."""

import gc
import math
import warnings
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.expression import FUNCTIONS, names_in

ACCEPTED = [
    ("w*x + b", {"w": 2.0, "x": 3.0, "b": 1.0}, 7.0),
    ("L = (w - 1)**2", {"w": 3.0}, 4.0),
    ("h = relu(w); h*h + pi", {"w": 2.0}, 4 + math.pi),
    ("-w + +w - 2/w", {"w": 2.0}, -1.0),
    ("where(w > 0, w, -w)", {"w": -2.0}, 2.0),
    ("maximum(w, 3) ** 0.5", {"w": 4.0}, 2.0),
    ("sum(W @ x)", {"W": [[1, 2], [3, 4]], "x": [1, 1]}, 10.0),
    ("max(x[1:]) + x[-1]", {"x": [9.0, 1.0, 2.0]}, 4.0),
    ("sum(mean(W, axis=0))", {"W": np.ones((2, 3))}, 3.0),
    ("sum(x * [1, 2])", {"x": [3.0, 4.0]}, 11.0),
    ("sum(concatenate([x, 2*x]))", {"x": [1.0, 2.0]}, 9.0),
    ("sum(split(x, 2)[1])", {"x": [1.0, 2.0, 3.0, 4.0]}, 7.0),
    ("var(x, ddof=1)", {"x": [1.0, 3.0]}, 2.0),
    ("sum(stack([w, 3]) * [1, 2])", {"w": 2.0}, 8.0),
    ("1e-3 * w", {"w": 2.0}, 0.002),
    ("w % 3 + w // 3", {"w": 7.5}, 3.5),
    ("-7 // 2 + w", {"w": 0.0}, -4.0),
    ("sum(x % [2, 3] + x // 2)", {"x": [5.0, 7.0]}, 7.0),
    ("linalg.norm(x)", {"x": [3.0, 4.0]}, 5.0),
    ("linalg . norm(x, ord=1)", {"x": [3.0, 4.0]}, 7.0),
    ("linalg.norm(x, ord=inf)", {"x": [3.0, 4.0]}, 4.0),
    ("linalg.norm(A, 'fro') + linalg.det(A)", {"A": [[3.0, 0.0], [0.0, 4.0]]}, 17.0),
    ("sum(linalg.eigh(A).eigenvalues)", {"A": [[3.0, 0.0], [0.0, 4.0]]}, 7.0),
    ("E = linalg.eigh(A); sum(E[0]) * E.eigenvalues[0]", {"A": [[3.0, 0.0], [0.0, 4.0]]}, 21.0),
    ("sum(linalg.multi_dot([A, A, x]))", {"A": [[1.0, 1.0], [0.0, 1.0]], "x": [1.0, 1.0]}, 4.0),
    ("sum(einsum('ij,j->i', A, x))", {"A": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, 1.0]}, 10.0),
    ("gelu(w, approximate='tanh')", {"w": 0.0}, 0.0),
    ("sum(pad(x, 1, 'edge'))", {"x": [1.0, 2.0]}, 6.0),
    ("sum(W, axis=1, keepdims=True)[0, 0]", {"W": [[1, 2], [3, 4]]}, 3.0),
    ("sum(W, (0, 1))", {"W": [[1, 2], [3, 4]]}, 10.0),
    ("sum(hstack([W, x]) * vstack(tup=[[1, 2], [3, 4]])[0, 1])", {"W": [[1, 2]], "x": [[3]]}, 12.0),
    ("sum(block([[W, x], [1, 2, 3]])[:, 2])", {"W": [[1, 2]], "x": [[3]]}, 6.0),
    ("select([w < 0, w < 3], [0, w * w])", {"w": 2}, 4.0),
    ("choose([1, 0], [x, x * x])[0]", {"x": [3, 4]}, 9.0),
    ("sum(sum(W, None, keepdims=True))", {"W": [[1, 2], [3, 4]]}, 10.0),
    ("sum(average(W, weights=v, axis=0))", {"W": [[1, 2], [3, 4]], "v": [1.0, 0.0]}, 3.0),
    ("sum(clip(x, a_max=w))", {"x": [1.0, 5.0], "w": 2.0}, 3.0),
    ("sum(x[x > 1])", {"x": [1.0, 2.0, 3.0]}, 5.0),
    ("sum(meshgrid(x, y)[1])", {"x": [1.0, 2.0], "y": [3.0]}, 6.0),
    ("sum([w, 3] * [1, 2])", {"w": 2.0}, 8.0),
    ("sum([[w, 1], [w, 2]] @ [1, 1])", {"w": 2.0}, 7.0),
    ("max([w, 3])", {"w": 4.0}, 4.0),
    ("-[w, 1][0] + sum(-[w, 1])", {"w": 2.0}, -5.0),
    ("where(x > inf, x, -pi)[0] + w*0", {"x": [1.0], "w": 1.0}, -math.pi),
    ("µ * Ångström", {"µ": 2.0, "Ångström": 3.0}, 6.0),
    ("ﬁ + match + type + _", {"ﬁ": 1.0, "match": 1.0, "type": 1.0, "_": 1.0}, 4.0),
    ("exp + exp(exp)", {"exp": 0.0}, 1.0),
    ("linalg * linalg.norm(x)", {"linalg": 2.0, "x": [3.0, 4.0]}, 10.0),
    ("  w\\\n + 1  # a comment", {"w": 1.0}, 2.0),
    ("+".join(["w"] * 2000), {"w": 1.0}, 2000.0),
    ("-".join(["w*2"] * 2000), {"w": 1.0}, -3996.0),
]


@pytest.mark.parametrize(("text", "values", "expected"), ACCEPTED)
def test_accepted(text, values, expected):
    assert ad.parse(text, **values).item() == pytest.approx(expected)


def test_values_in_a_list_get_their_gradients():
    for text, expected in [
        ("sum([w, 3*w] * [1, 2])", 7.0),
        ("max([w, 1])", 1.0),
        ("sum([[w, w], [1, 2]] @ [1, 1])", 2.0),
    ]:
        w = ad.Scalar(2.0)
        ad.parse(text, w=w).backward()
        assert w.grad == expected


FITTING = {"x": [0.3, 0.6, 0.2], "W": [[2.0, 1.0], [1.0, 3.0]], "w": 0.5, "c": [True, False, True]}
CALLS = [
    "{0}(w)",
    "{0}(x)",
    "{0}(W)",
    "{0}(w, w)",
    "{0}(x, x)",
    "{0}(W, W)",
    "{0}([x, x])",
    "{0}([W, W])",
    "{0}(W, 0, 1)",
]
CALLS += ["{0}([[x]], 3)", "{0}(w, x, x)", "{0}([0, 1, 1], x)", "{0}([0, 1, 1], [x, x])", "{0}([x > 0.4], [x])"]
CALLS += ["{0}(x, [x > 0], [1, 2])"]
CALLS += ["{0}(W, 1)", "{0}('ij->i', W)", "{0}(w > 0, w, 1)", "{0}(x, [0, 1])", "{0}(x, [3])", "{0}(x, 0, 0)"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_can_be_called_and_meets_anything_with_a_value_or_one_error(name):
    made = []
    for call in CALLS:
        text = call.format(name)
        try:
            made.append(ad.parse(text, **{key: FITTING[key] for key in names_in(text)}))
        except ad.errors.ExpressionError as error:
            assert "\n" not in str(error)
            if "the result is a list" in str(error):
                made.append(text)
    assert made, f"no way to call {name} was found"
    for odd in ("'text'", "None", "True", "[]", "()", "inf", "10**30", "x > 0", "[[x], x]", "-1.5", "..."):
        for text in (f"{name}({odd})", f"{name}(x, {odd})", f"{name}({odd}, x)", f"{name}(x, x, {odd})"):
            try:
                ad.parse(text, **{key: FITTING[key] for key in names_in(text)})
            except ad.errors.ExpressionError as error:
                assert "\n" not in str(error)


def test_every_public_function_is_offered():
    assert set(ad.ops.__all__) - set(FUNCTIONS) == {"dropout", "getitem", "astype", "apply_along_axis"}
    missing = {name for name in ad.linalg.__all__ if f"linalg.{name}" not in FUNCTIONS}
    assert missing == {"Eigh", "LstSq", "QR", "SVD", "Slogdet"}  # what functions return, not functions


def test_names_are_given_to_inputs_and_assigned_nodes():
    graph = ad.Graph.of(ad.parse("h = w*x; L = h + 1", w=1.0, x=2.0))
    assert [n.name for n in graph.nodes] == ["w", "x", "h", None, "L"]


def test_sources_are_the_parts_of_the_text():
    with ad.recording(source=True):
        graph = ad.Graph.of(ad.parse("(w + 1) * w", w=1.0))
    assert [n.source.text for n in graph.nodes if n.source] == ["w + 1", "(w + 1) * w"]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("h = exp(w*x); h + b*pi + w", ["w", "x", "b"]),
        ("linalg.norm(x, ord=inf) * linalg.eigh(A).eigenvalues[0]", ["x", "A"]),
        ("linalg.norm(linalg)", ["linalg"]),
        ("exp(exp)", ["exp"]),
    ],
)
def test_names_in(text, needed):
    assert names_in(text) == needed


@pytest.mark.parametrize("text", ["L = +x", "L = x", "L = [x, 1][0]", "L = [y, x][1] + 0*y; M = +x; M", "L = +(+x)"])
def test_given_values_are_left_as_they_are(text):
    x = ad.Scalar(2.0, name="mine")
    before = (x.name, x.source, x.scope, x.grad, x.index)
    with ad.recording(source=True):
        ad.parse(text, **{"x": x, "y": 1.0} if "y" in text else {"x": x})
    assert (x.name, x.source, x.scope, x.grad, x.index) == before


def test_an_assigned_node_keeps_its_first_name():
    h = ad.parse("h = w*2; L = +h", w=1.0)
    assert h.name == "h"


def test_a_graph_is_freed_with_its_outputs():
    gc.collect()
    gc.disable()
    try:
        output = ad.parse("h = exp(w*x) + 1; sum(h * [1, 2]) % 3", w=1.0, x=[1.0, 2.0])
        watched = [weakref.ref(output), *(weakref.ref(o) for o in output.operands if isinstance(o, ad.Tensor))]
        assert len(watched) > 1
        del output
        assert [watch() for watch in watched] == [None] * len(watched)
        w = ad.Scalar(1.0)
        watch = weakref.ref(w)
        with pytest.raises(ad.errors.ExpressionError):
            ad.parse("w + q", w=w)
        del w
        assert watch() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("text", ["w * 1if w else 2", "1 is w", "'\\d' * w", "0x1for w in w", "w [1](2)", "1(2) * w"])
def test_python_prints_no_hints_about_the_text(text):
    with warnings.catch_warnings(record=True) as caught, pytest.raises(ad.errors.ExpressionError):
        warnings.simplefilter("always")
        ad.parse(text, w=1.0)
    assert caught == []


REFUSED = [
    ("", "the expression is empty"),
    ("w*", "invalid syntax"),
    ("w q", "invalid syntax"),
    ("__import__('os')", "'__import__' is not a function"),
    ("w.real", "'w.real': is not allowed"),
    ("w.__class__", "is not allowed"),
    ("(lambda: w)()", "is not a function"),
    ("[w for w in w]", "is not allowed"),
    ("f'{w}'", "is not allowed"),
    ("'text' * w", "only numbers are allowed"),
    ("True * w", "only numbers are allowed"),
    ("1j * w", "only numbers are allowed"),
    ("w if w else w", "is not allowed"),
    ("w and w", "is not allowed"),
    ("(w := 3)", "is not allowed"),
    ("w << 2", "this operator is not allowed; use + - * / // % ** @"),
    ("not w", "this operator is not allowed; use + - * / // % ** @"),
    ("w * (7 % 0)", "'7 % 0': is not a finite number"),
    ("w * (7 // 0)", "'7 // 0': is not a finite number"),
    ("~w", "this operator is not allowed"),
    ("import os", "only expressions and 'name = expression'"),
    ("w += 1", "only expressions and 'name = expression'"),
    ("a = b = w", "only expressions and 'name = expression'"),
    ("w = 3", "'w' is assigned, but it already has a value"),
    ("9**9**9 * w", "'9**9**9': is not a finite number"),
    ("10**400 * w", "is not a finite number"),
    ("1e999 * w", "too large"),
    ("exp(1000) * w", "'exp(1000)': is not a finite number"),
    ("w * q", "'q': has no value: give q=..."),
    ("exp + w", "'exp': is a function: call it"),
    ("eval(w)", "'eval' is not a function"),
    ("relu(w, w)", "relu: takes 1 operand, got 2"),
    ("sum(w, foo=1)", "takes no option 'foo'"),
    ("relu(w, name=1)", "takes no option 'name'"),
    ("sum(*w)", "starred"),
    ("[w, w]", "the result is a list"),
    ("split(w*[1,2], 2)['a']", "only plain numbers"),
    ("split(w*[1,2], 2)[5]", "out of range"),
    ("[w, [w]] + 1", "stack: operand shapes () and (1,)"),
    ("rleu(w)", "did you mean relu?"),
    ("w^2", "a power is written **"),
    ("sum(w, axis=w)", "only plain numbers"),
    ("sum(w, axis=3)", "axis 3 is out of bounds"),
    ("w[0]", "getitem: shape ()"),
    ("w < 1 < 2", "compare two values"),
    ("w \0", "null bytes"),
    ("w" * 20_000, "more than the 10000 allowed"),
    ("+".join(["w"] * 4000), "w+w"),
    ("(" * 150 + "w" + ")" * 150 + "*" * 3, "invalid syntax"),
    ("1 + 1", "a value is given for 'w', which the expression does not use"),
    ("linalg.norm", "'linalg.norm': is a function: call it"),
    ("linalg.nrm([w])", "'linalg.nrm' is not a function; did you mean linalg.norm?"),
    ("linalg.Eigh(w, w)", "is not a function"),
    ("linalg.norm.real(w)", "is not a function"),
    ("linalg.__class__(w)", "is not a function"),
    ("np.exp(w)", "'np.exp' is not a function"),
    ("linalg.eigh([[w, 0], [0, 1]])", "the result is a list of 2 values; pick one with .eigenvalues"),
    ("split([w, w], 2)", "the result is a list of 2 values; pick one with [0]"),
    ("linalg.eigh([[w, 0], [0, 1]])._asdict", "is not allowed"),
    ("linalg.eigh([[w, 0], [0, 1]]).count", "is not allowed"),
    ("exp(w)(w)", "is not a function"),
    ("(exp)(w)(2)", "is not a function"),
    ("exp('a') * w", "only numbers are allowed"),
    ("exp(True) * w", "only numbers are allowed"),
    ("add(w, None)", "only numbers are allowed"),
    ("sum(w, axis='a')", "sum"),
    ("w[w > 0, 'a']", "only plain numbers"),
    ("sum(w, axis=2j)", "only plain numbers"),
    ("sum(w, axis={0})", "only plain numbers"),
    ("sum(w, axis=(0, [None, 'a']))", "only plain numbers"),
    ("sum(w, **{'axis': 0})", "takes no option None"),
    ("w + w * q + q", "'q' at column 9: has no value"),
    (" w + w * q + q", "'q' at column 10: has no value"),
    ("h = w\nq + q", "'q' at line 2, column 1: has no value"),
    ("\n\n  h = w; h + q\nh + q", "'q' at line 3, column 14: has no value"),
    ("w\n + ", "at line 2, column 1"),
    ("w + 'µ' * w + 'µ' * q", "'µ'\" at column 5: only numbers"),
    ("w*1 + " * 12 + "q", "'q' at column 73: has no value"),
    ("µµ * q + q", "'µµ': has no value: give μμ=..."),
    ("lambda * w", "invalid syntax"),
    ("None * w", "only numbers are allowed"),
    ("__debug__ * w", "'__debug__': has no value"),
    ("w * " + "1" * 4400, "Exceeds the limit"),
    ("-" * 4000 + "w", "nested too deeply"),
    ("(" * 180 + "w" + ")" * 180 + "+" + "-" * 900 + "w", "nested too deeply"),
    ("w" + "[0]" * 3000, "w[0]"),
    ("w" + ".a" * 3000, "w.a"),
    ("\ud800", "surrogates not allowed"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_with_the_offending_part(text, message):
    with pytest.raises(ad.errors.ExpressionError) as caught:
        ad.parse(text, w=1.0)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 or "use one of" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0], [1.0, 2.0]], "w: a list is no number or array of numbers: setting an array element"),
        ("text", "w: a str is no number"),
        (None, "w: a NoneType is no number"),
        (["1"], "takes real numbers, got dtype <U1"),
        (1j, "complex numbers (complex128) are not supported"),
        ([1j], "complex numbers (complex128) are not supported"),
        (10**400, "w: a int is no number or array of numbers: Scalar: this integer is too large for a float"),
        ([10**400], "takes real numbers, got dtype object"),
        ({"a": 1}, "w: a dict is no number"),
        (object, "w: a type is no number"),
        ([ad.Tensor([1.0]), 2.0], "w: a list is no number"),
    ],
)
def test_values_that_are_no_numbers_are_named(value, message):
    with pytest.raises(ad.errors.ExpressionError) as caught:
        ad.parse("w * 2", w=value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_is_what_python_reads():
    assert ad.parse("µ * 2", **{"µ": 1.0}).operands[0].name == "μ"
    with pytest.raises(ad.errors.ExpressionError, match="one and the same to Python"):
        ad.parse("µ", **{"µ": 1.0, "μ": 2.0})


@pytest.mark.parametrize("text", [None, 3, b"w", ["w"]])
def test_an_expression_is_text(text):
    with pytest.raises(ad.errors.ExpressionError, match="an expression is text"):
        ad.parse(text)


@pytest.mark.parametrize("name", ["a b", "lambda", "1x", ""])
def test_values_need_proper_names(name):
    with pytest.raises(ad.errors.ExpressionError, match="is not a name|has no value"):
        ad.parse("w", **{"w": 1.0, name: 2.0})


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="wx+-*/()[]{}.,=<>:'\"_ 019eabcdrelusxpnm\n;@!#\\", max_size=60))
def test_any_text_is_a_value_or_one_error(text):
    try:
        with np.errstate(all="ignore"):
            ad.parse(text, w=1.0, x=[1.0, 2.0])
    except ad.errors.ExpressionError as error:
        assert "\n" not in str(error)
