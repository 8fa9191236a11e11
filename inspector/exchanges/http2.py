"""HTTP/2 as a layer, without TLS or inside of it: each stream is an exchange like any other.

A stream's request and answer stand in the same records as those of HTTP/1 (RFC 9113 8.3: the
start line's parts are fields of their own, `:authority` is the Host).  Streams end by themselves,
by a reset of one end, or with their connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.exchanges.bodies import finished, search, searched
from inspector.exchanges.context import Context
from inspector.exchanges.open_exchange import OpenExchange
from inspector.exchanges.response_bodies import wants_body
from inspector.exchanges.streams import Stream, request_head, response_head
from inspector.flows.contract import BATCH
from inspector.model.capture import Fault
from inspector.protocols.detect import looks_like_response
from inspector.protocols.extent import Extent
from inspector.protocols.http2 import (
    Block,
    Data,
    GoAway,
    Http2Event,
    Http2Frames,
    Lost,
    StreamEnd,
)
from inspector.protocols.http2_fields import BlockFields, FieldReader, of_pairs
from inspector.protocols.messages import EVERYTHING
from inspector.wire import FILE_SHIFT, Segment

FAULTS: Final = {
    "http2-bad-header-block": "A header block of HTTP/2 cannot be decoded; of later ones of its"
    " direction only what is spelt out in them is known.",
    "http2-streams-limit": "More streams of one connection are open at once than are followed.",
}

#: What a mark says of a block that was none: a value without a name.
_NO_BLOCK: Final = (b"", b"x")
_UNREAD: Final = frozenset({"http2-bad-header-block", "http2-broken-frame"})

#: Streams of one connection that are open at once and followed; servers allow 100 to 250.
STREAMS_LIMIT: Final = 4096


class Http2Layer:
    """Pairs the messages of both directions by their streams.

    `upgraded`: the request whose 101 it is that began this (RFC 7540 3.2): that of stream 1.
    """

    def __init__(
        self,
        context: Context,
        *,
        midstream: bool = False,
        start: tuple[int, int] = (0, 0),
        upgraded: OpenExchange | None = None,
    ) -> None:
        self._context = context
        listens = context.listener is not None
        self._frames = {
            up: Http2Frames(is_client=up, midstream=midstream, start=start[up], places=listens)
            for up in (True, False)
        }
        self._fields = {up: FieldReader(midstream=midstream) for up in (True, False)}
        self._streams: dict[int, Stream] = {}
        self._midstream = midstream
        # The server's first bytes were not seen yet; it speaks something else.
        self._is_awaited = not midstream
        self._is_foreign = False
        if upgraded is not None:
            upgraded.begin_anew()
            self._streams[1] = Stream(upgraded, is_asked=True)

    # -- the layer ---------------------------------------------------------------

    def receive(self, up: bool, segments: Sequence[Segment]) -> None:
        """The next bytes."""
        if not up and self._is_awaited:
            self._is_awaited = False
            self._look(segments)
        if up or not self._is_foreign:
            self._handle(up, self._frames[up].receive(segments))

    def _look(self, segments: Sequence[Segment]) -> None:
        """Whether the server answers in HTTP/1, which it speaks alone."""
        context, (_, packet, first) = self._context, segments[0]
        context.note_plain_answer(self._frames[False].position, first)
        if looks_like_response(first):
            self._is_foreign = True
            context.ledger.unread.note(context.connection.number, "protocol", packet)

    def skip(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes of a body that nobody reads passed."""
        if up or not self._is_foreign:
            self._handle(up, self._frames[up].skip(count, at, packet))

    def gap(self, up: bool, count: int, at: int, packet: int) -> None:
        """Bytes are missing."""
        if not up:
            self._is_awaited = False
        self._handle(up, self._frames[up].gap(count, packet))

    def cut(self, up: bool, kept: int, count: int, at: int, packet: int) -> bool:
        """Plain text cannot do without its bytes."""
        return False

    def end(self, up: bool, at: int, packet: int) -> None:
        """A direction ended: no stream ends by that."""

    def finish(self, at: int, packet: int) -> None:
        """Write down what is unfinished."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            for up in (True, False):
                self._end_message(stream, up, at, packet, complete=False)
            self._write(stream, at_end=True)

    def wanted(self, up: bool) -> int:
        """Skip bodies that nobody reads; take event streams in batches."""
        if not up and self._is_foreign:
            return EVERYTHING
        number, left = self._frames[up].left
        stream = self._streams.get(number)
        if self._context.listener is not None or stream is None or not left:
            return 0
        if stream.reads(up):
            return 0 if up else BATCH
        return left

    def settled(self, up: bool) -> int:
        """How far the frames were read."""
        return EVERYTHING if self._is_foreign and not up else self._frames[up].settled

    # -- events ------------------------------------------------------------------

    def _handle(self, up: bool, events: Sequence[Http2Event]) -> None:
        listener = self._context.listener
        for event in events:
            if isinstance(event, Data):
                self._data(up, event)
            elif isinstance(event, Block):
                self._block(up, event)
            elif isinstance(event, StreamEnd):
                self._stream_end(up, event)
            elif isinstance(event, GoAway):
                self._go_away(up, event)
            elif isinstance(event, Lost):
                self._lost(up, event)
            elif isinstance(event, Fault):
                self._fault(event)
        if listener is not None:
            numbers, hidden = self._frames[up].take_places()
            for place in numbers:
                listener.numbers(up, place)
            for place in hidden:
                listener.blank(up, place)

    def _fault(self, fault: Fault) -> None:
        """What is no HTTP/2 was not read; of limits the ledger knows."""
        context = self._context
        context.fault(fault)
        if fault.name in _UNREAD:
            context.ledger.unread.note(context.connection.number, "protocol", fault.packet)

    def _lost(self, up: bool, event: Lost) -> None:
        if not event.stream:
            self._fields[up].lose()
        for number, stream in self._streams.items():
            if event.stream in (0, number):
                stream.lose(up, event.packet)

    def _data(self, up: bool, data: Data) -> None:
        stream = self._streams.get(data.stream)
        if self._context.listener is not None:
            self._context.listener.blank(up, data.place)
        if stream is None:
            return
        stream.count(up, data)
        if up:
            search(stream.item, data.pieces)
        elif stream.item.body is not None:
            stream.item.take(data.pieces)

    # -- heads -------------------------------------------------------------------

    def _block(self, up: bool, block: Block) -> None:
        fields = self._read(up, block)
        if block.is_promise:
            return  # what a server means to push was asked for by nobody
        stream = self._streams.get(block.stream)
        if stream is None:
            stream = self._open(up, block)
        if stream is None or fields is None:
            return
        if b":status" in fields.pseudo and not up:
            self._answer(stream, block, fields)
        elif b":method" in fields.pseudo or (up and stream.item.request is None):
            self._ask(stream, block, fields)
        elif stream.item.response is None and not up and not fields.is_whole:
            return  # its status is what is not known
        else:
            stream.trail(up, fields.fields)

    def _read(self, up: bool, block: Block) -> BlockFields | None:
        """What a header block says, or the mark of a copy in its place."""
        reader, context = self._fields[up], self._context
        if block.data is None:
            reader.lose()
            return None
        ends = context.ends if up else context.ends[::-1]
        pairs: list[tuple[bytes, bytes]] = []
        if block.data and not block.data.strip(b"x"):
            head = context.ledger.marks.head_of(*ends, block.at)
            pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head]
            if not pairs and block.packet >> FILE_SHIFT in context.ledger.marks.copies:
                context.ledger.unread.note(context.connection.number, "blanked", block.packet)
                return None
        fields: BlockFields | None
        if pairs:
            is_block = len(pairs) > 1 or bool(pairs[0][0]) or not pairs[0][1]
            fields = of_pairs(pairs) if is_block else None
        else:
            fields = reader.read(block.data)
        if fields is None:
            name = "http2-bad-header-block"
            self._fault(Fault(name, block.packet, FAULTS[name]))
        if context.listener is not None:
            for place in block.places:
                context.listener.blank(up, place)
            extent = Extent(block.places[0].start, block.places[-1].stop)
            said = [_NO_BLOCK] if fields is None else fields.pairs
            context.listener.head(up, block.at, extent, said)
        return fields

    def _open(self, up: bool, block: Block) -> Stream | None:
        """A stream begins; one that a server begins was promised, or its request is not there."""
        context = self._context
        if len(self._streams) >= STREAMS_LIMIT:
            name = "http2-streams-limit"
            context.fault(Fault(name, block.packet, FAULTS[name]))
            return None
        if not up and not self._midstream and block.stream % 2 == 0:
            return None
        stream = Stream(OpenExchange(context.ledger.next_exchange()))
        self._streams[block.stream] = stream
        return stream

    def _ask(self, stream: Stream, block: Block, fields: BlockFields) -> None:
        head = request_head(block, fields)
        notes = self._context.ledger.credentials.study(head.fields, head.target)
        stream.item.head_cut = not fields.is_whole
        stream.item.ask(head, notes, self._context.ledger.asked_budget)

    def _answer(self, stream: Stream, block: Block, fields: BlockFields) -> None:
        head = response_head(block, fields)
        notes = self._context.ledger.credentials.study(head.fields)
        item = stream.item
        if head.is_interim:
            item.interim.append(head.status)
        elif item.response is None:
            item.answer(head, notes, self._context.ledger.budget)
            if self._context.listener is not None:
                stream.wants_all = bool(wants_body(head))

    # -- ends --------------------------------------------------------------------

    def _stream_end(self, up: bool, event: StreamEnd) -> None:
        stream = self._streams.get(event.stream)
        if stream is None:
            return
        if event.code is None:
            self._end_message(stream, up, event.at, event.packet, complete=True)
        else:
            # A server that has answered whole may reset what else comes (RFC 9113 8.1).
            stream.item.halted = "reset-by-client" if up else "reset-by-server"
            for side in (True, False):
                self._end_message(stream, side, event.at, event.packet, complete=False)
        if stream.is_over:
            del self._streams[event.stream]
            self._write(stream)

    def _go_away(self, up: bool, event: GoAway) -> None:
        """Streams above the last were not processed, and never will be (RFC 9113 6.8)."""
        if up:
            return
        for number in [number for number in self._streams if number > event.last]:
            stream = self._streams.pop(number)
            stream.item.halted = "server"
            for side in (True, False):
                self._end_message(stream, side, event.at, event.packet, complete=False)
            self._write(stream)

    def _end_message(
        self, stream: Stream, up: bool, at: int, packet: int, *, complete: bool
    ) -> None:
        end = stream.end(up, at, packet, complete=complete)
        if end is None:
            return
        item, context = stream.item, self._context
        if up:
            item.request_end = end
            if end.trailers:
                context.ledger.credentials.study(end.trailers)
            searched(context, item, end)
            return
        item.response_end = end
        finished(context, item, end)
        facts, head = item.body_facts(), item.response
        if context.listener is not None and facts is not None and head is not None:
            context.listener.conversation(head.at, end.extent, facts)

    def _write(self, stream: Stream, *, at_end: bool = False) -> None:
        context = self._context
        context.ledger.add_exchange(
            stream.item,
            context.connection,
            context.tunnel,
            context.ends,
            at_end=at_end,
            decrypted=context.is_decrypted,
            asked=context.asked,
        )
