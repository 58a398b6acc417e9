"""Drawings as text: within the width, every number there, every line from its operand to its user."""

import re
import unicodedata

import pytest
from drawings import EXAMPLES, HOSTILE, compare_with_golden, named, network, spoilt
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import autodiff as ad
from viz.boxes import boxes
from viz.cells import cut, flow, pad, visible, width
from viz.layered_text import to_text
from viz.notation import shorten
from viz.tree import tree
from viz.view import Card, Edge, Line, Row, View, view


def assert_fits(text, columns):
    for line in text.splitlines():
        assert cell_len(line) <= columns, line
        assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


class TestContent:
    @pytest.mark.parametrize(("name", "columns"), [("squared", 100), ("spoilt", 100), ("spoilt", 44), ("network", 72)])
    def test_golden(self, name, columns):
        compare_with_golden(f"{name}-{columns}.txt", to_text(EXAMPLES[name](), width=columns))

    @pytest.mark.parametrize("name", EXAMPLES)
    @pytest.mark.parametrize("columns", [200, 60])
    def test_every_card_row_and_ledger_of_the_view_is_there(self, name, columns):
        content = view(EXAMPLES[name]())
        text = " ".join(to_text(content, width=columns).split())
        for card in content.cards:
            assert card.title in text
            for row in card.rows:
                assert " ".join(row.line.text.split()) in text
        for edge in content.edges:
            for line in edge.lines:
                assert line.text in text

    @given(st.integers(40, 160), st.sampled_from(sorted(EXAMPLES)))
    @settings(deadline=None, max_examples=40)
    def test_no_line_exceeds_the_width(self, columns, name):
        assert_fits(to_text(EXAMPLES[name](), width=columns), columns)

    def test_a_width_that_is_too_small_is_one_error(self):
        with pytest.raises(ad.errors.SettingError, match="at least 40 columns, not 10"):
            to_text(spoilt(), width=10)

    def test_what_the_view_hides_is_said(self):
        x = ad.Scalar(1.0)
        for _ in range(500):
            x = x * 1.01
        assert "998 of 1001 nodes are folded into cards" in to_text(x)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("columns", [40, 72, 100])
def test_no_name_breaks_the_drawing_and_each_is_shown(name, columns):
    text = to_text(named(name), width=columns)
    assert_fits(text, columns)
    if columns == 100:
        assert visible(shorten(name)).strip() in text


def chain(count, operands=1):
    """A view of `count` cards, each an operation on the ones before it."""
    cards = [
        Card(i, "operation", "", f"v{i} = f", (Row("value", Line("1.000", "forward")),), "", i == count - 1, False, "")
        for i in range(count)
    ]
    edges = [
        Edge(i - 1 - back, i, back, (Line("1 × 1 → 1", "backward"),), False)
        for i in range(1, count)
        for back in range(min(operands, i))
    ]
    return View(tuple(cards), tuple(edges), "chain", "", True)


class TestTree:
    def test_a_deep_chain_goes_straight_down(self):
        lines = list(tree(chain(20_000), 60))
        assert sum(re.match(r"(◉|●|╰─●) v", line) is not None for line in lines) == 20_000
        assert not [line for line in lines if len(line) > 60]

    def test_a_thicket_of_shared_nodes_is_written_once_each(self):
        lines = list(tree(chain(3000, operands=3), 60))
        assert sum("value" in line for line in lines) == 3000
        assert sum("shown" in line for line in lines) == 3 * 3000 - 6 - 2999

    def test_ten_thousand_nodes_take_no_time_and_are_cut_short(self):
        text = to_text(chain(10_000, operands=2), width=80)
        assert "9000 more earlier nodes are left out" in text
        assert_fits(text, 80)

    @given(st.lists(st.lists(st.integers(0, 10_000), max_size=3), min_size=1, max_size=400))
    @settings(deadline=None, max_examples=30)
    def test_branches_are_few_so_that_indents_are_short(self, operands):
        cards = [Card(i, "operation", "", f"v{i} = f", (), "", False, False, "") for i in range(len(operands))]
        edges = [Edge(o % i, i, n, (), False) for i, os in enumerate(operands) if i for n, o in enumerate(os)]
        lines = list(tree(View(tuple(cards), tuple(edges), "", "", False), 80))
        written = [line for line in lines if "●" in line and "shown" not in line]
        assert len(written) == len(cards)
        assert len(lines) == len(cards) + sum("shown" in line for line in lines)
        assert max(line.index("●") for line in written) <= 2 * len(cards).bit_length()

    def test_a_view_whose_operands_stand_after_their_users_is_still_written_whole(self):
        content = chain(3)
        turned = View(content.cards[::-1], content.edges, "", "", True)
        assert sum("value" in line for line in tree(turned, 60)) == 3
        assert boxes(turned, 60) is None


def followed(rows):
    """The names of source and target of each line in a drawing of boxes, found by going up from its tip."""
    at = {(y, x): c for y, row in enumerate(rows) for x, c in enumerate(row)}
    found = []
    for (y, x), c in at.items():
        if c != "▼":
            continue
        target = owner(rows, y + 1, x)
        y, step = y - 1, (-1, 0)
        while at[y, x] not in "┬┯╤":
            turn = {"╮": (0, -1), "╭": (0, 1), "╰": (-1, 0), "╯": (-1, 0)}
            if at[y, x] in turn:
                step = turn[at[y, x]]
            else:
                assert at[y, x] in ("│┼" if step[0] else "─┼")
            y, x = y + step[0], x + step[1]
        while at[y, x] not in "└╰┗╚╙":
            x -= 1
        while at[y, x] not in "┌╭┏╔╓":
            y -= 1
        found.append((owner(rows, y, x), target))
    return sorted(found)


def owner(rows, y, x):
    """The name on the upper border of the box there."""
    start = max(rows[y].rfind(corner, 0, x + 1) for corner in "┌╭┏╔╓")
    return re.search(r"v\d+", rows[y][start:])[0]


class TestBoxes:
    @given(st.lists(st.lists(st.integers(0, 100), max_size=3), min_size=2, max_size=14))
    @settings(deadline=None, max_examples=200)
    def test_each_line_leads_from_an_operand_to_its_user(self, operands):
        cards = [Card(i, "operation", "", f"v{i} = f", (), "", False, False, "") for i in range(len(operands))]
        edges = [Edge(o % i, i, n, (), False) for i, os in enumerate(operands) if i for n, o in enumerate(os)]
        rows = boxes(View(tuple(cards), tuple(edges), "", "", False), 100)
        if rows is not None:
            assert max(map(len, rows)) <= 100
            assert followed(rows) == sorted((f"v{e.source}", f"v{e.target}") for e in edges)

    def test_small_graphs_fit_their_width_and_wide_ones_do_not(self):
        content = view(spoilt())
        assert boxes(content, 80) is not None
        assert boxes(content, 40) is None
        assert boxes(view(network(30)), 200) is None


class TestCells:
    @pytest.mark.parametrize(
        ("text", "cells", "shown"),
        [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 4, "漢…"),
            ("e\u0301e\u0301e", 2, "e\u0301…"),
            ("ab", 0, ""),
            ("", 0, ""),
        ],
    )
    def test_cut(self, text, cells, shown):
        assert cut(text, cells) == shown

    @given(st.text(max_size=30), st.integers(0, 40))
    def test_cut_and_pad_keep_to_the_cells(self, text, cells):
        text = visible(text)
        assert cell_len(cut(text, cells)) <= cells
        assert width(pad(cut(text, cells), cells)) == cells

    @given(st.lists(st.text("ab漢", min_size=1, max_size=12), min_size=1, max_size=6), st.integers(12, 40))
    def test_flow_keeps_every_part(self, parts, room):
        lines = list(flow(parts, room, room))
        assert all(width(line) <= room for line in lines)
        assert [p for line in lines for p in line.split("   ")] == [cut(part, room) for part in parts]
