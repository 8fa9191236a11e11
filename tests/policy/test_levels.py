"""What of a policy decides a run: levels, severities, requirements, and doubts that pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal

import pytest

from inspector.errors import ExitCode
from inspector.model.conclusions import Severity
from inspector.model.report import Report
from inspector.policy.judge import Judgement, judge
from inspector.policy.model import Expect, Policy, Requirement
from inspector.policy.page import page

TODAY: Final = date(2026, 8, 3)
FEW: Final = Expect(name="few", max_calls=0)


@pytest.fixture
def whole(report: Report) -> Report:
    complete = replace(report.completeness, verdict="complete", because=(), gaps=())
    return replace(report, completeness=complete)


def judged(report: Report, **told: Any) -> Judgement:
    return judge(report, Policy("p", **told), TODAY)


@pytest.mark.parametrize(
    ("level", "fail_on", "breaks"),
    [
        ("error", None, True),
        ("error", "error", True),
        ("warning", None, False),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("note", "warning", False),
        ("note", "note", True),
    ],
)
def test_an_expectation_breaks_a_policy_as_strict_as_its_level(
    whole: Report, level: Severity, fail_on: Severity | None, breaks: bool
) -> None:
    healthy = replace(whole, findings=())
    judgement = judged(healthy, fail_on=fail_on, expect=(replace(FEW, level=level),))
    assert bool(judgement.broken) is breaks
    assert bool(judgement.remarked) is not breaks
    assert (judgement.exit_code == ExitCode.BROKEN) is breaks


def test_what_does_not_decide_is_said_all_the_same(whole: Report) -> None:
    told = judged(whole, fail_on=None, expect=(replace(FEW, level="warning"),))
    assert "warning" in page(told, whole)
    assert "few" in page(told, whole)


@pytest.mark.parametrize("level", ["note", "never"])
def test_a_finding_is_as_bad_as_the_policy_says(
    whole: Report, level: Literal["note", "never"]
) -> None:
    codes = {finding.code for finding in judged(whole).findings}
    assert codes
    mild = MappingProxyType(dict.fromkeys(codes, level))
    assert judged(whole, severity=mild).exit_code == ExitCode.DONE


def test_a_note_can_be_made_an_error(whole: Report) -> None:
    (first, *_) = whole.findings
    mild = replace(whole, findings=(replace(first, severity="note"),))
    assert judged(mild).exit_code == ExitCode.DONE
    told = MappingProxyType({first.code: "error"})
    assert judged(mild, severity=told).exit_code == ExitCode.BROKEN


@pytest.mark.parametrize("what", ["logs", "processes"])
def test_what_a_run_must_have_and_has_not_breaks_it(whole: Report, what: Requirement) -> None:
    bare = replace(whole, findings=(), witnesses=None)
    (remark,) = judged(bare, require=(what,)).broken
    assert remark.expected.startswith("a run with")


def test_a_complete_capture_can_be_required(whole: Report, report: Report) -> None:
    assert judged(whole, fail_on=None, require=("complete",)).exit_code == ExitCode.DONE
    assert judged(report, fail_on=None, require=("complete",)).exit_code == ExitCode.BROKEN


def test_a_run_without_calls_breaks_a_policy_that_requires_some(whole: Report) -> None:
    idle = replace(whole, findings=(), exchanges=(), chains=())
    assert judged(idle, require_calls=True).exit_code == ExitCode.BROKEN
    assert judged(idle).exit_code == ExitCode.DONE
    assert judged(whole, fail_on=None, require_calls=True).exit_code == ExitCode.DONE


def test_that_there_were_none_is_not_proven_of_half_a_capture(report: Report) -> None:
    idle = replace(report, findings=(), exchanges=(), chains=())
    assert judged(idle, fail_on=None, require_calls=True).exit_code == ExitCode.NOT_PROVEN


@pytest.mark.parametrize(
    ("policy", "code", "said"),
    [("fail", ExitCode.NOT_PROVEN, True), ("warn", ExitCode.DONE, True),
     ("pass", ExitCode.DONE, False)],
)  # fmt: skip
def test_doubts_fail_a_run_or_pass(
    report: Report, policy: Literal["fail", "warn", "pass"], code: ExitCode, said: bool
) -> None:
    bare = replace(report, findings=())
    judgement = judged(bare, when_not_proven=policy)
    assert judgement.verdict == ExitCode.NOT_PROVEN
    assert judgement.exit_code == code
    assert ("  not proven" in page(judgement, bare)) is said
    assert "NOT PROVEN" in page(judgement, bare)
