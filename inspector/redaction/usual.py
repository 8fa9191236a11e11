"""The segments in frames that are like most: nearly all packets of a capture, a batch at a time.

Usual is Ethernet or SLL, IPv4 without options and fragments, TCP without options or with those of
`USUAL`, and behind it nothing but zeros; all of it captured.  `frames` reads any other.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, TypeAlias, overload

from inspector.flows.decode import FAST_LINKS
from inspector.native.functions import Core
from inspector.native.layout import KEY, USUAL_FIELDS, USUAL_WAY, KeySlot, Ways
from inspector.native.used import USED
from inspector.redaction.header_options import USUAL
from inspector.wire import Batch, packed_records

#: A segment in a usual frame: the key of its direction, sequence number, flags, where in the batch
#: its payload begins and stops.
Usual: TypeAlias = tuple[bytes, int, int, int, int]

_HEAD: Final = Struct(">H B x H 2x H x B 2x 12s I 4x B B").unpack_from
#: The headers of IPv4 and TCP without options.
_HEADERS: Final = 40
#: TCP's header without options, and with those of `USUAL`.
_BARE, _STAMPED = 20, 32
#: Where the addresses and ports stand in IPv4's header and behind it.
_KEY_AT: Final = 12
_ROW: Final = Struct(f"{USUAL_FIELDS}q")
_NONE: Final = (-1, 0, 0, 0, 0, -1)


class UsualSegments(Sequence["Usual | None"]):
    """The segments of a batch, packet by packet; None: its frame is another.

    `packed` has `USUAL_FIELDS` 8-byte integers for each: where in the batch the key of its
    direction stands (-1: the frame is another), sequence number, flags, where its payload begins
    and stops, and the number of its direction among the `ways` that the batch has packets of.
    """

    __slots__ = ("_data", "packed", "ways")

    def __init__(self, data: bytes, packed: array[int], ways: int) -> None:
        self._data = data
        self.packed = packed
        self.ways = ways

    @overload
    def __getitem__(self, index: int) -> Usual | None: ...
    @overload
    def __getitem__(self, index: slice) -> UsualSegments: ...
    def __getitem__(self, index: int | slice) -> Usual | UsualSegments | None:
        count = len(self)
        if isinstance(index, slice):
            start, stop, step = index.indices(count)
            if step != 1:
                raise ValueError("segments are consecutive")
            packed = self.packed[USUAL_FIELDS * start : USUAL_FIELDS * max(start, stop)]
            return UsualSegments(self._data, packed, self.ways)
        if not -count <= index < count:
            raise IndexError(index)
        at, sequence, flags, start, stop, _ = _ROW.unpack_from(
            self.packed, index % count * _ROW.size
        )
        return None if at < 0 else (self._data[at : at + KEY], sequence, flags, start, stop)

    @property
    def others(self) -> list[int]:
        """The indexes of packets whose frames are others."""
        keys = self.packed[::USUAL_FIELDS]
        found: list[int] = []
        at = -1
        for _ in range(keys.count(-1)):
            at = keys.index(-1, at + 1)
            found.append(at)
        return found

    def __len__(self) -> int:
        return len(self.packed) // USUAL_FIELDS

    def __iter__(self) -> Iterator[Usual | None]:
        data = self._data
        for at, sequence, flags, start, stop, _ in _ROW.iter_unpack(self.packed):
            yield None if at < 0 else (data[at : at + KEY], sequence, flags, start, stop)

    @property
    def keys(self) -> list[bytes]:
        """Those of the directions, by their numbers."""
        data = self._data
        ways, places = self.packed[USUAL_WAY::USUAL_FIELDS], self.packed[::USUAL_FIELDS]
        first = dict(zip(reversed(ways), reversed(places), strict=True))
        return [data[first[way] : first[way] + KEY] for way in range(self.ways)]

    def __repr__(self) -> str:
        """No bytes: a key may stand in them."""
        return f"<UsualSegments {len(self)}, {self.ways} ways>"


def usual_segments(batch: Batch) -> UsualSegments:
    """The segments of the usual frames of a batch."""
    core = USED.core
    before_ip = FAST_LINKS.get(batch.link_type)
    if before_ip is None:
        return UsualSegments(batch.data, array("q", _NONE * len(batch.records)), 0)
    if core is None or type(batch.data) is not bytes:
        return _read(batch, before_ip)
    return _compiled(core, batch, before_ip)


def _read(batch: Batch, before_ip: int) -> UsualSegments:
    packed = array("q")
    ways: dict[bytes, int] = {}
    add, data = packed.extend, batch.data
    before, stamps, least = before_ip - 2, before_ip + _HEADERS, before_ip + _HEADERS
    for _, at, captured, _ in batch.records:
        if captured < least:
            add(_NONE)
            continue
        ethertype, version, total, fragment, protocol, key, sequence, offset, flags = _HEAD(
            data, at + before
        )
        header = (offset >> 2) & 0x3C
        start, stop, end = at + before_ip + 20 + header, at + before_ip + total, at + captured
        if (
            ethertype != 0x0800 or version != 0x45 or fragment & 0x3FFF or protocol != 6
            or start > stop or stop > end
            or not (
                header == _BARE
                or (header == _STAMPED and data.startswith(USUAL, at + stamps))
            )
            or (stop < end and data[stop:end].strip(b"\0"))
        ):  # fmt: skip
            add(_NONE)
            continue
        way = ways.setdefault(key, len(ways))
        add((at + before_ip + _KEY_AT, sequence, flags, start, stop, way))
    return UsualSegments(data, packed, len(ways))


def _compiled(core: Core, batch: Batch, before_ip: int) -> UsualSegments:
    records, data = packed_records(batch.records), batch.data
    count = len(records)
    places = 1 << (2 * count + 1).bit_length()
    slots = (KeySlot * places)()
    ways = Ways(core.seed, ctypes.addressof(slots), places - 1)
    packed = array("q", bytes(_ROW.size * count))
    core.usual(
        ctypes.byref(ways), data, len(data), before_ip, records.packed.buffer_info()[0], count,
        packed.buffer_info()[0],
    )  # fmt: skip
    return UsualSegments(data, packed, ways.count)
