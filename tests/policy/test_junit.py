"""A judgement as JUnit XML, as a reader of that format finds it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase
from junitparser.junitparser import TestSuite

from inspector import inspect
from inspector.model.report import Report
from inspector.policy.judge import Judgement, judge
from inspector.policy.junit import write_junit
from inspector.policy.model import Expect, Ignore, Policy
from inspector.policy.reading import built_in
from inspector.policy.sentences import sentences

CAPTURES = Path(__file__).parent.parent.parent / "captures"
TODAY = date(2026, 8, 3)


def read(*judged: tuple[str, Judgement]) -> JUnitXml:
    out = io.BytesIO()
    write_junit(judged, out)
    return JUnitXml.fromstring(out.getvalue())


def cases_of(judgement: Judgement) -> list[TestCase]:
    [suite] = read(("a run", judgement))
    assert isinstance(suite, TestSuite)
    return list(suite)


def results(judgement: Judgement) -> dict[str, list[type]]:
    return {case.name: [type(result) for result in case.result] for case in cases_of(judgement)}


def of(name: str, policy: Policy | None = None) -> Judgement:
    return judge(inspect(CAPTURES / name), policy or built_in("awf"), TODAY)


def test_a_policy_that_is_kept_has_a_passed_case_for_each_of_its_sentences() -> None:
    policy = built_in("awf")
    found = results(of("healthy-json", policy))
    assert all(result == [] for result in found.values())
    told = {sentence for sentence in sentences(policy) if "prove" not in sentence}
    assert told <= found.keys()


def test_what_is_broken_is_a_failure_that_says_what_and_where() -> None:
    judgement = of("agent-holds-real-key")
    broken = [case for case in cases_of(judgement) if case.result]
    assert broken
    failures = [result for case in broken for result in case.result]
    assert all(isinstance(failure, Failure) for failure in failures)
    assert any("placeholder" in case.name and "(e1" in case.result[0].text for case in broken)


def test_what_the_capture_cannot_prove_is_skipped_with_its_reason() -> None:
    policy = Policy("p", "error", (Expect(placeholder_only=True),))
    skipped = [
        result
        for case in cases_of(of("lost-packets", policy))
        for result in case.result
        if isinstance(result, Skipped)
    ]
    assert skipped
    assert all(result.message.startswith("not proven: expected ") for result in skipped)


def test_findings_are_failures_of_the_case_of_their_level() -> None:
    judgement = of("squid-denied")
    [case] = [case for case in cases_of(judgement) if case.name.startswith("A finding of level")]
    [failure] = case.result
    assert failure.text.startswith("error squid-denied x3: ")


def test_an_unknown_process_makes_every_sentence_about_it_unproven() -> None:
    expect = Expect(process="claude", placeholder_only=True, statuses=("2xx",))
    judgement = of("healthy-json", Policy("p", None, (expect,)))
    about = {name: result for name, result in results(judgement).items() if "claude" in name}
    assert list(about.values()) == [[Skipped], [Skipped]]
    assert len(judgement.doubts) == 1


def test_a_mild_expectation_that_is_not_kept_passes_and_is_said() -> None:
    expect = Expect(statuses=("5xx",), level="note", name="mild")
    judgement = of("healthy-json", Policy("p", "error", (expect,)))
    [case] = [case for case in cases_of(judgement) if case.name.startswith("mild")]
    assert case.result == []
    assert case.system_out.startswith("remarked: expected ")


def test_what_is_ignored_is_no_failure() -> None:
    expect = Expect(statuses=("5xx",), name="never")
    judged = [
        of("healthy-json", Policy("p", None, (expect,), ignore))
        for ignore in ((), (Ignore(None, "known", None, expectation="never"),))
    ]
    assert [any(r for r in results(one).values()) for one in judged] == [True, False]


def test_counts_are_those_of_the_cases_and_of_all_runs() -> None:
    xml = read(("one", of("squid-denied")), ("other", of("lost-packets")))
    suites = list(xml)
    assert [suite.name for suite in suites] == ["one", "other"]
    for suite in suites:
        found = [type(result) for case in suite for result in case.result]
        assert (suite.tests, suite.failures, suite.skipped) == (
            len(list(suite)),
            found.count(Failure),
            found.count(Skipped),
        )
        assert found.count(Error) == suite.errors == 0
    assert xml.tests == sum(suite.tests for suite in suites)
    assert xml.failures == sum(suite.failures for suite in suites)


def test_hostile_text_is_text(report: Report) -> None:
    hostile = "x\x1b]]><failure/>&\u202e\ud800\n::error::"
    policy = Policy(hostile, "error", (Expect(statuses=("2xx",), name=hostile),))
    worse = tuple(replace(finding, title=hostile) for finding in report.findings)
    judgement = judge(replace(report, findings=worse), policy, TODAY)
    [suite] = read((hostile, judgement))
    assert r"\x1b]]><failure/>&\u202e\ud800\n" in suite.name
    assert any(r"\u202e\ud800\n::error" in (r.text or "") for case in suite for r in case.result)
