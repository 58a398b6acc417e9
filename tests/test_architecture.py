"""The shape of the project: imports point one way, heavy packages stay out, and what is exported exists."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import autodiff
import viz
from autodiff import linalg, ops

ROOT = Path(__file__).parents[1]

# From left to right; a module imports only what stands to its left, or beside it in its own room.
ORDER = [
    {
        "autodiff.errors",
        "autodiff.later",
        "autodiff.layout",
        "autodiff.display",
        "autodiff.origin",
        "autodiff.writing",
        "autodiff.whole_files",
    },
    {"autodiff.tape", "autodiff.encoding", "autodiff.threads", "autodiff.fusion"},
    {"autodiff.products"},
    {"autodiff.effects"},
    {"autodiff.primitive"},
    {"autodiff.ops"},
    {"autodiff.linalg", "autodiff.graph"},
    {"autodiff.chain_rule"},
    {"autodiff.messages"},
    {"autodiff.backward_trace"},
    {"autodiff.reverse"},
    {"autodiff.tracing"},
    {"autodiff.blame", "autodiff.reasons"},
    {"autodiff.cause", "autodiff.ways"},
    {"autodiff.causes"},
    {"autodiff.watching", "autodiff.traps"},
    {"autodiff.forward", "autodiff.protocols"},
    {"autodiff.operators"},
    {"autodiff.questions"},
    {"autodiff.scalar", "autodiff.methods"},
    {"autodiff.tensor"},
    {"autodiff.transforms"},
    {"autodiff.derivatives", "autodiff.rematerialise"},
    {"autodiff.batching"},
    {"autodiff.vectorise", "autodiff.replay"},
    {"autodiff.check", "autodiff.expression", "autodiff.nn", "autodiff.schedules"},
    {"autodiff.source", "autodiff.optim"},
    {"autodiff.data", "autodiff.checkpoint", "autodiff.interruption"},
    {"autodiff.arithmetic", "autodiff.stopwatch"},
    {"autodiff.program_cost"},
    {"autodiff.costs"},
    {"autodiff.objective", "autodiff.callbacks", "autodiff.updates", "autodiff.divergence"},
    {"autodiff.history", "autodiff.gradients"},
    {"autodiff.training"},
    {"autodiff.train", "autodiff.recipes", "autodiff.health"},
    {"autodiff.options"},
    {"autodiff.configuration"},
    {"autodiff.run"},
    {"viz"},
    {"cli_help"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FILES = sorted([*ROOT.glob("autodiff/**/*.py"), *ROOT.glob("viz/**/*.py"), ROOT / "cli_help.py", ROOT / "cli.py"])


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str | None:
    """The room a module belongs to: `autodiff.ops` for `autodiff.ops.shape`; None for one outside the project."""
    candidates = [room for room in RANK if module == room or module.startswith(f"{room}.")]
    return max(candidates, key=len, default=None)


def imports(path: Path):
    """Every (module, names, at run time) that a file imports, wherever in it."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])]), [alias.name for alias in node.names]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path):
    own = module_name(path)
    if own == "autodiff":  # the front door imports every room
        return
    room = room_of(own)
    assert room is not None, f"{own} has no place in the order: give it one"
    for module, names in imports(path):
        for target in [module, *(f"{module}.{name}" for name in names)]:
            other = room_of(target)
            if other is None or other == room:
                continue
            assert RANK[other] < RANK[room], f"{own} imports {target}, which stands to its right"


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[-2] != "autodiff"], ids=module_name)
def test_pictures_and_commands_keep_to_the_engines_public_names(path):
    if module_name(path).startswith("autodiff"):
        return
    for module, names in imports(path):
        if module.startswith("autodiff"):
            private = [name for name in [*module.split("."), *names] if name.startswith("_")]
            assert not private, f"{module_name(path)} reaches into {module}: {private}"


def test_no_module_bears_the_name_of_a_public_function():
    modules = {path.stem for path in (ROOT / "autodiff").glob("*.py")}
    functions = {name for name in autodiff.__all__ if callable(getattr(autodiff, name))}
    assert not modules & functions


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_engine_needs_numpy_alone():
    heavy = {"viz", "cli", "rich", "graphviz", "pygraphviz", "matplotlib", "networkx", "typer", "PIL", "textual"}
    assert not loaded_by("import autodiff, autodiff.run, autodiff.nn") & heavy


# All that a gradient of arithmetic takes. What else there is waits for its first use: `import autodiff` stays quick.
ENGINE = {
    *("autodiff", "autodiff.later", "autodiff.errors", "autodiff.display", "autodiff.origin", "autodiff.layout"),
    *("autodiff.tape", "autodiff.primitive", "autodiff.chain_rule", "autodiff.messages", "autodiff.reverse"),
    *("autodiff.protocols", "autodiff.operators", "autodiff.methods", "autodiff.scalar", "autodiff.tensor"),
    *("autodiff.ops", "autodiff.ops.options", "autodiff.ops.plain_data", "autodiff.ops.elementwise"),
    *("autodiff.ops.rounding", "autodiff.ops.shape", "autodiff.ops.index"),
}


def test_a_gradient_of_arithmetic_loads_the_engine_alone():
    loaded = loaded_by("import autodiff as ad\nx = ad.Scalar(3.0)\n(x * x + 1).backward()") - loaded_by("import numpy")
    assert {module for module in loaded if module.startswith("autodiff")} <= ENGINE
    assert not loaded & {"dataclasses", "string", "ast", "json"}


def test_pictures_load_heavy_packages_when_they_draw():
    assert not loaded_by("import viz") & {"pygraphviz", "matplotlib", "networkx", "PIL", "textual"}


@pytest.mark.parametrize("arguments", ["--help", "", "--version", "trian", "grad --help", "grad --no-such"])
def test_what_needs_no_engine_is_answered_without_anything_heavy(arguments):
    heavy = {"autodiff", "viz", "numpy", "matplotlib", "rich", "markdown_it", "pydantic"}
    assert not loaded_by(f"import cli; cli.main({arguments.split()})") & heavy


def test_a_command_loads_no_drawing_that_it_does_not_show():
    loaded = loaded_by("import cli; assert cli.main(['grad', 'w*x', 'w=1', 'x=2', '--json']) == 0")
    assert not loaded & {"viz.drawing", "viz.html", "viz.debugger.launch", "viz.path_sums"}


@pytest.mark.parametrize("package", [autodiff, viz])
def test_exports_exist_and_are_documented(package):
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    assert len(set(package.__all__)) == len(package.__all__)


MODULES_OF_ROWS = [
    module_name(path) for path in FILES if path.parent.name == "ops" and path.stem not in ("__init__", "table")
]


def test_functions_are_offered_under_the_names_that_their_modules_list():
    listed = set()
    for module in map(import_module, MODULES_OF_ROWS):
        for name in getattr(module, "__all__", ()):
            listed.add(name)
            assert getattr(module, name) in (getattr(ops, name, None), getattr(linalg, name, None)), name
    assert {*ops.__all__} <= listed


def test_the_table_imports_every_module_of_rows():
    assert {*MODULES_OF_ROWS} <= loaded_by("import autodiff.ops.table")


# In a fresh Python, for in this one everything is imported.
FIRST_USES = {
    "every public name": "names = {}; exec('from autodiff import *', names); assert {*ad.__all__} <= {*names}",
    "their list": "assert {*ad.__all__} <= {*dir(ad)} and {*ad.ops.__all__} <= {*dir(ad.ops)}",
    "a name that is none": "assert not hasattr(ad, 'no_such') and not hasattr(ad.ops, 'no_such')",
    "the table of operations": "from autodiff.ops.table import builtin_names as found; before = found();"
    "[getattr(ad, name) for name in ad.__all__]; import autodiff.nn;"
    "assert found() - before == {'sum_squares', 'cross_entropy'} and 'cholesky' in before",
    "the replay of a graph": "assert ad.Graph.from_json(sys.argv[1]).replay().outputs[0].value == 3.0",
    "a name that is taken": "import pytest;"
    "pytest.raises(ad.errors.SettingError, lambda: ad.Primitive('cholesky', abs)).match('taken')",
    "NumPy's functions": "assert np.linalg.norm(ad.Tensor([3.0, 4.0])).item() == np.sinh(ad.Scalar(0.0)).item() + 5",
    "ndarray's methods": "t = ad.Tensor([3.0, 4.0]); assert t.cumsum().tolist() == [3, 7] and t.var().item() == 0.25",
    "a map over examples": "assert ad.vmap(ad.linalg.det)(np.ones((2, 1, 1))).tolist() == [1, 1]",
    "a pickle of a value": "import pickle; assert pickle.loads(pickle.dumps(ad.Tensor([2.0]))).tolist() == [2]",
    "a pickle of a function": "import pickle; assert pickle.loads(pickle.dumps(ad.softmax)) is ad.softmax",
    "many threads at once": "from concurrent.futures import ThreadPoolExecutor as Pool; names = ad.__all__ * 4;"
    "found = [*Pool(16).map(lambda name: getattr(ad, name), names)];"
    "assert all(each is getattr(ad, name) for each, name in zip(found, names))",
}


@pytest.mark.parametrize("name", FIRST_USES)
def test_what_is_imported_late_is_complete_at_its_first_use(name):
    graph = autodiff.Graph.of(autodiff.linalg.cholesky(autodiff.Tensor([[9.0]]))[0, 0]).to_json()
    code = f"import sys, numpy as np, autodiff as ad\n{FIRST_USES[name]}"
    subprocess.run([sys.executable, "-W", "error", "-c", code, graph], check=True)
