"""Application data of TLS in a copy: where the headers of its records stand; the rest is blank.

Nobody needs the bytes of what is blank: they are neither kept nor compared with those of later
packets.  A header stands in the copy as it came first (RFC 8446 5.1).
"""

from __future__ import annotations

import ctypes
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from inspector.native.functions import Core
from inspector.native.layout import SEAL_BEGINS, SEAL_HIDES, SEAL_UNSEEN, Sealed
from inspector.native.used import USED
from inspector.protocols.tls_names import APPLICATION_DATA
from inspector.protocols.tls_record import MAX_RECORD, RECORD_HEADER, RECORD_HEADER_SIZE
from inspector.wire import Segment, Segments, joined

_TLS_1_2: Final = 0x0303
_HEADER: Final = (1 << 8 * RECORD_HEADER_SIZE) - 1


class SealedBytes:
    """Bytes without a gap, from offset `base` to before `stop`, that are application data.

    `records` has two numbers for each: where it begins, and its header, with `SEAL_HIDES` if some
    byte of its body is not what a copy has, and `SEAL_UNSEEN` if there are some that nobody saw.
    The first may be the rest of one, without a header.
    """

    __slots__ = ("base", "records", "stop")

    def __init__(self, base: int) -> None:
        self.base = self.stop = base
        self.records = array("q")

    @property
    def decided(self) -> int:
        """How many bytes may be written, as soon as they are decided."""
        return self.stop - self.base

    def add(self, count: int, records: array[int] | None) -> None:
        """The next bytes, and the records in them; None: they are of the last one, and unseen."""
        if records is None:
            self.records[-1] |= SEAL_UNSEEN
        elif self.records and records and not records[1] & SEAL_BEGINS:
            self.records[-1] |= records[1]  # the rest of the last one
            self.records += records[2:]
        else:
            self.records += records
        self.stop += count

    def has(self, start: int, data: bytes | bytearray) -> bool:
        """Whether bytes from an offset on are what came there, as far as that is known."""
        stop = start + len(data)
        for at, value in self._between(start, stop):
            if value & SEAL_BEGINS:
                low, high = max(start, at), min(stop, at + RECORD_HEADER_SIZE)
                if low < high and data[low - start : high - start] != _part(
                    value, low - at, high - at
                ):
                    return False
        return bool(self.records) and self.records[0] <= start

    def shown(self, start: int, stop: int) -> bytes:
        """What may be written from one offset to before another."""
        out = bytearray(b"x" * (stop - start))
        for at, value in self._between(start, stop):
            low, high = max(start, at), min(stop, at + RECORD_HEADER_SIZE)
            if value & SEAL_BEGINS and low < high:
                out[low - start : high - start] = _part(value, low - at, high - at)
        return bytes(out)

    def hides(self, start: int, data: bytes | bytearray) -> bool:
        """Whether of a body that has some of these bytes something is hidden."""
        stop = start + len(data)
        bounds = [*self._between(start, stop)]
        ends = [*(at for at, _ in bounds[1:]), stop]
        for (at, value), end in zip(bounds, ends, strict=True):
            body = max(start, at + RECORD_HEADER_SIZE * bool(value & SEAL_BEGINS))
            if body < end and (
                value & SEAL_HIDES
                or (value & SEAL_UNSEEN and data[body - start : end - start].strip(b"x"))
            ):
                return True
        return False

    def behind(self, border: int) -> SealedBytes:
        """The same without the bytes before an offset."""
        if border > self.base:
            del self.records[: 2 * max(0, self._index(border))]
            self.base = border
        return self

    def _index(self, offset: int) -> int:
        """The last record that begins no later than at an offset; -1: none does."""
        return bisect_right(self.records[::2], offset) - 1

    def _between(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The records of which some may stand between two offsets."""
        records = self.records
        for at in range(2 * max(0, self._index(start)), len(records), 2):
            if records[at] >= stop:
                return
            yield records[at], records[at + 1]


def _part(value: int, first: int, last: int) -> bytes:
    return (value & _HEADER).to_bytes(RECORD_HEADER_SIZE, "big")[first:last]


def sealed(segments: Sequence[Segment], start: int, left: int) -> tuple[array[int], int] | None:
    """The records in bytes of which the first has the offset `start`, and what the last one lacks.

    `left` bytes of one are to come.  None: something else is in them, or half a header.
    """
    core = USED.core
    if core is None:
        return _walked(joined(segments), start, left)
    if type(segments) is not Segments:
        data = joined(segments)
        segments = Segments(data, array("q", (0, 0, 0, len(data))))
    return _by_core(core, segments, start, left)


def _walked(data: bytes, start: int, left: int) -> tuple[array[int], int] | None:
    records = array("q", (start, 0) if left else ())
    at, size = 0, len(data)
    while at < size:
        if left:
            stop = min(size, at + left)
            if data[at:stop].strip(b"x"):
                records[-1] |= SEAL_HIDES
            at, left = stop, left - (stop - at)
            continue
        header = data[at : at + RECORD_HEADER_SIZE]
        if len(header) < RECORD_HEADER_SIZE:
            return None
        kind, version, left = RECORD_HEADER.unpack(header)
        if kind != APPLICATION_DATA or version != _TLS_1_2 or not 0 < left <= MAX_RECORD:
            return None
        records.extend((start + at, SEAL_BEGINS | int.from_bytes(header, "big")))
        at += RECORD_HEADER_SIZE
    return records, left


def _by_core(
    core: Core, segments: Segments, start: int, left: int
) -> tuple[array[int], int] | None:
    """The same; records are mostly long, and never shorter than a header and a byte."""
    data, (place, count), size = segments.data, segments.places.buffer_info(), segments.size
    for room in (size // 256 + 8, size // (RECORD_HEADER_SIZE + 1) + 2):
        walk, made = Sealed(left), array("q", bytes(16 * room))
        taken = core.headers(
            ctypes.byref(walk),
            data,
            len(data),
            place,
            count >> 2,
            start,
            made.buffer_info()[0],
            room,
        )
        if taken >= 0:
            break
    if taken <= 0:
        return None
    del made[2 * walk.records :]
    return made, walk.left
