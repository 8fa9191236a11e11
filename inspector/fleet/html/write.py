"""The page of a fleet: its numbers and sections as cells that are escaped, drawn and filtered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from inspector.fact import Fact
from inspector.fleet.rates import Rate
from inspector.fleet.sections import Section, TableCell, heading, said, sections
from inspector.fleet.summary import Summary
from inspector.model.provenance import this_tool
from inspector.report.html.frame import write_page
from inspector.report.page.escape import clipped

PAGE: Final = "fleet.html"
#: Rows of one table; the tables themselves and --format json have all.
ROWS: Final = 500
_CELL: Final = 300
#: Shades of a number among the others of its section.
_SHADES: Final = 5


class DrawnCell(Fact):
    """A cell as the template needs it; texts are escaped for people.

    `bar` has the interval's begin and width and the rate, in percent, of a rate with an interval.
    """

    text: str
    is_number: bool = False
    shade: int = 0
    bar: tuple[float, float, float] | None = None


class Figure(Fact):
    """A number at the top of the page, where it stands, and what kind of news it is."""

    value: str
    meaning: str
    place: str = ""
    tone: str = ""


def write_html(told: Summary, title: str, out: BinaryIO) -> None:
    """Write the page."""
    tool = this_tool()
    words = {
        "title": _shown(title),
        "facts": [_shown(fact) for fact in heading(told)],
        "figures": list(_figures(told)),
        "sections": [_drawn(section) for section in sections(told)],
        "tool": _shown(f"{tool.name} {tool.version}"),
    }
    write_page(__package__, words, out)


def _figures(told: Summary) -> Iterator[Figure]:
    whole = told.whole
    yield Figure(f"{whole.runs:,}", "runs", "#by-week")
    yield Figure(f"{whole.could_tell:,}", "could tell whether a call failed", "#why-runs-failed")
    share = whole.failed.share
    yield Figure(
        "?" if share is None else f"{100 * share:.0f} %",
        "of these failed",
        "#why-runs-failed",
        "bad" if whole.with_cause else "good",
    )
    if told.real_keys:
        yield Figure(
            f"{told.real_keys:,}", "sent a key that looks real", "#keys-that-look-real", "bad"
        )
    if told.denied:
        yield Figure(
            f"{len(told.denied):,}", "hosts and ports denied", "#denied-by-the-firewalls-rules"
        )
    if failures := sum(told.failures.values()):
        yield Figure(f"{failures:,}", "could not be judged", "#not-judged", "unsure")


def _drawn(section: Section) -> dict[str, Any]:
    rows = section.rows[:ROWS]
    most = max((cell for row in rows for cell in row if isinstance(cell, int)), default=0)
    numbers = {at for row in rows for at, cell in enumerate(row) if isinstance(cell, int)}
    return {
        "id": "-".join(section.title.lower().replace("'", "").split()),
        "title": _shown(section.title.capitalize()),
        "note": _shown(section.note),
        "is_bad": section.is_bad,
        "picks": section.picks,
        "is_map": section.is_map,
        "columns": [(_shown(name), at in numbers) for at, name in enumerate(section.columns)],
        "rows": [
            [_cell(cell, at in numbers, most if section.is_map else 0)
             for at, cell in enumerate(row)]
            for row in rows
        ],
        "left": section.count - len(rows),
    }  # fmt: skip


def _cell(cell: TableCell, is_number: bool, most: int) -> DrawnCell:
    text = _shown(said(cell))
    if isinstance(cell, Rate):
        share, interval = cell.share, cell.interval
        if share is None or interval is None:
            return DrawnCell(text)
        low, high = (round(100 * end, 1) for end in interval)
        return DrawnCell(text, bar=(low, round(high - low, 1), round(100 * share, 1)))
    shade = -(-_SHADES * cell // most) if isinstance(cell, int) and most else 0
    return DrawnCell(text, is_number, shade)


def _shown(text: str) -> str:
    return clipped(text, _CELL)
