"""A network's health as people see it: lines in a pipe, tables on a terminal, and pictures."""

import io
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import autodiff as ad
from autodiff import data, nn, optim
from autodiff.errors import SettingError
from autodiff.health import CHECKS, examine
from viz import health_table
from viz.health_plots import health_pictures
from viz.health_table import percent, says, show_health, summary_line, watched
from viz.theme import THEMES

RNG = np.random.default_rng(0)
CLOUD = data.Split(RNG.standard_normal((120, 8)).astype(np.float32), RNG.integers(0, 3, 120))


def look(model, **options):
    return examine(model, CLOUD, prepare=lambda x: x, **options)


def mlp(sizes=(8, 12, 9, 3), **options):
    return nn.MLP(list(sizes), rng=np.random.default_rng(0), **options)


def dead():
    model = mlp()
    model.linear2.bias.data[:] = -10
    return model


def spoilt():
    model = mlp()
    model.linear2.weight.data[0, 0] = np.nan
    return model


def frozen():
    model = mlp(activation="tanh")
    model.linear1.weight.requires_grad = False
    return model


class Named(nn.Module):
    """Names that want to be markup, formulas, control characters, and letters that no font here has."""

    def __init__(self):
        for name in ("$x^2$", "<b>&amp;", "[red]line\nbreak\x1b[31m", "名前", "n" * 200):
            setattr(self, name, nn.Linear(8, 8, rng=np.random.default_rng(0)))

    def forward(self, x):
        for _, module in self.children():
            x = ad.relu(module(x))
        return x


HEALTH = {
    "healthy": lambda: look((model := mlp()), optimizer=optim.Adam(model.parameters())),
    "dead": lambda: look(dead(), lr=0.1),
    "NaN": lambda: look(spoilt(), lr=0.1),
    "frozen": lambda: look(frozen(), lr=0.1),
    "linear": lambda: look(mlp((8, 3)), lr=0.1),
    "no steps": lambda: look(mlp()),
    "huge steps": lambda: look(mlp(), lr=1e30),
    "hostile names": lambda: look(Named(), lr=0.1),
    "many layers": lambda: look(mlp([8] * 50 + [3]), lr=0.1),
}


@pytest.fixture(scope="module", params=HEALTH)
def health(request):
    return HEALTH[request.param]()


# Every health in one theme, and one in every theme: a theme is colours alone.
LOOKS = {*zip(HEALTH, itertools.cycle(THEMES), strict=False), *(("dead", theme) for theme in THEMES)}


@pytest.mark.parametrize(("name", "theme"), sorted(LOOKS))
def test_pictures_are_svg_and_png_with_something_on_them(name, theme, tmp_path):
    health = HEALTH[name]()
    files = health_pictures(health, tmp_path / "new" / "folder", theme=THEMES[theme])
    names = ["gradients", "units", *(["updates"] if health.optimizer else [])]
    assert [file.name for file in files] == [f"{name}.{suffix}" for name in names for suffix in ("svg", "png")]
    for file in files:
        if file.suffix == ".png":
            with Image.open(file) as picture:
                assert len(picture.convert("RGB").getcolors(1 << 24)) > 5
                assert min(picture.size) > 200
        else:
            root = ET.parse(file).getroot()
            title, description = (root.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc"))
            assert title.text
            assert "gradient" in description.text or "units" in description.text or "updates" in description.text


def test_the_same_health_gives_the_same_bytes(tmp_path):
    files = [health_pictures(HEALTH["dead"](), tmp_path / name) for name in "ab"]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(SettingError, match="no folder"):
        health_pictures(HEALTH["healthy"](), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


def test_lines_in_a_pipe_hold_every_figure_and_every_threshold(health, capsys):
    show_health(health)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert not re.search(r"\d[eE]-|\s-\d", text), "a minus sign is a true one"
    for check in CHECKS:
        assert sum(check.source in line and check.condition in line for line in text.splitlines()) == 1
    for layer in health.layers:
        assert text.count(health_table.shorten(layer.name)) >= 2
    assert summary_line(health) == text.splitlines()[-1]
    for verdict in health.verdicts:
        assert verdict.severity == "ok" or verdict.remedy in text


def test_errors_come_first_and_long_lists_are_cut(capsys):
    show_health(look(mlp([8] * 12 + [3]), lr=1e4))
    lines = capsys.readouterr().out.splitlines()
    severities = [word for line in lines if (word := line.split(" ", 1)[0]) in ("error", "warning", "ok")]
    assert severities == sorted(severities, key=["error", "warning", "ok"].index)
    assert any("and 7 more, see --json" in line for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_a_terminal(width, monkeypatch):
    out = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False)
    monkeypatch.setattr(health_table, "console", lambda stderr=False: out)
    monkeypatch.setattr("viz.terminal.console", lambda stderr=False: out)
    show_health(HEALTH["dead"]())
    lines = out.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("error    dead units: mlp/relu2: 100.0 % of its 9 units") for line in lines)


def test_work_is_watched_on_a_terminal_and_silent_in_a_pipe(monkeypatch, capsys):
    assert watched(lambda progress: progress) is None
    assert capsys.readouterr() == ("", "")
    out = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(health_table, "console", lambda stderr=False: out)
    assert watched(lambda progress: (progress(1, 2), 5)[1]) == 5
    assert "examining" in out.file.getvalue()


def test_a_verdict_reads_as_a_sentence():
    found = [says(verdict) for verdict in HEALTH["NaN"]().verdicts if verdict.severity != "ok"]
    assert found == [
        "non-finite numbers: linear2.weight: 1 of its 108 numbers are NaN or infinite",
        "non-finite numbers: mlp/linear2: 120 of 1,080 numbers that it puts out are NaN or infinite",
    ]


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (1, "100.0 %"), (1 - 1e-9, "> 99.9 %"), (1e-9, "< 0.1 %")])
def test_a_share_is_all_or_nothing_only_if_it_is(share, text):
    assert percent(share) == text
