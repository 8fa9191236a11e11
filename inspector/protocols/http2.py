"""HTTP/2 frames (RFC 9113 4 to 6) as an observer reads them: one direction, in pieces of any size.

Frames are walked, header blocks joined from their continuations, padding taken off.  What a block
says is `http2_fields`'s to tell; which streams there are is the layer's.  Behind a gap, or where
the start was not captured, the walk goes on at the next segment that is whole frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from inspector.fact import Fact
from inspector.model.capture import Fault
from inspector.protocols.detect import H2_PREFACE
from inspector.protocols.extent import Extent
from inspector.protocols.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FIXED,
    GOAWAY,
    HEAD,
    HEADERS,
    PADDED,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    is_frame,
)
from inspector.protocols.messages import EVERYTHING
from inspector.wire import Segment

#: Fault name → what it means.
FAULTS: Final = {
    "http2-broken-frame": "bytes on a connection of HTTP/2 are no frame; what follows was read from"
    " the next segment on that consists of frames",
    "http2-header-block-too-large": "a header block is longer than the limit, or comes in more"
    " parts; it was not read",
}

#: Bytes of one header block with its continuations; servers take 8 to 64 KiB.
BLOCK_LIMIT: Final = 256 << 10
#: Frames of one header block: a flood of empty ones ends nowhere (CVE-2024-27316 and others).
FRAMES_LIMIT: Final = 256
#: Bytes of a frame's payload that are kept, where it is no header block and no data.
_SMALL: Final = 1024


class Block(Fact):
    """A header block.  `data` is None of one that was not read whole.

    `at`, `packet`: of the first byte of its first frame.  `places`: where its fragments stand.
    """

    stream: int
    data: bytes | None
    ends_stream: bool
    is_promise: bool
    at: int
    packet: int
    ended_at: int
    places: tuple[Extent, ...]


class Data(Fact):
    """Bytes of a stream's body, as pieces with their packets, without padding."""

    stream: int
    pieces: Sequence[Segment]
    size: int
    place: Extent


class StreamEnd(Fact):
    """The sender's last frame of a stream; `code` is that of a RST_STREAM (RFC 9113 7)."""

    stream: int
    code: int | None
    at: int
    packet: int


class GoAway(Fact):
    """The sender takes no streams above `last`; `code` says why (RFC 9113 6.8)."""

    last: int
    code: int
    at: int
    packet: int


class Settings(Fact):
    """Values by their identifiers (RFC 9113 6.5.2)."""

    values: dict[int, int]


class Lost(Fact):
    """Bytes are missing: of the data of one stream, or (0) of any and of header blocks."""

    packet: int
    stream: int = 0


Http2Event: TypeAlias = Block | Data | StreamEnd | GoAway | Settings | Lost | Fault


class Http2Frames:
    """Walks the frames of one direction.

    `is_client`: a preface comes first.  `midstream`: the start was not captured.  `start`: which
    byte of the stream is the first that it is given.  `places`: somebody asks where things stand.
    """

    def __init__(
        self, *, is_client: bool, midstream: bool = False, start: int = 0, places: bool = False
    ) -> None:
        self._preface = H2_PREFACE if is_client and not midstream else b""
        self._is_lost = midstream
        self._position = start
        self._places = places
        self._numbers: list[Extent] = []
        self._hidden: list[Extent] = []
        self._head = b""
        # Of the current frame.
        self._kind = self._flags = self._stream = self._length = self._left = 0
        self._is_begun = False
        self._payload = b""
        self._padding = -1  # bytes at the end; -1: not known yet
        self._at = self._packet = 0
        # Of the current header block: its frames' fragments; None: there is none.
        self._block: list[bytes] | None = None
        self._block_of: tuple[int, bool, bool, int, int] = (0, False, False, 0, 0)
        self._block_at = 0  # the first byte of its first frame's head
        self._fragments: list[Extent] = []
        self._frames = self._size = 0

    @property
    def position(self) -> int:
        """Which byte of the stream is the next one."""
        return self._position

    @property
    def settled(self) -> int:
        """Which byte is the first of which something may still be told."""
        if self._is_lost:
            return EVERYTHING
        if self._block is not None:
            return self._block_at
        kept = len(self._head) if not self._is_begun else len(self._payload)
        return self._position - kept

    @property
    def left(self) -> tuple[int, int]:
        """The stream of the data that is under way, and how many more bytes of it come."""
        if self._kind != DATA or not self._is_begun or self._padding < 0:
            return 0, 0
        return self._stream, max(0, self._left - self._padding)

    def take_places(self) -> tuple[list[Extent], list[Extent]]:
        """Where numbers stand that were read since the last call, and where what is nobody's."""
        numbers, self._numbers = self._numbers, []
        hidden, self._hidden = self._hidden, []
        return numbers, hidden

    def receive(self, segments: Sequence[Segment]) -> list[Http2Event]:
        """The next bytes."""
        found: list[Http2Event] = []
        for at, packet, data in segments:
            if self._is_lost:
                if not is_frame(data, whole=True):
                    self._position += len(data)
                    continue
                self._is_lost = False
            self._walk(at, packet, data, found)
        return found

    def skip(self, count: int, at: int, packet: int) -> list[Http2Event]:
        """`count` bytes passed unseen that `left` said are data."""
        stream, left = self.left
        if count > left:
            return self.gap(count, packet)
        self._left -= count
        place = Extent(self._position, self._position + count)
        self._position += count
        found: list[Http2Event] = [Data(stream, [], count, place)]
        if not self._left:
            self._end_frame(at, packet, found)
        return found

    def gap(self, count: int, packet: int) -> list[Http2Event]:
        """Bytes are missing; within data whose length is known frames go on behind them."""
        stream, left = self.left
        self._position += count
        if count <= left and count < self._left:
            self._left -= count
            return [Lost(packet, stream)]
        self._lose()
        return [Lost(packet)]

    def _lose(self) -> None:
        self._is_lost = True
        self._is_begun = False
        self._head = self._payload = b""
        self._block = None
        self._fragments = []

    # -- frames ------------------------------------------------------------------

    def _walk(self, at: int, packet: int, data: bytes, found: list[Http2Event]) -> None:
        start = 0
        while start < len(data) and not self._is_lost:
            if self._preface:
                count = min(len(self._preface), len(data) - start)
                self._preface = self._preface[count:]
                start += count
                self._position += count
                continue
            if not self._is_begun:
                if not self._head:
                    self._at, self._packet = at, packet
                count = min(HEAD - len(self._head), len(data) - start)
                self._head += data[start : start + count]
                start += count
                self._position += count
                if len(self._head) < HEAD:
                    return
                self._begin(packet, found)
            else:
                count = min(self._left, len(data) - start)
                self._take(at, packet, data[start : start + count], found)
                start += count
            if self._is_begun and not self._left:
                self._end_frame(at, packet, found)

    def _begin(self, packet: int, found: list[Http2Event]) -> None:
        """A frame's head (RFC 9113 4.1)."""
        head, self._head = self._head, b""
        expects = self._block is not None
        kind = head[3]
        if not is_frame(head) or expects is not (kind == CONTINUATION):
            found += (Fault("http2-broken-frame", packet), Lost(packet))
            self._lose()
            return
        if self._places:
            self._numbers.append(Extent(self._position - HEAD, self._position))
        self._length = self._left = int.from_bytes(head[:3], "big")
        self._kind, self._flags = kind, head[4]
        self._stream = int.from_bytes(head[5:9], "big")
        self._is_begun = True
        self._payload = b""
        self._padding = -1 if self._flags & PADDED and kind in (DATA, HEADERS, PUSH_PROMISE) else 0
        if kind in (HEADERS, PUSH_PROMISE):
            is_end = kind == HEADERS and bool(self._flags & END_STREAM)
            promise = kind == PUSH_PROMISE
            self._block_of = self._stream, is_end, promise, self._at, self._packet
            self._block, self._frames, self._size = [], 0, 0
            self._block_at = self._position - HEAD

    def _take(self, at: int, packet: int, data: bytes, found: list[Http2Event]) -> None:
        """The next bytes of a frame's payload."""
        if self._kind == DATA:
            self._take_data(at, packet, data, found)
            return
        self._left -= len(data)
        start, self._position = self._position, self._position + len(data)
        keeps = BLOCK_LIMIT if self._block is not None else _SMALL
        if len(self._payload) < keeps:
            self._payload += data[: keeps - len(self._payload)]
        if self._places and self._block is None and self._kind not in FIXED:
            self._hidden.append(Extent(start, self._position))

    def _take_data(self, at: int, packet: int, data: bytes, found: list[Http2Event]) -> None:
        if self._padding < 0:
            self._padding = data[0]
            self._left -= 1
            self._position += 1
            if self._places:
                self._numbers.append(Extent(self._position - 1, self._position))
            data = data[1:]
            if self._padding > self._left:
                found += (Fault("http2-broken-frame", packet), Lost(packet))
                self._lose()
                return
        body = data[: max(0, self._left - self._padding)]
        place = Extent(self._position, self._position + len(body))
        self._left -= len(data)
        self._position += len(data)
        if body:
            found.append(Data(self._stream, [(at, packet, body)], len(body), place))
        if self._places and len(data) > len(body):
            self._hidden.append(Extent(place.stop, self._position))

    def _end_frame(self, at: int, packet: int, found: list[Http2Event]) -> None:
        self._is_begun = False
        payload, self._payload = self._payload, b""
        if self._kind == DATA:
            if self._flags & END_STREAM:
                found.append(StreamEnd(self._stream, None, at, packet))
        elif self._block is not None:
            self._end_fragment(payload, at, packet, found)
        else:
            self._end_small(payload, at, packet, found)

    def _end_small(self, payload: bytes, at: int, packet: int, found: list[Http2Event]) -> None:
        kind = self._kind
        if self._places and kind in FIXED:
            end = self._position
            start = end - self._length
            shown = min(start + FIXED[kind], end)
            self._numbers.append(Extent(start, shown))
            if shown < end:
                self._hidden.append(Extent(shown, end))
        if kind == RST_STREAM:
            found.append(StreamEnd(self._stream, int.from_bytes(payload[:4], "big"), at, packet))
        elif kind == GOAWAY:
            last = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
            found.append(GoAway(last, int.from_bytes(payload[4:8], "big"), at, packet))
        elif kind == SETTINGS and payload:
            entries = range(0, len(payload) - 5, 6)
            values = {
                int.from_bytes(payload[i : i + 2], "big"): int.from_bytes(
                    payload[i + 2 : i + 6], "big"
                )
                for i in entries
            }
            found.append(Settings(values))

    # -- header blocks -----------------------------------------------------------

    def _end_fragment(self, payload: bytes, at: int, packet: int, found: list[Http2Event]) -> None:
        """A frame of a header block is whole (RFC 9113 6.2, 6.6, 6.10)."""
        before = after = 0
        if self._kind != CONTINUATION:
            before = bool(self._flags & PADDED)
            before += 5 * bool(self._kind == HEADERS and self._flags & PRIORITY_FLAG)
            before += 4 * (self._kind == PUSH_PROMISE)
            after = payload[0] if payload and self._flags & PADDED else 0
        if before + after > self._length:
            found += (Fault("http2-broken-frame", packet), Lost(packet))
            self._lose()
            return
        start, stop = self._position - self._length + before, self._position - after
        if self._places:
            if before:
                self._numbers.append(Extent(start - before, start))
            if after:
                self._hidden.append(Extent(stop, stop + after))
        self._fragments.append(Extent(start, stop))
        self._frames += 1
        self._size += stop - start
        assert self._block is not None
        if self._size <= BLOCK_LIMIT and self._frames <= FRAMES_LIMIT:
            self._block.append(payload[before : len(payload) - after])
        else:
            self._block.clear()
            self._fragments = self._fragments[:1]
        if self._flags & END_HEADERS:
            self._end_block(at, packet, found)

    def _end_block(self, at: int, packet: int, found: list[Http2Event]) -> None:
        block, self._block = self._block or [], None
        places, self._fragments = tuple(self._fragments), []
        stream, ends, is_promise, begun_at, begun_packet = self._block_of
        data: bytes | None = b"".join(block)
        if self._size > BLOCK_LIMIT or self._frames > FRAMES_LIMIT:
            found.append(Fault("http2-header-block-too-large", packet))
            data = None
        found.append(Block(stream, data, ends, is_promise, begun_at, begun_packet, at, places))
        if ends:
            found.append(StreamEnd(stream, None, at, packet))
