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
from inspector.flows.contract import BATCH
from inspector.model.capture import Fault
from inspector.model.network import TunnelProtocol
from inspector.protocols.detect import (
    H2_PREFACE,
    begins_tls_record,
    looks_like_h2,
    looks_like_request,
    looks_like_response,
    looks_like_tls,
    resumes_h2,
    resumes_request,
    sender_of_hello,
)
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING
from inspector.wire import Segment

#: A first message that is not recognisable within this many bytes is unknown.
PEEK_LIMIT: Final = 4096
#: Tunnels within one another that are looked into; a chain of proxies has two or three.
NESTED_LIMIT: Final = 64

FAULTS: Final[dict[str, str]] = {
    "nested-tunnels-limit": "More tunnels stand within one another than are looked into; what is"
    " in the innermost was not read.",
}


def detect(context: Context, slot: Slot, start: tuple[int, int] = (0, 0)) -> Layer:
    """The layer that decides what comes next; none within too many tunnels.

    `start`: which byte of each direction is the first that it is given: [down, up].
    """
    tunnel = context.tunnel
    if tunnel is not None and context.depth > NESTED_LIMIT:
        name = "nested-tunnels-limit"
        context.fault(Fault(name, tunnel.packet, FAULTS[name]))
        return Opaque()
    return Detector(context, slot, start)


class UnreadLayer(Opaque):
    """A protocol that is not read; whether the server answers it in HTTP/1 is."""

    __slots__ = ("_context", "_is_answered", "_start")

    def __init__(self, context: Context, start: tuple[int, int] = (0, 0)) -> None:
        self._context = context
        self._start = start
        self._is_answered = False

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """Look at the server's first bytes."""
        if not up and not self._is_answered:
            self._is_answered = True
            self._context.note_plain_answer(self._start[False], segments[0][2])

    def wanted(self, up: bool) -> int:
        """The server's first bytes, and nothing else."""
        return EVERYTHING if up or self._is_answered else 0


class Detector:
    """Holds first bytes until they tell what they are, then steps aside.

    When the start was not captured (mid-stream pickup, a gap before the first
    message, a tunnel whose CONNECT may still end in it) it looks at segment
    starts only, for as long as it takes: a message begins with a segment, and
    a body that quotes HTTP hardly does.
    """

    __slots__ = ("_context", "_ends", "_held", "_lost", "_peeked", "_slot", "_start")

    def __init__(self, context: Context, slot: Slot, start: tuple[int, int] = (0, 0)) -> None:
        self._context = context
        self._slot = slot
        self._start = [*start]  # of what is held, or comes next: [down, up]
        tunnel = context.tunnel
        if context.is_decrypted:
            self._lost = False
        else:
            is_midstream = context.connection.midstream
            self._lost = is_midstream if tunnel is None else tunnel.authority is None
        self._held: list[tuple[bool, Segment]] = []
        self._peeked = {True: b"", False: b""}
        self._ends: list[tuple[bool, int, int]] = []

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """Look at the bytes; decide if they suffice."""
        if self._lost:
            self._search(up, segments)
            return
        for segment in segments:
            self._held.append((up, segment))
        if len(self._peeked[up]) < PEEK_LIMIT:
            first = segments[0][2]
            more = b"".join([data for _, _, data in segments]) if len(segments) > 1 else first
            self._peeked[up] += more[:PEEK_LIMIT]
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
            elif not client and looks_like_tls(server) is not False:
                # A TLS server never speaks first: the client's hello is behind a hole.
                if len(server) >= PEEK_LIMIT:
                    self._become("tls")
            elif client:
                self._become("unknown")
            elif looks_like_response(server) is False:
                # The server speaks first; what the client says then may be HTTP all the same.
                self._lost = True
                for up, (_, _, data) in self._held:
                    self._start[up] += len(data)
                self._held.clear()
        elif len(client) >= PEEK_LIMIT:
            self._become(self._guess())

    def _become(self, protocol: TunnelProtocol) -> None:
        down, up = self._start
        layer = self._layer(protocol, (down, up))
        held, self._held = self._held, []
        self._slot.layer = layer
        for up, segment in held:
            layer.receive(up, [segment])
        for end in self._ends:
            layer.end(*end)

    def _layer(
        self, protocol: TunnelProtocol, start: tuple[int, int], *, midstream: bool = False
    ) -> Layer:
        context = self._context
        if context.on_plaintext is not None:
            context.on_plaintext(protocol)
        elif context.tunnel is not None:
            context.tunnel.protocol = protocol
        else:
            context.ledger.note_protocol(context.connection, protocol)
        if protocol == "http/1.1":
            return HttpLayer(self._context, midstream=midstream, start=start)
        if protocol == "tls":
            return TlsLayer(self._context, midstream=midstream, start=start)
        if protocol == "h2":
            if not midstream and context.listener is not None:
                preface = Extent(start[True], start[True] + len(H2_PREFACE))
                context.listener.constant(True, preface)
            # It is rare, and so is what reads its fields.
            from inspector.exchanges.http2 import Http2Layer

            return Http2Layer(context, midstream=midstream, start=start)
        if context.tunnel is not None or context.is_decrypted:
            return Opaque()
        return UnreadLayer(context, start)

    def _search(self, up: bool, segments: Sequence[Segment]) -> None:
        start = self._start
        for index, (_, _, data) in enumerate(segments):
            is_request = resumes_request(data) is True
            if is_request or looks_like_response(data):
                if is_request is not up:
                    if not self._ends_are_guessed:
                        continue
                    self._turn()
                    up = not up
                layer = self._layer("http/1.1", (start[0], start[1]), midstream=True)
            elif begins_tls_record(data):
                sender = sender_of_hello(data)
                if sender is not None and sender is not up and self._ends_are_guessed:
                    self._turn()
                    up = not up
                layer = self._layer("tls", (start[0], start[1]), midstream=True)
            elif looks_like_h2(data):
                layer = self._layer("h2", (start[0], start[1]))
            elif resumes_h2(data):
                layer = self._layer("h2", (start[0], start[1]), midstream=True)
            else:
                start[up] += len(data)
                continue
            self._slot.layer = layer
            layer.receive(up, segments[index:])
            return

    def _turn(self) -> None:
        self._context.turn()
        self._start.reverse()

    @property
    def _ends_are_guessed(self) -> bool:
        context = self._context
        return context.connection.midstream and context.tunnel is None and not context.is_decrypted

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Nothing is skipped while undecided."""

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """The start is lost: search for a later message."""
        self._lost = True
        held, self._held = self._held, []
        for direction, segment in held:
            self._slot.layer.receive(direction, [segment])
        self._start[up] += count
        if self._slot.layer is not self:
            self._slot.layer.gap(up, count, at, packet)
            for end in self._ends:
                self._slot.layer.end(*end)

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Plain text cannot do without its bytes."""
        return False

    def end(self, up: bool, at: int, packet: int) -> None:
        """Decide with what there is, unless the client's rest may wait behind a hole."""
        self._ends.append((up, at, packet))
        if up and self._held and not self._lost:
            self._become(self._guess())

    def _guess(self) -> TunnelProtocol:
        """What the bytes begin that were too few, or whose first line is too long, to tell."""
        client, server = self._peeked[True], self._peeked[False]
        if client:
            is_http = b" " in client and resumes_request(client) is not False
            return "http/1.1" if is_http else "unknown"
        return "tls" if looks_like_tls(server) else "unknown"

    def finish(self, at: int, packet: int) -> None:
        """The connection is over undecided."""
        if self._held:
            self._become(self._guess())
            self._slot.layer.finish(at, packet)
        elif self._lost and not self._context.is_decrypted:
            tunnel = self._context.tunnel
            if tunnel is not None and (tunnel.bytes_up or tunnel.bytes_down):
                tunnel.protocol = "unknown"

    def wanted(self, up: bool) -> int:
        """Everything, in batches when only searching.

        One direction at most: what comes in batches from both comes in no order.
        """
        return BATCH if self._lost and not up else 0

    def settled(self, up: bool) -> int:
        """What is held may still turn out to be anything; what a search passed by will not."""
        return self._start[up]
