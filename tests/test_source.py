"""Sources of commands: values as text and files, and functions in a person's own file."""

import io
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.errors import SourceError
from autodiff.source import read_source

GOOD_VALUES = [
    ("w=0.5", 0.5),
    ("w= -2e3 ", -2000.0),
    ("w=inf", np.inf),
    ("w=nan", np.nan),
    ("w=[]", []),
    ("w=[1, 2.5, -3e-2]", [1, 2.5, -0.03]),
    ("w=[[1],[2]]", [[1], [2]]),
    ("w=[Infinity, NaN]", [np.inf, np.nan]),
]


@pytest.mark.parametrize(("text", "expected"), GOOD_VALUES)
def test_values(text, expected):
    np.testing.assert_array_equal(read_source("w*1", [text])().data, expected)


BAD_VALUES = [
    ("w=", "w=: not a number, a JSON list of numbers"),
    ("w", "write NAME=VALUE"),
    ("=1", "write NAME=VALUE"),
    ("1w=1", "write NAME=VALUE"),
    ("w=[null]", "w=[null]: not a number"),
    ("w=[true, 1]", "not a number"),
    ('w=["1"]', "not a number"),
    ("w=[[1], 2]", "not a number"),
    ("w=[{}]", "not a number"),
    ("w=[1] [2]", "not a number"),
    ("w={}", "not a number"),
    ("w=true", "not a number"),
    ("w=1j", "not a number"),
    ("w=1e400", "w=1e400: a number is too large for a floating-point number"),
    ("w=[1e400]", "too large"),
    ("w=[" + "9" * 400 + "]", "too large"),
    ("w=" + "9" * 5000, "too large"),
    ("w=[" + "9" * 5000 + "]", "too large"),
    ("w=" + "[" * 5000, "not a number"),
    ("w=" + "[" * 70 + "]" * 70, "not a number"),
    ("w=@", "w=@: is a folder"),
    ("w=@missing.npy", "w=@missing.npy: no such file"),
    ("w=@a\0b.npy", "null"),
]


@pytest.mark.parametrize(("text", "message"), BAD_VALUES, ids=[text[:20] for text, _ in BAD_VALUES])
def test_bad_values_are_one_line(text, message):
    with pytest.raises(SourceError) as caught:
        read_source("w*1", [text])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_one_name_spelled_in_two_ways_is_given_once():
    assert read_source("µ*1", ["µ=2"])().item() == 2.0
    with pytest.raises(SourceError, match="already has a value"):
        read_source("µ*1", ["µ=2", "μ=3"])


def npy(array, **header) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **header)
    return file.getvalue()


def with_header(text: str, data: bytes = b"") -> bytes:
    encoded = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded + data


def zipped() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.ones(2))
    return file.getvalue()


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("was-run",)


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
GOOD_FILES = [np.array(3.0), np.arange(3), np.zeros((0, 3)), np.asfortranarray(np.arange(6.0).reshape(2, 3)), [True]]
GOOD_FILES += [np.array([1, 2], dtype=">i4"), np.array([0.1], dtype=np.float16), np.array([0.1], dtype=np.longdouble)]


@pytest.mark.parametrize("array", GOOD_FILES, ids=lambda a: f"{np.shape(a)} {np.asarray(a).dtype}")
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_in_files(array, version, tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(array, version=version))
    value = read_source("w*1", [f"w=@{tmp_path / 'a.npy'}"])().data
    np.testing.assert_array_equal(value, np.asarray(array, dtype=float))
    assert value.dtype == float


BAD_FILES = {
    "empty": (b"", "not an .npy file"),
    "text": (b"1, 2, 3\n4, 5, 6\n", "not an .npy file"),
    "magic alone": (b"\x93NUMPY", "not an .npy file"),
    "another version": (b"\x93NUMPY\x09\x00" + b" " * 100, "format version (9, 0)"),
    "truncated header": (npy(np.ones(3))[:40], "not an .npy file"),
    "truncated data": (npy(np.ones(3))[:-1], "its header says 24 bytes of numbers, it has 23"),
    "more data than said": (npy(np.ones(3)) + b"x", "it has 25"),
    "a header of nonsense": (with_header("nonsense(("), "not an .npy file"),
    "an unclosed string": (with_header("{'descr': '<f8"), "not an .npy file"),
    "Python 2's integers": (with_header(HEADER % "(2L,"), "not an .npy file"),
    "code": (with_header("__import__('os').mkdir('was-run')"), "not an .npy file"),
    "too large a shape": (with_header(HEADER % "(10**15,)"), "not an .npy file"),
    "an absurd shape": (with_header(HEADER % f"({10**30},)"), "its header says 8" + "0" * 30),
    "a negative shape": (with_header(HEADER % "(-3,)"), "its header says -24 bytes"),
    "two negatives": (with_header(HEADER % "(-1, -1)", b" " * 8), "its header says 8 bytes"),
    "objects": (npy(np.array([Dangerous()]), allow_pickle=True), "real numbers, got dtype object"),
    "a pickle": (pickle.dumps(Dangerous()), "not an .npy file"),
    "complex": (npy([1j]), "real numbers, got dtype complex128"),
    "texts": (npy(["a"]), "real numbers, got dtype <U1"),
    "records": (npy(np.zeros(2, "f8,i4")), "real numbers"),
    "several arrays": (zipped(), "not an .npy file"),
    "a broken archive": (zipped()[:50], "not an .npy file"),
    "too large for a float64": (npy(np.array([1e300], dtype=np.longdouble) ** 10), "overflow"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_one_line(name, tmp_path, monkeypatch):
    content, message = BAD_FILES[name]
    if name == "too large for a float64" and np.finfo(np.longdouble).max == np.finfo(float).max:
        pytest.skip("longdouble has 64 bits here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_source("w*1", ["w=@a.npy"])
    assert str(caught.value).startswith("w=@a.npy: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.npy"]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 140), st.binary(min_size=1, max_size=4))
def test_any_bytes_are_an_array_or_one_error(tmp_path_factory, place, part):
    content = npy(np.arange(3.0))
    path = tmp_path_factory.mktemp("any") / "a.npy"
    path.write_bytes(content[:place] + part + content[place + len(part) :])
    try:
        read_source("w*1", [f"w=@{path}"])
    except SourceError as error:
        assert "\n" not in str(error)


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npy", "w") as archive:
        archive.writestr("b.txt", "text")
    with pytest.raises(SourceError, match="not an .npy file"):
        read_source("w", [f"w=@{tmp_path / 'a.npy'}"])


# name -> the file's text, the values given, the result
GOOD_FUNCTIONS = {
    "default": ("def f(w, x=2.0):\n    return w * x", ["w=3"], 6.0),
    "keyword only": ("def f(w, *, x, y=1.0):\n    return w * x + y", ["w=3", "x=2"], 7.0),
    "positional only": ("def f(w, x=5.0, /, y=1.0):\n    return w * x + y", ["w=3", "y=2"], 17.0),
    "a gradient": ("import autodiff as ad\nf = ad.grad(lambda w, x: w * w * x)", ["x=1", "w=3"], 6.0),
    "a default before others": ("def f(x=2.0, w=0.0, *rest, y):\n    return w * x * y", ["w=3", "y=1"], 6.0),
    "varargs": ("def f(w, *rest):\n    assert rest == ()\n    return w * 2", ["w=3"], 6.0),
    "any keyword": ("def f(**values):\n    return values['a'] * values['b']", ["a=3", "b=2"], 6.0),
    "lambda": ("f = lambda w: w * 2", ["w=3"], 6.0),
    "partial": ("import functools\nf = functools.partial(lambda w, x: w * x, x=2.0)", ["w=3"], 6.0),
    "callable object": ("class Net:\n    def __call__(self, w):\n        return w * 2\nf = Net()", ["w=3"], 6.0),
    "bound method": ("class Net:\n    def run(self, w):\n        return w * 2\nf = Net().run", ["w=3"], 6.0),
    "decorated": (
        "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def h(*a, **k):\n        return g(*a, **k) * 2\n"
        "    return h\n@twice\ndef f(w):\n    return w",
        ["w=3"],
        6.0,
    ),
    "dataclass": (
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\nfrom typing import ClassVar\n"
        "@dataclass\nclass P:\n    n: ClassVar[int] = 1\n    w: float = field(default=2.0)\n"
        "def f(w):\n    return w * P().w",
        ["w=3"],
        6.0,
    ),
    "pickle": (
        "import pickle\nclass P:\n    n = 2.0\ndef f(w):\n    return w * pickle.loads(pickle.dumps(P())).n",
        ["w=3"],
        6.0,
    ),
    "neighbour": ("def f(w):\n    import neighbour_of_f\n    return w * neighbour_of_f.N", ["w=3"], 6.0),
    "main guard": ("if __name__ == '__main__':\n    raise SystemExit(1)\ndef f(w):\n    return w * 2", ["w=3"], 6.0),
    "Windows newlines": ("def f(w):\r\n    return w * 2\r\n", ["w=3"], 6.0),
    "byte order mark": ("\ufeffdef f(w):\n    return w * 2", ["w=3"], 6.0),
    "unicode": ("def f(µ):\n    return µ * 2  # ✓", ["µ=3"], 6.0),
    "arrays": ("import numpy as np\ndef f(w):\n    return (w * np.ones(2)).sum()", ["w=[1, 2]"], 3.0),
    "no parameters": ("import autodiff as ad\ndef f():\n    return ad.Scalar(6.0)", [], 6.0),
    "changes sys.path": ("import sys\nsys.path.clear()\ndef f(w):\n    return w * 2", ["w=3"], 6.0),
}


@pytest.mark.parametrize("name", GOOD_FUNCTIONS)
def test_functions_in_files(name, tmp_path, monkeypatch):
    text, assignments, expected = GOOD_FUNCTIONS[name]
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "loss.py").write_bytes(text.encode())
    (tmp_path / "neighbour_of_f.py").write_text("N = 2.0")
    path = list(sys.path)
    record = read_source(f"{tmp_path / 'loss.py'}:f", assignments)
    assert record().item() == record().item() == expected
    assert sys.path == ([] if "sys.path" in name else path)
    assert str(tmp_path) not in sys.path
    sys.modules.pop("neighbour_of_f", None)


def test_a_latin_1_file_that_says_so(tmp_path):
    (tmp_path / "loss.py").write_bytes("# coding: latin-1\ndef f(w):\n    return w * len('ä')".encode("latin-1"))
    assert read_source(f"{tmp_path / 'loss.py'}:f", ["w=3"])().item() == 3.0


# name -> the file's text or bytes, the function asked for, what the error says after the file's name
BAD_FUNCTIONS = {
    "raises": ("def f(w):\n    raise ValueError('two\\nlines')", "f", ":2: ValueError: two lines"),
    "raises nothing to say": ("def f(w):\n    assert False", "f", ":2: AssertionError"),
    "raises what cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        return 1 / 0\ndef f(w):\n    raise E",
        "f",
        ":5: E: its message cannot be shown, ZeroDivisionError",
    ),
    "raises at length": ("def f(w):\n    raise ValueError('x' * 10**6)", "f", "xxx..."),
    "raises its own": ("class Stop(BaseException): pass\ndef f(w):\n    raise Stop('here')", "f", ":3: Stop: here"),
    "raises on import": ("import no_such_module_here\n", "f", ":1: ModuleNotFoundError: No module named"),
    "exits": ("import sys\nsys.exit()", "f", ":2: SystemExit"),
    "exits when called": ("import sys\ndef f(w):\n    sys.exit('bye')", "f", ":3: SystemExit: bye"),
    "recurses": ("def f(w):\n    return f(w)", "f", ":2: RecursionError: maximum recursion depth"),
    "does not parse": ("x = 1\ndef f(w:\n    return w", "f", ":2: SyntaxError: '(' was never closed"),
    "is not indented": ("def f(w):\nreturn w", "f", ":2: IndentationError: expected an indented block"),
    "runs code that does not parse": ("def f(w):\n\n    return eval('w w')", "f", ":3: SyntaxError"),
    "misfit": (
        "import numpy as np\ndef f(w):\n    return (w * np.ones(3)) @ np.ones(2)",
        "f",
        ":3: matmul: operand shapes (3,) and (2,) do not align",
    ),
    "null bytes": (b"x = 1\n\0", "f", "source code string cannot contain null bytes"),
    "UTF-16": ("def f(w): return w".encode("utf-16"), "f", "SyntaxError: "),
    "latin-1 that says nothing": ("# ä\nx = 'ä'".encode("latin-1"), "f", "SyntaxError: (unicode error)"),
    "unknown encoding": ("# coding: nonsense\n", "f", "SyntaxError: "),
    "empty": ("", "f", ": no function 'f'; it has none"),
    "only classes": ("class f: pass\ndef g(w): return w", "f", ": no function 'f'; it has g"),
    "a number": ("f = 3\ndef g(w): return w", "f", ": no function 'f'; it has g"),
    "an imported module": ("import math as f", "f", ": no function 'f'; it has none"),
    "a name that is none": ("def f(w): return w", "f-g", ": no function 'f-g'; it has f"),
    "a dotted name": ("class A:\n    def f(w): return w", "A.f", ": no function 'A.f'; it has none"),
    "a call": ("def f(w): return w", "f()", ": no function 'f()'; it has f"),
    "no name": ("def f(w): return w", "", ": name a function, as in FILE.py:FUNCTION; it has f"),
    "async": ("async def f(w):\n    return w", "f", ":f: is an async function; write a plain function"),
    "async behind a call": ("async def g(w):\n    return w\nf = lambda w: g(w)", "f", ":f: must return"),
    "generator": ("def f(w):\n    yield w", "f", ":f: is a generator; write a plain function"),
    "async generator": ("async def f(w):\n    yield w", "f", ":f: is an async generator"),
    "returns nothing": ("def f(w):\n    w * 2", "f", ":f: must return a Scalar or a Tensor, got NoneType"),
    "returns several": ("def f(w):\n    return w, w", "f", ":f: must return a Scalar or a Tensor, got tuple"),
    "takes another": ("def f(x): return x", "f", ":f: has no parameter 'w'; it takes x"),
    "takes more": ("def f(w, /, x, *, y): return x", "f", ":f: give a value for x, as in x=0.5"),
    "takes more by keyword": ("def f(w, *, y): return y", "f", ":f: give a value for y, as in y=0.5"),
    "the name of its rest": ("def f(*w): return w[0]", "f", ":f: has no parameter 'w'; it takes none"),
    "has no signature": ("f = dict.fromkeys\nf = type('F', (), {'__call__': 3})()", "f", ":f: its parameters are not"),
    "cannot make a tensor": (
        "import autodiff as ad\ndef f(w):\n    return ad.Tensor([[1], [1, 2]])",
        "f",
        ":3: Tensor: ",
    ),
}


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_bad_functions_are_one_line_that_says_where(name, tmp_path, monkeypatch, capsys):
    text, function, message = BAD_FUNCTIONS[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loss.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    before, modules = list(sys.path), set(sys.modules)
    with pytest.raises(SourceError) as caught:
        read_source(f"loss.py:{function}", ["w=1"])()
    assert str(caught.value).startswith("loss.py:")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert sys.path == before
    assert set(sys.modules) - modules <= {"chainlens_loss"}
    assert [path.name for path in tmp_path.iterdir()] == ["loss.py"]


def test_other_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.py").mkdir()
    for source, message in [
        ("folder.py:f", "folder.py: is a folder"),
        ("no.py:f", "no.py: no such file"),
        ("a/b.py:f", "a/b.py: no such file"),
        ("a\0.py:f", "no such file"),
    ]:
        with pytest.raises(SourceError) as caught:
            read_source(source)
        assert message in str(caught.value)


def test_a_neighbours_error_is_blamed_on_the_line_that_met_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loss.py").write_text("\n\nimport bad_neighbour_of_loss\n")
    (tmp_path / "bad_neighbour_of_loss.py").write_text("x = 1\ny = = 2")
    with pytest.raises(
        SourceError, match=r"^loss.py:3: SyntaxError: invalid syntax \(bad_neighbour_of_loss.py, line 2\)"
    ):
        read_source("loss.py:f")


def test_the_names_of_modules_in_use_are_left_alone(tmp_path):
    for name in ("json", "numpy", "__main__", "a.b c-d", "autodiff"):
        module = sys.modules.get(name)
        (tmp_path / f"{name}.py").write_text("def f(w):\n    return w * 2")
        assert read_source(f"{tmp_path / name}.py:f", ["w=3"])().item() == 6.0
        assert sys.modules.get(name) is module


def test_a_change_within_a_second_is_seen(tmp_path):
    for factor in (2, 3, 4):
        (tmp_path / "loss.py").write_text(f"def f(w):\n    return w * {factor}")
        with ad.recording(source=True):
            value = read_source(f"{tmp_path / 'loss.py'}:f", ["w=1"])()
        assert value.item() == factor
        assert value.source.text == f"return w * {factor}"


def test_what_a_file_prints_goes_to_stderr(tmp_path, capsys):
    (tmp_path / "loss.py").write_text("print('loaded')\ndef f(w):\n    print('called')\n    return w * 2")
    read_source(f"{tmp_path / 'loss.py'}:f", ["w=3"])()
    assert capsys.readouterr() == ("", "loaded\ncalled\n")


def test_ctrl_c_is_no_error_of_the_file(tmp_path):
    (tmp_path / "loss.py").write_text("def f(w):\n    raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        read_source(f"{tmp_path / 'loss.py'}:f", ["w=3"])()


def test_a_file_in_a_real_process_leaves_nothing_behind(tmp_path, chainlens):
    (tmp_path / "loss.py").write_text("print('noise')\nasync def g(): pass\ndef f(w):\n    return w * w")
    done = chainlens("grad", "loss.py:f", "w=3", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"value": 9.0, "gradients": {"w": 6.0}}\n', "noise\n")
    assert [path.name for path in tmp_path.iterdir()] == ["loss.py"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(npy(np.ones(2)))
    path.chmod(0)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        read_source("w", [f"w=@{path}"])
