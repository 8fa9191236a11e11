"""Redacted files, audited and mended in their place.

Files are pcapng as this program writes it; those of a ring are read as the one
capture that they are.  Lengths, numbers and times stay, and a file can be read at
every moment.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from io import FileIO
from struct import Struct
from typing import BinaryIO, Final

from inspector.pcap import block_types
from inspector.pcap import options as opt
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.pcap.walk import MAX_CAPTURED
from inspector.pcap.walked import CoreWalk
from inspector.redaction.audit import Audit, Audited
from inspector.secrets.vault import Vault
from inspector.wire import Batch, PackedRecords

#: What a section's comment says of the audit; as long before as behind it.
_SAID: Final = 96
_NOT_YET: Final = "Redacted by inspector. It was not audited."

_HEADER: Final = Struct("<II")
_OPTION: Final = Struct("<HH")
#: Of an enhanced packet block its interface and its captured length.
_PACKET: Final = Struct("<8x I 8x I")
#: Block type -> the length of what stands before its options (a packet's data apart).
_FIXED: Final = {
    block_types.SECTION_HEADER: 16,
    block_types.INTERFACE_DESCRIPTION: 8,
    block_types.ENHANCED_PACKET: 20,
    block_types.INTERFACE_STATISTICS: 12,
}
#: Bytes of a copy that are looked at together: what a direction says in them is one piece of work.
BATCH: Final = 4 << 20
#: What a look at a block reads.
_HEAD: Final = 28
_READ: Final = 1 << 20
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
    found.finished = _look(
        files, auditing, None if source is None else SourcePackets(source), go_on
    )
    if vault:
        for file in files:
            for place, value in list(texts(file)):
                for start, stop in vault.spans(value):
                    found.keys += 1
                    _overwrite(file, place + start, b"x" * (stop - start))
    for file in files:
        _tell(file, found)
    return found


def _look(
    files: Sequence[BinaryIO],
    auditing: Audit,
    source: SourcePackets | None,
    go_on: Callable[[], bool],
) -> bool:
    """Audit the packets of all files; whether all were looked at."""
    begins = [0]
    number = 0
    for index, file in enumerate(files):
        file.flush()
        file.seek(0)
        # A file on a disk is read at places, past the buffer: what is overwritten lies behind.
        raw = getattr(file, "raw", None)
        reading = ByteSource(raw if isinstance(raw, FileIO) else file, owned=False)
        for batch in CaptureReader(reading, "the copy", index, read_size=BATCH):
            begin = begins[index] + reading.bytes_read - len(batch.data)
            count = len(batch.records)
            captured = None if source is None else source.take(count)
            if captured is not None:
                auditing.found.unlike += count - sum(len(part.records) for part in captured)
            for bad in auditing.look(batch, begin, number + 1, captured):
                which = bisect_right(begins, bad.start) - 1
                _overwrite(files[which], bad.start - begins[which], b"x" * len(bad))
            number += count
            if not go_on():
                return False
        begins.append(begins[index] + reading.bytes_read)
    if source is not None:
        auditing.found.unlike += source.rest()
    return True


class SourcePackets:
    """The packets of a capture, as many at a time as are asked for."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self._batch: Batch | None = None
        self._taken = 0

    def take(self, count: int) -> list[Batch]:
        """So many, as far as there are; each part is of one batch."""
        parts: list[Batch] = []
        while count:
            batch = self._batch
            if batch is None or self._taken == len(batch.records):
                batch = self._batch = next(self._batches, None)
                self._taken = 0
                if batch is None:
                    break
            end = min(self._taken + count, len(batch.records))
            parts.append(batch.part(self._taken, end))
            count -= end - self._taken
            self._taken = end
        return parts

    def rest(self) -> int:
        """How many were not asked for; they are taken."""
        left = 0 if self._batch is None else len(self._batch.records) - self._taken
        self._batch = None
        return left + sum(len(batch.records) for batch in self._batches)


def _overwrite(file: BinaryIO, place: int, data: bytes) -> None:
    """Write in the midst of a file that is being read."""
    at = file.tell()
    file.seek(place)
    file.write(data)
    file.seek(at)


def texts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(place, value) of every comment, name, filter and mark of a file that was written here."""
    ours = block_types.ENTERPRISE.to_bytes(4, "little") + block_types.MARKS_MAGIC
    # Most blocks are packets without a comment: the compiled core passes those of one interface,
    # and of others only the head is looked at.
    walk = CoreWalk("walk_pcapng")
    walk.how.longest, walk.how.tick = MAX_CAPTURED, 1
    window, start, at = b"", 0, 0
    while True:
        if at + _HEAD > start + len(window):
            file.seek(at)
            window, start = file.read(_READ), at
            if len(window) < _HEADER.size:
                return
        kind, length = _HEADER.unpack_from(window, at - start)
        fixed = _FIXED.get(kind)
        if kind == block_types.CUSTOM:
            file.seek(at + _HEADER.size)
            block = file.read(max(0, length - _HEADER.size - 4))
            if block.startswith(ours):
                yield at + _HEADER.size + len(ours), block[len(ours) :]
        elif fixed is not None and at + _HEADER.size + fixed <= start + len(window):
            begin = at + _HEADER.size + fixed
            if kind == block_types.ENHANCED_PACKET:
                walk.how.interface, captured = _PACKET.unpack_from(window, at - start)
                begin += (captured + 3) & ~3
            if begin < at + length - 4:
                file.seek(begin)
                yield from _options(file.read(at + length - 4 - begin), begin)
        at += max(length, 12)
        if walk and kind == block_types.ENHANCED_PACKET:
            at = start + walk.take(window, at - start, PackedRecords())


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
    for place, value in texts(file):
        if value == promise().encode():
            _overwrite(file, place, said[:_SAID].ljust(_SAID))
        break  # it is the first text of a file that has it
    file.seek(0, os.SEEK_END)
    file.flush()
