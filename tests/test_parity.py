"""Every function against PyTorch and JAX where they are installed (extra `parity`), else against finite differences.

In float64 the value, vjp, jvp and second derivatives of each row of `parity/rows.py`; its dtypes; and random programs.
"""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import programs
from parity.problem import Problem, bind, first_order, pose, second_orders, variables
from parity.rows import ROWS, WITHOUT, own

import autodiff as ad
from autodiff.ops.table import builtin_names
from autodiff.primitive import Elementwise

TOLERANCE = 1e-10  # of the norm; the worst of all rows is 2e-12, a second derivative of arcsin near 1
INSTALLED = [name for name in ("torch", "jax") if find_spec(name)]
NAMED = [pytest.param(name, row, id=f"{name}-{i}") for name, rows in ROWS.items() for i, row in enumerate(rows)]
LAPACK = {f"linalg.{name}" for name in (
    "cholesky", "cond", "det", "eigh", "eigvalsh", "inv", "lstsq", "matrix_norm", "matrix_power", "multi_dot", "pinv",
    "qr", "slogdet", "solve", "svd", "svdvals", "tensorinv", "tensorsolve",
)}  # fmt: skip
CASTS = {"astype", "float_power"}  # to a dtype of their own


def peer(name):
    return import_module(f"parity.{name}_peer")


WITH_PEERS = [
    pytest.param(*p.values, name, id=f"{p.id}-{name}")
    for p in NAMED
    for name in INSTALLED
    if p.values[0] not in peer(name).LACKS
]


def bound(name, row):
    return bind(own(name), row, lambda array: array)


def assert_close(found, expected, quantity, tolerance):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert (np.shape(ours), ours.dtype) == (theirs.shape, theirs.dtype), quantity
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), quantity)
        scale = max(np.linalg.norm(np.nan_to_num(theirs)), 1e-3)
        assert np.linalg.norm(np.nan_to_num(ours - theirs)) <= tolerance * scale, quantity


class TestTable:
    """That nothing is missing from it."""

    def test_every_public_function_has_a_row_or_a_reason(self):
        public = {name: getattr(ad, name) for name in ad.ops.__all__}
        public |= {f"linalg.{name}": getattr(ad.linalg, name) for name in ad.linalg.__all__}
        public = {name: function for name, function in public.items() if not isinstance(function, type)}
        covered = {own(name) for name in ROWS}
        assert [name for name, function in public.items() if function not in covered and name not in WITHOUT] == []

    def test_every_operation_is_recorded_by_a_row_or_has_a_reason(self):
        recorded = set()
        for name, rows in ROWS.items():
            for row in rows:
                outputs = bound(name, row)(*(ad.Tensor(x) for x in variables(row)))
                recorded |= {node.op for node in ad.Graph.of(*outputs).nodes}
        assert builtin_names() - recorded - set(WITHOUT) == set()

    def test_reasons_are_of_functions_without_a_row(self):
        assert not set(WITHOUT) & set(ROWS)
        assert all(len(reason) > 20 for reason in WITHOUT.values())

    def test_elementwise_rows_have_empty_zero_dimensional_and_broadcasting_operands(self):
        for name, rows in ROWS.items():
            if isinstance(own(name), Elementwise):
                shapes = [tuple(x.shape for x in variables(row)) for row in rows]
                assert any(() in operands for operands in shapes), name
                assert any(0 in shape for operands in shapes for shape in operands), name
                assert own(name).arity == 1 or any(len(set(operands)) > 1 for operands in shapes), name

    @pytest.mark.parametrize("name", INSTALLED)
    def test_counterparts_are_of_rows(self, name):
        assert set(peer(name).COUNTERPARTS) | set(peer(name).LACKS) <= set(ROWS)
        assert not set(peer(name).COUNTERPARTS) & set(peer(name).LACKS)


@pytest.mark.parametrize(("name", "row", "library"), WITH_PEERS)
def test_value_and_derivatives_are_the_peers(name, row, library):
    function, peers = bound(name, row), peer(library)
    problem = pose(function, variables(row))
    ours = first_order(function, problem)
    theirs = peers.answer(bind(peers.counterpart(name), row, peers.constant), problem)
    assert_close(ours.value, theirs.value, "value", TOLERANCE)
    assert_close(ours.vjp, theirs.vjp, "vjp", TOLERANCE)
    assert_close(ours.jvp, theirs.jvp, "jvp", TOLERANCE)
    for modes, second in second_orders(function, problem).items():
        assert_close(second, theirs.second, modes, TOLERANCE)


@pytest.mark.parametrize(("name", "row"), NAMED)
def test_values_are_numpys_and_derivatives_those_of_finite_differences(name, row):
    function, arrays = bound(name, row), variables(row)
    namespace = np.linalg if name.startswith("linalg.") else np
    numpys = getattr(namespace, name.removeprefix("linalg."), None)
    if numpys is not None:
        values = [np.asarray(out.data) for out in function(*(ad.Tensor(x) for x in arrays))]
        assert_close(values, [np.asarray(x) for x in bind(numpys, row, np.asarray)(*arrays)], "value", TOLERANCE)
    ad.check_grads(function, arrays, order=2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 5e-2), (np.float32, 1e-5), (np.float64, 0.0)])
@pytest.mark.parametrize(("name", "row"), NAMED)
def test_each_precision_stays_what_it_is_and_is_near_to_double(name, row, dtype, tolerance):
    if name in CASTS or (dtype is np.float16 and name in LAPACK):  # which knows no half precision
        return
    function = bound(name, row)
    problem = pose(function, tuple(x.astype(dtype) for x in variables(row)))
    ours = first_order(function, problem)
    assert {x.dtype for part in ours for x in part} == {np.dtype(dtype)}
    double = Problem(*(tuple(x.astype(np.float64) for x in part) for part in problem))
    for quantity, found, expected in zip(ours._fields, ours, first_order(function, double), strict=True):
        assert_close([x.astype(np.float64) for x in found], expected, quantity, tolerance)


@pytest.mark.parametrize(("name", "row", "library"), WITH_PEERS)
def test_single_precision_gives_the_dtypes_of_the_peers(name, row, library):
    function, peers = bound(name, row), peer(library)
    problem = pose(function, tuple(x.astype(np.float32) for x in variables(row)))
    ours = first_order(function, problem)._replace(second=second_orders(function, problem)["forward over reverse"])
    theirs = peers.dtypes(bind(peers.counterpart(name), row, peers.constant), problem)
    assert [[x.dtype for x in part] for part in ours] == theirs


class TestRandomPrograms:
    """Every leaf's gradient, of programs whose parts are shared."""

    NUMBERS, MATRICES = (0.3, -0.8, 1.1), tuple(np.random.default_rng(0).uniform(-1, 1, (3, 2, 2)))

    def problem(self, program, as_arrays):
        operations = programs.NUMBERS + programs.MATRICES if as_arrays else programs.NUMBERS
        weights = np.array([[1.0, -0.7], [0.4, 1.3]]) if as_arrays else 1.0
        return (self.MATRICES if as_arrays else self.NUMBERS), weights, operations

    @settings(max_examples=100, deadline=None)
    @given(programs.PROGRAMS, st.booleans())
    def test_they_agree_with_finite_differences(self, program, as_arrays):
        leaves, weights, operations = self.problem(program, as_arrays)
        ad.check_grads(
            lambda *xs: ad.sum(weights * programs.run(ad, program, operations, *xs)), leaves, order=1, rtol=1e-6
        )

    @pytest.mark.parametrize("library", [name for name in INSTALLED if name == "torch"])
    @settings(max_examples=300, deadline=None)
    @given(program=programs.PROGRAMS, as_arrays=st.booleans())
    def test_they_agree_with_a_peer(self, library, program, as_arrays):
        leaves, weights, operations = self.problem(program, as_arrays)
        values = [ad.Tensor(x) if as_arrays else ad.Scalar(x) for x in leaves]
        out = ad.sum(programs.run(ad, program, operations, *values) * weights)
        out.backward()
        total, gradients = peer(library).leaf_gradients(
            lambda m, *xs: programs.run(m, program, operations, *xs) * m.constant(weights), leaves
        )
        assert_close([np.asarray(out.data)], [total], "value", TOLERANCE)
        found = [
            np.zeros(np.shape(x)) if v.grad is None else np.asarray(v.grad) for v, x in zip(values, leaves, strict=True)
        ]
        assert_close(found, gradients, "gradient", TOLERANCE)
