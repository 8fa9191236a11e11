"""HTTP/1.x as a layer: request meets response, CONNECT opens a tunnel.

Responses answer requests in order (RFC 9112 9.3.2), so the oldest request
that has no final response yet is the one a response belongs to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal

from inspector.exchanges.bodies import finished, search, searched
from inspector.exchanges.context import Context
from inspector.exchanges.held_back import HeldBack
from inspector.exchanges.http2 import Http2Layer
from inspector.exchanges.layers import Layer, Opaque, Slot
from inspector.exchanges.ledger import TunnelRecord
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.response_bodies import wants_body
from inspector.exchanges.tunnel import (
    TunnelLayer,
    close_record,
    note_reply,
    open_record,
    unseen_record,
)
from inspector.exchanges.websocket import WebSocketLayer
from inspector.flows.contract import BATCH
from inspector.model.capture import Fault
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    BodyGap,
    CutLine,
    Event,
    MessageEnd,
    RequestHead,
    ResponseHead,
    Switched,
)
from inspector.wire import Moment, Segment, stands_before

FAULTS: Final[dict[str, str]] = {
    "response-without-request": "A response answers no request captured on its connection.",
}

_ROLES: Final[tuple[Literal["request", "response"], ...]] = ("request", "response")

#: Protocols behind a 101 that are read.
_READ: Final = frozenset({"websocket", "h2c"})

#: What waits for an answer where none is read any more.
_NOBODY: Final[deque[OpenExchange | TunnelRecord]] = deque(maxlen=0)

#: The reason of Squid's reply to a CONNECT that it carried out; no header follows.
ESTABLISHED: Final = b"Connection established"


def _wants_all(head: RequestHead | ResponseHead) -> int:
    """All of every body: somebody listens who has to know what stands in it."""
    return EVERYTHING


def _is_older(head: ResponseHead, item: OpenExchange | TunnelRecord) -> bool:
    """Whether a response was captured before the request, which it cannot answer then."""
    if isinstance(item, TunnelRecord):
        asked = item.opened_at, item.packet
    elif item.request is not None:
        asked = item.request.at, item.request.packet
    else:
        return False
    return stands_before((head.at, head.packet), asked)


class HttpLayer:
    """Pairs the messages of both directions."""

    def __init__(
        self, context: Context, *, midstream: bool, start: tuple[int, int] = (0, 0)
    ) -> None:
        self._context = context
        self._listener = listener = context.listener
        self._requests, self._responses = (
            Http1Parser(
                role,
                wants_body=wants_body if listener is None else _wants_all,
                midstream=midstream,
                places=listener is not None,
                start=start[role == "request"],
            )
            for role in _ROLES
        )
        self._awaiting: deque[OpenExchange | TunnelRecord] = deque()
        self._sending: OpenExchange | TunnelRecord | None = None
        self._receiving: OpenExchange | TunnelRecord | None = None
        self._child: Layer | None = None
        # Bytes are missing: a response without a request may answer one that was lost.
        self._gapped = midstream
        # What the client sent behind a gap while it was not known what it is.
        self._held_back = HeldBack(context)
        # When the latest response came that no request was waiting for.
        self._orphan: Moment | None = None
        # A response answers it whose head is not all there yet.
        self._early: OpenExchange | None = None
        # What became another protocol: written when that is over.
        self._upgraded: OpenExchange | None = None
        self._is_over = False

    # -- the layer ---------------------------------------------------------

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        if self._child is not None:
            self._child.receive(up, segments)
        elif up and (self._held_back or self._requests.paused):
            self._hold(segments)
        elif up:
            self._on_request_events(self._requests.receive(segments))
        else:
            self._on_response_events(self._responses.receive(segments))

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Body bytes passed unseen."""
        if self._child is not None:
            self._child.skip(up, count, at, packet)
        elif up:
            self._on_request_events(self._requests.skip(count, at, packet))
        else:
            self._on_response_events(self._responses.skip(count, at, packet))

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        self._gapped = True
        if self._child is not None:
            self._child.gap(up, count, at, packet)
        elif up and self._requests.paused:
            self._held_back.keep(partial(self.gap, up, count, at, packet))
        elif up:
            self._on_request_events(self._requests.gap(count, at, packet))
        else:
            self._on_response_events(self._responses.gap(count, at, packet))
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
            self._on_request_events(self._requests.close(at, packet))
        else:
            self._on_response_events(self._responses.close(at, packet))

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
            self._on_request_events(rest)
            self._on_response_events(self._responses.close(at, packet, clean=False))
        left = [self._upgraded, self._receiving, *self._awaiting]
        left += [item for item in (self._sending, self._early) if item not in left]
        for item in left:
            if isinstance(item, OpenExchange):
                self._write(item)
            elif item is not None:
                close_record(self._context, item)

    def wanted(self, up: bool) -> int:
        """Skip bodies nobody reads; take those that are read in batches.

        One direction at most: what comes in batches from both comes in no order.
        """
        if self._child is not None:
            return self._child.wanted(up)
        requests, responses, receiving = self._requests, self._responses, self._receiving
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

    # -- requests ----------------------------------------------------------

    def _on_request_events(self, events: Sequence[Event]) -> None:
        if self._listener is not None and events:
            self._listener.http(True, events)
        for event in events:
            take = _OF_REQUESTS.get(type(event))
            if take is not None:
                take(self, event)

    def _on_request_fault(self, fault: Fault) -> None:
        if fault.name == "too-many-fields" and isinstance(self._sending, OpenExchange):
            self._sending.head_cut = True
        self._context.fault(fault)

    def _on_request(self, head: RequestHead) -> None:
        # Before anything is written of it, or of what is under way beside it.
        self._context.ledger.credentials.study(head.fields, head.target)
        item: OpenExchange | TunnelRecord
        if head.is_connect:
            item = open_record(self._context, head)
        else:
            early, self._early = self._early, None
            if early is not None:
                early.ask(head)
                self._sending = early
                return
            item = OpenExchange(self._context.ledger.next_exchange())
            item.ask(head)
            if self._orphan is not None and stands_before((head.at, head.packet), self._orphan):
                # It waited behind a hole while its answer, perhaps, went by.
                item.lost = True
                self._sending = item
                return
        self._sending = item
        self._awaiting.append(item)
        self._responses.expect(head.method)

    def _search(self, event: Body | BodyGap) -> None:
        """Look for keys in the body of a request."""
        item = self._sending
        if not isinstance(item, OpenExchange) or item.keys is None:
            return
        if isinstance(event, BodyGap):
            item.keys.gap()
            return
        search(item, event.pieces)

    def _on_request_end(self, end: MessageEnd) -> None:
        item, self._sending = self._sending, None
        if end.trailers:
            self._context.ledger.credentials.study(end.trailers)
        if isinstance(item, OpenExchange):
            item.request_end = end
            searched(self._context, item, end)
            if item.response_end is not None or item.lost:
                self._write(item)

    # -- responses ---------------------------------------------------------

    def _on_response_events(self, events: Sequence[Event]) -> None:
        if self._listener is not None and events:
            self._listener.http(False, events)
        for event in events:
            take = _OF_RESPONSES.get(type(event))
            if take is not None:
                take(self, event)

    def _read(self, event: Body | BodyGap) -> None:
        """Read on in the body of a response, if somebody does."""
        item = self._receiving
        if not isinstance(item, OpenExchange) or item.body is None:
            return
        if isinstance(event, BodyGap):
            item.miss(event.missing, event.packet)
        else:
            item.take(event.pieces)

    def _on_response_fault(self, fault: Fault) -> None:
        if fault.name == "garbage-between-messages":
            self._note_foreign()
        self._context.fault(fault)

    def _on_response(self, head: ResponseHead) -> None:
        self._context.ledger.credentials.study(head.fields)
        if not self._awaiting:
            self._answer_early(head)
        if not self._awaiting or _is_older(head, self._awaiting[0]):
            self._awaiting.appendleft(self._unasked(head))
        item = self._awaiting[0]
        if head.is_interim:
            item.interim.append(head.status)
            return
        self._awaiting.popleft()
        self._receiving = item
        if isinstance(item, OpenExchange):
            item.answer(head, self._context.ledger.budget)
        else:
            note_reply(self._context, item, head)
            if item.authority is None:
                self._switch([])

    def _answer_early(self, head: ResponseHead) -> None:
        """Servers answer heads that are too slow, too large or malformed before they end.

        Such a head goes on until its end, or the stream's: the answer waits for it.
        """
        method = self._requests.begun
        if method == b"CONNECT":
            self._on_request_events(self._requests.cut_head(head.at, head.packet))
        elif method is not None and self._early is None:
            self._early = OpenExchange(self._context.ledger.next_exchange())
            self._awaiting.append(self._early)

    def _unasked(self, head: ResponseHead) -> OpenExchange | TunnelRecord:
        """What a response answers whose request is not in the capture."""
        if head.reason == ESTABLISHED and not head.fields:
            return unseen_record(self._context, head)
        self._orphan = head.at, head.packet
        if not self._gapped and not self._context.connection.lacks_up:
            name = "response-without-request"
            self._context.fault(Fault(name, head.packet, FAULTS[name]))
        return OpenExchange(self._context.ledger.next_exchange())

    def _on_response_end(self, end: MessageEnd) -> None:
        item = self._receiving
        if isinstance(item, TunnelRecord):
            if item.refusal is not None:
                self._receiving = None
                close_record(self._context, item)
                self._resume()
            return
        if item is None:
            return
        item.response_end = end
        if item.body is not None:
            finished(self._context, item, end)
            if self._listener is not None and item.response is not None:
                facts = item.body_facts()
                self._listener.body(False, item.response.at, end.extent, facts, None)
        assert item.response is not None
        if item.response.status == 101:
            upgrade = item.response.text(b"upgrade") or "unknown"
            item.upgrade = self._context.ledger.credentials.value(b"upgrade", upgrade)
            if item.upgrade.lower() not in _READ:  # of these their layers know what was read
                number = self._context.connection.number
                self._context.ledger.unread.note(number, "protocol", item.response.packet)
        elif self._requests.paused:
            self._resume()
        self._receiving = None
        if item is self._early:
            return
        if item.upgrade is not None:
            self._upgraded = item
            return
        if item.request is None or item.request_end is not None:
            self._write(item)

    def _note_foreign(self) -> None:
        """The server said something, and no message: of what waits for an answer this is it."""
        tunnel = self._context.tunnel
        if tunnel is not None and tunnel.tls_answer is not None:
            return  # it is TLS, which was read
        if self._awaiting and isinstance(self._awaiting[0], OpenExchange):
            self._awaiting[0].foreign = True

    def _look_for_answers(self) -> None:
        """Behind a gap: whether there is still a framing by which answers are told."""
        if self._child is None and self._responses.out_of_step:
            self._lose_answers()

    def _lose_answers(self) -> None:
        """Framing was lost in a gap: what waits for an answer may have had it in there.

        The next response is then not an answer to these.  Behind a CONNECT the
        bytes are looked at anew, as after a 200.
        """
        waiting, self._awaiting = self._awaiting, deque()
        self._responses.forget_expected()
        for item in waiting:
            if isinstance(item, OpenExchange):
                item.lost = True
                if item.request_end is not None:
                    self._write(item)
            else:
                self._receiving = item
                self._switch([])
                return
        if self._requests.paused:
            self._resume()

    def _write(self, draft: OpenExchange) -> None:
        context = self._context
        context.ledger.add_exchange(
            draft,
            context.connection,
            context.tunnel,
            context.ends,
            at_end=self._is_over,
            decrypted=context.is_decrypted,
            asked=context.asked,
        )

    # -- what comes after --------------------------------------------------

    def _resume(self) -> None:
        """The stream goes on being HTTP."""
        self._on_request_events(self._requests.resume())
        self._held_back.release()

    def _hold(self, segments: Sequence[Segment]) -> None:
        """Keep what follows a CONNECT or an upgrade until it is known what that is."""
        if not self._held_back.charge(segments, partial(self.gap, True)):
            return
        if self._held_back:
            self._held_back.keep(partial(self.receive, True, segments))
        else:
            self._on_request_events(self._requests.receive(segments))

    def _let_go(self) -> None:
        """What follows is a child's, and a tunnel is open for long: parsers are half its memory."""
        del self._requests, self._responses
        if not self._awaiting:
            self._awaiting = _NOBODY

    def _switch(self, server_rest: list[Segment]) -> None:
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
            self._child = WebSocketLayer(self._context, upgraded, start)
        elif upgraded is not None and (upgraded.upgrade or "").lower() == "h2c":
            self._upgraded = None
            self._child = Http2Layer(self._context, start=start, upgraded=upgraded)
        else:
            self._child = Opaque()
        if client_rest:
            self._child.receive(True, client_rest)
        self._held_back.release()
        if server_rest:
            self._child.receive(False, server_rest)


#: Who takes each kind of event of a parser of requests, and of one of responses.
_OF_REQUESTS: Final[Mapping[type, Callable[[HttpLayer, Any], None]]] = {
    RequestHead: HttpLayer._on_request,
    Body: HttpLayer._search,
    BodyGap: HttpLayer._search,
    MessageEnd: HttpLayer._on_request_end,
    Fault: HttpLayer._on_request_fault,
}
_OF_RESPONSES: Final[Mapping[type, Callable[[HttpLayer, Any], None]]] = {
    ResponseHead: HttpLayer._on_response,
    Body: HttpLayer._read,
    BodyGap: HttpLayer._read,
    MessageEnd: HttpLayer._on_response_end,
    Switched: lambda layer, event: layer._switch(event.rest),
    Fault: HttpLayer._on_response_fault,
}
