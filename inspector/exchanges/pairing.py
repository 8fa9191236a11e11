"""Request meets response: which exchange each message of HTTP/1.x belongs to.

Responses answer requests in order (RFC 9112 9.3.2), so the oldest request
that has no final response yet is the one a response belongs to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from inspector.exchanges.bodies import finished, search, searched, skip
from inspector.exchanges.context import Context
from inspector.exchanges.ledger import TunnelRecord
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.tunnel import close_record, note_reply, open_record, unseen_record
from inspector.model.capture import Fault
from inspector.protocols.http1 import Http1Parser
from inspector.protocols.messages import (
    Body,
    BodyGap,
    ChunkLines,
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

#: Protocols behind a 101 that are read.
_READ: Final = frozenset({"websocket", "h2c"})

#: The reason of Squid's reply to a CONNECT that it carried out; no header follows.
ESTABLISHED: Final = b"Connection established"


def _is_older(head: ResponseHead, item: OpenExchange | TunnelRecord) -> bool:
    """Whether a response was captured before the request, which it cannot answer then."""
    if isinstance(item, TunnelRecord):
        asked = item.opened_at, item.packet
    elif item.request is not None:
        asked = item.request.at, item.request.packet
    else:
        return False
    return stands_before((head.at, head.packet), asked)


class Pairing(ABC):
    """Takes the events of both parsers of a connection, and writes down its exchanges.

    What stops being HTTP, or goes on being it, is told to who inherits (`switch`, `resume`).
    """

    def __init__(
        self, context: Context, requests: Http1Parser, responses: Http1Parser, *, gapped: bool
    ) -> None:
        self._context = context
        self._listener = context.listener
        self._credentials = context.ledger.credentials
        # Whoever found out which end is the client did so before this began.
        self._ends = context.ends
        self._requests, self._responses = requests, responses
        self._awaiting: deque[OpenExchange | TunnelRecord] = deque()
        self._sending: OpenExchange | TunnelRecord | None = None
        self._receiving: OpenExchange | TunnelRecord | None = None
        # Bytes are missing: a response without a request may answer one that was lost.
        self._gapped = gapped
        # When the latest response came that no request was waiting for.
        self._orphan: Moment | None = None
        # A response answers it whose head is not all there yet.
        self._early: OpenExchange | None = None
        # What became another protocol: written when that is over.
        self._upgraded: OpenExchange | None = None
        self._is_over = False

    @abstractmethod
    def switch(self, server_rest: list[Segment]) -> None:
        """The stream stops being HTTP: a CONNECT took effect, or a 101."""

    @abstractmethod
    def resume(self) -> None:
        """The stream goes on being HTTP behind a request that might have ended it."""

    # -- requests ----------------------------------------------------------

    def on_request_events(self, events: Sequence[Event]) -> None:
        """Take what the parser of requests read."""
        if self._listener is not None and events:
            self._listener.http(True, events)
        for event in events:
            _OF_REQUESTS[type(event)](self, event)

    def _on_request_fault(self, fault: Fault) -> None:
        if fault.name == "too-many-fields" and isinstance(self._sending, OpenExchange):
            self._sending.head_cut = True
        self._context.fault(fault)

    def _on_request(self, head: RequestHead) -> None:
        # Before anything is written of it, or of what is under way beside it.
        notes = self._credentials.study(head.fields, head.target)
        item: OpenExchange | TunnelRecord
        if head.is_connect:
            item = open_record(self._context, head, notes)
        else:
            early, self._early = self._early, None
            if early is not None:
                early.ask(head, notes, self._context.ledger.asked_budget)
                self._sending = early
                return
            item = OpenExchange(self._context.ledger.next_exchange())
            item.ask(head, notes, self._context.ledger.asked_budget)
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
        if type(item) is not OpenExchange or item.keys is None:
            return
        if type(event) is Body:
            search(item, event.pieces)
        else:
            skip(item)

    def _on_request_end(self, end: MessageEnd) -> None:
        item, self._sending = self._sending, None
        if end.trailers:
            self._credentials.study(end.trailers)
        if type(item) is OpenExchange:
            item.request_end = end
            searched(self._context, item, end)
            if item.response_end is not None or item.lost:
                self.write(item)

    # -- responses ---------------------------------------------------------

    def on_response_events(self, events: Sequence[Event]) -> None:
        """Take what the parser of responses read."""
        if self._listener is not None and events:
            self._listener.http(False, events)
        for event in events:
            _OF_RESPONSES[type(event)](self, event)

    def _read(self, event: Body | BodyGap) -> None:
        """Read on in the body of a response, if somebody does."""
        item = self._receiving
        if type(item) is not OpenExchange or item.body is None:
            return
        if type(event) is Body:
            item.take(event.pieces)
        elif type(event) is BodyGap:
            item.miss(event.missing, event.packet)

    def _on_response_fault(self, fault: Fault) -> None:
        if fault.name == "garbage-between-messages":
            self._note_foreign()
        self._context.fault(fault)

    def _on_response(self, head: ResponseHead) -> None:
        notes = self._credentials.study(head.fields)
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
            item.answer(head, notes, self._context.ledger.budget)
        else:
            note_reply(self._context, item, head)
            if item.authority is None:
                self.switch([])

    def _answer_early(self, head: ResponseHead) -> None:
        """Servers answer heads that are too slow, too large or malformed before they end.

        Such a head goes on until its end, or the stream's: the answer waits for it.
        """
        method = self._requests.begun
        if method == b"CONNECT":
            self.on_request_events(self._requests.cut_head(head.at, head.packet))
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
                self.resume()
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
            item.upgrade = self._credentials.value(b"upgrade", upgrade)
            if item.upgrade.lower() not in _READ:  # of these their layers know what was read
                number = self._context.connection.number
                self._context.ledger.unread.note(number, "protocol", item.response.packet)
        elif self._requests.paused:
            self.resume()
        self._receiving = None
        if item is self._early:
            return
        if item.upgrade is not None:
            self._upgraded = item
            return
        if item.request is None or item.request_end is not None:
            self.write(item)

    def _note_foreign(self) -> None:
        """The server said something, and no message: of what waits for an answer this is it."""
        tunnel = self._context.tunnel
        if tunnel is not None and tunnel.tls_answer is not None:
            return  # it is TLS, which was read
        if self._awaiting and isinstance(self._awaiting[0], OpenExchange):
            self._awaiting[0].foreign = True

    def lose_answers(self) -> None:
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
                    self.write(item)
            else:
                self._receiving = item
                self.switch([])
                return
        if self._requests.paused:
            self.resume()

    def write(self, draft: OpenExchange) -> None:
        """Give an exchange that is over to the ledger."""
        context = self._context
        context.ledger.add_exchange(
            draft,
            context.connection,
            context.tunnel,
            self._ends,
            at_end=self._is_over,
            decrypted=context.on_plaintext is not None,
            asked=context.asked,
        )


#: Who takes each kind of event of a parser of requests, and of one of responses.
_OF_REQUESTS: Final[Mapping[type, Callable[[Pairing, Any], None]]] = {
    RequestHead: Pairing._on_request,
    Body: Pairing._search,
    BodyGap: Pairing._search,
    MessageEnd: Pairing._on_request_end,
    Fault: Pairing._on_request_fault,
} | dict.fromkeys((ChunkLines, CutLine, Switched), lambda pairing, event: None)
_OF_RESPONSES: Final[Mapping[type, Callable[[Pairing, Any], None]]] = {
    ResponseHead: Pairing._on_response,
    Body: Pairing._read,
    BodyGap: Pairing._read,
    MessageEnd: Pairing._on_response_end,
    Switched: lambda pairing, event: pairing.switch(event.rest),
    Fault: Pairing._on_response_fault,
} | dict.fromkeys((ChunkLines, CutLine), lambda pairing, event: None)
