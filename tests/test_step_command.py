"""`chainlens step` as people meet it: on a real terminal, a prompt and full screen; in a pipe, by scripts, as JSON."""

import json
import subprocess
import sys

import pytest
from terminals import ROOT, Terminal

EXAMPLE = ["L = (relu(w*x + b) - y)**2", "w=0.5", "x=2", "b=-0.3", "y=1"]
LOSS = """
import autodiff as ad

def loss(w, x=2.0):
    h = ad.tanh(w * x, name="h")
    return (h
            - 1) ** 2

def long(w):
    h = w
    for _ in range(3000):
        h = h * w + 0.1
    return h
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX thing")


@pytest.fixture
def loss_file(tmp_path):
    (tmp_path / "loss.py").write_text(LOSS)


def prompt(*arguments, **options):
    return Terminal("step", *(arguments or EXAMPLE), "--plain", **options)


@posix
class TestPrompt:
    def test_it_steps_breaks_prints_and_quits(self):
        with prompt() as terminal:
            terminal.until("(backward 1/9) ")
            for line, then in [
                ("n", "(backward 2/9) "),
                ("", "(backward 3/9) "),  # an empty line repeats
                ("b", "(backward 2/9) "),
                ("break mul", "breakpoint 1: operation mul"),
                ("c", "(backward 5/9) "),
                ("print w.grad", "∂L/∂w = −1.200"),
                ("where", "───"),
                ("nxt", "did you mean next?"),
                ("forward", "(forward 5/9) "),
                ("backward", "(backward 5/9) "),
                ("goto 1", "(backward 1/9) "),
                ("quiz", "(answer) "),
                ("-0.6", "score: 1 of 1 right"),
            ]:
                terminal.type(f"{line}\n")
                terminal.until(then)
            terminal.type("q\n")
            assert terminal.ends() == 0
            assert "Traceback" not in terminal.text

    def test_tab_completes_commands_and_names(self):
        with prompt() as terminal:
            terminal.until("(backward 1/9) ")
            terminal.type("pri\t")
            terminal.until("print ")
            terminal.type("w.gr\t\n")
            terminal.until("∂L/∂w = —")
            terminal.type("break re\t\n")
            terminal.until("breakpoint 1: operation relu")

    def test_the_history_is_at_hand(self):
        with prompt() as terminal:
            terminal.until("(backward 1/9) ")
            terminal.type("print w\n")
            terminal.until(" w = 0.500")
            terminal.type("\x1b[A\n")
            terminal.until(" w = 0.500")

    def test_ctrl_c_returns_to_the_prompt_with_a_hint(self):
        with prompt() as terminal:
            terminal.until("(backward 1/9) ")
            terminal.type("half a li\x03")
            terminal.until("quit, or Ctrl-D, leaves")
            terminal.until("(backward 1/9) ")
            terminal.type("n\n")
            terminal.until("(backward 2/9) ")

    def test_ctrl_c_stops_a_search_and_nothing_moved(self, tmp_path):
        (tmp_path / "chain.py").write_text(
            "def loss(x=0.9):\n    h = x\n    for _ in range(20_000):\n        h = h * x + 0.1\n    return h\n"
        )
        with Terminal("step", "chain.py:loss", "x=0.9", "--plain", cwd=tmp_path) as terminal:
            terminal.until("(backward 1/40001) ")
            terminal.type("until total > 1e99\n")
            terminal.type("\x03")
            terminal.until("Ctrl-C stops a command")
            terminal.until("(backward 1/40001) ")

    @pytest.mark.parametrize("keys", ["\x04", "n\n\x04", "quit\n", "q\n", "exit\n"])
    def test_ways_to_leave(self, keys):
        with prompt() as terminal:
            for number, key in enumerate(keys.splitlines(keepends=True), 1):
                terminal.until(f"(backward {number}/9) ")  # between prompts the terminal would swallow the end of input
                terminal.type(key)
            assert terminal.ends() == 0
            assert "Traceback" not in terminal.text

    def test_a_closed_window_ends_it(self):
        with prompt() as terminal:
            terminal.until("(backward 1/9) ")
            terminal.close()
            terminal.process.wait(timeout=30)

    def test_lines_wrap_at_the_window_as_it_is_now(self):
        with prompt(size=(110, 30)) as terminal:
            terminal.until("(backward 1/9) ")
            terminal.type("goto 5\n")
            wide = terminal.until("(backward 5/9) ")
            assert "−0.600 × 2.000 = −1.200    ∂L/∂w:" in wide
            terminal.resize(50, 30)
            terminal.type("show\n")
            terminal.until("show\n")
            narrow = terminal.until("(backward 5/9) ")
            assert "−0.600 × 2.000 = −1.200\n" in narrow
            assert max(len(line) for line in narrow.splitlines()) <= 51

    def test_without_textual_the_prompt_is_the_default(self, tmp_path):
        (tmp_path / "sitecustomize.py").write_text(
            "import importlib.util\nfind = importlib.util.find_spec\n"
            "importlib.util.find_spec = lambda name, *a: None if name == 'textual' else find(name, *a)\n"
        )
        with Terminal("step", *EXAMPLE, environment={"PYTHONPATH": f"{tmp_path}:{ROOT}"}) as terminal:
            terminal.until("(backward 1/9) ")

    def test_without_colour_nothing_is_lost(self):
        with prompt(environment={"NO_COLOR": "1", "TERM": "dumb"}) as terminal:
            shown = terminal.until("(backward 1/9) ")
            assert "upstream ∂L/∂L = 1.000" in shown


@posix
class TestFullScreen:
    @pytest.fixture(autouse=True)
    def _needs_textual(self):
        pytest.importorskip("textual")

    def test_it_opens_steps_and_leaves_the_terminal_as_it_was(self):
        with Terminal("step", *EXAMPLE, size=(120, 36)) as terminal:
            terminal.until("backward 1 of 9")
            terminal.type("n")
            terminal.until("2 of 9")
            terminal.type("\x03")
            terminal.until("gives up a line")
            terminal.type("q")
            assert terminal.ends() == 0
            assert "Traceback" not in terminal.text

    def test_ctrl_d_leaves_and_a_change_of_size_is_followed(self):
        with Terminal("step", *EXAMPLE, size=(120, 36)) as terminal:
            terminal.until("neighbours")
            terminal.resize(70, 20)
            terminal.type("n")
            terminal.until("2 of 9")
            terminal.type("\x04")
            assert terminal.ends() == 0

    def test_a_closed_window_ends_it(self):
        with Terminal("step", *EXAMPLE) as terminal:
            terminal.until("backward 1 of 9")
            terminal.close()
            terminal.process.wait(timeout=30)

    def test_a_step_of_a_script_in_python(self, tmp_path):
        program = "import autodiff as ad, viz; viz.step(lambda w, x: w * x, 3.0, 2.0)"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )
        assert "to w:  ∂v₂/∂w = x = 2.000" in done.stdout, done.stderr


class TestPipe:
    @pytest.mark.parametrize("options", [[], ["--all"], ["--plain"]])
    def test_every_step_is_printed_plainly(self, chainlens, options):
        done = chainlens("step", *EXAMPLE, *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count(" backward ") == 9
        assert " ── node #4  mul   v₄ = w · x    value 1.000    upstream ∂L/∂v₄ = −0.600" in done.stdout
        assert "\x1b" not in done.stdout

    def test_source_lines_of_a_file_are_shown(self, chainlens, loss_file):
        assert "loss.py:5   h = ad.tanh(w * x, name=" in chainlens("step", "loss.py:loss", "w=0.3").stdout

    def test_long_walks_stop_quietly_when_nobody_reads(self, tmp_path, loss_file):
        command = f"{sys.executable} -m cli step loss.py:long w=0.5 --all | head -n 1"
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.stdout.startswith(" backward 1 of 6001")
        assert done.stderr == ""

    @pytest.mark.parametrize(("options", "code"), [("", 0), ("--plain", 0), ("--script -", 2)])
    def test_a_closed_standard_input_is_no_terminal(self, tmp_path, options, code):
        done = subprocess.run(
            f"{sys.executable} -m cli step 'w*x' w=2 x=3 {options} <&-",
            shell=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == code
        assert done.stdout.count(" backward ") == 3 if code == 0 else "standard input is closed" in done.stderr


class TestScript:
    def test_what_moves_the_cursor_of_a_terminal_is_never_printed(self, chainlens, tmp_path):
        (tmp_path / "walk.txt").write_text("print \x1b[2Jw\n")
        done = chainlens("step", *EXAMPLE, "--script", "walk.txt")
        assert done.returncode == 2
        (tmp_path / "walk.txt").write_text("break |g| > 1 \x0c\nbreak\n")
        assert "\x0c" not in chainlens("step", *EXAMPLE, "--script", "walk.txt").stdout

    def test_commands_run_and_answers_are_printed(self, chainlens, tmp_path):
        (tmp_path / "walk.txt").write_text(
            "# a comment\n\nbreak mul\ncontinue\nprint w.grad\nwatch w\nnext\nwhere w\nquit\nnot run\n"
        )
        done = chainlens("step", *EXAMPLE, "--script", "walk.txt")
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert " breakpoint 1: operation mul" in lines
        assert " ∂L/∂w = −1.200" in lines
        assert " ◈ w = 0.500   ∂L/∂w = −1.200" in lines

    def test_standard_input_is_a_script_too(self, chainlens, tmp_path):
        (tmp_path / "walk.txt").write_text("goto w\nquiz\n")
        with open(tmp_path / "walk.txt") as lines:
            done = chainlens("step", *EXAMPLE, "--script", "-", stdin=lines)
        assert done.returncode == 0
        assert "gradient ∂L/∂w = −1.200" in done.stdout

    def test_a_quiz_can_be_taken_by_a_script(self, chainlens, tmp_path):
        (tmp_path / "quiz.txt").write_text("goto 4\nquiz\ng*x\nquiz\n")
        done = chainlens("step", *EXAMPLE, "--script", "quiz.txt")
        assert " ✓ right: −1.200" in done.stdout
        assert "score: 1 of 1 right" in done.stdout

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("next\nnxt\n", "bad.txt:2: 'nxt' is not a command; did you mean next?"),
            ("\n\n# three\ngoto 77\n", "bad.txt:4: step 77 does not exist; the walk has steps 1 to 9"),
            ("break |g| >\n", "bad.txt:1: "),
            ("quiz\nw +\n", "bad.txt:2: "),
            ("draw a.xyz", "bad.txt:1: "),
        ],
    )
    def test_a_bad_command_stops_it_with_its_file_and_line(self, chainlens, tmp_path, script, error):
        (tmp_path / "bad.txt").write_text(script)
        done = chainlens("step", *EXAMPLE, "--script", "bad.txt")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {error}")
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            (["--script", "nowhere.txt"], "nowhere.txt: cannot be read"),
            (["--script", "."], "cannot be read"),
            (["--script", "binary.txt"], "is not text in UTF-8"),
            (["--all", "--json"], "--all and --json exclude each other"),
            (["--plain", "--script", "a"], "--plain and --script exclude each other"),
        ],
    )
    def test_what_cannot_be_run_is_one_line(self, chainlens, tmp_path, options, error):
        (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
        done = chainlens("step", *EXAMPLE, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert error in done.stderr
        assert done.stderr.count("\n") == 1


class TestJson:
    def test_the_whole_walk_is_strict_json(self, chainlens):
        done = chainlens("step", *EXAMPLE, "--json")
        walk = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(name))
        assert walk["value"] == pytest.approx(0.09)
        assert walk["gradients"] == pytest.approx({"w": -1.2, "x": -0.3, "y": 0.6, "b": -0.6})
        assert [step["step"] for step in walk["steps"]] == list(range(1, 10))
        multiplied = walk["steps"][4]
        assert (multiplied["op"], multiplied["operands"], multiplied["value"]) == ("mul", [0, 1], 1.0)
        assert multiplied["messages"][0] == {
            "operand": 0,
            "name": "w",
            "local": 2.0,
            "message": pytest.approx(-1.2),
            "total": pytest.approx(-1.2),
        }
        assert multiplied["source"] == {"file": "expression", "line": 1, "text": "w*x", "part": "w*x"}
        assert walk["steps"][-1]["source"] is None

    def test_nan_and_infinity_are_strings(self, chainlens):
        walk = json.loads(chainlens("step", "log(x)*x", "x=0", "--json").stdout)
        assert walk["value"] == "NaN"
        assert "-Infinity" in {step["value"] for step in walk["steps"]}

    def test_parts_of_several_lines_are_given_on_one(self, chainlens, loss_file):
        walk = json.loads(chainlens("step", "loss.py:loss", "w=0.3", "--json").stdout)
        assert walk["steps"][1]["source"]["part"] == "h - 1"
        assert walk["steps"][1]["source"]["line"] == 6

    def test_the_help_says_what_it_prints(self, chainlens):
        shown = " ".join(chainlens("step", "--help").stdout.split())
        for key in ("value", "steps", "gradients", "messages", "upstream"):
            assert f'"{key}"' in shown
