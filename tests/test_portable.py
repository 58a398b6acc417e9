"""`viz.portable`: where pygraphviz cannot load, a self-contained program draws."""

import sys
from xml.etree import ElementTree

import pytest

from viz import portable
from viz.render import RenderError, render


def test_without_the_systems_libraries_a_portable_program_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        assert portable.program() is None
        return
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    svg = ElementTree.fromstring(render('digraph { a [label="w·x", fontname="DejaVu Sans"] }', "svg"))
    assert "w·x" in "".join(svg.itertext())
    assert render("digraph { a -> b }", "png").startswith(b"\x89PNG")
    with pytest.raises(RenderError, match="syntax error"):
        render("digraph { w -> }", "svg")
    with pytest.raises(RenderError, match="apt-get install"):
        render("digraph { a }", "pdf")
