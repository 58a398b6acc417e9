"""The expression parser: what it records, and that nothing else is ever evaluated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.expression import names_in

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
]


@pytest.mark.parametrize(("text", "values", "expected"), ACCEPTED)
def test_accepted(text, values, expected):
    assert ad.parse(text, **values).item() == pytest.approx(expected)


def test_names_are_given_to_inputs_and_assigned_nodes():
    graph = ad.Graph.of(ad.parse("h = w*x; L = h + 1", w=1.0, x=2.0))
    assert [n.name for n in graph.nodes] == ["w", "x", "h", None, "L"]


def test_sources_are_the_parts_of_the_text():
    with ad.recording(source=True):
        graph = ad.Graph.of(ad.parse("(w + 1) * w", w=1.0))
    assert [n.source.text for n in graph.nodes if n.source] == ["w + 1", "(w + 1) * w"]


def test_names_in():
    assert names_in("h = exp(w*x); h + b*pi + w") == ["w", "x", "b"]


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
    ("w // 2", "this operator is not allowed"),
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
    ("[w, [w]] + 1", "inhomogeneous"),
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
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_with_the_offending_part(text, message):
    with pytest.raises(ad.errors.ExpressionError) as caught:
        ad.parse(text, w=1.0)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


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
