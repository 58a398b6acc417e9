"""Runs side by side: what is read from their folders, what is refused, and what is printed."""

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from autodiff import run
from autodiff.configuration import Configuration
from autodiff.errors import AutodiffError, SettingError
from viz import comparison
from viz.comparison import comparison_curves, comparison_data, differences, read_run, read_runs, show_comparison
from viz.report.folder import RESULT


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two finished runs and one that was killed before its first epoch ended."""
    base = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 4, 4), dtype=np.uint8), np.arange(60) % 3
    np.savez(base / "data.npz", x_train=images, y_train=labels, x_test=images[:30], y_test=labels[:30])
    start = Configuration(data=str(base / "data.npz"), hidden=(5,), epochs=2, out=str(base / "small"))
    for configuration in (start, replace(start, hidden=(9,), lr=0.01, epochs=3, out=str(base / "large"))):
        found = run.train(configuration)
        result = {"epochs": len(found.history), "test": found.test}
        (found.folder / RESULT).write_text(json.dumps(result))
    (base / "killed").mkdir()
    (base / "killed" / "config.toml").write_text(start.to_toml())
    return base


@pytest.fixture
def runs(folders):
    return read_runs([folders / name for name in ("small", "large", "killed")])


def test_runs_are_read_from_their_folders(runs):
    assert [(len(found.history), found.parameters, found.test is not None) for found in runs] == [
        (2, 16 * 5 + 5 + 5 * 3 + 3, True),
        (3, 16 * 9 + 9 + 9 * 3 + 3, True),
        (0, None, False),
    ]
    assert runs[0].seconds > 0
    assert runs[2].seconds is runs[2].best is None


def test_only_options_that_differ_are_listed_and_never_the_folder(runs):
    assert differences(runs) == {"hidden": [(5,), (9,), (5,)], "lr": [1e-3, 0.01, 1e-3], "epochs": [2, 3, 2]}


def test_what_a_run_was_finetuned_from_and_how_is_a_difference(folders, tmp_path):
    tuning = run.FineTuning(folders / "small", new_head=True, freeze=("1",), lr_scale=0.5)
    run.finetune(tuning, {"out": str(tmp_path / "tuned")})
    found = differences(read_runs([folders / "small", tmp_path / "tuned"]))
    assert found == {
        "finetuned_from": ["", str(folders / "small")],
        "frozen": ["", "linear1.weight, linear1.bias"],
        "lr_scale": [1.0, 0.5],
        "made_anew": ["", "linear2.weight, linear2.bias"],
    }


def test_the_data_are_strict_json(runs):
    data = json.loads(json.dumps(comparison_data(runs), allow_nan=False))
    assert [found["finished"] for found in data["runs"]] == [True, True, False]
    assert data["differences"]["epochs"] == [2, 3, 2]


def test_a_pipe_gets_aligned_lines_with_every_figure(runs, capsys):
    show_comparison(runs)
    lines = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    assert lines[1].split()[:3] == ["test", "accuracy", f"{100 * runs[0].test['accuracy']:.2f}"]
    assert lines[1].endswith("—")
    assert len({len(line) for line in lines[: lines.index("")]}) == 1
    assert [line.split()[0] for line in lines[lines.index("") + 2 :]] == ["hidden", "lr", "epochs"]


def test_a_terminal_marks_the_best_figure_and_the_options_that_differ(runs, monkeypatch):
    runs = [replace(found, name=f"run{i}") for i, found in enumerate(runs)]
    runs[1] = replace(runs[1], test={"accuracy": 0.99, "loss": 0.1, "n": 30})
    out = Console(file=io.StringIO(), force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    monkeypatch.setattr(comparison, "console", lambda: out)
    monkeypatch.setattr("viz.terminal.console", lambda: out)
    show_comparison(runs)
    text = out.file.getvalue()
    assert "\x1b[1;33m99.00 %" in text
    assert "\x1b[1;33m0.01" in text
    assert text.count("\x1b[1;33m") >= 5


def test_runs_that_do_not_differ_are_said_not_to(runs, capsys):
    show_comparison([runs[0], replace(runs[0], name="copy")])
    assert capsys.readouterr().out.endswith("The configurations do not differ.\n")


def test_curves_are_written_as_svg_and_png_and_the_same_each_time(runs, tmp_path):
    files = comparison_curves(runs, tmp_path / "a")
    assert [file.name for file in files] == ["a.svg", "a.png"]
    assert comparison_curves(runs, tmp_path / "b.svg")[0].read_bytes() == files[0].read_bytes()
    assert "After epoch 3" in ET.parse(files[0]).getroot().find("{*}desc").text


def test_a_result_of_another_state_is_no_result(folders, tmp_path):
    for name in ("config.toml", "history.jsonl"):
        (tmp_path / name).write_bytes((folders / "small" / name).read_bytes())
    (tmp_path / RESULT).write_text(json.dumps({"epochs": 1, "test": {"accuracy": 1.0, "loss": 0.0, "n": 1}}))
    assert read_run(tmp_path).test is None


BAD = {
    "one run": ((lambda f: [f / "small"]), "at least two"),
    "one run twice": ((lambda f: [f / "small", f / "killed" / ".." / "small"]), "given twice"),
    "no folder": ((lambda f: [f / "small", f / "none"]), "none: is no run folder"),
    "a file": ((lambda f: [f / "small", f / "data.npz"]), "data.npz: is no run folder"),
}


@pytest.mark.parametrize(("choose", "message"), BAD.values(), ids=BAD)
def test_what_is_no_pair_of_runs_is_refused(folders, choose, message):
    with pytest.raises(SettingError, match=message):
        read_runs(choose(folders))


DAMAGED = {
    "config.toml": [b"epochs = ", b"nonsense = 1\n", b"\xff"],
    "history.jsonl": [b"{", b"[1]\n", b'{"epoch": "one"}\n', b"\xff"],
    "result.json": [
        b"{",
        b"[]",
        b'{"epochs": 2, "test": {}}',
        b'{"epochs": 2, "test": 1}',
        b'{"epochs": 2, "test": {"accuracy": "x", "loss": 0, "n": 1}}',
    ],
    "checkpoint.pkl": [b"", b"nonsense"],
}


@pytest.mark.parametrize(("name", "content"), [(name, c) for name, cs in DAMAGED.items() for c in cs])
def test_a_damaged_file_is_named(folders, tmp_path, name, content):
    for file in ("config.toml", "history.jsonl", "checkpoint.pkl"):
        (tmp_path / file).write_bytes((folders / "small" / file).read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AutodiffError, match=name) as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_more_runs_than_can_be_told_apart_have_no_curves(runs, tmp_path):
    many = [replace(runs[0], name=str(i)) for i in range(13)]
    with pytest.raises(SettingError, match="at most 12"):
        comparison_curves(many, tmp_path / "c")
    assert not list(tmp_path.iterdir())
