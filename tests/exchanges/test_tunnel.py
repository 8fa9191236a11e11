"""CONNECT opens a tunnel; what goes through it is looked at anew."""

from __future__ import annotations

import base64
import itertools
import random

import pytest

from inspector.model.network import TunnelProtocol
from inspector.model.report import Report
from inspector.protocols.detect import H2_PREFACE
from tests.exchanges.network import (
    AGENT,
    API,
    API_PROXY,
    ESTABLISHED,
    SQUID,
    Network,
    connect,
    lines,
    oddities,
    only_exchange,
    only_tunnel,
    play,
    request,
    response,
    say,
    tls,
)

DENIED = response(
    "403 Forbidden",
    "Content-Type: text/html",
    "X-Squid-Error: ERR_ACCESS_DENIED 0",
    body=b"<html>HTTP/1.1 200 Connection established</html>",
)
INSIDE = request("POST /v1/messages HTTP/1.1", "User-Agent: lab/1", body=b"{}")


# -- TLS inside -------------------------------------------------------------------


def test_the_200_says_only_that_a_tunnel_is_open_and_the_bytes_say_tls() -> None:
    net = Network()
    play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.authority, tunnel.connect_status, tunnel.established) == (API, 200, True)
    assert tunnel.protocol == "tls"
    assert tunnel.tls is not None
    assert (tunnel.tls.sni, tunnel.tls.version) == ("api.lab.test", "TLS 1.3")
    assert tunnel.tls.handshake == "complete"
    assert (tunnel.client.ip, tunnel.proxy.ip, tunnel.proxy.port) == (API_PROXY, SQUID, 3128)
    assert (tunnel.closed_by, tunnel.reply_latency) == ("client", 0.02)
    assert told.exchanges == ()
    assert told.direct_tls == ()
    assert oddities(told) == {}


def test_a_tunnel_counts_what_went_through_it_and_nothing_else() -> None:
    net = Network()
    play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()

    tunnel = only_tunnel(net.report())

    assert (tunnel.bytes_up, tunnel.bytes_down) == (len(tls().of(True)), len(tls().of(False)))
    # Records of type 23 after each side's hello; the client's Finished is one of them.
    assert tunnel.records_up >= 3
    assert tunnel.records_down >= 3
    assert tunnel.opened_at < (tunnel.first_data_at or 0) < (tunnel.last_data_at or 0)


def _rest(net: Network, tcp_turns: list[tuple[bool, bytes]], skip: int) -> None:
    tcp = net.to_squid()
    for up, data in [*tcp_turns, *tls().flights[skip:]]:
        tcp.send(up, data)
        tcp.ack(not up)
    tcp.close()


HELLO, SERVER_HELLO = tls().flights[0][1], tls().flights[1][1]


@pytest.mark.parametrize(
    ("turns", "skip"),
    [
        pytest.param([(True, connect()), (False, ESTABLISHED)], 0, id="one after the other"),
        pytest.param([(True, connect() + HELLO), (False, ESTABLISHED)], 1, id="hello with CONNECT"),
        pytest.param(
            [(True, connect()), (True, HELLO), (False, ESTABLISHED)], 1, id="hello before the 200"
        ),
        pytest.param(
            [(True, connect() + HELLO), (False, ESTABLISHED + SERVER_HELLO)], 2, id="both glued"
        ),
        pytest.param(
            [(True, connect()), (False, ESTABLISHED[:17]), (False, ESTABLISHED[17:])],
            0,
            id="the reply is split",
        ),
        pytest.param(
            [(True, connect()[:9]), (True, connect()[9:]), (False, ESTABLISHED)],
            0,
            id="CONNECT is split",
        ),
        pytest.param(
            [(True, connect()), (False, b"HTTP/1.1 100 Continue\r\n\r\n" + ESTABLISHED)],
            0,
            id="100 before the 200",
        ),
        pytest.param([(True, connect()), (False, b"HTTP/1.1 201 Yes\r\n\r\n")], 0, id="201"),
        pytest.param([(True, connect()), (False, b"HTTP/1.1 204 None\r\n\r\n")], 0, id="204"),
        pytest.param(
            [(True, connect()), (False, b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n")],
            0,
            id="a length in the 200 means nothing",
        ),
    ],
)
def test_any_2xx_opens_the_tunnel_however_it_is_cut(
    turns: list[tuple[bool, bytes]], skip: int
) -> None:
    net = Network()
    _rest(net, turns, skip)

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.established, tunnel.protocol) == (True, "tls")
    assert tunnel.tls is not None
    assert tunnel.tls.handshake == "complete"
    assert (tunnel.bytes_up, tunnel.bytes_down) == (len(tls().of(True)), len(tls().of(False)))
    assert oddities(told) == {}


def test_a_100_before_the_reply_is_listed() -> None:
    net = Network()
    say(net.to_squid(), connect(), b"HTTP/1.1 100 Continue\r\n\r\n" + ESTABLISHED).close()

    tunnel = only_tunnel(net.report())

    assert (tunnel.interim, tunnel.connect_status) == ((100,), 200)


# -- refused ------------------------------------------------------------------------


def test_a_refused_connect_names_the_proxys_reason_and_is_no_exchange() -> None:
    net = Network()
    say(net.to_squid(), connect("evil.test:443"), DENIED).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.connect_status, tunnel.established) == (403, False)
    assert tunnel.proxy_error == "ERR_ACCESS_DENIED 0"
    assert (tunnel.protocol, tunnel.tls, tunnel.bytes_down) == ("none", None, 0)
    assert told.exchanges == ()


def test_another_connect_may_follow_on_the_connection_of_a_refused_one() -> None:
    net = Network()
    tcp = say(net.to_squid(), connect("evil.test:443"), DENIED, connect(), ESTABLISHED)
    play(tcp, tls()).close()

    told = net.report()

    assert [(t.id, t.authority, t.established, t.protocol) for t in told.tunnels] == [
        ("t1", "evil.test:443", False, "none"),
        ("t2", API, True, "tls"),
    ]
    assert {t.connection for t in told.tunnels} == {"c1"}


def test_requests_held_behind_a_refused_connect_are_http_after_all() -> None:
    net = Network()
    plain = request("GET http://172.30.0.30:10001/health HTTP/1.1")
    say(net.to_squid(AGENT), connect("evil.test:443") + plain, DENIED, b"", response()).close()

    told = net.report()

    assert only_tunnel(told).established is False
    assert lines(told) == ["GET http://172.30.0.30:10001/health 200 complete"]


def test_credentials_for_the_proxy_are_described_and_never_shown() -> None:
    net = Network()
    secret = base64.b64encode(b"lab:LABONLY-password").decode()
    wanted = response("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=lab")
    signed = connect(API, f"Proxy-Authorization: Basic {secret}")
    say(net.to_squid(), connect(), wanted, signed, ESTABLISHED).close()

    told = net.report()
    first, second = told.tunnels

    assert (first.connect_status, first.auth) == (407, ())
    assert second.connect_status == 200
    (auth,) = second.auth
    assert (auth.name, auth.scheme, auth.credential.kind) == (
        "Proxy-Authorization",
        "Basic",
        "basic",
    )
    assert auth.credential.length == len(secret)
    assert [name for name, _ in second.headers] == ["Host", "Proxy-Authorization"]
    assert secret not in repr(told)
    assert "LABONLY" not in repr(told)


# -- a CONNECT among other things -----------------------------------------------------


def test_connect_may_be_pipelined_behind_another_request() -> None:
    net = Network()
    plain = request("GET http://172.30.0.30:10001/health HTTP/1.1")
    tcp = say(net.to_squid(AGENT), plain + connect(), response(body=b"ok") + ESTABLISHED)
    play(tcp, tls()).close()

    told = net.report()

    assert lines(told) == ["GET http://172.30.0.30:10001/health 200 complete"]
    assert told.exchanges[0].tunnel is None
    assert only_tunnel(told).protocol == "tls"


def test_connect_inside_a_connect_is_a_tunnel_of_its_own() -> None:
    net = Network()
    tcp = say(net.to_squid(AGENT), connect("proxy.test:3128"), ESTABLISHED, connect(), ESTABLISHED)
    play(tcp, tls()).close()

    told = net.report()
    outer, inner = told.tunnels

    assert (outer.authority, outer.protocol, outer.tls) == ("proxy.test:3128", "http/1.1", None)
    assert (inner.authority, inner.protocol) == (API, "tls")
    assert inner.tls is not None
    assert inner.tls.handshake == "complete"
    assert outer.bytes_up == inner.bytes_up + len(connect())
    assert told.exchanges == ()


# -- other things inside ----------------------------------------------------------------


def test_plain_http_inside_is_exchanges_of_the_tunnel() -> None:
    net = Network()
    tcp = say(net.to_squid(AGENT), connect("172.30.0.30:10001"), ESTABLISHED)
    say(tcp, INSIDE, response("401 Unauthorized"), INSIDE, response()).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert tunnel.protocol == "http/1.1"
    assert tunnel.exchanges == ("e1", "e2")
    assert lines(told) == ["POST /v1/messages 401 complete", "POST /v1/messages 200 complete"]
    assert {(e.hop, e.tunnel, e.provider) for e in told.exchanges} == {
        ("inside-tunnel", "t1", "anthropic")
    }
    # The ends are those of the connection that was seen.
    assert {(e.client.ip, e.server.ip, e.server.port) for e in told.exchanges} == {
        (AGENT, SQUID, 3128)
    }


@pytest.mark.parametrize(
    ("authority", "provider"),
    [
        ("api.openai.com:80", "openai"),
        ("api.githubcopilot.com:80", "copilot"),
        ("172.30.0.30:10000", "openai"),
        ("172.30.0.30:80", "unknown"),
        ("example.test:10001", "unknown"),
    ],
)
def test_the_provider_of_an_exchange_inside_is_that_of_the_authority(
    authority: str, provider: str
) -> None:
    net = Network()
    say(net.to_squid(AGENT), connect(authority), ESTABLISHED, INSIDE, response()).close()

    assert only_exchange(net.report()).provider == provider


@pytest.mark.parametrize(
    ("up", "down", "protocol"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04", b"\x00\x00\x00\x04\x00", "h2"),
        (b"", b"SSH-2.0-OpenSSH_9.6\r\n", "unknown"),
        (b"SSH-2.0-lab\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", "unknown"),
        (b"\x00\x01\x02\x03", b"", "unknown"),
        (b"", b"", "none"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 100])
def test_whatever_else_is_inside_is_named_and_counted(
    up: bytes, down: bytes, protocol: TunnelProtocol, pieces: int
) -> None:
    net = Network()
    tcp = say(net.to_squid(), connect(), ESTABLISHED)
    for side, data in ((True, up), (False, down)):
        size = len(data) // pieces + 1
        for at in range(0, len(data), size):
            tcp.send(side, data[at : at + size])
    tcp.close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.established, tunnel.protocol, tunnel.tls) == (True, protocol, None)
    assert (tunnel.bytes_up, tunnel.bytes_down) == (len(up), len(down))
    assert (tunnel.first_data_at is None) == (protocol == "none")
    assert told.exchanges == ()
    assert oddities(told) == {}


# -- what the capture lacks -----------------------------------------------------------------


def test_a_connect_without_a_reply_is_not_known_to_be_open() -> None:
    net = Network()
    net.to_squid().up(connect()).ack(False).end(False).end(True)

    tunnel = only_tunnel(net.report())

    assert (tunnel.connect_status, tunnel.established, tunnel.reply_latency) == (None, None, None)
    assert (tunnel.protocol, tunnel.closed_by) == ("none", "server")


def test_a_connect_still_waiting_when_the_capture_ends_makes_it_incomplete() -> None:
    net = Network()
    net.to_squid().up(connect()).ack(False)

    told = net.report()

    assert only_tunnel(told).established is None
    assert told.completeness.verdict == "incomplete"


def test_a_reply_lost_in_a_gap_leaves_open_whether_the_tunnel_was() -> None:
    net = Network()
    tcp = net.to_squid().up(connect())
    tcp.sent[False] = len(ESTABLISHED)
    play(tcp, tls()).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.connect_status, tunnel.established, tunnel.authority) == (None, None, API)
    assert tunnel.protocol == "tls"
    assert tunnel.tls is not None
    assert tunnel.tls.sni == "api.lab.test"
    assert told.completeness.verdict == "incomplete"


def test_a_connect_that_was_lost_is_known_by_squids_own_words() -> None:
    net = Network()
    tcp = net.to_squid()
    tcp.sent[True] = len(connect())
    tcp.ack(False).down(ESTABLISHED).ack(True)
    play(tcp, tls()).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.authority, tunnel.headers, tunnel.auth) == (None, (), ())
    assert (tunnel.connect_status, tunnel.established) == (200, True)
    assert tunnel.reply_latency is None
    assert tunnel.protocol == "tls"
    assert tunnel.tls is not None
    assert tunnel.tls.sni == "api.lab.test"
    assert tunnel.bytes_up == len(tls().of(True)), "the CONNECT itself did not go through"
    assert told.exchanges == ()


def test_the_rest_of_a_connect_behind_its_reply_is_not_taken_for_a_request() -> None:
    net = Network()
    tcp = net.to_squid().up(connect()[:5]).down(ESTABLISHED)
    tcp.up(connect()[6:], offset=6)  # `CONNE`, a hole, ` api.anthropic.com:443 HTTP/1.1`
    play(tcp, tls()).close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.authority, tunnel.established, tunnel.protocol) == (None, True, "tls")
    assert told.exchanges == ()


def test_what_followed_a_reply_that_stands_alone_is_named_if_it_can_be() -> None:
    for first, protocol in ((b"\x01\x02", "unknown"), (H2_PREFACE, "h2"), (b"", "none")):
        net = Network()
        tcp = net.to_squid()
        tcp.sent[True] = len(connect())
        tcp.ack(False).down(ESTABLISHED).up(first).close()

        assert only_tunnel(net.report()).protocol == protocol


def test_nothing_is_joined_across_a_hole_that_came_before_the_reply() -> None:
    """The client did not wait for the 200."""
    net = Network()
    inside = request("POST /v1/messages HTTP/1.1", "User-Agent: lab/1", "x-lost: " + "y" * 200)
    tcp = net.to_squid(AGENT).up(connect("172.30.0.30:10001")).up(inside[:50])
    tcp.up(inside[200:], offset=tcp.sent[True] + 150)
    for _ in range(64):  # so long a hole is waited for
        tcp.ack(False)
    tcp.down(ESTABLISHED + response("401 Unauthorized"))
    say(tcp, INSIDE, response()).close()

    told = net.report()

    assert lines(told) == ["POST /v1/messages 401 gap", "POST /v1/messages 200 complete"]
    assert only_tunnel(told).bytes_up == len(inside) + len(INSIDE)
    assert not any("x-lost" in repr(e) or "yyy" in repr(e) for e in told.exchanges)
    assert [(gap.direction, gap.bytes) for gap in told.completeness.gaps] == [("up", 150)]


def test_a_request_behind_a_hole_behind_a_refused_connect_is_found() -> None:
    net = Network()
    tcp = net.to_squid(AGENT).up(connect("evil.test:443"))
    tcp.up(INSIDE, offset=tcp.sent[True] + 100)
    for _ in range(64):
        tcp.ack(False)
    say(tcp.down(DENIED), b"", response()).close()

    told = net.report()

    assert only_tunnel(told).established is False
    assert lines(told) == ["POST /v1/messages 200 complete"]


def test_tls_to_the_proxys_port_in_mid_stream_is_a_tunnel_whose_connect_was_not_seen() -> None:
    net = Network()
    tcp = net.to_squid()
    net.wire.packets.clear()
    for up, data in tls().flights[2:]:
        tcp.send(up, data)
    tcp.close()

    told = net.report()
    tunnel = only_tunnel(told)

    assert (tunnel.authority, tunnel.connect_status, tunnel.established) == (None, None, None)
    assert tunnel.protocol == "tls"
    assert tunnel.tls is not None
    assert tunnel.tls.handshake == "not seen"
    assert (tunnel.client.ip, tunnel.proxy.ip) == (API_PROXY, SQUID)
    assert told.direct_tls == ()


def test_tls_to_the_proxys_port_behind_a_gap_is_nobody_going_out_directly() -> None:
    """CONNECT and its reply were both lost: what is left looks like TLS to the proxy."""
    net = Network()
    tcp = net.to_squid()
    tcp.sent.update({True: len(connect()), False: len(ESTABLISHED)})
    play(tcp, tls()).close()

    told = net.report()

    assert told.direct_tls == ()
    assert (only_tunnel(told).authority, only_tunnel(told).established) == (None, None)


@pytest.mark.parametrize("depth", [2, 64, 66, 500])
def test_tunnels_within_tunnels_are_looked_into_so_deep_and_no_deeper(depth: int) -> None:
    net = Network()
    tcp = net.to_squid()
    for _ in range(depth):
        say(tcp, connect(), ESTABLISHED)
    say(tcp, request(), response()).close()

    told = net.report()

    looked = min(depth, 65)
    assert len(told.tunnels) == looked
    assert len(told.exchanges) == (depth == looked)
    deeper = depth > looked
    assert oddities(told) == ({"nested-tunnels-limit": 1} if deeper else {})
    assert [(item.connection, item.reason) for item in told.completeness.unread] == (
        [("c1", "limit")] if deeper else []
    )


# -- refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "error", "is_denial"),
    [
        (DENIED, 403, "ERR_ACCESS_DENIED 0", True),
        (response("403 Forbidden"), 403, None, True),
        (response("407 Unauthorized", "X-Squid-Error: ERR_ACCESS_DENIED 0"), 407, None, True),
        (response("503 Unavailable", "X-Squid-Error: ERR_CONNECT_FAIL 111"), 503, None, False),
        (response("302 Found"), 302, None, False),
    ],
    ids=["denied", "403-of-another-proxy", "denied-with-407", "cannot-connect", "redirected"],
)
def test_any_answer_but_2xx_is_a_refusal_that_names_who_refused_and_why(
    answer: bytes, status: int, error: str | None, *, is_denial: bool
) -> None:
    net = Network()
    say(net.to_squid(), connect(), answer).close()

    refusal = only_tunnel(net.report()).refusal

    assert refusal is not None
    assert (refusal.by.ip, refusal.by.port, refusal.status) == (SQUID, 3128, status)
    assert error is None or refusal.error == error
    assert refusal.is_denial is is_denial


@pytest.mark.parametrize("answer", [ESTABLISHED, b"HTTP/1.1 299 Fine\r\n\r\n", None])
def test_an_opened_tunnel_and_one_without_an_answer_are_not_refused(answer: bytes | None) -> None:
    net = Network()
    tcp = net.to_squid()
    if answer is None:
        tcp.up(connect()).ack(False)
    else:
        say(tcp, connect(), answer)
    tcp.close()

    tunnel = only_tunnel(net.report())

    assert tunnel.refusal is None
    assert tunnel.established is (None if answer is None else True)


# -- what the proxy's side says first ------------------------------------------------

PAGE = response(
    "500 Internal Server Error",
    "X-Squid-Error: ERR_CANNOT_FORWARD 0",
    body=b"<html>no way</html>",
)
ALERT = b"\x15\x03\x03\x00\x02\x02\x0a"


def _answered(client: bytes, server: list[bytes]) -> Report:
    net = Network()
    tcp = say(net.to_squid(), connect(), ESTABLISHED, client)
    for piece in server:
        tcp.down(piece).ack(True)
    tcp.end(False).end(True)
    return net.report()


def _split(data: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, len(data)), min(7, len(data) - 1)))
    return [data[a:b] for a, b in itertools.pairwise([0, *cuts, len(data)])]


@pytest.mark.parametrize(
    "pieces", [[PAGE], [bytes([byte]) for byte in PAGE], *(_split(PAGE, n) for n in range(5))]
)
def test_http_in_place_of_a_server_hello_is_the_proxys_answer_however_it_is_cut(
    pieces: list[bytes],
) -> None:
    told = _answered(tls().flights[0][1], pieces)
    tunnel = only_tunnel(told)

    assert tunnel.established
    assert tunnel.inner is not None
    assert (tunnel.inner.status, tunnel.inner.error) == (500, "ERR_CANNOT_FORWARD 0")
    assert tunnel.refusal is not None
    assert tunnel.refusal.status == 500
    assert tunnel.bytes_down == len(PAGE)
    assert oddities(told) == {}, "what is no TLS was not read as TLS"
    assert tunnel.tls is not None
    assert tunnel.tls.handshake == "failed"


@pytest.mark.parametrize("pieces", [[ALERT], [bytes([byte]) for byte in ALERT], _split(ALERT, 1)])
def test_an_alert_in_answer_to_plain_http_is_told(pieces: list[bytes]) -> None:
    tunnel = only_tunnel(_answered(INSIDE, pieces))

    assert tunnel.tls_answer == "fatal unexpected_message (server)"
    assert tunnel.refusal is None


def test_a_handshake_record_in_answer_to_plain_http_is_told_without_a_name() -> None:
    tunnel = only_tunnel(_answered(INSIDE, [b"\x16\x03\x03\x00\x20" + 32 * b"x"]))

    assert tunnel.tls_answer == "a TLS record"


def test_tls_that_tls_answers_and_http_that_http_answers_are_told_nothing_of() -> None:
    for client, server in ((tls().of(True), tls().of(False)), (INSIDE, response())):
        tunnel = only_tunnel(_answered(client, [server]))

        assert (tunnel.inner, tunnel.tls_answer, tunnel.refusal) == (None, None, None)


def test_a_proxys_challenges_stand_with_its_refusal_and_no_token_does() -> None:
    token = base64.b64encode(b"LABONLY" * 9).decode()
    fields = ("Proxy-Authenticate: Negotiate " + token, 'Proxy-Authenticate: Basic realm="corp"')
    net = Network()
    say(net.to_squid(), connect(), response("407 Proxy Authentication Required", *fields)).close()

    refusal = only_tunnel(net.report()).refusal

    assert refusal is not None
    assert refusal.is_relayed
    first, second = refusal.challenges
    assert first.startswith("Negotiate ")
    assert token not in first
    assert second == 'Basic realm="corp"'
