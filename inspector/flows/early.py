"""Data beyond a hole, held until the hole is filled or given up.

Pieces are sorted and their data does not overlap: of a byte the first copy is
kept.  A piece is found by bisection and taken from the front at once, so that
what a segment costs does not grow with what waits.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

from inspector.wire import Segment

#: Memory of a held piece besides its bytes, roughly.
PIECE_BYTES: Final = 200


class Piece(NamedTuple):
    """Bytes of a stream from position `start` on; `missing` more were cut off behind them."""

    start: int
    segment: Segment
    missing: int

    @property
    def end(self) -> int:
        """The position behind the last captured byte."""
        return self.start + len(self.segment[2])


class EarlyData:
    """What one direction holds beyond its hole.

    `size` counts bytes of the stream, those that were cut off included; `memory`
    what holding them costs.
    """

    __slots__ = ("_first", "_pieces", "_starts", "memory", "size")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: list[Piece] = []
        # Those before were taken.
        self._first = 0
        self.size = 0
        self.memory = 0

    def __len__(self) -> int:
        return len(self._pieces) - self._first

    @property
    def first(self) -> Piece:
        """The piece next to the hole; there must be one."""
        return self._pieces[self._first]

    def add(self, start: int, segment: Segment, missing: int) -> tuple[bool, bool]:
        """Hold a segment that begins at `start`: whether it brought anything, whether it conflicts.

        It conflicts if a byte that is held already has another value in it.
        """
        low = max(self._first, bisect_right(self._starts, start, self._first) - 1)
        high = bisect_right(self._starts, start + len(segment[2]), low)
        old = self._pieces[low:high]
        if not segment[2]:
            if any(p.start <= start and start + missing <= p.end + p.missing for p in old):
                return False, False
            new, conflict = [Piece(start, segment, missing)], False
        else:
            new, conflict = _uncovered(start, segment, missing, old)
        if new:
            merged = sorted(old + new) if old else new
            self._pieces[low:high] = merged
            self._starts[low:high] = [piece.start for piece in merged]
            self.size += sum(len(piece.segment[2]) + piece.missing for piece in new)
            self.memory += sum(len(piece.segment[2]) + PIECE_BYTES for piece in new)
        return bool(new), conflict

    def take(self) -> Piece:
        """Remove the first piece; what was cut off behind it and is held now is not missing."""
        first, pieces = self._first, self._pieces
        piece = pieces[first]
        self.size -= len(piece.segment[2]) + piece.missing
        self.memory -= len(piece.segment[2]) + PIECE_BYTES
        first += 1
        if first < len(pieces):
            room = max(0, self._starts[first] - piece.end)
            piece = piece._replace(missing=min(piece.missing, room))
        if 2 * first >= len(pieces):
            del pieces[:first], self._starts[:first]
            first = 0
        self._first = first
        return piece


def _uncovered(
    start: int, segment: Segment, missing: int, held: list[Piece]
) -> tuple[list[Piece], bool]:
    """The parts of a segment that no piece of `held` has, and whether one has other bytes."""
    at, packet, data = segment
    begin, end = start, start + len(data)
    new: list[Piece] = []
    conflict = False
    for piece in held:
        low, high = max(begin, piece.start), min(end, piece.end)
        if low >= high:
            continue
        theirs = piece.segment[2][low - piece.start : high - piece.start]
        conflict = conflict or theirs != data[low - start : high - start]
        if begin < low:
            new.append(Piece(begin, (at, packet, data[begin - start : low - start]), 0))
        begin = high
    if begin < end:
        new.append(Piece(begin, (at, packet, data[begin - start :]), missing))
    else:
        # Of what was cut off, a piece that reaches behind the data holds the beginning.
        held_to = max(begin, held[-1].end) if held else begin
        if held_to < end + missing:
            new.append(Piece(held_to, (at, packet, b""), end + missing - held_to))
    return new, conflict
