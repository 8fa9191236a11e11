"""What `inspector show` shows a person: all of one thing, and nothing that acts."""

from __future__ import annotations

import re

import pytest

from inspector.model.report import Report
from inspector.report.detail.gather import Details
from inspector.report.detail.page import page
from inspector.report.page.escape import visible
from tests.report.hostile import spoiled

IDS = ["e1", "t1", "c1", "h1"]


def _page(report: Report, identifier: str, width: int = 80) -> str:
    return page(Details(report).of(identifier), report, width=width)


def _block(text: str, title: str) -> str:
    return text.partition(f"\n{title}")[2].partition("\n\n")[0]


def test_both_hops_stand_beside_each_other_each_in_its_own_order(cut: Report) -> None:
    auth = _block(_page(cut, "e1", 200), "AUTH")
    assert "e1 agent -> API proxy" in auth
    assert "e2 inside t1" in auth
    assert "sk-ant-placeholder-key-for-credential-isolation" in auth
    assert "anthropic-api-key sk-ant-api03- 108 bytes" in auth
    sent = _block(_page(cut, "e1", 200), "REQUEST")
    assert re.search(r"host: 172.30.0.30:10001 +connection: keep-alive", sent)
    assert re.search(r"Content-Length: 127 +.*host: api.anthropic.com", sent, re.I | re.S)


def test_credentials_come_before_all_else_of_the_request(cut: Report) -> None:
    shown = _page(cut, "e1")
    assert shown.index("AUTH") < shown.index("REQUEST") < shown.index("ANSWER")


def test_an_event_stream_has_its_events_and_their_times(cut: Report) -> None:
    answer = _block(_page(cut, "e1", 120), "ANSWER")
    for said in ("events: 6 events, NO END, cut inside one", "message_start x1", "last event: ",
                 "longest silence: ", "model: claude-lab-1", "tokens: 33 in, 1 out"):  # fmt: skip
        assert said in answer


def test_the_cause_that_names_it_stands_on_top(died: Report) -> None:
    assert _page(died, "e1").splitlines()[2] == "CAUSE  proxy-died  The API proxy died of a call"


def test_a_call_without_a_tunnel_says_why_it_is_thought_so(died: Report) -> None:
    assert "e1: got no tunnel (not one byte of an answer was captured" in _page(died, "e1")


def test_a_tunnel_says_how_far_it_was_read(cut: Report, died: Report) -> None:
    assert "inside: decrypted; e2" in _page(cut, "t1")
    assert "inside: encrypted, and no keys were given (--keylog)" in _page(died, "t1")


def test_the_filter_stays_one_line_that_can_be_copied(cut: Report) -> None:
    detail = Details(cut).of("e1")
    assert _page(cut, "e1", 60).endswith(f"\n  {detail.display_filter}\n")


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("identifier", IDS)
def test_no_other_line_is_wider_than_the_screen(cut: Report, identifier: str, width: int) -> None:
    assert max(map(len, _page(cut, identifier, width).splitlines()[:-1])) <= width


@pytest.mark.parametrize("identifier", IDS)
def test_hostile_text_cannot_act_on_the_terminal(report: Report, identifier: str) -> None:
    text = "\x1b[2J\u202e::error::[red]##[command]\r\n"
    shown = _page(spoiled(report, text), identifier)
    assert all(line.isprintable() for line in shown.splitlines())
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown
    if identifier == "t1":
        assert visible(text)[:8] in shown
