"""The page in a real browser: what it shows at every step is what the trace holds, and it works by keys alone.

Debian's chromium, headless and offline, driven by Playwright. A request, dialog, error or console message fails a test.
"""

import os
import re
import shutil

import numpy as np
import pytest
from test_html import MORE_HOSTILE, deep
from test_viz import example, network

import autodiff as ad
from viz import Stepper
from viz.html import to_html
from viz.numbers import number
from viz.text import step_lines
from viz.view import total, view

FLAGS = (
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox cannot start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium. Skips where there is none, except in CI, where that is a failure."""
    program = os.environ.get("CHAINLENS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        reason = "needs Debian's chromium and pip install 'chainlens[browser]'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Open a page of a value, graph or trace; afterwards nothing may have been requested, said or shown."""
    contexts, heard = [], []

    def open_it(subject, address="", *, scheme="light", motion="reduce", width=1600, height=1000, **options):
        context = chromium.new_context(
            offline=True,
            color_scheme=scheme,
            reduced_motion=motion,
            viewport={"width": width, "height": height},
            has_touch=width < 600,
        )
        contexts.append(context)
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(to_html(subject, **options), encoding="utf-8")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: (heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(path.as_uri()) or heard.append(request.url))
        page.goto(path.as_uri() + address)
        page.locator("#rule *").first.wait_for()
        page.heard = heard
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert heard == []


CARDS = """() => Object.fromEntries([...document.querySelectorAll('#cards .card[id]')].map((g) => [
    g.id.slice(1), [...g.querySelectorAll('.number')].map((row) => row.textContent)]))"""
LEDGERS = """() => Object.fromEntries([...document.querySelectorAll('.ledger')]
    .filter((g) => g.style.display !== 'none')
    .map((g) => [g.id, [...g.querySelectorAll('text')].map((line) => line.textContent)]))"""


def settled(page, script):
    """What a script returns once the page has drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(script)


def wait_for(page, script, expected):
    """Wait until a script returns what is expected. Playwright's own way needs eval, which the page forbids."""
    for _ in range(100):
        if (found := page.evaluate(script)) == expected:
            return
        page.wait_for_timeout(50)
    assert found == expected


def gradient_text(messages, g):
    """A scalar's gradient rows, written from the trace's own numbers."""
    if not messages:
        return ["—"] if g is None else [number(g)]
    if len(messages) == 1:
        return [number(messages[0])]
    written = total([number(message) for message in messages])
    return [f"{written} = {number(g)}"] if len(messages) == 2 else [written, f"= {number(g)}"]


def expected_at(trace, position):
    """Card rows and ledger messages after so many steps, from the trace alone."""
    nodes = trace.graph.nodes
    operations = [node for node in nodes if not node.is_leaf]
    computed = {node.id for node in operations[:position]} | {node.id for node in nodes if node.is_leaf}
    messages, sums, products, visited = {}, {}, {}, {}
    for step in trace.steps[: max(0, position - len(operations))]:
        visited[step.node.id] = step.upstream
        for place, message in enumerate(step.messages):
            if message.message is not None:
                messages.setdefault(message.operand, []).append(message.message)
                sums[message.operand] = message.total
                g, local, sent = map(number, (step.upstream, message.local, message.message))
                products[f"e{step.node.id}_{place}"] = f"{g} × {local} → {sent}"
    cards = {}
    for node in nodes:
        is_number = node.op == "constant" and node.name is None
        value = [] if is_number else [number(node.value) if node.id in computed else ""]
        g = visited.get(node.id, sums.get(node.id))
        gradient = [] if node.op == "constant" else gradient_text(messages.get(node.id, []), g)
        cards[str(node.id)] = value + gradient
    return cards, products


class TestNumbers:
    def test_every_step_by_keys_shows_the_traces_numbers_and_no_others(self, open_page):
        trace = ad.backprop(example())
        page = open_page(trace, "#step=0")
        stepper = Stepper(trace)
        count = sum(not node.is_leaf for node in trace.graph.nodes)
        for position in range(count + len(trace.steps) + 1):
            if position:
                page.keyboard.press("ArrowRight")
            cards, products = expected_at(trace, position)
            assert settled(page, CARDS) == cards, position
            assert {id: lines[-1] for id, lines in settled(page, LEDGERS).items()} == products, position
            said = page.locator("#rule").inner_text()
            if position > count:
                stepper.goto(position - count)
                for line in step_lines(stepper, 0)[1:]:
                    for part in line:
                        assert " ".join(part.text.replace("──", "").split()) in " ".join(said.split()), position
        page.keyboard.press("ArrowRight")  # the end is the end
        assert page.get_by_role("slider").input_value() == str(count + len(trace.steps))

    def test_playing_to_the_end_and_going_back_to_the_start(self, open_page):
        trace = ad.backprop(example())
        page = open_page(trace)
        page.keyboard.press("Home")
        cards, products = expected_at(trace, 0)
        assert (settled(page, CARDS), settled(page, LEDGERS)) == (cards, products)
        page.get_by_label("Speed").select_option("20")
        page.locator("#stage").click(position={"x": 300, "y": 300})
        page.keyboard.press("Space")
        page.get_by_role("button", name="Pause").wait_for()
        page.get_by_role("button", name="Play").wait_for()
        end = sum(not node.is_leaf for node in trace.graph.nodes) + len(trace.steps)
        cards, products = expected_at(trace, end)
        assert settled(page, CARDS) == cards
        assert {id: lines[-1] for id, lines in settled(page, LEDGERS).items()} == products
        for _ in range(end):
            page.keyboard.press("ArrowLeft")
        cards, products = expected_at(trace, 0)
        assert (settled(page, CARDS), settled(page, LEDGERS)) == (cards, products)

    @pytest.mark.parametrize("subject", [example, network, lambda: ad.log(ad.Scalar(0.0, name="x")) * 1])
    def test_at_the_end_it_is_the_drawing(self, open_page, subject):
        out = subject()
        page, content = open_page(out), view(out)
        cards = settled(page, CARDS)
        assert cards == {str(card.id): [row.line.text for row in card.rows] for card in content.cards}
        titles = page.locator("#cards .card[id] .title tspan:last-child").all_text_contents()
        assert titles == [card.title for card in content.cards]
        ledgers = {f"e{e.target}_{e.position}": [line.text for line in e.lines] for e in content.edges if e.lines}
        assert settled(page, LEDGERS) == ledgers
        alarms = {f"n{card.id}" for card in content.cards if card.is_alarm}
        assert {card.get_attribute("id") for card in page.locator("#cards .card.alarm").all()} == alarms

    def test_details_tell_how_a_gradient_came_about(self, open_page):
        page = open_page(example())
        page.locator("#n0").hover()
        said = page.locator("#card").inner_text()
        for text in ("∂v₄/∂w = x = 2.000", "−0.600 × 2.000 → −1.200", "summed: 0.500 + 0.500 − 1.200 = −0.200"):
            assert text in said

    def test_details_show_arrays_and_source_lines(self, open_page):
        with ad.recording(source=True):
            out = ad.sum(ad.Tensor(np.arange(900.0), name="t") * ad.Tensor([[1.0], [2.0]], name="u"))
        page = open_page(out)
        page.locator("#n0").hover()
        assert page.locator("#card canvas").count() == 2
        assert page.locator("#card canvas").first.get_attribute("aria-label").endswith("orange is 899.0")
        page.locator("#n1").hover()
        assert page.locator("#card td").all_text_contents()[:2] == ["1.000", "2.000"]
        page.locator("#n2").hover()
        assert "test_browser.py:" in page.locator("#card").inner_text()

    def test_the_end_lists_all_gradients(self, open_page):
        trace = ad.backprop(example())
        rows = open_page(trace).locator(".gradients tr").all_inner_texts()[1:]
        found = {name.split()[0]: g for name, _, g in (row.split("\t") for row in rows)}
        assert found == {name: number(g) for name, g in trace.gradients.items()}


class TestReading:
    def test_folding_and_unfolding_by_keys(self, open_page):
        page = open_page(network())
        shown = "#cards .card[id]:visible"
        count = page.locator(shown).count()
        page.locator("#n0").focus()
        settled(page, "0")
        box = page.locator("#n7").bounding_box()
        page.keyboard.press("f")
        folded = page.locator(".card.folded:visible")
        assert folded.count() == 1
        assert page.evaluate("document.activeElement.classList.contains('folded')")
        assert folded.get_attribute("aria-expanded") == "false"
        assert "mlp/linear1: nodes 4" in folded.get_attribute("aria-label")
        assert page.locator("#n0").is_hidden()
        settled(page, "0")
        assert page.locator("#n7").bounding_box() == pytest.approx(box)  # nothing else moves
        page.keyboard.press("f")
        assert page.locator(shown).count() == count
        page.keyboard.press("F")
        assert page.locator(".card.folded:visible").count() == 1  # the one inside is hidden by the outer one
        assert page.locator("#fold").get_attribute("aria-pressed") == "true"
        page.locator(".card.folded:visible").focus()
        page.keyboard.press("Enter")
        assert page.locator(".card.folded:visible").count() == 2
        page.get_by_role("button", name="Unfold all").click()
        assert page.locator(shown).count() == count

    def test_a_folded_scope_tells_its_gradients_when_they_are_whole(self, open_page):
        page = open_page(network(), "#step=0")
        page.keyboard.press("F")
        card = page.locator(".card.folded:visible")
        assert "‖∂‖" not in card.get_attribute("aria-label")
        page.keyboard.press("End")
        assert "‖∂‖ in 0.277" in card.get_attribute("aria-label")

    def test_search_finds_and_goes_there(self, open_page):
        page = open_page(network())
        page.keyboard.press("F")
        page.keyboard.press("/")
        page.keyboard.type("W2")
        assert page.locator("#found").inner_text() == "2 found"
        assert page.locator(".card.match").count() == 2
        page.keyboard.press("Enter")
        assert page.locator("#found").inner_text() == "1 of 2"
        assert page.locator(".card.match:visible").count() == 2  # its scope was opened
        page.keyboard.press("Escape")
        assert page.locator(".card.match").count() == 0
        assert page.evaluate("document.activeElement.id") == "n4"
        page.keyboard.press("/")
        page.keyboard.type("nowhere")
        assert page.locator("#found").inner_text() == "none"

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_theme_is_the_systems_until_the_reader_chooses(self, open_page, scheme):
        page = open_page(example(), scheme=scheme)
        ground = "getComputedStyle(document.body).backgroundColor"
        colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
        assert page.evaluate(ground) == colours[scheme]
        page.keyboard.press("t")
        assert page.evaluate(ground) == colours["light"]
        page.keyboard.press("t")
        assert page.evaluate(ground) == colours["dark"]

    def test_heat_colours_by_gradient_and_says_so(self, open_page):
        page = open_page(example())
        fill = "getComputedStyle(document.querySelector('#n7 .body')).fill"
        before = page.evaluate(fill)
        page.keyboard.press("h")
        assert page.evaluate(fill) != before
        assert "Heat: 0.10, " in page.locator("#legend .ramp").get_attribute("aria-label")
        assert page.locator("#heat").get_attribute("aria-pressed") == "true"
        page.keyboard.press("Home")
        assert page.locator(".card.heated").count() == 0
        page.keyboard.press("End")
        page.keyboard.press("h")
        assert page.evaluate(fill) == before

    def test_a_link_leads_to_a_step_and_a_card(self, open_page):
        page = open_page(example(), "#step=10&node=4")
        assert page.locator("#position").inner_text() == "Backward 3 of 11"
        assert page.locator("#card h3").inner_text() == "v₄ = w · x"
        page.keyboard.press("Home")
        wait_for(page, "location.hash", "#step=0&node=4")
        page.evaluate("location.hash = '#step=2&node=0'")
        wait_for(page, "document.getElementById('position').textContent", "Forward 2 of 7")
        assert page.locator("#card h2").inner_text() == "PINNED CARD"

    @pytest.mark.parametrize("address", ["#step=999&node=999", "#step=-1", "#step=x&node=%00", "#__proto__=1", "#%"])
    def test_odd_addresses_do_no_harm(self, open_page, address):
        page = open_page(example(), address)
        assert page.locator("#cards .card").count() == 12

    def test_pan_zoom_and_fit(self, open_page):
        page = open_page(example())
        place = "document.getElementById('world').getAttribute('transform')"
        start = page.evaluate(place)
        page.mouse.move(400, 850)
        page.mouse.down()
        page.mouse.move(460, 800, steps=3)
        page.mouse.up()
        settled(page, place)
        assert settled(page, place) != start
        page.mouse.wheel(0, -300)
        assert settled(page, f"{place}.includes('scale(0.')") is False
        page.keyboard.press("0")
        assert settled(page, place) == start
        for key, grows in (("+", True), ("-", False)):
            size = page.locator("#n4").bounding_box()["width"]
            page.keyboard.press(key)
            settled(page, place)
            assert (page.locator("#n4").bounding_box()["width"] > size) == grows

    def test_it_fits_a_phone(self, open_page):
        page = open_page(example(), width=390, height=800)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for id in ("play", "scrubber", "search", "theme"):
            box = page.locator(f"#{id}").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


class TestAccess:
    def test_tab_goes_from_card_to_card_in_the_order_of_the_computation(self, open_page):
        page = open_page(example())
        page.get_by_role("button", name="Help").focus()
        seen = []
        for _ in range(12):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id"))
        assert seen == [f"n{i}" for i in range(12)]

    def test_cards_have_names_that_say_what_is_known(self, open_page):
        page = open_page(example())
        card = page.get_by_role("img", name="v₄ = w · x: value 1.000, ∂L/∂v₄ −0.600", exact=True)
        assert card.count() == 1
        page.keyboard.press("Home")
        assert page.get_by_role("img", name="v₄ = w · x: not computed yet", exact=True).count() == 1
        assert page.get_by_role("img", name="input w: value 0.500, ∂L/∂w —", exact=True).count() == 1

    @pytest.mark.parametrize(
        "name",
        ["To the start", "Step back", "Play", "Step forward", "To the end", "Zoom in", "Zoom out", "Help", "Heat"],
    )
    def test_buttons_have_names(self, open_page, name):
        assert open_page(example()).get_by_role("button", name=name, exact=True).count() == 1

    def test_the_slider_says_where_it_is(self, open_page):
        page = open_page(example())
        slider = page.get_by_role("slider", name="Step of the forward and the backward pass")
        slider.focus()
        page.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == "Start"
        page.keyboard.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == "Forward 1 of 7, v₄ = w · x"
        assert (slider.get_attribute("min"), slider.get_attribute("max")) == ("0", "18")

    def test_arrows_walk_from_card_to_card(self, open_page):
        page = open_page(example())
        page.locator("#n5").focus()
        for key, id in (("ArrowLeft", "n4"), ("ArrowLeft", "n0"), ("ArrowRight", "n4"), ("ArrowRight", "n5")):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.id") == id
        position = page.get_by_role("slider").input_value()
        page.keyboard.press(",")
        assert page.get_by_role("slider").input_value() == str(int(position) - 1)
        page.keyboard.press("Enter")
        assert page.locator("#n5.pinned").count() == 1
        page.keyboard.press("Escape")
        assert page.locator(".pinned").count() == 0

    def test_help_opens_closes_and_can_switch_letters_off(self, open_page):
        page = open_page(example())
        page.keyboard.press("?")
        assert page.get_by_role("dialog", name="Keys").is_visible()
        page.get_by_label("single keys are shortcuts").uncheck()
        page.keyboard.press("Escape")
        assert page.get_by_role("dialog").count() == 0
        page.keyboard.press("h")
        assert page.locator(".card.heated").count() == 0
        page.keyboard.press("Home")  # not a letter
        assert page.locator("#position").inner_text() == "Start"

    def test_keys_typed_into_the_search_are_text(self, open_page):
        page = open_page(example())
        page.keyboard.press("/")
        page.keyboard.type("ht 0")
        assert page.locator("#search").input_value() == "ht 0"
        assert page.locator("#heat").get_attribute("aria-pressed") == "false"

    @pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
    def test_motion_is_the_readers_choice(self, open_page, motion, moves):
        page = open_page(example(), "#step=10", motion=motion)
        name = page.evaluate("getComputedStyle(document.querySelector('.edge.now')).animationName")
        assert (name != "none") == moves

    def test_print_shows_everything_in_the_print_theme(self, open_page):
        page = open_page(example(), scheme="dark")
        page.keyboard.press("0")
        before = page.evaluate("document.getElementById('world').getAttribute('transform')")
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("footer").is_hidden()
        drawing, card = page.locator("#drawing").bounding_box(), page.locator("#n11").bounding_box()
        assert card["y"] + card["height"] <= drawing["y"] + drawing["height"]
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        wait_for(page, "document.getElementById('world').getAttribute('transform')", before)

    def test_without_scripts_it_says_what_it_is(self, chromium, tmp_path):
        path = tmp_path / "page.html"
        path.write_text(to_html(example()), encoding="utf-8")
        context = chromium.new_context(java_script_enabled=False, offline=True)
        page = context.new_page()
        page.goto(path.as_uri())
        assert "∂L/∂w = −0.200" in page.locator("noscript").inner_text()
        context.close()


class TestHostileNames:
    @pytest.mark.parametrize("name", MORE_HOSTILE, ids=range(len(MORE_HOSTILE)))
    def test_a_name_is_shown_and_nothing_else_happens(self, open_page, name):
        operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
        with ad.scope(name or "s"), ad.scope("inner"):
            out = operation(ad.Scalar(1.0, name=name), name=name) * 2
        page, content = open_page(out), view(out)
        titles = page.locator("#cards .card[id] .title tspan:last-child").all_text_contents()
        assert titles == [card.title for card in content.cards]
        for card in content.cards:
            page.locator(f"#n{card.id}").focus()
            assert page.locator("#card h3").text_content() == card.title
        page.keyboard.press("Home")
        for _ in range(5):
            page.keyboard.press(".")
        page.keyboard.press("F")
        assert page.evaluate("document.querySelectorAll('script').length") == 2
        assert page.evaluate("document.querySelectorAll('img, iframe, b:not(.ramp b)').length") == 0

    def test_the_policy_stops_scripts_and_requests(self, open_page):
        page = open_page(example())
        stopped = page.evaluate(
            """async () => {
                const seen = [];
                addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
                const script = document.createElement("script");
                script.textContent = "window.hacked = true";
                document.body.append(script);
                const picture = document.createElement("img");
                picture.src = "http://127.0.0.1:9/x.png";
                document.body.append(picture);
                await fetch("http://127.0.0.1:9/").catch(() => {});
                await new Promise((done) => setTimeout(done, 100));
                return [seen.sort(), window.hacked ?? null];
            }"""
        )
        assert stopped == [["connect-src", "img-src", "script-src-elem"], None]
        # What is said is that they were refused; Playwright also tells of the picture's request, which was stopped.
        heard = [text for text in page.heard if not re.search("Content Security Policy|x[.]png$", text)]
        page.heard.clear()
        assert heard == []


class TestTouch:
    def test_two_fingers_zoom_and_one_pans(self, open_page):
        page = open_page(example(), width=390, height=800)
        touch = page.context.new_cdp_session(page)

        def send(kind, *points):
            spots = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

        def size_and_place():
            settled(page, "0")
            box = page.locator("#n4").bounding_box()
            return box["width"], box["x"]

        width, x = size_and_place()
        send("touchStart", (150, 250), (220, 250))
        send("touchMove", (120, 250), (250, 250))
        send("touchMove", (80, 250), (290, 250))
        send("touchEnd")
        assert size_and_place()[0] > 2 * width
        width, x = size_and_place()
        send("touchStart", (200, 300))
        send("touchMove", (180, 300))
        send("touchMove", (140, 300))
        send("touchEnd")
        assert size_and_place() == pytest.approx((width, x - 60), abs=1)


class TestSize:
    def test_two_thousand_nodes_open_pan_and_play(self, open_page):
        page = open_page(deep(600), limit=2000)
        assert page.locator("#cards .card[id]").count() > 1500
        frames = page.evaluate(
            """async () => {
                const wheel = { deltaY: 4, clientX: 500, clientY: 400, bubbles: true, cancelable: true };
                const times = [];
                for (let i = 0; i < 30; i++) {
                    document.getElementById("drawing").dispatchEvent(new WheelEvent("wheel", wheel));
                    times.push(await new Promise((done) => requestAnimationFrame(done)));
                }
                return times.slice(1).map((time, i) => time - times[i]).sort((one, other) => one - other);
            }"""
        )
        assert frames[len(frames) // 2] < 200  # usually 17 ms; machines without a graphics card share their cores
        written = page.locator("#cards .content").count()
        assert written < 1000  # only what is in view is written
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("End")
        out = view(deep(600), limit=2000).cards[-1]
        assert settled(page, CARDS)[str(out.id)] == [row.line.text for row in out.rows]
