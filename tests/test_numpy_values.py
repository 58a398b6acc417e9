"""Values of the functions under NumPy's names, called through NumPy on Tensors, against NumPy's own on arrays."""

import numpy as np
import pytest

import autodiff as ad

if np.lib.NumpyVersion(np.__version__) < "2.3.0":
    pytest.skip("the table names functions that NumPy got in 2.1 and 2.2", allow_module_level=True)
RNG = np.random.default_rng(3)
nan, inf = np.nan, np.inf
V, W, A, B, CUBE = (RNG.uniform(-2, 2, dims) for dims in (5, 4, (3, 4), (3, 4), (2, 3, 4)))
M, STACK = RNG.uniform(-2, 2, (3, 3)), RNG.uniform(-2, 2, (2, 3, 3))
HOLES = np.where(A > 1, nan, A)
RISING = np.cumsum(np.abs(A), axis=1)
MASK = A > 0

CALLS = [  # function, arguments; floating arrays among them become Tensors
    *((np.sum, (A,), options) for options in ({"axis": 0, "dtype": np.float32}, {"initial": 2.0}, {"where": MASK})),
    *((f, (A, 1), {"keepdims": True, "where": MASK, "initial": 0.5}) for f in (np.sum, np.prod, np.max, np.min)),
    (np.sum, (A, 0, np.float32), {}),
    (np.sum, (CUBE, (0, 2), None, None, True), {}),
    (np.sum, (A,), {"axis": np.int64(1)}),
    (np.mean, (A, 0, np.float32, None, True), {}),
    (np.mean, (A,), {"where": MASK, "axis": 0}),
    (np.var, (A, 0, None, None, 1), {}),
    (np.std, (A,), {"correction": 1, "dtype": np.float32}),
    (np.cumsum, (A, 1, np.float32), {}),
    (np.cumprod, (A,), {"dtype": np.float32}),
    (np.trace, (CUBE, 1, 2, 0, np.float32), {}),
    (np.median, (A, 0, None, True, True), {}),
    (np.average, (A, 0, np.abs(B)), {"keepdims": True}),
    *((f, (HOLES, 1), {}) for f in (np.nanmax, np.nanmin, np.nanprod, np.nanvar, np.nanstd, np.nansum, np.nanmean)),
    *((f, (HOLES,), {"ddof": 1, "keepdims": True}) for f in (np.nanvar, np.nanstd)),
    *((f, (HOLES, axis), {}) for f in (np.nancumsum, np.nancumprod) for axis in (None, 0)),
    *((np.quantile, (A, q, axis), {"method": m}) for q, axis, m in ((0.3, 0, "linear"), ([0.1, 1], None, "higher"))),
    (np.quantile, (CUBE, [[0.2], [0.5]], (0, 2)), {"keepdims": True, "method": "midpoint"}),
    (np.percentile, (A, [0, 30, 100], 1), {}),
    (np.cov, (A,), {}),
    (np.cov, (A, B, False), {"ddof": 0}),
    (np.cov, (V,), {"bias": True}),
    (np.corrcoef, (A, B), {}),
    (np.bincount, ([0, 3, 3, 1, 0],), {"weights": V, "minlength": 6}),
    (np.reshape, (A, (4, 3), "F"), {}),
    (np.reshape, (A,), {"shape": (2, -1), "order": "F", "copy": True}),
    (np.ravel, (CUBE, "F"), {}),
    (np.sort, (A, 0), {"kind": "heapsort"}),
    (np.sort, (A, None), {"stable": True}),
    (np.take, (A, [-1, 5, 9]), {"mode": "wrap", "axis": 1}),
    (np.take, (A, [[-1, 5], [9, 0]]), {"mode": "clip"}),
    (np.clip, (A,), {"min": -0.5, "max": 0.7}),
    (np.clip, (A, -0.5, None), {}),
    (np.concatenate, ([A, B], 1), {"dtype": np.float32}),
    (np.concat, ([A, B],), {"axis": None}),
    (np.stack, ([A, B], -1), {"dtype": np.float32}),
    (np.vstack, ([W, A],), {"dtype": np.float32}),
    (np.hstack, ([V, W],), {}),
    (np.append, (A, B, 0), {}),
    (np.pad, (A, 1), {"mode": "constant", "constant_values": 2}),
    (np.meshgrid, (V, W), {"copy": False, "sparse": True}),
    (np.broadcast_to, (W, (3, 4), True), {}),
    (np.astype, (A, np.float32), {"copy": False}),
    (np.where, (MASK, A, B), {}),
    (np.dot, (A, B.T), {}),
    (np.einsum, ("ij,kj", A, B), {"optimize": True}),
    (np.linalg.trace, (CUBE,), {"offset": 1}),
    (np.linalg.trace, (STACK,), {"dtype": np.float32}),
    (np.linalg.diagonal, (CUBE,), {}),
    (np.diagonal, (CUBE,), {}),
    (np.trace, (CUBE,), {}),
    (np.linalg.cross, (STACK, M), {"axis": 1}),
    (np.linalg.outer, (V, W), {}),
    (np.linalg.vecdot, (A, B), {"axis": 0}),
    (np.linalg.tensordot, (CUBE, A), {"axes": 2}),
    (np.linalg.inv, (STACK,), {}),
    (np.linalg.pinv, (CUBE,), {}),
    (np.linalg.pinv, (CUBE,), {"rtol": None}),
    (np.linalg.pinv, (CUBE,), {"rtol": 0.5}),
    *((np.linalg.norm, (W, p), {}) for p in (None, 0, 0.5, 1, 2, 3, -2, inf, -inf)),
    *((np.linalg.norm, (CUBE, p, (0, 2)), {"keepdims": True}) for p in (None, 1, -1, 2, -2, inf, -inf, "fro", "nuc")),
    *((np.linalg.vector_norm, (CUBE,), {"axis": (2, 0), "ord": p, "keepdims": True}) for p in (1, 2, 3, inf)),
    (np.linalg.vector_norm, (CUBE,), {"axis": 1, "ord": 3}),
    (np.linalg.matrix_norm, (CUBE,), {"ord": "nuc"}),
    *((np.linalg.cond, (STACK, p), {}) for p in (None, 2, -2, 1, -1, inf, "fro", "nuc")),
    (np.linalg.tensorinv, (RNG.uniform(-1, 1, (2, 3, 6)),), {"ind": 2}),
    (np.linalg.tensorsolve, (RNG.uniform(-1, 1, (2, 6, 3)), A[:, :2].T), {"axes": (1,)}),
    (np.linalg.tensorsolve, (RNG.uniform(-1, 1, (3, 4, 6, 2)), A), {}),
    (np.diff, (A, 2, 0), {}),
    (np.diff, (A,), {"prepend": 1.0, "append": B, "axis": 1}),
    (np.ediff1d, (A,), {"to_begin": -1, "to_end": [8.0, 9.0]}),
    *((np.gradient, (A, *h), {"edge_order": k}) for h in ((), (0.5,), (2.0, 3.0), (2.0, RISING[0])) for k in (1, 2)),
    (np.gradient, (A, RISING[1]), {"axis": -1}),
    (np.trapezoid, (A, RISING), {}),
    (np.trapezoid, (A, V[:3]), {"axis": 0}),
    (np.interp, (2 * A, RISING[0], B[0]), {}),
    (np.interp, (np.append(2 * W, RISING[0]), RISING[0], B[0]), {"left": 1.0, "right": nan}),
    (np.interp, (A, [0.0], [3.0]), {}),
    *(
        (f, (RNG.uniform(-1, 1, n), RNG.uniform(-1, 1, m), mode), {})
        for f in (np.convolve, np.correlate)
        for n in range(1, 6)
        for m in range(1, 6)
        for mode in ("full", "same", "valid")
    ),
    (np.unwrap, (4 * A,), {}),
    (np.unwrap, (4 * A, 3.5, 0), {"period": 4.0}),
    (np.polyval, (W, A), {}),
    (np.vander, (V, 3), {}),
    (np.vander, (V,), {"increasing": True}),
    (np.cumulative_sum, (A,), {"axis": 1, "include_initial": True}),
    (np.cumulative_prod, (V,), {}),
    (np.hsplit, (A, 2), {}),
    (np.hsplit, (V, [2, 3]), {}),
    (np.vsplit, (A, [1]), {}),
    (np.dsplit, (CUBE, 2), {}),
    (np.unstack, (CUBE,), {"axis": 1}),
    (np.block, ([[A, B], [W, W], [2 * B, A]],), {}),
    (np.block, ([V, W],), {}),
    (np.insert, (A, 1, W, 0), {}),
    (np.insert, (A, [0, 3], V[:2]), {}),
    (np.delete, (A, slice(1, 3), 1), {}),
    (np.resize, (A, (2, 9)), {}),
    *((np.rollaxis, (CUBE, axis, start), {}) for axis in range(-3, 3) for start in range(-3, 4)),
    (np.broadcast_arrays, (A, W), {}),
    (np.diagflat, (A, 1), {}),
    (np.select, ([MASK, B > 0], [A, B], 7.0), {}),
    (np.choose, ([0, 1, 1, 0], A[:2]), {}),
    (np.piecewise, (A, [MASK], [lambda v: v * v, 2.0]), {}),
    (np.compress, ([True, False, True], A), {"axis": 0}),
    (np.extract, (MASK, A), {}),
    (np.unique, (np.round(A),), {"return_inverse": True, "return_counts": True}),
    (np.unique, (np.vstack([A, A]),), {"axis": 0, "return_index": True}),
    (np.apply_along_axis, (np.cumsum, 1, CUBE), {}),
    (np.apply_along_axis, (lambda v: v[:2, None] * v, 1, CUBE), {}),
    (np.copy, (A,), {"order": "F"}),
    (np.full_like, (A, W), {"dtype": np.float32}),
    (np.linspace, (A, B, 4), {"axis": 1, "endpoint": False}),
    (np.linspace, (W, 0.0, 3), {"dtype": np.float32, "retstep": True}),
    (np.permute_dims, (CUBE, (2, 0, 1)), {}),
    *((getattr(np, name), (A / 2,), {}) for name in ("acos", "asin", "atan", "asinh", "atanh", "conj", "fabs", "real")),
    (np.acosh, (2 + np.abs(A),), {}),
    *((getattr(np, name), (np.abs(A), B), {}) for name in ("atan2", "pow", "float_power", "divmod", "vecdot")),
    (np.vecdot, (A, B), {"axis": 0}),
    (np.matvec, (CUBE, W), {}),
    (np.vecmat, (V[:3], CUBE), {}),
    (np.around, (A, 1), {}),
    *((f.outer, (A, W), {}) for f in (np.add, np.subtract, np.hypot)),
    (np.exp, (A,), {}),
    (np.add, (A, 1), {}),
    (np.multiply, (W, A), {}),
    (np.matmul, (M, STACK), {}),
    (np.add.reduce, (A,), {}),
    (np.add.reduce, (CUBE, (0, 2)), {"keepdims": True}),
    (np.multiply.reduce, (A, 1), {"initial": 2.0}),
    (np.maximum.reduce, (A,), {"axis": None}),
    (np.fmin.reduce, (HOLES,), {}),
    (np.logaddexp.reduce, (A,), {}),
    (np.add.accumulate, (A,), {}),
    (np.multiply.accumulate, (A, 1), {}),
]  # fmt: skip


def tracked(value):
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return ad.Tensor(value)
    return type(value)(tracked(item) for item in value) if type(value) in (list, tuple) else value


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "arguments", "options"), CALLS)
def test_numpys_functions_on_tensors_give_numpys_values(function, arguments, options):
    expected = function(*arguments, **options)
    given = {key: tracked(value) for key, value in options.items()}
    out = function(*tracked(arguments), **given)
    several = isinstance(expected, tuple | list)
    pairs = list(zip(out, expected, strict=True)) if several else [(out, expected)]
    assert any(isinstance(own, ad.Tensor) and own.requires_grad for own, _ in pairs)
    for own, numpys in pairs:
        own = own.data if isinstance(own, ad.Tensor) else own
        assert np.shape(own) == np.shape(numpys)
        assert np.asarray(own).dtype == np.asarray(numpys).dtype
        np.testing.assert_allclose(own, numpys, rtol=1e-12 if np.asarray(own).dtype != np.float32 else 1e-5, atol=1e-12)
