"""Tables whose words stay whole: a host and its port, a cipher, a path are not broken in two.

rich narrows the widest column first and breaks words in it, though others could give way.  Here no
column gets narrower than its longest word; where that is too wide for the page, each row becomes
a paragraph of its own, each cell behind its column's name.  Only a word that is longer than a line
is broken, for nothing may be lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from inspector.regex import regex

#: Columns between two cells.
GAP: Final = 2
#: What a cell holds that has nothing to say.
NOTHING: Final = ("", "-")
#: How far the further lines of a paragraph are set in.
_INDENT: Final = 4
_WORD: Final = regex(r"\S+")
#: Behind these a word that is longer than a line is broken.
_MARKS: Final = "?&/"


class FittedTable(Table):
    """A table without lines.  Plain strings are text: rich would read `[red]` in them as markup."""

    def __init__(self, *columns: str, header: bool, header_style: str) -> None:
        super().__init__(
            box=None,
            show_header=header,
            header_style=header_style,
            pad_edge=False,
            padding=(0, GAP, 0, 0),
        )
        for column in columns:
            self.add_column(Text(column), overflow="fold")

    def add_row(self, *cells: RenderableType | None, **options: object) -> None:
        texts = (Text(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*texts, **options)  # type: ignore[arg-type]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wanted = [self._wanted(column, console, options) for column in self.columns]
        widths = fitted(wanted, options.max_width - GAP * (len(wanted) - 1))
        if widths is None:
            yield from self._paragraphs(console, options.max_width)
            return
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        yield from super().__rich_console__(console, options)

    def _wanted(self, column: Column, console: Console, options: ConsoleOptions) -> tuple[int, int]:
        """The longest word, and the longest line."""
        cells = [*column.cells, *([column.header] if self.show_header else [])]
        sizes = [Measurement.get(console, options.update(width=1 << 16), cell) for cell in cells]
        least = column.min_width or 0
        return (
            max((size.minimum for size in sizes), default=0) or least,
            max([least, *(size.maximum for size in sizes)]),
        )

    def _paragraphs(self, console: Console, width: int) -> Iterator[Text]:
        names = [str(column.header) if self.show_header else "" for column in self.columns]
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            told = [
                self._named(name if number else "", cell)
                for number, (name, cell) in enumerate(zip(names, cells, strict=True))
                if isinstance(cell, Text) and cell.plain not in NOTHING
            ]
            yield from _filled(told, console, width)

    def _named(self, name: str, cell: Text) -> Text:
        text = Text(" ").join(cell.split("\n"))
        if not name:
            return text
        return Text().append(f"{name}: ", str(self.header_style)).append_text(text)


def _filled(told: Sequence[Text], console: Console, width: int) -> Iterator[Text]:
    """A paragraph: a cell begins a line where it would not end on the one before."""
    line = Text()
    indent = 0
    for text in told:
        if line.plain and indent + line.cell_len + GAP + text.cell_len <= width:
            line.append(GAP * " ").append_text(text)
            continue
        if line.plain:
            yield Text(indent * " ").append_text(line)
            indent = min(_INDENT, width - 1)
        room = width - indent if text.cell_len <= width - indent else max(1, width - _INDENT)
        *whole, line = broken(text, room).wrap(console, room, overflow="fold")
        for each in whole:
            yield Text(indent * " ").append_text(each)
            indent = min(_INDENT, width - 1)
    if line.plain:
        yield Text(indent * " ").append_text(line)


def broken(text: Text, room: int) -> Text:
    """The text with line ends in words that are longer than a line.

    They stand behind a mark that parts a path or a query, where one is in the second half of a
    line: `/v1/messages?` and `beta=true` can still be read, `/v1/messages?beta=tr` cannot.
    """
    cuts = []
    for word in _WORD.finditer(text.plain):
        start, end = word.span()
        while end - start > room:
            marks = [text.plain.rfind(mark, start, start + room) + 1 for mark in _MARKS]
            best = max(marks)
            start = best if best - start > room // 2 else start + room
            cuts.append(start)
    return Text("\n").join(text.divide(cuts)) if cuts else text


def fitted(wanted: Sequence[tuple[int, int]], room: int) -> list[int] | None:
    """Widths for columns of which each has a longest word and a longest line; None: no room.

    What is left when every column has room for its longest word goes to all alike, up to their
    longest lines.
    """
    if sum(least for least, _ in wanted) > room:
        return None
    widths = [least for least, _ in wanted]
    level, left = 0, room - sum(widths)
    while left and any(width < most for width, (_, most) in zip(widths, wanted, strict=True)):
        level += 1
        for number, (_, most) in enumerate(wanted):
            if left and widths[number] < min(most, level):
                widths[number] += 1
                left -= 1
    return widths
