"""The summary of a fleet and the comparison of two as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from inspector.fleet.comparison import RateDifference
from inspector.fleet.rates import Rate
from inspector.fleet.summary import RunGroup, Summary

#: The formats and their versions, MAJOR.MINOR as a report has its own.
SUMMARY: Final = "inspector.fleet-summary/1.0"
COMPARISON: Final = "inspector.fleet-comparison/1.0"


def plain_summary(told: Summary) -> dict[str, Any]:
    """Everything that the page tells; lists are not cut."""
    return {
        "schema": SUMMARY,
        "since": told.since,
        "first_day": told.first,
        "last_day": told.last,
        "runs_before": told.before,
        "all": _group(told.whole),
        "completeness": dict(told.completeness),
        "failures": dict(told.failures),
        "findings": dict(told.findings),
        "runs_with_keys_that_look_real": told.real_keys,
        "keys_that_look_real": [asdict(run) for run in told.with_keys],
        "weeks": [_group(group) for group in told.weeks.values()],
        "group_by": told.group_by,
        "groups": [_group(group) for group in _sorted(told.groups.values())],
        "sent": [
            {"client": s.client, "provider": s.provider, "auth": s.auth or None,
             "runs": s.runs, "requests": s.requests}
            for _, s in sorted(told.sent.items())
        ],
        "denied": [
            {"host": d.host, "runs": d.runs, "tunnels": d.tunnels}
            for _, d in sorted(told.denied.items())
        ],
        "new": [asdict(new) for new in told.new],
        "policies": {name: dict(verdicts) for name, verdicts in sorted(told.policies.items())},
        "not_judged": [asdict(run) for run in told.not_read],
    }  # fmt: skip


def plain_comparison(differences: Iterable[RateDifference]) -> dict[str, Any]:
    """Each aspect with both rates, and the interval of what lies between them."""
    return {
        "schema": COMPARISON,
        "differences": [
            {
                "of": each.of,
                "name": each.name,
                "a": _rate(each.a),
                "b": _rate(each.b),
                "change": None if each.interval is None else list(each.interval),
                "excludes_zero": each.excludes_zero,
            }
            for each in differences
        ],
    }


def _group(group: RunGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "runs": group.runs,
        "failed": _rate(group.failed),
        "causes": dict(group.causes.most_common()),
    }


def _sorted(groups: Iterable[RunGroup]) -> list[RunGroup]:
    return sorted(groups, key=lambda group: (-group.runs, group.name))


def _rate(rate: Rate) -> dict[str, Any]:
    interval = rate.interval
    return {
        "hits": rate.hits,
        "of": rate.of,
        "share": rate.share,
        "interval": None if interval is None else list(interval),
    }
