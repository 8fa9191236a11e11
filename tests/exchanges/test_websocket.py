"""What a WebSocket's messages state of a call is told as of an event stream, and how it ended."""

from __future__ import annotations

import json
from typing import Final

import pytest

from inspector.diagnosis.outcome import outcome_of
from inspector.model.http import Exchange, Usage, WebSocket
from tests.exchanges.network import Network, only_exchange, request
from tests.flows.build import Tcp
from tests.protocols.test_websocket import TEXT, close, deflated, frame

MASK: Final = b"\x11\x22\x33\x44"
OFFER: Final = request("GET /v1/responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
TAKEN: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)
DEFLATE: Final = TAKEN[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def event(kind: str, **members: object) -> bytes:
    return json.dumps({"type": kind, **members}).encode()


ASK: Final = event("response.create", model="gpt-lab-1", input="LABONLY words")
BEGUN: Final = event("response.created", response={"model": "gpt-lab-1", "object": "response"})
PIECE: Final = event("response.output_text.delta", delta="LABONLY")
DONE: Final = event(
    "response.completed", response={"usage": {"input_tokens": 5, "output_tokens": 2}}
)
REFUSED: Final = event(
    "error",
    status=429,
    error={"type": "usage_limit_reached", "message": "The limit has been reached"},
)


def socket(*, taken: bytes = TAKEN) -> tuple[Network, Tcp]:
    net = Network()
    return net, net.to_api_proxy(10000).up(OFFER).down(taken)


def asked(tcp: Tcp, *answers: bytes) -> Tcp:
    """One turn."""
    tcp.up(frame(TEXT, ASK, mask=MASK))
    for answer in answers:
        tcp.down(frame(TEXT, answer))
    return tcp


def told(net: Network) -> tuple[Exchange, list[str]]:
    report = net.report()
    return only_exchange(report), [entry.reason for entry in report.completeness.unread]


def test_a_turn_that_ends_well_is_an_answer_with_its_model_and_counts() -> None:
    net, tcp = socket()
    asked(tcp, BEGUN, PIECE, DONE).down(close(1000)).up(close(1000, mask=MASK)).close()
    exchange, unread = told(net)

    shown, response = exchange.websocket, exchange.response
    assert shown is not None
    assert response is not None
    assert response.stream is not None
    assert (shown.messages_up, shown.messages_down) == (1, 3)
    assert (shown.bytes_up, shown.bytes_down) == (len(ASK), len(BEGUN + PIECE + DONE))
    assert (shown.close_code, shown.closed_by) == (1000, "server")
    assert response.stream.names == {
        "response.created": 1, "response.output_text.delta": 1, "response.completed": 1,
    }  # fmt: skip
    assert response.stream.terminated
    assert (response.model, response.usage) == ("gpt-lab-1", Usage(5, 2))
    assert (outcome_of(exchange), unread) == ("answered", [])


def test_compressed_both_ways_it_says_the_same() -> None:
    net, tcp = socket(taken=DEFLATE)
    [ask, again] = deflated(ASK, ASK)
    tcp.up(frame(TEXT, ask, mask=MASK, bits=0x40))
    for data in deflated(BEGUN, PIECE, DONE):
        tcp.down(frame(TEXT, data, bits=0x40))
    tcp.up(frame(TEXT, again, mask=MASK, bits=0x40)).close()
    exchange, unread = told(net)
    assert exchange.response is not None
    assert exchange.response.usage == Usage(5, 2)
    # The second turn was asked for, and never answered: only who reads both ways knows.
    assert exchange.response.stream is not None
    assert not exchange.response.stream.terminated
    assert (outcome_of(exchange), unread) == ("left", [])


@pytest.mark.parametrize("ending", ["1011", "1000", "nothing", "reset", "open", "client", "1001"])
def test_a_turn_without_its_last_event_is_cut_whoever_says_good_bye(ending: str) -> None:
    net, tcp = socket()
    asked(tcp, BEGUN, PIECE, DONE)
    asked(tcp, BEGUN, PIECE)
    match ending:
        case "nothing":
            tcp.end(False).ack(True).end(True).ack(False)
        case "reset":
            tcp.reset(False)
        case "open":
            pass
        case "client":
            tcp.up(close(1000, mask=MASK)).close()
        case code:
            tcp.down(close(int(code))).close()
    exchange, unread = told(net)
    expected = {"open": "unknown", "client": "left"}.get(ending, "cut")
    assert outcome_of(exchange) == expected
    assert unread == (["capture-end"] if ending == "open" else [])


def test_an_error_with_a_status_is_the_answer_of_that_status() -> None:
    net, tcp = socket()
    asked(tcp, REFUSED).down(close(1000)).close()
    exchange, _ = told(net)
    assert exchange.response is not None
    error = exchange.response.api_error
    assert error is not None
    assert (error.type, error.status) == ("usage_limit_reached", 429)
    assert error.message == "The limit has been reached"
    assert outcome_of(exchange) == "status"

    report = net.report()
    assert report.root_cause is not None
    assert report.root_cause.code == "upstream-rate-limited"


def test_an_error_without_one_is_an_error_event() -> None:
    net, tcp = socket()
    asked(tcp, BEGUN, event("response.failed", response={"error": {"code": "server_error"}}))
    tcp.close()
    assert outcome_of(told(net)[0]) == "error-event"


def test_messages_in_a_language_that_is_not_known_are_counted_and_not_read() -> None:
    net, tcp = socket()
    tcp.up(frame(TEXT, b"x" * 9000, mask=MASK)).down(frame(TEXT, b"one")).down(frame(TEXT, b"two"))
    tcp.down(close(1011, b"upstream failed")).up(close(1000, mask=MASK)).close()
    exchange, unread = told(net)
    shown = exchange.websocket
    assert shown is not None
    assert (shown.messages_up, shown.messages_down, shown.bytes_up, shown.bytes_down) == (
        1, 2, 9000, 6,
    )  # fmt: skip
    assert (shown.close_code, shown.closed_by) == (1011, "server")
    assert shown.close_reason == "upstream failed"
    assert (outcome_of(exchange), unread) == ("cut", ["protocol"])


def test_without_a_close_nobody_is_said_to_have_closed() -> None:
    net, tcp = socket(taken=TAKEN + frame(TEXT, b"one"))
    tcp.close()
    exchange, unread = told(net)
    shown = exchange.websocket
    assert shown is not None
    assert (shown.messages_down, shown.close_code, shown.closed_by) == (1, None, None)
    assert exchange.ended_by == "client"
    assert (outcome_of(exchange), unread) == ("unread", ["protocol"])


@pytest.mark.parametrize("up", [True, False])
def test_behind_a_hole_nothing_is_concluded(up: bool) -> None:
    net, tcp = socket()
    asked(tcp, BEGUN)
    tcp.send(up, b"lost").wire.packets.pop()
    asked(tcp, PIECE, DONE).close()
    exchange, unread = told(net)
    assert exchange.ended_by == "gap"
    assert outcome_of(exchange) in ("unknown", "answered")
    assert "protocol" in unread
    assert "gap" in unread


def test_a_key_in_a_message_of_the_clients_is_found() -> None:
    net, tcp = socket()
    tcp.up(
        frame(TEXT, ASK.replace(b"LABONLY", b"sk-ant-api03-LABONLY0123456789abcdefg"), mask=MASK)
    )
    tcp.down(frame(TEXT, BEGUN)).down(frame(TEXT, DONE)).down(close(1000)).close()
    asked = told(net)[0].request
    assert asked is not None
    assert asked.key_in_body == "sk-ant-api03-"


def test_another_protocol_has_no_frames() -> None:
    net, tcp = socket(taken=TAKEN.replace(b"websocket", b"tcp"))
    tcp.down(close(1011)).close()
    exchange, unread = told(net)
    assert exchange.websocket is None
    assert (outcome_of(exchange), unread) == ("unread", ["protocol"])


def test_a_key_in_a_reason_is_not_shown() -> None:
    net, tcp = socket()
    tcp.down(close(1008, b"bad key sk-ant-api03-LABONLYLABONLYLABONLY")).close()
    shown = told(net)[0].websocket
    assert isinstance(shown, WebSocket)
    assert "LABONLY" not in (shown.close_reason or "")
    assert (shown.close_reason or "").startswith("bad key ")
