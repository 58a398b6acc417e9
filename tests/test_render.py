"""`viz.render`: the same picture on every machine, no chatter, and Graphviz's errors as exceptions."""

import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from autodiff.errors import AutodiffError
from viz import portable
from viz.render import FORMATS, RenderError, render

pytestmark = pytest.mark.graphviz_libraries

CARD = """digraph {
  rankdir=LR; node [fontname="DejaVu Sans"]; edge [fontname="DejaVu Sans"]
  a [shape=plain, label=<<TABLE><TR><TD>×</TD><TD><B>h = w · x</B></TD></TR>
    <TR><TD COLSPAN="2">∂L/∂w = −1.200 × 2.000 → ½ · ᵀ σ Σ ₁₂ ² ‖x‖ ∞ √ — ⊙</TD></TR>
    <TR><TD COLSPAN="2"><FONT FACE="DejaVu Sans Mono">▁▂▃▄▅▆▇█ 0.750</FONT></TD></TR></TABLE>>]
  a -> b [label="0.750 × 2.000 → 1.500"]
}"""
# A table that is too small, a colour and a shape that do not exist, more than 1000 nodes: each makes somebody chatter.
CHATTER = f"""digraph {{
  a [shape=nosuch, color=nosuch, label=<<TABLE FIXEDSIZE='TRUE' WIDTH='1' HEIGHT='1'><TR><TD>x</TD></TR></TABLE>>]
  b [fixedsize=true, width=0.1, label=wide]
  {" -> ".join(f"n{i}" for i in range(1001))}
}}"""
MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}
DIGESTS = f"""
import hashlib
from viz.render import FORMATS, render
print([hashlib.sha256(render({CARD!r}, format)).hexdigest() for format in FORMATS])
"""


def digests() -> str:
    return str([hashlib.sha256(render(CARD, format)).hexdigest() for format in FORMATS])


def run(code: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with environment variables set or (None) removed."""
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_begins_with_its_magic_and_repeats_byte_for_byte(format: str) -> None:
    first = render(CARD, format)
    assert first.startswith(MAGIC[format])
    assert first == render(CARD, format)


def test_svg_is_well_formed_has_a_view_box_titles_and_text() -> None:
    root = ElementTree.fromstring(render(CARD, "svg"))
    namespace = "{http://www.w3.org/2000/svg}"
    assert root.tag == namespace + "svg"
    assert len(root.attrib["viewBox"].split()) == 4
    assert [title.text for title in root.iter(namespace + "title")] == ["a", "b", "a->b"]
    families = {text.attrib["font-family"].split(",")[0] for text in root.iter(namespace + "text")}
    assert families == {"DejaVu Sans", "DejaVu Sans Mono"}
    assert "∂L/∂w = −1.200 × 2.000 → ½ · ᵀ σ Σ ₁₂ ² ‖x‖ ∞ √ — ⊙" in [
        text.text for text in root.iter(namespace + "text")
    ]


def test_svg_names_no_graphviz_build_and_no_outside_dtd() -> None:
    svg = render(CARD, "svg")
    assert b"enerated by" not in svg
    assert b"DOCTYPE" not in svg


@pytest.mark.parametrize(
    "label",
    [
        "x\x01\x1fy",
        "x\ufffe\uffffy",
        "&nbsp; &copy; &foo; & &; &# < > ]]>",
        "&#0; &#1; &#xfffe;",
        "-- <!-- -->",
        "\U0001f600",
    ],
)
def test_svg_stays_well_formed_for_hostile_labels(label: str) -> None:
    ElementTree.fromstring(render(f'digraph {{ a [label="{label}", tooltip="{label}"] }}', "svg"))


def test_pdf_embeds_only_the_fonts_that_matplotlib_ships() -> None:
    fonts = set(re.findall(rb"/FontName /\w+\+([\w-]+)", render(CARD, "pdf")))
    assert fonts == {b"DejaVuSans", b"DejaVuSans-Bold", b"DejaVuSansMono"}


def test_pdf_table_points_at_its_objects() -> None:
    pdf = render(CARD, "pdf")
    assert b"Date" not in pdf
    found = re.search(rb"startxref\n(\d+)\n", pdf)
    assert found
    table = pdf[int(found[1]) :]
    assert table.startswith(b"xref\n0 ")
    entries = re.findall(rb"(\d{10}) \d{5} [nf]", table)
    assert len(entries) > 5
    for number, offset in list(enumerate(entries))[1:]:
        assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)


def test_dpi_scales_png_only() -> None:
    def width(dpi: float) -> int:
        return Image.open(io.BytesIO(render(CARD, "png", dpi=dpi))).width

    assert abs(width(288) - 2 * width(144)) <= 2
    assert render(CARD, "svg", dpi=288) == render(CARD, "svg")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("digraph { a -> }", "Graphviz: syntax error in line 1 near '}'"),
        ("not dot", "Graphviz: syntax error in line 1 near 'not'"),
        ("", "Graphviz: no graph in the text"),
        ("digraph { a [label=<<TABLE><TR>>] }", "mismatched tag in line 1 ... <TR></HTML> ... in label of node a"),
        ("digraph { a [label=<<I>&nosuch;</I>>] }", "undefined entity"),
        ('digraph { a [label=<<TABLE><TR><TD><IMG SRC="nosuch.png"/></TD></TR></TABLE>>] }', "nosuch.png"),
        ('digraph { a [label="\ud800"] }', "not valid Unicode: surrogates not allowed at position 20"),
    ],
)
def test_an_error_in_the_text_is_one_line_in_graphviz_words(source: str, words: str) -> None:
    with pytest.raises(RenderError) as error:
        render(source, "svg")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    render(CARD, "svg")  # a failure leaves nothing behind


def test_render_error_is_the_projects_and_a_value_error() -> None:
    assert issubclass(RenderError, AutodiffError)
    assert issubclass(RenderError, ValueError)


@pytest.mark.parametrize(
    ("format", "engine", "dpi", "words"),
    [
        ("gif", "dot", 144, "unknown format 'gif': use one of svg, png, pdf"),
        ("svg", "nosuch", 144, "unknown engine 'nosuch': use one of dot, neato"),
        ("png", "dot", 0, "dpi must be above 0"),
        ("png", "dot", float("nan"), "dpi must be above 0"),
        ("png", "dot", 1e9, "at most 1200"),
    ],
)
def test_a_wrong_option_is_told_what_is_allowed(format: str, engine: str, dpi: float, words: str) -> None:
    with pytest.raises(RenderError, match=re.escape(words)):
        render(CARD, format, engine=engine, dpi=dpi)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(RenderError, match="pip install matplotlib"):
            render(CARD, "svg")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(portable, "program", lambda: None)
    with pytest.raises(RenderError, match="pip install pygraphviz"):
        render(CARD, "svg")


def test_another_process_draws_the_same_bytes_whatever_its_clock_and_fonts(tmp_path: Path) -> None:
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig></fontconfig>")
    other = run(
        DIGESTS,
        TZ="Asia/Kolkata",
        SOURCE_DATE_EPOCH="-5",  # with which Graphviz would end the process
        FONTCONFIG_FILE=str(empty),
        FONTCONFIG_PATH=str(tmp_path),
        FONTCONFIG_SYSROOT=str(tmp_path),
        FC_DEBUG="1",
    )
    assert (other.stderr, other.stdout.strip()) == ("", digests())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HOME": None, "XDG_CACHE_HOME": None},
        {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/proc/nonexistent"},
        {"FONTCONFIG_FILE": "/nonexistent/fonts.conf"},
    ],
)
def test_nothing_is_written_to_the_users_stderr(environment: dict[str, str | None]) -> None:
    done = run(f"from viz.render import render; render({CHATTER!r}, 'png'); render({CARD!r}, 'pdf')", **environment)
    assert (done.stderr, done.stdout, done.returncode) == ("", "", 0)


def test_text_is_drawn_even_if_the_user_has_no_fonts(tmp_path: Path) -> None:
    """Without a font every character is the same empty box."""
    code = """
from viz.render import render
dot = 'digraph { a [shape=box, fixedsize=true, width=1, label="%s"] }'
assert len({render(dot % letter, "png") for letter in "∂Σ·×−→ᵀ₁½²‖∞√—▁█⊙"}) == 17
"""
    done = run(code, FONTCONFIG_FILE=str(tmp_path / "none.conf"), FONTCONFIG_PATH=str(tmp_path), HOME=str(tmp_path))
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("installed", ["DejaVu Serif", "Liberation Serif", "Times", "Arial", "monospace"])
def test_a_font_that_the_machine_may_have_is_not_used(installed: str) -> None:
    dot = 'digraph { a [fontname="%s", label="∂L/∂w"] }'
    assert render(dot % installed, "png") == render(dot % "DejaVu Sans", "png")


def test_the_first_graph_of_a_process_has_its_default_labels() -> None:
    done = run("from viz.render import render; print(render('digraph { first; second [label=x] }', 'svg').decode())")
    assert ">first</text>" in done.stdout


def test_a_temporary_folder_with_a_hostile_name_works_and_is_left_empty(tmp_path: Path) -> None:
    hostile = tmp_path / "a b & 'ü' ]] {x}"
    hostile.mkdir()
    done = run(DIGESTS, TMPDIR=str(hostile), TEMP=str(hostile), TMP=str(hostile))
    assert (done.stderr, done.stdout.strip()) == ("", digests())
    assert not list(hostile.iterdir())


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FONTCONFIG_FILE", "mine")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = dict(os.environ)
    render(CARD, "png")
    with pytest.raises(RenderError):
        render("digraph {", "png")
    assert dict(os.environ) == before


def test_threads_may_draw_at_once() -> None:
    expected = {format: render(CARD, format) for format in FORMATS}
    before, interval = dict(os.environ), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that threads meet in each other's way
    try:
        with ThreadPoolExecutor(8) as pool:
            pictures = list(pool.map(lambda i: render(CARD, FORMATS[i % 3]) == expected[FORMATS[i % 3]], range(48)))
    finally:
        sys.setswitchinterval(interval)
    assert all(pictures)
    assert dict(os.environ) == before


def test_a_closed_descriptor_2_stays_closed() -> None:
    code = """
import os
from viz.render import RenderError, render
os.close(2)
assert render("digraph { a -> b }", "png").startswith(b"\\x89PNG")
try:
    render("digraph { a -> }", "svg")
except RenderError as error:
    print(error)
try:
    os.fstat(2)
except OSError:
    print("closed")
"""
    assert run(code).stdout.splitlines() == ["Graphviz: syntax error in line 1 near '}'", "closed"]


def test_a_replaced_or_missing_sys_stderr_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = io.StringIO()
    for stderr in (replaced, None):
        monkeypatch.setattr(sys, "stderr", stderr)
        render(CHATTER, "svg")
    assert replaced.getvalue() == ""


def test_what_the_caller_writes_to_stderr_afterwards_arrives() -> None:
    done = run("import os; from viz.render import render; render('digraph {}', 'svg'); os.write(2, b'mine')")
    assert done.stderr == "mine"


def test_importing_the_module_loads_neither_pygraphviz_nor_matplotlib() -> None:
    done = run("import sys, viz.render; print({'pygraphviz', 'matplotlib'} & set(sys.modules))")
    assert done.stdout.strip() == "set()"
