"""Linear algebra: values as NumPy's, what is refused, and what several results share."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import linalg

RNG = np.random.default_rng(0)


def rand(*dims):
    return RNG.uniform(-2, 2, dims)


M, STACK, A, V = rand(3, 3), rand(2, 3, 3), rand(3, 4), rand(4)
POSITIVE = STACK @ np.swapaxes(STACK, -1, -2) + np.eye(3)

SAME = [  # function, the same name in NumPy, arguments
    (ad.dot, np.dot, 2.0, A),
    (ad.dot, np.dot, V, V),
    (ad.dot, np.dot, rand(2, 3, 4), V),
    (ad.dot, np.dot, rand(2, 3, 4), rand(4, 2)),
    (ad.dot, np.dot, rand(2, 3, 4), rand(5, 4, 2)),
    (ad.dot, np.dot, V, rand(5, 4, 2)),
    (ad.inner, np.inner, 2.0, A),
    (ad.inner, np.inner, rand(2, 3, 4), rand(5, 4)),
    (ad.vdot, np.vdot, A, rand(4, 3)),
    (ad.outer, np.outer, A, V),
    (ad.tensordot, np.tensordot, A, rand(3, 4, 2)),
    (ad.tensordot, np.tensordot, A, V, 0),
    (ad.tensordot, np.tensordot, rand(2, 3, 4), rand(4, 5, 2), ([0, -1], [2, 0])),
    (ad.cross, np.cross, rand(5, 3), rand(3)),
    (ad.cross, np.cross, rand(3, 5), rand(5, 3), 0, 1, 0),
    (ad.cross, np.cross, rand(5, 3, 2), rand(5, 3, 2), -1, -1, -1, 1),
    (ad.matrix_transpose, np.matrix_transpose, STACK),
    *[
        (ad.einsum, np.einsum, subscripts, *operands)
        for subscripts, *operands in [
            ("ij,jk", A, A.T),
            ("ba", A),
            ("ii", M),
            ("...ii->i...", STACK),
            ("i...,j...", A, rand(2, 4)),
            ("...,...", A, V),
            (" i j , j -> i ", A, V),
            ("ij,ij,i->j", A, A, rand(3)),
            ("Ba,aC", A, rand(4, 2)),
            ("ij,ij->ij", A, rand(1, 4)),
            (A, [0, 1], V, [1]),
            (A, [1, 0]),
            (STACK, [..., 0, 0], [0, ...]),
        ]
    ],
    (linalg.norm, np.linalg.norm, STACK),
    (linalg.norm, np.linalg.norm, A, "fro"),
    (linalg.norm, np.linalg.norm, V, 1),
    (linalg.norm, np.linalg.norm, A, np.inf, 0, True),
    (linalg.norm, np.linalg.norm, STACK, None, (0, 2)),
    (linalg.det, np.linalg.det, STACK),
    (linalg.inv, np.linalg.inv, STACK),
    (linalg.solve, np.linalg.solve, STACK, rand(3)),
    (linalg.solve, np.linalg.solve, STACK, A),
    (linalg.pinv, np.linalg.pinv, STACK[:, :2]),
    (linalg.matrix_power, np.linalg.matrix_power, STACK, 0),
    (linalg.matrix_power, np.linalg.matrix_power, STACK, 5),
    (linalg.matrix_power, np.linalg.matrix_power, M, -3),
    (linalg.multi_dot, np.linalg.multi_dot, [rand(4), rand(4, 2), rand(2, 5), rand(5)]),
    (linalg.cholesky, np.linalg.cholesky, POSITIVE),
    (linalg.eigvalsh, np.linalg.eigvalsh, STACK, "U"),
    (lambda x: linalg.svd(x, compute_uv=False), lambda x: np.linalg.svd(x, compute_uv=False), A),
    (lambda x: linalg.qr(x, "r"), lambda x: np.linalg.qr(x, "r"), A),
]


@pytest.mark.parametrize(("function", "numpys", "arguments"), [(f, g, args) for f, g, *args in SAME])
def test_values_are_numpys(function, numpys, arguments):
    out, expected = function(*arguments), numpys(*arguments)
    assert np.shape(out) == np.shape(expected)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "numpys", "arguments"),
    [
        (linalg.slogdet, np.linalg.slogdet, (-STACK,)),
        (linalg.eigh, np.linalg.eigh, (STACK, "U")),
        (linalg.svd, np.linalg.svd, (STACK,)),
        (linalg.svd, np.linalg.svd, (A.T, False)),
        (linalg.qr, np.linalg.qr, (A,)),
        (linalg.qr, np.linalg.qr, (np.stack([A.T, A.T + 1]),)),
    ],
)
def test_several_results_have_numpys_names_and_values(function, numpys, arguments):
    out, expected = function(*arguments), numpys(*arguments)
    assert out._fields == expected._fields
    for part, number in zip(out, expected, strict=True):
        np.testing.assert_allclose(part, number, rtol=1e-12, atol=1e-12)


def test_least_squares_tells_what_numpy_tells():
    b = rand(4)
    for part, number in zip(linalg.lstsq(A.T, b), np.linalg.lstsq(A.T, b), strict=True):
        np.testing.assert_allclose(part, number, rtol=1e-12)


def test_all_results_of_a_decomposition_share_one_node():
    u, s, vh = linalg.svd(ad.Tensor(M), name="d")
    assert [u.name, s.name, vh.name] == ["d.U", "d.S", "d.Vh"]
    assert [node.op for node in ad.Graph.of(u, s, vh).nodes].count("svd") == 1


def test_a_singular_matrix_in_a_stack_is_silent_where_it_does_not_count():
    x = np.stack([M, np.zeros((3, 3))])

    def f(x):
        return ad.sum(ad.where([True, False], linalg.slogdet(x).logabsdet, 0))

    expected = np.stack([np.linalg.inv(M).T, np.zeros((3, 3))])
    np.testing.assert_allclose(ad.grad(f)(x), expected, rtol=1e-12)
    assert ad.jvp(f, (x,), (x,))[1] == pytest.approx(3)
    assert ad.jvp(lambda x: linalg.slogdet(x).sign, (x,), (x + 1,))[1].tolist() == [0, 0]


def test_a_chain_is_multiplied_in_the_cheapest_order():
    column = ad.Tensor(rand(50, 1))
    product = linalg.multi_dot([rand(50, 50), rand(50, 50), column])
    assert [node.shape for node in ad.Graph.of(product).nodes if node.op == "matmul"] == [(50, 1), (50, 1)]


def test_a_large_singular_matrix_has_a_finite_gradient():
    x = rand(60, 60) / 9
    x[-1] = x[0]
    g = ad.grad(linalg.det)(x)
    assert np.all(np.isfinite(g))
    x[-1, 3] += 1.0  # det is linear in one element
    assert linalg.det(x) == pytest.approx(g[-1, 3], rel=1e-8)
    assert not np.any(ad.grad(linalg.det)(np.zeros((100, 100))))


I2 = np.eye(2)
ERRORS = [
    (lambda: linalg.inv(ad.Tensor(np.zeros((2, 2)))), ValueError, "inv: operand shape (2, 2): Singular matrix"),
    (lambda: linalg.det(np.ones((2, 3))), ValueError, "det: takes square matrices, got shape (2, 3)"),
    (lambda: linalg.solve(I2, np.ones(3)), ValueError, "solve: operand shapes (2, 2) and (3,)"),
    (lambda: linalg.cholesky(-I2), ValueError, "cholesky: operand shape (2, 2): Matrix is not positive definite"),
    (lambda: linalg.eigh(I2, "X"), ValueError, 'eigh: UPLO must be "L" or "U", got \'X\''),
    (lambda: linalg.svd(np.ones((3, 2))), ValueError, "svd: of shape (3, 2) only full_matrices=False has"),
    (lambda: linalg.svdvals(np.ones(3)), ValueError, "svdvals: takes matrices, got shape (3,)"),
    (lambda: linalg.qr(I2, "complete"), ValueError, 'qr: mode must be "reduced" or "r", got \'complete\''),
    (
        lambda: linalg.norm(I2, 3),
        ValueError,
        "norm: of matrices, ord is None, 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'; got 3",
    ),
    (
        lambda: linalg.norm(np.ones(3), "fro"),
        ValueError,
        "norm: of vectors, ord is a number, inf, -inf or None; got 'fro'",
    ),
    (lambda: linalg.norm(np.ones((2, 2, 2)), 1), ValueError, "norm: operand shape (2, 2, 2): ord=1 is of vectors"),
    (lambda: linalg.matrix_power(I2, 1.5), ValueError, "matrix_power: the exponent must be an integer, got 1.5"),
    (lambda: linalg.multi_dot([I2]), ValueError, "multi_dot: takes two matrices or more"),
    (lambda: linalg.lstsq(I2, np.ones(3)), ValueError, "lstsq: operand shapes (2, 2) and (3,)"),
    (lambda: ad.dot(I2, np.ones(3)), ValueError, "dot: operand shapes (2, 2) and (3,) do not align (2 != 3)"),
    (lambda: ad.vdot(I2, np.ones(3)), ValueError, "vdot: operand shapes (2, 2) and (3,) differ in their number"),
    (lambda: ad.tensordot(I2, np.ones((3, 2))), ValueError, "tensordot: operand shapes (2, 2) and (3, 2): cannot"),
    (lambda: ad.tensordot(I2, I2, 3), ValueError, "tensordot: operand shapes (2, 2) and (2, 2) have not 3 axes"),
    (lambda: ad.tensordot(I2, I2, [0]), ValueError, "tensordot: axes is a number or a pair of lists of axes, got [0]"),
    (lambda: ad.cross(np.ones(2), np.ones(2)), ValueError, "cross: operand shapes (2,) and (2,): a vector has 3"),
    (lambda: ad.einsum("ij,jk", I2), ValueError, "einsum: subscripts 'ij,jk' are of 2 operands, got 1"),
    (lambda: ad.einsum("ijk", ad.Tensor(I2)), ValueError, "operand shape (2, 2) does not have the axes 'ijk'"),
    (lambda: ad.einsum("ij,jk", I2, np.ones((3, 2))), ValueError, "einsum: subscripts 'ij,jk': index 'j' has sizes 2"),
    (lambda: ad.einsum("ii", np.ones((2, 3))), ValueError, "einsum: subscripts 'ii': index 'i' has sizes 2 and 3"),
    (lambda: ad.einsum("ii", np.ones((1, 3))), ValueError, "axes of the same index in 'ii' differ in size"),
    (lambda: ad.einsum("ij->iij", I2), ValueError, "the result has each index once"),
    (lambda: ad.einsum("i?", I2), ValueError, "may hold letters, commas, one ellipsis"),
    (lambda: ad.einsum("...i->i", I2), ValueError, "the result must have the ellipsis"),
    (lambda: ad.einsum(I2, [0, "a"]), ValueError, "einsum: indices are integers from 0 to 51, got [0, 'a']"),
    (lambda: ad.einsum(I2, [0, -1]), ValueError, "einsum: indices are integers from 0 to 51, got [0, -1]"),
    (lambda: ad.einsum(I2), ValueError, "einsum: indices are integers from 0 to 51, got ndarray"),
    (lambda: ad.einsum("i", np.ones(2), optimize=["path"]), ValueError, "einsum: optimize must be False, True"),
]


@pytest.mark.parametrize(("call", "builtin", "message"), ERRORS)
def test_what_does_not_fit_is_refused_in_one_line(call, builtin, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert isinstance(caught.value, builtin)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:overflow")
def test_the_gradient_of_a_norm_beyond_the_range_is_that_of_the_direction():
    gradient = ad.grad(ad.linalg.norm)(np.array([-1.5e308, 1.5e308]))
    np.testing.assert_allclose(gradient, [-np.sqrt(0.5), np.sqrt(0.5)])


@pytest.mark.parametrize("function", [ad.linalg.norm, ad.logsumexp])
def test_at_infinity_a_norm_and_a_sum_of_exponentials_are_linear(function):
    x = np.array([np.inf, 1.0, np.inf])
    np.testing.assert_array_equal(ad.hessian(function)(x), np.zeros((3, 3)))
    assert ad.jvp(function, (x,), (np.array([1.0, 5.0, 0.0]),))[1] == pytest.approx(ad.grad(function)(x)[0])
    assert ad.grad(function)(x.astype(np.float32)).dtype == np.float32


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [3, 0.5, -1, -2])
@pytest.mark.parametrize("x", [[np.inf, 1.0], [np.inf, -np.inf], [0.0, np.inf], [np.inf, np.nan]])
def test_norms_of_infinite_vectors_are_numpys(x, order):
    np.testing.assert_array_equal(ad.linalg.norm(np.array(x), order), np.linalg.norm(np.array(x), order))
