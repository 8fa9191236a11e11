"""The second reading: a file that was written is read again, and what is left in it is hidden.

The proof of redaction, which never refuses: whatever a second look would change
is changed, in its place, until a look finds nothing.  Lengths, numbers and
times stay, and the file can be read at every moment.  Files are pcapng as this
program writes it; those of a ring are read as the one capture that they are.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import BinaryIO, Final

from inspector.credentials.masking import Masker
from inspector.pcap import options as opt
from inspector.pcap import pcapng
from inspector.pcap.reader import CaptureReader
from inspector.pcap.source import ByteSource
from inspector.redaction.edges import Edges
from inspector.redaction.redactor import Redactor
from inspector.wire import Batch

#: Readings in which what is found gets its mask.
MASKING: Final = 3
#: Further readings, in which a packet that still changes is blanked from there on.
BLANKING: Final = 3
#: Ethernet, IPv4 and TCP without options: what a packet keeps that nothing else helps.
_HEADERS: Final = 14 + 20 + 20
#: What a section's comment says of the second reading; as long before as behind it.
_SAID: Final = 96
_NOT_YET: Final = "Redacted by inspector. It was not read again."

_HEADER: Final = Struct("<II")
_OPTION: Final = Struct("<HH")
_CAPTURED: Final = Struct("<I")
#: Block type -> the length of what stands before its options (a packet's data apart).
_FIXED: Final = {
    pcapng.SECTION_HEADER: 16, pcapng.INTERFACE_DESCRIPTION: 8, pcapng.ENHANCED_PACKET: 20,
    pcapng.INTERFACE_STATISTICS: 12,
}  # fmt: skip
_TEXTS: Final = frozenset({opt.COMMENT, opt.IF_NAME, opt.IF_FILTER})


@dataclass(frozen=True, slots=True)
class Reread:
    """What the second reading did: changes made (of packets, and of texts); whether it ended."""

    changed: int
    finished: bool

    @property
    def sentence(self) -> str:
        """For people: the user, and whoever reads the file's comment."""
        much = f"{self.changed} change{'s' * (self.changed != 1)} made"
        return f"read again, {much}" if self.finished else f"read again in part, {much}"


def promise() -> str:
    """The comment of a section that is to be read again, to be replaced in its place."""
    return _NOT_YET.ljust(_SAID)


def reread(
    files: Sequence[BinaryIO],
    known: Masker,
    *,
    auth_headers: Iterable[str] = (),
    kept_headers: Iterable[str] = (),
    keep_bodies: bool = False,
    keep_ciphertext: bool = False,
    go_on: Callable[[], bool] = lambda: True,
) -> Reread:
    """Hide in `files`, open for reading and writing, what is left; `known` wrote them.

    `go_on` is asked between batches of packets; when it says no the reading ends, and
    the files say that it did.  Raises OSError.
    """
    headers, kept = tuple(auth_headers), tuple(kept_headers)
    # First: what is masked within packets is no piece across them any more.
    changed = _hide_edges(files, known, go_on)
    finished = True
    for turn in range(MASKING + BLANKING):
        checker = Redactor(
            auth_headers=headers,
            kept_headers=kept,
            keep_bodies=keep_bodies,
            keep_ciphertext=keep_ciphertext,
            checking=True,
        )
        checker.masker.adopt(known)
        reading = _Reading(checker, turn - MASKING + 1, go_on)
        reading.run(files)
        changed += reading.changed
        finished = reading.finished
        if not (reading.changed and finished):
            break
    for file in files:
        changed += _hide_texts(file, known)
    told = Reread(changed, finished)
    for file in files:
        _tell(file, told)
    return told


class _Reading:
    """One reading of all files.

    `harsh` below 1: what changes gets its mask.  From 1 on the packet is blanked from the
    first byte that changes, in the last reading behind its headers.
    """

    def __init__(self, checker: Redactor, harsh: int, go_on: Callable[[], bool]) -> None:
        self._checker = checker
        self._harsh = harsh
        self._go_on = go_on
        #: The packets that the checker has, each with its file, where it stands there, and
        #: whether a piece of a key is somewhere near it.
        self._waiting: deque[tuple[BinaryIO, int, bytes, bool]] = deque()
        self.changed = 0
        self.finished = False

    def run(self, files: Sequence[BinaryIO]) -> None:
        for index, file in enumerate(files):
            file.seek(0)
            source = ByteSource(file, owned=False)
            for batch in CaptureReader(source, "the result", index):
                begin = source.bytes_read - len(batch.data)
                near = self._checker.masker.vault.finds(batch.data)
                self._waiting.extend(
                    (file, begin + start, batch.data[start : start + captured], near)
                    for _, start, captured, _ in batch.records
                )
                for ready in self._checker.feed(batch):
                    self._settle(ready)
                if not self._go_on():
                    return
        for ready in self._checker.finish():
            self._settle(ready)
        self.finished = True

    def _settle(self, ready: Batch) -> None:
        for _, start, captured, _ in ready.records:
            file, place, before, near = self._waiting.popleft()
            after = ready.data[start : start + captured]
            if near:
                # In what belongs to no stream, and in no text: options, headers.
                after = self._checker.masker.without_learnt(after)
            if after != before:
                self.changed += 1
                _overwrite(file, place, after if self._harsh < 1 else self._blank(before, after))

    def _blank(self, before: bytes, after: bytes) -> bytes:
        first = next(at for at in range(len(before)) if before[at] != after[at])
        if self._harsh == BLANKING:
            first = min(first, _HEADERS)
        return before[:first] + b"x" * (len(before) - first)


def _hide_edges(files: Sequence[BinaryIO], known: Masker, go_on: Callable[[], bool]) -> int:
    """Blank the keys that stand across packets of one direction; how many places held one."""
    if not known.vault:
        return 0
    edges = Edges(known.vault)
    changed = 0
    begins = [0]
    for index, file in enumerate(files):
        file.seek(0)
        source = ByteSource(file, owned=False)
        for batch in CaptureReader(source, "the result", index):
            begin = begins[index] + source.bytes_read - len(batch.data)
            for number, record in enumerate(batch.records, batch.first_packet):
                _, start, captured, _ = record
                frame = batch.data[start : start + captured]
                found = edges.look(batch.link_type, record, frame, begin + start, number)
                changed += bool(found)
                for place in found:
                    which = bisect_right(begins, place) - 1
                    _overwrite(files[which], place - begins[which], b"x")
            if not go_on():
                return changed
        begins.append(begins[index] + source.bytes_read)
    return changed


def _overwrite(file: BinaryIO, place: int, data: bytes) -> None:
    """Write in the midst of a file that is being read."""
    at = file.tell()
    file.seek(place)
    file.write(data)
    file.seek(at)


def _hide_texts(file: BinaryIO, known: Masker) -> int:
    """Blank the keys that stand in comments, names and filters; how many texts held one."""
    if not known.vault:
        return 0
    found = [
        (place, blanked)
        for place, value in _texts(file)
        if (blanked := known.without_learnt(value)) != value
    ]
    for place, value in found:
        _overwrite(file, place, value)
    return len(found)


def _texts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(place, value) of every comment, name and filter of a file that was written here."""
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


def _tell(file: BinaryIO, told: Reread) -> None:
    """Put the outcome where the promise stands; a file without one is left as it is."""
    said = f"Redacted by inspector; {told.sentence}.".ljust(_SAID).encode()
    for place, value in _texts(file):
        if value == promise().encode():
            _overwrite(file, place, said)
        break  # it is the first text of a file that has it
    file.seek(0, os.SEEK_END)
    file.flush()
