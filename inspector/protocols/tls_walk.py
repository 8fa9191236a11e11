"""Where one direction of a TLS connection stands in its records, watched from outside."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from enum import Enum
from typing import Final

from inspector.fact import Changing, field
from inspector.native.functions import Core
from inspector.native.layout import Sealed
from inspector.native.used import USED
from inspector.protocols.tls_names import APPLICATION_DATA
from inspector.protocols.tls_record import MAX_RECORD, RECORD_HEADER, RECORD_HEADER_SIZE
from inspector.wire import Segment, Segments

_TLS_1_2: Final = 0x0303


class Walk(Enum):
    """Whether one direction's records are still found by their headers."""

    EXACT = "every record so far was walked"
    COUNTED = "a filter cuts them, and its cuts tell how many there were"
    COUNTED_IN_PART = "a filter cuts them, and some of its counts are missing"
    LOST = "where the next one begins is not known"


class Use(Enum):
    """What the body of the current record is good for."""

    NOTHING = "its size"
    READING = "it is collected, to be read once it is whole"
    DATA = "it is application data: the time it takes is noted"


class RecordWalk(Changing):
    """One direction: where in the records it is, and what is collected of its hello.

    `left` counts the bytes of the current record's body that are still to come;
    `hello` is None once that side's hello was read or given up.
    """

    up: bool
    header: bytes = b""
    kind: int = 0
    size: int = 0
    left: int = 0
    use: Use = Use.NOTHING
    body: bytearray = field(default_factory=bytearray)
    hello: bytearray | None = field(default_factory=bytearray)
    walk: Walk = Walk.EXACT
    records: int = 0
    app_bytes: int = 0

    def pass_data(self, segments: Sequence[Segment]) -> int:
        """Walk application data once the handshake is over: nothing but counting is left.

        Answers how many segments it took; it stops before one that holds
        anything but whole records of type 23, the rest of one, or the start of
        one.  A sixth of the cost of the general walk.
        """
        if self.header or (self.left and self.use is not Use.DATA):
            return 0
        if USED.core is not None and isinstance(segments, Segments):
            return self._pass_compiled(USED.core, segments)
        unpack = RECORD_HEADER.unpack_from
        left, size = self.left, self.size
        records = app_bytes = taken = 0
        for _, _, data in segments:
            end = len(data)
            if not end:
                taken += 1
                continue
            if left >= end:
                left -= end
                if not left:
                    records += 1
                    app_bytes += size
                taken += 1
                continue
            found = int(left > 0)
            found_bytes = size if left else 0
            position, begun = left, size
            last = end - RECORD_HEADER_SIZE
            while position <= last:
                kind, version, begun = unpack(data, position)
                if kind != APPLICATION_DATA or version != _TLS_1_2 or not 0 < begun <= MAX_RECORD:
                    break
                position += RECORD_HEADER_SIZE + begun
                if position <= end:
                    found += 1
                    found_bytes += begun
            if position < end:
                break  # another type, or a header cut in two
            left, size = position - end, begun
            records += found
            app_bytes += found_bytes
            taken += 1
        if taken:
            self.kind, self.size, self.left = APPLICATION_DATA, size, left
            self.use = Use.DATA if left else Use.NOTHING
            self.records += records
            self.app_bytes += app_bytes
        return taken

    def _pass_compiled(self, core: Core, segments: Segments) -> int:
        """The same, by the compiled core."""
        walk = Sealed(self.left, self.size)
        place, count = segments.places.buffer_info()
        taken: int = core.sealed(
            ctypes.byref(walk), segments.data, len(segments.data), place, count >> 2
        )
        if taken:
            self.kind, self.size, self.left = APPLICATION_DATA, walk.size, walk.left
            self.use = Use.DATA if walk.left else Use.NOTHING
            self.records += walk.records
            self.app_bytes += walk.bytes
        return taken
