"""Redacted files, audited and mended in their place.

Files are pcapng as this program writes it; those of a ring are read as the one
capture that they are.  Lengths, numbers and times stay, and a file can be read at
every moment.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from struct import Struct
from typing import BinaryIO, Final

from inspector.pcap import options as opt
from inspector.pcap import pcapng
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.redaction.audit import Audit, Audited, Packet
from inspector.secrets.vault import Vault
from inspector.wire import Batch

#: What a section's comment says of the audit; as long before as behind it.
_SAID: Final = 96
_NOT_YET: Final = "Redacted by inspector. It was not audited."
#: The last time that 64 bits of nanoseconds can tell (in the year 2554): a copy has no later one.
LATEST: Final = (1 << 64) - 1

_HEADER: Final = Struct("<II")
_OPTION: Final = Struct("<HH")
_CAPTURED: Final = Struct("<I")
#: Block type -> the length of what stands before its options (a packet's data apart).
_FIXED: Final = {
    pcapng.SECTION_HEADER: 16, pcapng.INTERFACE_DESCRIPTION: 8, pcapng.ENHANCED_PACKET: 20,
    pcapng.INTERFACE_STATISTICS: 12,
}  # fmt: skip
_TEXTS: Final = frozenset({opt.COMMENT, opt.IF_NAME, opt.IF_FILTER})


def promise() -> str:
    """The comment of a section that is to be audited, to be replaced in its place."""
    return _NOT_YET.ljust(_SAID)


def audit(
    files: Sequence[BinaryIO],
    vault: Vault,
    *,
    source: Iterable[Batch] | None = None,
    recoded: Container[int] = (),
    go_on: Callable[[], bool] = lambda: True,
) -> Audited:
    """Hold `files`, open for reading and writing, against `source`, and mend them.

    `vault` is the one that they were written with.  Without the `source`, what a live capture
    took from its ring, only what needs none is looked at: keys, not lengths, times and foreign
    bytes.  `recoded` are the numbers of packets with a body that was coded anew: its bytes are
    foreign by right.  `go_on` is asked between batches; when it says no the audit ends, and the
    files say that it did.  Raises OSError.
    """
    auditing = Audit(vault, recoded)
    found = auditing.found
    found.compared = source is not None
    found.finished = _look(files, auditing, None if source is None else _packets(source), go_on)
    if vault:
        for file in files:
            for place, value in list(_texts(file)):
                for start, stop in vault.spans(value):
                    found.keys += 1
                    _overwrite(file, place + start, b"x" * (stop - start))
    for file in files:
        _tell(file, found)
    return found


def _look(
    files: Sequence[BinaryIO],
    auditing: Audit,
    source: Iterator[Packet] | None,
    go_on: Callable[[], bool],
) -> bool:
    """Audit the packets of all files; whether all were looked at."""
    begins = [0]
    number = 0
    for index, file in enumerate(files):
        file.seek(0)
        reading = ByteSource(file, owned=False)
        for batch in CaptureReader(reading, "the copy", index):
            auditing.begin(batch.data)
            begin = begins[index] + reading.bytes_read - len(batch.data)
            for packet, record in zip(_packets([batch]), batch.records, strict=True):
                number += 1
                captured = None if source is None else next(source, None)
                if source is not None and captured is None:
                    auditing.found.unlike += 1
                for bad in auditing.packet(packet, begin + record[1], number, captured):
                    which = bisect_right(begins, bad.start) - 1
                    _overwrite(files[which], bad.start - begins[which], b"x" * len(bad))
            if not go_on():
                return False
        begins.append(begins[index] + reading.bytes_read)
    if source is not None:
        auditing.found.unlike += sum(1 for _ in source)
    return True


def _packets(batches: Iterable[Batch]) -> Iterator[Packet]:
    for batch in batches:
        data, link = batch.data, batch.link_type
        for at, start, captured, wire in batch.records:
            yield Packet(min(at, LATEST), wire, link, data[start : start + captured])


def _overwrite(file: BinaryIO, place: int, data: bytes) -> None:
    """Write in the midst of a file that is being read."""
    at = file.tell()
    file.seek(place)
    file.write(data)
    file.seek(at)


def _texts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(place, value) of every comment, name, filter and mark of a file that was written here."""
    file.seek(0)
    at = 0
    ours = pcapng.ENTERPRISE.to_bytes(4, "little") + pcapng.MARKS_MAGIC
    while len(head := file.read(_HEADER.size)) == _HEADER.size:
        kind, length = _HEADER.unpack(head)
        skipped = _FIXED.get(kind)
        if skipped is not None:
            fixed = file.read(skipped)
            if kind == pcapng.ENHANCED_PACKET and len(fixed) == skipped:
                captured = _CAPTURED.unpack_from(fixed, 12)[0]
                skipped += (captured + 3) & ~3
            begin = at + _HEADER.size + skipped
            count = at + length - 4 - begin
            if count > 0:
                file.seek(begin)
                yield from _options(file.read(count), begin)
        elif kind == pcapng.CUSTOM and file.read(len(ours)) == ours:
            begin = at + _HEADER.size + len(ours)
            yield begin, file.read(max(0, at + length - 4 - begin))
        at += max(length, 12)
        file.seek(at)


def _options(data: bytes, begin: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        code, length = _OPTION.unpack_from(data, at)
        if code == opt.END_OF_OPTIONS:
            return
        at += 4
        if code in _TEXTS:
            yield begin + at, data[at : at + length]
        at += (length + 3) & ~3


def _tell(file: BinaryIO, found: Audited) -> None:
    """Put the outcome where the promise stands; a file without one is left as it is."""
    said = f"Redacted by inspector; {found.sentence}.".encode()
    for place, value in _texts(file):
        if value == promise().encode():
            _overwrite(file, place, said[:_SAID].ljust(_SAID))
        break  # it is the first text of a file that has it
    file.seek(0, os.SEEK_END)
    file.flush()
