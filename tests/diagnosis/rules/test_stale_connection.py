"""stale-connection: where it is found, and where something only resembles it."""

from __future__ import annotations

from typing import Final

from inspector.model.report import Report
from tests.diagnosis.calls import API_SAYS, CALL, KEY, cause, found
from tests.exchanges.network import Network, request, response, say

SECOND: Final = 1_000_000_000
#: Node's answer to a connection that says nothing (measured).
NODES_408: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"


def written_late(*, kept: bool = True) -> Report:
    """A call a second after the server's FIN on an idle connection; it is reset."""
    net = Network()
    tcp = net.to_api_proxy()
    if kept:
        say(tcp, CALL, response("200 OK", *API_SAYS))
    tcp.send(False, b"", flags=0x11, after=5 * SECOND)
    tcp.fin[False] = True
    tcp.ack(True)
    tcp.send(True, CALL, after=SECOND)
    tcp.send(False, b"", flags=0x04, ident=0)
    say(net.to_api_proxy(), request("POST /v1/other HTTP/1.1", KEY), response("200 OK", *API_SAYS))
    return net.report()


def test_a_request_behind_the_servers_close_was_not_processed() -> None:
    for kept in (True, False):
        told = cause(written_late(kept=kept))

        assert (told.code, told.explains, told.of) == ("stale-connection", 1, 1)
        assert "written 1.0 s after 172.30.0.30 closed" in told.sentence
        assert any("not processed" in detail for detail in told.details)


def test_a_request_that_meets_nodes_408_was_not_processed() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.send(True, CALL, after=60 * SECOND)
    tcp.send(False, NODES_408)
    tcp.end(False).end(True)

    told = cause(net.report())

    assert told.code == "stale-connection"
    assert "408" in told.sentence


def test_a_408_to_a_request_that_waited_or_that_says_more_is_an_answer() -> None:
    for idle, waited, answer in (
        (60 * SECOND, 5 * SECOND, NODES_408),
        (SECOND // 100, SECOND // 100, NODES_408),
        (60 * SECOND, SECOND // 100, response("408 Request Timeout", *API_SAYS, body=b"{}")),
    ):
        net = Network()
        tcp = net.to_api_proxy()
        tcp.send(True, CALL, after=idle)
        tcp.send(False, answer, after=waited)
        tcp.end(False).end(True)

        assert "stale-connection" not in found(net.report())


def test_a_close_after_the_request_is_not_stale() -> None:
    net = Network()
    net.to_api_proxy().up(CALL).end(False).end(True)
    say(net.to_api_proxy(), CALL, response("500 Error", *API_SAYS)).close()

    assert "stale-connection" not in found(net.report())


def test_a_late_request_that_is_sent_again_is_a_note() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.end(False, after=5 * SECOND).ack(True)
    tcp.send(True, CALL, after=SECOND)
    tcp.send(False, b"", flags=0x04, ident=0)
    say(net.to_api_proxy(), CALL, response("200 OK", *API_SAYS)).close()
    report = net.report()

    assert found(report)["stale-connection"].severity == "note"
    assert report.root_cause is None


def test_another_failure_that_is_made_good_was_not_stale() -> None:
    net = Network()
    for status in ("500 Error", "200 OK"):
        say(net.to_api_proxy(), CALL, response(status, *API_SAYS)).close()

    assert "stale-connection" not in found(net.report())
