"""What a selection does not select gets nothing: zero even from an infinite cotangent, which times 0 would be NaN."""

import numpy as np
import pytest

import autodiff as ad

inf = np.inf

# function, the point, what each number takes of a cotangent of one. Where it takes a part, it takes all of infinity.
BETWEEN = [
    (ad.maximum, (2.0, 1.0), (1, 0)),
    (ad.maximum, (1.0, 1.0), (0.5, 0.5)),
    (ad.minimum, (2.0, 1.0), (0, 1)),
    (ad.fmax, (2.0, 1.0), (1, 0)),
    (ad.fmax, (2.0, np.nan), (1, 0)),
    (ad.fmin, (2.0, 1.0), (0, 1)),
    (ad.clip, (3.0, 0.0, 1.0), (0, 0, 1)),
    (ad.clip, (-3.0, 0.0, 1.0), (0, 1, 0)),
    (ad.clip, (0.5, 0.0, 1.0), (1, 0, 0)),
    (ad.clip, (1.0, 0.0, 1.0), (0.5, 0, 0.5)),
    (lambda x, y: ad.where(True, x, y), (2.0, 3.0), (1, 0)),
    (ad.relu, (-1.0,), (0,)),
]
AMONG = [
    (ad.max, [1.0, 3.0, 2.0], [0, 1, 0]),
    (ad.max, [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    (ad.min, [1.0, 3.0, 2.0], [1, 0, 0]),
    (ad.median, [1.0, 3.0, 2.0], [0, 0, 1]),
    (ad.median, [1.0, 3.0, 2.0, 4.0], [0, 0.5, 0.5, 0]),
    (lambda x: ad.quantile(x, 0.25), [1.0, 3.0, 2.0], [0.5, 0, 0.5]),
    (ad.nanmax, [1.0, np.nan, 2.0], [0, 0, 1]),
    (ad.nanmin, [1.0, np.nan, 2.0], [1, 0, 0]),
    (lambda x: ad.max(x, initial=5.0), [1.0, 2.0], [0, 0]),
    (lambda x: ad.max(x, where=[True, False], initial=0.0), [1.0, 2.0], [1, 0]),
    (lambda x: ad.linalg.norm(x, inf), [1.0, -2.0], [0, -1]),
    (lambda x: ad.sort(x)[0], [3.0, 1.0], [0, 1]),
    (lambda x: ad.partition(x, 1)[1], [3.0, 1.0, 2.0], [0, 0, 1]),
    (lambda x: ad.take(x, [1, 1])[0], [3.0, 1.0], [0, 1]),
    (lambda x: x.at[0].set(7.0)[0], [3.0, 1.0], [0, 0]),
    (lambda x: ad.tril(ad.reshape(x, (2, 2)))[0, 1], [3.0, 1.0, 2.0, 4.0], [0, 0, 0, 0]),
    (lambda x: ad.select([x > 2], [x], 0.0)[1], [3.0, 1.0], [0, 0]),
]
KINDS = {"float": float, "0d": np.array, "1d": lambda x: np.array([x]), "float32": lambda x: np.array([x], np.float32)}


def infinitely(share):
    """An infinite cotangent times a share: a share of 0 stays 0."""
    return np.array([s and s * inf for s in np.ravel(share)]).reshape(np.shape(share))


def tracked(x):
    return ad.Scalar(x) if isinstance(x, float) else ad.Tensor(x)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("function", "point", "shares"), BETWEEN)
@pytest.mark.parametrize("live", [False, True])
def test_between_operands_of_an_infinite_cotangent(function, point, shares, kind, live):
    for i, share in enumerate(shares):  # alone, and beside plain numbers
        operands = [kind(x) for x in point]
        operands[i] = tracked(operands[i])
        out = function(*operands)
        if out.requires_grad:
            out.backward(np.full(out.shape, inf), create_graph=live)
            np.testing.assert_array_equal(np.asarray(operands[i].grad), np.full(out.shape, infinitely(share)))
    operands = [tracked(kind(x)) for x in point]
    out = function(*operands)
    out.backward(np.full(out.shape, inf), create_graph=live)
    for operand, share in zip(operands, shares, strict=True):
        if operand.grad is not None:
            np.testing.assert_array_equal(np.asarray(operand.grad), np.full(out.shape, infinitely(share)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("function", "point", "shares"), BETWEEN[1:])
def test_between_operands_of_an_infinite_tangent(function, point, shares, kind):
    for i, share in enumerate(shares):
        operands = [kind(x) for x in point]
        out, tangent = ad.jvp(
            lambda x, i=i, operands=operands: function(*operands[:i], x, *operands[i + 1 :]),
            (operands[i],),
            (operands[i] * 0 + inf if function is not ad.fmax else np.full(np.shape(operands[i]), inf),),
        )
        np.testing.assert_array_equal(tangent, np.full(np.shape(out), infinitely(share)))


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("function", "point", "shares"), AMONG)
def test_among_the_numbers_of_an_array(function, point, shares):
    x = np.array(point)
    expected = infinitely(shares)
    gradient = ad.grad(lambda x: function(x) * inf)
    np.testing.assert_array_equal(gradient(x), expected)
    np.testing.assert_array_equal(ad.vmap(gradient)(np.stack([x, x])), [expected, expected])
    leaf = ad.Tensor(x)
    function(leaf).backward(inf, create_graph=True)
    np.testing.assert_array_equal(leaf.grad.data, expected)
    for i, share in enumerate(shares):
        direction = np.where(np.arange(len(x)) == i, inf, 0.0)
        np.testing.assert_array_equal(ad.jvp(function, (x,), (direction,))[1], infinitely(share))


def test_the_second_derivative_of_a_selection_is_zero_everywhere():
    def squared(x):
        return ad.sum(ad.maximum(x, 1.0) ** 2) + ad.max(x) ** 2

    np.testing.assert_array_equal(ad.hessian(squared)(np.array([0.5, 2.0, 3.0])), np.diag([0.0, 2.0, 4.0]))


def test_a_slope_that_happens_to_be_zero_is_no_selection():
    assert np.isnan(ad.grad(lambda x: ad.sqrt(x * x))(0.0))
    assert np.isnan(ad.grad(lambda x: ad.sum(ad.sqrt(x * x)))(np.zeros(1)))[0]


def test_an_own_operation_can_select():
    def of(**option):
        return ad.Elementwise(
            f"larger_part{len(option)}",
            lambda x: np.maximum(x, -x),
            lambda out, x: 1.0 * (x > 0) - 1.0 * (x < 0),
            **option,
        )

    for function, expected in ((of(), np.nan), (of(selects=True), 0.0)):
        x, t = ad.Scalar(0.0), ad.Tensor([0.0])
        function(x).backward(inf)
        function(t).backward([inf])
        np.testing.assert_array_equal([x.grad, t.grad[0]], [expected, expected])
