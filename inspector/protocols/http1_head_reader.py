"""Reading one message head, which may come in any number of segments.

Also the search for a message when a parser is out of step: both keep bytes
until they can be told to begin a message or not.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact
from inspector.protocols.detect import LOOK_BYTES, looks_like_response, resumes_request
from inspector.protocols.extent import HeadLayout
from inspector.protocols.http1_faults import HeadLimits, Notes
from inspector.protocols.http1_head import (
    METHODS,
    RequestLine,
    StatusLine,
    begins_status,
    may_begin,
    method_of,
    read_fields,
    request_line,
    status_line,
)
from inspector.protocols.http1_lines import FieldBlock
from inspector.protocols.http1_pending import Pending, block_end
from inspector.wire import Segment

#: RFC 3253's `PROPPATCH` and the like, and the blank behind it.
LONGEST_METHOD: Final = 33
#: `HTTP/1.1 200`.
STATUS_START: Final = 12


class Head(Fact):
    """A head as read, and what is odd in it.  `begun`: (time, packet) of its first byte."""

    line: RequestLine | StatusLine
    fields: FieldBlock
    begun: tuple[int, int]
    notes: Notes
    layout: HeadLayout


class HeadReader:
    """Reads head after head.  After each `read` look at `head` and `fault`.

    `head`: the head that ended there, or as much as the limit allows of one
    that did not (then with `fault`).  `fault` without `head`: what was read
    begins no message.  Neither: more bytes are needed.
    """

    __slots__ = ("_has_start_line", "_limits", "_pending", "_requests", "fault", "head")

    def __init__(self, limits: HeadLimits, *, requests: bool) -> None:
        self._limits = limits
        self._requests = requests
        self._pending = Pending()
        self._has_start_line = False
        self.head: Head | None = None
        self.fault = ""

    @property
    def first_packet(self) -> int:
        """The packet of the first byte read and not yet done with."""
        return self._pending.source()[1]

    @property
    def method(self) -> bytes | None:
        """The method of the request line read, while the head goes on."""
        if not self._has_start_line:
            return None
        return method_of(self._pending.data)

    @property
    def held(self) -> int:
        """How many of the last bytes are kept until it can be told what they begin."""
        return len(self._pending.data)

    @property
    def telling(self) -> int:
        """How many of the first bytes read tell that a start line begins here."""
        data = self._pending.data
        if self._requests:
            method = method_of(data[:LONGEST_METHOD])
            return len(method) + 1 if method in METHODS and len(data) > len(method) else 0
        start = bytes(data[:STATUS_START])
        if not begins_status(start):
            return 0
        # What ends the status tells as well: another byte there makes it no status line.
        return len(start) + (bytes(data[len(start) : len(start) + 1]) in (b" ", b"\r"))

    def packet_of(self, head: Head, offset: int) -> int:
        """The packet that brought a byte of the head just read, until it is cleared."""
        return (self._pending.source(offset) if self._pending.data else head.begun)[1]

    def clear(self) -> None:
        """Forget what was read so far."""
        if self._pending.data:
            self._pending.clear()
        self._has_start_line = False
        self.head = None
        self.fault = ""

    def read(self, segment: Segment, position: int) -> int:
        """Read on from `position`; answers the position of the first byte not read."""
        at, packet, data = segment
        pending = self._pending
        before = len(pending.data)
        if not before:
            stop = block_end(data, position, len(data))
            if 0 < stop - position <= self._limits.start_line:
                # It lies in one segment and needs no buffer.
                self._finish(data[position:stop], (at, packet))
                if self.head:
                    return stop
                pending.append((at, packet, b""))
                return len(data)
        pending.append(segment, position)
        if not self._has_start_line and not self._find_start_line():
            return len(data)
        stop = pending.find_block_end(self._limits.head_bytes)
        if stop < 0:
            if len(pending.data) >= self._limits.head_bytes:
                self.break_off()
                self.fault = "head-too-large"
            return len(data)
        self._finish(bytes(pending.data[:stop]), pending.source())
        return position + stop - before

    def break_off(self) -> None:
        """No more of this head will come: its whole lines, if any, become `head`."""
        self.fault = "unfinished-head"
        if self._has_start_line:
            block = bytes(self._pending.data[: self._limits.head_bytes])
            self._finish(block[: block.rfind(b"\n") + 1], self._pending.source())

    def _find_start_line(self) -> bool:
        pending = self._pending
        limit = min(self._limits.start_line, self._limits.head_bytes)
        newline = pending.find_line_end(limit)
        if newline >= 0:
            line = bytes(pending.data[:newline]).removesuffix(b"\r")
            self._has_start_line = self._start_line(line, Notes()) is not None
        elif len(pending.data) >= limit:
            self.fault = "head-too-large"
        elif not may_begin(pending.data, request=self._requests):
            self.fault = "garbage-between-messages"
        return self._has_start_line

    def _start_line(self, line: bytes, notes: Notes) -> RequestLine | StatusLine | None:
        parsed = request_line(line, notes) if self._requests else status_line(line, notes)
        if parsed is None:
            simple = "request-without-version"
            self.fault = simple if simple in notes else "garbage-between-messages"
        return parsed

    def _finish(self, block: bytes, begun: tuple[int, int]) -> None:
        notes = Notes()
        base = block.find(b"\n") + 1
        line = block[: base - 1]
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            notes.add("bare-lf", base - 1)
        start_line = self._start_line(line, notes)
        if start_line is not None:
            fields = read_fields(block[base:], self._limits.fields, notes, base)
            target = version = 0
            if isinstance(start_line, RequestLine):
                target = line.index(start_line.target, len(start_line.method))
                version = line.rindex(start_line.version)
            layout = HeadLayout(target, version, len(line), base, len(block), fields.odd)
            self.head = Head(start_line, fields, begun, notes, layout)

    # -- out of step -----------------------------------------------------------

    def search(self, segment: Segment) -> list[Segment]:
        """Look for a message at the start of `segment`, or of those kept before it.

        Only at segment starts: senders begin messages there, while a body that
        quotes HTTP has it anywhere.  Answers the segments from the message's
        first on, once there is one.
        """
        self._pending.append(segment)
        return self._search()

    def search_later_segments(self) -> list[Segment]:
        """What was read begins no message.  Perhaps a later segment of it does."""
        self._has_start_line = False
        self.fault = ""
        self._pending.drop_segment()
        return self._search()

    def _search(self) -> list[Segment]:
        pending = self._pending
        looks_like = resumes_request if self._requests else looks_like_response
        while pending.data:
            verdict = looks_like(pending.data)
            if verdict is None:
                break
            if verdict:
                return pending.take_segments()
            if len(pending.data) >= LOOK_BYTES:
                pending.clear()  # one by one would cost a hostile stream's square
            else:
                pending.drop_segment()
        return []
