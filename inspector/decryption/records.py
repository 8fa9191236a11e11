"""Whole TLS records of one direction, with what is missing between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

from inspector.protocols.detect import begins_tls_record
from inspector.protocols.tls_record import RECORD_HEADER, RECORD_HEADER_SIZE, is_record_header
from inspector.wire import Segment

_BODY: Final = RECORD_HEADER_SIZE
#: What a record that is kept takes beside its body, at least (CPython 3.11: 180 bytes).
RECORD_COST: Final = 192


class SealedRecord(NamedTuple):
    """A record as it was sent; `at`, `packet`: of its last byte, when it could be read."""

    kind: int
    header: bytes
    body: bytes
    at: int
    packet: int


class LostRecords(NamedTuple):
    """Records that were not captured whole.

    `raw`: how many bytes they took, headers included; `kind`: of the one record that it was, whose
    header was captured; None where it is not known how many they were.
    """

    raw: int
    kind: int | None
    at: int
    packet: int


RecordPiece: TypeAlias = SealedRecord | LostRecords


class RecordReader:
    """Cuts one direction into records.  Behind a hole it goes on at a segment that begins one.

    `is_lost`: what follows is no TLS, or where its records begin is not known.
    """

    __slots__ = ("_begun", "_missing", "_spoilt", "is_lost")

    def __init__(self) -> None:
        self.is_lost = False
        #: The beginning of a record.
        self._begun = b""
        #: Bytes of a record whose middle is missing that are still to come.
        self._spoilt = 0
        #: Bytes that passed since records were lost.
        self._missing = 0

    @property
    def is_whole(self) -> bool:
        """Whether the latest byte ended a record."""
        return not (self.is_lost or self._begun or self._spoilt)

    @property
    def is_broken_off(self) -> bool:
        """Whether all is there, and the latest byte is within a record."""
        return bool(self._begun) and not (self.is_lost or self._spoilt)

    def receive(self, segments: Sequence[Segment]) -> list[RecordPiece]:
        """The next bytes; the records that are whole with them."""
        found: list[RecordPiece] = []
        while segments:
            if self.is_lost or self._spoilt:
                first, *segments = segments
                segments = [*self._from(first, found), *segments]
            segments = segments[self._cut(segments, found) :]
        return found

    def _from(self, segment: Segment, found: list[RecordPiece]) -> list[Segment]:
        """What of a segment is to be read: behind a spoilt record, where records begin again."""
        at, packet, data = segment
        passed = min(self._spoilt, len(data))
        self._spoilt -= passed
        data = data[passed:]
        if self.is_lost:
            if not begins_tls_record(data):
                self._missing += len(data)
                return []
            self.is_lost = False
            found.append(LostRecords(self._missing, None, at, packet))
            self._missing = 0
        return [(at, packet, data)] if data else []

    def _cut(self, segments: Sequence[Segment], found: list[RecordPiece]) -> int:
        """Cut segments into records; how many were taken.

        All of them, but where no record begins only those up to there.
        """
        if self.is_lost or self._spoilt or not segments:
            return 0
        data = b"".join([self._begun, *(part for _, _, part in segments)])
        ends = [*accumulate([len(part) for _, _, part in segments], initial=len(self._begun))]
        start, index, size = 0, 0, len(data)
        while size - start >= RECORD_HEADER_SIZE:
            kind, version, length = RECORD_HEADER.unpack_from(data, start)
            body = start + _BODY
            is_record = is_record_header(kind, version, length)
            stop = body + length if is_record else body
            if stop > size:
                break
            while ends[index + 1] < stop:
                index += 1
            if not is_record:
                self._begun = data[start : ends[index + 1]]
                self.lose(0)
                return index + 1
            at, packet, _ = segments[index]
            found.append(SealedRecord(kind, data[start:body], data[body:stop], at, packet))
            start = stop
        self._begun = data[start:]
        return len(segments)

    def gap(self, count: int, at: int, packet: int) -> list[RecordPiece]:
        """`count` bytes are missing."""
        if self._spoilt >= count:
            self._spoilt -= count
            return []
        if len(self._begun) >= RECORD_HEADER_SIZE:
            kind, _, size = RECORD_HEADER.unpack_from(self._begun)
            left = _BODY + size - len(self._begun)
            if count <= left:
                self._begun = b""
                self._spoilt = left - count
                return [LostRecords(_BODY + size, kind, at, packet)]
        self.lose(count)
        return []

    def lose(self, count: int) -> None:
        """`count` bytes passed, and where the next record begins behind them is not known."""
        self.is_lost = True
        # A record that was spoilt was told with all of its bytes.
        self._missing += len(self._begun) + max(0, count - self._spoilt)
        self._begun = b""
        self._spoilt = 0
