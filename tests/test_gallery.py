"""The gallery is what its scripts draw."""

import importlib.util
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[1] / "gallery"


@pytest.mark.graphviz_libraries
@pytest.mark.parametrize("script", sorted(GALLERY.glob("*.py")), ids=lambda path: path.stem)
def test_pages_are_rebuilt_and_compared(script, tmp_path):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = module.draw(tmp_path)
    assert drawn.read_text(encoding="utf-8") == (GALLERY / drawn.name).read_text(encoding="utf-8")
