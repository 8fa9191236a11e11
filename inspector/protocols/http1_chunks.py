"""What is kept of a body, and the chunks of one that lie whole in what came.

The hot loop of the parser is here: `take_chunks` takes an event stream with
a chunk a segment at about 1 us each, and builds no object for it but the piece;
where the compiled core gave the segments it takes the chunks, too (`compiled`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from operator import lt
from typing import Final

from inspector.native.used import USED
from inspector.protocols.compiled import whole_chunks
from inspector.protocols.extent import Extents
from inspector.protocols.messages import Body, ChunkLines, Event
from inspector.wire import Segment, Segments

#: Chunk sizes by their digits as met on the wire; bounded by its largest size
#: (in both cases of letters).  Saves parsing the same few sizes again and again.
_SIZES: Final[dict[bytes, int]] = {}
_SIZES_LIMIT: Final = 4096
#: From this limit on a batch can be handed over without counting, for none is larger.
_PLENTY: Final = 1 << 40
#: The places of a reader that tells of none.
_NOWHERE: Final = Extents()


class BodyPieces:
    """The pieces of a body that are wanted, what was counted of it, and where both stand.

    `placed`: tell where the pieces and the chunk lines stand.
    """

    __slots__ = (
        "_body_bytes", "_line_at", "_lines", "_pieces", "_placed", "_places", "_wanted",
    )  # fmt: skip

    def __init__(self, *, placed: bool) -> None:
        self._placed = placed
        self._pieces: list[Segment] | Segments = []
        self._places = Extents() if placed else _NOWHERE  # of the pieces
        self._lines = Extents() if placed else _NOWHERE  # the chunk lines
        self._wanted = self._body_bytes = 0
        # Where the chunk line begins that is read or comes next; behind the last, the trailers.
        self._line_at = 0

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

    def take_chunks(
        self, segments: Sequence[Segment], index: int, position: int, offset: int
    ) -> tuple[int, int, int]:
        """Take chunks that lie whole in a segment.

        Stops at the start of the first chunk line that needs a closer look.
        """
        if self._wanted >= _PLENTY and type(segments) is Segments:
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
        self.add(found.pieces)
        if self._placed and found.pieces:
            places = packed(found.pieces, offset - segments.places[4 * index + 2])
            self._places.packed += places
            # A chunk line is what lies between two pieces, if anything does.
            starts, stops = array("q", (self._line_at, *places[1:-1:2])), places[::2]
            are_lines = [*map(lt, starts, stops)]
            lines = array("q", bytes(16 * sum(are_lines)))
            lines[::2] = array("q", compress(starts, are_lines))
            lines[1::2] = array("q", compress(stops, are_lines))
            self._lines.packed += lines
            self._line_at = places[-1]
        self._wanted -= found.body
        self._body_bytes += found.body
        return found.at, found.position, offset + found.passed

    def add(self, pieces: Segments) -> None:
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


def packed(pieces: Segments, shift: int) -> array[int]:
    """Where pieces begin and stop in the stream, `shift` bytes behind where they do in `data`."""
    packed = array("q", bytes(16 * len(pieces)))
    for bound in (0, 1):
        places = pieces.places[2 + bound :: 4]
        packed[bound::2] = array("q", [place + shift for place in places])
    return packed
