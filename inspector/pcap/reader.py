"""From the bytes of a capture file to batches of records, and several files by time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from inspector.errors import CaptureError, Interrupted, JsonText, NotACapture
from inspector.model.capture import CaptureFile, Fault, Interface
from inspector.pcap import block_types, pcapng
from inspector.pcap.carried import DecryptionSecrets
from inspector.pcap.classic import VARIANTS, ClassicWalker
from inspector.pcap.pipes import Stop
from inspector.pcap.source import READ_SIZE, ByteSource, open_source
from inspector.pcap.stamps import Stamps
from inspector.pcap.walk import FaultList, Run, Walker
from inspector.pcap.walked import span
from inspector.wire import Batch, Record, packet_reference

_MAGIC_LENGTH: Final = 4
#: Buffers of all files opened together; each gets its share, and 64 KiB at least.
_BUFFERS: Final = 8 * READ_SIZE
_SMALLEST_READ: Final = 64 * 1024

_LATEST: Final = 9_214_646_399 * 1_000_000_000
"""The end of the year 2261: in nanoseconds the last whole one of 63 bits, which columns have."""

_HARMLESS: Final = frozenset({"compression-trailing-bytes"})
"""Faults of a source that take nothing from the capture."""

_FOREIGN: Final[Mapping[bytes, str]] = {
    b"\xfd7zX": "xz data; unpack it with xz -d",
    b"BZh": "bzip2 data; unpack it with bzip2 -d",
    b"\x04\x22\x4d\x18": "lz4 data; unpack it with lz4 -d",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"snoo": "a Solaris snoop capture; convert it with editcap -F pcapng",
    b"GMBU": "a capture of Microsoft Network Monitor; convert it with editcap -F pcapng",
    b"RTSS": "a capture of Microsoft Network Monitor 1; convert it with editcap -F pcapng",
    b"CLIE": "a TLS key log, not a capture; give the capture it belongs to",
    b"SERV": "a TLS key log, not a capture; give the capture it belongs to",
}
"""First bytes of what people give by mistake -> what it is; what to do."""


class CaptureReader:
    """Reads one capture file; iterate over it once, then ask what it was.

    `name` and `file_index` go into the facts and packet references;
    `on_progress` gets the number of bytes newly taken from the file (before
    decompression), about once a buffer.  Raises `NotACapture` at once when
    the first bytes are those of no capture.
    """

    def __init__(
        self,
        source: ByteSource,
        name: str,
        file_index: int,
        on_progress: Callable[[int], None] | None = None,
        *,
        read_size: int = READ_SIZE,
    ) -> None:
        self.name = name
        self.file_index = file_index
        self._source = source
        self._on_progress = on_progress
        self._reported = 0
        self._read_size = read_size
        self._cut: str | None = None
        self._faults = FaultList(file_index)
        self._stamps = Stamps(self._faults, lambda: len(self._walker.interfaces()))
        self._head = self._more(b"", _MAGIC_LENGTH)
        self._walker = self._identify()

    def _identify(self) -> Walker:
        magic = self._head[:_MAGIC_LENGTH]
        if magic == block_types.MAGIC:
            return pcapng.PcapngWalker(self.file_index)
        if magic in VARIANTS:
            return ClassicWalker(self.file_index)
        raise self._no_capture()

    def _no_capture(self) -> CaptureError:
        name = "Standard input" if self.name == "-" else self.name
        if self._source.interrupted:
            return Interrupted(
                f"The reading of {name} was interrupted before a capture began there",
                "Let the program that captures write its first packets, tcpdump with -U",
                "This is not a capture without traffic: that would have a header",
            )
        next_step = "Give a pcap or pcapng file, plain or compressed with gzip or zstd"
        unpacked = self._source.compression is not None
        if not self._head:
            if unpacked:
                return NotACapture(
                    f"{name} holds no data: its {self._source.compression} data is empty or "
                    "cut off before the first byte",
                    next_step,
                )
            return NotACapture(
                f"{name} is empty (0 bytes)",
                "Check that the capture program ran, had the rights to capture, and was stopped "
                "cleanly",
                "This is not a capture without traffic: that would have a header",
            )
        if self._head.lstrip()[:1] == b"{":
            return JsonText(
                f"{name} is JSON text", f"{next_step}, or the report.json of one", head=self._head
            )
        for start, what in _FOREIGN.items():
            if self._head.startswith(start):
                return NotACapture(f"{name} is {what}", next_step)
        return NotACapture(
            f"{name} is not a capture file: its first bytes are those of neither pcap nor pcapng",
            next_step,
            "The file could be read: this is no problem of permissions",
        )

    def __iter__(self) -> Iterator[Batch]:
        """Batches in file order; offsets count within each batch's own `data`."""
        walker = self._walker
        data, self._head = self._head, b""
        try:
            while True:
                runs, used = walker.walk(data)
                for run in runs:
                    yield self._batch(data, run)
                if walker.ended:
                    self._cut = self._ended_early()
                    self._source.exhaust()
                    return
                rest = data[used:]
                data = self._more(rest, walker.needed)
                if len(data) == len(rest):
                    self._cut = walker.finish(rest)
                    self._source.exhaust()
                    return
        finally:
            self.close()

    def _batch(self, data: bytes, run: Run) -> Batch:
        records = run.records
        first, last, _ = span(records, 0)
        if first < 0 or last > _LATEST:
            for at in records.keep_times(0, _LATEST):
                self._faults.note("time-out-of-range", self._stamps.packets + at + 1)
        first_packet = packet_reference(self.file_index, self._stamps.packets + 1)
        self._stamps.take(records)
        return Batch(
            data, records, run.link_type, first_packet, run.comments, run.counted_cuts,
            self.take_marks(),
        )  # fmt: skip

    def take_marks(self) -> tuple[bytes, ...]:
        """What the file says of stretches that are blank in it, as far as no batch has it."""
        marks = self._walker.carried.marks
        if not marks:
            return ()
        taken = tuple(marks)
        marks.clear()
        return taken

    def _more(self, rest: bytes, needed: int) -> bytes:
        """`rest` and what follows it, at least `needed` bytes if the file has them."""
        data = self._source.read_behind(rest, self._read_size)
        if len(rest) < len(data) < needed:
            parts, length = [data], len(data)
            while length < needed and (part := self._source.read(self._read_size)):
                parts.append(part)
                length += len(part)
            data = b"".join(parts)
        self._progress()
        return data

    def _progress(self) -> None:
        read = self._source.bytes_read
        if self._on_progress is not None and read > self._reported:
            self._on_progress(read - self._reported)
        self._reported = read

    def _ended_early(self) -> str:
        fault = self._walker.faults[-1]
        return f"after packet {self._stamps.packets}: {fault.name} ({fault.detail})"

    def close(self) -> None:
        """Close the file; done by itself at the end of the iteration."""
        self._source.close()

    @property
    def faults(self) -> list[Fault]:
        """What was wrong with the file itself, the compression's faults first."""
        reference = packet_reference(self.file_index, self._stamps.packets + 1)
        found = [Fault(name, reference, detail) for name, detail in self._source.faults]
        return found + self._faults + self._walker.faults

    def track_interfaces(self) -> list[tuple[int, int]]:
        """From now on, where the interface changes: (packet number, index in `interfaces`).

        The caller takes entries out as it reads; call before iterating.
        """
        changes = self._walker.changes = []
        return changes

    @property
    def secrets(self) -> list[DecryptionSecrets]:
        """The decryption secrets blocks, in file order."""
        return self._walker.carried.secrets

    @property
    def dropped_by_kernel(self) -> int | None:
        """Packets that the capturing system dropped; None if the file does not say."""
        return self._walker.dropped

    @property
    def owed(self) -> tuple[bool, ...]:
        """For each of `interfaces`, whether the end that its section promises is not there."""
        return self._walker.owed()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The capture interfaces that the file describes."""
        return self._walker.interfaces()

    @property
    def capture_filter(self) -> str | None:
        """The capture filters that the file names, each once; None if it names none."""
        filters = dict.fromkeys(i.filter for i in self.interfaces if i.filter)
        return "; ".join(filters) or None

    @property
    def capture_file(self) -> CaptureFile:
        """What the file is, as far as it was read.

        `cut` says where it stops being readable: the cause nearest the disk
        first, then where among the packets that is.
        """
        causes = [
            f"{name} ({detail})" for name, detail in self._source.faults if name not in _HARMLESS
        ]
        return CaptureFile(
            name=self.name,
            format=self._walker.format,
            compression=self._source.compression,
            packets=self._stamps.packets,
            bytes=self._source.bytes_read,
            started_at=self._stamps.covered.earliest,
            ended_at=self._stamps.covered.latest,
            interfaces=self.interfaces,
            comments=self._walker.comments,
            decryption_secrets=len(self._walker.carried.secrets),
            cut="; ".join([*causes, self._cut] if self._cut else causes) or None,
            unended=any(self._walker.owed()),
            sha256=self._source.sha256,
        )


def open_captures(
    paths: Sequence[str | Path],
    on_progress: Callable[[int], None] | None = None,
    stop: Stop | None = None,
    *,
    hashed: bool = False,
) -> list[CaptureReader]:
    """A reader for each path (`-` is standard input), indexed in the order given.

    Pipes are read until their end, or until `stop` is asked.  With `hashed` each file's digest is
    made while it is read.

    Raises `CaptureError` for the first that cannot be read or is no capture;
    those opened before it are closed.
    """
    read_size = max(_SMALLEST_READ, min(READ_SIZE, _BUFFERS // max(1, len(paths))))
    readers: list[CaptureReader] = []
    try:
        for index, path in enumerate(paths):
            source = open_source(path, stop, hashed=hashed)
            try:
                readers.append(
                    CaptureReader(source, str(path), index, on_progress, read_size=read_size)
                )
            except BaseException:
                source.close()
                raise
    except BaseException:
        for reader in readers:
            reader.close()
        raise
    return readers


def merged(readers: Iterable[CaptureReader]) -> Iterator[Batch]:
    """The batches of all readers, merged by time record by record.

    The order within a file is kept even where its times go back.  Of equal
    times the file given first comes first.  One batch a file is held.
    """
    iterators = [iter(reader) for reader in readers]
    if len(iterators) == 1:
        yield from iterators[0]
        return
    heads: list[tuple[int, int, Batch, int]] = []
    for index, iterator in enumerate(iterators):
        batch = next(iterator, None)
        if batch is not None:
            heads.append((batch.records[0][0], index, batch, 0))
    heapq.heapify(heads)
    while heads:
        _, index, batch, at = heapq.heappop(heads)
        records = batch.records
        until = _run_end(records, at, heads[0][:2], index) if heads else len(records)
        yield batch.part(at, until)
        if until < len(records):
            heapq.heappush(heads, (records[until][0], index, batch, until))
            continue
        following = next(iterators[index], None)
        if following is not None:
            heapq.heappush(heads, (following.records[0][0], index, following, 0))


def _run_end(records: Sequence[Record], at: int, other: tuple[int, int], index: int) -> int:
    """How far the file `index` may go on from `at` before the file `other` has its turn."""
    time, other_index = other
    bound = time if index < other_index else time - 1
    end = len(records)
    while at < end and records[at][0] <= bound:
        at += 1
    return at
