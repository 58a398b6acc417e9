"""The gallery is what its scripts draw."""

import re
from pathlib import Path

import pytest

from autodiff.errors import SettingError
from viz.gallery import build, load

GALLERY = Path(__file__).parents[1] / "gallery"


@pytest.mark.graphviz_libraries
@pytest.mark.parametrize("script", sorted(GALLERY.glob("*.py")), ids=lambda path: path.stem)
def test_pages_are_rebuilt_and_compared(script, tmp_path):
    drawn = load(script).draw(tmp_path)
    for path in drawn if isinstance(drawn, list) else [drawn]:
        assert path.read_text(encoding="utf-8") == (GALLERY / path.name).read_text(encoding="utf-8"), path.name


@pytest.mark.graphviz_libraries
def test_the_index_has_every_page_and_needs_nothing_from_elsewhere(tmp_path):
    written = build(GALLERY, tmp_path)
    index = written[-1].read_text(encoding="utf-8")
    assert index == (GALLERY / "index.html").read_text(encoding="utf-8")
    pages = {path.name for path in GALLERY.iterdir() if path.is_file() and path.suffix != ".py"}
    assert pages == {path.name for path in written}
    assert not re.search(r"https?://", index)
    for link in re.findall(r'(?:href|src)="([^"#]+)"', index):
        assert (GALLERY / link).exists(), link


def test_a_folder_without_pages_is_refused_and_hostile_titles_are_text(tmp_path):
    with pytest.raises(SettingError, match="no page here"):
        build(tmp_path, tmp_path)
    with pytest.raises(SettingError, match="is no folder of gallery scripts"):
        build(tmp_path / "none", tmp_path)
    (tmp_path / "odd.py").write_text(
        "'''</title><script>alert(1)</script> & \"x\"'''\ndef draw(folder):\n    return folder / \"a.md\"\n"
    )
    index = build(tmp_path, tmp_path)[-1].read_text()
    assert "<script" not in index
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;" in index
