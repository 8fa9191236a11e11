"""Heads that lie whole in one segment, with nothing to note in their lines: nearly all do.

None, of any other, is no verdict: `http1_head_reader` reads it, and names what is odd.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from inspector.protocols.extent import HeadLayout
from inspector.protocols.http1_begun import Begun, request_begun, response_begun
from inspector.protocols.http1_faults import HeadLimits
from inspector.protocols.http1_lines import TOKEN, FieldBlock, clean_lines
from inspector.secrets.grants import GRANTS, REASON
from inspector.wire import Segment

L = TypeVar("L")

#: Start lines in which there is nothing to note.
_REQUEST: Final = re.compile(rb"(" + TOKEN + rb"{1,32}) ([!-~\x80-\xff]+) (HTTP/1\.[01])")
_STATUS: Final = re.compile(rb"(HTTP/1\.[01]) ([0-9]{3}) ([ -~\x80-\xff]*)")
_VERSION_SIZE: Final = 8
#: No field line has fewer bytes, its end included.
_SMALL: Final = 4
#: Status lines that are kept with what was read of them, and bytes of the longest.
STATUS_LINES: Final = 256
LONGEST_STATUS_LINE: Final = 64


class _StatusLines(dict[bytes, "tuple[bytes, int, bytes] | None"]):
    """Version, status and reason; None of a line in which there is something to note.

    Kept are those alone whose reason may be shown, so that no key can stand in one.
    """

    def __missing__(self, line: bytes) -> tuple[bytes, int, bytes] | None:
        match = _STATUS.fullmatch(line)
        if match is None:
            return None
        version, status, reason = match.groups()
        read = version, int(status), reason
        hidden = GRANTS[REASON].grammar.hidden
        if len(line) <= LONGEST_STATUS_LINE and not hidden(reason.decode("latin-1")):
            if len(self) >= STATUS_LINES:
                self.clear()
            self[line] = read
        return read


_STATUS_LINES: Final = _StatusLines()


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and version."""
    match = _REQUEST.fullmatch(line)
    if match is None:
        return None
    method, target, version = match.groups()
    return method, target, version


def request_at_once(
    segment: Segment, position: int, start: int, limits: HeadLimits, _: bytes
) -> Begun | None:
    """A request whose head begins at `position` of a segment, and at byte `start` of the stream."""
    read = _head(segment[2], position, limits, _request_line)
    if read is None:
        return None
    line, fields, end, size = read
    layout = HeadLayout(len(line[0]) + 1, end - _VERSION_SIZE, end, end + 2, size, None)
    return request_begun(line, fields, segment[:2], start, layout)


def response_at_once(
    segment: Segment, position: int, start: int, limits: HeadLimits, method: bytes
) -> Begun | None:
    """The same of a response to a request of this method (empty: none is known)."""
    read = _head(segment[2], position, limits, _STATUS_LINES.__getitem__)
    if read is None:
        return None
    line, fields, end, size = read
    return response_begun(
        line, fields, segment[:2], start, HeadLayout(0, 0, end, end + 2, size, None), method
    )


def _head(
    data: bytes, position: int, limits: HeadLimits, read_line: Callable[[bytes], L | None]
) -> tuple[L, FieldBlock, int, int] | None:
    """What the start line and the field lines of a head say; the sizes of that line, and of all."""
    stop = data.find(b"\r\n\r\n", position)
    size = stop + 4 - position
    if stop < position or size > limits.start_line:
        return None
    lines = data[position:stop].split(b"\r\n")
    first = lines.pop(0)
    line = read_line(first)
    fields = None if line is None else clean_lines(lines)
    if line is None or fields is None:
        return None
    if size > _SMALL * limits.fields and len(lines) > limits.fields:
        return None
    return line, fields, len(first), size
