"""proxy-not-listening: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, cause, found, golden
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    SQUID,
    Network,
    connect,
    request,
    response,
    say,
)

HOST = f"{API_PROXY}:10001"
REFUSED = response("503 Service Unavailable", "X-Squid-Error: ERR_CONNECT_FAIL 111", body=b"<html>")
VANISHED = response("503 Service Unavailable", "X-Squid-Error: ERR_CONNECT_FAIL 110", body=b"<h>")
ABSOLUTE = request(f"POST http://{HOST}/v1/messages HTTP/1.1")


def test_a_port_that_refuses_while_the_api_proxy_lives_has_no_listener() -> None:
    assert "proxy-not-listening" in found(golden("proxy-not-listening"))


def test_a_port_that_refuses_once_the_api_proxy_is_gone_says_nothing_of_listeners() -> None:
    assert "proxy-not-listening" not in found(golden("proxy-gone"))


def test_all_attempts_that_are_refused_are_counted_whether_or_not_it_lives() -> None:
    net = Network()
    for _ in range(4):
        net.refused_at_api_proxy()
    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("proxy-not-listening", 4, 4)
    assert told.details == (
        "Nothing shows whether the API proxy lives: not started, or dead before.",
    )
    assert "no-api-call" not in found(report)


def test_a_port_that_takes_connections_later_was_waited_for() -> None:
    net = Network()
    net.refused_at_api_proxy()
    say(net.to_api_proxy(), CALL, response()).close()

    assert "proxy-not-listening" not in found(net.report())


def test_squids_refused_connection_behind_a_connect_is_one_failed_call() -> None:
    net = Network()
    for _ in range(2):
        tcp = net.to_squid(AGENT).up(connect(HOST)).ack(False)
        net.refused_at_api_proxy(client=SQUID)
        tcp.down(REFUSED).ack(True).close()

    report = net.report()
    told = cause(report)

    assert (told.code, told.explains, told.of) == ("proxy-not-listening", 2, 2)
    assert f"CONNECT {HOST} failed at Squid: 2 x 503" in told.sentence
    assert "no-api-call" not in found(report)
    assert "api-proxy-unreachable" not in found(report), "Squid's attempts are the calls'"


def test_in_absolute_form_it_is_one_as_well_and_both_are_counted_together() -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(HOST), REFUSED).close()
    say(net.to_squid(AGENT), ABSOLUTE, REFUSED).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("proxy-not-listening", 2, 2)
    assert "says Squid" in told.sentence


def test_a_connection_that_times_out_says_nothing_of_listeners() -> None:
    for asked in (connect(HOST), ABSOLUTE):
        net = Network()
        say(net.to_squid(AGENT), asked, VANISHED).close()
        assert "proxy-not-listening" not in found(net.report())
