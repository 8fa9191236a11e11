"""A WebSocket as a layer: its messages counted and read, and how it was closed.

What the messages state becomes the body of the exchange that opened it, as if it had been an event
stream; what was counted is its `websocket`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.credentials.body_keys import BodyKeys
from inspector.exchanges.blanked import MarkedBody
from inspector.exchanges.context import Context
from inspector.exchanges.layers import Opaque
from inspector.exchanges.marks import BodyFacts
from inspector.exchanges.open_exchange import OpenExchange
from inspector.model.capture import Fault
from inspector.model.http import ApiError, EventStream, PageAuthor, Usage, WebSocket
from inspector.protocols.content import BODY_FREE, BODY_RATIO, Budget
from inspector.protocols.extent import Extent
from inspector.protocols.messages import EVERYTHING, MessageEnd
from inspector.protocols.websocket import MessageReader
from inspector.protocols.websocket_deflate import Inflater, agreed
from inspector.protocols.websocket_events import SocketEvents
from inspector.wire import FILE_SHIFT, Segment

#: Characters of a close's reason that are shown; a frame has room for 123 (RFC 6455 5.5.1).
REASON_LIMIT: Final = 123


class SocketBody:
    """What a WebSocket's messages stated (implements `response_bodies.ResponseReader`)."""

    def __init__(self, events: SocketEvents, faults: Sequence[Fault], *, closed: bool) -> None:
        self.stream: EventStream | None = events.finish(closed) if events.is_known else None
        told = events.told
        self.api_error: ApiError | None = told.facts.api_error
        self.model: str | None = told.facts.model
        self.usage: Usage | None = told.facts.usage
        self.stop_reason: str | None = told.facts.stop_reason
        self.looks_like: str | None = None
        self.page: PageAuthor | None = None
        self.faults: list[Fault] = [*faults, *told.faults]
        self.decoded = 0

    def feed(self, pieces: Sequence[Segment]) -> None:
        """Nothing follows."""

    def gap(self, missing: int, packet: int) -> None:
        """See `feed`."""

    def finish(self, end: MessageEnd) -> None:
        """All is said."""


class WebSocketLayer(Opaque):
    """Reads the frames behind a 101, and keeps what they tell in its exchange."""

    __slots__ = (
        "_context", "_draft", "_events", "_frames", "_is_blank", "_is_over", "_keys", "_last_at",
        "_start",
    )  # fmt: skip

    def __init__(
        self, context: Context, draft: OpenExchange, start: tuple[int, int] = (0, 0)
    ) -> None:
        self._context = context
        self._draft = draft
        self._start = start
        self._events = SocketEvents()
        self._is_blank = self._is_over = False
        self._keys = BodyKeys()
        self._last_at: dict[bool, int | None] = {True: None, False: None}
        head, listens = draft.response, context.listener is not None
        contexts = agreed(None if head is None else head.text(b"sec-websocket-extensions"))
        budgets = Budget(BODY_FREE, BODY_RATIO), context.ledger.budget
        self._frames = {
            up: MessageReader(
                start[up] if listens else None,
                None if contexts is None else Inflater(keeps_context=contexts[up], budgets=budgets),
            )
            for up in (True, False)
        }
        draft.websocket = WebSocket(0, 0, None, None)
        draft.socket_is_open = True

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        frames, was_closed = self._frames[up], self._frames[up].is_closed
        for message in frames.feed(segments):
            self._last_at[up] = message.at
            self._is_blank = self._is_blank or message.is_blank
            if message.data is None:
                continue
            if up:
                self._events.asked(message.data)
                self._keys.feed(message.data + b"\n")
            else:
                self._events.answered(message.at, message.packet, message.data)
        listener = self._context.listener
        if listener is not None:
            for place in frames.take_places():
                listener.numbers(up, place)
            for place in frames.take_hidden():
                listener.blank(up, place)
            if frames.is_closed and not was_closed and frames.reason_place is not None:
                listener.words(up, *frames.reason_place)
        self._tell(up)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes of a message passed."""
        self._frames[up].skip(count)
        self._last_at[up] = at
        self._tell(up)

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing: where the next frame begins is not known."""
        if not self._frames[up].is_closed:
            self._frames[up].lose()
            self._draft.lost = True

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Frames cannot do without their bytes."""
        return False

    def wanted(self, up: bool) -> int:
        """Heads and text messages."""
        frames = self._frames[up]
        return EVERYTHING if frames.is_lost or frames.is_closed else frames.skippable

    def settled(self, up: bool) -> int:
        """All but a head that is not whole."""
        return self._frames[up].settled

    def finish(self, at: int, packet: int) -> None:
        """The conversation is over: what it said is the body of its exchange."""
        if self._is_over:
            return
        self._is_over = True
        context, draft, frames = self._context, self._draft, self._frames
        assert draft.websocket is not None
        assert draft.response is not None
        closed = draft.websocket.closed_by is not None
        faults = [fault for up in (True, False) for fault in frames[up].faults]
        body = SocketBody(self._events, faults, closed=closed)
        draft.body = body
        number, head = context.connection.number, draft.response
        self._tell_keys()
        if self._is_blank:
            client, server = context.ends
            marks = context.ledger.marks
            marked = marks.body_of(server, client, head.at)
            if marked is not None:
                draft.body = marked
            elif head.packet >> FILE_SHIFT in marks.copies:
                draft.body = MarkedBody(None)
                context.ledger.unread.note(number, "blanked", head.packet)
        # Of a copy the mark alone says whether a turn was under way.
        stream = draft.body.stream
        draft.socket_is_open = not closed and stream is not None and not stream.terminated
        if stream is None or any(each.is_lost for each in frames.values()):
            context.ledger.unread.note(number, "protocol", head.packet)
        if context.listener is not None:
            facts = BodyFacts(
                (), 0, body.stream, body.api_error, body.model, body.usage, body.stop_reason,
                None, tuple(body.faults),
            )  # fmt: skip
            extent = Extent(self._start[False], frames[False].position)
            context.listener.conversation(head.at, extent, facts)

    def _tell_keys(self) -> None:
        """What looks like a key in the client's messages, as in the body of a request."""
        keys, context, draft = self._keys, self._context, self._draft
        keys.finish()
        head = draft.request
        if head is None:
            return
        if keys.prefix is None and self._is_blank:
            client, server = context.ends
            keys.prefix = context.ledger.marks.key_of(client, server, head.at)
        if keys.prefix is None:
            return
        if draft.keys is None:
            draft.keys = keys
        draft.keys.prefix = draft.keys.prefix or keys.prefix
        if context.listener is not None:
            extent = Extent(self._start[True], self._frames[True].position)
            context.listener.body(True, head.at, extent, None, keys.prefix)

    def _tell(self, up: bool) -> None:
        before, frames = self._draft.websocket, self._frames
        assert before is not None
        code, by, reason = before.close_code, before.closed_by, before.close_reason
        if by is None and frames[up].is_closed:
            code, by = frames[up].close_code, "client" if up else "server"
            said = frames[up].close_reason.decode("utf-8", "replace")[:REASON_LIMIT]
            reason = self._context.ledger.credentials.words(said) if said else None
        self._draft.websocket = WebSocket(
            frames[True].messages,
            frames[False].messages,
            code,
            by,
            frames[True].payload,
            frames[False].payload,
            reason,
            self._last_at[True],
            self._last_at[False],
        )
