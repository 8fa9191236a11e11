"""Reading one message body: its framing, and what the trailer section says.

Chunks that lie whole in what came are taken by `http1_chunks`, which also keeps what is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from inspector.model.capture import Fault
from inspector.protocols.extent import Extent, FieldLines
from inspector.protocols.http1_chunks import BodyPieces, packed
from inspector.protocols.http1_faults import HeadLimits, Notes
from inspector.protocols.http1_framing import CHUNKED, UNTIL_CLOSE, chunk_size
from inspector.protocols.http1_head import read_fields
from inspector.protocols.http1_pending import Pending
from inspector.protocols.messages import (
    EVERYTHING,
    BodyGap,
    Event,
    Field,
    MessageEnd,
)
from inspector.wire import Segment, Segments


class _Part(IntEnum):
    LENGTH = 0  # a body of stated length
    UNTIL_CLOSE = 1  # a body that the close ends
    CHUNK_LINE = 2  # before or in a chunk-size line
    CHUNK = 3  # in a chunk's data
    CHUNK_END = 4  # at the line end that follows them
    TRAILER = 5
    OVER = 6  # ended, or failed


class BodyReader(BodyPieces):
    """The body of one message at a time: `begin`, then `read`, `skip`, `miss`, then `end`.

    `over` is true once its last byte was read, or its framing failed
    (`failed`).  `last` is the (time, packet) of the byte that decided it.
    """

    __slots__ = (
        "_limits", "_line", "_part", "_remaining", "_said", "_start", "_trailer",
        "_trailer_lines", "_trailers", "failed", "last", "lost",
    )  # fmt: skip

    def __init__(self, limits: HeadLimits, *, placed: bool = False) -> None:
        super().__init__(placed=placed)
        self._limits = limits
        self._line = bytearray()
        # Made for the section that few bodies have: every open connection has two readers.
        self._trailer: Pending | None = None
        self.last = (0, 0)
        self.begin(0, 0, 0)

    def begin(self, length: int, wanted: int, start: int) -> None:
        """A body of `length` (`http1_framing`), of which the first `wanted` bytes are kept.

        `start`: which byte of the stream its first is.
        """
        self._part = _Part.LENGTH if length else _Part.OVER
        if length == CHUNKED:
            self._part = _Part.CHUNK_LINE
        elif length == UNTIL_CLOSE:
            self._part = _Part.UNTIL_CLOSE
        self._remaining = max(length, 0)
        self._wanted = max(wanted, 0)
        self._body_bytes = 0
        self._start = self._line_at = start
        self._trailers: tuple[Field, ...] = ()
        self._trailer_lines: FieldLines | None = None
        self._said: tuple[str, ...] = ()
        self._line.clear()
        self._trailer = None
        self.lost = False
        self.failed = False

    @property
    def over(self) -> bool:
        """Whether no byte that follows belongs to this body."""
        return self._part == _Part.OVER

    def settled(self, position: int) -> int:
        """Which byte of the stream is the first not told of, `position` being read next."""
        between = self._part in (_Part.CHUNK_LINE, _Part.CHUNK_END, _Part.TRAILER)
        return self._line_at if between else position

    @property
    def ends_at_close(self) -> bool:
        """Whether the body is close-delimited."""
        return self._part == _Part.UNTIL_CLOSE

    @property
    def skippable(self) -> int:
        """How many of the next bytes are only counted."""
        if self._wanted:
            return 0
        if self._part in (_Part.LENGTH, _Part.CHUNK):
            return self._remaining
        return EVERYTHING if self._part == _Part.UNTIL_CLOSE else 0

    def skip(self, n: int) -> int:
        """Count the next `n` bytes unseen; answers how many of them can be part of the body."""
        if self._part in (_Part.LENGTH, _Part.CHUNK):
            n = min(n, self._remaining)
            self._remaining -= n
            if not self._remaining:
                self._part = _Part.OVER if self._part == _Part.LENGTH else _Part.CHUNK_END
        elif self._part != _Part.UNTIL_CLOSE:
            return 0
        self._body_bytes += n
        return n

    def miss(self, n: int, packet: int, events: list[Event], offset: int) -> int:
        """`n` bytes were not captured; answers how many of them were certainly body bytes.

        `offset`: which byte of the stream the first of them is.
        """
        self.lost = True
        inside = self.skip(n)
        if inside and self._wanted:
            events.append(BodyGap(inside, packet, offset))
            self._wanted = max(0, self._wanted - inside)
        return inside

    def end(self, at: int, packet: int, events: list[Event], stop: int, *, complete: bool) -> None:
        """The message ends here, before byte `stop`, `complete` as far as its framing can tell."""
        self.flush(events)
        events.append(
            MessageEnd(
                complete and not self.lost,
                self._body_bytes,
                packet,
                at,
                self._trailers,
                self.lost,
                Extent(self._start, stop),
                self._trailer_lines,
            )
        )
        self._part = _Part.OVER
        self._wanted = 0

    def read(
        self,
        segments: Sequence[Segment],
        index: int,
        position: int,
        events: list[Event],
        offset: int,
    ) -> tuple[int, int, int]:
        """Read on from `position` of `segments[index]`, until `over` or out of segments.

        `offset`: which byte of the stream begins `segments[index]`.  Answers
        the index and position of the first byte not read, and the new offset.
        """
        count = len(segments)
        if not (index or position) and type(segments) is Segments and self._takes(segments):
            self.add(segments[:])  # they are somebody's, and pieces are put behind them
            if self._placed:
                self._places.packed += packed(segments, offset - segments.places[2])
            self._wanted -= segments.size
            self.skip(segments.size)
            index, offset = count, offset + segments.size
            if self._part == _Part.OVER:
                self.last = segments[-1][:2]
        while index < count:
            part = self._part
            if part == _Part.CHUNK_LINE and not self._line:
                index, position, offset = self.take_chunks(segments, index, position, offset)
                if index == count:
                    break
            segment = segments[index]
            end = len(segment[2])
            if position < end:
                if part <= _Part.UNTIL_CLOSE or part == _Part.CHUNK:
                    position = self._data(segment, position, offset)
                elif part == _Part.CHUNK_LINE:
                    position = self._chunk_line(segment, position, events, offset)
                elif part == _Part.CHUNK_END:
                    position = self._chunk_end(segment, position, events)
                else:
                    position = self._trailer_section(segment, position, events)
            if position >= end:
                index += 1
                position = 0
                offset += end
            if self._part == _Part.OVER:
                self.last = segment[:2]
                break
        return index, position, offset

    def _takes(self, segments: Segments) -> bool:
        """Whether all of them are bytes of the body that are wanted."""
        if self._wanted < segments.size or (self._placed and not segments.are_a_row):
            return False
        if self._part in (_Part.LENGTH, _Part.CHUNK):
            return self._remaining >= segments.size
        return self._part == _Part.UNTIL_CLOSE

    def _data(self, segment: Segment, position: int, offset: int) -> int:
        at, packet, data = segment
        end = len(data)
        if self._part != _Part.UNTIL_CLOSE:
            end = min(end, position + self._remaining)
        if self._wanted:
            stop = min(end, position + self._wanted)
            self._wanted -= stop - position
            if stop - position == len(data):
                self._pieces.append(segment)
            else:
                self._pieces.append((at, packet, data[position:stop]))
            if self._placed:
                self._places.add(offset + position, offset + stop)
        self.skip(end - position)
        return end

    def _chunk_line(self, segment: Segment, position: int, events: list[Event], offset: int) -> int:
        _, packet, data = segment
        line = self._line
        newline = data.find(b"\n", position)
        stop = len(data) if newline < 0 else newline + 1
        if len(line) + stop - position > self._limits.chunk_line:
            return self._fail("chunk-line-too-long", segment, events)
        line += data[position:stop]
        if newline < 0:
            return stop
        if not line.endswith(b"\r\n"):
            self._say_once("bare-lf", packet, events)
        size = chunk_size(line.removesuffix(b"\n").removesuffix(b"\r"))
        line.clear()
        if size is None:
            return self._fail("bad-chunk", segment, events, "no chunk size")
        if self._placed:
            self._lines.add(self._line_at, offset + stop)
        self._line_at = offset + stop + size
        if size:
            self._part = _Part.CHUNK
            self._remaining = size
        else:
            self._part = _Part.TRAILER
            # The line end just read may be the first half of the section's empty line.
            self._trailer = Pending()
            self._trailer.append((0, packet, b"\n"))
        return stop

    def _chunk_end(self, segment: Segment, position: int, events: list[Event]) -> int:
        _, packet, data = segment
        if data.startswith(b"\r\n", position) and not self._line:
            self._part = _Part.CHUNK_LINE
            return position + 2
        byte = data[position]
        if byte == 0x0D and not self._line:
            self._line.append(byte)
            return position + 1
        if byte != 0x0A:
            return self._fail("bad-chunk", segment, events, "no line end after the chunk's data")
        if not self._line:
            self._say_once("bare-lf", packet, events)
        self._line.clear()
        self._part = _Part.CHUNK_LINE
        return position + 1

    def _trailer_section(self, segment: Segment, position: int, events: list[Event]) -> int:
        trailer, limit = self._trailer, self._limits.trailer_bytes
        assert trailer is not None
        before = len(trailer.data)
        trailer.append(segment, position)
        stop = trailer.find_block_end(limit)
        if stop < 0:
            if len(trailer.data) >= limit:
                return self._fail("trailer-too-large", segment, events)
            return len(segment[2])
        notes = Notes()
        block = bytes(trailer.data[1:stop])
        read = read_fields(block, self._limits.fields, notes, 1)
        self._trailers = read.fields
        self._trailer_lines = FieldLines(self._line_at, self._line_at + len(block), read.odd)
        for name, offset, detail in notes.told():
            self._say_once(name, trailer.source(offset)[1], events, detail)
        self._part = _Part.OVER
        return position + stop - before

    def _fail(self, name: str, segment: Segment, events: list[Event], detail: str = "") -> int:
        """The framing broke: where the message ends is not known."""
        self._say_once(name, segment[1], events, detail)
        self._part = _Part.OVER
        self.failed = True
        return len(segment[2])

    def _say_once(self, name: str, packet: int, events: list[Event], detail: str = "") -> None:
        """One fault of a kind is enough for a body of a million chunks."""
        if name not in self._said:
            self._said += (name,)
            self.flush(events)
            events.append(Fault(name, packet, detail))
