"""HTTP/1.x as a layer: bytes to its parsers, and what comes after it to a child.

A CONNECT that took effect opens a tunnel, a 101 begins another protocol; what the client
sends behind either is held until it is known which.  `pairing` has the messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

from inspector.exchanges.context import Context
from inspector.exchanges.held_back import HeldBack
from inspector.exchanges.layers import Layer, Opaque, Slot
from inspector.exchanges.ledger import TunnelRecord
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.pairing import Pairing
from inspector.exchanges.response_bodies import wants_body
from inspector.exchanges.tunnel import TunnelLayer, close_record
from inspector.flows.contract import BATCH
from inspector.model.capture import Fault
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import EVERYTHING, CutLine, RequestHead, ResponseHead
from inspector.wire import Segment

_ROLES: Final[tuple[Literal["request", "response"], ...]] = ("request", "response")

#: What waits for an answer where none is read any more.
_NOBODY: Final[deque[OpenExchange | TunnelRecord]] = deque(maxlen=0)


def _wants_all(head: RequestHead | ResponseHead) -> int:
    """All of every body: somebody listens who has to know what stands in it."""
    return EVERYTHING


class HttpLayer(Pairing):
    """Reads both directions until they stop being HTTP; then its child does."""

    def __init__(
        self, context: Context, *, midstream: bool, start: tuple[int, int] = (0, 0)
    ) -> None:
        listener = context.listener
        requests, responses = (
            Http1Parser(
                role,
                wants_body=wants_body if listener is None else _wants_all,
                midstream=midstream,
                places=listener is not None,
                start=start[role == "request"],
            )
            for role in _ROLES
        )
        super().__init__(context, requests, responses, gapped=midstream)
        self._child: Layer | None = None
        # What the client sent behind a gap while it was not known what it is.
        self._held_back = HeldBack(context)

    # -- the layer ---------------------------------------------------------

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        if self._child is not None:
            self._child.receive(up, segments)
        elif not up:
            self.on_response_events(self._responses.receive(segments))
        elif self._held_back or self._requests.paused:
            self._hold(segments)
        else:
            self.on_request_events(self._requests.receive(segments))

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Body bytes passed unseen."""
        if self._child is not None:
            self._child.skip(up, count, at, packet)
        elif up:
            self.on_request_events(self._requests.skip(count, at, packet))
        else:
            self.on_response_events(self._responses.skip(count, at, packet))

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        self._gapped = True
        if self._child is not None:
            self._child.gap(up, count, at, packet)
        elif up and self._requests.paused:
            self._held_back.keep(partial(self.gap, up, count, at, packet))
        elif up:
            self.on_request_events(self._requests.gap(count, at, packet))
        else:
            self.on_response_events(self._responses.gap(count, at, packet))
            self._look_for_answers()

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Plain text cannot do without its bytes, a tunnel may."""
        return self._child is not None and self._child.cut(up, kept, count, at, packet)

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended with FIN."""
        if self._child is not None:
            self._child.end(up, at, packet)
        elif up and self._held_back:
            self._held_back.keep(partial(self.end, up, at, packet))
        elif up:
            self.on_request_events(self._requests.close(at, packet))
        else:
            self.on_response_events(self._responses.close(at, packet))

    def finish(self, at: int, packet: int) -> None:
        """Write down what is unfinished."""
        self._is_over = True
        self._held_back.discharge()
        if self._child is not None:
            self._child.finish(at, packet)
        else:
            rest = self._requests.close(at, packet, clean=False)
            # Of a request line that is not whole these are all there is.
            is_begun = bool(rest) and all(isinstance(e, Fault | CutLine) for e in rest)
            if is_begun and self._context.connection.closed_by is None:
                self._context.ledger.leave_unfinished(self._context.connection)
            self.on_request_events(rest)
            self.on_response_events(self._responses.close(at, packet, clean=False))
        left = [self._upgraded, self._receiving, *self._awaiting]
        left += [item for item in (self._sending, self._early) if item not in left]
        for item in left:
            if isinstance(item, OpenExchange):
                self.write(item)
            elif item is not None:
                close_record(self._context, item)

    def wanted(self, up: bool) -> int:
        """Skip bodies nobody reads; take those that are read in batches.

        One direction at most: what comes in batches from both comes in no order.
        """
        if self._child is not None:
            return self._child.wanted(up)
        requests, responses, receiving = self._requests, self._responses, self._receiving
        if (requests if up else responses).is_between:
            return 0
        if up:
            is_alone = requests.reads_body and receiving is None and not responses.out_of_step
            return requests.skippable or (BATCH if is_alone else 0)
        if responses.skippable:
            return responses.skippable
        is_read = isinstance(receiving, OpenExchange) and receiving.body is not None
        # Behind a hole whose rest of a body goes by: it may be long.
        if is_read or responses.out_of_step:
            return 0 if requests.reads_body else BATCH
        return 0

    def settled(self, up: bool) -> int:
        """How far its parsers, or its child, have come."""
        if self._child is not None:
            return self._child.settled(up)
        return (self._requests if up else self._responses).settled

    def _look_for_answers(self) -> None:
        """Behind a gap: whether there is still a framing by which answers are told."""
        if self._child is None and self._responses.out_of_step:
            self.lose_answers()

    # -- what comes after --------------------------------------------------

    def resume(self) -> None:
        """The stream goes on being HTTP."""
        self.on_request_events(self._requests.resume())
        self._held_back.release()

    def _hold(self, segments: Sequence[Segment]) -> None:
        """Keep what follows a CONNECT or an upgrade until it is known what that is."""
        if not self._held_back.charge(segments, partial(self.gap, True)):
            return
        if self._held_back:
            self._held_back.keep(partial(self.receive, True, segments))
        else:
            self.on_request_events(self._requests.receive(segments))

    def _let_go(self) -> None:
        """What follows is a child's, and a tunnel is open for long: parsers are half its memory."""
        del self._requests, self._responses
        if not self._awaiting:
            self._awaiting = _NOBODY

    def switch(self, server_rest: list[Segment]) -> None:
        """The stream stops being HTTP: a CONNECT took effect, or a 101."""
        client_rest = self._requests.take_rest()
        if self._listener is not None:
            self._listener.http_over()
        start = (self._responses.position, self._requests.position)
        self._let_go()
        record, self._receiving = self._receiving, None
        upgraded = self._upgraded
        if isinstance(record, TunnelRecord):
            slot = Slot()
            slot.layer = self._context.detect(self._context.within(record), slot, start)
            self._child = TunnelLayer(self._context, record, slot, start[False])
        elif upgraded is not None and (upgraded.upgrade or "").lower() == "websocket":
            from inspector.exchanges.websocket import WebSocketLayer

            self._child = WebSocketLayer(self._context, upgraded, start)
        elif upgraded is not None and (upgraded.upgrade or "").lower() == "h2c":
            from inspector.exchanges.http2 import Http2Layer

            self._upgraded = None
            self._child = Http2Layer(self._context, start=start, upgraded=upgraded)
        else:
            self._child = Opaque()
        if client_rest:
            self._child.receive(True, client_rest)
        self._held_back.release()
        if server_rest:
            self._child.receive(False, server_rest)
