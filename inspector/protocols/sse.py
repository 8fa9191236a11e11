"""Event streams (`text/event-stream`) as an observer sees them: counts, times and endings.

Framing is that of WHATWG HTML 9.2.6: lines end with CR, LF or CRLF, a blank
line dispatches the event, an event without data is not dispatched, an event
that the stream's end cuts off is discarded.  What a browser ignores is named
here instead: lines that are no fields, data that stopped being JSON.

What the events tell is an affair of its own (`event_facts.py`).

Measured on one core, one piece an event, without the compiled core: 0.7 us for an
Anthropic delta of 124 bytes (0.12 us of it to see that its JSON is not broken), 3 us
for an OpenAI chunk of 190 bytes, 14 us for a Gemini chunk, which states its
usage anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from inspector.model.http import EventStream
from inspector.native.functions import Core
from inspector.native.used import USED
from inspector.protocols import event_facts
from inspector.protocols.compiled import EventCount
from inspector.protocols.event_facts import DEFAULT_NAME, EventFacts
from inspector.regex import regex
from inspector.wire import Segment, Segments

#: Fault name → what it means.
FAULTS: Final = {
    **event_facts.FAULTS,
    "sse-broken-line": "a line of an event is no field: framing was damaged on the way",
    "sse-oversized-event": "an event is longer than the limit; it was counted and not read",
}

#: Bytes of one event; a longer one is counted and not read.
EVENT_LIMIT: Final = 1 << 20

_FIELDS: Final = frozenset({b"data", b"event", b"id", b"retry"})
_BOM: Final = b"\xef\xbb\xbf"
#: Bytes of an event's data that are kept where it is too long to be read.
_HEAD_KEPT: Final = 4096
#: Lines of one event that are kept apart before they are joined.
_PARTS_LIMIT: Final = 1024

# Two line ends in a row, spelt out so that CRLF alone is never taken for two.
_BLANK = regex(rb"\r\n(?:\r\n?|\n)|\n(?:\r\n?|\n)|\r\r\n?")
# Checks JSON without building its values: 0.12 us for a delta where orjson takes
# 0.72.  It does not look at UTF-8, so it is asked about ASCII only.
_CHECK: Final = msgspec.json.Decoder(msgspec.Raw).decode
_NOT_JSON: Final = (msgspec.DecodeError, RecursionError)
_TOKEN = regex(rb"[A-Za-z][A-Za-z0-9_-]*")


class SseParser:
    """Reads one event stream; `told` is what its events stated so far."""

    def __init__(self) -> None:
        self.told = EventFacts()
        # Counts events of so many known heads.
        self._counter: EventCount | None = None
        self._counted_heads = 0
        self._truncated = False
        # The unfinished event: its pieces, their size, its last bytes.
        self._parts: list[bytes] = []
        self._size = 0
        self._tail = b""
        self._packet = 0
        self._oversized = False
        # Inside an event, or not known to be outside of one.
        self._midway = True
        self._at_start = True
        self._after_gap = False
        self._last_bytes_at: int | None = None
        self._longest_silence = -1

    def feed(self, pieces: Sequence[Segment]) -> None:
        """The next pieces of the body, content coding undone."""
        if USED.core is None or not isinstance(pieces, Segments):
            self._feed(pieces)
            return
        at, count = 0, len(pieces)
        while at < count:
            if not self._midway and (self.told.heads or self.told.knows_chunks):
                at = self._count_routine(USED.core, pieces, at)
            if at < count:
                self._feed(pieces[at : at + 1])
                at += 1

    def _count_routine(self, core: Core, pieces: Segments, at: int) -> int:
        """Let the compiled core count the events that it can; the first piece that it left."""
        told, counter = self.told, self._counter
        if counter is None or self._counted_heads != len(told.heads):
            counter = self._counter = EventCount(core, told.heads)
            self._counted_heads = len(told.heads)
        heard = counter.heard
        heard.last = -1 if self._last_bytes_at is None else self._last_bytes_at
        heard.longest = self._longest_silence
        plain = DEFAULT_NAME if told.knows_chunks else None
        following = counter.take(pieces, at, told.names, plain)
        if following > at:
            self._last_bytes_at = told.last_at = heard.last
            self._longest_silence = heard.longest
        return following

    def _feed(self, pieces: Sequence[Segment]) -> None:
        told = self.told
        heads, names = told.heads, told.names
        check, not_json = _CHECK, _NOT_JSON
        last, longest = self._last_bytes_at, self._longest_silence
        for at, packet, data in pieces:
            if last is not None and at - last > longest:
                longest = at - last
            last = at
            if not self._midway:
                # Most pieces are one whole event: a head met before, one line
                # of data, a blank line.  (A CR would be another line end.)
                head, _, body = data.partition(b"\ndata: ")
                name = heads.get(head)
                if (
                    name is not None
                    and body[-2:] == b"\n\n"
                    and body.find(b"\n") == len(body) - 2
                    and b"\r" not in body
                    and body.isascii()
                ):
                    try:
                        check(body)
                    except not_json:
                        pass
                    else:
                        names[name] += 1
                        told.last_at = at
                        continue
            self._take(at, packet, data)
        self._last_bytes_at, self._longest_silence = last, longest

    def gap(self, missing: int, packet: int) -> None:
        """`missing` bytes of the stream were not captured before `packet`."""
        self._truncated = True
        self._forget()
        self._after_gap = self._midway = True

    def finish(self, complete: bool) -> EventStream:
        """The stream's facts.  `complete`: the HTTP framing ended, with every byte captured."""
        told = self.told
        rest = b"".join(self._parts)
        if rest.removeprefix(_BOM).strip(b"\r\n"):
            self._truncated = True
            if told.find_bare_error(rest, self._packet):
                told.malformed += 1
        self._forget()
        silence = None if self._longest_silence < 0 else self._longest_silence
        return told.stream(silence, truncated=self._truncated or not complete)

    # --- framing ---

    def _take(self, at: int, packet: int, data: bytes) -> None:
        """Cut off the events that `data` completes, and keep the rest."""
        if self._parts:
            # A blank line that was not there before ends in the new bytes.
            seam = self._tail + data
            end = _BLANK.search(seam)
            if end is None:
                self._keep(packet, data, seam)
                return
            if self._oversized:
                data = data[end.end() - len(self._tail) :]
                self.told.count_oversized(self._parts[0], at, packet)
            else:
                self._parts.append(data)
                data = b"".join(self._parts)
            self._forget()
        events = _BLANK.split(data) if b"\r" in data else data.split(b"\n\n")
        # Line ends where an event should start are blank lines, or the LF of
        # a CRLF whose CR was taken for the whole line end.
        last = events.pop()
        rest = last.lstrip(b"\r\n")
        for event in events:
            if self.told.count_routine(event, at):
                self._after_gap = False
            else:
                self._event(event, at, packet)
        self._at_start = self._at_start and len(rest) == len(last)
        if rest:
            self._keep(packet, rest, rest)
        else:
            self._midway = self._at_start or self._after_gap

    def _keep(self, packet: int, data: bytes, seam: bytes) -> None:
        self._midway = True
        self._packet = packet
        self._tail = seam[-3:]
        self._size += len(data)
        if self._oversized:
            return
        self._parts.append(data)
        if len(self._parts) > _PARTS_LIMIT:  # small objects weigh more than their bytes
            self._parts = [b"".join(self._parts)]
        if self._size > EVENT_LIMIT:
            self._oversized = True
            self._parts = [b"".join(self._parts)[:_HEAD_KEPT]]
            self.told.fault("sse-oversized-event", packet)

    def _forget(self) -> None:
        self._parts = []
        self._size = 0
        self._tail = b""
        self._oversized = False

    def _event(self, event: bytes, at: int, packet: int) -> None:
        """One event: its lines, without the blank line that ends it."""
        after_gap, self._after_gap = self._after_gap, False
        if self._at_start:
            self._at_start = False
            event = event.removeprefix(_BOM)
        name = b""
        data: list[bytes] = []
        broken = False
        for line in event.splitlines():
            field, colon, value = line.partition(b":")
            if field in _FIELDS:
                value = value.removeprefix(b" ")
                if field == b"data":
                    data.append(value)
                elif field == b"event":
                    name = value
            elif line and _is_damaged(field, colon, value):
                broken = True
        if after_gap and broken:
            return  # the end of an event whose start is in the gap
        if broken:
            self.told.malformed += 1
            if not self.told.find_bare_error(event, packet):
                self.told.fault("sse-broken-line", packet)
        if data:
            self.told.read(name, b"\n".join(data), at, packet, broken=broken)


def _is_damaged(field: bytes, colon: bytes, value: bytes) -> bool:
    """Whether a line is more likely a field broken on the way than an unknown field."""
    if not field and colon:
        return False  # a comment
    return not colon or _TOKEN.fullmatch(field) is None or value.lstrip()[:1] in (b"{", b"[")
