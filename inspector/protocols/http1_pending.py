"""Bytes that are not yet understood, and which segment each of them came from."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from inspector.wire import Segment

#: So many dropped items are kept before the lists are made shorter.
_COMPACT: Final = 64


class Pending:
    """The beginning of a block of lines whose end has not arrived.

    Each byte is searched once for the end, however finely the block was cut.
    Every open connection has two of these, nearly always empty: lists with a
    place of their first item, for an empty deque takes 0.7 KB.
    """

    __slots__ = ("_dropped", "_first", "_offsets", "_searched", "_sources", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self._dropped = 0  # bytes dropped since the last `clear`; `_offsets` count them too
        self._first = 0  # what stands before it in the lists is dropped
        self._offsets: list[int] = []
        self._sources: list[tuple[int, int]] = []
        self._searched = 0

    def append(self, segment: Segment, position: int = 0) -> None:
        """Add the bytes of `segment` from `position` on."""
        at, packet, data = segment
        self._offsets.append(self._dropped + len(self.data))
        self._sources.append((at, packet))
        self.data += data[position:] if position else data

    def clear(self) -> None:
        """Forget everything."""
        self.data.clear()
        self._dropped = self._first = 0
        self._offsets.clear()
        self._sources.clear()
        self._searched = 0

    def source(self, offset: int = 0) -> tuple[int, int]:
        """(time, packet) of the segment that brought the byte at `offset`."""
        place = bisect_right(self._offsets, self._dropped + offset, self._first)
        return self._sources[place - 1]

    def find_line_end(self, limit: int) -> int:
        """Index of the first LF below `limit`, or -1."""
        found = self.data.find(b"\n", self._searched, limit)
        self._searched = len(self.data) if found < 0 else 0
        return found

    def find_block_end(self, limit: int) -> int:
        """Where the first empty line ends, if that is at or below `limit`, or -1."""
        found = block_end(self.data, max(0, self._searched - 2), limit)
        self._searched = len(self.data)
        return found

    def drop_segment(self) -> None:
        """Forget the bytes of the oldest segment."""
        self._first += 1
        if self._first >= len(self._offsets):
            self.clear()
            return
        size = self._offsets[self._first] - self._dropped
        del self.data[:size]
        self._dropped += size
        self._searched = 0
        if self._first > _COMPACT and self._first > len(self._offsets) // 2:
            del self._offsets[: self._first]
            del self._sources[: self._first]
            self._first = 0

    def take_segments(self) -> list[Segment]:
        """Give all bytes back, cut as they came."""
        starts = [offset - self._dropped for offset in self._offsets[self._first :]]
        stops = [*starts[1:], len(self.data)]
        segments = [
            (at, packet, bytes(self.data[start:stop]))
            for (at, packet), start, stop in zip(
                self._sources[self._first :], starts, stops, strict=True
            )
        ]
        self.clear()
        return segments


def block_end(data: bytes | bytearray, start: int, limit: int) -> int:
    """Where the first empty line in `data[start:limit]` ends, or -1.

    An empty line is CRLF or LF after a LF.
    """
    crlf = data.find(b"\n\r\n", start, limit)
    lf = data.find(b"\n\n", start, limit if crlf < 0 else crlf + 1)
    if lf >= 0:
        return lf + 2
    return crlf + 3 if crlf >= 0 else -1
