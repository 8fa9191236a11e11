"""What both capture walkers share: the run, the faults, the contract.

A walker is sans-I/O.  `walk(data)` turns a buffer into `Run`s of records and
says how many bytes it used; the caller puts the unused tail before the next
bytes and calls again.  `needed` is the length below which another call would
be in vain.  A walker that met something it cannot step over has `ended`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from inspector.fact import Fact
from inspector.model.capture import Fault, Interface
from inspector.pcap.carried import Carried
from inspector.wire import PackedRecords, packet_reference

#: The longest capture that is believed whatever the file's own snap length:
#: libpcap's MAXIMUM_SNAPLEN, Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.
MAX_CAPTURED: Final = 262_144

#: The longest record or block that is ever waited for: Wireshark's MAX_BLOCK_SIZE.
MAX_BLOCK: Final = 16 * 1024 * 1024

#: Faults listed per file; a hostile file could hold one in every 12 bytes.
MAX_FAULTS: Final = 1000

FAULTS: Final[Mapping[str, str]] = {
    "capture-cut": "The file ends inside a header, a record or a block.",
    "record-length-absurd": "A record claims more bytes than its file can hold; reading ends here.",
    "fraction-over-a-second": "A time's fraction is a second or more; it was added as it stands.",
    "pcap-version": "The file states a version of the format that was never in use.",
    "block-length-absurd": "A block is shorter than its parts or over 16 MiB; reading ends here.",
    "block-length-mismatch": "A block's two length fields differ; reading ends here.",
    "section-header-bad": "A section header has no byte-order magic; reading ends here.",
    "section-version": "A section states a major version other than 1; reading ends here.",
    "block-too-short": "A block is too short for the fields of its type and was skipped.",
    "captured-length-lies": "A packet's captured length exceeds its block; the packet was skipped.",
    "unknown-interface": "A packet or statistic names an interface that is not in its section.",
    "too-many-interfaces": "A file describes more than 65,536 interfaces; reading ends here.",
    "option-length": "An option's length exceeds its block, or is wrong for its type.",
    "packet-without-time": "A simple packet block has no time; it takes that of the one before.",
    "clock-stepped-back": "A packet is stamped over 1 ms earlier than the one before it in its"
    " file; within a file, the order of its packets decides what came first.",
    "time-out-of-range": "Times outside the years 1970 to 2261 were moved to the nearer bound.",
    "secrets-limit": "Decryption secrets beyond 16 MiB in one file were not kept.",
    "marks-limit": "What a redacted copy says of itself was not kept beyond 16 MiB in one file.",
    "compression-cut": "The compressed data ends before its own end mark.",
    "compression-corrupt": "The compressed data cannot be decoded any further.",
    "compression-trailing-bytes": "Bytes after the compressed data are not compressed.",
    "read-error": "The operating system failed while the file was being read.",
    "read-interrupted": "Somebody asked to stop reading a pipe (Ctrl-C); what came later is not"
    " in the report.",
    "faults-not-listed": "The file has more faults than are listed.",
}
"""Every fault of this room: stable name, and what it means."""


class Run(Fact):
    """Consecutive packets of one link type; `comments` by index in `records`."""

    link_type: int
    records: PackedRecords
    comments: dict[int, tuple[str, ...]]
    counted_cuts: bool = False


class FaultList(list[Fault]):
    """Faults of one file, bounded by `MAX_FAULTS`; numbers become packet references."""

    def __init__(self, file_index: int) -> None:
        super().__init__()
        self._file_index = file_index

    def note(self, name: str, number: int, detail: str = "") -> None:
        """Add fault `name`, met while reading packet `number` (from 1) of the file."""
        if len(self) < MAX_FAULTS:
            self.append(Fault(name, packet_reference(self._file_index, number), detail))
        elif len(self) == MAX_FAULTS:
            reference = packet_reference(self._file_index, number)
            self.append(Fault("faults-not-listed", reference, f"only the first {MAX_FAULTS}"))


class Walker(Protocol):
    """What the reader asks of a walker; see the module's text."""

    format: str
    needed: int
    ended: bool
    packets: int
    faults: FaultList
    comments: int
    carried: Carried
    changes: list[tuple[int, int]] | None

    @property
    def dropped(self) -> int | None:
        """Packets that the file says were dropped; None if it does not say."""

    def walk(self, data: bytes) -> tuple[list[Run], int]:
        """Runs of records in `data` (offsets count from its start), bytes used."""

    def finish(self, rest: bytes) -> str | None:
        """Where the file is cut, given what the last `walk` left over; None if it is whole."""

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces met so far, with their counters."""

    def owed(self) -> tuple[bool, ...]:
        """For each interface, whether statistics that its section promises did not come."""
