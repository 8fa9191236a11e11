"""Request meets response: in order, whatever comes between them, and however it ends."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from inspector.exchanges.held_back import SEGMENT_COST
from inspector.inspection import Inspector
from inspector.model.http import EndedBy
from inspector.options import Options
from inspector.report.page.grouping import failure
from inspector.report.page.terminal import render
from tests.exchanges.network import (
    API,
    API_PROXY,
    ESTABLISHED,
    PLACEHOLDER,
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
from tests.flows.build import MILLISECOND, Packet, Tcp

GET_A, GET_B, GET_C = (request(f"GET /{name} HTTP/1.1") for name in "abc")
UPLOAD = request("POST /up HTTP/1.1", body=b"u" * 4000)


# -- in order ------------------------------------------------------------------


def test_requests_of_one_connection_are_answered_one_by_one() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A, response(), GET_B, response("404 Not Found")).close()

    assert lines(net.report()) == ["GET /a 200 complete", "GET /b 404 complete"]


def test_pipelined_requests_meet_their_responses_in_order() -> None:
    net = Network()
    answers = response("200 OK", body=b"a") + response("404 Not Found", body=b"b")
    say(net.to_api_proxy(), GET_A + GET_B + GET_C, answers, b"", response("500 Oh")).close()

    assert lines(net.report()) == [
        "GET /a 200 complete",
        "GET /b 404 complete",
        "GET /c 500 complete",
    ]


def test_a_response_to_head_has_no_body_whatever_its_length_says() -> None:
    net = Network()
    head = request("HEAD /a HTTP/1.1")
    answers = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + response("204 No Content")
    say(net.to_api_proxy(), head + GET_B, answers).close()

    told = net.report()

    assert lines(told) == ["HEAD /a 200 complete", "GET /b 204 complete"]
    assert [exchange.response and exchange.response.body_bytes for exchange in told.exchanges] == [
        0,
        0,
    ]


def test_interim_responses_are_listed_with_the_final_one() -> None:
    net = Network()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n"
    say(net.to_api_proxy(), GET_A, b"HTTP/1.1 102 Processing\r\n\r\n" + hints + response()).close()

    exchange = only_exchange(net.report())

    assert exchange.response is not None
    assert exchange.response.interim == (102, 103)
    assert exchange.response.status == 200


def test_the_body_may_wait_for_100_continue() -> None:
    net = Network()
    head, _, body = UPLOAD.partition(b"\r\n\r\n")
    head += b"\r\nExpect: 100-continue\r\n\r\n"
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    say(net.to_api_proxy(), head, interim, body, response("201 Created")).close()

    exchange = only_exchange(net.report())

    assert line(exchange) == "POST /up 201 complete"
    assert exchange.response is not None
    assert exchange.response.interim == (100,)
    assert exchange.request is not None
    assert (exchange.request.body_bytes, exchange.request.complete) == (4000, True)


def test_a_final_response_may_come_instead_of_100_continue() -> None:
    net = Network()
    head = UPLOAD.partition(b"\r\n\r\n")[0] + b"\r\nExpect: 100-continue\r\n\r\n"
    say(net.to_api_proxy(), head, response("417 Expectation Failed")).close()

    exchange = only_exchange(net.report())

    assert line(exchange) == "POST /up 417 complete"
    assert exchange.request is not None
    assert (exchange.request.body_bytes, exchange.request.complete) == (0, False)


def test_a_response_may_be_over_before_its_request_is() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.up(UPLOAD[:1000]).down(response("413 Content Too Large", body=b"no"))
    tcp.up(UPLOAD[1000:]).up(GET_A).down(response()).close()

    told = net.report()

    assert lines(told) == ["POST /up 413 complete", "GET /a 200 complete"]
    first = told.exchanges[0]
    assert first.request is not None
    assert (first.request.body_bytes, first.request.complete) == (4000, True)


def test_a_request_given_up_after_an_early_response_is_incomplete() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.up(UPLOAD[:1000]).down(response("413 Content Too Large", body=b"no")).end(False).reset(True)

    exchange = only_exchange(net.report())

    assert line(exchange) == "POST /up 413 complete"
    assert exchange.request is not None
    assert not exchange.request.complete


# -- what belongs to nothing -----------------------------------------------------


def test_a_response_to_no_request_stands_alone_and_is_odd() -> None:
    net = Network()
    tcp = say(net.to_api_proxy(), GET_A, response())
    tcp.down(response("408 Request Timeout")).end(False).end(True)

    told = net.report()

    assert lines(told) == ["GET /a 200 complete", "- 408 complete"]
    assert oddities(told) == {"response-without-request": 1}


def test_a_response_earlier_than_the_request_does_not_answer_it() -> None:
    """As when a server times an idle connection out while the next request is on its way."""
    net = Network()
    tcp = say(net.to_api_proxy(), GET_A, response())
    tcp.down(response("408 Request Timeout"), acked=len(GET_A)).up(GET_B).reset(False)

    told = net.report()

    assert lines(told) == [
        "GET /a 200 complete",
        "- 408 complete",
        "GET /b - reset-by-server",
    ]


def test_a_connection_that_begins_with_a_response_is_still_http() -> None:
    net = Network()
    net.to_api_proxy().down(response("503 Busy")).close()

    told = net.report()

    assert lines(told) == ["- 503 complete"]
    assert oddities(told) == {"response-without-request": 1}


# -- upgrades -------------------------------------------------------------------

UPGRADE = request("GET /v1/responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def test_after_101_the_frames_are_not_read_as_http() -> None:
    net = Network()
    frames = b"\x81\x05GET /", b"\x81\x0dHTTP/1.1 200 "
    say(net.to_api_proxy(), UPGRADE, SWITCHING + frames[1], *frames, *frames).close()

    told = net.report()
    exchange = only_exchange(told)

    assert line(exchange) == "GET /v1/responses 101 client"
    assert exchange.upgrade == "websocket"
    assert oddities(told) == {}


def test_an_upgrade_that_is_answered_otherwise_did_not_happen() -> None:
    net = Network()
    say(net.to_api_proxy(), UPGRADE + GET_A, response("401 Unauthorized"), b"", response()).close()

    told = net.report()

    assert lines(told) == ["GET /v1/responses 401 complete", "GET /a 200 complete"]
    assert [exchange.upgrade for exchange in told.exchanges] == [None, None]


def test_a_request_that_101_overtook_is_still_reported() -> None:
    net = Network()
    body = request("POST /u HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c", body=bytes(900))
    tcp = net.to_api_proxy()
    tcp.up(body[:-500]).down(SWITCHING).up(body[-500:]).close()

    assert lines(net.report()) == ["POST /u 101 client"]


def test_requests_pipelined_behind_an_unasked_101_are_still_reported() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A + GET_B, SWITCHING).close()

    assert lines(net.report()) == ["GET /a 101 client", "GET /b - client"]


# -- endings --------------------------------------------------------------------


#: How a connection ends -> what is done to it, and who did it.
ENDINGS: dict[str, tuple[Callable[[Tcp], object], EndedBy]] = {
    "the server closes": (lambda tcp: tcp.end(False).end(True), "server"),
    "the server half-closes": (lambda tcp: tcp.end(False), "server"),
    "the client closes": (lambda tcp: tcp.end(True).end(False), "client"),
    "the client resets": (lambda tcp: tcp.reset(True), "reset-by-client"),
    "the server resets": (lambda tcp: tcp.reset(False), "reset-by-server"),
    "the capture ends": (lambda tcp: None, "capture-end"),
}
endings = pytest.mark.parametrize("ending", ENDINGS)


@endings
def test_a_request_without_an_answer_tells_who_ended_it(ending: str) -> None:
    end, ended_by = ENDINGS[ending]
    net = Network()
    tcp = net.to_api_proxy().up(GET_A).ack(False)
    end(tcp)

    exchange = only_exchange(net.report())

    assert (exchange.response, exchange.ended_by) == (None, ended_by)
    assert exchange.request is not None
    assert exchange.request.complete


@endings
def test_a_response_cut_in_its_body_tells_who_cut_it(ending: str) -> None:
    end, ended_by = ENDINGS[ending]
    net = Network()
    tcp = say(net.to_api_proxy(), GET_A, response(body=b"x" * 99)[:-9])
    end(tcp)

    exchange = only_exchange(net.report())

    assert exchange.ended_by == ended_by
    assert exchange.response is not None
    assert (exchange.response.body_bytes, exchange.response.complete) == (90, False)


@endings
def test_a_request_cut_in_its_body_tells_who_cut_it(ending: str) -> None:
    end, ended_by = ENDINGS[ending]
    net = Network()
    tcp = net.to_api_proxy().up(UPLOAD[:-9]).ack(False)
    end(tcp)

    exchange = only_exchange(net.report())

    assert (exchange.response, exchange.ended_by) == (None, ended_by)
    assert exchange.request is not None
    assert (exchange.request.body_bytes, exchange.request.complete) == (3991, False)


def test_a_body_that_ends_with_the_connection_is_complete_at_fin_only() -> None:
    net = Network()
    until_close = b"HTTP/1.1 200 OK\r\n\r\nbody"
    say(net.to_api_proxy(), GET_A, until_close).end(False).end(True)
    say(net.to_api_proxy(), GET_B, until_close).reset(False)

    assert lines(net.report()) == ["GET /a 200 complete", "GET /b 200 reset-by-server"]


def test_an_answer_lost_in_a_gap_is_not_called_absent() -> None:
    """Nor is it known which of the waiting requests the next response answers."""
    net = Network()
    lost = len(response())
    tcp = net.to_api_proxy().up(GET_A)
    tcp.sent[False] = lost
    say(tcp, GET_B, response("404 Not Found"), GET_C, response("500 Oh")).close()

    told = net.report()

    assert lines(told) == [
        "GET /a - gap",
        "GET /b - gap",
        "GET /c - gap",
        "- 404 complete",
        "- 500 complete",
    ]
    assert oddities(told) == {"resynchronised": 1}
    assert told.completeness.verdict == "incomplete"
    assert [(gap.direction, gap.bytes) for gap in told.completeness.gaps] == [("down", lost)]


def test_a_body_with_a_gap_goes_on_when_its_length_is_known() -> None:
    net = Network()
    answer = response(body=b"x" * 3000)
    tcp = net.to_api_proxy().up(GET_A).down(answer[:1000])
    tcp.down(answer[2000:], offset=2000).ack(True)
    say(tcp, GET_B, response("404 Not Found")).close()

    told = net.report()

    assert lines(told) == ["GET /a 200 gap", "GET /b 404 complete"]
    first = told.exchanges[0].response
    assert first is not None
    assert (first.body_bytes, first.complete) == (3000, False)


def test_a_request_lost_in_a_gap_leaves_its_answer_alone() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    tcp.sent[True] = len(GET_A)
    tcp.down(response()).up(GET_B)
    for _ in range(64):  # so long a hole is waited for
        tcp.ack(False)
    tcp.down(response("404 Not Found")).close()

    told = net.report()

    assert lines(told) == ["- 200 complete", "GET /b 404 complete"]
    assert oddities(told) == {"resynchronised": 1}


def test_a_request_held_behind_a_hole_is_not_called_unanswered() -> None:
    """Its answer went by while the hole might still have been filled."""
    net = Network()
    tcp = net.to_api_proxy()
    tcp.sent[True] = len(GET_A)
    say(tcp.down(response()), GET_B, response("404 Not Found")).close()

    told = net.report()

    assert lines(told) == ["- 200 complete", "- 404 complete", "GET /b - gap"]
    assert oddities(told) == {"resynchronised": 1}


def test_exchanges_are_numbered_as_their_requests_began() -> None:
    net = Network()
    slow, quick = net.to_api_proxy(), net.to_api_proxy(10000)
    slow.up(GET_A)
    quick.up(GET_B).down(response()).close()
    slow.down(response("404 Not Found")).close()

    told = net.report()

    assert [(exchange.id, line(exchange)) for exchange in told.exchanges] == [
        ("e1", "GET /a 404 complete"),
        ("e2", "GET /b 200 complete"),
    ]
    assert [exchange.server.port for exchange in told.exchanges] == [10001, 10000]
    assert told.exchanges[0].server.ip == API_PROXY


# -- order is the file's, not the clock's -----------------------------------------


def reclocked(packets: list[Packet], where: int, step: int) -> list[Packet]:
    """The clock goes by `step` ns from packet `where` on."""
    return [
        packet._replace(at=packet.at + (step if number >= where else 0))
        for number, packet in enumerate(packets)
    ]


@pytest.mark.parametrize("back", [2, 50, 12_000, 3_600_000])
def test_an_answer_stamped_before_its_request_is_its_answer(back: int) -> None:
    net = Network()
    tcp = say(net.to_api_proxy(), GET_A, response(), GET_B, response("404 Not Found")).close()
    steady = lines(net.report())

    for where in range(len(tcp.wire.packets)):
        told = report(reclocked(tcp.wire.packets, where, -back * MILLISECOND))

        assert lines(told) == steady == ["GET /a 200 complete", "GET /b 404 complete"]
        assert oddities(told) == {}


def test_a_connect_answered_before_it_by_the_clock_opens_its_tunnel() -> None:
    net = Network()
    tcp = play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()

    for where in range(len(tcp.wire.packets)):
        told = report(reclocked(tcp.wire.packets, where, -50 * MILLISECOND))

        tunnel = only_tunnel(told)
        assert (tunnel.connect_status, tunnel.protocol, tunnel.authority) == (200, "tls", API)


def test_times_without_resolution_change_no_pairing() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A, response(), GET_B, response("404 Not Found")).close()

    told = report([packet._replace(at=0) for packet in net.wire.packets])

    assert lines(told) == ["GET /a 200 complete", "GET /b 404 complete"]


# -- answers to heads that have not ended ------------------------------------------

AUTH = "x-api-key: " + PLACEHOLDER


@pytest.mark.parametrize("status", ["408 Request Timeout", "431 Too Large", "400 Bad", "200 OK"])
@pytest.mark.parametrize("reset", [True, False])
def test_an_answer_before_its_requests_head_ends_is_that_requests(status: str, reset: bool) -> None:
    """Node answers heads that are too slow (408), too large (431) or malformed (400)."""
    net = Network()
    head = request("POST /v1/messages HTTP/1.1", AUTH, "x-slow: 1")
    tcp = net.to_api_proxy().up(head[:-8]).ack(False)
    tcp.down(response(status, "Connection: close")).end(False)
    if reset:
        tcp.reset(True)
    else:
        tcp.end(True)

    told = net.report()

    exchange = only_exchange(told)
    assert line(exchange) == f"POST /v1/messages {status[:3]} complete"
    assert exchange.request is not None
    assert not exchange.request.complete
    assert [auth.name for auth in exchange.request.auth] == ["x-api-key"]
    assert oddities(told) == {"unfinished-head": 1}
    assert told.completeness.verdict == "complete"


def test_what_a_head_says_after_its_answer_belongs_to_it_too() -> None:
    net = Network()
    head = request("POST /v1/messages HTTP/1.1", AUTH)
    tcp = net.to_api_proxy().up(head[:30]).down(response("408 Request Timeout"))
    say(tcp.up(head[30:]), GET_B, response("404 Not Found"))

    told = net.report()

    assert lines(told)[0] == "POST /v1/messages 408 complete"
    first = told.exchanges[0].request
    assert first is not None
    assert first.complete
    assert [auth.name for auth in first.auth] == ["x-api-key"]


def test_a_connect_that_is_answered_before_its_head_ends_is_a_refused_tunnel() -> None:
    net = Network()
    tcp = net.to_squid().up(connect()[:-2]).down(response("431 Too Large")).end(False)
    tcp.reset(True)

    tunnel = only_tunnel(net.report())

    assert (tunnel.authority, tunnel.connect_status, tunnel.established) == (API, 431, False)


def test_an_answer_to_less_than_a_request_line_has_no_request() -> None:
    net = Network()
    tcp = net.to_api_proxy().up(b"POST /v1/mess").down(response("408 Request Timeout"))
    tcp.end(False).end(True)

    told = net.report()

    assert lines(told) == ["- 408 complete"]


# -- malformed request lines --------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "version", "fault"),
    [
        ("POST /v1/messages HTTP/1.0.8", "HTTP/1.0.8", "unknown-version"),
        ("POST /v1/messages HTTP/1.10", "HTTP/1.10", "unknown-version"),
        ("POST /v1/messages http/1.1", "http/1.1", "unknown-version"),
        ("POST /v1/messages HTTP/some.text", "HTTP/?", "unknown-version"),
        ("POST /v1/messages HTTP/1.1 ", "HTTP/1.1", "malformed-start-line"),
        ("POST  /v1/messages  HTTP/1.1", "HTTP/1.1", "malformed-start-line"),
        ("POST\t/v1/messages\tHTTP/1.1", "HTTP/1.1", "malformed-start-line"),
    ],
)
@pytest.mark.parametrize("size", [10_000, 7, 1])
def test_a_malformed_request_line_costs_no_evidence(
    asked: str, version: str, fault: str, size: int
) -> None:
    """Servers answer such lines with 400, or as if nothing were wrong."""
    net = Network()
    tcp, head = net.to_api_proxy(), request(asked, AUTH)
    for start in range(0, len(head), size):
        tcp.up(head[start : start + size])
    tcp.down(response("400 Bad Request")).ack(True).close()

    told = net.report()

    exchange = only_exchange(told)
    assert line(exchange) == "POST /v1/messages 400 complete"
    assert exchange.request is not None
    assert exchange.request.http_version == version
    assert [auth.name for auth in exchange.request.auth] == ["x-api-key"]
    assert oddities(told) == {fault: 1}


@pytest.mark.parametrize(
    ("answered", "version", "fault"),
    [
        ("HTTP/2 401", "HTTP/2", "unknown-version"),
        ("HTTP/2 401 Unauthorized", "HTTP/2", "unknown-version"),
        ("HTTP/1.0.8 401 No", "HTTP/1.0.8", "unknown-version"),
        ("HTTP/some.text 401 No", "HTTP/?", "unknown-version"),
        ("HTTP/1.1  401 No", "HTTP/1.1", "malformed-start-line"),
        ("HTTP/1.1\t401\tNo", "HTTP/1.1", "malformed-start-line"),
    ],
)
@pytest.mark.parametrize("size", [10_000, 7, 1])
def test_a_malformed_status_line_is_an_answer(
    answered: str, version: str, fault: str, size: int
) -> None:
    """Clients refuse some of these, and blame a connection that was answered."""
    net = Network()
    tcp = net.to_api_proxy().up(GET_A).ack(False)
    head = f"{answered}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    for start in range(0, len(head), size):
        tcp.down(head[start : start + size])
    tcp.ack(True).close()

    told = net.report()

    exchange = only_exchange(told)
    assert line(exchange) == "GET /a 401 complete"
    assert exchange.response is not None
    assert exchange.response.http_version == version
    assert oddities(told) == {fault: 1}


@pytest.mark.parametrize("protocol", [b"ICY", b"http/1.1", b"Http/1.1"])
def test_what_comes_in_place_of_an_answer_and_is_no_http_is_not_read(protocol: bytes) -> None:
    """Nobody can say of such a call that it got no answer."""
    net = Network()
    say(net.to_api_proxy(), GET_A, b"%s 200 OK\r\n\r\n" % protocol).end(False).end(True).ack(False)

    told = net.report()

    assert only_exchange(told).ended_by == "unread"
    assert told.root_cause is None
    assert {item.verdict for item in told.hypotheses} == {"not observable"}
    assert "What 1 got in answer is no HTTP, and was not read." in render(told, width=200)


# -- what is open is small ------------------------------------------------------------


def test_a_waiting_call_holds_nine_kilobytes() -> None:
    """With its connection, both parsers and its head of seven fields."""
    fields = (AUTH, "User-Agent: lab/1", "Accept: */*", "Content-Type: application/json")
    net = Network()
    for port in range(500):
        tcp = net.to(API_PROXY, 10001, at=20_000 + port)
        tcp.up(request("POST /v1/messages HTTP/1.1", *fields, body=b"{}" * 50)).ack(False)
    packets = net.wire.batch()
    inspector = Inspector(Options())
    tracemalloc.start()
    inspector.feed(packets)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held / 500 < 10_500
    assert len(inspector.finish().exchanges) == 500


@pytest.mark.parametrize("asked", [connect(), UPGRADE], ids=["connect", "upgrade"])
@pytest.mark.parametrize("size", [1400, 1])
def test_what_follows_an_unanswered_connect_or_upgrade_is_held_within_a_limit(
    asked: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The capture has one direction only, say, and an upload goes through."""
    monkeypatch.setattr("inspector.exchanges.held_back.HELD_LIMIT", 40_000)
    net = Network()
    tcp = net.to_squid().up(asked)
    for _ in range(400_000 // (size + SEGMENT_COST)):
        tcp.up(b"x" * size)
    packets = net.wire.batch()
    inspector = Inspector(Options())
    tracemalloc.start()
    inspector.feed(packets)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = inspector.finish()

    assert held < 40_000 + 60_000
    assert oddities(told) == {"held-data-limit": 1}
    assert "bytes behind an unanswered CONNECT or upgrade" in told.completeness.limits_hit
    assert told.completeness.verdict == "incomplete"


def test_what_was_too_much_to_hold_is_a_gap_once_the_answer_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.exchanges.held_back.HELD_LIMIT", 10_000)
    net = Network()
    refused = say(net.to_squid(), connect()).up(GET_A)
    for _ in range(20):
        refused.up(b"x" * 1400)
    refused.down(response("403 Forbidden")).down(response())
    say(refused.up(GET_B), response("404 Not Found")).close()
    opened = net.to_squid().up(connect())
    for _ in range(20):
        opened.up(b"\x00" * 1400)
    opened.down(ESTABLISHED).close()

    told = net.report()

    assert [tunnel.connect_status for tunnel in told.tunnels] == [403, 200]
    assert told.tunnels[1].bytes_up == 20 * 1400
    assert lines(told)[0] == "GET /a 200 complete"
    assert oddities(told)["held-data-limit"] == 2


def test_what_all_connections_hold_together_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.exchanges.held_back.HELD_TOTAL_LIMIT", 5_000)
    net = Network()
    waiting = [net.to_squid().up(connect()).up(b"x" * 1000) for _ in range(6)]
    assert oddities(net.report()) == {"held-data-limit": 2}
    for tcp in waiting:
        tcp.down(ESTABLISHED)
        tcp.close()
    net.to_squid().up(connect()).up(b"x" * 1000)

    assert oddities(net.report()) == {"held-data-limit": 2}


def test_an_interim_answer_is_told_of_where_no_final_one_came() -> None:
    net = Network()
    net.to_api_proxy().up(UPLOAD).down(b"HTTP/1.1 100 Continue\r\n\r\n").end(True).end(False)

    exchange = only_exchange(net.report())

    assert (exchange.response, exchange.interim) == (None, (100,))
    assert failure(exchange) == "no final answer after 100: the client closed"
