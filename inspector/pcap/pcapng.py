"""The pcapng capture format, walked sans I/O.

A file is a list of blocks: type, total length, body, total length again.  A
section header block sets the byte order and starts a new list of interfaces;
interface blocks state link type and time resolution; packet blocks refer to
them by index.  Source: draft-ietf-opsawg-pcapng.

The walker has one fast path (an enhanced packet block without options, of
the same link type as the packet before) and one door: `_block`, which handles
any block completely and names what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

from inspector.model.capture import Interface
from inspector.pcap import block_types as blocks
from inspector.pcap import options as opt
from inspector.pcap.block_types import ENHANCED_PACKET, MAGIC, MARKS_MAGIC
from inspector.pcap.carried import Carried
from inspector.pcap.pcapng_interface import DescribedInterface
from inspector.pcap.walk import (
    MAX_BLOCK,
    MAX_CAPTURED,
    FaultList,
    Run,
)
from inspector.pcap.walked import CoreWalk
from inspector.wire import PackedRecords, Record

_ORDERS: Final = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_SMALLEST_BLOCK: Final = 12
_SMALLEST_PACKET: Final = 32
#: Interfaces of one file; a capture of all interfaces of a host has a few dozen.
_MAX_INTERFACES: Final = 65_536
_DROPS_UNKNOWN: Final = 0xFFFF


class PcapngWalker:
    """Walks one pcapng file.  `file_index` goes into the packet references of faults."""

    def __init__(self, file_index: int = 0) -> None:
        self.format = "pcapng"
        self.needed = _SMALLEST_BLOCK
        self.ended = False
        self.packets = 0
        self.faults = FaultList(file_index)
        self.comments = 0
        self.carried = Carried()
        #: Where the interface changes: (packet number, index in `interfaces`), if a list is given.
        self.changes: list[tuple[int, int]] | None = None
        self._all: list[DescribedInterface] = []
        self._section: list[DescribedInterface] = []
        self._order = "<"
        self._ours = False  # the present section was written by this program
        self._runs: list[Run] = []
        # For the fast path: the index of the last packet's interface, or -1
        # when its times need a division; and by what a run shares, the interfaces
        # whose times do not: index -> (nanoseconds in a tick, offset).
        self._current = -1
        self._exact: dict[tuple[int, bool], dict[int, tuple[int, int]]] = {}
        self._last_time = 0
        self._core = CoreWalk("walk_pcapng")
        self._core.how.longest = MAX_CAPTURED
        self._set_order("<")
        self._handlers: dict[int, Callable[[bytes, int, int], None]] = {
            blocks.INTERFACE_DESCRIPTION: self._interface_description,
            blocks.OBSOLETE_PACKET: self._obsolete_packet,
            blocks.SIMPLE_PACKET: self._simple_packet,
            blocks.INTERFACE_STATISTICS: self._interface_statistics,
            ENHANCED_PACKET: self._enhanced_packet,
            blocks.DECRYPTION_SECRETS: self._decryption_secrets,
            blocks.CUSTOM: self._custom,
        }

    @property
    def dropped(self) -> int | None:
        """Packets that the statistics say were dropped; None if none say anything."""
        counts = [i.dropped for i in self._all if i.dropped is not None]
        return sum(counts) if counts else None

    def owed(self) -> tuple[bool, ...]:
        """For each interface, whether this program's closing statistics are absent."""
        return tuple(interface.owed for interface in self._all)

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces of all sections, in file order."""
        return tuple(interface.fact() for interface in self._all)

    def walk(self, data: bytes) -> tuple[list[Run], int]:
        """Runs of records in `data`, and the bytes used; see `pcap.walk`."""
        if self.ended:
            return [], 0
        runs = self._runs = []
        self._current = -1
        self.needed = _SMALLEST_BLOCK
        size = len(data)
        at = 0
        while at + _SMALLEST_BLOCK <= size:
            at = self._walk_packets(data, at)
            if at + _SMALLEST_BLOCK > size:
                break
            after = self._block(data, at)
            if after == at:
                break
            at = after
        self._runs = []
        return runs, at

    def _walk_packets(self, data: bytes, at: int) -> int:
        """The hot loop: as many packet blocks as the fast path can take."""
        current = self._current
        if current < 0:
            return at
        exact = self._exact[self._section[current].shared]
        tick, offset = exact[current]
        unpack, unpack_length = self._packet.unpack_from, self._uint.unpack_from
        run = self._runs[-1].records
        if self._core:
            at = self._take_by_core(data, at, run, current, tick, offset)
        records: list[Record] = []
        append = records.append
        size = len(data)
        last = size - _SMALLEST_PACKET
        time = self._last_time
        while at <= last:
            kind, length, index, high, low, captured, wire = unpack(data, at)
            after = at + length
            if (
                kind != ENHANCED_PACKET
                or length != _SMALLEST_PACKET + ((captured + 3) & ~3)
                or after > size
                or captured > MAX_CAPTURED
                or unpack_length(data, after - 4)[0] != length
            ):
                break
            if index != current:
                if index not in exact:
                    break
                current = index
                tick, offset = exact[index]
                if self.changes is not None:
                    self._note_change(self.packets + len(records) + 1, index)
            time = (high << 32 | low) * tick + offset
            append((time, at + 28, captured, wire))
            at = after
        self._current = current
        self._last_time = time
        self.packets += len(records)
        run.extend(records)
        return at

    def _take_by_core(
        self, data: bytes, at: int, run: PackedRecords, current: int, tick: int, offset: int
    ) -> int:
        """The packets of the present interface that follow each other."""
        how = self._core.how
        how.big_endian, how.interface, how.tick, how.offset = (
            self._order == ">", current, tick, offset
        )  # fmt: skip
        before = len(run)
        at = self._core.take(data, at, run)
        if len(run) > before:
            self._last_time = run[-1][0]
            self.packets += len(run) - before
        return at

    def finish(self, rest: bytes) -> str | None:
        """Where the file is cut, given the unused bytes at its end."""
        if not rest:
            return None
        claimed = self.needed if len(rest) >= _SMALLEST_BLOCK else None
        length = f"{len(rest)} of its {claimed} bytes" if claimed else f"{len(rest)} bytes of it"
        cut = f"in the block after packet {self.packets}: {length}"
        self.faults.note("capture-cut", self.packets + 1, cut)
        return cut

    def _set_order(self, order: str) -> None:
        self._order = order
        self._uint = Struct(order + "I")
        self._block_header = Struct(order + "II")
        self._packet = Struct(order + "7I")
        self._packet_fields = Struct(order + "5I")

    def _end(self, name: str, detail: str) -> None:
        self.ended = True
        self.faults.note(name, self.packets + 1, detail)

    def _fault(self, name: str, detail: str) -> None:
        self.faults.note(name, self.packets + 1, detail)

    # --- one block -------------------------------------------------------

    def _block(self, data: bytes, at: int) -> int:
        """Handle the block at `at`; where the next one is, or `at` to stop here."""
        if data[at : at + 4] == MAGIC:
            order = _ORDERS.get(data[at + 8 : at + 12])
            if order is None:
                self._end("section-header-bad", "no byte-order magic")
                return at
            # A section's length is in its own byte order: set it first.
            self._set_order(order)
            self._current = -1
        kind, length = self._block_header.unpack_from(data, at)
        if length < _SMALLEST_BLOCK or length & 3 or length > MAX_BLOCK:
            self._end("block-length-absurd", f"block type {kind}, {length} bytes")
            return at
        after: int = at + length
        if after > len(data):
            self.needed = length
            return at
        trailer = self._uint.unpack_from(data, after - 4)[0]
        if trailer != length:
            self._end("block-length-mismatch", f"block type {kind}, {length} and {trailer} bytes")
            return at
        if kind == blocks.SECTION_HEADER:
            self._section_header(data, at + 8, after - 4)
        else:
            handler = self._handlers.get(kind)
            if handler is not None:
                handler(data, at + 8, after - 4)
        return at if self.ended else after

    def _options(self, data: bytes, at: int, end: int) -> opt.BlockOptions:
        """A block's options; counts its comments and names a lying length."""
        found = opt.parse_options(data, at, end, self._order)
        if found.fault:
            self._fault("option-length", found.fault)
        for code, _ in found.values:
            if code == opt.COMMENT:
                self.comments += 1
        return found

    def _short(self, at: int, end: int, least: int, what: str) -> bool:
        if end - at >= least:
            return False
        self._fault("block-too-short", f"{what} of {end - at} bytes, {least} are needed")
        return True

    def _section_header(self, data: bytes, at: int, end: int) -> None:
        self._section = []
        self._exact = {}
        self._ours = False
        if self._short(at, end, 16, "section header"):
            return
        major, minor = Struct(self._order + "4xHH").unpack_from(data, at)
        if major != 1:
            self._end("section-version", f"version {major}.{minor}")
            return
        program = self._options(data, at + 16, end).last(opt.SHB_USERAPPL)
        self._ours = program == blocks.APPLICATION.encode()

    def _interface_description(self, data: bytes, at: int, end: int) -> None:
        if len(self._all) >= _MAX_INTERFACES:
            self._end("too-many-interfaces", f"more than {_MAX_INTERFACES}")
            return
        if self._short(at, end, 8, "interface description"):
            # Its index is taken all the same: later packets count on it.
            self._keep(DescribedInterface(0, 0))
            return
        link_type, snap_length = Struct(self._order + "HxxI").unpack_from(data, at)
        interface = DescribedInterface(link_type, snap_length)
        interface.describe(self._options(data, at + 8, end), self._number)
        self._keep(interface)

    def _keep(self, interface: DescribedInterface) -> None:
        """Give an interface the next index of its section."""
        numerator, denominator = interface.resolution
        if denominator == 1:
            exact = self._exact.setdefault(interface.shared, {})
            exact[len(self._section)] = (numerator, interface.offset)
        interface.owed = self._ours
        self._section.append(interface)
        self._all.append(interface)

    def _number(self, found: opt.BlockOptions, code: int, layout: str) -> int | None:
        """The value of a numeric option, None if absent or of the wrong length."""
        value = found.last(code)
        if value is None:
            return None
        shape = Struct(self._order + layout)
        if len(value) != shape.size:
            self._fault("option-length", f"option {code} has {len(value)} bytes, not {shape.size}")
            return None
        number: int = shape.unpack(value)[0]
        return number

    def _interface_statistics(self, data: bytes, at: int, end: int) -> None:
        if self._short(at, end, 12, "interface statistics"):
            return
        interface = self._interface(self._uint.unpack_from(data, at)[0])
        found = self._options(data, at + 12, end)
        if interface is None:
            return
        interface.count(found, self._number)

    def _decryption_secrets(self, data: bytes, at: int, end: int) -> None:
        if self._short(at, end, 8, "decryption secrets"):
            return
        kind, length = self._block_header.unpack_from(data, at)
        start = at + 8
        if length > end - start:
            self._fault("block-too-short", f"decryption secrets claim {length} bytes")
            length = end - start
        if not self.carried.keep_secrets(kind, data[start : start + length]):
            self._fault("secrets-limit", f"{length} bytes not kept")
            return
        self._options(data, start + ((length + 3) & ~3), end)

    def _custom(self, data: bytes, at: int, end: int) -> None:
        """A block that may be this program's; others' are nobody's concern."""
        begin = at + 4 + len(MARKS_MAGIC)
        if end < begin or data[at + 4 : begin] != MARKS_MAGIC:
            return
        if self._uint.unpack_from(data, at)[0] != blocks.ENTERPRISE:
            return
        if not self.carried.keep_mark(data[begin:end]):
            self._fault("marks-limit", f"{end - begin} bytes not kept")

    # --- packets ---------------------------------------------------------

    def _interface(self, index: int) -> DescribedInterface | None:
        if index < len(self._section):
            return self._section[index]
        self._fault("unknown-interface", f"{index}; its section has {len(self._section)}")
        return None

    def _enhanced_packet(self, data: bytes, at: int, end: int) -> None:
        if self._short(at, end, 20, "enhanced packet"):
            return
        self._stamped_packet(data, at, end, self._packet_fields.unpack_from(data, at))

    def _obsolete_packet(self, data: bytes, at: int, end: int) -> None:
        if self._short(at, end, 20, "packet"):
            return
        index, drops, *rest = Struct(self._order + "HH4I").unpack_from(data, at)
        if self._stamped_packet(data, at, end, (index, *rest)) and drops != _DROPS_UNKNOWN:
            self._section[index].lose(drops)

    def _stamped_packet(self, data: bytes, at: int, end: int, fields: tuple[int, ...]) -> bool:
        index, high, low, captured, wire = fields
        interface = self._interface(index)
        if interface is None:
            return False
        body = at + 20
        if captured > end - body:
            detail = f"{captured} bytes captured, the block has {end - body}"
            self._fault("captured-length-lies", detail)
            return False
        self._last_time = interface.time(high << 32 | low)
        options_at = body + ((captured + 3) & ~3)
        comments: tuple[str, ...] = ()
        if options_at < end:
            found = self._options(data, options_at, end)
            comments = found.comments()
            drops = self._number(found, opt.EPB_DROPCOUNT, "Q")
            if drops is not None:
                interface.lose(drops)
        if self.changes is not None:
            self._note_change(self.packets + 1, index)
        self._add(interface, (self._last_time, body, captured, wire), comments)
        self._current = index if interface.resolution.denominator == 1 else -1
        return True

    def _simple_packet(self, data: bytes, at: int, end: int) -> None:
        if self._short(at, end, 4, "simple packet"):
            return
        wire = self._uint.unpack_from(data, at)[0]
        interface = self._interface(0)
        if interface is None:
            return
        captured = min(wire, end - at - 4, interface.snap_length or wire)
        self._fault("packet-without-time", "")
        if self.changes is not None:
            self._note_change(self.packets + 1, 0)
        self._add(interface, (self._last_time, at + 4, captured, wire), ())
        self._current = -1

    def _note_change(self, number: int, index: int) -> None:
        """Packet `number` is of this interface of the section."""
        assert self.changes is not None
        self.changes.append((number, len(self._all) - len(self._section) + index))

    def _add(
        self, interface: DescribedInterface, record: Record, comments: tuple[str, ...]
    ) -> None:
        """Put a packet behind those of its kind, or start a new run."""
        runs = self._runs
        if not runs or (runs[-1].link_type, runs[-1].counted_cuts) != interface.shared:
            runs.append(Run(interface.link_type, PackedRecords(), {}, interface.counted_cuts))
        run = runs[-1]
        if comments:
            run.comments[len(run.records)] = comments
        run.records.extend((record,))
        self.packets += 1
