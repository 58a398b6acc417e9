"""A panel's text that keeps the height it once needed: a step neither moves the panels below nor lays them out anew."""

from typing import Any

from rich.text import Text
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static


def entitle(panel: Widget, title: str) -> None:
    """Write a title into a panel's border, if it is another: setting it paints the whole panel."""
    if panel.border_title != title:
        panel.border_title = title


class Steady(Static):
    """Text as high as the highest that it has shown since the window was resized.

    Layout is most of what a step would cost, and lines that jump with every step are hard to read.
    """

    rows = 0

    def put(self, text: Text) -> None:
        """Show a text, if it is another."""
        if text == self.content:
            return
        self.update(text, layout=False)
        self._grow()

    def on_resize(self) -> None:
        self._grow()  # a text that came before the width is measured now

    def _grow(self) -> None:
        if self._needed(self.content_size.width) > self.rows:
            self.refresh(layout=True)

    def forget(self) -> None:
        """Be as high as the text needs now."""
        self.rows = 0
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self.rows = max(self.rows, self._needed(width))
        return self.rows

    def _needed(self, width: int) -> int:
        rules: Any = self.styles
        return self.visual.get_height(rules, width) if width else 0
