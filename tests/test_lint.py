"""The linter's ways in and out; what its traps find is in the corpus."""

import dataclasses
import json

import numpy as np
import pytest

import autodiff as ad
import viz
from autodiff import nn
from autodiff.traps import TRAPS


def rules(*arguments, **options):
    return [finding.rule for finding in ad.lint(*arguments, **options)]


def test_every_trap_has_a_remedy_and_a_severity():
    assert len({trap.rule for trap in TRAPS}) == len(TRAPS)
    for trap in TRAPS:
        assert trap.remedy
        assert trap.severity in ("error", "warning")
        assert trap.find.__doc__


def test_value_trace_and_graph_are_looked_at():
    x = ad.Scalar(0.0, name="x")
    loss = ad.sqrt(x)
    for subject in (loss, ad.backprop(loss), ad.Graph.of(loss), ad.Graph.from_json(ad.Graph.of(loss).to_json())):
        assert rules(subject) == ["infinite-derivative"]


def test_a_function_is_recorded_with_its_arguments_as_parameters():
    def loss(w, v, labels):
        return ad.sum(w * np.ones(2)) + float(labels[0])

    (finding,) = ad.lint(loss, np.ones(2), np.ones(2), np.array([1, 2]))
    assert (finding.rule, finding.name, finding.node) == ("unreached-parameter", "v", None)


def test_a_module_names_the_parameters():
    model = nn.MLP([2, 3, 2], rng=np.random.default_rng(0))
    findings = ad.lint(nn.cross_entropy(model.linear1(np.ones((4, 2), np.float32)), [0, 1, 2, 0]), parameters=model)
    assert [finding.name for finding in findings] == ["linear2.weight", "linear2.bias"]


def test_errors_come_first():
    x, s = ad.Scalar(0.0, name="x"), ad.Tensor([3.0, 3.0], "s")
    findings = ad.lint(ad.max(s * 2.0) + ad.sqrt(x))
    assert [(f.severity, f.rule) for f in findings] == [("error", "infinite-derivative"), ("warning", "tied-maxima")]


def test_scope_and_source_line_are_told():
    with ad.recording(source=True), ad.scope("net"):
        loss = ad.sqrt(ad.Scalar(0.0, name="x"))  # here
    (finding,) = ad.lint(loss)
    assert finding.scope == "net"
    assert finding.source.text.endswith("# here")


def test_a_finding_is_plain_data():
    (finding,) = ad.lint(ad.sqrt(ad.Scalar(0.0, name="x")))
    assert json.loads(json.dumps(dataclasses.asdict(finding)))["rule"] == "infinite-derivative"
    assert str(finding).startswith("error: infinite-derivative: the derivative of sqrt(x) by x is inf where x = 0.000;")


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (lambda v: v.detach(), "detach()"),
        (lambda v: v.detach() * 2.0 + 1.0, "detach()"),
        (lambda v: v.astype(int), "cast to integers"),
        (lambda v: ad.Tensor(v, requires_grad=False), "new leaf"),
        (lambda v: v.numpy(), "plain numbers"),
        (lambda v: v.data, "plain numbers"),
    ],
    ids=["detach", "detach and more", "astype", "Tensor", "numpy", "data"],
)
def test_what_cut_a_parameter_off_is_told_where_source_lines_are_remembered(cut, says):
    w, v = ad.Tensor([1.0, 2.0], "w"), ad.Tensor([3.0, 4.0], "v")
    with ad.recording(source=True):
        loss = ad.sum(w * cut(v))
    (finding,) = ad.lint(loss, parameters=[w, v])
    assert finding.name == "v"
    assert says in finding.why


def test_nothing_is_noted_otherwise():
    assert ad.Tensor([1.0]).detach().params == {}
    assert ad.Scalar(1.0).detach().params == {}


BAD = {
    "a function that returns no value": (lambda: ad.lint(lambda: 3.0), "must return a Scalar or Tensor, got float"),
    "arguments of a value": (lambda: ad.lint(ad.Scalar(1.0), 2.0), "arguments are those of a function"),
    "parameters of another kind": (lambda: ad.lint(ad.Scalar(1.0), parameters=3), "a dict, values or names, got int"),
    "a parameter of another kind": (lambda: ad.lint(ad.Scalar(1.0), parameters=[3.0]), "a Tensor or a name, got float"),
    "a number": (lambda: ad.lint(3.0), "built from Scalars and Tensors, got float"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_a_line(name):
    run, message = BAD[name]
    with pytest.raises(ad.AutodiffError, match=message):
        run()


def test_a_large_healthy_graph_gives_nothing():
    x = ad.Scalar(0.5, name="x")
    y = x
    for _ in range(5_000):
        y = ad.tanh(y * 0.9 + x)
    assert ad.lint(y) == []


def test_the_first_cause_is_marked_on_its_card():
    loss = ad.log(ad.Scalar(0.0, name="p"), name="L") * 2.0
    cards = {card.id: card for card in viz.draw(loss).content.cards}
    assert cards[1].rows[0][:2] == ("first cause", ("log(0.000) = −inf", "alarm"))
    assert not any(row.label == "first cause" for id in cards if id != 1 for row in cards[id].rows)


def test_a_backward_cause_reddens_its_card_and_the_way_of_its_message():
    x = ad.Scalar(0.0, name="x")
    content = viz.draw(ad.sqrt(x * 1.0) + 1.0).content
    (marked,) = [card for card in content.cards if card.rows and card.rows[0].label == "first cause"]
    assert (marked.id, marked.is_alarm) == (3, True)
    assert {(edge.source, edge.target) for edge in content.edges if edge.is_alarm} == {(2, 3), (0, 2)}
    assert "First cause of NaN or infinity: ∂sqrt/∂v₂ = inf at v₂ = 0.000" in content.description


def test_a_folded_card_with_the_cause_is_marked():
    W, h = ad.Tensor(1e30 * np.eye(2), "W"), ad.Tensor([[1.0, 0.0]], "h")
    with np.errstate(all="ignore"):
        for _ in range(12):
            h = h @ W
    content = viz.draw(ad.sum(h), limit=6).content
    (marked,) = [card for card in content.cards if card.rows and card.rows[0].label == "first cause"]
    assert (marked.kind, marked.is_alarm) == ("group", True)


def test_a_value_changed_in_place_is_told_once_however_often_it_was_used():
    w = ad.Tensor([1.0, 2.0], "w")
    loss = ad.sum(w * w * w)
    w.data[0] = 5.0
    assert [finding.rule for finding in ad.lint(loss)] == ["changed-in-place"]


def test_a_factor_of_zero_is_not_said_to_leave_out_what_it_turns_into_nan():
    with np.errstate(all="ignore"):
        findings = ad.lint(ad.sum(ad.log(ad.Tensor([1.0, 0.0], "x")) * np.array([1.0, 0.0])))
    (found,) = [finding for finding in findings if finding.rule == "hidden-nan"]
    assert "a factor of 0 does not leave it out: 0 · −inf is NaN" in found.why
    assert found.remedy.startswith("choose instead of multiplying")
