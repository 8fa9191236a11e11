"""What the page of a fleet says, as titles and rows of words: for terminal and browser alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from inspector.fleet.rates import Rate
from inspector.fleet.summary import NamedRun, RunGroup, Summary
from inspector.report.page import words


@dataclass(frozen=True, slots=True)
class Section:
    """A title, a sentence, and a table.  Texts are not escaped: whoever shows them does.

    `total` is how many rows there are where `rows` are the first of them; `is_bad`: look here.
    """

    title: str
    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    note: str = ""
    total: int = 0
    is_bad: bool = False

    @property
    def count(self) -> int:
        """All rows, those among them that are not given."""
        return max(self.total, len(self.rows))


def rate(value: Rate) -> str:
    """`12 of 40 (30 %, 18 to 45)`; of none that could tell `nobody could tell`."""
    share, interval = value.share, value.interval
    if share is None or interval is None:
        return "nobody could tell"
    low, high = (100 * end for end in interval)
    return f"{value.hits:,} of {value.of:,} ({100 * share:.0f} %, {low:.0f} to {high:.0f})"


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
    yield from _groups("BY WEEK", told.weeks.values())
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
                (name, *(f"{counted[verdict]:,}" for verdict in verdicts))
                for name, counted in sorted(told.policies.items())
            ],
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
    rows = [(code, rate(Rate(runs, whole.could_tell))) for code, runs in whole.causes.most_common()]
    rows.insert(
        0, ("no call failed", rate(Rate(whole.could_tell - whole.with_cause, whole.could_tell)))
    )
    return Section(
        "WHY RUNS FAILED",
        ("cause", "runs that could tell (95 %)"),
        rows,
        f"{words.count(whole.could_tell, 'run')} could tell; {whole.runs - whole.could_tell:,}"
        " could not: not read, incomplete, or of no cause that can be proven",
    )


def _groups(title: str, groups: Iterable[RunGroup]) -> Iterator[Section]:
    rows = [
        (
            group.name,
            f"{group.runs:,}",
            rate(group.failed),
            ", ".join(f"{code} {runs}" for code, runs in group.causes.most_common(2)),
        )
        for group in groups
    ]
    if rows:
        yield Section(title, ("", "runs", "failed, of those that could tell", "most often"), rows)


def _sent(told: Summary) -> Iterator[Section]:
    found = sorted(told.sent.values(), key=lambda s: (-s.runs, s.client, s.provider, s.auth))
    rows = [
        (
            sent.client,
            sent.provider,
            sent.auth or "none that was read",
            f"{sent.runs:,}",
            f"{sent.requests:,}" if sent.auth else "",
        )
        for sent in found
    ]
    if rows:
        columns = ("client", "provider", "credential", "runs", "requests")
        yield Section("WHAT CLIENTS SENT", columns, rows)


def _denied(told: Summary) -> Iterator[Section]:
    found = sorted(told.denied.values(), key=lambda denied: (-denied.runs, denied.host))
    rows = [(denied.host, f"{denied.runs:,}", f"{denied.tunnels:,}") for denied in found]
    if rows:
        yield Section("DENIED BY THE FIREWALL'S RULES", ("host", "runs", "CONNECTs"), rows)


def _new(told: Summary) -> Iterator[Section]:
    if told.since is None:
        return
    note = ""
    if not told.before:
        note = "no run before it, so that nothing is known to be new"
    elif not told.new:
        note = "nothing that no run had before"
    rows = [(new.kind, new.name, new.first, f"{new.runs:,}") for new in told.new]
    yield Section(f"NEW SINCE {told.since}", ("", "", "first", "runs"), rows, note)


def _named(runs: Iterable[NamedRun]) -> list[tuple[str, ...]]:
    return [(run.day or "", run.run, run.what) for run in runs]
