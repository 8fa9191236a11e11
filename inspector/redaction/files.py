"""A capture file without its credentials: read, written, and audited.

What is kept: packets with their numbers, times and lengths, interfaces, drop
counts, comments (scrubbed).  What is not: section comments, name resolution,
and the decryption secrets, which would open what was sent inside TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

from inspector.credentials.masking import Masker
from inspector.errors import InspectorError
from inspector.model.capture import CaptureFile, Interface
from inspector.pcap.block_types import ENHANCED_PACKET
from inspector.pcap.locate import locate
from inspector.pcap.pipes import is_read_once
from inspector.pcap.reader import open_captures
from inspector.pcap.writer import APPLICATION, PcapngWriter
from inspector.redaction.audit import Audited
from inspector.redaction.copies import audit, promise
from inspector.redaction.redactor import Redactor
from inspector.redaction.summary import RedactionSummary
from inspector.secrets.vault import Vault
from inspector.wire import FILE_SHIFT, Batch

_NUMBER: Final = (1 << FILE_SHIFT) - 1


def redact_into(
    path: str | Path,
    out: BinaryIO,
    *,
    auth_headers: Iterable[str] = (),
    kept_headers: Iterable[str] = (),
    keep_bodies: bool = False,
    keep_ciphertext: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> RedactionSummary:
    """Write the capture `path` without credentials as pcapng into `out`, and audit that.

    `out` is open for reading and writing, and empty.  The capture is read once: what is granted
    is no key, whatever is learnt later.  Only for `keep_bodies`, which keeps what nobody granted,
    it is read for its credentials first, if it can be read twice.  Raises `CaptureError` when it
    cannot be read.
    """
    headers, kept = tuple(auth_headers), tuple(kept_headers)
    names = locate(path).captures
    if len(names) != 1:
        raise InspectorError(
            f"{path} holds {len(names)} captures",
            "Name one of them",
            "Nothing was written",
        )
    name = names[0]

    def made(known: Vault | None) -> Redactor:
        return Redactor(
            auth_headers=headers,
            kept_headers=kept,
            keep_bodies=keep_bodies,
            keep_ciphertext=keep_ciphertext,
            vault=known,
        )

    vault = None
    if keep_bodies and not is_read_once(name):
        first = made(None)
        study(name, first)
        vault = first.masker.vault
    redactor = made(vault)
    _write(name, out, redactor, on_progress)
    out.flush()
    redactor.summary.audit = audited(name, out, redactor, 0)
    return redactor.summary


def audited(name: str, out: BinaryIO, redactor: Redactor, index: int) -> Audited:
    """Audit what was written of the capture `name`, the file of this number in its reading.

    It is held against the capture, if that can be read again.
    """
    vault = redactor.masker.vault
    if is_read_once(name):
        return audit([out], vault)
    [reader] = open_captures([name])
    try:
        return audit([out], vault, source=reader, recoded=redactor.recoded_of(index))
    finally:
        reader.close()


def study(
    name: str,
    redactor: Redactor,
    look: Callable[[Batch], None] = lambda batch: None,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Learn every credential of a capture, wherever in it each is met; `look` sees its packets."""
    [reader] = open_captures([name], on_progress)
    try:
        for batch in reader:
            look(batch)
            for _ in redactor.feed(batch):
                pass
        for _ in redactor.finish():
            pass
    finally:
        reader.close()


def _write(
    name: str,
    out: BinaryIO,
    redactor: Redactor,
    on_progress: Callable[[int], None] | None,
) -> None:
    [reader] = open_captures([name], on_progress)
    write_copy(reader, out, redactor)


def write_copy(reader: PacketSource, out: BinaryIO, redactor: Redactor) -> None:
    """Write what a capture holds, masked, and close it."""
    try:
        writer = CopyWriter(out, reader, redactor.masker)
        writer.mark((redactor.statement,))
        for batch in reader:
            for ready in redactor.feed(batch):
                writer.write(ready)
        redactor.source.note_marks(reader.take_marks(), 0)
        for ready in redactor.finish():
            writer.write(ready)
        writer.mark(redactor.take_marks(0))
        writer.end()
    finally:
        reader.close()


class PacketSource(Protocol):
    """A capture that is copied: its packets, and what it says of them (`CaptureReader`)."""

    def __iter__(self) -> Iterator[Batch]: ...

    def track_interfaces(self) -> list[tuple[int, int]]:
        """From now on, where the interface changes."""

    def take_marks(self) -> tuple[bytes, ...]:
        """What the file says of stretches that are blank in it."""

    @property
    def interfaces(self) -> tuple[Interface, ...]: ...

    @property
    def owed(self) -> tuple[bool, ...]: ...

    @property
    def capture_file(self) -> CaptureFile: ...

    def close(self) -> None:
        """Close the file."""


class CopyWriter:
    """Packets under the interface that they were captured on."""

    def __init__(self, out: BinaryIO, reader: PacketSource, masker: Masker) -> None:
        self.pcapng = PcapngWriter(out, comments=[promise()], application=APPLICATION)
        self._out = out
        self._reader = reader
        self._masker = masker
        self._changes = reader.track_interfaces()
        self._described = 0
        self._interface = 0

    def write(self, batch: Batch) -> None:
        """One batch; its packets come in the order of their numbers."""
        self._describe()
        self.mark(batch.marks)
        number = batch.first_packet & _NUMBER
        changes, begin, end = self._changes, 0, len(batch.records)
        while changes and changes[0][0] < number + end:
            at = max(begin, changes[0][0] - number)
            self.pcapng.packets(batch, begin, at, self._interface)
            self._interface = changes.pop(0)[1]
            begin = at
        self.pcapng.packets(batch, begin, end, self._interface)

    def mark(self, texts: Iterable[bytes]) -> None:
        """What the copy says of itself."""
        for text in texts:
            self.pcapng.mark(text)

    def end(self) -> None:
        """Write the interface statistics, unless the input was cut or has no end."""
        self._describe()
        interfaces = zip(self._reader.interfaces, self._reader.owed, strict=True)
        for index, (interface, owed) in enumerate(interfaces):
            if not owed:
                self.pcapng.statistics(
                    interface=index, received=interface.received, dropped=interface.dropped
                )
        if self._reader.capture_file.cut is not None:
            order: Literal["little", "big"] = "little" if self.pcapng.order == "<" else "big"
            self._out.write(ENHANCED_PACKET.to_bytes(4, order) + (32).to_bytes(4, order) + bytes(4))

    def _describe(self) -> None:
        interfaces = self._reader.interfaces
        for interface in interfaces[self._described :]:
            self.pcapng.interface(
                interface.link_type,
                snap_length=interface.snap_length or 0,
                name=self._scrubbed(interface.name),
                filter=self._scrubbed(interface.filter),
            )
        self._described = len(interfaces)

    def _scrubbed(self, text: str | None) -> str | None:
        return None if text is None else self._masker.granted_words_of(text)
