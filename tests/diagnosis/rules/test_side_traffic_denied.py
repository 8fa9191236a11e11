"""side-traffic-denied: where it is found, and where something only resembles it."""

from __future__ import annotations

import re

import pytest

from inspector.options import Options
from tests.diagnosis.calls import DENIED, found, golden
from tests.diagnosis.peeking import CANNOT_CONNECT, OPENED, line, with_log
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    Network,
    connect,
    request,
    response,
    say,
    tls,
)


def test_a_denied_connect_beside_the_calls_is_told() -> None:
    assert "side-traffic-denied" in found(golden("denied-side-traffic"))


def test_a_denied_call_is_none_of_it() -> None:
    assert "side-traffic-denied" not in found(golden("squid-denied"))


def test_a_connect_of_the_agent_to_another_host_is_no_call() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect("telemetry.test:443"), DENIED).close()

    report = net.report()

    assert report.root_cause is None
    assert set(found(report)) == {"side-traffic-denied", "no-api-call"}


def test_a_connect_to_the_api_proxy_that_fails_is_a_call_and_no_side_traffic() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), response("503 Unavailable")).close()

    assert "side-traffic-denied" not in found(net.report())


@pytest.mark.parametrize(
    ("authority", "says"),
    [
        ("telemetry.test:443", "Add the domain to the allow-list: telemetry.test"),
        ("host.docker.internal:80", "port 443"),
        ("203.0.113.9:443", "Use the host's name"),
    ],
)
def test_what_to_allow_depends_on_what_is_denied(authority: str, says: str) -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(authority), DENIED).close()

    advice = found(net.report())["side-traffic-denied"].advice

    assert re.search(says, advice)
    assert ("Add the domain" in advice) is authority.startswith("telemetry")


def test_a_server_name_that_a_peeking_squid_does_not_let_through_is_told_by_its_log() -> None:
    net = Network()
    tcp = say(net.to_squid(AGENT), connect("telemetry.test:443"), ESTABLISHED, tls().flights[0][1])
    tcp.end(False).end(True)

    for log, told in (([OPENED], True), ([OPENED, CANNOT_CONNECT], False), ([], False)):
        report = with_log(net, *(line(tcp, end) for end in log))
        assert ("side-traffic-denied" in found(report)) is told


@pytest.mark.parametrize(("answer", "told"), [(DENIED, True), (response(), False)])
def test_a_plain_request_that_squid_denies_is_side_traffic(answer: bytes, *, told: bool) -> None:
    net = Network()
    say(net.to_squid(AGENT), request("GET http://telemetry.test/ HTTP/1.1"), answer).close()

    assert ("side-traffic-denied" in found(net.report())) is told


@pytest.mark.parametrize("status", ["400 Bad Request", "405 Method Not Allowed"])
def test_a_web_server_that_does_not_know_connect_denies_nothing(status: str) -> None:
    net = Network()
    say(net.to("10.9.0.80", 80, "10.9.0.5"), connect("lab.test:443"), response(status)).close()

    assert "side-traffic-denied" not in found(net.report(Options(scope="all")))
