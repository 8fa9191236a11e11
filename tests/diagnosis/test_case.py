"""What is a call, what became of it, and who is to blame when it never reached the API proxy."""

from __future__ import annotations

import pytest

from inspector.report.model import Report
from tests.exchanges.network import AGENT, Network, request, response, say

SQUID_PAGE = (
    "Server: squid/5.7",
    "X-Squid-Error: ERR_ACCESS_DENIED 0",
    "Content-Type: text/html",
)
CALL = request("POST /v1/messages HTTP/1.1", "x-api-key: sk-ant-placeholder-key")


def codes(report: Report) -> set[str]:
    return {item.code for item in report.findings}


@pytest.mark.parametrize("path", ["/health", "/reflect", "/metrics", "/"])
def test_the_api_proxys_own_pages_are_no_calls(path: str) -> None:
    net = Network()
    say(net.to_api_proxy(), request(f"GET {path} HTTP/1.1"), response("503 Unavailable")).close()

    report = net.report()

    assert report.root_cause is None
    assert codes(report) == {"no-api-call"}


def test_a_call_that_squid_did_not_pass_on_is_a_failed_call() -> None:
    net = Network()
    absolute = request("POST http://172.30.0.30:10001/v1/messages HTTP/1.1")
    say(net.to_squid(client=AGENT), absolute, response("403 Forbidden", *SQUID_PAGE)).close()

    report = net.report()

    assert report.root_cause is not None
    assert (report.root_cause.code, report.root_cause.of) == ("squid-denied", 1)
    assert codes(report) == {"squid-denied"}


def test_the_three_403s_are_told_apart() -> None:
    answers = {
        "squid-denied": SQUID_PAGE,
        "proxy-refused": ("Content-Type: application/json",),
        "upstream-forbidden": ("content-type: application/json", "request-id: req_1"),
    }
    for code, fields in answers.items():
        net = Network()
        say(net.to_api_proxy(), CALL, response("403 Forbidden", *fields)).close()

        cause = net.report().root_cause

        assert cause is not None
        assert cause.code == code


def test_a_connection_that_was_closed_without_an_answer_and_then_nobody() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)

    cause = net.report().root_cause

    assert cause is not None
    assert cause.code == "proxy-died"
    assert cause.details == ("Nobody tried to connect to it afterwards.",)


def test_the_same_close_is_no_death_when_a_later_call_is_answered() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    say(net.to_api_proxy(), CALL, response()).close()

    report = net.report()

    assert report.root_cause is None
    assert "call-unanswered" in codes(report)
