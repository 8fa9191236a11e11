"""squid-cannot-connect: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, found, golden
from tests.diagnosis.peeking import (
    CANNOT_CONNECT,
    NO_WAY,
    OPENED,
    TUNNELED,
    closed_at_hello,
    line,
    with_log,
)
from tests.exchanges.network import AGENT, API_PROXY, Network, connect, response, say


def test_squids_connect_error_with_an_errno_is_one() -> None:
    assert "squid-cannot-connect" in found(golden("squid-connection-refused"))


def test_squids_dns_error_is_not() -> None:
    assert "squid-cannot-connect" not in found(golden("squid-dns-failure"))


def test_a_503_of_the_api_proxys_own_is_not_squids() -> None:
    answer = response("503 Service Unavailable", *PROXY_SAYS, body=b'{"error":')

    assert "squid-cannot-connect" not in found(called(CALL, answer))


def test_a_peeking_squids_log_tells_a_failed_connection_behind_its_200() -> None:
    net, tunnel = closed_at_hello()

    told = cause(with_log(net, line(tunnel, OPENED), line(tunnel, CANNOT_CONNECT)))

    assert (told.code, told.explains, told.of) == ("squid-cannot-connect", 1, 1)
    assert "5xx HIER_DIRECT" in told.details[0]
    assert "Squid denial" in {other.what for other in told.ruled_out}, (
        "the second line rules it out"
    )


def test_its_other_second_lines_do_not() -> None:
    for other in (NO_WAY, TUNNELED):
        net, tunnel = closed_at_hello()
        report = with_log(net, line(tunnel, OPENED), line(tunnel, other))
        assert "squid-cannot-connect" not in found(report)


def test_a_connect_to_the_api_proxy_that_times_out_is_a_failed_call() -> None:
    net = Network()
    answer = response("503 Service Unavailable", "X-Squid-Error: ERR_CONNECT_FAIL 110")
    say(net.to_squid(AGENT), connect(f"{API_PROXY}:10001"), answer).close()

    told = cause(net.report())

    assert (told.code, told.explains, told.of) == ("squid-cannot-connect", 1, 1)
    assert f"CONNECT {API_PROXY}:10001 failed at Squid" in told.sentence
