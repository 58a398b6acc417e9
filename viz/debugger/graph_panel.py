"""The graph on the full screen: a panel that scrolls, and in it the drawing, whose nodes can be clicked."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size

from ..boxes import Place
from .steady import Steady, entitle


class GraphPanel(VerticalScroll):
    """The panel of the graph; it has the keys as long as nothing is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [  # these step and do not scroll; the wheel, Page Up and Page Down do
        Binding("right,down", "app.run('next')", show=False, priority=True),
        Binding("left,up", "app.run('back')", show=False, priority=True),
        Binding("home", "app.run('goto 1')", show=False, priority=True),
        Binding("end", "app.run('goto end')", show=False, priority=True),
    ]

    def __init__(self, pick: Callable[[int], None], redraw: Callable[[], None]) -> None:
        super().__init__(id="graph", classes="panel")
        self.canvas = Canvas(pick)
        self._redraw, self._drawn_for = redraw, 0
        self._shown: Place | None = None
        self._sizes: tuple[Size, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.canvas

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._follow())

    def _follow(self) -> None:
        """After a layout: draw for the width that the panel has got, and scroll for the heights.

        A change of size tells of neither: borders go and come, and a drawing gets its height after the panel.
        """
        sizes = self.content_size, self.virtual_size, self.container_size
        if self._shown is None or not self.content_size or sizes == self._sizes:
            return
        self._sizes = sizes
        if self._drawn_for != self.room:
            self._redraw()
        else:
            self.reveal()

    @property
    def room(self) -> int:
        """The columns that a drawing may take."""
        return max(20, self.content_size.width - 1)

    def draw(self, title: str, text: Text, places: Mapping[int, Place], current: int) -> None:
        """Show a drawing, with the place of the current node in the middle."""
        entitle(self, title)
        self._drawn_for = self.room
        self.canvas.places = places
        self.canvas.put(text)
        self._shown = places[current]
        self.reveal()

    def reveal(self) -> None:
        """Scroll so that the current node is in the middle."""
        if self._shown is not None:
            middle = self._shown.row - (self.content_size.height - self._shown.height) // 2
            self.scroll_to(y=middle, animate=False, immediate=True)


class Canvas(Steady):
    """The drawing. A click on a node picks it."""

    def __init__(self, pick: Callable[[int], None]) -> None:
        super().__init__(id="canvas")
        self.places: Mapping[int, Place] = {}
        self._pick = pick

    def _needed(self, width: int) -> int:
        return str(self.content).count("\n") + 1  # its lines fit the width: they need no wrapping to be counted

    def on_click(self, event: events.Click) -> None:
        for id, place in self.places.items():
            if 0 <= event.y - place.row < place.height and 0 <= event.x - place.column < place.width:
                self._pick(id)
