"""The packets of a batch that go, without what lies between them, which is as it was captured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from inspector.native.functions import Core
from inspector.native.layout import address
from inspector.native.used import USED
from inspector.wire import PackedRecords, Record


def gathered(
    data: bytearray, records: PackedRecords, *, is_last: bool
) -> tuple[bytes, Sequence[Record]]:
    """The bytes of packets one behind another, and where they lie there.

    `is_last`: nobody needs the `data` any more.
    """
    core = USED.core
    if core is not None:
        return _moved(core, data, records, is_last=is_last)
    places = accumulate([size for _, _, size, _ in records], initial=0)
    return (
        b"".join([data[begin : begin + size] for _, begin, size, _ in records]),
        [
            (at, place, size, wire)
            for (at, _, size, wire), place in zip(records, places, strict=False)
        ],
    )


def _moved(
    core: Core, data: bytearray, records: PackedRecords, *, is_last: bool
) -> tuple[bytes, Sequence[Record]]:
    """The same.  Packets that lie in order are moved where they are: there is one copy less."""
    made, count = records[:], len(records)
    room = sum(records.packed[2::4])
    begin, size = address(data), len(data)
    places, out = records.packed.buffer_info()[0], made.packed.buffer_info()[0]
    if is_last and core.gather(begin, size, places, count, out, begin, size) == count:
        return bytes(memoryview(data)[:room]), made
    into = bytearray(room)
    core.gather(begin, size, places, count, out, address(into), room)
    return bytes(into), made
