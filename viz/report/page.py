"""The page of a run: its result and all its pictures in one file, which loads nothing and runs no script.

A policy in the page forbids every request, so that no name of a class, file or option can do harm. Pictures made with
matplotlib are in it twice, for light and for dark; what else there is takes the page's colours.
"""

import html
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

from autodiff.run import Run

from ..figure import Picture, recoloured
from ..html import digest, page_source, variables
from ..theme import DARK, LIGHT
from . import images, sections
from .confusion import MOST_COUNTED, confusion_picture
from .diagram import Diagram
from .findings import Findings, Mistake
from .markup import Markup, clean, element, escape, joined
from .tiles import FirstWeights


class Section(NamedTuple):
    """A part of the page, and its entry in the contents."""

    id: str
    title: str
    content: Markup


def page(
    run: Run,
    findings: Findings,
    worst: Sequence[Mistake],
    first: FirstWeights | None,
    curves: Picture | None,
    diagram: Diagram,
) -> str:
    """The text of the page.

    findings  what the network makes of the test images
    worst     its mistakes that are shown
    first     the weights of its first layer, if they are images
    curves    of its history, if an epoch was finished
    diagram   of one small batch
    """
    parts = [
        Section("result", "Result", sections.result(run)),
        Section("curves", "Learning curves", _picture(curves)),
        Section("confusion", "Confusion matrix", _confusion(findings)),
        Section("mistakes", "Worst mistakes", images.mistakes(findings, worst)),
        Section("weights", "First-layer weights", images.weights(first)),
        Section("layers", "Layers", sections.layers(run)),
        Section("backprop", "One batch", _diagram(diagram)),
        Section("history", "History", sections.history(run)),
        Section("configuration", "Configuration", sections.configuration(run)),
    ]
    if run.transfer is not None:
        parts.insert(1, Section("transfer", "Fine-tuning", sections.transfer(run.transfer)))
    parts = [part for part in parts if part.content]
    style = "\n".join((variables(), page_source("report.css"), sections.matrix_style()))
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    name = clean(run.folder.resolve().name)
    texts = {
        "policy": html.escape(policy, quote=False),
        "title": escape(f"{name}: training run"),
        "heading": escape(name),
        "about": escape(sections.about(run)),
        "style": style,
        "contents": element("ul", joined(element("li", element("a", p.title, href=f"#{p.id}")) for p in parts)),
        "sections": "\n".join(map(_section, parts)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: texts[mark[1]], page_source("report.html"))


def _section(part: Section) -> str:
    heading = element("h2", part.title, id=f"{part.id}-title")
    return element("section", Markup(f"{heading}\n{part.content}"), id=part.id, aria_labelledby=f"{part.id}-title")


def _confusion(findings: Findings) -> Markup:
    many = len(findings.names) > MOST_COUNTED
    return sections.confusion(findings, _picture(confusion_picture(findings), holds_image=True) if many else Markup(""))


def _picture(picture: Picture | None, *, holds_image: bool = False) -> Markup:
    """A picture in the theme that the reader's system is set to."""
    if picture is None:
        return Markup("")
    light = picture.render(".svg", LIGHT, titled=False)
    dark = picture.render(".svg", DARK, titled=False) if holds_image else recoloured(light, LIGHT, DARK)
    width, height = (round(96 * inches) for inches in picture.size)
    image = element("img", None, src=_address(light), alt=picture.description, width=width, height=height)
    source = element("source", None, media="(prefers-color-scheme: dark)", srcset=_address(dark))
    return element("picture", source + image)


def _address(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def _diagram(diagram: Diagram) -> Markup:
    words = "Forward and backward pass of a small batch: values as they were computed, and the gradient of each."
    full = element("label", element("input", None, type="checkbox", id="full") + " Full size", class_="switch")
    return (
        element("p", f"{words} {diagram.description}", class_="note")
        + full
        + sections.scrolled(Markup(diagram.inline), "The backward pass of one batch", class_="scroll diagram")
    )
