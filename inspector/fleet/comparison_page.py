"""Two fleets beside each other as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from inspector.fleet.comparison import RateDifference
from inspector.fleet.sections import said
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, notes, printed, table

_CELL: Final = 60


def render_comparison(
    differences: Sequence[RateDifference], a: str, b: str, *, width: int = 80, color: bool = False
) -> str:
    """The page, at most `width` columns wide."""
    return printed(_blocks(differences, a, b), width=width, color=color)


def _blocks(differences: Sequence[RateDifference], a: str, b: str) -> Iterable[RenderableType]:
    yield Text(f"A  {clipped(a, _CELL)}\nB  {clipped(b, _CELL)}\n", STYLES["title"])
    certain = [each for each in differences if each.excludes_zero]
    chance = round(len(differences) / 20)
    yield from notes(
        Text(
            f"{len(certain)} of {len(differences)} differ (95 % intervals); by chance alone"
            f" {'one or two' if chance < 2 else f'some {chance}'} would."
        )
    )
    for title, some in (
        ("DIFFERENT", certain),
        ("NOT TOLD APART", [each for each in differences if not each.excludes_zero]),
    ):
        if not some:
            continue
        yield Text(title, STYLES["heading"])
        grid = table("", "", "A", "B", "B less A")
        for each in some:
            interval = each.interval
            change = (
                "cannot tell"
                if interval is None
                else f"{100 * interval[0]:+.0f} to {100 * interval[1]:+.0f} %"
            )
            grid.add_row(each.of, clipped(each.name, _CELL), said(each.a), said(each.b), change)
        yield from notes(grid)
