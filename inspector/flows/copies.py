"""What a second copy of bytes is compared with: those of which the receiver may still take it.

Of bytes that it acknowledged a receiver drops any further copy, so that the first
is what it read.  Of others, the copy that was captured first may be one that it
never took.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspector.flows.acceptance import WIDEST_WINDOW
from inspector.flows.stream import UNKNOWN, Half
from inspector.flows.tcp import SEQUENCE_MASK, distance
from inspector.wire import Segment

#: Segments not yet acknowledged that a second copy of one direction is compared with, at
#: least (more than a first flight has, RFC 6928); at most twice as many.  Of large ones a quarter.
COMPARED_SEGMENTS: Final = 16
#: From here on a segment is large: offloading joins up to 64 KiB.
LARGE_SEGMENT: Final = 4096

_HALFWAY: Final = (SEQUENCE_MASK + 1) // 2


def remember(half: Half, segments: Sequence[Segment]) -> None:
    """Begin anew with `segments`, which were just shown, behind what is not acknowledged."""
    if len(segments) >= COMPARED_SEGMENTS:
        half.delivered, half.room_compared = segments, 0
        return
    is_large = len(segments[-1][2]) > LARGE_SEGMENT
    kept = COMPARED_SEGMENTS // (4 if is_large else 1)
    half.room_compared = kept
    if len(segments) == 1:
        size = len(segments[0][2])
    else:
        size = sum([len(data) for _, _, data in segments])
    # `arrived`, without its calls: this is done for every run.
    acked = half.peer.acked
    if acked != UNKNOWN and (acked - half.next + _HALFWAY) & SEQUENCE_MASK >= _HALFWAY - size:
        half.delivered = list(segments)
    else:
        half.delivered = [*half.delivered[-kept:], *segments]


def slack(half: Half) -> int:
    """How far before its first captured byte a direction may still repeat itself."""
    return WIDEST_WINDOW if half.connection.midstream else 0


def arrived(half: Half, offset: int) -> bool:
    """Whether the receiver acknowledged all up to `offset` from the next byte.

    Of bytes that it acknowledged it drops any further copy, so that the first is read.
    """
    acked = half.peer.acked
    return acked != UNKNOWN and distance(acked, half.next) >= offset


def tail(half: Half, count: int) -> bytes:
    """Of the last `count` bytes of the stream, those that are still held: its end."""
    found: list[bytes] = []
    have = 0
    if half.skip_asked == half.skip:
        half.carry()
        for segments in (half.pending, half.delivered):
            for _, _, data in reversed(segments):
                found.append(data)
                have += len(data)
                if have >= count:
                    return b"".join(reversed(found))[have - count :]
    return b"".join(reversed(found))
