"""The gradient debugger without a terminal: conditions, breakpoints, commands, the quiz, and where it stands."""

import contextlib
import re
import time
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

import autodiff as ad
import viz
from autodiff.errors import AutodiffError, ExpressionError, GradientError, SettingError
from viz.debugger import patience
from viz.debugger.commands import BY_NAME, COMMANDS, completions, execute
from viz.debugger.conditions import Condition, value_of
from viz.debugger.launch import recorded
from viz.debugger.lines import stop_lines
from viz.debugger.neighbourhood import Neighbourhood
from viz.debugger.session import Session
from viz.debugger.state import State
from viz.terminal import wrapped


def example():
    with ad.recording(source=True):
        return ad.backprop(ad.parse("h = relu(w*x + b); L = (h - y)**2 + 0.1*w*w", w=0.5, x=2.0, b=-0.3, y=1.0))


def network():
    rng = np.random.default_rng(0)
    x = ad.Tensor(rng.normal(size=(5, 4)), name="x", requires_grad=False)
    h = x
    with ad.scope("mlp"):
        for layer in (1, 2):
            with ad.scope(f"linear{layer}"):
                w = ad.Tensor(rng.normal(size=(4, 4)), name=f"W{layer}")
                h = ad.tanh(h @ w + ad.Tensor(np.zeros(4), name=f"b{layer}"))
    return ad.backprop(ad.sum(h * h))


def text(lines):
    return "\n".join("".join(part.text for part in line) for line in lines)


def run(session, *commands):
    """What the last of the commands answers, as text."""
    for command in commands:
        reply = execute(session, command)
    return text(reply.lines)


def holds_at(condition, trace):
    test = Condition(condition)
    return [p for p in range(1, len(trace.steps) + 1) if test(State(trace, p))]


def nodes_where(trace, test):
    return [p for p, step in enumerate(trace.steps, 1) if test(step)]


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "test"),
        [
            ("|g| > 0.5", lambda s: abs(s.upstream) > 0.5),
            ("abs(g) > 0.5", lambda s: abs(s.upstream) > 0.5),
            ("value < 0 and |g| < 0.7", lambda s: s.node.value < 0 and abs(s.upstream) < 0.7),
            ("g < 0 or value == 2", lambda s: s.upstream < 0 or s.node.value == 2),
            ("not g < 0", lambda s: not s.upstream < 0),
            ("0 < value < 1", lambda s: 0 < s.node.value < 1),
            ("isnan(g)", lambda s: False),
            ("message > 0", lambda s: any(m.message is not None and m.message > 0 for m in s.messages)),
            ("local == 1", lambda s: any(m.local == 1 for m in s.messages)),
            ("|total| > 1", lambda s: any(m.total is not None and abs(m.total) > 1 for m in s.messages)),
            ("g * value > 0.3", lambda s: s.upstream * s.node.value > 0.3),
            ("norm(g) >= 1 and isfinite(value)", lambda s: abs(s.upstream) >= 1),
            (
                "max(message) > 0.5",
                lambda s: max([m.message for m in s.messages if m.message is not None], default=-1) > 0.5,
            ),
            (
                "max(|local|) == 1",
                lambda s: max([abs(m.local) for m in s.messages if m.local is not None], default=0) == 1,
            ),
            ("size == 1 and step != 3", None),
            ("g", lambda s: s.upstream != 0),
        ],
    )
    def test_they_hold_where_they_should(self, condition, test):
        trace = example()
        expected = nodes_where(trace, test) if test else [p for p in range(1, len(trace.steps) + 1) if p != 3]
        assert holds_at(condition, trace) == expected

    def test_of_arrays_one_number_is_enough_and_tests_are_made_number_by_number(self):
        x = ad.Tensor([1.0, -2.0, 3.0], name="x")
        trace = ad.backprop(ad.sum(x * np.array([5.0, 0.0, -1.0])))
        last = len(trace.steps)
        for condition, expected in [
            ("g > 4", True),
            ("all(g > 4)", False),
            ("value < 0 and g == 0", True),  # the second
            ("value < 0 and g == 5", False),  # true of two numbers, but not of one
            ("norm(g) > 5 and value > 2", True),
            ("size == 3", True),
        ]:
            assert (last in holds_at(condition, trace)) is expected, condition

    @pytest.mark.parametrize(
        "condition",
        [
            "__import__('os').system('true')",
            "g.__class__",
            "().__class__.__bases__",
            "[x for x in g]",
            "lambda: g",
            "g[0]",
            "'text' == g",
            "g := 3",
            "g = 3",
            "g; value",
            "g in value",
            "g is value",
            "open('x')",
            "abs(g, value)",
            "abs(*g)",
            "norm(g, axis=0)",
            "nothing > 3",
            "|g > 3",
            "| |",
            "",
            "   ",
            "g >",
            "(" * 5000 + "g" + ")" * 5000,
            "not " * 20000 + "g",
            "g" * 20000,
            "zeros((1000000000,))",
            "f'{g}'",
            "g if value else 3",
            "g @ value",
            "\x00",
        ],
    )
    def test_anything_else_is_refused_at_once_and_nothing_is_run(self, condition):
        with pytest.raises(ExpressionError):
            Condition(condition)

    @pytest.mark.parametrize(
        ("condition", "quoted"),
        [
            ("max(|g|, 1) > 3", "'max(|g|, 1)': max takes one value"),
            ("|g| >", "'|g| >': invalid syntax"),
            ("|g|.x > 1", "'|g|.x': is not allowed"),
            ("|g| > 1 and " * 10 + "|q| > 2", "'q' at column 122: is not known here"),
            ("foo(|g|) > 2", "'foo' is not a function; use one of abs, all"),
            ("|g > 3", "'|g > 3': a | is left over"),
        ],
    )
    def test_an_error_quotes_what_was_typed(self, condition, quoted):
        with pytest.raises(ExpressionError, match=re.escape(quoted)):
            Condition(condition)
        assert Condition("  |g|  >  1 ").text == "|g| > 1"

    def test_division_by_zero_is_an_infinity_on_the_way(self):
        x = ad.Scalar(0.0, name="x")
        assert holds_at("1/value == inf", ad.backprop(x * 2)) == [1, 2]

    @pytest.mark.parametrize("condition", ["g > 9**9**9**9", "g > 9**99999999", "value**1e308 > 0"])
    def test_huge_numbers_are_no_trap(self, condition):
        start = time.monotonic()
        holds_at(condition, example())
        assert time.monotonic() - start < 30  # not for ever

    def test_an_infinity_is_a_value_like_any_other(self):
        with np.errstate(all="ignore"):
            trace = ad.backprop(ad.sqrt(ad.Scalar(0.0, name="x")) * 2)
        assert holds_at("isinf(g)", trace) == [3]
        assert holds_at("|g| == inf", trace) == [3]
        assert holds_at("g - g == 0", trace) == [1, 2]

    def test_gradients_have_no_value_in_the_forward_pass(self):
        trace = example()
        node = trace.graph.nodes[0]
        assert not Condition("g > -100")(State(trace, 1, True, node))
        assert Condition("value > 0")(State(trace, 1, True, node))

    def test_expressions_compute_and_say_what_they_know(self):
        assert value_of("2*w*x + |y|", {"w": 3.0, "x": 2.0, "y": -1.0}) == 13.0
        assert value_of("sum(W @ x)", {"W": np.eye(2), "x": np.array([1.0, 2.0])}) == 3.0
        with pytest.raises(ExpressionError, match="the names are w, x"):
            value_of("q + 1", {"w": 1.0, "x": 2.0})

    @pytest.mark.parametrize(
        ("written", "value"), [("norm(g)", 5.0), ("max(|g|)", 4.0), ("any(isnan(g))", 0.0), ("sum(g, axis=0)", -1.0)]
    )
    def test_expressions_have_the_functions_of_conditions_too(self, written, value):
        assert value_of(written, {"g": np.array([3.0, -4.0])}) == value

    @pytest.mark.parametrize(
        ("written", "said"), [("norn(g)", "did you mean norm"), ("zzz(g)", "…"), ("norm(g, g)", "takes one value")]
    )
    def test_an_unknown_function_is_answered_in_one_short_line(self, written, said):
        with pytest.raises(ExpressionError, match=said) as raised:
            value_of(written, {"g": 1.0})
        assert len(str(raised.value)) < 300

    def test_the_step_of_a_part_of_several_lines_names_that_part(self):
        def loss(h):
            return (
                h * 3.0
                - h
            )  # fmt: skip

        session = Session(ad.backprop(recorded(loss, 2.0)))
        assert "h * 3.0 - h" in text(stop_lines(session))


class TestBreakpoints:
    @pytest.mark.parametrize(
        ("what", "stops"),
        [
            ("mul", ["mul", "mul", "mul"]),
            ("w", ["input"]),
            ("h", ["relu"]),
            ("#0", ["input"]),
            ("|g| > 0.9", ["add", "mul", "pow", "input"]),
            ("expression:1", None),
        ],
    )
    def test_continue_stops_at(self, what, stops):
        session = Session(example())
        execute(session, "goto 1")
        found = [session.node.op] if session.add_breakpoint(what) in session.stops_here() else []
        while "no breakpoint" not in run(session, "continue") and session.stops_here():
            found.append(session.node.op)
            if session.cursor.position == len(session.cursor):
                break
        assert stops is None or found == stops

    def test_nan_inf_and_zero(self):
        with np.errstate(all="ignore"):
            x, dead = ad.Scalar(0.0, name="x"), ad.Scalar(-1.0, name="dead")
            trace = ad.backprop(ad.sqrt(x) * x + ad.relu(dead) + ad.log(x) * 0.0)
        for what, first in [("inf", "log"), ("nan", "add"), ("zero", "log")]:
            session = Session(trace)
            if session.add_breakpoint(what) not in session.stops_here():
                execute(session, "continue")
            assert session.stops_here(), what
            assert session.node.op in (first, "mul"), what

    def test_scopes_hold_what_is_in_them_and_below(self):
        session = Session(network())
        execute(session, "break scope mlp/linear1")
        execute(session, "continue")
        assert session.node.scope == "mlp/linear1"
        assert "scope mlp/linear1   (holds here)" in run(session, "break")
        session = Session(network())
        execute(session, "until scope mlp")
        assert session.node.scope == "mlp/linear2"

    def test_lines_of_a_file(self):
        with ad.recording(source=True):
            w = ad.Scalar(2.0, name="w")
            h = w * 3
            out = h + w
        session = Session(ad.backprop(out))
        line = session.trace.graph.nodes[out is not None and session.find("v2")].source.line
        run(session, f"until test_debugger.py:{line}")
        assert session.node.op == "mul"

    @pytest.mark.parametrize(
        ("what", "match"),
        [
            ("mull", "did you mean mul?"),
            ("nann", "did you mean nan?"),
            ("scope nowhere", "the scopes are"),
            ("scope", "the scopes are"),
            ("loss.py:3", "the lines are expression:1"),
            ("99:99", "nothing was recorded"),
            ("|g| >", "invalid syntax"),
            ("import os", "only expressions"),
        ],
    )
    def test_what_cannot_be_stopped_at_is_said_and_changes_nothing(self, what, match):
        session = Session(example())
        with pytest.raises(AutodiffError, match=match.replace("?", r"\?")):
            execute(session, f"break {what}")
        assert session.breakpoints == []

    def test_they_are_listed_and_cleared_by_number(self):
        session = Session(example())
        assert "no breakpoints" in run(session, "break")
        run(session, "b mul", "b nan", "clear 1", "b zero")
        assert [point.number for point in session.breakpoints] == [2, 3]
        assert run(session, "break").splitlines()[0].startswith(" 2  NaN in a value")
        with pytest.raises(SettingError, match="the numbers are 2, 3"):
            execute(session, "clear 1")
        assert run(session, "clear") == " 2 breakpoints cleared"


class TestCommands:
    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            (["print w"], " w = 0.500"),
            (["p w.grad"], " ∂L/∂w = —"),
            (["goto relu", "goto 5", "p v4"], None),
            (["print 2*w*x"], " 2*w*x = 2.000"),
            (["print |g|"], " |g| = 1.000"),
            (["print #0"], " w = 0.500"),
            (["print ."], None),
            (["until w", "print w.grad"], " ∂L/∂w = −1.100"),
            (["forward", "goto 1", "print h"], " h = — (not computed yet)"),
            (["goto 99999999999999999999"], None),
        ],
    )
    def test_print_and_moves(self, commands, answer):
        session = Session(example())
        try:
            said = run(session, *commands)
        except AutodiffError:
            assert answer is None
            return
        assert answer is None or said == answer

    def test_a_gradient_is_said_to_be_unfinished_until_the_last_message(self):
        session = Session(example())
        seen = []
        for _ in range(len(session.cursor)):
            seen.append(run(session, "print w.grad"))
            execute(session, "next")
        assert " ∂L/∂w so far = 0.0500" in seen
        assert seen[-1] == " ∂L/∂w = −1.100"

    def test_an_empty_line_repeats_the_last_command(self):
        session = Session(example())
        run(session, "next 2", "")
        assert session.cursor.position == 5
        run(session, "back", "", "")
        assert session.cursor.position == 2

    def test_b_is_back_and_with_a_condition_break(self):
        session = Session(example())
        run(session, "n", "b")
        assert session.cursor.position == 1
        run(session, "b mul")
        assert len(session.breakpoints) == 1

    def test_the_ends_are_said(self):
        session = Session(example())
        assert run(session, "back") == " this is the first step"
        assert run(session, "next 1000", "next") == " the walk is complete: every input has its gradient"
        assert "backward goes on" in run(session, "forward", "next 1000", "next")

    @pytest.mark.parametrize(
        ("line", "match"),
        [
            ("nxt", "did you mean next?"),
            ("hlep", "did you mean help?"),
            ("xyzzy", "help lists them"),
            ("goto", "goto takes the number of a step, or a node"),
            ("goto 0", "steps 1 to"),
            ("goto 77", "steps 1 to"),
            ("goto nobody", "is no node of this graph"),
            ("goto -1", "is no node of this graph"),
            ("next zero", "not a number of steps"),
            ("next 0", "not a number of steps"),
            ("next -3", "not a number of steps"),
            ("continue 3", "continue takes nothing"),
            ("until", "until takes what break takes"),
            ("print", "print takes a node"),
            ("print nobody", "is not known here"),
            ("print nobody.grad", "is no node of this graph"),
            ("print __import__('os')", "is not a function"),
            ("watch nobody", "is no node of this graph"),
            ("unwatch w", "is not watched"),
            ("paths nobody", "is no node of this graph"),
            ("derive #99", "is no node of this graph"),
            ("draw picture.xyz", "xyz"),
            ("draw /no/such/folder/a.svg", "cannot write"),
            ("help nothing", "is not a command"),
            ("quit now", "quit takes nothing"),
        ],
    )
    def test_what_cannot_be_run_is_one_line_and_changes_nothing(self, line, match):
        session = Session(example())
        with pytest.raises(AutodiffError, match=match.replace("?", r"\?")) as error:
            execute(session, line)
        assert "\n" not in str(error.value)
        assert (session.cursor.position, session.is_forward, session.last_command) == (1, False, "")

    def test_watches_show_what_changed(self):
        session = Session(example())
        assert run(session, "watch w") == " ◈ w = 0.500   ∂L/∂w = —"
        shown = [text(stop_lines(session)) for _ in iter(lambda: execute(session, "next").moved, False)]
        assert any("was —" in stop for stop in shown)
        assert "∂L/∂w = −1.100" in shown[-1]
        assert run(session, "unwatch w", "watch").startswith(" nothing is watched")

    def test_paths_derive_where_draw(self, tmp_path):
        session = Session(example())
        assert "is the sum over" in run(session, "paths w")
        assert run(session, "derive w").startswith(" ∂L/∂w by the chain rule")
        said = run(session, "where h").splitlines()
        assert said == [" 1 → h = relu(w*x + b); L = (h - y)**2 + 0.1*w*w", "         ─────────────"]
        assert "∂L/∂w" in run(session, "draw")
        assert run(session, f"draw {tmp_path / 'a.dot'}") == f" wrote {tmp_path / 'a.dot'}"
        assert (tmp_path / "a.dot").read_text().startswith("digraph")

    def test_where_shows_lines_around_and_underlines_every_line_of_a_part(self):
        with ad.recording(source=True):
            out = ad.relu(
                ad.Scalar(2.0, name="w"),
                name="h",
            )
        said = run(Session(ad.backprop(out)), "where").splitlines()
        assert sum(" → " in line and "said" not in line for line in said) == 4
        assert sum(set(line.strip()) == {"─"} for line in said) == 4

    def test_help_lists_every_command_and_explains_each(self):
        session = Session(example())
        listed = run(session, "help")
        for command in COMMANDS:
            assert command.name in listed
            assert run(session, f"help {command.name}").startswith(f" {command.name}")
            assert BY_NAME[command.name] is command
        assert "|g| > 10" in run(session, "help break")

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("", [c.name for c in COMMANDS]),
            ("w", ["watch", "where"]),
            ("print h", ["print h", "print h.grad"]),
            ("p w", ["p w", "p w.grad"]),
            ("break na", ["break nan"]),
            ("b re", ["b relu"]),
            ("help qui", ["help quiz"]),
            ("nothing x", []),
        ],
    )
    def test_completions(self, line, expected):
        assert set(expected) <= set(completions(Session(example()), line))

    def test_scopes_complete(self):
        assert "break scope mlp/linear1" in completions(Session(network()), "break scope ")

    def test_a_hostile_name_moves_no_cursor(self):
        with ad.recording(source=True):
            out = ad.Scalar(1.0, name="a\x1b[2Jb\n‮") * ad.Scalar(2.0, name="scope")
        session = Session(ad.backprop(out))
        run(session, "watch #0")
        for line in [*stop_lines(session), *execute(session, "print #0").lines, *execute(session, "derive #0").lines]:
            assert all("\x1b" not in part.text and "\n" not in part.text for part in line)


class TestPatience:
    """What is said on a terminal while a command takes long; in a pipe nothing is."""

    @pytest.mark.parametrize(
        ("setting", "ends"), [({"force_terminal": True}, "\x1b[2K\r"), ({"force_terminal": False}, "")]
    )
    def test_it_is_said_and_taken_away(self, monkeypatch, setting, ends):
        out = Console(file=StringIO(), width=80, _environ={"TERM": "xterm"}, **setting)
        monkeypatch.setattr(patience, "console", lambda stderr: out)
        monkeypatch.setattr(patience, "AT_ONCE", 0.0)
        with patience.patience():
            deadline = time.monotonic() + 30
            while ends and "still searching" not in out.file.getvalue():
                assert time.monotonic() < deadline
        assert ("still searching" in out.file.getvalue()) == bool(ends)
        assert out.file.getvalue().endswith(ends)

    def test_what_is_done_at_once_is_not_spoken_of(self, monkeypatch):
        out = Console(file=StringIO(), force_terminal=True)
        monkeypatch.setattr(patience, "console", lambda stderr: out)
        monkeypatch.setattr(patience, "AT_ONCE", 3600)
        with pytest.raises(KeyboardInterrupt), patience.patience():
            raise KeyboardInterrupt
        assert out.file.getvalue() == ""


class TestQuiz:
    @pytest.mark.parametrize(
        ("answer", "right"),
        [
            ("-0.6", True),
            ("−0.600", True),
            ("-0.6005", True),
            ("2*(h - y)", True),
            ("2*v7*g", None),
            ("0.6", False),
            ("-0.7", False),
        ],
    )
    def test_answers_are_numbers_or_expressions(self, answer, right):
        session = Session(example())
        while "∂L/∂v7" not in (said := run(session, "quiz")) and "∂L/∂v₇ = ?" not in said:
            execute(session, "skip")
        try:
            said = run(session, answer)
        except ExpressionError:
            assert right is None
            assert session.question is not None
            return
        if right is not None:
            assert ("right:" in said) is right

    def test_a_wrong_answer_is_derived_and_the_score_is_kept(self):
        session = Session(example())
        run(session, "goto w", "goto 1", "quiz", "12345")
        said = run(session, "", "54321")
        assert "✗ not right" in said
        assert "score: 0 of 2 right" in said
        right = float(execute(session, "quiz") and session.question.answer)
        said = run(session, str(right))
        assert "✓ right" in said
        assert "score: 1 of 3 right" in said

    def test_a_whole_gradient_is_derived_line_by_line(self):
        session = Session(example())
        while True:
            run(session, "quiz")
            said = run(session, "1e9")
            if "by the chain rule" in said:
                break
        assert "in numbers" in said

    def test_the_answer_is_hidden_until_it_is_given(self):
        session = Session(example())
        for _ in range(5):
            asked = run(session, "quiz")
            assert session.cursor.position == session.question.position - 1
            after = session.question.position
            assert f"step {after}" in asked
            execute(session, "skip")
            assert session.cursor.position == after

    def test_hints_help_and_quit_are_no_answers(self):
        session = Session(example())
        run(session, "quiz")
        assert "message = g ×" in run(session, "hint")
        assert "next" in run(session, "help")
        assert session.question is not None
        assert session.asked == 0
        assert execute(session, "quit").done

    @pytest.mark.parametrize("answer", ["w +", "nobody", "__import__('os')", "x[0]", "'text'", "w = 3", "inv(w)"])
    def test_what_is_no_answer_costs_no_point(self, answer):
        session = Session(example())
        run(session, "quiz")
        with pytest.raises(ExpressionError):
            execute(session, answer)
        assert (session.asked, session.question is not None) == (0, True)

    def test_arrays_are_answered_by_expressions(self):
        W, x = ad.Tensor([[1.0, 2.0], [3.0, 4.0]], name="W"), ad.Tensor([1.0, -1.0], name="x")
        session = Session(ad.backprop(ad.sum(W @ x)))
        said = run(session, "quiz", "outer(g, x)")
        assert "✓ right" in said, said

    def test_at_the_end_there_is_nothing_to_ask(self):
        session = Session(example())
        assert "goto 1 begins again" in run(session, "goto w", "next 100", "quiz")


def moves():
    return st.lists(
        st.one_of(
            st.sampled_from(
                ["next", "back", "continue", "forward", "backward", "until mul", "until w", "show", "where"]
            ),
            st.integers(1, 40).map(lambda n: f"goto {n}"),
            st.integers(1, 9).map(lambda n: f"next {n}"),
            st.integers(1, 9).map(lambda n: f"back {n}"),
            st.sampled_from(["quiz", "1", "skip", "watch h", "unwatch h", "break relu", "clear", "print w.grad"]),
        ),
        max_size=25,
    )


class TestStepping:
    @given(moves(), st.sampled_from([example, network]))
    @settings(max_examples=60, deadline=None)
    def test_whatever_was_done_a_step_looks_as_it_always_does(self, commands, record):
        trace = record()
        fresh = Session(trace)
        expected = {}
        for is_forward in (False, True):
            fresh.is_forward = is_forward
            for position in range(1, len(fresh.cursor) + 1):
                fresh.cursor.goto(position)
                expected[is_forward, position] = (fresh.node.id, text(stop_lines(fresh)))
        session = Session(trace)
        for command in commands:
            with contextlib.suppress(AutodiffError):
                execute(session, command)
            session.watches.clear()
            now = (session.node.id, text(stop_lines(session)))
            assert now == expected[session.is_forward, session.cursor.position]

    @given(st.integers(0, 30), st.integers(1, 30))
    @settings(max_examples=40, deadline=None)
    def test_so_many_steps_forth_and_back_come_to_the_same_place(self, start, count):
        session = Session(network())
        session.cursor.goto(min(1 + start, len(session.cursor)))
        before = (
            session.cursor.position,
            text(stop_lines(session)),
            [session.gradient(n.id) is None for n in session.nodes],
        )
        taken = min(count, len(session.cursor) - session.cursor.position)
        for _ in range(taken):
            execute(session, "next")
        for _ in range(taken):
            execute(session, "back")
        after = (
            session.cursor.position,
            text(stop_lines(session)),
            [session.gradient(n.id) is None for n in session.nodes],
        )
        assert before == after

    def test_changing_the_pass_stays_at_the_node(self):
        session = Session(example())
        execute(session, "until relu")
        id = session.node.id
        execute(session, "forward")
        assert session.node.id == id
        execute(session, "backward")
        assert session.node.id == id

    def test_gradients_so_far_are_what_the_steps_have_summed(self):
        session = Session(example())
        totals = {session.trace.graph.output_ids[0]: 1.0}
        for step in session.trace.steps:
            totals |= {m.operand: m.total for m in step.messages if m.message is not None}
            for node in session.nodes:
                g = session.gradient(node.id)
                assert g == totals.get(node.id)
            execute(session, "next")


class TestNeighbourhood:
    def test_a_small_graph_is_shown_whole_with_dashes_for_what_is_to_come(self):
        session = Session(example())
        lines, places, left_out = Neighbourhood(session).draw(100)
        assert left_out == 0
        assert "▶" in lines[places[session.node.id].row]
        assert any("∂L/∂w      —" in line for line in lines)

    def test_of_a_large_graph_what_is_near(self):
        h = x = ad.Scalar(1.0, name="x")
        for _ in range(500):
            h = h * x + 0.1
        session = Session(ad.backprop(h))
        execute(session, "goto 500")
        lines, places, left_out = Neighbourhood(session).draw(70)
        assert session.node.id in places
        assert left_out == len(session.nodes) - len(places)
        assert set(session.node.operands) & set(places)
        assert max(map(len, lines)) <= 70

    @pytest.mark.parametrize("width", [20, 30, 40, 60, 120])
    def test_it_fits_any_width(self, width):
        session = Session(network())
        for _ in range(len(session.cursor)):
            lines, places, _ = Neighbourhood(session).draw(width)
            assert all(len(line.rstrip()) <= width for line in lines)
            assert session.node.id in places
            execute(session, "next")


class TestStart:
    def test_a_function_is_recorded_with_its_lines_and_the_names_of_its_parameters(self):
        def loss(w, params, scale=2):
            return ad.sum(w * params["b"][0]) * scale

        trace = ad.backprop(recorded(loss, np.array([1.0, 2.0]), {"b": [3.0]}))
        assert list(trace.graph.names) == ["w", "params.b[0]"]
        assert trace.graph.outputs[0].source.part == 'ad.sum(w * params["b"][0]) * scale'
        assert trace.graph.nodes[0].source is None

    def test_what_is_tracked_already_stays(self):
        w = ad.Scalar(3.0, name="mine")
        assert ad.backprop(recorded(lambda w: w * w, w)).gradients == {"mine": 6.0}
        assert ad.backprop(recorded(w * w)).gradients == {"mine": 6.0}

    def test_flags_and_text_are_passed_on(self):
        value = recorded(lambda w, how, flag: w * (2 if flag and how == "x" else 1), 3.0, "x", True)
        assert ad.backprop(value).gradients["w"] == 2.0

    @pytest.mark.parametrize(
        ("subject", "arguments", "error", "match"),
        [
            (3.0, (), SettingError, "takes a Scalar, a Tensor, a trace or a function, got float"),
            (ad.Scalar(1.0), (2.0,), SettingError, "arguments are for a function"),
            (lambda x: 3.0, (2.0,), GradientError, "must return a Scalar or a Tensor, got float"),
            (lambda x: x, (np.ones(3),), GradientError, "needs a cotangent"),
        ],
    )
    def test_what_cannot_be_debugged_says_why(self, subject, arguments, error, match):
        with pytest.raises(error, match=match):
            viz.step(subject, *arguments)

    def test_without_a_terminal_every_step_is_printed(self, capsys):
        viz.step(lambda w: w * w, 3.0)
        assert capsys.readouterr().out.count(" backward ") == 2


class TestFirstCause:
    def faulty(self):
        x = ad.Tensor([1.0, 0.0], name="x")
        with np.errstate(divide="ignore"):
            return ad.backprop(ad.sum(ad.log(x, name="h") * 2.0, name="L"))

    def test_cause_goes_to_where_it_began_and_says_why(self):
        session = Session(self.faulty())
        reply = execute(session, "cause")
        assert (session.is_forward, session.node.name) == (True, "h")
        assert "log(0.000) = −inf, element [1] of h" in "".join(part.text for part in reply.lines[0])
        assert "inputs on the way: x" in "".join(part.text for part in reply.lines[-1])

    def test_a_cause_of_the_backward_pass_is_a_step_of_it(self):
        x = ad.Scalar(0.0, name="x")
        session = Session(ad.backprop(ad.sqrt(x, name="h") * 3.0))
        execute(session, "cause")
        assert (session.is_forward, session.node.name) == (False, "h")

    def test_continue_stops_there_without_being_asked(self):
        session = Session(self.faulty())
        assert [point.words for point in session.breakpoints] == ["the first cause"]
        execute(session, "continue")
        assert session.node.name == "h"
        execute(session, "clear")
        assert not session.breakpoints

    def test_a_sound_pass_has_none(self):
        session = Session(ad.backprop(ad.Scalar(2.0, name="x") * 3.0))
        assert (session.cause, session.breakpoints) == (None, [])
        with pytest.raises(SettingError, match="cause: the result and all gradients are finite"):
            execute(session, "cause")


@given(st.text(alphabet="ab 漢∂", max_size=60), st.integers(3, 30))
def test_a_wrapped_line_keeps_to_the_width_and_loses_nothing(text, width):
    lines = wrapped(Text(text), width)
    assert all(line.cell_len <= width for line in lines)
    assert "".join("".join(line.plain for line in lines).split()) == "".join(text.split())
