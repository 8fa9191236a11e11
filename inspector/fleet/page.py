"""The page of a fleet for the terminal: keys that look real first, then causes, weeks, clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.fleet.sections import heading, said, sections
from inspector.fleet.summary import Summary
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, Rows, notes, printed, table

#: Rows of one table; -v lifts the limit.
ROWS: Final = 10
#: Longest text of one cell, in characters.
CELL: Final = 160


def render(
    told: Summary, title: str, *, width: int = 80, color: bool = False, verbose: bool = False
) -> str:
    """The page, at most `width` columns wide, with ANSI colours if `color`."""
    blocks = _blocks(told, title, width, None if verbose else ROWS)
    return printed(blocks, width=width, color=color)


def _blocks(told: Summary, title: str, width: int, limit: int | None) -> Iterable[RenderableType]:
    line = Text("inspector fleet", STYLES["title"])
    line.append(f"  {words.file_name(title, 30)}   {'   '.join(heading(told))}", "default")
    yield line
    yield Text("-" * width, STYLES["rule"])
    for section in sections(told):
        yield Text(section.title, STYLES["bad" if section.is_bad else "heading"])
        if not section.rows:
            yield from notes(Text(section.note))
            continue
        if section.note:
            yield Text(f"  {section.note}\n")
        grid = table(*section.columns)
        shown = section.rows if limit is None else section.rows[:limit]
        for row in shown:
            grid.add_row(*(clipped(said(cell), CELL) for cell in row))
        yield from Rows(len(shown), section.count).closing(grid)
