"""The line of keys at the bottom of the full screen: as many as there is room for, each with its word."""

from textual.widgets import Footer


class KeyLine(Footer):
    """The footer without a key whose word would be cut off; the help has them all."""

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._hide_what_is_cut())

    def _hide_what_is_cut(self) -> None:
        for key in self.children:
            fits = key.virtual_region.right <= self.size.width
            if key.visible != fits:
                key.visible = fits
