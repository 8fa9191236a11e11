"""What a head of HTTP/1.x begins: its message, how long its body is, and what may come behind."""

from __future__ import annotations

from inspector.fact import Fact
from inspector.protocols.extent import HeadLayout
from inspector.protocols.http1_faults import Notes
from inspector.protocols.http1_framing import BODILESS_STATUSES, UNTIL_CLOSE, framed
from inspector.protocols.http1_head import RequestLine
from inspector.protocols.http1_head_reader import Head
from inspector.protocols.http1_lines import FieldBlock
from inspector.protocols.messages import RequestHead, ResponseHead


class Begun(Fact):
    """A message whose head was read.

    `length` is that of its body (`http1_framing`), 0: it has none.  `closes`: its sender announces
    that nothing follows it.  `may_switch`: what follows may be no HTTP.  `is_interim`: the final
    response follows.  `notes`: what is odd in the head, if anything is.
    """

    head: RequestHead | ResponseHead
    length: int
    closes: bool
    may_switch: bool
    is_interim: bool
    notes: Notes | None

    @property
    def body_at(self) -> int:
        """Which byte of the stream the body's first is."""
        return self.head.start + self.head.layout.size


def request_begun(
    line: tuple[bytes, bytes, bytes],
    read: FieldBlock,
    begun: tuple[int, int],
    start: int,
    layout: HeadLayout,
    notes: Notes | None = None,
) -> Begun:
    """A request whose head begins at byte `start` of the stream; `begun`: (time, packet) of it.

    `line`: method, target and version; `notes`: what was odd in the head so far.
    """
    method, target, version = line
    at, packet = begun
    # RFC 9110 9.3.6: a CONNECT has no content; what follows is the tunnel's, if it opens.
    is_connect = method == b"CONNECT"
    length, closes, upgrades, notes = framed(read, version, None if is_connect else 0, notes)
    head = RequestHead(method, target, version, read.fields, read.named, packet, at, start, layout)
    return Begun(head, length, closes, is_connect or upgrades, False, notes)


def response_begun(
    line: tuple[bytes, int, bytes],
    read: FieldBlock,
    begun: tuple[int, int],
    start: int,
    layout: HeadLayout,
    method: bytes,
    notes: Notes | None = None,
) -> Begun:
    """A response to a request of this method (empty: none is known); else as `request_begun`.

    `line`: version, status and reason.
    """
    version, status, reason = line
    at, packet = begun
    interim = 100 <= status < 200 and status != 101
    may_switch = status == 101 or (method == b"CONNECT" and 200 <= status < 300)
    # RFC 9112 6.3 rules 1 and 2: no body, whatever the fields say.
    has_none = interim or may_switch or method == b"HEAD" or status in BODILESS_STATUSES
    length, closes, _, notes = framed(read, version, None if has_none else UNTIL_CLOSE, notes)
    head = ResponseHead(
        status, reason, version, read.fields, read.named, packet, at, start, layout,
        length == UNTIL_CLOSE,
    )  # fmt: skip
    return Begun(head, length, closes and not interim, may_switch, interim, notes)


def read_begun(read: Head, start: int, method: bytes) -> Begun:
    """What a head begins that was read line by line; `method`: see `response_begun`."""
    line, fields, begun, layout, notes = read.line, read.fields, read.begun, read.layout, read.notes
    if isinstance(line, RequestLine):
        asked = line.method, line.target, line.version
        return request_begun(asked, fields, begun, start, layout, notes)
    said = line.version, line.status, line.reason
    return response_begun(said, fields, begun, start, layout, method, notes)
