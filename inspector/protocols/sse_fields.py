"""Where the fields of an event stream stand, for a reader who asks.

`sse.py` counts events and forgets what they say.  Whoever has to say which
bytes a `data` field takes up, before its line has ended and whatever its
length, reads these fields: pieces of any size go in, nothing but a field's
name is kept.  Lines are those of WHATWG HTML 9.2.6.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from inspector.protocols.extent import Extent

#: Bytes of a field's name that are kept: `event`, `data`, `id` and `retry` are all there are.
NAME_LIMIT: Final = 64

_LINE_END: Final = re.compile(rb"[\r\n]")
_BOM: Final = b"\xef\xbb\xbf"


class SseField(NamedTuple):
    """One field.  Offsets count in the body.

    `name`: its first `NAME_LIMIT` bytes; empty for a comment.  `value` stands
    behind the colon and one space (where there is one); it is empty, at the
    line's end, for a line without a colon.
    """

    name: bytes
    name_extent: Extent
    value: Extent


class EventEnd(NamedTuple):
    """A blank line, before offset `at`: what stands before it is one event."""

    at: int


class SseFields:
    """Reads the fields of one event stream.  `start`: the offset of its first byte."""

    __slots__ = (
        "_after_cr", "_colon", "_line", "_lost", "_name", "_position", "_start", "_value",
    )  # fmt: skip

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._position = start  # of the next byte fed
        self._after_cr = False  # a LF that follows belongs to the line end before it
        self._lost = False  # until the next line end: the line's start was not captured
        self._begin(start)

    def _begin(self, line: int) -> None:
        self._line = line
        self._name = bytearray()
        self._colon: int | None = None
        self._value: int | None = None  # None: the byte behind the colon was not seen

    @property
    def begun(self) -> SseField | None:
        """The field whose line goes on, as far as it came; None before its colon."""
        if self._colon is None or self._lost:
            return None
        return self._field(self._position)

    def feed(self, data: bytes) -> list[SseField | EventEnd]:
        """The fields whose lines end in the next bytes."""
        found: list[SseField | EventEnd] = []
        offset, position, end = self._position, 0, len(data)
        self._position += end
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                position = 1
                self._begin(offset + 1)
        while position < end:
            line_end = _LINE_END.search(data, position)
            stop = end if line_end is None else line_end.start()
            self._take(data, offset, position, stop)
            if line_end is None:
                break
            position = stop + 1
            if data[stop] == 0x0D:
                if position == end:
                    self._after_cr = True
                elif data[position] == 0x0A:
                    position += 1
            self._end_line(offset + stop, found)
            self._begin(offset + position)
        return found

    def gap(self, missing: int) -> None:
        """`missing` bytes were not captured: the rest of the line they end in tells nothing."""
        if missing > 0:
            self._position += missing
            self._after_cr = False
            self._lost = True

    def _take(self, data: bytes, offset: int, position: int, stop: int) -> None:
        """Bytes of one line."""
        if self._colon is None:
            colon = data.find(b":", position, stop)
            name_stop = stop if colon < 0 else colon
            room = NAME_LIMIT + len(_BOM) - len(self._name)
            self._name += data[position : min(name_stop, position + room)]
            if colon < 0:
                return
            self._colon = offset + colon
            position = colon + 1
        if self._value is None and position < stop:
            self._value = offset + position + (data[position] == 0x20)

    def _end_line(self, stop: int, found: list[SseField | EventEnd]) -> None:
        lost, self._lost = self._lost, False
        if lost:
            return
        if self._colon is None and not self._name.removeprefix(self._bom):
            found.append(EventEnd(stop))
        else:
            found.append(self._field(stop))

    @property
    def _bom(self) -> bytes:
        return _BOM if self._line == self._start else b""

    def _field(self, stop: int) -> SseField:
        name = self._name.removeprefix(self._bom)
        start = self._line + len(self._name) - len(name)
        if self._colon is None:
            return SseField(bytes(name[:NAME_LIMIT]), Extent(start, stop), Extent(stop, stop))
        value = stop if self._value is None else self._value
        return SseField(bytes(name[:NAME_LIMIT]), Extent(start, self._colon), Extent(value, stop))
