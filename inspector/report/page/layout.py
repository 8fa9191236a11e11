"""The looks of a page: styles, a table without lines, a block below its heading."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from inspector.fact import Fact
from inspector.report.page.columns import FittedTable
from inspector.report.page.escape import defused

#: Meaning -> rich style.  Colour repeats what the words say, it never says more.
STYLES: Final[Mapping[str, str]] = {
    "default": "default",
    "title": "bold",
    "heading": "bold",
    "answer": "bold",
    "rule": "dim",
    "column": "dim",
    "letter": "cyan",
    "good": "green",
    "bad": "red",
    "complete": "bold green",
    "unknown": "bold yellow",
    "incomplete": "bold red",
}


def printed(blocks: Iterable[RenderableType], *, width: int, color: bool) -> str:
    """The blocks below each other, at most `width` columns wide, with ANSI colours if `color`.

    Nothing of the environment has a say (a terminal, Jupyter, NO_COLOR): who
    calls has asked it.  No line ends in spaces, and none is a command to a runner.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        force_jupyter=False,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for block in blocks:
        console.print(block)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return defused("\n".join(lines).rstrip("\n")) + "\n"


def table(*columns: str, header: bool = True) -> Table:
    """A table of columns that fold between words: nothing captured is lost to an ellipsis."""
    return FittedTable(*columns, header=header, header_style=STYLES["column"])


def notes(block: RenderableType) -> Iterable[RenderableType]:
    """A block set in by two, with an empty line after it."""
    yield Padding(block, (0, 0, 1, 2))


class Rows(Fact):
    """How many of `total` rows a table shows: `limit`, or all of them if None."""

    limit: int | None
    total: int

    @property
    def shown(self) -> int:
        return self.total if self.limit is None else min(self.limit, self.total)

    def closing(self, grid: Table) -> Iterable[RenderableType]:
        """The table, and a line that counts the rows left out."""
        left_out = self.total - self.shown
        if not left_out:
            yield from notes(grid)
            return
        yield Padding(grid, (0, 0, 0, 2))
        yield from notes(Text(f"... {left_out:,} more rows with -v or --limit", STYLES["rule"]))
