"""The layout of a TPACKET_V3 ring: a block of frames to a `Batch`.

The kernel fills a block with frames, each behind a header of its own, and
hands the block over when it is full or its time is up.  Blocks are copied
once, as they are, and their frames become records that point into the copy:
the compiled core does that, and what is below specifies it.

Source: Linux, include/uapi/linux/if_packet.h and
Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from inspector.native.used import USED
from inspector.wire import PackedRecords, Record

#: TP_STATUS_*: whose the block is; and what a frame's header states.
KERNEL: Final = 0
USER: Final = 1 << 0
VLAN_VALID: Final = 1 << 4
VLAN_TPID_VALID: Final = 1 << 6

#: struct tpacket_block_desc from its third word: status, number of frames,
#: offset of the first, bytes in use.
BLOCK_STATUS: Final = Struct("=I")
BLOCK_STATUS_AT: Final = 8
_BLOCK: Final = Struct("=8xIIII")

#: struct tpacket3_hdr: offset of the next header, seconds, nanoseconds, bytes
#: kept, bytes on the wire, status, offset of the frame.
_FRAME: Final = Struct("=IIIIIIH")
#: The same header's tag: TCI and, if its status says so, TPID.
_TAG: Final = Struct("=32xIH")
_TAG_ON_WIRE: Final = Struct(">HH")
_TAG_BYTES: Final = 4
#: Both Ethernet addresses: a tag stands behind them.
_ADDRESSES: Final = 12
_IEEE_8021Q: Final = 0x8100

_SECOND: Final = 1_000_000_000


def is_ready(ring: memoryview, start: int) -> bool:
    """Whether the block that starts at `start` has been handed over."""
    status: int = BLOCK_STATUS.unpack_from(ring, start + BLOCK_STATUS_AT)[0]
    return bool(status & USER)


def give_back(ring: memoryview, start: int) -> None:
    """Hand a block back to the kernel: from now on its bytes may change."""
    BLOCK_STATUS.pack_into(ring, start + BLOCK_STATUS_AT, KERNEL)


def used(ring: memoryview, start: int) -> memoryview:
    """The bytes in use of a block, its description included, as long as it is not given back."""
    return ring[start : start + _BLOCK.unpack_from(ring, start)[3]]


def frames(data: bytes, starts: Sequence[int], *, ethernet: bool) -> tuple[bytes, PackedRecords]:
    """The frames of blocks: the bytes to read them from, and a record for each.

    `data` has the blocks one behind another, as they begin at `starts`.  A VLAN tag, which the
    kernel has taken out of the frame, is put back where it was (`ethernet` only); then the bytes
    are a copy.
    """
    records = PackedRecords()
    into: bytearray | None = None
    for start in starts:
        _, count, first, _ = _BLOCK.unpack_from(data, start)
        made = _compiled(data, start + first, count, ethernet=ethernet)
        if len(made) == count:
            records.packed += made.packed
            continue
        walked, tagged = _walked(data, start + first, count, ethernet=ethernet)
        for index, header in tagged:
            into = bytearray(data) if into is None else into
            walked[index] = _restore_tag(into, header, walked[index])
        records.extend(walked)
    return data if into is None else bytes(into), records


def _compiled(data: bytes, at: int, count: int, *, ethernet: bool) -> PackedRecords:
    """The frames in front of the first that has a tag; none without the compiled core."""
    made, core = PackedRecords(), USED.core
    if core is not None:
        made.packed.frombytes(bytes(32 * count))
        place = made.packed.buffer_info()[0]
        done = core.walk_ring(data, len(data), at, ethernet, place, count)
        del made.packed[4 * done :]
    return made


def _walked(
    data: bytes, at: int, count: int, *, ethernet: bool
) -> tuple[list[Record], list[tuple[int, int]]]:
    """The frames, and of those with a tag the index and where its header is."""
    unpack = _FRAME.unpack_from
    records: list[Record] = []
    tagged: list[tuple[int, int]] = []
    for _ in range(count):
        next_offset, seconds, nanoseconds, captured, wire, status, offset = unpack(data, at)
        if status & VLAN_VALID and ethernet and captured >= _ADDRESSES:
            tagged.append((len(records), at))
        records.append((seconds * _SECOND + nanoseconds, at + offset, captured, wire))
        at += next_offset
    return records, tagged


def _restore_tag(data: bytearray, header: int, record: Record) -> Record:
    """Move the addresses four bytes down, over the end of the header's address, which is spare."""
    time, start, captured, wire = record
    tci, tpid = _TAG.unpack_from(data, header)
    if not data[header + 20] & VLAN_TPID_VALID:
        tpid = _IEEE_8021Q
    begin = start - _TAG_BYTES
    data[begin : begin + _ADDRESSES] = data[start : start + _ADDRESSES]
    _TAG_ON_WIRE.pack_into(data, begin + _ADDRESSES, tpid, tci & 0xFFFF)
    return time, begin, captured + _TAG_BYTES, wire + _TAG_BYTES
