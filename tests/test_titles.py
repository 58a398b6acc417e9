"""Titles of scopes: on the side of their box that no edge crosses, and no farther moved than need be."""

import pytest

import autodiff as ad
import viz
from viz.layout import Box, Layout, Point, Scope
from viz.titles import sides, title_box

BOX = Box(0, 0, 300, 100)


def line(x):
    """An edge that goes straight down through the strip of the title at this x."""
    return [Point(x, 140), Point(x, 120), Point(x, 80), Point(x, 40)]


@pytest.mark.parametrize(
    ("crossed", "side"),
    [
        ([], None),
        ([150], None),
        ([20], "r"),
        ([20, 280], "c"),
        ([20, 150, 280], None),
    ],
    ids=["free", "elsewhere", "left", "left and right", "everywhere"],
)
def test_a_title_moves_to_a_side_that_is_free(crossed, side):
    edges = {("a", "b"): [line(x) for x in crossed]}
    layout = Layout({}, edges, [Scope(BOX, "block", "cluster_0")], 300, 140)
    assert sides(layout).get("cluster_0") == side


@pytest.mark.parametrize("side", ["l", "r", "c"])
def test_a_title_stands_in_its_box(side):
    box = title_box(BOX, "block", side)
    assert BOX.left < box.left < box.right < BOX.right
    assert box.top == BOX.top


def test_a_drawing_says_where_its_titles_stand():
    x = ad.Scalar(1.0, name="x")
    with ad.scope("sigmoids"):
        one = ad.sigmoid(ad.sigmoid(x))
    with ad.scope("ReLUs"):
        other = ad.relu(ad.relu(x))
    drawing = viz.draw(one + other, direction="TB", show=("value", "gradient"))
    assert "labeljust=r" in drawing.source
    assert "labeljust=r" not in viz.to_dot(drawing.content, direction="TB")
