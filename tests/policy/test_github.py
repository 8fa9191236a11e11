from __future__ import annotations

from dataclasses import replace
from datetime import date

from inspector.model.report import Report
from inspector.policy import github
from inspector.policy.judge import Judgement, judge
from inspector.policy.model import Expect, Policy

TODAY = date(2026, 8, 3)
HOSTILE = "x::error title=a::b\n::warning::c <script>"


def judged(report: Report) -> Judgement:
    expect = Expect(name="few", max_calls=0)
    mild = Expect(name="mild", level="note", max_calls=0)
    return judge(report, Policy("p.toml", "error", (expect, mild)), TODAY)


def test_each_reason_is_an_annotation_the_worst_first(report: Report) -> None:
    lines = github.annotation_lines([("run", judged(report))])
    levels = [line.split(" ", 1)[0].strip(":") for line in lines]
    assert levels == sorted(levels, key=["error", "warning", "notice"].index)
    assert any("inspector%3A few" in line for line in lines)
    assert all(line.startswith("::") for line in lines)


def test_nothing_captured_begins_a_command(report: Report) -> None:
    (first, *rest) = report.findings
    hostile = replace(report, findings=(replace(first, title=HOSTILE), *rest))
    lines = github.annotation_lines([("run", judged(hostile))])
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_the_summary_says_it_and_does_nothing_else(report: Report) -> None:
    (first, *rest) = report.findings
    hostile = replace(report, findings=(replace(first, title=HOSTILE), *rest))
    told = github.summary([("a <b> run", judged(hostile))])
    assert "**BROKEN**" in told
    assert "<" not in told


def test_a_full_summary_is_left_alone(report: Report) -> None:
    assert github.summary([("run", judged(report))], already=(1 << 20) - 10) == ""


def test_outputs_are_the_worst_of_all_runs(report: Report) -> None:
    kept = judge(replace(report, findings=()), Policy("p", None), TODAY)
    told = github.outputs([("a", kept), ("b", judged(report))])
    assert told == "verdict=broken\nexit-code=3\n"
