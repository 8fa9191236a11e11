"""A WebSocket's frames are counted in its exchange; what they say is not read."""

from __future__ import annotations

from typing import Final

from inspector.model.http import WebSocket
from tests.exchanges.network import Network, only_exchange, request
from tests.protocols.test_websocket import TEXT, close, frame

MASK: Final = b"\x11\x22\x33\x44"
OFFER: Final = request("GET /v1/responses HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
TAKEN: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)


def test_messages_and_the_first_close_are_told() -> None:
    net = Network()
    tcp = net.to_api_proxy(10000).up(OFFER).down(TAKEN)
    tcp.up(frame(TEXT, b"x" * 9000, mask=MASK)).down(frame(TEXT, b"one")).down(frame(TEXT, b"two"))
    tcp.down(close(1011)).up(close(1000, mask=MASK)).close()
    report = net.report()

    assert only_exchange(report).websocket == WebSocket(1, 2, 1011, "server")
    assert [entry.reason for entry in report.completeness.unread] == ["protocol"]
    assert report.completeness.verdict == "complete"


def test_without_a_close_nobody_is_said_to_have_closed() -> None:
    net = Network()
    net.to_api_proxy(10000).up(OFFER).down(TAKEN + frame(TEXT, b"one")).close()

    assert only_exchange(net.report()).websocket == WebSocket(0, 1, None, None)


def test_another_protocol_has_no_frames() -> None:
    net = Network()
    other = TAKEN.replace(b"websocket", b"tcp")
    net.to_api_proxy(10000).up(OFFER).down(other + close(1011)).close()

    assert only_exchange(net.report()).websocket is None
