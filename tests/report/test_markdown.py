from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.report import Report, nothing_to_analyse
from inspector.report.page import markdown
from inspector.report.page.markdown import LIMIT, code, escaped, render
from tests.canary.hostile import foreign_statements

from .hostile import spoiled

HOSTILE = (
    "<script>x</script> <img src=x onerror=y> [a](javascript:b) ![i](http://evil.example/p.png) "
    "www.evil.example @everyone #1 `code` | cell\n\n"
    "# heading\r\n::error::pwn ##[stop] \x1b[2J <!-- &amp; \\ ~~ $x$"
)
#: The tags that the summary writes itself.
DIAGRAM = re.compile(r"^```mermaid\n.*?^```$", re.DOTALL | re.MULTILINE)
OURS = re.compile(r"</?(?:code|span)>|<br>")


def test_the_summary_of_the_example_says_cause_verdicts_what_was_sent_and_tunnels(
    report: Report,
) -> None:
    text = html.unescape(OURS.sub("", render(report)))
    assert text.startswith(
        "### inspector: cause upstream-rejected-credential explains 2 of 2 failed calls\n"
    )
    assert "| H4b | API error inside | **confirmed** | 401 authentication_error" in text
    assert "x-api-key: sk-ant-placeholder-key-for-credential-isolation" in text
    assert "| .30 api-proxy x2 | api.anthropic.com:443at 160.79.104.10 | 200 x2 |" in text
    assert "| error | real-key-on-agent-hop x1 |" in text
    assert "capture **INCOMPLETE**" in text


def test_without_a_cause_the_gravest_finding_comes_first_and_the_calls_are_counted(
    report: Report,
) -> None:
    head = render(replace(report, root_cause=None)).splitlines()[0]

    assert head.startswith("### inspector: Error: The API refused the credential")
    assert " 4 calls: 1 got 200" in head


def test_nothing_is_a_summary_too() -> None:
    text = html.unescape(render(nothing_to_analyse("there was no capture")))
    assert "No call to an API was seen" in text
    assert "there was no capture" in text


def test_hostile_text_is_shown_and_does_nothing(report: Report) -> None:
    text = render(spoiled(report, HOSTILE))
    assert foreign_statements(text) == set()
    text, diagrams = DIAGRAM.subn("", text)
    assert diagrams == 1
    without_ours = OURS.sub("", text)
    assert "<" not in without_ours
    assert "://" not in without_ours
    assert "www." not in without_ours
    assert "@everyone" not in without_ours
    assert "`" not in without_ours
    assert "\\" not in without_ours
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "##[" not in text
    assert "\x1b" not in text
    shown = html.unescape(without_ours)
    assert "<script>x</script>" in shown
    assert r"\n\n# heading\r\n::error::pwn" in shown


def test_no_captured_text_adds_a_cell_or_a_row(report: Report) -> None:
    shape = [line.count("|") for line in render(report).splitlines() if line.startswith("|")]
    text = render(replace(report, clients=spoiled(report, HOSTILE).clients))
    hostile = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(hostile) <= set(shape)


@given(st.text())
def test_any_text_becomes_one_line_of_references_and_harmless_characters(text: str) -> None:
    for shown in (escaped(text), code(text.replace("\n", " "))):
        plain = OURS.sub("", shown)
        assert "\n" not in plain
        assert not set(plain) & set("<>|`*_[]!#\\@~$&") - {"#", "&"}
        assert not set(re.sub(r"&#\d+;", "", plain)) & {"#", "&"}


def test_a_summary_never_reaches_the_size_that_a_runner_drops(report: Report) -> None:
    text = "@" * 4000
    client = spoiled(report, text).clients[0]
    many = replace(
        spoiled(report, text),
        clients=(client,) * 3000,
        findings=tuple(spoiled(report, text).findings) * 1000,
    )
    summary = render(many)
    assert len(summary.encode()) <= LIMIT < 1 << 20


def test_what_does_not_fit_the_summary_is_said(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = len(render(report))
    monkeypatch.setattr(markdown, "LIMIT", whole - 1)
    summary = render(report)
    assert len(summary.encode()) < whole
    assert summary.endswith("report.json has all of it._\n")


@pytest.mark.parametrize("rows", [50, 51])
def test_rows_beyond_a_tables_limit_are_counted(report: Report, rows: int) -> None:
    findings = tuple(replace(report.findings[1], code=f"code-{n}") for n in range(rows))
    summary = render(replace(report, findings=findings))
    assert ("... 1 more in report.json" in summary) is (rows > 50)
