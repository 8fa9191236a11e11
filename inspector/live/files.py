"""The pcapng of a live capture: one file, or a ring of files, whole at every moment.

Every write is of whole blocks.  When the disk refuses in the middle of one, the
file is cut back to the last whole block: a reader never meets half of anything.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from inspector.artifacts import descend, others_can_write
from inspector.errors import InspectorError, plain_parts
from inspector.exchanges.marks import Copied, read
from inspector.fact import Fact
from inspector.live.numbering import file_of
from inspector.live.source import Counters
from inspector.model.capture import CaptureFile, Interface
from inspector.pcap.blocks import block_length, packet_blocks
from inspector.pcap.options import COMMENT
from inspector.pcap.stamps import Covered
from inspector.pcap.writer import APPLICATION, SNAP_LENGTH, PcapngWriter
from inspector.wire import Batch, packed_records

#: Little-endian whatever the machine: an option's code and length.
_OPTION: Final = Struct("<HH")
#: An option's length has 16 bits.
_LONGEST_COMMENT: Final = 0xFFFF


class OutputError(InspectorError):
    """A file or directory that cannot be written."""


class Described(Fact):
    """What an interface block says (pcapng 4.2)."""

    name: str
    link_type: int
    snap_length: int = SNAP_LENGTH
    filter: str | None = None


class Rotation(Fact):
    """A ring of files: the next begins before `size` bytes are exceeded; `count` are kept."""

    size: int
    count: int | None = None


def create(path: Path) -> int:
    """A new file for this user alone; its descriptor.

    Always a new file: one that stands there is replaced, so neither a link that
    somebody laid nor a file that somebody else can read is ever written through.
    A pipe or a device is taken as it is, but behind a link only where nobody
    else could have laid it.  Raises `OutputError`, and `ArtifactError` for a link
    on the way that somebody else could have laid.
    """
    try:
        place = descend(path.parent)
        try:
            if _is_stream(place, path.name):
                return os.open(path.name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=place)
            with suppress(FileNotFoundError):
                os.unlink(path.name, dir_fd=place)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(path.name, flags, 0o600, dir_fd=place)
        finally:
            os.close(place)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}",
            "Give a place that the invoking user can write with -w or -o",
            "Nothing was captured yet",
        ) from error


def _again(path: Path, made: tuple[int, int]) -> int:
    """A file that was made here, opened once more: that very file, or OSError."""
    place = descend(path.parent)
    try:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path.name, flags, dir_fd=place)
    finally:
        os.close(place)
    about = os.fstat(descriptor)
    if (about.st_dev, about.st_ino) != made:
        os.close(descriptor)
        raise OSError(errno.ESTALE, "it is not the file that was written any more", str(path))
    return descriptor


def _is_stream(place: int, name: str) -> bool:
    """Whether what stands there is no file (a directory fails when it is opened)."""
    try:
        mode = os.stat(name, dir_fd=place, follow_symlinks=not others_can_write(place)).st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


class CaptureFiles:
    """Writes batches into `path`, or into a ring of files named after it.

    The packets' references say which file of the ring they go into.
    `statistics` is asked for each interface's totals when a file ends; a file
    states what was received and dropped while it was written.
    """

    def __init__(
        self,
        path: Path,
        statistics: Callable[[int], Counters],
        *,
        rotation: Rotation | None = None,
        comment: str | None = None,
        statement: bytes | None = None,
    ) -> None:
        self._path = path
        self._interfaces: list[Described] = []
        self._statistics = statistics
        self._rotation = rotation
        self._comment = comment
        self._statement = statement
        #: (received, dropped) that earlier files of the ring have stated, by interface.
        self._told: list[tuple[int, int]] = []
        self._kept: list[Path] = []
        #: Device and inode of each file that is kept, as it was made.
        self._made: dict[Path, tuple[int, int]] = {}
        self.finished: list[CaptureFile] = []
        #: Why nothing more is written; None as long as all is well.
        self.failed: OSError | None = None
        self.removed = 0
        self._begin(0)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are there."""
        return tuple(self._kept)

    def add_interface(self, described: Described) -> None:
        """A further interface; packets name it by its place in the order of these calls."""
        self._interfaces.append(described)
        self._told.append((0, 0))
        file = self._file
        if file is None or self.failed is not None:
            return
        self._describe(described)
        try:
            file.flush()
        except OSError as error:
            file.whole([])
            self._fail(error)

    def write(self, batch: Batch, interface: int) -> None:
        """Append packets; after a failure they are passed over."""
        index = file_of(batch.first_packet)
        while index > self._index and self.failed is None:
            self._end()
            if self.failed is None:
                self._begin(self._index + 1)
        self.mark(batch.marks)
        if self.failed is None:
            self._packets(batch, interface)

    def mark(self, texts: Sequence[bytes]) -> None:
        """Say of stretches why they are blank; after a failure they are passed over."""
        file = self._file
        if not texts or file is None or self.failed is not None:
            return
        for text in texts:
            self._writer.mark(text)
        try:
            file.flush()
        except OSError as error:
            file.whole([])
            self._fail(error)

    def close(self) -> None:
        """Write the statistics and end the file.  Idempotent."""
        if self._file is not None:
            self._end()

    @contextmanager
    def reopened(self) -> Iterator[list[BinaryIO]]:
        """The files that are there, in order, to be read and changed in place once they are ended.

        A pipe or a device is none.  Raises OSError when something else stands in
        a file's place by now, and `ArtifactError` for a link on the way to it.
        """
        with ExitStack() as held:
            yield [
                held.enter_context(os.fdopen(_again(path, self._made[path]), "r+b"))
                for path in self._kept
                if path in self._made
            ]

    # -- one file ----------------------------------------------------------

    def _begin(self, index: int) -> None:
        path = self._path if self._rotation is None else _numbered(self._path, index + 1)
        try:
            descriptor = create(path)
        except OutputError as error:
            if index == 0 or not isinstance(error.__cause__, OSError):
                raise
            self._file: _WholeBlocks | None = None
            self.failed = error.__cause__
            return
        file = _WholeBlocks(descriptor)
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode):
            self._made[path] = (about.st_dev, about.st_ino)
        self._file, self._index = file, index
        self._count = self._comments = 0
        self._covered = Covered()
        self._kept.append(path)
        try:
            comments = () if self._comment is None else (self._comment,)
            self._writer = PcapngWriter(file, comments=comments, application=APPLICATION)
            if self._statement is not None:
                self._writer.mark(self._statement)
            for described in self._interfaces:
                self._describe(described)
            file.flush()
        except OSError as error:
            file.whole([])
            self._fail(error)
        self._forget_oldest()

    def _describe(self, described: Described) -> None:
        self._writer.interface(
            described.link_type,
            snap_length=described.snap_length,
            name=described.name,
            filter=described.filter,
        )

    def _forget_oldest(self) -> None:
        count = None if self._rotation is None else self._rotation.count
        while count is not None and len(self._kept) > count:
            oldest = self._kept.pop(0)
            oldest.unlink(missing_ok=True)
            self._made.pop(oldest, None)
            self.removed += 1

    def _packets(self, batch: Batch, interface: int) -> None:
        file = self._file
        if file is None:
            return
        comments, count = batch.comments, len(batch.records)
        options = {at: _comment_options(texts) for at, texts in comments.items()}
        blocks = packet_blocks(batch, 0, count, interface, "<", options)
        try:
            file.write(blocks)
            file.flush()
            written = count
        except OSError as error:
            written = file.whole(
                [
                    block_length(captured, options.get(at, b""))
                    for at, (_, _, captured, _) in enumerate(batch.records)
                ]
            )
            self._fail(error)
        if written:
            self._covered.take(packed_records(batch.records[:written]))
            self._count += written
            self._comments += sum(len(texts) for at, texts in comments.items() if at < written)

    def _fail(self, error: OSError) -> None:
        self.failed = error

    def _end(self) -> None:
        file = self._file
        if file is None:
            return
        counts: list[tuple[int, int]] = []
        for index in range(len(self._interfaces)):
            now, before = self._statistics(index), self._told[index]
            counts.append((now.received - before[0], now.dropped - before[1]))
            self._told[index] = (now.received, now.dropped)
        if self.failed is None:
            for index, (received, dropped) in enumerate(counts):
                self._writer.statistics(interface=index, received=received, dropped=dropped)
            try:
                file.flush()
            except OSError as error:
                file.whole([])
                self._fail(error)
        kept = None if self._statement is None else read(self._statement)
        # A file that lacks packets has no end, so that its reader knows.
        told = counts if self.failed is None else [(None, None)] * len(counts)
        facts = [
            Interface(i.name, i.link_type, i.snap_length, i.filter, *count)
            for i, count in zip(self._interfaces, told, strict=True)
        ]
        file.close()
        self._file = None
        self.finished.append(
            CaptureFile(
                name=plain_parts(str(self._kept[-1])),
                format="pcapng",
                compression=None,
                packets=self._count,
                bytes=file.size,
                started_at=self._covered.earliest,
                ended_at=self._covered.latest,
                interfaces=tuple(facts),
                comments=self._comments + (self._comment is not None),
                decryption_secrets=0,
                cut=None,
                redacted=kept.fact if isinstance(kept, Copied) else None,
            )
        )


class _WholeBlocks:
    """A descriptor that is written block by block; `BinaryIO` as far as a writer needs it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = b""
        self._landed = 0
        self.size = 0

    def write(self, data: bytes | bytearray) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Hand everything over.  Raises OSError; then `whole` must be called."""
        waiting, self._waiting = memoryview(self._waiting), b""
        self._landed = 0
        while self._landed < len(waiting):
            self._landed += os.write(self._descriptor, waiting[self._landed :])
        self.size += len(waiting)

    def whole(self, lengths: Sequence[int]) -> int:
        """After a failure: keep the blocks that landed as a whole; how many these are."""
        kept = size = 0
        for length in lengths:
            if size + length > self._landed:
                break
            size += length
            kept += 1
        self.size += size
        if self._landed > size:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
        return kept

    def close(self) -> None:
        os.close(self._descriptor)


def _comment_options(texts: Sequence[str]) -> bytes:
    """opt_comment for each text, and the end of options (pcapng 3.5)."""
    parts = []
    for text in texts:
        value = text.encode("utf-8", "backslashreplace")[:_LONGEST_COMMENT]
        parts.append(_OPTION.pack(COMMENT, len(value)) + value + bytes(-len(value) % 4))
    return b"".join(parts) + bytes(4)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number:05d}{path.suffix}")
