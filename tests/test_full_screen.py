"""The debugger's full screen, driven by textual's pilot: keys, clicks, commands, sizes, and what then stands where."""

import asyncio
import threading

import numpy as np
import pytest

import autodiff as ad

pytest.importorskip("textual")

from textual import events
from textual.geometry import Offset
from textual.widgets import Input, Static

from viz.debugger.graph_panel import GraphPanel
from viz.debugger.key_line import KeyLine
from viz.debugger.panel import Panel
from viz.debugger.screen import CommandLine, DebuggerApp, Help
from viz.debugger.session import Session


def expression():
    with ad.recording(source=True):
        return ad.backprop(ad.parse("L = (relu(w*x + b) - y)**2", w=0.5, x=2.0, b=-0.3, y=1.0))


def long_chain():
    h = x = ad.Scalar(0.9, name="x")
    for _ in range(400):
        h = h * x + 0.1
    return ad.backprop(h)


def broken():
    x = ad.Scalar(0.0, name="x")
    with np.errstate(all="ignore"):
        return ad.backprop(ad.log(x) * x)


def network():
    rng = np.random.default_rng(0)
    h = ad.Tensor(rng.normal(size=(5, 4)), name="x", requires_grad=False)
    for layer in (1, 2):
        with ad.scope(f"mlp/linear{layer}"):
            h = ad.tanh(h @ ad.Tensor(rng.normal(size=(4, 4)), name=f"W{layer}"))
    return ad.backprop(ad.sum(h * h))


def drive(trace, act, size=(120, 36)):
    """Run the app without a terminal, and `act(app, pilot)` in it."""
    app = DebuggerApp(Session(trace))

    async def main():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(main())
    return app


def shown(app, panel):
    widget = app.query_one(f"#{panel}")
    return widget.text if isinstance(widget, Panel) else str(widget.content)


def at_once(app, text):
    """What a terminal sends for text that is pasted or typed faster than it is read: keys without a pause."""
    for character in text:
        key = {"\n": "enter", ":": "colon", "/": "slash"}.get(character, character)
        app.post_message(events.Key(key, None if character == "\n" else character))


def test_it_opens_at_the_first_step_with_everything_in_its_panel():
    async def act(app, pilot):
        assert "backward 1 of 9" in shown(app, "head")
        assert "L = v₇²" in shown(app, "step")
        assert "1.000 × −0.600 = −0.600" in shown(app, "step")
        assert "▶ ^ L = v₇²" in shown(app, "graph")
        assert "operands" in shown(app, "around")
        assert shown(app, "source").splitlines() == [
            " 1 → L = (relu(w*x + b) - y)**2",
            "         " + "─" * 22,
        ]
        assert not app.query_one("#notes").display

    drive(expression(), act)


KEYS = [  # from the first step, and where they lead
    ("n", 2),
    ("space", 2),
    ("right", 2),
    ("down", 2),
    ("n n b", 2),
    ("n n left", 2),
    ("n n up", 2),
    ("b", 1),
    ("end", 9),
    ("end n", 9),
    ("end home", 1),
    ("c", 9),
    ("n n f", 7),
    ("n n f f", 3),
    ("g 4 enter", 4),
    ("g w enter", 9),
    ("slash m u l enter", 5),
    ("colon n e x t enter", 2),
    ("enter n escape n", 2),
    ("colon b space m tab enter c", 5),
    ("n t t", 2),
]


def test_keys():
    async def act(app, pilot):
        for keys, position in KEYS:
            for key in keys.split():
                character = {"space": " ", "colon": ":", "slash": "/"}.get(key, key)
                app.post_message(events.Key(key, character if len(character) == 1 else None))
            await pilot.pause()
            assert app.session.cursor.position == position, keys
            for command in ("clear", "backward", "goto 1"):
                app.run_command(command)
            app.action_interrupt()  # the keys are the graph's again

    drive(expression(), act)


@pytest.mark.parametrize("key", ["q", "ctrl+d", "colon ctrl+d", "colon q enter", "n n q"])
def test_ways_to_leave(key):
    async def act(app, pilot):
        await pilot.press(*key.split())
        await pilot.pause()
        assert not app.is_running or app._exit

    drive(expression(), act)


def test_ctrl_c_gives_up_a_line_and_stays():
    async def act(app, pilot):
        await pilot.press("colon", "x", "y", "ctrl+c")
        await pilot.pause()
        assert app.is_running
        assert app.query_one(CommandLine).value == ""
        assert "leaves" in shown(app, "said")

    drive(expression(), act)


def test_a_click_on_a_node_goes_to_its_step():
    async def act(app, pilot):
        session = app.session
        graph = app.query_one(GraphPanel)
        place = graph.places[session.find("v6")]
        graph.scroll_to(y=place.row - 1, animate=False)
        await pilot.pause()
        corner = graph.content_region.offset - graph.region.offset - graph.scroll_offset
        await pilot.click(GraphPanel, offset=corner + Offset(place.column + 3, place.row + 1))
        await pilot.pause()
        assert session.node.op == "relu"
        assert session.cursor.position == 3

    drive(expression(), act)


def test_tab_completes_and_says_what_is_possible():
    async def act(app, pilot):
        line = app.query_one(CommandLine)
        await pilot.press("colon", *"pri", "tab")
        assert line.value == "print "
        await pilot.press("w", "tab")
        await pilot.pause()
        assert line.value == "print w"
        assert "w  w.grad" in shown(app, "said")
        await pilot.press(*".g", "tab")
        assert line.value == "print w.grad "
        await pilot.press("enter")
        await pilot.pause()
        assert "∂L/∂w = —" in shown(app, "said")

    drive(expression(), act)


def test_the_arrows_recall_lines():
    async def act(app, pilot):
        line = app.query_one(CommandLine)
        for text in ("print w", "print x"):
            await pilot.press("colon", *[{" ": "space"}.get(c, c) for c in text], "enter")
        await pilot.press("colon", "up", "up")
        assert line.value == "print w"
        await pilot.press("down")
        assert line.value == "print x"
        await pilot.press("down")
        assert line.value == ""

    drive(expression(), act)


def test_mistakes_are_said_and_change_nothing():
    async def act(app, pilot):
        for text, said in [
            ("nxt", "did you mean next?"),
            ("goto 99", "steps 1 to 9"),
            ("break |g| >", "invalid syntax"),
        ]:
            app.run_command(text)
            await pilot.pause()
            assert said in shown(app, "said")
            assert app.session.cursor.position == 1

    drive(expression(), act)


def test_the_quiz_asks_hides_and_keeps_the_score():
    async def act(app, pilot):
        await pilot.press("z")
        await pilot.pause()
        assert "= ?" in shown(app, "said")
        assert app.focused is app.query_one(CommandLine)
        number = f"{app.session.question.answer:.4f}"
        assert number.replace("-", "−") not in shown(app, "graph").replace("−0.6000", "")
        await pilot.press(*[{"-": "minus", ".": "full_stop"}.get(c, c) for c in number], "enter")
        await pilot.pause()
        assert "✓ right" in shown(app, "said")
        assert "score: 1 of 1" in shown(app, "said")

    drive(expression(), act)


def test_help_opens_and_closes():
    async def act(app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        text = str(app.screen.query_one(Static).content)
        assert "derive" in text
        assert "|g| > 10" in text
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, Help)
        assert app.session.cursor.position == 1

    drive(expression(), act)


def test_watches_stand_beside_the_neighbours():
    async def act(app, pilot):
        app.run_command("watch w")
        for _ in range(4):
            await pilot.press("n")
        await pilot.pause()
        assert "◈ w = 0.500   ∂L/∂w = −1.200   was —" in shown(app, "around")

    drive(expression(), act)


@pytest.mark.parametrize(
    ("record", "first"),
    [(expression, (30, 8)), (network, (120, 36)), (long_chain, (80, 24)), (long_chain, (30, 8)), (broken, (60, 20))],
)
def test_at_any_size_the_current_node_and_its_step_can_be_seen(record, first):
    async def act(app, pilot):
        for size in (first, (120, 36), (80, 24), (60, 20), (40, 12), (30, 8), (200, 60)):
            await pilot.resize_terminal(*size)
            at_once(app, "nnbfnfn")
            await pilot.pause()
            check(app, size)

    def check(app, size):
        graph = app.query_one(GraphPanel)
        place = graph.places[app.session.node.id]
        assert graph.content_size.height > 0
        top = graph.scroll_offset.y
        assert top <= place.row + place.height - 1
        assert place.row <= top + graph.content_size.height
        assert app.query_one(CommandLine).region.bottom <= size[1]
        if size[1] >= 20:
            assert app.query_one("#step").region.height >= 3

    drive(record(), act, first)


def test_it_follows_a_change_of_size():
    async def act(app, pilot):
        assert app.query_one("#around").display
        await pilot.resize_terminal(70, 20)
        await pilot.pause()
        assert not app.query_one("#around").display
        assert max(len(line) for line in shown(app, "graph").splitlines()) <= 70
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert app.query_one("#around").display

    drive(network(), act)


def test_the_drawing_keeps_to_the_panel_whatever_the_size_was_before():
    async def act(app, pilot):
        app.run_command("cause")
        for size in ((50, 24), (120, 36), (50, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await pilot.pause()
            assert max(map(len, shown(app, "graph").splitlines())) <= app.query_one("#graph").room

    x = ad.Tensor([1.0, 0.0], "x")
    with np.errstate(all="ignore"):
        drive(ad.backprop(ad.sum(ad.log(ad.Tensor([1.0, 2.0], "w") * x) * np.array([1.0, 0.0]))), act)


def test_a_key_whose_word_has_no_room_is_not_shown():
    async def act(app, pilot):
        for width, last in ((50, "continue"), (37, "command"), (120, "quiz")):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            await pilot.pause()  # another layout hides them
            keys = [key for key in app.query_one(KeyLine).children if key.visible]
            assert keys[-1].description == last
            assert keys[-1].region.right <= width

    drive(expression(), act)


def test_a_line_typed_at_pythons_prompt_is_said_to_be_gone():
    async def act(app, pilot):
        assert shown(app, "source") == "typed at a prompt: its text was not kept"

    made = {"ad": ad, "x": ad.Scalar(2.0, name="x")}
    with ad.recording(source=True):
        exec(compile("y = x * x", "<stdin>", "exec"), made)
    drive(ad.backprop(made["y"]), act)


def test_the_panels_stand_still_while_one_steps():
    async def act(app, pilot):
        for _ in range(3):
            await pilot.press("n")
        await pilot.pause()
        before = {name: app.query_one(f"#{name}").region for name in ("step", "around", "source", "graph")}
        for _ in range(4):
            await pilot.press("n")
            await pilot.pause()
            assert before == {name: app.query_one(f"#{name}").region for name in before}

    drive(long_chain(), act)


def is_in_sight(app):
    graph = app.query_one(GraphPanel)
    place = graph.places[app.session.node.id]
    top = graph.scroll_offset.y
    return top <= place.row and place.row + place.height <= top + graph.content_size.height


async def comes_in_sight(app, pilot):
    """Whether it is in sight once the screen is drawn, without a key; a busy machine needs some rounds for that."""
    for _ in range(500):
        await pilot.pause(0.02)
        if is_in_sight(app):
            return True
    return False


@pytest.mark.parametrize(
    ("record", "size"), [(expression, (120, 30)), (network, (80, 30)), (long_chain, (120, 30)), (long_chain, (80, 30))]
)
def test_the_current_node_is_in_sight_from_the_start_and_after_a_change_of_size(record, size):
    async def act(app, pilot):
        assert await comes_in_sight(app, pilot)
        for other in ((60, 24), (140, 40), size):
            await pilot.resize_terminal(*other)
            assert await comes_in_sight(app, pilot), other

    drive(record(), act, size)


@pytest.mark.parametrize(
    ("text", "line", "position"),
    [
        (":until sqrt(|g|) > 1e9", "until sqrt(|g|) > 1e9", 1),
        ("/mul", "until mul", 1),
        ("gw", "goto w", 1),
        (":next\nn:back\nn:qz", "qz", 3),
        ("nnb:goto q", "goto q", 2),
    ],
)
def test_keys_that_come_in_one_burst_are_taken_in_their_order(text, line, position):
    async def act(app, pilot):
        at_once(app, text)
        await pilot.pause()
        assert app.is_running
        assert app._exit is False
        assert app.query_one(CommandLine).value == line
        assert app.session.cursor.position == position

    drive(expression(), act)


@pytest.mark.parametrize("before", ["", ":"])
@pytest.mark.parametrize("pasted", ["until |g| > 1e9 # q", "until |g| > 1e9 # q\nquit\n"])
def test_pasted_text_goes_into_the_line_and_is_not_run(before, pasted):
    async def act(app, pilot):
        at_once(app, before)
        app.post_message(events.Paste(pasted))
        at_once(app, "x")
        await pilot.pause()
        assert app.query_one(CommandLine).value == "until |g| > 1e9 # qx"

    drive(expression(), act)


def test_ctrl_c_stops_a_search_that_has_just_begun(monkeypatch):
    monkeypatch.setattr("viz.debugger.screen.AT_ONCE", 10)

    async def act(app, pilot):
        begun, go_on = threading.Event(), threading.Event()

        def stop_at(trace, text):  # the search has not come to its first step
            begun.set()
            assert go_on.wait(30)
            return "never", lambda state: False

        monkeypatch.setattr("viz.debugger.moves.stop_at", stop_at)
        app.run_command("until never")
        while not begun.is_set():
            await pilot.pause(0.01)
        await pilot.press("ctrl+c")
        go_on.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "interrupted at step 2" in shown(app, "said")

    drive(long_chain(), act)


def test_a_large_graph_is_a_window_around_the_current_node():
    async def act(app, pilot):
        app.run_command("goto 400")
        await pilot.pause()
        assert "of 1,201 nodes" in str(app.query_one("#graph").border_title)
        assert "▶" in shown(app, "graph")

    drive(long_chain(), act)


def test_a_long_search_holds_up_nothing_and_ctrl_c_stops_it(monkeypatch):
    monkeypatch.setattr("viz.debugger.screen.AT_ONCE", 10)

    async def act(app, pilot):
        reached, go_on = threading.Event(), threading.Event()

        def test(state):
            reached.set()
            assert go_on.wait(30)
            return False

        monkeypatch.setattr("viz.debugger.moves.stop_at", lambda trace, text: ("never", test))
        app.run_command("until never")
        while not reached.is_set():
            await pilot.pause(0.01)
        app.run_command("next")
        assert "still searching" in shown(app, "said")
        await pilot.press("ctrl+c")
        go_on.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "interrupted at step" in shown(app, "said")
        assert app.session.cursor.position == 1
        app.run_command("next")
        assert app.session.cursor.position == 2

    drive(long_chain(), act)


def test_nan_and_infinity_are_loud():
    async def act(app, pilot):
        assert "╔" in shown(app, "graph")
        assert "−inf" in shown(app, "graph")
        spans = [str(span.style) for line in app.query_one(GraphPanel).lines for span in line.spans]
        assert app.palette.alarm in spans

    drive(broken(), act)


@pytest.mark.parametrize(("setting", "is_dark"), [("", True), ("15;0", True), ("0;15", False)])
def test_the_theme_follows_the_terminal(monkeypatch, setting, is_dark):
    monkeypatch.setenv("COLORFGBG", setting)

    async def act(app, pilot):
        assert app.current_theme.dark is is_dark

    drive(expression(), act)


def test_without_colour_the_current_node_is_still_marked(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def act(app, pilot):
        await pilot.press("n")
        await pilot.pause()
        assert "▶ − v₇" in shown(app, "graph")

    drive(expression(), act)


def test_typing_answers_keys_of_the_graph_only_when_nothing_is_typed():
    async def act(app, pilot):
        await pilot.press("colon", "n", "q")
        assert app.query_one(Input).value == "nq"
        assert app.session.cursor.position == 1

    drive(expression(), act)
