"""The page says what of a client's request the API got, and how much of TLS was read."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from inspector import Options, inspect
from inspector.model.capture import KeyMaterial
from inspector.model.live import Live, Rung
from inspector.model.report import Report
from inspector.report.page import markdown
from inspector.report.page.inside import inside_rows, reading, why_not
from inspector.report.page.terminal import render
from inspector.report.page.view import View

CAPTURES: Final = Path(__file__).parent.parent.parent / "captures"
PLACEHOLDER: Final = "sk-ant-placeholder-key-for-credential-isolation"


@cache
def report_of(name: str, *, keys: bool = True) -> Report:
    folder = CAPTURES / name
    return inspect(folder, options=Options(key_logs=(folder / "keys.log",) if keys else ()))


def test_two_placeholders_are_taken_off_and_one_key_is_written() -> None:
    [row] = inside_rows(View(report_of("h2-two-placeholders")))
    assert row.sent[0] == f"x-api-key: {PLACEHOLDER}"
    assert row.got[0].startswith("x-api-key: <anthropic-api-key sk-ant-api03- ")
    assert row.sent[1].startswith("authorization: Bearer placeholder-token")
    assert row.got[1] == "authorization taken off"
    assert (row.answers, row.calls) == ("200", "e1, e3")


def test_a_call_that_was_asked_twice_says_so() -> None:
    [row] = inside_rows(View(report_of("retired-beta-retried")))
    assert row.answers == "200 after 2 requests"
    assert "anthropic-beta taken off" in row.got


def test_the_first_page_and_the_summary_have_it() -> None:
    report = report_of("h4-401-inside-tunnel")
    page = render(report, width=160)
    assert "INSIDE TLS   keys from keys.log: of 4 TLS connections 4 read whole" in page
    lines = page.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("INSIDE TLS"))
    assert f"x-api-key: {PLACEHOLDER}" in lines[start + 2]
    assert "x-api-key: <anthropic-api-key" in lines[start + 2]
    assert "the API answered 401 inside the tunnel" in page
    summary = markdown.render(report)
    assert "Inside TLS" in summary
    assert "authorization taken off" in summary


def test_the_cause_says_which_credential_the_api_got_and_refused() -> None:
    told, plain = (
        report_of("h4-401-inside-tunnel").root_cause,
        report_of("h4-401-inside-tunnel", keys=False).root_cause,
    )
    assert told is not None
    assert plain is not None
    assert (told.code, told.explains) == (plain.code, plain.explains)
    assert told.details[-1].startswith(
        "Inside the tunnel the API got x-api-key <anthropic-api-key sk-ant-api03- 108 bytes "
    )
    assert plain.not_in_packets == "the key itself, which is inside TLS"
    assert told.not_in_packets is None


def test_without_keys_nothing_is_said_of_the_inside() -> None:
    report = report_of("h4-401-inside-tunnel", keys=False)
    assert reading(View(report)) is None
    assert "INSIDE TLS" not in render(report)


def live(*rungs: Rung) -> Live:
    return Live(
        ended_for="signal",
        ending="ended by SIGINT",
        command_status=None,
        redaction="nothing written",
        privileges="",
        interfaces=(),
        rungs=rungs,
        probes=(),
    )


def test_a_live_capture_without_keys_says_in_one_line_what_would_have_read_its_tunnels() -> None:
    report = report_of("h4-401-inside-tunnel", keys=False)
    page = render(replace(report, live=live()))
    assert "INSIDE TLS   not read: what 4 tunnels carried needs `capture --keys`\n" in page
    lost = Rung("keys", "lost", "no probe can be had", "run as root")
    assert "INSIDE TLS" not in render(replace(report, live=live(lost)))
    assert "INSIDE TLS" not in render(replace(report, live=live(), tunnels=()))


def test_a_live_capture_whose_probes_saw_nothing_says_so() -> None:
    report = report_of("h4-401-inside-tunnel", keys=False)
    report = replace(report, live=live(), keys=KeyMaterial((), 0, 0, 0))
    assert reading(View(report)) == "no probe saw a secret"


def test_keys_of_running_programs_are_told_as_such() -> None:
    report = report_of("h4-401-inside-tunnel")
    report = replace(report, keys=KeyMaterial((), 0, 20, 0, processes=1))
    told = "keys from 1 running program: of 4 TLS connections 4 read whole"
    assert reading(View(report)) == told


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    page = render(report_of("h2-two-placeholders"), width=width)
    assert max(map(len, page.splitlines())) <= width


def test_of_what_was_not_read_it_says_why(tmp_path: Path) -> None:
    report = report_of("mid-stream-start")
    view = View(report)
    assert "without keys" in (reading(view) or "")
    assert "its ClientHello was not captured" in why_not(view)

    empty = tmp_path / "keys.log"
    empty.write_text("no key log at all\n")
    report = inspect(CAPTURES / "tls-1.2", options=Options(key_logs=(empty,)))
    assert reading(View(report)) == "keys.log holds no secret"
    assert report.keys is not None
    assert report.keys.unread_lines == 1


def test_a_hostile_name_of_a_key_log_does_nothing() -> None:
    report = report_of("tls-1.2")
    assert report.keys is not None
    named = replace(report.keys, key_logs=("\x1b[31m::error::x",))
    assert "\x1b" not in render(replace(report, keys=named))


def verdict(report: Report, identity: str) -> str:
    return next(one.verdict for one in report.hypotheses if one.id == identity)


@pytest.mark.parametrize(
    ("name", "identity", "expected"),
    [
        ("copilot-wrong-scheme", "H1", "refuted"),
        ("h3-proxy-mangles", "H3", "confirmed"),
        ("h3-upstream-bad-framing", "H3", "refuted"),
    ],
)
def test_what_needed_keys_is_decided_with_them(name: str, identity: str, expected: str) -> None:
    assert verdict(report_of(name, keys=False), identity) == "not observable"
    assert verdict(report_of(name), identity) == expected
