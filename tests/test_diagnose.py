"""`chainlens diagnose` as people meet it: a real process, its lines, exit codes, JSON and drawings."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import viz

ROOT = Path(__file__).parents[1]
LOSS = """
import autodiff as ad
import numpy as np

def loss(W, x, labels):
    with ad.scope("mlp/linear1"):
        p = ad.softmax(ad.matmul(x, W, name="logits"), name="p")
    picked = p[np.arange(2), labels.data.astype(int)]
    return -ad.mean(ad.log(picked))
"""


@pytest.fixture
def loss_file(tmp_path):
    (tmp_path / "loss.py").write_text(LOSS)


def test_the_cause_comes_first_then_the_findings(chainlens, loss_file):
    done = chainlens("diagnose", "loss.py:loss", "W=[[800,0],[0,1]]", "x=[[1,0],[0,-1]]", "labels=[1,0]")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[:8] == [
        "first cause, forward pass: log(0.000) = −inf",
        "  element [0] of v₅ (node #5)",
        "  loss.py:9   return -ad.mean(ad.log(picked))",
        "  why: its limit there is −∞",
        "  1 of 2 numbers went wrong there",
        "  operand v₄ = 0.000 at [0], picked from p, from softmax(logits), which underflowed to 0",
        "  it spreads: v₅ → v₆ → v₇",
        "  inputs on the way: W, x",
    ]
    assert [line for line in lines if not line.startswith(" ")][1:] == [
        "error 1: infinite-derivative  in v₅ (node #5)",
        "warning 2: log-of-softmax  in v₅ (node #5)",
        "1 cause, 1 error, 1 warning",
    ]
    assert "\x1b" not in done.stdout


def test_a_healthy_computation_exits_with_0(chainlens):
    done = chainlens("diagnose", "L = (relu(w*x + b) - y)**2", "w=0.5", "x=2", "b=-0.3", "y=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "healthy: nothing is NaN or infinite, and no gradient trap was found\n"


def test_json_is_strict_and_whole(chainlens):
    done = chainlens("diagnose", "sum(sqrt(x))", "x=[0, 1]", "--json", "-o", "path.txt")
    assert (done.returncode, done.stderr) == (1, "wrote path.txt\n")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert found["ok"] is False
    cause = found["cause"]
    assert (cause["phase"], cause["operation"], cause["index"]) == ("backward", "sqrt", [0])
    assert (cause["value"], cause["upstream"], cause["local"]) == ("Infinity", 1.0, "Infinity")
    assert cause["operands"] == [{"name": "x", "node": 0, "index": [0], "value": 0.0}]
    assert cause["source"] == {"file": "expression", "line": 1, "text": "sqrt(x)"}
    assert [finding["rule"] for finding in found["findings"]] == ["infinite-derivative"]
    assert json.loads(chainlens("diagnose", "w * 2", "w=1", "--json").stdout) == {
        "ok": True,
        "cause": None,
        "backward": None,
        "findings": [],
    }


def test_the_drawing_shows_the_cause(chainlens, tmp_path):
    done = chainlens("diagnose", "log(w * x) * 2", "w=0", "x=3", "-o", "path.svg", "-o", "red/")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-2:] == ["wrote path.svg", "wrote red/backprop.svg"]
    assert "first cause" in (tmp_path / "path.svg").read_text(encoding="utf-8")


def test_the_findings_are_marked_where_there_is_no_cause(chainlens, tmp_path):
    chainlens("diagnose", "tanh(w * 20)", "w=1", "-o", "path.dot")
    assert "highlighted" in (tmp_path / "path.dot").read_text(encoding="utf-8")


def test_a_vector_is_diagnosed_as_far_as_it_goes(chainlens):
    done = chainlens("diagnose", "log(x)", "x=[0, 1]")
    assert done.returncode == 1
    assert "note: the result has shape (2,): only the forward pass was looked at; sum() it" in done.stdout


def test_an_input_that_a_function_forgets_is_found(chainlens, tmp_path):
    (tmp_path / "f.py").write_text("def f(w, v):\n    return w * float(v.data)\n")
    done = chainlens("diagnose", "f.py:f", "w=1", "v=2")
    assert done.returncode == 1
    assert "error 1: unreached-parameter  not in the graph" in done.stdout


BAD = {
    "an expression that does not parse": (["sqrt(", "x=1"], "was never closed"),
    "a file that is not there": (["no.py:f"], "no.py: no such file"),
    "a suffix that is unknown": (["w * 2", "w=1", "-o", "x.gif"], "gif"),
    "a folder that is not there": (["log(w)", "w=0", "-o", "no/where/x.svg"], "no/where/x.svg"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_usage_is_one_line_and_exits_with_2(chainlens, tmp_path, name):
    arguments, message = BAD[name]
    done = chainlens("diagnose", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX thing")
def test_a_terminal_gets_colours_and_lines_that_fit(tmp_path):
    import pty

    (tmp_path / "loss.py").write_text(LOSS)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "60"}
        arguments = ["loss.py:loss", "W=[[800,0],[0,1]]", "x=[[1,0],[0,-1]]", "labels=[1,0]"]
        os.execv(sys.executable, [sys.executable, "-m", "cli", "diagnose", *arguments])
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux ends a pseudo-terminal with an error
            break
        if not part:
            break
        shown += part
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    text = shown.decode()
    assert "\x1b[1;37;41m" in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert all(len(line.rstrip()) <= 60 for line in plain.splitlines())
    assert "log_sigmoid" in plain


def test_hostile_names_stay_on_their_line():
    from viz.diagnosis import diagnose, diagnosis_lines

    x = ad.Scalar(0.0, name="a\nb\x1b[31m[bold]")
    with ad.scope("s\nt"), np.errstate(all="ignore"):
        found = diagnose(ad.log(x), {})
    for _, line in diagnosis_lines(found):
        assert all(part.text.isprintable() for part in line)
    assert viz.draw(ad.log(x), highlight=found.cause).content.cards


def test_a_run_folder_that_is_missing_is_told_as_such(chainlens):
    done = chainlens("diagnose", "runs/nothing")
    assert (done.returncode, done.stderr) == (2, "error: runs/nothing: there is no such checkpoint or run folder\n")
