"""Where values were recorded: file, line and the very part of the line."""

import subprocess
import sys

import pytest

import autodiff as ad


def recorded(text, tmp_path, name="f"):
    """The sources of the operations that a function in a file of its own recorded."""
    path = tmp_path / "own.py"
    path.write_text(text, encoding="utf-8")
    space = {"ad": ad}
    exec(compile(text, str(path), "exec"), space)
    with ad.recording(source=True):
        out = space[name](ad.Scalar(2.0, name="w"), ad.Scalar(3.0, name="x"))
    return [node.source for node in ad.Graph.of(out).nodes if not node.is_leaf]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return w * x + 1", ["w * x", "w * x + 1"]),
        ("return ad.relu(w * x)", ["w * x", "ad.relu(w * x)"]),
        ("return (w\n            * x)", ["w * x"]),
        ("'é漢' ; return w * x", ["w * x"]),
        ("w *= x\n    return w", ["w *= x"]),
        ("return abs(-w)", ["-w", "abs(-w)"]),
        ("return [w * k for k in (1.5, 2.5)][1]", ["w * k"]),
    ],
)
def test_the_part_of_the_line_that_made_a_value_is_known(body, expected, tmp_path):
    assert [s.part for s in recorded(f"def f(w, x):\n    {body}\n", tmp_path)] == expected


def test_lines_and_columns_say_where_the_part_stands(tmp_path):
    (source,) = recorded("def f(w, x):\n    'é'; return (w *\n        x)\n", tmp_path)
    assert (source.line, source.text) == (2, "'é'; return (w *")
    assert (source.column, source.end_line, source.end_column) == (17, 3, 9)
    assert source.lines()[1][source.column :] == "w *\n"
    assert source.file == str(tmp_path / "own.py")


def test_two_pieces_of_code_that_look_alike_are_told_apart(tmp_path):
    text = "def f(w, x):\n    return w * x\n"
    (tmp_path / "other").mkdir()
    first, second = recorded(text, tmp_path), recorded(text, tmp_path / "other")
    assert first[0].file != second[0].file


def test_code_without_a_file_has_no_text():
    space = {}
    exec("def f(w):\n    return w * 2\n", space)
    with ad.recording(source=True):
        source = space["f"](ad.Scalar(1.0)).source
    assert (source.file, source.line, source.text, source.part, source.column) == ("<string>", 2, "", "", None)
    assert source.lines() == []


def test_without_columns_the_line_is_still_known(tmp_path):
    (tmp_path / "a.py").write_text(
        "import autodiff as ad\nwith ad.recording(source=True):\n    y = ad.Scalar(1.0) * 2\nprint(y.source[2:5])"
    )
    done = subprocess.run(
        [sys.executable, "-X", "no_debug_ranges", "a.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "('y = ad.Scalar(1.0) * 2', '', None)\n", done.stderr


def test_an_expression_knows_its_parts_and_its_whole():
    with ad.recording(source=True):
        out = ad.parse(" é = relu(w*x);\nL = é**2 ", w=2.0, x=3.0)
    sources = [node.source for node in ad.Graph.of(out).nodes if not node.is_leaf]
    assert [s.part for s in sources] == ["w*x", "relu(w*x)", "é**2"]
    assert [(s.line, s.column, s.end_line, s.end_column) for s in sources] == [
        (1, 9, 1, 12),
        (1, 4, 1, 13),
        (2, 4, 2, 8),
    ]
    assert sources[0].lines() == ["é = relu(w*x);", "L = é**2"]


def test_sources_go_through_json():
    with ad.recording(source=True):
        out = ad.parse("w * 2", w=2.0) * ad.Scalar(3.0)
    graph = ad.Graph.of(out)
    assert [n.source for n in ad.Graph.from_json(graph.to_json()).nodes] == [n.source for n in graph.nodes]
    old = graph.to_json().replace('"source": null', '"source": ["a.py", 3, "w * 2"]', 1)
    assert ad.Graph.from_json(old).nodes[0].source == ad.Source("a.py", 3, "w * 2")


def test_nothing_is_looked_up_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setattr("autodiff.origin.caller", lambda: pytest.fail("looked up"))
    for room in ("tape",):
        monkeypatch.setattr(f"autodiff.{room}.caller", lambda: pytest.fail("looked up"))
    assert (ad.Scalar(2.0) * 3 + ad.Tensor([1.0])).source is None
