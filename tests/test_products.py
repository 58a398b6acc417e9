"""Matrix products in two halves, where OpenBLAS is kept to one thread."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import products, threads


@pytest.fixture
def shared(monkeypatch):
    """Products are shared out, and each that is done is noted with the shape of its result."""
    done = []
    monkeypatch.setattr(products, "are_products_shared", lambda: True)
    monkeypatch.setattr(products, "LEAST", 1000)
    monkeypatch.setattr(products, "both", lambda f, *parts: [done.append(p[2].shape) or f(*p) for p in parts])
    return done


def normal(*shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x", "y", "halves"),
    [
        (normal(20, 30), normal(30, 64), [(20, 32), (20, 32)]),
        (normal(64, 30), normal(30, 20), [(32, 20), (32, 20)]),
        (normal(10, 30), normal(30, 50), [(10, 32), (10, 18)]),
        (normal(30, 20).T, normal(64, 30).T, [(20, 32), (20, 32)]),
        (normal(20, 60)[:, ::2], normal(30, 64), [(20, 32), (20, 32)]),
    ],
    ids=["columns", "rows", "unequal halves", "transposed", "strided"],
)
def test_the_halves_are_the_product(x, y, halves, dtype, shared):
    x, y = x.astype(dtype, order="K"), y.astype(dtype, order="K")
    found = products.matmul(x, y)
    assert shared == halves
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.matmul(x, y), rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)
    out = np.empty_like(found)
    assert products.matmul(x, y, out=out) is out
    assert out.tobytes() == found.tobytes()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (normal(5, 6), normal(6, 7)),
        (normal(3, 20, 30), normal(30, 64)),
        (normal(900), normal(900, 64)),
        (normal(20, 30), normal(30, 64, dtype=np.float32)),
        (np.ones((20, 30), int), np.ones((30, 64), int)),
        (normal(20, 30, dtype=np.float16), normal(30, 64, dtype=np.float16)),
    ],
    ids=["small", "a stack", "a vector", "two dtypes", "whole numbers", "half precision"],
)
def test_other_products_are_numpys(x, y, shared):
    found, expected = products.matmul(x, y), np.matmul(x, y)
    assert shared == []
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


def test_nothing_is_shared_where_openblas_shares_itself(monkeypatch):
    monkeypatch.setattr(products, "LEAST", 1)
    monkeypatch.setattr(products, "both", lambda *parts: pytest.fail("shared"))
    products.matmul(normal(20, 30), normal(30, 64))


@pytest.mark.parametrize("processors", [1, 3])
def test_the_numbers_do_not_depend_on_how_many_processors_there_are(processors, monkeypatch):
    monkeypatch.setattr(products, "are_products_shared", lambda: True)
    monkeypatch.setattr(products, "LEAST", 1000)
    x, y = normal(200, 300, dtype=np.float32), normal(300, 400, dtype=np.float32)
    expected = products.matmul(x, y)
    monkeypatch.setattr(threads, "processors", lambda: processors)
    assert products.matmul(x, y).tobytes() == expected.tobytes()


def test_eager_and_compiled_products_and_their_gradients_agree(monkeypatch):
    monkeypatch.setattr(products, "are_products_shared", lambda: True)
    monkeypatch.setattr(products, "LEAST", 1000)
    function = ad.value_and_grad(lambda x, y: ad.sum((x @ y) ** 2), (0, 1))
    compiled = ad.compile(function)
    x, y = normal(50, 60), normal(60, 70)
    expected = function(x, y)
    for _ in range(2):
        value, gradients = compiled(x, y)
        assert value == expected[0]
        assert all(a.tobytes() == b.tobytes() for a, b in zip(gradients, expected[1], strict=True))
