"""A judgement as plain values: the format `inspector.check` of docs/policy.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from inspector.errors import ExitCode
from inspector.policy.hearing import Remark
from inspector.policy.judge import Judgement
from inspector.policy.page import NOTHING, VERDICTS

#: The format and its version, as a report has its own (docs/report.md, "Versions").
SCHEMA: Final = "inspector.check/1.0"


def plain(judgement: Judgement) -> dict[str, Any]:
    """The judgement for JSON; findings by their code, as the report has the rest."""
    return {
        "schema": SCHEMA,
        "policy": judgement.policy,
        "verdict": VERDICTS[judgement.verdict][0].lower(),
        "exit_code": judgement.exit_code,
        "fail_on": judgement.fail_on,
        "when_not_proven": judgement.when_not_proven,
        "calls": judgement.calls,
        "out_of_scope": judgement.out_of_scope,
        "nothing_judged": NOTHING if judgement.about_nothing else None,
        "findings": [
            {"code": f.code, "severity": f.severity, "count": f.count} for f in judgement.findings
        ],
        "broken": _remarks(judgement.broken),
        "not_proven": _remarks(judgement.doubts),
        "remarked": _remarks(judgement.remarked),
        "ignored": [ignore.of for ignore in judgement.ignored],
        "expired": [ignore.of for ignore in judgement.expired],
    }


def of_several(judged: Iterable[tuple[str, Judgement]]) -> dict[str, Any]:
    """Several runs, each under the name by which it was given; the worst verdict is theirs all."""
    runs = [(name, judgement) for name, judgement in judged]
    worst = worst_of(judgement.exit_code for _, judgement in runs)
    return {
        "schema": SCHEMA,
        "exit_code": worst,
        "runs": [{"run": name, **plain(judgement)} for name, judgement in runs],
    }


def worst_of(codes: Iterable[ExitCode]) -> ExitCode:
    """Broken before not proven, not proven before kept."""
    found = set(codes)
    for code in (ExitCode.BROKEN, ExitCode.NOT_PROVEN):
        if code in found:
            return code
    return ExitCode.DONE


def _remarks(items: Iterable[Remark]) -> list[dict[str, Any]]:
    return [
        {
            "name": remark.name,
            "level": remark.level,
            "provider": remark.provider,
            "expected": remark.expected,
            "found": remark.found,
            "where": list(remark.where),
        }
        for remark in items
    ]
