"""The shape of the project: imports point one way, heavy packages stay out, and what is exported exists."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import autodiff
import viz

ROOT = Path(__file__).parents[1]

# From left to right; a module imports only what stands to its left, or beside it in its own room.
ORDER = [
    {
        "autodiff.errors",
        "autodiff.layout",
        "autodiff.display",
        "autodiff.origin",
        "autodiff.writing",
        "autodiff.whole_files",
    },
    {"autodiff.tape", "autodiff.encoding", "autodiff.threads", "autodiff.fusion"},
    {"autodiff.products"},
    {"autodiff.effects"},
    {"autodiff.graph"},
    {"autodiff.primitive"},
    {"autodiff.ops"},
    {"autodiff.linalg"},
    {"autodiff.chain_rule"},
    {"autodiff.messages"},
    {"autodiff.backward_trace"},
    {"autodiff.reverse"},
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
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FILES = sorted([*ROOT.glob("autodiff/**/*.py"), *ROOT.glob("viz/**/*.py"), ROOT / "cli.py"])


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
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_engine_needs_numpy_alone():
    heavy = {"viz", "cli", "rich", "graphviz", "pygraphviz", "matplotlib", "networkx", "typer", "PIL", "textual"}
    assert not loaded_by("import autodiff, autodiff.run, autodiff.nn") & heavy


def test_pictures_load_heavy_packages_when_they_draw():
    assert not loaded_by("import viz") & {"pygraphviz", "matplotlib", "networkx", "PIL", "textual"}


def test_help_loads_neither_the_engine_nor_numpy():
    assert not loaded_by("import cli") & {"autodiff", "viz", "numpy", "matplotlib"}


@pytest.mark.parametrize("package", [autodiff, viz])
def test_exports_exist_and_are_documented(package):
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    assert len(set(package.__all__)) == len(package.__all__)
