"""The classic capture format of libpcap, walked sans I/O.

File header (24 bytes): magic, version 2.4, two unused fields, snap length, link
type.  Record header (16 bytes): seconds, fraction, captured length, length on
the wire; in A. Kuznetzov's modified format 8 bytes more (interface index,
protocol, packet type).  Source: draft-ietf-opsawg-pcap; libpcap's
`sf-pcap.c` for the modified format and the upper bits of the link type.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final

from inspector.fact import Fact
from inspector.model.capture import Interface
from inspector.pcap.carried import Carried
from inspector.pcap.walk import MAX_BLOCK, MAX_CAPTURED, FaultList, Run
from inspector.pcap.walked import CoreWalk
from inspector.wire import PackedRecords, Record

HEADER_LENGTH: Final = 24


class Variant(Fact):
    """One of the spellings of the format: what the magic number decides.

    `tick` is the nanoseconds in one unit of a record's fraction field.
    """

    order: str
    tick: int
    record_header: int


VARIANTS: Final[Mapping[bytes, Variant]] = {
    magic.to_bytes(4, "big" if order == ">" else "little"): Variant(order, tick, length)
    for magic, tick, length in (
        (0xA1B2C3D4, 1000, 16),
        (0xA1B23C4D, 1, 16),
        (0xA1B2CD34, 1000, 24),
    )
    for order in "<>"
}
"""First four bytes of a file -> how to read it."""


class ClassicWalker:
    """Walks one classic capture file.

    `file_index` goes into the packet references of faults.
    """

    def __init__(self, file_index: int = 0) -> None:
        self.format = "pcap"
        self.needed = HEADER_LENGTH
        self.ended = False
        self.packets = 0
        self.faults = FaultList(file_index)
        self.comments = 0
        self.carried = Carried()  # nothing: the format has no room for it
        self.changes: list[tuple[int, int]] | None = None  # there is one interface
        self.dropped: int | None = None  # the format has no place for it
        self._variant: Variant | None = None
        self._record_header = Struct("<4I")
        self._longest = MAX_CAPTURED
        self._link_type = 0
        self._snap_length = 0
        self._core = CoreWalk("walk_classic")

    def owed(self) -> tuple[bool, ...]:
        """The format promises no statistics."""
        return (False,)

    def walk(self, data: bytes) -> tuple[list[Run], int]:
        """Runs of records in `data`, and the bytes used; see `pcap.walk`."""
        at = 0
        if self._variant is None:
            if len(data) < HEADER_LENGTH:
                return [], 0
            self._read_header(data)
            at = HEADER_LENGTH
        if self.ended:
            return [], 0
        records, used = self._walk_records(data, at)
        return ([Run(self._link_type, records, {})] if records else []), used

    def _read_header(self, data: bytes) -> None:
        variant = self._variant = VARIANTS[data[:4]]
        major, minor, self._snap_length, network = Struct(variant.order + "4xHH8xII").unpack_from(
            data
        )
        # The upper half holds the FCS length and flags, or NetBSD's class.
        self._link_type = network & 0xFFFF
        self._longest = max(MAX_CAPTURED, min(self._snap_length, MAX_BLOCK))
        # Formats before 2.3 stored the two lengths in the other order; none is
        # known to exist outside museums, so it is named and read as 2.4.
        if (major, minor) != (2, 4):
            self.faults.note("pcap-version", 1, f"version {major}.{minor}")
        self._record_header = Struct(
            variant.order + "4I" + ("8x" if variant.record_header == 24 else "")
        )
        how = self._core.how
        how.big_endian, how.tick = variant.order == ">", variant.tick
        how.header, how.longest = variant.record_header, self._longest

    def _walk_records(self, data: bytes, at: int) -> tuple[PackedRecords, int]:
        """The hot loop: about 0.25 us a record.  Every name in it is a local one."""
        taken = PackedRecords()
        if self._core:
            at = self._core.take(data, at, taken)
            self.packets += len(taken)
        variant = self._variant
        assert variant is not None
        unpack = self._record_header.unpack_from
        tick, header, longest = variant.tick, variant.record_header, self._longest
        second = 1_000_000_000 // tick
        size = len(data)
        last = size - header
        records: list[Record] = []
        append = records.append
        needed = header
        while at <= last:
            seconds, fraction, captured, wire = unpack(data, at)
            body = at + header
            after = body + captured
            if after > size or captured > longest:
                if captured > longest:
                    self._absurd(captured, self.packets + len(records) + 1)
                needed = header + captured
                break
            if fraction >= second:
                self._overfull_second(fraction, self.packets + len(records) + 1)
            append((seconds * 1_000_000_000 + fraction * tick, body, captured, wire))
            at = after
        self.needed = needed
        self.packets += len(records)
        taken.extend(records)
        return taken, at

    def _absurd(self, captured: int, number: int) -> None:
        self.ended = True
        detail = f"{captured} bytes; the longest believed here is {self._longest}"
        self.faults.note("record-length-absurd", number, detail)

    def _overfull_second(self, fraction: int, number: int) -> None:
        # Kept as the sum that libpcap's users print; Wireshark overflows here.
        self.faults.note("fraction-over-a-second", number, f"{fraction} units")

    def finish(self, rest: bytes) -> str | None:
        """Where the file is cut, given the unused bytes at its end."""
        if not rest:
            return None
        number = self.packets + 1
        if self._variant is None:
            cut = f"in its file header: {len(rest)} of {HEADER_LENGTH} bytes"
        elif len(rest) < self._variant.record_header:
            cut = f"in the header of packet {number}"
        else:
            header = self._variant.record_header
            cut = f"in packet {number}: {len(rest) - header} of its {self.needed - header} bytes"
        self.faults.note("capture-cut", number, cut)
        return cut

    def interfaces(self) -> tuple[Interface, ...]:
        """The one interface that the format knows, nameless; none before the header."""
        if self._variant is None:
            return ()
        return (Interface(None, self._link_type, self._snap_length or None),)
