"""The page of a fleet for the terminal: keys that look real first, then causes, weeks, clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from rich.console import RenderableType
from rich.text import Text

from inspector.fleet.rates import Rate
from inspector.fleet.summary import NamedRun, RunGroup, Summary
from inspector.report.page import words
from inspector.report.page.escape import clipped
from inspector.report.page.layout import STYLES, Rows, notes, printed, table

T = TypeVar("T")

#: Rows of one table; -v lifts the limit.
ROWS: Final = 10
_CELL: Final = 80


def render(
    told: Summary, title: str, *, width: int = 80, color: bool = False, verbose: bool = False
) -> str:
    """The page, at most `width` columns wide, with ANSI colours if `color`."""
    blocks = _blocks(told, title, width, None if verbose else ROWS)
    return printed(blocks, width=width, color=color)


def rate(value: Rate) -> str:
    """`12 of 40 (30 %, 18 to 45)`; of none that could tell `nobody could tell`."""
    share, interval = value.share, value.interval
    if share is None or interval is None:
        return "nobody could tell"
    low, high = (100 * end for end in interval)
    return f"{value.hits:,} of {value.of:,} ({100 * share:.0f} %, {low:.0f} to {high:.0f})"


def _blocks(told: Summary, title: str, width: int, limit: int | None) -> Iterable[RenderableType]:
    whole = told.whole
    parts = [words.count(whole.runs, "run")]
    if told.first is not None:
        parts.append(f"{told.first} to {told.last}")
    if told.before:
        parts.append(f"{told.before:,} before {told.since}")
    line = Text("inspector fleet", STYLES["title"])
    line.append(f"  {words.file_name(title, 30)}   {'   '.join(parts)}", "default")
    yield line
    yield Text("-" * width, STYLES["rule"])
    yield from _keys(told, limit)
    yield from _causes(told, limit)
    yield from _groups("BY WEEK", told.weeks.values(), limit)
    if told.group_by not in ("cause", "week"):
        by_runs = sorted(told.groups.values(), key=lambda group: (-group.runs, group.name))
        yield from _groups(f"BY {told.group_by.upper()}", by_runs, limit)
    yield from _sent(told, limit)
    yield from _denied(told, limit)
    yield from _new(told, limit)
    yield from _policies(told)
    yield from _not_read(told, limit)


def _keys(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    if not told.real_keys:
        return
    yield Text("KEYS THAT LOOK REAL", STYLES["heading"])
    yield Text(f"  in {words.count(told.real_keys, 'run')}\n", STYLES["bad"])
    yield from _named(told.with_keys, told.real_keys, limit)


def _causes(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    whole = told.whole
    yield Text("WHY RUNS FAILED", STYLES["heading"])
    cannot = whole.runs - whole.could_tell
    yield Text(
        f"  {words.count(whole.could_tell, 'run')} could tell; {cannot:,} could not: not read,"
        " incomplete, or of no cause that can be proven\n"
    )
    grid = table("cause", "runs that could tell (95 %)")
    shown = whole.causes.most_common()
    for code, runs in _some(shown, limit):
        grid.add_row(clipped(code, _CELL), rate(Rate(runs, whole.could_tell)))
    healthy = Rate(whole.could_tell - whole.with_cause, whole.could_tell)
    grid.add_row("no call failed", rate(healthy))
    yield from Rows(limit, len(shown)).closing(grid)


def _groups(title: str, groups: Iterable[RunGroup], limit: int | None) -> Iterable[RenderableType]:
    found = list(groups)
    if not found:
        return
    yield Text(title, STYLES["heading"])
    grid = table("", "runs", "failed, of those that could tell", "most often")
    for group in _some(found, limit):
        often = ", ".join(f"{code} {runs}" for code, runs in group.causes.most_common(2))
        grid.add_row(
            clipped(group.name, _CELL), f"{group.runs:,}", rate(group.failed), clipped(often, _CELL)
        )
    yield from Rows(limit, len(found)).closing(grid)


def _sent(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    found = sorted(told.sent.values(), key=lambda s: (-s.runs, s.client, s.provider, s.auth))
    if not found:
        return
    yield Text("WHAT CLIENTS SENT", STYLES["heading"])
    grid = table("client", "provider", "credential", "runs", "requests")
    for sent in _some(found, limit):
        grid.add_row(
            clipped(sent.client, 40),
            clipped(sent.provider, 20),
            clipped(sent.auth, 60) or "none that was read",
            f"{sent.runs:,}",
            f"{sent.requests:,}" if sent.auth else "",
        )
    yield from Rows(limit, len(found)).closing(grid)


def _denied(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    found = sorted(told.denied.values(), key=lambda denied: (-denied.runs, denied.host))
    if not found:
        return
    yield Text("DENIED BY THE FIREWALL'S RULES", STYLES["heading"])
    grid = table("host", "runs", "CONNECTs")
    for denied in _some(found, limit):
        grid.add_row(clipped(denied.host, _CELL), f"{denied.runs:,}", f"{denied.tunnels:,}")
    yield from Rows(limit, len(found)).closing(grid)


def _new(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    if told.since is None:
        return
    yield Text(f"NEW SINCE {told.since}", STYLES["heading"])
    if not told.before:
        yield from notes(Text("no run before it, so that nothing is known to be new"))
        return
    if not told.new:
        yield from notes(Text("nothing that no run had before"))
        return
    grid = table("", "", "first", "runs")
    for new in _some(told.new, limit):
        grid.add_row(new.kind, clipped(new.name, _CELL), new.first, f"{new.runs:,}")
    yield from Rows(limit, len(told.new)).closing(grid)


def _policies(told: Summary) -> Iterable[RenderableType]:
    if not told.policies:
        return
    yield Text("POLICIES", STYLES["heading"])
    grid = table("policy", "kept", "broken", "not proven")
    for name, verdicts in sorted(told.policies.items()):
        counts = (f"{verdicts[verdict]:,}" for verdict in ("kept", "broken", "not proven"))
        grid.add_row(clipped(name, _CELL), *counts)
    yield from notes(grid)


def _not_read(told: Summary, limit: int | None) -> Iterable[RenderableType]:
    total = sum(told.failures.values())
    if not total:
        return
    yield Text("NOT JUDGED", STYLES["heading"])
    counts = ", ".join(f"{runs:,} {failure}" for failure, runs in told.failures.most_common())
    yield Text(f"  {counts}\n")
    yield from _named(told.not_read, total, limit)


def _named(runs: Sequence[NamedRun], total: int, limit: int | None) -> Iterable[RenderableType]:
    grid = table("day", "run", "")
    shown = _some(runs, limit)
    for run in shown:
        grid.add_row(run.day or "", clipped(run.run, _CELL), clipped(run.what, 2 * _CELL))
    yield from Rows(len(shown), total).closing(grid)


def _some(items: Sequence[T], limit: int | None) -> Sequence[T]:
    return items if limit is None else items[:limit]
