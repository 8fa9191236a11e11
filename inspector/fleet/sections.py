"""What the page of a fleet says, as titles and rows of cells: for terminal and browser alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.fleet.rates import Rate
from inspector.fleet.summary import NONE_FAILED, NamedRun, RunGroup, Summary
from inspector.report.page import words

#: A text, a number of runs or the like, or a rate with its interval.
TableCell: TypeAlias = str | int | Rate

#: Weeks that stand beside each other, the latest; JSON and the tables have all.
WEEKS: Final = 5
#: Causes that are named beside a group.
_FEW: Final = 2


class Section(Fact):
    """A title, a sentence, and a table.  Texts are not escaped: whoever shows them does.

    `total` is how many rows there are where `rows` are the first of them; `is_bad`: look here.
    `picks`: the first column names what other sections have, too.  `is_map`: its numbers are to be
    compared with each other.
    """

    title: str
    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[TableCell, ...]] = ()
    note: str = ""
    total: int = 0
    is_bad: bool = False
    picks: bool = False
    is_map: bool = False

    @property
    def count(self) -> int:
        """All rows, those among them that are not given."""
        return max(self.total, len(self.rows))


def said(cell: TableCell) -> str:
    """A cell in words: `12 of 40 (30 %, 18 to 45)`; of none that could tell `nobody could tell`."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    share, interval = cell.share, cell.interval
    if share is None or interval is None:
        return "nobody could tell"
    percent, low, high = map(_percent, (share, *interval))
    return f"{cell.hits:,} of {cell.of:,} ({percent} %, {low} to {high})"


def _percent(share: float) -> str:
    """Whole ones, and two digits more below one: `37`, `0.15`, `0`."""
    return f"{100 * share:.{2 if 0.00005 <= share < 0.01 else 0}f}"


def heading(told: Summary) -> list[str]:
    """How many runs, and of when."""
    parts = [words.count(told.whole.runs, "run")]
    if told.first is not None:
        parts.append(f"{told.first} to {told.last}")
    if told.before:
        parts.append(f"{told.before:,} before {told.since}")
    return parts


def sections(told: Summary) -> Iterator[Section]:
    """All sections that have something to say, in the order of the page."""
    if told.real_keys:
        yield Section(
            "KEYS THAT LOOK REAL",
            ("day", "run", ""),
            _named(told.with_keys),
            f"in {words.count(told.real_keys, 'run')}",
            told.real_keys,
            is_bad=True,
        )
    yield _causes(told)
    yield from _causes_by_week(told)
    yield from _groups("BY WEEK", reversed(told.weeks.values()), picks=False)
    if told.group_by not in ("cause", "week"):
        by_runs = sorted(told.groups.values(), key=lambda group: (-group.runs, group.name))
        yield from _groups(f"BY {told.group_by.upper()}", by_runs)
    yield from _sent(told)
    yield from _denied(told)
    yield from _new(told)
    if told.policies:
        verdicts = ("kept", "broken", "not proven")
        yield Section(
            "POLICIES",
            ("policy", *verdicts),
            [
                (name, *(counted[verdict] for verdict in verdicts))
                for name, counted in sorted(told.policies.items())
            ],
        )
    if told.with_causes:
        yield Section(
            "RUNS THAT FAILED",
            ("day", "run", "cause"),
            _named(told.with_causes),
            "the latest first",
            told.whole.with_cause,
        )
    if told.failures:
        yield Section(
            "NOT JUDGED",
            ("day", "run", ""),
            _named(told.not_read),
            ", ".join(f"{runs:,} {failure}" for failure, runs in told.failures.most_common()),
            sum(told.failures.values()),
        )


def _causes(told: Summary) -> Section:
    whole = told.whole
    rows: list[tuple[TableCell, ...]] = [
        (code, Rate(runs, whole.could_tell)) for code, runs in whole.causes.most_common()
    ]
    rows.insert(0, (NONE_FAILED, Rate(whole.could_tell - whole.with_cause, whole.could_tell)))
    return Section(
        "WHY RUNS FAILED",
        ("cause", "runs that could tell (95 %)"),
        rows,
        f"{words.count(whole.could_tell, 'run')} could tell; {whole.runs - whole.could_tell:,}"
        " could not: not read, incomplete, or of no cause that can be proven",
        picks=True,
    )


def _causes_by_week(told: Summary) -> Iterator[Section]:
    """How many runs had each cause in each of the last weeks."""
    weeks = list(told.weeks.values())[-WEEKS:]
    counted: Counter[str] = Counter()
    for week in weeks:
        counted.update(week.causes)
    if len(weeks) < 2 or not counted:
        return
    yield Section(
        "CAUSES BY WEEK",
        ("cause", *(week.name for week in weeks)),
        [
            (cause, *(week.causes[cause] or "" for week in weeks))
            for cause, _ in counted.most_common()
        ],
        picks=True,
        is_map=True,
    )


def _groups(title: str, groups: Iterable[RunGroup], *, picks: bool = True) -> Iterator[Section]:
    rows: list[tuple[TableCell, ...]] = [
        (
            group.name,
            group.runs,
            group.failed,
            ", ".join(f"{code} {runs}" for code, runs in group.causes.most_common(_FEW)),
        )
        for group in groups
    ]
    if rows:
        columns = ("", "runs", "failed, of those that could tell", "most often")
        yield Section(title, columns, rows, picks=picks)


def _sent(told: Summary) -> Iterator[Section]:
    found = sorted(told.sent.values(), key=lambda s: (-s.runs, s.client, s.provider, s.auth))
    rows: list[tuple[TableCell, ...]] = [
        (
            sent.client,
            sent.provider,
            sent.auth or "none that was read",
            sent.runs,
            sent.requests if sent.auth else "",
        )
        for sent in found
    ]
    if rows:
        columns = ("client", "provider", "credential", "runs", "requests")
        yield Section("WHAT CLIENTS SENT", columns, rows, picks=True)


def _denied(told: Summary) -> Iterator[Section]:
    found = sorted(told.denied.values(), key=lambda denied: (-denied.runs, denied.host))
    rows: list[tuple[TableCell, ...]] = [
        (denied.host, denied.runs, denied.tunnels) for denied in found
    ]
    if rows:
        columns = ("host", "runs", "CONNECTs")
        yield Section("DENIED BY THE FIREWALL'S RULES", columns, rows)


def _new(told: Summary) -> Iterator[Section]:
    if told.since is None:
        return
    note = ""
    if not told.before:
        note = "no run before it, so that nothing is known to be new"
    elif not told.new:
        note = "nothing that no run had before"
    rows: list[tuple[TableCell, ...]] = [
        (new.kind, new.name, new.first, new.runs) for new in told.new
    ]
    yield Section(f"NEW SINCE {told.since}", ("", "", "first", "runs"), rows, note)


def _named(runs: Iterable[NamedRun]) -> list[tuple[TableCell, ...]]:
    return [(run.day or "", run.run, run.what) for run in runs]
