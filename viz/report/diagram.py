"""The diagram of a computation, drawn once for a file and for a page, where it takes the page's colours."""

import re
from dataclasses import dataclass
from typing import Any, Self

from ..drawing import described, dot_source
from ..render import render
from ..theme import LIGHT, Theme
from ..view import recorded, view

SHARED = ("background", "text", "quiet", "line", "forward", "backward", "alarm", "alarm_fill", "scope", "scope_fill")


@dataclass(frozen=True)
class Diagram:
    """The computation of a value, with its gradients, from top to bottom.

    svg          as `viz.draw` writes it
    inline       an SVG element in the colours of a page with `html.variables`
    description  in words
    """

    svg: str
    inline: str
    description: str

    @classmethod
    def of(cls, subject: Any) -> Self:
        """That of a Scalar or Tensor with one element."""
        record, ids = recorded(subject)
        content = view(record, ids=ids)
        text = described(render(dot_source(content, _MARKED, "TB"), "svg").decode(), content)
        light = _MARK.sub(lambda found: f'{found[1]}="{_MARKS[found[2]][1]}"', text)
        page = _MARK.sub(lambda found: f'{found[1]}="var(--{_MARKS[found[2]][0]})"', text)
        return cls(light, page[page.index("<svg") :], content.description)


def _marked() -> tuple[Theme, dict[str, tuple[str, str]]]:
    """A theme whose colours stand for others, and what each stands for: a variable of the page, a colour of the file.

    None of them is grey, as the pixels of thumbnails are.
    """
    marks: dict[str, tuple[str, str]] = {}

    def mark(variable: str, colour: str) -> str:
        name = f"#01{len(marks):02x}fe"
        marks[name] = variable, colour
        return name

    theme = Theme(
        name="page",
        **{name: mark(name.replace("_", "-"), getattr(LIGHT, name)) for name in SHARED},
        fill={kind: mark(f"fill-{kind}", colour) for kind, colour in LIGHT.fill.items()},
        border={kind: mark(f"border-{kind}", colour) for kind, colour in LIGHT.border.items()},
        highlight=mark("forward", LIGHT.highlight),
        heat=LIGHT.heat,
    )
    return theme, marks


_MARKED, _MARKS = _marked()
_MARK = re.compile(rf'(fill|stroke)="({"|".join(_MARKS)})"')
