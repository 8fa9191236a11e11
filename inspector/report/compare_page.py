"""A comparison as a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import RenderableType
from rich.text import Text

from inspector.report.compare import Comparison, Difference
from inspector.report.compare_values import HEADER, Aspect
from inspector.report.page import grouping, words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, notes, printed, table


def page(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """What differs, thing by thing, and what cannot be compared.  All captured text is escaped."""
    return printed(_blocks(comparison), width=width, color=color)


def _blocks(comparison: Comparison) -> Iterator[RenderableType]:
    yield Text(f"A  {clipped(comparison.a, words.CELL)}")
    yield Text(f"B  {clipped(comparison.b, words.CELL)}\n")
    if comparison.filtered:
        told = f"FILTERED by {comparison.filtered}: only these calls are compared, and no verdict\n"
        yield Text(told, STYLES["unknown"])
    if said := _worse(comparison):
        yield Text(f"{said}\n", STYLES["answer"])
    by_thing = grouping.groups(comparison.differences, lambda difference: difference.of)
    for group in by_thing:
        yield Text(group[0].of, STYLES["heading"])
        grid = table("", "A", "B")
        for difference in (d for d in group if not d.aspect.startswith(HEADER)):
            grid.add_row(difference.aspect, _cell(difference.a), _cell(difference.b))
        headers = [d for d in group if d.aspect.startswith(HEADER)]
        if headers and not _is_of_one_side(group):
            grid.add_row("headers", _names(headers, "a"), _names(headers, "b"))
        yield from notes(grid)
    for undecided in grouping.groups(comparison.undecided, lambda each: each.because):
        yield Text("cannot be compared", STYLES["heading"])
        grid = table("", "", header=False)
        for each in undecided:
            grid.add_row(each.of, each.aspect)
        yield from notes(grid)
        yield Text(f"{undecided[0].because}.\n".capitalize(), STYLES["unknown"])
    same = words.count(comparison.alike, "aspect")
    if comparison.differences:
        said = f"{same} alike"
    elif comparison.undecided:
        said = f"No difference that can be told: {same} alike"
    else:
        said = f"No difference: {same} alike"
    if comparison.undecided:
        said += f", {len(comparison.undecided)} not comparable"
    if comparison.ignored:
        said += f", {words.count(comparison.ignored, 'difference')} ignored"
    yield Text(f"{said}.", STYLES["answer"])


def _worse(comparison: Comparison) -> str:
    """Which side has a cause of failed calls, if one alone has; empty otherwise."""
    for each in comparison.differences:
        if (told := each.a or each.b) and told.kind == "cause" and None in (each.a, each.b):
            bad, good = ("A", "B") if each.a is not None else ("B", "A")
            return f"Calls fail in {bad}: {told.shown}. No cause of failed calls is in {good}."
    return ""


def _is_of_one_side(differences: Sequence[Difference]) -> bool:
    """Whether the other side has nothing of the kind: each header would be a difference."""
    return all(d.a is None for d in differences) or all(d.b is None for d in differences)


def _names(differences: Sequence[Difference], side: Literal["a", "b"]) -> Text:
    """Names of headers that one side alone sends."""
    names = [d.aspect.removeprefix(HEADER) for d in differences if getattr(d, side) is not None]
    return Text("\n".join(names)) if names else _cell(None)


def _cell(aspect: Aspect | None) -> Text:
    return Text("-", STYLES["rule"]) if aspect is None else Text(aspect.shown)
