"""What happens when an array is written to after an operation used it: the gradient is that of the values it used."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import nn, optim

rng = np.random.default_rng(0)
A, B = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)

OPERATIONS = {
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: ad.abs(x) ** y,
    "matmul": lambda x, y: x @ y,
    "transposed": lambda x, y: x.T @ y,
    "reshaped": lambda x, y: ad.reshape(x, (9,)) @ ad.reshape(y, (9,)),
    "sliced": lambda x, y: x[:, 1] * y[::-1, 2],
    "broadcast": lambda x, y: ad.broadcast_to(x, (2, 3, 3)) * y,
    "einsum": lambda x, y: ad.einsum("ij,jk->i", x, y),
    "solve": lambda x, y: ad.linalg.solve(x, y),
    "where": lambda x, y: ad.where(x > 0, x * y, y),
    "softmax": lambda x, y: ad.softmax(x) * y,
    "alias": lambda x, y: ad.positive(x) * ad.positive(y),
}


def overwrite(array):
    array[...] = 100.0


def scramble(array):
    array.sort(axis=0)
    array[1, 1] = -7.0


@pytest.mark.parametrize("change", [overwrite, scramble, lambda array: np.multiply(array, 2, out=array)])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_leaf_that_changes_after_it_was_used(name, change):
    x, y = ad.Tensor(A), ad.Tensor(B)
    expected = ad.grad(lambda *xy: ad.sum(OPERATIONS[name](*xy)), (0, 1))(A, B)
    out = ad.sum(OPERATIONS[name](x, y))
    change(x.data)
    change(y.data)
    out.backward()
    np.testing.assert_array_equal(x.grad, expected[0])
    np.testing.assert_array_equal(y.grad, expected[1])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_constant_that_changes_after_it_was_used(name):
    x, constant = ad.Tensor(A), B.copy()
    expected = ad.grad(lambda x: ad.sum(OPERATIONS[name](x, B)))(A)
    out = ad.sum(OPERATIONS[name](x, constant))
    overwrite(constant)
    out.backward()
    np.testing.assert_array_equal(x.grad, expected)


def test_a_view_of_a_constant():
    x, data = ad.Tensor(np.ones(3)), np.arange(6.0)
    out = ad.sum(x * data[::2])
    data[:] = 0
    out.backward()
    assert x.grad.tolist() == [0, 2, 4]


def test_a_read_only_constant_is_not_copied_and_a_writable_one_is():
    x, data = ad.Tensor(np.ones(3)), np.arange(3.0)
    assert not np.shares_memory((x * data).saved[1], data)
    data.flags.writeable = False
    assert (x * data).saved[1] is data
    with ad.recording(copy=False):
        assert (x * x).saved[0] is x.data


def test_linear_operations_copy_nothing():
    x, data = ad.Tensor(np.ones(3)), np.arange(3.0)
    assert (x + data).saved[1] is data
    assert ad.reshape(x, (3, 1)).saved[0] is x.data


def test_results_of_operations_are_read_only():
    y = ad.exp(ad.Tensor(np.zeros(3)))
    with pytest.raises(ValueError, match="read-only"):
        y.data += 1
    assert ad.Tensor(y).data.flags.writeable


def test_data_that_is_replaced():
    x, t = ad.Scalar(3.0), ad.Tensor([3.0])
    y = x * x + (t * t)[0]
    x.data = t.data = np.array([100.0])
    y.backward()
    assert (x.grad, t.grad.item()) == (6.0, 6.0)


def test_a_parameter_that_an_optimiser_changes_between_forward_and_backward():
    layer = nn.Linear(3, 2)
    out = ad.sum(layer(A) ** 2)
    expected = [p.copy() for p in (2 * A.T @ (A @ layer.weight.data + layer.bias.data),)]
    layer.weight.grad = np.ones((3, 2), dtype=layer.weight.dtype)
    optim.SGD([layer.weight], 0.1).step()
    layer.weight.grad = None
    out.backward()
    np.testing.assert_allclose(layer.weight.grad, expected[0], rtol=1e-5)


def test_a_derivative_that_is_recorded_says_what_changed():
    x = ad.Tensor(A)
    out = ad.sum(ad.exp(x) * x)
    x.data[0, 0] = 5.0
    with pytest.raises(ad.AutodiffError, match=r"mul: operand 1, of shape \(3, 3\), was changed in place"):
        out.backward(create_graph=True)
    assert x.grad is None


def test_an_index_that_changes_after_it_was_used():
    x, index = ad.Tensor([1.0, 2.0, 3.0]), np.array([0, 0, 2])
    mask = np.array([True, False, True])
    out = ad.sum(x[index]) + 10 * ad.sum(x[mask]) + 100 * ad.sum(ad.take(x, index)) + ad.sum(x.at[index].add(1.0))
    index[:] = 1
    mask[:] = True
    out.backward()
    assert x.grad.tolist() == [213, 1, 112]


def test_the_picture_shows_what_the_gradient_was_computed_from():
    x, c = ad.Tensor([1.0, 2.0], name="x"), np.array([3.0, 4.0])
    out = ad.sum(x * c)
    x.data[:] = 9.0
    c[:] = 9.0
    trace = ad.backprop(out)
    assert [node.value.tolist() for node in trace.graph.nodes[:2]] == [[1, 2], [3, 4]]
    assert trace.cotangents[0].tolist() == [3, 4]


def test_what_the_caller_gave_and_got_is_not_shared():
    x, seed = np.ones(2), np.array([1.0, 2.0])
    _, pull = ad.vjp(lambda v: ad.positive(v), x)
    (g,) = pull(seed)
    g[:] = 7
    assert seed.tolist() == [1, 2]
    tangent = np.array([1.0, 2.0])
    _, out = ad.jvp(lambda v: v, (x,), (tangent,))
    out[:] = 7
    assert tangent.tolist() == [1, 2]
