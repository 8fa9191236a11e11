"""Whole TLS records of one direction, with what is missing between them."""

from __future__ import annotations

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

    __slots__ = ("_buffer", "_missing", "_spoilt", "is_lost")

    def __init__(self) -> None:
        self.is_lost = False
        self._buffer = bytearray()
        #: Bytes of a record whose middle is missing that are still to come.
        self._spoilt = 0
        #: Bytes that passed since records were lost.
        self._missing = 0

    @property
    def is_whole(self) -> bool:
        """Whether the latest byte ended a record."""
        return not (self.is_lost or self._buffer or self._spoilt)

    def receive(self, segment: Segment) -> list[RecordPiece]:
        """The next bytes; the records that are whole with them."""
        at, packet, data = segment
        found: list[RecordPiece] = []
        if self._spoilt:
            passed = min(self._spoilt, len(data))
            self._spoilt -= passed
            data = data[passed:]
        if self.is_lost:
            if not begins_tls_record(data):
                self._missing += len(data)
                return found
            self.is_lost = False
            found.append(LostRecords(self._missing, None, at, packet))
            self._missing = 0
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= RECORD_HEADER_SIZE:
            kind, version, size = RECORD_HEADER.unpack_from(buffer, start)
            if not is_record_header(kind, version, size):
                del buffer[:start]
                self.lose(0)
                return found
            stop = start + _BODY + size
            if stop > len(buffer):
                break
            body = bytes(buffer[start + _BODY : stop])
            found.append(SealedRecord(kind, bytes(buffer[start : start + _BODY]), body, at, packet))
            start = stop
        del buffer[:start]
        return found

    def gap(self, count: int, at: int, packet: int) -> list[RecordPiece]:
        """`count` bytes are missing."""
        if self._spoilt >= count:
            self._spoilt -= count
            return []
        if len(self._buffer) >= RECORD_HEADER_SIZE:
            kind, _, size = RECORD_HEADER.unpack_from(self._buffer)
            left = _BODY + size - len(self._buffer)
            if count <= left:
                self._buffer.clear()
                self._spoilt = left - count
                return [LostRecords(_BODY + size, kind, at, packet)]
        self.lose(count)
        return []

    def lose(self, count: int) -> None:
        """`count` bytes passed, and where the next record begins behind them is not known."""
        self.is_lost = True
        # A record that was spoilt was told with all of its bytes.
        self._missing += len(self._buffer) + max(0, count - self._spoilt)
        self._buffer.clear()
        self._spoilt = 0
