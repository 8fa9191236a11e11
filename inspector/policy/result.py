"""A judgement as plain values: the format `inspector.check` of docs/policy.md, and its schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from inspector.errors import ExitCode
from inspector.fact import Fact
from inspector.model.conclusions import FindingCode, Severity
from inspector.model.enums import Enumeration, members_of
from inspector.policy.hearing import Remark
from inspector.policy.judge import Judgement
from inspector.policy.model import WhenNotProven
from inspector.policy.page import NOTHING
from inspector.report.formats.json import to_plain
from inspector.report.formats.schema_builder import SchemaBuilder

#: The format and its version, as a report has its own (docs/report.md, "Versions").
SCHEMA: Final = "inspector.check/1.1"
_VERSIONS: Final = r"^inspector\.check/1\.(0|[1-9][0-9]*)$"

CheckVerdict: TypeAlias = Literal["kept", "broken", "not proven"]

_WORDS: Final[dict[ExitCode, CheckVerdict]] = {
    ExitCode.DONE: "kept",
    ExitCode.BROKEN: "broken",
    ExitCode.NOT_PROVEN: "not proven",
}


class BreakingFinding(Fact):
    """A finding that breaks the policy."""

    code: FindingCode
    """Its stable name (docs/findings.md)."""
    severity: Severity
    """How bad it is, by the policy."""
    count: int
    """How often it occurs."""
    where: tuple[str, ...]
    """Ids of the report where the first few occurrences are, in the order of its evidence."""


class JudgedExpectation(Fact):
    """What an expectation says of the run."""

    name: str
    """The expectation's name; empty where it has none, or nobody wrote it."""
    level: Severity
    """Its level."""
    provider: str
    """Of whose calls it speaks, or "any"."""
    expected: str
    """What was expected, in words."""
    found: str
    """What is there instead, or why it is not proven, in words."""
    where: tuple[str, ...]
    """Ids of the report, in its order."""


class CheckResult(Fact):
    """What a policy says of one run."""

    schema: str
    """The format and its version."""
    policy: str
    """The policy's name or file."""
    verdict: CheckVerdict
    """Whether the policy is kept."""
    exit_code: int
    """0, 3 or 5: the verdict, but for doubts that the policy lets pass."""
    fail_on: Severity | None
    """From which level on a finding breaks the policy; null: none does."""
    when_not_proven: WhenNotProven
    """What becomes of a run whose capture cannot prove that the policy is kept."""
    calls: int
    """Calls that were judged; 0 where no call to an API is in the capture."""
    out_of_scope: int
    """Connections of other networks, which were not judged."""
    nothing_judged: str | None
    """Why a run that is not broken says nothing; null otherwise."""
    findings: tuple[BreakingFinding, ...]
    """Findings of the policy's level or above, in the order of the report."""
    broken: tuple[JudgedExpectation, ...]
    """Expectations that break the policy, in the order of the policy."""
    not_proven: tuple[JudgedExpectation, ...]
    """Expectations that the capture cannot prove, in the order of the policy."""
    remarked: tuple[JudgedExpectation, ...]
    """Expectations that are not kept, of a level below the policy's, in its order."""
    ignored: tuple[str, ...]
    """Codes and expectations that an [[ignore]] passes over, in the order of the policy."""
    expired: tuple[str, ...]
    """Codes and expectations of expired [[ignore]]s, in the order of the policy."""


def verdict_of(judgement: Judgement) -> CheckVerdict:
    """The verdict in a word."""
    return _WORDS[judgement.verdict]


def plain(judgement: Judgement) -> dict[str, Any]:
    """The judgement for JSON; findings by their code, as the report has the rest."""
    return to_plain(_result(judgement), several_files=False)


def of_several(judged: Iterable[tuple[str, Judgement]]) -> dict[str, Any]:
    """Several runs, each under the name by which it was given; the worst verdict is theirs all."""
    runs = [(name, judgement) for name, judgement in judged]
    return {
        "schema": SCHEMA,
        "exit_code": int(worst_of(judgement.exit_code for _, judgement in runs)),
        "runs": [{"run": name, **plain(judgement)} for name, judgement in runs],
    }


def worst_of(codes: Iterable[ExitCode]) -> ExitCode:
    """Broken before not proven, not proven before kept."""
    found = set(codes)
    for code in (ExitCode.BROKEN, ExitCode.NOT_PROVEN):
        if code in found:
            return code
    return ExitCode.DONE


def check_schema() -> dict[str, Any]:
    """The schema of `inspector check --format json`: of one run, or of several."""
    further = {
        hint: Enumeration(name, False, members_of(hint))
        for name, hint in (("CheckVerdict", CheckVerdict), ("WhenNotProven", WhenNotProven))
    }
    builder = SchemaBuilder(further)
    one = builder.object(CheckResult)
    schema = {**one["properties"]["schema"], "pattern": _VERSIONS}
    one["properties"]["schema"] = schema
    name = {"description": "The name by which the run was given.", "type": "string"}
    run = {
        **one,
        "description": "One of several runs.",
        "properties": {"run": name, **one["properties"]},
        "required": ["run", *one["required"]],
    }
    builder.definitions |= {"OneRun": one, "NamedRun": run}
    several = {
        "type": "object",
        "description": "Several runs.",
        "properties": {
            "schema": schema,
            "exit_code": {"description": "The worst of all runs.", "type": "integer"},
            "runs": {
                "description": "Each run, in the order in which they were judged.",
                "type": "array",
                "items": {"$ref": "#/$defs/NamedRun"},
            },
        },
        "required": ["schema", "exit_code", "runs"],
    }
    builder.definitions["SeveralRuns"] = several
    whole = {"oneOf": [{"$ref": "#/$defs/OneRun"}, {"$ref": "#/$defs/SeveralRuns"}]}
    return builder.document(SCHEMA, whole)


def _result(judgement: Judgement) -> CheckResult:
    return CheckResult(
        schema=SCHEMA,
        policy=judgement.policy,
        verdict=verdict_of(judgement),
        exit_code=int(judgement.exit_code),
        fail_on=judgement.fail_on,
        when_not_proven=judgement.when_not_proven,
        calls=judgement.calls,
        out_of_scope=judgement.out_of_scope,
        nothing_judged=NOTHING if judgement.about_nothing else None,
        findings=tuple(
            BreakingFinding(
                each.code,
                each.severity,
                each.count,
                tuple(
                    place
                    for one in each.evidence
                    for place in (one.exchange or one.tunnel or one.connection,)
                    if place is not None
                ),
            )
            for each in judgement.findings
        ),
        broken=_told(judgement.broken),
        not_proven=_told(judgement.doubts),
        remarked=_told(judgement.remarked),
        ignored=tuple(ignore.of for ignore in judgement.ignored),
        expired=tuple(ignore.of for ignore in judgement.expired),
    )


def _told(remarks: Iterable[Remark]) -> tuple[JudgedExpectation, ...]:
    return tuple(
        JudgedExpectation(
            remark.name, remark.level, remark.provider, remark.expected, remark.found, remark.where
        )
        for remark in remarks
    )
