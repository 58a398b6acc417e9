"""The cost ledger: counts against formulas worked out by hand, what is kept, and what the command shows."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import autodiff as ad
import cli
import viz
from autodiff import nn
from autodiff.arithmetic import COUNTS, flops, traffic
from autodiff.costs import cost, of_network
from autodiff.errors import GraphError, SettingError
from autodiff.ops.table import OPERATIONS, builtin_names
from autodiff.primitive import Elementwise
from viz import cost_table

ONES = np.ones


class TestArithmetic:
    @pytest.mark.parametrize(
        ("record", "count"),
        [
            (lambda: ad.exp(ad.Tensor(ONES((3, 4)))), 12),
            (lambda: ad.Tensor(ONES((3, 1))) + ad.Tensor(ONES((1, 4))), 12),
            (lambda: ad.Tensor(ONES((3, 4))) @ ad.Tensor(ONES((4, 5))), 2 * 3 * 4 * 5),
            (lambda: ad.Tensor(ONES((2, 3, 4))) @ ad.Tensor(ONES((4, 5))), 2 * 2 * 3 * 4 * 5),
            (lambda: ad.Tensor(ONES(4)) @ ad.Tensor(ONES(4)), 8),
            (lambda: ad.einsum("ij,jk,kl->il", *(ad.Tensor(ONES((2, 2))) for _ in range(3))), 3 * 2**4),
            (lambda: ad.sum(ad.Tensor(ONES((3, 4))), axis=0), 12),
            (lambda: ad.reshape(ad.Tensor(ONES((3, 4))), (4, 3)), 0),
            (lambda: ad.Tensor(ONES((3, 4)))[1], 0),
            (lambda: ad.softmax(ad.Tensor(ONES((3, 4)))), 60),
            (lambda: ad.linalg.inv(ad.Tensor(np.eye(6))), 2 * 6**3),
            (lambda: ad.linalg.solve(ad.Tensor(np.eye(6)), ad.Tensor(ONES((6, 2)))), 2 / 3 * 6**3 + 2 * 36 * 2),
            (lambda: ad.linalg.cholesky(ad.Tensor(np.eye(6))), 6**3 / 3),
        ],
    )
    def test_counts_are_those_of_the_formulas(self, record, count):
        out = record()
        assert flops(out.primitive, out.saved, out.data, out.params) == count

    def test_every_built_in_operation_is_counted(self):
        assert nn.cross_entropy  # enters its own rows
        known = {name for name in builtin_names() if isinstance(OPERATIONS.get(name), Elementwise)} | set(COUNTS)
        assert builtin_names() <= known
        assert set(COUNTS) <= builtin_names()

    def test_an_operation_of_ones_own_is_named_and_not_counted(self):
        own = ad.Primitive("own_op", lambda x: x + 0, lambda g, out, x: g * 1)
        try:
            assert cost(lambda: ad.sum(own(ad.Tensor([1.0, 2.0])))).uncounted == ("own_op",)
        finally:
            del OPERATIONS["own_op"]

    def test_a_view_moves_nothing(self):
        x = ONES((3, 4))
        assert traffic([x], x.T) == (0, 0)
        assert traffic([x, 2.0], x * 2) == (104, 96)


class TestCounting:
    def test_a_network_takes_two_products_back_for_each_forward_but_for_the_first(self):
        found = cost(of_network([20, 7, 5], 3), repeats=1)
        products = [node for node in found.nodes if node.op == "matmul"]
        first, second = 2 * 3 * 20 * 7, 2 * 3 * 7 * 5
        assert [node.forward.flops for node in products] == [first, second]
        assert [node.backward.flops for node in products] == [first, 2 * second]

    def test_totals_are_the_sums_of_the_nodes(self):
        found = cost(of_network([20, 7, 5], 3), repeats=1)
        assert found.forward.flops == sum(node.forward.flops for node in found.nodes)
        assert found.backward.read == sum(node.backward.read for node in found.nodes)
        assert found.kept == sum(node.kept for node in found.nodes)

    def test_a_graph_a_value_and_its_function_cost_the_same(self):
        x, w = ad.Tensor(ONES((8, 4)), name="x"), ad.Tensor(ONES((4, 3)), name="W")

        def loss():
            return ad.sum(ad.tanh(x @ w))

        counted = [(c.forward, c.backward, c.pending) for c in map(cost, (loss, loss(), ad.Graph.of(loss())))]
        assert counted[0] == counted[1] == counted[2]

    def test_scalars(self):
        x = ad.Scalar(2.0, name="x")
        found = cost(x * x + x)
        assert found.forward.flops == 2
        assert [node.name for node in found.nodes] == ["x", "v₁", "v₂"]

    def test_what_is_computed_is_kept_and_parameters_are_not_counted(self):
        kept = {node.name: node.kept for node in cost(of_network([20, 7, 5], 3), repeats=1).nodes if node.kept}
        images, hidden, logits, labels, loss = 3 * 20 * 4, 3 * 7 * 4, 3 * 5 * 4, 3 * 8, 4
        first, bias, relu, second, last, end = kept.values()
        assert (first, bias, relu) == (images + hidden, hidden, hidden)
        assert (second, last, end) == (logits, logits, labels + loss)

    def test_remat_keeps_less_and_computes_again(self):
        sizes = [64, 64, 64, 64, 64, 10]
        plain, again = (cost(of_network(sizes, 128, rematerialised=r), repeats=1) for r in (False, True))
        assert again.forward.flops == plain.forward.flops
        assert again.kept < plain.kept / 2
        recomputed = again.backward.flops - plain.backward.flops
        assert recomputed == sum(2 * 128 * 64 * 64 + 2 * 128 * 64 for _ in range(4))

    def test_gradients_that_the_walk_holds_include_those_of_parameters(self):
        w = ad.Tensor(ONES((100, 100)), name="W")
        assert cost(lambda: ad.sum(w * 2.0)).pending >= 100 * 100 * 8

    def test_nothing_is_left_behind_in_the_gradients(self):
        x = ad.Tensor([1.0, 2.0], name="x")
        cost(lambda: ad.sum(x * x))
        assert x.grad is None

    @pytest.mark.parametrize(
        ("subject", "error", "words"),
        [
            (lambda: ad.Tensor([1.0, 2.0]) * 2, GraphError, "of one number, got a value of shape (2,); sum it"),
            (lambda: 3.0, GraphError, "nothing in this computation is tracked"),
            (lambda: "3", GraphError, "of one number, got a str"),
            (3.0, GraphError, "takes a Graph, a Scalar or Tensor, or a function"),
            (ad.Tensor([1.0], requires_grad=False), GraphError, "nothing in this computation is tracked"),
            (ad.remat(lambda x: ad.exp(x) * x)(ad.Scalar(1.0)), GraphError, "give the function that records it"),
            (ad.Graph.of(ad.Scalar(1.0), ad.Scalar(2.0)), GraphError, "this one has 2 outputs"),
        ],
    )
    def test_mistakes_are_said(self, subject, error, words):
        with pytest.raises(error) as caught:
            cost(subject)
        assert words in str(caught.value)

    def test_settings_out_of_range(self):
        for repeats in (0, -1, 1.5, True):
            with pytest.raises(SettingError, match="repeats is how often"):
                cost(ad.Scalar(1.0) * 2, repeats=repeats)
        with pytest.raises(SettingError, match="batch is how many examples"):
            of_network([2, 2], 0)


class TestCompiled:
    def test_the_whole_is_one_program_with_the_numbers_of_both_passes(self):
        rng = np.random.default_rng(0)
        x, w = rng.normal(size=(8, 4)), ad.Tensor(rng.normal(size=(4, 3)), name="W")
        program = cost(lambda: ad.sum(ad.tanh(x @ w)), repeats=1).compiled
        # x @ W, tanh, Σ; 1 · tanh², 1 − it, 1 · that, xᵀ @ it
        assert [step.name for step in program.steps][:3] == ["matmul", "tanh", "add.reduce"]
        assert program.total.flops == 2 * (2 * 8 * 4 * 3) + 5 * 8 * 3
        assert program.memory == program.plan.nbytes
        assert program.lent == 8 + 4 * 3 * 8

    def test_products_are_those_of_the_eager_passes(self):
        found = cost(of_network([20, 7, 5], 3), repeats=1)
        eager = sum(node.forward.flops + node.backward.flops for node in found.nodes if node.op == "matmul")
        assert sum(step.amount.flops for step in found.compiled.steps if step.name == "matmul") == eager

    def test_a_program_computes_again_what_remat_frees_and_reserves_less(self):
        x, w = np.full((64, 32), 0.1), ad.Tensor(np.eye(32), name="W")

        def block(x):
            for _ in range(4):
                x = ad.tanh(x @ w)
            return x

        def of(step):
            return cost(lambda: ad.sum(step(step(step(step(x))))), repeats=1).compiled

        plain, again = of(block), of(ad.remat(block))
        assert again.total.flops > plain.total.flops
        assert again.memory < 0.7 * plain.memory

    def test_views_and_checks_count_nothing(self):
        w = ad.Tensor(ONES((2, 3)), name="w")
        program = cost(lambda: ad.sum(ad.reshape(w * 2.0, (3, 2))), repeats=1).compiled
        assert [step.name for step in program.steps if step.amount.flops] == ["multiply", "add.reduce"]

    def test_every_step_of_the_optimised_passes_has_a_formula(self):
        def record():
            x = ad.Tensor(np.linspace(0.1, 0.9, 12).reshape(4, 3), name="x")
            parts = [ad.softmax(x), ad.where(x.data > 0.5, x, 0.0), ad.maximum(x, 0.3), ad.cumsum(x, axis=0)]
            mixed = ad.concatenate([ad.mean(p, axis=0) * ad.std(x, axis=0) for p in parts])
            return ad.sum(mixed) + ad.linalg.norm(x) + ad.logsumexp(x) + ad.sum(x[1:])

        assert cost(record, repeats=1).compiled.uncounted == ()

    def test_a_step_of_ones_own_is_named_and_not_counted(self, capsys):
        own = ad.Primitive("own_step", lambda x: x + 0, lambda g, out, x: g * 1)
        try:
            found = cost(lambda: ad.sum(own(ad.Tensor([1.0, 2.0]))), repeats=1)
        finally:
            del OPERATIONS["own_step"]
        assert found.compiled.uncounted == ("own_step",)
        cost_table.show_comparison({"eager": found})
        assert "compiled, not counted, since no formula is known: own_step" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("record", "words"),
        [
            (lambda: ad.sum(ad.sqrt(ad.Tensor([0.0, 1.0]))), "a derivative is not finite"),
            (lambda: (lambda y: y * 2 if y > 1 else y)(ad.sum(ad.Tensor([1.0, 2.0]))), "use autodiff.where"),
        ],
    )
    def test_what_cannot_be_compiled_says_why_and_is_measured_without(self, record, words):
        found = cost(record, repeats=1)
        assert words in found.compiled
        assert found.forward.flops
        assert cost_table.cost_data(found)["compiled"] == {"error": found.compiled}
        assert len(cost_table.comparison_rows({"eager": found})) == 1


class TestShown:
    def found(self):
        return cost(of_network([20, 7, 5], 3), repeats=1)

    def test_the_rule_says_how_far_it_holds(self):
        lines = list(cost_table.rule_lines(replace(self.found(), seconds=(1e-5, 3e-5))))
        assert lines[0] == "the rule: the backward pass takes twice what the forward pass takes"
        ratio = self.found().ratios["arithmetic"]
        assert ratio is not None
        assert 1 < ratio < 2
        assert any("arithmetic, counted" in line and "% less" in line for line in lines)
        assert any("time, measured" in line and "too little to tell" in line for line in lines)

    def test_json_is_whole_and_strict(self):
        data = json.loads(json.dumps(cost_table.cost_data(self.found()), allow_nan=False))
        assert data["forward"]["flops"] == sum(node["forward"]["flops"] for node in data["nodes"])
        compiled = data["compiled"]
        assert compiled["total"]["flops"] == sum(step["flops"] for step in compiled["steps"])
        assert compiled["seconds"] > 0
        assert compiled["memory"] >= compiled["leaves"] > 0

    def test_each_way_has_a_row_and_a_program_has_no_passes_of_its_own(self):
        rows = cost_table.comparison_rows({"eager": self.found(), "with remat": self.found()})
        assert [row[0] for row in rows] == ["eager", "with remat", "compiled", "compiled, with remat"]
        assert {len(row) for row in rows} == {len(cost_table.COMPARISON)}
        assert [row[-3:-1] for row in rows[2:]] == [("—", "—")] * 2

    @pytest.mark.parametrize("what", list(cost_table.HEATS))
    def test_a_drawing_is_coloured_by_cost(self, what):
        found = self.found()
        content = viz.draw(of_network([20, 7, 5], 3)(), heat=cost_table.heat_of(found, what)).content
        hottest = max((card for card in content.cards if card.heat is not None), key=lambda card: card.heat)
        assert content.heat.what == cost_table.HEATS[what][0]
        if what == "flops":
            assert "linear1.W" in hottest.title
            assert hottest.heat == pytest.approx(math.log10(4 * 3 * 20 * 7))

    def test_a_page_is_refused(self, tmp_path):
        with pytest.raises(SettingError, match="colours cards by their gradients"):
            viz.draw(ad.Scalar(1.0) * 2, tmp_path / "a.html", heat=cost_table.heat_of(self.found()))
        assert not list(tmp_path.iterdir())

    def test_the_command(self, capsys, tmp_path):
        assert cli.main(["cost", "20-7-5", "--batch", "3", "-o", str(tmp_path / "cost.svg")]) == 0
        out = capsys.readouterr().out
        assert "compiled, with remat" in out
        assert "arithmetic, counted" in out
        assert "flops, forward and backward" in (tmp_path / "cost.svg").read_text()
        assert cli.main(["cost", "sin(x) * x", "x=2", "--json"]) == 0
        eager = json.loads(capsys.readouterr().out)["eager"]
        assert eager["forward"]["flops"] == 2
        assert eager["compiled"]["total"]["flops"] == 5
        assert cli.main(["cost", "sum(sqrt(x))", "x=[0,1]"]) == 0
        assert "eager is not compiled: compile: a derivative is not finite" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["20-7-5", "--heat", "colour"], "unknown --heat 'colour'; choose from flops, bytes, kept, time"),
            (["20-7-5", "x=1"], "20-7-5 are the sizes of a network, which has no x"),
            (["20-0-5"], "at least 1"),
            (["20-5", "-o", "a.html"], "a page colours cards by their gradients alone"),
            (["20-5", "-o", "a.xyz"], "the suffix must be one of"),
            (["x * 2", "x=[1,2]"], "sum it"),
        ],
    )
    def test_mistakes_are_one_line(self, arguments, words, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert cli.main(["cost", *arguments]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert words in err
        assert err.count("\n") == 1
        assert not list(tmp_path.iterdir())
