"""What a run folder shows of its run: the page, its pictures, and what networks of any kind do to them."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from drawings import HOSTILE
from PIL import Image
from test_html import Outline

from autodiff import run
from autodiff.configuration import ROWS, Configuration
from viz import draw, report
from viz.figure import recoloured
from viz.plots import curves_picture, overlaid
from viz.report import Findings
from viz.report.confusion import strengths
from viz.report.folder import FILES
from viz.report.sections import duration
from viz.report.tiles import FirstWeights, mistakes_picture
from viz.theme import DARK, LIGHT


class Page(Outline):
    VOID = (*Outline.VOID, "source")


def data_file(folder, classes, size, train=60, test=30):
    """Noise with a bright pixel where the class is, as an .npz; every third test image lies about its class."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", train), ("test", test)):
        images = rng.integers(0, 100, (n, *size), dtype=np.uint8)
        labels = np.arange(n) % classes
        images.reshape(n, -1)[np.arange(n), labels] = 255
        if split == "test":
            labels[::3] = (labels[::3] + 1) % classes
        arrays |= {f"x_{split}": images, f"y_{split}": labels}
    file = folder / f"{classes} classes.npz"
    np.savez(file, **arrays)
    return str(file)


def trained(folder, *, classes=3, size=(4, 4), train=60, **options):
    options = {"epochs": 2, "hidden": (6,), "batch": 16} | options
    file = data_file(folder, classes, size, train)
    return run.train(Configuration(data=file, out=str(folder / "run"), **options), force=True)


def linear_and_narrow(folder):
    """One epoch, no hidden layer, no validation images, images of 2 × 9 pixels, two classes."""
    found = trained(folder, classes=2, size=(2, 9), train=4, hidden=(), epochs=1)
    assert not len(found.dataset.validation)
    return found


def many_classes(folder):
    return trained(folder, classes=45, size=(7, 7), train=135, hidden=(8,), epochs=1)


def hostile_and_finetuned(folder):
    """A fine-tuned run, in which all that has a name has a bad one, and figures are missing."""
    first = trained(folder, classes=3)
    tuning = run.FineTuning(first.folder, new_head=True, freeze=("1",))
    found = run.finetune(tuning, {"out": str(folder / "<img src=x onerror=alert(1)>")})
    names = ('</td><script>alert("x")</script>', "$x^2$\x1b[31m\ud800", "\u202e" + "n" * 500)
    history = [{**record, "gradient_norm": float("nan"), "update_ratio": None} for record in found.history]
    return replace(found, dataset=replace(found.dataset, class_names=names, name="&<b>"), history=history)


RUNS = {f.__name__: f for f in (linear_and_narrow, many_classes, hostile_and_finetuned)}


@pytest.fixture(scope="module", params=RUNS)
def written(request, tmp_path_factory):
    """A run, and the files written of it by name."""
    found = RUNS[request.param](tmp_path_factory.mktemp(request.param))
    return found, {file.name: file for file in report.write(found)}


def test_every_file_is_there_and_none_is_left_half_written(written):
    found, files = written
    assert set(files) == set(FILES)
    left = {path.name for path in found.folder.iterdir()} - set(files)
    assert left <= {"config.toml", "history.jsonl", "checkpoint.pkl", "best.pkl"}


def test_pictures_have_something_on_them_and_words_beside_them(written):
    for name, file in written[1].items():
        if file.suffix == ".png":
            with Image.open(file) as picture:
                assert len(picture.convert("RGB").getcolors(1 << 24)) > 5, name
        elif file.suffix == ".svg":
            root = ET.parse(file).getroot()
            assert len("".join(root.find(".//{*}desc").itertext())) > 20, name


def test_the_page_is_well_formed_and_loads_nothing(written):
    text = written[1]["report.html"].read_text()
    page = Page(text)
    assert not page.faults
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "srcset"):
                assert value.startswith("data:image/")
            if name == "href":
                assert value.startswith("#")
        assert not {name for name in attributes if name.startswith("on") or name == "style"}, tag
        assert tag not in ("script", "link", "iframe", "object")
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert "url(" not in style


def test_the_page_can_be_read_without_seeing_it_and_used_without_a_mouse(written):
    page = Page(written[1]["report.html"].read_text())
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for tag, attributes in page.tags:
        if tag == "img":
            assert "alt" in attributes
        if "href" in attributes:
            assert attributes["href"][1:] in ids
        if tag == "section":
            assert attributes["aria-labelledby"] in ids
        if attributes.get("class", "").startswith("scroll"):
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]
    assert sum(tag == "h1" for tag, _ in page.tags) == 1


def test_the_page_says_what_the_run_says(written):
    found, files = written
    text = files["report.html"].read_text()
    assert f"{100 * found.test['accuracy']:.2f} %" in text
    assert all(f"<code>{name}</code>" in text for name in ROWS)
    changed = sum(value != getattr(Configuration(), name) for name, value in found.configuration.to_dict().items())
    assert text.count('<tr class="marked">') == changed
    assert text.count("<figure>") == min(24, round((1 - found.test["accuracy"]) * found.test["n"])) + min(
        64, found.model.sizes[1]
    )
    assert ("What became of each parameter" in text) == (found.transfer is not None)


def test_the_result_is_strict_json_that_agrees_with_the_run(written):
    found, files = written
    result = json.loads(files["result.json"].read_text(), parse_constant=lambda name: pytest.fail(name))
    assert result["test"] == found.test
    assert result["epochs"] == len(found.history)
    confusion = np.array(result["confusion"])
    assert confusion.sum() == found.test["n"]
    assert confusion.trace() / confusion.sum() == pytest.approx(found.test["accuracy"])


@pytest.mark.parametrize("written", ["linear_and_narrow"], indirect=True)
def test_the_same_run_gives_the_same_bytes_and_the_diagram_is_the_one_that_is_drawn(written):
    found, files = written
    first = {name: file.read_bytes() for name, file in files.items()}
    assert {file.name: file.read_bytes() for file in report.write(found)} == first
    assert first["backprop.svg"].decode() == draw(run.one_step(found), direction="TB").svg


def test_an_interrupted_run_has_its_curves_and_nothing_of_an_earlier_one(tmp_path):
    found = trained(tmp_path)
    for name in FILES:
        (found.folder / name).write_text("of an earlier run")
    stopped = replace(found, test=None, interrupted=True)
    assert [file.name for file in report.write(stopped)] == ["curves.svg", "curves.png"]
    assert {path.name for path in found.folder.iterdir()} & set(FILES) == {"curves.svg", "curves.png"}
    assert report.write(replace(stopped, history=[])) == []
    assert not (found.folder / "curves.svg").exists()


def test_without_a_mistake_there_is_no_picture_of_mistakes():
    right = Findings(np.zeros((2, 3, 3), np.uint8), np.array([0, 1]), np.eye(2), ("a", "b"))
    assert right.worst(5) == []
    assert mistakes_picture(right, []) is None


FINDINGS = Findings(
    np.zeros((4, 2, 2), np.uint8),
    np.array([0, 0, 1, 1]),
    np.array([[0.0, 1.0, 0.0], [0.4, 0.6, 0.0], [0.9, 0.1, 0.0], [0.0, 1.0, 0.0]]),
    ("a", "b", "never seen"),
)


def test_the_worst_mistakes_come_first_even_where_a_probability_is_zero():
    worst = FINDINGS.worst(10)
    assert [mistake.image for mistake in worst] == [0, 2, 1]
    assert all(np.isfinite(mistake.loss) for mistake in worst)
    assert [mistake.image for mistake in FINDINGS.worst(1)] == [0]


def test_a_class_without_images_has_no_accuracy():
    assert FINDINGS.counts.tolist() == [[0, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert FINDINGS.accuracies[:2].tolist() == [0.0, 0.5]
    assert np.isnan(FINDINGS.accuracies[2])
    assert np.isfinite(strengths(FINDINGS)).all()


def test_of_many_units_the_strongest_are_shown():
    from autodiff import nn

    model = nn.MLP([9, 100, 2], rng=np.random.default_rng(0))
    model.linear1.weight.data[:, 40] = 5.0
    first = FirstWeights.of_model(model, (3, 3), ("a", "b"))
    assert (len(first.names), first.of) == (64, 100)
    assert "unit 40" in first.names
    assert (first.images[first.names.index("unit 40")] == 5).all()
    assert FirstWeights.of_model(model, (3, 4), ("a", "b")) is None
    model.linear1.weight.data[...] = 0
    assert FirstWeights.of_model(model, (3, 3), ("a", "b")).limit > 0
    alone = nn.MLP([9, 2], rng=np.random.default_rng(0))
    assert FirstWeights.of_model(alone, (3, 3), ("a", "b")).names == ("a", "b")


RECORD = {"epoch": 1, "train_loss": 0.5, "train_accuracy": 0.9, "validation_loss": 0.4, "validation_accuracy": 0.8}


@pytest.mark.parametrize(
    ("more", "panels"),
    [
        ({}, 2),
        ({"gradient_norm": float("nan"), "update_ratio": "NaN"}, 2),
        ({"gradient_norm": 1.0, "update_ratio": None}, 3),
        ({"gradient_norm": 1e-9, "update_ratio": 0.0}, 4),
        ({"gradient_norm": 0.0, "update_ratio": 1e300}, 4),
    ],
)
def test_curves_have_a_panel_for_each_figure_that_there_is(more, panels):
    from matplotlib.figure import Figure

    figure = Figure()
    curves_picture([RECORD | more, {**RECORD, **more, "epoch": 2}]).paint(figure, LIGHT)
    assert len(figure.axes) == panels
    assert all(axes.lines for axes in figure.axes)


def test_figures_of_very_different_sizes_stand_on_a_logarithmic_axis():
    from matplotlib.figure import Figure

    history = [{**RECORD, "epoch": i, "gradient_norm": 10.0**-i, "update_ratio": 1 / i} for i in (1, 2, 3)]
    figure = Figure()
    curves_picture(history).paint(figure, LIGHT)
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "linear", "log", "linear"]


def test_curves_recoloured_are_the_curves_drawn_in_the_dark():
    picture = curves_picture([RECORD, {**RECORD, "epoch": 2}])
    light, dark = (picture.render(".svg", theme) for theme in (LIGHT, DARK))
    one, other = (
        re.sub(rb'"#?[mp][0-9a-f]{10}"|#[mp][0-9a-f]{10}', b"", svg) for svg in (recoloured(light, LIGHT, DARK), dark)
    )
    assert one == other  # but for the ids of marks and clipping paths, which are made from their looks


def test_runs_of_any_name_are_laid_over_each_other(tmp_path):
    names = [*HOSTILE[:6], HOSTILE[-1], "漢字", "\x1b[31m", "x" * 900]
    histories = {name: [RECORD] for name in names} | {
        "empty": [],
        "no validation": [{**RECORD, "validation_loss": None}],
    }
    root = ET.parse(overlaid(histories, tmp_path / "c.svg")[0]).getroot()
    assert root.find("{*}desc").text.count("After epoch 1") == len(names) + 1


@pytest.mark.parametrize(("seconds", "text"), [(0, "0.0 s"), (59.97, "1 min 0 s"), (3600, "1 h 0 min")])
def test_times_carry_over(seconds, text):
    assert duration(seconds) == text


def test_a_new_run_clears_what_a_report_wrote():
    from autodiff.run.folder import PICTURES, REPORT
    from viz.report.folder import FILES

    assert sorted(FILES) == sorted((*REPORT, *PICTURES))
