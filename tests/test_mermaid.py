"""Mermaid: what a flowchart says, that no name breaks it, and that Mermaid's own parser takes it."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from drawings import EXAMPLES, HOSTILE, compare_with_golden, named, network, spoilt, squared
from hypothesis import given
from hypothesis import strategies as st
from needed import missing

import autodiff as ad
from viz.mermaid import MAX_CHARACTERS, MAX_EDGES, MAX_NESTING, escape, plain, quoted, to_mermaid
from viz.notation import shorten
from viz.theme import DARK, THEMES
from viz.view import view

LABEL = r'"[^"`\n]*"'
# Every line that a flowchart of ours may hold.
GRAMMAR = [
    rf"n\d+(\[{LABEL}\]|\[\[{LABEL}\]\]|\{{\{{{LABEL}\}}\}}|\({LABEL}\)):::(input|parameter|constant|operation)",
    rf"n\d+\[/{LABEL}/\]:::group",
    rf"n\d+ -->(\|{LABEL}\|)? n\d+",
    rf"subgraph (s\d+|legend)\[{LABEL}\]",
    r"direction (LR|TB)",
    r"end",
    rf"legend_\w+[\[({{/]+{LABEL}[\])}}/]+:::\w+",
    r"legend ~~~ n\d+",
    r"classDef [a-z]+ [a-z0-9:#,;-]+",
    r"class n\d+(,n\d+)* (result|alarm|highlight)",
    r"linkStyle \d+(,\d+)* stroke:#[0-9a-f]{6},stroke-width:3px",
]


def head_and_body(text):
    """The front matter's title, the two lines of text alternative, and the flowchart's lines."""
    front, _, body = text.removeprefix("---\n").partition("\n---\n")
    first, title, description, *lines = body.splitlines()
    assert first in ("flowchart LR", "flowchart TB")
    assert title.startswith("accTitle: ")
    assert description.startswith("accDescr: ")
    assert not re.search(r"[#;<>{}%]", title + description)
    return json.loads(front.splitlines()[0].removeprefix("title: ")), lines


def assert_well_formed(text):
    _, lines = head_and_body(text)
    for line in lines:
        assert any(re.fullmatch(rule, line) for rule in GRAMMAR), line
        assert not re.search(r"%%|```|\$\$", line)
    assert sum(line.startswith("subgraph") for line in lines) == lines.count("end")


def words(text):
    """The lines of all labels, as a viewer shows them."""
    labels = re.findall(r'"([^"\n]*)"', text.partition("\n---\n")[2])
    shown = [re.sub(r"#(\d+|\w+);", lambda m: html.unescape(f"&{'#' * m[1].isdigit()}{m[1]};"), x) for x in labels]
    return {line for label in shown for line in label.split("<br/>")}


class TestContent:
    @pytest.mark.parametrize("name", ["squared", "network", "spoilt"])
    def test_golden(self, name):
        compare_with_golden(f"{name}.mmd", to_mermaid(EXAMPLES[name]()))

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_every_card_row_and_ledger_of_the_view_is_there_and_well_formed(self, name):
        content = view(EXAMPLES[name]())
        text = to_mermaid(content, theme=DARK, direction="TB")
        assert_well_formed(text)
        assert text == to_mermaid(content, theme=DARK, direction="TB")
        shown = words(text)
        for card in content.cards:
            assert re.search(rf"^n{card.id}\W", text, re.MULTILINE)
            assert any(line.endswith(card.title) for line in shown)
            assert all(any(line.endswith(row.line.text.strip()) for line in shown) for row in card.rows)
        assert {line.text for edge in content.edges for line in edge.lines} <= shown
        assert text.count(" -->") == len(content.edges)

    def test_the_result_and_alarms_are_marked(self):
        lines = to_mermaid(spoilt()).splitlines()
        assert "class n8 result" in lines
        assert "class n0,n6,n7,n8 alarm" in lines
        assert any(line.startswith("linkStyle 0,6,7,9 stroke:") for line in lines)

    def test_scopes_nest(self):
        _, lines = head_and_body(to_mermaid(network()))
        opened = [line for line in lines if line.startswith("subgraph") or line == "end"]
        assert opened[:5] == ['subgraph s1["mlp"]', 'subgraph s2["linear1"]', "end", 'subgraph s3["linear2"]', "end"]

    def test_deep_scopes_end_where_viewers_can_follow(self):
        with ad.scope("/".join(["a"] * 3000)):
            text = to_mermaid(ad.Scalar(2.0) * 3)
        assert_well_formed(text)
        assert text.count("subgraph s") == MAX_NESTING


class TestSize:
    def test_what_is_too_long_loses_labels_then_nodes_and_says_so(self):
        x = ad.Scalar(1.0, name="x")
        for i in range(90):
            x = ad.tanh(x, name=f"a rather long name {i}")
        text = to_mermaid(x)
        assert len(text) <= MAX_CHARACTERS
        for i in range(90):
            x = ad.tanh(x, name=f"<{'&' * 20}{i}>")
        text = to_mermaid(x)
        assert_well_formed(text)
        assert len(text) <= MAX_CHARACTERS
        assert "the labels of the edges are left out" in text.replace("<br/>", " ")
        assert re.search(r"\d+ more earlier nodes are left out", text.replace("<br/>", " "))

    def test_there_are_no_more_edges_than_viewers_take(self):
        w = ad.Scalar(2.0, name="w")
        text = to_mermaid(ad.stack([w] * 600))
        assert text.count(" -->") <= MAX_EDGES
        assert_well_formed(text)


ESCAPES = [
    ("h = w · x", "h = w · x"),
    ("relu(v₅), [v₅ > 0]", "relu(v₅), [v₅ #gt; 0]"),
    ('say "hi"', "say #quot;hi#quot;"),
    ("</script>", "#lt;/script#gt;"),
    ("a & #35;", "a #amp; #35;35#59;"),
    ("+ h = a + b", "#43; h = a + b"),
    ("- item", "#45; item"),
    ("===", "#61;=="),
    ("1. one", "1#46; one"),
    ("1.500 2) x", "1.500 2#41; x"),
    ("*a* `b` ~c~", "#42;a#42; #96;b#96; #126;c#126;"),
    ("_a_ a_b", "#95;a#95; a_b"),
    ("[a](b)", "[a#93;(b)"),
    ("www.a.b http://c x: y", "www#46;a.b http#58;//c x: y"),
    ("a@b x @ W", "a#64;b x @ W"),
    ("%%{init}%% 5%", "#37;#37;{init}#37;#37; 5%"),
    ("$$x$$ 5$", "#36;#36;x#36;#36; 5$"),
    ("\\n", "#92;n"),
    ("style a:#f;", "style a#58;#35;f#59;"),
    ("a\nb\x1b\u202e", "a�b��"),
    ("ﬂ°°1¶ß", "fl°°1¶ ß"),
    ("", " "),
]


class TestEscapes:
    @pytest.mark.parametrize(("text", "escaped"), ESCAPES)
    def test_labels(self, text, escaped):
        assert escape(text) == escaped

    @given(st.text(max_size=60))
    def test_a_label_is_one_string_whatever_it_holds(self, text):
        assert re.fullmatch(r'[^"`<>\n;]*|([^"`<>\n;]*#\w+;)*[^"`<>\n;]*', escape(text))
        assert re.search(r"[#;%{}<>&`\"\\\n]", plain(text)) is None
        assert re.search(r"[<>&`%{}\n]", quoted(text)) is None
        assert len(json.loads(quoted(text))) >= len(text)

    @pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
    def test_no_name_breaks_the_flowchart_and_each_is_shown(self, name):
        text = to_mermaid(named(name))
        assert_well_formed(text)
        if "ﬂ" not in name:
            assert shorten(name).strip() in {line.strip() for line in words(text)}


def parsed(texts):
    """What Mermaid's own parser makes of the texts; skips where it is not installed."""
    modules = Path(os.environ.get("CHAINLENS_NODE_MODULES", "node_modules"))
    if shutil.which("node") is None or not (modules / "mermaid").is_dir() or not (modules / "jsdom").is_dir():
        missing("npm install mermaid jsdom, and set CHAINLENS_NODE_MODULES to the folder node_modules")
    script = Path(__file__).with_name("mermaid_parse.mjs")
    done = subprocess.run(
        ["node", script, modules], input=json.dumps(texts), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_mermaids_own_parser_takes_every_example_and_every_name():
    texts = [to_mermaid(example()) for example in EXAMPLES.values()]
    texts += [to_mermaid(named(name)) for name in HOSTILE] + [to_mermaid(network(30), direction="TB")]
    *answers, broken = parsed([*texts, f"{to_mermaid(squared())}n0 --> ["])
    assert answers == ["flowchart-v2"] * len(texts)
    assert broken.startswith("error: ")


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_words_beside_the_cards_have_the_themes_colours(theme):
    front = to_mermaid(spoilt(), theme=theme).partition("\n---\n")[0]
    for name, colour in [("nodeTextColor", theme.text), ("edgeLabelBackground", theme.background)]:
        assert f'{name}: "{colour}"' in front
    assert ("red: NaN" in to_mermaid(spoilt(), theme=theme)) == (theme.name != "print")
