"""Packets of a batch as enhanced packet blocks of pcapng, in one go (pcapng draft, 4.3)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Final

from inspector.native.functions import Core
from inspector.native.layout import address
from inspector.native.used import USED
from inspector.pcap.block_types import ENHANCED_PACKET
from inspector.wire import Batch, Record, packed_records

#: The last time that 64 bits of nanoseconds can tell (in the year 2554).
LATEST: Final = (1 << 64) - 1

#: Bytes of a block beside its packet and that packet's options.
_BLOCK: Final = 32
_PADDING: Final = (b"", b"\0", b"\0\0", b"\0\0\0")


def block_length(captured: int, options: bytes = b"") -> int:
    """The length of the block of a packet."""
    return _BLOCK + ((captured + 3) & ~3) + len(options)


def packet_blocks(
    batch: Batch, begin: int, end: int, interface: int, order: str, options: Mapping[int, bytes]
) -> bytes | bytearray:
    """The blocks of the packets from index `begin` to before `end`, one behind another.

    `interface` counts nanoseconds from 1970; `order` is the section's byte order as in `struct`;
    `options` are those of a packet, by its index.
    """
    core = USED.core
    if core is None or type(batch.data) is not bytes:
        records = batch.records[begin:end]
        return b"".join(_written(batch.data, records, begin, interface, order, options))
    parts = []
    for index in sorted(index for index in options if begin <= index < end):
        parts += [_compiled(core, batch, begin, index, interface, order)]
        parts += _written(
            batch.data, batch.records[index : index + 1], index, interface, order, options
        )
        begin = index + 1
    parts.append(_compiled(core, batch, begin, end, interface, order))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _written(
    data: bytes, records: Sequence[Record], first: int, interface: int, order: str,
    options: Mapping[int, bytes],
) -> Iterator[bytes]:  # fmt: skip
    block = Struct(order + "7I").pack
    length_of = Struct(order + "I").pack
    for index, (at, start, captured, wire) in enumerate(records, start=first):
        at = min(at, LATEST)
        behind = options.get(index, b"")
        length = block_length(captured, behind)
        yield block(ENHANCED_PACKET, length, interface, at >> 32, at & 0xFFFFFFFF, captured, wire)
        yield data[start : start + captured]
        yield _PADDING[-captured & 3] + behind + length_of(length)


def _compiled(
    core: Core, batch: Batch, begin: int, end: int, interface: int, order: str
) -> bytes | bytearray:
    data, records = batch.data, packed_records(batch.records[begin:end])
    count = len(records)
    room = sum(records.packed[2::4]) + (_BLOCK + 3) * count
    out = bytearray(room)
    used = ctypes.c_int64()
    made = core.blocks(
        data, len(data), records.packed.buffer_info()[0], count, interface, order == ">",
        address(out), room, used,
    )  # fmt: skip
    del out[used.value :]
    if made < count:  # one from before 1970, which no block can tell
        out += b"".join(_written(data, records[made:], begin + made, interface, order, {}))
    return out
