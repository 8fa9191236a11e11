"""tls-expected: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.report import Report
from tests.diagnosis.calls import CALL, cause, found, golden
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    SQUID,
    Network,
    connect,
    response,
    say,
)

ALERT = b"\x15\x03\x03\x00\x02\x02\x0a"
PAGE = response("400 Bad Request", "X-Squid-Error: ERR_PROTOCOL_UNKNOWN 0", body=b"<html>")


def in_connect(answer: bytes | None, authority: str = f"{API_PROXY}:10001") -> Report:
    """Plain HTTP of the agent's inside a CONNECT, and what comes back before Squid closes."""
    net = Network()
    tcp = say(net.to_squid(AGENT), connect(authority), ESTABLISHED, CALL)
    if answer is not None:
        tcp.down(answer).ack(True)
    tcp.end(False).end(True)
    return net.report()


@pytest.mark.parametrize(
    ("answer", "says"),
    [(ALERT, "fatal unexpected_message"), (PAGE, "its page, 400"), (None, "a bare close")],
    ids=["alert", "page", "nothing"],
)
def test_plain_http_to_the_api_proxy_that_tls_answers_is_a_failed_call(
    answer: bytes | None, says: str
) -> None:
    report = in_connect(answer)
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("tls-expected", 1, 1)
    assert says in told.details[1]
    assert "NO_PROXY" in told.advice
    assert "no-api-call" not in found(report)
    assert {item.verdict for item in report.hypotheses if item.id != "H4a"} == {"refuted"}


def test_a_call_that_goes_through_plainly_is_none() -> None:
    assert "tls-expected" not in found(golden("plain-http-in-connect"))


def test_a_close_where_squid_had_reached_the_api_proxy_is_the_api_proxys() -> None:
    net = Network()
    tcp = say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), ESTABLISHED, CALL)
    say(net.to_api_proxy(client=SQUID), CALL).end(False).end(True)
    tcp.end(False).end(True)

    assert "tls-expected" not in found(net.report())


def test_what_another_host_answers_is_no_call_of_the_api_proxys() -> None:
    assert "tls-expected" not in found(in_connect(ALERT, "telemetry.test:443"))


def test_a_failed_call_at_the_api_proxy_itself_is_none() -> None:
    assert "tls-expected" not in found(golden("squid-down"))
