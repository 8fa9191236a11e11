from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.report import Report, nothing_to_analyse
from inspector.report.runner import ANNOTATIONS, annotation_lines, command, outputs

from .hostile import spoiled

HOSTILE = "x\r\n::set-output name=a::b ##[stop] %0A::error::y title=z,file=a:b"


def test_the_cause_comes_first_then_the_worst_findings(report: Report) -> None:
    lines = annotation_lines(report)
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]
    assert lines[0].startswith("::error title=inspector%3A upstream-rejected-credential::The API")
    assert "(explains 2 of 2 failed calls). Next: " in lines[0]
    assert "real-key-on-agent-hop" in lines[1]
    assert "(t3). Next: Allow telemetry.example.com" in lines[2]


def test_every_annotation_ends_with_what_to_do_next(report: Report) -> None:
    for line in annotation_lines(report):
        advice = line.rpartition(" Next: ")[2]
        assert advice
        assert advice.endswith(".")
        assert not advice.endswith("..")


def test_a_capture_without_a_packet_is_an_error_with_its_reason(report: Report) -> None:
    because = "no interface fw-brigde ever appeared (there are: lo)"
    held = replace(report.completeness, packets=0, because=(because,))
    deaf = replace(report, completeness=held, root_cause=None, findings=())
    (line,) = annotation_lines(deaf)
    assert line == (
        f"::error title=inspector%3A nothing-captured::Nothing was captured: {because}."
    )
    assert annotation_lines(nothing_to_analyse("There is no capture here")) == []


def test_a_runner_is_told_no_more_than_it_shows(report: Report) -> None:
    many = replace(report, findings=report.findings * 20)
    assert len(annotation_lines(many)) == ANNOTATIONS


def test_a_report_without_findings_annotates_nothing() -> None:
    assert annotation_lines(nothing_to_analyse("")) == []


def test_captured_text_is_escaped_where_the_runner_reads_it() -> None:
    line = command("error", "a:b,c%", "d%e:f,g")
    assert line == "::error title=inspector%3A a%3Ab%2Cc%25::d%25e:f,g"


def test_hostile_text_starts_no_command_and_ends_none(report: Report) -> None:
    for line in annotation_lines(spoiled(report, HOSTILE)):
        assert "\n" not in line
        assert "\r" not in line
        head, _, message = line[2:].partition("::")
        name, _, properties = head.partition(" ")
        assert name in ("error", "warning", "notice")
        assert properties.startswith("title=inspector%3A x")
        assert "," not in properties, "no captured text adds a property"
        assert "%250A" in message
        assert "##[" not in line


@given(st.text(), st.text())
def test_any_text_makes_one_line_with_one_title(title: str, message: str) -> None:
    line = command("error", title, message)
    assert len(line.splitlines()) == 1
    assert len(line) < 4096 * 3
    properties = line.removeprefix("::error ").partition("::")[0]
    assert not set(properties) & set(":,\r\n")


def test_the_steps_outputs_count_findings_by_level_the_cause_among_them(report: Report) -> None:
    assert outputs(report, "/srv/out").splitlines() == [
        "root-cause=upstream-rejected-credential",
        "findings=3",
        "errors=2",
        "warnings=1",
        "notes=1",
        "failed-calls=2",
        f"capture={report.completeness.verdict}",
        "report-dir=/srv/out",
    ]


def test_the_outputs_of_nothing_count_nothing() -> None:
    told = dict(line.split("=") for line in outputs(nothing_to_analyse(""), "").splitlines())
    assert (told["root-cause"], told["report-dir"]) == ("", "")
    assert {told[name] for name in ("findings", "errors", "warnings", "notes")} == {"0"}
    assert (told["failed-calls"], told["capture"]) == ("0", "unknown")


def test_without_a_cause_the_failed_calls_are_counted_all_the_same(report: Report) -> None:
    assert "failed-calls=2\n" in outputs(replace(report, root_cause=None), "")


@pytest.mark.parametrize("value", ["a\nroot-cause=forged", "a\rb"])
def test_an_output_with_a_line_end_cannot_forge_another(report: Report, value: str) -> None:
    text = outputs(report, value)
    name, _, rest = text.partition("report-dir<<")
    end, _, body = rest.partition("\n")
    assert body == f"{value}\n{end}\n"
    assert end not in value
    assert name.count("root-cause") == 1
