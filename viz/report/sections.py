"""The parts of a run's page that are words, numbers and tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autodiff.configuration import ROWS, Configuration
from autodiff.run import Run, Transfer, summary

from ..health_table import percent
from ..notation import shorten
from ..numbers import number
from ..plots import as_float
from .confusion import MOST_COUNTED, describe_confusion, strengths
from .findings import Findings
from .markup import Markup, clean, element, joined, row

LEVELS = 9  # of colour in the matrix
MOST_PAIRS = 8
NAME_LENGTH = 24


def about(run: Run) -> str:
    """What was trained on what, in a line."""
    sizes = "-".join(map(str, run.model.sizes))
    data = run.dataset
    images = f"{len(data.train):,} training, {len(data.validation):,} validation and {len(data.test):,} test images"
    return f"A {sizes} perceptron on {clean(data.name)}: {images} in {data.classes} classes."


def result(run: Run) -> Markup:
    """The figures that matter most."""
    assert run.test is not None
    best = best_epoch(run.history)
    seconds = sum(as_float(record["seconds"]) for record in run.history)
    figures = [
        ("test accuracy", accuracy(run.test["accuracy"])),
        ("test loss", number(float(run.test["loss"]))),
        (f"of {int(run.test['n']):,} test images misread", f"{round((1 - run.test['accuracy']) * run.test['n']):,}"),
        ("epochs", f"{len(run.history)} of {run.configuration.epochs}"),
        ("time spent on training", duration(seconds)),
        ("parameters", f"{sum(parameter.size for parameter in run.model.parameters()):,}"),
    ]
    if best is not None:
        figures.insert(2, (f"validation accuracy, best epoch {best['epoch']}", accuracy(best["validation_accuracy"])))
    cells = [
        element("div", element("dt", what) + element("dd", figure), class_="main" if i == 0 else None)
        for i, (what, figure) in enumerate(figures)
    ]
    return element("dl", joined(cells), class_="figures")


def transfer(account: Transfer) -> Markup:
    """What a fine-tuned run took over."""
    rows = [row([kind, what]) for kind, _, what in (line.partition(": ") for line in account.lines())]
    return table(["weights", "parameters"], rows, "What became of each parameter of the checkpoint", class_="words")


def confusion(findings: Findings, picture: Markup) -> Markup:
    """The matrix as a table, or of many classes as a picture; and the pairs that are mixed up most."""
    names = [shorten(name, NAME_LENGTH) for name in findings.names]
    pairs = [
        element("li", f"{names[c.truth]} read as {names[c.read]}: {c.times:,} ({percent(c.share)} of that class)")
        for c in findings.most_confused(MOST_PAIRS)
    ]
    mixed = element("h3", "Most often mixed up") + element("ol", joined(pairs)) if pairs else Markup("")
    words = element("p", describe_confusion(findings), class_="note")
    if len(names) > MOST_COUNTED:
        shares = [row([name, _share(share)]) for name, share in zip(names, findings.accuracies, strict=True)]
        return (
            words
            + picture
            + mixed
            + element("h3", "Accuracy of each class")
            + table(["class", "accuracy"], shares, "Accuracy of each class")
        )
    return words + element("div", _matrix(findings, names) + element("div", mixed), class_="columns")


def _matrix(findings: Findings, names: Sequence[str]) -> Markup:
    levels = np.rint(strengths(findings) * (LEVELS - 1)).astype(int)
    head = row(["class \\ read as", *names, "accuracy"], head=True)
    rows = []
    for i, name in enumerate(names):
        cells = [
            element("td", f"{n:,}" if n else "·", class_=f"{'right' if i == j else 'wrong'}-{levels[i, j]}")
            for j, n in enumerate(findings.counts[i].tolist())
        ]
        share = element("td", _share(findings.accuracies[i]), class_="share")
        rows.append(element("tr", element("th", name, scope="row") + joined(cells, "") + share))
    caption = element("caption", "Rows: the class of an image. Columns: what it is read as.")
    body = element("thead", head) + element("tbody", joined(rows))
    return scrolled(element("table", caption + body, class_="confusion"), "Confusion matrix")


def matrix_style() -> str:
    """The colours of the matrix's cells."""
    shares = [round(45 * level / (LEVELS - 1)) for level in range(LEVELS)]
    return "\n".join(
        f".{kind}-{level} {{ background: color-mix(in srgb, var(--{colour}) {share}%, var(--background)); }}"
        for kind, colour in (("right", "forward"), ("wrong", "backward"))
        for level, share in enumerate(shares)
    )


def layers(run: Run) -> Markup:
    """The layers, their parameters and their arithmetic."""
    found = summary(run.folder)
    rows = [
        row(
            [
                layer["name"],
                layer["kind"],
                " × ".join(map(str, layer["output"])),
                layer.get("formula", "—"),
                f"{layer['parameters']:,}",
                _trained(layer),
                f"{layer['multiply_adds']:,}",
            ]
        )
        for layer in found["layers"]
    ]
    total = [f"{found[name]:,}" for name in ("parameters", "trainable", "multiply_adds")]
    head = ["layer", "kind", "output", "(inputs + 1) × outputs", "parameters", "trained", "multiply-adds"]
    return table(head, rows, "The layers of the network", foot=row(["total", "", "", "", *total]))


def _trained(layer: Mapping[str, Any]) -> str:
    if not layer["parameters"]:
        return "—"
    return f"{layer['trainable']:,}" if layer["trainable"] else "frozen"


def history(run: Run) -> Markup:
    """A row for each epoch."""
    if not run.history:
        return element("p", "No epoch was finished.", class_="note")
    best = best_epoch(run.history)
    rows = []
    for record in run.history:
        is_best = record is best
        epoch = str(record["epoch"])
        first = Markup(f"{epoch} ") + element("span", "best", class_="tag") if is_best else epoch
        cells = [
            figure(record["train_loss"]),
            accuracy(record["train_accuracy"]),
            figure(record["validation_loss"]),
            accuracy(record["validation_accuracy"]),
            figure(record["gradient_norm"]),
            figure(record["update_ratio"]),
            figure(record["learning_rate"]),
            figure(record["seconds"]),
        ]
        rows.append(row([first, *cells], class_="best" if is_best else None))
    head = ["epoch", "train loss", "accuracy", "validation loss", "accuracy", "‖g‖", "‖Δw‖/‖w‖", "learning rate", "s"]
    note = "Training figures are means over the epoch, with dropout; validation figures are measured after it."
    return element("p", note, class_="note") + table(head, rows, "The figures of each epoch")


def configuration(run: Run) -> Markup:
    """Every option; those that are not as they are by default are marked."""
    defaults = Configuration().to_dict()
    rows, changed = [], 0
    for name, value in run.configuration.to_dict().items():
        differs = value != defaults[name]
        changed += differs
        tag = element("span", "changed", class_="tag") if differs else ""
        cells = [element("code", name), option(value), option(defaults[name]), tag, ROWS[name].help]
        rows.append(row(cells, class_="marked" if differs else None))
    note = f"{changed} of {len(rows)} options differ from their defaults."
    head = ["option", "value", "default", "", "what it is"]
    return element("p", note, class_="note") + table(head, rows, "The configuration of the run", class_="words")


def table(
    head: Sequence[str], rows: Sequence[Markup], caption: str, *, foot: Markup | None = None, class_: str | None = None
) -> Markup:
    """A table that scrolls if it is large."""
    content = element("caption", caption) + element("thead", row(head, head=True)) + element("tbody", joined(rows))
    if foot is not None:
        content += element("tfoot", foot)
    return scrolled(element("table", content, class_=class_), caption)


def scrolled(content: Markup, label: str, class_: str = "scroll") -> Markup:
    """Something wide or long in a box that scrolls, also by keyboard."""
    return element("div", content, class_=class_, tabindex=0, role="region", aria_label=label)


def best_epoch(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The record with the lowest validation loss, the first of equal ones; None without a finite one."""
    known = [record for record in history if not math.isnan(as_float(record.get("validation_loss")))]
    return min(known, key=lambda record: as_float(record["validation_loss"]), default=None)


def option(value: object) -> str:
    """An option's value as people write it.

    >>> option((256, 128)), option(()), option(False), option(1e-4), option("")
    ('256, 128', 'none', 'no', '0.0001', '—')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.10g}" if isinstance(value, float) else clean(str(value)) or "—"


def figure(value: Any) -> str:
    """A figure of a record; a dash where there is none."""
    known = as_float(value)
    return "—" if math.isnan(known) else number(known)


def accuracy(value: Any) -> str:
    """An accuracy in per cent, as training prints it; a dash where there is none.

    >>> accuracy(0.98214), accuracy(None)
    ('98.21 %', '—')
    """
    known = as_float(value)
    return "—" if math.isnan(known) else f"{100 * known:.2f} %"


def duration(seconds: float) -> str:
    """A time, as people say it.

    >>> duration(0.5), duration(75), duration(7384)
    ('0.5 s', '1 min 15 s', '2 h 3 min')
    """
    if math.isnan(seconds):
        return "—"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _share(share: float) -> str:
    return "no images" if math.isnan(share) else percent(float(share))
