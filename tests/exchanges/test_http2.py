"""Streams of HTTP/2 are exchanges like any other, whoever ends them, wherever one listens."""

from __future__ import annotations

from typing import Final

import pytest

from inspector.diagnosis.outcome import outcome_of
from inspector.model.http import Exchange
from inspector.model.report import Report
from tests.exchanges.network import API, ESTABLISHED, KEY, Network, connect, only_exchange, request
from tests.flows.build import Tcp
from tests.protocols.http2_memory import ASK, EVENTS, JSON, Talk

STREAM: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-lab-1"}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)
ERROR: Final = (
    b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'
)


def played(talk: Talk, tcp: Tcp | None = None, net: Network | None = None) -> Network:
    """The talk on a connection to the API proxy, from its preface on."""
    net = net or Network()
    tcp = tcp or net.to_api_proxy()
    for up, data in talk.flights:
        tcp.send(up, data)
        tcp.ack(not up)
    return net


def told(report: Report) -> list[str]:
    """Each exchange in words: its request, status, ending and outcome."""
    lines = []
    for exchange in report.exchanges:
        asked, answered = exchange.request, exchange.response
        what = "-" if asked is None else f"{asked.method} {asked.target}"
        status = "-" if answered is None else str(answered.status)
        lines.append(f"{what} {status} {exchange.ended_by} {outcome_of(exchange)}")
    return lines


def test_a_call_says_what_it_would_say_in_http_1() -> None:
    talk = Talk()
    stream = talk.ask(body=b"{}" * 20)
    talk.answer(stream, EVENTS, *STREAM)
    net = Network()
    tcp = net.to_api_proxy()
    played(talk, tcp, net)
    tcp.close()
    report = net.report()
    exchange: Exchange = only_exchange(report)
    asked, answered = exchange.request, exchange.response
    assert asked is not None
    assert answered is not None
    assert (asked.method, asked.target) == ("POST", "/v1/messages?beta=true")
    assert (asked.http_version, answered.http_version) == ("HTTP/2", "HTTP/2")
    assert asked.host == "172.30.0.30:10001"
    assert (asked.body_bytes, asked.complete) == (40, True)
    assert [auth.name for auth in asked.auth] == ["x-api-key"]
    assert asked.steering == {"anthropic-version": "2023-06-01"}
    assert answered.stream is not None
    assert answered.stream.terminated
    assert (answered.model, answered.complete) == ("claude-lab-1", True)
    assert answered.body_bytes == sum(map(len, STREAM))
    assert exchange.provider == "anthropic"
    assert outcome_of(exchange) == "answered"
    assert report.completeness.unread == ()
    assert report.connections[0].protocol == "h2"


def test_answers_meet_their_requests_in_any_order() -> None:
    talk = Talk()
    first, second = talk.ask(), talk.ask((*ASK[:3], (":path", "/v1/models"), *ASK[4:]))
    talk.answer(second, EVENTS, *STREAM)
    talk.answer(first, JSON, ERROR)
    report = played(talk).report()
    assert told(report) == [
        "POST /v1/messages?beta=true 401 complete status",
        "POST /v1/models 200 complete answered",
    ]
    first_answer = report.exchanges[0].response
    assert first_answer is not None
    assert first_answer.api_error is not None
    assert first_answer.api_error.message == "invalid x-api-key"


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("reset by server", "reset-by-server cut"),
        ("reset by client", "reset-by-client left"),
        ("goaway", "server cut"),
        ("closed", "server cut"),
        ("open", "capture-end unknown"),
    ],
)
def test_a_stream_that_is_cut_says_by_whom(ending: str, expected: str) -> None:
    talk = Talk()
    stream = talk.ask(body=b"{}")
    talk.answer(stream, EVENTS, STREAM[0], ends=False)
    match ending:
        case "reset by server":
            talk.server.reset_stream(stream, 2)
        case "reset by client":
            talk.client.reset_stream(stream, 8)
        case "goaway":
            talk.server.close_connection(last_stream_id=0)
    talk.pump()
    net = Network()
    tcp = net.to_api_proxy()
    played(talk, tcp, net)
    if ending == "closed":
        tcp.end(False).ack(True).end(True).ack(False)
    assert told(net.report()) == [f"POST /v1/messages?beta=true 200 {expected}"]


def test_an_offer_that_is_taken_goes_on_in_stream_1() -> None:
    talk = Talk(upgraded=True)
    talk.answer(1, EVENTS, *STREAM)
    second = talk.ask(body=b"{}")
    talk.answer(second, JSON, ERROR)
    net = Network()
    tcp = net.to_api_proxy()
    offer = request(
        "POST /v1/messages HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "x-api-key: " + KEY, body=b"{}",
    )  # fmt: skip
    tcp.up(offer)
    tcp.down(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    played(talk, tcp, net)
    report = net.report()
    assert told(report) == [
        "POST /v1/messages 200 complete answered",
        "POST /v1/messages?beta=true 401 complete status",
    ]
    first = report.exchanges[0]
    assert first.upgrade == "h2c"
    assert first.response is not None
    assert first.response.interim == (101,)
    assert report.completeness.unread == ()


def test_in_a_tunnel_without_tls_it_is_read_as_well() -> None:
    talk = Talk()
    talk.answer(talk.ask(), JSON, ERROR)
    net = Network()
    tcp = net.to_squid().up(connect(API)).down(ESTABLISHED)
    report = played(talk, tcp, net).report()
    assert told(report) == ["POST /v1/messages?beta=true 401 complete status"]
    assert (report.exchanges[0].hop, report.tunnels[0].protocol) == ("inside-tunnel", "h2")


def test_heard_from_the_middle_on_what_is_known_is_told() -> None:
    talk = Talk()
    talk.answer(talk.ask(), JSON, ERROR)
    heard = len(talk.flights)
    talk.answer(talk.ask(body=b"{}"), JSON, ERROR)
    net = Network()
    tcp = net.to_api_proxy()
    net.wire.packets.clear()
    for number, (up, data) in enumerate(talk.flights):
        tcp.send(up, data)
        if number < heard:
            net.wire.packets.pop()
    report = net.report()
    [exchange] = report.exchanges
    asked, answered = exchange.request, exchange.response
    assert asked is not None
    assert asked.method == "POST"  # of the static table; the path stood in the lost one
    assert asked.target == "?"
    assert not asked.complete
    assert asked.body_bytes == 2
    # A status that the server had sent before is a reference to what is lost.
    assert answered is None or answered.status == 401
    assert outcome_of(exchange) in ("unknown", "status")


def test_a_hole_between_frames_leaves_no_wrong_header() -> None:
    talk = Talk()
    first = talk.ask((*ASK, ("x-lab", "one")))
    talk.answer(first, JSON, ERROR)
    second = talk.ask((*ASK, ("x-lab", "two"), ("x-more", "LABONLY")))
    talk.answer(second, JSON, ERROR)
    third = talk.ask((*ASK, ("x-lab", "two"), ("x-more", "LABONLY")))
    talk.answer(third, JSON, ERROR)
    asked = [at for at, (up, data) in enumerate(talk.flights) if up and data[3] == 1]
    net = Network()
    tcp = net.to_api_proxy()
    for number, (up, data) in enumerate(talk.flights):
        tcp.send(up, data)
        if number == asked[1]:
            net.wire.packets.pop()
        tcp.ack(not up)
    report = net.report()
    assert "gap" in {entry.reason for entry in report.completeness.unread}
    for exchange in report.exchanges:
        shown = exchange.request
        if shown is not None:
            assert shown.complete is (exchange.id == "e1")


def test_a_server_that_speaks_http_1_alone_says_so() -> None:
    talk = Talk()
    net = Network()
    tcp = net.to_api_proxy().up(talk.bytes(True))
    tcp.up(talk.client.data_to_send() or b"")
    talk.client.send_headers(1, list(ASK), end_stream=True)
    tcp.up(talk.client.data_to_send())
    tcp.down(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").end(False).ack(True)
    report = net.report()
    assert told(report) == ["POST /v1/messages?beta=true - server unanswered"]
    assert report.connections[0].plain_answer == 400
    assert [entry.reason for entry in report.completeness.unread] == ["protocol"]
    assert report.root_cause is not None
    assert (report.root_cause.code, report.root_cause.of) == ("h2c-refused", 1)


def test_a_key_in_a_body_is_found() -> None:
    talk = Talk()
    talk.answer(talk.ask(body=b'{"text":"sk-ant-api03-LABONLY0123456789abcdefg"}'), JSON, ERROR)
    asked = only_exchange(played(talk).report()).request
    assert asked is not None
    assert (asked.key_in_body, asked.body_searched) == ("sk-ant-api03-", True)


def test_a_head_that_is_no_head_is_named_and_costs_its_exchange_alone() -> None:
    talk = Talk()
    talk.ask()
    net = played(talk)
    report = net.report()
    assert told(report) == ["POST /v1/messages?beta=true - capture-end unknown"]
    net = Network()
    tcp = net.to_api_proxy()
    played(talk, tcp, net)
    tcp.up(b"\x00\x00\x02\x01\x05\x00\x00\x00\x05\xff\xff")
    report = net.report()
    assert [each.name for each in report.oddities] == ["http2-bad-header-block"]
    assert told(report)[0] == "POST /v1/messages?beta=true - capture-end unknown"
