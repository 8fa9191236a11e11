"""The steps of a call, in the order of time, each between two neighbours."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from inspector.report.detail.facts import Step
from inspector.report.detail.gather import Details
from tests.diagnosis.calls import CALL, DENIED, called, golden, through
from tests.exchanges.network import response


def _told(report: Report, identifier: str = "e1") -> list[tuple[str, str, str]]:
    return [(step.source, step.target, step.kind) for step in Details(report).of(identifier).steps]


def _broken(report: Report) -> list[Step]:
    return [step for step in Details(report).of("e1").steps if step.broken]


def test_a_call_goes_from_the_client_to_the_api_and_back(cut: Report) -> None:
    assert _told(cut) == [
        ("client", "api-proxy", "open"),
        ("client", "api-proxy", "request"),
        ("client", "api-proxy", "request-end"),
        ("api-proxy", "forward-proxy", "open"),
        ("api-proxy", "forward-proxy", "connect"),
        ("forward-proxy", "api-proxy", "connect-reply"),
        ("api-proxy", "upstream", "tunnel-first-byte"),
        ("api-proxy", "upstream", "request"),
        ("api-proxy", "upstream", "request-end"),
        ("upstream", "api-proxy", "response"),
        ("api-proxy", "client", "response"),
        ("upstream", "api-proxy", "tunnel-last-byte"),
        ("upstream", "api-proxy", "response-end"),
        ("forward-proxy", "api-proxy", "close"),
        ("api-proxy", "client", "response-end"),
        ("api-proxy", "client", "close"),
    ]


def test_steps_are_in_the_order_of_time(by_squid: Report) -> None:
    times = [step.at for step in Details(by_squid).of("e1").steps]
    assert times == sorted(times)


def test_a_call_by_way_of_squid_has_a_leg_more(by_squid: Report) -> None:
    asked = [(source, target) for source, target, kind in _told(by_squid) if kind == "request"]
    assert asked == [
        ("client", "forward-proxy"),
        ("forward-proxy", "api-proxy"),
        ("api-proxy", "upstream"),
    ]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (called(CALL, None), ["closes the connection before any answer"]),
        (called(CALL, response("401 No")), ["401 No"]),
        (golden("squid-denied"), ["403 ERR_ACCESS_DENIED 0", "403 Forbidden"]),
        (called(CALL, response()), []),
    ],
    ids=["no answer", "an error", "Squid's refusal", "all well"],
)
def test_what_broke_is_marked_where_it_broke(report: Report, said: list[str]) -> None:
    assert [step.said for step in _broken(report)] == said


def test_a_stream_that_was_cut_is_broken_at_its_last_byte_and_at_the_close(cut: Report) -> None:
    assert [(step.kind, step.source) for step in _broken(cut)] == [
        ("response-end", "upstream"),
        ("close", "forward-proxy"),
        ("response-end", "api-proxy"),
        ("close", "api-proxy"),
    ]


def test_a_refused_connection_is_one_step_that_broke(died: Report) -> None:
    [step] = Details(died).of("c9").steps
    assert (step.kind, step.broken, step.said) == ("open", True, "the connection is refused")


def test_each_step_names_the_packet_that_the_report_names(died: Report) -> None:
    packets = {step.kind: step.packet for step in Details(died).of("e1").steps}
    assert packets == {"open": 30, "request": 38, "request-end": None, "close": 43}


def test_a_refused_connect_has_its_status_and_squids_word() -> None:
    report = through("api.anthropic.com", CALL, DENIED)
    assert "connect-reply" in {step.kind for step in Details(report).of("t1").steps}
