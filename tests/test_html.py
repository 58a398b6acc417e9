"""The page as text: one file that loads nothing, is the same every time, holds the record, and obeys no name in it."""

import base64
import hashlib
import itertools
import json
import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_viz import HOSTILE, compare_with_golden, example, network

import autodiff as ad
from autodiff import nn
from viz import heat
from viz.document import document
from viz.geometry import Size, scope_paths
from viz.heat import Heat, contrast, magnitude
from viz.html import embed, to_html
from viz.metrics import BOLD, MONO, SANS, text_width
from viz.numbers import number
from viz.placement import place
from viz.theme import THEMES
from viz.view import view

ROOT = Path(__file__).parents[1]
MORE_HOSTILE = [
    *HOSTILE,
    "<!--",
    "<!-- <script>",
    "-->",
    "'; alert(1); '",
    "`${alert(1)}`",
    "\u2028\u2029",
    "\u200f\u200e\u202b",
    "שלום",
    "{{script}}",
    "{{policy}}",
    "\\u003c/script\\u003e",
    '"}]}</script><img src=x onerror=alert(1)>',
    "\ud800",
    "__proto__",
    "",
]


def data_of(page: str):
    """The record in a page."""
    return json.loads(re.search(r'<script type="application/json" id="record">(.*?)</script>', page, re.DOTALL)[1])


def deep(depth: int):
    x = ad.Scalar(1.0, name="x")
    y = x
    for i in range(depth):
        with ad.scope(f"block{i % 7}"):
            y = y * 1.01 + x
    return y


class Outline(HTMLParser):
    """Every start tag with its attributes, and whether tags close in the order they open."""

    VOID = ("meta", "input", "link", "br", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.open, self.faults = [], [], []
        self.feed(page)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def element_text(page: str, tag: str) -> str:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[-1]


class TestPage:
    @pytest.mark.parametrize(
        "subject", [example, network, lambda: ad.Graph.of(example()), lambda: ad.backprop(example())]
    )
    def test_it_is_one_well_formed_file_that_asks_for_nothing(self, subject):
        page = to_html(subject())
        outline = Outline(page)
        assert not outline.faults
        assert [tag for tag, _ in outline.tags].count("script") == 2
        names = {name for _, attributes in outline.tags for name in attributes}
        assert not [name for name in names if name.startswith("on") or name in ("src", "href", "style", "srcset")]
        assert set(re.findall(r"https?://[\w./]+", page)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"@import|url\((?!#)", page)

    def test_the_policy_allows_its_own_script_and_style_alone(self):
        page = to_html(example())
        policy = dict(Outline(page).tags[3][1])["content"]
        for tag, kind in (("script", "script-src"), ("style", "style-src")):
            digest = base64.b64encode(hashlib.sha256(element_text(page, tag).encode()).digest()).decode()
            assert f"{kind} 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy

    def test_scripts_set_texts_and_never_markup(self):
        code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "viz" / "page").glob("*.js"))
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(['\"]"
        assert not re.search(forbidden, code)
        assert not re.search(r"</script|<!--", code)
        assert not re.search(r"\bfetch\b|XMLHttpRequest|WebSocket|import\(", code)

    def test_the_same_subject_gives_the_same_bytes_in_every_process(self):
        code = "from test_viz import network; from viz.html import to_html; print(hash('x')); print(to_html(network()))"
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        pages = []
        for seed in ("1", "2"):
            environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
            pages.append(done.stdout.split(b"\n", 1)[1])
        assert pages[0] == pages[1]
        assert pages[0].rstrip(b"\r\n").decode() == to_html(network()).rstrip("\n")

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"theme": "neon"}, "choose one of auto, light, dark"), ({"direction": "UP"}, "use auto, LR, TB")],
    )
    def test_unknown_options_are_told(self, options, message):
        with pytest.raises(ad.errors.SettingError, match=message):
            to_html(example(), **options)

    @pytest.mark.parametrize("theme", ["auto", "light", "dark"])
    def test_the_theme_is_the_pages(self, theme):
        assert Outline(to_html(example(), theme=theme)).tags[0] == ("html", {"lang": "en", "data-theme": theme})

    def test_every_button_has_a_name_and_every_id_is_unique(self):
        page = to_html(example())
        ids = [attributes["id"] for _, attributes in Outline(page).tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for attributes, inside in re.findall(r"<button([^>]*)>(.*?)</button>", page, re.DOTALL):
            assert "aria-label" in attributes or re.sub(r"<[^>]*>", "", inside).strip()


class TestHostileNames:
    @pytest.mark.parametrize("name", MORE_HOSTILE, ids=range(len(MORE_HOSTILE)))
    def test_no_name_leaves_its_place(self, name):
        operation = ad.Elementwise(f"op {name}", lambda x: x * 1.0, 1)
        with ad.scope(name or "s"), ad.scope("inner"):
            out = operation(ad.Scalar(1.0, name=name), name=name) * 2
        page = to_html(out)
        page.encode("utf-8")
        plain = Outline(to_html(ad.Scalar(1.0) * 2))
        outline = Outline(page)
        assert not outline.faults
        assert [tag for tag, _ in outline.tags] == [tag for tag, _ in plain.tags]
        shown = view(out).cards[0].title
        assert data_of(page)["cards"][0]["title"] == shown

    @given(st.text())
    def test_embedded_text_is_json_that_markup_cannot_end(self, text):
        embedded = embed({text: [text]})
        assert json.loads(embedded) == {text: [text]}
        assert not set(embedded) & set("<>&\u2028\u2029")
        embedded.encode("utf-8")

    def test_numbers_that_json_lacks_are_refused(self):
        with pytest.raises(ValueError, match="JSON"):
            embed(math.nan)


class TestDocument:
    def test_golden_record(self):
        with ad.recording(source=True):
            data = data_of(to_html(example(), direction="LR"))
        for thing in [data, *data["cards"], *data["edges"], *data["scopes"]]:  # places may differ by a hair
            for key in ("size", "box", "paths", "ledger"):
                thing.pop(key, None)
        compare_with_golden("example-page.json", json.dumps(data, ensure_ascii=False, indent=1) + "\n")

    @pytest.mark.parametrize("subject", [example, network, lambda: ad.log(ad.Scalar(0.0, name="x")) * 1])
    def test_it_says_what_the_view_says(self, subject):
        out = subject()
        data, content = data_of(to_html(out)), view(out)
        for card, expected in zip(data["cards"], content.cards, strict=True):
            rows = card["values"] + (card["states"][-1][1] if card["states"] else [])
            assert rows == [[row.label, row.line.text, row.line.role] for row in expected.rows]
            assert (card["id"], card["kind"], card["title"]) == (expected.id, expected.kind, expected.title)
        for edge, expected in zip(data["edges"], content.edges, strict=True):
            assert edge["lines"] == [[line.text, line.role] for line in expected.lines]

    def test_a_sum_grows_message_by_message(self):
        w = {card["title"]: card for card in data_of(to_html(example()))["cards"]}["w"]
        states = [(at, [row[1] for row in rows]) for at, rows, _ in w["states"]]
        # Positions 1 to 7 are the forward pass. w·w sends two messages in one step, w·x the third.
        assert states == [
            (0, ["—"]),
            (9, ["0.500 + 0.500 = 1.000"]),
            (14, ["0.500 + 0.500 − 1.200", "= −0.200"]),
        ]

    def test_a_gradient_that_a_hook_replaced_is_shown_when_its_node_is_visited(self):
        x = ad.Scalar(2.0, name="x")
        h = x * 3
        h.register_hook(lambda g: g * 10)
        card = data_of(to_html(h * 1))["cards"][2]
        assert [state[1][0][1] for state in card["states"]] == ["—", "1.000", "10.00"]

    def test_a_graph_has_a_forward_pass_alone(self):
        data = data_of(to_html(ad.Graph.of(example())))
        assert {step["pass"] for step in data["steps"]} == {"forward"}
        assert data["heat"] is None
        assert not data["hasGradients"]

    def test_what_is_left_out_is_said(self):
        data = data_of(to_html(deep(100), limit=50))
        assert len(data["cards"]) <= 50
        assert "are folded into cards" in data["note"]
        assert len(data["steps"]) > 200  # the walk goes on where its nodes are not shown

    @pytest.mark.parametrize(("count", "longest"), [(100, 9), (1100, 3)])
    def test_of_many_steps_those_of_folded_nodes_are_told_in_short(self, count, longest):
        data = data_of(to_html(deep(count), limit=50))
        groups = {card["id"] for card in data["cards"] if card["kind"] == "group"}
        assert max(len(step["lines"]) for step in data["steps"] if step["node"] in groups) == longest
        assert max(len(step["lines"]) for step in data["steps"]) == 9

    def test_an_operation_of_very_many_operands_tells_of_some(self):
        steps = data_of(to_html(fan_out(200)))["steps"]
        (stack,) = [step for step in steps if "stack" in str(step["lines"][0]) and step["pass"] == "backward"]
        assert len(stack["lines"]) < 200
        assert "140 more" in stack["lines"][-1][0][0]

    def test_scopes_count_and_measure_what_crosses_them(self):
        rng = np.random.default_rng(0)
        layer = nn.Linear(4, 3)
        x = ad.Tensor(rng.normal(size=(2, 4)), name="x")
        with ad.scope("net"):
            y = layer(x)
        trace = ad.backprop(ad.sum(y * y))
        (scope,) = [scope for scope in data_of(to_html(trace))["scopes"] if scope["path"] == "net"]
        assert scope["rows"] == [["folded", "2 operations", "quiet"], ["parameters", "15", "quiet"]]
        flows = {row[0][0]: row[0][1] for _, row, _ in scope["states"]}
        last = [node.id for node in trace.graph.nodes if node.scope.startswith("net")][-1]
        names = trace.graph.names
        assert flows == {
            "‖∂‖ in": number(np.linalg.norm(trace.cotangents[last])),
            "‖∂‖ out": number(np.linalg.norm(trace.cotangents[names["x"]])),
        }

    @pytest.mark.parametrize(
        ("value", "kind"),
        [(np.ones((3, 3)), "table"), (np.arange(784.0), "shades"), (np.full((100, 70), np.nan), "shades")],
    )
    def test_arrays_are_tables_or_pictures(self, value, kind):
        card = data_of(to_html(ad.Graph.of(ad.Tensor(value, name="t") * 1)))["cards"][0]
        assert kind in card["value"]
        if kind == "shades":
            assert max(len(card["value"]["shades"]), len(card["value"]["shades"][0])) <= 32
        else:
            assert card["value"]["table"] == [["1.000"] * 3] * 3

    @pytest.mark.parametrize("value", [2.0, np.zeros((0, 3)), np.ones((2, 0)), np.ones((1, 1, 1))])
    def test_odd_shapes_are_shown(self, value):
        kind = ad.Scalar if isinstance(value, float) else ad.Tensor
        assert data_of(to_html(ad.Graph.of(kind(value, name="t") * 1)))["cards"]


def plan_of(out, engine, direction="LR"):
    content = view(out, limit=1000)
    sizes = {card.id: Size(90 + 10 * (card.id % 5), 40 + 7 * (card.id % 3)) for card in content.cards}
    ledgers = {(edge.target, edge.position): Size(100, 30) for edge in content.edges if edge.lines}
    headers = {path: 60.0 for path in scope_paths(card.scope for card in content.cards)}
    return content, sizes, ledgers, place(content, sizes, ledgers, headers, direction=direction, engine=engine)


def fan_out(n):
    x = ad.Scalar(2.0, name="x")
    return ad.sum(ad.stack([x * float(i) for i in range(n)]))


def tanh_chain(n):
    y = ad.Scalar(0.5, name="x")
    for _ in range(n):
        y = ad.tanh(y)
    return y


def tangle(n):
    """Operations whose operands are any that came before, near or far."""
    rng = np.random.default_rng(0)
    values = [ad.Scalar(float(v), name=f"x{i}") for i, v in enumerate(rng.normal(size=5))]
    for i in range(n):
        with ad.scope(f"part{i % 3}/block{i // 20}"):
            values.append(ad.tanh(values[int(rng.integers(len(values)))] + values[int(rng.integers(len(values)))]))
    return ad.sum(ad.stack(values))


SUBJECTS = {
    "example": example,
    "network": network,
    "deep": lambda: deep(25),
    "fan-out": lambda: fan_out(12),
    "chain": lambda: tanh_chain(60),
    "tangle": lambda: tangle(40),
}


@pytest.mark.parametrize("engine", ["graphviz", "layered"])
@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
class TestPlacement:
    def test_everything_has_its_size_and_place_and_nothing_overlaps(self, subject, direction, engine):
        _, sizes, ledgers, plan = plan_of(subject(), engine, direction)
        boxes = [*plan.cards.values(), *plan.ledgers.values()]
        assert set(plan.cards) == set(sizes)
        assert set(plan.ledgers) == set(ledgers)
        for id, size in sizes.items():
            assert plan.cards[id][2:] == pytest.approx(size, abs=0.05)
        for i, one in enumerate(boxes):
            assert -0.1 <= one.x <= one.x + one.width <= plan.width + 0.1
            assert -0.1 <= one.y <= one.y + one.height <= plan.height + 0.1
            for other in boxes[i + 1 :]:
                apart = (
                    one.x + one.width <= other.x + 0.1
                    or other.x + other.width <= one.x + 0.1
                    or one.y + one.height <= other.y + 0.1
                    or other.y + other.height <= one.y + 0.1
                )
                assert apart

    def test_cards_lie_in_their_scopes_and_edges_end_at_their_cards(self, subject, direction, engine):
        content, _, _, plan = plan_of(subject(), engine, direction)
        for card in content.cards:
            if card.scope:
                box, outer = plan.cards[card.id], plan.scopes[card.scope]
                assert outer.x <= box.x
                assert outer.y <= box.y
                assert box.x + box.width <= outer.x + outer.width
                assert box.y + box.height <= outer.y + outer.height
        for path, outer in plan.scopes.items():
            for card in content.cards:
                if card.scope != path and not card.scope.startswith(f"{path}/"):
                    box = plan.cards[card.id]
                    assert (
                        box.x >= outer.x + outer.width
                        or box.x + box.width <= outer.x
                        or box.y >= outer.y + outer.height
                        or box.y + box.height <= outer.y
                    )
        for edge in content.edges:
            pieces = plan.edges[edge.target, edge.position]
            assert len(pieces) == (2 if edge.lines else 1)
            for (x, y), id in ((pieces[0].points[0], edge.source), (pieces[-1].points[-1], edge.target)):
                box = plan.cards[id]
                assert box.x - 2 <= x <= box.x + box.width + 2
                assert box.y - 2 <= y <= box.y + box.height + 2


class TestLayeredLayout:
    @pytest.mark.parametrize(
        ("subject", "engine"),
        [
            (example, "graphviz"),
            (lambda: deep(20), "graphviz"),
            (lambda: tanh_chain(299), "graphviz"),
            (lambda: tanh_chain(300), "layered"),  # too many cards
            (lambda: tangle(95), "layered"),  # few cards, but edges across many layers
        ],
        ids=["example", "deep", "short chain", "long chain", "tangle"],
    )
    def test_it_is_chosen_by_what_graphviz_would_have_to_do(self, subject, engine):
        data = data_of(to_html(ad.Graph.of(subject())))
        assert ("layout simplified" in data["note"]) == (engine == "layered")

    @pytest.mark.parametrize("direction", ["LR", "TB"])
    def test_a_long_chain_is_cut_into_lines(self, direction):
        _, _, _, plan = plan_of(tanh_chain(400), "layered", direction)
        assert 0.5 < plan.width / plan.height < 4 if direction == "LR" else 0.2 < plan.width / plan.height < 2
        assert "line by line" in plan.note
        first = plan.cards[0]
        line = [box for box in plan.cards.values() if abs(box[direction == "LR"] - first[direction == "LR"]) < 20]
        assert 5 < len(line) < 100

    def test_a_wide_fan_out_takes_several_columns(self):
        _, _, _, plan = plan_of(fan_out(300), "layered")
        assert plan.height < 10_000  # in one column it would take 300 cards' heights, 18,000
        for edge in plan.edges.values():
            for route in edge:
                assert route.points[0][0] <= route.points[-1][0]  # and edges still lead to the right

    def test_boxes_of_one_layer_after_the_other_stand_beside_each_other(self):
        h = ad.Tensor(np.ones((2, 3)), name="x")
        for i in range(4):
            with ad.scope(f"layer{i}"):
                h = nn.Linear(3, 3)(h)
        _, _, _, plan = plan_of(h, "layered")
        boxes = [plan.scopes[f"layer{i}"] for i in range(4)]
        assert all(one.x + one.width < other.x for one, other in itertools.pairwise(boxes))


class TestWidths:
    @pytest.mark.parametrize("face", [SANS, BOLD, MONO])
    def test_a_text_is_as_wide_as_its_letters(self, face):
        assert text_width("", 10, face) == 0
        assert text_width("ab", 10, face) == pytest.approx(text_width("a", 5, face) * 2 + text_width("b", 10, face))

    def test_digits_are_equally_wide(self):
        assert len({round(text_width(digit, 10, MONO), 6) for digit in "0123456789−.e"}) == 1


class TestHeat:
    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_the_scale_leaves_the_background_at_every_step(self, theme):
        contrasts = [contrast(colour, theme.background) for colour in heat.colours(theme)]
        assert all(b > a for a, b in itertools.pairwise(contrasts))

    @pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
    def test_text_on_it_is_readable(self, theme):
        assert min(contrast(colour, theme.text) for colour in heat.colours(theme)) >= 4.5

    @pytest.mark.parametrize(
        ("g", "level"),
        [(1.0, 31), (0.01, 0), (0.1, 16), (100.0, 31), (1e-300, 0), (0.0, -1), (math.nan, None), (math.inf, None)],
    )
    def test_levels(self, g, level):
        assert Heat(-2.0, 0.0).level(magnitude(g)) == level

    def test_the_norm_of_huge_and_tiny_numbers(self):
        assert magnitude([1e300, 1e300]) == pytest.approx(300 + math.log10(2) / 2)
        assert magnitude([3e-320]) == pytest.approx(math.log10(3e-320), abs=0.01)

    @pytest.mark.parametrize(
        ("gradients", "low", "high"),
        [([1e300, 1e-300], 288, 300), ([1.0, 2.0], math.log10(0.2), math.log10(2)), ([0.01, 10], -2, 1), ([], -1, 0)],
    )
    def test_its_range_is_one_to_twelve_powers_of_ten(self, gradients, low, high):
        found = Heat.of(gradients)
        assert (found.low, found.high) == pytest.approx((low, high))

    def test_labels_have_two_digits(self):
        assert Heat(-9.0, -1.0).labels(3) == ["1.0e−9", "1.0e−5", "0.10"]
        assert Heat(1.5, 4.5).labels(3) == ["32", "1000", "3.2e4"]


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_text_of_the_page_has_enough_contrast(theme):
    colours = THEMES[theme]
    grounds = [colours.background, colours.scope_fill, *colours.fill.values()]
    for ground in grounds:
        for text in (colours.text, colours.quiet, colours.forward, colours.backward):
            assert contrast(text, ground) >= 4.5, (theme, text, ground)
    assert contrast(colours.alarm, colours.alarm_fill) >= 4.5


def test_thousands_of_nodes_are_laid_out_and_written_whole():
    out = deep(950)
    data = document(ad.Graph.of(out), ad.backprop(out), view(out, limit=4000))
    assert len(data["cards"]) == 1 + 3 * 950
    assert len(data["steps"]) == 2 * 950 + 1 + 2 * 950
