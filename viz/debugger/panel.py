"""A panel of lines that paints only those that changed, and keeps the height it once needed.

Wrapping, layout and painting whole panels are most of what a step would cost in textual's own widgets; and lines that
jump with every step are hard to read.
"""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Panel(ScrollView, can_focus=False):
    """Lines, each of which fits the panel's width; what does not fit is cut off.

    rows  how many lines it has room for: as many as it has had to show since the window was resized
    """

    ALLOW_SELECT = False  # no key copies here; terminals select by the mouse with Shift

    def __init__(self, id: str, classes: str = "panel") -> None:
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Text] = ()
        self.rows = 0
        self._style = Style()
        self._painted: list[Text | None] = []  # what stands in each row of the panel

    @property
    def text(self) -> str:
        """What the panel shows, without its colours."""
        return "\n".join(line.plain for line in self.lines)

    def put(self, title: str, lines: Sequence[Text]) -> None:
        """Show a title in the border, and lines."""
        if title != (self.border_title or ""):
            self.border_title = title  # paints the whole panel
        self.lines = lines
        if len(lines) > self.rows:
            self.make_room(len(lines))
        self.paint()

    def make_room(self, rows: int) -> None:
        """Be so many lines high, if the window allows."""
        self.rows = rows
        self.refresh(layout=True)

    def paint(self) -> None:
        """Have those rows painted that are to show another line than they do."""
        first, height = self.scroll_offset.y, self.size.height
        wanted: list[Text | None] = [*self.lines[first : first + height]]
        wanted += [None] * (height - len(wanted))
        before = self._painted if len(self._painted) == height else [None] * height
        self._painted = wanted
        changed = [Region(0, y, self.size.width, 1) for y, line in enumerate(wanted) if line != before[y]]
        if changed:
            self.refresh(*changed)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = round(new_value)
        self.paint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.rows

    def render_lines(self, crop: Region) -> list[Strip]:
        self._style = self.rich_style  # once: it is composed of what all ancestors say
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        if number >= len(self.lines):
            return Strip.blank(self.size.width, self._style)
        return Strip(Segment.apply_style(self.lines[number].render(self.app.console), self._style))
