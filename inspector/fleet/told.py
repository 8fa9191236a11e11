"""The summary of a fleet, the comparison of two, and the rows of the tables, for programs.

Each is a format of its own with a version and a JSON Schema, made of the records here and in
`tables`, as a report has its own (docs/report.md, "Versions").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from inspector.fact import Fact
from inspector.fleet import tables
from inspector.fleet.comparison import RateDifference
from inspector.fleet.rates import Rate
from inspector.fleet.summary import GroupBy, NamedRun, New, RunGroup, Summary, Thing
from inspector.model.enums import Enumeration, members_of
from inspector.policy.result import CheckVerdict
from inspector.report.formats.json import to_plain
from inspector.report.formats.schema_builder import SchemaBuilder

#: The formats and their versions.
SUMMARY: Final = "inspector.fleet/1.0"
COMPARISON: Final = "inspector.fleet-compare/1.0"
_SUMMARIES: Final = r"^inspector\.fleet/1\.(0|[1-9][0-9]*)$"
_COMPARISONS: Final = r"^inspector\.fleet-compare/1\.(0|[1-9][0-9]*)$"


class CountedRate(Fact):
    """So many runs of those that could tell."""

    hits: int
    """Runs in which it is so."""
    of: int
    """Runs that could tell."""
    share: float | None
    """`hits` by `of`; null where no run could tell."""
    interval: tuple[float, float] | None
    """Its 95 % interval (Wilson's), the lower end first; null where no run could tell."""


class CountedGroup(Fact):
    """Runs that have something in common."""

    name: str
    """What: a cause, a client, a provider, a repository, or a week as ISO 8601 writes it."""
    runs: int
    """How many there are."""
    failed: CountedRate
    """Those with a cause, of those that could tell."""
    causes: Mapping[str, int]
    """Runs by cause."""


class CountedUse(Fact):
    """How a client sent a credential to a provider."""

    client: str
    """The program with its version."""
    provider: str
    """Whose API was asked."""
    auth: str | None
    """Header, scheme and kind: `authorization Bearer jwt`; null where no credential was read."""
    runs: int
    """In how many runs."""
    requests: int
    """In how many requests."""


class CountedDenial(Fact):
    """A host and port that a rule of the proxy denied."""

    host: str
    """Host and port."""
    runs: int
    """In how many runs."""
    tunnels: int
    """CONNECTs to it that were denied."""


class FleetResult(Fact):
    """What `inspector fleet --format json` writes; counts are of runs since `since`."""

    schema: str
    """The format and its version."""
    since: str | None
    """The day of --since."""
    first_day: str | None
    """The day of the first run; null where none has a time."""
    last_day: str | None
    """The day of the last run."""
    runs_before: int
    """Runs before `since`, which are in no other count."""
    all: CountedGroup
    """All runs together."""
    completeness: Mapping[str, int]
    """Runs by whether their captures can prove an absence."""
    failures: Mapping[str, int]
    """Runs of which there is no judgement, by the reason."""
    findings: Mapping[str, int]
    """Runs by the findings that they have."""
    runs_with_keys_that_look_real: int
    """Runs in which a key that looks real was sent in plaintext."""
    keys_that_look_real: tuple[NamedRun, ...]
    """The latest of these, the last one first; the tables have all."""
    weeks: tuple[CountedGroup, ...]
    """Runs by week, in the order of time."""
    group_by: GroupBy
    """What --group-by asks for."""
    groups: tuple[CountedGroup, ...]
    """Runs by that, in the order of their numbers, the largest first."""
    sent: tuple[CountedUse, ...]
    """What clients sent, in the order of their names."""
    denied: tuple[CountedDenial, ...]
    """What the firewall's rules denied, in the order of the names."""
    new: tuple[New, ...]
    """What no run before `since` had, in the order of kinds, then of time."""
    policies: Mapping[str, Mapping[str, int]]
    """Runs by policy, and by its verdict."""
    failed: tuple[NamedRun, ...]
    """The latest runs with a cause, the last one first; the tables have all."""
    not_judged: tuple[NamedRun, ...]
    """The latest runs of which there is no judgement, the last one first; the tables have all."""
    exit_code: int
    """What the command ends with: 0, 3 or 5, by --fail-on and the policies of all runs."""


class ComparedRate(Fact):
    """One thing in both sets of runs."""

    of: Thing
    """What kind of thing it is."""
    name: str
    """Which."""
    a: CountedRate
    """In the first set."""
    b: CountedRate
    """In the second."""
    change: tuple[float, float] | None
    """The 95 % interval of the second rate less the first (Newcombe's), the lower end first.

    Null where one of the sets has no run that could tell.
    """
    excludes_zero: bool
    """Whether that interval has no zero in it; chance does so for one of twenty."""


class FleetComparison(Fact):
    """What `inspector compare --format json` writes of two directories of fleets."""

    schema: str
    """The format and its version."""
    a: str
    """The first directory, as it was named."""
    b: str
    """The second directory, as it was named."""
    differences: tuple[ComparedRate, ...]
    """Everything that is in a run of either: those that exclude zero first, the widest first."""
    exit_code: int
    """What --exit-code ends with: 3 where an interval has no zero in it, else 0."""


def plain_summary(told: Summary, exit_code: int) -> dict[str, Any]:
    """The summary for JSON."""
    result = FleetResult(
        schema=SUMMARY,
        since=told.since,
        first_day=told.first,
        last_day=told.last,
        runs_before=told.before,
        all=_group(told.whole),
        completeness=told.completeness,
        failures=told.failures,
        findings=told.findings,
        runs_with_keys_that_look_real=told.real_keys,
        keys_that_look_real=tuple(told.with_keys),
        weeks=tuple(map(_group, told.weeks.values())),
        group_by=told.group_by,
        groups=tuple(map(_group, _sorted(told.groups.values()))),
        sent=tuple(
            CountedUse(use.client, use.provider, use.auth or None, use.runs, use.requests)
            for _, use in sorted(told.sent.items())
        ),
        denied=tuple(
            CountedDenial(denied.host, denied.runs, denied.tunnels)
            for _, denied in sorted(told.denied.items())
        ),
        new=tuple(told.new),
        policies={name: dict(verdicts) for name, verdicts in sorted(told.policies.items())},
        failed=tuple(told.with_causes),
        not_judged=tuple(told.not_read),
        exit_code=exit_code,
    )
    return to_plain(result, several_files=False)


def plain_comparison(
    differences: Iterable[RateDifference], a: str, b: str, exit_code: int
) -> dict[str, Any]:
    """The comparison for JSON."""
    compared = tuple(
        ComparedRate(
            each.of, each.name, _rate(each.a), _rate(each.b), each.interval, each.excludes_zero
        )
        for each in differences
    )
    result = FleetComparison(COMPARISON, a, b, compared, exit_code)
    return to_plain(result, several_files=False)


def fleet_schema() -> dict[str, Any]:
    """The schema of `inspector fleet --format json`."""
    return _builder({"GroupBy": GroupBy, "Thing": Thing}).whole(FleetResult, SUMMARY, _SUMMARIES)


def fleet_compare_schema() -> dict[str, Any]:
    """The schema of `inspector compare --format json` of two fleets."""
    return _builder({"Thing": Thing}).whole(FleetComparison, COMPARISON, _COMPARISONS)


def fleet_tables_schema() -> dict[str, Any]:
    """The schema of a row of the tables as a line of JSON Lines; Parquet has times of its own."""
    builder = _builder(
        {"CheckVerdict": CheckVerdict, "Placeholders": tables.Placeholders},
        {"Failure": tables.Failure, "RunSource": tables.RunSource},
    )
    rows = [builder.reference(kind) for kind in tables.TABLES.values()]
    told = f"A row of one of the tables {', '.join(tables.TABLES)}, in this order."
    return builder.document(tables.SCHEMA, {"description": told, "anyOf": rows})


def _builder(
    closed: Mapping[str, Any], opened: Mapping[str, Any] = MappingProxyType({})
) -> SchemaBuilder:
    return SchemaBuilder({
        hint: Enumeration(name, is_open, members_of(hint))
        for is_open, table in ((False, closed), (True, opened))
        for name, hint in table.items()
    })  # fmt: skip


def _group(group: RunGroup) -> CountedGroup:
    return CountedGroup(
        group.name, group.runs, _rate(group.failed), dict(group.causes.most_common())
    )


def _sorted(groups: Iterable[RunGroup]) -> list[RunGroup]:
    return sorted(groups, key=lambda group: (-group.runs, group.name))


def _rate(rate: Rate) -> CountedRate:
    return CountedRate(rate.hits, rate.of, rate.share, rate.interval)
