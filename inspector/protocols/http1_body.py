"""Reading one message body: removes the chunked coding, counts, keeps what is wanted.

The hot loop of the parser is here: `_whole_chunks` takes an event stream with
a chunk a segment at about 1 us each, and builds no object for it but the piece;
where the compiled core gave the segments it takes the chunks, too (`compiled`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from inspector.model.capture import Fault
from inspector.native.used import USED
from inspector.protocols.compiled import whole_chunks
from inspector.protocols.extent import Extent, Extents, FieldLines
from inspector.protocols.http1_faults import HeadLimits, Notes
from inspector.protocols.http1_framing import CHUNKED, UNTIL_CLOSE, chunk_size
from inspector.protocols.http1_head import read_fields
from inspector.protocols.http1_pending import Pending
from inspector.protocols.messages import (
    EVERYTHING,
    Body,
    BodyGap,
    ChunkLines,
    Event,
    Field,
    MessageEnd,
)
from inspector.wire import Segment, Segments

#: Chunk sizes by their digits as met on the wire; bounded by its largest size
#: (in both cases of letters).  Saves parsing the same few sizes again and again.
_SIZES: Final[dict[bytes, int]] = {}
_SIZES_LIMIT: Final = 4096
#: From this limit on a batch can be handed over without counting, for none is larger.
_PLENTY: Final = 1 << 40
#: The places of a reader that tells of none.
_NOWHERE: Final = Extents()


class _Part(IntEnum):
    LENGTH = 0  # a body of stated length
    UNTIL_CLOSE = 1  # a body that the close ends
    CHUNK_LINE = 2  # before or in a chunk-size line
    CHUNK = 3  # in a chunk's data
    CHUNK_END = 4  # at the line end that follows them
    TRAILER = 5
    OVER = 6  # ended, or failed


class BodyReader:
    """The body of one message at a time: `begin`, then `read`, `skip`, `miss`, then `end`.

    `over` is true once its last byte was read, or its framing failed
    (`failed`).  `last` is the (time, packet) of the byte that decided it.

    `placed`: tell where the pieces and the chunk lines stand.
    """

    __slots__ = (
        "_body_bytes", "_limits", "_line", "_line_at", "_lines", "_part", "_pieces", "_placed",
        "_places", "_remaining", "_said", "_start", "_trailer", "_trailer_lines", "_trailers",
        "_wanted", "failed", "last", "lost",
    )  # fmt: skip

    def __init__(self, limits: HeadLimits, *, placed: bool = False) -> None:
        self._limits = limits
        self._placed = placed
        self._line = bytearray()
        # Made for the section that few bodies have: every open connection has two readers.
        self._trailer: Pending | None = None
        self._pieces: list[Segment] | Segments = []
        self._places = Extents() if placed else _NOWHERE  # of the pieces
        self._lines = Extents() if placed else _NOWHERE  # the chunk lines
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
        # Where the chunk line begins that is read or comes next; behind the last, the trailers.
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

    def flush(self, events: list[Event]) -> None:
        """Hand over the pieces read so far."""
        if self._pieces:
            events.append(Body(self._pieces, self._places))
            self._pieces = []
            if self._placed:
                self._places = Extents()
        if self._placed and self._lines:
            events.append(ChunkLines(self._lines))
            self._lines = Extents()

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
        if not (index or position) and isinstance(segments, Segments) and self._takes(segments):
            self._add(segments[:])  # they are somebody's, and pieces are put behind them
            if self._placed:
                self._places.packed += _packed(segments, offset - segments.places[2])
            self._wanted -= segments.size
            self.skip(segments.size)
            index, offset = count, offset + segments.size
            if self._part == _Part.OVER:
                self.last = segments[-1][:2]
        while index < count:
            part = self._part
            if part == _Part.CHUNK_LINE and not self._line:
                index, position, offset = self._whole_chunks(segments, index, position, offset)
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

    def _whole_chunks(
        self, segments: Sequence[Segment], index: int, position: int, offset: int
    ) -> tuple[int, int, int]:
        """Take chunks that lie whole in a segment.

        Stops at the start of the first chunk line that needs a closer look.
        """
        if self._wanted >= _PLENTY and isinstance(segments, Segments):
            index, position, offset = self._compiled_chunks(segments, index, position, offset)
            if index == len(segments):
                return index, position, offset
        placed = self._placed
        append = self._pieces.append
        wanted = self._wanted
        sizes = _SIZES
        # No chunk of one batch can exceed this; then nothing needs counting down.
        plenty = wanted >= _PLENTY
        simple = plenty and not placed
        body_bytes = passed = 0
        for index in range(index, len(segments)):  # noqa: B020
            at, packet, data = segments[index]
            end = len(data)
            passed += end
            if simple and not position:
                # The usual segment is exactly one chunk, of a size met before.
                start = data.find(b"\r\n", 0, 18)
                known = sizes.get(data[:start])
                if known is not None and start + known + 4 == end and data[-2:] == b"\r\n":
                    append((at, packet, data[start + 2 : -2]))
                    body_bytes += known
                    continue
            while position < end:
                start = data.find(b"\r\n", position, position + 18)
                digits = data[position:start]
                # `int` also takes signs, underscores, spaces and `0x`; none of them pass here.
                if start < 0 or not digits.isalnum() or digits[:1] == b"0":
                    break
                try:
                    size = int(digits, 16)
                except ValueError:
                    break
                start += 2
                stop = start + size
                if data[stop : stop + 2] != b"\r\n":
                    break
                if size < _SIZES_LIMIT:
                    sizes[digits] = size
                body_bytes += size
                if placed:
                    self._place_chunk(offset + passed - end, start, stop, wanted)
                if plenty:
                    append((at, packet, data[start:stop]))
                elif wanted:
                    piece = data[start:stop] if size <= wanted else data[start : start + wanted]
                    append((at, packet, piece))
                    wanted -= len(piece)
                position = stop + 2
            if position < end:
                passed -= end
                break
            position = 0
        else:
            index = len(segments)
        self._wanted = wanted - body_bytes if plenty else wanted
        self._body_bytes += body_bytes
        return index, position, offset + passed

    def _compiled_chunks(
        self, segments: Segments, index: int, position: int, offset: int
    ) -> tuple[int, int, int]:
        """The chunks that the compiled core can take; from where it stopped, reading goes on.

        It takes those of a row of segments that are all there, wherever the segments end.
        """
        if USED.core is None or (self._placed and not segments.are_a_row):
            return index, position, offset
        found = whole_chunks(USED.core, segments, index, position)
        self._add(found.pieces)
        if self._placed and found.pieces:
            places = _packed(found.pieces, offset - segments.places[4 * index + 2])
            self._places.packed += places
            # A chunk line is what lies between two pieces, if anything does.
            starts, stops = array("q", (self._line_at, *places[1:-1:2])), places[::2]
            for start, stop in zip(starts, stops, strict=True):
                if start < stop:
                    self._lines.add(start, stop)
            self._line_at = places[-1]
        self._wanted -= found.body
        self._body_bytes += found.body
        return found.at, found.position, offset + found.passed

    def _add(self, pieces: Segments) -> None:
        """Put pieces behind those that are kept."""
        if not self._pieces:
            self._pieces = pieces
        elif isinstance(self._pieces, Segments):
            self._pieces.extend(pieces)
        else:
            self._pieces += pieces

    def _place_chunk(self, offset: int, start: int, stop: int, wanted: int) -> None:
        """Tell where a chunk stands: its data from `start` to `stop` of what `offset` begins."""
        self._lines.add(self._line_at, offset + start)
        self._line_at = offset + stop
        if wanted:
            self._places.add(offset + start, offset + min(stop, start + wanted))

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
        self._trailers, odd = read_fields(block, self._limits.fields, notes, 1)
        self._trailer_lines = FieldLines(self._line_at, self._line_at + len(block), odd)
        for name, offset, detail in notes.items():
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


def _packed(pieces: Segments, shift: int) -> array[int]:
    """Where pieces begin and stop in the stream, `shift` bytes behind where they do in `data`."""
    packed = array("q", bytes(16 * len(pieces)))
    for bound in (0, 1):
        places = pieces.places[2 + bound :: 4]
        packed[bound::2] = array("q", [place + shift for place in places])
    return packed
