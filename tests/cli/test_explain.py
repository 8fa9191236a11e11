"""`inspector explain` and docs/findings.md say what the catalogue says."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.diagnosis.catalogue import CODES
from tools.docs.findings import PAGE, findings_page


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_in_lines_of_a_terminal(code: str) -> None:
    result = CliRunner().invoke(main, ["explain", code])

    assert result.exit_code == 0
    assert result.output.startswith(code)
    assert "Next: " in result.output
    assert [line for line in result.output.splitlines() if len(line) > 80] == []


def test_without_a_code_all_are_listed() -> None:
    listed = CliRunner().invoke(main, ["explain"]).output.splitlines()

    assert [line.split()[0] for line in listed] == list(CODES)


def test_a_wrong_code_is_an_error_of_usage_that_names_the_near_ones() -> None:
    result = CliRunner().invoke(main, ["explain", "proxy-dead"])

    assert result.exit_code == 2
    assert "proxy-died" in result.stderr
    assert "none was read" in result.stderr


@pytest.mark.parametrize("name", ["H1", "H4b"])
def test_a_hypothesis_is_its_question_and_what_a_verdict_means(name: str) -> None:
    result = CliRunner().invoke(main, ["explain", name])

    assert result.exit_code == 0
    assert result.output.startswith(f"{name}  hypothesis")
    assert "?" in result.output
    assert "not observable" in result.output


def test_an_oddity_is_what_its_parser_says() -> None:
    result = CliRunner().invoke(main, ["explain", "sse-broken-json"])

    assert result.exit_code == 0
    assert result.output.startswith("sse-broken-json  oddity")
    assert [line for line in result.output.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("identifier", ["e1", "t12", "c3", "h1"])
def test_a_name_of_a_report_is_explained_by_the_command_that_shows_it(identifier: str) -> None:
    result = CliRunner().invoke(main, ["explain", identifier])

    assert result.exit_code == 2
    assert f"inspector show FILE {identifier}" in result.stderr


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == findings_page(), "run make docs"
