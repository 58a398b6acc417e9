"""Training: determinism, exact resume, the run folder, and what is done with a checkpoint."""

import json
import os
import signal
import threading
import tomllib
import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import autodiff as ad
from autodiff import checkpoint, data, nn, optim, run
from autodiff.configuration import OPTIMIZERS, Configuration
from autodiff.data.digits import generate
from autodiff.errors import (
    CheckpointError,
    DataError,
    DivergenceError,
    MissingCheckpointError,
    OperandError,
    SettingError,
    ShapeError,
)
from autodiff.recipes import RECIPES, recipe
from autodiff.run.folder import _line as history_line
from autodiff.schedules import SCHEDULES, Plateau, cosine, warmed_up
from autodiff.threads import single_threaded
from autodiff.train import Callback, EarlyStopping, Penalties, Updates, fit, measure

TIMES = ("seconds", "images_per_second")


def timeless(history):
    return [{name: value for name, value in record.items() if name not in TIMES} for record in history]


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


class StopAt(Callback):
    """Interrupts, as Ctrl-C does, after so many batches or epochs of this part of the run."""

    def __init__(self, *, batches=None, epochs=None):
        self.batches, self.epochs = batches, epochs

    def on_batch_end(self, training):
        if self.batches is not None:
            self.batches -= 1
            if self.batches == 0:
                raise KeyboardInterrupt

    def on_epoch_end(self, training):
        if training.epoch == self.epochs:
            raise KeyboardInterrupt


# fit, on a problem small enough to train in a blink: two noisy rings


def rings(n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + labels + 0.1 * rng.standard_normal(n)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return data.Split(points.astype(np.float32), labels)


TRAIN, VALIDATION = rings(300, 0), rings(50, 1)


def fit_rings(*, epochs=3, seed=0, dropout=0.1, model=None, optimizer=None, **options):
    for_model, for_order = np.random.default_rng(seed).spawn(2)
    model = model or nn.MLP([2, 16, 16, 2], dropout=dropout, rng=for_model)
    return fit(
        model,
        TRAIN,
        options.pop("validation", VALIDATION),
        optimizer=optimizer or optim.Adam(model.parameters(), lr=0.02),
        epochs=epochs,
        batch_size=options.pop("batch_size", 32),
        rng=for_order,
        schedule=cosine,
        prepare=np.asarray,
        **options,
    )


PLAIN = {"sizes": [2, 16, 16, 2], "dropout": 0.1}
WITH = {
    "dropout": ({}, {}),
    "input dropout": ({"input_dropout": 0.2}, {}),
    "parts": ({}, {"updates": Updates(accumulate=3)}),
    "limits and an average": ({}, {"updates": Updates(clip_norm=0.5, clip_value=0.1, max_norm=1.0, average=0.9)}),
    "penalties": ({}, {"penalties": Penalties(l1=1e-3, l2=1e-3, label_smoothing=0.1)}),
    "batch normalisation": ({"normalisation": "batch"}, {}),
    "layer normalisation": ({"normalisation": "layer", "activation": "gelu"}, {}),
    "residual": ({"residual": True, "activation": "tanh"}, {}),
    "augmentation": ({}, {"augment": lambda x, rng: x + rng.normal(0, 0.1, x.shape).astype(x.dtype)}),
}


@pytest.mark.parametrize("name", WITH)
def test_a_recorded_program_trains_as_each_operation_by_itself(name):
    network, options = WITH[name]
    runs = []
    for eager in (True, False):
        model = nn.MLP(**(PLAIN | network), rng=np.random.default_rng(0))
        training = fit_rings(model=model, eager=eager, **options)
        runs.append((model.state_dict(), training))
    (first, slow), (second, quick) = runs
    assert same(first, second)
    assert timeless(slow.history) == timeless(quick.history)
    assert slow.gradients == quick.gradients


def test_a_run_goes_on_from_a_checkpoint_with_and_without_a_program():
    whole = fit_rings(eager=True)
    for eager in (True, False):
        half = fit_rings(eager=eager, callbacks=[StopAt(batches=13)])
        other = nn.MLP([2, 16, 16, 2], dropout=0.1, rng=np.random.default_rng(0).spawn(2)[0])
        resumed = fit_rings(model=other, state=half.state_dict(), eager=not eager)
        assert same(resumed.model.state_dict(), whole.model.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_learns_the_rings(name):
    model = nn.MLP([2, 16, 16, 2], rng=np.random.default_rng(0))
    optimizer = Configuration(optimizer=name, lr={"sgd": 0.1, "adagrad": 0.2}.get(name, 0.02)).make_optimizer(model)
    training = fit_rings(epochs=10, model=model, optimizer=optimizer)
    assert training.history[-1]["train_accuracy"] > 0.9
    assert training.history[-1]["validation_accuracy"] > 0.9


def test_the_history_says_what_was_measured():
    training = fit_rings(epochs=2)
    last = training.history[-1]
    found = measure(training.model, VALIDATION, prepare=np.asarray)
    assert [record["epoch"] for record in training.history] == [1, 2]
    assert (last["validation_accuracy"], last["validation_loss"]) == (found.accuracy, found.loss)
    assert last["images_per_second"] == pytest.approx(len(TRAIN) / last["seconds"])
    assert fit_rings(epochs=1, validation=None).history[0]["validation_loss"] is None


def test_the_training_loss_is_the_mean_cross_entropy_without_the_penalty():
    model = nn.MLP([2, 2], rng=np.random.default_rng(0))
    before = measure(model, TRAIN, prepare=np.asarray)
    still = optim.SGD(model.parameters(), lr=0.0)
    record = fit_rings(epochs=1, model=model, optimizer=still, l2=0.1).history[0]
    assert record["train_loss"] == pytest.approx(before.loss, rel=1e-6)
    assert record["train_accuracy"] == before.accuracy


def test_one_seed_gives_one_result():
    runs = [fit_rings(seed=seed, l2=1e-3) for seed in (4, 4, 5)]
    assert same(runs[0].model.state_dict(), runs[1].model.state_dict())
    assert timeless(runs[0].history) == timeless(runs[1].history)
    assert not same(runs[0].model.state_dict(), runs[2].model.state_dict())


def test_each_epoch_has_an_order_of_its_own_and_all_examples():
    seen = []

    def prepare(images):
        seen.append(images)
        return images

    rng = np.random.default_rng(0)
    model = nn.MLP([2, 2], rng=rng)
    fit(model, TRAIN, optimizer=optim.SGD(model.parameters(), 0.1), epochs=2, batch_size=32, rng=rng, prepare=prepare)
    epochs = [np.concatenate(seen[:10]), np.concatenate(seen[10:])]
    assert not np.array_equal(*epochs)
    for points in epochs:
        assert np.array_equal(np.sort(points, axis=0), np.sort(TRAIN.images, axis=0))


def test_training_runs_in_training_mode_and_measures_in_evaluation_mode_without_recording():
    modes = []

    class Spy(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 2, rng=np.random.default_rng(0))

        def forward(self, x):
            y = self.linear(x)
            modes.append((len(x), self.training, y.requires_grad))
            return y

    fit_rings(epochs=1, model=Spy())
    assert modes == [*[(32, True, True)] * 9, (12, True, True), (50, False, False)]


def test_no_graph_outlives_its_step():
    logits = []

    class Watched(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            logits.append(weakref.ref(y))
            return y

    class Check(Callback):
        def on_batch_end(self, training):
            assert all(reference() is None for reference in logits)

    fit_rings(epochs=1, model=Watched(2, 2, rng=np.random.default_rng(0)), callbacks=[Check()], l2=0.1)
    assert len(logits) == 11


def test_training_stays_in_float32():
    training = fit_rings(epochs=1, l2=1e-3)
    arrays = [array for state in training.optimizer.state for array in state.values() if isinstance(array, np.ndarray)]
    arrays += [p.data for p in training.model.parameters()] + [p.grad for p in training.model.parameters()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_callbacks_are_told_in_order():
    events = []

    class Log(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                return lambda training: events.append((name[3:], training.epoch, training.batch))
            return super().__getattribute__(name)

    fit_rings(epochs=2, batch_size=150, callbacks=[Log()])
    assert events == [
        ("train_start", 0, 0),
        ("batch_end", 0, 1), ("batch_end", 0, 2), ("epoch_end", 1, 0),
        ("batch_end", 1, 1), ("batch_end", 1, 2), ("epoch_end", 2, 0),
        ("train_end", 2, 0),
    ]  # fmt: skip


STOPS = {
    "before an epoch is over": StopAt(batches=4),
    "in the second epoch": StopAt(batches=13),
    "after the last batch of an epoch, before validation": StopAt(batches=10),
    "after an epoch": StopAt(epochs=1),
    "after the last epoch": StopAt(epochs=3),
}


@pytest.mark.parametrize("when", STOPS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_interrupted_fit_goes_on_bit_for_bit(when, name, tmp_path):
    def go(**options):
        model = nn.MLP([2, 8, 2], dropout=0.3, rng=np.random.default_rng(0))
        return fit_rings(model=model, optimizer=Configuration(optimizer=name).make_optimizer(model), l2=1e-3, **options)

    straight = go()
    stop = StopAt(batches=STOPS[when].batches, epochs=STOPS[when].epochs)
    stopped = go(callbacks=[stop])
    assert stopped.interrupted
    checkpoint.save(tmp_path / "state", stopped.state_dict())
    resumed = go(state=checkpoint.load(tmp_path / "state"), seed=99)
    assert not resumed.interrupted
    assert same(straight.model.state_dict(), resumed.model.state_dict())
    assert timeless(straight.history) == timeless(resumed.history)


def test_a_run_may_stop_any_number_of_times():
    straight, state = fit_rings(), None
    for _ in range(6):
        training = fit_rings(callbacks=[StopAt(batches=5)], state=state)
        state = training.state_dict()
    training = fit_rings(state=state)
    assert not training.interrupted
    assert same(straight.model.state_dict(), training.model.state_dict())
    assert timeless(straight.history) == timeless(training.history)


class PressCtrlC(Callback):
    def on_batch_end(self, training):
        if training.batch == 3:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_training_between_two_batches_and_leaves_pythons_handler():
    training = fit_rings(callbacks=[PressCtrlC()])
    assert training.interrupted
    assert (training.epoch, training.batch) == (0, 3)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end():
    class Pressed(nn.Linear):
        def forward(self, x):
            signal.raise_signal(signal.SIGINT)
            return super().forward(x)

    training = fit_rings(model=Pressed(2, 2, rng=np.random.default_rng(0)))
    assert (training.interrupted, training.batch) == (True, 1)


def test_a_second_ctrl_c_in_a_step_is_passed_on():
    class Pressed(nn.Linear):
        def forward(self, x):
            for _ in range(2):
                signal.raise_signal(signal.SIGINT)
            return super().forward(x)

    with pytest.raises(KeyboardInterrupt):
        fit_rings(model=Pressed(2, 2, rng=np.random.default_rng(0)))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_works_in_a_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(fit_rings(epochs=1)))
    thread.start()
    thread.join()
    assert results[0].epoch == 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 0}, SettingError, "epochs"),
        ({"batch_size": 0}, SettingError, "batch_size"),
        ({"state": {}}, CheckpointError, "not a state"),
        ({"state": {**fit_rings(epochs=1).state_dict(), "generators": {}}}, CheckpointError, "dropout1.rng"),
        ({"state": fit_rings(epochs=1, dropout=0.1).state_dict(), "batch_size": 16}, CheckpointError, "batches"),
        ({"state": fit_rings(epochs=2).state_dict(), "epochs": 1}, SettingError, "epochs is 1"),
    ],
)
def test_what_fit_cannot_use_is_refused(options, error, words):
    with pytest.raises(error) as info:
        fit_rings(**options)
    assert words in str(info.value)
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("name", "ends"),
    [("constant", 1), ("linear", 0), ("cosine", 0), ("cooldown", 0), ("step", 0.01)],
)
def test_a_schedule_starts_at_1_and_never_rises(name, ends):
    factors = [SCHEDULES[name](progress) for progress in np.linspace(0, 1, 50)]
    assert factors[0] == 1
    assert all(a >= b for a, b in pairwise(factors))
    assert factors[-1] == pytest.approx(ends, abs=1e-12)


def test_one_cycle_rises_to_1_and_falls():
    factors = [SCHEDULES["one_cycle"](progress) for progress in np.linspace(0, 1, 101)]
    top = factors.index(1.0)
    assert top == 30
    assert all(a < b for a, b in pairwise(factors[: top + 1]))
    assert all(a > b for a, b in pairwise(factors[top:]))
    assert (factors[0], factors[-1]) == pytest.approx((1 / 25, 1 / 250_000))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warm_up_begins_at_0_and_runs_into_the_whole_schedule(name):
    schedule, warm = SCHEDULES[name], warmed_up(SCHEDULES[name], 0.25)
    assert warm(0) == 0
    assert warm(0.125) == pytest.approx(schedule(0) / 2)
    assert [warm(0.25 + 0.75 * p) for p in (0, 0.4, 1)] == pytest.approx([schedule(p) for p in (0, 0.4, 1)])
    assert warmed_up(schedule, 0) is schedule


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_warm_up_is_a_part_of_the_run(share):
    with pytest.raises(SettingError, match=r"in \[0, 1\)"):
        warmed_up(cosine, share)


def test_a_plateau_lowers_the_learning_rate_each_time_it_lasts():
    plateau = Plateau(factor=0.1, patience=2, least=0.005)
    losses = [1.0, 1.0, 1.0, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert [round(plateau.update(loss), 6) for loss in losses] == [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.005, 0.005, 0.005]


# What stands between a gradient and its update, and what ends training early

EVERYTHING = {
    "penalties": Penalties(l1=1e-5, l2=1e-4, label_smoothing=0.1),
    "updates": Updates(accumulate=2, clip_norm=1.0, clip_value=0.5, max_norm=2.0, average=0.9),
    "augment": lambda points, rng: points + rng.normal(0, 0.05, points.shape).astype(points.dtype),
}


def test_parts_of_a_batch_add_up_to_the_batch():
    whole, parts = (fit_rings(dropout=0.0, penalties=Penalties(l2=1e-3), updates=Updates(accumulate=n)) for n in (1, 5))
    for path, array in whole.model.state_dict().items():
        np.testing.assert_allclose(parts.model.state_dict()[path], array, atol=2e-4)
    assert parts.history[-1]["train_loss"] == pytest.approx(whole.history[-1]["train_loss"], rel=1e-4)


@pytest.mark.parametrize(("examples", "accumulate"), [(1, 1), (128, 1), (12, 3), (13, 3), (14, 3), (2, 5), (96, 7)])
def test_a_batch_is_cut_in_parts_that_are_as_equal_as_can_be(examples, accumulate):
    places = np.arange(examples)
    found = [places[part].tolist() for part in Updates(accumulate=accumulate).parts(examples)]
    assert found == [part.tolist() for part in np.array_split(places, min(accumulate, examples))]


def test_clipped_gradients_move_weights_no_farther():
    model = nn.MLP([2, 4, 2], rng=np.random.default_rng(0))
    before = model.state_dict()
    sgd = optim.SGD(model.parameters(), lr=1.0)
    fit_rings(epochs=1, model=model, optimizer=sgd, batch_size=300, updates=Updates(clip_norm=0.01))
    change = sum(float(((model.state_dict()[path] - array) ** 2).sum()) for path, array in before.items())
    assert np.sqrt(change) == pytest.approx(0.01, rel=1e-3)


def test_max_norm_holds_after_every_update():
    training = fit_rings(updates=Updates(max_norm=0.7))
    for weight in training.weights:
        assert np.linalg.norm(weight.data, axis=0).max() <= 0.7 + 1e-5


def test_the_average_is_measured_and_kept():
    training = fit_rings(updates=Updates(average=0.9))
    model = nn.MLP([2, 16, 16, 2], dropout=0.1)
    model.load_state_dict(training.evaluated_state())
    found = measure(model, VALIDATION, prepare=np.asarray)
    assert training.history[-1]["validation_loss"] == found.loss
    assert not same(training.evaluated_state(), training.model.state_dict())


def test_the_history_has_gradient_norms_and_update_ratios():
    record = fit_rings(epochs=1).history[0]
    assert 0.01 < record["gradient_norm"] < 10
    assert 1e-4 < record["update_ratio"] < 1


class Losses(Callback):
    """Makes the validation losses of a run what a test wants them to be."""

    def __init__(self, *losses):
        self.losses = losses

    def on_epoch_end(self, training):
        training.history[-1]["validation_loss"] = self.losses[training.epoch - 1]


def test_early_stopping_goes_back_to_the_best_weights():
    seen = {}

    class Remember(Callback):
        def on_epoch_end(self, training):
            seen[training.epoch] = training.model.state_dict()

    stopping = EarlyStopping(patience=2)
    training = fit_rings(epochs=9, callbacks=[Losses(1.0, 0.5, 0.6, 0.7, 0.1), Remember(), stopping])
    assert training.epoch == 4
    assert training.stopped
    assert same(training.model.state_dict(), seen[2])


def test_early_stopping_goes_back_to_the_best_average_of_weights():
    seen = {}

    class Remember(Callback):
        def on_epoch_end(self, training):
            seen[training.epoch] = training.evaluated_state()

    training = fit_rings(
        epochs=9,
        updates=Updates(average=0.9),
        callbacks=[Losses(1.0, 0.5, 0.6, 0.7), Remember(), EarlyStopping(patience=2)],
    )
    assert training.epoch == 4
    assert same(training.evaluated_state(), seen[2])
    assert same(training.model.state_dict(), seen[2])


def test_early_stopping_needs_validation_data():
    with pytest.raises(SettingError, match="no validation data"):
        fit_rings(validation=None, callbacks=[EarlyStopping()])


def test_a_plateau_is_followed():
    plateau = Plateau(factor=0.5, patience=1)
    training = fit_rings(epochs=3, callbacks=[], plateau=plateau, optimizer=None)
    lowered = sum(
        b["validation_loss"] >= min(r["validation_loss"] for r in training.history[: i + 1])
        for i, b in enumerate(training.history[1:])
    )
    assert training.plateau.scale == 0.5**lowered


@pytest.mark.parametrize("when", [{"batches": 5}, {"batches": 12}, {"epochs": 2}])
def test_everything_at_once_goes_on_bit_for_bit(when):
    def options():
        return EVERYTHING | {"plateau": Plateau(patience=1), "epochs": 4}

    whole = fit_rings(**options(), callbacks=[EarlyStopping(2)])
    first = fit_rings(**options(), callbacks=[EarlyStopping(2), StopAt(**when)])
    second = fit_rings(**options(), callbacks=[EarlyStopping(2)], state=first.state_dict())
    assert first.interrupted
    assert same(second.model.state_dict(), whole.model.state_dict())
    assert same(second.evaluated_state(), whole.evaluated_state())
    assert timeless(second.history) == timeless(whole.history)


def test_augmentation_leaves_the_order_of_the_examples():
    seen = []

    def spy(points, rng):
        seen.append(points.copy())
        return points

    plain = fit_rings(epochs=1)
    same_points = fit_rings(epochs=1, augment=spy)
    assert len(seen) == 10
    assert same(plain.model.state_dict(), same_points.model.state_dict())


EAGER = pytest.mark.parametrize("eager", [True, False], ids=["eager", "recorded"])


@EAGER
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda w: w.fill(np.nan), "the loss is nan in epoch 1, batch 1 of 10"),
        (lambda w: w.fill(np.inf), "the loss is nan in epoch 1, batch 1 of 10"),
    ],
)
def test_a_loss_that_is_not_finite_ends_training_and_names_the_cause(spoil, words, eager):
    model = nn.MLP([2, 4, 2], rng=np.random.default_rng(0))
    spoil(model.linear2.weight.data)
    with pytest.raises(DivergenceError) as info:
        fit_rings(model=model, eager=eager)
    assert words in str(info.value)
    assert "linear2" in str(info.value)
    assert "\n" not in str(info.value)


@EAGER
def test_a_loss_that_explodes_ends_training(eager):
    model = nn.MLP([2, 8, 2], rng=np.random.default_rng(0))
    with pytest.raises(DivergenceError, match="lower the learning rate"):
        fit_rings(model=model, optimizer=optim.SGD(model.parameters(), lr=1e5), epochs=5, eager=eager)


class Steep(nn.Linear):
    """Its second output has an infinite slope at 0, which is where it is."""

    def forward(self, x):
        return super().forward(x) + ad.sqrt(self.bias * 0.0)


@EAGER
def test_a_gradient_that_is_not_finite_ends_training_before_the_update(eager):
    model = nn.Sequential(Steep(2, 2, rng=np.random.default_rng(0)))
    before = model.state_dict()
    with pytest.raises(
        DivergenceError, match=r"the gradient's norm is nan in epoch 1, batch 1 of 10: .*∂sqrt/∂"
    ) as info:
        fit_rings(model=model, eager=eager)
    assert same(model.state_dict(), before)
    assert info.value.cause.operation == "sqrt"


class Overflows(optim.SGD):
    """Makes a weight infinite in its last step of an epoch of ten batches."""

    def step(self):
        super().step()
        if self.state[0]["t"] == 10:
            self.params[0].data[0, 0] = np.inf


@pytest.mark.parametrize("callbacks", [[], [StopAt(batches=10)]], ids=["at the end of an epoch", "interrupted"])
@pytest.mark.parametrize("validation", [VALIDATION, None], ids=["validation", "no validation"])
def test_weights_that_are_not_finite_are_never_kept(callbacks, validation):
    kept = []

    class Keep(Callback):
        def on_epoch_end(self, training):
            kept.append(training.epoch)

        def on_train_end(self, training):
            kept.append("end")

    model = nn.MLP([2, 4, 2], rng=np.random.default_rng(0))
    optimizer = Overflows(model.parameters(), lr=0.01)
    with pytest.raises(DivergenceError, match="numbers of linear1.weight NaN or infinite in epoch 1, batch 10 of 10"):
        fit_rings(model=model, optimizer=optimizer, validation=validation, callbacks=[Keep(), *callbacks])
    assert kept == []


@pytest.mark.parametrize("options", [{"batch_size": 299}, {"batch_size": 23, "updates": Updates(accumulate=23)}])
def test_batch_normalisation_refuses_a_part_of_one_example_before_training(options):
    model = nn.MLP([2, 4, 2], normalisation="batch", rng=np.random.default_rng(0))
    with pytest.raises(SettingError, match="leave a part of 1, and a layer needs 2 .* choose another batch size"):
        fit_rings(model=model, **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Penalties(l1=-1), "l1 must be"),
        (lambda: Penalties(label_smoothing=2), "label_smoothing"),
        (lambda: Updates(accumulate=0), "accumulate"),
        (lambda: Updates(clip_norm=-1), "clip_norm"),
        (lambda: Updates(max_norm=float("inf")), "max_norm"),
        (lambda: Updates(average=1.0), "average"),
        (lambda: Plateau(factor=1.0), "factor"),
        (lambda: EarlyStopping(0), "patience"),
    ],
)
def test_a_setting_of_training_out_of_range_is_named(make, words):
    with pytest.raises(SettingError, match=words):
        make()


def test_threads_are_as_before_after_an_error():
    product = np.ones((64, 64)) @ np.ones((64, 64))
    with pytest.raises(RuntimeError), single_threaded():
        assert np.array_equal(np.ones((64, 64)) @ np.ones((64, 64)), product)
        raise RuntimeError


# Configurations


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": float("nan")}, "dropout must be a finite number"),
        ({"optimizer": "adem"}, "unknown optimizer 'adem'; choose from adam, adamw, rmsprop"),
        ({"schedule": "none"}, "choose from constant, linear, cosine, cooldown"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"epochs": 1.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"hidden": (256, 0)}, "hidden"),
        ({"hidden": "256"}, "hidden"),
        ({"lr": 0}, "lr must be above 0"),
        ({"lr": "fast"}, "lr must be a finite number"),
        ({"l2": -1}, "l2"),
        ({"momentum": 1}, "momentum"),
        ({"seed": -1}, "seed"),
        ({"data": ""}, "data"),
        ({"out": 3}, "out must be text"),
        ({"learning_rate": 1}, "unknown option 'learning_rate'; choose from data, classes"),
    ],
)
def test_an_option_out_of_range_is_named(options, words):
    with pytest.raises(SettingError) as info:
        Configuration.from_dict(options)
    assert words in str(info.value)
    assert "\n" not in str(info.value)


def test_plain_descent_has_no_momentum_and_the_others_have_what_is_chosen():
    model = nn.MLP([2, 2])
    made = {name: Configuration(optimizer=name, momentum=0.7).make_optimizer(model) for name in OPTIMIZERS}
    assert {name: found.momentum for name, found in made.items() if hasattr(found, "momentum")} == {
        "sgd": 0.0, "momentum": 0.7, "nesterov": 0.7, "rmsprop": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "configuration",
    [
        Configuration(),
        Configuration(hidden=(), lr=1e-5, l2=0, epochs=10**6),
        Configuration(data='C:\\data\\"x"', out="tab\t newline\n delete\x7f ünïcode 😀 \x01 # = ["),
    ],
)
def test_toml_comes_back(configuration):
    text = configuration.to_toml()
    assert Configuration.from_toml(text) == configuration
    assert list(tomllib.loads(text)) == list(configuration.to_dict())


@pytest.mark.parametrize("text", ["epochs = ", "epochs = 0", "speed = 1"])
def test_toml_that_is_no_configuration_is_refused(text):
    with pytest.raises(SettingError):
        Configuration.from_toml(text)


# Runs, on a small drawn data set


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """An .npz of 600 and 200 digits."""
    file = tmp_path_factory.mktemp("data") / "digits.npz"
    small = data.load("digits", sizes=(600, 200), validation=0)
    np.savez(
        file,
        x_train=small.train.images, y_train=small.train.labels, x_test=small.test.images, y_test=small.test.labels,
    )  # fmt: skip
    return str(file)


@pytest.fixture
def configuration(source, tmp_path):
    return Configuration(data=source, hidden=(32,), epochs=3, batch=50, lr=5e-3, out=str(tmp_path / "run"))


@pytest.fixture(scope="session")
def finished(source, tmp_path_factory):
    """A run that has ended."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    return run.train(Configuration(data=source, hidden=(32,), epochs=3, batch=50, lr=5e-3, out=str(folder)))


def test_a_run_folder_holds_configuration_history_and_checkpoint(finished):
    assert sorted(file.name for file in finished.folder.iterdir()) == [
        "best.pkl", "checkpoint.pkl", "config.toml", "history.jsonl",
    ]  # fmt: skip
    assert Configuration.from_toml((finished.folder / "config.toml").read_text()) == finished.configuration
    lines = (finished.folder / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == finished.history
    assert finished.test["n"] == 200
    assert finished.test["accuracy"] > 0.7


def test_history_is_strict_json():
    record = {"epoch": 1, "train_loss": float("nan"), "a": float("inf"), "b": -float("inf"), "validation_loss": None}
    line = history_line(record)
    assert json.loads(line, parse_constant=pytest.fail) == {
        "epoch": 1, "train_loss": "NaN", "a": "Infinity", "b": "-Infinity", "validation_loss": None,
    }  # fmt: skip


@pytest.mark.parametrize("stop", [StopAt(batches=4), StopAt(batches=15), StopAt(epochs=2)])
def test_an_interrupted_run_goes_on_bit_for_bit(configuration, finished, stop):
    stopped = run.train(configuration, [stop])
    assert stopped.interrupted
    assert stopped.test is None
    resumed = run.resume(stopped.folder / "checkpoint.pkl")
    assert not resumed.interrupted
    assert same(resumed.model.state_dict(), finished.model.state_dict())
    assert timeless(resumed.history) == timeless(finished.history)
    assert resumed.test == finished.test


def test_a_killed_run_goes_on_from_its_last_epoch(configuration, finished):
    class Crash(Callback):
        def on_batch_end(self, training):
            if training.epoch == 1 and training.batch == 3:
                raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run.train(configuration, [Crash()])
    resumed = run.resume(configuration.folder)
    assert same(resumed.model.state_dict(), finished.model.state_dict())
    assert timeless(resumed.history) == timeless(finished.history)


def test_a_finished_run_can_be_given_more_epochs(configuration):
    first = run.train(replace(configuration, epochs=1, schedule="constant"))
    assert timeless(run.resume(first.folder).history) == timeless(first.history)
    longer = run.resume(first.folder, epochs=2)
    straight = run.train(replace(configuration, epochs=2, schedule="constant"), force=True)
    assert same(longer.model.state_dict(), straight.model.state_dict())
    assert Configuration.from_toml((first.folder / "config.toml").read_text()).epochs == 2
    with pytest.raises(SettingError, match="epochs is 1"):
        run.resume(first.folder, epochs=1)


def test_a_used_folder_is_refused_unless_forced(configuration):
    configuration.folder.mkdir()
    note = configuration.folder / "note.txt"
    note.write_text("mine")
    with pytest.raises(SettingError, match=r"^out: \S+ is not empty; name another folder"):
        run.train(configuration)
    run.train(replace(configuration, epochs=1), force=True)
    assert note.read_text() == "mine"
    with pytest.raises(SettingError, match="is a file"):
        run.train(replace(configuration, out=str(note)))


def test_data_that_cannot_be_read_leave_no_folder(configuration):
    with pytest.raises(DataError):
        run.train(replace(configuration, data="nowhere.npz"))
    assert not configuration.folder.exists()


def test_other_data_are_refused_when_going_on(configuration, source, tmp_path):
    mine = tmp_path / "mine.npz"
    arrays = dict(np.load(source))
    np.savez(mine, **arrays)
    run.train(replace(configuration, data=str(mine), epochs=1))
    arrays["y_train"] = arrays["y_train"][::-1]
    np.savez(mine, **arrays)
    with pytest.raises(DataError, match="not the training data of this run"):
        run.resume(configuration.folder, epochs=2)


def test_a_run_finds_its_data_from_another_folder(configuration, source, tmp_path, monkeypatch):
    monkeypatch.chdir(os.path.dirname(source))
    run.train(replace(configuration, data="digits.npz", epochs=1))
    monkeypatch.chdir(tmp_path)
    assert run.evaluate(configuration.folder)["n"] == 200


@pytest.mark.parametrize("part", ["", "checkpoint.pkl"])
def test_evaluate_measures_the_test_split(finished, part):
    assert run.evaluate(finished.folder / part) == finished.test
    assert finished.test == measure(finished.model, data.load(finished.configuration.data).test)._asdict()


def test_evaluate_refuses_data_that_do_not_fit(finished, tmp_path):
    images, labels = np.zeros((4, 5, 5), np.uint8), np.arange(4)
    for name, x, y, words in (
        ("small", images, labels, "28 × 28"),
        ("classes", np.zeros((4, 28, 28), np.uint8), labels + 10, "14 classes, the network 10"),
    ):
        file = tmp_path / f"{name}.npz"
        np.savez(file, x_train=x, y_train=y, x_test=x, y_test=y)
        with pytest.raises(DataError, match=words):
            run.evaluate(finished.folder, str(file))


def test_predict_gives_labels_and_probabilities(finished):
    test = data.load(finished.configuration.data).test
    labels, probabilities, names = run.predict(finished.folder, test.images)
    assert names == tuple("0123456789")
    assert np.mean(labels == test.labels) == finished.test["accuracy"]
    assert (probabilities.shape, probabilities.dtype) == ((200, 10), np.float32)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (np.zeros((1, 28, 28)), OperandError),
        (np.zeros((28, 28), np.uint8), ShapeError),
        (np.zeros((1, 20, 20), np.uint8), ShapeError),
    ],
)
def test_predict_refuses_other_images(finished, images, error):
    with pytest.raises(error):
        run.predict(finished.folder, images)


@pytest.mark.parametrize(
    ("sizes", "counts"), [("784-10", [7850]), ("784-256-10", [200_960, 2570]), ([4, 3, 2], [15, 8])]
)
def test_summary_counts_n_plus_1_times_k(sizes, counts):
    found = run.summary(sizes)
    assert [layer["parameters"] for layer in found["layers"] if layer["kind"] == "Linear"] == counts
    assert found["parameters"] == sum(counts)


def test_summary_of_a_checkpoint_is_that_of_its_sizes(finished):
    kinds = [layer["kind"] for layer in run.summary(finished.folder)["layers"]]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear"]
    assert run.summary(finished.folder)["parameters"] == run.summary("784-32-10")["parameters"]


@pytest.mark.parametrize(("what", "error"), [("784-0", SettingError), ([784], SettingError), ("784", SettingError)])
def test_summary_refuses_anything_else(what, error):
    with pytest.raises(error):
        run.summary(what)


def test_one_step_is_a_small_graph_with_scopes(finished):
    loss = run.one_step(finished)
    nodes = ad.Graph.of(loss).nodes
    assert {node.scope for node in nodes} >= {"mlp/linear1", "mlp/relu1", "mlp/dropout1", "mlp/linear2", "l2"}
    assert [node.name for node in nodes if node.name] == [
        "W", "b", "W", "b", "images", "logits", "labels", "cross-entropy", "penalty", "loss",
    ]  # fmt: skip
    assert len(nodes) < 30
    assert run.one_step(finished.folder).item() == loss.item()


def out_and(configuration, **options):
    return {"out": configuration.out, "epochs": 1, "lr": 1e-9, **options}


def test_finetune_starts_from_the_weights(configuration, finished):
    tuned = run.finetune(run.FineTuning(finished.folder), out_and(configuration))
    assert tuned.configuration.hidden == (32,)
    assert tuned.transfer.lines()[1:] == ["loaded: linear1.weight, linear1.bias, linear2.weight, linear2.bias"]
    assert tuned.test["accuracy"] == pytest.approx(finished.test["accuracy"], abs=0.02)


def test_finetune_gives_other_classes_a_new_last_layer(configuration, finished, source, tmp_path):
    arrays = dict(np.load(source))
    few = {name[2:]: arrays[f"y_{name[2:]}"] < 3 for name in ("x_train", "x_test")}
    file = tmp_path / "three.npz"
    np.savez(file, **{name: array[few[name[2:]]] for name, array in arrays.items()})
    options = out_and(configuration, data=str(file))
    with pytest.raises(CheckpointError, match=r"linear2.weight has shape 32 × 10, needed is 32 × 3"):
        run.finetune(run.FineTuning(finished.folder), options)
    assert not (tmp_path / "run").exists()
    tuned = run.finetune(run.FineTuning(finished.folder, new_head=True), options)
    assert tuned.model.sizes == (784, 32, 3)
    assert tuned.transfer.lines()[1:] == [
        "loaded: linear1.weight, linear1.bias",
        "made anew: linear2.weight (32 × 10 became 32 × 3), linear2.bias (10 became 3)",
    ]
    trained = finished.model.state_dict()["linear1.weight"]
    np.testing.assert_allclose(tuned.model.state_dict()["linear1.weight"], trained, atol=1e-6)


def test_frozen_layers_stay_as_they_were(configuration, finished):
    tuned = run.finetune(run.FineTuning(finished.folder, freeze=("1",)), out_and(configuration, lr=0.01, epochs=2))
    before, after = finished.model.state_dict(), tuned.model.state_dict()
    assert np.array_equal(after["linear1.weight"], before["linear1.weight"])
    assert not np.array_equal(after["linear2.weight"], before["linear2.weight"])
    assert tuned.transfer.frozen == ("linear1.weight", "linear1.bias")
    layers = {layer["name"]: layer["trainable"] for layer in run.summary(tuned.folder)["layers"]}
    assert (layers["linear1"], layers["linear2"]) == (0, 330)
    again = run.resume(tuned.folder, epochs=3)
    assert np.array_equal(again.model.state_dict()["linear1.weight"], before["linear1.weight"])


def test_weights_that_are_taken_over_may_learn_more_slowly(configuration, finished):
    tuning = run.FineTuning(finished.folder, new_head=True, lr_scale=1e-9)
    tuned = run.finetune(tuning, out_and(configuration, lr=0.01))
    before, after = finished.model.state_dict(), tuned.model.state_dict()
    np.testing.assert_allclose(after["linear1.weight"], before["linear1.weight"], atol=1e-7)
    assert np.abs(after["linear2.weight"] - before["linear2.weight"]).max() > 0.01


@pytest.mark.parametrize(
    ("tuning", "options", "words"),
    [
        ({"freeze": ("3",)}, {}, "freeze: there is no layer '3'; the layers are linear1, linear2"),
        ({"freeze": ("1", "2")}, {}, "no layer would be left to train"),
        ({"freeze": ("2",), "new_head": True}, {}, "linear2 is made anew, so it has to be trained"),
        ({}, {"hidden": (64,)}, "the layers are those of the checkpoint, 32"),
        ({}, {"speed": 1}, "unknown option 'speed'"),
    ],
)
def test_fine_tuning_that_cannot_be_is_refused_before_anything_is_written(
    configuration, finished, tmp_path, tuning, options, words
):
    with pytest.raises(SettingError) as info:
        run.finetune(run.FineTuning(finished.folder, **tuning), out_and(configuration) | options)
    assert words in str(info.value)
    assert not (tmp_path / "run").exists()


def photos(folder, names="0123456789", each=6, side=40):
    """A folder of folders of photos, larger than the network takes, some of them dark on light."""
    images, labels = generate(400, seed=9)
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(images[labels == (int(name) if name.isdecimal() else label)][:each]):
            shown = 255 - image if i % 2 else image
            Image.fromarray(shown).resize((side + i, side)).save(folder / name / f"{i}.png")
    return str(folder)


@pytest.mark.parametrize(("validation", "held_out"), [(0.25, 12), (7, 7), (0, 0)])
def test_a_share_or_a_count_is_held_out(configuration, tmp_path, validation, held_out):
    source = photos(tmp_path / "photos")
    done = run.train(replace(configuration, data=source, epochs=1, validation=validation))
    assert len(done.dataset.validation) == held_out
    assert (done.history[0]["validation_loss"] is None) == (held_out == 0)
    assert Configuration.from_toml((done.folder / "config.toml").read_text()).validation == validation


def test_photos_are_brought_to_a_size_that_is_written_back(configuration, tmp_path):
    source = photos(tmp_path / "photos")
    chosen = run.train(replace(configuration, data=source, epochs=1, image_size="20x16"))
    assert chosen.dataset.train.images.shape[1:] == (20, 16)
    assert run.predict(chosen.folder, [tmp_path / "photos" / "3" / "1.png"]).labels.shape == (1,)
    usual = run.train(replace(configuration, data=source, epochs=1), force=True)
    assert usual.configuration.image_size == "28x28"
    assert run.evaluate(usual.folder)["n"] == 12


def test_other_photos_are_brought_to_the_size_and_the_labels_of_the_network(finished, configuration, tmp_path):
    every = photos(tmp_path / "all")
    for part in ("train", "test"):
        photos(tmp_path / "some" / part, names="37")
    told, _ = run.read_pictures(finished.folder, sorted(tmp_path.glob("some/test/*/*.png")))
    right = sum(each.name == each.picture.parent.name for each in told)
    measured = run.evaluate(finished.folder, str(tmp_path / "some"))
    assert (measured["n"], measured["accuracy"]) == (12, right / 12)
    assert right > 4
    tuned = run.finetune(run.FineTuning(finished.folder), {"data": every, "out": configuration.out, "epochs": 1})
    assert tuned.dataset.train.images.shape[1:] == (28, 28)
    pets = photos(tmp_path / "pets", names=("cat", "dog"))
    with pytest.raises(DataError, match="the network knows no class 'cat'"):
        run.evaluate(finished.folder, pets)


def test_what_a_finished_run_writes_more_is_written_while_the_folder_is_locked(configuration, finished):
    def finish(ended):
        with pytest.raises(SettingError, match="another run is writing to"):
            run.resume(configuration.folder)
        written.append(ended.test)

    written = []
    done = run.train(replace(configuration, epochs=1), finish=finish)
    assert written == [done.test]
    run.resume(configuration.folder, finish=lambda ended: written.append(ended.folder))
    assert written[1] == configuration.folder


def test_what_a_killed_process_left_half_written_is_removed_when_the_run_goes_on(configuration):
    run.train(replace(configuration, epochs=1))
    (configuration.folder / ".chainlens-0123456789abcdef.tmp").write_bytes(b"half")
    (configuration.folder / ".chainlens-mine.tmp").write_bytes(b"mine")
    run.resume(configuration.folder)
    assert [file.name for file in configuration.folder.glob(".*")] == [".chainlens-mine.tmp"]


@pytest.mark.parametrize("option", ["patience", "plateau"])
def test_what_judges_by_validation_images_needs_some(configuration, option):
    with pytest.raises(SettingError, match=f"{option} needs validation images"):
        run.train(replace(configuration, validation=0, **{option: 2}))
    assert not configuration.folder.exists()


def test_a_tuned_run_says_what_it_is_made_from_also_after_it_went_on(configuration, finished):
    tuning = run.FineTuning(finished.folder, new_head=True, freeze=("1",), lr_scale=0.1)
    told = []
    stopped = run.finetune(tuning, {"out": configuration.out}, [StopAt(batches=4)], taken=told.append)
    assert stopped.interrupted
    assert told == [stopped.transfer]
    resumed = run.resume(configuration.folder)
    assert resumed.transfer == stopped.transfer
    assert (resumed.transfer.start, resumed.transfer.lr_scale) == (str(finished.folder), 0.1)
    text = (configuration.folder / "config.toml").read_text()
    assert text.startswith(f"# from: {finished.folder}\n# made anew: linear2.weight, linear2.bias\n# frozen: linear1.w")
    assert Configuration.from_toml(text) == resumed.configuration


def test_a_folder_is_used_by_one_run_at_a_time(configuration, tmp_path):
    refused = []

    class Second(Callback):
        def on_train_start(self, training):
            try:
                run.train(configuration, force=True)
            except SettingError as error:
                refused.append(str(error))

    run.train(configuration, [Second()])
    assert refused == [f"out: another run is writing to {tmp_path / 'run'}; wait for its end, or name another folder"]


def test_the_best_and_the_last_epochs_are_kept(configuration, tmp_path):
    run.train(replace(configuration, keep=2))
    assert sorted(path.name for path in (tmp_path / "run/epochs").iterdir()) == ["0002.pkl", "0003.pkl"]
    history = run.resume(tmp_path / "run").history
    best = min(history, key=lambda record: record["validation_loss"])
    assert checkpoint.load(tmp_path / "run/best.pkl")["training"]["epoch"] == best["epoch"]


def test_training_that_diverges_keeps_the_last_good_checkpoint(configuration, tmp_path):
    class Spoil(Callback):
        def on_batch_end(self, training):
            if (training.epoch, training.batch) == (1, 3):
                training.weights[0].data[:] = np.nan

    with pytest.raises(DivergenceError, match=r"epoch 2, batch 4 of \d+: .*linear1.*run keeps the last good"):
        run.train(configuration, [Spoil()])
    assert checkpoint.load(tmp_path / "run/checkpoint.pkl")["training"]["epoch"] == 1
    assert np.isfinite(run.evaluate(tmp_path / "run")["loss"])


def test_classes_and_few_examples_of_each(configuration):
    small = run.train(replace(configuration, classes="3-5", shots=4, epochs=1))
    assert (small.model.sizes[-1], len(small.dataset.train)) == (3, 12)
    assert run.predict(small.folder, small.dataset.test.images).class_names == ("3", "4", "5")
    assert run.evaluate(small.folder)["n"] == len(small.dataset.test)


def test_what_is_done_to_images_is_part_of_the_checkpoint(configuration, finished):
    scaled = run.train(replace(configuration, standardise="dataset"))
    assert run.evaluate(scaled.folder) == scaled.test
    x = scaled.preprocessing(scaled.dataset.train.images)
    assert abs(float(x.mean())) < 1e-3
    tuned = run.finetune(run.FineTuning(scaled.folder), {"out": configuration.out + "2", "epochs": 1})
    assert tuned.preprocessing == scaled.preprocessing


def test_a_checkpoint_that_is_none_is_refused(tmp_path):
    with pytest.raises(MissingCheckpointError):
        run.resume(tmp_path)
    for state in ({"weights": [1.0]}, {"configuration": {}, "model": {}, "data": {}, "training": {}}, [1]):
        checkpoint.save(tmp_path / "other", state)
        with pytest.raises(CheckpointError, match="not the checkpoint of a training run"):
            run.evaluate(tmp_path / "other")


def test_weights_that_do_not_fit_their_network_are_refused(finished, tmp_path):
    state = checkpoint.load(finished.folder / "checkpoint.pkl")
    state["model"]["sizes"] = (784, 31, 10)
    checkpoint.save(tmp_path / "other", state)
    with pytest.raises(CheckpointError, match=r'"linear1.weight" expects shape \(784, 31\), found \(784, 32\)'):
        run.evaluate(tmp_path / "other")


# MNIST


@pytest.mark.parametrize("seed", [0])
def test_an_epoch_of_mnist_reaches_95_percent(mnist_folder, tmp_path, seed):
    configuration = Configuration(data=str(mnist_folder), epochs=1, seed=seed, out=str(tmp_path / "run"))
    assert run.train(configuration).test["accuracy"] > 0.95


# Learning curves


def test_curves_are_written_as_svg_and_png_and_the_same_each_time(tmp_path):
    from viz import plots

    history = fit_rings(epochs=3).history
    files = plots.curves(history, tmp_path / "curves", title="a < b & $c")
    assert [file.name for file in files] == ["curves.svg", "curves.png"]
    assert files[1].read_bytes().startswith(b"\x89PNG")
    svg = files[0].read_text()
    assert '<svg role="img"' in svg
    assert "<title>a &lt; b &amp; $c</title>" in svg
    again = plots.curves(history, tmp_path / "again", title="a < b & $c")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(files, again, strict=True))


@pytest.mark.parametrize("value", [None, "NaN", float("nan"), float("inf")])
def test_curves_leave_a_gap_where_there_is_no_figure(tmp_path, value):
    from viz import plots

    history = [{**record, "validation_loss": value} for record in fit_rings(epochs=1).history]
    assert plots.curves(history, tmp_path / "curves.svg")[0].stat().st_size > 0
    assert "validation loss" not in plots.describe(history)


@pytest.mark.parametrize(("history", "name"), [([], "a.svg"), ([{"epoch": 1}], "a.bmp")])
def test_curves_that_cannot_be_drawn_are_refused(tmp_path, history, name):
    from viz import plots

    with pytest.raises(SettingError):
        plots.curves(history, tmp_path / name)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_an_exported_network_does_what_the_checkpoint_does(finished, configuration, tmp_path, suffix):
    file = run.export(finished.folder, tmp_path / f"network{suffix}")
    assert run.evaluate(file) == finished.test
    images = finished.dataset.test.images[:3]
    assert np.array_equal(run.predict(file, images).probabilities, run.predict(finished.folder, images).probabilities)
    assert run.summary(file) == run.summary(finished.folder)
    tuned = run.finetune(run.FineTuning(file), out_and(configuration))
    assert tuned.test["accuracy"] == pytest.approx(finished.test["accuracy"], abs=0.02)
    with pytest.raises(CheckpointError):
        run.resume(file)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 nearly"])
def test_a_file_that_is_no_exported_network_is_refused(tmp_path, suffix, content):
    file = tmp_path / f"other{suffix}"
    file.write_bytes(content)
    with pytest.raises(CheckpointError) as info:
        run.evaluate(file)
    assert str(file) in str(info.value)
    assert "\n" not in str(info.value)


def test_an_export_needs_a_suffix_and_writes_whole_files(finished, tmp_path):
    with pytest.raises(SettingError, match=r"the suffix must be \.safetensors or \.npz"):
        run.export(finished.folder, tmp_path / "network.bin")
    with pytest.raises(SettingError, match="cannot be written"):
        run.export(finished.folder, tmp_path / "no/folder.npz")
    assert list(tmp_path.iterdir()) == []


def test_weights_without_a_description_are_told(tmp_path):
    np.savez(tmp_path / "plain.npz", weight=np.ones(3))
    with pytest.raises(CheckpointError, match="is not a network that export wrote"):
        run.load_model(tmp_path / "plain.npz")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs(name, source, tmp_path):
    small = {"data": source, "epochs": 1, "out": str(tmp_path / "run")}
    hidden = tuple(8 for _ in Configuration.from_dict(recipe(name)).hidden)
    finished = run.train(Configuration.from_dict({**recipe(name), **small, "hidden": hidden}))
    assert finished.test["n"] == 200
    assert np.isfinite(finished.test["loss"])


def test_an_unknown_recipe_is_told():
    with pytest.raises(SettingError, match="unknown recipe 'nope'; choose from default, linear"):
        recipe("nope")
