"""How values, graphs and traces show themselves in a notebook: as the picture that `viz` draws, once it is imported.

The engine imports no drawing. It asks whoever registered here, and without anybody a notebook shows the text of `repr`.
"""

from collections.abc import Callable
from typing import Any

Picture = Callable[[Any, str], str | None]  # (subject, "svg" or "html") -> the picture, None for what has none
painters: list[Picture] = []


def picture(subject: Any, form: str) -> str | None:
    """The picture that was last registered to be drawn of such a thing; None without one."""
    return painters[-1](subject, form) if painters else None


class Displayed:
    """Something that notebooks show as its picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str | None:
        return picture(self, "svg")

    def _repr_html_(self) -> str | None:
        return picture(self, "html")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return mimebundle(self)


def mimebundle(subject: Any) -> dict[str, str]:
    """Every form that a notebook may choose from: the text always, the picture if there is one."""
    found = {"image/svg+xml": picture(subject, "svg"), "text/html": picture(subject, "html")}
    return {"text/plain": repr(subject)} | {kind: text for kind, text in found.items() if text is not None}
