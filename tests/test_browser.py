"""The page in a real browser: what it shows at every step is what the trace holds, and it works by keys alone.

Debian's chromium, headless and offline, driven by Playwright. A request, dialog, error or console message fails a test.
"""

import base64
import functools
import os
import re
import shutil

import numpy as np
import pytest
from needed import missing
from test_html import MORE_HOSTILE, deep, tangle, tanh_chain
from test_viz import example, network

import autodiff as ad
from autodiff import nn
from viz import Stepper, paths
from viz.document import document
from viz.drawing import drawing_of
from viz.html import to_html
from viz.legend import Marks, legend
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
        missing("needs Debian's chromium and pip install 'chainlens[browser]'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=120_000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context_of(chromium):
    """A reader's window by its settings. Opening one takes longer than a page in it, and the pages store nothing."""

    @functools.cache
    def opened(scheme, motion, width, height):
        return chromium.new_context(
            offline=True,
            color_scheme=scheme,
            reduced_motion=motion,
            viewport={"width": width, "height": height},
            has_touch=width < 600,
        )

    return opened


@pytest.fixture
def open_page(context_of, tmp_path):
    """Open a page, or that of a value, graph or trace; afterwards nothing may have been requested, said or shown."""
    pages, heard = [], []

    def open_it(subject, address="", *, scheme="light", motion="reduce", width=1600, height=1000, **options):
        path = tmp_path / f"page{len(pages)}.html"
        html = subject if isinstance(subject, str) else to_html(subject, **options)
        path.write_text(html, encoding="utf-8")
        page = context_of(scheme, motion, width, height).new_page()
        pages.append(page)
        page.set_default_timeout(120_000)  # a busy machine is no failure
        page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: (heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(path.as_uri()) or heard.append(request.url))
        page.goto(path.as_uri() + address)
        page.locator("#rule *").first.wait_for()
        page.heard = heard
        return page

    yield open_it
    for page in pages:
        page.close()
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
        assert "mlp/linear1: folded 2 operations" in folded.get_attribute("aria-label")
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

    def test_folding_all_leaves_the_reader_something_to_see_and_the_focus(self, open_page):
        page = open_page(network(), width=900, height=700)
        page.locator("#n0").focus()
        for _ in range(8):
            page.keyboard.press("+")
        settled(page, "0")
        page.keyboard.press("F")
        (folded,) = page.locator(".card.folded:visible").all()
        assert folded.evaluate("group => group === document.activeElement")
        stage = page.locator("#stage").bounding_box()
        box = settled(page, "document.activeElement.getBoundingClientRect()")
        for corner, length in (("x", "width"), ("y", "height")):
            assert stage[corner] <= box[corner]
            assert box[corner] + box[length] <= stage[corner] + stage[length]
        page.keyboard.press("F")
        assert page.evaluate("document.activeElement.classList.contains('toggle')")

    def test_a_folded_scope_is_coloured_by_the_gradient_that_leaves_it(self, open_page):
        trace = ad.backprop(scoped())
        page = open_page(trace, heat=True)
        page.keyboard.press("F")
        (card,) = page.locator(".card.folded:visible").all()
        out = re.search(r"out (\S+)$", card.get_attribute("aria-label"))[1]
        (scope,) = document(trace.graph, trace, view(trace))["scopes"]
        assert scope["states"][-1][1] == [["‖∂‖ out", out, "backward"]]
        assert (
            card.evaluate("group => group.style.getPropertyValue('--heat')") == f"var(--heat-{scope['states'][-1][2]})"
        )
        assert "heated" in card.get_attribute("class")
        page.keyboard.press("Home")
        assert "heated" not in card.get_attribute("class")

    def test_folded_scopes_are_written_about_as_large_as_their_neighbours(self, open_page):
        page = open_page(network())
        page.keyboard.press("F")
        height = "(id) => document.querySelector(id).getBoundingClientRect().height"
        rows = "[...document.querySelectorAll('.card.folded .row')].map((row) => row.getBoundingClientRect().height)"
        page.keyboard.press("+")
        folded, other = max(settled(page, rows)), page.evaluate(f"({height})('#n7 .row')")
        assert other <= folded <= 1.7 * other

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


def scoped():
    """Two layers in a scope, behind and before operations that have none."""
    x = ad.Tensor(np.linspace(-1, 1, 8).reshape(2, 4), name="x")
    with ad.scope("net"):
        h = ad.tanh(x @ ad.Tensor(np.linspace(-1, 1, 12).reshape(4, 3), name="W"))
    return ad.sum(h * h)


class TestOptions:
    """What `viz.draw` is given holds for its page too."""

    def drawn(self, subject, **options):
        return drawing_of(subject, options=options).render("html").decode()

    def test_heat_opens_with_heat(self, open_page):
        page = open_page(self.drawn(example(), heat=True))
        assert page.locator("#heat").get_attribute("aria-pressed") == "true"
        assert page.locator(".card.heated").count() > 5
        assert page.locator("#legend .ramp").is_visible()
        page.keyboard.press("h")
        assert page.locator(".card.heated").count() == 0

    def test_a_limit_folds_and_none_does_not(self, open_page):
        assert open_page(self.drawn(deep(50))).locator("#cards .card[id]").count() == 151
        assert open_page(self.drawn(deep(50), limit=20)).locator("#cards .card[id]").count() <= 20

    def test_a_path_is_highlighted(self, open_page):
        trace = ad.backprop(example())
        best = paths(trace, "w").listed[0]
        page = open_page(self.drawn(trace, highlight=best))
        content = view(trace, highlight=best)
        expected = [f"n{card.id}" for card in content.cards if card.is_highlighted]
        assert [card.get_attribute("id") for card in page.locator(".card.highlighted").all()] == expected
        assert page.locator(".edge.highlighted").count() == sum(edge.is_highlighted for edge in content.edges) > 0
        stroke = "getComputedStyle(document.querySelector('%s')).stroke"
        colours = {page.evaluate(stroke % thing) for thing in (".edge.highlighted", ".card.highlighted .body")}
        assert colours == {"rgb(130, 80, 223)"}
        assert "highlighted" in page.locator("#legend").inner_text()
        assert "highlighted" not in open_page(self.drawn(trace)).locator("#legend").inner_text()

    def test_direction(self, open_page):
        page = open_page(drawing_of(tanh_chain(2), direction="TB").render("html").decode())
        assert page.locator("#n0").bounding_box()["y"] < page.locator("#n2").bounding_box()["y"]


class TestFoldedNodes:
    def test_their_cards_have_the_title_and_colour_of_folded_cards(self, open_page):
        page = open_page(scoped(), depth=0, width=700)
        card = page.locator(".card.group")
        assert card.locator(".title tspan:last-child").text_content() == "net"
        assert card.locator(".short").text_content() == "net"
        fill = "getComputedStyle(document.querySelector('.card.group .body')).fill"
        swatch = "getComputedStyle(document.querySelector('.swatch-group')).backgroundColor"
        assert page.evaluate(fill) == page.evaluate(swatch) == "rgb(241, 236, 250)"

    def test_steps_of_folded_nodes_light_their_card_and_the_edges_they_read(self, open_page):
        trace = ad.backprop(scoped())
        page = open_page(trace, "#step=0", depth=0)
        operations = [node for node in trace.graph.nodes if not node.is_leaf]
        nodes = [*operations, *(step.node for step in trace.steps)]
        cards = view(trace, depth=0).cards
        for node in nodes:
            page.keyboard.press(".")
            (home,) = [card.id for card in cards if node.id in card.members]
            assert [card.get_attribute("id") for card in page.locator(".card.now").all()] == [f"n{home}"]
            lit = page.locator(".edge.now").count()
            homes = {card.id for card in cards if set(card.members) & set(node.operands)} - {home}
            assert lit >= len(homes), node

    def test_their_gradients_come_with_the_backward_pass(self, open_page):
        page = open_page(scoped(), "#step=0", depth=0)
        rows = "[...document.querySelectorAll('.card.group .number')].map((row) => row.textContent)"
        assert settled(page, rows)[-2:] == ["—", "—"]
        page.keyboard.press("End")
        (card,) = [card for card in view(scoped(), depth=0).cards if card.kind == "group"]
        assert settled(page, rows) == [row.line.text for row in card.rows]

    def test_the_end_tells_where_inputs_are_folded(self, open_page):
        page = open_page(deep(300), limit=8)
        said = page.locator("#card").inner_text()
        assert "folded into" in said
        assert page.locator("#card button").count() >= 1
        for table in page.locator("#card table").all():
            assert table.locator("tr").count() > 1

    def test_what_is_left_out_is_said_quietly(self, open_page):
        page = open_page(deep(100), limit=50)
        colour = page.evaluate("getComputedStyle(document.getElementById('note')).color")
        assert colour == "rgb(87, 96, 106)"


class TestLegend:
    @pytest.mark.parametrize("heat", [False, True])
    @pytest.mark.parametrize(("width", "height"), [(1280, 800), (900, 600)])
    def test_the_drawing_begins_below_it(self, open_page, width, height, heat):
        page = open_page(network(), width=width, height=height, heat=heat)
        for _ in range(2):
            legend = page.locator("#legend").bounding_box()
            tops = (
                "Math.min(...[...document.querySelectorAll('.card, .scope')].map((g) => g.getBoundingClientRect().y))"
            )
            assert settled(page, tops.replace(".card,", ".card:not([aria-hidden]),")) >= legend["y"] + legend["height"]
            page.keyboard.press("h")  # which makes it larger or smaller

    @pytest.mark.parametrize("subject", [example, network, lambda: ad.log(ad.Scalar(0.0, name="x")) * 1])
    @pytest.mark.parametrize("heat", [False, True])
    def test_it_says_what_the_other_forms_say(self, open_page, subject, heat):
        page = open_page(subject(), heat=heat)
        content = view(subject(), heat=heat)
        said = page.locator("#legend > span:not(:has(i)):not(.heat)").all_text_contents()
        assert said == [line.text for line in legend(content, Marks("thick border", "red"))]
        kinds = page.locator("#legend > span:has(i):not(.heat)").all_text_contents()
        assert kinds == content.kinds

    def test_a_gradient_of_zero_is_hatched(self, open_page):
        x = ad.Scalar(-1.0, name="x")
        page = open_page(ad.relu(x) + ad.Scalar(1.0, name="b"), heat=True)
        assert page.locator("#n0.zero").count() == 1
        assert "url" in page.evaluate("getComputedStyle(document.querySelector('#n0 .body')).fill")
        assert page.locator(".swatch-zero").is_visible()
        assert open_page(example(), heat=True).locator(".swatch-zero").count() == 0


class TestDetails:
    def test_an_image_is_shown_as_on_its_card(self, open_page):
        page = open_page(ad.sum(ad.Tensor(np.arange(1568.0).reshape(2, 784), name="digits") * 2.0))
        page.locator("#n0").hover()
        picture = page.get_by_role("img", name="Value as a picture")
        assert picture.get_attribute("src") == page.locator("#n0 image").get_attribute("href")
        box = picture.bounding_box()
        assert box["width"] == pytest.approx(box["height"], abs=3) == pytest.approx(226, abs=4)

    def test_a_tall_array_fits_the_panel(self, open_page):
        page = open_page(ad.sum(ad.Tensor(np.ones((300, 4)), name="t") * 2.0))
        page.locator("#n0").hover()
        assert page.locator("#card canvas").first.bounding_box()["height"] <= 230

    def test_numbers_and_shapes_in_the_table_of_gradients_do_not_wrap(self, open_page):
        with ad.scope("encoder/block/attention"):
            weight = nn.Linear(784, 16)
            out = ad.sum(weight(ad.Tensor(np.ones((2, 784)), name="pixels_of_the_batch")))
        page = open_page(out, width=900, height=600)
        lines = page.locator(".gradients td").evaluate_all("all => all.map((cell) => cell.getClientRects()[0].height)")
        assert len(lines) == 6
        range_lines = """all => all.map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map((box) => box.top)).size;
        })"""
        assert set(page.locator(".gradients td").evaluate_all(range_lines)) == {1}

    def test_the_current_card_keeps_its_own_border(self, open_page):
        page = open_page(example())
        stroke = "getComputedStyle(document.querySelector('#%s .body')).stroke"
        current = page.locator(".card.now").get_attribute("id")
        assert page.evaluate(stroke % current) == page.evaluate(stroke % "n1")  # as another input's
        assert page.evaluate(stroke % current) != page.evaluate(stroke % "n11")  # the result's
        assert page.locator(".card.now .ring").is_visible()
        assert page.locator("#n11 .ring").count() == 0


class TestAccess:
    @pytest.mark.parametrize("keys", ["", "F", "f"])
    def test_every_group_has_a_name_and_what_is_hidden_is_not_told(self, open_page, keys):
        page = open_page(network())
        page.locator("#n0").focus()
        for key in keys:
            page.keyboard.press(key)
        tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        told = [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")
        ]
        assert not [role for role, name in told if role in ("group", "button", "img", "slider") and not name]
        shown = page.locator(".card.folded:visible").count()
        assert sum(name.startswith("Unfold scope") for _, name in told) == shown

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
    @pytest.mark.parametrize("first", range(0, len(MORE_HOSTILE), 8))
    def test_names_are_shown_and_nothing_else_happens(self, open_page, first):
        out = ad.Scalar(0.0)
        for name in MORE_HOSTILE[first : first + 8]:
            operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
            with ad.scope(name or "s"), ad.scope("inner"):
                out = out + operation(ad.Scalar(1.0, name=name), name=name) * 2
        page, content = open_page(out), view(out)
        titles = page.locator("#cards .card[id] .title tspan:last-child").all_text_contents()
        assert titles == [card.title for card in content.cards]
        of_each_card = """ids => ids.map((id) => {
            document.getElementById(id).focus();
            return document.querySelector("#card h3").textContent;
        })"""
        assert page.evaluate(of_each_card, [f"n{card.id}" for card in content.cards]) == titles
        page.keyboard.press("Home")
        page.keyboard.type("." * len(content.cards))
        page.keyboard.press("F")
        elements = "(kind) => [...document.querySelectorAll(kind)].map((one) => one.outerHTML)"
        assert len(page.evaluate(elements, "script")) == 2
        assert page.evaluate(elements, "img, iframe, b:not(.ramp b)") == []

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


@pytest.fixture(scope="module")
def large_page():
    """A page of two thousand nodes, as text."""
    return to_html(deep(600), limit=2000)


class TestFoldedEdges:
    CROSSED = """() => {
        const cards = [...document.querySelectorAll('#cards .card:not([aria-hidden]) .body')];
        const boxes = cards.map((body) => body.getBoundingClientRect());
        const world = document.getElementById('world').getScreenCTM();
        return [...document.querySelectorAll('.folds path')].map((path) => {
            const length = path.getTotalLength();
            const crossed = new Set();
            for (let i = 0; i <= 400; i++) {
                const at = path.getPointAtLength((length * i) / 400).matrixTransform(world);
                boxes.forEach((box, card) => {
                    const across = Math.min(at.x - box.left, box.right - at.x);
                    if (Math.min(across, at.y - box.top, box.bottom - at.y) > 1) crossed.add(card);
                });
            }
            return crossed.size;
        });
    }"""

    @pytest.mark.parametrize("first", [0, 1])
    def test_they_go_around_the_cards(self, open_page, first):
        page = open_page(deep(14))
        page.keyboard.press("0")
        toggles = page.get_by_role("button", name="Fold scope").all()
        for toggle in [page.get_by_role("button", name=f"Fold scope block{n}") for n in range(first, len(toggles), 2)]:
            toggle.dispatch_event("click")
        crossed = settled(page, self.CROSSED)
        assert len(crossed) > 8
        assert set(crossed) == {0}


class TestFromFar:
    """A large drawing from far is painted on a canvas; here few cards are many, so that small pages show it."""

    @pytest.fixture
    def open_far(self, open_page, monkeypatch):
        monkeypatch.setattr("viz.document.MOST_DRAWN", 5)

        def open_it(subject, address="", *, zoom=12, **options):
            page = open_page(subject, address, **options)
            page.keyboard.press("0")
            for _ in range(zoom):
                page.keyboard.press("-")
            settled(page, "0")
            return page

        return open_it

    PAINTED = "document.getElementById('specks').toDataURL()"
    PIXELS = """() => {
        const canvas = document.getElementById('specks');
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let text = '';
        for (const part of data) text += String.fromCharCode(part);
        return btoa(text);
    }"""

    def pixels(self, page):
        """What the canvas shows: red, green and blue, each times the opacity."""
        width, height = page.evaluate("[specks.width, specks.height]")
        parts = np.frombuffer(base64.b64decode(settled(page, self.PIXELS)), np.uint8).reshape(height, width, 4)
        return parts[..., :3] * (parts[..., 3:] / 255)

    def middles(self, page):
        boxes = {card.get_attribute("id"): card.bounding_box() for card in page.locator("#cards .card[id]").all()}
        return {id: (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for id, box in boxes.items()}

    def test_small_pages_are_drawn_in_svg_from_any_distance(self, open_page):
        page = open_page(example())
        for _ in range(12):
            page.keyboard.press("-")
        settled(page, "0")
        assert page.locator("#specks").is_hidden()
        assert page.locator("#cards .content").count() == 12

    def test_nothing_is_drawn_in_svg_but_what_the_step_is_about(self, open_far):
        page = open_far(example(), "#step=10")
        assert page.locator("#specks").is_visible()
        assert page.locator("#cards .content, .ledger").count() == 0
        lit = page.locator("#edges > .edge").count()
        assert lit == page.locator("#edges > .edge.now").count() > 0
        page.keyboard.press("0")
        settled(page, "0")
        assert page.locator("#specks").is_hidden()
        assert page.locator("#cards .content").count() == 12

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_cards_have_the_colours_of_the_style_sheet(self, open_far, scheme):
        trace = ad.backprop(example())
        page = open_far(trace, scheme=scheme, zoom=8)
        stage = page.locator("#stage").bounding_box()
        middles = {id: (round(y - stage["y"]), round(x - stage["x"])) for id, (x, y) in self.middles(page).items()}

        def check(names):
            pixels = self.pixels(page)
            value = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
            for id, name in names.items():
                found = "#" + "".join(f"{round(part):02x}" for part in pixels[middles[id]])
                assert found == page.evaluate(value, name), id

        data = document(trace.graph, trace, view(trace))
        check({f"n{card['id']}": f"--border-{card['kind']}" for card in data["cards"]})
        page.keyboard.press("h")
        heated = [card for card in data["cards"] if card["states"]]
        check({f"n{card['id']}": f"--heat-{card['states'][-1][2]}" for card in heated})

    @pytest.mark.parametrize("zoom", [6, 14])
    @pytest.mark.parametrize("heat", [False, True])
    def test_steps_paint_what_a_page_opened_there_paints(self, open_far, zoom, heat):
        page = open_far(example(), "#step=2", zoom=zoom, heat=heat, width=900, height=600)
        before = self.pixels(page)
        page.keyboard.type("." * 7 + ",,")
        walked = self.pixels(page)
        opened = self.pixels(open_far(example(), "#step=7", zoom=zoom, heat=heat, width=900, height=600))
        assert np.abs(walked - opened).max() <= 12  # where patches end, a browser rounds another way
        assert np.abs(walked - before).max() > 40

    def test_every_card_answers_to_the_pointer(self, open_far):
        page = open_far(example())
        titles = {f"n{card.id}": card.title for card in view(example()).cards}
        for id, place in self.middles(page).items():
            page.mouse.move(*place)
            assert page.locator("#card h3").inner_text() == titles[id]
            page.mouse.click(*place)
            assert page.locator(".card.pinned").get_attribute("id") == id
        page.mouse.move(0, 0)

    def test_names_and_stops_of_tab_do_not_depend_on_what_is_drawn(self, open_far, open_page):
        def told(page):
            tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
            shown = [node for node in tree if not node.get("ignored")]
            return [node["name"]["value"] for node in shown if node["role"]["value"] == "img" and node["name"]["value"]]

        names = [told(open_far(example(), f"#step={step}")) for step in (4, 18)]
        assert names == [told(open_page(example(), f"#step={step}")) for step in (4, 18)]
        page = open_far(example())
        page.get_by_role("button", name="Help").focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "n0"
        settled(page, "0")
        assert page.locator("#n0 .row").count() > 0  # it was brought near

    def test_numbers_at_the_end_are_the_traces(self, open_far):
        trace = ad.backprop(example())
        page = open_far(trace, "#step=0")
        end = len(trace.steps) + sum(not node.is_leaf for node in trace.graph.nodes)
        page.keyboard.type("." * end)
        page.keyboard.press("0")
        cards, products = expected_at(trace, end)
        assert settled(page, CARDS) == cards
        assert {id: lines[-1] for id, lines in settled(page, LEDGERS).items()} == products

    def test_folded_scopes_and_found_cards_are_painted(self, open_far):
        page = open_far(network(), zoom=10)
        before = settled(page, self.PAINTED)
        page.keyboard.press("F")
        folded = settled(page, self.PAINTED)
        assert folded != before
        page.keyboard.press("F")
        assert settled(page, self.PAINTED) == before
        page.locator("#search").fill("W2")
        assert settled(page, self.PAINTED) not in (before, folded)
        page.locator("#search").fill("")
        assert settled(page, self.PAINTED) == before

    def test_paper_shows_everything_in_svg(self, open_far):
        page = open_far(example())
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#specks").is_hidden()
        assert page.locator("#cards .content .title:visible").count() == 12
        assert page.locator("#edges > .edge").count() == len(view(example()).edges)
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        settled(page, "0")
        assert page.locator("#specks").is_visible()


class TestHover:
    def test_a_low_panel_turns_to_the_card(self, open_page):
        page = open_page(example(), width=400, height=700)
        page.locator("#n11").hover()
        panel, title = page.locator(".details").bounding_box(), page.locator("#card h3").bounding_box()
        assert panel["y"] <= title["y"] < panel["y"] + 80
        page.mouse.move(200, 20)
        assert page.locator(".details").evaluate("panel => panel.scrollTop") == 0

    def test_the_result_is_not_behind_the_note(self, open_page):
        page = open_page(example(), width=400, height=700)
        card, note = page.locator(".card.output").bounding_box(), page.locator("#note").bounding_box()
        assert card["y"] + card["height"] <= note["y"]


class TestSize:
    @pytest.fixture
    def large(self, open_page, large_page):
        return open_page(large_page, motion="no-preference")

    def test_two_thousand_nodes_open_pan_and_play(self, large):
        assert large.locator("#cards .card[id]").count() > 1500
        for _ in range(5):
            large.mouse.move(500, 400)
            large.mouse.wheel(0, -20)
        settled(large, "0")
        large.keyboard.press("Home")
        large.keyboard.press("ArrowRight")
        large.keyboard.press("End")
        out = view(deep(600), limit=2000).cards[-1]
        assert settled(large, CARDS)[str(out.id)] == [row.line.text for row in out.rows]

    def test_only_what_is_in_view_is_written(self, large):
        assert 0 < settled(large, "document.querySelectorAll('#cards .content').length") < 300
        for _ in range(6):
            large.mouse.move(400, 400)
            large.mouse.down()
            large.mouse.move(1100, 420, steps=4)
            large.mouse.up()
        assert 0 < settled(large, "document.querySelectorAll('#cards .content').length") < 300
        assert 0 < settled(large, "document.querySelectorAll('#edges > *').length") < 1000
        large.keyboard.press("0")
        assert settled(large, "document.querySelectorAll('#cards .content, .ledger').length") == 0

    def test_what_browsers_paint_slowly_is_kept_few(self, large):
        large.keyboard.press("Home")
        large.keyboard.press("ArrowRight")
        count = """(property, usual) => [...document.querySelectorAll('#world *')]
            .filter((one) => getComputedStyle(one)[property] !== usual).length"""
        for property, usual, most in (
            ("strokeDasharray", "none", 30),  # minutes on long edges
            ("opacity", "1", 30),  # a picture of its own for each
            ("animationName", "none", 30),
            ("transform", "none", 30),  # seconds on hundreds of groups, each in its own place
        ):
            found = large.evaluate(f"([property, usual]) => ({count})(property, usual)", [property, usual])
            assert found <= most, property

    def test_long_ways_are_painted_in_parts(self, large):
        """A browser paints in every tile each path whose surroundings touch it."""
        areas = """[...document.querySelectorAll('#edges path')].map((path) => path.getBBox())
            .filter((box) => Math.min(box.width, box.height) > 2000).length"""
        assert large.evaluate(areas) == 0

    def test_a_long_chain_can_be_seen_as_a_whole(self, open_page):
        page = open_page(tanh_chain(1900))
        page.keyboard.press("0")
        seen = settled(
            page, "[...document.querySelectorAll('.card .body')].map((b) => b.getBoundingClientRect().width)"
        )
        assert len(seen) == 1901
        assert min(seen) > 4
        assert "line by line" in page.locator("#note").inner_text()

    def test_a_drawing_too_large_to_be_seen_begins_at_its_result_and_says_so(self, open_page):
        page = open_page(tangle(250))
        assert "press 0 to see everything" in page.locator("#note").inner_text()
        assert page.locator(".card.output").bounding_box()["width"] > 60
        page.keyboard.press("0")
        settled(page, "0")
        assert "press 0" not in page.locator("#note").inner_text()
