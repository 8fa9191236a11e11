"""Every capture with a known truth: the root cause, the verdicts, and nothing said too much."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.diagnosis.matrix import GOLDEN, HYPOTHESES, REAL, folders, judged
from tests.truth.real import needs_recordings

#: Findings of level warning or error beside the root cause, in the real captures; the golden
#: ones list theirs in scenario.toml.
BESIDE: Final[dict[str, set[str]]] = {
    "07-connect-403": {"squid-page-relayed"},
    "08-upstream-refused": {"squid-page-relayed"},
}

each = pytest.mark.parametrize(
    "folder",
    [
        pytest.param(folder, marks=needs_recordings if folder.parent == REAL else ())
        for folder in folders()
    ],
    ids=lambda folder: folder.name,
)


@needs_recordings
def test_the_real_captures_are_judged_where_they_are() -> None:
    assert {folder.parent for folder in folders()} == {GOLDEN, REAL}


@each
def test_root_cause_and_verdicts_are_true(folder: Path) -> None:
    assert judged(folder).mistakes() == []


@each
def test_every_hypothesis_has_a_verdict_and_a_deciding_fact_that_fits(folder: Path) -> None:
    hypotheses = judged(folder).report.hypotheses

    assert tuple(item.id for item in hypotheses) == HYPOTHESES
    assert [item.id for item in hypotheses if len(item.because[0]) > 60] == []


@each
def test_nothing_else_is_a_warning_or_an_error(folder: Path) -> None:
    result = judged(folder)
    expected = set(BESIDE.get(folder.name, ()))
    if folder.parent == GOLDEN:
        scenario = tomllib.loads((folder / "scenario.toml").read_text())
        expected.update(scenario["expect"]["findings"])
    elif result.expect["root_cause"] is not None:
        expected.add(result.expect["root_cause"])

    found = {item.code for item in result.report.findings if item.severity != "note"}

    assert found == expected


@each
def test_a_root_cause_is_a_finding_with_evidence_in_sentences_that_fit(folder: Path) -> None:
    report = judged(folder).report
    cause = report.root_cause
    if cause is None:
        return
    assert cause.code in {item.code for item in report.findings}
    assert 0 < cause.explains <= cause.of
    assert cause.evidence
    assert cause.advice
    assert len(cause.sentence) <= 76  # details quote answers whole, and wrap


def test_the_issue_this_project_started_from_is_told_as_it_was() -> None:
    report = judged(GOLDEN / "issue-1527").report
    cause = report.root_cause

    assert cause is not None
    assert (cause.code, cause.explains, cause.of) == ("proxy-died", 1, 1)
    assert "0 response bytes" in cause.sentence
    assert "10 connection attempts" in cause.details[0]
    assert {item.what for item in cause.ruled_out} >= {"Squid denial", "TLS failure", "cut stream"}
    verdicts = {item.id: (item.verdict, item.because[0]) for item in report.hypotheses}
    assert verdicts["H2"] == ("refuted", "they differ, but no API judged them")
    assert verdicts["H4a"] == ("confirmed", "4 of 4, none opened by the API proxy")
