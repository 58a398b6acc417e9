"""The line of keys at the bottom of the full screen: as many as there is room for, each with its word."""

from collections.abc import Sequence
from typing import Any

from textual.widgets import Footer

from ..cells import width as cells


class KeyLine(Footer):
    """The footer without a key whose word would be cut off; the help has them all."""

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._hide_what_is_cut())

    def _hide_what_is_cut(self) -> None:
        keys: Sequence[Any] = self.children
        end = 0
        for key in keys:  # measured here: what is hidden has no place
            end += cells(f"{key.key_display} {key.description}")
            if key.visible != (end <= self.size.width):
                key.visible = not key.visible
            end += 1
