"""Geometry that every form shares: the steps of a recurrent network stand in the order of time."""

import pytest

import autodiff as ad
import viz
from viz.content import Card, Edge, View
from viz.geometry import loose_edges
from viz.layout import lay_out

STEPS = 12


def recurrent():
    u, w, h = (ad.Scalar(x, name=name) for x, name in ((0.3, "u"), (0.4, "w"), (0.1, "h")))
    for i in range(STEPS):
        with ad.scope(f"step{i}"):
            h = ad.tanh(h * w + ad.Scalar(float(i)) * u)
    return h


def card(id, scope):
    return Card(id, "operation", "", str(id), (), scope, is_output=False, is_alarm=False, tooltip="")


def edge(source, target):
    return Edge(source, target, 0, (), is_alarm=False)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_steps_that_share_their_weights_follow_one_another(direction):
    layout = lay_out(viz.to_dot(recurrent(), direction=direction))
    starts = {s.words: s.box.left if direction == "LR" else -s.box.top for s in layout.scopes}
    steps = [starts[f"step{i}"] for i in range(STEPS)]
    assert steps == sorted(set(steps))


READERS = {
    "two boxes": (["a", "b"], set()),
    "three boxes": (["a", "b", "c"], {(2, 0), (3, 0)}),
    "twice in each": (["a", "a", "b", "b", "c"], {(3, 0), (4, 0), (5, 0)}),
    "one box and no box": (["a", "", ""], set()),
}


@pytest.mark.parametrize(("scopes", "loose"), READERS.values(), ids=READERS)
def test_a_leaf_that_many_boxes_read_is_held_by_the_first_alone(scopes, loose):
    cards = [card(0, ""), *(card(id, scope) for id, scope in enumerate(scopes, 1))]
    content = View(tuple(cards), tuple(edge(0, c.id) for c in cards[1:]), "", "", has_gradients=False)
    assert loose_edges(content) == loose


def test_what_is_computed_holds_all_that_read_it():
    cards = [card(0, ""), card(1, ""), *(card(id, scope) for id, scope in enumerate("abcd", 2))]
    edges = (edge(0, 1), *(edge(1, c.id) for c in cards[2:]))
    assert loose_edges(View(tuple(cards), edges, "", "", has_gradients=False)) == set()
