"""NumPy's functions, ufuncs, methods and operators on this package's values: served, asked, or refused."""

import decimal
import fractions
import inspect
import math
import operator
import os
import traceback

import numpy as np
import pytest

import autodiff as ad
from autodiff.primitive import Elementwise
from autodiff.protocols import PLAIN

PACKAGE = os.path.dirname(ad.__file__) + os.sep
RECENT = np.lib.NumpyVersion(np.__version__) >= "2.3.0"

# --- signatures ---------------------------------------------------------------------------------------------------

# Function -> the names of its parameters here, where they are not NumPy's.
DIFFERENT = {
    "einsum": ["operands", "out", "optimize", "options"],  # dtype, order and casting are refused
    "clip": ["a", "a_min", "a_max", "out", "min", "max", "options"],  # the options of a ufunc are refused
    "pad": ["array", "pad_width", "mode", "constant_values", "options"],  # options of other modes are refused
    "bincount": ["x", "weights", "minlength"],
    "unwrap": ["p", "discont", "axis", "period"],
    "diff": ["a", "n", "axis", "prepend", "append"],
}
SHARED = [
    pytest.param(own, getattr(ours, own), getattr(module, own), id=f"{module.__name__}.{own}")
    for module, ours, names in ((np, ad, ad.ops.__all__), (np.linalg, ad.linalg, ad.linalg.__all__))
    for own in sorted(names)
    if callable(getattr(module, own, None))
]


@pytest.mark.skipif(not RECENT, reason="NumPy before 2.3 has fewer parameters and signatures")
@pytest.mark.parametrize(("name", "own", "numpys"), SHARED)
def test_parameters_have_numpys_names_and_order(name, own, numpys):
    if isinstance(own, Elementwise):  # operands are given by position, and there are no options
        assert own.arity == (numpys.nin if isinstance(numpys, np.ufunc) else 3 if name == "where" else 1)
        return
    given = [parameter for parameter in inspect.signature(own).parameters if parameter != "name"]
    if isinstance(numpys, np.ufunc):
        assert len([p for p in given if p != "axis"]) == numpys.nin
        return
    expected = inspect.signature(numpys).parameters
    assert given == DIFFERENT.get(name, list(expected))
    for parameter in set(given) & set(expected):
        own_default, default = inspect.signature(own).parameters[parameter].default, expected[parameter].default
        assert (own_default is inspect.Parameter.empty) == (default is inspect.Parameter.empty)
        if default not in (inspect.Parameter.empty, np._NoValue):
            assert own_default == default


# --- every public callable ----------------------------------------------------------------------------------------


def tracked(*shape):
    return ad.Tensor(np.random.default_rng(0).uniform(0.2, 1.8, shape))


SQUARE, PAIR, VECTOR = tracked(3, 3), [tracked(3), tracked(3)], tracked(4)
PATTERNS = [  # tried in turn on every function; tracked values stand only where data stands
    (VECTOR,),
    (SQUARE,),
    (tracked(2, 3, 3),),
    (PAIR,),
    (ad.Scalar(0.5),),
    (SQUARE, tracked(3, 3)),
    (VECTOR, tracked(4)),
    (np.ones(4), VECTOR),
    (VECTOR, 1),
    (SQUARE, 1),
    (SQUARE, 0, 1),
    (VECTOR, [0, 1]),
    (VECTOR, [0, 1], [5.0, 6.0]),
    ([0, 1, 0, 1], VECTOR),
    ([True, False, True, True], VECTOR),
    (np.ones(4), tracked(2)),
    (VECTOR, np.arange(4.0), tracked(4)),
    (tracked(2, 3), (3, 2)),
    ("i->i", VECTOR),
]
# What works without arrays, on files, settings, dtypes, or element by element through float().
ASIDE = {
    "base_repr", "bmat", "binary_repr", "busday_count", "busday_offset", "datetime_as_string", "datetime_data",
    "format_float_positional", "format_float_scientific", "from_dlpack", "frombuffer", "fromfile", "fromfunction",
    "fromiter", "frompyfunc", "fromregex", "fromstring", "genfromtxt", "get_include", "get_printoptions",
    "getbufsize", "geterr", "geterrcall", "info", "is_busday", "isdtype", "isfortran", "isnat", "isscalar",
    "issubdtype", "iterable", "load", "loadtxt", "mask_indices", "mintypecode", "nested_iters", "printoptions",
    "promote_types", "put_along_axis", "real_if_close", "savez", "savez_compressed", "set_printoptions", "setbufsize",
    "seterr", "seterrcall", "show_config", "show_runtime", "test", "tri", "typename",
}  # fmt: skip
CREATION = {  # they take shapes, sizes and dtypes, or go through __array__, which refuses
    "arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "asmatrix",
    "bartlett", "blackman", "diag_indices", "empty", "eye", "full", "hamming", "hanning", "identity", "indices",
    "kaiser", "ones", "require", "tri", "tril_indices", "triu_indices", "zeros",
}  # fmt: skip
CONSTANT = {"full_like", "astype"}  # tracked if the fill value is; untracked if cast to integers
CALLABLES = [
    pytest.param(name, function, id=f"{module.__name__}.{name}")
    for module in (np, np.linalg)
    for name in sorted(dir(module))
    if not name.startswith("_") and name not in ASIDE
    for function in [getattr(module, name)]
    if callable(function) and not isinstance(function, type)
]


def leaves(value):
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def carries_floats(value):
    if isinstance(value, ad.Tensor | ad.Scalar):
        return not value.requires_grad and np.asarray(value.data).dtype.kind == "f"
    return isinstance(value, float) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fcO")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "function"), CALLABLES)
def test_no_function_of_numpy_drops_a_gradient_in_silence(name, function):
    answers = 0
    for pattern in PATTERNS:
        if name in CREATION and not isinstance(pattern[0], ad.Tensor | ad.Scalar | list):
            continue
        try:
            out = function(*pattern)
        except ad.AutodiffError as error:
            answers += 1
            assert "\n" not in str(error)
            continue
        except (TypeError, ValueError, IndexError, AttributeError):
            continue  # NumPy's own, for a pattern that is not a call of this function
        if any(isinstance(value, ad.Tensor | ad.Scalar) and value.requires_grad for value in leaves(out)):
            answers += 1
            continue
        answers += 1
        if name in CREATION and len(pattern) > 1:  # the second argument is a dtype
            continue
        if name not in PLAIN | CONSTANT and function.__name__ not in PLAIN:
            assert not any(carries_floats(value) for value in leaves(out)), f"{name} of {pattern}"
    assert answers, f"{name}: no pattern is a call of it"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "function"), CALLABLES)
def test_what_this_package_refuses_it_refuses_by_name(name, function):
    for pattern in PATTERNS:
        try:
            function(*pattern)
        except ad.AutodiffError as error:
            said = str(error)
            # As an array, an index, a truth value or a number; or by a function that this one is made of.
            misused = "became a plain array" in said or said.startswith(("Tensor:", "item:", "np."))
            assert misused or name in said or function.__name__ in said, said
        except Exception as error:  # NumPy's own, of a pattern that is no call of this function
            own = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if PACKAGE in frame.f_code.co_filename]
            assert not own, f"{name}{pattern}: {error!r}"


# --- errors -------------------------------------------------------------------------------------------------------

T, M2 = ad.Tensor([1.0, 2.0]), ad.Tensor([[2.0, 1.0], [1.0, 3.0]])


def in_place(function):
    return lambda: function(np.ones(2), T)


REFUSED = [  # call, what the message says
    (in_place(operator.iadd), "np.add: out= and in-place operators write into an array"),
    (in_place(operator.imatmul), "np.matmul: out= and in-place operators"),
    (lambda: np.exp(T, out=np.ones(2)), "np.exp: out="),
    (lambda: np.exp(np.ones(2), out=T), "np.exp: out="),
    (lambda: np.add(T, 1, where=[True, False]), "np.add: where=[True, False] is not recorded; choose the numbers"),
    (lambda: np.add(T, 1, dtype=np.float32), "np.add: dtype=<class 'numpy.float32'> is not recorded; cast with astype"),
    (lambda: np.add(T, 1, casting="unsafe"), "np.add: casting='unsafe' is not recorded"),
    (lambda: np.matmul(M2, M2, axes=[(0, 1)] * 3), "np.matmul: axes="),
    (lambda: np.add.at(np.ones(2), [0], T), "np.add.at: has no derivative rule; it writes into an array;"),
    (lambda: np.add.reduceat(T, [0]), "np.add.reduceat: has no derivative rule"),
    (lambda: np.maximum.accumulate(T), "np.maximum.accumulate: has no derivative rule"),
    (lambda: np.hypot.reduce(T), "np.hypot.reduce: has no derivative rule"),
    (lambda: np.add.reduce(T, out=np.ones(())), "np.add.reduce: out="),
    (lambda: np.spacing(T), "np.spacing: has no derivative rule; build it of autodiff's functions"),
    (lambda: np.frompyfunc(abs, 1, 1)(T), "this ufunc is not NumPy's and has no derivative rule"),
    (lambda: np.bitwise_and(T, 1), "np.bitwise_and: operand shape (2,)"),
    (lambda: np.sum(T, out=np.ones(())), "sum: out=ndarray of shape () is not recorded; a tensor is never"),
    (lambda: ad.sum(T, 0, True), "sum: dtype=True is no dtype; name the option that is meant: keepdims="),
    (lambda: ad.sum(T, axis="x"), "sum: an axis is a whole number, got 'x'"),
    (lambda: ad.max(T, where=[True, False]), "max: where= needs initial="),
    (lambda: ad.var(T, mean=np.ones(1)), "var: mean=ndarray of shape (1,) is not recorded"),
    (lambda: ad.var(T, ddof=1, correction=1), "var: ddof and correction are the same option; give one"),
    (lambda: ad.std(T, where=[True, False]), "std: where=[True, False] is not recorded"),
    (lambda: ad.exp(T, out=np.ones(2)), "exp: out= is not recorded; an elementwise operation has no options"),
    (lambda: np.sort(T, order="x"), "sort: order='x' is not recorded"),
    (lambda: np.reshape(T, (2, 1), "A"), "reshape: order is 'C' or 'F', got 'A'"),
    (lambda: np.reshape(T, 1.5), "reshape: a size is a whole number, got 1.5"),
    (lambda: np.concatenate([T, T], out=np.ones(4)), "concatenate: out="),
    (lambda: np.concatenate([T, T], casting="no", dtype=float), "concatenate: casting='no' is not recorded"),
    (lambda: np.einsum("i->", T, dtype=np.float32), "einsum: dtype=<class 'numpy.float32'> is not recorded"),
    (lambda: np.pad(T, 1, "linear_ramp", end_values=3), "pad: end_values=3 is not recorded"),
    (lambda: np.take(T, 0, mode="near"), "take: mode is 'raise', 'wrap' or 'clip', got 'near'"),
    (lambda: np.clip(T, 0, min=1), "clip: a_min and min are the same bound"),
    (lambda: np.quantile([1.0, 2.0], ad.Scalar(0.5)), "quantile: has no derivative with respect to q"),
    (lambda: np.quantile(T, 2), "quantile: q must be in [0, 1]"),
    (lambda: np.quantile(T, 0.5, method="hazen"), "quantile: method is one of linear, lower, higher, midpoint"),
    (lambda: np.cov(M2, aweights=[1, 2]), "cov: aweights=[1, 2] is not recorded"),
    (lambda: np.interp(T, [0, 1], [0, 1], period=1), "interp: period=1 is not recorded"),
    (lambda: np.insert([1, 2], 0, T), "insert: values that are tracked cannot become int64"),
    (lambda: np.insert(T, 7, 1.0), "insert: index 7 is out of bounds"),
    (lambda: np.ediff1d([1, 2], T), "ediff1d: numbers of int64 do not join floating ones"),
    (lambda: np.vsplit(T, 1), "vsplit: shape (2,) has fewer axes than 2"),
    (lambda: np.piecewise(T, [T > 0], []), "piecewise: 1 conditions take as many functions or one more, got 0"),
    (lambda: np.gradient(T, 1.0, 2.0), "gradient: takes one distance or 1"),
    (lambda: np.gradient(T, edge_order=2), "gradient: axis 0 of shape (2,) needs at least 3 samples"),
    (lambda: np.convolve(M2, T), "convolve: takes vectors that are not empty, got shapes (2, 2) and (2,)"),
    (lambda: np.linalg.svd(M2, hermitian=True), "svd: hermitian=True is not recorded; leave it out"),
    (lambda: np.linalg.eig(M2), "np.linalg.eig: has no derivative rule; its results are complex; use eigh"),
    (lambda: np.linalg.outer(M2, T), "outer: takes vectors, got shapes (2, 2) and (2,)"),
    (lambda: np.linalg.tensorinv(M2, ind=0), "tensorinv: ind must be at least 1, got 0"),
    (lambda: np.linalg.tensorsolve(M2, np.ones(3)), "tensorsolve: operand shapes (2, 2) and (3,) make no square"),
    (lambda: np.fft.fft(T), "np.fft.fft: has no derivative rule"),
    (lambda: np.histogram(T), "np.histogram: has no derivative rule"),
    (lambda: np.put(T, 0, 1), "np.put: has no derivative rule; it writes into an array; t.at[index].set(values)"),
    (lambda: np.copyto(np.ones(2), T), "np.copyto: has no derivative rule; it writes into an array"),
    (lambda: np.isneginf(np.ones(2), T), "np.isneginf: a tensor is never written into"),
    (lambda: np.array([T, T]), "a tracked Tensor became a plain array"),
    (lambda: np.array([T[0], T[1]]), "a tracked Tensor became a plain array"),
    (lambda: np.array([ad.Scalar(1.0)]), "a tracked Scalar became a plain array"),
    (lambda: np.asarray(ad.Scalar(1.0)), "a tracked Scalar became a plain array"),
    (lambda: np.exp([T, T]), "a tracked Tensor became a plain array"),
    (lambda: np.zeros(2).__setitem__(slice(None), T), "a tracked Tensor became a plain array"),
    (lambda: np.ma.sum(T), "a tracked Tensor became a plain array"),
    (lambda: np.random.default_rng(0).permutation(T[0]), "a tracked Tensor became a plain array"),
    (lambda: T.item(5), "item: shape (2,): index 5 is out of bounds"),
    (lambda: T.astype(np.float32, casting="safe"), "astype: cannot cast float64 to float32 with casting='safe'"),
    (lambda: T.astype("number"), "astype: dtype='number' is no dtype"),
    (lambda: operator.index(T[0]), "Tensor: only one integer is an index, got float64 of shape ()"),
    (lambda: T.sort(), "sort: a tensor is never written into; use autodiff.sort(t)"),
    (lambda: T.fill(0), "fill: a tensor is never written into; use autodiff.full_like(t, value)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_cannot_be_recorded_is_refused_in_one_line(call, message):
    with pytest.raises(ad.AutodiffError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# --- ndarray's attributes -----------------------------------------------------------------------------------------

OMITTED = {  # attribute of ndarray -> why a Tensor has not got it
    **dict.fromkeys(("base", "ctypes", "flags", "strides", "view", "getfield"), "memory: t.data has it"),
    **dict.fromkeys(("tobytes", "tofile", "dump", "dumps", "__setstate__"), "files and bytes: t.data has it"),
    **dict.fromkeys(("device", "to_device", "__array_namespace__", "__dlpack__", "__dlpack_device__"), "devices"),
    **dict.fromkeys(("__array_finalize__", "__array_wrap__", "__array_priority__"), "NumPy's subclasses"),
    **dict.fromkeys(("__array_interface__", "__array_struct__"), "would hand out the numbers without __array__"),
    **dict.fromkeys(("__copy__", "__deepcopy__"), "the copy module goes by __reduce__"),
    **dict.fromkeys(("__delitem__", "__class_getitem__"), "an array has none either, or only in annotations"),
    **dict.fromkeys(("__iadd__", "__isub__", "__imul__", "__itruediv__", "__imatmul__"), "t += u is t = t + u"),
    **dict.fromkeys(("__ifloordiv__", "__imod__", "__ipow__"), "t += u is t = t + u"),
    **{f"__{i}{name}__": "bits of integers" for i in ("", "r", "i") for name in ("and", "xor", "lshift", "rshift")},
    "__ior__": "bits of integers",
    "__invert__": "bits of integers",
    "imag": "it would be zeros; np.imag gives them",
}


def test_a_tensor_has_ndarrays_attributes_but_for_a_list():
    missing = {name for name in dir(np.ndarray) if not hasattr(ad.Tensor, name)}
    assert missing == set(OMITTED) & set(dir(np.ndarray))


X = np.arange(12.0).reshape(3, 4) ** 2
METHODS = [
    lambda t: t.sum(0), lambda t: t.sum(axis=(0, 1)), lambda t: t.sum(0, None, None, True), lambda t: t.mean(1),
    lambda t: t.sum(axis=1, keepdims=True, initial=2.0), lambda t: t.std(0, ddof=1), lambda t: t.var(),
    lambda t: t.prod(1),
    lambda t: t.max(1), lambda t: t.min(axis=0, keepdims=True), lambda t: t.cumsum(1), lambda t: t.cumprod(),
    lambda t: t.trace(1), lambda t: t.diagonal(1), lambda t: t.transpose(1, 0), lambda t: t.transpose((1, 0)),
    lambda t: t.transpose(), lambda t: t.transpose(None), lambda t: t.T, lambda t: t.mT, lambda t: t.reshape(2, -1),
    lambda t: t.reshape((2, 6)), lambda t: t.reshape(-1), lambda t: t.reshape(4, 3, order="F"), lambda t: t.ravel("F"),
    lambda t: t.flatten(), lambda t: t.swapaxes(0, 1), lambda t: t.take([0, 5]), lambda t: t.take([0, 1], 1),
    lambda t: t[None].squeeze(), lambda t: t[None].squeeze(0), lambda t: t.repeat(2, axis=0), lambda t: t.clip(1, 9),
    lambda t: t.clip(max=4), lambda t: t.round(1), lambda t: t.dot(np.ones(4)), lambda t: t.copy(), lambda t: t.conj(),
    lambda t: t.real, lambda t: t.compress([True, False, True], 0), lambda t: t.astype(np.float32),
    lambda t: t.flat[5], lambda t: t.conjugate(),
]  # fmt: skip
ASKED = [
    lambda t: t.argmax(), lambda t: t.argmin(axis=1), lambda t: t.argsort(axis=0), lambda t: t.any(),
    lambda t: t.all(1),
    lambda t: t.nonzero()[0], lambda t: t[0].searchsorted([2.0]), lambda t: t.tolist(), lambda t: t.item(7),
    lambda t: t.item(1, 2), lambda t: t.nbytes, lambda t: t.itemsize, lambda t: t.argpartition(1)[:, 1],
    lambda t: 4.0 in t, lambda t: 5.5 in t, lambda t: len(t), lambda t: t.size, lambda t: t.ndim,
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_ndarrays_and_recorded(method):
    t = ad.Tensor(X)
    out, expected = method(t), method(X)
    assert out.requires_grad
    assert out.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(out.data, expected)


@pytest.mark.parametrize("method", ASKED)
def test_methods_that_ask_give_plain_answers(method):
    out = method(ad.Tensor(X))
    assert not isinstance(out, ad.Tensor)
    np.testing.assert_array_equal(out, method(X))


# --- operators ----------------------------------------------------------------------------------------------------

F32 = np.float32([1.0, 2.0])
BOTH = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv]
OTHERS = [2, 2.5, True, np.float32(2), np.float64(2), np.int64(2), np.float32([3, 4]), np.float64([3, 4]), [3.0, 4.0]]


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("other", OTHERS, ids=lambda x: type(x).__name__)
def test_operators_have_numpys_values_and_dtypes_in_both_orders(function, other):
    t = ad.Tensor(F32)
    for out, expected in ((function(t, other), function(F32, other)), (function(other, t), function(other, F32))):
        assert isinstance(out, ad.Tensor)
        assert out.requires_grad
        assert out.dtype == expected.dtype
        np.testing.assert_allclose(out.data, expected, rtol=1e-6)


@pytest.mark.parametrize("value", [ad.Tensor([7.5]), ad.Scalar(7.5)], ids=["tensor", "scalar"])
def test_divmod_in_both_orders(value):
    assert [float(part) for part in divmod(value, 2)] == [3.0, 1.5]
    assert [float(part) for part in divmod(20.0, value)] == [2.0, 5.0]
    assert [float(part) for part in divmod(np.array([20.0]), value)] == [2.0, 5.0]


@pytest.mark.parametrize(
    "other", [None, "2", 2j, fractions.Fraction(1, 2), decimal.Decimal(2), object()], ids=lambda x: type(x).__name__
)
@pytest.mark.parametrize("value", [ad.Tensor([2.0]), ad.Scalar(2.0)], ids=["tensor", "scalar"])
@pytest.mark.parametrize("function", [*BOTH, operator.matmul, divmod, operator.lt, operator.ge])
def test_operators_with_other_kinds_are_type_errors(function, value, other):
    for operands in ((value, other), (other, value)):
        if function is operator.mod and operands[0] == "2":  # formatting
            continue
        if function is operator.pow and isinstance(other, fractions.Fraction):  # a Fraction makes itself a float there
            continue
        with pytest.raises(TypeError):
            function(*operands)


def test_in_place_operators_bind_the_name_to_a_new_value():
    t = before = ad.Tensor([1.0, 2.0])
    t += 1
    t *= [2.0, 3.0]
    assert t is not before
    assert before.data.tolist() == [1.0, 2.0]
    t.sum().backward()
    assert before.grad.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("value", [ad.Tensor([-2.567]), ad.Scalar(-2.567)], ids=["tensor", "scalar"])
def test_a_number_becomes_pythons_number(value):
    whole = [round(value), math.floor(value), math.ceil(value), math.trunc(value), int(value)]
    assert whole == [-3, -3, -2, -2, -2]
    assert {type(number) for number in whole} == {int}
    assert round(value, 1).item() == -2.6
    assert round(value, 1).requires_grad
    assert complex(value) == -2.567
    assert type(value.item()) is float


def test_an_integer_tensor_is_an_index():
    assert "abc"[ad.Tensor(1)] == "b"
    assert ad.Tensor([4, 5]).item(1) == 5
    assert type(ad.Tensor(4).item()) is int


# --- served by the right room -------------------------------------------------------------------------------------


def test_a_function_of_the_same_name_in_another_module_is_not_taken_for_numpys():
    t = ad.Tensor(np.arange(24.0).reshape(2, 3, 4))
    assert np.linalg.trace(t).shape == (2,)
    assert np.trace(t).shape == (4,)
    assert np.linalg.diagonal(t).shape == (2, 3)
    assert np.diagonal(t).shape == (4, 2)


@pytest.mark.parametrize("unset", [{}, {"keepdims": np._NoValue, "initial": np._NoValue, "where": True, "out": None}])
def test_options_that_are_not_set_are_left_out(unset):
    assert np.sum(ad.Tensor([1.0, 2.0]), **unset).item() == 3


@pytest.mark.parametrize(
    "question", [np.shape, np.argmax, np.isnan, np.zeros_like, np.ndim, lambda t: np.allclose(t, t)]
)
def test_questions_get_plain_answers(question):
    out = question(M2)
    assert not isinstance(out, ad.Tensor)
    np.testing.assert_array_equal(out, question(M2.data))


@pytest.mark.parametrize("call", [np.sin, lambda x: np.float64(2.0) * x, lambda x: np.maximum(x, 0.5)])
def test_a_scalar_stays_a_scalar(call):
    assert type(call(ad.Scalar(1.0))) is ad.Scalar


def test_where_with_a_condition_alone_asks_for_places():
    assert [places.tolist() for places in np.where(ad.Tensor([0.0, 2.0]))] == [[1]]


def test_a_fill_value_gets_its_gradient():
    x = ad.Tensor(2.0)
    np.full_like(np.empty((2, 3)), 1.0)
    np.full_like(ad.Tensor(np.ones((2, 3))), x).sum().backward()
    assert x.grad == 6.0
