"""Drawings of what `compile` did: which steps run when, which share memory, and what is changed in place."""

import numpy as np
import pytest

import autodiff as ad
import viz
from autodiff import nn, optim
from autodiff.errors import GraphError, SettingError
from autodiff.replay import Slot, Step
from autodiff.replay.stays import stays
from viz.kernel_notation import KERNELS, OPERATIONS, sign_of, written
from viz.notation import NOTATION
from viz.plan_units import Reading
from viz.plans import FORMATS

WORDS = {"tex": r"\cardhead{0--2", "txt": "0–2", "mmd": "0–2"}


def compiled(f, *args):
    program = ad.compile(f)
    program(*args)
    return program


def small():
    return compiled(lambda x, w: ad.sum(ad.tanh(x @ w * 2)), np.ones((2, 3)), np.ones((3, 2)))


def training(sizes=(6, 5, 3), batch=4, optimizer=optim.SGD):
    rng = np.random.default_rng(0)
    model = nn.MLP(list(sizes), rng=rng)
    update = optimizer(model.parameters(), lr=0.1)

    def step(images, labels):
        update.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        update.step()
        return loss.data

    return compiled(step, rng.random((batch, sizes[0]), dtype=np.float32), rng.integers(0, sizes[-1], batch))


def many(n=300):
    def f(x, y):
        for i in range(n):
            x = ad.sin(x) * y + ad.cos(y * i)
        return x

    return compiled(f, np.ones(4), np.ones(4))


def titles(subject, **options):
    return [f"{card.sign} {card.title}".strip() for card in viz.draw(subject, **options).content.cards]


def rows(subject, title):
    (card,) = [card for card in viz.draw(subject).content.cards if card.title == title]
    return [(row.label, row.line.text) for row in card.rows]


class TestStays:
    def test_who_had_memory_before_and_what_is_written_over(self):
        def f(x):
            y = ad.exp(x)
            z = ad.sum(y * y) + ad.sum(y)
            return ad.sum(ad.exp(x @ x.T)) + z

        found = stays(compiled(f, np.ones((3, 3))).plan)
        for slot, stay in found.items():
            earlier = [other for other, its in found.items() if its.block == stay.block and its.step < stay.step]
            assert stay.before == (earlier[-1] if earlier else None), slot
            assert stay.over in (None, stay.before)

    def test_what_leaves_the_program_has_a_block_of_its_own(self):
        plan = training().plan
        lent = [stay.block for stay in stays(plan).values() if stay.lent]
        kept = {stay.block for stay in stays(plan).values() if not stay.lent}
        assert len(lent) == len(set(lent)) == 5
        assert not kept & set(lent)
        assert plan.nbytes == plan.lent + sum(plan.blocks[block] for block in kept)

    @pytest.mark.parametrize(
        ("f", "args", "names"),
        [
            (lambda x, y: ad.sin(x) + y, (1.0, 2.0), ("x", "y")),
            (lambda p: p["w"][0] * p["b"], ({"w": [1.0], "b": 2.0},), ("p['w'][0]", "p['b']")),
            (lambda *xs: xs[0] * xs[1], (1.0, 2.0), ("xs[0]", "xs[1]")),
            (lambda n, x: x * n, (3, 1.0), ("x",)),
        ],
    )
    def test_arguments_are_called_as_in_the_signature(self, f, args, names):
        assert compiled(f, *args).plan.arguments == names

    def test_arguments_by_name_are_called_so(self):
        program = ad.compile(lambda x, **more: x * more["b"] + more["a"])
        program(1.0, b=2.0, a=3.0)
        assert program.plan.arguments == ("x", "a", "b")

    def test_parameters_are_told_apart_by_their_layer(self):
        assert "store linear2.W.grad" in str(training().plan)


class TestCards:
    def test_steps_over_the_same_memory_are_one_card_that_lists_them(self):
        assert titles(small()) == ["x", "w", "0–2 v4 in place: @ → × → tanh", "3 v5 = Σ v4"]
        assert rows(small(), "v4 in place: @ → × → tanh") == [
            ("0", "v2 = x @ w"),
            ("1", "v3 = v2 · 2"),
            ("2", "v4 = tanh(v3)"),
            ("shape", "2 × 2  float64"),
            ("memory", "32 B in block 0"),
        ]

    def test_a_result_says_so(self):
        (result,) = [card for card in viz.draw(small()).content.cards if card.is_output]
        assert [row.line.text for row in result.rows] == ["one number  float64", "8 B, a result"]

    def test_memory_that_another_result_had_names_it_and_until_when(self):
        found = [
            (row.line.text, card.title)
            for card in viz.draw(training()).content.cards
            for row in card.rows
            if row.label == "before"
        ]
        assert ("v38, until 13", "v41 = Σ v40") in found

    def test_an_operand_read_elsewhere_too_keeps_its_card_and_the_edge_says_in_place(self):
        program = compiled(lambda x: (lambda y: ad.sum(y - ad.max(y)))(ad.exp(x)), np.ones(3))
        content = viz.draw(program).content
        ledgers = [[line.text for line in edge.lines] for edge in content.edges]
        assert ["in place"] in ledgers
        assert [card.kind for card in content.cards] == ["input", *["operation"] * 4]

    def test_views_have_no_card_and_are_written_where_they_are_used(self):
        program = compiled(lambda x, w: ad.sum(x.T @ w), np.ones((2, 3)), np.ones((2, 3)))
        assert titles(program) == ["x", "w", "1 v3 = xᵀ @ w", "2 v4 = Σ v3"]
        assert any("1 view" in line.text for line in viz.draw(program).content.remarks)

    def test_a_training_step(self):
        found = titles(training())
        assert found[:4] == ["images", "labels", "0 SGD.zero_grad()", "1 linear1.W"]
        assert found[-2:] == ["35–43 store gradients", "44 SGD.step()"]
        assert "10–11 check numbers" in found
        assert ("36–39", "4 × .grad is None?") in rows(training(), "store gradients")
        assert rows(training(), "SGD.step()")[0] == ("changes", "linear1.W, 120 B")

    def test_effects_follow_what_they_read_and_change(self):
        content = viz.draw(training()).content
        by_title = {card.title: card.id for card in content.cards}
        assert (by_title["store gradients"], by_title["SGD.step()"]) in {(e.source, e.target) for e in content.edges}

    def test_numbers_have_no_memory(self):
        program = compiled(ad.grad(lambda x: x**3), 2.0)
        assert titles(program) == ["x", "0 v3 = x²", "1 v4 = 3 · v3", "2 v4 finite?"]
        assert rows(program, "v4 = 3 · v3") == []

    def test_a_program_without_steps(self):
        assert titles(compiled(lambda x: 3.0, 2.0)) == []
        assert "0 steps" in viz.draw(compiled(lambda x: 3.0, 2.0)).svg

    def test_the_sums_of_the_legend_are_those_of_the_plan(self):
        plan = training(batch=128).plan
        (line,) = [line.text for line in viz.draw(plan).content.remarks if "saves" in line.text]
        saved = 1 - (plan.nbytes - plan.lent) / plan.held
        assert f"saves {saved:.0%}".replace("%", " %") in line
        assert f"in {plan.block_count} blocks" in line

    def test_hostile_names_are_drawn_as_text(self):
        w = ad.Tensor(np.ones(2), name='<b>"{0}"&\n$x_{1}')
        program = compiled(lambda x: ad.sum(w * x).data, np.ones(2))
        for form in FORMATS:
            assert viz.draw(program).render(form)
        assert "<b>" not in viz.draw(program).svg


class TestUnits:
    @pytest.mark.parametrize("make", [small, training, many, lambda: training(optimizer=optim.Adam)])
    def test_each_step_but_views_is_on_one_card_and_no_card_reads_a_later_one(self, make):
        reading = Reading(make().plan)
        on_cards = sorted(number for unit in reading.units for number in unit.steps)
        assert on_cards == [n for n in range(len(reading.steps)) if not reading.is_view(n)]
        content = viz.draw(reading.plan, limit=10_000).content
        place = {card.id: i for i, card in enumerate(content.cards)}
        assert all(place[edge.source] < place[edge.target] for edge in content.edges)

    def test_a_large_plan_folds_and_says_so(self):
        content = viz.draw(many()).content
        assert len(content.cards) <= 200
        assert "steps are folded into cards" in content.note
        assert any(card.repeat > 1 for card in content.cards)

    def test_a_limit_folds_a_small_one(self):
        assert len(viz.draw(training(), limit=12).content.cards) <= 12


class TestForms:
    @pytest.mark.parametrize("form", FORMATS)
    def test_a_plan_and_its_function_are_drawn_alike_in_each_form(self, form, tmp_path):
        program = small()
        path = viz.draw(program, tmp_path / f"plan.{form}").save(tmp_path / f"again.{form}")
        data = viz.draw(program.plan).render(form)
        assert data == path.read_bytes()
        if form in WORDS:
            assert WORDS[form] in data.decode()

    @pytest.mark.parametrize("form", ["html", "json", "graphml"])
    def test_forms_of_values_and_gradients_are_refused(self, form, tmp_path):
        with pytest.raises(SettingError, match=f"a plan is drawn as svg, .*; {form} is for values and gradients"):
            viz.draw(small().plan, tmp_path / f"plan.{form}")
        with pytest.raises(SettingError, match="a plan is drawn as"):
            viz.draw(small().plan).save(tmp_path / f"plan.{form}")
        assert not list(tmp_path.iterdir())

    def test_text_forms_take_a_plan_directly(self):
        plan = small().plan
        assert viz.to_text(plan) == viz.draw(plan).render("txt").decode()
        with pytest.raises(GraphError, match="a plan is no record of values"):
            viz.to_html(plan)

    def test_a_notebook_shows_it(self):
        plan = small().plan
        assert "<svg" in plan._repr_svg_()
        assert plan._repr_mimebundle_()["text/plain"] == "Plan(<lambda>: 4 steps, 40 bytes)"

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"heat": True}, SettingError, "heat: a plan has no values"),
            ({"show": "value"}, SettingError, "show: a plan has no values"),
            ({"wrt": "x"}, SettingError, "wrt: a plan has no values"),
            ({"depth": 1}, SettingError, "depth: a plan has no values"),
            ({"images": "x"}, SettingError, "images: a plan has no values"),
            ({"limit": -1}, SettingError, "limit must be"),
            ({"highlight": "block 9"}, GraphError, "'block 9' is not in the plan; name memory, such as 'block 0'"),
            ({"highlight": 3}, GraphError, "highlight: 3 is not in the plan"),
        ],
    )
    def test_options_that_do_not_fit_are_one_line(self, options, error, words):
        with pytest.raises(error) as caught:
            viz.draw(small(), **options)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_function_that_was_never_called_has_nothing_to_draw(self):
        with pytest.raises(SettingError, match="call it first"):
            viz.draw(ad.compile(lambda x: x))

    def test_nor_has_one_whose_calls_cannot_be_replayed(self):
        w = ad.Tensor(np.ones(2), name="w")
        with pytest.raises(SettingError, match="has no program: its calls could not be replayed"):
            viz.draw(compiled(lambda x: w * x, np.ones(2)))

    @pytest.mark.parametrize(
        ("wanted", "marked"),
        [
            ("block 0", ["v4 in place: @ → × → tanh"]),
            ("v5", ["v5 = Σ v4"]),
            (["x", "v3"], ["x", "v4 in place: @ → × → tanh"]),
        ],
    )
    def test_steps_that_share_memory_can_be_marked(self, wanted, marked):
        content = viz.draw(small(), highlight=wanted).content
        assert [card.title for card in content.cards if card.is_highlighted] == marked


class TestNotation:
    def test_rows_stand_for_operations_that_there_are(self):
        assert set(OPERATIONS.values()) <= set(NOTATION)
        assert not set(KERNELS) & set(OPERATIONS)

    @pytest.mark.parametrize(
        ("step", "text"),
        [
            (Step("call", np.add.reduce, (Slot(1),), {"axis": 0}), "Σ v1"),
            (Step("call", np.subtract, (0.5, Slot(1))), "0.5 − v1"),
            (Step("call", np.power, (Slot(1), Slot(2))), "v1 ^ v2"),
            (Step("call", np.less, (Slot(1), np.float32(0.2))), "v1 < 0.2"),
            (Step("call", np.multiply, (Slot(1), np.array(-2.0))), "v1 · −2"),
            (Step("call", np.concatenate, ((Slot(1), Slot(2)),)), "concatenate((v1, v2))"),
            (Step("call", np.unwrap, tuple(map(Slot, range(12)))), "unwrap(v0, v1, v2, … (12) …, v11)"),
            (Step("call", np.take, (Slot(1), np.arange(3))), "take(v1, ndarray)"),
        ],
    )
    def test_steps_are_written_as_formulas(self, step, text):
        assert written(step, repr) == text

    def test_what_has_no_sign_bears_its_name(self):
        assert [sign_of(Step("call", f)) for f in (np.maximum.reduce, np.unwrap)] == ["max", "unwrap"]
