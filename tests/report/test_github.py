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
    assert lines[0].endswith("(explains 2 of 2 failed calls)")
    assert "real-key-on-agent-hop" in lines[1]
    assert "(t3). Allow telemetry.example.com" in lines[2]


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


def test_the_steps_outputs_are_cause_number_of_findings_and_directory(report: Report) -> None:
    assert outputs(report, "/srv/out") == (
        "root-cause=upstream-rejected-credential\nfindings=3\nreport-dir=/srv/out\n"
    )
    assert outputs(nothing_to_analyse(""), "") == "root-cause=\nfindings=0\nreport-dir=\n"


@pytest.mark.parametrize("value", ["a\nroot-cause=forged", "a\rb"])
def test_an_output_with_a_line_end_cannot_forge_another(report: Report, value: str) -> None:
    text = outputs(report, value)
    name, _, rest = text.partition("report-dir<<")
    end, _, body = rest.partition("\n")
    assert body == f"{value}\n{end}\n"
    assert end not in value
    assert name.count("root-cause") == 1
