from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from inspector.errors import ExitCode
from inspector.model.conclusions import Evidence, Finding
from inspector.model.ids import ExchangeId
from inspector.model.report import Report
from inspector.policy.judge import judge
from inspector.policy.model import Expect, Ignore, Policy

TODAY: Final = date(2026, 8, 3)
EVER: Final = date(2030, 1, 1)
HELD: Final = Ignore("call-failed", "made up", EVER)


def finding(report: Report, count: int = 1) -> Report:
    """The example with one finding, of its first call, and in a whole capture."""
    evidence = Evidence(exchange=ExchangeId(report.exchanges[0].id))
    one = Finding("call-failed", "error", "made up", count, (evidence,), "advice")
    whole = replace(report.completeness, verdict="complete", because=(), gaps=())
    return replace(report, findings=(one,), completeness=whole)


def code(report: Report, **changes: Any) -> ExitCode:
    return judge(report, Policy("p", ignore=(replace(HELD, **changes),)), TODAY).exit_code


def test_all_occurrences_of_a_finding_are_passed_over(report: Report) -> None:
    assert code(finding(report, 9)) == ExitCode.DONE


@pytest.mark.parametrize(("count", "kept"), [(1, True), (2, True), (3, False)])
def test_up_to_a_count(report: Report, count: int, kept: bool) -> None:
    assert (code(finding(report, count), count=2) == ExitCode.DONE) is kept


@pytest.mark.parametrize(
    ("start", "kept"), [(None, True), (date(2026, 8, 3), True), (date(2026, 8, 4), False)]
)
def test_from_a_day_on(report: Report, start: date | None, kept: bool) -> None:
    assert (code(finding(report), start=start) == ExitCode.DONE) is kept


def test_of_one_provider(report: Report) -> None:
    provider = report.exchanges[0].provider
    assert code(finding(report), provider=provider) == ExitCode.DONE
    assert code(finding(report), provider="copilot") == ExitCode.BROKEN


def test_of_one_client(report: Report) -> None:
    request = report.exchanges[0].request
    assert request is not None
    assert request.user_agent is not None
    assert code(finding(report), client=request.user_agent) == ExitCode.DONE
    assert code(finding(report), client="curl/*") == ExitCode.BROKEN


def test_to_one_host(report: Report) -> None:
    server = report.exchanges[0].server
    assert code(finding(report), host=f"{server.ip}:{server.port}") == ExitCode.DONE
    assert code(finding(report), host="203.0.113.5:*") == ExitCode.BROKEN


def test_what_the_report_does_not_list_may_be_anybody_s(report: Report) -> None:
    provider = report.exchanges[0].provider
    assert code(finding(report, 2), provider=provider) == ExitCode.BROKEN


def test_a_broken_expectation_is_passed_over_by_its_name(report: Report) -> None:
    expect = Expect(name="few", max_calls=0)
    policy = Policy("p", None, (expect,), (Ignore(None, "r", EVER, expectation="few"),))
    judgement = judge(report, policy, TODAY)
    assert judgement.broken == ()
    assert [ignore.of for ignore in judgement.ignored] == ["few"]
    other = replace(policy, ignore=(Ignore(None, "r", EVER, expectation="many"),))
    assert judge(report, other, TODAY).exit_code == ExitCode.BROKEN
