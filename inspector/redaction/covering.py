"""Masks many packets of one direction at once, whose bytes are decided.

Packets are rows as `usual.UsualSegments` packs them; those of a direction are chained by the
indexes of the rows that follow them.
"""

from __future__ import annotations

from array import array
from struct import Struct
from typing import Final

from inspector.flows.tcp import SYN, distance
from inspector.native.layout import USUAL_FIELDS, USUAL_START, USUAL_STOP, USUAL_WAY, Cover, address
from inspector.native.used import USED
from inspector.redaction.sealed import SealedBytes
from inspector.redaction.track import Unbroken

#: Flags of a packet: something in it was masked; it has bytes of a body that was coded anew.
CHANGED: Final = 1
RECODED: Final = 2
#: Behind every offset.
NOWHERE: Final = (1 << 63) - 1

#: A row, but for where its key stands.
_ROW: Final = Struct(f"8x {USUAL_FIELDS - 1}q").unpack_from
_SIZE: Final = 8 * USUAL_FIELDS
#: What masks are made of, but for those that stand for hex digits.
_MASKS: Final = b"0123456789xX\xbf"
#: So far beside a packet it is looked for a byte that a mask changed.
_REACH: Final = 64


def chain(rows: array[int], begin: int, end: int, following: array[int], ways: int) -> array[int]:
    """Chain the rows with a payload from `begin` to before `end`; the first of each direction.

    -1: there is none, or none follows.
    """
    firsts = array("q", [-1]) * ways
    core = USED.core
    if core is not None:
        core.chain(
            rows.buffer_info()[0], begin, end, following.buffer_info()[0],
            firsts.buffer_info()[0], ways,
        )  # fmt: skip
        return firsts
    for at in range(end - 1, begin - 1, -1):
        place = at * USUAL_FIELDS
        way = rows[place + USUAL_WAY]
        if 0 <= way < ways and rows[place + USUAL_START] < rows[place + USUAL_STOP]:
            following[at] = firsts[way]
            firsts[way] = at
    return firsts


class Packets:
    """The packets of a batch: their bytes as they will be written, and where their segments lie."""

    __slots__ = ("data", "flags", "following", "places", "rows")

    def __init__(self, data: bytes, rows: array[int]) -> None:
        #: As they will be written; they keep their length, as all of this does.
        self.data = bytearray(data)
        #: Of each packet, where its segment stands, and which row of its direction follows.
        self.rows = rows
        self.following = array("q", [-1]) * (len(rows) // USUAL_FIELDS)
        #: Of each packet, what was done to it.
        self.flags = bytearray(len(self.following))
        #: What the compiled core is told of them, up to where it begins, and behind that.
        self.places = (
            address(self.data), len(self.data), rows.buffer_info()[0],
            self.following.buffer_info()[0], len(self.following),
        ), address(self.flags)  # fmt: skip


def cover(direction: Cover, stretch: Unbroken, packets: Packets, at: int) -> int:
    """Mask the rows from `at` on that are decided and lie in a stretch of their direction.

    The row at which it stopped, to be done by the caller, with its offset in `direction.odd`: bytes
    that are not those of the stretch, or lie nowhere; -1: there is none.  Rows that wait stay
    chained from `direction.first` on.
    """
    direction.base, direction.length = stretch.base, stretch.decided
    core = USED.core
    if core is None:
        return _cover(direction, stretch, packets, at)
    if isinstance(stretch, SealedBytes):
        direction.records, numbers = stretch.records.buffer_info()
        direction.record_count = numbers >> 1
    else:
        direction.records = None
        direction.raw, direction.out = address(stretch.raw), address(stretch.out)
    before, flags = packets.places
    stopped: int = core.cover(direction, *before, at, flags)
    return stopped


def _cover(direction: Cover, stretch: Unbroken, packets: Packets, at: int) -> int:
    data, rows, following, flags = packets.data, packets.rows, packets.following, packets.flags
    base = stretch.base
    end = min(direction.decided - base, stretch.decided)
    while at >= 0:
        behind = following[at]
        sequence, bits, start, stop, _ = _ROW(rows, at * _SIZE)
        if start < 0:  # it was given up
            at = behind
            continue
        offset = direction.offset + distance(sequence + bool(bits & SYN), direction.known)
        low = offset - base
        high = low + stop - start
        if low >= 0 and high <= end and stretch.has(offset, data[start:stop]):
            masked = stretch.shown(offset, base + high)
            if isinstance(stretch, SealedBytes):
                is_changed = stretch.hides(offset, data[start:stop])
            else:
                is_changed = data[start:stop] != masked or _goes_on(
                    stretch.raw, stretch.out, low, high, end
                )
            data[start:stop] = masked
            flags[at] |= direction.mark | CHANGED * is_changed
        elif direction.over or offset + stop - start <= direction.decided:
            direction.odd = offset
            return at
        else:
            if direction.first < 0:
                direction.first = at
            else:
                following[direction.last] = at
            direction.last = at
            following[at] = -1
            direction.least = min(direction.least, offset)
            direction.soonest = min(direction.soonest, offset + stop - start)
        at = behind
    return -1


def _goes_on(raw: bytearray, out: bytearray, low: int, high: int, end: int) -> bool:
    """Whether a mask that changes a byte beside a stretch goes on in it.

    Digits of a mask may happen to be those that they hide, and no count shall depend on that.
    """
    if out[low] in _MASKS:
        for at in range(low - 1, max(low - _REACH, 0) - 1, -1):
            if out[at] not in _MASKS:
                break
            if out[at] != raw[at]:
                return True
    if out[high - 1] in _MASKS:
        for at in range(high, min(high + _REACH, end)):
            if out[at] not in _MASKS:
                break
            if out[at] != raw[at]:
                return True
    return False
