"""One stream of HTTP/2 while it is open: what of its two messages came, as heads and ends."""

from __future__ import annotations

from typing import Final

from inspector.exchanges.bodies import skip
from inspector.exchanges.open_exchange import OpenExchange
from inspector.protocols.extent import Extent, HeadLayout
from inspector.protocols.http2 import Block, Data
from inspector.protocols.http2_fields import BlockFields
from inspector.protocols.messages import (
    Field,
    MessageEnd,
    RequestHead,
    ResponseHead,
    by_name,
)

_VERSION: Final = b"HTTP/2"
#: A head of HTTP/2 has no lines.
_LAYOUT: Final = HeadLayout(0, 0, 0, 0, 0, None)
#: Stands for a method or target that a lost table had.
_UNKNOWN: Final = b"?"


class _Side:
    """One message of a stream."""

    __slots__ = ("body_bytes", "end", "is_lost", "start", "stop", "trailers")

    def __init__(self) -> None:
        self.body_bytes = 0
        self.is_lost = False
        self.start = self.stop = 0
        self.trailers: tuple[Field, ...] = ()
        self.end: MessageEnd | None = None


class Stream:
    """Both messages of one stream.  `is_asked`: its request came before the stream did."""

    __slots__ = ("_sides", "item", "wants_all")

    def __init__(self, item: OpenExchange, *, is_asked: bool = False) -> None:
        self.item = item
        self.wants_all = False
        self._sides = (_Side(), _Side())  # down, up
        if is_asked:
            self._sides[True].end = item.request_end

    @property
    def is_over(self) -> bool:
        """Whether both messages ended."""
        return all(side.end is not None for side in self._sides)

    def reads(self, up: bool) -> bool:
        """Whether somebody reads the body of this direction."""
        return self.item.keys is not None if up else self.item.body is not None

    def count(self, up: bool, data: Data) -> None:
        """Bytes of a body."""
        side = self._sides[up]
        if not side.body_bytes:
            side.start = data.place.start
        side.stop = data.place.stop
        side.body_bytes += data.size

    def lose(self, up: bool, packet: int) -> None:
        """Bytes are missing that may have been its."""
        side = self._sides[up]
        if side.end is not None:
            return
        side.is_lost = True
        if up:
            skip(self.item)
            return
        self.item.lost = self.item.lost or self.item.response is None
        self.item.miss(1, packet)

    def trail(self, up: bool, fields: tuple[Field, ...]) -> None:
        """BlockFields behind the body."""
        self._sides[up].trailers = fields

    def end(self, up: bool, at: int, packet: int, *, complete: bool) -> MessageEnd | None:
        """The end of a message that had not ended; None of one that had, or had not begun."""
        side = self._sides[up]
        has_begun = self.item.request if up else self.item.response
        if side.end is not None:
            return None
        side.end = MessageEnd(
            complete and not side.is_lost,
            side.body_bytes,
            packet,
            at,
            side.trailers,
            side.is_lost,
            Extent(side.start, side.stop),
        )
        return None if has_begun is None else side.end


def request_head(block: Block, fields: BlockFields) -> RequestHead:
    """A request's head (RFC 9113 8.3.1): its authority as the Host, where it has no other."""
    pseudo, lines = fields.pseudo, fields.fields
    authority = pseudo.get(b":authority")
    if authority is not None and all(field.name != b"host" for field in lines):
        lines = (Field(b"host", authority), *lines)
    target = pseudo.get(b":path", authority if pseudo.get(b":method") == b"CONNECT" else None)
    return RequestHead(
        method=pseudo.get(b":method", _UNKNOWN),
        target=_UNKNOWN if target is None else target,
        version=_VERSION,
        fields=lines,
        named=by_name(lines),
        packet=block.packet,
        at=block.at,
        start=block.places[0].start,
        layout=_LAYOUT,
    )


def response_head(block: Block, fields: BlockFields) -> ResponseHead:
    """A response's head (RFC 9113 8.3.2); there is no reason phrase."""
    status = fields.pseudo[b":status"]
    return ResponseHead(
        status=int(status) if status.isdigit() and len(status) == 3 else 0,
        reason=b"",
        version=_VERSION,
        fields=fields.fields,
        named=by_name(fields.fields),
        packet=block.packet,
        at=block.at,
        start=block.places[0].start,
        layout=_LAYOUT,
    )
