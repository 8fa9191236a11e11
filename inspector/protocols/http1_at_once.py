"""Heads that lie whole in one segment, with nothing to note in their lines: nearly all do.

None, of any other, is no verdict: `http1_head_reader` reads it, and names what is odd.
"""

from __future__ import annotations

import re
from typing import Final

from inspector.protocols.extent import HeadLayout
from inspector.protocols.http1_begun import Begun, request_begun, response_begun
from inspector.protocols.http1_faults import HeadLimits
from inspector.protocols.http1_lines import TOKEN, clean_lines
from inspector.secrets.grants import GRANTS, REASON
from inspector.wire import Segment

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


def request_at_once(
    segment: Segment, position: int, start: int, limits: HeadLimits, _: bytes
) -> Begun | None:
    """A request whose head begins at `position` of a segment, and at byte `start` of the stream."""
    at, packet, data = segment
    stop = data.find(b"\r\n\r\n", position)
    size = stop + 4 - position
    if stop < position or size > limits.start_line:
        return None
    lines = data[position:stop].split(b"\r\n")
    line = lines.pop(0)
    match = _REQUEST.fullmatch(line)
    if match is None:
        return None
    read = clean_lines(lines)
    if read is None or (size > _SMALL * limits.fields and len(lines) > limits.fields):
        return None
    method, target, version = match.groups()
    end = len(line)
    layout = HeadLayout(match.start(2), end - _VERSION_SIZE, end, end + 2, size, None)
    return request_begun((method, target, version), read, (at, packet), start, layout)


def response_at_once(
    segment: Segment, position: int, start: int, limits: HeadLimits, method: bytes
) -> Begun | None:
    """The same of a response to a request of this method (empty: none is known)."""
    at, packet, data = segment
    stop = data.find(b"\r\n\r\n", position)
    size = stop + 4 - position
    if stop < position or size > limits.start_line:
        return None
    lines = data[position:stop].split(b"\r\n")
    line = lines.pop(0)
    parts = _STATUS_LINES[line]
    if parts is None:
        return None
    read = clean_lines(lines)
    if read is None or (size > _SMALL * limits.fields and len(lines) > limits.fields):
        return None
    end = len(line)
    layout = HeadLayout(0, 0, end, end + 2, size, None)
    return response_begun(parts, read, (at, packet), start, layout, method)
