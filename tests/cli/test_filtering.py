"""The options that show some calls alone, as each command takes them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from inspector.cli.filtering import moment
from inspector.cli.main import main
from inspector.report.selecting import TimeBound

from .test_main import ROOT

HEALTHY = str(ROOT / "captures" / "healthy-sse")
CUT = str(ROOT / "captures" / "h3-upstream-cut")


def _run(*args: str) -> Result:
    return CliRunner().invoke(main, [args[0], "--no-progress", *args[1:]])


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30s", TimeBound(30_000_000_000, is_offset=True)),
        ("1.5m", TimeBound(90_000_000_000, is_offset=True)),
        ("1970-01-01T00:00:01Z", TimeBound(1_000_000_000, is_offset=False)),
        ("1970-01-01T01:00:00.000001+01:00", TimeBound(1000, is_offset=False)),
        ("1970-01-01T00:00:00", TimeBound(0, is_offset=False)),
    ],
)
def test_a_time_is_an_offset_or_a_date(text: str, at: TimeBound) -> None:
    assert moment(text) == at


@pytest.mark.parametrize(
    "args",
    [
        ("--status", "600"),
        ("--status", "ok"),
        ("--since", "yesterday"),
        ("--until", "2026-13-01T00:00:00Z"),
        ("-e", "t1"),
        ("--limit", "-1"),
    ],
)
def test_what_is_no_selection_is_an_error_of_usage(args: tuple[str, ...]) -> None:
    assert _run("analyze", *args, HEALTHY).exit_code == 2


def test_json_lines_say_first_that_they_are_filtered() -> None:
    lines = [
        json.loads(line)
        for line in _run("analyze", "--format", "jsonl", "-e", "e3", HEALTHY).stdout.splitlines()
    ]
    assert lines[0] == {"filtered": {"by": "-e e3", "requests": 1, "of": 4}}
    assert [line["exchange"]["id"] for line in lines if "exchange" in line] == ["e3", "e4"]
    whole = lines[-1]["report"]
    assert sum(client["requests"] for client in whole["clients"]) == 4


def test_a_report_is_never_one_of_some_calls() -> None:
    result = _run("analyze", "--format", "json", "--failed", HEALTHY)
    assert result.exit_code == 2
    assert "A report is of the whole run" in result.stderr


def test_a_verdict_is_of_the_whole_run() -> None:
    result = _run("analyze", "--fail-on", "error", "--status", "200", CUT)
    assert result.exit_code == 3


def test_show_without_an_id_lists_what_is_selected() -> None:
    result = _run("show", CUT, "-e", "e3")
    assert "FILTERED by -e e3: 1 of 2 requests" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  e")] == [
        "e3",
        "e4",
    ]
    assert _run("show", CUT, "e1", "--failed").exit_code == 2
    assert _run("show", CUT, "--format", "json").exit_code == 2


def test_a_comparison_of_some_calls_compares_no_verdict() -> None:
    told = json.loads(
        _run("compare", "--format", "json", "--only-client", "curl", CUT, HEALTHY).stdout
    )
    assert told["filtered"] == "--only-client curl"
    assert {"cause", "findings", "hypotheses", "capture"}.isdisjoint(
        each["of"] for each in told["differences"]
    )
    assert "FILTERED by --only-client curl" in _run(
        "compare", "--only-client", "curl", CUT, HEALTHY
    ).stdout  # fmt: skip


def test_a_text_that_may_be_a_key_is_not_repeated() -> None:
    key = "sk-ant-api03-LABONLY0123456789abcdefghij"
    result = _run("analyze", "--only-client", key, HEALTHY)
    assert "LABONLY" not in result.stdout + result.stderr
    assert "0 of 4 requests" in result.stdout
