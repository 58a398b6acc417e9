"""What a terminal, a pipe and a machine are shown of training."""

import io
import json
import re

import numpy as np
import pytest
from rich.console import Console

from autodiff import data, nn, optim
from autodiff.train import Callback, fit
from viz import progress
from viz.progress import HEAD, JsonLines, TrainingDisplay, live_lines, sparkline


class Watch(Callback):
    """Keeps what stands below the bars after each batch, at a width."""

    def __init__(self, width):
        self.width, self.seen, self.losses = width, [], []

    def on_batch_end(self, training):
        self.losses.append(training.loss)
        self.seen.append([line.plain for line in live_lines(training, self.losses, self.width)])


def train(*callbacks, hidden=(4,), validation=True, epochs=2):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((60, 2)).astype(np.float32)
    split = data.Split(points, (points[:, 0] > 0).astype(np.int64))
    model = nn.MLP([2, *hidden, 2], rng=rng)
    return fit(
        model,
        split,
        split if validation else None,
        optimizer=optim.Adam(model.parameters(), lr=0.05),
        epochs=epochs,
        batch_size=20,
        rng=rng,
        prepare=np.asarray,
        callbacks=callbacks,
    )


@pytest.mark.parametrize("width", [10, 30, 50, 80, 120])
@pytest.mark.parametrize("hidden", [(), (4,), (3,) * 30])
def test_lines_stay_within_the_window_and_few(width, hidden):
    watch = Watch(width)
    train(watch, hidden=hidden)
    assert max(len(line) for lines in watch.seen for line in lines) <= width
    assert max(map(len, watch.seen)) <= 7


def test_every_layer_is_named_or_counted():
    watch = Watch(80)
    train(watch, hidden=(3,) * 30)
    rows = [line.removeprefix(HEAD) for line in watch.seen[-1] if "linear" in line or "more" in line]
    named = sum(row.count("linear") for row in rows)
    assert len(rows) == 4
    assert rows[-1].strip() == f"… and {31 - named} more"
    few = Watch(50)
    train(few, hidden=(3,) * 4)
    assert " ".join(few.seen[-1]).count("linear") == 5


def test_accuracy_is_told_from_the_first_batch_on_and_validation_from_the_first_epoch_on():
    watch = Watch(80)
    history = train(watch).history
    first, second = watch.seen[0][1], watch.seen[3][1]
    assert first.startswith("accuracy ")
    assert first.rstrip().endswith("%")
    assert f"validation {history[0]['validation_accuracy']:.2%}  ▁" in second
    alone = Watch(80)
    train(alone, validation=False)
    assert "validation" not in alone.seen[-1][1]
    assert alone.seen[-1][1].endswith("▁")


def test_every_epoch_has_its_own_time_left(monkeypatch):
    monkeypatch.setattr(progress, "REFRESH", np.inf)
    out = io.StringIO()
    train(TrainingDisplay(Console(file=out, force_terminal=True, width=80)), epochs=3)
    rows = re.findall(r"epoch .*? ([123])/3 .*?([-:\d]{7})", re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()))
    under_way = [left for done, left in rows if done != "3"]
    assert len(under_way) >= 6
    assert "0:00:00" not in under_way


@pytest.mark.parametrize(
    ("values", "most", "shown"),
    [
        ([], 5, ""),
        ([1.0], 5, "▁"),
        ([1.0, 2.0], 0, ""),
        ([1.0, 2.0], -3, ""),
        ([1.0, float("nan"), 3.0], 5, "▁ █"),
        ([float("inf"), 1.0], 5, " ▁"),
        ([0.0] * 4 + [1.0] * 4, 2, "▁█"),
    ],
)
def test_a_sparkline(values, most, shown):
    assert sparkline(values, most) == shown


def test_a_pipe_gets_a_line_for_each_epoch_and_no_codes():
    out = io.StringIO()
    train(TrainingDisplay(Console(file=out, width=200)))
    lines = out.getvalue().splitlines()
    assert [line[:10] for line in lines] == ["epoch 1/2 ", "epoch 2/2 "]
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_bars_too_and_its_cursor_back():
    out = io.StringIO()
    train(TrainingDisplay(Console(file=out, width=80, force_terminal=True)))
    text = out.getvalue()
    assert "run " in text
    assert "left" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


class Narrow(Callback):
    """Makes the window narrower after the first epoch, and keeps what was written by then."""

    def __init__(self, out, width):
        self.out, self.width, self.before = out, width, 0

    def on_epoch_end(self, training):
        if training.epoch == 1:
            self.out.width, self.before = self.width, len(self.out.file.getvalue())


@pytest.mark.parametrize(("width", "folds"), [(80, 0), (100, 0), (50, 2), (30, 4)])
def test_what_a_narrower_window_folds_is_taken_away(width, folds):
    out = Console(file=io.StringIO(), width=80, force_terminal=True)
    narrow = Narrow(out, width)
    train(TrainingDisplay(out), narrow, hidden=())  # two bars of 80 columns, and lines of at most 27
    after = out.file.getvalue()[narrow.before :]
    assert after.startswith("\x1b[2K\x1b[1A" * folds)
    assert after[len("\x1b[2K\x1b[1A") * folds :].startswith("\r\x1b[2K")


def test_a_machine_gets_strict_json_for_each_epoch(capsys):
    history = train(JsonLines()).history
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == history
