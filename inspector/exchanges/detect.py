"""Deciding the next layer from first bytes, never from a port.

The same decision is taken at the start of a connection, after a CONNECT took
effect, and inside a tunnel inside a tunnel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.exchanges.context import Context
from inspector.exchanges.http import HttpLayer
from inspector.exchanges.layers import Layer, Opaque, Slot
from inspector.exchanges.tls import TlsLayer
from inspector.facts import TunnelProtocol
from inspector.flows.stream import BATCH
from inspector.packets import Segment
from inspector.protocols.http1 import looks_like_request, looks_like_response, resumes_request
from inspector.protocols.tls import looks_like_tls

#: RFC 9113 3.4: the client connection preface starts with this.
H2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: A first message that is not recognisable within this many bytes is unknown.
PEEK_LIMIT: Final = 4096


def looks_like_h2(data: bytes) -> bool | None:
    """The HTTP/2 client preface: yes, no, or more bytes are needed."""
    if data[: len(H2_PREFACE)] == H2_PREFACE[: len(data)]:
        return True if len(data) >= len(H2_PREFACE) else None
    return False


class Detector:
    """Holds first bytes until they tell what they are, then steps aside.

    When the start was not captured (mid-stream pickup, or a gap before the
    first message) it looks at segment starts only, for as long as it takes:
    a message begins with a segment, and a body that quotes HTTP hardly does.
    """

    __slots__ = ("_context", "_held", "_lost", "_peeked", "_slot")

    def __init__(self, context: Context, slot: Slot) -> None:
        self._context = context
        self._slot = slot
        self._lost = context.connection.midstream and context.tunnel is None
        self._held: list[tuple[bool, Segment]] = []
        self._peeked = {True: b"", False: b""}

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """Look at the bytes; decide if they suffice."""
        if self._lost:
            self._search(up, segments)
            return
        self._held += [(up, segment) for segment in segments]
        if len(self._peeked[up]) < PEEK_LIMIT:
            self._peeked[up] += b"".join(data for _, _, data in segments)[:PEEK_LIMIT]
        self._decide()

    def _decide(self) -> None:
        client, server = self._peeked[True], self._peeked[False]
        answers: list[tuple[TunnelProtocol, bool | None]] = []
        if client:
            answers = [
                ("h2", looks_like_h2(client)),
                ("tls", looks_like_tls(client)),
                ("http/1.1", looks_like_request(client)),
            ]
        for protocol, answer in answers:
            if answer:
                self._become(protocol)
                return
            if answer is None and len(client) < PEEK_LIMIT:
                return
        if server:
            if looks_like_response(server):
                self._become("http/1.1")
            elif client or looks_like_response(server) is False:
                self._become("unknown")
        elif len(client) >= PEEK_LIMIT:
            self._become("unknown")

    def _become(self, protocol: TunnelProtocol) -> None:
        layer = self._layer(protocol)
        held, self._held = self._held, []
        self._slot.layer = layer
        for up, segment in held:
            layer.receive(up, [segment])

    def _layer(self, protocol: TunnelProtocol, *, midstream: bool = False) -> Layer:
        if self._context.tunnel is not None:
            self._context.tunnel.protocol = protocol
        if protocol == "http/1.1":
            return HttpLayer(self._context, midstream=midstream)
        if protocol == "tls":
            return TlsLayer(self._context)
        return Opaque()

    def _search(self, up: bool, segments: Sequence[Segment]) -> None:
        for index, (_, _, data) in enumerate(segments):
            is_request = resumes_request(data) is True
            if is_request or looks_like_response(data):
                if is_request is not up and self._context.tunnel is None:
                    self._context.connection.swap_ends()
                    up = not up
                layer = self._layer("http/1.1", midstream=True)
            elif _is_tls_record(data):
                layer = self._layer("tls")
            else:
                continue
            self._slot.layer = layer
            layer.receive(up, segments[index:])
            return

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Nothing is skipped while undecided."""

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """The start is lost: search for a later message."""
        self._lost = True
        held, self._held = self._held, []
        for direction, segment in held:
            self._slot.layer.receive(direction, [segment])

    def end(self, up: bool, at: int, packet: int) -> None:
        """Decide with what there is."""
        if not self._lost and self._held and (up or self._peeked[True]):
            self._become("unknown" if not self._is_short_http() else "http/1.1")
            self._slot.layer.end(up, at, packet)

    def _is_short_http(self) -> bool:
        return looks_like_request(self._peeked[True]) is not False and bool(self._peeked[True])

    def finish(self, at: int, packet: int) -> None:
        """The connection is over undecided."""
        if self._context.tunnel is not None and self._held:
            self._context.tunnel.protocol = "unknown"

    def wanted(self, up: bool) -> int:
        """Everything, in batches when only searching."""
        return BATCH if self._lost else 0


def _is_tls_record(data: bytes) -> bool:
    """A TLS record header (RFC 8446 5.1) at the start of a segment, in mid-stream.

    Application data or a handshake, a legacy version 3.x, a length within the
    protocol's 2**14 + 2048.
    """
    return (
        len(data) >= 5
        and data[0] in (22, 23)
        and data[1] == 3
        and data[2] <= 4
        and int.from_bytes(data[3:5], "big") <= (1 << 14) + 2048
    )
