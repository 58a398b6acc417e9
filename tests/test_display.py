"""What notebooks, files and other tools are given of values, graphs and traces."""

import json
import subprocess
import sys

import networkx
import numpy as np
import pytest

import autodiff as ad
import viz


def example():
    x = ad.Tensor([1.0, 2.0], name="x")
    return ad.sum(ad.exp(x) * np.array([1.0, -1.0]), name="L")


class TestNotebook:
    @pytest.mark.parametrize(
        "subject", [example(), ad.Graph.of(example()), ad.backprop(example()), viz.draw(example())]
    )
    def test_a_value_a_graph_a_trace_and_a_drawing_show_their_picture(self, subject):
        assert "<svg" in subject._repr_svg_()
        assert subject._repr_html_().startswith("<div")

    def test_all_forms_at_once(self):
        bundle = ad.Graph.of(example())._repr_mimebundle_()
        assert list(bundle) == ["text/plain", "image/svg+xml", "text/html"]
        assert bundle["text/plain"].startswith("Graph(")

    def test_a_leaf_is_shown_as_text(self):
        assert ad.Tensor(np.ones((500, 500)))._repr_svg_() is None
        assert list(ad.Scalar(1.0)._repr_mimebundle_()) == ["text/plain"]

    def test_without_viz_a_notebook_shows_text(self):
        code = (
            "import autodiff as ad, sys; y = ad.Scalar(2.0) * 3\n"
            "assert y._repr_svg_() is None and list(y._repr_mimebundle_()) == ['text/plain']\n"
            "assert 'viz' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


HOSTILE = ["", "a\x00b", "<b>&\"'", "]]>", "‮", "\x1b[31m", "😀", "x" * 10_000, "\ud800"]


class TestOtherTools:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_graphml_is_read_by_networkx_whatever_the_names(self, name, tmp_path):
        with ad.scope(name or "s"):
            y = ad.Tensor([1.0, np.nan], name=name or None) * 2
        viz.draw(y, tmp_path / "g.graphml")
        graph = networkx.read_graphml(tmp_path / "g.graphml")
        assert len(graph) == len(ad.Graph.of(y).nodes)
        assert {data["op"] for _, data in graph.nodes(data=True)} == {"input", "constant", "mul"}

    def test_json_is_that_of_the_graph(self, tmp_path):
        viz.draw(example(), tmp_path / "g.json")
        text = (tmp_path / "g.json").read_text()
        assert ad.Graph.from_json(text).replay().outputs[0].value == example().data
        json.loads(text)

    def test_every_format_is_the_same_however_it_is_asked_for(self, tmp_path):
        drawing = viz.draw(example())
        for format in viz.drawing.FORMATS:
            assert drawing.save(tmp_path / f"d.{format}").read_bytes() == viz.draw(example()).render(format), format
