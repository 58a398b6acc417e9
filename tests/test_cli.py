"""The command line as people meet it: real processes, their output, exit codes and files."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autodiff as ad
import cli
from autodiff import data
from autodiff.configuration import GROUPS, Configuration
from autodiff.data.digits import generate

ROOT = Path(__file__).parents[1]
EXAMPLE = ["L = (relu(w*x + b) - y)**2", "w=0.5", "x=2", "b=-0.3", "y=1"]
SMALL = ["--hidden", "16", "--epochs", "2", "--seed", "3"]
LOSS = """
import autodiff as ad

def loss(w, x=2.0):
    h = ad.tanh(w * x, name="h")
    return (h - 1) ** 2

def broken(w):
    return 1 / 0

def number(w):
    return 3

def vector(W):
    return W @ [1.0, 1.0]
"""


@pytest.fixture
def loss_file(tmp_path):
    path = tmp_path / "loss.py"
    path.write_text(LOSS)
    return path


BAD_FILES = {
    "syntax.py": "def f(w):\n    return w +\n",
    "exits.py": "import sys\nsys.exit(3)\n",
    "lines.py": "def f(w):\n    raise RuntimeError('one\\ntwo')\n\nasync def later(w):\n    return w\n",
    "several.py": "def f(w):\n    return [w, w]\n",
    "text.npy": "1, 2, 3\n",
    "header.npy": "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (10" + "0" * 20 + ",), }",
}


@pytest.fixture
def bad_files(tmp_path):
    for name, text in BAD_FILES.items():
        (tmp_path / name).write_bytes(text.encode("latin-1").ljust(128) if name == "header.npy" else text.encode())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small data set as MNIST's four files: 600 training and 100 test images."""
    folder = tmp_path_factory.mktemp("tiny data")
    images, labels = generate(700, seed=0)
    for name, array in {
        "train-images-idx3-ubyte": images[:600],
        "train-labels-idx1-ubyte": labels[:600].astype(np.uint8),
        "t10k-images-idx3-ubyte": images[600:],
        "t10k-labels-idx1-ubyte": labels[600:].astype(np.uint8),
    }.items():
        data.write_idx(folder / name, array)
    return folder


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs") / "a run"
    code = cli.main(["train", "--data", str(tiny), *SMALL, "--out", str(out)])
    assert code == 0
    return out


class TestDraw:
    @pytest.mark.graphviz_libraries
    def test_writes_what_the_suffix_says_and_says_so(self, chainlens, tmp_path):
        done = chainlens("draw", *EXAMPLE, "-o", "a b.svg", "-o", "c.png", "-o", "d.pdf", "-o", "e.dot")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["wrote a b.svg", "wrote c.png", "wrote d.pdf", "wrote e.dot"]
        assert "−0.600 × 2.000 → −1.200" in (tmp_path / "a b.svg").read_text(encoding="utf-8")
        with Image.open(tmp_path / "c.png") as image:
            assert image.width > 1000
        assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")
        assert (tmp_path / "e.dot").read_text(encoding="utf-8").startswith("digraph")

    def test_draws_into_a_folder_with_options(self, chainlens, tmp_path):
        options = ["--heat", "--wrt", "w", "--highlight", "w,h", "--show", "value, gradient", "--theme", "dark"]
        done = chainlens("draw", "h = tanh(w*x); L = h**2", "w=1", "x=2", "-o", "pictures/", *options)
        assert done.stdout == "wrote pictures/backprop.svg\n"
        assert done.stderr == "note: 2 nodes are not shown: they are on no path from w to L\n"
        assert "‖gradient‖" in (tmp_path / "pictures/backprop.svg").read_text()

    def test_draws_a_function_from_a_file(self, chainlens, tmp_path, loss_file):
        done = chainlens("draw", "loss.py:loss", "w=0.3", "-o", "loss.dot")
        assert done.returncode == 0
        assert "h = tanh(v" in (tmp_path / "loss.dot").read_text(encoding="utf-8")

    def test_names_and_lines_are_the_persons_own(self, chainlens, tmp_path):
        (tmp_path / "m.py").write_text("def loss(w):\n    return w * 3.0\n")
        chainlens("draw", "m.py:loss", "w=1", "-o", "m.txt", "--show", "source,value")
        text = (tmp_path / "m.txt").read_text()
        assert text.startswith("v₂ and its gradients")
        assert "m.py:2" in text
        assert "cli.py" not in text

    def test_a_name_too_long_for_a_file_is_told(self, chainlens):
        done = chainlens("draw", "w*2", "w=1", "-o", f"{'a' * 300}.svg")
        assert (done.returncode, done.stderr.startswith("error: cannot write aaa")) == (2, True)
        assert done.stderr.rstrip().endswith("File name too long")

    @pytest.mark.parametrize("expression", ["-w*x", "-sin(w)*x", "- w * x", "-2*w*x", "-w/x"])
    def test_an_expression_may_begin_with_a_minus(self, chainlens, expression):
        done = chainlens("grad", expression, "w=1", "x=2", "--json")
        assert (done.returncode, json.loads(done.stdout)["value"] < 0) == (0, True)

    def test_an_option_with_its_value_attached_is_no_expression(self, chainlens, tmp_path):
        chainlens("draw", "w*2", "w=1", "-o./a.txt")
        assert (tmp_path / "a.txt").exists()


class TestGradAndCheck:
    def test_grad_prints_aligned_columns_in_a_pipe(self, chainlens):
        lines = chainlens("grad", *EXAMPLE).stdout.splitlines()
        assert lines[0].split() == ["name", "value", "∂L/∂name"]
        assert lines[1].split() == ["w", "0.500", "−1.200"]
        assert lines[-1].split() == ["L", "0.0900", "1.000"]

    def test_grad_json(self, chainlens, tmp_path):
        np.save(tmp_path / "x.npy", np.array([1, 2]))
        done = chainlens("grad", "sum(W @ x)", "W=[[1,2],[3,4]]", "x=@x.npy", "--json")
        assert json.loads(done.stdout) == {"value": 16.0, "gradients": {"W": [[1, 2], [1, 2]], "x": [4, 6]}}

    def test_json_is_strict(self, chainlens):
        done = chainlens("grad", "log(w) * 0 + sqrt(w)", "w=0", "--json")
        assert json.loads(done.stdout) == {"value": "NaN", "gradients": {"w": "Infinity"}}
        assert done.stderr == ""

    def test_check_agrees(self, chainlens):
        done = chainlens("check", *EXAMPLE, "--order", "2")
        assert (done.returncode, done.stdout) == (0, "ok: gradients of w, x, b, y agree with finite differences\n")
        assert json.loads(chainlens("check", "sin(x)", "x=1", "--json").stdout) == {"ok": True, "failures": []}

    def test_check_that_fails_exits_with_1(self, chainlens, tmp_path):
        (tmp_path / "wrong.py").write_text(
            "import autodiff as ad\nbad = ad.Elementwise('bad', lambda x: x * x, lambda out, x: x)\n"
            "def f(x): return ad.sum(bad(x))\n"
        )
        done = chainlens("check", "wrong.py:f", "x=[1, 2]", "--json")
        assert done.returncode == 1
        report = json.loads(done.stdout)
        assert not report["ok"]
        assert report["failures"][2]["name"] == "x"
        assert report["failures"][2]["index"] == [1]
        assert report["failures"][2]["analytic"] == 2.0
        assert report["failures"][2]["numeric"] == pytest.approx(4)
        assert (
            "differs: x: order 1 at [1] (fwd): analytic 2, numeric 4"
            in chainlens("check", "wrong.py:f", "x=[1, 2]").stdout
        )


BAD = [
    (["draw", "w*q", "w=1"], "'q': has no value: give q=..."),
    (
        ["draw", "w", "w=1", "-o", "a.gif"],
        "'a.gif': the suffix must be one of .svg, .png, .pdf, .dot, .html",
    ),
    (["draw", "w*w", "w=1", "--show", "values"], "show: 'values' is not known; choose from value, gradient"),
    (["draw", "w*w", "w=1", "--highlight", "q"], "highlight: 'q' is not in the drawing; its named leaves are w"),
    (["draw", "w*w", "w=1", "--wrt", "q"], "wrt: 'q' is not in the drawing"),
    (["draw", "w*w", "w=1", "-o", "no/such/a.svg"], "cannot write no/such/a.svg: No such file or directory"),
    (["draw", "w*w", "w=1", "--theme", "neon"], "theme 'neon' does not exist; choose one of light, dark, print"),
    (["draw", "w*w", "w=1", "--direction", "up"], "direction 'up' is not known"),
    (["draw", "w*x", "w=1", "x=2", "w=3"], "'w=3': w already has a value"),
    (["draw", "w*x", "w=1", "x"], "'x': write NAME=VALUE"),
    (["draw", "w*x", "w=1", "x=two"], "x=two: not a number"),
    (["draw", "w*x", "w=1", "x=[1,[2]]"], "x=[1,[2]]: not a number, a JSON list of numbers with rows of one length"),
    (["draw", "w*x", "w=1", 'x=["a"]'], "not a number"),
    (["draw", "w*x", "w=1", "x=@missing.npy"], "x=@missing.npy: no such file"),
    (["draw", "w*x", "w=1", "x=@loss.py"], "x=@loss.py: not an .npy file"),
    (["draw", "w*x", "w=1", "x=2", "z=3"], "a value is given for 'z', which the expression does not use"),
    (["grad", "9**9**9", "w=1"], "'9**9**9': is not a finite number"),
    (["grad", "__import__('os')"], "'__import__' is not a function"),
    (
        ["grad", "w @ x", "w=[[1,2]]", "x=[1,2,3]"],
        "'w @ x': matmul: operand shapes (1, 2) and (3,) do not align (2 != 3)",
    ),
    (["grad", "w + x", "w=[1,2]", "x=[1,2,3]"], "add: operand shapes (2,) and (3,)"),
    (["grad", "w * 2", "w=[1,2]"], "the result has shape (2,); a gradient needs one number"),
    (["grad", "1 + 1"], "depends on no input"),
    (["grad", "loss.py:missing", "w=1"], "loss.py: no function 'missing'; it has loss, broken, number, vector"),
    (["grad", "loss.py", "w=1"], "name a function, as in FILE.py:FUNCTION"),
    (["grad", "loss.py:loss"], "loss.py:loss: give a value for w, as in w=0.5"),
    (["grad", "loss.py:loss", "w=1", "q=2"], "loss.py:loss: has no parameter 'q'; it takes w, x"),
    (["grad", "loss.py:broken", "w=1"], "loss.py:9: ZeroDivisionError"),
    (["grad", "loss.py:number", "w=1"], "must return a Scalar or a Tensor, got int"),
    (["grad", "loss.py:vector", "W=[[1,2]]"], "the result has shape (1,)|ok"),
    (["grad", "missing.py:f"], "missing.py: no such file"),
    (["check", "1 + 1"], "depends on no input"),
    (["check", "w", "w=1", "--order", "9"], "--order"),
    (["step", "w*"], "invalid syntax"),
    (["step", ""], "the expression is empty"),
    (["grad", "w % 0 // q", "w=1"], "'q': has no value"),
    (["draw", "w << 1", "w=1"], "this operator is not allowed; use + - * / // % ** @"),
    (["check", "linalg.nrm(x)", "x=[1]"], "'linalg.nrm' is not a function; did you mean linalg.norm?"),
    (["step", "linalg.eigh(A)", "A=[[1,0],[0,1]]"], "the result is a list of 2 values; pick one with .eigenvalues"),
    (["grad", "+".join(["w"] * 9000), "w=1"], "17999 characters are more than the 10000 allowed"),
    (["grad", "(" * 300 + "w" + ")" * 300, "w=1"], "too many nested parentheses"),
    (["grad", "w" + "-" * 4000 + "w", "w=1"], "nested too deeply"),
    (["grad", "w + 'a", "w=1"], "unterminated string literal"),
    (["grad", "1 is w", "w=1"], "compare two values with one of"),
    (["grad", "lambda", "lambda=1"], "invalid syntax"),
    (["grad", "True", "True=1"], "'True' is not a name"),
    (["draw", "w*x", "w=1", "x=[null]"], "x=[null]: not a number, a JSON list of numbers"),
    (["draw", "w*x", "w=1", "x=[true]"], "x=[true]: not a number, a JSON list of numbers"),
    (["draw", "w*x", "w=1", "x=1e999"], "x=1e999: a number is too large"),
    (["draw", "w*x", "w=1", "x=[" + "9" * 400 + "]"], "a number is too large"),
    (["draw", "w*x", "w=1", "x=" + "[" * 4000], "not a number, a JSON list of numbers"),
    (["draw", "w*x", "w=1", "x=@text.npy"], "x=@text.npy: not an .npy file"),
    (["draw", "w*x", "w=1", "x=@header.npy"], "x=@header.npy: not an .npy file of numbers (its header says 80"),
    (["draw", "w*x", "w=1", "x=@."], "x=@.: is a folder"),
    (["grad", "syntax.py:f", "w=1"], "syntax.py:2: SyntaxError: invalid syntax"),
    (["step", "exits.py:f", "w=1"], "exits.py:2: SystemExit: 3"),
    (["check", "lines.py:f", "w=1"], "lines.py:2: RuntimeError: one two"),
    (["draw", "lines.py:later", "w=1"], "lines.py:later: is an async function"),
    (["grad", "several.py:f", "w=1"], "several.py:f: must return a Scalar or a Tensor, got list"),
    (["grad", "loss.py:loss(w)", "w=1"], "loss.py: no function 'loss(w)'; it has loss, broken, number, vector"),
    (["grad", ".py:f", "w=1"], "invalid syntax"),
    (["grad", "x/.py:f", "w=1"], "x/.py: no such file"),
    (["frobnicate"], "No such command 'frobnicate'"),
    (["draw"], "Missing argument"),
    (["grad", "w", "w=1", "--jsn"], "No such option: --jsn"),
    (["train", "--data", "nowhere"], "nowhere"),
    (["train", "--dropout", "1"], "dropout must be in [0, 1), got 1.0"),
    (["train", "--hidden", "16,x"], "hidden 16,x: write sizes separated by commas"),
    (["train", "--hidden", "0"], "hidden: each layer size"),
    (["train", "--optimizer", "magic"], "unknown optimizer 'magic'; choose from adam, adamw, rmsprop"),
    (["train", "--lr", "0"], "lr must be above 0"),
    (["train", "--lr", "nan"], "lr must be a finite number"),
    (["train", "--batch", "0"], "batch must be a whole number of at least 1"),
    (["train", "--epochs", "many"], "--epochs"),
    (["train", "--seed", "-1"], "seed must be a whole number of at least 0"),
    (["train", "--out", "loss.py"], "loss.py is a file"),
    (["train", "--out", "."], "is not empty"),
    (["resume", "nowhere"], "nowhere"),
    (["evaluate", "nowhere"], "nowhere"),
    (["evaluate", "loss.py"], "loss.py"),
    (["predict", "nowhere", "loss.py"], "nowhere: there is no such run folder or checkpoint"),
    (["summary", "784"], "784"),
    (["summary", "784-0"], "each at least 1"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:40] for a, _ in BAD])
def test_bad_input_is_one_line_and_writes_nothing(
    arguments, message, tmp_path, monkeypatch, capsys, loss_file, bad_files
):
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    code = cli.main(arguments)
    error = capsys.readouterr().err
    if message.endswith("|ok"):  # one element is one number
        assert code == 0
        return
    assert code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert "Traceback" not in error
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


class TestProcess:
    def test_a_usage_error_is_one_line_in_a_real_process(self, chainlens):
        done = chainlens("grad", "w*q", "w=1")
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: 'q': has no value: give q=...\n")

    def test_debug_shows_a_traceback(self, chainlens):
        done = chainlens("--debug", "grad", "w*q", "w=1")
        assert done.returncode != 0
        assert "Traceback" in done.stderr

    @pytest.mark.parametrize(
        "command", ["", "draw", "step", "grad", "check", "train", "resume", "evaluate", "predict", "summary", "demo"]
    )
    def test_every_command_has_help_with_an_example(self, command, capsys):
        assert cli.main([*command.split(), "--help"]) == 0
        assert re.search("Examples?: chainlens", capsys.readouterr().out)

    @pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
    def test_help_has_the_first_sentence_of_every_command_within_the_terminal(self, arguments, chainlens):
        done = chainlens(*arguments, env={"COLUMNS": "60"})
        assert (done.returncode, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) <= 60
        for command in cli.app.registered_commands:
            first = command.callback.__doc__.partition("\n")[0].rstrip(".")
            assert first in " ".join(done.stdout.split()), command.callback.__name__

    @pytest.mark.parametrize("command", ["train", "finetune"])
    def test_many_options_stand_under_headings(self, command, capsys):
        cli.main([command, "--help"])
        headings = re.findall(r"^(\w+):(?: .*)?$", capsys.readouterr().out, re.MULTILINE)
        assert [h for h in headings if h in ("Options", *GROUPS)] == ["Options", *GROUPS]

    def test_version(self, chainlens):
        assert re.fullmatch(r"\d+\.\d+\.\d+\n", chainlens("--version").stdout)

    def test_a_closed_pipe_is_no_error(self, tmp_path):
        reader = subprocess.Popen(
            [sys.executable, "-m", "cli", "step", *EXAMPLE],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        reader.stdout.close()
        assert b"Traceback" not in reader.stderr.read()
        reader.stderr.close()
        reader.wait(30)

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
    def test_a_terminal_without_the_signs_shows_substitutes(self, encoding, chainlens):
        done = chainlens("grad", *EXAMPLE, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
        assert done.returncode == 0
        assert "0.500" in done.stdout

    def test_help_and_configuration_name_the_same_defaults(self, capsys):
        cli.main(["train", "--help"])
        shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
        for name, value in Configuration().to_dict().items():
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            text = ",".join(map(str, value)) if isinstance(value, tuple) else text
            option = name.replace("_", "-")
            assert f"--{option} " in shown, name
            if value not in ("", False):
                assert re.search(rf"--{option} .*?\[default: \(?{re.escape(text)}", shown), name


class TestTraining:
    def test_a_run_folder_holds_everything(self, finished):
        assert sorted(path.name for path in finished.iterdir()) == [
            "backprop.svg",
            "best.pkl",
            "checkpoint.pkl",
            "config.toml",
            "confusion.png",
            "confusion.svg",
            "curves.png",
            "curves.svg",
            "history.jsonl",
            "mistakes.png",
            "mistakes.svg",
            "report.html",
            "result.json",
            "weights.png",
            "weights.svg",
        ]
        assert tomllib.loads((finished / "config.toml").read_text())["hidden"] == [16]
        assert [json.loads(line)["epoch"] for line in (finished / "history.jsonl").read_text().splitlines()] == [1, 2]
        svg = (finished / "backprop.svg").read_text(encoding="utf-8")
        assert ">linear1<" in svg
        assert ">l2<" in svg

    def test_evaluate_predict_summary(self, finished, tiny, tmp_path, chainlens):
        report = json.loads(chainlens("evaluate", finished, "--json").stdout)
        assert report.keys() == {"accuracy", "loss", "n"}
        assert report["n"] == 100
        test = data.load(tiny).test
        big = Image.fromarray(255 - test.images[0]).resize((300, 300)).convert("RGB")
        Image.fromarray(test.images[0]).save(tmp_path / "same.png")
        big.save(tmp_path / "photo.jpg")
        done = chainlens("predict", finished, "same.png", "photo.jpg", "--json")
        same, photo = json.loads(done.stdout)
        assert same["image"] == "same.png"
        assert sum(same["probabilities"]) == pytest.approx(1)
        assert photo["label"] in range(10)
        assert re.match(r"same.png: \d  \(\d", chainlens("predict", finished, "same.png").stdout)
        assert json.loads(chainlens("summary", finished, "--json").stdout)["parameters"] == 785 * 16 + 17 * 10

    def test_summary_spells_out_the_count(self, chainlens):
        assert "(784 + 1) × 10" in chainlens("summary", "784-10").stdout
        assert "7,850" in chainlens("summary", "784-10").stdout

    def test_one_seed_is_one_result_and_plain_lines_in_a_pipe(self, chainlens, tiny, finished, tmp_path):
        done = chainlens("train", "--data", tiny, *SMALL, "--out", "again")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0].startswith("epoch 1/2  train ")
        assert "\x1b" not in done.stdout
        assert weights_of(tmp_path / "again") == weights_of(finished)

    def test_an_existing_run_is_kept_without_force(self, chainlens, tiny, finished):
        before = {path: path.read_bytes() for path in finished.iterdir()}
        done = chainlens("train", "--data", tiny, *SMALL, "--out", finished)
        assert done.returncode == 2
        assert "is not empty" in done.stderr
        assert {path: path.read_bytes() for path in finished.iterdir()} == before

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
    def test_ctrl_c_saves_and_resume_ends_where_an_uninterrupted_run_does(self, chainlens, tiny, tmp_path):
        options = ["--data", str(tiny), "--hidden", "16", "--epochs", "30", "--batch", "8"]
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "train", *options, "--out", "stopped"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline().startswith("epoch  1/30")
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        process.stdout.close()
        assert process.wait(60) == 130
        assert rest.endswith("interrupted; go on with: chainlens resume stopped\n")
        assert chainlens("resume", "stopped").returncode == 0
        assert chainlens("train", *options, "--out", "whole").returncode == 0
        assert weights_of(tmp_path / "stopped") == weights_of(tmp_path / "whole")


def weights_of(folder: Path) -> dict[str, bytes]:
    return {name: w.tobytes() for name, w in ad.load(folder / "checkpoint.pkl")["training"]["model"].items()}


class TestDemo:
    def test_the_tour(self, chainlens, tmp_path):
        done = chainlens("demo", "--out", "a tour", timeout=300)
        assert (done.returncode, done.stderr) == (0, "")
        assert "backward 9 of 9" in done.stdout
        assert "test: accuracy" in done.stdout
        assert {"backprop.svg", "backprop.png", "run"} == {path.name for path in (tmp_path / "a tour").iterdir()}
