"""The graph on the full screen: a panel that scrolls, with a drawing whose nodes can be clicked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size

from ..boxes import Place
from .panel import Panel


class GraphPanel(Panel, can_focus=True):
    """The panel of the graph; it has the keys as long as nothing is typed.

    places  where each node that is drawn stands in the lines
    """

    BINDINGS: ClassVar[list[BindingType]] = [  # these step and do not scroll; the wheel, Page Up and Page Down do
        Binding("right,down", "app.run('next')", show=False, priority=True),
        Binding("left,up", "app.run('back')", show=False, priority=True),
        Binding("home", "app.run('goto 1')", show=False, priority=True),
        Binding("end", "app.run('goto end')", show=False, priority=True),
    ]

    def __init__(self, pick: Callable[[int], None], redraw: Callable[[], None]) -> None:
        super().__init__("graph")
        self.places: Mapping[int, Place] = {}
        self._pick, self._redraw = pick, redraw
        self._shown: Place | None = None
        self._sizes: tuple[Any, ...] = ()

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self.follow())

    def follow(self) -> None:
        """After a layout: draw for the sizes that there are now, and scroll for them.

        A change of size tells of neither: borders go and come, and a drawing gets its height after the panel.
        """
        sizes = self.app.size, self.content_size, self.virtual_size, self.container_size
        if self.content_size and sizes != self._sizes:
            self._sizes = sizes
            self._redraw()

    @property
    def room(self) -> int:
        """The columns that a drawing may take."""
        return max(20, self.content_size.width - 1)

    def draw(self, title: str, lines: Sequence[Text], places: Mapping[int, Place], current: int) -> None:
        """Show a drawing, with the place of the current node in the middle."""
        self.places, self._shown = places, places[current]
        self.lines = lines
        if len(lines) > self.rows:
            self.make_room(len(lines))
        self.reveal()
        self.put(title, lines)

    def make_room(self, rows: int) -> None:
        self.rows = rows
        self.virtual_size = Size(0, rows)

    def reveal(self) -> None:
        """Scroll so that the current node is in the middle."""
        if self._shown is not None:
            middle = self._shown.row - (self.content_size.height - self._shown.height) // 2
            self.scroll_to(y=middle, animate=False, force=True)  # before the scrollbar has come, too

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x, y = offset + self.scroll_offset
        for id, place in self.places.items():
            if 0 <= y - place.row < place.height and 0 <= x - place.column < place.width:
                self._pick(id)
