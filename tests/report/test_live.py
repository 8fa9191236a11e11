"""What the page says of how a live capture was taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.model.live import HookCount, Live, LiveInterface, Rung
from inspector.model.report import Report
from inspector.report.page.terminal import render

HOSTILE = "a\x1b[2J\u202e"
WELL = Live(
    ended_for="command",
    ending="claude ended with status 1",
    command_status=1,
    redaction="in place",
    privileges="packets are parsed as uid 1001 without a capability",
    interfaces=(LiveInterface("fw-bridge", received=10, dropped=0),),
    rungs=(Rung("containers", "lost", "no Docker engine here", "set DOCKER_HOST"),),
    probes=(HookCount("inet_sock_set_state", hits=12),),
)
SILENT = replace(
    WELL,
    interfaces=(LiveInterface("fw-bridge", received=0, dropped=0, note="no packet was seen"),),
    probes=(HookCount("sock_recv_length", hits=0, note="it never fired"),),
    notes=("No space left on device",),
)


def page(report: Report, live: Live, verbosity: int = 0) -> str:
    return render(replace(report, live=live), verbosity=verbosity)


def test_a_capture_without_doubts_takes_no_room(report: Report) -> None:
    assert "LIVE" not in page(report, WELL)


@pytest.mark.parametrize(
    "doubt", ["no packet was seen", "it never fired", "No space left on device"]
)
def test_what_casts_doubt_on_a_capture_is_on_the_first_page(report: Report, doubt: str) -> None:
    assert doubt in page(report, SILENT)


@pytest.mark.parametrize(
    "told", ["claude ended with status 1", "without a capability", "no Docker engine here"]
)
def test_v_tells_how_it_was_taken(report: Report, told: str) -> None:
    assert told in page(report, WELL, 1)


def test_nothing_in_it_can_act_on_a_terminal(report: Report) -> None:
    hostile = replace(SILENT, ending=HOSTILE, notes=(HOSTILE,))
    text = page(report, hostile, 1)
    assert "\x1b" not in text
    assert "\u202e" not in text
