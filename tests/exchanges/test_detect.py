"""First bytes tell what a stream is, on any port, wherever the capture picked it up."""

from __future__ import annotations

import pytest

from inspector.options import Options
from inspector.protocols.detect import H2_PREFACE, looks_like_h2
from inspector.secrets.labels import length
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    PLACEHOLDER,
    SQUID,
    UPSTREAM,
    Network,
    connect,
    line,
    lines,
    oddities,
    only_exchange,
    only_tunnel,
    play,
    report,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Tcp

GET = request("GET /a HTTP/1.1")


@pytest.mark.parametrize("port", [22, 443, 3128, 8080, 10001, 40404])
def test_http_is_http_on_any_port(port: int) -> None:
    net = Network()
    say(net.to(API_PROXY, port), GET, response()).close()

    assert lines(net.report()) == ["GET /a 200 complete"]


@pytest.mark.parametrize("port", [80, 443, 3128, 10001])
def test_tls_is_tls_on_any_port(port: int) -> None:
    net = Network()
    play(net.to(API_PROXY, port), tls()).close()

    told = net.report()

    assert [direct.tls.handshake for direct in told.direct_tls] == ["complete"]
    assert told.exchanges == ()
    assert told.tunnels == ()


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (b"\x00\x01\x02", b"\x03"),
        (b"SSH-2.0-lab\r\n", b"SSH-2.0-other\r\n"),
        (b"", b"220 mail.test ESMTP\r\n"),
        (b"GET /http/0.9\r\n", b"<html>"),
        (b"x" * 9000, b""),
    ],
)
def test_what_is_neither_is_a_connection_and_nothing_more(up: bytes, down: bytes) -> None:
    net = Network()
    tcp = net.to_api_proxy()
    for index in range(0, len(up), 1000):
        tcp.up(up[index : index + 1000])
    if down:
        tcp.down(down)
    tcp.close()

    told = net.report()

    assert [(c.bytes_up, c.bytes_down) for c in told.connections] == [(len(up), len(down))]
    assert (told.exchanges, told.tunnels, told.direct_tls) == ((), (), ())
    assert oddities(told) == {}
    assert told.completeness.verdict == "complete"


def test_the_http2_preface_needs_all_its_bytes() -> None:
    assert [looks_like_h2(H2_PREFACE[:size]) for size in range(1, len(H2_PREFACE))] == (
        [None] * (len(H2_PREFACE) - 1)
    )
    assert looks_like_h2(H2_PREFACE + b"\x00") is True
    assert looks_like_h2(b"PRINT") is False


def test_first_bytes_may_come_one_by_one() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    for byte in GET:
        tcp.up(bytes([byte]))
    for byte in response():
        tcp.down(bytes([byte]))
    tcp.close()

    assert lines(net.report()) == ["GET /a 200 complete"]


@pytest.mark.parametrize("segment", [1448, 1 << 16])
def test_a_request_line_longer_than_any_peek_is_still_http(segment: int) -> None:
    net = Network()
    tcp = net.to_api_proxy()
    long = request(f"GET /{'a' * 20_000} HTTP/1.1")
    for index in range(0, len(long), segment):
        tcp.up(long[index : index + segment])
    tcp.down(response()).close()

    exchange = only_exchange(net.report())

    assert exchange.request is not None
    assert length(exchange.request.target) == 20_001  # as a label: no path is so long
    assert exchange.ended_by == "complete"


@pytest.mark.parametrize("end", ["close", "reset", "nothing"])
def test_a_request_line_that_breaks_off_is_odd(end: str) -> None:
    net = Network()
    tcp = net.to_api_proxy().up(b"POST /v1/mess").ack(False)
    if end == "close":
        tcp.close()
    elif end == "reset":
        tcp.reset(False)

    told = net.report()

    assert oddities(told) == {"unfinished-head": 1}
    assert told.exchanges == ()
    assert told.completeness.verdict == ("incomplete" if end == "nothing" else "complete")


# -- picked up in mid-stream --------------------------------------------------------


def _midstream(net: Network, tcp: Tcp) -> Tcp:
    """Its handshake was before the capture."""
    del net.wire.packets[-3:]
    return tcp


def test_http_is_found_at_the_next_message() -> None:
    net = Network()
    tcp = _midstream(net, net.to_api_proxy())
    say(tcp, b"of a body", b"rest of an answer", GET, response()).close()

    told = net.report()

    assert lines(told) == ["GET /a 200 complete"]
    assert [c.outcome for c in told.connections] == ["midstream"]
    assert oddities(told) == {}
    assert told.completeness.because == ("1 connection had begun before the capture",)


def test_an_answer_picked_up_in_mid_stream_stands_alone_and_is_not_odd() -> None:
    net = Network()
    tcp = _midstream(net, net.to_api_proxy())
    tcp.down(response(body=b"ok"))
    say(tcp, GET, response("404 Not Found")).close()

    told = net.report()

    assert lines(told) == ["- 200 complete", "GET /a 404 complete"]
    assert oddities(told) == {}


@pytest.mark.parametrize("first", ["request", "response"])
def test_ends_that_were_guessed_wrong_are_turned_round(first: str) -> None:
    """A client that used a low port: the port tells nothing then, the messages do."""
    net = Network()
    tcp = _midstream(net, net.to(API_PROXY, 40100, at=10001))
    if first == "response":
        tcp.down(response("202 Accepted"))
    say(tcp, GET, response(), GET, response("404 Not Found")).close()

    told = net.report()

    assert lines(told)[-2:] == ["GET /a 200 complete", "GET /a 404 complete"]
    (connection,) = told.connections
    assert (connection.client.ip, connection.client.port) == (AGENT, 10001)
    assert (connection.server.ip, connection.server.port) == (API_PROXY, 40100)
    assert connection.closed_by == "client"
    assert connection.bytes_up == 2 * len(GET)
    assert told.exchanges[-1].client.ip == AGENT


def test_connect_may_be_the_first_message_of_a_mid_stream() -> None:
    net = Network()
    tcp = _midstream(net, net.to_squid())
    play(say(tcp, connect(), ESTABLISHED), tls()).close()

    tunnel = only_tunnel(net.report())

    assert (tunnel.established, tunnel.protocol) == (True, "tls")
    assert tunnel.tls is not None
    assert tunnel.tls.handshake == "complete"


def test_tls_in_mid_stream_to_nobody_special_is_direct() -> None:
    net = Network()
    tcp = _midstream(net, net.to("203.0.113.7", 443))
    for up, data in tls().flights[4:]:
        tcp.send(up, data)
    tcp.close()

    told = net.report()

    assert [(d.client.ip, d.server.port, d.tls.handshake) for d in told.direct_tls] == [
        (AGENT, 443, "not seen")
    ]


def test_a_body_that_quotes_http_is_not_taken_for_a_message() -> None:
    net = Network()
    body = b"GET /quoted HTTP/1.1\r\nHost: a\r\n\r\n"
    tcp = net.to_api_proxy()
    tcp.up(request("POST /a HTTP/1.1", body=b"x" * 10 + body)[: -len(body)]).up(body)
    tcp.down(response()).close()

    assert lines(net.report()) == ["POST /a 200 complete"]


# -- a hole before the first message -------------------------------------------------------


def test_a_first_message_behind_a_hole_is_found() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.sent[True] = 500
    tcp.up(GET).close()

    told = net.report()

    assert lines(told) == ["GET /a - client"]
    assert [(gap.direction, gap.bytes) for gap in told.completeness.gaps] == [("up", 500)]


def test_nothing_is_joined_across_a_hole_in_the_first_message() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 0\r\n\r\n"
    tcp.up(b"PO").down(answer[:15])  # undecided: the request's rest is lost
    tcp.down(answer[33:], offset=33)
    for _ in range(64):  # so long a hole is waited for
        tcp.ack(True)
    tcp.down(b"more").close()

    told = net.report()

    assert [gap.bytes for gap in told.completeness.gaps] == [18]
    assert not any(exchange.response for exchange in told.exchanges)
    assert "OKplication" not in repr(told)


def test_a_tls_servers_words_before_its_clients_mean_that_a_hello_was_lost() -> None:
    net = Network()
    tcp = net.to("203.0.113.7", 443)
    tcp.sent[True] = len(tls().flights[0][1])
    for up, data in tls().flights[1:]:
        tcp.send(up, data)
        tcp.ack(not up)
    tcp.close()

    told = net.report()

    (direct,) = told.direct_tls
    assert (direct.tls.sni, direct.tls.version) == (None, "TLS 1.3")
    assert direct.tls.handshake == "incomplete"
    assert told.completeness.verdict == "incomplete"


@pytest.mark.parametrize("flights", [slice(1, 2), slice(1, None)])
def test_one_direction_of_tls_is_still_tls(flights: slice) -> None:
    net = Network()
    tcp = Tcp(net.wire, client=(AGENT, 40001), server=("203.0.113.7", 443)).syn_ack()
    for up, data in tls().flights[flights]:
        if not up:
            tcp.down(data)
    tcp.end(False)

    told = net.report()

    (direct,) = told.direct_tls
    assert (direct.client.ip, direct.tls.version) == (AGENT, "TLS 1.3")
    assert direct.tls.handshake != "complete"
    assert told.completeness.verdict == "unknown"


def test_one_direction_of_http_is_still_http() -> None:
    net = Network()
    tcp = Tcp(net.wire, client=(AGENT, 40001), server=(API_PROXY, 10001)).syn()
    tcp.up(GET).up(GET).end(True)

    told = net.report(Options(scope="all"))

    assert lines(told) == ["GET /a - gap"] * 2
    assert told.completeness.verdict == "unknown"
    assert told.completeness.because == ("only one direction of the traffic was captured",)


def test_squids_port_is_no_reason_to_see_a_tunnel() -> None:
    """DNAT may send an origin-form request there."""
    net = Network()
    bad = response("400 Bad Request", "X-Squid-Error: ERR_INVALID_URL 0", body=b"<html>")
    say(net.to(SQUID, 3128), GET, bad).close()

    told = net.report()

    assert told.tunnels == ()
    assert line(only_exchange(told)) == "GET /a 400 complete"
    assert only_exchange(told).hop == "agent-to-forward-proxy"


# -- who speaks first, and who is who -------------------------------------------------


def test_a_request_behind_a_server_that_speaks_first_is_read() -> None:
    net = Network()
    tcp = net.to_api_proxy().down(b"220 hello\r\n").ack(True)
    say(tcp, request("GET /a HTTP/1.1", f"x-api-key: {PLACEHOLDER}"), response()).close()

    told = net.report()

    assert lines(told) == ["GET /a 200 complete"]
    asked = only_exchange(told).request
    assert asked is not None
    assert [item.name for item in asked.auth] == ["x-api-key"]


def test_a_server_that_speaks_first_and_no_http_at_all_is_nothing() -> None:
    net = Network()
    tcp = net.to(SQUID, 22).down(b"SSH-2.0-x\r\n").up(b"SSH-2.0-y\r\n").down(bytes(5000))
    tcp.ack(True).up(bytes(3000)).close()

    told = net.report()

    assert (told.exchanges, told.direct_tls, told.oddities) == ((), (), ())
    assert told.completeness.verdict == "complete"


def test_a_client_that_is_known_by_its_syn_stays_the_client() -> None:
    """What a server says first may look like a request."""
    net = Network()
    tcp = net.to_api_proxy().down(b"220 hello\r\n").ack(True).down(GET).ack(True)
    say(tcp, request("GET /b HTTP/1.1"), response()).close()

    assert lines(net.report()) == ["GET /b 200 complete"]


def test_in_mid_stream_a_client_hello_tells_who_the_client_is() -> None:
    """The lower port is the server's, as a rule."""
    net = Network()
    tcp = Tcp(net.wire, client=(AGENT, 443), server=(UPSTREAM, 50000))
    play(tcp, tls()).close()

    told = net.report()

    (found,) = told.direct_tls
    assert (found.client.port, found.server.port) == (443, 50000)
    assert found.tls.sni is not None


def test_a_handshake_of_which_one_side_was_not_heard_did_not_fail() -> None:
    net = Network()
    play(net.to(UPSTREAM, 443), tls()).close()

    (found,) = report([packet for packet in net.wire.packets if packet.up]).direct_tls

    assert found.tls.handshake == "incomplete"
