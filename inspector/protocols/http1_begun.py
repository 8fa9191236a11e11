"""What a head of HTTP/1.x begins: its message, how long its body is, and what may come behind.

And the body itself, where all of it came with the head's last bytes.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact
from inspector.protocols.extent import Extent, Extents
from inspector.protocols.http1_framing import (
    BODILESS_STATUSES,
    UNTIL_CLOSE,
    body_length,
    read_framing,
)
from inspector.protocols.http1_head import RequestLine, StatusLine
from inspector.protocols.http1_head_reader import Head
from inspector.protocols.messages import Body, Event, MessageEnd, RequestHead, ResponseHead
from inspector.wire import Segment

# A named tuple's own constructor costs a call more.
_new: Final = tuple.__new__


class Begun(Fact):
    """A message whose head was read.

    `length` is that of its body (`http1_framing`), 0: it has none.  `closes`: its sender announces
    that nothing follows it.  `may_switch`: what follows may be no HTTP.  `is_interim`: the final
    response follows.
    """

    head: RequestHead | ResponseHead
    length: int
    closes: bool
    may_switch: bool
    is_interim: bool = False

    @property
    def body_at(self) -> int:
        """Which byte of the stream the body's first is."""
        return self.head.start + self.head.layout.size


def request_begun(line: RequestLine, read: Head, start: int) -> Begun:
    """A request whose head begins at byte `start` of the stream."""
    at, packet = read.begun
    fields, named = read.fields.fields, read.fields.named
    method, target, version = line.method, line.target, line.version
    head = RequestHead(method, target, version, fields, named, packet, at, start, read.layout)
    framing = read_framing(fields, named, read.notes)
    # RFC 9110 9.3.6: a CONNECT has no content; what follows is the tunnel's, if it opens.
    is_connect = method == b"CONNECT"
    length = 0 if is_connect else body_length(framing, version, 0, read.notes)
    return Begun(head, length, framing.closes, is_connect or framing.upgrades)


def response_begun(line: StatusLine, read: Head, start: int, method: bytes) -> Begun:
    """A response to a request of this method (empty: none is known)."""
    at, packet = read.begun
    status = line.status
    interim = 100 <= status < 200 and status != 101
    may_switch = status == 101 or (method == b"CONNECT" and 200 <= status < 300)
    fields, named, notes = read.fields.fields, read.fields.named, read.notes
    framing = read_framing(fields, named, notes)
    # RFC 9112 6.3 rules 1 and 2: no body, whatever the fields say.
    length = 0
    if not (interim or may_switch or method == b"HEAD" or status in BODILESS_STATUSES):
        length = body_length(framing, line.version, UNTIL_CLOSE, notes)
    head = ResponseHead(
        status,
        line.reason,
        line.version,
        fields,
        named,
        packet,
        at,
        start,
        read.layout,
        ends_body_at_close=length == UNTIL_CLOSE,
    )
    return Begun(head, length, framing.closes and not interim, may_switch, interim)


def whole_body(
    begun: Begun, segment: Segment, position: int, wanted: int, *, placed: bool
) -> list[Event]:
    """What `http1_body` tells of a body of stated length that stands whole at `position`.

    `wanted`: how many of its first bytes are; `placed`: tell where they stand.
    """
    (at, packet, data), length, start = segment, begun.length, begun.body_at
    end = MessageEnd(
        complete=True,
        body_bytes=length,
        packet=packet,
        at=at,
        extent=_new(Extent, (start, start + length)),
    )
    kept = min(length, wanted)
    if kept <= 0:
        return [end]
    pieces = [(at, packet, data[position : position + kept])]
    if not placed:
        return [Body(pieces), end]
    places = Extents()
    places.add(start, start + kept)
    return [Body(pieces, places), end]
